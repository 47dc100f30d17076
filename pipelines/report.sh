#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A page on one or several runs: tables, pictures, warnings, trajectories of the last evaluation.
# usage: report.sh OUT.html RUN...
#
# The page is a single file without scripts; it loads nothing. It has the results (results.sh) of
# the first run's experiment too, where there are some. Runs whose names differ in a number at the
# end are seeds: their curves are one, with their range as a band. The curves alone: OUT.svg.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
shopt -s inherit_errexit
(($# >= 2)) || { sed -n "s|^# usage: |usage: |p" "$0" >&2; exit 2; }
out=$1 here=$(dirname "$0")
shift
for run; do [[ -d $run ]] || die "$run: no such run"; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shown=$(($# < 3 ? $# : 3))                # runs whose trajectories are shown
each=$((12 / 4 / shown))                  # ... of a kind and a run: a dozen in all

title_of() { echo "${1#run/}"; }
# Its name without a seed at the end.
stem_of() {
	local name

	name=$(title_of "$1")
	[[ ! $name =~ ^(.*)-[0-9]+$ ]] || name=${BASH_REMATCH[1]}
	echo "$name"
}
stems=$(for run; do stem_of "$run"; done | sort -u)
# The step that reinforcement learning began after.
begin_of() { rows "$1" | jq -n 'first(inputs | select(.objective == "pg") | .step - 1) // 0'; }

# {name, step, eval} of each evaluation of run $1, in order of steps.
evals() {
	local file name

	for file in "$1"/eval/*.json; do
		name=${file%.json}
		[[ -f $file && -f $name.jsonl ]] || continue
		head -n 1 "$name.jsonl" | jq -c --arg name "${name##*/}" --slurpfile eval "$file" \
			'{$name, step: .turns[-1].snapshot, eval: $eval[0]}'
	done | jq -cs 'sort_by([(.name | test("greedy")), .step, .name])'
}

# {what, text} of trajectories of file $1, by what their first and last attempts are.
shows() {
	local first last

	while read -r first last; do
		jq -cn --argjson n "$each" --arg pair "$first $last" '
			def is: if . == 1 then "right" else "wrong" end;
			limit($n; inputs | select((.sample // 0) == 0 and all(.turns[]; .reward != null)
				and "\(.turns[0].reward | is) \(.turns[-1].reward | is)" == $pair))' "$1" |
			score-show --color always |
			jq -cRs --arg what "$first, then $last" '{$what, text: .}'
	done <<<$'wrong right\nright wrong\nright right\nwrong wrong' | jq -cs .
}

describe() { # run
	local evals last shows='[]'

	evals=$(evals "$1")
	last=$(jq -r 'map(select(.name | test("greedy") | not)) | last.name // empty' <<<"$evals")
	[[ -z $last ]] || ((shown-- <= 0)) || shows=$(shows "$1/eval/$last.jsonl")
	if [[ -f $1/warnings.txt ]]; then cat "$1/warnings.txt"
	else rows "$1" | jq -rn -f "$here/warnings.jq"; fi >"$work/warnings"
	jq -c 'map_values(del(.files, .versions)) | (.base // {}) + (.training // {})' \
		"$1/settings.json" >"$work/settings" 2>/dev/null || echo '{}' >"$work/settings"
	jq -nc --arg run "$(title_of "$1")" --argjson begin "$(begin_of "$1")" \
		--slurpfile settings "$work/settings" \
		--argjson evals "$evals" --rawfile warnings "$work/warnings" --argjson shows "$shows" \
		'{$run, $begin, settings: $settings[0], $evals, $warnings, $shows}'
}

# Draws standard input to $work/$1.svg by score-plot's options; an empty file if there is nothing to
# draw. An identifier must be one in the whole page.
picture() {
	local name=$1

	shift
	cat >"$work/$name.rows"
	: >"$work/$name.svg"
	[[ -s $work/$name.rows ]] || return 0
	score-plot -o "$work/$name.part.svg" "$@" "$work/$name.rows"
	sed -n '/<svg/,$p' "$work/$name.part.svg" |
		sed -e 's|<desc>.*</desc>||' -e "s/\(id=[\"']\|href=[\"']#\|url(#\)/\1$name-/g" \
			>"$work/$name.svg"
}

axes=(--size 1000x280 --x-name 'step of reinforcement learning')
for run; do describe "$run"; done >"$work/runs"
while IFS= read -r stem; do
	name=
	[[ $stem == "$stems" ]] || name=$stem
	for run; do
		[[ $(stem_of "$run") == "$stem" ]] || continue
		rows "$run" | jq -c --arg run "$name" -f "$here/curves.jq" |
			jq -c --argjson begin "$(begin_of "$run")" '.step -= $begin'
	done | jq -cs -f "$here/seeds.jq"
done <<<"$stems" | picture curves "${axes[@]}" --smooth 5 \
	-y .curves.reward --y-name 'reward (mean, 0 to 1)' -y .curves.kl --y-name 'KL (nats)' \
	-y .curves.length --y-name 'length (tokens)' -y .curves.shares --y-name 'share'
jq -c --argjson several "$(($# > 1))" '(if $several > 0 then "\(.run): " else "" end) as $of
	| .begin as $begin | .evals[] | select(.step != null and (.name | test("greedy") | not))
	| {step: (.step - $begin), curves: (.eval | {"\($of)Acc@t1": .acc_t1,
		"\($of)Acc@t\(.turns)": .["acc_t\(.turns)"]})}' "$work/runs" |
	picture evals "${axes[@]}" -y .curves --y-name 'accuracy (share)'
results=$(title_of "$1")
results=$here/results/${results%%/*}.json
[[ -f $results ]] || results=/dev/null

jq -rn --arg title "$(for run; do title_of "$run"; done | paste -sd ' ')" \
	--slurpfile runs "$work/runs" --slurpfile results "$results" \
	--rawfile curves "$work/curves.svg" --rawfile evals "$work/evals.svg" \
	-f "$here/report.jq" >"$out.part"
[[ ! -s $work/curves.part.svg ]] || cp "$work/curves.part.svg" "${out%.html}.svg"
mv "$out.part" "$out"
