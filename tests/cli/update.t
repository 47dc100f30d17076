#!/bin/sh
# SPDX-License-Identifier: MIT
# score-update on a tiny store: what it trains on, what it refuses, what it commits, and that it
# does so again. What the gradient is, tests/grad/toolchain.c asks.
. tests/tap.sh
gold=tests/golden/man
export SCORE_WAIT=passive
score-weights init -w "$tmp/base.lmdb" --seed 3 "$gold/config.json" >"$tmp/init"

# A fresh copy of the store at step 0 in $w.
n=0
fresh() { n=$((n + 1)); w=$tmp/$n.lmdb; cp -R "$tmp/base.lmdb" "$w"; }
at() { score-weights show -w "$w" | jq .step; }
update() { run score-update -w "$w" "$@"; }
# Tensors whose bytes differ between the latest snapshots. (Moments show in the weights of the step
# after.)
same_store() { score-weights diff "$1" "$2" | jq -s '.[-1].changed'; }

# ---- an on-policy step, from the tools ----
score-draw -n 4 --step 0 "$gold/problems.jsonl" |
	score-sample -w "$tmp/base.lmdb" -n 3 --max-tokens 3,7 |
	jq -c '.turns |= map(.reward = (.tokens[0] % 2))' | score-bonus --stage 1 >"$tmp/one"
fresh
update --lr 1e-3 "$tmp/one"
is 'a step: status, messages' "$status $(cat "$tmp/err")" '0 '
ok 'its metrics fit the schema' tests/validate metrics "$tmp/out"
is 'the store is at step 1' "$(at)" 1
is 'the row in the store is the one printed' \
	"$(score-weights metrics -w "$w" | cmp - "$tmp/out" && echo same)" same
is 'on-policy: the ratio is exactly 1' "$(jq -c .ratio "$tmp/out")" \
	'{"max":1,"outside":0,"k1":0,"k3":0}'
is 'reward and return are the means' \
	"$(jq -c '[.n, .errors, .stage, .reward, .return, .length, .tokens]' "$tmp/out")" \
	"$(jq -cs '. as $t
	| [length, 0, 1, ([0, 1] | map(. as $k | $t | map(.turns[$k].reward) | add / length)),
		([0, 1] | map(. as $k | $t | map(.turns[$k].return) | add / length)),
		([0, 1] | map(. as $k | $t | map(.turns[$k].tokens | length) | add / length)),
		(map(.turns[].tokens | length) | add)]' "$tmp/one")"
is 'the reference is the policy: no KL' "$(jq -c .kl "$tmp/out")" '[0,0]'
is 'Stage I: turn 1 has no variance' "$(jq -c '.zero_variance[0]' "$tmp/out")" 1
first=$w

jq -c '.turns[0].logprobs[0] -= 0.5 | .turns[1].logprobs[1] += 0.05' "$tmp/one" >"$tmp/off"
fresh
update --lr 1e-3 "$tmp/off"
is 'off-policy: the ratio statistics' \
	"$(jq -c '.ratio | [.max, .outside, .k1, .k3] | map(. * 1e5 | round)' "$tmp/out")" \
	"$(jq -cs 'length as $n | (map(.turns[].tokens | length) | add) as $t
		| [(0.5 | exp), $n / $t, $n / $t * (-0.5 + 0.05), $n / $t * ((0.5 | exp) - 1.5
		+ (-0.05 | exp) - 1 + 0.05)]
		| map(. * 1e5 | round)' "$tmp/one")"
is 'the ratio is reported, not used' "$(same_store "$w" "$first")" 0

# ---- turns that are context only ----
for mark in given trained; do
	jq -c ".turns[0].$mark = ($(test $mark = given && echo true || echo false))
		| .turns[0].advantage = 5 | del(.turns[0].logprobs)" "$tmp/one" >"$tmp/$mark"
	fresh
	update --lr 1e-3 "$tmp/$mark"
	is "$mark first turns: status" "$status $(cat "$tmp/err")" '0 '
	mv "$w" "$tmp/$mark.lmdb"
	jq -c '[.kl, .return, .tokens, .loss]' "$tmp/out" >"$tmp/$mark.row"
done
is 'a turn that is not trained counts like a given one' \
	"$(same_store "$tmp/trained.lmdb" "$tmp/given.lmdb") $(cat "$tmp/trained.row")" \
	"0 $(cat "$tmp/given.row")"
