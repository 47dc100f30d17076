#!/bin/sh
# SPDX-License-Identifier: MIT
# A device without room, on CUDA's shim: the update ends, says what was asked for and what would
# take less, and the weights are as they were.
# shellcheck source=tests/tap.sh
. tests/tap.sh
shim=$B/shim
w=$tmp/w
score-weights init -w "$w" tests/golden/man/config.json >"$tmp/log" || exit 1
score-draw -n 3 --step 0 tests/golden/man/problems.jsonl |
	score-sample -w "$w" -n 2 --turns 1 --max-tokens 3 |
	jq -c '.turns |= map(.reward = ((.tokens[0] // 1) % 2))' |
	score-bonus --stage 1 >"$tmp/batch" || exit 1
cp -R "$w" "$tmp/before"
score-weights diff "$w" "$tmp/before" >"$tmp/same"
update() { "$shim/score-update" -w "$w" --device cuda --lr 1e-2 "$tmp/batch"; }
# none for the weights; for them, but not for all that training needs
for room in 1000 "$(($(wc -c <"$w/data.mdb") * 2))"; do
	SCORE_SHIM_MEMORY=$room update >"$tmp/out" 2>"$tmp/err"
	is "$room bytes: ends, and no row" "$?$(cat "$tmp/out")" 1
	ok "$room bytes: says so" grep -qE 'GPU: out of memory: [0-9]+ MiB asked for, [0-9]+ of '\
'[0-9]+ MiB are free .*--kv-memory.*--memory in training' "$tmp/err"
	score-weights diff "$w" "$tmp/before" >"$tmp/diff"
	ok "$room bytes: the weights are as they were" cmp "$tmp/diff" "$tmp/same"
done
update >"$tmp/out"
is 'with room: a row' "$?$(wc -l <"$tmp/out")" 01
score-weights diff "$w" "$tmp/before" >"$tmp/diff"
ok 'with room: other weights' sh -c "! cmp -s '$tmp/diff' '$tmp/same'"
finish
