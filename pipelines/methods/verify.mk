# SPDX-License-Identifier: MIT
# Verify and correct in one dialogue, in the manner of S2R: judgements and the last answer earn.
include pipelines/methods/plain.mk
PROMPTS = pipelines/methods/pag.prompts.jq
override BONUS2 := --gamma 1 --return pipelines/methods/verify.jq
SAMPLE += --turns 3
EVAL_FILTER = jq -c '.turns |= [.[0], (.[2] // .[0])]'
