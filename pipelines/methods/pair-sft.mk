# SPDX-License-Identifier: MIT
# Pair-SFT on D: a wrong answer paired with a right one of the same problem.
TRAINER = CHOOSE=pipelines/methods/pair-sft.jq pipelines/imitate.sh
SNAPSHOTS = base stage2