jq -c '.turns[0].advantage = 5' "$tmp/one" >"$tmp/first"
fresh
update --lr 1e-3 "$tmp/first"
is '... and not as if it were trained' \
	"$status $(same_store "$tmp/trained.lmdb" "$w" | jq '. > 0')" '0 true'
jq -c '.turns[0].trained = false' "$tmp/one" >"$tmp/half"
jq -c '.turns[0].weight = 0' "$tmp/one" >"$tmp/light"
fresh
update --objective nll --lr 1e-3 "$tmp/half"
half=$w
fresh
update --objective nll --lr 1e-3 "$tmp/light"
is 'nll: not trained is without weight' "$status $(same_store "$half" "$w")" '0 0'

# ---- weights for what another distribution drew ----
is 'on-policy all of the sample counts' \
	"$(score-weights metrics -w "$first" | jq -c '[.ess, .clipped]')" '[1,null]'
score-weights metrics -w "$first" | jq -c 'del(.timing, .clipped, .settings)' >"$tmp/plain"
for how in 'token' 'turn' 'ppo' 'token --clip-ratio 1' 'ppo --clip-ratio 0' 'turn --max-ratio 1'; do
	fresh
	# shellcheck disable=SC2086
	update --lr 1e-3 --importance $how "$tmp/one"
	is "on-policy, --importance $how: the same weights and metrics" \
		"$status $(same_store "$w" "$first") $(jq -c 'del(.timing, .clipped, .settings)' \
		"$tmp/out" | cmp - "$tmp/plain" && jq .clipped "$tmp/out")" \
		'0 0 0'
done
weighed() { # options; ratios and limits as jq has them
	fresh
	# shellcheck disable=SC2086
	update --lr 1e-3 --importance $1 "$tmp/off"
	is "off-policy, --importance $1: effective and clipped share" \
		"$(jq -c '[.ess, .clipped] | map(. * 1e5 | round)' "$tmp/out")" \
		"$(jq -cs "map(.turns | (.[0].tokens | length) as \$a | (.[1].tokens | length) as \$b | $2)
			| add | [(add * add / length / (map(. * .) | add)), (map(select($3)) | length) / length]
			| map(. * 1e5 | round)" "$tmp/one")"
}
tokens="[range(\$a) | if . == 0 then 0.5 | exp else 1 end]
	+ [range(\$b) | if . == 1 then -0.05 | exp else 1 end]"
weighed 'token --clip-ratio 1.6' "$tokens" '. > 1.6'
weighed 'token' "$tokens" '. > 2'
weighed 'turn --clip-ratio 1.6' '[(0.5 | exp), (-0.05 | exp)]' '. > 1.6'
fresh
update --lr 1e-3 --importance token "$tmp/off"
is 'the ratio is used now' "$(same_store "$w" "$first" | sed 's/[1-9][0-9]*/some/')" some
fresh
update --max-ratio 1.7 "$tmp/off"
is '--max-ratio: within' "$status $(at)" '0 1'
fresh
update --max-ratio 1.6 "$tmp/off"
is '--max-ratio: beyond' "$status $(at) $(wc -c <"$tmp/out") $(sed \
	"s|$tmp/off|OFF|; s/log-probability .*, which is .* now/LOG/" "$tmp/err")" \
	"1 0 0 score-update: OFF: batch of step 0: line 1: .turns[0]: token 0 was drawn with the LOG: \
the ratio is beyond 1.6 (--max-ratio)"
jq -c 'if .batch.index == 2 and .sample == 1 then .turns[1].logprobs[1] = -9999 else . end' \
	"$tmp/one" >"$tmp/in"
update "$tmp/in"
is 'a log-probability that nothing is drawn with' \
	"$status $(at) $(sed "s|$tmp/in|IN|; s/which is .* now/NOW/" "$tmp/err")" \
	"1 0 score-update: IN: batch of step 0: line 8: .turns[1]: token 1 was drawn with the \
log-probability -9999, NOW: the ratio is beyond 1e+100 (--max-ratio)"
for s in token batch; do
	fresh
	update --lr 1e-3 --policy-scale $s "$tmp/one"
	is "--policy-scale $s is another step" \
		"$status $(same_store "$w" "$first" | sed 's/[1-9][0-9]*/some/')" '0 some'
