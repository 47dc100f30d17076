#!/bin/sh
# SPDX-License-Identifier: MIT
# score-update --lora: thin matrices beside frozen ones. What is committed, that it goes on, and
# that what is exported is what was sampled from. Gradients of the thin ones:
# tests/grad/model_f32.c.
. tests/tap.sh
gold=tests/golden/man
export SCORE_WAIT=passive
score-weights init -w "$tmp/base.lmdb" --seed 3 "$gold/config.json" >"$tmp/init"

n=0
fresh() { n=$((n + 1)); w=$tmp/$n.lmdb; cp -R "$tmp/base.lmdb" "$w"; }
update() { run score-update -w "$w" "$@"; }
same_store() { score-weights diff "$1" "$2" | jq -s '.[-1].changed'; }
# A batch for step $1 of the store $w, written by its weights.
batch() {
	score-draw -n 4 --step "$1" "$gold/problems.jsonl" |
		score-sample -w "$w" -n 3 --max-tokens 3,7 |
		jq -c '.turns |= map(.reward = (.tokens[0] % 2))' | score-bonus --stage 2
}

fresh
batch 0 >"$tmp/zero"
update --lora 4 --lr 1e-2 "$tmp/zero"
is 'a step: status, messages' "$status $(cat "$tmp/err")" '0 '
ok 'its metrics fit the schema' tests/validate metrics "$tmp/out"
is 'on-policy: the ratio is exactly 1' "$(jq -c .ratio "$tmp/out")" \
	'{"max":1,"outside":0,"k1":0,"k3":0}'
score-weights diff -w "$w" 0 1 >"$tmp/diff"
is 'what differs from the base are new tensors, each named after a matrix' \
	"$(jq -r 'select(.tensor) | .tensor' "$tmp/diff" | grep \
	-cv '^blk\.[0-9]*\.\(attn_[qkv]\|attn_output\|ffn_\(gate\|up\|down\)\)\.weight\.lora_[ab]$')" 0
is 'two for each of seven matrices of each layer' \
	"$(jq -r 'select(.tensor) | .tensor' "$tmp/diff" | wc -l | tr -d ' ')" \
	"$((14 * $(jq .layers "$gold/config.json")))"
is 'only these are stored anew' "$(score-weights ls -w "$w" | jq -s '.[1].bytes')" \
	"$(jq '(.heads * .head_size) as $q | (.kv_heads * .head_size) as $k | .width as $d
		| 2 * 4 * .layers * (2 * ($q + $d) + 2 * ($k + $d) + 3 * (.ffn + $d))' "$gold/config.json")"
is 'the configuration says so' \
	"$(score-weights show -w "$w" | jq -c '.config | [.lora_rank, .lora_alpha]')" '[4,32]'

# ---- it goes on, with and without the option ----
batch 1 >"$tmp/first"
cp -R "$w" "$tmp/with.lmdb"
update --lr 1e-2 "$tmp/first"
is 'the next step: the ratio is exactly 1' "$status $(jq -c .ratio "$tmp/out")" \
	'0 {"max":1,"outside":0,"k1":0,"k3":0}'
is 'the reference is the base without adapters' "$(jq -c '.kl | map(. > 0)' "$tmp/out")" \
	'[true,true]'
cp -R "$tmp/with.lmdb" "$tmp/again.lmdb"
run score-update -w "$tmp/again.lmdb" --lora 4 --lr 1e-2 "$tmp/first"
is 'the option said again changes nothing' "$status $(same_store "$w" "$tmp/again.lmdb")" '0 0'
run score-update -w "$tmp/with.lmdb" --lora 8 --lr 1e-2 "$tmp/first"
is 'another rank is an error' "$status" 1
has 'and names both' "$tmp/err" 'rank 4'
is 'which leaves the store alone' "$(score-weights show -w "$tmp/with.lmdb" | jq .step)" 1
trained=$w
fresh
cat "$tmp/zero" "$tmp/first" >"$tmp/both"
update --lora 4 --lr 1e-2 --commit-every 2 "$tmp/both"
is '--commit-every 2: the same weights' "$status $(same_store "$w" "$trained")" '0 0'
run score-weights fsck -w "$trained"
is 'fsck' "$status" 0

# ---- after steps of all weights ----
fresh
update --lr 1e-2 "$tmp/zero"
batch 1 >"$tmp/second"
cp -R "$w" "$tmp/anew.lmdb"
update --lora 4 --lr 1e-2 "$tmp/second"
is 'adapters begin with a fresh Adam: status' "$status" 0
run score-update -w "$tmp/anew.lmdb" --lora 4 --lr 1e-2 --reset-optimizer "$tmp/second"
is 'as --reset-optimizer has it' "$status $(same_store "$w" "$tmp/anew.lmdb")" '0 0'
is 'the state of what is frozen now is gone' "$(score-weights show -w "$w" | jq .state_values)" \
	"$((1 + 3 * 14 * $(jq .layers "$gold/config.json")))"
