#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A verifier: the response is a program in C that turns the record's "input" into its "answer"."""
import json
import os
import subprocess
import sys
import tempfile

BUILD_AND_RUN = 'cc -O1 -o /tmp/program "$0" -lm && exec /tmp/program'


def judge(record, response):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)     # started by root, the command is another user
        source = folder + "/program.c"
        with open(source, "w", encoding="utf-8") as f:
            f.write(response)
        box = subprocess.run(["score-box", "--timeout", "5", "--min-tier", "1", "--read", folder,
                              "--", "sh", "-c", BUILD_AND_RUN, source],
                             input=record["input"].encode(), capture_output=True)
    if box.returncode:              # no verdict: ours is the failure, not the program's
        return None, {"status": "error", "detail": "no sandbox"}
    verdict = json.loads(box.stderr.splitlines()[-1])
    if verdict["status"] == "pass" and box.stdout != record["answer"].encode():
        verdict.update(status="fail", detail="another output")
    reward = None if verdict["status"] == "error" else int(verdict["status"] == "pass")
    return reward, verdict


for line in sys.stdin:
    record = json.loads(line)
    for turn in record["turns"]:
        if "reward" not in turn:
            turn["reward"], turn["verdict"] = judge(record, turn["response"])
    print(json.dumps(record), flush=True)
