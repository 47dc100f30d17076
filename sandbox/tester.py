# SPDX-License-Identifier: MIT
# The tester's side of score-box: runs a data set's tests against a stub. (plan.py and the
# files before it precede this file.)
#
# Started by the supervisor in a jail of its own, with the control socket as descriptor 3 and its
# system call filter as 4. For each job it forks a child that runs the tests, gives its verdict
# over a socket of its own, and ends with all that they changed. One child is kept for tests
# whose text shows that they leave nothing behind, as nearly all do: a fork costs half as much as
# all the rest of a verdict. No child sees the program: `candidate`, and the entry point's own
# name, are stubs whose arguments and results cross to the other jail as plain values. Comparison
# is Python's own, here. Whether a test can be split is decided from the test alone.
import resource
import _warnings

FILTER, CHANNEL, REPLY = 4, 5, 200
SPENT = 128 << 20               # bytes; a tester that once held more is not used again
IDLE = 0.02
MAX_DETAIL = 500
MAX_CACHE = 2000
# address space that this Python takes before it holds anything of a program's
OWN_BYTES = 64 << 20
OUT_OF_MEMORY = "the test of the program's value ran out of memory"


# ---- one job ----

def verdict(status, detail="", index=-1, isolation="split"):
    return [("status", status), ("isolation", isolation), ("index", index),
            ("detail", detail[:MAX_DETAIL])]


def of_raised(e, index=-1, source="", isolation="split"):
    note = "%s: %s" % (e.kind, e.text) if e.text else e.kind
    if e.line:
        note += " (line %d)" % e.line
    if source:
        note += " in " + source
    return verdict("memory" if e.base is MemoryError else "exception", note, index, isolation)


def run_split(plan, program):
    names = {}
    try:
        return judged(plan, program, names)
    finally:
        names.clear()                   # the tests' functions hold it, and it holds them


def judged(plan, program, names):
    try:
        plan.fill(names, program)
    except (Raised, Quit):
        raise
    except Exception as e:
        if isinstance(e, MemoryError) and program.asked:
            return verdict("memory", OUT_OF_MEMORY)
        # a set-up that asked the program failed on its answer; only one that did not is the data
        # set's fault
        return verdict("fail" if program.asked else "error",
                       "the tests' set-up: %s: %s" % (type(e).__name__, e))
    test = -1
    try:
        for test, code in enumerate(plan.codes):
            program.test = -1 if plan.check else test
            exec(code, names)
        if plan.check:
            names["check"](names["candidate"])
    except (Raised, Quit) as e:
        return of_raised(e, *plan.where(test, e))
    except MemoryError:
        return verdict("memory", OUT_OF_MEMORY, test)
    except Exception as e:
        index, source = plan.where(test, e)
        if not program.asked or isinstance(e, ImportError):     # no program can bring that about
            return verdict("error", "the tests: %s: %s" % (type(e).__name__, e))
        kind = "" if type(e) is AssertionError else "%s: %s in " % (type(e).__name__, e)
        return verdict("fail", kind + source, index)
    if program.asked:
        return verdict("pass")
    return verdict("error", "the tests never call the program")


def run_single(plan, program, nonce):
    program.send(b"X" + encode(nonce, plan.setup, plan.tests, plan.check, plan.entry))
    body = program.receive()
    if body[:1] == b"P" and decode(body[1:], 1) == [nonce]:
        return verdict("pass", isolation="single")
    if body[:1] not in (b"F", b"X"):
        raise Malformed("an answer that is none")
    got, index, kind, base, note, _ = decode(body[1:], 6)
    if type(kind) is not str or type(note) is not str:
        raise Malformed("an exception that is none")
    status = "fail" if body[:1] == b"F" else "memory" if base == "MemoryError" else "exception"
    if type(index) is not int or not -1 <= index < len(plan.tests):
        index = -1
    source = plan.tests[index].strip() if index >= 0 and not plan.check else ""
    note = "%s: %s" % (kind[:100], note[:MAX_DETAIL]) if status != "fail" or note else ""
    return verdict(status, " in ".join(p for p in (note, source) if p), index, "single")


plans = {}
OF_A_JOB = frozenset(("nonce", "op", "isolation", "memory", "file"))


def plan_of(fields):
    key = tuple(fields)
    if key not in plans:
        if len(plans) >= MAX_CACHE:
            plans.clear()
        one = dict(fields)
        get = lambda k: one.get(k, b"").decode("utf-8")    # noqa: E731
        if "check" in one:
            plans[key] = Plan(get("entry"), get("prompt"), "", [get("check")], True)
        else:
            tests = [v.decode("utf-8") for k, v in fields if k == "test"]
            plans[key] = Plan(get("entry"), "", get("setup"), tests, False)
        gc.freeze()
    return plans[key]


