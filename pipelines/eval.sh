#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Evaluation of a snapshot on a problem file.
# usage: eval.sh STORE SNAPSHOT PROBLEMS.jsonl OUT [options of score-sample]
#
# Writes OUT.jsonl (the verified trajectories) and prints score-eval's object, which is also
# OUT.json. Wherever it stops, the two belong together if both are there; a second evaluation with
# the same OUT waits for the first (OUT.lock). Settings from the environment: SAMPLE, VERIFIER,
# VERIFY as in score.sh; EVAL: options of score-eval; EVAL_FILTER: a filter before that, such as one
# that leaves two turns of three.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
(($# >= 4)) || { sed -n 4p "$0" >&2; exit 2; }
store=$1 snapshot=$2 problems=$3 out=$4
shift 4
sample=() verifier=() eval=() filter=()
words sample "${SAMPLE-}"
words verifier "${VERIFIER:-score-verify} ${VERIFY-}"
words eval "${EVAL-}"
words filter "${EVAL_FILTER:-cat}"
lock "$out.lock"

# one progress line, the sampler's: the verifier sees no terminal
tied score-sample -w "$store" -s "$snapshot" "${sample[@]}" "$@" "$problems" |
	tied "${verifier[@]}" >"$out.jsonl.part" 2> >(exec cat >&2)
"${filter[@]}" <"$out.jsonl.part" | score-eval "${eval[@]}" >"$out.json.part"
rm -f "$out.json"
mv "$out.jsonl.part" "$out.jsonl"
mv "$out.json.part" "$out.json"
cat "$out.json"
