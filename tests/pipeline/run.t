#!/bin/sh
# SPDX-License-Identifier: MIT
# A whole small run: pre-training, Stage I, Stage II, evaluation; cut off at any instant; in shards; from saved batches.
. tests/tap.sh

# A model of two layers that has learned to answer with a digit, and problems that a digit answers.
pipelines/problems/arithmetic --min 0 --max 4 --held-out 0 -n 20 --seed 1 >"$tmp/train.jsonl"
jq -c '.answer as $a | (range(10) | tostring) as $d | {id: "\(.id) \($d)", turns: [
	{prompt, response: $d, given: true}, {prompt: "?", response: "=\($d)", given: true}]}' "$tmp/train.jsonl" >"$tmp/documents"
jq '.context = 64' tests/golden/man/config.json >"$tmp/config.json"
score-weights init -w "$tmp/base.part" "$tmp/config.json" >/dev/null
ok 'pre-training, cut off' pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 15 50 --lr 1e-2 --commit-every 5
ok 'and gone on with' pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 40 50 --lr 1e-2 --commit-every 5
ok 'nothing is left to do' pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 40 50 --lr 1e-2
is 'every step once, and something was learned' \
	"$(score-weights metrics -w "$tmp/base.part" | jq -sc '[length, .[-1].step, .[0].loss > 2 * .[-1].loss]')" '[40,40,true]'
score-weights tag -w "$tmp/base.part" base >/dev/null
mv "$tmp/base.part" "$tmp/base.lmdb"

cp pipelines/demo/prompts.jq "$tmp"
STAGE1=2 STAGE2=3 PROBLEMS=4 SAMPLES=4 SEED=3 SAMPLE="--max-tokens 1,2 --prompts $tmp/prompts.jq"
BONUS2='--alpha 2' UPDATE1='--lr 1e-2 --beta1 0.01 --beta2 0.1' UPDATE2='--lr 1e-2 --beta1 0.01'
export STAGE1 STAGE2 PROBLEMS SAMPLES SEED SAMPLE BONUS2 UPDATE1 UPDATE2
new() { mkdir "$tmp/$1" && cp -R "$tmp/base.lmdb" "$tmp/$1/weights.lmdb" && cp "$tmp/train.jsonl" "$tmp/$1"; }
rows() { jq -c 'del(.timing)' "$tmp/$1/metrics.jsonl"; }
changed() { score-weights diff "$tmp/$1/weights.lmdb" "$tmp/$2/weights.lmdb" | tail -n 1 | jq -c .changed; }

new whole
ok 'Stage I and II' pipelines/score.sh "$tmp/whole"
is 'five steps, two of Stage I' "$(jq -sc 'map([.step, .stage])' "$tmp/whole/metrics.jsonl")" '[[40,null],[41,1],[42,1],[43,2],[44,2],[45,2]]' 
ok 'on-policy is exact: every ratio is 1' jq -es '[.[] | select(.stage) | .ratio.max == 1 and .ratio.outside == 0] | all' "$tmp/whole/metrics.jsonl"
ok 'something is right, and moves the weights' jq -es '[.[] | select(.stage) | .grad_norm > 0] | all' "$tmp/whole/metrics.jsonl"
is 'tags' "$(score-weights ls -w "$tmp/whole/weights.lmdb" | jq -c '[.step, .tags]' | tr '\n' ' ')" \
	'[40,["base"]] [42,["stage1"]] [44,[]] [45,["stage2"]] '
is 'the batches are kept, by step' "$(cd "$tmp/whole/batches" && ls | tr '\n' ' ')" '40.jsonl 41.jsonl 42.jsonl 43.jsonl 44.jsonl '
cp -R "$tmp/whole/weights.lmdb" "$tmp/before"
ok 'a second run has nothing to do' pipelines/score.sh "$tmp/whole"
is 'and does nothing' "$(score-weights diff "$tmp/before" "$tmp/whole/weights.lmdb" | tail -n 1 | jq .changed)" 0

# killed again and again, each time a little later
new killed
for tenths in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	timeout -s KILL "$((tenths / 10)).$((tenths % 10))" pipelines/score.sh "$tmp/killed" >/dev/null 2>&1
	[ -e "$tmp/killed/metrics.jsonl" ] && break
