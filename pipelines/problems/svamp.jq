# SPDX-License-Identifier: MIT
# SVAMP, one array, to problem records: jq -c -f svamp.jq svamp.json
.[] | {
	id: "svamp/\(.ID)",
	task: "number",
	prompt: ((.Body | sub("\\s+$"; "") | if test("[.?!,]$") then . else . + "." end)
		+ " " + .Question + "\n\nEnd with the answer, a number, on a line of its own."),
	answer: .Answer
} + del(.Answer)
