# SPDX-License-Identifier: MIT
# What the jail holds in every tier, with a cgroup and without: each verdict with its detail;
# nothing that a program leaves lives on, neither processes nor files nor descriptors; failures of
# the sandbox itself are errors and it goes on.
import os
import resource
import signal
import sys
import tempfile
import time

sys.path.insert(0, "tests/sandbox")
from box import HONEST, Box, Tap, descriptors, gone, groups, processes, tiers, tree    # noqa: E402

MIB = 1 << 20
tap = Tap()

THREADS = """
import threading, time
threading.stack_size(1 << 18)
def spin():
    while True:
        pass
def f(x):
    for _ in range(10):
        threading.Thread(target=%s).start()
    return x + 1
"""
FOREVER = "lambda: time.sleep(1000)"

# name, the status that is right, program. Each can come to that one only, however fast the
# processor is; where what stops it is the group's limit in the one jail and its own address space
# in the other, there are two.
ATTACKS = [
    ("threads that sleep on", "pass", THREADS % FOREVER),
    ("threads that compute on", "pass", THREADS % "spin"),
    ("threads that compute for ever", "timeout", THREADS % "spin" + "f(1)\nspin()\n"),
    ("daemon threads without end", "exception", """
import threading, time
try:
    while True:
        threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
except (RuntimeError, MemoryError):
    raise ValueError("no more of them")
"""),
    ("fork bomb past the C library", "violation", """
import ctypes
libc = ctypes.CDLL(None)
while True:
    libc.syscall(57)
"""),
    ("clone3, then fork", "violation", """
import ctypes, os
ctypes.CDLL(None).syscall(435, 0, 0)
os.fork()
"""),
    ("every signal ignored, and asleep", "timeout", """
import signal, time
for s in range(1, 65):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True:
    time.sleep(1000)
"""),
    ("stops its parent", "violation", "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\n"),
    ("stops all that it may", "violation", "import os, signal\nos.kill(-1, signal.SIGSTOP)\n"),
    ("stops itself", "violation", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\n"),
    ("kills its parent by the owner of a socket", "violation", """
import fcntl, os, socket
a, b = socket.socketpair()
fcntl.fcntl(a, fcntl.F_SETOWN, os.getppid())
"""),
    ("kills its parent by the signal of a pipe", "violation", """
import fcntl, os
r, w = os.pipe()
fcntl.fcntl(r, 10, 9)
"""),
    ("maps without end", "memory", """
import mmap
maps = []
try:
    while True:
        m = mmap.mmap(-1, 1 << 24)
        for at in range(0, 1 << 24, 4096):
            m[at] = 1
        maps.append(m)
except OSError:
    raise MemoryError
"""),
    ("memory in many threads", "memory", """
import threading
threading.stack_size(1 << 18)
hold, gate, full = [], threading.Lock(), threading.Lock()
gate.acquire()
full.acquire()
def eat():
    gate.acquire()
    gate.release()
    try:
        while True:
            hold.append(bytearray(1 << 20))
    except MemoryError:
        hold.clear()
        full.release()
def f(x):
    for _ in range(10):
        threading.Thread(target=eat, daemon=True).start()
    gate.release()
    full.acquire()
    raise MemoryError
"""),
    ("memory, caught and again", "memory|timeout", """
a = []
while True:
    try:
        while True:
            a.append(bytearray(1 << 22))
    except MemoryError:
        pass
"""),
    ("pipes full of data", "exception", """
import os
pipes = []
while True:
    r, w = os.pipe()
    os.set_blocking(w, False)
    os.write(w, b"x" * 65536)
    pipes.append((r, w))
"""),
    ("descriptors without end", "exception", "import os\nwhile True:\n    os.dup(0)\n"),
    ("its output never read", "output-limit", """
import os
os.set_blocking(1, False)
while True:
    try:
        os.write(1, b"x" * (1 << 20))
    except BlockingIOError:
        pass
"""),
    ("output by lines", "output-limit", "while True:\n    print('ok' * 1000, flush=True)\n"),
    ("output of all threads", "output-limit", """
import os, threading
threading.stack_size(1 << 18)
def flood():
    while True:
        os.write(2, b"x" * 65536)
for _ in range(8):
    threading.Thread(target=flood).start()
threading.Event().wait()
"""),
    ("answers that flood the tester", "exception", """
import os
while True:
    os.write(6, b"\\x04\\0\\0\\0Vxxx" * 1000)
"""),
]

# only where there is a /tmp
FILE_ATTACKS = [
    ("one file", "pass", "open('/tmp/x', 'w').write('x')\n" + HONEST),
    ("a file too large", "exception", """
with open("/tmp/large", "wb") as f:
    while True:
        f.write(b"x" * (1 << 20))
"""),
    ("all of /tmp", "exception", """
i = 0
while True:
    i += 1
    with open("/tmp/%d" % i, "wb") as f:
        f.write(b"x" * (1 << 20))
"""),
    ("files without end", "exception",
     "i = 0\nwhile True:\n    i += 1\n    open('/tmp/%d' % i, 'w').close()\n"),
    ("folders within folders", "exception",
     "import os\nwhile True:\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n"),
    ("folders nobody may enter", "pass", """
import os
for i in range(100):
    os.mkdir("/tmp/d%d" % i)
    open("/tmp/d%d/x" % i, "w").close()
    os.chmod("/tmp/d%d" % i, 0)
os.chmod("/tmp", 0)
""" + HONEST),
    ("files held open without a name", "pass", """
import os
held = []
for i in range(10):
    held.append(open("/tmp/x", "wb"))
    held[-1].write(b"x" * (1 << 20))
    held[-1].flush()
    os.unlink("/tmp/x")
""" + HONEST),
    ("a time stamp", "pass", "import os\nos.utime('/tmp', (12345, 12345))\n" + HONEST),
    ("links", "pass",
     "import os\nos.symlink('/', '/tmp/l')\nos.link('/tmp/l', '/tmp/m')\n" + HONEST),
]
CLEAN = """
import os, time
def f(x):
    there = os.listdir("/tmp")
    s, v = os.stat("/tmp"), os.statvfs("/tmp")
    if there or s.st_mode & 0o7777 != 0o700 or s.st_mtime == 12345 or s.st_nlink != 2:
        raise ValueError("%r %r" % (there, s))
    if v.f_bavail < (15 << 20) / v.f_frsize or v.f_ffree < 500:
        raise ValueError(str(v))
    with open("new", "wb") as g:
        g.write(b"x" * (1 << 20))
    os.unlink("new")
    return x + 1
"""

LIMITS = {"cpu": 60, "wall": 600, "memory": 64 * MIB}
# these compute for ever
SPINNING = {"threads that compute for ever", "memory, caught and again"}
# these wait for ever
SLEEPING = {"every signal ignored, and asleep"}


def want_of(want, by_group):
    return want.split("|")[0 if by_group else -1]


def verdicts(name, tier, box, by_group):
    """Each status, and what comes with it."""
    v = box.run(HONEST)
    tap.ok(v["status"] == "pass" and v["isolation"] == "split" and v["tier"] == str(tier) and
           v["memory"] == ("cgroup" if by_group else "rlimit"), "%s: pass" % name, v)
    tap.ok(float(v["cpu"]) > 0 and float(v["wall"]) > 0 and 0 < int(v["peak"]) < 40 * MIB,
           "%s: with its time and memory" % name, v)
    v = box.run("def f(x):\n    return 2\n")
    tap.ok((v["status"], v["index"]) == ("fail", "1") and "candidate(41) == 42" in v["detail"],
           "%s: fail" % name, v)
    v = box.run("def f(x):\n    return [][x]\n")
    tap.ok((v["status"], v["index"]) == ("exception", "0")
           and "IndexError: list index out of range (line 2)" in v["detail"],
           "%s: exception" % name, v)
    v = box.run("import os\nos._exit(7)\n")
    tap.ok(v["status"] == "exception" and "exit status 7" in v["detail"], "%s: its end" % name, v)
    v = box.run("import ctypes\nctypes.string_at(0)\n")
    tap.ok(v["status"] == "exception" and "signal 11" in v["detail"], "%s: its crash" % name, v)
    v = box.run("import os, time\nos.closerange(0, 64)\ntime.sleep(100)\n", **LIMITS)
    tap.ok(v["status"] == "exception" and "closed its end" in v["detail"],
           "%s: its silence" % name, v)
    v = box.run("while True:\n    pass\n", cpu=0.3)
    tap.ok(v["status"] == "timeout" and "CPU" in v["detail"] and float(v["cpu"]) >= 0.3,
           "%s: timeout, CPU" % name, v)
    v = box.run("import time\ntime.sleep(100)\n", wall=1)
    tap.ok(v["status"] == "timeout" and "wall" in v["detail"] and float(v["wall"]) >= 1,
           "%s: timeout, wall" % name, v)
    v = box.run("a = bytearray(1 << 40)\n", **LIMITS)
    tap.ok(v["status"] == "memory", "%s: memory, at once" % name, v)
    v = box.run("a = []\nwhile True:\n    a.append(bytearray(1 << 20))\n", **LIMITS)
    tap.ok(v["status"] == "memory" and (not by_group or "67108864" in v["detail"]),
           "%s: memory, by and by" % name, v)
    tap.ok(20 * MIB < int(v["peak"]) < (70 if tells_peak(box) else 100) * MIB,
           "%s: its peak" % name, v)
    v = box.run("print('x' * (2 << 20))\n")
    tap.ok(v["status"] == "output-limit" and "1048576" in v["detail"], "%s: output-limit" % name, v)
    v = box.run("import os\nos.fork()\n")
    tap.ok((v["status"], v["call"]) in (("violation", "clone"), ("violation", "fork")),
           "%s: violation" % name, v)
    v = box.run(
        HONEST, "def check(candidate):\n    assert candidate(1) == 2\n    assert undefined\n")
    tap.ok(v["status"] == "error" and v["tests"] == "1" and ".code_prompt: " in v["detail"]
           and "undefined" in v["detail"],
           "%s: a name that nobody defines" % name, v)
    single = ("def check(candidate):\n    assert candidate(1) == 2\n"
              "    assert candidate(lambda: eval('1'))\n")
    v = box.run(HONEST, single)
    tap.ok((v["status"], v["isolation"], v["tests"]) == ("error", "single", "1")
           and "--isolation any" in v["detail"],
           "%s: tests that cannot be split" % name, v)
    v = box.run(HONEST, single, isolation="any")
    tap.ok((v["status"], v["isolation"]) == ("exception", "single"),
           "%s: the same, beside the program" % name, v)


def tells_peak(box):
    """Version 1, or 2 since Linux 6.12."""
    files = [os.path.join(g, f) for g in groups(box.p.pid)
             for f in ("memory.peak", "memory.max_usage_in_bytes")]
    return any(os.path.exists(f) and os.stat(f).st_mode & 0o200 for f in files)


def memory(name, tier, box, by_group):
    """What a cgroup counts and address space does not, and the other way round."""
    reserve = "import mmap\nm = mmap.mmap(-1, 150 << 20)\n" + HONEST
    v = box.run(reserve, memory=100 * MIB)
    tap.equal(v["status"], "pass" if by_group else "exception",
              "%s: addresses without memory" % name)
    touch = "import mmap\nm = mmap.mmap(-1, 150 << 20)\nm.write(b'x' * (150 << 20))\n" + HONEST
    v = box.run(touch, memory=100 * MIB)
    tap.equal(v["status"], want_of("memory|exception", by_group), "%s: with memory" % name)
    if by_group and tier == 1:
        files = "".join(
            "open('/tmp/%d', 'wb').write(b'x' * (6 << 20))\n" % i for i in range(2)) + HONEST
        v = box.run(files, memory=8 * MIB)
        tap.ok(v["status"] == "memory", "%s: files in /tmp are memory" % name, v)
        v = box.run(files, memory=100 * MIB)
        tap.ok(v["status"] == "pass", "%s: where there is enough of it they may be" % name, v)
        if tells_peak(box):
            tap.ok(int(v["peak"]) > 12 * MIB, "%s: and count as such" % name, v)
        else:
            tap.skip("%s: and count as such" % name,
                     "this kernel's cgroup has no peak that can be set back")


# All memory that the tests have but for some MiB.
FULL = """
held = []
def fill(left):
    try:
        while True:
            held.append(bytearray(1 << 20))
    except MemoryError:
        del held[-left:]
"""


def large_values(name, box):
    """What tests make of a program's values may take as much memory as the program, and as much
    time."""
    v = box.run("def f(x):\n    return range(10 ** 8)\n",
                "def check(candidate):\n    assert len(list(candidate(1))) == 10 ** 8\n",
                **{**LIMITS, "memory": 100 * MIB})
    tap.ok(v["status"] == "memory" and "of the program's value" in v["detail"],
           "%s: a range that tests make a list of" % name, v)
    most = [highest(p) for p, (_, _, command) in tree(box.p.pid).items() if "python" in command]
    tap.ok(max(most) < 200 * MIB, "%s: no Python has held more" % name, most)
    # how much a Python needs for it differs: with one of these it is too little
    for mib in 44, 40, 36, 32, 28:
        v = box.run("def f(x):\n    return [frozenset((x, 2, 3, 4, 5, 6))] * 140000\n", """
def check(candidate):
    try:
        candidate(1)
    except Exception:
        pass
""", **{**LIMITS, "memory": mib * MIB})
        if v["status"] != "pass":
            break
    tap.ok(v["status"] == "memory",
           "%s: a result that there is no memory for is not an exception" % name, v)
    v = box.run("def f(x):\n    return b'x' * (12 << 20)\n", FULL + """
def check(candidate):
    fill(4)
    try:
        candidate(1)
    except Exception:
        pass
""", **{**LIMITS, "memory": 100 * MIB})
    tap.ok(v["status"] == "memory", "%s: nor where it cannot even be received" % name, v)
    v = box.run("def f(g):\n    return g()\n", FULL + """
def large():
    fill(4)
    return "x" * (3 << 20)
def check(candidate):
    try:
        candidate(large)
    except Exception:
        pass
""", **{**LIMITS, "memory": 100 * MIB})
    tap.ok(v["status"] == "memory", "%s: nor where the tests' answer cannot be sent" % name, v)
    v = box.run("def f(x):\n    return range(10 ** 18)\n",
                "def check(candidate):\n    assert sum(candidate(1)) == 0\n", cpu=0.3)
    tap.ok(v["status"] == "timeout" and "the tests took more than 0.3 s" in v["detail"],
           "%s: a range that tests add up" % name, v)
    v = box.run(HONEST)
    tap.ok(v["status"] == "pass", "%s: and the next passes" % name, v)


def highest(pid):
    """The most memory that it has held, in bytes."""
    with open("/proc/%d/status" % pid) as f:
        return [int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM")][0]


def attacks(name, tier, box, by_group):
    """None passes that should not, none outlives its verdict, the next verdict is as before."""
    before = tree(box.p.pid)
    open_before = {p: descriptors(p) for p in before}
    for what, want, code in ATTACKS + (FILE_ATTACKS if tier == 1 else []):
        want = want_of(want, by_group)
        v = box.run(code, **{**LIMITS, "cpu": 0.3 if what in SPINNING and want == "timeout" else 60,
                             "wall": 2 if what in SLEEPING else 600})
        tap.ok(v["status"] == want, "%s: %s: %s" % (name, what, want), v)
        v = box.run(CLEAN if tier == 1 else HONEST)
        tap.ok(v["status"] == "pass", "%s: %s: and the next is as before" % (name, what), v)
    after = tree(box.p.pid)
    tap.equal(sorted(after), sorted(before), "%s: the same processes, and no others" % name)
    end = time.monotonic() + 10     # the tester answers before it closes its channel
    while (now := {p: descriptors(p) for p in after}) != open_before and time.monotonic() < end:
        time.sleep(0.01)
    tap.equal(now, open_before, "%s: with as many descriptors" % name)


def neighbours(name, options, box):
    """The kernel counts descriptors that are on their way by user, and all programs are one
    user."""
    other = Box(*options)
    other.send("""
import socket, time
a, b = socket.socketpair()
try:
    while True:
        socket.send_fds(a, [b"x"], [0] * 250)
except OSError as e:
    print(e, flush=True)
    time.sleep(1000)
""", wall=30)
    v = None
    for _ in range(40):
        time.sleep(0.05)
        v = box.run(HONEST)
        if v["status"] != "pass":
            break
    tap.ok(v["status"] == "pass", "%s: a neighbour that sends descriptors without end" % name, v)
    v = box.run("""
import socket
a, b = socket.socketpair()
try:
    socket.send_fds(a, [b"x"], [0])
    sent = True
except OSError as e:
    sent = False
def f(x):
    return sent
""", "def check(candidate):\n    assert candidate(1) is False\n")
    tap.ok(v["status"] == "pass", "%s: cannot send one" % name, v)
    other.close(signal.SIGKILL)


def failures(name, box):
    """Something outside kills: error, and the next verdict is right."""
    def busy():
        """The program's process, while it sleeps."""
        box.send("import time\ntime.sleep(1000)\n" + HONEST, wall=1000)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = [(p, about[0]) for p, about in tree(box.p.pid).items() if p not in idle]
            if found:
                return found[0]
            time.sleep(0.005)
        return 0, 0

    for victim in ("program", "model", "tester"):
        idle = tree(box.p.pid)
        program, model = busy()
        pythons = [p for p, (parent, _, command) in sorted(idle.items()) if "python" in command]
        tester = [p for p in pythons if p != model][0]
        os.kill({"program": program, "model": model, "tester": tester}[victim], signal.SIGKILL)
        v = box.receive()
        tap.ok(v["status"] == "error" and v["detail"],
               "%s: the %s is killed: error" % (name, victim), v)
        v = box.run(HONEST)
        tap.ok(v["status"] == "pass", "%s: the %s is killed: the next passes" % (name, victim), v)
        left = gone([program])
        tap.ok(not left, "%s: the %s is killed: the program is gone" % (name, victim), left)
        tap.equal(len(tree(box.p.pid)), len(idle),
                  "%s: the %s is killed: as many processes" % (name, victim))

    # as the kernel kills where the whole machine is short of memory: the largest process, which the
    # program has made so
    box.send("def f(x):\n    return range(10 ** 8)\n", """
import time
def check(candidate):
    held = bytearray(200 << 20)
    assert candidate(1)
    time.sleep(600)
""", wall=600)
    end, large = time.monotonic() + 60, []
    while not large and time.monotonic() < end:
        time.sleep(0.01)
        large = [p for p, (_, _, command) in tree(box.p.pid).items()
                 if "python" in command and highest(p) > 200 * MIB]
    os.kill(large[0], signal.SIGKILL)
    v = box.receive()
    tap.ok(v["status"] == "memory" and "killed" in v["detail"],
           "%s: a tester that holds much is killed: memory" % name, v)
    for _ in range(2):
        v = box.run(HONEST, "def check(candidate):\n"
                            "    assert bytearray(200 << 20) and candidate(1) == 2\n")
        tap.ok(v["status"] == "pass",
               "%s: a tester that held much is made new: the next passes" % name, v)
        most = [highest(p) for p, (_, _, command) in tree(box.p.pid).items() if "python" in command]
        tap.ok(max(most) < 100 * MIB, "%s: and no Python has held much" % name, most)


def endings(name, options, every):
    """However score-box ends, nothing of it stays."""
    for how in (None, signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        for busy in (False, True):
            if not every and (how, busy) not in ((None, False), (signal.SIGKILL, True)):
                continue
            box = Box(*options)
            if busy:
                box.send("import time\ntime.sleep(1000)\n", wall=1000)
                time.sleep(0.2)
            pids = list(tree(box.p.pid))
            if how or not busy:
                box.close(how)
            else:
                box.p.stdin.close()
                box.p.stdout.close()
                box.p.wait()
            left = gone(pids)
            what = "%s: ended by %s%s" % (
                name, how.name if how else "its input", " in a job" if busy else "")
            tap.ok(not [p for p in left if processes().get(p, (0, "", ""))[1] not in ("Z", "")],
                   what, left)
            end = time.monotonic() + 10
            while groups(box.p.pid) and time.monotonic() < end:
                time.sleep(0.01)
            tap.equal(groups(box.p.pid), [], what + ": no group stays")


def inherited(name, options):
    """What the caller has open, under whatever number, stays outside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    high = min(2000, hard) - 1 if hard != resource.RLIM_INFINITY else 1999
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, high + 1), hard))
    opened = os.open("/etc/passwd", os.O_RDONLY)
    os.dup2(opened, 100)
    os.dup2(opened, high)
    box = Box(*options, inherit=(opened, 100, high))
    v = box.run("""
import os
found = []
for fd in list(range(3, 6)) + list(range(7, 2048)):
    try:
        os.fstat(fd)
        found.append(fd)
    except OSError:
        pass
def f(x):
    return found
""", "def check(candidate):\n    assert candidate(1) == []\n")
    tap.ok(v["status"] == "pass",
           "%s: no descriptor of the caller's gets in, %d neither" % (name, high), v)
    box.close()
    for fd in (opened, 100, high):
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


LOOKS = """
import os
def f(x):
    found = []
    home = os.path.dirname(os.__file__)
    for p in (home, home.rsplit("/", 1)[0] + "/python3", "/usr/local/" + home[5:]):
        for q in ("site-packages", "dist-packages"):
            for d, _, files in os.walk(p + "/" + q):
                for name in files:
                    try:
                        found += open(d + "/" + name, "rb").read(1)
                    except OSError:
                        pass
    return x + 1 if not found else len(found)
"""


def to_be_read(name, tier, box, options):
    """Of the file system: Python's library without what was installed beside it; and what --read
    names."""
    if tier < 3:
        v = box.run(LOOKS)
        tap.ok(v["status"] == "pass", "%s: nothing that was installed beside the library" % name, v)
    folders = os.getcwd().split("/")
    if tier > 1 and not all(
            os.stat("/".join(folders[:n]) or "/").st_mode & 1 for n in range(1, len(folders) + 1)):
        tap.skip("%s: --read" % name, "another user may not enter this folder")
        return
    os.makedirs("run", exist_ok=True)
    # /tmp is the programs' own
    with tempfile.TemporaryDirectory(dir=os.path.abspath("run")) as parent:
        named = parent + "/named"
        os.mkdir(named)
        os.chmod(parent, 0o755)
        for path in (named + "/data", parent + "/other"):
            with open(path, "w") as f:
                f.write("2")
        reads = "def f(x):\n    return x - 1 + int(open(%r).read())\n"
        other = Box(*options, "--read", named)
        v = other.run(reads % (named + "/data"))
        tap.ok(v["status"] == "pass", "%s: --read names a directory" % name, v)
        v = other.run("open(%r, 'a').write('2')\n" % (named + "/data") + HONEST)
        tap.ok(v["status"] == "exception", "%s: which is not written" % name, v)
        v = other.run(reads % (parent + "/other"))
        tap.equal(v["status"], "exception" if tier < 3 else "pass",
                  "%s: what lies above it is not read" % name)
        other.close()
        v = box.run(reads % (named + "/data"))
        tap.equal(v["status"], "exception" if tier < 3 else "pass",
                  "%s: nor is it without --read" % name)


THREADS_WITHOUT_END = """
import threading, time
threading.stack_size(32768)
n = 1
try:
    while True:
        threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
        n += 1
except RuntimeError:
    pass
def f(x):
    return x + 1 if 32 <= n <= 65 else n
"""


def threads(name, box):
    v = box.run(THREADS_WITHOUT_END, cpu=60, wall=600)
    tap.ok(v["status"] == "pass", "%s: there are 64 threads at most" % name, v)
    v = box.run("import threading\ndef f(x):\n    r = []\n    for _ in range(500):\n"
                "        t = threading.Thread(target=r.append, args=(x + 1,))\n"
                "        t.start()\n        t.join()\n    return r[0]\n", cpu=60, wall=600)
    tap.ok(v["status"] == "pass", "%s: one after the other, any number" % name, v)


def swept(name, options):
    """A group whose score-box was ended together with its keeper goes when one starts after its
    last process is gone (anybody's: it may be gone sooner)."""
    box = Box(*options)
    mine = groups(box.p.pid)
    keeper = [p for p, (_, _, command) in tree(box.p.pid).items()
              if "python" not in command and p != box.p.pid]
    tap.ok(mine and len(keeper) == 1, "%s: a group, and one process that keeps it" % name,
           (mine, keeper))
    for p in keeper:
        os.kill(p, signal.SIGKILL)
    box.close(signal.SIGKILL)
    for _ in range(50):         # its Python may take a while to die on a busy machine
        Box(*options).close()
        if not groups(box.p.pid):
            break
        time.sleep(0.2)
    tap.equal(groups(box.p.pid), [],
              "%s: where that is killed, too, it goes with the next one's start" % name)


def main():
    # what runs in the background is born deaf to it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, tier, options, why in tiers():
        if options is None:
            tap.skip(name, why)
            continue
        by_group = "--no-cgroup" not in options
        box = Box(*options)
        verdicts(name, tier, box, by_group)
        memory(name, tier, box, by_group)
        large_values(name, box)
        attacks(name, tier, box, by_group)
        neighbours(name, options, box)
        inherited(name, options)
        to_be_read(name, tier, box, options)
        threads(name, box)
        failures(name, box)
        tap.equal(box.close(), 0, "%s: score-box ends well" % name)
        endings(name, options, tier == 1 and by_group)
        if by_group:
            swept(name, options)
    tap.finish()


main()
