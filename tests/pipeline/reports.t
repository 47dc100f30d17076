#!/bin/sh
# SPDX-License-Identifier: MIT
# Cases out of public bug reports of graders and harnesses (../shared/data/reports, not kept here):
# each gets the reward that its record expects, or is listed in report_cases.txt with the reason why
# not.
. tests/tap.sh

shared_data
listed=tests/pipeline/report_cases.txt
all=
for file in "$data"/reports/*.jsonl; do
	grep -q '"task":"' "$file" || continue
	name=$(basename "$file" .jsonl)
	run score-verify -j 2 "$file"
	is "$name: status, and nothing on stderr" "$status.$(cat "$tmp/err")" '0.'
	is "$name: a verdict for each" "$(wc -l <"$tmp/out" | tr -d ' ')" \
		"$(wc -l <"$file" | tr -d ' ')"
	jq -r '.expect as $want | .id as $id | .turns[] | select(.reward != $want)
		| "\($id) \($want) \(.reward)"' \
		"$tmp/out" | sort >"$tmp/differ"
	grep "^$name-" "$listed" | cut -d' ' -f1-3 | sort >"$tmp/listed"
	is "$name: as expected, but for those listed with a reason" "$(cat "$tmp/differ")" \
		"$(cat "$tmp/listed")"
	all="$all $name"
done
is 'there are 23 files of them' "$(echo "$all" | wc -w | tr -d ' ')" 23
is 'each listed case has a reason' "$(grep -v '^#' "$listed" | awk 'NF < 6')" ''
finish
