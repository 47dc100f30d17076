# SPDX-License-Identifier: MIT
# The demo's model and task with every method and three seeds (make results NAME=sums): about an
# hour on two cores.
include pipelines/experiments/demo.mk
TASK        = a + b, 100 to 499: first attempt without room for working
MODEL_NAME  = 0.3 million parameters, bytes, pre-trained by the experiment
TEST        = pipelines/problems/arithmetic --split test --seed 2 -n 1000
EVAL_SAMPLE = -n 2
METHODS     = score plain no-stage1 no-bonus single-turn given-first offline star-stage2 \
	interleaved three star star-plus pair-sft pair-sft-plus self-refine pag ufo reflect feedback \
	cocos verify score-as-pag score-as-cocos
SEEDS       = 0 1 2
