#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What decides a run's result, in RUN/settings.json.
# usage: settings.sh RUN GROUP new|same REMEDY KEY=VALUE...
#
# new records the group: its values, the hash of every file that is a word of one (quotes keep
# spaces), the versions. same compares with what is recorded, and says what differs, and the REMEDY:
# exit 1. The key steps may change, and other versions are only noted. A group that has no record
# yet gets one.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
(($# >= 4)) || { sed -n 4p "$0" >&2; exit 2; }
run=$1 group=$2 how=$3 remedy=$4 file=$1/settings.json
shift 4

# Lines "HASH PATH" for the files among the words of the values; a command line may be no list of
# words.
hashes() {
	local value word

	for value; do
		xargs -r printf '%s\n' <<<"${value#*=}" 2>/dev/null || :
	done | sort -u | while IFS= read -r word; do
		[[ ! -f $word ]] || echo "$(sha256sum <"$word" | cut -c 1-64) $word"
	done
}

second() { cut -d ' ' -f 2; }
versions=$(jq -nc '$ARGS.named' --arg score "$(score-weights -V | second)" \
	--arg jq "$(jq --version)" --arg python "$(python3 -V | second)" \
	--arg machine "$(uname -m)${SCORE_ISA:+ $SCORE_ISA}")
now=$(hashes "$@" | jq -cRn --argjson versions "$versions" '
	([inputs | {(.[65:]): .[:64]}] | add // {}) as $files
	| ([$ARGS.positional[] | index("=") as $i | {(.[:$i]): .[$i + 1:]}] | add)
		+ {$files, $versions}' --args -- "$@")
lock "$file.lock"     # training and evaluation may record theirs at the same time
[[ -f $file ]] || echo '{}' >"$file"
old=null
[[ $how == new ]] || old=$(jq -c --arg group "$group" '.[$group]' "$file")
differ=$(jq -nr --argjson old "$old" --argjson now "$now" '
	def flat: [paths(strings) as $p | {($p | join(" ")): getpath($p)}] | add;
	($old // $now | flat) as $a | ($now | flat) as $b
	| $a + $b | keys[] | select($a[.] != $b[.] and . != "steps")
	| if startswith("files ") then "\(.[6:]) is not the file it was"
	  else "\(.) was \($a[.] // "absent"), is \($b[.] // "absent")" end')
if [[ $differ ]]; then
	while IFS= read -r line; do say "$run: $line"; done <<<"$differ"
	! grep -qv '^versions ' <<<"$differ" ||
		die "$run: the settings, or files, are not those it was made with ($file); $remedy"
fi
jq --arg group "$group" --argjson old "$old" --argjson now "$now" \
	'.[$group] = ($old // $now) + ($now | {steps} | del(.[] | nulls))' "$file" >"$file.part"
mv "$file.part" "$file"
