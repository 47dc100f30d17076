# SPDX-License-Identifier: MIT
# The model's side of score-box: a warm Python that forks once per program. (wire.py, calls.py and
# zygote.py precede this file.)
#
# Started by the supervisor inside its jail with the control socket as descriptor 3 and the two
# forms of the system call filter, ready made, as 4 (forbidden calls are reported) and 5 (they
# kill). It never receives a test. Per job it gets three descriptors (channel to the tester,
# socket for output, file with the program), forks, and the child gives up its rights before it
# reads the program.
import builtins
import resource
import _thread
import types

# Other common imports come later.
import collections, functools, itertools, math, operator, re, typing    # noqa: E401,F401

# one more module after every 64th program, and whenever there was none for 0.02 s
EVERY, IDLE = 64, 0.02

NOTIFY, KILL, CHANNEL, SEND_FD = 4, 5, 6, 200
SECCOMP_SET_MODE_FILTER, FILTER_FLAG_NEW_LISTENER = 1, 8

traceback_of = BaseException.__dict__["__traceback__"].__get__
args_of = BaseException.__dict__["args"].__get__
EXCEPTIONS = frozenset(
    id(t) for t in vars(builtins).values() if isinstance(t, type) and issubclass(t, BaseException))


# ---- the child: give up everything, then run the program ----

def enter_jail(limits):
    """After this the process can compute, read Python's library and answer calls. Not more."""
    end_with_parent()
    for what, key in LIMITS:
        value = limits[key] if type(key) is str else key
        if value or what != resource.RLIMIT_NPROC:
            resource.setrlimit(what, (value, value))
    os.dup2(1, SEND_FD)
    out = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, SEND_FD)
    listener = syscall(
        limits["seccomp"], SECCOMP_SET_MODE_FILTER, FILTER_FLAG_NEW_LISTENER, notify_filter[0])
    if listener >= 0:
        # The socket's other end is the supervisor; it waits for this before the program runs.
        out.sendmsg((b"L",), ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _u32.pack(listener)),))
        os.close(listener)
    elif prctl(PR_SET_SECCOMP, 2, kill_filter[0], 0, 0) == 0:
        out.send(b"K")
    else:
        os._exit(1)
    out.close()
    # Only now, and so low that SEND_FD can never be one again: descriptors on their way count for
    # all programs together, and one that sends may have no more on their way than it may have open.
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


LIMITS = ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, "cpu"), (resource.RLIMIT_FSIZE, "file"),
          (resource.RLIMIT_NPROC, "threads"), (resource.RLIMIT_AS, "memory"))


def describe(e):
    """Type's name and nearest built-in base, message and the program's line of an exception,
    whatever it made of them."""
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


def copier():
    import copy
    return copy


def plain_of(x):
    return x


OPS = {op: (lambda f: lambda a, b: bool(f(a, b)))(getattr(operator, op))
       for op in ("eq", "ne", "lt", "le", "gt", "ge", "contains")}
OPS.update({op: getattr(builtins, op) for op in ("hash", "len", "iter", "str", "repr", "format",
                                                 "int", "float", "round", "reversed")})
OPS.update({op: getattr(operator, op)
            for op in ("getitem", "setitem", "delitem", "index", "abs", "neg", "pos", "invert")})
OPS.update({i + op: getattr(operator, i + op + "_" * (not i and op in ("and", "or")))
            for op in OPERATORS for i in ("", "i")})
OPS.update(bool=bool, next=follow, exit=leave, plain=plain_of,
           isinstance=lambda x, t: bool(isinstance(x, t)), enter=lambda x: type(x).__enter__(x),
           delattr=delattr, copy=lambda x: copier().copy(x),
           deepcopy=lambda x: copier().deepcopy(x))
