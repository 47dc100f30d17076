#!/bin/sh
# SPDX-License-Identifier: MIT
# Imported and exported models by the eyes of others: gguf, tokenizers, llama.cpp, transformers.
. tests/tap.sh
unset SCORE_WEIGHTS
peer() { "$peers" tests/peers/import.py "$@" 2>"$tmp/err" || sed 's/^/# /' "$tmp/err" | tail -n 5; }

# real NAME PRE: every tensor dequantised by gguf, 1,000 strings by tokenizers
real() {
	if ! model "$1"; then absent "$1"; return 0; fi
	score-weights import -w "$tmp/w" "$model" >"$tmp/out" &&
		score-weights export -w "$tmp/w" "$tmp/hf" >"$tmp/out"
	if peers gguf==0.19.0 numpy; then
		is "$1: every tensor is the peer's, rounded" "$(peer tensors "$model" "$tmp/hf" |
			jq -c '[.tensors > 200, .differ, .left]')" '[true,0,[]]'
	else
		absent "$1: tensors"
	fi
	if peers tokenizers==0.23.3 gguf==0.19.0; then
		"$peers" tests/peers/tok.py "$model" "$2" 1000 3 >"$tmp/strings"
		is "$1: tokenizer.json" "$(peer tokens "$tmp/hf" <"$tmp/strings" |
			jq -c '[.strings > 700, .differ]')" '[true,0]'
	else
		absent "$1: tokenizer.json"
	fi
}
real gemma3 spm
rm -rf "$tmp/w" "$tmp/hf"
real smollm2 smollm
if ! model smollm2; then
	absent 'llama.cpp'
elif peers cyllama==0.2.18 numpy; then
	score-weights export -w "$tmp/w" "$tmp/w.gguf" >"$tmp/out"
	is 'llama.cpp reads the exported GGUF as it reads the imported one' \
		"$(peer llama "$model" "$tmp/w.gguf" | jq -c 'del(.n)')" \
		'{"close":true,"ids":true,"special":true,"spread":true,"template":true}'
else
	absent 'llama.cpp'
fi
rm -rf "$tmp/w.gguf" "$tmp/hf"

# Random weights of every architecture: what score-sample recorded is what llama.cpp computes from
# the exported file.
if peers cyllama==0.2.18 numpy; then
	head -n 4 tests/golden/man/problems.jsonl >"$tmp/p"
	for arch in llama qwen2 qwen3 gemma3 mistral olmo2 smollm3; do
		more=
		[ $arch = gemma3 ] && more='| .window = 7 | .window_every = 6 | .rope_local_theta = 10000'
		[ $arch = smollm3 ] && more='| .rope_skip = 4'
		jq ".arch = \"$arch\" | .width = 64 | .heads = 4 | .kv_heads = 2 | .ffn = 128
			| .layers = 9 $more" tests/golden/man/config.json >"$tmp/c.json"
		score-weights init -w "$tmp/$arch" --seed 3 "$tmp/c.json" >"$tmp/out"
		score-sample -w "$tmp/$arch" -n 1 --max-tokens 12,20 --min-tokens 10 --seed 2 \
			"$tmp/p" >"$tmp/t"
		score-weights export -w "$tmp/$arch" "$tmp/$arch.gguf" >"$tmp/out"
		is "$arch: llama.cpp finds the sampled tokens as likely" \
			"$(peer said "$tmp/$arch.gguf" <"$tmp/t")" \
			'{"close": true, "many": true}'
		rm -rf "${tmp:?}/$arch" "$tmp/$arch.gguf"
	done
else
	absent 'llama.cpp on random weights'
fi

# PyTorch is 3 GB: used where it is, never fetched.
peers=${SCORE_PEERS:-run/peers}/bin/python
if "$peers" -c 'import torch, transformers, tokenizers' 2>"$tmp/err"; then
	archs='llama qwen2 qwen3 gemma3 mistral olmo2 smollm3'
	# shellcheck disable=SC2086
	is 'transformers makes tiny models' "$(peer make "$tmp" $archs | jq -r .arch | tr '\n' ' ')" \
		"$archs "
	for arch in $archs; do
		score-weights import -w "$tmp/$arch.w" "$tmp/$arch" >"$tmp/out" &&
			score-weights export -w "$tmp/$arch.w" "$tmp/$arch.hf" >"$tmp/out"
	done
	# shellcheck disable=SC2086
	peer logits "$tmp" $archs >"$tmp/logits"
	for arch in $archs; do
		is "$arch imported and exported: bitwise its logits" \
			"$(jq -c "select(.arch == \"$arch\") | del(.arch)" "$tmp/logits")" \
			'{"equal":true,"finite":true,"spread":true}'
	done
	if model smollm2; then
		peer resave "$model" "$tmp/saved" >"$tmp/out"
		score-weights import -w "$tmp/w2" "$tmp/saved" >"$tmp/out"
		is "smollm2 saved by transformers: the GGUF file's tensors" "$(score-weights diff "$tmp/w" \
			"$tmp/w2" | tail -n 1 | jq -c '[.tensors, .changed]')" '[272,0]'
	else
		absent 'smollm2 saved by transformers'
	fi
else
	skip "no PyTorch and transformers (SCORE_PEERS names a virtual environment that has them)"
fi
finish
