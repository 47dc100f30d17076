#!/bin/sh
# SPDX-License-Identifier: MIT
# The verdict table: honest oddities pass, attacks get the verdict they deserve and never pass, in
# every tier.
. tests/tap.sh

# JSON lines of the problem with one program each; .want is what stands behind the name.
awk '/^=== / { if (n++) printf "\001"; sub(/^=== /, ""); sub(/ \| /, "\002")
	printf "%s\002", $0; next } n { print }' \
	tests/sandbox/programs.txt |
	jq -Rsc 'split("\u0001")[] | split("\u0002") | {
		id: .[0], want: .[1], task: "code", prompt: "f", entry_point: "f",
		tests: ("SECRET = \"SECRET\"\ndef check(candidate):\n    assert candidate(1) == 2\n"
			+ "    assert candidate(41) == 42\n"),
		turns: [{response: ("```python\n"
			+ (.[2] | gsub("@NUL@"; "\u0000") | gsub("@PARENS@"; "(" * 10000)) + "\n```")}]
	}' >"$tmp/programs"
n=$(wc -l <"$tmp/programs" | tr -d ' ')
is 'there are enough programs' "$([ "$n" -ge 190 ] && echo yes || echo "$n")" yes
jq -c 'select(.want | test("timeout"))' "$tmp/programs" >"$tmp/programs--timeout 1 --wall 10"
jq -c 'select(.want | test("timeout") | not)' \
	"$tmp/programs" >"$tmp/programs--timeout 60 --wall 600"

# What the programs try to leave behind; what somebody else left there before is not theirs.
outside() {
	ls -d /tmp/left-behind* /tmp/large /tmp/[0-9] /tmp/link /usr/lib/python3*/score* 2>/dev/null
}
before=$(outside)
for tier in 1 2 3; do
	probed=$(score-box --probe --tier $tier --min-tier $tier 2>/dev/null | jq .tier)
	if [ "$probed" != $tier ]; then
		skip "this machine gives no jail of tier $tier"
		continue
	fi
	# before its third version Landlock does not know a file that is cut: nothing is opened for
	# writing then
	landlock=$(score-box --probe --tier $tier --min-tier $tier | jq .landlock)
	if [ $tier -eq 2 ] && [ "$landlock" -lt 3 ]; then
		skip 'tier 2: writing devices takes Landlock 3'
		for f in "$tmp"/programs--*; do
			jq -c 'select(.id | startswith("device: ") | not)' "$f" >"$tmp/less" &&
				mv "$tmp/less" "$f"
		done
		n=$(cat "$tmp"/programs--* | wc -l | tr -d ' ')
	fi
	: >"$tmp/all"
	for limits in '--timeout 1 --wall 10' '--timeout 60 --wall 600'; do
		# shellcheck disable=SC2086
		run score-verify -j 2 --tier $tier --min-tier $tier $limits --memory 300M \
			"$tmp/programs$limits"
		cat "$tmp/out" >>"$tmp/all"
		is "tier $tier: exit status" "$status" 0
		is "tier $tier: nothing on stderr" "$(cat "$tmp/err")" ''
	done
	mv "$tmp/all" "$tmp/out"
	is "tier $tier: as many records as programs" "$(wc -l <"$tmp/out" | tr -d ' ')" "$n"
	is "tier $tier: nothing left outside" "$(outside)" "$before"
	is "tier $tier: reward 1 exactly where it passed, and where it may" \
		"$(jq -c --arg t $tier \
		'select((.turns[0].reward == 1) != (.turns[0].verdict.status == "pass"))' "$tmp/out")" ''
	jq -r --arg t $tier '(.want | if test("^1:") then capture("(^| )" + $t + ":(?<s>[^ ]+)").s
		else . end) as $want |
		[.id, $want, .turns[0].verdict.status, (.turns[0].verdict.tier | tostring),
			.turns[0].verdict.isolation,
		 (.turns[0].verdict.detail // "" | gsub("\\s+"; " "))] | join("|")' "$tmp/out" >"$tmp/rows"
	while IFS='|' read -r id want got t isolation detail; do
		case " $want " in
		*" $got "*) tap_line ok "tier $tier: $id: $got" ;;
		*) tap_line 'not ok' "tier $tier: $id: $got, not $want"; echo "#   $detail" ;;
		esac
		[ "$t.$isolation" = "$tier.split" ] ||
			tap_line 'not ok' "tier $tier: $id ran in $t.$isolation"
	done <"$tmp/rows"
done
finish
