#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The same verifier in Python: a response has as many words as the answer says."""
import json
import sys

for line in sys.stdin:
    record = json.loads(line)
    wanted = int(record["answer"])
    for turn in record["turns"]:
        if "reward" not in turn:
            found = len([w for w in turn["response"].replace("\n", " ").split(" ") if w])
            turn["reward"] = max(0, 1 - abs(found - wanted) / wanted)
            status = "pass" if found == wanted else "fail"
            turn["verdict"] = {"status": status, "answer": str(found)}
    print(json.dumps(record), flush=True)
