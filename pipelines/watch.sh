#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A run on a terminal, drawn again every EVERY seconds (2): where it is, statistics, warnings,
# curves, trajectories of the last batch.
# usage: watch.sh RUN
#
# It reads files of RUN and nothing else: no lock, no store. A line that is being written is left
# out. With ONCE=1, or where standard output is no terminal that can move its cursor, one frame.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
case ${1--h} in -*) sed -n "s|^# usage: |usage: |p" "$0" >&2; exit 2 ;; esac
run=$1 here=$(dirname "$0")
[[ -d $run ]] || die "$run: no such run"
columns=80 lines=1000

settings() { jq -c . "$run/settings.json" 2>/dev/null || echo '{}'; }

# Steps of the batches that are whole, and when they were: lines "STEP TIME".
batches() {
	find "$run/batches" -name '*.jsonl' -printf '%f %T@\n' 2>/dev/null | sed 's/\.jsonl / /' |
		sort -n || :
}

curves() { # rows, height, options of score-plot
	jq -c --arg run '' -f "$here/curves.jq" <<<"$1" |
		score-plot -o - --smooth 5 --size "${columns}x$2" --x-name step "${@:3}" || :
}

frame() {
	local rows times last height=10 panels=(-y .curves.reward --y-name reward)

	rows=$(rows "$run")
	times=$(batches)
	last=$(tail -n 1 <<<"$times" | cut -d ' ' -f 1)
	jq -rs --arg run "$run" --argjson settings "$(settings)" --argjson now "$(date +%s)" \
		--argjson times "$(jq -cRn '[inputs | select(. != "") | split(" ") | map(tonumber)]' \
			<<<"$times")" -f "$here/watch.jq" <<<"$rows"
	[[ ! -s $run/warnings.txt ]] || sed 's/^/  warning: /' "$run/warnings.txt"
	if jq -en 'any(inputs; .objective == "pg")' <<<"$rows" >/dev/null; then
		if ((lines > 45)) && jq -en 'any(inputs.kl[]?; . != null)' <<<"$rows" >/dev/null; then
			height=13
			panels+=(-y .curves.kl --y-name 'KL, nats')
		fi
		curves "$rows" "$height" "${panels[@]}"
	fi
	[[ -z $last ]] || jq -c 'select((.sample // 0) == 0)' "$run/batches/$last.jsonl" |
		score-show -n 3 --color never || :
}

# What fits on the screen. score-show has made control characters visible.
cut_to() { jq -rR --argjson n "$columns" '.[:$n] | gsub("\t"; " ")' | head -n "$lines" || :; }

if [[ ${ONCE-} || ! -t 1 || ${TERM:-dumb} == dumb ]]; then
	frame
	exit
fi
trap 'printf "\e[?25h\n"; exit 0' INT TERM
printf '\e[?25l\e[2J'
while :; do
	read -r lines columns < <(stty size <&1 2>/dev/null || echo 0 0)
	((lines > 1 && columns >= 40)) || lines=24 columns=80
	lines=$((lines - 1))
	text=$(frame 2>&1 | cut_to)
	printf '\e[H%s\e[J' "${text//$'\n'/$'\e[K\n'}"$'\e[K'
	sleep "${EVERY:-2}"
done
