#!/bin/sh
# SPDX-License-Identifier: MIT
# The verifiers that score-verify(1) and score(7) show: they stream, keep what they do not know, and
# fit into the pipe whatever a model wrote.
. tests/tap.sh

folder=pipelines/verifiers
golden=tests/golden/man/trajectories.jsonl
jq -c 'del(.turns[] | .reward, .verdict) | .mine = {"a": [1, null, "\u00e9"]} | .turns[].mine = 1' \
	$golden >"$tmp/unjudged"

judge() { # which: from stdin to stdout
	case $1 in
	word) jq -c --unbuffered -f "$folder/word.jq" ;;
	words) jq -c --unbuffered -f pipelines/own/words.jq ;;
	words-py) pipelines/own/words.py ;;
	json) python3 "$folder/json-answer.py" ;;
	program) python3 "$folder/c-program.py" ;;
	esac
}

fits() { # name, file: judged records
	ok "$1: fits the schema" tests/validate trajectory "$2"
	is "$1: every turn has a reward and a verdict" \
		"$(jq -s '[.[].turns[] | has("reward") and (.verdict | has("status"))] | all
		and length > 0' "$2")" true
	run score-bonus --stage 2 --partial "$2"
	is "$1: score-bonus takes it" \
		"$status $(jq -s '[.[].turns[] | has("advantage")] | all and length > 0' "$tmp/out")" \
		'0 true'
}

for v in words words-py word json; do
	judge $v <"$tmp/unjudged" >"$tmp/judged"
	fits $v "$tmp/judged"
	is "$v: a line for a line" "$(wc -l <"$tmp/judged" | tr -d ' ')" \
		"$(wc -l <"$tmp/unjudged" | tr -d ' ')"
	jq -cS 'del(.turns[] | .reward, .verdict)' "$tmp/judged" >"$tmp/stripped"
	jq -cS . "$tmp/unjudged" >"$tmp/plain"
	ok "$v: all else is as it was" cmp "$tmp/stripped" "$tmp/plain"
	judge $v <$golden | jq -cS . >"$tmp/again"
	jq -cS . $golden >"$tmp/plain"
	ok "$v: what is judged stays" cmp "$tmp/again" "$tmp/plain"

	# a line comes out before the next one goes in
	mkfifo "$tmp/$v.in" "$tmp/$v.out"
	judge $v <"$tmp/$v.in" >"$tmp/$v.out" &
	exec 4>"$tmp/$v.in" 5<"$tmp/$v.out"
	head -n 1 "$tmp/unjudged" >&4
	read -r line <&5
	is "$v: streams" "$(printf '%s' "$line" | jq -c '.turns[0] | has("reward")')" true
	exec 4>&- 5<&-
	wait
done
is 'word: as score-verify says' "$(judge word <"$tmp/unjudged" | jq -c '[.turns[].reward]')" \
	"$(jq -c '[.turns[].reward]' $golden)"

# what a model may write
cat >"$tmp/responses" <<'END'
{"answer": 7}
{"answer": "7"}
{"answer": 8}
{"answer": NaN}
{"answer": 1e999}
{"answer": "\ud800"}
{"answer": {"answer": 7}}
[7]
null
7
no JSON
END
python3 -c '
print("[" * 200000)
print("{\"answer\": " * 100000)
print("{\"answer\": " + "9" * 5000 + "}")
print("")' >>"$tmp/responses"
jq -Rc '{id: "r\(input_line_number)", answer: 7, turns: [{response: .}]}' \
	"$tmp/responses" >"$tmp/odd"
for v in words words-py word json; do
	judge $v <"$tmp/odd" >"$tmp/judged" 2>"$tmp/err" && r=0 || r=$?
	is "$v: odd responses" "$r $(wc -l <"$tmp/judged" | tr -d ' ') $(cat "$tmp/err")" \
		"0 $(wc -l <"$tmp/odd" | tr -d ' ') "
	fits "$v, odd responses" "$tmp/judged"
done
is 'json: their rewards' "$(jq -c '.turns[0].reward' "$tmp/judged" | tr '\n' ' ')" \
	'1 1 0.1 0.1 0.1 0.1 0.1 0 0 0 0 0 0 0 0 '

# C, in the jail
c() { jq -Rsc --arg id "$1" \
	'{id: $id, input: "12", answer: "144", mine: 1, turns: [{response: .}]}'; }
{
	printf '#include <stdio.h>\nint main(void)\n{
	int n;\n\tscanf("%%d", &n);\n\tprintf("%%d", n * n);\n\treturn 0;\n}\n' | c right
	printf '#include <stdio.h>\nint main(void) { puts("144"); return 0; }\n' | c newline
	printf 'int main(void) { for (;;) ; }\n' | c endless
	printf 'int main(void) { return *(volatile int *)0; }\n' | c crash
	printf 'this is no C\n' | c none
	printf '#include "/etc/passwd"\n' | c reads
	printf '#include <sys/socket.h>\nint main(void) { return socket(AF_INET, SOCK_STREAM, 0); }\n' |
		c network
	printf '#include <stdio.h>\nint main(void)\n{
	fprintf(stderr, "{\\"status\\":\\"pass\\"}\\n");\n\treturn 1;\n}\n' | c forger
} >"$tmp/programs"
if score-box --min-tier 1 -- true 2>"$tmp/err"; then
	judge program <"$tmp/programs" >"$tmp/judged"
	fits program "$tmp/judged"
	is 'program: the verdicts' \
		"$(jq -r '"\(.id) \(.turns[0].reward) \(.turns[0].verdict.status)"' "$tmp/judged")" \
		'right 1 pass
newline 0 fail
endless 0 timeout
crash 0 exception
none 0 exception
reads 0 exception
network 0 violation
forger 0 exception'
else
	skip 'program: this machine has no jail of tier 1'
fi
# without a sandbox nothing is booked as wrong
mkdir "$tmp/none"
printf '#!/bin/sh\nexit 1\n' >"$tmp/none/score-box"
chmod +x "$tmp/none/score-box"
PATH=$tmp/none:$PATH python3 $folder/c-program.py <"$tmp/programs" >"$tmp/judged"
is 'program: no sandbox, no reward' \
	"$(jq -c '.turns[0] | [.reward, .verdict.status]' "$tmp/judged" | sort -u)" '[null,"error"]'
fits 'program, no sandbox' "$tmp/judged"

for f in word.jq json-answer.py c-program.py; do
	ok "the manual shows $f as it is" cmp $folder/$f tests/golden/man/$f
done
finish
