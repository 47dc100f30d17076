#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs of ../shared/data/attacks (not kept here) that try to break the sandbox or its verdicts,
# and odd ones that are honest: each passes or does not, as its record expects, or is listed in
# attack_cases.txt with the reason why not. Two boxes, then one that meets them all, since what one
# program did must not reach the next record.
. tests/tap.sh

shared_data
attacks=$data/attacks/programs.jsonl
if ! score-box --probe >"$tmp/probe" 2>&1; then
	skip 'no jail is available on this machine'
	finish
fi
# whose verdict is not as expected: "name expected reward"
differ() {
	jq -r '(.expect == "pass") as $pass | .attack as $name | .expect as $want | .turns[] |
		select((.reward == 1) != $pass or (.reward == null)) | "\($name) \($want) \(.reward)"' \
		"$1" | sort
}
grep -v '^#' tests/sandbox/attack_cases.txt | cut -d' ' -f1-3 | sort >"$tmp/listed"
for jobs in 2 1; do
	run score-verify -j $jobs --timeout 2 --wall 8 "$attacks"
	is "$jobs at a time: status, and nothing on stderr" "$status.$(cat "$tmp/err")" '0.'
	is "$jobs at a time: a verdict for each" \
		"$(jq -r '.turns[].verdict.status' "$tmp/out" | wc -l | tr -d ' ')" \
		"$(jq -r '.turns[].response | 1' "$attacks" | wc -l | tr -d ' ')"
	is "$jobs at a time: as expected, but for those listed with a reason" "$(differ "$tmp/out")" \
		"$(cat "$tmp/listed")"
	ok "$jobs at a time: schema" tests/validate trajectory "$tmp/out"
done
finish
