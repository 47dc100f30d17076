# SPDX-License-Identifier: MIT
# The tester's side of score-box: runs a data set's tests against a stub. (wire.py and program.py stand before it.)
#
# Started by the supervisor in a jail of its own, with the control socket as descriptor 3 and its system
# call filter as 4. It lives as long as its worker and never sees the program: `candidate`, and the entry
# point's own name, are stubs whose arguments and results cross to the other jail as plain values.
# Comparison is Python's own, here. Whether a test can be split is decided from the test alone.
import ctypes
import gc
import resource
import _signal
import _socket
import _symtable

CONTROL, FILTER = 3, 4
PR_SET_DUMPABLE, PR_SET_SECCOMP = 4, 22
MAX_DETAIL = 500
MAX_CACHE = 2000
OWN_BYTES = 64 << 20            # address space that this Python takes before it holds anything of a program's
OUT_OF_MEMORY = "the test of the program's value ran out of memory"

STDLIB = getattr(sys, "stdlib_module_names", frozenset(("math", "sys", "re", "random", "copy", "collections")))
BUILTINS = frozenset(dir(builtins))


# ---- what a test needs, from its text ----

# ast.py and symtable.py take longer to load than all that they would do here.

def parsed(source):
    return compile(source, "<tests>", "exec", 0x400, True)      # ast.PyCF_ONLY_AST


def walk(node):
    """Every node below, this one first, level by level."""
    level = [node]
    for n in level:
        for field in n._fields:
            x = getattr(n, field, None)
            level += [i for i in (x if isinstance(x, list) else [x]) if hasattr(i, "_fields")]
    return level


def is_a(node, kind):
    return type(node).__name__ == kind


def names_of(source):
    """Names the text reads at module level or in functions and never binds at module level, and those it binds there."""
    if not source.strip():
        return set(), set()
    top = _symtable.symtable(source, "<tests>", "exec")
    bound = {name for name, flags in top.symbols.items() if flags & (_symtable.DEF_LOCAL | _symtable.DEF_IMPORT)}
    used, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.children
        used |= {name for name, flags in table.symbols.items() if flags & _symtable.USE and
                 (table is top or flags >> _symtable.SCOPE_OFF & _symtable.SCOPE_MASK in
                  (_symtable.GLOBAL_IMPLICIT, _symtable.GLOBAL_EXPLICIT))}
    return used - bound, bound


def called_names(tree):
    return [n.func for n in walk(tree) if is_a(n, "Call") and is_a(n.func, "Name")]


def entry_point(tests, setup):
    """The free name of the tests; where there is not just one, what the first assertion calls outermost."""
    text = "\n".join(tests)
    free, given = names_of(setup)
    given |= BUILTINS
    free = names_of(text)[0] - given or free - given - STDLIB
    if len(free) == 1:
        return free.pop()
    wanted = {n.id for n in called_names(parsed(text))} & free
    if len(wanted) == 1:
        return wanted.pop()
    for name in called_names(parsed(tests[0])):
        return name.id
    raise ValueError("no test calls a function")


def helpers_of(prompt, entry):
    """What a HumanEval prompt defines besides the entry point: imports and whole functions."""
    for text in (prompt, prompt + "\n    pass\n"):
        try:
            tree = parsed(text)
            break
        except SyntaxError:
            continue
    else:
        return None, set()
    tree.body = [n for n in tree.body if getattr(n, "name", None) != entry and not is_a(n, "Expr")]
    names = set()
    for node in tree.body:
        for n in [node] if hasattr(node, "name") else walk(node):
            if is_a(n, "alias"):
                names.add((n.asname or n.name).split(".")[0])
            elif hasattr(n, "name"):
                names.add(n.name)
            elif is_a(n, "Name") and is_a(n.ctx, "Store"):
                names.add(n.id)
    return compile(tree, "<prompt>", "exec"), names


def prompt_class(prompt, entry):
    return prompt and any(line.startswith("class ") and line[6:].replace(":", "(").split("(")[0].strip() == entry
                          for line in prompt.splitlines())


def called_only(source):
    """Names that the text uses in no other way than to call them."""
    tree = parsed(source)
    called = called_names(tree)
    known = set(map(id, called))
    return {n.id for n in called} - {n.id for n in walk(tree) if is_a(n, "Name") and id(n) not in known}


def names_one_of(node, names):
    return is_a(node, "Name") and node.id in names


