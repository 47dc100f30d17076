# SPDX-License-Identifier: MIT
# Documents of Pair-SFT's D+: D, and a right first attempt, then another right one.
def given($weight): {prompt, response, given: true, weight: $weight};
def pairs($first; $second; $id; $prompt):
	range([$first, $second | length] | min)
	| {id: "\($id) \(.)",
		turns: [($first[.] | given(.reward)), ($second[.] | .prompt = $prompt | given(1))]};
group_by(.id)[] | map(.turns[0]) as $first | .[0] as $p
| [$first[] | select(.reward == 0)] as $wrong | [$first[] | select(.reward == 1)] as $right
| pairs($wrong; $right; "\($p.id) wrong"; $p.turns[1].prompt),
	pairs($right; $right[1:]; $p.id; $p.turns[1].prompt)