done

# ---- what was drawn from ----
# Attempts of 3 and 7 tokens, sampled with these options.
sampled() {
	score-draw -n 4 --step 0 "$gold/problems.jsonl" |
		score-sample -w "$tmp/base.lmdb" -n 3 --max-tokens 3,7 "$@" |
		jq -c '.turns |= map(.reward = (.tokens[0] % 2))' | score-bonus --stage 1
}
sampled -T 0.3 >"$tmp/cold"
fresh
update --lr 1e-3 "$tmp/cold"
is 'at temperature 0.3 the ratio is exactly 1, too' "$status $(jq -c .ratio "$tmp/out")" \
	'0 {"max":1,"outside":0,"k1":0,"k3":0}'
jq -c '.turns[].sampling.temperature = 1 | del(.turns[].sample_logprobs)' "$tmp/cold" >"$tmp/in"
cold=$w
fresh
update --lr 1e-3 "$tmp/in"
is 'and it is another step than at temperature 1' \
	"$status $(same_store "$w" "$cold" | sed 's/[1-9][0-9]*/some/')" '0 some'
fresh
jq -c 'del(.turns[1].sample_logprobs)' "$tmp/cold" >"$tmp/in"
update "$tmp/in"
is 'without what was drawn from' "$status $(at) $(sed "s|$tmp/in|IN|" "$tmp/err")" \
	"1 0 score-update: IN:1: .turns[1].sample_logprobs: missing (.sampling is not the model's full \
softmax)"
jq -c '.turns[1].sampling.temperature = 1e-9' "$tmp/cold" >"$tmp/in"
update "$tmp/in"
is 'a temperature that no sampler has' "$status $(sed "s|$tmp/in|IN|" "$tmp/err")" \
	'1 score-update: IN:1: .turns[1].sampling.temperature: expected 0.001 to 1000, got 1e-09'
for how in 'top_p --top-p 0.9' 'top_k --top-k 5' 'greedy --greedy' 'min_tokens --min-tokens 2'; do
	# shellcheck disable=SC2086
	sampled ${how#* } >"$tmp/in"
	update "$tmp/in"
	is "drawn with ${how#* }" "$status $(at) $(sed "s|$tmp/in|IN|" "$tmp/err")" \
		"1 0 score-update: IN:1: .turns[0].sampling.${how%% *}: the tokens were not drawn from the \
policy, the softmax of logits / temperature (--off-policy)"
	update --off-policy "$tmp/in"
	is "drawn with ${how#* }, --off-policy: weighed" \
		"$status $(at) $(jq '.clipped != null' "$tmp/out")" '0 1 true'
	fresh
done
jq -c '.turns[0].given = true' "$tmp/in" | jq -c '.turns[1].sampling.min_tokens = 0' >"$tmp/given"
update "$tmp/given"
is 'how a given turn was made is nothing to it' "$status" 0

# ---- the same bits ----
sort -R --random-source="$gold/problems.jsonl" "$tmp/one" >"$tmp/shuffled"
for how in "-j 1" "-j 3" "--keep 1 --commit-every 7"; do
	fresh
	# shellcheck disable=SC2086
	update --lr 1e-3 $how "$tmp/shuffled"
	is "the same weights: lines shuffled, $how" "$status $(same_store "$w" "$first")" '0 0'
done

# Nothing fits: each trajectory for itself, its layers computed twice.
fresh
update --lr 1e-3 --micro-tokens 1 "$tmp/one"
apart=$w
fresh
update --lr 1e-3 --memory 1 "$tmp/one"
is 'the same weights: --memory 1' "$status $(same_store "$w" "$apart")" '0 0'

# Eight batches, as one stream, a process each, and some commits.
for s in 0 1 2 3 4 5 6 7; do
	jq -c ".batch.step = $s | .turns[].tokens[0] += $s" "$gold/trajectories.jsonl"
done | score-bonus --stage 2 >"$tmp/eight"
lr='--lr 1e-2 --max-lag 9 --warmup 3 --weight-decay 0.1'
fresh; stream=$w
# shellcheck disable=SC2086
update $lr "$tmp/eight"
is 'a stream of eight batches' "$status $(at) $(jq -c .step "$tmp/out" | tr '\n' ' ')" \
	'0 8 1 2 3 4 5 6 7 8 '
is 'the warm-up is in updates' "$(jq -c .lr "$tmp/out" | head -n 4 |
	awk '{ printf "%.5f ", $1 }')" '0.00333 0.00667 0.01000 0.01000 '
