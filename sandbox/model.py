# SPDX-License-Identifier: MIT
# The model's side of score-box: a warm Python that forks once per program. (wire.py stands before it.)
#
# Started by the supervisor inside its jail with the control socket as descriptor 3 and the two forms
# of the system call filter, ready made, as 4 (forbidden calls are reported) and 5 (they kill). It never
# receives a test. Per job it gets three descriptors (channel to the tester, socket for output, file
# with the program), forks, and the child gives up what it could do before it reads the program.
import ctypes
import gc
import builtins
import resource
import _signal
import _socket
import types

# What nearly every program imports. The rest of what many import is loaded one by one, between programs:
# a start-up that waits for all of it would take three times as long.
import collections, functools, itertools, math, operator, re, typing    # noqa: E401,F401

LATER = ("random", "copy", "string", "heapq", "bisect", "datetime", "contextlib", "dataclasses", "hashlib", "decimal", "fractions", "statistics",
         "cmath", "json", "threading", "array", "calendar", "_strptime", "textwrap", "unicodedata", "io", "time",
         "traceback", "inspect", "queue", "socket", "signal")
EVERY, IDLE = 64, 0.02          # one of them after each so manieth program, and when there was none for so long

CONTROL, NOTIFY, KILL, CHANNEL, SEND_FD = 3, 4, 5, 6, 200
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
SECCOMP_SET_MODE_FILTER, FILTER_FLAG_NEW_LISTENER = 1, 8
SIGKILL = 9

traceback_of = BaseException.__dict__["__traceback__"].__get__
args_of = BaseException.__dict__["args"].__get__
dict_of = type.__dict__["__dict__"].__get__
EXCEPTIONS = frozenset(id(t) for t in vars(builtins).values() if isinstance(t, type) and issubclass(t, BaseException))

libc = ctypes.CDLL(None, use_errno=True)
prctl, syscall = libc.prctl, libc.syscall
# The C library's own fork: os.fork would run each module's hooks in parent and child, which touch a third of all the
# pages that a small program ever copies. There is one thread here, and no hook has anything to do.
fork = ctypes.PyDLL(None).fork


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def read_filter(fd):
    size = os.fstat(fd).st_size
    data = ctypes.create_string_buffer(os.pread(fd, size, 0), size)
    program = SockFprog(size // 8, ctypes.addressof(data))
    return ctypes.byref(program), program, data


# ---- the child: give up everything, then run the program ----

def enter_jail(limits):
    """After this the process can compute, read Python's library and answer calls. Not more."""
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != zygote:          # it went before it could take this one along
        os._exit(1)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    for what, key in LIMITS:
        value = limits[key] if type(key) is str else key
        if value or what != resource.RLIMIT_NPROC:
            resource.setrlimit(what, (value, value))
    os.dup2(1, SEND_FD)
    out = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, SEND_FD)
    listener = syscall(limits["seccomp"], SECCOMP_SET_MODE_FILTER, FILTER_FLAG_NEW_LISTENER, notify_filter[0])
    if listener >= 0:
        # The socket's other end is the supervisor; it waits for this before the program runs.
        out.sendmsg((b"L",), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _u32.pack(listener)),))
        os.close(listener)
    elif prctl(PR_SET_SECCOMP, 2, kill_filter[0], 0, 0) == 0:
        out.send(b"K")
    else:
        os._exit(1)
    out.close()
    # Only now, and so low that SEND_FD can never be one again: descriptors on their way count for all programs together,
    # and one that sends may have no more on their way than it may have open.
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


LIMITS = ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, "cpu"), (resource.RLIMIT_FSIZE, "file"),
          (resource.RLIMIT_NPROC, "threads"), (resource.RLIMIT_AS, "memory"))


def describe(e):
    """Type's name and nearest built-in base, message and the program's line of an exception, whatever it made of them."""
    try:
        name = str.__str__(name_of(type(e)))[:100]
    except BaseException:
        name = "Exception"
    try:
        text = str.__str__(str(e))[:MAX_TEXT]
    except BaseException:
        text = ""
    line = 0
    try:
        if isinstance(e, SyntaxError) and e.filename == "<program>":
            line = int(e.lineno or 0)
        tb = traceback_of(e)
        while tb is not None:
            if tb.tb_frame.f_code.co_filename == "<program>":
                line = tb.tb_lineno
            tb = tb.tb_next
    except BaseException:
        pass
    base = next((name_of(t) for t in mro_of(type(e)) if id(t) in EXCEPTIONS), "")
    return name, base, text, line


