# SPDX-License-Identifier: MIT
# Ablation: Stage II from the base model on, as many steps.
override STAGE2 := $(shell echo $$(($(STAGE1) + $(STAGE2))))
override STAGE1 := 0
SNAPSHOTS = base stage2
