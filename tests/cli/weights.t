#!/bin/sh
# SPDX-License-Identifier: MIT
# score-weights: every verb, what it refuses, what it leaves behind.
. tests/tap.sh
unset SCORE_WEIGHTS
cd "$tmp" || exit 1
config=$top/tests/golden/man/config.json
w() { run score-weights "$@"; }
# status and the one line of stderr
fails() { # name status text command...
	name=$1 want=$2 text=$3; shift 3
	w "$@"
	if [ "$status" = "$want" ] && grep -qF -- "$text" err &&
		[ ! -s out ]; then tap_line ok "$name"; else
		tap_line 'not ok' "$name"; echo "# status $status:"; sed 's/^/# /' err out
	fi
}

# ---- usage ----
fails 'no verb' 2 'wants a verb'
fails 'an unknown verb' 2 "unknown verb 'list'" list
fails 'an unknown option' 2 'unknown option' ls --all
fails 'no store named' 2 'no store: -w DIR or' ls
fails 'init without a configuration' 2 'init wants 1 operand, got 0' init -w a
fails 'diff of one' 2 'diff wants 2 operands, got 1' diff -w a 0
fails 'ls with an operand' 2 'got 1' ls -w a b
fails 'keep nothing' 2 '--keep' gc -w a --keep 0
w -V
is 'version' "$status $(cut -d ' ' -f 1 out)" '0 score-weights'
fails 'no store there' 1 'no store there' ls -w nothing
fails 'no store to check' 1 'no store there' fsck -w nothing
fails 'no store to tag' 1 'no store there' tag -w nothing x
ok 'looking makes no directory' test ! -e nothing

# ---- init ----
w init -w a "$config" --seed 1
is 'init' "$status" 0
is 'is step 0, tagged base' "$(jq -c '[.step, .tags, .objective, .tensors, .values, .bytes,
	.state_values]' out)" '[0,["base"],"init",21,35104,70208,0]'
is 'has the byte vocabulary' "$(jq -c '[.tokenizer | .kind, .tokens, .ends[0]]' out)" \
	'["byte",258,"<|end|>"]'
is 'keeps the configuration' "$(jq -Sc '.config | with_entries(select(.value != 0))' out)" \
	"$(jq -Sc . "$config")"
cp out init.json
ok 'and fits the schema' "$top/tests/validate" snapshot init.json
w show -w a
ok 'show says the same' cmp out init.json
jq '.vocab = 300' "$config" >wide.json
w init -w wide wide.json
is 'a larger vocabulary has unused tokens' "$(jq -c '[.config.vocab, .tokenizer.tokens]' out)" \
	'[300,300]'
w export -w wide wide.hf
w import -w wide2 wide.hf
is 'which come back from an export' "$status $(jq -c '[.config.vocab, .tokenizer.tokens]' out)" \
	'0 [300,300]'
fails 'init over a store' 1 'a store already' init -w a "$config"
w show -w a
ok 'changes nothing' cmp out init.json
score-weights init -w same "$config" --seed 1 >/dev/null
score-weights init -w other "$config" --seed 2 >/dev/null
is 'the same seed, the same weights' "$(score-weights diff a same |
	jq -c '[.tensors, .changed, .values, .differing, .max_abs]')" '[21,0,35104,0,0]'
is 'another seed, other matrices; norms are 1' \
	"$(score-weights diff a other | tail -n 1 | jq -c '[.tensors, .changed]')" '[21,16]'
is 'what differs is named' "$(score-weights diff a other |
	jq -r 'select(.tensor and (.differs != "values" or .differing < .values / 2)) | .tensor')" ''

bad() { # says config
	printf '%s\n' "$2" >bad.json
	fails "init refuses $2" 1 "$1" init -w bad bad.json
	[ ! -e bad ] || { tap_line 'not ok' 'and makes no store'; rm -rf bad; }
}
bad 'expected object' '[]'
bad 'bad.json' '{"layers":'
bad '.width' '{"layers":2,"width":"wide","heads":2,"ffn":64,"context":64}'
bad 'width' '{"layers":2,"heads":2,"ffn":64,"context":64}'
bad 'layers' '{"width":32,"heads":2,"ffn":64,"context":64}'
bad '.layers' '{"layers":1e9,"width":32,"heads":2,"ffn":64,"context":64}'
bad '.layers' '{"layers":2.5,"width":32,"heads":2,"ffn":64,"context":64}'
bad '.depth: unknown field' '{"layers":2,"width":32,"heads":2,"ffn":64,"context":64,"depth":3}'
bad '.vocab' '{"layers":2,"width":32,"heads":2,"ffn":64,"context":64,"vocab":257}'
bad '.arch' '{"arch":"rnn","layers":2,"width":32,"heads":2,"ffn":64,"context":64}'
bad '.head_size' '{"layers":2,"width":32,"heads":3,"ffn":64,"context":64}'
bad 'kv_heads' '{"layers":2,"width":32,"heads":4,"kv_heads":3,"ffn":64,"context":64}'
bad '.layers' '{"layers":null}'
fails 'no configuration file' 1 'none.json' init -w bad none.json
echo '{"model_type":"qwen3","num_hidden_layers":1,"hidden_size":32,"num_attention_heads":2,
"num_key_value_heads":1,"head_dim":8,"intermediate_size":48,"max_position_embeddings":64,
"rms_norm_eps":1e-6,"rope_theta":1e6,"tie_word_embeddings":true}' >hf.json
w init -w hf hf.json
is 'Hugging Face names' "$(jq -c '[.config | .arch, .layers, .width, .heads, .kv_heads, .head_size,
	.ffn, .context, .norm_eps == 1e-6, .rope_theta, .tied]' out)" \
	'["qwen3",1,32,2,1,8,48,64,true,1000000,true]'
