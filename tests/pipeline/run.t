#!/bin/sh
# SPDX-License-Identifier: MIT
# A whole small run: pre-training, Stage I, Stage II, evaluation; cut off at any instant; in
# shards; from saved batches.
. tests/tap.sh

. tests/pipeline/small.sh

start
ok 'pre-training, cut off' pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 15 50 --lr 1e-2 \
	--commit-every 5
ok 'and gone on with' pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 40 50 --lr 1e-2 \
	--commit-every 5
ok 'nothing is left to do' pipelines/sft.sh "$tmp/base.part" "$tmp/documents" 40 50 --lr 1e-2
is 'every step once, and something was learned' \
	"$(score-weights metrics -w "$tmp/base.part" |
	jq -sc '[length, .[-1].step, .[0].loss > 2 * .[-1].loss]')" '[40,40,true]'
# documents of one turn and of two: trained as they are
score-weights init -w "$tmp/documents.lmdb" "$tmp/config.json" >/dev/null
head -n 8 "$tmp/documents" |
	jq -c 'if input_line_number % 2 == 0 then .turns |= .[:1] else . end' >"$tmp/mixed"
run pipelines/sft.sh "$tmp/documents.lmdb" "$tmp/mixed" 1 8
is 'the model adds nothing to a document' "$status $(jq -c '[.n, .tokens]' "$tmp/out")" \
	"0 [8,$(jq -n '[inputs.turns[].response | length + 1] | add' "$tmp/mixed")]"
run pipelines/sft.sh "$tmp/documents.lmdb" "$tmp/train.jsonl" 2 8
is 'and answers no problem' "$status $(grep -c '.turns: expected at least one turn' "$tmp/err")" \
	'1 1'
learn

new whole
ok 'Stage I and II' pipelines/score.sh "$tmp/whole"
is 'five steps, two of Stage I' \
	"$(jq -sc 'map(select(.stage) | [.step, .stage])' "$tmp/whole/metrics.jsonl")" \
	'[[41,1],[42,1],[43,2],[44,2],[45,2]]'
ok 'on-policy is exact: every ratio is 1' jq -es \
	'[.[] | select(.stage) | .ratio.max == 1 and .ratio.outside == 0] | all' \
	"$tmp/whole/metrics.jsonl"
ok 'something is right, and moves the weights' jq -es \
	'[.[] | select(.stage) | .grad_norm > 0] | all' "$tmp/whole/metrics.jsonl"
is 'tags' \
	"$(score-weights ls -w "$tmp/whole/weights.lmdb" | jq -c '[.step, .tags]' | tr '\n' ' ')" \
	'[40,["base"]] [42,["stage1"]] [44,[]] [45,["stage2"]] '
is 'the batches are kept, by step' \
	"$(find "$tmp/whole/batches" -type f -printf "%f\n" | sort | tr '\n' ' ')" \
	'40.jsonl 41.jsonl 42.jsonl 43.jsonl 44.jsonl '
new watched
run env BEST=1 EVALUATE=2 VALID="$tmp/train.jsonl" EVAL_SAMPLE=--greedy \
	pipelines/score.sh "$tmp/watched"
is 'watched: the same weights' "$status $(changed whole watched)" '0 0'
is 'evaluated on the way' "$(cd "$tmp/watched/eval" && echo *.json)" \
	'step-40.json step-42.json step-44.json'
is 'the weights that earned most in Stage II are tagged best' \
	"$(score-weights show -w "$tmp/watched/weights.lmdb" -s best | jq .step)" \
	"$(jq -s 'map(select(.stage == 2)) | map(.reward[1]) as $r | .[$r | index(max)].batch_step' \
		"$tmp/watched/metrics.jsonl")"
cp -R "$tmp/whole/weights.lmdb" "$tmp/before"
ok 'a second run has nothing to do' pipelines/score.sh "$tmp/whole"
is 'and does nothing' \
	"$(score-weights diff "$tmp/before" "$tmp/whole/weights.lmdb" | tail -n 1 | jq .changed)" 0

