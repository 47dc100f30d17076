# SPDX-License-Identifier: MIT
# A sum put to a chat model, and the invitation to look again.
if (.turns | length) == 0 then "What is \(.prompt | rtrimstr("="))? Answer with the number only."
else "There may be a mistake in that answer. "
	+ "Work the sum out again, one digit at a time, and end with the number." end
