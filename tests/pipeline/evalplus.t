#!/bin/sh
# SPDX-License-Identifier: MIT
# problems/evalplus: results made in the jail, each oracle, what is dropped; plus.sh; and, where the
# data sets are, that their own solutions pass all of their tests.
. tests/tap.sh

convert=pipelines/problems/evalplus
line() { # task_id entry_point atol base_input plus_input solution
	jq -nc --arg id "$1" --arg entry "$2" --argjson atol "$3" --argjson base "$4" \
		--argjson plus "$5" --arg code "$6" '{task_id: $id, prompt: "\"\"\"\nDo it.\n\"\"\"\n",
		entry_point: $entry, canonical_solution: $code, base_input: $base, plus_input: $plus,
		atol: $atol, assertion: "assert true"}'
}
{
	line Mbpp/601 add 0 '[[1, 2]]' '[[3, 4], [0, -5]]' 'def add(a, b): return a + b'
	line Mbpp/602 half 0 '[[1.0]]' '[[0.1]]' 'def half(x): return x / 2'
	line Mbpp/603 mean 0.1 '[[[1, 2]]]' '[[[1, 3]]]' 'def mean(x): return sum(x) / len(x)'
	line Mbpp/604 empty 0 '[[[1, 2]]]' '[[[5]]]' 'def empty(x): x.clear(); return x'
	line Mbpp/2 shared 0 '[[[1, 2], [2, 3]]]' '[[["b", "a"], ["a", "b"]]]' \
		'def shared(a, b): return tuple(set(a) & set(b)) if type(a) is tuple else 1 / 0'
	line Mbpp/737 check_str 0 '[["ab"], ["ba"]]' '[[""]]' \
		'import re
def check_str(s): return re.search("^a", s)'
	line Mbpp/558 digit_distance_nums 0 '[[1, 2]]' '[[1, 123]]' \
		'def digit_distance_nums(a, b):
    return sum(abs(int(x) - int(y)) for x, y in zip(str(a), str(b)))'
	line Mbpp/605 count 0 '[[[1, 1]]]' '[[[]]]' \
		'from collections import Counter
def count(x): print("noise"); return Counter(x)'
	line Mbpp/606 odd 0 '[[0]]' '[[1], [2], [3], [4], [5], [6], [7]]' 'def odd(n):
    while n == 1: pass
    return [lambda: 10 ** 3500, None, lambda: float("nan"), lambda: [0] * 10 ** 9,
            lambda: "x" * 9000, lambda: odd, lambda: n // 0, lambda: -float("inf")][n]()'
	line Mbpp/607 never 0 '[[0], [1]]' '[]' 'def never(n): return 1 // n'
	line HumanEval/32 find_zero 0.0001 '[[[1, 2]]]' '[[[-6, 11, -6, 1]]]' \
		'    return -0.5 if len(xs) == 2 else 1.0' | jq -c '.prompt = "def find_zero(xs):\n"'
} >"$tmp/lines"
for tests in base plus; do
	run "$convert" --tests $tests <"$tmp/lines"
	cp "$tmp/out" "$tmp/$tests"; cp "$tmp/err" "$tmp/$tests.err"
	is "$tests: status" "$status" 0
	ok "$tests: schema" tests/validate problem "$tmp/$tests"
done
run "$convert" --tests plus <"$tmp/lines"
ok 'the same lines give the same bytes' cmp "$tmp/out" "$tmp/plus"
is 'inputs kept: base' "$(jq .inputs "$tmp/base" | paste -s -d ' ')" '1 1 1 1 1 2 1 1 1 1'
is 'inputs kept: plus' "$(jq .inputs "$tmp/plus" | paste -s -d ' ')" '3 2 2 2 2 3 2 2 2 2'
is 'splits are MBPP'\''s' "$(jq -r 'select(.split) | "\(.id)=\(.split)"' "$tmp/base" |
	sed -n '1p;5p;6p;7p' | paste -s -d ' ')" \
	'mbpp/601=train mbpp/2=prompt mbpp/737=train mbpp/558=validation'
is 'what was dropped, and why' "$(cat "$tmp/plus.err")" \
'evalplus: Mbpp/607 is left out: ZeroDivisionError: integer division or modulo by zero
evalplus: Mbpp/606: TimeoutError: 1 inputs dropped
evalplus: Mbpp/606: TypeError: 2 inputs dropped
evalplus: Mbpp/606: MemoryError: 1 inputs dropped
evalplus: Mbpp/606: OverflowError: 1 inputs dropped
evalplus: Mbpp/606: ZeroDivisionError: 1 inputs dropped'
run "$convert" --tests plus --most 2 --longest 40 <"$tmp/lines"
has '--most says what it drops' "$tmp/err" 'evalplus: 5 inputs beyond --most dropped'
has '--longest, too' "$tmp/err" 'Mbpp/606 is left out: OverflowError: more than 40 characters'

# id<TAB>program: how it is judged by the base tests and by the plus tests
judged() {
	jq -cn --arg id "$1" --arg code "$2" 'first(inputs | select(.id == $id))
		| .turns = [{response: "```python\n\($code)\n```"}]' "$tmp/base" >"$tmp/asked"
	score-verify "$tmp/asked" >"$tmp/base.judged"
	jq -cn --slurpfile p "$tmp/plus" 'inputs | .id as $id
		| .tests = ($p[] | select(.id == $id) | .tests)' "$tmp/asked" |
		score-verify >"$tmp/plus.judged"
	jq -r '.turns[0] | .verdict.status' "$tmp/base.judged" "$tmp/plus.judged" | paste -s -d ' '
}
is 'a wrong sum, right for the base tests' "$(judged mbpp/601 'def add(a, b): return 3')" \
	'pass fail'
