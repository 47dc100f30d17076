#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/experiment.mk with the tiny experiment: from nothing to a table, once, and on from
# where it was.
. tests/tap.sh

# shellcheck disable=SC2317
experiment() { # name, then arguments of make; the folder is $tmp/NAME
	name=$1; shift
	env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -f pipelines/experiment.mk \
		NAME="$name" R="$tmp/$name" F="$tmp/tiny" "$@"
}
at() { score-weights show -w "$tmp/$1/weights.lmdb" | jq .step; }

run experiment tiny base
is 'the base model' \
	"$status $(score-weights show -w "$tmp/tiny/base.lmdb" | jq -c '[.step, .tags]') $(
		cat "$tmp/out")" \
	'0 [20,["base"]] '
ok 'problems' tests/validate problem "$tmp/tiny/train.jsonl"
run experiment tiny
is 'a table of three rows on standard output' \
	"$status $(cut -c 1-12 "$tmp/out" | tr -d ' ' | tr '\n' ' ')" '0  base stage1 stage2 '
cp "$tmp/out" "$tmp/table"
jq -c '.before, .after' "$tmp/tiny/summary.json" >"$tmp/parts"
ok "summary.json: score-eval's objects" tests/validate eval "$tmp/parts"
is 'before and after are base and stage2' \
	"$(jq -c .before "$tmp/tiny/summary.json") $(jq -c .after "$tmp/tiny/summary.json")" \
	"$(jq -c . "$tmp/tiny/eval/base.json") $(jq -c . "$tmp/tiny/eval/stage2.json")"
is 'evaluated on problems that were not trained on' "$(jq -r .id "$tmp/tiny/train.jsonl" \
	"$tmp/tiny/test.jsonl" "$tmp/tiny/documents.jsonl" | sort | uniq -c |
	awk '{print $1}' | sort | uniq -c | tr -s ' \n' ' ')" ' 8 1 10 2 '
ok 'metrics rows' tests/validate metrics "$tmp/tiny/metrics.jsonl"
is 'curves' "$(head -c 5 "$tmp/tiny/curves.svg")" '<?xml'

cp -R "$tmp/tiny/weights.lmdb" "$tmp/before"
run experiment tiny
is 'again: nothing but the table' "$status $(cat "$tmp/err")" '0 '
ok 'the same one' cmp "$tmp/out" "$tmp/table"
is 'and no new step' \
	"$(score-weights diff "$tmp/before" "$tmp/tiny/weights.lmdb" | tail -n 1 | jq .changed)" 0
run experiment tiny STAGE2=3
is 'a longer Stage II goes on from the last step' \
	"$status $(at tiny) $(find "$tmp/tiny/batches" -name '*.jsonl' | wc -l)" '0 25 5'
is 'and is evaluated anew' "$(jq -c .after "$tmp/tiny/summary.json")" \
	"$(jq -c . "$tmp/tiny/eval/stage2.json")"

# killed at a few instants, then to the end: the same experiment
mkdir "$tmp/cut"
for tenths in 2 4 6 8 12 16; do
	setsid -w timeout -s KILL "$((tenths / 10)).$((tenths % 10))" env -u MAKEFLAGS -u MAKELEVEL \
		make -f pipelines/experiment.mk \
		NAME=tiny R="$tmp/cut/tiny" >"$tmp/log" 2>&1
done
run env -u MAKEFLAGS -u MAKELEVEL make -f pipelines/experiment.mk NAME=tiny R="$tmp/cut/tiny"
is 'cut off anywhere: the same weights in the end' \
	"$status $(score-weights diff "$tmp/before" "$tmp/cut/tiny/weights.lmdb" | tail -n 1 |
	jq .changed)" '0 0'
ok 'and the same table' cmp "$tmp/out" "$tmp/table"

# what it was made with has changed: that is said, and no table
cp pipelines/demo/prompts.jq "$tmp/prompts.jq"
pipelines/problems/arithmetic --min 0 --max 4 --held-out 40 --split train -n 10 >"$tmp/problems"
cat >"$tmp/own.mk" <<END
include pipelines/experiments/tiny.mk
PROMPTS = $tmp/prompts.jq
TRAIN = cat '$tmp/problems'
VERIFIER = jq -c --unbuffered -f '$tmp/a word.jq'
EVAL_SAMPLE = --system 'Be brief.'
END
cp pipelines/verifiers/word.jq "$tmp/a word.jq"
run experiment own CONFIG="$tmp/own.mk"
is 'a verifier of one'"'"'s own, arguments with spaces' \
	"$status $(wc -l <"$tmp/out") $(jq -c '.turns[0].verdict | keys' "$tmp"/own/eval/*.jsonl \
		"$tmp"/own/batches/*.jsonl | sort -u)" \
	'0 4 ["status"]'
is 'settings.json: problems and base, training, evaluation' "$(jq -c '
	[keys, .base.PRETRAIN, .training.steps], .evaluation.EVAL_SAMPLE,
	[.[] | .files | keys | map(split("/") | last) | sort]' "$tmp/own/settings.json")" \
	'[["base","evaluation","training"],"20 8 --lr 1e-2 --commit-every 5","2 2"]
