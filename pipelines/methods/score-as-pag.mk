# SPDX-License-Identifier: MIT
# SCoRe as PAG's baseline has it: Stage I rewards the first attempt, too; alpha 1 and no KL in
# Stage II.
override BONUS1 := --alpha 0 --return '[.turns[].reward]'
override BONUS2 := --alpha 1
override UPDATE2 := $(filter-out --beta1=%,$(UPDATE2)) --beta1 0
