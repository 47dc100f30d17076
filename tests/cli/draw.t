#!/bin/sh
# SPDX-License-Identifier: MIT
# score-draw: which lines a step gets, what is refused and how, and what happens when output cannot
# be written.
. tests/tap.sh

problems() { # count
	jq -nc --argjson n "$1" \
		'range($n) | {id: "p\(.)", task: "number", prompt: "\(.)+1=", answer: "\(. + 1)"}'
}
problems 10 >"$tmp/ten"
ids() { jq -r .id "$@" | tr '\n' ' '; }

# ---- the draw ----
score-draw -n 4 --steps 0..9 "$tmp/ten" >"$tmp/all"
is 'ten steps of four lines' "$(wc -l <"$tmp/all" | tr -d ' ')" 40
is 'each epoch holds every problem once' \
	"$(jq -r .id "$tmp/all" | split -l 10 --filter='sort -u | wc -l' | tr -d ' \n')" 10101010
is 'batches are stamped' "$(jq -c '.batch | [.step, .size, .index]' "$tmp/all" |
	sed -n '1p;5p;40p' | tr '\n' ' ')" '[0,4,0] [1,4,0] [9,4,3] '
is 'epochs differ' "$(jq -r .id "$tmp/all" | split -l 10 --filter='tr "\n" " "; echo' | sort -u |
	wc -l | tr -d ' ')" 4
: >"$tmp/parts"
for s in 0 1 2 3 4 5 6 7 8 9; do score-draw -n 4 --step $s <"$tmp/ten" >>"$tmp/parts"; done
ok 'one step at a time gives the same' cmp "$tmp/parts" "$tmp/all"
score-draw -n 4 --steps 0..3 "$tmp/ten" >"$tmp/parts"
score-draw -n 4 --steps 4..9 - <"$tmp/ten" >>"$tmp/parts"
ok 'so does any split into ranges' cmp "$tmp/parts" "$tmp/all"
score-draw -n 20 --steps 0..1 "$tmp/ten" >"$tmp/parts"
is 'the row of places does not depend on n' "$(ids "$tmp/parts")" "$(ids "$tmp/all")"
head -n 4 "$tmp/ten" >"$tmp/a"; tail -n +5 "$tmp/ten" >"$tmp/b"
score-draw -n 4 --steps 0..9 "$tmp/a" "$tmp/b" >"$tmp/parts"
ok 'files are read one behind the other' cmp "$tmp/parts" "$tmp/all"
score-draw -n 4 --steps 0..9 --seed 1 "$tmp/ten" >"$tmp/parts"
is 'another seed, another order' "$(cmp -s "$tmp/parts" "$tmp/all" && echo same || echo other)" \
	other
score-draw -n 4 --steps 0..9 --seed 9007199254740992 "$tmp/ten" >"$tmp/parts"
is 'seeds go up to 2^53' "$(cmp -s "$tmp/parts" "$tmp/all" && echo same || echo other)" other
is 'the order is the same on every machine' "$(ids "$tmp/all" | cut -d ' ' -f 1-12)" \
	'p6 p4 p3 p7 p2 p8 p1 p0 p5 p9 p9 p6'
is 'a far step' "$(score-draw -n 2 --step 1099511627776 "$tmp/ten" | jq -c .batch.step | sort -u)" \
	1099511627776
is 'a step larger than the file' "$(head -n 2 "$tmp/ten" | score-draw -n 5 --step 0 |
	jq -c '[.batch.index, .id]' | sort -u | wc -l | tr -d ' ')" 5
# 4,000 epochs of 3 problems: each of the 6 orders about 667 times (standard deviation 24)
head -n 3 "$tmp/ten" | score-draw -n 3 --steps 0..3999 | jq -r .id |
	split -l 3 --filter='tr -d "\n"; echo' | sort | uniq -c |
	awk '$1 < 550 || $1 > 780 { print "order", $2, $1, "times" }
	END { if (NR != 6) print NR, "orders" }' >"$tmp/odd"
is 'every order is as likely' "$(cat "$tmp/odd")" ''

