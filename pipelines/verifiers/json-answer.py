#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A verifier: a JSON response with the record's "answer"; another answer still earns a little."""
import json
import sys


def judge(record, response):
    try:
        said = str(json.loads(response)["answer"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0, {"status": "fail", "detail": "not JSON, or without an answer"}
    if said == str(record["answer"]):
        return 1, {"status": "pass"}
    return 0.1, {"status": "fail", "detail": "another answer"}


for line in sys.stdin:
    record = json.loads(line)
    for turn in record["turns"]:
        if "reward" not in turn:
            turn["reward"], turn["verdict"] = judge(record, turn["response"])
    print(json.dumps(record), flush=True)
