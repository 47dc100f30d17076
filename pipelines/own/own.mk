# SPDX-License-Identifier: MIT
# An experiment of one's own: make experiment NAME=own CONFIG=own/own.mk
TRAIN      = cat own/train.jsonl
TEST       = cat own/test.jsonl
PROMPTS    = own/prompts.jq
VERIFIER   = own/words.py
MODEL_FILE = own/model.gguf
SAMPLE     = --max-tokens 24
STAGE1     = 20
STAGE2     = 20
PROBLEMS   = 8
SAMPLES    = 4
UPDATE1    = --lr 1e-5 --beta1 0.01 --beta2 0.1
UPDATE2    = --lr 1e-5 --beta1 0.01
