#!/bin/sh
# SPDX-License-Identifier: MIT
# What crosses between tests and program, and what it does there; which tests cannot be split, and
# what they get without --isolation any.
. tests/tap.sh

awk '/^=== / { if (n++) printf "\001"; sub(/^=== /, ""); sub(/ \| /, "\002")
	printf "%s\002", $0; next } n { print }' \
	tests/sandbox/values.txt |
	jq -Rsc 'split("\u0001")[] | split("\u0002") | (.[2] | split("\n---\n")) as [$tests, $code]
	| ($tests | split("\n")) as $lines | {
		id: .[0], want: .[1], task: "code",
		test_list: [$lines[] | select(startswith("setup: ") | not) | select(. != "")],
		test_setup_code: ([$lines[] | select(startswith("setup: ")) | .[7:]] | join("\n")),
		turns: [{response: "```python\n\($code)\n```"}]
	}' >"$tmp/values"
n=$(wc -l <"$tmp/values" | tr -d ' ')
is 'there are enough of them' "$([ "$n" -ge 40 ] && echo yes || echo "$n")" yes
run score-verify -j 2 --timeout 2 --isolation any "$tmp/values"
is 'exit status, and nothing on stderr' "$status.$(cat "$tmp/err")" '0.'
jq -r '.turns[0].verdict as $v | (.want | split(" ")) as $w
	| [.id, ([$w[0], ($w[1:][] | select(test("^[a-z]"))) // "split",
	([$w[1:][] | select(test("^[0-9]"))][0] // "-")] | join(" ")),
	([$v.status, $v.isolation, (if $v.status == "fail" then $v.index // "-" else "-" end
		| tostring)] | join(" ")),
	($v.detail // "" | gsub("\\s+"; " "))] | join("|")' "$tmp/out" >"$tmp/rows"
is 'as many rows' "$(wc -l <"$tmp/rows" | tr -d ' ')" "$n"
while IFS='|' read -r id want got detail; do
	case $want in 'fail '*' -') got="${got% *} -" ;; esac
	is "$id" "$got" "$want"
	[ "$got" = "$want" ] || echo "#   $detail"
done <"$tmp/rows"

run score-verify "$tmp/values"
is 'what is single with --isolation any is by default an error that says so, without a reward' \
	"$(jq -r '.turns[0] | select(.verdict.isolation == "single")
	| "\(.reward) \(.verdict.status) \(.verdict.detail | test("--isolation any"))"' "$tmp/out" |
		sort | uniq -c | sed 's/^ *//')" '8 null error true'
run score-verify --isolation none "$tmp/values"
is '--isolation takes split and any' "$status.$(grep -c 'expected split or any' "$tmp/err")" 2.1
finish
