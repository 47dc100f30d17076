# SPDX-License-Identifier: MIT
# Three jails in which one attack follows the other, and a fourth in which honest programs are
# judged as ever. And a processor that is somebody else's: who only waits for it is not late, who
# sleeps is.
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, "tests/sandbox")
from box import HONEST, Box, Tap, tree    # noqa: E402

MIB = 1 << 20
SECONDS = 4             # of attacks at least, and then until each has had its turn in every box
tap = Tap()

# name, the one status that is right, program, limits: it can come to that one only, however fast
# the processor is.
SPINS, ELSE = {"cpu": 0.3}, {}
ATTACKS = (
    ("threads", "timeout", """
import threading, time
threading.stack_size(1 << 18)
while True:
    try:
        threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
    except (RuntimeError, MemoryError):
        pass
""", SPINS),
    ("threads that compute", "timeout", """
import threading
threading.stack_size(1 << 18)
def spin():
    while True:
        pass
for _ in range(30):
    threading.Thread(target=spin, daemon=True).start()
spin()
""", SPINS),
    ("processes", "violation", "import os\nwhile True:\n    os.fork()\n", ELSE),
    ("memory", "memory", "a = []\nwhile True:\n    a.append(bytearray(1 << 20))\n", ELSE),
    ("output", "output-limit", "while True:\n    print('x' * 100000, flush=True)\n", ELSE),
    ("output of threads", "output-limit", """
import os, threading
threading.stack_size(1 << 18)
def flood():
    while True:
        os.write(1, b"x" * 65536)
for _ in range(8):
    threading.Thread(target=flood).start()
flood()
""", ELSE),
    ("answers", "exception",
     "import os\nwhile True:\n    os.write(6, b'\\x04\\0\\0\\0Vxxx' * 1000)\n", ELSE),
    ("a value that takes the tests long", "timeout", "def f(x):\n    return range(10 ** 18)\n",
     SPINS),
    ("files", "exception",
     "i = 0\nwhile True:\n    i += 1\n    open('/tmp/%d' % i, 'w').write('x' * 10000)\n", ELSE),
    ("pipes", "exception", """
import os
while True:
    r, w = os.pipe()
    os.set_blocking(w, False)
    os.write(w, b"x" * 65536)
""", ELSE),
)
SUM = "def check(candidate):\n    r = candidate(1)\n    assert 5 in [x for x in r if x < 0]\n"

# what is right for the honest: they compute, hold, print, start threads, answer at length
HONEST_ONES = (
    HONEST,
    "def f(x):\n    a = list(range(300000))\n    return x + 1 if sum(a) else 0\n",
    "def f(x):\n    held = bytearray(24 << 20)\n    return x + 1 if held else 0\n",
    "def f(x):\n    print('x' * 1000)\n    return x + 1\n",
    "import threading\ndef f(x):\n    r = []\n"
    "    t = threading.Thread(target=lambda: r.append(x + 1))\n"
    "    t.start()\n    t.join()\n    return r[0]\n",
    "import re, json, random\ndef f(x):\n    return json.loads(re.sub('a', str(x), 'a')) + 1\n",
)
WRONG = "def f(x):\n    return x\n"


def attack(box, start, ends, got):
    """All of them from the one numbered start, until the time is up."""
    n = 0
    while n < len(ATTACKS) or time.monotonic() < ends:
        name, want, code, limits = ATTACKS[(start + n) % len(ATTACKS)]
        v = box.run(code, *((SUM,) if "value" in name else ()),
                    **{"cpu": 60, "wall": 600, "memory": 64 * MIB, **limits})
        got.append((name, v["status"], v["status"] == want, v))
        n += 1


def beside_attacks():
    boxes = [Box() for _ in range(3)]
    for b in boxes:                 # a tester keeps a child for tests that leave nothing behind
        b.run(HONEST)
    before = [len(tree(b.p.pid)) for b in boxes]
    honest, got = Box(), []
    ends = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=attack, args=(b, 3 * i, ends, got)) for i, b in enumerate(boxes)]
    for t in threads:
        t.start()
    verdicts = []
    while any(t.is_alive() for t in threads) or len(verdicts) < 2 * len(HONEST_ONES):
        code = HONEST_ONES[len(verdicts) % len(HONEST_ONES)]
        verdicts.append(("pass", honest.run(code, memory=64 * MIB)))
        if len(verdicts) % 7 == 0:
            verdicts.append(("fail", honest.run(WRONG, memory=64 * MIB)))
    for t in threads:
        t.join()
    wrong = [v for want, v in verdicts if v["status"] != want]
    print("# %d honest programs, %d attacks" % (len(verdicts), len(got)))
    tap.ok(not wrong, "every program beside the attacks has the verdict that it deserves",
           wrong[:3])
    for name in [a[0] for a in ATTACKS]:
        bad = [v for what, _, good, v in got if what == name and not good]
        seen = sorted({s for what, s, _, _ in got if what == name})
        tap.ok(not bad, "%s: %s" % (name, ", ".join(seen)), bad[:2])
    for b in boxes:
        v = b.run(HONEST)
        tap.ok(v["status"] == "pass", "where there were attacks, an honest program passes", v)
    after = [len(tree(b.p.pid)) for b in boxes]
    tap.equal(after, before, "and there are as many processes as before")
    for b in boxes + [honest]:
        b.close()


def on_a_busy_processor():
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    box = Box()
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        v = box.run("import time\nwhile time.process_time() < 0.9:\n    pass\n" + HONEST, wall=1.6)
        tap.ok(v["status"] == "pass" or v["status"] == "error" and "processor" in v["detail"],
               "a program that waits for a processor is not late: %s" % v["status"], v)
        v = box.run("import time\ntime.sleep(1000)\n" + HONEST, wall=1.6)
        tap.ok(v["status"] == "timeout" and "wall" in v["detail"], "one that sleeps is", v)
        v = box.run(HONEST, """
import time
def check(candidate):
    end = time.process_time() + 0.9
    while time.process_time() < end:
        pass
    assert candidate(1) == 2
""", wall=1.6)
        tap.ok(v["status"] == "pass" or v["status"] == "error" and "processor" in v["detail"],
               "nor are tests that wait for one: %s" % v["status"], v)
    finally:
        other.kill()
        other.wait()
        os.sched_setaffinity(0, mine)
    box.close()


def main():
    if subprocess.run(["score-box", "--probe"], stdout=subprocess.DEVNULL).returncode:
        tap.skip("neighbours", "no jail is available on this machine")
        tap.finish()
    beside_attacks()
    on_a_busy_processor()
    tap.finish()


main()
