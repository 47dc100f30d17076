# SPDX-License-Identifier: MIT
# Both stages in turn, $(ROUNDS) rounds of them in as many steps; the optimiser goes on.
ROUNDS := $(or $(ROUNDS),5)
override STAGE1 := $(shell echo $$(($(STAGE1) / $(ROUNDS))))
override STAGE2 := $(shell echo $$(($(STAGE2) / $(ROUNDS))))
UPDATE1 += --keep-optimizer
UPDATE2 += --keep-optimizer
SNAPSHOTS = base stage2
