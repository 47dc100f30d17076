#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories: the base model's first attempts, the policy's second ones.
# shellcheck source=pipelines/rollout.sh
. "$(dirname "$0")/../rollout.sh"
sample -n "$SAMPLES" -s base --turns 1 | tied jq -c --unbuffered '.turns[0].given = true' |
	sample | verify
