# SPDX-License-Identifier: MIT
# What is drawn of rows of metrics: each row with `curves`, numbers by name.
# usage: jq -c --arg run "" -f curves.jq metrics.jsonl | score-plot -y .curves.reward -y .curves.kl
# $run, the name of the run, stands before the names where several are drawn together.
def named: if $run == "" then . else "\($run): \(.)" end;
def by_attempt: . // [] | to_entries
	| map({key: ("attempt \(.key + 1)" | named), value}) | from_entries;

select(.objective == "pg")
| (if .reward[1] then .reward[-1] - .reward[0] else null end) as $delta
| .curves = {
	reward: ((.reward | by_attempt) + {("delta" | named): $delta}),
	kl: (.kl | by_attempt),
	length: (.length | by_attempt),
	shares: ({"changed": .changed, "cut off": (.truncated | max)} | with_entries(.key |= named))}
