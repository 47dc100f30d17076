#!/bin/sh
# SPDX-License-Identifier: MIT
# Tokenizers of real models: 46 published vectors each, and 5,000 random strings against PyPI's
# tokenizers.
. tests/tap.sh

vectors=${B:-build/release}/tests/unit/tok_vectors.t
[ -x "$vectors" ] || make -s "$vectors" >&2
gpt2=../shared/data/tokenizer/ggml-vocab-gpt-2.gguf

# random NAME FILE PRE: the peer's ids for every string
random() {
	peers tokenizers==0.23.3 gguf==0.19.0 || { absent "$1, $3"; return 0; }
	"$peers" tests/peers/tok.py "$2" "$3" 5000 7 >"$tmp/strings" 2>"$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
	"$vectors" "$2" "$3" <"$tmp/strings" >"$tmp/ids" 2>&1 || sed 's/^/# /' "$tmp/ids" | head -n 20
	is "$1, $3: random strings" "$(sed -n 's/^ok 1 - //p' "$tmp/ids")" '5000 of 5000 strings'
}

if model smollm2; then random smollm2 "$model" smollm; else absent smollm2; fi
if model qwen-coder; then random qwen-coder "$model" qwen2; else absent qwen-coder; fi
# Kinds whose models are not at hand, on a vocabulary that is: it is the cutting into words that
# differs.
if [ -e "$gpt2" ]; then
	random gpt-2 "$gpt2" gpt-2
	random gpt-2 "$gpt2" llama-bpe
	random llama-spm ../shared/data/tokenizer/ggml-vocab-llama-spm.gguf spm
else
	why="no $gpt2"
	absent 'gpt-2, llama-bpe, llama-spm'
fi

# The same program by itself skips qwen2 where its model was not fetched.
if [ ! -e "$gpt2" ]; then
	why="no $gpt2"
	absent 'published vectors'
elif model qwen-coder; then
	SCORE_MODELS=${model%/*} "$vectors" >"$tmp/out"
	is 'published vectors: gpt-2, llama-spm, qwen2' "$(grep -c '^ok .*46 of 46' "$tmp/out")" 3
else
	absent 'published vectors'
fi
finish