cp "$tmp/out" "$tmp/stream"
fresh
for s in 0 1 2 3 4 5 6 7; do
	# shellcheck disable=SC2086
	jq -c "select(.batch.step == $s)" "$tmp/eight" | score-update -w "$w" $lr
done >"$tmp/steps" 2>"$tmp/err"
is 'a process for each: the same weights' "$(same_store "$w" "$stream") $(cat "$tmp/err")" '0 '
is 'a process for each: the same metrics' \
	"$(jq -c 'del(.timing)' "$tmp/steps" |
	cmp - "$(jq -c 'del(.timing)' "$tmp/stream" >"$tmp/s1"; echo "$tmp/s1")" && echo same)" same
fresh
# shellcheck disable=SC2086
update $lr --commit-every 3 "$tmp/eight"
is '--commit-every 3: the same weights, all rows' \
	"$status $(same_store "$w" "$stream") $(score-weights metrics -w "$w" | jq -c .step |
	tr '\n' ' ')" '0 0 1 2 3 4 5 6 7 8 '
is '--commit-every 3: snapshots' "$(score-weights ls -w "$w" | jq -c .step | tr '\n' ' ')" '0 6 8 '
fresh
{ jq -c 'select(.batch.step < 5)' "$tmp/eight"; echo oops; } >"$tmp/in"
# shellcheck disable=SC2086
update $lr --commit-every 3 "$tmp/in"
is '--commit-every 3, then an error: what was whole is committed' \
	"$status $(at) $(wc -l <"$tmp/out")" '1 5 5'
jq -c 'select(.batch.step >= 5)' "$tmp/eight" >"$tmp/in"
# shellcheck disable=SC2086
update $lr "$tmp/in"
is 'and goes on to the same weights' "$status $(same_store "$w" "$stream")" '0 0'
is 'old snapshots are pruned, base is kept' \
	"$(score-weights ls -w "$stream" | jq -c .step | tr '\n' ' ')" '0 7 8 '

# A batch whose gradient is not finite would be the first of another stage: the one before is
# committed with the moments it had.
fresh
jq -c 'select(.batch.step < 5)' "$tmp/eight" >"$tmp/in"
jq -c 'select(.batch.step == 5) | .stage = 1 | .turns[].advantage = 3e38' "$tmp/eight" >>"$tmp/in"
# shellcheck disable=SC2086
update $lr --commit-every 4 "$tmp/in"
is 'a gradient that is not finite' "$status $(at) $(wc -l <"$tmp/out") $(cat "$tmp/err")" \
	"1 5 5 score-update: $tmp/in: batch of step 5: the gradient is not finite"
jq -c 'select(.batch.step >= 5)' "$tmp/eight" >"$tmp/in"
# shellcheck disable=SC2086
update $lr --commit-every 2 "$tmp/in"
is 'then on to the same weights and metrics' \
	"$status $(same_store "$w" "$stream") $(score-weights metrics -w "$w" | jq -c 'del(.timing)' |
	cmp - "$tmp/s1" && echo same)" '0 0 same'
is 'timing.commit and bytes_written are those of updates that are committed at once' \
	"$(score-weights metrics -w "$w" |
	jq -c '.timing | [.commit, .bytes_written] | map(. != null) | unique' | tr '\n' ' ')" \
	'[false] [false] [false] [true] [false] [false] [true] [false] '

# Weights that no number is: without a gradient, but with a decay that is out of all proportion.
jq -c '.turns[].given = true' "$tmp/eight" >"$tmp/given"
for every in 1 3; do
	fresh
	update --lr 1e6 --weight-decay 1e6 --commit-every $every "$tmp/given"
	is "weights that are not finite, --commit-every $every" \
		"$status $(sed 's|.*batch of step|batch of step|; s|: [a-z0-9_.]* would|: W would|' \
		"$tmp/err")" \
		"1 batch of step 3: W would not be finite after this update"
	is "what was before is committed and printed, --commit-every $every" \
		"$(at) $(jq -c .step "$tmp/out" | tr '\n' ' ')" '3 1 2 3 '
