#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints modules and the names that Python says they bind at top level, for
tests/unit/program_truth.c: HumanEval's and MBPP's own programs and tests where ../shared/data has
them, a few of Python's library, and those with statements and other pieces put in or cut out. One
after another: "LENGTH NAME...\n", then that many bytes. The same on every run."""
import ast
import gzip
import json
import os
import random
import sys
import warnings

DATA = "../shared/data/"
LIBRARY = ("abc argparse bisect contextlib dataclasses fractions functools heapq re.__init__ "
           "statistics string textwrap typing")
PIECES = [
    "f = 1\n", "if True:\n", "    ", "f: int = 2", "(f, g) = ", "[f, *g] = ", "class f:\n",
    "    def f(self): pass\n", "\n", "\t", "f(", "f(x=1)\n", "'", '"""', "#", "\\\n", "; f = 3",
    "lambda x=1: x", "f'{x}'", "f'{x!r:>{w}}'", "import a.b as f\n", "from a import (b, c as f)\n",
    "f += 1\n", "f == 1\n", "a = f = b = 3\n", "f.x = 1\n", "f[0] = 1\n",
    "match f:\n  case f: f = 1\n", "async def f(): pass\n", "@f\n", "for f in x: g = 1\n",
    "with x as f: h = 2\n", "try: f = 1\nexcept E as e: g = 2\nfinally: h = 3\n", "(f): int = 1\n",
    "f: int\n", "if (f := 1): g = 2\n", "*f, g = x\n", "f = g = lambda *a, k=1: (yield)\n",
    "if lambda: 1: f = 2\n", "match = 1\n", "case = f = 3\n", "type = 3\n", "match: int = 1\n",
    "print(f, *a, **k)\n", "x[1:2, ::3] = f\n", "def g(a, /, b, *, c): pass\n",
    "del f\n", "global f\n", "return f\n", "\f", "\r\n", "\r", "f\"{x:{'{'}}\"", "rb'\\''",
    "b = f if c else d\n", "f @ g\n", "else: f = 1\n", "while 0: f = 1\n", "f, = g\n",
    "from ... import f\n", "from .a.b import f as g\n", "import f, g.h\n", "1if x else 2\n",
    "match ...:\n  case {'a': f}: g = 1\n", "f = {**g, 'a': lambda: 0}\n", "def f[T](x): pass\n",
    "f = x[lambda: 1]\n",
]


def targets(t):
    if isinstance(t, ast.Name):
        yield t.id
    elif isinstance(t, (ast.Tuple, ast.List)):
        for element in t.elts:
            yield from targets(element)
    elif isinstance(t, ast.Starred):
        yield from targets(t.value)


def names(body):
    for s in body:
        if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield s.name
        elif isinstance(s, ast.Assign):
            for t in s.targets:
                yield from targets(t)
        elif isinstance(s, ast.AnnAssign):
            if s.value is not None:
                yield from targets(s.target)
        elif isinstance(s, (ast.Import, ast.ImportFrom)):
            yield from (a.asname or a.name.split(".")[0] for a in s.names if a.name != "*")
        elif not isinstance(s, ast.Expr):
            for part in ("body", "orelse", "finalbody"):
                yield from names(getattr(s, part, []))
            for part in getattr(s, "handlers", []) + getattr(s, "cases", []):
                yield from names(part.body)


def originals():
    for name in LIBRARY.split():
        path = os.path.join(os.path.dirname(os.__file__), name.replace(".", "/") + ".py")
        if os.path.exists(path):
            with open(path, newline="", encoding="utf-8") as f:
                yield f.read()
    if os.path.exists(DATA):
        with gzip.open(DATA + "HumanEval.jsonl.gz", "rt", encoding="utf-8") as f:
            for r in map(json.loads, f):
                yield r["prompt"] + r["canonical_solution"]
                yield r["prompt"] + r["test"]
        with open(DATA + "mbpp.jsonl", encoding="utf-8") as f:
            for r in map(json.loads, f):
                yield r["code"]
                yield "\n".join(r["test_list"])


def mutated(texts, n):
    rnd = random.Random(1)
    for _ in range(n):
        t = rnd.choice(texts)[:600] if rnd.random() < 0.6 else ""
        for _ in range(rnd.randint(1, 5)):
            at = rnd.randint(0, len(t))
            if rnd.random() < 0.5:
                at = t.rfind("\n", 0, at) + 1
            put = rnd.random() < 0.8
            t = t[:at] + rnd.choice(PIECES) + t[at:] if put else t[:at] + t[at + rnd.randint(0, 5):]
        yield t


warnings.simplefilter("ignore")
known = list(originals())
for text in known + list(mutated(known, int(sys.argv[1]))):
    try:
        found = sorted(names(ast.parse(text).body))
    except (SyntaxError, ValueError, RecursionError):
        continue
    data = text.encode()
    sys.stdout.buffer.write(" ".join([str(len(data)), *found]).encode() + b"\n" + data)