done
ok 'kill -9 at any instant, then on to the end' pipelines/score.sh "$tmp/killed"
is 'identical weights' "$(changed whole killed)" 0
is 'identical metrics' "$(rows killed)" "$(rows whole)"
for f in "$tmp"/whole/batches/*; do cmp "$f" "$tmp/killed/batches/$(basename "$f")"; done >"$tmp/cmp" 2>&1
is 'identical batches, under their names' "$(cat "$tmp/cmp")$(cd "$tmp/killed/batches" && ls | tr '\n' ' ')" \
	'40.jsonl 41.jsonl 42.jsonl 43.jsonl 44.jsonl '

# a step that finds its batch
flip() { jq -c '.turns[1].reward = 1 - .turns[1].reward'; }
for how in whole part cut unverified other; do
	new "saved-$how"
	mkdir "$tmp/saved-$how/batches"
done
flip <"$tmp/whole/batches/40.jsonl" >"$tmp/saved-whole/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" >"$tmp/saved-part/batches/40.jsonl.part"
flip <"$tmp/whole/batches/40.jsonl" | head -c -20 >"$tmp/saved-cut/batches/40.jsonl.part"
flip <"$tmp/whole/batches/40.jsonl" | jq -c 'del(.turns[1].reward)' >"$tmp/saved-unverified/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" | jq -c '.batch.step = 41' >"$tmp/saved-other/batches/40.jsonl"
first=$(jq -c 'select(.step == 41) | .reward[1]' "$tmp/whole/metrics.jsonl")
for how in whole part cut unverified other; do
	STAGE1=1 STAGE2=0 pipelines/score.sh "$tmp/saved-$how" 2>/dev/null
	got=$(jq -c 'select(.step == 41) | .reward[1]' "$tmp/saved-$how/metrics.jsonl")
	case $how in
	whole) is 'a whole saved batch is used' "$got" "$(jq -n "1 - $first")" ;;
	part) is 'so is one that was whole but had not got its name' "$got" "$(jq -n "1 - $first")" ;;
	*) is "one that is not ($how) is made again" "$got" "$first" ;;
	esac
done

# shards, and the order of lines
new shards
export SCORE_WEIGHTS="$tmp/shards/weights.lmdb"
draw() { score-draw -n 4 --seed 3 --step 40 "$tmp/train.jsonl"; }
for i in 0 1; do
	# shellcheck disable=SC2086
	draw | jq -c "select(.batch.index % 2 == $i)" | score-sample -n 4 --seed 3 $SAMPLE --batch $((i + 3)) | score-verify >"$tmp/shard$i" &
done
wait
sort "$tmp/shard1" "$tmp/shard0" >"$tmp/sharded"
sort "$tmp/whole/batches/40.jsonl" >"$tmp/unsharded"
ok 'sampled and verified in shards: the same lines' cmp "$tmp/sharded" "$tmp/unsharded"
# shellcheck disable=SC2086
score-bonus --stage 1 "$tmp/sharded" | score-update $UPDATE1 >/dev/null
score-weights tag two >/dev/null
STAGE1=1 STAGE2=0 pipelines/score.sh "$tmp/saved-cut" 2>/dev/null
is 'and the same weights, from lines in another order' "$(changed shards saved-cut)" 0

# a stage that fails
new fails
run env VERIFY=--nonsense pipelines/score.sh "$tmp/fails"
is 'a failing filter stops the loop' "$(test "$status" -gt 0 && echo stopped)" stopped
is 'nothing was committed, nothing saved' "$(score-weights show -w "$tmp/fails/weights.lmdb" | jq .step) $(ls "$tmp/fails/batches")" '40 '
run env SAMPLES=1000 SAMPLE="$SAMPLE --kv-memory 1K" pipelines/score.sh "$tmp/fails"
is 'nor when sampling fails on the way' "$(score-weights show -w "$tmp/fails/weights.lmdb" | jq .step)" 40

ok 'evaluation' pipelines/eval.sh "$tmp/whole/weights.lmdb" stage2 "$tmp/train.jsonl" "$tmp/eval" -n 2
is 'of every problem' "$(jq -c '[.n, .samples]' "$tmp/eval.json")" '[20,40]'
ok 'and its table' sh -c "jq -rn -f pipelines/table.jq $tmp/eval.json | grep -q '^  eval  *[0-9.]* \[.*\] *[0-9.]* \[.*\] *[-+0-9.]* \['"
finish
