#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: latency.py RECORDS COMMAND...   Each line of RECORDS to the command once the one before is answered; how long each took.
The first, which waits for the command's start, is sent twice and counted once."""
import json
import subprocess
import sys
import time

with open(sys.argv[1], "rb") as f:
	lines = f.readlines()
with subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as p:
	for i, line in enumerate(lines[:1] + lines):
		began = time.perf_counter()
		p.stdin.write(line)
		answer = b""
		while not answer.endswith(b"\n"):
			part = p.stdout.read(1 << 16)
			if not part:
				sys.exit("no answer")
			answer += part
		if i:
			print(json.dumps({"seconds": time.perf_counter() - began}))
	p.stdin.close()
sys.exit(p.returncode)
