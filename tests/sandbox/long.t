#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of any length reach the tester that is kept, in its jail.
. tests/tap.sh

# Tests longer than what a socket hands over at once.
for size in 30000 40000 70000 300000; do
	is "tests of $size bytes" "$(jq -cn --argjson n "$size" '{id: "x", task: "code", prompt: "",
		entry_point: "f", tests: ("def check(candidate):\n    assert candidate(\"" + "x" * $n
		+ "\") == \($n)\n"), turns: [{response: "f = len"}, {response: "f = id"}]}' |
		score-verify -j 1 | jq -c '[.turns[].verdict.status]')" '["pass","fail"]'
done
finish
