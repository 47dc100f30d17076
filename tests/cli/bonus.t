#!/bin/sh
# SPDX-License-Identifier: MIT
# score-bonus as a filter: what goes through, what is refused, what is out before that.
. tests/tap.sh
batch=tests/golden/man/trajectories.jsonl
bonus() { run score-bonus "$@"; }

bonus --stage 2 --alpha 10 "$batch"
is 'a whole batch: status' "$status" 0
is 'a whole batch: nothing to say' "$(cat "$tmp/err")" ''
ok 'a whole batch: fits the schema' tests/validate trajectory "$tmp/out"
is 'only stage, shaping, return and advantage are new' \
	"$(jq -c 'del(.stage, .shaping, .turns[].return, .turns[].advantage)' "$tmp/out" |
	cmp - "$batch" && echo same)" same
jq -c '.unknown = {a: [1, {"b": null}], "é": "\u0000"} | .turns[0].mine = 1e-300' "$batch" |
	score-bonus --stage 1 |
	jq -c 'del(.stage, .shaping, .turns[].return, .turns[].advantage)' >"$tmp/unknown"
is 'unknown fields pass through' \
	"$(jq -c '.unknown = {a: [1, {"b": null}], "é": "\u0000"} | .turns[0].mine = 1e-300' "$batch" |
	cmp - "$tmp/unknown" && echo same)" same
is 'Stage I: nothing for turns before the last' \
	"$(score-bonus --stage 1 <"$batch" | jq -c '[.stage, .turns[0].return, .turns[0].advantage]' |
	sort -u)" '[1,0,0]'
score-bonus --stage 1 --baseline batch --advantage-norm "$batch" >"$tmp/normed"
is 'shaping says how' "$(jq -c .shaping "$tmp/out" "$tmp/normed" | sort -u)" \
	'{"alpha":10,"gamma":0,"baseline":"batch","advantage_norm":true}
{"alpha":10,"gamma":0,"baseline":"loo"}'
is 'a program, too' \
	"$(score-bonus --return '[0, 1]' "$batch" | jq -c .shaping.return | sort -u)" '"[0, 1]"'
score-bonus --stage 2 --alpha 3 "$batch" >"$tmp/once"
is 'again: the same, in place' \
	"$(score-bonus --stage 2 --alpha 3 "$tmp/once" | cmp - "$tmp/once" && echo same)" same

# return and advantage by jq, from their definition
jq -cs 'map(.turns as $t | .r = [range($t | length) as $k | $t[$k].reward + if $k > 0
	then 10 * ($t[$k].reward - $t[$k-1].reward) else 0 end])
	| group_by(.batch.index)[] | . as $g | range(length) as $i | range($g[$i].r | length) as $k
	| [$g[$i].id, $g[$i].sample, $k, $g[$i].r[$k],
	   $g[$i].r[$k] - ([$g | to_entries[] | select(.key != $i).value.r[$k]] | add / length)]' \
		"$batch" | sort >"$tmp/want"
score-bonus --stage 2 --alpha 10 "$batch" |
	jq -c '. as $t | range($t.turns | length) as $k
	| [$t.id, $t.sample, $k, $t.turns[$k].return, $t.turns[$k].advantage]' | sort >"$tmp/got"
is 'returns and advantages are the definition'\''s' "$(cmp "$tmp/want" "$tmp/got" && echo same)" \
	same

# ---- cut short ----
head -n 7 "$batch" >"$tmp/in"
bonus --stage 2 <"$tmp/in"
short='batch of step 0 is cut short' partial='(--partial takes what is there)'
is 'a group cut short: status' "$status" 1
is 'a group cut short: what was whole is out' "$(wc -l <"$tmp/out")" 6
is 'a group cut short: the message' "$(cat "$tmp/err")" \
	"score-bonus: <stdin>:7: end of input, but $short: problem sum-07 has 1 of 2 samples $partial"
head -n 6 "$batch" >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'a batch cut short' "$status $(cat "$tmp/err")" \
	"1 score-bonus: <stdin>:6: end of input, but $short: 3 of 4 problems, none of index 3 $partial"
head -n 7 "$batch" >"$tmp/in"
bonus --stage 2 --baseline batch <"$tmp/in"
is 'a batch cut short, batch baseline: nothing is out' "$status $(wc -l <"$tmp/out")" '1 0'
head -n 7 "$batch" >"$tmp/in"
bonus --stage 2 --partial <"$tmp/in"
is 'cut short with --partial' "$status $(wc -l <"$tmp/out") $(tail -n 1 "$tmp/out" |
	jq -c '[.turns[].advantage]')" '0 7 [0,0]'