mkdir mine && echo mine >mine/notes
w init -w mine "$config"
is 'init in a directory that is there' "$status $(cat mine/notes)" '0 mine'
fails 'a store where none can be' 1 'No such file' init -w no/such/place "$config"

# ---- tags, listing ----
SCORE_WEIGHTS=a; export SCORE_WEIGHTS
w tag start
is 'tag, the store by the environment' "$status $(cat out)" '0 {"tag":"start","step":0}'
w ls
is 'ls' "$(jq -c '[.step, .tags, .bytes]' out)" '[0,["base","start"],70208]'
ok 'fits the schema' "$top/tests/validate" snapshot out
w show -s start
is 'show by tag' "$(jq .step out)" 0
fails 'an unknown snapshot' 1 "there is no snapshot '7'; there are 0; base=0 start=0" show -s 7
fails 'a tag to nowhere' 1 "'7'" tag x -s 7
fails 'a bad tag' 1 'expected a letter' tag 1x
fails 'latest is not a tag' 1 'latest' tag latest
w tag -d start
is 'tag -d' "$status $(cat out)" '0 {"tag":"start","step":null}'
fails 'only once' 1 "no tag 'start'" tag -d start
fails 'base stays' 1 'not removed' tag -d base
w show --tensors
is 'show --tensors: a line each, then the object' \
	"$(wc -l <out) $(jq -r 'select(.tensor == "token_embd.weight") | .shape | @csv
	' out) $(tail -n 1 out | jq .step)" '22 258,32 0'
is 'bytes add up' "$(jq -s 'map(select(.tensor).bytes) | add' out)" 70208
w metrics
is 'no metrics yet' "$status $(wc -c <out)" '0 0'
w diff base latest
is 'diff of two snapshots' "$(jq -c '[.a, .b, .changed]' out)" '[0,0,0]'
w diff base other
is 'of a snapshot and a store' "$(tail -n 1 out | jq .changed)" 16
w diff a hf
is 'of different models: shapes, missing tensors' "$(jq -r 'select(.tensor) | .differs' out | sort |
	uniq -c | tr -s ' \n' ' ')" ' 10 only in a 2 only in b 7 shape 1 values '
fails 'diff with an unknown snapshot' 1 "'nope'" diff base nope
w gc --keep 1
is 'gc: nothing to remove' "$(cat out)" '{"removed":0,"snapshots":1,"freed":0}'
unset SCORE_WEIGHTS
fails 'diff without -w' 1 'no -w' diff base latest

# ---- one writer ----
run flock a/writer.lock score-weights tag -w a x
is 'a second writer is refused' "$status $(grep -c 'another process is writing' err)" '1 1'
run flock a/writer.lock score-weights ls -w a
is 'a reader is not' "$status" 0

# ---- out and in ----
for kind in gguf hf; do
	path=model.$kind
	for arch in llama qwen2 qwen3 gemma3; do
		rm -rf x y "$path"
		jq -c --arg a $arch '. + {arch: $a} | if $a == "gemma3" then . + {tied: true, window: 8,
			window_every: 2, rope_local_theta: 10000} else . end' "$config" >c.json
		score-weights init -w x c.json --seed 3 >x.json
		w export -w x "$path"
		is "$arch, $kind: export" "$status $(jq -c . out)" "0 {\"step\":0,\"path\":\"$path\"}"
		w import -w y "$path"
		is "$arch, $kind: import" "$status $(jq -c '[.step, .tags, .objective, .source]' out)" \
			"0 [0,[\"base\"],\"import\",\"$path\"]"
		is "$arch, $kind: the same configuration" "$(jq -Sc .config out)" "$(jq -Sc .config x.json)"
		is "$arch, $kind: the same tokenizer" "$(jq -Sc .tokenizer out)" \
			"$(jq -Sc .tokenizer x.json)"
		is "$arch, $kind: the same weights" "$(score-weights diff x y | jq -c .changed)" 0
	done
