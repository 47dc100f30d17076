# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# For tests of the loop: a model of two layers that learns to answer with a digit, problems that a
# digit answers, settings of a few steps. Source it after tap.sh.
#     start               -> $tmp/train.jsonl, $tmp/documents, $tmp/base.part (random weights)
#     learn && new NAME   pre-training (40 steps, tagged base), then a run's folder $tmp/NAME
#     rows, at, broken NAME; changed NAME NAME

start() {
	pipelines/problems/arithmetic --min 0 --max 4 --held-out 0 -n 20 --seed 1 >"$tmp/train.jsonl"
	jq -c '(range(10) | tostring) as $d | {id: "\(.id) \($d)", turns: [
		{prompt, response: $d, given: true}, {prompt: "?", response: "=\($d)", given: true}]}' \
		"$tmp/train.jsonl" >"$tmp/documents"
	jq '.context = 64' tests/golden/man/config.json >"$tmp/config.json"
	score-weights init -w "$tmp/base.part" "$tmp/config.json" >/dev/null
	cp pipelines/demo/prompts.jq "$tmp"
}
learn() {
	pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 40 50 --lr 1e-2 --commit-every 5 >/dev/null
	score-weights tag -w "$tmp/base.part" base >/dev/null
	mv "$tmp/base.part" "$tmp/base.lmdb"
}
STAGE1=2 STAGE2=3 PROBLEMS=4 SAMPLES=4 SEED=3 SAMPLE="--max-tokens 1,2 --prompts $tmp/prompts.jq"
BONUS2='--alpha 2' UPDATE1='--lr 1e-2 --beta1 0.01 --beta2 0.1' UPDATE2='--lr 1e-2 --beta1 0.01'
export STAGE1 STAGE2 PROBLEMS SAMPLES SEED SAMPLE BONUS2 UPDATE1 UPDATE2

new() {
	mkdir "$tmp/$1" && cp -R "$tmp/base.lmdb" "$tmp/$1/weights.lmdb"
	cp "$tmp/train.jsonl" "$tmp/$1"
}
rows() { jq -c 'del(.timing)' "$tmp/$1/metrics.jsonl"; }
changed() {
	score-weights diff "$tmp/$1/weights.lmdb" "$tmp/$2/weights.lmdb" | tail -n 1 | jq -c .changed
}
at() { score-weights show -w "$tmp/$1/weights.lmdb" | jq .step; }
# The batch files that are not whole: 16 lines of JSON, every sample of every problem, each turn
# with a reward.
broken() {
	find "$tmp/$1/batches" -name '*.jsonl' | while read -r f; do
		jq -en --argjson step "$(basename "$f" .jsonl)" '[inputs
			| select(all(.turns[]; has("reward")) and .batch.step == $step)
			| [.batch.index, .sample]] | unique | length == 16' "$f" >/dev/null 2>&1 ||
			basename "$f"
	done
}