is 'the one without a second sample is told' "$(cat "$tmp/err")" \
	'score-bonus: 2 turns have no second sample to compare with: advantage 0'
{ head -n 7 "$batch"; jq -c '.batch.step = 1' "$batch"; } >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'the next step begins too early' "$status $(cat "$tmp/err")" \
	"1 score-bonus: <stdin>:8: a line of step 1, but $short:\
 problem sum-07 has 1 of 2 samples $partial"
{ cat "$batch"; jq -c '.batch.step = 1' "$batch"; } >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'two batches in one stream' "$status $(wc -l <"$tmp/out")" '0 16'
{ cat "$batch"; head -n 1 "$batch"; } >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'a line twice' "$status $(cat "$tmp/err")" \
	'1 score-bonus: <stdin>:9: batch of step 0 was whole before this line'
{ head -n 1 "$batch"; head -n 1 "$batch"; } >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'a sample twice' "$status $(cat "$tmp/err")" \
	'1 score-bonus: <stdin>:2: .sample: problem sum-04 has sample 0 a second time (first on line 1)'
{ sed -n 1p "$batch"; sed -n 3p "$batch"; sed -n 2p "$batch"; sed 1,3d "$batch"; } >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'interleaved groups keep the order of lines' \
	"$status $(jq -c '[.id, .sample]' "$tmp/out" | tr -d '\n')" \
	"0 $(printf '["sum-%s",%d]' 04 0 09 0 04 1 09 1 01 0 01 1 07 0 07 1)"
jq -c 'del(.batch, .group)' "$batch" >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'without batch and group: groups by id' \
	"$status $(jq -c '[.turns[].advantage]' "$tmp/out" | head -n 1)" '0 [-1,10]'

# ---- errors and given turns ----
jq -c 'if .id == "sum-04" and .sample == 0 then .turns[1].reward = null else . end' \
	"$batch" >"$tmp/in"
bonus --stage 2 <"$tmp/in"
is 'a null reward: zeros, and no baseline for the other' \
	"$status $(head -n 2 "$tmp/out" | jq -c '[.turns[] | .return, .advantage]' | tr -d '\n')" \
	'0 [0,0,0,0][1,0,1,0]'
jq -c '.turns[0].given = true' "$batch" >"$tmp/in"
bonus --stage 2 --alpha 10 <"$tmp/in"
is 'given first turns: nothing for them, the bonus stands' \
	"$status $(head -n 2 "$tmp/out" | jq -c '[.turns[] | .return, .advantage]' | tr -d '\n')" \
	'0 [0,0,11,10][0,0,1,-10]'

jq -c '.turns[0].trained = false' "$batch" >"$tmp/in"
bonus --stage 2 --alpha 10 <"$tmp/in"
is 'first turns that are not trained: the same' \
	"$status $(head -n 2 "$tmp/out" | jq -c '[.turns[] | .return, .advantage]' | tr -d '\n')" \
	'0 [0,0,11,10][0,0,1,-10]'

# ---- turns that the policy ended before ----
jq -c 'if .sample == 1 then del(.turns[1]) else . end' "$batch" >"$tmp/in"
bonus --stage 2 --alpha 10 <"$tmp/in"
is 'the only second attempt is compared with what the other ended with' \
	"$status $(cat "$tmp/err")$(head -n 4 "$tmp/out" | jq -c '[.turns[] | .return, .advantage]' |
	tr -d '\n')" '0 [0,-1,11,10][1,1][1,1,-10,-10][0,-1]'

# ---- --return ----
# shellcheck disable=SC2016
bonus --return '[.turns[] | .reward + $alpha + $stage]' --alpha 0.5 --baseline none "$batch"
is 'a program with variables' "$(head -n 1 "$tmp/out" | jq -c '[.stage, .turns[].return]')" \
	'[2,2.5,3.5]'
bonus --return '[null, .turns[1].reward]' "$batch"
is 'a program that leaves a turn out' \
	"$status $(head -n 1 "$tmp/out" | jq -c '[.turns[] | .trained, .return, .advantage]')" \
	'0 [false,0,0,null,1,0]'
ok '... valid' tests/validate trajectory "$tmp/out"
bonus --return '.turns[0].reward' "$batch"
is 'a program that gives no array' "$status $(cat "$tmp/err")" \
	"1 score-bonus: $batch:1: --return: expected an array of 2 numbers or nulls, one for each turn"
