#!/bin/sh
# SPDX-License-Identifier: MIT
# score-sample: the same bits however the work is cut, what the records hold, errors with line and
# field.
# shellcheck source=tests/tap.sh
. tests/tap.sh

cat >"$tmp/config.json" <<'EOJ'
{"arch":"llama","layers":2,"width":32,"heads":4,"kv_heads":2,"head_size":8,"ffn":48,"context":160,
	"norm_eps":1e-5,"rope_theta":10000,"tied":true}
EOJ
score-weights init -w "$tmp/w" "$tmp/config.json" >"$tmp/init" 2>&1 || { cat "$tmp/init"; exit 1; }
SCORE_WEIGHTS=$tmp/w
export SCORE_WEIGHTS
i=0
while [ $i -lt 6 ]; do
	i=$((i + 1))
	printf '{"id":"p%d","task":"number","prompt":"%d+%d=",' $i $((11 * i)) $((7 * i))
	printf '"answer":"%d","extra":{"kept":[1,0.1]}}\n' $((18 * i))
done >"$tmp/p.jsonl"

run score-sample -n 3 --max-tokens 5,9 --seed 4 "$tmp/p.jsonl"
is 'exit status' $status 0
cp "$tmp/out" "$tmp/all"
is 'records' "$(wc -l <"$tmp/all")" 18
for how in '--batch 1' '--batch 2 -j 1' '--batch 64 -j 2' '--kv-memory 100K'; do
	# shellcheck disable=SC2086
	run score-sample -n 3 --max-tokens 5,9 --seed 4 $how "$tmp/p.jsonl"
	ok "the same with $how" cmp "$tmp/out" "$tmp/all"
done
{ head -n 2 "$tmp/p.jsonl" | score-sample -n 3 --max-tokens 5,9 --seed 4
  tail -n 4 "$tmp/p.jsonl" | score-sample -n 3 --max-tokens 5,9 --seed 4; } >"$tmp/split"
ok 'the same from two shards' cmp "$tmp/split" "$tmp/all"
score-sample -n 3 --turns 1 --max-tokens 5,9 --seed 4 "$tmp/p.jsonl" |
	score-sample --max-tokens 5,9 --seed 4 >"$tmp/continued"
ok 'the same when the second turn is a second process' cmp "$tmp/continued" "$tmp/all"
run score-sample -n 3 --max-tokens 5,9 --seed 5 "$tmp/p.jsonl"
ok 'another seed gives others' sh -c "! cmp -s '$tmp/out' '$tmp/all'"
is 'unknown fields pass' "$(jq -c .extra "$tmp/all" | sort -u)" '{"kept":[1,0.1]}'
is 'lengths' "$(jq -c '[.turns[0].tokens, .turns[1].tokens | length] | .[0] <= 5 and .[1] <= 9' \
	"$tmp/all" | sort -u)" true
is 'a cut response is followed by the end token' \
	"$(jq -c 'select(.turns[0].finish == "length") | .turns[1].context[0]' "$tmp/all" | sort -u)" \
	256
is 'one log-probability a token' \
	"$(jq -c '.turns[] | (.tokens | length) == (.logprobs | length)' "$tmp/all" | sort -u)" true
is 'a group from elsewhere is not its own' "$(head -n 1 "$tmp/p.jsonl" | jq -c '.group = 7' |
	score-sample -n 2 --max-tokens 2 | jq -c .group | tr '\n' ' ')" '2 2 '
is 'the samples differ' "$(head -n 3 "$tmp/all" | jq -c '.turns[0].tokens' | sort -u | wc -l)" 3
ok 'valid records' sh -c "tests/validate trajectory <'$tmp/all'"

score-sample --greedy --max-tokens 6 "$tmp/p.jsonl" >"$tmp/g1"
score-sample --greedy --max-tokens 6 --seed 9 "$tmp/p.jsonl" >"$tmp/g2"
is 'greedy knows no seed' "$(jq -c '[.turns[].tokens]' "$tmp/g1" | cksum)" \
	"$(jq -c '[.turns[].tokens]' "$tmp/g2" | cksum)"
