# SPDX-License-Identifier: MIT
# HumanEval's lines to problem records: jq -c -f humaneval.jq HumanEval.jsonl
# code_prompt is HumanEval's own prompt, which score-verify puts before the program.
{
	id: .task_id,
	task: "code",
	prompt: ("Complete this Python function. "
		+ "Reply with the whole function in one Python code block.\n\n```python\n"
		+ (.prompt | sub("\\s+$"; "")) + "\n```"),
	entry_point,
	tests: .test,
	code_prompt: .prompt
} + del(.task_id, .prompt, .entry_point, .test)
