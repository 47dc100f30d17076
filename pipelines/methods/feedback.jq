# SPDX-License-Identifier: MIT
# A turn's return: its own reward, or 0.9 of the next turn's return if that is more.
[.turns | map(.reward) | reverse
	| foreach .[] as $r (0; [$r, . * 0.9] | max)] | reverse
