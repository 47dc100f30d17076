# SPDX-License-Identifier: MIT
# Many verdicts in a row: memory, descriptors and processes stay flat. As a test: a few seconds in
# the strongest tier. By hand: `tests/sandbox/soak.py VERDICTS [score-box options]` prints a JSON
# line per tenth and fails the same way.
import json
import sys
import time

sys.path.insert(0, "tests/sandbox")
from box import HONEST, Box, Tap, descriptors, groups, resident, tree    # noqa: E402

SECONDS, BATCH, WARM = 10, 100, 200
LIMITS = {"cpu": 2, "wall": 10, "memory": 256 << 20}

# what a day's work is made of, and a few of the other kind; (program, status), one of them every so
# many verdicts
COMMON = [
    (HONEST, "pass"),
    ("import math, collections\n" + HONEST, "pass"),
    ("print('hello' * 100)\n" + HONEST, "pass"),
    ("def f(x):\n    return 2\n", "fail"),
    ("def f(x):\n    return [][x]\n", "exception"),
    ("def f(x) return x\n", "exception"),
    ("def f(x):\n    return x + len(bytearray(1 << 22)) // (1 << 22)\n", "pass"),
    ("import threading\nt = threading.Thread(target=int)\nt.start()\nt.join()\n" + HONEST, "pass"),
]
RARE = [
    ("import os\nos.fork()\n", "violation"),
    ("import os\nos._exit(0)\n", "exception"),
    ("import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n" + HONEST,
     "pass"),
    ("print('x' * (2 << 20))\n", "output-limit"),
    ("import ctypes\nctypes.string_at(0)\n", "exception"),
    ("a = bytearray(1 << 40)\n", "memory"),
]
FILES = [("open('/tmp/x', 'w').write('x' * 1000)\n" + HONEST, "pass")]


def measure(box):
    pids = tree(box.p.pid)
    return {"processes": len(pids), "descriptors": sum(descriptors(p) for p in pids),
            "kib": sum(resident(p) for p in pids),
            "zombies": sum(about[1] == "Z" for about in pids.values()),
            "groups": len(groups(box.p.pid))}


def settled(box):
    """When the model's side, left alone, has read the modules that it puts off."""
    now, before = measure(box), None
    for _ in range(30):
        if now == before:
            break
        time.sleep(1)
        now, before = measure(box), now
    return now


def soak(box, verdicts, seconds, say):
    """Runs so many, or for so long; the first measure after a warm-up, the last, how many, and what
    went wrong."""
    rare = RARE + (FILES if box.hello["tier"] == "1" else [])
    begun, first, wrong, n = time.monotonic(), None, [], 0
    while n < verdicts and (not seconds or n <= WARM or time.monotonic() - begun < seconds):
        for i in range(n, n + BATCH):
            code, want = rare[i // 25 % len(rare)] if i % 25 == 24 else COMMON[i % len(COMMON)]
            v = box.run(code, **LIMITS)
            if v["status"] != want:
                wrong.append((i, code, want, v))
        n += BATCH
        if n == WARM:
            first = settled(box)
        if say and n % max(verdicts // 10, BATCH) == 0:
            print(json.dumps({"verdicts": n, "seconds": round(time.monotonic() - begun, 1),
                              **measure(box),
                              "wrong": len(wrong)}), flush=True)
    return first, measure(box), n, wrong


def main():
    tap = Tap()
    by_hand = len(sys.argv) > 1
    box = Box(*sys.argv[2:])
    first, last, n, wrong = soak(
        box, int(sys.argv[1]) if by_hand else 10 ** 6, 0 if by_hand else SECONDS, by_hand)
    tap.ok(n > WARM and first, "%d verdicts in a row in tier %s" % (n, box.hello["tier"]))
    tap.ok(not wrong, "every one is right", wrong[:3])
    for what in ("processes", "descriptors", "zombies", "groups"):
        tap.equal(last[what], first[what], "%s: %d" % (what, first[what]))
    # a leak of ten bytes a verdict would show in the long run, one of a kilobyte in the short one
    tap.ok(last["kib"] <= first["kib"] + 1024,
           "memory: %d KiB, then %d" % (first["kib"], last["kib"]))
    tap.equal(box.close(), 0, "score-box ends well")
    tap.finish()


main()
