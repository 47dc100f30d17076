# SPDX-License-Identifier: MIT
# "Try again" after wrong answers only, up to three attempts; sooner is better.
include pipelines/methods/plain.mk
PROMPTS = pipelines/methods/ufo.prompts.jq
ROLLOUT = pipelines/methods/ufo.sh
override BONUS2 := --return pipelines/methods/ufo.jq
EVAL_SAMPLE += --turns 2
