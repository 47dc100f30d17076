#!/bin/sh
# SPDX-License-Identifier: MIT
# One forward: for every level of instructions this machine has, on a tiny model and on SmolLM2, the
# sampler's numbers are the same bits however the work is cut, and they are score-logprob's and
# score-update's own.
# shellcheck source=tests/tap.sh
. tests/tap.sh
gold=tests/golden/man
SCORE_WEIGHTS=
export SCORE_WEIGHTS

# Sorted by what they are, so that the order of the input does not matter.
by_name() { jq -c . | sort; }

# The same trajectories from $SCORE_WEIGHTS however they are cut; they stay in $tmp/all.
every_way() { # level name problems samples max-tokens
	what="$1 $2" p=$3 n=$4 max=$5
	score-sample -n "$n" --max-tokens "$max" --seed 2 "$p" >"$tmp/all" 2>"$tmp/err" ||
		{ ok "$what: $(cat "$tmp/err")" false; return; }
	ok "$what: there is something to compare" test \
		"$(jq -s 'length > 3 and all(.[].turns; length == 2)' "$tmp/all")" = true
	for how in '--batch 1 -j 1' '--batch 3 -j 3' '--batch 7 -j 2 --kv-memory 64M'; do
		# shellcheck disable=SC2086
		run score-sample -n "$n" --max-tokens "$max" --seed 2 $how "$p"
		ok "$what: the same with $how" cmp "$tmp/out" "$tmp/all"
	done
	tac "$p" | score-sample -n "$n" --max-tokens "$max" --seed 2 | by_name >"$tmp/back"
	by_name <"$tmp/all" | cmp -s - "$tmp/back"
	is "$what: the same in another order" $? 0
	head -n 1 "$p" | score-sample -n "$n" --max-tokens "$max" --seed 2 >"$tmp/first"
	head -n "$n" "$tmp/all" | cmp -s - "$tmp/first"
	is "$what: the same without its neighbours" $? 0
	# every token alone, some at once, all at once: a prompt read in pieces of any size
	for how in '--micro-tokens 1 -j 1' '--micro-tokens 90 -j 3' '--micro-tokens 100000 -j 2'; do
		# shellcheck disable=SC2086
		run score-logprob $how "$tmp/all"
		is "$what: score-logprob $how has the sampler's bits" \
			"$(jq -s 'length > 3 and all(.[].turns[]; .ref_logprobs == .logprobs)' "$tmp/out")" true
	done
}

# the trainer's forward, by its statistics of what it finds against what was recorded
on_policy() { # level name options...
	what="$1 $2"; shift 2
	jq -c '.turns |= map(.reward = (.tokens[0] % 2))' "$tmp/all" | score-bonus --stage 2 --alpha 1 |
		score-update --partial "$@" >"$tmp/out" 2>"$tmp/err"
	is "$what: score-update finds a ratio of exactly 1" \
		"$(jq -c .ratio "$tmp/out")$(cat "$tmp/err")" '{"max":1,"outside":0,"k1":0,"k3":0}'
}

head -n 3 "$gold/problems.jsonl" >"$tmp/p"
head -n 2 "$tmp/p" >"$tmp/two"
score-weights init -w "$tmp/tiny" --seed 5 "$gold/config.json" >"$tmp/log" || exit 1
if model smollm2; then
	score-weights import -w "$tmp/smol" "$model" >"$tmp/log" || exit 1
else
	absent 'SmolLM2'
fi
best=
for level in ref avx2 avx512 avx512bf16 amx; do
	SCORE_ISA=$level score-sample -w "$tmp/tiny" </dev/null 2>"$tmp/err" ||
		{ skip "$level is not available on this machine"; continue; }
	export SCORE_ISA=$level
	best=$level
	SCORE_WEIGHTS=$tmp/tiny
	every_way "$level" tiny "$tmp/p" 3 4,11
	score-weights init -w "$tmp/$level" --seed 5 "$gold/config.json" >"$tmp/log"
	on_policy "$level" tiny -w "$tmp/$level" --micro-tokens 64
	# ref would take minutes
	if [ "$level" != ref ] && [ -d "$tmp/smol" ]; then
		SCORE_WEIGHTS=$tmp/smol
		every_way "$level" SmolLM2 "$tmp/two" 2 2,6
	fi
	unset SCORE_ISA
done
if [ -d "$tmp/smol" ] && [ "$best" != ref ]; then
	on_policy "$best" SmolLM2 -w "$tmp/smol"
fi
finish
