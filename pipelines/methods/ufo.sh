#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories: attempts, each judged before the next.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/../common.sh"
words sample "$SAMPLE"
words verifier "$VERIFIER $VERIFY"
attempt() { score-sample --seed "$SEED" "${sample[@]}" "$@" | "${verifier[@]}"; }
attempt -n "$SAMPLES" --turns 1 | attempt --turns 2 | attempt --turns 3
