#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/man/: the files that the man pages' examples read. Python 3 alone, no
randomness.

problems.jsonl      twelve sums, task number
trajectories.jsonl  a whole batch of step 0: four problems, two samples each, two turns,
                    byte tokens (256 is the end token) in the plain chat format, rewards and
                    verdicts; every kind of change between two attempts
config.json         a model for score-weights init, small and with the byte vocabulary
"""
import json
import pathlib
import struct

END = 256
here = pathlib.Path(__file__).parent / "man"


def float32(x):
	"""The shortest decimal that reads back as the float32 nearest to x."""
	x = struct.unpack("f", struct.pack("f", x))[0]
	return next(d for d in (float(f"{x:.{n}g}") for n in range(1, 10))
		if struct.unpack("f", struct.pack("f", d))[0] == x)


def dump(name, rows):
	with open(here / name, "w", encoding="utf-8") as f:
		for row in rows:
			f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def turn(k, prompt, response, answer, before_cut):
	cut = not response.endswith(".")
	tokens = list(response.encode()) + ([] if cut else [END])
	value = response.rstrip(".").split("=")[-1]
	right = value == answer
	return {
		"prompt": prompt,
		"context": ([END] if before_cut else []) + list(prompt.encode()),
		"response": response,
		"tokens": tokens,
		"logprobs": [float32(-((t * 37 + k * 11 + i * 5) % 97) / 61) for i, t in enumerate(tokens)],
		"sampling": {"temperature": 1, "top_p": 1, "top_k": 0, "greedy": False},
		"finish": "length" if cut else "stop",
		"snapshot": 0,
		"reward": 1 if right else 0,
		"verdict": {"status": "pass" if right else "fail", "answer": value},
	}


problems = [
	{"id": f"sum-{i:02}", "task": "number", "prompt": f"{a}+{b}=", "answer": str(a + b)}
	for i, (a, b) in enumerate((10 + 7 * i % 80, 13 + 29 * i % 77) for i in range(12))
]
# problem, first attempt, second attempt: differences from the answer; "cut" leaves the end token
# out
plan = [(4, -10, 0, "cut"), (4, 0, 0, ""), (9, 0, 1, ""), (9, 3, 3, "cut"), (1, -1, 0, ""),
        (1, 2, -5, ""), (7, 0, 0, ""), (7, -10, 0, "")]
trajectories = []
for n, (which, first, second, cut) in enumerate(plan):
	p = problems[which]
	a = int(p["answer"])
	one = str(a + first) + ("" if cut else ".")
	two = f"={a + second}."
	trajectories.append({
		**p, "batch": {"step": 0, "size": 4, "index": n // 2}, "sample": n % 2, "group": 2,
		"seed": 0, "turns": [
			turn(0, p["prompt"], one, p["answer"], False), turn(1, "?", two, p["answer"], cut)],
	})

here.mkdir(exist_ok=True)
dump("problems.jsonl", problems)
dump("trajectories.jsonl", trajectories)
(here / "config.json").write_text(json.dumps({
	"arch": "llama", "layers": 2, "width": 32, "heads": 2, "kv_heads": 1, "head_size": 16,
	"ffn": 64, "vocab": 258, "context": 512, "norm_eps": 1e-5, "rope_theta": 10000, "tied": False},
	indent="\t") + "\n")
