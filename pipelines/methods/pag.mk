# SPDX-License-Identifier: MIT
# The policy judges its answer, and answers again only where it found it wrong.
include pipelines/methods/plain.mk
PROMPTS = pipelines/methods/pag.prompts.jq
override BONUS2 := --alpha 1 --return pipelines/methods/pag.jq
SAMPLE += --turns 3
EVAL_FILTER = jq -c '.turns |= [.[0], (.[2] // .[0])]'
