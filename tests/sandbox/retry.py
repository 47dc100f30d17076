# SPDX-License-Identifier: MIT
# Failures of the sandbox are nobody's fault: score-verify tries such a program once more, then the
# verdict is error and the reward null; every other record is judged as ever. Processes are killed
# from outside while a program runs.
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, "tests/sandbox")
from box import Tap, gone, processes, tree    # noqa: E402

SLOW = ("import ctypes, time\nctypes.CDLL(None).prctl(15, b'slow')\ntime.sleep(2)\n"
        "def f(x):\n    return x + 1\n")
FAST = "def f(x):\n    return x + 1\n"
tap = Tap()


def record(name, code):
    return json.dumps({"id": name, "task": "code", "prompt": "f", "test_list": ["assert f(1) == 2"],
                       "entry_point": "f",
                       "turns": [{"response": "```python\n%s```" % code}]})


def is_slow(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read() == "slow\n"
    except OSError:
        return False


def find(verify, who):
    """The slow program's process, or what it hangs on; None until it runs."""
    every = tree(verify)
    boxes = [p for p, (_, _, command) in every.items() if command.endswith("score-box")]
    for box in boxes:
        pythons = sorted(
            p for p, (parent, _, command) in every.items() if parent == box and "python" in command)
        programs = [p for p, (parent, _, _) in every.items() if parent in pythons and is_slow(p)]
        if len(pythons) == 2 and programs:
            model = every[programs[0]][0]
            return {"score-box": box, "program": programs[0], "model": model,
                    "tester": [p for p in pythons if p != model][0]}[who]
    return None


def run(who, times):
    """The verdicts by id, with `who` killed so many times."""
    records = [record("a", FAST), record("slow", SLOW), record("b", FAST), record("c", FAST)]
    p = subprocess.Popen(
        ["score-verify", "-j", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    p.stdin.write("\n".join(records) + "\n")
    p.stdin.close()
    seen, killed, end = set(), [], time.monotonic() + 120
    while len(killed) < times and time.monotonic() < end and p.poll() is None:
        victim = find(p.pid, "program")
        if victim and victim not in seen:
            seen.add(victim)
            victim = find(p.pid, who)
            if victim:
                everything = list(tree(p.pid))
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)
        time.sleep(0.005)
    out = [json.loads(line) for line in p.stdout]
    status = p.wait()
    left = gone([q for q in everything if q != p.pid]) if killed else []
    left = [q for q in left if processes().get(q, (0, "Z"))[1] != "Z"]
    tap.ok(not left, "%s killed %d times: nothing is left" % (who, times), left)
    tap.equal((status, len(killed)), (0, times), "%s killed %d times: exit status" % (who, times))
    return {r["id"]: (r["turns"][0]["reward"], r["turns"][0]["verdict"]) for r in out}


def main():
    for who in ("program", "tester", "model", "score-box"):
        v = run(who, 1)
        tap.ok(v["slow"][0] == 1 and v["slow"][1]["status"] == "pass",
               "%s killed once: pass at the second try" % who, v["slow"])
        v = run(who, 2)
        reward, verdict = v["slow"]
        tap.ok(reward is None and verdict["status"] == "error" and verdict["detail"],
               "%s killed twice: error, no reward" % who, v["slow"])
        tap.equal([v[i][0] for i in "abc"], [1, 1, 1],
                  "%s killed twice: the others have theirs" % who)
    tap.finish()


main()
