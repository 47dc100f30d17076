# SPDX-License-Identifier: MIT
# The tester's side of score-box: runs a data set's tests against a stub. (wire.py stands before it.)
#
# Started by the supervisor in a jail of its own, with the control socket as descriptor 3 and its system
# call filter as 4. It lives as long as its worker and never sees the program: `candidate`, and the entry
# point's own name, are stubs whose arguments and results cross to the other jail as plain values.
# Comparison is Python's own, here. Whether a test can be split is decided from the test alone.
import ast
import ctypes
import resource
import signal
import socket
import sys
import symtable
import builtins

import collections, copy, datetime, decimal, fractions, functools, hashlib, itertools    # noqa: E401,F401
import math, operator, random, re, statistics, string, time, typing                      # noqa: E401,F401

CONTROL, FILTER = 3, 4
PR_SET_DUMPABLE, PR_SET_SECCOMP = 4, 22
MAX_DETAIL = 500
MAX_CACHE = 2000

STDLIB = getattr(sys, "stdlib_module_names", frozenset(("math", "sys", "re", "random", "copy", "collections")))
BUILTINS = frozenset(dir(builtins))


# ---- what crosses back as an exception ----

class Died(BaseException):
    """The program's process is gone."""


class Unsplit(BaseException):
    """The test hands the program something that cannot cross."""


class Raised(Exception):
    """An exception of the program: its type's name, its message, its line."""

    def __init__(self, kind, text, line):    # the mixed-in built-in's own __init__ is not asked
        self.kind, self.text, self.line = kind, text, line

    def __str__(self):
        return self.text


raised_types = {}


def raised(kind, text, line):
    """An exception that a test's `except ValueError` catches as it would the original."""
    if kind not in raised_types:
        base, made = getattr(builtins, kind, None), Raised
        if isinstance(base, type) and issubclass(base, Exception) and base is not Exception:
            try:
                made = type(kind, (Raised, base), {})
                made(kind, text, line)
            except TypeError:
                made = Raised
        if len(raised_types) > 200:
            return made(kind, text, line)
        raised_types[kind] = made
    return raised_types[kind](kind, text, line)


# ---- the program, seen from here ----

class Program:
    """`broken` remembers what a test's bare `except:` may have swallowed: such a run never passes."""

    def __init__(self, fd):
        self.fd, self.broken = fd, None

    def died(self):
        self.broken = Died()
        return self.broken

    def malformed(self, what):
        self.broken = Malformed(what)
        return self.broken

    def decoded(self, body, count):
        try:
            return decode(body[1:], count)
        except Malformed as e:
            self.broken = e
            raise

    def answer(self):
        try:
            body = read_frame(self.fd)
        except OSError:
            body = None
        except Malformed as e:
            self.broken = e
            raise
        if body is None:
            raise self.died()
        if body[:1] == b"E":
            kind, text, line = self.decoded(body, 3)
            if type(kind) is not str or type(text) is not str or type(line) is not int:
                raise self.malformed("an exception that is none")
            raise raised(kind[:100], text[:MAX_DETAIL], line)
        return body

    def ask(self, body):
        try:
            write_frame(self.fd, body)
        except OSError:
            raise self.died() from None
        return self.answer()

    def ready(self):
        if self.answer() != b"R":
            raise self.malformed("no sign of life")

    def call(self, *args, **kwargs):
        try:
            sent = encode(args) + encode(kwargs)
        except TooBig:
            sent = None
        if sent is None or has_opaque(args) or has_opaque(tuple(kwargs.values())):
            self.broken = Unsplit()
            raise self.broken
        body = self.ask(b"C" + sent)
        if body[:1] == b"V":
            return self.decoded(body, 1)[0]
        if body[:1] != b"W":
            raise self.malformed("an answer that is none")
        value, new_args, new_kwargs = self.decoded(body, 3)
        if type(new_args) is not tuple or type(new_kwargs) is not dict:
            raise self.malformed("arguments that are none")
        write_back(args, new_args)
        write_back(kwargs, new_kwargs)
        return value


def has_opaque(x):
    """Does the test's own value hold something that would cross as Opaque?"""
    t = type(x)
    if t in (list, tuple, set, frozenset):
        return any(has_opaque(i) for i in x)
    if t is dict:
        return any(has_opaque(k) or has_opaque(v) for k, v in x.items())
    if t is type:
        return TYPES.get(x.__name__) is not x
    return not isinstance(x, (int, float, complex, str, bytes, bytearray, type(None),
                              list, tuple, set, frozenset, dict))


