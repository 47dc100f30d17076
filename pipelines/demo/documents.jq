# SPDX-License-Identifier: MIT
# Three-digit sums to the demo's pre-training documents: trajectories whose turns are all given,
# with a weight per turn.
# usage: problems/arithmetic | jq -nc --argjson seed 1 -f demo/documents.jq
#
#     35 %  a page of a workbook: the first answer is left blank, the second shows the working
#     65 %  two attempts: the first is the sum without its carries (60 %) or right; the second
#           copies it (77 %), changes one digit by one (20 %), or shows the working and is
#           right (3 %)
# So second attempts are no better than first ones, but how to work a sum out is known.

# A number in [0, 1) by multiplicative congruence; below 2^47, so exact in double precision.
def roll: .state = .state * 48271 % 2147483647 | .u = .state / 2147483647;

def digits: tostring | explode | map(. - 48);
def columns($a; $b): [($a | digits), ($b | digits)] | transpose | map(add);
def two: if . < 10 then "0\(.)" else tostring end;
# "07 09 13=803": the columns' sums from the left, then the answer.
def working($a; $b): (columns($a; $b) | map(two) | join(" ")) + "=\($a + $b)";
def without_carries($a; $b): columns($a; $b) | map(. % 10 | tostring) | join("");

# One digit up or down by one, as u in [0, 1) says; 0 only goes up, 9 only down.
def changed($text; $u):
	($text | length) as $n | ($u * $n | floor) as $at | ($u * $n - $at >= 0.5) as $up
	| ($text | explode)
	| .[$at] += (if .[$at] == 48 then 1 elif .[$at] == 57 then -1 elif $up then 1 else -1 end)
	| implode;

def document($p; $kind; $first; $second; $which):
	($p.prompt | rtrimstr("=") | split("+") | map(tonumber)) as [$a, $b]
	| (if $kind < 0.35 then "___"
	   elif $first < 0.6 then without_carries($a; $b) else $p.answer end) as $one
	| (if $kind < 0.35 or $second < 0.03 then working($a; $b)
	   elif $second < 0.23 then "=" + changed($one; $which) else "=" + $one end) as $two
	| {id: $p.id, turns: [
		{prompt: $p.prompt, response: $one, given: true,
			weight: (if $kind < 0.35 then 0 else 1 end)},
		{prompt: "?", response: $two, given: true, weight: 1}]};

foreach inputs as $p ({state: ($seed * 7919 % 2147483646 + 1)};
	roll | .kind = .u | roll | .first = .u | roll | .second = .u | roll;
	document($p; .kind; .first; .second; .u))
