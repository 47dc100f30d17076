#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Supervised training on documents, trajectories that have their responses, in one stream of
# batches.
# usage: sft.sh STORE DOCUMENTS.jsonl STEPS BATCH [options of score-update]
#
# STEPS batches of BATCH documents from the store's step 0 on; goes on where the store is. Prints
# score-update's rows. Documents are trained as they are, whatever their number of turns: the model
# adds none (score-sample(1), --turns).
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
(($# >= 4)) || { sed -n 4p "$0" >&2; exit 2; }
store=$1 documents=$2 steps=$3 batch=$4
shift 4

lock "$store"
now=$(score-weights show -w "$store" | jq .step)
((now < steps)) || exit 0
tied score-draw -n "$batch" --steps "$now..$((steps - 1))" "$documents" |
	tied score-sample -w "$store" --turns 0 |
	tied score-update -w "$store" --objective nll "$@"
