# SPDX-License-Identifier: MIT
# After a wrong answer the policy reflects, then tries again: only the reflection is trained.
include pipelines/methods/plain.mk
PROMPTS = pipelines/methods/reflect.prompts.jq
ROLLOUT = pipelines/methods/ufo.sh
override BONUS2 := --return pipelines/methods/reflect.jq
EVAL_SAMPLE += --turns 3
EVAL_FILTER = jq -c '.turns |= [.[0], (.[2] // .[0])]'
KL_CURVES = {"reflection": .kl[1]}
