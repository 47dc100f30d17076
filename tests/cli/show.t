#!/bin/sh
# SPDX-License-Identifier: MIT
# score-show: what a person sees, and that nothing a model wrote reaches the terminal as a command.
. tests/tap.sh

records >"$tmp/t" <<'EOF'
{"id":"429+374","task":"number","answer":"803","batch":{"step":7,"size":1,"index":0},"sample":0,
	"group":3,"turns":[{"prompt":"429+374=","response":"the sum is 793","tokens":[1,2,3],
	"context":[1],"finish":"length","reward":0,"verdict":{"status":"fail","answer":"793"}},
	{"prompt":"?","response":"the sum is 803","reward":1,"verdict":{"status":"pass","answer":"803"},
	"return":2.5,"advantage":1}]}
{"id":"429+374","sample":1,"group":3,"turns":[
	{"response":"803","reward":1},{"response":"803","reward":1}]}
{"id":"429+374","sample":2,"group":3,"turns":[
	{"response":"803","reward":null,"verdict":{"status":"error"}},{"response":"803","given":true}]}
EOF
run score-show -n 1 "$tmp/t"
is 'a trajectory, the second attempt diffed by words' "$status
$(cat "$tmp/out")" '0
429+374  number  step 7  sample 0  answer 803
--- 1 429+374=
the sum is 793
wrong  fail  answer 793  3 tokens, cut off
--- 2 ?
the sum is [-793-]{+803+}
right  pass  answer 803  return 2.5  advantage 1'
run score-show --no-diff -n 1 "$tmp/t"
is '--no-diff' "$(sed -n 6p "$tmp/out")" 'the sum is 803'
run score-show "$tmp/t"
is 'errors and given turns are named' "$(tail -n 7 "$tmp/out" | sed -n '5p;6p')" '803
no reward  given'
ok 'error is named' grep -q '^error  error' "$tmp/out"
run score-show --color always -n 1 "$tmp/t"
is 'in colour the deleted word is red, the new one green' \
	"$(sed -n 6p "$tmp/out" | tr '\033' '#' | sed 's/#\[0m//g')" 'the sum is #[31m793#[32m803'
is '--only fixed' "$(score-show --only fixed "$tmp/t" | grep -c '^429')" 1
is '--only same: errors are left out' "$(score-show --only same "$tmp/t" | grep -c '^429')" 1
is '--only error' "$(score-show --only error "$tmp/t" | grep -c '^429')" 1
is '-n' "$(score-show -n 2 "$tmp/t" | grep -c '^429')" 2

printf '%s\n' \
	'{"id":"\u001b[31mx","turns":[{"prompt":"a\u009bb",
	"response":"\u001b]0;owned\u0007 \u202etxet\n\ttab é\u0000\u007f"}]}' | records >"$tmp/evil"
run score-show "$tmp/evil"
is 'control characters are spelled out' "$(cat "$tmp/out")" \
	'\x1b[31mx
--- 1 a\xc2\x9bb
\x1b]0;owned\x07 \xe2\x80\xaetxet
	tab é\x00\x7f
no reward'

echo '{"id":"x"}' >"$tmp/bad"
run score-show "$tmp/bad"
is 'bad record' "$status" 1
ok 'named' grep -q "^score-show: $tmp/bad:1: .turns" "$tmp/err"
run score-show --color sometimes "$tmp/t"
is 'usage' "$status" 2
run score-show --only good "$tmp/t"
is 'usage of --only' "$status" 2
run sh -c "score-show $tmp/t >/dev/full"
is 'full disk' "$status" 1
finish
