# SPDX-License-Identifier: MIT
# Statistics that leave their band, in rows of metrics: a line each, the first time that it happens.
# usage: jq -rn [--argjson LIMIT NUMBER] -f warnings.jq metrics.jsonl
#
# What is judged is the mean of the last rows of a stage, `over` of them. Limits, and defaults:
#   changed 0.02        least share of last answers that are not the first
#   zero_variance 0.8   most groups whose returns are all equal, by attempt; not of an attempt whose
#                       return is always 0: that is not trained, or has a constant reward
#   truncated 0.2       most responses cut off, by attempt
#   kl 0.5              most KL to the reference, nats per token, by attempt
#   over 5
# and a reward that is the same in all of these rows.
({changed: 0.02, zero_variance: 0.8, truncated: 0.2, kl: 0.5, over: 5} + $ARGS.named) as $limit
| def mean: map(numbers) | if length == 0 then null else add / length end;
def percent: "\(. * 1000 | round / 10) %";
def nats: "\(. * 100 | round / 100) nats per token";

# {key, text} of each statistic that is outside, in a window of rows
def outside:
	. as $rows
	| (map(.changed) | mean | select(. != null and . < $limit.changed)
		| {key: "changed", text: ("answers changed: \(percent), under \($limit.changed | percent): "
			+ "the last attempt copies the first; more Stage I or a larger bonus may help")}),
	  (range($rows[0].reward | length) as $k | "attempt \($k + 1)" as $which
		| def over($name; $value; $text):
			select($value != null and $value > $limit[$name])
			| {key: "\($name) \($k)", text: "\($text), \($which): \(
				if $name == "kl" then $value | nats else $value | percent end), over \(
				if $name == "kl" then $limit.kl | nats else $limit[$name] | percent end): "};
		(over("zero_variance"; if any($rows[]; .return[$k] != 0)
				then $rows | map(.zero_variance[$k]) | mean else null end; "groups all alike")
			| .text += "they teach nothing; the problems are too easy or too hard, "
				+ "or have too few samples"),
		(over("truncated"; $rows | map(.truncated[$k]) | mean; "responses cut off")
			| .text += "they may lack their answer; raise --max-tokens, or read what they say"),
		(over("kl"; $rows | map(if .settings.loss.kl_scale == "token" then .kl[$k]
				else (.kl[$k] // empty) / ([.length[$k] // 1, 1] | max) end) | mean; "KL")
			| .text += "far from the reference; the learning rate is too high or beta too low"),
		([$rows[].reward[$k]]
			| select(all(.[]; . != null) and (unique | length) == 1) | .[0]
			| {key: "reward \($k)", text: ("reward, \($which): \(.) in all of \($limit.over) steps"
				+ ": " + if . == 0 then "never right; look at what the verifier reads, or take "
					+ "easier problems"
				  elif . == 1 then "always right; nothing is left to learn from these problems"
				  else "the verifier may give all the same" end)}));

foreach (inputs | select(.objective == "pg")) as $row ({said: {}};
	.rows = ((if .stage == $row.stage then .rows else [] end) + [$row])[-$limit.over:]
	| .stage = $row.stage
	| .said as $said
	| .now = (if (.rows | length) < $limit.over then []
		else [.rows | outside | select($said[.key] | not)] end)
	| .said += (.now | map({(.key): true}) | add);
	.now[] | "step \($row.step): \(.text)")
