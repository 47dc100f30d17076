#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Supervised training on documents (trajectories whose turns are all given) in one stream of batches.
# usage: sft.sh STORE DOCUMENTS.jsonl STEPS BATCH [options of score-update]
#
# STEPS batches of BATCH documents from the store's step 0 on; goes on where the store is.
set -euo pipefail
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}      # filters share the cores: threads that wait must not spin
(($# >= 4)) || { sed -n 4p "$0" >&2; exit 2; }
store=$1 documents=$2 steps=$3 batch=$4
shift 4

now=$(score-weights show -w "$store" | jq .step)
((now < steps)) || exit 0
score-draw -n "$batch" --steps "$now..$((steps - 1))" "$documents" | score-sample -w "$store" |
	score-update -w "$store" --objective nll "$@"
