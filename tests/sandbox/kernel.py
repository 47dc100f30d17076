# SPDX-License-Identifier: MIT
# syscalls.txt in the running jails, tier by tier: a program makes every call, and the verdict or
# the errno must be what the table says. Forbidden calls take a program each.
import ctypes
import ctypes.util
import errno
import json
import re
import subprocess
import sys

sys.path.insert(0, "tests/sandbox")
from box import Box, Tap, tiers    # noqa: E402

seccomp = ctypes.CDLL("libseccomp.so.2")

# Allowed, but they end the program or wait for ever; or with arguments of -1 another row holds
# (they have cases).
ENDING = {"exit", "exit_group", "pause", "rt_sigreturn", "rt_sigsuspend", "open", "openat",
          "sendto", "prlimit64", "fcntl"}
# Their own ENOSYS: an operation of -1.
UNKNOWN_OPERATION = {"futex"}

ONE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def f(x):
    libc.syscall(%s)
    return "it returned"
"""
MANY = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(nr, args):
    ctypes.set_errno(0)
    rc = libc.syscall(ctypes.c_long(nr), *map(ctypes.c_long, args))
    return errno.errorcode.get(ctypes.get_errno(), "none") if rc == -1 else "none"
def f(x):
    wrong = []
    for name, nr, args, want in %r:
        got = call(nr, args)
        if (got == "ENOSYS") if want == "allow" else got != want:
            wrong.append((name, got, want))
    if wrong:
        raise ValueError(str(wrong))
    return "agreed"
"""
CHECK = "def check(candidate):\n    assert candidate(0) == 'agreed'\n"
I386 = """
import ctypes, mmap
code = b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3"    # getpid by int 0x80
m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
m.write(code)
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
def f(x):
    return "agreed"
"""


def read_table():
    """(name, its number, arguments or None, four outcomes)"""
    rows, want = [], None
    with open("tests/sandbox/syscalls.txt") as f:
        for line in f:
            line = line.split("#")[0].rstrip()
            if line.startswith("case "):
                name, args, outcome = re.fullmatch(r"case (\w+)\((.*?)\) +(.*)", line).groups()
                rows.append((name, [int(a, 0) for a in args.split(",")], outcome.split()))
                continue
            if ":" in line:
                head, line = line.split(":")
                want = head.split()
            rows += [(name, None, want) for name in line.split()]
    known = [(seccomp.seccomp_syscall_resolve_name(name.encode()), name, args, want)
             for name, args, want in rows]
    return [(name, nr, args, want) for nr, name, args, want in known if nr >= 0]


def box_landlock():
    probe = subprocess.run(["score-box", "--probe"], capture_output=True)
    return json.loads(probe.stdout)["landlock"]


def signed(n):
    return n - (1 << 64) if n >= 1 << 63 else n


def main():
    tap = Tap()
    rows = read_table()
    tap.ok(len(rows) > 400, "the table has %d rows" % len(rows))
    for name, tier, options, why in tiers():
        if options is None or "--no-cgroup" in options and tier < 3:
            tap.skip(name, why or "the filter is the same")
            continue
        box = Box(*options)
        column, devices = 0 if tier == 1 else 1, tier == 2 and box_landlock() >= 3
        many = []
        for call, nr, args, want in rows:
            outcome = want[column].split("/")[-1 if devices else 0]
            if outcome == "forbid":
                numbers = [nr] + [signed(a) for a in (args or [])] + [0] * (6 - len(args or []))
                v = box.run(ONE % ", ".join("ctypes.c_long(%d)" % n for n in numbers))
                tap.ok((v["status"], v.get("call")) == ("violation", call),
                       "%s: %s%s is a violation" % (name, call, tuple(args or ())), v)
            elif outcome != "allow":
                many.append((call, nr, ([signed(a) for a in args or []] + [0] * 6)[:6], outcome))
            elif args is None and call not in ENDING and call not in UNKNOWN_OPERATION:
                many.append((call, nr, [-1] * 6, "allow"))
        v = box.run(MANY % many, CHECK)
        tap.ok(v["status"] == "pass",
               "%s: %d calls are let through or refused as they should" % (name, len(many)), v)
        v = box.run(MANY % [("not %s" % c, n, a, "ENOSYS" if w == "allow" else "allow")
                            for c, n, a, w in many if c in ("getpid", "splice")], CHECK)
        tap.ok(v["status"] == "exception" and "splice" in v["detail"],
               "%s: the other way round it does not agree" % name, v)
        for what, code in (("x32", ONE % ("%d" % (0x40000000 | 39))), ("int 0x80", I386)):
            v = box.run(code, CHECK)
            tap.equal(v["status"], "violation", "%s: %s" % (name, what))
        tap.equal(box.close(), 0, "%s: score-box ends well" % name)
    tap.finish()


main()
