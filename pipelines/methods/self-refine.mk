# SPDX-License-Identifier: MIT
# Prompts alone: the model names the faults of its answer before it answers again. No training.
PROMPTS = pipelines/methods/self-refine.jq
TRAINER = true
EVAL_SAMPLE += --turns 3
SNAPSHOTS = base
EVAL_FILTER = jq -c '.turns |= [.[0], .[2]]'
