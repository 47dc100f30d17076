# SPDX-License-Identifier: MIT
# score-box --serve as seen by tests: requests and replies (sandbox/job.h), and what its processes
# hold.
import glob
import os
import struct
import subprocess
import time

u32 = struct.Struct("<I")
CHECK = "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(41) == 42\n"
HONEST = "def f(x):\n    return x + 1\n"


class Box:
    """A score-box; options as on its command line."""

    def __init__(self, *options, inherit=()):
        self.p = subprocess.Popen(["score-box", "--serve", *options], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0, pass_fds=inherit)
        self.hello = self.receive()

    def receive(self):
        head = self.exact(4)
        return self.fields(self.exact(u32.unpack(head)[0])) if head else None

    def exact(self, n):
        data = b""
        while len(data) < n:
            more = self.p.stdout.read(n - len(data))
            if not more:
                return b""
            data += more
        return data

    @staticmethod
    def fields(body):
        out, at = {}, 0
        while at < len(body):
            n = u32.unpack_from(body, at)[0]
            key = body[at + 4:at + 4 + n].decode()
            at += 4 + n
            n = u32.unpack_from(body, at)[0]
            out[key] = body[at + 4:at + 4 + n].decode("utf-8", "replace")
            at += 5 + n
        return out

    def send(self, code, check=CHECK, **limits):
        fields = {"op": "run", "entry": "f", "code": code, "check": check, "prompt": "",
                  "cpu": 5, "wall": 20, "memory": 1 << 30, "output": 1 << 20, **limits}
        body = b""
        for key, value in fields.items():
            value = value if isinstance(value, bytes) else str(value).encode()
            body += u32.pack(len(key)) + key.encode() + u32.pack(len(value)) + value + b"\0"
        self.p.stdin.write(u32.pack(len(body)) + body)

    def run(self, code, check=CHECK, **limits):
        self.send(code, check, **limits)
        return self.receive()

    def close(self, how=None):
        """Ends it by closing its input, or by a signal; its exit status."""
        if how:
            self.p.send_signal(how)
        self.p.stdin.close()
        status = self.p.wait()
        self.p.stdout.close()
        return status


def processes():
    """pid -> (parent, state, command) of all that can be seen."""
    out = {}
    for d in glob.glob("/proc/[0-9]*"):
        try:
            with open(d + "/stat") as f:
                text = f.read()
            with open(d + "/cmdline", "rb") as f:
                command = f.read().split(b"\0")[0].decode("utf-8", "replace")
        except OSError:
            continue
        rest = text.rsplit(")", 1)[1].split()
        out[int(d[6:])] = (int(rest[1]), rest[0], command)
    return out


def tree(root):
    """The processes below one, itself included: pid -> (parent, state, command)."""
    every = processes()
    found, more = {}, [root]
    while more:
        pid = more.pop()
        if pid in every:
            found[pid] = every[pid]
            more += [p for p, about in every.items() if about[0] == pid]
    return found


def descriptors(pid):
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return 0


def resident(pid):
    """Its own memory (not of files) in KiB; 0 where a sanitizer keeps what was freed."""
    try:
        with open("/proc/%d/maps" % pid) as f:
            if "libasan" in f.read():
                return 0
    except OSError:
        pass
    try:
        with open("/proc/%d/status" % pid) as f:
            for line in f:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def groups(pid):
    """Control groups of this score-box that are there now."""
    return sorted(glob.glob("/sys/fs/cgroup/**/score-box.%d" % pid, recursive=True))


def gone(pids, seconds=10):
    """Those still there (zombies, too) when the time is up, or none."""
    end = time.monotonic() + seconds
    while True:
        left = [p for p in pids if os.path.exists("/proc/%d" % p)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.01)


# ---- TAP ----

class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.bad += not good
        print("%sok %d - %s" % ("" if good else "not ", self.n, name), flush=True)
        if not good and why != "":
            print("# " + str(why).replace("\n", "\n# "), flush=True)
        return good

    def equal(self, got, want, name):
        return self.ok(got == want, name, "got %r, not %r" % (got, want))

    def skip(self, name, why):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, why), flush=True)

    def finish(self):
        print("1..%d" % self.n)
        raise SystemExit(1 if self.bad or not self.n else 0)


def tiers():
    """(tier, options) for each tier, with and without a cgroup; options None, and the reason, where
    it is not available."""
    for tier in (1, 2, 3):
        for group in (True, False):
            options = ["--tier", str(tier), "--min-tier", str(tier)]
            options += [] if group else ["--no-cgroup"]
            p = subprocess.run(["score-box", "--probe", *options], capture_output=True, text=True)
            name = "tier %d, %s" % (tier, "cgroup" if group else "rlimit")
            if p.returncode:
                yield name, tier, None, p.stderr.strip()
            elif group and '"memory":"cgroup"' not in p.stdout:
                yield name, tier, None, "no cgroup: " + p.stdout.strip()
            else:
                yield name, tier, options, ""