def load(source, entry):
    module = types.ModuleType("program")
    sys.modules["program"] = module
    code = compile(source.decode("utf-8"), "<program>", "exec", dont_inherit=True)
    exec(code, module.__dict__)
    if entry and entry not in module.__dict__:
        raise NameError("the program does not define %s" % entry)
    return module.__dict__


def content(x):
    return list(x) if not isinstance(x, dict) else [i for pair in x.items() for i in pair]


# ---- what is asked of its objects ----

def follow(x):
    try:
        return "item", next(x)
    except StopIteration:
        return "end", None


def leave(x, base, text):
    if not base:
        return bool(type(x).__exit__(x, None, None, None))
    kind = getattr(builtins, base)
    try:
        e = kind(text)
    except TypeError:
        e = None
    return bool(type(x).__exit__(x, kind, e, None))


def plain_of(x):
    return x


OPS = {op: (lambda f: lambda a, b: bool(f(a, b)))(getattr(operator, op)) for op in ("eq", "ne", "lt", "le", "gt", "ge", "contains")}
OPS.update({op: getattr(builtins, op) for op in ("hash", "len", "iter", "str", "repr", "format", "int", "float", "round", "reversed")})
OPS.update({op: getattr(operator, op) for op in ("getitem", "setitem", "delitem", "index", "abs", "neg", "pos", "invert")})
OPS.update({i + op: getattr(operator, i + op + "_" * (not i and op in ("and", "or"))) for op in OPERATORS for i in ("", "i")})
OPS.update(bool=bool, next=follow, exit=leave, plain=plain_of, isinstance=lambda x, t: bool(isinstance(x, t)),
           enter=lambda x: type(x).__enter__(x))
TOGETHER = {"order": ("__lt__", "__le__", "__gt__", "__ge__"), "str": ("__str__", "__repr__"), "plain": (),
            **{op: ("__%s__" % op, "__r%s__" % op, "__i%s__" % op) for op in OPERATORS}}
PLAIN = 1 << SPECIAL.index("plain")


def specials(t):
    """The SPECIAL methods of a type, by the classes it is made of; object's own are none."""
    mask, bases = 0, [b for b in mro_of(t) if b is not object]
    for n, name in enumerate(SPECIAL):
        for method in TOGETHER.get(name) or ("__%s__" % name,):
            there = next((dict_of(b)[method] for b in bases if method in dict_of(b)), None)
            mask |= (there is not None) << n
    return mask | PLAIN if any(id(b) in _RAW for b in bases) else mask & ~PLAIN


