# SPDX-License-Identifier: MIT
# The head of a frame of watch.sh: where a run is, and its statistics.
# usage: jq -rs --arg run NAME --argjson settings OBJECT --argjson times '[[STEP, TIME]]'
#            --argjson now TIME -f watch.jq ROWS
# Times are seconds: when each batch was whole. A step takes the median of the last ten gaps, so
# that a pause in between does not count.
def round3: (. * 1000 | round) / 1000;
def two: tostring | if length < 2 then "0" + . else . end;
def clock: floor | "\(. / 3600 | floor):\(. / 60 % 60 | two):\(. % 60 | two)";
def pad($n): tostring | . + " " * ([1, $n - length] | max);
def left($n): tostring | " " * ([1, $n - length] | max) + .;
def mean: map(numbers) | if length == 0 then null else add / length end;
def show: if . == null then "-" elif . == "" then . else round3 end;
def line($name; $cells): "  " + ($name | pad(24)) + ($cells | map(show | left(9)) | join(""));

map(select(.objective == "pg")) as $rows
| ($rows | last) as $row
| [$settings | to_entries[] | select(.key | startswith("training")) | .value
	| (.steps | split(" ") | map(tonumber) | add) * (.rounds // "1" | tonumber)] as $steps
| ($times[-11:] | [range(1; length) as $i | .[$i][1] - .[$i - 1][1]] | sort | .[length / 2 | floor])
	as $each
| if $row == null then "\($run): no step of reinforcement learning yet" else
	($row.step - $rows[0].step + 1) as $done
	| ($steps | add // $done) as $total
	| ($now - ($times[-1][1] // $now)) as $quiet
	| "\($run): step \($row.step), \($done) of \($total), Stage \("I" * $row.stage)" + (
		if $each == null then "" else ", \($each * 10 | round / 10) s a step" end) + (
		if $done >= $total then ", done"
		elif $each == null then ""
		elif $quiet > 30 + 10 * $each then ", nothing new for \($quiet | clock)"
		else ", \($each * ($total - $done) | clock) left" end),
	($row.reward | length) as $turns
	| def cells(f): [[$row], $rows[-10:] | . as $some | range($turns) as $k
		| [$some[] | f[$k]?] | mean];
	def cell(f): [[$row], $rows[-10:] | (range(1; $turns) | ""), (map(f) | mean)];
	"  " + ("" | pad(24)) + ([range($turns), range($turns) | "t\(. + 1)" | left(9)] | join(""))
		+ "   (last step; mean of 10)",
	line("reward"; cells(.reward)),
	line("KL, nats"; cells(.kl)),
	line("length, tokens"; cells(.length)),
	line("cut off, share"; cells(.truncated)),
	line("groups all alike, share"; cells(.zero_variance)),
	if $turns < 2 then empty else
		line("delta"; cell(.reward | if .[-1] and .[0] then .[-1] - .[0] else null end)),
		line("changed, share"; cell(.changed))
	end
  end