def is_class_to(tree, names):
    """Do the tests take one of these names for a class: by an attribute of it, of what a call of it gives (also by way of
    a variable), or as what something is an instance of?"""
    def made(node):
        return is_a(node, "Call") and names_one_of(node.func, names)
    nodes, held = walk(tree), set()
    for n in nodes:
        if is_a(n, "Assign") and made(n.value):
            held |= {t.id for t in n.targets if is_a(t, "Name")}
        elif is_a(n, "withitem") and made(n.context_expr) and is_a(n.optional_vars, "Name"):
            held.add(n.optional_vars.id)
    return any(is_a(n, "Attribute") and (names_one_of(n.value, names | held) or made(n.value)) or
               is_a(n, "Call") and names_one_of(n.func, ("isinstance",)) and names_one_of(n.args[-1], names) for n in nodes)


def derived_from(tree, names):
    """Do they make classes of it, or catch it? No stub can be that."""
    return any(names_one_of(x, names) for n in walk(tree)
               for x in (n.bases if is_a(n, "ClassDef") else [n.type] if is_a(n, "ExceptHandler") else []))


class Probe(Program):
    """No program: notes whether the tests hand over what cannot cross, whatever they are answered."""

    def __init__(self):
        Program.__init__(self, -1)
        self.unsplit = False

    def ask(self, tag, values, make):
        try:
            for x in values:
                Writer(bytearray(), [], handed_back).put(x)
        except Unsplit:
            self.unsplit = True
        except TooBig:
            pass


def unasserted(source):
    """The text with `try: x; except Exception: pass` for each `assert x`."""
    import ast

    class Unasserted(ast.NodeTransformer):
        def visit_Assert(self, node):
            handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
            return ast.Try([ast.Expr(node.test)], [handler], [], [])

    return compile(ast.fix_missing_locations(Unasserted().visit(ast.parse(source))), "<tests>", "exec")


class Plan:
    """A problem's tests, compiled once: what to run, under which names, and whether it can be split."""

    def __init__(self, entry, prompt, setup, tests, check):
        self.entry, self.setup, self.tests, self.check = entry, setup, tests, check
        self.codes = [compile(t, "<tests>", "exec") for t in tests]
        self.setup_code = compile(setup, "<setup>", "exec") if setup.strip() else None
        self.helpers, known = helpers_of(prompt, entry) if prompt else (None, set())
        text = "\n".join(tests)
        if "random" in text + setup:
            __import__("random")        # loaded here, it is seeded before each run
        free, bound = names_of(setup)
        needs = (free | (names_of(text)[0] - bound)) - BUILTINS - known
        needs -= {entry} | ({"candidate"} if check else set())
        self.modules = sorted(n for n in needs if n in STDLIB)
        # names that only the program can have: functions and classes that the tests call
        self.remote = sorted(needs - STDLIB)
        if check and self.remote:       # were they the program's, it would decide what is right
            raise ValueError(".code_prompt: %s, and the tests use %s" %
                             ("does not define it" if prompt else "missing", self.remote[0]))
        others = self.remote and sorted(set(self.remote) - called_only("\n".join([setup] + tests)))
        tree, entries = parsed("\n".join([setup] + tests)), {entry}
        if check:
            entries |= {"candidate"} | {a.arg for n in tree.body if getattr(n, "name", "") == "check" for a in n.args.args[:1]}
        self.is_class = prompt_class(prompt, entry) or entry[:1].isupper() and is_class_to(tree, entries)
        if derived_from(tree, entries):
            others = [entry]
        self.single = bool(others)
        self.why = "they use %s of it otherwise than by calling it" % others[0] if others else "they hand over what cannot cross"

    def names(self, program):
        """The names that the tests run with. The entry point's results are plain values; only where it is a class, or may be
        one by its name, as what else the tests need of the program, its instances can be used by the tests."""
        names = {"__name__": "tests", "__builtins__": builtins}
        for m in self.modules:
            names[m] = __import__(m)
        for n in self.remote:
            names[n] = program.stub(n, program.proxy)
        stub = Class(program, self.entry) if self.is_class else \
            program.stub(self.entry, program.proxy if self.entry[:1].isupper() else program.opaque)
        if self.helpers:
            exec(self.helpers, names)
        names[self.entry] = stub
        if self.check:
            names["candidate"] = stub
        if self.setup_code:
            exec(self.setup_code, names)
        return names

    def isolation(self):
        return "single" if self.single else "split"

    def cannot_split(self):
        """Do these tests hand over what cannot cross? Decided without the program, so that none can choose."""
        if not self.single:
            probe = Probe()
            try:
                names = self.names(probe)
                for test in self.tests:
                    exec(unasserted(test), names)
                if self.check:
                    names["check"](names["candidate"])
            except Exception:
                pass
            self.single = probe.unsplit
        return self.single

    def where(self, test, e):
        """Index of the failing assertion (-1: none of them) and its source line."""
        source, tb, at = self.tests[max(test, 0)].splitlines(), e.__traceback__, []
        while tb is not None:
            if tb.tb_frame.f_code.co_filename == "<tests>":
                at.append(tb.tb_lineno)
            tb = tb.tb_next
        index, line = test, at[0] if at else 0
        if self.check:
            asserts = sorted((n.lineno, n.end_lineno) for n in walk(parsed(self.tests[0])) if is_a(n, "Assert"))
            hits = [(i, n) for n in at for i, (first, last) in enumerate(asserts) if first <= n <= last]
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
    return verdict("memory" if e.base is MemoryError else "exception", note, index, isolation)


