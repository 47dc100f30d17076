#!/bin/sh
# SPDX-License-Identifier: MIT
# score-verify from outside: tasks, order, what is left alone, what is refused and how, broken pipes
# and sandboxes.
# shellcheck disable=SC2016
. tests/tap.sh

verdicts() { jq -c '.turns[] | [.reward, .verdict.status, .verdict.answer]' "$tmp/out" |
	tr '\n' ' '; }

# ---- tasks ----
number() {
	printf '{"id":"n","task":"number","answer":%s,"turns":[{"response":"%s"}]}\n' "$1" "$2"
}
{
	number '"803"' '07 09 13=803'; number '"803"' '=803'; number 803 '803.0'; number '"803"' '=804'
	number 1234.5 '$1,234.50'; number '"-3/4"' 'so -0.75'; number '"7"' 'seven'
	number '"0.1"' '0.1000000000000000055'
} >"$tmp/in"
run score-verify "$tmp/in"
is 'number: status' "$status" 0
is 'number: verdicts' "$(verdicts | tr ' ' '\n')" '[1,"pass","803"]
[1,"pass","803"]
[1,"pass","803"]
[0,"fail","804"]
[1,"pass","1234.5"]
[1,"pass","-0.75"]
[0,"fail",null]
[0,"fail","0.1000000000000000055"]'
{
	number 13 '13, not 14'; number 42 'definitely not 42'; number 100 'more than 100'
	number 12 'It is 12 m^2'; number 2.5 '2 1/2'
	number 5 '<think>6</think>5'; number 5 '<think>5'; number '"2 1/2"' 2.5; number 6 'x^{6}'
} >"$tmp/in"
run score-verify "$tmp/in"
is 'number: words, units and reasoning about it' \
	"$(jq -c '.turns[0].reward' "$tmp/out" | tr '\n' ' ')" '1 0 0 1 1 1 0 1 0 '
records >"$tmp/in" <<'EOF'
{"id":"t","task":"exact","answer":"a","turns":[{"response":"<think>b</think>\n\na\n"},
	{"response":"<think>a"},{"response":"b</think>a"},{"response":"<think>b</think>"}]}
EOF
run score-verify - <"$tmp/in"
is 'exact: what follows the reasoning' "$(verdicts)" \
	'[1,"pass","a"] [0,"fail",null] [1,"pass","a"] [0,"fail",null] '
records >"$tmp/in" <<'EOF'
{"id":"e","task":"exact","answer":"a b","turns":[{"response":"\n a b\t"},{"response":"a  b"},
	{"response":""},{"response":"A b"}]}
EOF
run score-verify - <"$tmp/in"
is 'exact: verdicts' "$(verdicts)" \
	'[1,"pass","a b"] [0,"fail","a  b"] [0,"fail",""] [0,"fail","A b"] '
records >"$tmp/in" <<'EOF'
{"id":"m","task":"math","answer":"\\frac{1}{2}","turns":[{"response":"\\boxed{0.50}"},
	{"response":"The answer is $\\dfrac12$."},{"response":"\\boxed{\\frac{1}{3}}"},
	{"response":"?"}]}
EOF
run score-verify <"$tmp/in"
is 'math: verdicts' "$(verdicts)" \
	'[1,"pass","0.5"] [1,"pass","0.5"] [0,"fail","1/3"] [0,"unparsed","?"] '

is 'math: how they were found' "$(jq -r '.turns[].verdict.found' "$tmp/out" | tr '\n' ' ')" \
	'boxed phrase boxed whole '
