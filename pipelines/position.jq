# SPDX-License-Identifier: MIT
# Where a run is: "STEPS-OF-STAGE-I STEPS-OF-STAGE-II", or what is wrong there.
# usage: score-weights metrics --from BASE+1 | jq -rs --argjson first BASE --argjson now LATEST
#     --argjson one STAGE1 --argjson two STAGE2 -f position.jq
def have($stage): map(select(.stage == $stage)) | length;
def strange: .objective != "pg" or .stage == null;

if map(.step) != [range($first + 1; $now + 1)] then
	"base is step \($first), the weights are step \($now), but not all steps between have metrics"
elif any(strange) then
	map(select(strange))[0]
	| "step \(.step) came after base and is of neither stage (\(.objective)): "
		+ "what Stage I is to begin with wants the tag base (score-weights tag base)"
elif map(.stage) != (map(.stage) | sort) then
	"a step of Stage I came after Stage II"
elif have(1) > $one or (have(2) > 0 and have(1) < $one) then
	"Stage I took \(have(1)) steps there, and Stage II \(have(2)): STAGE1 cannot be \($one)"
elif have(2) > $two then
	"Stage II took \(have(2)) steps there: STAGE2 cannot be \($two)"
else "\(have(1)) \(have(2))" end
