#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/warnings.jq: what is said of statistics that leave their band, when, and when nothing.
. tests/tap.sh
. tests/pipeline/small.sh

# rows of metrics 1 to 20, of a healthy run, changed by the jq program
rows() {
	seq 1 20 | jq -c '{step: ., objective: "pg", stage: 2, n: 16, reward: [0.4 + . / 100, 0.6],
		return: [0.4, 0.8], kl: [0.1, 0.2], zero_variance: [0.2, 0.3], changed: 0.3,
		length: [4, 10], truncated: [0, 0.1], settings: {loss: {kl_scale: "sequence"}}}
		| (if .step % 2 == 0 then .reward[1] = 0.7 else . end) | '"$1"
}
warned() { # program, options of jq -> the heads of the lines
	rows "$1" >"$tmp/rows"; shift
	jq -rn "$@" -f pipelines/warnings.jq "$tmp/rows" | sed 's/: [^:]*$//' | tr '\n' ';'
}
is 'a healthy run: nothing' "$(warned .)" ''
is 'one step of five outside: nothing' \
	"$(warned 'if .step == 9 then .truncated[1] = 0.5 else . end')" ''
is 'changed' "$(warned 'if .step > 10 then .changed = 0 else . end')" \
	'step 15: answers changed: 0 %, under 2 %;'
is 'the mean of the last rows decides' \
	"$(warned 'if .step > 10 then .changed = 0.01 else .changed = 0.03 end')" \
	'step 13: answers changed: 1.8 %, under 2 %;'
is 'groups all alike, by attempt' "$(warned '.zero_variance[1] = 0.9')" \
	'step 5: groups all alike, attempt 2: 90 %, over 80 %;'
is 'but not of an attempt that is not trained' \
	"$(warned '.zero_variance[0] = 1 | .return[0] = 0')" ''
is 'cut off' "$(warned '.truncated[1] = 0.25')" \
	'step 5: responses cut off, attempt 2: 25 %, over 20 %;'
is 'KL, by token' "$(warned '.kl[1] = 5.5')" \
	'step 5: KL, attempt 2: 0.55 nats per token, over 0.5 nats per token;'
is 'KL that is by token already' \
	"$(warned '.kl[1] = 0.6 | .settings.loss.kl_scale = "token"')" \
	'step 5: KL, attempt 2: 0.6 nats per token, over 0.5 nats per token;'
is 'KL that was not computed' "$(warned '.kl = [null, null]')" ''
is 'a constant reward' "$(warned '.reward = [0, 1]')" \
	'step 5: reward, attempt 1: 0 in all of 5 steps;step 5: reward, attempt 2: 1 in all of 5 steps;'
is 'a single attempt' "$(warned '.changed = null | .reward |= .[:1] | .return |= .[:1]')" ''
is 'in the window of one stage only' \
	"$(warned 'if .step < 5 then .stage = 1 | .changed = 0 else . end')" ''
is 'once only' "$(warned 'if .step % 10 > 4 then .changed = 0 else . end')" \
	'step 9: answers changed: 0 %, under 2 %;'
is 'other limits' "$(warned '.changed = 0.2' --argjson changed 0.25 --argjson over 3)" \
	'step 3: answers changed: 20 %, under 25 %;'
is 'supervised steps are not judged' "$(warned '.objective = "nll" | .changed = 0')" ''
is 'each line says what it means' "$(rows '.changed = 0 | .kl[0] = 9 | .truncated = [1, 1] |
	.zero_variance = [1, 1] | .reward[0] = 0.5' | jq -rn -f pipelines/warnings.jq |
	awk -F': ' 'length($NF) > 30' | wc -l | tr -d ' ')" 7

# score.sh says it when it happens, and not again
start && learn && new loud
run env LIMITS='--argjson changed 1.1 --argjson over 2' pipelines/score.sh "$tmp/loud"
is 'while it trains, once' "$status $(grep -c 'warning: .*answers changed' "$tmp/err") $(
	grep -o 'warning: step 4[0-9]: answers changed' "$tmp/err")" \
	'0 1 warning: step 42: answers changed'
run env LIMITS='--argjson changed 1.1 --argjson over 2' STAGE2=4 pipelines/score.sh "$tmp/loud"
is 'not again when it goes on' "$status $(grep -c 'answers changed' "$tmp/err")" '0 0'
run env LIMITS='--argjson changed' STAGE2=5 pipelines/score.sh "$tmp/loud"
is 'warnings.txt has them all' "$(grep -c 'step 42: answers changed' "$tmp/loud/warnings.txt")" 1
is 'limits that jq does not take end the run' "$(test "$status" -gt 0 && echo ended)" ended
finish
