#!/bin/sh
# SPDX-License-Identifier: MIT
# score-plot: what is drawn, and what happens when it cannot be.
. tests/tap.sh
cd "$tmp" || exit 1

seq 1 40 | jq -c '{step: ., reward: [. / 40, 0.5], kl: (if . < 3 then null else [. / 10] end),
	name: "x"}' >a.jsonl
jq -c '.reward[1] = 0.25' a.jsonl >b.jsonl

run score-plot -o a.svg a.jsonl
is 'SVG' "$status $(head -n 1 a.svg | cut -c1-5)" '0 <?xml'
is 'a series per turn, named' "$(grep -c 'reward\[[01]\]</text>' a.svg)" 2
cp a.svg old.svg
run score-plot -o a.svg a.jsonl
ok 'the same bytes twice' cmp a.svg old.svg
run score-plot -o a.png -y .reward -y .kl --size 400x200 a.jsonl
is 'PNG of two panels' "$status$(od -An -tx1 -j16 -N8 a.png)" '0 00 00 01 90 00 00 01 90'
# shellcheck disable=SC2016
run score-plot -o o.svg -y '{"it'\''s one": .reward[0], "`two`": .reward[1]}' --title "q'uote \$x" \
	--smooth 5 <a.jsonl
is 'an object names its series; quotes are text' \
	"$status $(grep -c "it's one</text>\|\`two\`</text>\|q'uote \$x</text>" o.svg)" '0 3'
run score-plot -o two.svg -y '.reward[1]' a.jsonl b.jsonl
is 'two runs: named by file' "$status $(grep -c '[ab].jsonl  .reward\[1\]</text>' two.svg)" '0 2'
ok 'the old picture is still whole when rows are bad' \
	sh -c 'cp a.svg keep.svg; echo "{\"step\":1}" >none.jsonl
	! score-plot -o keep.svg -y .reward none.jsonl && cmp a.svg keep.svg'
run score-plot -o n.svg -y .reward none.jsonl
is 'no numbers' "$status $(cat err)" '1 score-plot: .reward: no numbers in any row'
run score-plot -o n.svg -y .name a.jsonl
is 'not a number' "$status $(cat err)" \
	'1 score-plot: a.jsonl:1: .name: expected numbers, got string'
run score-plot -o n.svg -y '.reward |' a.jsonl
is 'not a jq program' "$status" 1
is 'nothing is left behind' "$(find . -name 'n.svg*')" ''
run score-plot -o no/n.svg a.jsonl
is 'a folder that is not there' "$status" 1
mkdir path
run env PATH=path "$top/bin/score-plot" -o n.svg a.jsonl
is 'no gnuplot' "$status $(cat err)" \
	"1 score-plot: gnuplot not found (make deps, or Debian's gnuplot-nox)"
run score-plot a.jsonl
is 'no -o' "$status" 2
run score-plot -o a.gif a.jsonl
is 'neither SVG nor PNG' "$status" 2
run score-plot -o a.svg --size 10 a.jsonl
is '--size' "$status" 2
finish
