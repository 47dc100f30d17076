# SPDX-License-Identifier: MIT
# Supervised training for the eye, from its rows: jq -nj --unbuffered --argjson total STEPS --arg line "" -f pretrain.jq
# With line set, one line that is rewritten, for a terminal.
def two: tostring | if length < 2 then "0" + . else . end;
def clock: floor | "\(. / 3600 | floor):\(. / 60 % 60 | two):\(. % 60 | two)";

now as $began | foreach inputs as $row (null;
	(.first // $row.step) as $first | {first: $first, left: ((now - $began) * ($total - $row.step) / ($row.step - $first + 1))};
	select($row.step % 50 == 0 or $row.step == $total)
	| "step \($row.step) of \($total): loss \($row.loss * 1000 | round / 1000), \(.left | clock) left" as $text
	| if $line == "" then $text + "\n" else "\r\u001b[K" + $text + (if $row.step == $total then "\n" else "" end) end)
