#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems of repair, as in the paper's MBPP-R: a wrong first attempt is given, and what is left is
# to mend it.
# usage: repairs.sh STORE SNAPSHOT PROBLEMS.jsonl [options of score-sample] >REPAIRS.jsonl
#
# Each problem with the first of its attempts by SNAPSHOT (--samples of them) that is wrong, as a
# given turn; a problem without one is left out. Their Acc@t2 is the share that is repaired.
# Settings from the environment: SAMPLE, VERIFIER, VERIFY as in score.sh.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
(($# >= 3)) || { sed -n 5p "$0" >&2; exit 2; }
store=$1 snapshot=$2 problems=$3
shift 3
sample=() verifier=()
words sample "${SAMPLE-}"
words verifier "${VERIFIER:-score-verify} ${VERIFY-}"

# shellcheck disable=SC2016
tied score-sample -w "$store" -s "$snapshot" "${sample[@]}" "$@" --turns 1 "$problems" |
	tied "${verifier[@]}" |
	tied jq -cn 'foreach (inputs | select(.turns[0].reward == 0)) as $t ({};
		.first = (.seen[$t.id] | not) | .seen[$t.id] = true;
		select(.first) | $t | del(.sample, .group, .seed, .batch)
			| .turns |= [.[0] | {prompt, response, given: true}])'
