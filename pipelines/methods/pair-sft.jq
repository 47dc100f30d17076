# SPDX-License-Identifier: MIT
# Documents of Pair-SFT's D: a wrong first attempt, then a right one of the same problem.
def given($weight): {prompt, response, given: true, weight: $weight};
group_by(.id)[] | map(.turns[0]) as $first | .[0] as $p
| [$first[] | select(.reward == 0)] as $wrong | [$first[] | select(.reward == 1)] as $right
| range([$wrong, $right | length] | min)
| {id: "\($p.id) \(.)", turns: [($wrong[.] | given(0)),
	($right[.] | .prompt = $p.turns[1].prompt | given(1))]}
