# SPDX-License-Identifier: MIT
# Three attempts.
TRAINER = pipelines/methods/three.sh
EVAL_SAMPLE += --turns 3
SNAPSHOTS = base attempt2 attempt3 stage2
