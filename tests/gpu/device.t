#!/bin/sh
# SPDX-License-Identifier: MIT
# --device, in a build with CUDA and in one without: what is missing is said, and the CPU does the
# work where nobody insists.
# shellcheck source=tests/tap.sh
. tests/tap.sh
w=$tmp/w
score-weights init -w "$w" tests/golden/man/config.json >"$tmp/log" || exit 1
for device in cpu auto cuda; do
	score-sample -w "$w" --device $device --turns 1 --max-tokens 3 \
		tests/golden/man/problems.jsonl >"$tmp/$device" 2>"$tmp/$device.err"
	echo $? >"$tmp/$device.status"
done
is 'cpu' "$(cat "$tmp/cpu.status" "$tmp/cpu.err")" 0
case $(cat "$tmp/cuda.err") in
*'this build has no CUDA')
	is 'cuda: not in this build' "$(cat "$tmp/cuda.status" "$tmp/cuda.err")" \
		"1
score-sample: --device cuda: this build has no CUDA" ;;
*'no GPU can be used: '*)
	is 'cuda: no GPU here' "$(cat "$tmp/cuda.status" "$tmp/cuda")" 1 ;;
*)
	is 'cuda: there is one' "$(cat "$tmp/cuda.status" "$tmp/cuda.err")" 0
	is 'auto: takes it and says so' "$(cat "$tmp/auto.status")$(cut -c 1-33 "$tmp/auto.err")" \
		'0score-sample: computes on the GPU'
	ok 'auto: its bits' cmp "$tmp/auto" "$tmp/cuda"
	finish ;;
esac
is 'auto: the CPU, and nothing to say' "$(cat "$tmp/auto.status" "$tmp/auto.err")" 0
ok 'auto: its bits' cmp "$tmp/auto" "$tmp/cpu"
finish