bonus --return '[1, "x"]' "$batch"
is 'a program that gives no numbers' "$status $(cat "$tmp/err")" \
	"1 score-bonus: $batch:1: --return: [1]: expected a finite number or null, got string"
bonus --return '[.turns[' "$batch"
is 'a program that does not compile' "$status" 2

# ---- bad input ----
bad() { # name message jq-program
	jq -c "if .id == \"sum-09\" and .sample == 1 then $3 else . end" "$batch" >"$tmp/in"
	bonus --stage 2 <"$tmp/in"
	is "$1" "$status $(wc -l <"$tmp/out") $(cat "$tmp/err")" "1 2 score-bonus: <stdin>:4: $2"
}
bad 'no reward' '.turns[1].reward: missing' 'del(.turns[1].reward)'
bad 'a reward above 1' '.turns[1].reward: expected a number from 0 to 1, got 1.5' \
	'.turns[1].reward = 1.5'
bad 'a reward that is a word' '.turns[0].reward: expected number, got string' \
	'.turns[0].reward = "1"'
bad 'no turns' '.turns: missing' 'del(.turns)'
bad 'group says otherwise' ".group: 3, but this problem's first sample says 2 (line 3)" '.group = 3'
bad 'another size' '.batch.size: 5, but this batch began with 4' '.batch.size = 5'
bad 'another id' '.id: differs from line 3 of the same index 1' '.id = "other"'
bad 'no batch on one line' '.batch: some lines have it, others do not' 'del(.batch)'
echo nonsense >"$tmp/in"
bonus --stage 1 <"$tmp/in"
is 'not JSON' "$status" 1
bonus --stage 1 </dev/null
is 'no input' "$status $(cat "$tmp/out" "$tmp/err")" '0 '
run sh -c 'score-bonus --stage 1 <"$1" >/dev/full' sh "$batch"
is 'a full disk' "$status" 1
run sh -c 'score-bonus --stage 1 <&-'
is 'a closed stdin' "$status" 1

# ---- advantages over the deviation ----
score-bonus --stage 2 --alpha 1 --baseline group "$batch" >"$tmp/plain"
score-bonus --stage 2 --alpha 1 --baseline group --advantage-norm "$batch" |
	jq -cs 'map(.turns[1].advantage * 1e9 | round)' >"$tmp/got"
is '--advantage-norm' "$(cat "$tmp/got")" \
	"$(jq -cs 'group_by(.batch.index) | map((map(.turns[1].return) | (add / length) as $m
	| (map((. - $m) * (. - $m)) | add / (length - 1) | sqrt)) as $s | .[].turns[1].advantage
	| if $s > 0 then . / $s else . end
	| . * 1e9 | round)' "$tmp/plain")"
is 'some of them are not 0' "$(jq 'map(select(. != 0)) | length > 1' "$tmp/got")" true

# ---- a program in a file ----
# The variables are the program's.
# shellcheck disable=SC2016
echo '# reward, and a bonus
[.turns[] | .reward * $alpha]' >"$tmp/mine.jq"
is 'a program in a file' \
	"$(score-bonus --return "$tmp/mine.jq" --alpha 3 "$batch" | jq -c '[.turns[].return]' |
	sort -u)" \
	"$(jq -c '[.turns[].reward * 3]' "$batch" | sort -u)"
is 'its text is recorded' "$(score-bonus --return "$tmp/mine.jq" "$batch" | sed -n 1p |
	jq -j .shaping.return)" "$(cat "$tmp/mine.jq")"
bonus --return "$tmp/no.jq" "$batch"
is 'a file that is not there is taken as a program' "$status" 2
for pair in 'nan nan' 'infinite infinite' '[] array' '"1" string'; do
	bonus --return "[0, ${pair% *}]" "$batch"
	is "a return that is no number: ${pair% *}" "$status $(cat "$tmp/err")" \
		"1 score-bonus: $batch:1: --return: [1]: expected a finite number or null, got ${pair#* }"
done

# ---- usage ----
for args in '' '--stage 3' '--stage 1 --baseline mean' '--stage 1 --gamma 2' '--stage 1 a b' \
	'--no-such' '--stage 1 --alpha x' '--stage 2 --alpha -5' \
	'--stage 1 --advantage-norm --baseline none'; do
	# shellcheck disable=SC2086
	bonus $args
	is "usage: score-bonus $args" "$status" 2
done
finish