done
fresh
update --lr 1e6 --weight-decay 1e6 --commit-every 8 "$tmp/given"
is 'weights that are not finite took the place of those in memory' \
	"$status $(at) $(wc -c <"$tmp/out") $(sed \
	's|.*batch of step|batch of step|; s|: [a-z0-9_.]* would|: W would|' "$tmp/err")" \
	"1 0 0 batch of step 3: 3 updates since the last commit are lost: W would not be finite after \
this update"

# Killed at some instant, three times over, then left to finish.
fresh
for t in 0.2 0.4 0.8; do
	jq -c "select(.batch.step >= $(at))" "$tmp/eight" >"$tmp/in"
	# shellcheck disable=SC2086
	score-update -w "$w" $lr "$tmp/in" >"$tmp/out" 2>&1 &
	sleep "$t"
	kill -9 $! 2>"$tmp/err"
	wait $! 2>"$tmp/err"
done
jq -c "select(.batch.step >= $(at))" "$tmp/eight" >"$tmp/in"
# shellcheck disable=SC2086
update $lr "$tmp/in"
is 'killed, and gone on: the same weights and metrics' \
	"$status $(same_store "$w" "$stream") $(score-weights metrics -w "$w" | jq -c 'del(.timing)' |
	cmp - "$tmp/s1" && echo same)" '0 0 same'

# ---- objective and stage ----
fresh
jq -c 'del(.stage, .turns[].reward, .turns[].return, .turns[].advantage, .turns[].logprobs,
	.turns[].snapshot)' \
	"$tmp/eight" >"$tmp/sft"
update --objective nll --lr 1e-2 --warmup 4 "$tmp/sft"
is 'nll: the loss falls' "$status $(jq -s '.[-1].loss < .[0].loss - 0.5' "$tmp/out")" '0 true'
ok 'nll: metrics fit the schema' tests/validate metrics "$tmp/out"
is 'nll: nobody says who wrote it' "$(jq -c .batch_step "$tmp/out" | sort -u)" null
jq -c '.batch.step = 8' "$gold/trajectories.jsonl" | score-bonus --stage 2 >"$tmp/in"
update --lr 1 --warmup 4 --max-lag 8 "$tmp/in"
is 'another objective: the schedule begins anew' "$status $(jq -c .lr "$tmp/out")" '0 0.25'
jq -c '.batch.step = 9' "$gold/trajectories.jsonl" | score-bonus --stage 2 >"$tmp/in"
update --lr 1 --warmup 4 --max-lag 9 "$tmp/in"
is 'the same again: it goes on' "$status $(jq -c .lr "$tmp/out")" '0 0.5'
jq -c '.batch.step = 10' "$gold/trajectories.jsonl" | score-bonus --stage 1 >"$tmp/in"
update --lr 1 --warmup 4 --max-lag 10 "$tmp/in"
is 'another stage: it begins anew' "$status $(jq -c .lr "$tmp/out")" '0 0.25'
jq -c '.batch.step = 11' "$gold/trajectories.jsonl" | score-bonus --stage 1 >"$tmp/in"
update --lr 1 --warmup 4 --max-lag 11 --reset-optimizer "$tmp/in"
is '--reset-optimizer: it begins anew' "$status $(jq -c .lr "$tmp/out")" '0 0.25'
for s in 1 2 1; do
	jq -c ".batch.step = $(at)" "$gold/trajectories.jsonl" | score-bonus --stage $s |
		score-update -w "$w" --lr 1 --warmup 8 --max-lag 20 --keep-optimizer
done >"$tmp/kept"
is 'stages in turn, --keep-optimizer: the warm-up goes on' \
	"$(jq -c '[.stage, .lr, .settings.adam.updates]' "$tmp/kept" | tr '\n' ' ')" \
	'[1,0.25,1] [2,0.375,2] [1,0.5,3] '
# beta2 from the KL that was, by one process and by one for each step
# shellcheck disable=SC2016
law='def next: .settings.loss.beta2 * (.kl[0] / 0.02 | sqrt | [., 1.25] | min | [., 0.8] | max)
		| [., 0.05] | max;
	[., .[1:]] | transpose | map(select(.[1]) | (.[0] | next) - .[1].settings.loss.beta2
		| fabs < 1e-9)'
