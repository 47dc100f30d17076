#!/bin/sh
# SPDX-License-Identifier: MIT
# score-weights import and export: what goes out comes back; what is no model leaves nothing behind.
. tests/tap.sh
unset SCORE_WEIGHTS
corpus=$top/tests/fuzz/corpus
config=$top/tests/golden/man/config.json
w() { run score-weights "$@"; }

# same NAME STORE STORE: tensors, configuration and tokenizer
same() {
	is "$1: same tensors" \
		"$(score-weights diff "$2" "$3" | tail -n 1 | jq -c '[.tensors > 0, .changed]')" '[true,0]'
	is "$1: same configuration and tokenizer" \
		"$(score-weights show -w "$3" | jq -Sc '[.config, .tokenizer]')" \
		"$(score-weights show -w "$2" | jq -Sc '[.config, .tokenizer]')"
}
# back NAME STORE: out and in again by both formats
back() {
	score-weights export -w "$2" "$2.gguf" >"$tmp/out" &&
		score-weights import -w "$2.g" "$2.gguf" >>"$tmp/out"
	same "$1 through GGUF" "$2" "$2.g"
	score-weights export -w "$2" "$2.hf" >"$tmp/out" &&
		score-weights import -w "$2.h" "$2.hf" >>"$tmp/out"
	same "$1 through a Hugging Face directory" "$2" "$2.h"
	score-weights export -w "$2.h" "$2.again.gguf" >"$tmp/out"
	ok "$1: the same GGUF file from there" cmp "$2.gguf" "$2.again.gguf"
	rm -rf "$2.gguf" "$2.g" "$2.hf" "$2.h" "$2.again.gguf"
}

# ---- tiny models ----
score-weights init -w "$tmp/tiny" "$config" --seed 3 >"$tmp/out"
back 'a tiny model' "$tmp/tiny"
for arch in llama qwen2 qwen3; do
	score-weights import -w "$tmp/$arch" "$corpus/gguf/$arch.gguf" >"$tmp/out"
	is "$arch: its architecture" "$(jq -r .config.arch "$tmp/out")" "$arch"
	back "$arch" "$tmp/$arch"
done

# ---- what is no model ----
# refused NAME TEXT PATH
refused() {
	w import -w "$tmp/new" "$3"
	if [ "$status" = 1 ] && grep -qF -- "$2" "$tmp/err" && [ "$(wc -l <"$tmp/err")" = 1 ] &&
		[ ! -s "$tmp/out" ] && [ ! -e "$tmp/new" ]; then
		tap_line ok "$1"
	else
		tap_line 'not ok' "$1"; echo "# status $status:"; sed 's/^/# /' "$tmp/err" "$tmp/out"
		rm -rf "$tmp/new"
	fi
}
cd "$tmp" || exit 1
refused 'nothing' 'absent.gguf: No such file' absent.gguf
echo hello >text.gguf
refused 'a text' 'text.gguf: not a GGUF file' text.gguf
: >empty.gguf
refused 'an empty file' 'empty.gguf: ' empty.gguf
mkdir hollow
refused 'an empty directory' 'hollow/config.json: No such file' hollow
mkfifo pipe
refused 'a pipe' 'pipe: not a regular file' pipe
head -c 8000 "$corpus/gguf/llama.gguf" >cut.gguf
refused 'a file cut short' 'runs past the end of the file' cut.gguf
sed 's/llama/bloom/' "$corpus/gguf/llama.gguf" >bloom.gguf
refused 'another architecture is named' "architecture 'bloom' is not supported" bloom.gguf
sed 's/gpt2/bert/' "$corpus/gguf/llama.gguf" >bert.gguf
refused 'another tokenizer is named' "tokenizer 'bert' is not supported" bert.gguf
sed 's/blk.0.ffn_up/blk.0.ffn_xx/' "$corpus/gguf/llama.gguf" >less.gguf
refused 'a missing tensor is named' 'tensor blk.0.ffn_up.weight is missing' less.gguf
# the last 32 bytes are the last tensor, two F32 values and padding: the store is begun when this
# one is reached
cp "$corpus/gguf/qwen3.gguf" nan.gguf
printf '\000\000\300\177' |
	dd of=nan.gguf bs=1 seek=$(($(wc -c <nan.gguf) - 32)) conv=notrunc status=none
refused 'a value that is no number is named' \
	'tensor output_norm.weight: value 0 (nan) is not finite' nan.gguf
mkdir pickled
cp "$corpus/hf-config/llama.json" pickled/config.json
: >pickled/pytorch_model.bin
refused 'pickles are not read' 'pickled weights are not read' pickled