TOGETHER = {"order": ("__lt__", "__le__", "__gt__", "__ge__"), "str": ("__str__", "__repr__"),
            "plain": (),
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


class TestsFunction:
    """A function of the tests, which runs there."""

    def __init__(self, answerer, number):
        self._answerer, self._number = answerer, number

    def __call__(self, *args, **kwargs):
        return self._answerer.call_back(self._number, args, kwargs)


class Answerer:
    """Answers the tester's calls. `handed` are the objects that did not cross: they go out by
    number. `given` are the lists, dicts, ... of the call that is being answered, numbered as they
    came. `shipped` are the tests' own classes, `stubs` their functions."""

    def __init__(self, names):
        self.names, self.handed, self.numbers = names, [], {}
        self.shipped, self.stubs, self.late, self.lock = {}, {}, {}, _thread.RLock()

    def foreign(self, kind, number, mask):
        return self.handed[number]

    def hand(self, writer, x, t, depth):
        if t is TestsFunction:
            writer.out += _tagged_u32.pack(b"B", x._number)
            return
        name = name_of(t)
        if name in self.shipped and (t is self.shipped[name] or t is self.names.get(name)):
            writer.put_own(x, name, attributes_of(x), depth)
            return
        number = self.numbers.setdefault(id(x), len(self.handed))
        if number == len(self.handed):
            self.handed.append(x)
        mask = DRAWN if id(t) in _ITERATORS and not writer.whole else \
            AWAITED if t is types.CoroutineType else specials(t)
        name = name[:60].encode("utf-8", "replace")
        writer.out += b"O" + _u32.pack(len(name)) + name + _u32.pack(number) + _u64.pack(mask)
        writer.count(1)

    def ask(self, body, given):
        """What is asked in a message, and how it came: the value, and whether that is to go as an
        object."""
        reader, tag = Reader(body, given, self.foreign, self), body[:1]
        reader.at = 1
        target = reader.take()
        if tag == b"G":
            return getattr(target, reader.take()), False, None
        if tag == b"A":
            return setattr(target, reader.take(), reader.take()), False, None
        if tag == b"T":
            return self.ship(target, reader.take()), False, None
        args, kwargs = reader.take(), reader.take() if tag != b"D" else {}
        before = self.before = [content(x) for x in given]
        if tag == b"D" and target == "named":
            value = self.names[args[0]]
        else:
            function = target if tag == b"Q" else self.names[target] if tag != b"D" else \
                getattr(self, target) if target in ("draw", "wait") else OPS[target]
            value = function(*args, **kwargs)
        # a class was called: its instance, whatever it derives from; and what is here by number
        # stays so
        whole = tag in (b"N", b"P") and specials(type(value)) & PLAIN or \
            id(value) in self.numbers and (tag != b"D" or target != "plain")
        return value, whole, before

    def answer(self, body):
        given, self.before = [], None
        try:
            value, whole, before = self.ask(body, given)
            writer = Writer(bytearray(b"V"), given[:], self.hand, True, body[:1] == b"P")
            if whole:
                self.hand(writer, value, type(value), 0)
            else:
                writer.put(value)
            # the call's own keywords are a dict, too, but no program has it
            if before and len(given) > 1 and put_changes(writer, given, before):
                writer.out[0] = ord("W")
            return writer.done()
        except BaseException as e:
            return self.failure(e, given, self.before)

    # ---- the tests' functions and classes ----

    def call_back(self, number, args, kwargs):
        with self.lock:
            writer = Writer(bytearray(b"B") + _u32.pack(number), [], self.hand, True)
            writer.put(args)
            writer.put(kwargs)
            write_frame(CHANNEL, writer.done())
            while True:
                body = read_frame(CHANNEL)
                if body is None:
                    os._exit(0)
                if body[:1] in (b"V", b"W", b"E"):
                    break
                write_frame(CHANNEL, self.answer(body))
        reader = Reader(body, writer.kept, self.foreign, self)
        reader.at = 1
        said = [reader.take() for _ in range(5 if body[:1] == b"E" else 1)]
        if body[:1] != b"V":
            take_changes(reader)
        if body[:1] != b"E":
            return said[0]
        base = getattr(builtins, said[1], Exception)
        made = base if base.__name__ == said[0] else type(said[0], (base,), {})
        raise made(*(said[4] if said[4] is not None else (said[2],)))

    def function(self, number):
        return self.stubs.setdefault(number, TestsFunction(self, number))

    def library(self, name):
        module, _, name = name.partition(".")
        return getattr(TYPES[module] if module in TYPES else __import__(module), name)

    def ship(self, text, names):
        """The text of the tests' own classes. A program that has none of that name has theirs."""
        there = {"__name__": "tests"}
        exec(compile(text, "<tests>", "exec", dont_inherit=True), there)
        self.shipped = {n: there[n] for n in names}
        for n in names:
            self.names.setdefault(n, there[n])

    def own(self, name):
        mine = self.names.get(name)
        if isinstance(mine, type) and mine.__new__ is object.__new__ and "__dict__" in dir(mine):
            return object.__new__(mine)
        return object.__new__(self.shipped[name])

    def give(self, x, attributes):
        for name, value in attributes.items():
            object.__setattr__(x, name, value)

    # ---- iterators and coroutines, which go by number ----

    def draw(self, x, most):
        """The next items, and whether it is at its end."""
        items, late = [], self.late.pop(id(x), None)
        if late:
            raise late
        try:
            while len(items) < most:
                items.append(next(x))
        except StopIteration:
            return items, True
        except BaseException as e:
            if not items:
                raise
            self.late[id(x)] = e
        return items, False

    def wait(self, x):
        import asyncio
        return asyncio.run(x)

    def failure(self, e, given=(), before=None):
        about = describe(e)
        # as much of it as crosses
        for args, was in ((args_of(e), before), (None, before), (None, None)):
            writer = Writer(bytearray(b"E"), list(given), self.hand, True)
            try:
                for x in about:
                    writer.put(x)
                writer.put(args)
                if not was or not put_changes(writer, given, was):
                    writer.out += bytes(4)
                return writer.done()
            except Exception:
                pass


def run_tests(
        names, body, exec=exec, compile=compile, decode=decode, encode=encode, describe=describe):
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
    # its own: flags and locks of one opened once would outlive it
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(channel, CHANNEL)
    os.closerange(CONTROL, CHANNEL)
    os.closerange(CHANNEL + 1, 256)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    if limits["file"]:
        os.chdir("/tmp")                # the zygote holds none that may be replaced
    enter_jail(limits)
    # every page that a collection looks at first has to be copied
    gc.set_threshold(20000, 20, 20)
    gc.enable()
    serve(source, limits["entry"])


# ---- the zygote ----

def one_job(fields, fds):
    limits = {k: int(fields[k]) for k in ("cpu", "memory", "threads", "file", "seccomp")}
    limits["entry"] = fields["entry"].decode()
    in_child(lambda: child(limits, fds), fds, limits["file"])


def rehearse():
    """What every child does, as far as it can be done here: what the interpreter builds at the
    first time (the compiler's types, specialised code, bound symbols) is then built once, and pages
    that are not written to are not copied."""
    answerer = Answerer(load(b"def f(x, *y):\n    return [x, y, {}]\n", "f"))
    for _ in range(12):
        answerer.answer(b"C" + encode("f", (1, "a", [0.5, [None, True]]), {}))
        answerer.answer(b"C" + encode("f", (), {}))
        load(b"import re\nfrom typing import Any, Dict, List, Optional, Tuple, Union\n"
             b"def f(x: List[int], y: Dict[str, Any] = 1) -> "
             b"Optional[Tuple[List[float], Union[str, int]]]:\n    for i in x:\n        y += i\n"
             b"    return [i for i in x if i]\n", "f")
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
    wait_up_to(IDLE)
    later, jobs = iter(LATER), 0
    while True:
        body, fds = receive()
        if body is None:
            return
        if body:
            one_job(dict(unpack_fields(body)), fds)
            jobs += 1
        if not body or jobs % EVERY == 0:
            load_later(later)


null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
notify_filter, kill_filter = read_filter(NOTIFY), read_filter(KILL)
main()
