#!/bin/sh
# SPDX-License-Identifier: MIT
# score-eval's figures beside accuracy: tokens, unique answers, blind spot, the judge, votes at
# equal tokens, dialogues that end early; against eval_figures.py, which goes by the definitions.
. tests/tap.sh

figures() { python3 tests/cli/eval_figures.py "$@"; }
figures make "$tmp"

# what differs by more than 1e-9 between the figures wanted, $1, and score-eval's values, $2
off() {
	jq -nc --slurpfile want "$1" --slurpfile got "$2" '$got[0] as $g | [$want[0] | to_entries[]
		| select(if .value == null then $g[.key].value != null
			else ((.value - ($g[.key].value // 1e99)) | fabs) > 1e-9 end) | .key]'
}

for file in many other given; do
	for k in 3 4; do
		figures want "$tmp/$file" "$k" >"$tmp/want"
		run score-eval --judge .says --vote "$k" "$tmp/$file"
		is "$file, --vote $k: every figure as defined" "$status $(off "$tmp/want" "$tmp/out")" \
			'0 []'
		ok "$file, --vote $k: it fits its schema" tests/validate eval "$tmp/out"
		is "$file, --vote $k: figures lie in their intervals" "$(jq -c '[to_entries[]
			| select(.value | objects | has("lo")) | select(.value.lo > .value.value or
				.value.hi != null and .value.hi < .value.value) | .key]' "$tmp/out")" '[]'
	done
done
is 'with own and given first attempts there is a blind spot of each kind' \
	"$(jq -c 'has("blind_spot_own") and has("blind_spot_given")' "$tmp/out")" true
run score-eval "$tmp/many"
is 'where all first attempts are its own there is one blind spot' \
	"$(jq -c 'has("blind_spot_own") or has("blind_spot_given") or has("confusion")' "$tmp/out")" \
	false

# differences: over the problems in both, each file's figure by itself
jq -c 'select(.id >= "p05")' "$tmp/many" >"$tmp/mine"
jq -c 'select(.id < "p40")' "$tmp/other" >"$tmp/theirs"
for file in mine theirs; do score-eval --judge .says --vote 4 "$tmp/$file" >"$tmp/$file.e"; done
jq -n --slurpfile a "$tmp/mine.e" --slurpfile b "$tmp/theirs.e" '$a[0] | with_entries(
	select(.key | test("blind|judge|accepts|rejects|per_solved|unique|^tokens"))
	| .value = .value.value - $b[0][.key].value)' >"$tmp/want"
run score-eval --judge .says --vote 4 --against "$tmp/other" "$tmp/many"
jq -c .against "$tmp/out" >"$tmp/against"
# a figure per problem that one file lacks is no pair: unique answers where errors left out some
jq -c 'with_entries(select(.key | test("unique|vote_tokens") | not))' "$tmp/want" >"$tmp/pairs"
is '--against: differences of the rates' \
	"$(off "$tmp/pairs" "$tmp/against") $(jq length "$tmp/pairs")" '[] 9'
ok 'which fit the schema' tests/validate eval "$tmp/out"
is 'and lie in their intervals' "$(jq -c '[.[] | objects | .lo <= .value and .value <= .hi] | all' \
	"$tmp/against")" true
run score-eval --judge .says --vote 4 --against "$tmp/many" "$tmp/many"
is 'a file less itself is 0, and so are its ratios' "$(jq -c '[.against[] | objects
	| [.value, .lo, .hi] | select(.[0] != 0 or .[1] > 0 or .[2] < 0)]' "$tmp/out")" '[]'

run score-eval --vote 2,4 --against "$tmp/other" "$tmp/many"
ok 'votes of several sizes fit the schema' tests/validate eval "$tmp/out"
is 'each with its figures at equal tokens, and their differences' \
	"$(jq -c '[., .against | .votes[] | [.k, (.token_vote_t2, .token_vote_delta,
		.token_vote_size_t2, .vote_tokens_per_solved_t2 | .value | type)] | unique]' "$tmp/out")" \
	'[[2,"null","number"],[4,"number"],[2,"null","number"],[4,"number"]]'

