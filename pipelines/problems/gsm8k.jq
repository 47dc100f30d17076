# SPDX-License-Identifier: MIT
# GSM8K to problem records: jq -c -f gsm8k.jq gsm8k_train.jsonl
# The records have no names of their own: the file's name and the line make one.
{
	id: ((input_filename // "gsm8k" | sub(".*/"; "") | sub("\\.jsonl?$"; ""))
		+ "/\(input_line_number)"),
	task: "number",
	prompt: (.question + "\n\nWork it out step by step. "
		+ "End with the answer, a number, on a line of its own."),
	answer: (.answer | split("####") | last | gsub("[,\\s]"; "")),
	question,
	solution: .answer
} + del(.question, .answer)
