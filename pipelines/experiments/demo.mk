# SPDX-License-Identifier: MIT
# make demo: three-digit sums, a byte-level model of 0.3 million parameters made from nothing. Its
# base copies its first answer; SCoRe teaches it to use the second attempt.
TRAIN     = pipelines/problems/arithmetic --split train --seed 1 -n 2000
TEST      = pipelines/problems/arithmetic --split test --seed 2 -n 2000
PROMPTS   = pipelines/demo/prompts.jq

INIT      = pipelines/demo/model.json
DOCUMENTS = pipelines/problems/arithmetic --split train --seed 3 -n 96000 | \
	jq -nc --argjson seed 1 -f pipelines/demo/documents.jq
PRETRAIN  = 500 192 --lr 3e-3 --adam-beta2 0.98 --warmup 50 --schedule cosine \
	--steps-total 500 --min-lr 1.5e-4 --commit-every 50

# Evaluated as trained, by sampling at temperature 1 (EVAL_SAMPLE = --greedy is the other way).
# Attempt 1: three characters, no room for working. Attempt 2: room for "07 09 13=803".
SAMPLE    = --max-tokens 3,13
STAGE1    = 80
STAGE2    = 30
PROBLEMS  = 16
SAMPLES   = 8
BONUS2    = --alpha 1.5
UPDATE1   = --lr 3e-4 --warmup 5 --beta1 0.04 --beta2 1.04
UPDATE2   = --lr 3e-4 --warmup 5 --beta1 0.04
# Three characters are a whole first attempt.
LIMITS    = --argjson truncated 1
# for METHOD=star and its like
SFT       = 100 64 --lr 3e-4 --warmup 5