def run_split(plan, program):
    try:
        names = plan.names(program)
    except (Raised, Quit):
        raise
    except Exception as e:
        # a set-up that asked the program failed on its answer; only one that did not is the data set's fault
        return verdict("fail" if program.asked else "error", "the tests' set-up: %s: %s" % (type(e).__name__, e))
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
        kind = "" if type(e) is AssertionError else "%s: %s in " % (type(e).__name__, e)
        return verdict("fail", kind + source, index)
    return verdict("pass")


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


def split_or_single(plan, program, nonce, single_too):
    if not plan.single:
        try:
            answer = run_split(plan, program)
            if program.broken:
                raise program.broken
            return answer
        except Unsplit:
            program.broken = None
            if not plan.cannot_split():
                return verdict("fail", "the test cannot use what the program answered", program.test)
        except Refused as e:
            return verdict("fail", str(e), program.test)
    if not single_too:
        return verdict("error", "the tests cannot be split from the program: %s "
                       "(--isolation any would run them beside it)" % plan.why, isolation="single")
    return run_single(plan, program, nonce)


def run(fields, fd):
    one = dict(fields)
    try:
        plan = plan_of([f for f in fields if f[0] not in ("nonce", "op", "isolation", "memory")])
    except Exception as e:
        return verdict("error", str(e) if type(e) is ValueError else "the tests: %s: %s" % (type(e).__name__, e))
    if "random" in sys.modules:
        sys.modules["random"].seed(0)
    program = Program(fd)
    # what the tests make of a program's values may take as much as the program itself
    resource.setrlimit(resource.RLIMIT_AS, (OWN_BYTES + int(one["memory"]), resource.RLIM_INFINITY))
    try:
        program.ready()
        return split_or_single(plan, program, one["nonce"], one.get("isolation") == b"any")
    except (Raised, Quit) as e:
        return of_raised(e, isolation=plan.isolation())
    except Died:
        return verdict("died", isolation=plan.isolation())
    except Full:
        return verdict("memory", OUT_OF_MEMORY, program.test, plan.isolation())
    except Malformed as e:
        return verdict("exception", "the program answered with %s" % e, isolation=plan.isolation())
    except BaseException as e:
        return verdict("fail", "%s: %s" % (type(e).__name__, e), isolation=plan.isolation())
    finally:
        program.broken = None           # whose traceback holds all that the tests held
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


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
    write_frame(CONTROL, body)


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
    if libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(SockFprog(size // 8, ctypes.addressof(data))), 0, 0):
        os._exit(1)


def receive():
    """One message of the supervisor: fields, and the channel if there is one; None where it has gone."""
    data, sent, _, _ = control.recvmsg(1 << 16, _socket.CMSG_SPACE(4))
    if not data:
        return None, -1
    while len(data) < 4 or len(data) < 4 + _u32.unpack_from(data)[0]:
        data += read_exact(CONTROL, 4 - len(data) if len(data) < 4 else 4 + _u32.unpack_from(data)[0] - len(data))
    return unpack_fields(data[4:]), _u32.unpack(sent[0][2])[0] if sent else -1


def main():
    for name in set(os.environ) - {"PATH", "HOME", "USER", "LOGNAME", "LANG"}:
        del os.environ[name]
    sys.path[:] = [p for p in sys.path if p]
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
    enter_jail()
    gc.freeze()
    os.dup2(0, 2)                       # the null device: a terminal is no place for what comes now
    send([("hello", "%d.%d.%d" % sys.version_info[:3])])
    while True:
        fields, fd = receive()
        if fields is None:
            return
        if fd < 0:
            send(ask_entry(fields))
        else:
            try:
                answer = run(fields, fd)
            except MemoryError:
                answer = verdict("memory", OUT_OF_MEMORY)
            send(answer + [("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)])
            os.close(fd)


control = _socket.socket(fileno=CONTROL)
main()
