# SPDX-License-Identifier: MIT
# A verified trajectory without what score-eval does not read: of the tokens only their number stays
# ($file: where it comes from, which says how it was sampled).
{id, task, how: (if $file | endswith("-greedy.jsonl") then "greedy" else "sampled" end),
	sample, group, turns: [.turns[]
	| {response, reward, given, tokens: (.tokens | if . then map(0) else null end),
		verdict: (.verdict | if . then {status, answer} | del(.[] | nulls) else null end)}
	| del(.[] | nulls)]} | del(.[] | nulls)