# Killed with the whole pipeline, at three instants of a step and then by the clock: a batch cut
# short, a step just committed, a whole batch that nothing learned from yet. (The shell alone:
# loop.t.)
new killed
mkdir "$tmp/wrap"
wrap() { # tool, then the shell commands that take its place, once
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nrm "$0"\n%s\n' "$2" >"$tmp/wrap/$1"
	chmod +x "$tmp/wrap/$1"
}
killed() { PATH="$tmp/wrap:$PATH" setsid -w "$@" >"$tmp/killed.log" 2>&1; }
part() { find "$tmp/killed/batches" -type f -printf '%f\n' | sort | tr '\n' ' '; at killed; }
wrap score-verify "score-verify | head -n 5; sleep 1; kill -9 0"
killed pipelines/score.sh "$tmp/killed"
is 'killed with a part of a batch' "$(part)" '40.jsonl.part 40'
# shellcheck disable=SC2016
wrap score-update 'score-update "$@"; kill -9 0'
killed pipelines/score.sh "$tmp/killed"
is 'killed with a step committed' "$(part)" '40.jsonl 41'
wrap score-update 'cat >/dev/null; kill -9 0'
killed pipelines/score.sh "$tmp/killed"
is 'killed with a batch but no step' "$(part)" '40.jsonl 41.jsonl 41'
for tenths in 1 2 3 5 7 9; do killed timeout -s KILL "0.$tenths" pipelines/score.sh \
	"$tmp/killed"; done