class Answerer:
    """Answers the tester's calls. `handed` are the objects that did not cross: they go out by number.
    `given` are the lists, dicts, ... of the call that is being answered, numbered as they came."""

    def __init__(self, names):
        self.names, self.handed, self.numbers = names, [], {}

    def foreign(self, kind, number, mask):
        return self.handed[number]

    def hand(self, writer, x, t):
        number = self.numbers.setdefault(id(x), len(self.handed))
        if number == len(self.handed):
            self.handed.append(x)
        name = name_of(t)[:60].encode("utf-8", "replace")
        writer.out += b"O" + _u32.pack(len(name)) + name + _u32.pack(number) + _u64.pack(specials(t))
        writer.count(1)

    def answer(self, body):
        given = []
        reader = Reader(body, given, self.foreign)
        reader.at = 1
        before = None
        try:
            target, tag = reader.take(), body[:1]
            if tag == b"G":
                value = getattr(target, reader.take())
            elif tag == b"A":
                value = setattr(target, reader.take(), reader.take())
            elif tag == b"D":
                args = reader.take()
                before = [content(x) for x in given]
                value = self.names[args[0]] if target == "named" else OPS[target](*args)
            else:
                if tag != b"Q":
                    target = self.names[target]
                args, kwargs = reader.take(), reader.take()
                before = [content(x) for x in given]
                value = target(*args, **kwargs)
            writer = Writer(bytearray(b"V"), given[:], self.hand)
            # a class was called: its instance, whatever it derives from; and what is here by number stays so
            if tag == b"N" and specials(type(value)) & PLAIN or id(value) in self.numbers and target != "plain":
                self.hand(writer, value, type(value))
            else:
                writer.put(value)
            # the call's own keywords are a dict, too, but no program has it
            if len(given) > 1 and self.changes(writer, given, before):
                writer.out[0] = ord("W")
            return writer.done()
        except BaseException as e:
            return self.failure(e, given, before)

    def changes(self, writer, given, before):
        """Those that are no longer what they were (by identity: an equal one may be another one)."""
        changed = [n for n, (x, was) in enumerate(zip(given, before))
                   if len(now := content(x)) != len(was) or not all(map(operator.is_, now, was))]
        if changed:
            writer.out += _u32.pack(len(changed))
        for n in changed:
            writer.out += _u32.pack(n)
            writer.kept.append(None)    # the other side counts it as read
            writer.put_content(given[n], type(given[n]), 0)
        return changed

    def failure(self, e, given=(), before=None):
        about = describe(e)
        for args, was in ((args_of(e), before), (None, before), (None, None)):      # as much of it as crosses
            writer = Writer(bytearray(b"E"), list(given), self.hand)
            try:
                for x in about:
                    writer.put(x)
                writer.put(args)
                if not was or not self.changes(writer, given, was):
                    writer.out += bytes(4)
                return writer.done()
            except Exception:
                pass


def run_tests(names, body, exec=exec, compile=compile, decode=decode, encode=encode, describe=describe):
    """The unsplit form: the tests run here, beside the program. Answers the nonce on success."""
    nonce, setup, tests, check, entry = decode(body, 5)
    index = -1
    try:
        if setup:
            exec(compile(setup, "<setup>", "exec"), names)
        for index, test in enumerate(tests):
            exec(compile(test, "<tests>", "exec"), names)
            if check:
                names["check"](names[entry])
    except BaseException as e:
        return (b"F" if type(e) is AssertionError else b"X") + encode(nonce, index, *describe(e))
    return b"P" + encode(nonce)


def serve(source, entry):
    answerer, answer, single = None, b"R", run_tests
    try:
        answerer = Answerer(load(source, entry))
    except BaseException as e:
        answer = Answerer({}).failure(e)
    while True:
        write_frame(CHANNEL, answer)
        body = read_frame(CHANNEL)
        if body is None or answerer is None:
            return
        answer = answerer.answer(body) if body[:1] != b"X" else single(answerer.names, body[1:])


def child(limits, fds):
    channel, out, program = fds
    control.detach()
    size = os.lseek(program, 0, os.SEEK_END)
    source = os.pread(program, size, 0) if size else b""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)    # its own: flags and locks of one opened once would outlive it
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(channel, CHANNEL)
    os.closerange(CONTROL, CHANNEL)
    os.closerange(CHANNEL + 1, 256)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    if limits["file"]:
        os.chdir("/tmp")                # the zygote holds none that may be replaced
    enter_jail(limits)
    gc.set_threshold(20000, 20, 20)     # every page that a collection looks at first has to be copied
    gc.enable()
    serve(source, limits["entry"])


# ---- the zygote ----

