#!/bin/sh
# SPDX-License-Identifier: MIT
# The data sets' own programs are right: all of HumanEval's (whole, as bodies alone, in the shapes
# that models give them, and not without a body) and all of MBPP's, twice in a row with the same
# verdicts, each in split isolation.
. tests/tap.sh

shared_data
gzip -dc "$data/HumanEval.jsonl.gz" | jq -c -f pipelines/problems/humaneval.jq >"$tmp/humaneval"
jq -c -f pipelines/problems/mbpp.jq "$data/mbpp.jsonl" >"$tmp/mbpp"
jq -c -f pipelines/problems/mbpp.jq "$data/sanitized-mbpp.json" >"$tmp/sanitized"

# What a verdict says but for its timing.
verdicts() { jq -c '.id, (.turns[] | [.reward, (.verdict | del(.timing))])' "$1"; }
truth() { # name expected program
	jq -c "$3" "$tmp/$1" >"$tmp/in"
	for time in first second; do
		run score-verify -j 2 --timeout 20 "$tmp/in"
		mv "$tmp/out" "$tmp/$time"
		is "$1, $time time: status, and nothing on stderr" "$status.$(cat "$tmp/err")" '0.'
		is "$1, $time time: verdicts" "$(
			jq -r '.turns[] | "\(.reward) \(.verdict.status) \(.verdict.isolation)"' "$tmp/$time" |
			sort | uniq -c | sed 's/^ *//' | paste -s -d ,)" "$2"
		verdicts "$tmp/$time" >"$tmp/$time.verdicts"
	done
	ok "$1: the same verdicts" cmp "$tmp/first.verdicts" "$tmp/second.verdicts"
	ok "$1: schema" tests/validate trajectory "$tmp/first"
}
# shellcheck disable=SC2016
truth humaneval '164 0 fail split,328 1 pass split' '.turns = [
	{response: "Here it is:\n```python\n\(.code_prompt)\(.canonical_solution)\n```\nThis works."},
	{response: "```\n\(.canonical_solution)"},
	{response: "```python\n\(.code_prompt)    pass\n```"}]'
# Bodies without the first line's indentation or any, code that the prompt opened a fence for, text
# around fences, a later block that only looks like a definition.
# shellcheck disable=SC2016
truth humaneval '656 1 pass split' '.turns = [
	{response: (.canonical_solution | ltrimstr("    "))},
	{response: ("```python\n"
		+ (.canonical_solution | split("\n") | map(ltrimstr("    ")) | join("\n")) + "\n```")},
	{response: ("from __future__ import annotations\n"
		+ "\(.code_prompt)\(.canonical_solution)```\nDone.")},
	{response: ("**So:** ```python\n\"\"\"x\"\"\"\nfrom __future__ import annotations\n"
		+ "\(.code_prompt)\(.canonical_solution)\n```</answer>\n```python\nclass A:\n"
		+ "    def \(.entry_point)(self): pass\n\(.entry_point) == 3\n```<|im_end|>")}]'
# shellcheck disable=SC2016
truth mbpp '974 1 pass split' '.turns = [{response: "```python\n\(.code)\n```"}]'
# shellcheck disable=SC2016
truth sanitized '427 1 pass split' '.turns = [{response: "```python\n\(.code)\n```"}]'
finish