score-sample -T 0.5 --top-k 3 --max-tokens 6 "$tmp/p.jsonl" >"$tmp/k"
is 'sample_logprobs where the sampling differs' \
	"$(jq -c '.turns[] | has("sample_logprobs")' "$tmp/k" | sort -u)" true
score-sample --min-tokens 6 --max-tokens 6 "$tmp/p.jsonl" >"$tmp/m"
is 'min-tokens' "$(jq -c '.turns[].tokens | length' "$tmp/m" | sort -u)" 6

echo '{"id":"g","turns":[{"prompt":"1+1=","response":"2","given":true,"finish":"length"},
	{"prompt":"?","response":"=2","given":true}]}' | records |
	score-sample >"$tmp/given"
is 'given turns become tokens' "$(jq -c '[.turns[] | .context, .tokens]' "$tmp/given")" \
	'[[49,43,49,61],[50],[256,63],[61,50,256]]'
cat >"$tmp/prompts.jq" <<'EOJ'
if (.turns | length) == 0 then .prompt else "again \(.turns | length)" end
EOJ
score-sample --turns 3 --max-tokens 2 --prompts "$tmp/prompts.jq" "$tmp/p.jsonl" >"$tmp/three"
echo '{"id":"g","prompt":"1+1=","turns":[
	{"response":"2","given":true},{"response":"3","given":true}]}' | records |
	score-sample --turns 3 --max-tokens 2 --prompts "$tmp/prompts.jq" >"$tmp/asked"
is 'given turns without a prompt: the program sees the turns so far' \
	"$(jq -c '[.turns[].prompt]' "$tmp/asked")" '["1+1=","again 1","again 2"]'
is 'the prompts program is asked for every turn' \
	"$(jq -c '[.turns[].prompt]' "$tmp/three" | head -n 1)" '["11+7=","again 1","again 2"]'

cat >"$tmp/ends.jq" <<'EOJ'
if (.turns | length) == 0 then .prompt
elif .turns[-1].tokens[0] % 2 == 0 then null else "again" end
EOJ
score-sample -n 4 --turns 3 --max-tokens 2 --prompts "$tmp/ends.jq" "$tmp/p.jsonl" >"$tmp/ends"
is 'a null prompt ends the dialogue there' \
	"$(jq -c '.turns | length < 3 and .[-1].tokens[0] % 2 == 1 or
		any(.[:-1][]; .tokens[0] % 2 == 0)' "$tmp/ends" | sort -u)" false
is '... and others go on' "$(jq -c '.turns | length' "$tmp/ends" | sort -u | tr '\n' ' ')" '1 2 3 '
is '... once more: nothing is added' \
	"$(score-sample --turns 3 --max-tokens 2 --prompts "$tmp/ends.jq" "$tmp/ends" | cksum)" \
	"$(cksum <"$tmp/ends")"
score-sample -n 4 --turns 1 --max-tokens 2 --prompts "$tmp/ends.jq" "$tmp/p.jsonl" |
	score-sample --turns 3 --max-tokens 2 --prompts "$tmp/ends.jq" >"$tmp/two_runs"
is 'in two runs, with filters in between: the same' \
	"$(cksum <"$tmp/two_runs")" "$(cksum <"$tmp/ends")"
echo null >"$tmp/never.jq"
run score-sample --prompts "$tmp/never.jq" "$tmp/p.jsonl"
is 'a dialogue without a turn is none' "$status $(sed 's/.*: the/the/' "$tmp/err")" \
	'1 the prompts program gave null for turn 0, expected a string'

