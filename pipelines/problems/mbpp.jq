# SPDX-License-Identifier: MIT
# MBPP to problem records: jq -c -f mbpp.jq mbpp.jsonl (or sanitized-mbpp.json, an array).
# score-verify finds the function that the assertions are about; where its rule is not enough on the
# letter of it, the name stands here.
def by_hand: {"126": "sum", "596": "tuple_size", "601": "max_chain_length"};
def split_of: if . <= 10 then "prompt" elif . <= 510 then "test"
	elif . <= 600 then "validation" else "train" end;

if type == "array" then .[] else . end
| (.text // .prompt) as $text
| by_hand[.task_id | tostring] as $entry
| {
	id: "mbpp/\(.task_id)",
	task: "code",
	prompt: ($text + "\n\nYour Python code has to pass these tests:\n\n```python\n"
		+ (.test_list | join("\n")) + "\n```\n\nReply with one Python code block."),
	test_list,
	test_setup_code: (.test_setup_code // (.test_imports // [] | join("\n"))),
	split: (.task_id | split_of)
} + (if $entry then {entry_point: $entry} else {} end)
  + del(.text, .prompt, .test_list, .test_setup_code)
