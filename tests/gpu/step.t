#!/bin/sh
# SPDX-License-Identifier: MIT
# lib/dev/cuda on its shim: a small step (sampling, scoring, update, adapters) of each architecture
# against the CPU's, and against itself: however the work is cut, the same bits.
# shellcheck source=tests/tap.sh
. tests/tap.sh
shim=$B/shim

config() { # ARCH
	jq -n --arg arch "$1" '{arch: $arch, layers: 2, width: 40, heads: 4, kv_heads: 2,
		head_size: (if $arch | test("qwen|olmo") then 42 else 12 end), ffn: 52, vocab: 300,
		context: 160, norm_eps: 1e-5, rope_theta: 10000, tied: ($arch == "gemma3")}
		+ (if $arch == "gemma3" then
			{window: 37, window_every: 2, rope_local_theta: 1000, attn_scale: 0.25}
		elif $arch == "mistral" then {window: 9, window_every: 9, rope_local_theta: 10000}
		elif $arch == "smollm3" then {rope_skip: 2} else {} end)'
}
# of the problems of a step, by the CPU or on the shim
sample() { # TOOL STEP options...
	tool=$1 step=$2
	shift 2
	score-draw -n 3 --step "$step" "$tmp/p" |
		"$tool" -w "$w" -n 2 --prompts "$tmp/prompts.jq" "$@"
}
cpu() { sample score-sample "$@"; }
gpu() { sample "$shim/score-sample" "$@" --device cuda; }
rewarded() { # STAGE
	jq -c '.turns |= map(.reward = ((.tokens[0] // 1) % 2))' | score-bonus --stage "$1"
}
tokens() { jq -c '[.turns[].tokens]' "$1"; }
# The largest difference of the log-probabilities in two files of samples.
apart() { jq -n --slurpfile a "$1" --slurpfile b "$2" '[$a, $b | [.[].turns[].logprobs] | flatten]
	| transpose | map(.[0] - .[1] | fabs) | max'; }
# The same of a row's statistics, relative.
rows_apart() { jq -s 'map([.loss, .grad_norm, .entropy, .kl[]]) | transpose
	| map((.[0] - .[1] | fabs) / (.[0] | fabs)) | max' "$1" "$2"; }
most() { # WHAT VALUE LIMIT
	# shellcheck disable=SC2016
	ok "$1: $2 at most" jq -en --argjson x "$2" --argjson limit "$3" '$x <= $limit'
}

# A sum that comes out a little different can round an activation to the next bf16, which is 2^-8
# away.
flip=0.01
# more positions than attention's tiles have
cat >"$tmp/prompts.jq" <<'END'
if .turns == [] then "What is \(.prompt)? Say it in digits, and nothing but that: " else "?" end
END
head -n 3 tests/golden/man/problems.jsonl >"$tmp/p"
for arch in llama qwen2 qwen3 gemma3 mistral olmo2 smollm3; do
	w=$tmp/$arch
	config $arch >"$tmp/config.json"
	score-weights init -w "$w" --seed 3 "$tmp/config.json" >"$tmp/log" || exit 1
	# norms and biases that are not what they begin as
	cpu 0 --max-tokens 3,5 | rewarded 2 | score-update -w "$w" --lr 0.02 >"$tmp/log" || exit 1
	cpu 1 --max-tokens 3,5 >"$tmp/cpu"
	gpu 1 --max-tokens 3,5 >"$tmp/gpu" 2>"$tmp/err"
	is "$arch: the CPU's tokens" "$(tokens "$tmp/gpu")$(cat "$tmp/err")" "$(tokens "$tmp/cpu")"
	is "$arch: of two turns" "$(jq -s 'map(.turns | map(.tokens != [])) | transpose | map(any)
		| all' "$tmp/gpu")" true
	most "$arch: log-probabilities apart" "$(apart "$tmp/gpu" "$tmp/cpu")" $flip
	export SCORE_SHIM_SEED=5
	gpu 1 --max-tokens 3,5 --batch 1 >"$tmp/other"
	unset SCORE_SHIM_SEED
	ok "$arch: one at a time, blocks and warps in another order: the same bits" \
		cmp "$tmp/other" "$tmp/gpu"
	"$shim/score-logprob" --device cuda -w "$w" --micro-tokens 7 "$tmp/gpu" >"$tmp/out"
	is "$arch: scored, the sampler's bits" \
		"$(jq -s 'all(.[].turns[]; .ref_logprobs == .logprobs)' "$tmp/out")" true

	rewarded 2 <"$tmp/gpu" >"$tmp/batch"
	for device in cpu cuda; do
		cp -R "$w" "$tmp/w.$device"
		"$shim/score-update" -w "$tmp/w.$device" --device $device --lr 10 --adam-eps 1 \
			--clip-grad 0 --beta1 0.5 --reference 0 "$tmp/batch" >"$tmp/row.$device"
	done
	is "$arch: on-policy, a ratio of exactly 1" "$(jq -c .ratio "$tmp/row.cuda")" \
		'{"max":1,"outside":0,"k1":0,"k3":0}'
	most "$arch: statistics apart" "$(rows_apart "$tmp/row.cpu" "$tmp/row.cuda")" 1e-2
	score-weights diff "$tmp/w.cpu" "$tmp/w.cuda" >"$tmp/between"
	score-weights diff "$w" "$tmp/w.cpu" >"$tmp/moved"
	# k's bias has no gradient but rounding: a softmax does not see it
	most "$arch: of what a tensor has moved, apart" "$(jq -n --slurpfile moved "$tmp/moved" \
		--slurpfile between "$tmp/between" '($between | map({(.tensor // ""): .rms}) | add) as $of
		| [$moved[] | select(.rms and (.tensor | endswith("k.bias") | not))
			| ($of[.tensor] // 0) / .rms] | if length > 15 then max else . end')" 0.02
	rm -r "$tmp/w.cpu" "$tmp/w.cuda"
done

w=$tmp/qwen3
for how in '-T 0.7' '--top-k 4' '--top-p 0.6' '--top-k 9 --top-p 0.8 -T 1.5' \
	'--greedy --min-tokens 3' '--min-tokens 3'; do
	# shellcheck disable=SC2086
	cpu 1 --max-tokens 4 $how >"$tmp/cpu"
	# shellcheck disable=SC2086
	gpu 1 --max-tokens 4 $how >"$tmp/gpu"
	is "drawn with $how: the CPU's tokens" "$(tokens "$tmp/gpu")" "$(tokens "$tmp/cpu")"
	most "drawn with $how: log-probabilities apart" "$(apart "$tmp/gpu" "$tmp/cpu")" $flip
done
gpu 1 --max-tokens 3 -T 0.7 | rewarded 1 >"$tmp/batch"
for device in cpu cuda; do
	w=$tmp/w.$device
	cp -R "$tmp/qwen3" "$w"
	"$shim/score-update" -w "$w" --device $device --lora 4 --lr 1e-2 --reference 1 \
		"$tmp/batch" >"$tmp/first.$device"
done
gpu 2 --max-tokens 3 | rewarded 1 >"$tmp/batch"
for device in cpu cuda; do
	"$shim/score-update" -w "$tmp/w.$device" --device $device --lr 1e-2 --reference 1 \
		"$tmp/batch" >"$tmp/second.$device"
done
is 'adapters: sampled, merged, the trainer'"'"'s bits' "$(jq -c .ratio "$tmp/second.cuda")" \
	'{"max":1,"outside":0,"k1":0,"k3":0}'
most 'adapters, drawn at T 0.7: statistics apart' "$(jq -s 'map([.loss, .grad_norm]) | transpose
	| map((.[0] - .[1] | fabs) / (.[0] | fabs)) | max' "$tmp/first.cpu" "$tmp/first.cuda")" 1e-2
most 'adapters, the second update: statistics apart' \
	"$(rows_apart "$tmp/second.cpu" "$tmp/second.cuda")" 5e-2
is 'what made them is in the rows' \
	"$(jq -r '.settings | .device, .isa' "$tmp/second.cuda" | tr '\n' ' ')" 'cuda shim '
finish
