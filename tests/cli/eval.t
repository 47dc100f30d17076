#!/bin/sh
# SPDX-License-Identifier: MIT
# score-eval: values worked out by hand, intervals, votes, differences, and what it refuses.
. tests/tap.sh

# line ID SAMPLE GROUP "ANSWER REWARD ANSWER REWARD ...": a verified trajectory; the response is the
# answer
line() {
	jq -nc --arg id "$1" --argjson sample "$2" --argjson group "$3" --arg turns "$4" '
		($turns | split(" ")) as $w
		| {id: $id, sample: $sample, group: $group, turns: [range(0; $w | length; 2) as $i
			| {response: $w[$i], reward: ($w[$i + 1] | fromjson),
			   verdict: {status: (if $w[$i + 1] == "1" then "pass" else "fail" end),
				answer: $w[$i]}}]}'
}
get() { jq -c "$1" "$tmp/out"; }

{
	line a 0 2 '793 0 803 1'
	line a 1 2 '803 1 803 1'
	line b 0 2 '12 1 13 0'
	line b 1 2 '13 0 14 0'
	line c 0 2 '5 1 5 1'
	line c 1 2 '5 1 5 1'
	line d 0 2 '1 0 22 0.5'
	line d 1 2 '1 0 1 0'
} >"$tmp/t"
run score-eval "$tmp/t"
is 'exit status' "$status" 0
is 'problems, trajectories, turns' "$(get '[.n, .samples, .errors, .turns]')" '[4,8,0,2]'
is 'accuracies: samples averaged within the problem, a reward of 0.5 is not right' \
	"$(get '[.acc_t1.value, .acc_t2.value]')" '[0.5,0.5]'
is 'delta is i_to_c less c_to_i' "$(get '[.delta.value, .i_to_c.value, .c_to_i.value]')" \
	'[0,0.125,0.125]'
is 'changed answers' "$(get .changed.value)" 0.5
# a: 2/6 and 0; b: 1/4 twice; c: 0; d: 2/3 and 0
is 'edit ratio' "$(get '.edit_ratio.value * 1e9 | round')" 187500000
is 'its histogram: exactly 0 first, then tenths' "$(get .edit_histogram)" \
	'[0.5,0,0,0.25,0.125,0,0,0.125,0,0,0]'
is 'every metric lies in its interval' \
	"$(get '[.[] | objects | select(has("lo")) | .lo <= .value and .value <= .hi] | all')" true
is 'verdicts are counted by turn' "$(get '.statuses[0].pass')" 4

ok 'it fits its schema' tests/validate eval "$tmp/out"

cp "$tmp/out" "$tmp/first"
tac "$tmp/t" >"$tmp/r"
run score-eval "$tmp/r"
is 'the order of the lines changes no metric' "$(get 'del(.statuses)')" \
	"$(jq -c 'del(.statuses)' "$tmp/first")"
run score-eval "$tmp/t"
ok 'twice the same bytes' cmp "$tmp/out" "$tmp/first"
score-eval <"$tmp/t" >"$tmp/in"
ok 'standard input as well' cmp "$tmp/in" "$tmp/first"
run score-eval --seed 5 --resamples 100 "$tmp/t"
is 'seed and resamples are reported' "$(get '[.bootstrap.seed, .bootstrap.resamples]')" '[5,100]'

# 400 problems, the first 100 right at once, the next 60 fixed: intervals near the normal
# approximation's
jq -nc 'range(400) | {id: "p\(.)", turns: [{response: "x", reward: (if . < 100 then 1 else 0 end)},
	{response: "y", reward: (if . < 160 then 1 else 0 end)}]}' >"$tmp/many"
run score-eval "$tmp/many"
is 'delta 0.15, interval 0.115 to 0.185 to within 0.01' \
	"$(get '.delta
	| .value == 0.15 and (.lo - 0.115 | fabs) < 0.01 and (.hi - 0.185 | fabs) < 0.01')" true
is 'without verdict.answer the responses are compared' "$(get .changed.value)" 1
jq -c 'select(.id | ltrimstr("p") | tonumber < 300) | .turns[1].reward = .turns[0].reward' \
	"$tmp/many" >"$tmp/other"