math() { printf '{"id":"m","task":"math","answer":"%s","turns":[{"response":"%s"}]}\n' "$1" "$2"; }
{
	math '10 ' '10\\text{ units}'; math '.1' '0.1'; math '\\frac{1}{2}' 'So \\boxed{1/2}'
	math 4,10 '\\boxed{10,4}'; math 0.25 '\\frac14'
	math '$5$' '5'; math 5 'none at all'
} >"$tmp/in"
run score-verify "$tmp/in"
is 'math: strict' \
	"$status $(jq -c '.turns[] | [.reward, .verdict.method]' "$tmp/out" | tr '\n' ' ')" \
	'0 [1,"exact"] [1,"exact"] [1,"exact"] [1,"exact"] [1,"exact"] [1,"exact"] [0,"none"] '
{
	math '\\sqrt{3+2\\sqrt2}' '\\boxed{1+\\sqrt2}'; math '(x+1)^2' '$x^2+2x+1$'
	math 'Monday' 'It is \\boxed{\\text{monday}}'; math '2' '\\boxed{\\frac{1}{}'
	math '1/3' '0.333'; math '\\frac{1}{2^{99}}' '\\boxed{\\frac{1}{2^{98}}}'
	math 7 '\\boxed{\\left( \\frac{1}{ }'; math 5 '\\boxed{\\frac{1}{}}'
	math '10^{10^{10}}' '$10^{10^{10}}+1$'
} >"$tmp/in2"
run score-verify "$tmp/in2"
is 'math: methods and statuses' \
	"$status $(jq -r '.turns[].verdict | "\(.status)-\(.method)"' "$tmp/out" | tr '\n' ' ')" \
	"0 pass-certified pass-algebraic pass-text unparsed-none fail-exact fail-exact unparsed-none \
unparsed-none fail-exact "
ok 'math: schema' tests/validate trajectory "$tmp/out"
# one canonical form: how an answer is written makes no other vote of it, and no change
votes() { # sample first second
	printf '{"id":"v","sample":%d,"group":3,"task":"math","answer":"\\\\frac{\\\\sqrt{3}}{2}",' "$1"
	printf '"turns":[{"response":"\\\\boxed{%s}"},{"response":"\\\\boxed{%s}"}]}\n' "$2" "$3"
}
{
	votes 0 1 1
	votes 1 '\\frac{\\sqrt3}{2}' '\\sqrt3/2'
	votes 2 '\\frac12\\sqrt3' '0.5\\cdot\\sqrt{3}'
} >"$tmp/votes"
run score-verify "$tmp/votes"
is 'math: one answer, one text' "$(verdicts)" \
	"[0,\"fail\",\"1\"] [0,\"fail\",\"1\"] $(printf '[1,"pass","sqrt(3)/2"] %.0s' 1 2 3 4)"
is 'math: it is one vote, and not changed' \
	"$(score-eval --vote 3 "$tmp/out" | jq -c '[.changed.value, .vote_t1.value]')" '[0,1]'
{
	math 60 '60^\\circ'; math 60 '60'; math '5\\text{ cm}' '5\\text{ m}'
	math 0.5 '50\\%'; math '1,2' '\\{2,1\\}'; math 7 'x = 5'
} >"$tmp/in3"
run score-verify "$tmp/in3"
is 'math: a unit that the reference lacks is left out where it makes no difference' "$(verdicts)" \
	'[1,"pass","60"] [1,"pass","60"] [0,"fail","5 \\text{m}"] '\
'[1,"pass","50%"] [1,"pass","{1, 2}"] [0,"fail","x = 5"] '
run score-verify --lenient "$tmp/in2"
is '--lenient: a rounding' "$(jq -c '.turns[0].reward' "$tmp/out" | sed -n 5,6p | tr '\n' ' ')" \
	'1 0 '
run score-verify --grader hendrycks "$tmp/in"
is '--grader hendrycks' \
	"$status $(jq -r '.turns[] | "\(.reward)-\(.verdict.method)"' "$tmp/out" | tr '\n' ' ')" \
	'0 1-hendrycks 1-hendrycks 1-hendrycks 0-hendrycks 0-hendrycks 1-hendrycks 0-none '
ok 'math: schema' tests/validate trajectory "$tmp/out"

# ---- records ----
records >"$tmp/in" <<'EOF'
{"odd":{"b":[1,{"a":null}]},"id":"r","task":"number","answer":"1","turns":[{"response":"1",
	"reward":0.25,"verdict":{"status":"mine"},"x":0.5},{"x":[],"response":"1"},{"response":"2",
	"reward":null}],"z":"\u00e9"}
EOF
run score-verify "$tmp/in"
is 'fields of others stay, rewards stay' "$(cat "$tmp/out")" \
	"$(records <<'EOF'
{"odd":{"b":[1,{"a":null}]},"id":"r","task":"number","answer":"1","turns":[
	{"response":"1","reward":0.25,"verdict":{"status":"mine"},"x":0.5},
	{"x":[],"response":"1","reward":1,"verdict":{"status":"pass","answer":"1","method":"number"}},
	{"response":"2","reward":null}],"z":"é"}