fresh
for step in 0 1 2 3 4 5; do
	jq -c ".batch.step = $step" "$gold/trajectories.jsonl" | score-bonus --stage 1
done >"$tmp/stage1"
target='--lr 1e-2 --max-lag 20 --beta2 0.05 --beta2-target 0.02'
# shellcheck disable=SC2086
update $target "$tmp/stage1"
ok '--beta2-target: valid' tests/validate metrics "$tmp/out"
is '--beta2-target: each from the one before' "$status $(jq -cs "$law | unique" "$tmp/out") $(
	jq -s 'map(.settings.loss.beta2) | .[0] == 0.05 and (unique | length) > 3' "$tmp/out")" \
	'0 [true] true'
jq -c .settings.loss "$tmp/out" >"$tmp/loss"
fresh
for step in 0 1 2 3 4 5; do
	# shellcheck disable=SC2086
	jq -c "select(.batch.step == $step)" "$tmp/stage1" |
		score-update -w "$w" $target | jq -c .settings.loss
done >"$tmp/loss2"
ok '--beta2-target: it is part of the state' cmp "$tmp/loss2" "$tmp/loss"
# shellcheck disable=SC2086
jq -c '.batch.step = 6' "$gold/trajectories.jsonl" | score-bonus --stage 1 |
	score-update -w "$w" $target --reset-optimizer >"$tmp/out"
is '--beta2-target: and begins anew with it' "$(jq .settings.loss.beta2 "$tmp/out")" 0.05
run score-update -w "$w" --beta2 0 --beta2-target 1 "$tmp/stage1"
is '--beta2-target without a beta2' "$status" 2
fresh
jq -c '.stage = 1 + .batch.step % 2' "$tmp/sft" >"$tmp/in"
update --objective nll --lr 8 --warmup 8 "$tmp/in"
is 'nll: a stage in the records is nothing to it' "$status $(jq -c .lr "$tmp/out" | tr '\n' ' ')" \
	'0 1 2 3 4 5 6 7 8 '
fresh
jq -c 'select(.batch.step == 0) | .turns[].weight = 0' "$tmp/sft" >"$tmp/in"
update --objective nll "$tmp/in"
is 'nll without a weight' "$status $(at) $(cat "$tmp/err")" \
	"1 0 score-update: $tmp/in: batch of step 0: no token has a weight above 0"

# ---- what decided the result ----
fresh
update --lr 1e-3 --schedule cosine --warmup 1 --steps-total 9 --beta1 0.02 --kl k3 \
	--importance turn "$tmp/one"
is 'the settings are in the row' \
	"$(jq -c '.settings | .adam.eps |= (. == 1e-8) |
	[.loss, .adam, .reference, .lora, .micro_tokens]' "$tmp/out")" \
	"$(records <<'END'
[{"beta1":0.02,"beta2":0.1,"beta2_target":null,"kl":"k3","kl_scale":"sequence",
	"policy_scale":"sequence","importance":"turn","clip_ratio":2},
	{"updates":0,"lr":0.001,"schedule":"cosine","warmup":1,"steps_total":9,"min_lr":0,
	"beta1":0.9,"beta2":0.95,"eps":true,"weight_decay":0,"clip_grad":1},0,null,null]
END
)"
is 'and what the records say' "$(jq -c '.batch | [.seed, .sampling, .shaping]' "$tmp/out")" \
	"$(records <<'END'
[0,[{"temperature":1,"top_p":1,"top_k":0,"greedy":false},
	{"temperature":1,"top_p":1,"top_k":0,"greedy":false}],
	{"alpha":10,"gamma":0,"baseline":"loo"}]
END
)"
hash=$(jq .batch.hash "$tmp/out")
hash_of() { fresh; update "$1"; got="$status $(jq .batch.hash "$tmp/out")"; }
hash_of "$tmp/shuffled"
is 'the hash of the batch: in any order of lines' "$got" "0 $hash"
jq -c '.note = 7 | .turns[0].response = "x"' "$tmp/one" >"$tmp/in"
hash_of "$tmp/in"
is 'the hash of the batch: of what is read only' "$got" "0 $hash"
for what in '.turns[1].advantage = 0.125' '.turns[0].tokens[1] = 7' \
	'.turns[1].logprobs[0] -= 1e-5' '.turns[1].given = true'; do
	jq -c "if .batch.index == 1 and .sample == 2 then $what else . end" "$tmp/one" >"$tmp/in"
	hash_of "$tmp/in"
	is "the hash of the batch: another after $what" \
		"$(echo "$got" | sed "s/$hash/the same/; s/ \".*/ another/")" '0 another'
