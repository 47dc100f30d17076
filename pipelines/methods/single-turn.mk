# SPDX-License-Identifier: MIT
# Reinforcement learning of the first attempt alone; evaluated with two.
include pipelines/methods/plain.mk
SAMPLE += --turns 1
EVAL_SAMPLE += --turns 2
