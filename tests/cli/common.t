#!/bin/sh
# SPDX-License-Identifier: MIT
# What all tools have in common: the options that each of them takes, statuses, and that a jq
# between two of them changes nothing.
. tests/tap.sh
gold=tests/golden/man
unset SCORE_WEIGHTS

for src in bin/score-*.c; do
	tool=$(basename "$src" .c)
	run "$tool" -h
	is "$tool -h" "$status $(head -n 1 "$tmp/out" | cut -d' ' -f1,2) $(wc -c <"$tmp/err")" \
		"0 usage: $tool 0"
	run "$tool" -V
	is "$tool -V" "$status $(sed 's/[0-9.]*$/N/' "$tmp/out")" "0 $tool N"
	run "$tool" -j 1 --seed 7 --device cpu --progress -V
	is "$tool takes the common options" "$status" 0
	run "$tool" -j x -V
	is "$tool -j x" "$status" 2
	run "$tool" --seed -1 -V
	is "$tool --seed -1" "$status" 2
	run "$tool" --no-such
	is "$tool --no-such: status and message" "$status $(head -n 1 "$tmp/err")" \
		"2 $tool: unknown option --no-such"
	run sh -c "$tool -h >/dev/full"
	is "$tool -h to a full disk" "$status" 1
done

# The same mistake has the same message in every tool.
message() { # name expected command...
	tap_what=$1 tap_want=$2
	shift 2
	run "$@"
	is "$tap_what" "$status $(head -n 1 "$tmp/err")" "2 $1: $tap_want"
}
for src in bin/score-*.c; do
	tool=$(basename "$src" .c)
	message "$tool --device gpu" "--device: expected auto, cpu or cuda, got 'gpu'" "$tool" \
		--device gpu
done
for tool in sample logprob update 'weights ls'; do
	# shellcheck disable=SC2086
	message "score-$tool without a store" "no store: -w DIR or \$SCORE_WEIGHTS" score-$tool
done
for tool in 'bonus --stage 1' 'sample -w w' 'logprob -w w' 'update -w w' eval show; do
	# shellcheck disable=SC2086
	message "score-$tool: two inputs" 'one input at most' score-$tool a b
done

# The common options change nothing where they mean nothing.
some='-j 2 --seed 5 --device cpu'
# shellcheck disable=SC2086
score-bonus --stage 2 $some --progress "$gold/trajectories.jsonl" >"$tmp/some" 2>"$tmp/err"
score-bonus --stage 2 "$gold/trajectories.jsonl" | cmp - "$tmp/some" && r=same || r=no
is 'score-bonus with them' "$r $(cat "$tmp/err")" 'same '

# What users feed a tool in place of JSON lines: the message says what it is.
given() { # NAME MESSAGE: of the bytes in $tmp/given
	run score-verify "$tmp/given"
	is "$1" "$status $(cat "$tmp/err")" "1 score-verify: $tmp/given:1: $2"
}
lines='(a record is one line; jq -c . makes lines of JSON spread over several)'
records=$gold/trajectories.jsonl
jq . "$records" >"$tmp/given"
given 'pretty-printed JSON' "byte 2: expected a key in quotes $lines"
jq -s . "$records" >"$tmp/given"
given 'an array of records' "byte 2: expected a value, found the end $lines"
iconv -t UTF-16 "$records" >"$tmp/given"
given 'UTF-16' 'expected JSON, got text in UTF-16'
{ printf '\357\273\277'; cat "$records"; } >"$tmp/given"
given 'a byte order mark' 'expected JSON, got text that begins with a byte order mark'
gzip -c "$records" >"$tmp/given"
given 'gzip' 'expected JSON, got a file compressed by gzip'
printf 'version https://git-lfs.github.com/spec/v1\n' >"$tmp/given"
given 'a Git LFS pointer' \
	'expected JSON, got a Git LFS pointer in place of the file (git lfs pull fetches it)'
printf '{"id":"a","x":NaN}\n' >"$tmp/given"
given 'NaN' 'byte 15: NaN and Infinity are not JSON'

# jq -c . between two stages changes no byte.
score-weights init -w "$tmp/w" "$gold/config.json" >"$tmp/init"
score-draw -n 3 --step 0 "$gold/problems.jsonl" |
	jq -c '. + {odd: ["\u007f\u0000\u001f\u2028\ud83d\ude00\"\\/", 1e-7, -0.1, 1e300,
	9007199254740992, 0.30000000000000004, {}, []]}' >"$tmp/drawn"
# (From 1.7 on, jq writes numbers its own way, 1E-7 and 0.000005 for 1e-07 and 5e-06: then it
# changes no value.)
same() {
	jq -c . "$1" >"$tmp/again"
	if [ "$(echo 1e-07 | jq -c .)" = 1e-07 ]; then
		cmp -s "$1" "$tmp/again" && echo same
	else
		jq -nr --slurpfile a "$1" --slurpfile b "$tmp/again" 'if $a == $b then "same" else "" end'
	fi
}
score-sample -w "$tmp/w" -n 2 --max-tokens 30,40 "$tmp/drawn" >"$tmp/sampled"
is 'jq after score-sample' "$(same "$tmp/sampled")" same
score-verify "$tmp/sampled" >"$tmp/verified"
is 'jq after score-verify' "$(same "$tmp/verified")" same
jq -c '.turns |= map(.reward = (.tokens[0] % 2))' "$tmp/verified" |
	score-bonus --stage 2 --alpha 0.1 >"$tmp/shaped"
is 'jq after score-bonus' "$(same "$tmp/shaped")" same
score-logprob -w "$tmp/w" "$tmp/shaped" >"$tmp/scored"
is 'jq after score-logprob' "$(same "$tmp/scored")" same
score-update -w "$tmp/w" "$tmp/scored" >"$tmp/rows"
is 'jq after score-update' "$(same "$tmp/rows")" same
is 'what no tool knows came through' "$(jq -c .odd "$tmp/scored" | sort -u)" \
	"$(jq -c .odd "$tmp/drawn" | sort -u)"
finish
