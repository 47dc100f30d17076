#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/methods: what each return and prompt program says, and that every method runs.
. tests/tap.sh
m=pipelines/methods

# ---- returns, of trajectories whose rewards and words are given ----
returns() { # NAME STAGE ALPHA WANT TURN..., a turn being REWARD[:WORDS]
	name=$1 stage=$2 alpha=$3 want=$4
	shift 4
	jq -nc '{id: "x", turns: ($ARGS.positional | map(split(":") as [$reward, $words]
		| {response: ($words // "5"), reward: ($reward | tonumber)}))}' --args "$@" |
		score-bonus --stage "$stage" --alpha "$alpha" --partial --baseline none \
			--return "$m/$name.jq" >"$tmp/out" 2>"$tmp/err"
	is "$name: $*" "$(jq -c '[.turns[] | if .trained == false then null else .return end]' \
		"$tmp/out")$(cat "$tmp/err")" "$want"
}
returns pag 2 1 '[1,1]' 1 '0:right'
returns pag 2 1 '[0,0]' 0 '0:Right.'
returns pag 2 3 '[0,1,4]' 0 '0:Wrong' 1
returns pag 2 3 '[1,0,-3]' 1 '0:wrong' 0
returns ufo 2 1 '[1]' 1
returns ufo 2 1 '[0.5,0.5]' 0 1
returns ufo 2 1 '[0.25,0.25,0.25]' 0 0 1
returns ufo 2 1 '[0,0,0]' 0 0 0
returns reflect 2 1 '[null]' 1
returns reflect 2 1 '[null,1,null]' 0 0 1
returns reflect 2 1 '[null,0,null]' 0 1 0
returns feedback 2 1 '[0.81,0.9,1]' 0 0 1
returns feedback 2 1 '[1,0]' 1 0
returns cocos 2 1 '[0.5,1]' 0 1
returns cocos 2 1 '[0.5,-1]' 1 0
returns cocos 2 1 '[1,0]' 1 1
returns cocos 2 1 '[0.25,0.5,1]' 0 0 1
returns verify 2 1 '[1,2]' 1 '0:right'
returns verify 2 1 '[-1,-2]' 0 '0:right'
returns verify 2 1 '[1,2,1]' 0 '0:wrong' 1
returns verify 2 1 '[-1,-2,-1]' 1 '0:wrong' 0
is "SCoRe as CoCoS coded it: the first turn's KL in the second one's return" "$(
	printf '%s %s' '{"id":"x","turns":[{"response":"1","reward":1,"tokens":[4,5],' \
		'"logprobs":[-1,-2],"ref_logprobs":[-2,-3.5]},{"response":"2","reward":1}]}' |
	score-bonus --stage 1 --partial --baseline none --return $m/score-as-cocos.jq |
	jq -c '[.turns[] | .trained, .return]')" '[false,0,null,0.375]'

# ---- what is asked ----
asked() { # PROGRAM WANT TURN..., a turn being RESPONSE[:REWARD[:DETAIL]]
	name=$1 want=$2
	shift 2
	is "$name: $*" "$(jq -nc '{prompt: "p", turns: ($ARGS.positional | map(split(":")
		| {response: .[0]} + (if .[1] then {reward: (.[1] | tonumber)} else {} end)
			+ (if .[2] then {verdict: {status: "fail", detail: .[2]}} else {} end)))}' --args "$@" |
		jq -r -f "$m/$name.jq" | tr -cd 'a-zA-Z :' | cut -c 1-34)" "$want"
}
asked pag.prompts p
asked pag.prompts 'Is this answer right Reply with th' 5
asked pag.prompts null 5 right
asked pag.prompts 'Then answer the question again' 5 'It is Wrong'
asked ufo.prompts null 5:1
asked ufo.prompts 'That is wrong Try again' 5:0
asked ufo.prompts 'That is wrong Try again' 5
asked reflect.prompts null 5:1
asked reflect.prompts 'That answer was wrong Say in a few' 5:0
asked reflect.prompts 'Now answer the question again' 5:0 hm
asked feedback.prompts 'That is not right: line  Answer ag' '5:0:line 3'
asked feedback.prompts null 5:1
asked self-refine 'Now answer the question again in t' 5 bad