# ---- fields ----
records >"$tmp/fields" <<'LINE'
{"z":1e300,"group":4,"id":"p","more":{"b":[0.1,-0,1e-7,"é\u0000\ud83d\ude00"],"a":null},
	"batch":{"step":3,"size":1,"index":0,"x":1},"task":"code","prompt":"p","test_list":[],
	"last":true}
LINE
is 'unknown fields pass through in place' "$(score-draw -n 1 --step 7 "$tmp/fields")" \
	"$(records <<'LINE'
{"z":1e+300,"id":"p","more":{"b":[0.1,-0,1e-07,"é\u0000😀"],"a":null},
	"batch":{"step":7,"size":1,"index":0},"task":"code","prompt":"p","test_list":[],"last":true}
LINE
	)"
is 'equal as JSON' "$(score-draw -n 1 --step 7 "$tmp/fields" | jq -S 'del(.batch)')" \
	"$(jq -S 'del(.batch, .group)' "$tmp/fields")"
printf '%s\n' '{"id":"t","turns":[{"response":"x","given":true}]}' \
	'{"id":"t","sample":1,"turns":[{"response":"y","given":true}]}' >"$tmp/turns"
is 'lines with turns need no task; the sample tells them apart' \
	"$(score-draw -n 2 --step 0 "$tmp/turns" | jq -r '.turns[0].response' | sort | tr -d '\n')" xy

# ---- bad input: file, line and field; exit 1 ----
good='{"id":"a","task":"number","prompt":"p","answer":"1"}'
refuse() { # line message
	printf '%s\n\n%s\n' "$good" "$1" >"$tmp/bad"
	run score-draw -n 1 --step 0 <"$tmp/bad"
	is "refused: $2" "$status $(cat "$tmp/err") $(cat "$tmp/out")" "1 score-draw: <stdin>:3: $2 "
}
refuse '[1]' 'expected an object, got array'
refuse '{"id":"b"' 'byte 1: object without its closing }'
refuse '{"id":"b","x":nan}' 'byte 15: expected a value'
refuse '{"id":"b","x":9007199254740993}' 'byte 15: whole number beyond 2^53'
refuse '{"id":"b","x":1e400}' 'byte 15: number too large'
refuse '{"id":"b","x":1,"x":1}' 'byte 17: key "x" twice in one object'
refuse '{"id":"b","x":"\ud800"}' 'byte 16: lone surrogate'
refuse "$(printf '{"id":"b","x":"\377"}')" 'byte 16: invalid UTF-8'
refuse '{"task":"number","prompt":"p","answer":"1"}' '.id: missing'
refuse '{"id":7,"task":"number","prompt":"p","answer":"1"}' '.id: expected string, got number'
refuse '{"id":"b","task":"sum","prompt":"p","answer":"1"}' \
	'.task: expected exact, number, math or code, got "sum"'
refuse '{"id":"b","task":"number","answer":"1"}' '.prompt: missing'
refuse '{"id":"b","task":"number","prompt":"p"}' '.answer: missing'
refuse '{"id":"b","task":"code","prompt":"p","tests":"t"}' \
	'.tests: missing (task code needs entry_point and tests, or test_list)'
refuse '{"id":"b","turns":[{"prompt":"p"}]}' '.turns[0].response: missing'
refuse '{"id":"b","turns":[{"response":"x","tokens":7}]}' \
	'.turns[0].tokens: expected array, got number'
refuse '{"id":"b","task":"number","prompt":"p","answer":"1","batch":1}' \
	'.batch: expected object, got number'
refuse "$good" '.id: "a" again, first at <stdin>:1'
printf '%s\n%s\n' '{"id":"\u001b[2J\n\u009b1m","turns":[]}' \
	'{"id":"\u001b[2J\n\u009b1m","turns":[]}' |
	sed 's/"turns":\[\]/"turns":[{"response":""}]/' >"$tmp/bad"
run score-draw -n 1 --step 0 <"$tmp/bad"
is 'messages do not steer a terminal' "$status $(cat "$tmp/err")" \
	'1 score-draw: <stdin>:2: .id: "?[2J???1m" again, first at <stdin>:1'
