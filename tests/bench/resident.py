#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: resident.py one|all RECORDS COMMAND...

What a running command takes for its records, in seconds, a line each. one: each record is sent once
the one before is answered; all: all are sent at once, and their total is one line. The first two
records are sent once before, uncounted: they wait for the command's start and for that of a second
worker."""
import json
import subprocess
import sys
import threading
import time


def main():
	with open(sys.argv[2], "rb") as f:
		lines = f.readlines()
	with subprocess.Popen(sys.argv[3:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
		def took(some):
			began = time.perf_counter()
			sender = threading.Thread(
				target=lambda: (p.stdin.write(b"".join(some)), p.stdin.flush()))
			sender.start()
			for _ in some:
				if not p.stdout.readline():
					sys.exit("no answer")
			sender.join()
			return {"seconds": time.perf_counter() - began}
		took(lines[:2])
		for some in [lines] if sys.argv[1] == "all" else [[line] for line in lines]:
			print(json.dumps(took(some)))
		p.stdin.close()
	sys.exit(p.returncode)


main()
