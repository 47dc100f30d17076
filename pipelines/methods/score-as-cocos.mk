# SPDX-License-Identifier: MIT
# SCoRe as CoCoS's baseline has it: Stage I alone; only the second attempt's tokens are trained, and
# what the first one's KL estimate costs is taken off the second one's return.
override STAGE1 := $(shell echo $$(($(STAGE1) + $(STAGE2))))
override STAGE2 := 0
ROLLOUT = pipelines/methods/score-as-cocos.sh
override BONUS1 := --stage 1 --return pipelines/methods/score-as-cocos.jq
SNAPSHOTS = base stage1
KL_CURVES = {"attempt 2": .kl[1]}
