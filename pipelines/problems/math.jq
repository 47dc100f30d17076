# SPDX-License-Identifier: MIT
# MATH to problem records: jq -c -f math.jq math500.jsonl
# Records without a name of their own get the file's name and the line.
{
	id: (.unique_id // (input_filename // "math" | sub(".*/"; "") | sub("\\.jsonl?$"; ""))
		+ "/\(input_line_number)"),
	task: "math",
	prompt: (.problem + "\n\nReason step by step. Put the final answer into \\boxed{}."),
	answer
} + del(.answer)