EOF
	)"
run score-verify --redo "$tmp/in"
is '--redo judges all' "$(verdicts)" '[1,"pass","1"] [1,"pass","1"] [0,"fail","2"] '
run score-verify <<'EOF'
{"id":"done","turns":[{"response":"1","reward":1}]}
EOF
is 'a record with nothing to judge needs no task' "$status.$(jq -c . "$tmp/out")" \
	'0.{"id":"done","turns":[{"response":"1","reward":1}]}'
run score-verify </dev/null
is 'no input, no output' "$status.$(wc -c <"$tmp/out" | tr -d ' ')" 0.0

records >"$tmp/in" <<'EOF'
{"id":"c","task":"code","entry_point":"f","code_prompt":"import math\ndef f(x):\n",
	"tests":"def check(c):\n    assert c(4) == 2\n","turns":[{"response":"```python\ndef f(x):\n
	    return math.isqrt(x)\n```"},{"response":"```python\n    return math.isqrt(x)\n```"},
	{"response":"```python\n    return x\n```"}]}
EOF
run score-verify <"$tmp/in"
is 'code: a prompt that ends in a bare def' \
	"$(jq -c '.turns[] | [.reward, .verdict.status]' "$tmp/out" | tr '\n' ' ')" \
	'[1,"pass"] [1,"pass"] [0,"fail"] '

# ---- what is refused ----
refused() { # name line field-of-message
	{ number 1 1; printf '\n%s\n' "$2"; number 1 1; } >"$tmp/in"
	run score-verify <"$tmp/in"
	is "$1: status, what came before" "$status.$(wc -l <"$tmp/out" | tr -d ' ')" 1.1
	is "$1: message" "$(cat "$tmp/err")" "score-verify: <stdin>:3: $3"
}
refused 'no task' '{"id":"a","answer":1,"turns":[{"response":"1"}]}' '.task: missing'
refused 'unknown task' '{"id":"a","task":"poem","answer":1,"turns":[{"response":"1"}]}' \
	"$(printf '{"id":"a","task":"poem","answer":1,"turns":[{"response":"1"}]}' | score-verify 2>&1 |
	sed 's/.*<stdin>:1: //')"
is 'unknown task: it is named' "$(grep -c 'task.*poem' "$tmp/err")" 1
refused 'no answer' '{"id":"a","task":"exact","turns":[{"response":"1"}]}' '.answer: missing'
refused 'an answer that is no number' \
	'{"id":"a","task":"number","answer":"x","turns":[{"response":"1"}]}' \
	'.answer: expected a number, got "x"'
refused 'no tests' '{"id":"a","task":"code","entry_point":"f","turns":[{"response":"1"}]}' \
	'.tests: missing (task code needs entry_point and tests, or test_list)'
refused 'code_prompt' '{"id":"a","task":"code","entry_point":"f","tests":"x","code_prompt":1,'\
'"turns":[{"response":"1"}]}' \
	'.code_prompt: expected string, got number'
printf '{"id":"a","task":"number","answer":1,"turns":[{"response":1}]}\n' >"$tmp/in"
run score-verify "$tmp/in"
is 'a response that is no string' "$status.$(grep -c '.turns\[0\].response: ' "$tmp/err")" 1.1
run score-verify "$tmp/none"
is 'no such file' "$status" 1
for wrong in '-j 0' '--timeout 0' '--min-tier 4' '--tier 3 --min-tier 2' '--tier 3' '--memory 1M' \
	'--nonsense' '--grader kind' \
	'--grader hendrycks --lenient'; do
	# shellcheck disable=SC2086
	run score-verify $wrong
	is "usage: $wrong" "$status" 2
done

# ---- output ----
if [ -e /dev/full ]; then
	number 1 1 | score-verify >/dev/full 2>"$tmp/err"; status=$?
	is 'a full disk' "$status.$(grep -c stdout "$tmp/err")" 1.1
fi
# as soon as it is done: the first record comes while the input is still open
mkfifo "$tmp/fifo"
{ number 1 1; cat "$tmp/fifo"; } | score-verify >"$tmp/out" &
job=$!
exec 9>"$tmp/fifo"
i=0; while [ ! -s "$tmp/out" ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
is 'a record is written before the next has come' "$(wc -l <"$tmp/out" | tr -d ' ')" 1
# it reads records under a filter; the files are opened by another process, as they are needed
filtered=$(sed -n 's/^Seccomp:[^0-9]*//p' "/proc/$job/status")
exec 9>&-
wait $job
if [ "${B:-}" = build/san ] || [ "${B:-}" = build/tsan ]; then
	skip 'sanitizers open files: no filter in this build'
else
	is 'input is read under a seccomp filter' "$filtered" 2
fi
number 1 1 >"$tmp/in"
files=; i=0; while [ $i -lt 60 ]; do files="$files $tmp/in"; i=$((i + 1)); done
# shellcheck disable=SC2086
run sh -c 'ulimit -n 20; exec score-verify "$@"' sh $files - "$tmp/none" "$tmp/in" </dev/null
is 'many files, standard input among them, then none' \
	"$status.$(wc -l <"$tmp/out" | tr -d ' ').$(sed "s|$tmp|tmp|" "$tmp/err")" \
	'1.60.score-verify: tmp/none: No such file or directory'
run score-verify "$tmp"
is 'a directory' "$status.$(grep -c 'Is a directory' "$tmp/err")" 1.1
number 1 1 | score-verify - - >"$tmp/out"
is 'standard input twice' "$?.$(wc -l <"$tmp/out" | tr -d ' ')" 0.1

# ---- code ----
if ! score-box --probe >/dev/null 2>&1; then
	[ -z "${CI:-}" ] && { skip 'score-box does not run here'; finish; }
	tap_line 'not ok' "score-box runs here"
	finish
fi
code() { # id response: json strings without quotes
	printf '{"id":"%s","task":"code","test_list":["assert f(1) == 2","assert f([]) == []"],' "$1"
	printf '"turns":[{"response":"%s"}]}\n' "$2"
}
right='def f(x): return x + 1 if x else x'
{
	code slow 'import time\ntime.sleep(1)\ndef f(x): return x + 1 if x else x'
	number 5 5; code right "$right"; code prose 'I do not know'; code empty '```\n\n```'
	code half '```python\n'"$right"
	code wrong 'def f(x): return 2'
} >"$tmp/in"
run score-verify -j 2 "$tmp/in"
is 'code: in order, whatever ends first' \
	"$(jq -r '"\(.id)=\(.turns[0].verdict.status)"' "$tmp/out" | tr '\n' ' ')" \
	'slow=pass n=pass right=pass prose=exception empty=no-code half=pass wrong=fail '
is 'code: which assertion' \
	"$(jq -c 'select(.id == "wrong") | .turns[0].verdict | [.index, .detail]' "$tmp/out")" \
	'[1,"assert f([]) == []"]'
ok 'code: schema' tests/validate trajectory "$tmp/out"
# HumanEval's form; code_prompt holds a helper that tests use, and an import that the body needs
records >"$tmp/in" <<'EOF'
{"id":"h","task":"code","prompt":"chat","code_prompt":"import math\ndef twin(x):\n    return x\n
	def f(x):\n    \"\"\"Root.\"\"\"\n","entry_point":"f","tests":"def check(candidate):\n
	    assert candidate(4) == twin(2)\n    assert f(9) == 3\n    a = [3, 1]\n",
	"turns":[{"response":"```\n    return math.isqrt(x)\n```"},{"response":"```\ndef f(x):\n
	    return math.isqrt(x)\ndef twin(x):\n    return 0\n```"},{"response":"```\ndef twin(x):\n
	    return f(4)\n```"}]}
{"id":"p","task":"code","prompt":"import math\ndef f(x):\n    \"\"\"Root.\"\"\"\n",
	"entry_point":"f","tests":"def check(candidate):\n    assert candidate(4) == 2\n",
	"turns":[{"response":"    return math.isqrt(x)"}]}
{"id":"in place","task":"code","prompt":"p","entry_point":"f","tests":"def check(candidate):\n
	    a = [3, [1], {}]\n    b = a[1]\n    candidate(a)\n    assert a == [3, [1, 2], {'k': 1}, 4]
	 and b is a[1] and b == [1, 2]\n","turns":[{"response":"def f(a):\n    a[1].append(2)\n
	    a[2]['k'] = 1\n    a.append(4)"}]}
{"id":"raises","task":"code","prompt":"p","entry_point":"f","tests":"def check(candidate):\n
	    try:\n        candidate(0)\n    except ZeroDivisionError:\n        return\n
	    assert False\n","turns":[{"response":"def f(x): return 1 / x"},
	{"response":"def f(x): return 1"}]}
{"id":"bare except","task":"code","prompt":"p","entry_point":"f","tests":"def check(candidate):\n
	    try:\n        candidate(0)\n    except:\n        pass\n","turns":[{"response":
	"def f(x): raise ValueError"},{"response":"import os\ndef f(x): os._exit(0)"}]}
{"id":"types","task":"code","prompt":"p","entry_point":"f","tests":"def check(candidate):\n
	    for v in (None, True, 7, -2**70, 2**63, 1.5, -0.0, 3j, 'é\\0', b'b', bytearray(b'x'), [1],
	 (1,), {1: [2]}, {1}, frozenset((1,)), int):\n        r = candidate(v)\n
	        assert type(r) is type(v) and r == v, v\n
	    assert str(candidate(float('nan'))) == 'nan' and str(candidate(-0.0)) == '-0.0'\n",
	"turns":[{"response":"def f(x): return x"}]}
{"id":"bases","task":"code","prompt":"p","entry_point":"f","tests":"def check(candidate):\n
	    assert candidate(1) == {'a': 2}\n    assert type(candidate(1)) is dict\n",
	"turns":[{"response":"import collections\ndef f(x): return collections.Counter('aa')"}]}
{"id":"fresh","task":"code","prompt":"p","entry_point":"f","tests":"import random\n
	def check(candidate):\n    assert candidate(random.random()) == 0.8444218515250481\n",
	"turns":[{"response":"import random\nrandom.seed(3)\ndef f(x): return x"},
	{"response":"def f(x): return x"}]}
EOF
{
	helper=$(records <<'EOF'
"entry_point":"decode",
	"tests":"def check(candidate):\n    assert candidate(encode(\"ab\")) == \"ab\"\n",
	"turns":[{"response":"def encode(s): return s\ndef decode(s): return s"}]}
EOF
	)
	twice='def encode(s):\n    return s + s\ndef decode(s):\n'
	printf '{"id":"helper","task":"code","prompt":"chat",%s\n' "$helper"
	printf '{"id":"other","task":"code","code_prompt":"def decode(s):\\n",%s\n' "$helper"
	printf '{"id":"theirs","task":"code","code_prompt":"%s",%s\n' "$twice" "$helper"
	printf '{"id":"official","task":"code","prompt":"%s",%s\n' "$twice" "$helper"
} >"$tmp/helpers"
run score-verify "$tmp/helpers"
is 'code: a helper that tests use comes from the data set, or the record is in error' \
	"$(jq -r '.id as $id | .turns[0] | .verdict.detail as $why
	| ($why | ltrimstr("assert candidate(encode(")) as $why
	| "\($id)=\(.reward) \(.verdict.status) \($why)"' "$tmp/out")" \
	'helper=null error .code_prompt: missing, and the tests use encode
other=null error .code_prompt: does not define it, and the tests use encode
theirs=0 fail "ab")) == "ab"
official=0 fail "ab")) == "ab"'
run score-verify -j 2 "$tmp/in"
is 'code: forms, values, arguments in place, exceptions' \
	"$(jq -r '"\(.id)=\([.turns[].verdict.status] | join(","))"' "$tmp/out" | tr '\n' ' ')" \
	"h=pass,pass,fail p=pass in place=pass raises=pass,fail bare except=pass,exception types=pass \
bases=pass fresh=pass,pass "
echo '{"id":"t","task":"code","test_list":["assert f(1 == 2"],
	"turns":[{"response":"def f(x): return x"}]}' | records >"$tmp/in"
run score-verify "$tmp/in"
is 'tests that do not compile: error, reward null' \
	"$status.$(jq -c '.turns[0] | [.reward, .verdict.status]' "$tmp/out")" '0.[null,"error"]'

# ---- the sandbox is not there, or dies ----
run env SCORE_BOX="$tmp/none" score-verify -j 1 "$tmp/in"
is 'no sandbox: status, nothing written' "$status.$(wc -c <"$tmp/out" | tr -d ' ')" 1.0
cat >"$tmp/box" <<'EOF'
#!/bin/sh
# says hello, dies at the first request
printf '\033\0\0\0\004\0\0\0tier\001\0\0\0001\0\004\0\0\0none\0\0\0\0\0'
head -c 1 >/dev/null
EOF
chmod +x "$tmp/box"
{ code a "$right"; number 5 5; } >"$tmp/in"
run env SCORE_BOX="$tmp/box" score-verify -j 1 "$tmp/in"
is 'a sandbox that dies twice: error, the rest goes on' \
	"$status.$(jq -c '.turns[0] | [.reward, .verdict.status]' "$tmp/out" | tr '\n' ' ')" \
	'0.[null,"error"] [1,"pass"] '
run score-verify --python /bin/false "$tmp/in"
is 'no Python: refused' "$status" 1
# what no message to the sandbox holds: the program's own fault, or an error of the record's; and on
# it goes
much() { head -c 67200000 /dev/zero | tr '\0' x; }
{
	one='"task":"code","test_list":["assert f(1) == 2"]'
	printf '{"id":"response",%s,"turns":[{"response":"```python\\n%s\\ns = \\"' "$one" "$right"
	much
	printf '%s\n' '\"\n```"}]}'
	printf '{"id":"test","task":"code","test_list":["assert f(1) == 2 #'; much
	printf '"],"turns":[{"response":"%s"}]}\n' "$right"
	printf '{"id":"setup","entry_point":"f",%s,"test_setup_code":"#' "$one"; much
	printf '","turns":[{"response":"%s"}]}\n' "$right"
	printf '{"id":"tests","task":"code","entry_point":"f","tests":"#'; much
	printf '","turns":[{"response":"%s"}]}\n' "$right"
	printf '{"id":"code_prompt","task":"code","entry_point":"f","code_prompt":"#'; much
	printf '","tests":"def check(f): pass","turns":[{"response":"%s"}]}\n' "$right"
	code last "$right"
} >"$tmp/in"
run timeout 600 score-verify -j 2 "$tmp/in"
is 'more than 64 MiB: verdicts' \
	"$status $(jq -r '"\(.id)=\(.turns[0] | "\(.reward),\(.verdict.status)")"' "$tmp/out")" \
	'0 response=0,exception
test=null,error
setup=null,error
tests=null,error
code_prompt=null,error
last=1,pass'
is 'more than 64 MiB: which say so' "$(grep -c 'bytes, more than' "$tmp/out")" 5
head -n 1 "$tmp/in" | run timeout 600 score-verify
is 'more than 64 MiB, and nothing else' "$status $(jq -c .turns[0].reward "$tmp/out")" '0 0'
# what tests print is for nobody's terminal
loud='import sys; sys.stderr.write(\"x\" * 1000000); assert f(1) == 2'
printf '{"id":"loud","task":"code","test_list":["%s"],"turns":[{"response":"%s"}]}\n' \
	"$loud" "$right" >"$tmp/in"
run score-verify "$tmp/in"
is 'tests that print' \
	"$status $(jq -c .turns[0].reward "$tmp/out") $(wc -c <"$tmp/err" | tr -d ' ')" '0 1 0'
# nothing survives: neither at the end nor when score-verify is killed
code loop 'while True: pass' >"$tmp/in"
score-verify --timeout 60 "$tmp/in" >/dev/null 2>&1 &
job=$!
i=0
while [ -z "$(pgrep -P "$(pgrep -P "$job" || echo 0)" 2>/dev/null)" ] && [ $i -lt 100 ]; do
	sleep 0.1; i=$((i + 1))
done
launcher=$(pgrep -P "$job")
box=$(pgrep -P "$launcher" | head -n 1)
i=0
while [ "$(pgrep -P "${box:-0}" python 2>/dev/null | wc -l)" -lt 2 ] && [ $i -lt 100 ]; do
	sleep 0.1; i=$((i + 1))
done
# where there is a cgroup, the one that keeps it, too
children=$(pgrep -P "${box:-0}" | tr '\n' ' ')
is 'a tester and a model side run' "$(pgrep -P "${box:-0}" python | wc -l | tr -d ' ')" 2
kill -9 "$job"
wait "$job" 2>/dev/null
i=0
while [ $i -lt 100 ]; do
	left=
	for p in $launcher $box $children; do kill -0 "$p" 2>/dev/null && left="$left $p"; done
	[ -z "$left" ] && break
	sleep 0.1; i=$((i + 1))
done
is 'and are gone when score-verify is killed' "$left" ''
finish