run score-draw -n 1 --step 0 "$tmp/ten" "$tmp/ten"
is 'a problem in two files' "$status $(cat "$tmp/err")" \
	"1 score-draw: $tmp/ten:1: .id: \"p0\" again, first at $tmp/ten:1"
run score-draw -n 1 --step 0 </dev/null
is 'no problems' "$status $(cat "$tmp/err") $(cat "$tmp/out")" \
	'1 score-draw: no problems in the input '
run score-draw -n 1 --step 0 "$tmp/absent"
is 'a file that is not there' "$status $(cat "$tmp/err")" \
	"1 score-draw: $tmp/absent: No such file or directory"
run score-draw -n 1 --step 0 "$tmp"
is 'a folder' "$status $(cat "$tmp/err")" "1 score-draw: $tmp: Is a directory"

# ---- usage: exit 2, nothing on stdout ----
misuse() { # message args...
	message=$1; shift
	run score-draw "$@" <"$tmp/ten"
	is "usage: $*" "$status $(head -n 1 "$tmp/err") $(cat "$tmp/out")" "2 score-draw: $message "
}
misuse '-n is missing' --step 1
misuse 'wants one of --step and --steps' -n 1
misuse 'wants one of --step and --steps' -n 1 --step 1 --steps 1..2
misuse "--number: 0 is not within 1..1048576" -n 0 --step 1
misuse "--number: expected a whole number, got '1x'" -n 1x --step 1
misuse "--step: expected a whole number, got '-1'" -n 1 --step -1
misuse "--steps: 2 is not within 3..1099511627776" -n 1 --steps 3..2
misuse "--steps: expected A..B, got '3'" -n 1 --steps 3
misuse "--steps: expected a whole number, got ''" -n 1 --steps 3..
misuse "--seed: expected a whole number, got 'x'" -n 1 --step 1 --seed x
misuse "--seed: 9007199254740993 is not within 0..9007199254740992" -n 1 --step 1 \
	--seed 9007199254740993
misuse 'unknown option --stepp' -n 1 --stepp 1
misuse '--step needs an argument' -n 1 --step
run score-draw --help
is 'help goes to stdout' "$status $(head -n 1 "$tmp/out")" \
	'0 usage: score-draw -n N (--step S | --steps A..B) [--seed N] [FILE...]'
run score-draw -V
is 'version' "$status $(cut -d ' ' -f 1 "$tmp/out")" '0 score-draw'

# ---- the ends of the pipe ----
run sh -c 'score-draw -n 4 --step 0 "$tmp/ten" >/dev/full'
is 'a full disk' "$status $(cat "$tmp/err")" '1 score-draw: <stdout>: No space left on device'
run sh -c 'score-draw -n 4 --step 0 "$tmp/ten" >&-'
is 'stdout closed' "$status $(cat "$tmp/err")" '1 score-draw: <stdout>: Bad file descriptor'
cp "$tmp/ten" "$tmp/kept"
run sh -c 'score-draw -n 4 --step 0 "$tmp/kept" <&- >&-'
is 'stdin and stdout closed' "$status $(cat "$tmp/err")" \
	'1 score-draw: <stdout>: Bad file descriptor'
ok 'the file that was opened instead is as it was' cmp "$tmp/kept" "$tmp/ten"
run sh -c 'score-draw -n 4 --step 0 <&-'
is 'stdin closed' "$status $(cat "$tmp/err")" '1 score-draw: <stdin>: Bad file descriptor'
run sh -c 'score-draw -n 4 --step 0 "$tmp/ten" 2>&-'
is 'stderr closed' "$status $(wc -l <"$tmp/out" | tr -d ' ')" '0 4'
run sh -c 'score-draw -n 4 --steps 0..1000000000 "$tmp/ten" | head -n 3'
is 'a reader that leaves ends the stream' \
	"$status $(wc -l <"$tmp/out" | tr -d ' ') $(cat "$tmp/err")" '0 3 '
run bash -c 'trap "" PIPE
	score-draw -n 4 --steps 0..1000000000 "$tmp/ten" | head -n 3 >"$tmp/three"
	exit "${PIPESTATUS[0]}"'
is 'also where SIGPIPE is ignored' "$status $(cat "$tmp/err")" '1 score-draw: <stdout>: Broken pipe'
finish