done
fails 'export of an unknown snapshot' 1 "'9'" export -w a -s 9 z.gguf
ok 'writes no file' test ! -e z.gguf
fails 'import of nothing' 1 'none.gguf' import -w z none.gguf
fails 'import over a store' 1 'a store already' import -w a model.gguf
for cut in 0 100 5000 60000; do
	head -c $cut model.gguf >cut.gguf
	fails "import of a file cut at $cut" 1 'cut.gguf' import -w z cut.gguf
done
ok 'a failed import leaves nothing' test ! -e z
mkdir z && echo mine >z/notes
fails 'import of a cut file into a directory' 1 'cut.gguf' import -w z cut.gguf
is 'which stays as it was' "$(ls z)" notes

# A value that is no number is found only while the tensors are read, when the store is being
# written.
cp -R model.hf nan
size=$(stat -c %s nan/model.safetensors)
printf '\300\177' | dd of=nan/model.safetensors bs=1 seek=$((size - 2)) conv=notrunc 2>/dev/null
fails 'import of a NaN' 1 'nan' import -w z2 nan
ok 'leaves no store' test ! -e z2
fails 'nor in a directory' 1 'nan' import -w z nan
is 'that had something else' "$(ls z)" notes

# ---- damage ----
w fsck -w a
is 'fsck' "$status $(cat out)" '0 {"faults":0}'
cp -R a torn
python3 - torn/data.mdb <<'PY'
import sys
p = sys.argv[1]
data = bytearray(open(p, "rb").read())
at = data.rfind(bytes([0x80, 0x3f] * 32))       # a norm: ones
assert at > 0
data[at + 9] ^= 1
open(p, "wb").write(data)
PY
w fsck -w torn
is 'fsck: a flipped bit' "$status $(jq -r .fault out |
	grep -c 'norm.weight (step 0): checksum') $(tail -n 1 out)" '1 1 {"faults":1}'
is 'says it on stderr, too' "$(cat err)" 'score-weights: torn: 1 fault'
cp a/data.mdb torn/data.mdb
python3 - torn/data.mdb <<'PY'
import sys
p = sys.argv[1]
data = bytearray(open(p, "rb").read())
for i in range(8192, len(data), 4096):           # every page but LMDB's two meta pages
    data[i + 8:i + 24] = bytes([0xff] * 16)
open(p, "wb").write(data)
PY
w fsck -w torn
is 'fsck: every page damaged' "$status" 1
truncate -s 9000 torn/data.mdb
fails 'a truncated file' 1 'truncated' fsck -w torn
fails 'to others, too' 1 'truncated' show -w torn
head -c 20000 /dev/zero >torn/data.mdb
fails 'no store at all' 1 'torn' ls -w torn

# ---- stdout ----
run sh -c 'score-weights ls -w a >/dev/full'
is 'a full disk under stdout is noticed' "$status $(grep -c 'No space' err)" '1 1'
run sh -c 'score-weights ls -w a >&-'
is 'a closed stdout is noticed' "$status" 1
# ---- a pager that waits pins nothing: steps committed meanwhile use the room of those before ----
score-weights init -w before "$config" >out
jq -c '{id, turns: [{prompt, response: .answer, given: true}]}' \
	"$top/tests/golden/man/problems.jsonl" >documents
steps() { # store, first and last step
	score-draw -n 4 --steps "$2..$3" documents | score-sample -w "$1" --turns 0 |
		score-update -w "$1" --objective nll >rows
}
steps before 0 2
cp -R before undisturbed
steps undisturbed 3 12
mkfifo brim
size() { du -k "$1/data.mdb" | cut -f 1; }
waits() { # name, then a command that reads store "held"; its output waits: its pipe is full
	name=$1; shift
	rm -rf held && cp -R before held
	# shellcheck disable=SC2217
	sleep 20 <brim &
	sleeper=$!
	exec 8>brim
	dd if=/dev/zero bs=65536 count=1 >&8 2>err
	"$@" >&8 2>err &
	reader=$!
	sleep 0.5
	kill -0 $reader 2>err && waiting=yes || waiting=no
	steps held 3 12 2>err
	step=$(score-weights show -w held | jq .step)
	is "$name" "$waiting $step $(($(size held) <= $(size undisturbed)))" \
		'yes 13 1'
	kill $reader $sleeper 2>err
	wait $reader $sleeper 2>err
	exec 8>&-
}
waits 'metrics' score-weights metrics -w held
waits 'show --tensors' score-weights show --tensors -w held
waits 'diff' score-weights diff -w held base latest
waits 'ls' score-weights ls -w held
waits 'fsck' score-weights fsck -w held
waits 'export' score-weights export -w held held/model.gguf
waits 'tag' score-weights tag -w held -s 0 here
waits 'gc' score-weights gc -w held
waits 'score-sample' score-sample -w held --max-tokens 2 "$top/tests/golden/man/problems.jsonl"
score-sample -w before --max-tokens 2 "$top/tests/golden/man/problems.jsonl" >sampled
waits 'score-logprob' score-logprob -w held sampled

cd "$top" || exit 1
finish
