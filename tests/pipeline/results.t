#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/results.sh: from an experiment to committed figures, and from the outcomes beside them
# to the same figures. And those that are committed.
. tests/tap.sh

# A top of its own, so that what is written there is not in this one.
top=$tmp/top
mkdir -p "$top/pipelines/experiments" "$top/pipelines/results"
for file in bin sandbox lib pipelines/* pipelines/experiments/*; do
	[ -d "$top/$file" ] || ln -s "$PWD/$file" "$top/$file"
done
cat >"$top/pipelines/experiments/own.mk" <<'END'
include pipelines/experiments/tiny.mk
PRETRAIN    = 25 16 --lr 1e-2 --commit-every 5
TEST        = $(TRAIN)
TASK        = a + b
MODEL_NAME  = tiny
EVAL_SAMPLE = -n 4
METHODS     = plain self-refine
SEEDS       = 1 2
END
# shellcheck disable=SC2317
results() {
	(cd "$top" && env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory \
		-f pipelines/experiment.mk LOCKED=1 NAME=own results)
}
run results
out=$top/pipelines/results/own
is 'status' "$status" 0
is 'what it was' "$(jq -c '[.model, .task, .seeds, .isa != null, .minutes >= 0]' "$out.json")" \
	'["tiny","a + b",[1,2],true,true]'
is 'samples of both seeds; one run of the base' "$(jq -c \
	'[.base, .plain, ."self-refine" | .n, .samples, .greedy.samples, .blind_retry.samples]' \
	"$out.json")" '[10,40,10,20,10,80,20,40,10,80,20,40]'
is 'by seed' "$(jq -c '[.base, .plain | .by_seed | map(.seed)]' "$out.json")" '[[1],[1,2]]'
# shellcheck disable=SC2016
is 'the accuracy is the mean of the seeds' "$(jq '.plain | .acc_t2.value as $all
	| [.by_seed[].acc_t2.value] | (add / length - $all) | fabs < 1e-12' "$out.json")" true

rows='{n, samples, acc_t1, acc_t2, delta, i_to_c, c_to_i, changed, blind_spot,
	tokens_per_solved_t2, statuses}'
# shellcheck disable=SC2317
recomputed() { # RESULTS: every figure again, from the outcomes
	gzip -dc "$1.jsonl.gz" >"$tmp/outcomes"
	for method in $(jq -r 'to_entries[] | select(.value.by_seed?) | .key' "$1.json"); do
		for how in sampled greedy; do
			jq -c --arg m "$method" --arg how "$how" \
				'select(.method == $m and .how == $how)' "$tmp/outcomes" | score-eval --partial |
				jq -c "$rows" >"$tmp/found"
			jq -c --arg m "$method" --arg how "$how" \
				".[\$m] | if \$how == \"greedy\" then .greedy else . end | $rows" \
				"$1.json" >"$tmp/said"
			cmp "$tmp/said" "$tmp/found" || return 1
		done
	done
}
ok 'every figure again, from the outcomes' recomputed "$out"
run results
is 'nothing runs a second time' "$status $(grep -c 'step\|evaluation' "$tmp/err")" '0 0'

# Repairs of the base model's failures: one a problem, given, and the evaluation takes them as such.
base=$top/run/own/base.lmdb
SAMPLE='--max-tokens 1,2 --prompts pipelines/demo/prompts.jq' run pipelines/repairs.sh "$base" \
	latest "$top/run/own/test.jsonl" -n 4
cp "$tmp/out" "$tmp/repairs"
is 'repairs: one wrong attempt of a problem, given' "$status $(
	jq -cs 'map(.turns | length == 1 and (.[0] | .given and has("tokens") == false)) | unique' \
		"$tmp/repairs") $(jq -r .id "$tmp/repairs" | sort | uniq -d)" '0 [true] '
ok 'repairs: some' test -s "$tmp/repairs"
SAMPLE='--max-tokens 1,2 --prompts pipelines/demo/prompts.jq' run pipelines/eval.sh "$base" latest \
	"$tmp/repairs" "$tmp/repaired"
is 'repairs: no first attempt is right, the second is the model'\''s' \
	"$status $(jq -c '[.acc_t1.value, .turns]' "$tmp/out") $(
		jq -c '[.turns[].given]' "$tmp/repaired.jsonl" | sort -u)" '0 [0,2] [true,null]'

for file in pipelines/results/*.json; do
	[ -e "$file" ] || continue
	ok "$file: every figure again, from the outcomes" recomputed "${file%.json}"
done
finish
