# SPDX-License-Identifier: MIT
# Two independent first attempts of a problem (samples 0 and 1, 2 and 3, ...) as one trajectory of
# two: a second attempt that has not seen the first. What it mends is luck. For score-eval only.
# usage: jq -cn -f blind-retry.jq VERIFIED.jsonl | score-eval
def number: .sample // 0;
def key: [.id, .batch.step, .batch.index, (number / 2 | floor)] | tojson;

foreach inputs as $t ({open: {}};
	($t | key) as $k
	| .open[$k] as $first
	| if $first then .pair = ([$first, $t] | sort_by(number)) | del(.open[$k])
	  else .pair = null | .open[$k] = $t end;
	.pair | values
	| map(.turns[0]) as $turns
	| .[0] | .sample = (number / 2 | floor) | .turns = $turns
	| if .group then .group |= (. / 2 | floor) else . end)