run score-eval --against "$tmp/other" "$tmp/many"
is '--against: differences of the matched problems' \
	"$(get '.against | [.n, .acc_t1.value, .acc_t2.value, .delta.value]')" '[300,0,0.2,0.2]'
is 'no difference in 300 problems is one of up to 1.2 % either way' \
	"$(get '.against.acc_t1 | [.lo, .hi | . * 1e4 | round]')" '[-122,122]'
is '--against is paired: narrower than the two intervals apart' \
	"$(get '(.against.acc_t2.hi - .against.acc_t2.lo) < (.acc_t2.hi - .acc_t2.lo)')" true
sed 's/"p/"q/' "$tmp/other" >"$tmp/none"
run score-eval --against "$tmp/none" "$tmp/many"
is '--against: nothing in common' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/many: $tmp/none: no problem id is in both files"

# few events in few problems: a score's own intervals, worked out by hand
jq -nc \
	'range(20) | {id: "p\(.)", turns: [{response: "x", reward: 1}, {response: "y", reward: 1}]}' \
	>"$tmp/few"
run score-eval "$tmp/few"
is 'no event in 20: 1 - 0.025 ^ (1 / 20), not 0' \
	"$(get '[.i_to_c, .acc_t1, .delta | .lo, .hi | . * 1e4 | round]')" \
	'[0,1684,8316,10000,-1684,1684]'
jq -c 'if .id == "p7" then .turns[0].reward = 0 else . end' "$tmp/few" >"$tmp/once"
run score-eval "$tmp/once"
is 'one in 20, the table of Clopper and Pearson' \
	"$(get '[.i_to_c, .c_to_i | .lo, .hi | . * 1e4 | round]')" '[13,2487,0,1684]'
for i in 0 1 2 3; do
	jq -c --argjson i "$i" '.sample = $i | .group = 4' "$tmp/once"
done >"$tmp/copies"
run score-eval "$tmp/copies"
is 'four samples that all say the same are no more problems' \
	"$(get '[.i_to_c | .lo, .hi | . * 1e4 | round]')" '[13,2487]'

# votes: four samples; first attempts vote 9 9 8 8 -> 9 (came first, wrong); 8 8 8 9 -> 8
{
	line a 0 4 '9 0 8 1'
	line a 1 4 '9 0 8 1'
	line a 2 4 '8 1 9 0'
	line a 3 4 '8 1 7 0'
	line b 0 4 '8 1 8 1'
	line b 1 4 '8 1 8 1'
	line b 2 4 '9 0 8 1'
	line b 3 4 '8 1 9 0'
} >"$tmp/v"
run score-eval --vote 4 "$tmp/v"
is '--vote 4: four first attempts, or two and their corrections' \
	"$(get '[.vote_t1.value, .vote_t2.value]')" '[0.5,0.75]'
run score-eval --vote 4 --against "$tmp/v" "$tmp/v"
ok 'with votes and differences it fits its schema' tests/validate eval "$tmp/out"
run score-eval --vote 2,4 --pass 1,3 "$tmp/v"
is '--vote 2,4: a point for each, and the last one as with --vote 4' \
	"$(get '[.vote, .vote_t1.value, .vote_t2.value, .vote_delta.value, 
		(.votes[] | [.k, .vote_t1.value, .vote_t2.value, .vote_delta.value])]')" \
	'[4,0.5,0.75,0.25,[2,0.5,0.625,0.125],[4,0.5,0.75,0.25]]'
# a: 2 of 4 first attempts are right, 2 second ones; b: 3 and 3; of three one is right for certain
is '--pass 1,3: the mean, and where three hold a right one' \
	"$(get '[.pass[] | [.k, .pass_t1.value, .pass_t2.value]]')" '[[1,0.625,0.625],[3,1,1]]'
