# SPDX-License-Identifier: MIT
# Every part of an experiment in a few seconds; it is too short to teach anything.
TRAIN     = pipelines/problems/arithmetic --min 0 --max 4 --held-out 40 --split train -n 10
TEST      = pipelines/problems/arithmetic --min 0 --max 4 --held-out 40 --split test -n 8
PROMPTS   = pipelines/demo/prompts.jq

INIT      = pipelines/experiments/tiny.json
DOCUMENTS = pipelines/problems/arithmetic --min 0 --max 4 --held-out 40 --split train -n 10 | \
	jq -c '{id, turns: [{prompt, response: .answer, given: true}, \
		{prompt: "?", response: "=\(.answer)", given: true}]}'
PRETRAIN  = 20 8 --lr 1e-2 --commit-every 5

SAMPLE    = --max-tokens 1,2
STAGE1    = 2
STAGE2    = 2
PROBLEMS  = 4
SAMPLES   = 4
BONUS2    = --alpha 1.5
UPDATE1   = --lr 1e-3 --beta1 0.04 --beta2 1
UPDATE2   = --lr 1e-3 --beta1 0.04