# one sample a problem, as from --greedy: exact intervals, tails of 2.5 %
run score-eval --judge .says "$tmp/once"
jq -cs '(map(.turns[0].reward) | add) as $right | . as $all
	| ($all | map(select(.turns[0].reward == 0))) as $wrong
	| [["acc_t1", $right, 60],
	   ["blind_spot", ($wrong | map(select(.turns[1].verdict.answer == .turns[0].verdict.answer))
		| length), ($wrong | length)],
	   ["rejects_wrong", ($wrong | map(select(.says == false)) | length),
		($wrong | map(select(.says != null)) | length)]]' "$tmp/once" >"$tmp/events"
jq -c --slurpfile e "$tmp/out" '.[] | . as [$name, $k, $n] | [$k, $n, $e[0][$name].lo,
	$e[0][$name].hi]' "$tmp/events" | figures tails >"$tmp/tails"
is 'one sample a problem: exact intervals of shares and of rates' \
	"$(sort -u "$tmp/tails") $(wc -l <"$tmp/tails")" '0.025000 0.025000 3'
is 'and no count of unique answers' "$(jq 'has("unique_t1")' "$tmp/out")" false
is 'the counts of the judge' "$(jq -c '.confusion' "$tmp/out")" "$(jq -cs 'def said($r):
	map(select(.turns[0].reward == $r)) | {rejected: map(select(.says == false)) | length,
	accepted: map(select(.says == true)) | length, silent: map(select(.says == null)) | length};
	{right: said(1), wrong: said(0)}' "$tmp/once")"

# what cannot be said
jq -c '.turns[1].reward = 0' "$tmp/once" >"$tmp/never"
run score-eval "$tmp/never"
is 'nothing is solved: no number of tokens solves a problem' \
	"$(jq -c '.tokens_per_solved_t2' "$tmp/out")" '{"value":null,"lo":null,"hi":null}'
jq -c '.turns[0].reward = 1' "$tmp/once" >"$tmp/always"
run score-eval --judge .says "$tmp/always"
is 'no first attempt is wrong: no blind spot' \
	"$(jq -c '[.blind_spot, .rejects_wrong | .value, .lo, .hi]' "$tmp/out")" \
	'[null,null,null,null,null,null]'
ok 'which fits the schema' tests/validate eval "$tmp/out"
{ cat "$tmp/once"; jq -c '.id += "x" | del(.turns[1].tokens)' "$tmp/once"; } >"$tmp/half"
run score-eval "$tmp/half"
is 'an attempt without its tokens: none are counted' \
	"$status $(jq '[keys[] | select(test("token"))] | length' "$tmp/out")" '0 0'
jq -c '.turns[1].tokens = (.turns[0].tokens + .turns[0].tokens + .turns[0].tokens)' "$tmp/many" \
	>"$tmp/dear"
run score-eval --vote 2 "$tmp/dear"
is 'a pair that costs four first attempts is not to be had for two' \
	"$(jq -c '[.token_vote_size_t2.value, .token_vote_t2.value, .token_vote_delta.value,
		.vote_t2.value != null]' "$tmp/out")" '[0.5,null,null,true]'
run score-eval --vote 4 "$tmp/dear"
is 'but one for four' "$(jq -c '.token_vote_size_t2' "$tmp/out")" '{"value":1,"lo":1,"hi":1}'
run score-eval --format text --judge .says "$tmp/many"
is 'text: tokens as they are, rates in percent' \
	"$(grep -cE '^(tokens_|unique_)[a-z_0-9]+ +[0-9.]+ +\[' "$tmp/out") \
$(grep -cE '^(blind_spot|judge[a-z_]+|accepts_right|rejects_wrong) +[0-9.]+ %' "$tmp/out")" \
	'6 5'

