#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/experiment.mk with the tiny experiment: from nothing to a table, once, and on from where it was.
. tests/tap.sh

# shellcheck disable=SC2317
experiment() { # name, then arguments of make; the folder is $tmp/NAME
	name=$1; shift
	env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -f pipelines/experiment.mk NAME="$name" R="$tmp/$name" F="$tmp/tiny" "$@"
}
at() { score-weights show -w "$tmp/$1/weights.lmdb" | jq .step; }

run experiment tiny base
is 'the base model' "$status $(score-weights show -w "$tmp/tiny/base.lmdb" | jq -c '[.step, .tags]') $(cat "$tmp/out")" '0 [20,["base"]] '
ok 'problems' tests/validate problem "$tmp/tiny/train.jsonl"
run experiment tiny
is 'a table of three rows on standard output' "$status $(cut -c 1-12 "$tmp/out" | tr -d ' ' | tr '\n' ' ')" '0  base stage1 stage2 '
cp "$tmp/out" "$tmp/table"
jq -c '.before, .after' "$tmp/tiny/summary.json" >"$tmp/parts"
ok "summary.json: score-eval's objects" tests/validate eval "$tmp/parts"
is 'before and after are base and stage2' "$(jq -c .before "$tmp/tiny/summary.json") $(jq -c .after "$tmp/tiny/summary.json")" \
	"$(jq -c . "$tmp/tiny/eval/base.json") $(jq -c . "$tmp/tiny/eval/stage2.json")"
is 'evaluated on problems that were not trained on' "$(jq -r .id "$tmp/tiny/train.jsonl" "$tmp/tiny/test.jsonl" "$tmp/tiny/documents.jsonl" | sort | uniq -c |
	awk '{print $1}' | sort | uniq -c | tr -s ' \n' ' ')" ' 8 1 10 2 '
ok 'metrics rows' tests/validate metrics "$tmp/tiny/metrics.jsonl"
is 'curves' "$(head -c 5 "$tmp/tiny/curves.svg")" '<?xml'

cp -R "$tmp/tiny/weights.lmdb" "$tmp/before"
run experiment tiny
is 'again: nothing but the table' "$status $(cat "$tmp/err")" '0 '
ok 'the same one' cmp "$tmp/out" "$tmp/table"
is 'and no new step' "$(score-weights diff "$tmp/before" "$tmp/tiny/weights.lmdb" | tail -n 1 | jq .changed)" 0
run experiment tiny -W pipelines/experiments/tiny.mk STAGE2=3
is 'a longer Stage II goes on from the last step' "$status $(at tiny) $(find "$tmp/tiny/batches" -name '*.jsonl' | wc -l)" '0 25 5'
is 'and is evaluated anew' "$(jq -c .after "$tmp/tiny/summary.json")" "$(jq -c . "$tmp/tiny/eval/stage2.json")"

# killed at a few instants, then to the end: the same experiment
mkdir "$tmp/cut"
for tenths in 2 4 6 8 12 16; do
	setsid -w timeout -s KILL "$((tenths / 10)).$((tenths % 10))" env -u MAKEFLAGS -u MAKELEVEL make -f pipelines/experiment.mk \
		NAME=tiny R="$tmp/cut/tiny" >"$tmp/log" 2>&1
done
run env -u MAKEFLAGS -u MAKELEVEL make -f pipelines/experiment.mk NAME=tiny R="$tmp/cut/tiny"
is 'cut off anywhere: the same weights in the end' \
	"$status $(score-weights diff "$tmp/before" "$tmp/cut/tiny/weights.lmdb" | tail -n 1 | jq .changed)" '0 0'
ok 'and the same table' cmp "$tmp/out" "$tmp/table"

cat >"$tmp/branch.mk" <<'EOF'
include pipelines/experiments/tiny.mk
FROM = tiny
STAGE1 = 0
STAGE2 = 1
SNAPSHOTS = base stage2
EOF
run experiment branch CONFIG="$tmp/branch.mk"
is "FROM: another experiment's base model and problems" "$status $(at branch) $(wc -l <"$tmp/out")" '0 21 3'
ok 'the same ones' cmp "$tmp/branch/test.jsonl" "$tmp/tiny/test.jsonl"
run experiment fresh CONFIG="$tmp/branch.mk" F="$tmp/other" "$tmp/fresh/base.lmdb"
is 'FROM an experiment that was not run: its base model is made' "$status $(score-weights diff "$tmp/other/base.lmdb" "$tmp/tiny/base.lmdb" |
	tail -n 1 | jq .changed)" '0 0'

for name in demo plain real; do
	run experiment "$name" -n MODEL=model.gguf MODEL_FILE=Makefile
	is "$name: a plan can be made" "$status" 0
done
run experiment nonsense
is 'no such experiment' "$status" 2
run env -u MAKEFLAGS -u MAKELEVEL make -f pipelines/experiment.mk
ok 'no name: those there are' grep -q 'NAME= is missing: one of demo .*tiny' "$tmp/err"
finish
