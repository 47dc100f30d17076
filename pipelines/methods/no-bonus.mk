# SPDX-License-Identifier: MIT
# Ablation: no bonus for progress in Stage II.
override BONUS2 := --alpha 0
