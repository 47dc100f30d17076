#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/report.sh: what the page has, and that nothing a model wrote is more than text in it.
. tests/tap.sh
. tests/pipeline/small.sh

start && learn && new first
export LIMITS='--argjson changed 1.1 --argjson over 3'
pipelines/score.sh "$tmp/first" 2>/dev/null
mkdir "$tmp/first/eval"
for s in base stage1 stage2; do
	pipelines/eval.sh "$tmp/first/weights.lmdb" $s "$tmp/train.jsonl" "$tmp/first/eval/$s" \
		>/dev/null 2>&1
done
cp -R "$tmp/first" "$tmp/second"
sed -i 's/^step 45/step 46/' "$tmp/second/warnings.txt"

# What a browser would make of the page: tags that are not closed, tags and attributes that run or
# load something, identifiers that are not unique, characters that control; or "clean".
clean() {
	python3 - "$1" <<'END'
import sys
from html.parser import HTMLParser

wrong, ids, open_tags = [], set(), []
allowed = set("""html head meta title style body h1 h2 h3 p pre table tr th td figure figcaption b
    small del ins mark strong svg g path text tspan rect use defs circle pattern polygon polyline
    lineargradient stop filter feflood fecomposite""".split())

class Page(HTMLParser):
    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in ("meta", "br"):
            open_tags.append(tag)

    def handle_startendtag(self, tag, attrs):
        if tag not in allowed:
            wrong.append("<%s>" % tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "action"):
                wrong.append(name)
            if name.endswith("href") and not value.startswith("#"):
                wrong.append(value)
            if name == "id":
                if value in ids:
                    wrong.append("id " + value)
                ids.add(value)

    def handle_endtag(self, tag):
        if not open_tags or open_tags.pop() != tag:
            wrong.append("</%s>" % tag)

page = open(sys.argv[1], encoding="utf-8").read()
Page().feed(page)
if open_tags:
    wrong.append("open: %s" % open_tags)
if any(ord(c) < 32 and c not in "\t\n" or 127 <= ord(c) < 160 or 0x202a <= ord(c) <= 0x202e
       for c in page):
    wrong.append("a control character")
print(" ".join(wrong) or "clean")
END
}
count() { grep -c -e "$1" "$tmp/page.html"; }

run pipelines/report.sh "$tmp/page.html" "$tmp/first"
is 'a page on one run' "$status$(cat "$tmp/err") $(clean "$tmp/page.html")" '0 clean'
is 'a row for each evaluation, in order' "$(grep -o '<td>\(base\|stage[12]\)</td><td>[0-9]*' \
	"$tmp/page.html" | sed 's/<[^>]*>/ /g' | tr -s ' \n' ' ')" ' base 40 stage1 42 stage2 45 '
acc=$(jq -r '.acc_t1 | [.value, .lo, .hi][] * 1000 | round / 10' "$tmp/first/eval/stage2.json" |
	sed 's/^[0-9]*$/&.0/' | tr '\n' ' ' | awk '{ printf "%s [%s, %s]", $1, $2, $3 }')
is 'its figures' "$(grep '<td>stage2</td>' "$tmp/page.html" | sed 's/\xc2\xa0/ /g' |
	grep -cF "<td>$acc</td>")" 1
is 'its warnings' "$(count 'step 45: answers changed')" 1
is 'pictures in the page: accuracies, and four panels' \
	"$(count '<svg ') $(count '>Stage II</text>\|>	*Stage II *</text>')" '2 4'
is 'settings' "$(count '<td>bonus2</td><td>--alpha 2</td>')" 1
ok 'trajectories, with the attempts diffed' \
	test "$(count '<b>--- </b>\|<b>--- 2 </b>')" -ge 1 -a "$(count '<ins>')" -ge 1
is 'a dozen at most' "$(test "$(count '^<pre>\|^<b>--- 1')" -le 24 && echo yes)" yes
run pipelines/report.sh "$tmp/page.html" "$tmp/first" "$tmp/second"
is 'on two' "$status$(cat "$tmp/err") $(clean "$tmp/page.html")" '0 clean'
is 'in one table, one picture' "$(grep -c '<td>stage2</td>' "$tmp/page.html") $(count '<svg ') $(
	grep -o '[a-z]*: delta</text>\|[a-z]*: delta *</text>' "$tmp/page.html" | sort |
	sed 's/:.*//' | tr '\n' ' ')" '2 2 first second '
is 'the warnings of each' "$(count 'first: step 45: answers') $(count 'second: step 46: answers')" \
	'1 1'

# seeds of one method are one curve, with a band
mkdir "$tmp/seeds"
for n in 1 2; do cp -R "$tmp/first" "$tmp/seeds/m-$n"; done
jq -c --argjson plus 0.5 '.reward[0]? += $plus' "$tmp/first/metrics.jsonl" \
	>"$tmp/seeds/m-2/metrics.jsonl"
