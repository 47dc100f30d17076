# SPDX-License-Identifier: MIT
# The first reward, then each change of it; what comes later counts half per turn.
[.turns | map(.reward) | [.[0], (range(1; length) as $k | .[$k] - .[$k - 1])] | reverse
	| foreach .[] as $r (0; $r + 0.5 * .)] | reverse
