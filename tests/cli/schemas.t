#!/bin/sh
# SPDX-License-Identifier: MIT
# The schemas are schemas, their examples fit them, bad records do not; tools and schemas agree on
# what is bad.
. tests/tap.sh

for s in schemas/*.json; do
	name=$(basename "$s" .json)
	ok "$name: the schema's own examples" tests/validate "$name" --examples
	is "$name: more than none" "$(jq '.examples | length > 0' "$s")" true
done
ok 'problem: the manual'\''s problems' tests/validate problem tests/golden/man/problems.jsonl
ok 'trajectory: the manual'\''s trajectories' tests/validate trajectory \
	tests/golden/man/trajectories.jsonl
score-draw -n 5 --steps 0..3 tests/golden/man/problems.jsonl >"$tmp/drawn"
ok 'trajectory: what score-draw writes' tests/validate trajectory "$tmp/drawn"

# The tool's opinion: score-draw checks every known field of a line with turns, and a problem's
# otherwise.
jq -c '.examples[]' schemas/problem.json schemas/trajectory.json >"$tmp/examples"
n=0
while read -r line; do
	n=$((n + 1))
	printf '%s\n' "$line" >"$tmp/line"
	ok "example $n: accepted by the tool" score-draw -n 1 --step 0 "$tmp/line"
done <"$tmp/examples"

both() { # schema line
	printf '%s\n' "$2" >"$tmp/line"
	run tests/validate "$1" "$tmp/line"; by_schema=$status
	run score-draw -n 1 --step 0 "$tmp/line"; by_tool=$status
	is "$1: refused by schema and tool: $2" "$by_schema $by_tool" '1 1'
}
turn() { printf '{"id":"a","turns":[{"response":"x",%s}]}' "$1"; }

both problem '{"task":"exact","prompt":"p","answer":"1"}'
both problem '{"id":"","task":"exact","prompt":"p","answer":"1"}'
both problem '{"id":"a\u0000b","task":"exact","prompt":"p","answer":"1"}'
both problem '{"id":1,"task":"exact","prompt":"p","answer":"1"}'
both problem '{"id":"a","task":"exactly","prompt":"p","answer":"1"}'
both problem '{"id":"a","prompt":"p","answer":"1"}'
both problem '{"id":"a","task":"exact","answer":"1"}'
both problem '{"id":"a","task":"exact","prompt":"p"}'
both problem '{"id":"a","task":"exact","prompt":"p","answer":[1]}'
both problem '{"id":"a","task":"code","prompt":"p","answer":"1"}'
both problem '{"id":"a","task":"code","prompt":"p","entry_point":"f"}'
both problem '{"id":"a","task":"code","prompt":"p","test_list":"x"}'
both problem '{"id":"a","task":"code","prompt":"p","test_list":[1]}'
both problem '{"id":"a","task":"exact","prompt":"p","answer":"1","x":9007199254740993}'
both problem '{"id":"a","task":"exact","prompt":"p","answer":"1","x":NaN}'
both problem '{"id":"a","id":"a","task":"exact","prompt":"p","answer":"1"}'
both problem '[]'
both trajectory '{"id":"a","batch":{"step":0,"size":1},"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","batch":{"step":0,"size":0,"index":0},"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","batch":{"step":0.5,"size":1,"index":0},"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","batch":[],"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","group":0,"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","sample":-1,"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","seed":"1","turns":[{"response":"x"}]}'
both trajectory '{"id":"a","stage":3,"turns":[{"response":"x"}]}'
both trajectory '{"id":"a","turns":{"response":"x"}}'
both trajectory '{"id":"a","turns":["x"]}'
both trajectory '{"id":"a","turns":[{"prompt":"p"}]}'
both trajectory '{"id":"a","turns":[{"response":null}]}'
both trajectory '{"id":"a","shaping":[]}'
both trajectory '{"id":"a","shaping":{"alpha":"10"}}'
both trajectory '{"id":"a","shaping":{"baseline":"mean"}}'
both trajectory '{"id":"a","shaping":{"advantage_norm":1}}'
both trajectory "$(turn '"prompt":1')"
both trajectory "$(turn '"context":[-1]')"
both trajectory "$(turn '"context":[2147483648]')"
both trajectory "$(turn '"tokens":"x"')"
both trajectory "$(turn '"tokens":[1.5]')"
both trajectory "$(turn '"logprobs":[]')"
both trajectory "$(turn '"tokens":[1],"logprobs":["x"]')"
both trajectory "$(turn '"sample_logprobs":[]')"
both trajectory "$(turn '"ref_logprobs":[]')"
both trajectory "$(turn '"sampling":1')"
both trajectory "$(turn '"sampling":{"temperature":-1}')"
both trajectory "$(turn '"sampling":{"top_p":2}')"
both trajectory "$(turn '"sampling":{"top_k":0.5}')"
both trajectory "$(turn '"sampling":{"greedy":0}')"
both trajectory "$(turn '"sampling":{"min_tokens":-1}')"
both trajectory "$(turn '"tokens":[1],"logprobs":[1e-7]')"
both trajectory "$(turn '"tokens":[1],"sample_logprobs":[0.5]')"
both trajectory "$(turn '"finish":"eos"')"
both trajectory "$(turn '"snapshot":-1')"
both trajectory "$(turn '"given":0')"
both trajectory "$(turn '"weight":-1')"
both trajectory "$(turn '"reward":1.01')"
both trajectory "$(turn '"reward":"1"')"
both trajectory "$(turn '"verdict":"pass"')"
both trajectory "$(turn '"verdict":{}')"
both trajectory "$(turn '"return":null')"
both trajectory "$(turn '"advantage":"0"')"
finish
