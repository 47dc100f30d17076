# SPDX-License-Identifier: MIT
# Plain multi-turn reinforcement learning: both attempts rewarded from the start, no bonus, as many
# steps.
override STAGE2 := $(shell echo $$(($(STAGE1) + $(STAGE2))))
override STAGE1 := 0
override BONUS2 := --alpha 0
SNAPSHOTS = base stage2