def split_or_single(plan, program, nonce, single_too):
    if not plan.single:
        try:
            answer = run_split(plan, program)
            if program.broken:
                raise program.broken
            return answer
        except (Unsplit, TooMuch) as e:
            program.broken = None
            if not plan.cannot_split():
                why = str(e) or "the test cannot use what the program answered"
                return verdict("fail", why, program.test)
        except Refused as e:
            return verdict("fail", str(e), program.test)
    if not single_too:
        return verdict("error", "the tests cannot be split from the program: %s "
                       "(--isolation any would run them beside it)" % plan.why, isolation="single")
    return run_single(plan, program, nonce)


def run(plan, one, channel):
    if plan.random:
        sys.modules["random"].seed(0)
    program = Program(channel)
    # what the tests make of a program's values may take as much as the program itself
    resource.setrlimit(resource.RLIMIT_AS, (OWN_BYTES + int(one["memory"]), resource.RLIM_INFINITY))
    try:
        program.ready()
        return split_or_single(plan, program, one["nonce"], one.get("isolation") == b"any")
    except (Raised, Quit) as e:
        return of_raised(e, isolation=plan.isolation())
    except Died:
        return verdict("died", isolation=plan.isolation())
    # the latter where there was no room to say so in its place
    except (Full, MemoryError):
        return verdict("memory", OUT_OF_MEMORY, program.test, plan.isolation())
    except Malformed as e:
        return verdict("exception", "the program answered with %s" % e, isolation=plan.isolation())
    except BaseException as e:
        status = "fail" if program.asked else "error"
        return verdict(status, "%s: %s" % (type(e).__name__, e), isolation=plan.isolation())
    finally:
        program.broken, program.fd = None, -1       # whose traceback holds all that the tests held
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def ask_entry(fields):
    one = dict(fields)
    tests = [v.decode("utf-8") for k, v in fields if k == "test"]
    try:
        return [("entry", entry_point(tests, one.get("setup", b"").decode("utf-8")))]
    except Exception as e:
        return [("error", "%s: %s" % (type(e).__name__, e))]


# ---- the child: one job's tests ----

def enter_jail():
    end_with_parent()
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    if prctl(PR_SET_SECCOMP, 2, kill_filter[0], 0, 0):
        os._exit(1)


def judge(plan, one, channel, reply):
    try:
        answer = run(plan, one, channel)
    except MemoryError:
        answer = verdict("memory", OUT_OF_MEMORY)
    write_frame(reply, pack_fields(answer + [("seal", one["nonce"])]))


def child(plan, one, channel, reply):
    control.detach()
    os.dup2(reply, REPLY)
    os.dup2(channel, CHANNEL)
    os.closerange(CONTROL, CHANNEL)
    os.closerange(CHANNEL + 1, REPLY)
    enter_jail()
    judge(plan, one, CHANNEL, REPLY)


def plan_for(fields):
    """The plan of a request, or the verdict where none can be made."""
    try:
        return plan_of([f for f in fields if f[0] not in OF_A_JOB])
    except Exception as e:
        about = str(e) if type(e) is ValueError else "the tests: %s: %s" % (type(e).__name__, e)
        return verdict("error", about)


def kept(line):
    """The child that lives on: it takes job after job over its line, as long as their tests leave
    nothing behind."""
    global control
    control.detach()
    os.dup2(line, CONTROL)
    os.closerange(CONTROL + 1, line + 1)
    control = _socket.socket(fileno=CONTROL)
    enter_jail()
    while True:
        body, fds = receive()
        if body is None:
            return
        fields = unpack_fields(body)
        plan = plan_for(fields)
        takes = isinstance(plan, Plan) and plan.harmless
        write_frame(CONTROL, GO if takes else FORK if isinstance(plan, Plan) else pack_fields(plan))
        if takes:
            judge(plan, dict(fields), *fds)
        for fd in fds:
            os.close(fd)
        if takes:
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            write_frame(CONTROL, _u64.pack(held))


GO, FORK = b"go", b"fork"       # what it says to a job: nothing else is so short


# ---- the zygote ----

