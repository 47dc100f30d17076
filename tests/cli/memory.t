#!/bin/sh
# SPDX-License-Identifier: MIT
# score-update's memory: weights, gradients, what --memory allows, and no more than a fixed amount
# on top, at any vocabulary. In a model with a million tokens and next to nothing else, only logits
# and their gradients could take more.
. tests/tap.sh
vocab=1048576 width=8 heads=240
jq -n --argjson v $vocab --argjson d $width '{arch: "llama", layers: 1, width: $d, heads: 1,
	kv_heads: 1, head_size: $d, ffn: $d, vocab: $v, context: 512, norm_eps: 1e-5,
	rope_theta: 10000, tied: true}' >"$tmp/config.json"
score-weights init -w "$tmp/w.lmdb" --seed 1 "$tmp/config.json" >"$tmp/init"
jq -nc --argjson v $vocab --argjson n $heads '[range($n + 1) | . * 4001 % $v] as $ids
	| {id: "a", stage: 2, turns: [{response: "", snapshot: 0, context: $ids[:1], tokens: $ids[1:],
		logprobs: ($ids[1:] | map(-13)), reward: 1, return: 1, advantage: 1}]}' >"$tmp/one"
run score-update -w "$tmp/w.lmdb" --partial --beta1 1 --memory 16M --lr 1e-3 "$tmp/one"
is 'a step with exact KL over a million tokens' \
	"$status $(jq -c '[.tokens, .kl, .step]' "$tmp/out") $(cat "$tmp/err")" "0 [$heads,[0],1] "
# policy and reference in bf16, gradients in fp32
weights=$((vocab * width * (2 + 2 + 4)))
rss=$(jq .timing.rss_anon "$tmp/out")
over=$(((rss - weights - (16 << 20)) >> 20))
ok "$((rss >> 20)) MiB at most, $over MiB of it beyond weights, gradients and activations" \
	test $over -lt 768
finish
