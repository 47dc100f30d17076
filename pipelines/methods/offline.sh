#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories, SAMPLES of each: the policy makes the first half; of the others
# the base model makes the first attempt, which is given. (A record that has a turn gets no first
# attempt from the base model.)
# shellcheck source=pipelines/rollout.sh
. "$(dirname "$0")/../rollout.sh"
by() { tied jq -c --unbuffered --argjson n "$SAMPLES" -f "${0%.sh}.$1.jq"; }
by split | sample -s base --turns 1 | by mark | sample | verify
