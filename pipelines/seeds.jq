# SPDX-License-Identifier: MIT
# One row for each step of rows of curves.jq: numbers of the same name, which are of several seeds,
# become their mean and their range.
# usage: jq -cs -f seeds.jq ROWS
def gathered: map(to_entries[]) | group_by(.key)
	| map({key: .[0].key, value: (map(.value | numbers) | if length < 2 then .[0]
		else {value: (add / length), lo: min, hi: max} end)}) | from_entries;

group_by(.step)[] | map(.curves) as $all
| {step: .[0].step, stage: .[0].stage, curves: ($all | map(keys[]) | unique
	| map({key: ., value: (. as $panel | $all | map(.[$panel]) | gathered)}) | from_entries)}
