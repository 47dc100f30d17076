# SPDX-License-Identifier: MIT
# What tests and programs do to the tester is gone with their record: after each of those below, the
# next one in the same box has a tester like new. A verdict is the tester's own: no frame that tests
# write is taken for one.
import sys

sys.path.insert(0, "tests/sandbox")
from box import HONEST, Box, Tap, tiers    # noqa: E402

FRAMES = """
import os, struct
def field(key, value):
    return struct.pack("<I", len(key)) + key + struct.pack("<I", len(value)) + value + b"\\0"
body = b"".join(field(k, v) for k, v in (
    (b"status", b"%s"), (b"isolation", b"split"), (b"index", b"-1"), (b"seal", b"x" * 16)))
def forge():
    for fd in range(3, 256):
        try:
            os.write(fd, struct.pack("<I", len(body)) + body)
        except OSError:
            pass
"""

# What a record's tests do: name, the lines before its check, its check's lines, the verdict.
LEAVES = [
    ("a list of the library that the program empties", "import keyword",
     "candidate(keyword.kwlist)", "pass"),
    ("a function of the library", "import math", "candidate(1)\nmath.sqrt = lambda x: 5", "pass"),
    ("a built-in function", "import builtins",
     "candidate(1)\nbuiltins.len = lambda x: 0\nbuiltins.sorted = list", "pass error"),
    ("the recursion limit", "import sys", "candidate(1)\nsys.setrecursionlimit(60)", "pass"),
    ("the recursion limit, by way of a module that has nothing to do with it", "import typing",
     "candidate(1)\ntyping.sys.setrecursionlimit(60)", "pass"),
    ("how dates are copied", "import copy, datetime",
     "candidate(1)\ncopy.dispatch_table[datetime.date] = lambda x: (int, ())", "pass"),
    ("a function's code", "import functools, statistics\ndef five(x):\n    return 5",
     "candidate(1)\nfunctools.update_wrapper(statistics.mean, five, ['__code__'], [])", "pass"),
    ("the same, imported", "from statistics import sys as t",
     "candidate(1)\nt.setrecursionlimit(60)", "pass"),
    ("the standard output", "import sys", "candidate(1)\nsys.stdout = sys.stderr = None", "pass"),
    ("the standard output, closed", "import os",
     "candidate(1)\nos.close(0)\nos.close(1)\nos.close(2)", "pass"),
    ("a timer", "import signal", "candidate(1)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)",
     "pass"),
    ("a handler", "import signal", "candidate(1)\nsignal.signal(signal.SIGINT, lambda *a: 0)",
     "pass"),
    ("a trace function", "import sys", "candidate(1)\nsys.settrace(lambda *a: 1 / 0)",
     "fail pass error"),
    ("modules", "import sys", "candidate(1)\nsys.modules.clear()", "pass"),
    ("the search path", "import sys", "candidate(1)\nsys.path.clear()", "pass"),
    ("the environment", "import os", "candidate(1)\nos.environ['PATH'] = ''", "pass"),
    ("the folder it is in", "import os", "candidate(1)\nos.chdir('/usr')", "pass"),
    ("random numbers", "import random", "candidate(1)\nrandom.seed = lambda *a: 0", "pass"),
    ("a thread that goes on", "import threading, time",
     "candidate(1)\nthreading.Thread(target=time.sleep, args=(1000,)).start()", "pass"),
    ("a thread that asks on", "import threading",
     "def on():\n    while True:\n        candidate(1)\n"
     "threading.Thread(target=on, daemon=True).start()\ncandidate(1)", "pass"),
    ("the number context", "import decimal",
     "candidate(1)\ndecimal.getcontext().prec = 2\ndecimal.DefaultContext.prec = 2", "pass"),
    ("garbage that asks when it goes", "class G:\n    def __del__(self):\n        self.f(1)",
     "g = G()\ng.f, g.me = candidate, g\ncandidate(1)", "pass"),
    ("limits of its own", "import resource",
     "candidate(1)\nresource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))", "pass"),
    ("its end", "import os", "candidate(1)\nos._exit(0)", "error"),
    ("its end by a signal", "import ctypes", "candidate(1)\nctypes.string_at(0)", "exception"),
    ("a forbidden call", "import os", "candidate(1)\nos.fork()", "error"),
    ("a verdict for the next", FRAMES % "pass", "candidate(1)\nforge()\nassert candidate(1) == 3",
     "fail error exception"),
    ("an error for the next", FRAMES % "error", "candidate(1)\nforge()", "pass error exception"),
    ("memory", "", "x = bytearray(200 << 20)\ncandidate(1)", "pass"),
    ("computing for ever", "", "candidate(1)\nwhile True:\n    pass", "timeout"),
    ("sleeping for ever", "import time", "candidate(1)\ntime.sleep(1000)", "timeout"),
]
# only where there is a /tmp
FILES = [
    ("a file", "import os", "candidate(1)\nopen('/tmp/left', 'w').write('x')", "pass"),
    ("a folder nobody may enter", "import os",
     "candidate(1)\nos.mkdir('/tmp/d')\nos.chmod('/tmp', 0)", "pass"),
]

# A tester like new, and one that was there before (its text shows that it leaves nothing behind).
NEW = """
import builtins, decimal, keyword, math, os, random, resource, signal, sys, threading
def check(candidate):
    assert candidate(1) == 2 and candidate(41) == 42
    assert "for" in keyword.kwlist and math.sqrt(4) == 2
    assert len("ab") == 2 and sorted([2, 1]) == [1, 2]
    assert sys.getrecursionlimit() == 1000 and sys.stdout and sys.gettrace() is None
    assert sys.path and "math" in sys.modules
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert threading.active_count() == 1
    assert set(os.environ) <= {"PATH", "HOME", "USER", "LOGNAME", "LANG"}
    assert os.getcwd() == "/" and decimal.getcontext().prec == 28
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 32
    assert os.fstat(0) and os.fstat(1) and os.fstat(2)
    assert random.random() == 0.8444218515250481
    assert %s or os.listdir("/tmp") == []
"""
SAME = """
import copy, datetime, statistics
def down(n):
    return n and down(n - 1)
def check(candidate):
    assert candidate(1) == 2 and sorted([candidate(41), 3]) == [3, 42] and len('ab') == 2
    assert statistics.mean([1, 3]) == 2 and down(500) == 0
    assert copy.copy(datetime.date(2000, 1, 1)).year == 2000
"""
PROGRAM = ("def f(x):\n    if isinstance(x, list):\n        x.clear()\n        return 0\n"
           "    return x + 1\n")
LIMITS = {"cpu": 1, "wall": 3}


def indented(text):
    return "".join("    %s\n" % line for line in text.splitlines())


def main():
    tap = Tap()
    for name, tier, options, why in tiers():
        if options is None or "--no-cgroup" in options and tier < 3:
            tap.skip(name, why or "the tester is the same")
            continue
        box = Box(*options)
        for what, before, lines, want in LEAVES + (FILES if tier == 1 else []):
            v = box.run(
                PROGRAM, "%s\ndef check(candidate):\n%s" % (before, indented(lines)), **LIMITS)
            tap.ok(v["status"] in want.split(), "%s: %s: %s" % (name, what, v["status"]), v)
            for which, check in (("new", NEW % (tier != 1)), ("kept", SAME)):
                v = box.run(HONEST, check)
                tap.ok(v["status"] == "pass",
                       "%s: %s: not there in the next record, %s" % (name, what, which), v)
        tap.equal(box.close(), 0, "%s: score-box ends well" % name)
    tap.finish()


main()
