# SPDX-License-Identifier: MIT
# make demo MODEL=smollm2, MODEL=/path/to.gguf or MODEL=/a/Hugging-Face/directory: three whole steps
# of reinforcement learning on two-digit sums, and an evaluation before and after. It shows that the
# loop runs, not that three steps teach.
R         = run/real-$(patsubst %.gguf,%,$(notdir $(MODEL:/=)))
TRAIN     = pipelines/problems/arithmetic --min 10 --max 99 --split train --seed 1 -n 500
TEST      = pipelines/problems/arithmetic --min 10 --max 99 --split test --seed 2 -n 64
PROMPTS   = pipelines/demo/chat.jq

ifeq ($(MODEL),smollm2)
MODEL_FILE = $(or $(SCORE_MODELS),run/models)/smollm2-135m-instruct-q4_1.gguf
$(MODEL_FILE):
	pipelines/fetch-smollm2 $@
else
MODEL_FILE = $(MODEL)
endif

# At temperature 1 a model of 135 million parameters hardly ever says a number.
SAMPLE    = -T 0.3 --max-tokens 24,48
EVAL_SAMPLE = --greedy
STAGE1    = 1
STAGE2    = 2
PROBLEMS  = 8
SAMPLES   = 4
BONUS2    = --alpha 10
UPDATE1   = --lr 5e-6 --beta1 0.01 --beta2 0.1
UPDATE2   = --lr 5e-6 --beta1 0.01
SNAPSHOTS = base stage2
