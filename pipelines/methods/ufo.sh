#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories: attempts, each judged before the next.
# shellcheck source=pipelines/rollout.sh
. "$(dirname "$0")/../rollout.sh"
sample -n "$SAMPLES" --turns 1 | verify | sample --turns 2 | verify | sample --turns 3 | verify