def write_back(old, new):
    """Makes the test's own mutable arguments what the program made of its copies."""
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        for o, n in zip(old, new):
            write_back(o, n)
    elif isinstance(old, list) and isinstance(new, list):
        old[:] = [kept(old[i], n) if i < len(old) else n for i, n in enumerate(new)]
    elif isinstance(old, dict) and isinstance(new, dict):
        merged = {k: kept(old[k], n) if k in old else n for k, n in new.items()}
        old.clear()
        old.update(merged)
    elif isinstance(old, set) and isinstance(new, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray) and isinstance(new, bytearray):
        old[:] = new


def kept(old, new):
    if isinstance(old, (list, dict, set, bytearray)) and isinstance(old, type(new)):
        write_back(old, new)
        return old
    return new


# ---- what a test needs, from its text ----

def free_names(source):
    """Names the text reads at module level or in functions, and never binds at module level."""
    top = symtable.symtable(source, "<tests>", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (table is top or s.is_global())}
    return used - bound


def bound_names(source):
    top = symtable.symtable(source, "<setup>", "exec")
    return {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}


def entry_point(tests, setup):
    """The free name of the tests; where there is not just one, what the first assertion calls outermost."""
    text = "\n".join(tests)
    given = BUILTINS | bound_names(setup)
    free = free_names(text) - given
    if len(free) == 1:
        return free.pop()
    calls = [n.func.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    wanted = [c for c in calls if c in free]
    if len(set(wanted)) == 1:
        return wanted[0]
    for node in ast.walk(ast.parse(tests[0])):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id
    raise ValueError("no test calls a function")


def helpers_of(prompt, entry):
    """What a HumanEval prompt defines besides the entry point: imports and whole functions."""
    for text in (prompt, prompt + "\n    pass\n"):
        try:
            tree = ast.parse(text)
            break
        except SyntaxError:
            continue
    else:
        return None, set()
    tree.body = [n for n in tree.body if getattr(n, "name", None) != entry and not isinstance(n, ast.Expr)]
    names = set()
    for node in tree.body:
        names |= bound_names(ast.unparse(node))
    return compile(tree, "<prompt>", "exec"), names


class Plan:
    """A problem's tests, compiled once: what to run, under which names, and whether it can be split."""

    def __init__(self, entry, prompt, setup, tests, check):
        self.entry, self.setup, self.tests, self.check = entry, setup, tests, check
        self.codes = [compile(t, "<tests>", "exec") for t in tests]
        self.setup_code = compile(setup, "<setup>", "exec") if setup.strip() else None
        self.helpers, known = helpers_of(prompt, entry) if prompt else (None, set())
        text = "\n".join(tests)
        needs = (free_names(setup) | (free_names(text) - bound_names(setup))) - BUILTINS - known
        needs -= {entry} | ({"candidate"} if check else set())
        self.modules = sorted(n for n in needs if n in STDLIB)
        self.split = not needs - STDLIB
        self.asserts = sorted((n.lineno, n.end_lineno) for n in ast.walk(ast.parse(tests[0]))
                              if isinstance(n, ast.Assert)) if check else []

    def names(self, stub):
        names = {"__name__": "tests", "__builtins__": builtins}
        for m in self.modules:
            names[m] = __import__(m)
        if self.helpers:
            exec(self.helpers, names)
        names[self.entry] = stub
        if self.check:
            names["candidate"] = stub
        if self.setup_code:
            exec(self.setup_code, names)
        return names

    def where(self, test, e):
        """Index of the failing assertion (-1: none of them) and its source line."""
        source, tb, at = self.tests[max(test, 0)].splitlines(), e.__traceback__, []
        while tb is not None:
            if tb.tb_frame.f_code.co_filename == "<tests>":
                at.append(tb.tb_lineno)
            tb = tb.tb_next
        index, line = test, at[0] if at else 0
        if self.check:
            hits = [(i, n) for n in at for i, (first, last) in enumerate(self.asserts) if first <= n <= last]
            index, line = hits[0] if hits else (-1, at[-1] if at else 0)
        return index, source[line - 1].strip() if 0 < line <= len(source) else ""


# ---- one job ----

def verdict(status, detail="", index=-1, isolation="split"):
    return [("status", status), ("isolation", isolation), ("index", index), ("detail", detail[:MAX_DETAIL])]


def of_raised(e, index=-1, source="", isolation="split"):
    note = "%s: %s" % (e.kind, e.text) if e.text else e.kind
    if e.line:
        note += " (line %d)" % e.line
    if source:
        note += " in " + source
    return verdict("memory" if e.kind == "MemoryError" else "exception", note, index, isolation)


def run_split(plan, program):
    try:
        names = plan.names(program.call)
    except (Raised, Died, Malformed):
        raise
    except Exception as e:
        return verdict("error", "the tests' own set-up: %s: %s" % (type(e).__name__, e))
    test = -1
    try:
        for test, code in enumerate(plan.codes):
            exec(code, names)
        if plan.check:
            names["check"](program.call)
    except Raised as e:
        return of_raised(e, *plan.where(test, e))
    except MemoryError:
        return verdict("memory", "the test of the program's value ran out of memory", test)
    except Exception as e:
        index, source = plan.where(test, e)
        kind = "" if type(e) is AssertionError else "%s: %s in " % (type(e).__name__, e)
        return verdict("fail", kind + source, index)
    return verdict("pass")


def run_single(plan, program, nonce):
    text = encode(nonce) + encode(plan.setup) + encode(plan.tests) + encode(plan.check) + encode(plan.entry)
    body = program.ask(b"X" + text)
    if body[:1] == b"P" and decode(body[1:], 1) == [nonce]:
        return verdict("pass", isolation="single")
    if body[:1] not in (b"F", b"X"):
        raise Malformed("an answer that is none")
    got, index, kind, note, _ = decode(body[1:], 5)
    status = "fail" if body[:1] == b"F" else "memory" if kind == "MemoryError" else "exception"
    if type(index) is not int or not -1 <= index < len(plan.tests):
        index = -1
    source = plan.tests[index].strip() if index >= 0 and not plan.check else ""
    note = "%s: %s" % (kind, note) if status != "fail" or note else ""
    return verdict(status, " in ".join(p for p in (note, source) if p), index, "single")


plans = {}


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
    return plans[key]


def run(fields, fd):
    drop = ("nonce", "op")
    try:
        plan = plan_of([f for f in fields if f[0] not in drop])
    except Exception as e:
        return verdict("error", "the tests: %s: %s" % (type(e).__name__, e))
    random.seed(0)
    program = Program(fd)
    isolation = "split" if plan.split else "single"
    nonce = dict(fields)["nonce"]
    try:
        program.ready()
        if plan.split:
            try:
                answer = run_split(plan, program)
                if program.broken:
                    raise program.broken
                return answer
            except Unsplit:
                isolation, program.broken = "single", None
        return run_single(plan, program, nonce)
    except Raised as e:
        return of_raised(e, isolation=isolation)
    except Died:
        return verdict("died", isolation=isolation)
    except Malformed as e:
        return verdict("exception", "the program answered with %s" % e, isolation=isolation)
    except BaseException as e:
        return verdict("fail", "%s: %s" % (type(e).__name__, e), isolation=isolation)


def ask_entry(fields):
    one = dict(fields)
    tests = [v.decode("utf-8") for k, v in fields if k == "test"]
    try:
        return [("entry", entry_point(tests, one.get("setup", b"").decode("utf-8")))]
    except Exception as e:
        return [("error", "%s: %s" % (type(e).__name__, e))]


# ---- the worker ----

def send(fields):
    body = pack_fields(fields)
    control.sendall(_u32.pack(len(body)) + body)


def enter_jail():
    libc = ctypes.CDLL(None, use_errno=True)
    size = os.fstat(FILTER).st_size
    data = ctypes.create_string_buffer(os.pread(FILTER, size, 0), size)

    class SockFprog(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    os.close(FILTER)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    if libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(SockFprog(size // 8, ctypes.addressof(data))), 0, 0):
        os._exit(1)


def main():
    os.environ.clear()
    sys.path[:] = [p for p in sys.path if p]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    enter_jail()
    send([("hello", "%d.%d.%d" % sys.version_info[:3])])
    while True:
        data, fds, _, _ = socket.recv_fds(control, 4, 1)
        if not data:
            return
        if len(data) < 4:
            data += read_exact(CONTROL, 4 - len(data))
        fields = unpack_fields(read_exact(CONTROL, _u32.unpack(data)[0]))
        if dict(fields)["op"] == b"entry":
            send(ask_entry(fields))
            continue
        answer = run(fields, fds[0])
        send(answer)
        os.close(fds[0])


control = socket.socket(fileno=CONTROL)
main()
