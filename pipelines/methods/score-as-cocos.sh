#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories that say what the base model thinks of them, too.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/../common.sh"
words sample "$SAMPLE"
words verifier "$VERIFIER $VERIFY"
score-sample --seed "$SEED" "${sample[@]}" -n "$SAMPLES" | score-logprob -s base |
	"${verifier[@]}"