is 'a float that is near' "$(judged mbpp/602 'def half(x): return x * 0.5 + 1e-8')" 'pass pass'
is 'one that is not' "$(judged mbpp/602 'def half(x): return x * 0.5 + 1e-5')" 'fail fail'
is 'a text is near nothing' "$(judged mbpp/602 'def half(x): return str(x / 2)')" 'fail fail'
is 'atol' "$(judged mbpp/603 'def mean(x): return sum(x) / len(x) + 0.09')" 'pass pass'
is 'beyond atol' "$(judged mbpp/603 'def mean(x): return sum(x) / len(x) + 0.2')" 'fail fail'
is 'infinity is not near' "$(judged mbpp/603 'def mean(x): return float("inf")')" 'fail fail'
is 'an input that the solution changes is whole' "$(judged mbpp/604 'def empty(x):
    if not x: raise ValueError
    return []')" 'pass pass'
is 'as sets' "$(judged mbpp/2 'def shared(a, b): return [x for x in a if x in b] * 2')" 'pass pass'
is 'other sets' "$(judged mbpp/2 'def shared(a, b): return [2]')" 'pass fail'
is 'something or None' "$(judged mbpp/737 'def check_str(s): return 5 if s[:1] == "a" else None')" \
	'pass pass'
is 'something or None: a bool' "$(judged mbpp/737 'def check_str(s): return s != "ba"')" 'pass fail'
is 'either reading' "$(judged mbpp/558 'def digit_distance_nums(a, b):
    return 1 if b == 2 else 5')" 'pass pass'
is 'the other reading' "$(judged mbpp/558 'def digit_distance_nums(a, b):
    return 1 if b == 2 else 0')" 'pass pass'
is 'neither reading' "$(judged mbpp/558 'def digit_distance_nums(a, b): return 1')" 'pass fail'
is 'a Counter is a dict' "$(judged mbpp/605 'def count(x): return {i: x.count(i) for i in x}')" \
	'pass pass'
is 'any root is right' "$(judged HumanEval/32 'def find_zero(xs):
    return -0.5 if len(xs) == 2 else 3')" 'pass pass'
is 'no root' "$(judged HumanEval/32 'def find_zero(xs): return -0.5')" 'pass fail'
is 'no number' "$(judged HumanEval/32 'def find_zero(xs): return "0"')" 'fail fail'
is 'a program cannot change what it is compared with' "$(judged HumanEval/32 'def find_zero(xs):
    xs.clear()
    return 0')" 'fail fail'

# Three responses to one problem: both attempts right, the first for the base tests only, neither.
jq -cn 'first(inputs | select(.id == "mbpp/601")) | range(3) as $n | .sample = $n | .turns =
	([["a + b", "a + b"], ["3", "a + b"], ["0", "0"]][$n]
	| map({response: "def add(a, b): return \(.)"}))' "$tmp/base" | score-verify >"$tmp/attempts"
run pipelines/plus.sh "$tmp/plus" "$tmp/attempts"
is 'plus.sh' "$(jq -c '[.base.acc_t1.value, .plus.acc_t1.value, .plus.acc_t2.value] +
	[.refuted[] | .passes, .refuted, .share.value] | map(. * 100 | round)' "$tmp/out")" \
	'[67,33,67,200,100,50,200,0,0]'
is 'plus.sh: nothing on stderr' "$(cat "$tmp/err")" ''
mv "$tmp/out" "$tmp/refuted"
jq -c --arg file x -f pipelines/outcome.jq "$tmp/attempts" >"$tmp/outcomes"
run pipelines/plus.sh "$tmp/plus" "$tmp/outcomes"
ok 'plus.sh: outcomes are enough' cmp "$tmp/out" "$tmp/refuted"
sed 's/mbpp.601/mbpp\/none/' "$tmp/attempts" >"$tmp/others"
run pipelines/plus.sh "$tmp/plus" "$tmp/others"
has 'plus.sh: a problem that has no plus tests' "$tmp/err" 'mbpp/none has no plus tests'

shared_data
whole() { # file count
	gzip -dc "$data/$1.jsonl.gz" | "$convert" --tests plus >"$tmp/$1" 2>"$tmp/$1.err"
	is "$1: records" "$(jq -r .id "$tmp/$1" | sort -u | wc -l | tr -d ' ')" "$2"
	is "$1: none is left out" "$(grep 'left out' "$tmp/$1.err")" ''
	ok "$1: schema" tests/validate problem "$tmp/$1"
	# shellcheck disable=SC2016
	jq -c '.turns = [{response: "```python\n\(.code_prompt)\(.canonical_solution)\n```"},
		{response: "```python\ndef \(.entry_point)(*_): pass\n```"}]' "$tmp/$1" |
		score-verify --timeout 20 >"$tmp/$1.judged"
	is "$1: its solutions pass, nothing fails" "$(
		jq -r '.turns[] | "\(.reward) \(.verdict.status) \(.verdict.isolation)"' "$tmp/$1.judged" |
		sort | uniq -c | sed 's/^ *//' | paste -s -d ,)" "$2 0 fail split,$2 1 pass split"
}
whole HumanEvalPlus 164
whole MbppPlus 378
finish