pipelines/report.sh "$tmp/page.html" "$tmp/seeds/m-1" "$tmp/seeds/m-2"
is 'two seeds: one curve of each name, one point of the mean with its range' \
	"$(grep -c 'attempt 1' "$tmp/page.svg") $(for n in 1 2; do
		jq -c --arg run x -f pipelines/curves.jq "$tmp/seeds/m-$n/metrics.jsonl"; done |
		jq -cs -f pipelines/seeds.jq | jq -s '.[0].curves | .reward["x: attempt 1"]
			| [.hi - .lo, .value - .lo] | map(. * 1000 | round)' -c) $(
		jq -c --arg run x -f pipelines/curves.jq "$tmp/first/metrics.jsonl" |
		jq -cs -f pipelines/seeds.jq | jq -s '.[0].curves.kl["x: attempt 1"] | type')" \
	'3 [500,250] "number"'
is 'and two runs in the table' "$(grep -c '<td>stage2</td>' "$tmp/page.html")" 2

# the results of the experiment
cp -R pipelines "$tmp/pipelines"
mkdir -p "$tmp/pipelines/results" "$tmp/run"
cp -R "$tmp/first" "$tmp/run/own"
jq -c '. as $e | {model: "m", seeds: [1], base: ($e + {greedy: ($e | .acc_t1.value = 0.123),
	blind_retry: $e, plus: {base: $e, plus: $e, refuted: [{passes: 7, refuted: 2, share:
	{value: 0.25, lo: 0.1, hi: 0.5}}]}, by_seed: [{seed: 1} + $e]})}' \
	"$tmp/first/eval/base.json" >"$tmp/pipelines/results/own.json"
(cd "$tmp" && pipelines/report.sh page.html run/own)
is 'results: how it was sampled, seeds, what plus tests refute' "$(clean "$tmp/page.html") $(
	grep -o '<td>base</td><td>[a-z ]*</td>' "$tmp/page.html" | sed 's/<[^>]*>/ /g' | tr -s ' \n' ' '
	) $(count '<td>base</td><td>greedy</td><td>12.3') $(count '<td>base</td><td>1</td>') $(
	count '<td>7</td><td>2</td><td>25.0')" \
	'clean  base sampled base greedy base blind retry base plus tests  1 2 1'

# models, and names, that would rather be a program
evil="$tmp/a<b onload=x>&\"'c"
cp -R "$tmp/first" "$evil"
jq -c '.id = "</pre><script>alert(1)</script>" | .prompt = "<img src=x onerror=y>"
	| .turns[0].response = "<script src=//evil></script>\u001b[31m\u0007\u202e&amp;\u001b]0;x\u0007"
	| .turns[1].response = "<svg onload=z>\u0000\u009b31m]]>--><!--</td></table>"
	| .turns[0].verdict = {status: "<b>pass", detail: "\u001b[2J<iframe>"}' \
	"$tmp/first/eval/stage2.jsonl" >"$evil/eval/stage2.jsonl"
jq -c '.training.sample = "<script>\u001b</script>"' "$tmp/first/settings.json" \
	>"$evil/settings.json"
echo 'step 1: <script>' >"$evil/warnings.txt"
run pipelines/report.sh "$tmp/page.html" "$evil" "$tmp/first"
is 'hostile texts and names: only text' "$status$(cat "$tmp/err") $(clean "$tmp/page.html")" \
	'0 clean'
is 'which can be read' "$(grep -c '&lt;script src=//evil&gt;&lt;/script&gt;' "$tmp/page.html") $(
	count '<script\|<iframe\|<img')" '2 0'
cp "$tmp/page.html" "$tmp/dirty.html"
echo '<script>x</script>' >>"$tmp/dirty.html"
is 'this test sees a script' "$(clean "$tmp/dirty.html")" '<script>'

# parts that are not there
mkdir "$tmp/empty"
run pipelines/report.sh "$tmp/page.html" "$tmp/empty"
is 'a run without anything' "$status$(cat "$tmp/err") $(clean "$tmp/page.html")" '0 clean'
printf '{"step":' >>"$tmp/first/metrics.jsonl"
run pipelines/report.sh "$tmp/page.html" "$tmp/first"
is 'a run that is at work' "$status$(cat "$tmp/err") $(count '<svg ')" '0 2'
echo '{"turns":' >>"$tmp/first/eval/stage2.jsonl"
cp "$tmp/page.html" "$tmp/old.html"
run pipelines/report.sh "$tmp/page.html" "$tmp/first"
is 'broken trajectories: no page, and the old one stays' "$(test "$status" -gt 0 && echo failed) $(
	cmp "$tmp/page.html" "$tmp/old.html" && echo same)" 'failed same'
run pipelines/report.sh "$tmp/page.html" "$tmp/none"
is 'no such run' "$status $(cat "$tmp/err")" "1 report.sh: $tmp/none: no such run"
finish
