#!/bin/sh
# SPDX-License-Identifier: MIT
# The converters on the whole data sets: records of the right form, distinct names, and the data
# sets' own solutions judged right (programs: tests/sandbox/truth.t).
. tests/tap.sh

shared_data

convert() { # converter file count
	out=$tmp/$2.problems
	case $2 in
	*.gz) gzip -dc "$data/$2" | jq -c -f "pipelines/problems/$1.jq" >"$out" ;;
	*) jq -c -f "pipelines/problems/$1.jq" "$data/$2" >"$out" ;;
	esac
	is "$2: records" "$(wc -l <"$out" | tr -d ' ')" "$3"
	is "$2: names" "$(jq -r .id "$out" | sort -u | wc -l | tr -d ' ')" "$3"
	ok "$2: schema" tests/validate problem "$out"
	is "$2: score-draw takes them" "$(score-draw -n 7 --step 3 "$out" | wc -l | tr -d ' ')" 7
}
convert humaneval HumanEval.jsonl.gz 164
convert mbpp mbpp.jsonl 974
convert mbpp sanitized-mbpp.json 427
convert gsm8k gsm8k_train.jsonl 7473
convert gsm8k gsm8k_test.jsonl 1319
convert svamp svamp.json 1000
convert math math_train.jsonl 12000
convert math math500.jsonl 500
is 'HumanEval keeps its own prompt apart' "$(jq -c 'select(.code_prompt == null
	or .canonical_solution == null)' "$tmp/HumanEval.jsonl.gz.problems")" ''
is 'MBPP: entry points by hand' "$(jq -r 'select(.entry_point) | "\(.id)=\(.entry_point)"' \
	"$tmp/mbpp.jsonl.problems" | sort | tr '\n' ' ')" \
	'mbpp/126=sum mbpp/596=tuple_size mbpp/601=max_chain_length '
is 'GSM8K: an answer with a comma' "$(jq -r 'select(.solution | test("#### 1,080$")) | .answer' \
	"$tmp"/gsm8k_*.problems | sort -u)" 1080

# Solutions as responses, turn by turn; how often each verdict.
judge() { # name file program options...
	name=$1 file=$2 program=$3; shift 3
	jq -c "$program" "$tmp/$file.problems" |
		score-verify "$@" >"$tmp/$name.judged" 2>"$tmp/$name.err"
	is "$name: no complaint" "$(cat "$tmp/$name.err")" ''
	ok "$name: schema" tests/validate trajectory "$tmp/$name.judged"
	got=$(jq -r '.turns[] | "\(.reward) \(.verdict.status) \(.verdict.isolation // "-")"' \
		"$tmp/$name.judged" |
		sort | uniq -c | sed 's/^ *//' | paste -s -d ,)
}
judge gsm8k gsm8k_train.jsonl '.turns = [{response: .solution}]'
is 'GSM8K: its solutions are right' "$got" '7473 1 pass -'
judge gsm8kt gsm8k_test.jsonl '.turns = [{response: .solution}]'
is 'GSM8K test: its solutions are right' "$got" '1319 1 pass -'
judge svamp svamp.json '.turns = [{response: "That is \(.answer)."}, {response: "\(.answer + 1)"}]'
is 'SVAMP: answers are right, the next number is not' "$got" '1000 0 fail -,1000 1 pass -'
judge math500 math500.jsonl '.turns = [{response: .solution}]'
is 'MATH-500: its solutions are right' "$got" '500 1 pass -'
judge math math_train.jsonl \
	'.turns = [{response: "So \\boxed{\(.answer)}."}, {response: "So \\boxed{\(.answer)+q}."}]'
# 4238 is an approximation, and the +q comes behind it
is 'MATH: every answer equals itself, and not another' "$got" \
	'11285 0 fail -,637 0 unknown -,77 0 unparsed -,12001 1 pass -'
is 'MATH: all of them' "$(jq -r 'select(.turns[0].reward != 1) | "\(.id)=\(.answer)"' \
	"$tmp/math.judged" | tr '\n' ' ')" ''

finish
