#!/bin/sh
# SPDX-License-Identifier: MIT
# problems/reasoning-gym: every family that it lists, its own answers judged right and others wrong.
. tests/tap.sh

peers reasoning_gym || { absent reasoning-gym; finish; }
make=pipelines/problems/reasoning-gym
families=$("$peers" $make --list | sed 's/^[a-z]* //; s/[^ ][^ ]*/--family &/g')
# shellcheck disable=SC2086  # options
make_all() { "$peers" $make $families -n 8 --held-out 50 "$@"; }
make_all --seed 1 --split train >"$tmp/train"
make_all --seed 1 --split train >"$tmp/again"
make_all --seed 2 --split test >"$tmp/test"
n=$(($(echo "$families" | wc -w) * 4))
is 'problems of every family' "$(jq -r .id "$tmp/train" | sort -u | wc -l | tr -d ' ')" "$n"
ok 'schema' tests/validate problem "$tmp/train"
ok 'the same seed, the same problems' cmp "$tmp/train" "$tmp/again"
is 'train and test share none' "$(jq -r .id "$tmp/train" "$tmp/test" | sort | uniq -d)" ''
jq -c '.turns = [{response: .answer}, {response: "\(.answer)1"}]' "$tmp/train" |
	score-verify >"$tmp/judged"
is 'the answers are right, others are not' "$(jq -c '[.turns[].reward]' "$tmp/judged" |
	sort | uniq -c | sed 's/^ *//')" "$n [1,0]"
finish
