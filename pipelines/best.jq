# SPDX-License-Identifier: MIT
# From a run's metrics to the step to be tagged best, if it is the latest that can be: a row's
# reward is that of the weights that wrote its batch (batch_step), those before the update. Rewards
# are noisy; what counts is the mean of the last attempt's over OVER rows of Stage II.
# usage: jq -rs --argjson over OVER --argjson first FIRST -f best.jq metrics.jsonl
map(select(.step > $first and .stage == 2)) as $rows
| [range($over; ($rows | length) + 1) | $rows[. - $over:.]
	| {step: .[-1].batch_step, mean: (map(.reward[-1]) | add / length)}]
| if . == [] then empty else last as $last
	| select(all(.[:-1][]; .mean < $last.mean)) | $last.step end
