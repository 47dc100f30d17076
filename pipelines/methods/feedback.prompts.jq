# SPDX-License-Identifier: MIT
# The verdict, in words, unless the answer was right.
if (.turns | length) == 0 then .prompt
elif .turns[-1].reward == 1 then null
else .turns[-1].verdict as $v
	| "That is not right" + ($v.detail // $v.status // null | if . then ": \(.)" else "" end)
	+ ". Answer again." end