def receive():
    """One message of the supervisor: fields and descriptors; None where it has gone, False where it is silent."""
    try:
        data, sent, _, _ = control.recvmsg(1 << 16, _socket.CMSG_SPACE(12))
    except BlockingIOError:
        return False, ()
    if not data:
        return None, ()
    while len(data) < 4 or len(data) < 4 + _u32.unpack_from(data)[0]:
        control.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, bytes(16))
        data += read_exact(CONTROL, 4 - len(data) if len(data) < 4 else 4 + _u32.unpack_from(data)[0] - len(data))
    return dict(unpack_fields(data[4:])), [fd for _, _, some in sent for fd in struct.unpack("%di" % (len(some) // 4), some)]


def send(fields):
    write_frame(CONTROL, pack_fields(fields))


STARTED = [(lambda body: _u32.pack(len(body)) + body)(pack_fields([("started", "1")]))]


def tmp_state():
    """What a program cannot leave as it was when it uses /tmp: the times alone are as coarse as the kernel's clock."""
    s = os.stat("/tmp/")
    return s.st_ctime_ns, s.st_mtime_ns, s.st_atime_ns, s.st_size, s.st_nlink, s.st_mode


def one_job(fields, fds):
    limits = {k: int(fields[k]) for k in ("cpu", "memory", "threads", "file", "seccomp")}
    limits["entry"] = fields["entry"].decode()
    before = tmp_state() if limits["file"] else None
    pid = fork()
    if pid == 0:
        try:
            child(limits, fds)
        except BaseException:
            import traceback
            os.write(1, traceback.format_exc()[-MAX_TEXT:].encode())
        finally:
            os._exit(0)
    for fd in fds:
        os.close(fd)
    if pid < 0:
        send([("error", "no process for the program")])
        return
    pidfd = os.pidfd_open(pid)
    control.sendmsg(STARTED, ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _u32.pack(pidfd)),))
    os.close(pidfd)
    _, status, usage = os.wait4(pid, 0)
    used = bool(limits["file"]) and tmp_state() != before
    send([("status", status), ("cpu", "%.6f" % (usage.ru_utime + usage.ru_stime)),
          ("peak", usage.ru_maxrss * 1024), ("used", int(used))])


def load_later(later):
    """Imports one more module; where none is left, waits for programs only."""
    for name in later:
        try:
            __import__(name)
        except ImportError:
            continue
        gc.freeze()
        return
    control.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, bytes(16))


def rehearse():
    """What every child does, as far as it can be done here: what the interpreter builds at the first time (the
    compiler's types, specialised code, bound symbols) is then built once, and pages that are not written to are
    not copied."""
    answerer = Answerer(load(b"def f(x, *y):\n    return [x, y, {}]\n", "f"))
    for _ in range(12):
        answerer.answer(b"C" + encode("f", (1, "a", [0.5, [None, True]]), {}))
        answerer.answer(b"C" + encode("f", (), {}))
        load(b"import re\nfrom typing import Any, Dict, List, Optional, Tuple, Union\ndef f(x: List[int], y: Dict[str, Any] = 1) -> "
             b"Optional[Tuple[List[float], Union[str, int]]]:\n    for i in x:\n        y += i\n    return [i for i in x if i]\n", "f")
    del sys.modules["program"]
    a, b = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    for _ in range(3):
        write_frame(a.fileno(), b"x")
        read_frame(b.fileno())
        b.sendmsg((b"L",), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _u32.pack(null)),))
        os.dup2(null, null)
        os.pread(NOTIFY, os.lseek(NOTIFY, 0, os.SEEK_END), 0)
        os.closerange(250, 251)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        syscall(-1, 0, 0, notify_filter[0])
        for what, _ in LIMITS:
            resource.getrlimit(what)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, os.dup(a.fileno())).close()
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        gc.set_threshold(20000, 20, 20)
        gc.enable()
        gc.disable()
    a.close()
    b.close()


def main():
    for name in set(os.environ) - {"PATH", "HOME", "USER", "LOGNAME", "LANG"}:
        del os.environ[name]
    sys.path[:] = [p for p in sys.path if p]
    sys.argv[:] = [""]
    builtins.exit = builtins.quit = sys.exit    # what site would add
    rehearse()
    gc.disable()
    gc.collect()
    gc.freeze()
    os.dup2(0, 2)                       # the null device: a terminal is no place for what comes now
    send([("hello", "%d.%d.%d" % sys.version_info[:3])])
    control.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, struct.pack("ll", 0, int(IDLE * 1e6)))
    later, jobs = iter(LATER), 0
    while True:
        fields, fds = receive()
        if fields is None:
            return
        if fields:
            one_job(fields, fds)
            jobs += 1
        if not fields or jobs % EVERY == 0:
            load_later(later)


zygote = os.getpid()
control = _socket.socket(fileno=CONTROL)
null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
notify_filter, kill_filter = read_filter(NOTIFY), read_filter(KILL)
main()
