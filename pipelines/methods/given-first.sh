#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories: the base model's first attempts, the policy's second ones.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/../common.sh"
words sample "$SAMPLE"
words verifier "$VERIFIER $VERIFY"
score-sample --seed "$SEED" "${sample[@]}" -n "$SAMPLES" -s base --turns 1 |
	jq -c --unbuffered '.turns[0].given = true' |
	score-sample --seed "$SEED" "${sample[@]}" | "${verifier[@]}"
