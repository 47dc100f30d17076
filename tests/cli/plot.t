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

# stages: lines across the panel, and their names above it
jq -c '.stage = (if .step <= 20 then 1 else 2 end)' a.jsonl >stages.jsonl
texts() { grep -o '<text>.*</text>' "$1" | sed 's/<[^>]*>//g; s/ *$//'; }
run score-plot -o s.svg stages.jsonl
is 'stages are marked, once each' "$status $(texts s.svg | grep 'Stage' | tr '\n' ,)" \
	'0 Stage I,Stage II,'
is 'and axes named, with units' "$(texts s.svg | grep -E 'step|mean' | sort | tr '\n' ,)" \
	'reward (mean, 0 to 1),step (updates),'
run score-plot -o s.svg --x-name here --y-name there stages.jsonl
is '--y-name is of the -y before it' "$status $(grep -c 'no -y before it' err)" '2 1'
run score-plot -o s.svg -y .kl --y-name there --x-name here \
	--mark 'if .step > 9 then "X" else null end' stages.jsonl
is 'other names, another mark' "$(texts s.svg | grep -E '^(here|there|X)$' | sort | tr '\n' ,)" \
	'X,here,there,'
run score-plot -o s.svg --mark .step stages.jsonl
is 'a mark is a text' "$status $(cat err)" \
	'1 score-plot: stages.jsonl:1: --mark: expected a string or null, got number'
jq -c '.stage = 2' a.jsonl >second.jsonl
run score-plot -o s.svg stages.jsonl second.jsonl
is 'two runs: what they share stands once, what differs side by side' \
	"$(texts s.svg | grep Stage | tr '\n' ,)" 'Stage I, Stage II,Stage II,'
jq -c '.stage = .step % 2 + 1' a.jsonl >often.jsonl
run score-plot -o s.svg often.jsonl
ok 'names of marks do not run into each other' \
	test "$(texts s.svg | grep -c Stage)" -lt 12 -a "$(texts s.svg | grep -c Stage)" -gt 1

# nothing but curves between the axes: a legend begins to the right of the frame's end
place() { # picture, legend
	python3 - "$1" "$2" <<'END'
import re, sys
svg = open(sys.argv[1], encoding="utf-8").read()
frame = max(float(x) for x in re.findall(r"[ML]([0-9.]+),", svg.split("gnuplot_plot_1")[0]))
legend = re.search(r'translate\(([0-9.]+),[^>]*text-anchor="end">\s*<text>[^<]*'
                   + re.escape(sys.argv[2]), svg)
print("outside" if float(legend[1]) - 7 * len(sys.argv[2]) > frame else "over the curves")
END
}
run score-plot -o s.svg -y '{"a name of thirty-six characters, all": .reward[0]}' a.jsonl
is 'a long legend is outside of the axes' \
	"$(place s.svg 'a name of thirty-six characters, all')" outside
run score-plot -o s.svg -y '{"'"$(printf '%0120d' 7)"' last": .reward[0]}' a.jsonl
is 'of one that is too long, the end' "$(texts s.svg | grep -cE '^\.\.\.0{40,60}7 last$')" 1

# intervals
jq -c '{step, acc: {value: .reward[0], lo: (.reward[0] - 0.1), hi: (.reward[0] + 0.1)}}' a.jsonl \
	>band.jsonl
bands() { grep -c "fill-opacity *= *'0.20*'" "$1"; }
run score-plot -o s.svg -y '{acc}' band.jsonl
is 'many points: a band' "$status $(bands s.svg)" '0 1'
head -n 3 band.jsonl | score-plot -o s.svg -y '{acc}'
bars=$(grep -o ' M' s.svg | wc -l)
head -n 3 band.jsonl | jq -c '.acc = .acc.value' | score-plot -o s2.svg -y '{acc}'
ok 'few points: bars' test "$bars" -gt "$(grep -o ' M' s2.svg | wc -l)" -a "$(bands s.svg)" = 0
head -n 3 band.jsonl | jq -c '.acc.lo = null' | score-plot -o s.svg -y '{a: .acc}'
is 'without both ends, members like others' "$(texts s.svg | grep -cE '^(value|hi)$')" 2

# text
run score-plot -o - -y '{"the first": .reward[0], "the second": .reward[1]}' stages.jsonl
is 'text for a terminal: 16 lines of at most 80 columns' \
	"$status $(wc -l <out | tr -d ' ') $(awk 'length > 80' out | wc -l)" '0 16 0'
is 'its legends are right of the curves, whole' \
	"$(grep -oE ' {4} *the (first|second) [*#]{5}' out | tr -s ' ' | tr '\n' ,)" \
	' the first *****, the second #####,'
is 'its stages are above' "$(grep Stage out | tr -s ' ' | sed 's/ *$//')" ' |Stage I |Stage II'
is '--size in characters' "$(score-plot -o - --size 60x12 a.jsonl | wc -l | tr -d ' ')" 12
ok 'a full disk is noticed' sh -c '! score-plot -o - a.jsonl >/dev/full'
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