run score-weights fsck -w "$w"
is 'fsck after that' "$status" 0

# ---- the reference is the policy without its adapters, and no second model ----
cp -R "$tmp/again.lmdb" "$tmp/ref.lmdb"
w=$tmp/ref.lmdb
batch 2 >"$tmp/third"
score-logprob -w "$w" -s base "$tmp/third" >"$tmp/bare"
run score-update -w "$w" --kl k1 --lr 1e-2 "$tmp/third"
is 'KL is to the base, as score-logprob has it' "$(jq -c '.kl | map(. * 1e4 | round)' "$tmp/out")" \
	"$(jq -cs '. as $t | [0, 1]
	| map(. as $k | $t | map(.turns[$k] | (.logprobs | add) - (.ref_logprobs | add)) | add / length
		| . * 1e4 | round)' "$tmp/bare")"
batch 3 >"$tmp/fourth"
cp -R "$w" "$tmp/own.lmdb"
run score-update -w "$tmp/own.lmdb" --reference 3 "$tmp/fourth"
is 'a reference with adapters of its own' \
	"$status $(jq -c '[.kl, .settings.reference]' "$tmp/out")" '0 [[0,0],3]'
fresh
update --lr 1e-2 "$tmp/zero"
batch 1 >"$tmp/second"
update --lora 4 --lr 1e-2 "$tmp/second"
is 'a base that other weights were frozen after: a model beside it' \
	"$status $(jq -c '[(.kl | map(. > 0)), .settings.reference]' "$tmp/out")" '0 [[true,true],0]'
jq '.layers = 6 | .width = 512 | .ffn = 2048' "$gold/config.json" >"$tmp/config.json"
score-weights init -w "$tmp/wide.lmdb" "$tmp/config.json" >"$tmp/init"
score-draw -n 1 --step 0 "$gold/problems.jsonl" |
	score-sample -w "$tmp/wide.lmdb" -n 2 --max-tokens 3 |
	jq -c '.turns[].reward = 0.5' | score-bonus --stage 2 >"$tmp/wide"
for beta in 0 1; do
	cp -R "$tmp/wide.lmdb" "$tmp/wide$beta.lmdb"
	score-update -w "$tmp/wide$beta.lmdb" --lora 2 --beta1 $beta --beta2 $beta --memory 8M \
		"$tmp/wide" | jq .timing.rss_anon
done >"$tmp/rss"
tensors=$(score-weights show -w "$tmp/wide.lmdb" | jq .bytes)
ok 'there is something that a second copy would take' test "$tensors" -gt 30000000
ok "KL takes no second copy: $(tr '\n' \
	' ' <"$tmp/rss")bytes without and with, $tensors of weights" \
	test "$(($(tail -n 1 "$tmp/rss") - $(head -n 1 "$tmp/rss")))" -lt $((tensors / 4))

# ---- exported is what was sampled from ----
score-weights export -w "$trained" "$tmp/merged" >"$tmp/log"
score-weights import -w "$tmp/merged.lmdb" "$tmp/merged" >"$tmp/log"
score-logprob -w "$trained" "$tmp/both" | jq -c '[.turns[].ref_logprobs]' >"$tmp/a"
score-logprob -w "$tmp/merged.lmdb" "$tmp/both" | jq -c '[.turns[].ref_logprobs]' >"$tmp/b"
ok 'a merged export has the same log-probabilities, bit for bit' cmp "$tmp/a" "$tmp/b"
is 'and no adapters' "$(score-weights show -w "$tmp/merged.lmdb" | jq .config.lora_rank)" null
score-logprob -w "$tmp/base.lmdb" "$tmp/both" | jq -c '[.turns[].ref_logprobs]' >"$tmp/c"
is 'which are not the base model'"'"'s' "$(cmp -s "$tmp/a" "$tmp/c" && echo same)" ''
score-logprob -w "$trained" -s base "$tmp/both" | jq -c '[.turns[].ref_logprobs]' >"$tmp/d"
ok 'those are still there' cmp "$tmp/c" "$tmp/d"

# ---- it learns ----
fresh
jq -c '.turns |= map(.given = true)' "$tmp/zero" >"$tmp/text"
for s in 0 1 2 3 4 5 6 7 8 9 10 11; do jq -c ".batch.step = $s" "$tmp/text"; done |
	score-update -w "$w" --objective nll --lora 4 --lr 1e-2 >"$tmp/sft"
is 'twelve steps on one text' "$(jq -s '.[-1].loss < 0.7 * .[0].loss' "$tmp/sft")" true

# ---- refused ----
jq '.lora_rank = 4 | .lora_alpha = 4' "$gold/config.json" >"$tmp/config.json"
run score-weights init -w "$tmp/no.lmdb" "$tmp/config.json"
is 'init takes no adapters' "$status" 1
fresh
update --lora 0 "$tmp/zero"
is 'rank 0 is a usage error' "$status" 2
finish
