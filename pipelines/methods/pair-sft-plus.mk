# SPDX-License-Identifier: MIT
# Pair-SFT on D+: pairs of two right answers, too.
TRAINER = CHOOSE=pipelines/methods/pair-sft-plus.jq pipelines/imitate.sh
SNAPSHOTS = base stage2
