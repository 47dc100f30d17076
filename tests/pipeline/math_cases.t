#!/bin/sh
# SPDX-License-Identifier: MIT
# The cases of other graders' test suites (../shared/data, not kept here) through score-verify: each
# as its authors have it, or listed in math_cases.txt with the reason why not.
. tests/tap.sh

shared_data
cases=$data/math_grade_cases.jsonl
jq -c '{id: "\(input_line_number)", task: "math", answer: .gold, turns: [{response: .pred}]}' \
	"$cases" >"$tmp/records"
jq -r '"\(input_line_number) \(.expected)"' "$cases" >"$tmp/expected"
jq -r 'select(.source | test("hendrycks")) | input_line_number' "$cases" >"$tmp/old"

graded() { # options...: lines "case reward" into $tmp/got
	score-verify "$@" "$tmp/records" >"$tmp/out" 2>"$tmp/err"
	status=$?
	jq -r '"\(.id) \(.turns[0].reward)"' "$tmp/out" >"$tmp/got"
}

graded
is 'strict: status' "$status" 0
is 'a verdict for each' "$(wc -l <"$tmp/got" | tr -d ' ')" "$(wc -l <"$cases" | tr -d ' ')"
ok 'schema' tests/validate trajectory "$tmp/out"
# those that differ are the listed ones, no more, no fewer
sort "$tmp/expected" >"$tmp/a"
sort "$tmp/got" | comm -13 "$tmp/a" - | cut -d' ' -f1 | sort -n >"$tmp/differ"
sed -n 's/^\([0-9][0-9]*\) .*/\1/p' tests/pipeline/math_cases.txt | sort -n >"$tmp/listed"
is 'strict: as their authors have it, but for those listed with a reason' \
	"$(tr '\n' ' ' <"$tmp/differ")" "$(tr '\n' ' ' <"$tmp/listed")"

graded --grader hendrycks
sort "$tmp/got" | comm -13 "$tmp/a" - | cut -d' ' -f1 | sort >"$tmp/differ"
is 'hendrycks: its own cases' "$(sort "$tmp/old" | comm -12 - "$tmp/differ" | tr '\n' ' ')" ''
is 'hendrycks: there are 16' "$(wc -l <"$tmp/old" | tr -d ' ')" 16
graded --lenient
is 'lenient: a rounding to sixteen digits' "$(grep '^72 ' "$tmp/got")" '72 1'

# canonical texts, of these answers and of MATH's: each is its own, and answers that have the same
# one are equal
{
	jq -c '.gold, .pred' "$cases"
	jq -c .answer "$data/math500.jsonl" "$data/math_train.jsonl"
} | sort -u |
	jq -c '{gold: ., got: .}' | score-equal >"$tmp/canonical"
ok 'canonical: thousands of them' test "$(wc -l <"$tmp/canonical")" -gt 4000
jq -c '.canonical.gold | {gold: ., got: .}' "$tmp/canonical" | score-equal >"$tmp/again"
is 'canonical: of canonical text' \
	"$(jq -c 'select(.canonical.gold != .gold or .equal != true) | .gold' "$tmp/again")" ''
jq -sc 'group_by(.canonical.gold)[] | .[0] as $first | .[1:][] | {gold: $first.gold, got: .gold}' \
	"$tmp/canonical" >"$tmp/pairs"
ok 'canonical: hundreds of pairs written in two ways' test "$(wc -l <"$tmp/pairs")" -gt 100
is 'canonical: they are equal' \
	"$(score-equal "$tmp/pairs" | jq -c 'select(.equal != true) | [.gold, .got]')" ''
finish