ok 'curves fit the schema' tests/validate eval "$tmp/out"
run score-eval --vote 2,4 --pass 1,3 --against "$tmp/v" "$tmp/v"
ok 'and so do their differences' tests/validate eval "$tmp/out"
run score-eval --format text --vote 2,4 --pass 3 "$tmp/v"
is 'and stand in the text' "$(grep -oE '^(vote|pass)_[a-z0-9]+@[0-9]+' "$tmp/out" | tr '\n' ' ')" \
	'vote_t1@2 vote_t2@2 vote_delta@2 vote_t1@4 vote_t2@4 vote_delta@4 pass_t1@3 pass_t2@3 '
for wrong in '--vote 4,2' '--vote 0' '--pass 3,x' '--pass 3,3'; do
	# shellcheck disable=SC2086
	run score-eval $wrong "$tmp/v"
	is "usage: $wrong" "$status" 2
done
run score-eval --pass 5 "$tmp/v"
is '--pass: too few samples' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/v: problem a has 4 samples, --pass 5 wants as many"
jq -c 'del(.turns[].verdict.answer)' "$tmp/v" >"$tmp/mute"
run score-eval --vote 4 "$tmp/mute"
is 'where no answer is known a vote is null, not 0' \
	"$status $(get '[.vote_t1.value, .vote_t2.lo, .vote_delta.value]')" '0 [null,null,null]'
ok 'which fits the schema' tests/validate eval "$tmp/out"
{ jq -c '.task = "code" | .id += "c"' "$tmp/mute"
	jq -c 'select(.id == "b") | .id = "n" | .task = "number" | .turns[].reward = 0' "$tmp/mute"
	jq -c '.task = "number"' "$tmp/v"; } >"$tmp/mixed"
run score-eval --vote 4 "$tmp/mixed"
is 'a task without answers has no vote, a problem without one has it wrong' \
	"$(get '[.n, .vote_t1.value * 3, .vote_t2.value * 3]')" '[5,1,1.5]'
run score-eval --vote 5 "$tmp/v"
is '--vote: too few samples' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/v: problem a has 4 samples, --vote 5 wants as many"
sed '3s/"reward":[01]/"reward":null/' "$tmp/v" >"$tmp/e"
run score-eval "$tmp/e"
is 'one null reward leaves out the whole trajectory' \
	"$(get '[.errors, .samples, .n]') $(get '.acc_t2.value * 1e6 | round')" '[1,7,2] 708333'
run score-eval --vote 4 "$tmp/e"
is 'errors that leave too few samples take the problem out of the vote' "$(get .vote_t1.value)" 1
jq -c '.turns[0].reward = null' "$tmp/v" >"$tmp/e"
run score-eval "$tmp/e"
is 'nothing but errors' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/e: all 8 trajectories are errors"

{
	line a 0 1 '1 0 2 1 2 1'; line b 0 1 '1 1 1 1 2 0'
	line c 0 1 '3 0 3 0 4 1'; line d 0 1 '3 0 3 0 3 0'
} >"$tmp/three"
run score-eval "$tmp/three"
is 'three turns: last against first, and each against the one before' \
	"$(get '[.acc_t3, .delta, .delta_t1_t2, .delta_t2_t3, .i_to_c, .i_to_c_t2_t3, .c_to_i_t1_t2,
	.c_to_i_t2_t3, .changed_t1_t2, .changed_t2_t3] | map(.value)')" \
	'[0.5,0.25,0.25,0,0.5,0.25,0,0.25,0.25,0.5]'
ok 'three turns fit the schema' tests/validate eval "$tmp/out"
{ line a 0 1 '1 0'; line b 0 1 '2 1'; } >"$tmp/one"
run score-eval "$tmp/one"
run score-eval --against "$tmp/three" "$tmp/one"
is '--against: other numbers of turns' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/one has 1 turns, $tmp/three has 3"
run score-eval --vote 1 "$tmp/one"
is 'one turn: a vote has nothing to be compared with' \
	"$status $(get '[.vote_t1.value, has("vote_delta")]')" '0 [0.5,false]'
run score-eval "$tmp/one"
is 'one turn: accuracy only' "$(get '[.acc_t1.value, has("delta"), has("edit_histogram")]')" \
	'[0.5,false,false]'
