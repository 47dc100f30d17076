# SPDX-License-Identifier: MIT
# STaR on D: trajectories that go from a wrong answer to a right one.
TRAINER = CHOOSE=pipelines/methods/star.jq pipelines/imitate.sh
SNAPSHOTS = base stage2
