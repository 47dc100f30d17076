#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories, SAMPLES of each: the first half are the policy's; of the others
# the base model makes the first attempt, which is given, and the policy the second.
# shellcheck source=pipelines/rollout.sh
. "$(dirname "$0")/../rollout.sh"
half=$((SAMPLES / 2)) problems=$(cat)
group() { # FROM JQ
	jq -c --argjson from "$1" --argjson n "$SAMPLES" ".sample += \$from | .group = \$n $2"
}
{
	sample -n $half <<<"$problems" | group 0 ''
	sample -n $((SAMPLES - half)) -s base --turns 1 <<<"$problems" |
		group $half '| .turns[0].given = true' | sample
} | verify