done
jq -c 'if .sample == 2 then .seed = 5 | .turns[1].sampling.top_p = 0.5
	| .turns[1].sample_logprobs = .turns[1].logprobs | del(.shaping) else . end' \
		"$tmp/one" >"$tmp/in"
fresh
update --off-policy "$tmp/in"
is 'where the records do not agree' \
	"$(jq -c '.batch | [.seed, .sampling[1], .shaping]' "$tmp/out")" '[null,null,null]'
ok 'the row fits the schema' tests/validate metrics "$tmp/out"

# ---- whole, of this step, fresh ----
fresh
head -n 11 "$tmp/one" >"$tmp/in"
update "$tmp/in"
is 'a batch cut short: nothing is committed' "$status $(at) $(wc -c <"$tmp/out")" '1 0 0'
is 'a batch cut short: the message' \
	"$(sed 's/.*end of/end of/; s/problem .* has/problem has/' "$tmp/err")" \
	"end of input, but batch of step 0 is cut short:\
 problem has 2 of 3 samples (--partial takes what is there)"
update --partial "$tmp/in"
is 'a batch cut short, --partial' "$status $(at) $(jq .n "$tmp/out")" '0 1 11'
update "$tmp/one"
is 'a batch for another step' "$status $(cat "$tmp/err")" \
	"1 score-update: $tmp/one:1: .batch.step: a batch for step 0, but the weights are at step 1"
jq -c '.batch.step = 1' "$tmp/one" >"$tmp/in"
update "$tmp/in"
is 'a stale batch' "$status $(at) $(cat "$tmp/err")" \
	"1 1 score-update: $tmp/in:1: .turns[0].snapshot: written by step 0,\
 but the weights are at step 1 (--max-lag 0)"
jq -c '.turns[].given = true' "$tmp/in" >"$tmp/given"
update "$tmp/given"
is 'given turns are never stale, and change nothing' \
	"$status $(jq -c '[.tokens, .grad_norm]' "$tmp/out")" '0 [0,0]'
jq -c '.batch.step = 2' "$tmp/one" >"$tmp/in"
update --max-lag 2 "$tmp/in"
is 'a stale batch, --max-lag 2' "$status $(at)" '0 3'
is 'the row says whose batch it was' "$(jq -c '[.step, .batch_step]' "$tmp/out")" '[3,0]'
jq -c '.batch.step = 3 | .turns[].snapshot = 4' "$tmp/one" >"$tmp/in"
update --max-lag 9 "$tmp/in"
is 'a batch from the future' "$status" 1
fresh
jq -c 'del(.batch)' "$tmp/one" >"$tmp/in"
update "$tmp/in"
is 'no batch field' "$status $(at) $(cat "$tmp/err")" \
	"1 0 score-update: $tmp/in: the lines have no batch field:\
 --partial trains on them as one batch"
update --partial "$tmp/in"
is 'no batch field, --partial' "$status $(at)" '0 1'
fresh
cat "$tmp/in" "$tmp/in" >"$tmp/twice"
update --partial "$tmp/twice"
is "no batch field, lines twice" \
	"$status $(at) $(sed "s|$tmp/twice|IN|; s/problem [a-z0-9-]*/P/" "$tmp/err")" \
	"1 0 score-update: IN:13: .sample: P has sample 0 a second time (first on line 1)"
jq -c "del(.batch, .sample, .group)" "$tmp/one" >"$tmp/twice"
update --partial "$tmp/twice"
is "no batch field, no sample: an id twice" \
	"$status $(at) $(sed "s|$tmp/twice|IN|; s/problem [a-z0-9-]*/P/" "$tmp/err")" \
	"1 0 score-update: IN:2: .sample: P has sample 0 a second time (first on line 1)"
fresh
jq -c 'if .sample == 1 then .turns[1].reward = null else . end' "$tmp/one" |
	score-bonus --stage 1 >"$tmp/in"
update "$tmp/in"
is 'errors are left out and counted' "$status $(jq -c '[.n, .errors]' "$tmp/out")" '0 [8,4]'
ok 'and told' grep -q '4 of the 12 trajectories of batch step 0 have errors, and are left out' \
	"$tmp/err"