{ head -n 2 "$tmp/p.jsonl"; echo '{"id":"x","prompt":7}'; } >"$tmp/bad"
run score-sample --max-tokens 2 "$tmp/bad"
is 'bad record: status' $status 1
is 'bad record: what came before it is out' "$(wc -l <"$tmp/out")" 2
is 'bad record: line and field' "$(cat "$tmp/err")" \
	"score-sample: $tmp/bad:3: .prompt: expected string, got number"
{ head -n 1 "$tmp/p.jsonl"; jq -nc '{id: "long", prompt: ("1" * 400)}'; } >"$tmp/long"
run score-sample --max-tokens 2 "$tmp/long"
is 'a prompt too long: status and output' "$status $(wc -l <"$tmp/out")" '1 1'
ok 'a prompt too long: line' grep -q "long:2: .turns\[0\]: 400 tokens" "$tmp/err"
run sh -c "score-sample -n 2 --turns 3 --max-tokens 150,4 --min-tokens 150 '$tmp/p.jsonl' |
	score-verify >'$tmp/full'"
is 'answers that fill the context: the run goes on' "$status $(wc -l <"$tmp/full")" '0 12'
is '... and is their own failure' \
	"$(jq -c '[.turns[1] | .finish, .reward, .verdict.status, (.tokens | length)]' "$tmp/full" |
	sort -u)" '["length",0,"context-limit",0]'
ok '... and valid' sh -c "tests/validate trajectory <'$tmp/full'"
run score-sample -n 2 "$tmp/all"
is 'a group cannot be multiplied' $status 1
for args in '--no-such' '--device gpu' '--max-tokens 1,,2' '--max-tokens 1,' '-T 0' \
	'--turns -1' '--turns 65' 'a b'; do
	# shellcheck disable=SC2086
	run score-sample $args
	is "usage: score-sample $args" $status 2
done
SCORE_WEIGHTS='' run score-sample "$tmp/p.jsonl"
is 'usage: no store named' $status 2
run score-sample --device cuda "$tmp/p.jsonl"
is 'no device' "$status $(cat "$tmp/err")" '1 score-sample: --device cuda: this build has no CUDA'
run score-sample -w "$tmp/none" "$tmp/p.jsonl"
is 'no store' $status 1
run sh -c "score-sample --max-tokens 2 '$tmp/p.jsonl' >/dev/full"
is 'full disk' $status 1
run score-sample </dev/null
is 'no input, no output' "$status $(wc -c <"$tmp/out")" '0 0'

# The second record is only sent when the first one's trajectory has come out.
mkfifo "$tmp/in" "$tmp/way"
timeout 60 score-sample --max-tokens 2 <"$tmp/in" >"$tmp/way" &
exec 3>"$tmp/in" 4<"$tmp/way"
sed -n 1p "$tmp/p.jsonl" >&3
read -r one <&4
sed -n 2p "$tmp/p.jsonl" >&3
exec 3>&-
read -r two <&4
exec 4<&-
is 'a record is not kept back for those to come' \
	"$(printf '%s\n' "$one" "$two" | jq -r .id | tr '\n' ' ')" 'p1 p2 '

# ---- --kv-memory: what does not fit is refused, not what another's later turns suggest ----
score-weights init -w "$tmp/kv" tests/golden/man/config.json >"$tmp/log"    # 128 bytes a position
echo 'if (.turns | length) == 0 then .prompt elif .id == "long" then "x" * 250 else "y" end' \
	>"$tmp/kv.jq"
for p in '"long","prompt":"hello"' "\"short\",\"prompt\":\"$(printf '%0100d' 0)\""; do
	echo "{\"task\":\"exact\",\"answer\":\"1\",\"id\":$p}"
done >"$tmp/kv.jsonl"
run score-sample -w "$tmp/kv" --prompts "$tmp/kv.jq" --max-tokens 10 --batch 1 --kv-memory 40K \
	"$tmp/kv.jsonl"
is 'a short dialogue behind a long one' "$status $(wc -l <"$tmp/out" | tr -d ' ')" '0 2'
run score-sample -w "$tmp/kv" --prompts "$tmp/kv.jq" --max-tokens 10 --batch 1 --kv-memory 30K \
	"$tmp/kv.jsonl"
is 'a second turn that does not fit: status' "$status" 1
has 'and where' "$tmp/err" 'kv.jsonl:1: .turns[1]: '
finish