"'"--system 'Be brief.'"'"
[["arithmetic","problems","prompts.jq","tiny.json"],["a word.jq","prompts.jq","test.jsonl"],'\
'["a word.jq","prompts.jq","train.jsonl"]]'
jq -c . "$tmp/own/settings.json" >"$tmp/settings"
ok 'it fits its schema' tests/validate settings "$tmp/settings"
refused() { # what has changed, words of the message, arguments of make
	what=$1 words=$2; shift 2
	run experiment own CONFIG="$tmp/own.mk" "$@"
	is "$what" "$status.$(cat "$tmp/out").$(grep -cF "$words" "$tmp/err")" '2..1'
}
refused 'other settings of training' 'samples was 4, is 5' SAMPLES=5
refused 'other settings of pre-training' 'PRETRAIN was 20 8 --lr 1e-2 --commit-every 5, is 9 8' \
	PRETRAIN='9 8'
refused 'other test problems' 'TEST was ' TEST='head -n 3 README.md'
refused 'another way of evaluation' 'EVAL_SAMPLE was ' EVAL_SAMPLE=--greedy
refused 'fewer steps' '4 steps were made there' STAGE2=1
for file in problems prompts.jq 'a word.jq'; do
	echo >>"$tmp/$file"
	refused "another $file" "$file is not the file it was"
	sed -i '$d' "$tmp/$file"
done
rm -r "$tmp/own/eval"
run experiment own CONFIG="$tmp/own.mk" EVAL_SAMPLE=--greedy
is 'evaluated anew on request' \
	"$status $(jq -r .evaluation.EVAL_SAMPLE "$tmp/own/settings.json") $(
		jq -s 'all(.[].turns[]; .sampling.greedy)' "$tmp/own/eval/base.jsonl")" \
	'0 --greedy true'
rm -r "$tmp/own/weights.lmdb"
run experiment own CONFIG="$tmp/own.mk" EVAL_SAMPLE=--greedy SAMPLES=5
is 'trained anew on request, and evaluated' \
	"$status $(jq -r .training.samples "$tmp/own/settings.json") $(
		wc -l <"$tmp/own/batches/20.jsonl") $(cat "$tmp/own/trained")" \
	'0 5 20 24'

# two makes on one run
rm -r "$tmp/own"
experiment own CONFIG="$tmp/own.mk" >"$tmp/first" 2>"$tmp/log" &
sleep 0.4
run experiment own CONFIG="$tmp/own.mk"
wait $!
is 'a second make waits and says so' "$status $(grep -c 'waiting for its end' "$tmp/err")" '0 1'
ok 'and has the same table' cmp "$tmp/out" "$tmp/first"

# pre-training speaks through a pipe while it lasts
PRETRAIN='400 8 --commit-every 50'
experiment speak base CONFIG=pipelines/experiments/tiny.mk PRETRAIN="$PRETRAIN" 2>&1 >"$tmp/log" |
while read -r line; do
	echo "$(score-weights show -w "$tmp/speak/base.lmdb.part" 2>"$tmp/err" | jq .step) $line"
done >"$tmp/heard"
# shellcheck disable=SC2016
ok 'a line every 50 steps, as they are made' awk \
	'/step 50 of 400: loss [0-9.]+, 0:0[0-9]:[0-9][0-9] left$/ { early = $1 < 400 }
		END { exit !early }' \
	"$tmp/heard"

cat >"$tmp/branch.mk" <<'EOF'
include pipelines/experiments/tiny.mk
FROM = tiny
STAGE1 = 0
STAGE2 = 1
SNAPSHOTS = base stage2
EOF
run experiment branch CONFIG="$tmp/branch.mk"
is "FROM: another experiment's base model and problems" \
	"$status $(at branch) $(wc -l <"$tmp/out")" '0 21 3'
ok 'the same ones' cmp "$tmp/branch/test.jsonl" "$tmp/tiny/test.jsonl"
run experiment fresh CONFIG="$tmp/branch.mk" F="$tmp/other" -j 4
is 'FROM an experiment that was not run, in parallel: its base model is made, once' \
	"$status $(grep -c 'pre-training: ' "$tmp/err") $(
		score-weights diff "$tmp/other/base.lmdb" "$tmp/tiny/base.lmdb" |
	tail -n 1 | jq .changed)" '0 1 0'
run experiment branch CONFIG="$tmp/branch.mk" PRETRAIN='9 8'
is 'FROM an experiment whose settings have changed' \
	"$status.$(cat "$tmp/out").$(grep -c 'tiny: PRETRAIN was' "$tmp/err")" '2..1'

for name in demo plain real; do
	run experiment "$name" -n MODEL=model.gguf MODEL_FILE=Makefile
	is "$name: a plan can be made" "$status" 0
done
run experiment nonsense
is 'no such experiment' "$status" 2
run env -u MAKEFLAGS -u MAKELEVEL make -f pipelines/experiment.mk
ok 'no name: those there are' grep -q 'NAME= is missing: one of demo .*tiny' "$tmp/err"
finish
