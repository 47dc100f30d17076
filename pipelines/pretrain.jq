# SPDX-License-Identifier: MIT
# Supervised training for the eye, from its rows.
# usage: jq -nj --unbuffered --argjson total STEPS --arg line "" -f pretrain.jq
# With line set, one line that is rewritten, for a terminal.
def two: tostring | if length < 2 then "0" + . else . end;
def clock: floor | "\(. / 3600 | floor):\(. / 60 % 60 | two):\(. % 60 | two)";

now as $began | foreach inputs as $row (null;
	(.first // $row.step) as $first | ((now - $began) / ($row.step - $first + 1)) as $each
	| {first: $first, left: ($each * ($total - $row.step))};
	select($row.step % 50 == 0 or $row.step == $total)
	| ($row.loss * 1000 | round / 1000) as $loss
	| (if $line == "" then "" else "\r\u001b[K" end)
		+ "step \($row.step) of \($total): loss \($loss), \(.left | clock) left"
		+ (if $line == "" or $row.step == $total then "\n" else "" end))
