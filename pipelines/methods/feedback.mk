# SPDX-License-Identifier: MIT
# What the tests said stands in the next prompt; an attempt earns a part of what a later one does.
include pipelines/methods/plain.mk
PROMPTS = pipelines/methods/feedback.prompts.jq
ROLLOUT = pipelines/methods/ufo.sh
override BONUS2 := --return pipelines/methods/feedback.jq
EVAL_SAMPLE += --turns 2