# What users have in the place of a model.
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' >lfs.gguf
refused 'a Git LFS pointer' 'lfs.gguf: not a GGUF file but a Git LFS pointer' lfs.gguf
mkdir lfs && cp pickled/config.json lfs && cp lfs.gguf lfs/model.safetensors
refused 'one for safetensors' 'model.safetensors: not a safetensors file but a Git LFS pointer' lfs
mkdir wide && iconv -t UTF-16 pickled/config.json >wide/config.json
refused 'a configuration in UTF-16' 'config.json: not JSON but text in UTF-16' wide
score-weights export -w tiny hf >out
{ printf '\357\273\277'; sed 's/^{/{"x": NaN,/' hf/config.json; } >marked &&
	mv marked hf/config.json
w import -w marked hf
is 'a byte order mark, and a NaN that nobody reads, do no harm' "$status" 0
is 'nor are there warnings' "$(cat err)" ''
rm -rf marked
printf '[INST] {{ messages }} [/INST]' >hf/chat_template.jinja
sed 's/"score.chat":"plain",*//' hf/tokenizer_config.json >config &&
	mv config hf/tokenizer_config.json
w import -w mistral hf
is 'an unknown chat template becomes plain text' "$status $(jq -c .tokenizer.chat out)" '0 "plain"'
ok 'with a warning' grep -q 'chat template is none of chatml, llama3 and gemma' err
run score-sample -w mistral --system default </dev/null
is 'a template without a system message' "$status $(cat err)" \
	"1 score-sample: --system default: the model's chat template has no system message"
rm -rf mistral

score-weights show -w tiny >before
w import -w tiny "$corpus/gguf/llama.gguf"
is 'over a store' "$status" 1
score-weights show -w tiny >after
ok 'it stays as it was' cmp before after
w export -w tiny hollow/x/y.gguf
is 'export to nowhere' "$status" 1
mkdir full && : >full/x
w export -w tiny full
is 'export to a directory with files' "$status $(ls full)" '1 x'
for to in big.gguf big; do
	run sh -c 'trap "" XFSZ; ulimit -f 8; exec score-weights export -w tiny "$1"' - "$to"
	is "export that the disk cannot hold: $to" \
		"$status $(grep -c 'File too large' err) $(find . -name "$to")" '1 1 '
done
is 'no temporary files' "$(find . -name '*.tmp*')" ''
cd "$top" || exit 1

# ---- real models ----
# real NAME CONFIG TOKENIZER
real() {
	if ! model "$1"; then absent "$1"; return 0; fi
	score-weights import -w "$tmp/$1" "$model" >"$tmp/out" 2>"$tmp/err" || sed 's/^/# /' "$tmp/err"
	is "$1: configuration" "$(
		jq -c '.config | [.arch, .layers, .width, .heads, .kv_heads, .head_size, .ffn, .vocab,
		.context, .rope_theta, .tied, .window, .window_every, .rope_local_theta]' "$tmp/out")" "$2"
	is "$1: tokenizer" \
		"$(jq -c '.tokenizer | [.kind, .pre, .tokens, .merges, .ends, .chat]' "$tmp/out")" "$3"
}
real smollm2 '["llama",30,576,9,3,64,1536,49152,8192,100000,true,0,0,0]' \
	'["bpe","smollm",49152,48900,["<|im_end|>","<|endoftext|>"],"chatml"]'
[ -e "$tmp/smollm2" ] && back smollm2 "$tmp/smollm2"
publisher='You are a helpful AI assistant named SmolLM, trained by Hugging Face'
if [ -e "$tmp/smollm2" ]; then
	for system in default "$publisher"; do
		echo '{"id":"a","prompt":"Hi"}' |
			score-sample -w "$tmp/smollm2" --system "$system" --turns 1 --max-tokens 1 |
			jq -c '.turns[].context'
	done >"$tmp/out"
	is "smollm2: --system default is its publisher's" \
		"$(sort -u "$tmp/out" | wc -l) $(wc -l <"$tmp/out")" '1 2'
fi
rm -rf "$tmp/smollm2"
real gemma3 '["gemma3",18,640,4,1,256,2048,262144,32768,1000000,true,512,6,10000]' \
	'["spm",null,262144,0,["<eos>","<end_of_turn>"],"plain"]'
rm -rf "$tmp/gemma3"
real qwen-coder '["qwen2",24,896,14,2,64,4864,151936,32768,1000000,false,0,0,0]' \
	'["bpe","qwen2",151936,151387,["<|im_end|>","<|endoftext|>"],"chatml"]'
finish