class Keeper:
    """The child that is kept, as its parent sees it."""

    def __init__(self):
        self.pid, self.pidfd, self.line, self.forks = 0, -1, None, set()

    def start(self):
        self.line, end = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self.pid = fork()
        if self.pid == 0:
            try:
                kept(end.fileno())
            finally:
                os._exit(1)
        end.close()
        self.pidfd = os.pidfd_open(self.pid)

    def stop(self):
        self.line.close()               # it ends with that
        os.close(self.pidfd)
        _, status, usage = os.wait4(self.pid, 0)
        self.pid = 0
        return [("status", status), ("peak", usage.ru_maxrss * 1024)]

    def takes(self, body, fds):
        """Hands it a job, and waits for its end; False if that needs a process of its own."""
        if not self.pid:
            self.start()
        head, line = _u32.pack(len(body)) + body, self.line.fileno()
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("2i", *fds))
        try:
            sent = self.line.sendmsg((head,), (rights,))
        except OSError:                 # ended behind its last job, at the very limit of its time
            self.stop()
            self.start()
            line = self.line.fileno()
            sent = self.line.sendmsg((head,), (rights,))
        if sent < len(head):
            self.line.sendall(head[sent:])
        answer = read_frame(line)
        if answer == FORK:
            return False
        for fd in fds:
            os.close(fd)
        if answer and answer != GO:
            write_frame(CONTROL, answer)
            return True
        say_started(self.pidfd)
        held = answer and read_frame(line)
        if held and _u64.unpack(held)[0] <= SPENT:
            control.send(ENDED)
        else:
            send(self.stop())
        return True


ENDED = (lambda body: _u32.pack(len(body)) + body)(pack_fields([("status", 0)]))


def one_job(body, fds):
    if not keeper.forks or key_of(unpack_fields(body)) not in keeper.forks:
        if keeper.takes(body, fds):
            return
    fields = unpack_fields(body)
    if len(keeper.forks) >= MAX_CACHE:
        keeper.forks.clear()
    keeper.forks.add(key_of(fields))
    plan, one = plan_for(fields), dict(fields)
    in_child(lambda: child(plan, one, *fds), fds, one["file"])


def key_of(fields):
    return hash(tuple(f for f in fields if f[0] not in OF_A_JOB))


class Rehearsal(Program):
    """A program that answers everything with the same."""

    def __init__(self, answer):
        Program.__init__(self, -1)
        self.answer = answer

    def send(self, body):
        self.asked = True

    def receive(self):
        return self.answer


def rehearse():
    """What every child does, as far as it can be done here: what the interpreter builds at the
    first time (specialised code, bound symbols) is then built once, and pages that are not written
    to are not copied."""
    answer = [1, "a", [0.5, [None, True]], (1, 2), {"k": 1}]
    prompt = "import math\nfrom typing import List, Optional\ndef g(x):\n    return x\n" \
        "def f(x: List[int]) -> int:\n"
    line = "    assert candidate([1, 2], 'x', k=(0.5, {})) == g(%r)\n" % (answer,)
    test = "assert f([1, 2], 'x', k=(0.5, {})) == %r" % (answer,)
    check = Plan("f", prompt, "", ["METADATA = {}\ndef check(candidate):\n" + 3 * line], True)
    asserts = Plan("f", "", "import math", [test, "assert f() != 1"], False)
    for _ in range(12):
        for plan in (check, asserts):
            run_split(plan, Rehearsal(b"V" + encode(answer)))
            run_split(plan, Rehearsal(b"V" + encode(1)))
    a, b = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    for _ in range(3):
        write_frame(a.fileno(), pack_fields(verdict("pass") + [("seal", b"x")]))
        read_frame(b.fileno())
        os.dup2(a.fileno(), 100)
        os.closerange(100, 101)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    a.close()
    b.close()


def main():
    _warnings.filters.insert(0, ("ignore", None, Warning, None, 0))
    for name in set(os.environ) - {"PATH", "HOME", "USER", "LOGNAME", "LANG"}:
        del os.environ[name]
    sys.path[:] = [p for p in sys.path if p]
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rehearse()
    gc.set_threshold(20000, 20, 20)     # a child copies every page that its collections look at
    gc.collect()
    gc.freeze()
    os.dup2(0, 2)                       # the null device: a terminal is no place for what comes now
    send([("hello", "%d.%d.%d" % sys.version_info[:3])])
    wait_up_to(IDLE)
    later = iter(LATER)
    while True:
        body, fds = receive()
        if body is None:
            return
        if not body:
            load_later(later)
        elif fds:
            one_job(body, fds)
        else:
            send(ask_entry(unpack_fields(body)))


kill_filter, keeper = read_filter(FILTER), Keeper()
main()