ok 'then on to the end' pipelines/score.sh "$tmp/killed"
is 'identical weights' "$(changed whole killed)" 0
is 'identical metrics' "$(rows killed)" "$(rows whole)"
for f in "$tmp"/whole/batches/*; do cmp "$f" \
	"$tmp/killed/batches/$(basename "$f")"; done >"$tmp/cmp" 2>&1
is 'identical batches, under their names' \
	"$(cat "$tmp/cmp")$(find "$tmp/killed/batches" -type f -printf "%f\n" | sort | tr '\n' ' ')" \
	'40.jsonl 41.jsonl 42.jsonl 43.jsonl 44.jsonl '

# a step that finds its batch
flip() { jq -c '.turns[1].reward = 1 - .turns[1].reward'; }
for how in whole cut unverified other foreign errors; do
	new "saved-$how"
	mkdir "$tmp/saved-$how/batches"
done
flip <"$tmp/whole/batches/40.jsonl" >"$tmp/saved-whole/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" | head -c -20 >"$tmp/saved-cut/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" |
	jq -c 'del(.turns[1].reward)' >"$tmp/saved-unverified/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" | jq -c '.batch.step = 41' >"$tmp/saved-other/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" |
	jq -c '.turns[1].logprobs[0] -= 1e-6' >"$tmp/saved-foreign/batches/40.jsonl"
flip <"$tmp/whole/batches/40.jsonl" | jq -c \
	'.turns[1] += {reward: null, verdict: {status: "error"}}' >"$tmp/saved-errors/batches/40.jsonl"
first=$(jq -c 'select(.step == 41) | .reward[1]' "$tmp/whole/metrics.jsonl")
for how in whole cut unverified other foreign errors; do
	STAGE1=1 STAGE2=0 pipelines/score.sh "$tmp/saved-$how" 2>/dev/null
	got=$(jq -c 'select(.step == 41) | .reward[1]' "$tmp/saved-$how/metrics.jsonl")
	case $how in
	whole) is 'a whole saved batch is used' "$got" "$(jq -n "1 - $first")" ;;
	*) is "one that is not ($how) is made again" "$got" "$first" ;;
	esac
done

# shards, and the order of lines
new shards
export SCORE_WEIGHTS="$tmp/shards/weights.lmdb"
draw() { score-draw -n 4 --seed 3 --step 40 "$tmp/train.jsonl"; }
for i in 0 1; do
	# shellcheck disable=SC2086
	draw | jq -c "select(.batch.index % 2 == $i)" |
		score-sample -n 4 --seed 3 $SAMPLE --batch $((i + 3)) | score-verify >"$tmp/shard$i" &
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
is 'nothing was committed, nothing saved' \
	"$(at fails) $(find "$tmp/fails/batches" -name '*.jsonl')" \
	'40 '
run env SAMPLES=1000 SAMPLE="$SAMPLE --kv-memory 1K" pipelines/score.sh "$tmp/fails"
is 'nor when sampling fails on the way' \
	"$(score-weights show -w "$tmp/fails/weights.lmdb" | jq .step)" 40

ok 'evaluation' pipelines/eval.sh "$tmp/whole/weights.lmdb" stage2 "$tmp/train.jsonl" "$tmp/eval" \
	-n 2
is 'of every problem' "$(jq -c '[.n, .samples]' "$tmp/eval.json")" '[20,40]'
# two at once: each has its own figures, and the files are the second one's
eval_of() { # NAME options of score-sample
	name=$1; shift
	pipelines/eval.sh "$tmp/whole/weights.lmdb" stage2 "$tmp/train.jsonl" "$tmp/both" \
		"$@" >"$tmp/$name.out" 2>"$tmp/$name.err"
	echo $? >"$tmp/$name.status"
}
printf '#!/bin/sh\nsleep 1\nexec score-verify\n' >"$tmp/slow"
chmod +x "$tmp/slow"
export VERIFIER="$tmp/slow"
eval_of first -n 3 &
for i in $(seq 100); do [ -e "$tmp/both.jsonl.part" ] || sleep 0.1; done
eval_of second
wait $!
unset VERIFIER
is 'a second evaluation waits, and says so' \
	"$(cat "$tmp/first.status" "$tmp/second.status" | tr '\n' ' ')$(cat "$tmp/second.err")" \
	"0 0 eval.sh: another process is at work in $tmp/both.lock: waiting for its end"
is 'each has its own figures' "$(jq -c .samples "$tmp/first.out" "$tmp/second.out" |
	tr '\n' ' ')" '60 20 '
ok 'the files are the second one'"'"'s' cmp "$tmp/second.out" "$tmp/both.json"
is 'both of them' "$(score-eval "$tmp/both.jsonl")" "$(cat "$tmp/both.json")"
# shellcheck disable=SC2016
wrap mv 'mv "$@"; kill -9 0'
PATH="$tmp/wrap:$PATH" setsid -w pipelines/eval.sh "$tmp/whole/weights.lmdb" base \
	"$tmp/train.jsonl" "$tmp/both" >"$tmp/log" 2>&1
is 'killed between the two: new trajectories, and no older figures beside them' \
	"$(find "$tmp" -maxdepth 1 -name 'both.json*' -printf '%f\n' | sort | tr '\n' ' ')" \
	'both.json.part both.jsonl '
# three attempts: all of their accuracies, and what is compared with what; files that do not belong
# together
ok 'an evaluation of three attempts' env EVAL= pipelines/eval.sh "$tmp/whole/weights.lmdb" stage2 \
	"$tmp/train.jsonl" "$tmp/three" --turns 3
is 'its table' "$(jq -rn -f pipelines/table.jq "$tmp/three.json" | head -n 1 | tr -s ' ')" \
	' Acc@t1 Acc@t2 Acc@t3 delta t1-t3 i->c t1-t3 c->i t1-t3'
is 'is its figures' \
	"$(jq -rn -f pipelines/table.jq "$tmp/three.json" | sed 1d | grep -oE '[-+0-9.]+ \[' |
		tr -d '[+\n')" \
	"$(jq -r '[.acc_t1, .acc_t2, .acc_t3, .delta, .i_to_c, .c_to_i | .value * 1000 | round
		| if . % 10 == 0 then "\(. / 10).0 " else "\(. / 10) " end] | add' "$tmp/three.json")"
run jq -rn -f pipelines/table.jq "$tmp/eval.json" "$tmp/three.json"
is 'two and three attempts are no one table' \
	"$status $(grep -c 'the files have 2 and 3 attempts' "$tmp/err")" '5 1'
jq -rn -f pipelines/table.jq "$tmp/eval.json" >"$tmp/table"
ok 'and the table of two' \
	grep -q '^  eval  *[0-9.]* \[.*\] *[0-9.]* \[.*\] *[-+0-9.]* \[' "$tmp/table"
finish
