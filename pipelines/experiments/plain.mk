# SPDX-License-Identifier: MIT
# The demo's model under plain multi-turn reinforcement learning: no Stage I, no bonus, as many
# steps. What it learns is a good first answer and a copy of it.
include pipelines/experiments/demo.mk
FROM      = demo
STAGE1    = 0
STAGE2    = 110
BONUS2    = --alpha 0
SNAPSHOTS = base stage2