# the judge's program
echo 'if .says then true else .says end' >"$tmp/judge.jq"
score-eval --judge .says "$tmp/many" >"$tmp/first"
run score-eval --judge "$tmp/judge.jq" "$tmp/many"
ok 'a program in a file' cmp "$tmp/out" "$tmp/first"
run score-eval --judge '.id' "$tmp/many"
is 'what is no judgement' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/many:1: --judge: expected true, false or null, got string"
run score-eval --judge 'if' "$tmp/many"
is 'what is no program' "$status" 1

# dialogues that end early
run score-eval "$tmp/uneven"
is 'different numbers of attempts want --carry' "$status $(cat "$tmp/err")" \
	"1 score-eval: $tmp/uneven:2: .turns: 2 turns, but line 1 has 1 (--carry takes both)"
score-eval --vote 5 "$tmp/carried" >"$tmp/first" 2>"$tmp/err"
run score-eval --carry --vote 2,3 --pass 2 "$tmp/uneven"
is 'five attempts cannot vote on three samples' "$status" 1
score-eval --pass 2 "$tmp/carried" | jq -c 'del(.statuses)' >"$tmp/first"
run score-eval --carry --pass 2 "$tmp/uneven"
is '--carry: the last attempt stands for those that were not made' \
	"$(jq -c 'del(.statuses) | with_entries(select(.key | test("^made") | not))' "$tmp/out")" \
	"$(cat "$tmp/first")"
is 'Acc@t1 .. Acc@t5 of the answer that stands' \
	"$(jq -c '[.turns, (.acc_t1, .acc_t2, .acc_t3, .acc_t4, .acc_t5 | .value * 60 | round)]' \
		"$tmp/out")" \
	"$(jq -cs '[5, (range(5) as $k | map(.turns[:$k + 1][-1].reward) | add)]' "$tmp/uneven")"
is 'how often each attempt was made' \
	"$(jq -c '[.made_t2, .made_t3, .made_t4, .made_t5 | .value * 60 | round]' "$tmp/out")" \
	"$(jq -cs '[range(1; 5) as $k | map(select(.turns | length > $k)) | length]' "$tmp/uneven")"
is 'verdicts are those of attempts that were made' \
	"$(jq -c '.statuses | map(add)' "$tmp/out")" \
	"$(jq -cs '[range(5) as $k | map(select(.turns | length > $k)) | length]' "$tmp/uneven")"
ok 'it fits its schema' tests/validate eval "$tmp/out"
tac "$tmp/uneven" >"$tmp/r"
score-eval --carry --pass 2 "$tmp/r" | jq -S 'del(.statuses)' >"$tmp/back"
is 'the order of the lines does not matter' "$(cat "$tmp/back")" \
	"$(jq -S 'del(.statuses)' "$tmp/out")"
run score-eval --carry "$tmp/once"
is '--carry where all are made changes nothing' \
	"$(jq -c 'del(.made_t2)' "$tmp/out") $(jq .made_t2.value "$tmp/out")" \
	"$(score-eval "$tmp/once" | jq -c .) 1"

# a second attempt that has not seen the first
shuf --random-source="$tmp/many" "$tmp/other" >"$tmp/shuffled"
jq -cn -f pipelines/blind-retry.jq "$tmp/shuffled" >"$tmp/blind"
run score-eval --vote 2 "$tmp/blind"
is 'blind retry: samples 0, 2 first, 1, 3 second' \
	"$status $(jq -c '[.samples, (.acc_t1, .acc_t2, .i_to_c | .value * 110 | round)]' "$tmp/out")" \
	"0 $(jq -cs 'sort_by(.id, .sample) | [.[].turns[0].reward] | [range(0; length; 2) as $i
		| .[$i:$i + 2]] | [length, (map(.[0]) | add), (map(.[1]) | add),
		(map(select(. == [0, 1])) | length)]' "$tmp/other")"
is 'of an odd number of samples the last is left out' \
	"$(jq -c 'select(.sample < 3) | .group = 3' "$tmp/other" | jq -cn -f pipelines/blind-retry.jq |
		score-eval | jq -c '[.n, .samples]')" '[55,55]'
finish
