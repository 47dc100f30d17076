# SPDX-License-Identifier: MIT
# Where a run is: the number of its steps, or what is wrong there.
# usage: score-weights metrics --from FIRST+1 | jq -rs --argjson first FIRST --argjson now LATEST
#     --argjson one STAGE1 --argjson two STAGE2 --argjson rounds N --arg begin TAG -f position.jq
def stage_of: if (. - $first - 1) % ($one + $two) < $one then 1 else 2 end;
def strange: .objective != "pg" or .stage == null;
def have($stage): map(select(.stage == $stage)) | length;

if map(.step) != [range($first + 1; $now + 1)] then
	"\($begin) is step \($first), the weights are step \($now), but not all steps between "
		+ "have metrics"
elif any(strange) then
	map(select(strange))[0]
	| "step \(.step) came after \($begin) and is of neither stage (\(.objective)): "
		+ "what Stage I is to begin with wants the tag \($begin) (score-weights tag \($begin))"
elif length > ($one + $two) * $rounds then
	"\(length) steps were made there, Stage I \(have(1)) and Stage II \(have(2)): "
		+ "more than STAGE1, STAGE2 and ROUNDS say"
elif any(.stage != (.step | stage_of)) then
	map(select(.stage != (.step | stage_of)))[0]
	| "step \(.step) was of Stage \(if .stage == 1 then "I" else "II" end) there, and Stage "
		+ "\(if .stage == 1 then "II" else "I" end)\u0027s turn by STAGE1 and STAGE2"
else length end
