# SPDX-License-Identifier: MIT
# STaR on D+: trajectories whose second attempt is right.
TRAINER = CHOOSE=pipelines/methods/star-plus.jq pipelines/imitate.sh
SNAPSHOTS = base stage2
