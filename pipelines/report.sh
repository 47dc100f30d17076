#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A page on one or several runs: tables, pictures, warnings, trajectories of the last evaluation.
# usage: report.sh OUT.html RUN...
#
# The page is a single file without scripts; it loads nothing. Of the first run, the experiment's
# results (results.sh) too, where there are some.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
shopt -s inherit_errexit
(($# >= 2)) || { sed -n "s|^# usage: |usage: |p" "$0" >&2; exit 2; }
out=$1 here=$(dirname "$0")
shift
for run; do [[ -d $run ]] || die "$run: no such run"; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
each=$((12 / 4 / $#))                     # trajectories of a kind and a run: a dozen in all
((each > 0)) || each=1

title_of() { echo "${1#run/}"; }
# The run's name before the names of curves, where there are several runs.
prefix=$(($# > 1))
name_of() { if ((prefix)); then title_of "$1"; fi; }
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
	[[ -z $last ]] || shows=$(shows "$1/eval/$last.jsonl")
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
for run; do
	rows "$run" | jq -c --arg run "$(name_of "$run")" -f "$here/curves.jq" |
		jq -c --argjson begin "$(begin_of "$run")" '.step -= $begin'
done | picture curves "${axes[@]}" --smooth 5 \
	-y .curves.reward --y-name 'reward (mean, 0 to 1)' -y .curves.kl --y-name 'KL (nats)' \
	-y .curves.length --y-name 'length (tokens)' -y .curves.shares --y-name 'share'
jq -c --argjson several "$prefix" '(if $several > 0 then "\(.run): " else "" end) as $of
	| .begin as $begin | .evals[] | select(.step != null and (.name | test("greedy") | not))
	| {step: (.step - $begin), curves: (.eval | {"\($of)Acc@t1": .acc_t1,
		"\($of)Acc@t\(.turns)": .["acc_t\(.turns)"]})}' "$work/runs" |
	picture evals "${axes[@]}" -y .curves --y-name 'accuracy (share)'
results=$here/results/$(basename "$1").json
[[ -f $results ]] || results=/dev/null

jq -rn --arg title "$(for run; do title_of "$run"; done | paste -sd ' ')" \
	--slurpfile runs "$work/runs" --slurpfile results "$results" \
	--rawfile curves "$work/curves.svg" --rawfile evals "$work/evals.svg" \
	-f "$here/report.jq" >"$out.part"
mv "$out.part" "$out"
