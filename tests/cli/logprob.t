#!/bin/sh
# SPDX-License-Identifier: MIT
# score-logprob: the sampler's bits again, whatever is computed together; another snapshot's; what
# is refused.
. tests/tap.sh
gold=tests/golden/man
export SCORE_WAIT=passive SCORE_WEIGHTS="$tmp/w.lmdb"
score-weights init -w "$tmp/w.lmdb" --seed 5 "$gold/config.json" >"$tmp/init"
score-draw -n 6 --step 0 "$gold/problems.jsonl" |
	score-sample -n 2 --max-tokens 2,11,5 --turns 3 -T 0.7 --top-p 0.9 >"$tmp/t"

run score-logprob "$tmp/t"
is 'status, messages' "$status $(cat "$tmp/err")" '0 '
ok 'it fits the schema' tests/validate trajectory "$tmp/out"
is 'the weights that wrote it: the recorded bits' \
	"$(jq -s 'all(.[].turns[]; .ref_logprobs == .logprobs)' "$tmp/out")" true
is 'one number for each token' \
	"$(jq -s 'all(.[].turns[]; (.ref_logprobs | length) == (.tokens | length))' "$tmp/out")" true
jq -c . "$tmp/t" >"$tmp/as"
is 'nothing else is new' \
	"$(jq -c 'del(.turns[].ref_logprobs)' "$tmp/out" | cmp - "$tmp/as" && echo same)" same
cp "$tmp/out" "$tmp/want"
for how in '--micro-tokens 1' '--micro-tokens 300' '-j 1' '-j 3'; do
	# shellcheck disable=SC2086
	run score-logprob $how "$tmp/t"
	is "the same with $how" "$(cmp "$tmp/out" "$tmp/want" && echo same)" same
done
split -l 5 "$tmp/t" "$tmp/part."
is 'the same in three parts' \
	"$(for p in "$tmp"/part.*; do score-logprob <"$p"; done | cmp - "$tmp/want" && echo same)" same
for isa in ref avx2 avx512 avx512bf16; do
	if SCORE_ISA=$isa score-logprob </dev/null 2>/dev/null; then
		SCORE_ISA=$isa score-sample -n 2 --max-tokens 9 --turns 2 "$gold/problems.jsonl" \
			2>"$tmp/err" |
			SCORE_ISA=$isa score-logprob --micro-tokens 200 >"$tmp/out"
		is "$isa: sampler and trainer agree to the bit" \
			"$(jq -s 'length == 24 and all(.[].turns[]; .ref_logprobs == .logprobs)' "$tmp/out")" \
			true
	else
		skip "$isa is not available on this machine"
	fi
done

for t in 0.05 0.3 1.7; do
	score-sample -n 2 --max-tokens 9 --turns 2 -T $t "$gold/problems.jsonl" |
		score-logprob -T $t >"$tmp/out"
	is "-T $t: what was drawn from, to the bit" \
		"$(jq -s 'length == 24 and all(.[].turns[]; .ref_logprobs == .sample_logprobs)' \
		"$tmp/out")" true
done

# ---- another snapshot ----
jq -c '.turns |= map(.reward = (.tokens[0] % 2))' "$tmp/t" | score-bonus --stage 2 --alpha 1 |
	score-update --off-policy --lr 1e-2 >"$tmp/metrics"
run score-logprob -s base "$tmp/t"
is '-s base: the old weights' "$(cmp "$tmp/out" "$tmp/want" && echo same)" same
run score-logprob --as now "$tmp/t"
is '--as: under another name, and from the latest weights' \
	"$(jq -s 'all(.[].turns[]; has("ref_logprobs") | not) and any(.[].turns[]; .now != .logprobs)' \
	"$tmp/out")" true
score-logprob --as a -s 0 "$tmp/t" | score-logprob --as b -s 1 >"$tmp/out"
is 'two snapshots in one line' \
	"$(jq -s 'all(.[].turns[]; .a == .logprobs and .b != .a)' "$tmp/out")" true
jq -c '.turns[0].given = true | del(.turns[].logprobs)' "$tmp/t" >"$tmp/in"
run score-logprob -s 0 "$tmp/in"
jq -c '[.turns[].ref_logprobs]' "$tmp/want" >"$tmp/only"
is 'given turns have log-probabilities too; recorded ones are not needed' \
	"$status $(jq -c '[.turns[].ref_logprobs]' "$tmp/out" | cmp - "$tmp/only" && echo same)" \
	'0 same'

# ---- what is refused ----
bad() { # name message jq-program
	jq -c "if .batch.index == 1 and .sample == 0 then $3 else . end" "$tmp/t" >"$tmp/in"
	run score-logprob "$tmp/in"
	is "$1" "$status $(wc -l <"$tmp/out") $(sed "s|$tmp/in|IN|" "$tmp/err")" \
		"1 2 score-logprob: IN:3: $2"
}
bad 'no tokens' '.turns[1].tokens: missing' \
	'del(.turns[1].tokens, .turns[1].logprobs, .turns[1].sample_logprobs)'
bad 'no context' '.turns[0].context: missing' 'del(.turns[0].context)'
bad 'no turns' '.turns: missing' 'del(.turns)'
bad 'a token beyond the vocabulary' '.turns[2].context[0]: 300 is not a token of this model (258)' \
	'.turns[2].context[0] = 300'
run score-logprob -s nine "$tmp/t"
is 'no such snapshot' "$status $(wc -c <"$tmp/out")" '1 0'
run sh -c 'score-logprob "$1" >/dev/full' sh "$tmp/t"
is 'a full disk' "$status" 1
run score-logprob </dev/null
is 'no input' "$status $(cat "$tmp/out" "$tmp/err")" '0 '
for args in '--as tokens' '--as reward' '--micro-tokens 0' '-T 0' '--device tpu' 'a b' \
	'--no-such'; do
	# shellcheck disable=SC2086
	run score-logprob $args
	is "usage: score-logprob $args" "$status" 2
done
run env -u SCORE_WEIGHTS score-logprob "$tmp/t"
is 'usage: no store named' "$status" 2
finish
