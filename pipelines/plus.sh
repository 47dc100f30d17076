#!/bin/sh
# SPDX-License-Identifier: MIT
# What stricter tests make of responses that were judged by the base tests: accuracies under both,
# and the share of base passes that the stricter tests refute.
# usage: plus.sh PLUS.problems VERIFIED.jsonl
#
# PLUS.problems has the problems of the trajectories in VERIFIED.jsonl, under the same ids, with
# other tests (problems/evalplus --tests plus). Prints {"base", "plus": score-eval's objects,
# "refuted": for each attempt {"passes": how many passed the base tests, "refuted": how many of them
# fail, "share": {value, lo, hi}}}: the mean over problems with such a pass, as all of score-eval's
# figures. A pass that has no second verdict (null) counts in neither. VERIFY: options of
# score-verify.
set -eu
[ $# -eq 2 ] || { sed -n 5p "$0" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

jq -cn --slurpfile plus "$1" '($plus | map({(.id): .}) | add) as $of | inputs
	| $of[.id] as $plus
	| if $plus.tests then $plus + . + {tests: $plus.tests}
	  else error("\(.id) has no plus tests") end' "$2" >"$work/asked"
# shellcheck disable=SC2086  # options
score-verify --redo ${VERIFY-} "$work/asked" >"$work/plus"
jq -cn --slurpfile base "$2" '[inputs], $base' "$work/plus" | jq -cs '
	transpose[] | {id: .[0].id, pairs: ([.[0].turns, .[1].turns] | transpose)}' >"$work/pairs"

turns=$(jq -n '[inputs.pairs | length] | max // 0' "$work/pairs")
turn=0
while [ "$turn" -lt "$turns" ]; do
	jq -c --argjson t "$turn" '.pairs[$t] as [$plus, $base]
		| select($base.reward == 1 and $plus.reward != null)
		| {id, task: "code", prompt: "", sample: input_line_number,
			turns: [$plus + {reward: (1 - $plus.reward)}]}' "$work/pairs" >"$work/passes"
	if [ -s "$work/passes" ]; then score-eval "$work/passes"; else echo null; fi |
		jq -c --slurpfile all "$work/passes" '{passes: ($all | length),
			refuted: ([$all[].turns[0].reward] | add // 0), share: .acc_t1}'
	turn=$((turn + 1))
done >"$work/refuted"
jq -cn --slurpfile refuted "$work/refuted" '[inputs] as [$base, $plus]
	| {base: $base, plus: $plus, refuted: $refuted}' <<END
$(score-eval "$2")
$(score-eval "$work/plus")
END
