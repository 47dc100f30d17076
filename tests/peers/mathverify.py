#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Math-Verify and score-verify on the same responses: every disagreement as a line of JSON, then
the counts.

usage: mathverify.py [--limit N] TRAJECTORY.jsonl...
(task math; with math_verify importable and score-verify on PATH)

For a person to read: either may be wrong. Disagreements are shown once for each pair of a reference
and a response.
"""
import argparse
import collections
import json
import logging
import subprocess
import sys

from math_verify import parse, verify


def theirs(gold, response):
	try:
		got = parse(response)
		return bool(verify(parse("$" + gold + "$"), got)), [str(g) for g in got]
	except Exception as e:  # whatever it throws is a refusal
		return False, [type(e).__name__]


def main():
	arguments = argparse.ArgumentParser()
	arguments.add_argument("--limit", type=int, default=0)
	arguments.add_argument("files", nargs="+")
	args = arguments.parse_args()
	logging.disable(logging.CRITICAL)
	records = []
	for path in args.files:
		with open(path, encoding="utf-8") as f:
			for line in f:
				try:
					records.append(json.loads(line))
				except ValueError:          # a file that still grows
					break
	records = records[:args.limit or None]
	text = "".join(json.dumps({
		"id": str(i), "task": "math", "answer": r["answer"],
		"turns": [{"response": t["response"]} for t in r["turns"]]}) + "\n"
		for i, r in enumerate(records))
	ours = subprocess.run(["score-verify"], input=text, capture_output=True, text=True, check=True)
	counts, seen = collections.Counter(), set()
	for record, line in zip(records, ours.stdout.splitlines(), strict=True):
		for turn, judged in zip(record["turns"], json.loads(line)["turns"], strict=True):
			verdict, us = judged["verdict"], judged["reward"] == 1
			them, parsed = theirs(record["answer"], turn["response"])
			counts["pairs"] += 1
			counts["we say " + verdict["status"]] += 1
			counts[f"we {'equal' if us else 'not'}, they {'equal' if them else 'not'}"] += 1
			key = (record["answer"], turn["response"])
			if us == them or key in seen:
				continue
			seen.add(key)
			print(json.dumps({
				"gold": record["answer"], "us": us, "them": them, "answer": verdict.get("answer"),
				"method": verdict["method"], "found": verdict.get("found"),
				"status": verdict["status"], "theirs": parsed[:2],
				"end": turn["response"][-160:]}))
	print(json.dumps(counts), file=sys.stderr)


if __name__ == "__main__":
	main()