cat "$tmp/one" "$tmp/three" >"$tmp/bad"
run score-eval "$tmp/bad"
is 'turns must agree' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/bad:3: .turns: 3 turns, but line 1 has 1 (--carry takes both)"

run score-eval --format text --against "$tmp/t" "$tmp/t"
is 'text: a header, eight lines of percent a table, the histogram' \
	"$status $(grep -c '%' "$tmp/out") $(head -n 1 "$tmp/out")" \
	'0 28 4 problems, 8 trajectories of 2 turns, 0 errors left out; 95 % intervals'

# the first hundred characters became one, and one came at the end: 101 edits
jq -nc '[range(8000) | . * 7919 % 10007 | tostring] | join(" ") | {id: "long",
	turns: [{response: ., reward: 0}, {response: ("x" + .[100:] + "y"), reward: 1}]}' >"$tmp/long"
run score-eval "$tmp/long"
is 'long responses: 40,000 characters each' "$(get '.edit_ratio.value * 1e9 | round')" \
	"$(jq '[.turns[].response | length] | 101 / add * 1e9 | round' "$tmp/long")"

# whole and not whole
partial='(--partial takes what is there)'
head -n 3 "$tmp/t" >"$tmp/cut"
run score-eval "$tmp/cut"
is 'a group cut short' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/cut: end of input, but the input is cut short:\
 problem b has 1 of 2 samples $partial"
run score-eval --partial "$tmp/cut"
is '--partial' "$status $(get .samples)" '0 3'
jq -c '.batch = {step: 7, size: 5, index: (.id | explode[0] - 97)}' "$tmp/t" >"$tmp/b"
run score-eval "$tmp/b"
is 'a batch cut short' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/b: end of input, but batch of step 7 is cut short:\
 4 of 5 problems, none of index 4 $partial"
jq -c '.batch.size = 4' "$tmp/b" >"$tmp/whole"
run score-eval "$tmp/whole"
is 'a whole batch gives the same' "$(get 'del(.statuses)')" "$(jq -c 'del(.statuses)' "$tmp/first")"
jq -c '.batch.step = 8' "$tmp/whole" | cat "$tmp/whole" - >"$tmp/two"
run score-eval "$tmp/two"
is 'a problem drawn in two batches is one problem' "$(get '[.n, .samples, .delta.value]')" \
	'[4,16,0]'
head -n 1 "$tmp/t" | cat "$tmp/t" - >"$tmp/twice"
run score-eval --partial "$tmp/twice"
is 'a line twice is refused even then' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/twice:9: .sample: problem a has sample 0 a second time (first on line 1)"
sed 's/"id":"b"/"id":"a"/;s/"index":1/"index":0/' "$tmp/whole" >"$tmp/x"
run score-eval "$tmp/x"
is 'the same place of a batch twice' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/x:3: .sample: problem a has sample 0 a second time (first on line 1)"
sed 's/"index":1/"index":0/' "$tmp/whole" >"$tmp/x"
run score-eval "$tmp/x"
is 'two problems at one place' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/x:3: .id: differs from line 1 of the same index 0"

# bad input, bad use, bad output
echo '{"id":"a","turns":[{"response":"x"}]}' >"$tmp/x"
run score-eval "$tmp/x"
is 'no reward' "$status" 1
ok 'its place is named' grep -q "^score-eval: $tmp/x:1: .turns\[0\].reward" "$tmp/err"
printf '%s\n' '{"id":"a","turns":[{"response":"x","reward":0}]}' '{"id":' >"$tmp/x"
run score-eval "$tmp/x"
ok 'broken JSON' grep -q "^score-eval: $tmp/x:2: " "$tmp/err"
run score-eval /dev/null
is 'nothing at all' "$status $(cat "$tmp/err")" '1 score-eval: /dev/null: no trajectories'
run score-eval --format xml "$tmp/t"
is 'usage' "$status" 2
run score-eval "$tmp/t" "$tmp/t"
is 'two files' "$status" 2
run sh -c "score-eval $tmp/t >/dev/full"
is 'full disk' "$status" 1
run sh -c "score-eval --format text $tmp/t >/dev/full"
is 'full disk, text' "$status" 1
finish