fresh
jq -c '.turns[1].reward = null' "$tmp/one" | score-bonus --stage 1 >"$tmp/in"
update "$tmp/in"
is 'nothing but errors' "$status $(at) $(cat "$tmp/err")" \
	"1 0 score-update: $tmp/in: batch of step 0: no valid trajectory"

bad() { # name message jq-program
	jq -c "if .batch.index == 2 and .sample == 1 then $3 else . end" "$tmp/one" >"$tmp/in"
	update "$tmp/in"
	is "$1" "$status $(at) $(wc -c <"$tmp/out") $(sed "s|$tmp/in|IN|" "$tmp/err")" \
		"1 0 0 score-update: IN:8: $2"
}
fresh
bad 'no stage' '.stage: missing' 'del(.stage)'
bad 'two stages' '.stage: 2, but this batch began with 1' '.stage = 2'
bad 'no advantage' '.turns[1].return, .advantage: missing' 'del(.turns[1].advantage)'
bad 'no reward' '.turns[1].reward: missing' 'del(.turns[1].reward)'
bad 'no logprobs' '.turns[0].logprobs: missing' 'del(.turns[0].logprobs)'
bad 'no tokens' '.turns[0].tokens: missing' 'del(.turns[0].tokens, .turns[0].logprobs)'
bad 'tokens that are none' '.turns[0].tokens: expected array, got string' '.turns[0].tokens = "x"'
bad 'no snapshot' '.turns[1].snapshot: missing' 'del(.turns[1].snapshot)'
bad 'a token beyond the vocabulary' '.turns[1].tokens[0]: 258 is not a token of this model (258)' \
	'.turns[1].tokens[0] = 258'
# shellcheck disable=SC2016
bad 'longer than the context' '.turns: 619 tokens, but the model'\''s context is 512' \
	'(.turns[0] | .context + .tokens | length) as $n
	| .turns[1].context = [range(619 - $n - (.turns[1].tokens | length)) | 65]'
bad 'a response at position 0' '.turns[0].context: empty: nothing predicts the first token' \
	'.turns[0].context = []'

# ---- options and the world ----
fresh
update --lr 1e-2 --beta1 0 --beta2 0 --reference no-such "$tmp/one"
is 'no KL wanted: no reference' "$status $(jq -c .kl "$tmp/out")" '0 [null,null]'
jq -c '.batch.step = 1' "$tmp/one" >"$tmp/in"
update --max-lag 1 --reference 0 "$tmp/in"
is 'the reference by its step: KL is there now' "$status $(jq -c '.kl | map(. > 0)' "$tmp/out")" \
	'0 [true,true]'
update --reference no-such "$tmp/in"
is 'a reference that is not there' "$status $(grep -c -- '--reference: .*no-such' "$tmp/err")" '1 1'
fresh
run sh -c 'score-update -w "$1" "$2" >/dev/full' sh "$w" "$tmp/one"
is 'a full disk under stdout: an error, but the step is there' "$status $(at)" '1 1'
update </dev/null
is 'no input: nothing to do' "$status $(at) $(cat "$tmp/out" "$tmp/err")" '0 1 '
run score-update -w "$tmp/nowhere" "$tmp/one"
is 'no store' "$status" 1
update --device cuda "$tmp/one"
is 'no device' "$status $(cat "$tmp/err")" '1 score-update: --device cuda: this build has no CUDA'
fresh
SCORE_WEIGHTS=$w run score-update "$tmp/one"
is 'the store by the environment' "$status $(at)" '0 1'
for args in '--kl k4' '--importance is' '--clip-ratio 2' '--importance turn --clip-ratio 0.9' \
	'--max-ratio 0.5' '--policy-scale turn' '--kl-scale turn' '--lr -1' '--schedule cosine' \
	'--schedule linear' '--objective ppo' '--clip-grad x' '--adam-eps 0' \
	'--adam-beta1 1' '--commit-every 0' '--micro-tokens 0' '--device gpu' 'a b' '--no-such'; do
	# shellcheck disable=SC2086
	update $args
	is "usage: score-update $args" "$status" 2
done
run env -u SCORE_WEIGHTS score-update "$tmp/one"
is 'usage: no store named' "$status" 2
finish
