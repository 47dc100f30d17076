#!/bin/sh
# SPDX-License-Identifier: MIT
# score-equal from outside: what it adds, graders, responses, what is refused and how, and that it
# streams.
# shellcheck disable=SC2016
. tests/tap.sh

pair() { jq -nc --arg gold "$1" --arg got "$2" '{$gold, $got}'; }
{
	pair '\frac{\sqrt3}{2}' '$\sqrt3/2$'; pair '\sqrt{3+2\sqrt{2}}' '1+\sqrt2'
	pair '(x+1)^2' '\boxed{x^2+2x+1}'; pair Monday '\text{monday}'
	pair 1/3 0.333; pair '(0,1)' '[0,1]'; pair 60 '60^\circ'; pair '5\text{ cm}' '5\text{ m}'
	pair '5\text{ cm}' 5; pair 7 '\frac{1}{'
	pair '1,2' '\{2,1,1\}'; pair '2 + 3 = 5' 5
} >"$tmp/in"
run score-equal "$tmp/in"
is 'status' "$status" 0
is 'equal, and how that is known' "$(jq -c '[.equal, .method]' "$tmp/out" | tr '\n' ' ')" \
	'[true,"exact"] [true,"certified"] [true,"algebraic"] [true,"text"] [false,"exact"] '\
'[false,"exact"] [true,"exact"] [false,"exact"] [true,"exact"] [null,"none"] [true,"exact"] '\
'[true,"exact"] '
is 'canonical' "$(jq -r '.canonical | "\(.gold)|\(.got)"' "$tmp/out" | tr '\n' ' ')" \
	'sqrt(3)/2|sqrt(3)/2 sqrt(2*sqrt(2)+3)|sqrt(2)+1 (x+1)^2|x^2+2*x+1 monday|monday 1/3|0.333 '\
'(0, 1)|[0, 1] 60|60 5 cm|5 \text{m} 5 cm|5 7|frac{1}{ {1, 2}|{1, 1, 2} 5|5 '
ok 'schema' tests/validate equal "$tmp/out"
is 'work is counted' \
	"$(jq '.work > 0' "$tmp/out" | sort | uniq -c | tr -s ' \n' ' ')" ' 2 false 10 true '
cp "$tmp/out" "$tmp/first"
run score-equal - <"$tmp/in"
ok 'and the same again' cmp "$tmp/out" "$tmp/first"
run score-equal "$tmp/first"
ok 'what it has said is replaced' cmp "$tmp/out" "$tmp/first"

run score-equal <<'EOF'
{"z":[1,{"a":null}],"gold":0.5,"got":"\\frac12","equal":"mine"}
{"id":"a","answer":7,"turns":[],"response":"5+2=7, so the answer is \\boxed{7}."}
{"answer":"7","response":"<think>7"}
{"answer":"8","gold":"7","response":"8","got":7}
EOF
is 'other fields stay, in their places' "$(sed -n 1p "$tmp/out")" \
	'{"z":[1,{"a":null}],"gold":0.5,"got":"\\frac12","equal":true,"method":"exact",'\
'"work":'"$(jq -s '.[0].work' "$tmp/out")"',"canonical":{"gold":"0.5","got":"0.5"}}'
is 'a response' \
	"$(sed -n 2p "$tmp/out" | jq -c '[.equal, .found, .canonical.got, .turns]')" \
	'[true,"boxed","7",[]]'
is 'without an answer' \
	"$(sed -n 3p "$tmp/out" | jq -c '[.equal, .method, .found, .canonical.got]')" \
	'[false,"none","none",null]'
is 'gold and got go first' "$(sed -n 4p "$tmp/out" | jq -c '[.equal, has("found")]')" '[true,false]'
ok 'schema' tests/validate equal "$tmp/out"

# the same function as score-verify's
jq -c '{id: "m", task: "math", answer: .gold, turns: [{response: "\\boxed{\(.got)}"}]}' "$tmp/in" \
	>"$tmp/records"
jq -c '{answer: .gold, response: "\\boxed{\(.got)}"}' "$tmp/in" >"$tmp/responses"
for options in '' --lenient '--grader hendrycks'; do
	# shellcheck disable=SC2086
	ours=$(score-equal $options "$tmp/responses" |
		jq -c '[(if .equal then 1 else 0 end), .method, .found, .canonical.got]')
	# shellcheck disable=SC2086
	is "as score-verify $options" "$ours" "$(score-verify $options "$tmp/records" |
		jq -c '.turns[0] | [.reward] + (.verdict | [.method, .found, .answer])')"
done
is '--lenient: a rounding' "$(pair 1/3 0.333 | score-equal --lenient | jq .equal)" true
{ pair '\frac{1}{2}' '\frac12'; pair 2/3 '0.6'; pair 4,10 10,4; } >"$tmp/old"
is '--grader hendrycks' \
	"$(score-equal --grader hendrycks "$tmp/old" | jq -c '[.equal, .method]' | tr '\n' ' ')" \
	'[true,"hendrycks"] [false,"hendrycks"] [false,"hendrycks"] '

# ---- what is refused ----
refused() { # line message
	{ pair 1 1; printf '\n%s\n' "$1"; pair 1 1; } >"$tmp/bad"
	run score-equal <"$tmp/bad"
	is "$1: status, what came before" "$status.$(wc -l <"$tmp/out" | tr -d ' ')" 1.1
	is "$1: message" "$(cat "$tmp/err")" "score-equal: <stdin>:3: $2"
}
refused '{"got":"1"}' '.gold: missing (or .answer)'
refused '{"gold":"1"}' '.got: missing (or .response)'
refused '{"gold":["1"],"got":"1"}' '.gold: expected string or number, got array'
refused '{"gold":"1","got":null}' '.got: expected string or number, got null'
refused '{"answer":true,"response":"1"}' '.answer: expected string or number, got true'
refused '[]' 'expected an object, got array'
for wrong in '--grader kind' '--grader hendrycks --lenient' '--nonsense' 'a b'; do
	# shellcheck disable=SC2086
	run score-equal $wrong
	is "usage: $wrong" "$status" 2
done
run score-equal "$tmp/none"
is 'no such file' "$status.$(cat "$tmp/err")" "1.score-equal: $tmp/none: No such file or directory"
run score-equal </dev/null
is 'no input, no output' "$status.$(wc -c <"$tmp/out" | tr -d ' ')" 0.0
if [ -w /dev/full ]; then
	score-equal "$tmp/in" >/dev/full 2>"$tmp/err"; status=$?
	is 'a full disk' "$status.$(cat "$tmp/err")" '1.score-equal: <stdout>: No space left on device'
fi

# a line is answered before the next one comes
mkfifo "$tmp/to"
score-equal <"$tmp/to" >"$tmp/streamed" &
exec 3>"$tmp/to"
pair 1 1 >&3
n=0
while [ ! -s "$tmp/streamed" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
is 'it streams' "$(jq .equal "$tmp/streamed")" true
exec 3>&-
wait

# what reads the lines may open nothing; sanitizers, which read /proc, do without the filter
if [ -r "/proc/self/status" ] && ! grep -q __asan_init "$(command -v score-equal)"; then
	score-equal <"$tmp/to" >/dev/null &
	pid=$!
	exec 3>"$tmp/to"
	n=0
	until grep -q '^Seccomp:.*2' "/proc/$pid/status" || [ $n -ge 100 ]; do
		sleep 0.1; n=$((n + 1))
	done
	is 'under a filter' "$(sed -n 's/^Seccomp:[ \t]*//p' "/proc/$pid/status")" 2
	exec 3>&-
	wait
fi
finish
