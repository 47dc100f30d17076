#!/bin/sh
# SPDX-License-Identifier: MIT
# The arithmetic problems, and the documents that the demo's model is made of.
. tests/tap.sh
make=pipelines/problems/arithmetic

is 'the same lines on every machine' "$($make -n 3 --seed 7; $make -n 2 --min 10 --max 99 --op x \
	--split test; $make -n 1 --min 1000000 --max 9999999 --op -)" \
	'{"id":"377+373","task":"number","prompt":"377+373=","answer":"750"}
{"id":"245+354","task":"number","prompt":"245+354=","answer":"599"}
{"id":"309+235","task":"number","prompt":"309+235=","answer":"544"}
{"id":"97x35","task":"number","prompt":"97x35=","answer":"3395"}
{"id":"34x20","task":"number","prompt":"34x20=","answer":"680"}
{"id":"9793758-3504779","task":"number","prompt":"9793758-3504779=","answer":"6288979"}'
$make -n 3000 --seed 1 --split train >"$tmp/train"
$make -n 3000 --seed 2 --split test >"$tmp/test"
ok 'problem records' tests/validate problem "$tmp/train"
is 'as many as asked for, all different' "$(jq -r .id "$tmp/train" | sort -u | wc -l | tr -d ' ')" \
	3000
is 'the answers are right, the operands in range' \
	"$(jq -nc '[inputs | (.id | split("+") | map(tonumber)) as [$a, $b]
	| .answer == ($a + $b | tostring) and .prompt == "\($a)+\($b)=" and $a >= 100 and $a < 500
	and $b >= 100 and $b < 500] | all' "$tmp/train")" true
# sorted operands: 1+2 and 2+1 are one problem
key() { jq -r '.id | split("+") | sort | join(" ")' "$1" | sort -u; }
key "$tmp/train" >"$tmp/a"
key "$tmp/test" >"$tmp/b"
is 'train and test share nothing' "$(comm -12 "$tmp/a" "$tmp/b")" ''
# all of a small range: 100 of 10 x 10
is 'train and test are all there is' \
	"$(for s in train test all; do $make -n 10000 --min 10 --max 19 --split $s 2>&1 |
	grep -oE 'have [0-9]+'; done | tr '\n' ' ')" 'have 87 have 13 have 100 '
is 'held-out share' "$($make -n 200000 --split test 2>&1 | grep -oE '[0-9]+$' |
	awk '{print ($1 > 15200 && $1 < 16800)}')" 1
for bad in '-n' '-n x' '--op /' '--split dev' '--min 5 --max 4' '--held-out 101' '--max 99999999' \
	'--what 1'; do
	# shellcheck disable=SC2086
	run $make $bad
	is "usage: $bad" "$status" 2
done

$make -n 4000 --seed 3 --split train |
	jq -nc --argjson seed 1 -f pipelines/demo/documents.jq >"$tmp/docs"
ok 'documents are trajectories' tests/validate trajectory "$tmp/docs"
is 'they are what the recipe says, to within 3 standard deviations' "$(jq -nc '
	[inputs | (.id | split("+") | map(tonumber)) as [$a, $b] | .turns as [$one, $two]
		| ([$a, $b] | map(tostring | explode | map(. - 48)) | transpose | map(add)) as $sums
		| ($sums | map(if . < 10 then "0\(.)" else "\(.)" end) | join(" ")) as $w
		| {page: ($one.response == "___" and $one.weight == 0
		and $two.response == "\($w)=\($a + $b)"),
		   first: ($one.response == ($sums | map(. % 10 | tostring) | join(""))
		   	or $one.response == "\($a + $b)"),
		   working: ($one.response != "___" and $two.response == "\($w)=\($a + $b)"),
		   copy: ($two.response == "=" + $one.response),
		   change: ($two.response | length == 4 and . != "=" + $one.response)}
		| select(.page or (.first and ([.working, .copy, .change] | map(select(.)) | length) == 1)
		or error("neither"))]
	| length as $n
	| def near(f; $p): (map(select(f)) | length) / $n - $p | fabs < 3 * ($p * (1 - $p) / $n | sqrt);
	[$n, near(.page; 0.35), near(.working; 0.65 * 0.03), near(.change; 0.65 * 0.2),
		near(.copy; 0.65 * 0.77)]' "$tmp/docs")" \
	'[4000,true,true,true,true]'
is 'a changed digit moves by one' "$(jq -nc '[inputs | .turns | select(.[1].response | length == 4)
	| [(.[0].response | explode), (.[1].response[1:] | explode)] | transpose
	| map(.[0] - .[1] | fabs) | add | . == 0 or . == 1] | all' "$tmp/docs")" true
finish
