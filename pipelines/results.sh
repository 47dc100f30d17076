#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An experiment by all its methods and seeds: what came out, and the outcomes behind every figure.
# usage: results.sh NAME            (make results NAME=..., from the repository's top)
#
# From the environment, as experiments/NAME.mk has them: METHODS, SEEDS, TASK, MODEL_NAME; EVAL:
# options of score-eval; PLUS: problems with stricter tests (plus.sh). Writes
# pipelines/results/NAME.json: {"model", "task", "seeds", "commit", "isa", "minutes", "base", then
# each method: score-eval's object of all seeds' samples, with "greedy", "blind_retry", "plus" and
# "by_seed" in it}; and NAME.jsonl.gz, the trajectories (outcome.jq), each with its "method" and
# "seed". Intervals are over problems; how far trainings differ is seen in by_seed. What has run
# before is not run again. minutes: of training, from snapshot to snapshot, all runs together (where
# more than ten lie between two, a run lay still).
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
(($# == 1)) || { sed -n 4p "$0" >&2; exit 2; }
name=$1 out=pipelines/results/$1 here=$(dirname "$0") eval=()
# shellcheck disable=SC2153  # a setting, not methods misspelt
read -ra methods <<<"$METHODS"
read -ra seeds <<<"${SEEDS:-0}"
words eval "${EVAL-}"

# Prints the outcomes of method $1, seed $2, which runs unless it has run.
run() {
	local method=$1 final=()

	[[ $1 != base ]] || method=${methods[0]} final=(FINAL=base)
	"${MAKE:-make}" --no-print-directory -f "$here/experiment.mk" LOCKED= NAME="$name" \
		METHOD="$method" SEED="$2" "${final[@]}" outcomes
}
# The outcomes of method $1: the samples of all seeds side by side, as so many of one problem.
outcomes() {
	local method=$1 of=("${seeds[@]}") i

	[[ $1 != base ]] || of=("${seeds[0]}")
	for ((i = 0; i < ${#of[@]}; i++)); do
		run "$method" "${of[i]}" | jq -c --arg method "$method" --argjson seed "${of[i]}" \
			--argjson nth $i --argjson of ${#of[@]} '(.group // 1) as $n | {$method, $seed} + .
				| .sample = (.sample // 0) + $nth * $n | .group = $of * $n'
	done
}
figures() { score-eval "${eval[@]}" --partial "$@"; }
only() { jq -c "select($1)" "$work/$method"; }

minutes() {
	local method seed

	for method in "${methods[@]}"; do
		for seed in "${seeds[@]}"; do
			score-weights ls -w "run/$name/$method-$seed/weights.lmdb" |
				jq -s 'map(.time | values | fromdate) | [.[1:], .[:-1]] | transpose
					| map(.[0] - .[1] | select(. < 600)) | add // 0'
		done
	done | jq -s 'add / 60 | round'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "${out%/*}"
for method in base "${methods[@]}"; do
	outcomes "$method" >"$work/$method"
	only '.how == "sampled"' >"$work/sampled"
	blind=$(jq -cn -f "$here/blind-retry.jq" "$work/sampled" | figures)
	plus=null
	[[ -z ${PLUS-} ]] || plus=$("$here/plus.sh" "$PLUS" "$work/sampled")
	jq .seed "$work/sampled" | sort -nu | while read -r seed; do
		jq -c --argjson seed "$seed" 'select(.seed == $seed)' "$work/sampled" | figures |
			jq -c --argjson seed "$seed" '{$seed, acc_t1, acc_t2, delta, changed}'
	done | jq -s . >"$work/seeds"
	only '.how == "greedy"' | figures |
		jq --arg method "$method" --argjson blind "$blind" --argjson plus "$plus" \
			--slurpfile seeds "$work/seeds" --slurpfile all <(figures "$work/sampled") '
			{($method): ($all[0] + {greedy: ., blind_retry: $blind, plus: $plus,
				by_seed: $seeds[0]} | del(.[] | nulls))}' >>"$work/json"
	cat "$work/$method" >>"$work/outcomes"
	say "$name: $method"
done

score-weights ls -w "run/$name/${methods[0]}-${seeds[0]}/weights.lmdb" | tail -n 1 |
	jq -c --slurpfile methods "$work/json" --argjson minutes "$(minutes)" \
		--arg model "$MODEL_NAME" --arg task "$TASK" --arg seeds "${seeds[*]}" \
		--arg commit "$(git rev-parse --short HEAD 2>/dev/null || score-eval --version)" '
		{$model, $task, seeds: ($seeds / " " | map(tonumber)), $commit, isa, $minutes}
			+ ($methods | add)' >"$work/result"
gzip -9nc "$work/outcomes" >"$out.jsonl.gz.part"
rm -f "$out.json"
mv "$out.jsonl.gz.part" "$out.jsonl.gz"
jq . "$work/result" >"$out.json.part"
mv "$out.json.part" "$out.json"
say "$out.json"