# ---- rounds, also where a make above has exported none ----
is 'interleaved: five rounds in as many steps' "$(
	env -u MAKEFLAGS -u MAKELEVEL ROUNDS= make -sf - <<'END'
STAGE1 = 10
STAGE2 = 20
include pipelines/methods/interleaved.mk
all: ; @echo $(ROUNDS) $(STAGE1) $(STAGE2)
END
)" '5 2 4'

# ---- documents from samples ----
jq -nc 'range(2) as $p | range(4) as $s | {id: "p\($p)", sample: $s, group: 4, turns: [
	{prompt: "p", response: "a\($s)", reward: (if $s < 2 then 0 else 1 end)},
	{prompt: "q", response: "b\($s)", reward: ($s % 2)}]}' >"$tmp/samples"
documents() { jq -cs -f "$m/$1.jq" "$tmp/samples" |
	jq -c 'select(.id | startswith("p1")) | [.turns[] | .response, .weight]' | tr -d '\n'; }
is 'STaR, D: wrong, then right' "$(documents star)" '["a1",0,"b1",1]'
is 'STaR, D+' "$(documents star-plus)" '["a1",0,"b1",1]["a3",1,"b3",1]'
is 'Pair-SFT, D' "$(documents pair-sft)" '["a0",0,"a2",1]["a1",0,"a3",1]'
is 'Pair-SFT, D+' "$(documents pair-sft-plus)" \
	'["a0",0,"a2",1]["a1",0,"a3",1]["a2",1,"a3",1]'

# ---- each from a base model that is right now and then, to a table ----
cat >"$tmp/own.mk" <<'END'
include pipelines/experiments/tiny.mk
PRETRAIN = 25 16 --lr 1e-2 --commit-every 5
TEST = $(TRAIN)
SFT = 2 4 --lr 1e-3
ifeq ($(METHOD),interleaved)
ROUNDS = 2
endif
END
# shellcheck disable=SC2317
method() { # NAME
	env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory -f pipelines/experiment.mk NAME=own \
		CONFIG="$tmp/own.mk" METHOD="$1" R="$tmp/$1" F="$tmp/base" SEED=1
}
for mk in "$m"/*.mk; do
	name=${mk##*/} name=${name%.mk}
	run method "$name"
	is "$name: status, last row of the table" \
		"$status $(tail -n 1 "$tmp/out" | awk '{ print $1 }')" "0 $(
		case $name in self-refine) echo base ;; score-as-cocos) echo stage1 ;; *) echo stage2 ;;
		esac)"
	cat "$tmp/$name"/batches/*.jsonl "$tmp/$name"/eval/*.jsonl >"$tmp/all" 2>"$tmp/err"
	ok "$name: valid" tests/validate trajectory "$tmp/all"
done
is 'single-turn trains one' "$(jq -c '.turns | length' "$tmp"/single-turn/batches/*.jsonl |
	sort -u)" 1
is 'offline: a half is given, with numbers of its own' \
	"$(jq -c '[.sample, .turns[0].given]' "$tmp"/offline/batches/*.jsonl | sort -u | tr -d '\n')" \
	'[0,null][1,null][2,true][3,true]'
is 'three attempts: each stage of its kind' \
	"$(jq -c '[.stage, (.reward | length)]' "$tmp/three/metrics.jsonl" | tail -n 6 | tr -d '\n')" \
	'[1,2][1,2][1,3][1,3][2,3][2,3]'
is 'interleaved' "$(jq -c 'select(.stage) | .stage' "$tmp/interleaved/metrics.jsonl" |
	tr -d '\n')" 1212
finish
