# SPDX-License-Identifier: MIT
# What the tester derives from the text of the tests alone: what they need of the program, whether
# they can be split from it, and whether they leave anything behind. (wire.py, values.py, calls.py,
# zygote.py and program.py precede this file.)
import _symtable

STDLIB = getattr(
    sys, "stdlib_module_names", frozenset(("math", "sys", "re", "random", "copy", "collections")))
BUILTINS = frozenset(dir(builtins))


# ---- what a test needs, from its text ----

# ast.py and symtable.py take longer to load than everything they would do here.

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


class Kinds(dict):
    """The nodes of a tree by their kind: a tree is walked once."""

    def __init__(self, tree):
        self.tree = tree
        for n in walk(tree):
            self.setdefault(type(n).__name__, []).append(n)

    def __missing__(self, kind):
        return ()


def names_of(source):
    """Names the text reads at module level or in functions and never binds at module level, and
    those it binds there."""
    if not source.strip():
        return set(), set()
    top = _symtable.symtable(source, "<tests>", "exec")
    bound = {name for name, flags in top.symbols.items()
             if flags & (_symtable.DEF_LOCAL | _symtable.DEF_IMPORT)}
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
    """The free name of the tests; where there is not just one, what the first assertion calls
    outermost."""
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
    return tree, names


def prompt_class(prompt, entry):
    return prompt and any(line.startswith("class ")
                          and line[6:].replace(":", "(").split("(")[0].strip() == entry
                          for line in prompt.splitlines())


def called_only(kinds):
    """Names that the text uses in no other way than to call them."""
    called = [n.func for n in kinds["Call"] if is_a(n.func, "Name")]
    known = set(map(id, called))
    return {n.id for n in called} - {n.id for n in kinds["Name"] if id(n) not in known}


def names_one_of(node, names):
    return is_a(node, "Name") and node.id in names


def results_in(kinds, names):
    """Is this node what a call of one of these names gives, or a part of it, also by way of a
    variable? As a function."""
    held = set()

    def made(node):
        while is_a(node, "Subscript"):
            node = node.value
        return is_a(node, "Call") and names_one_of(node.func, names) or names_one_of(node, held)
    given = [(n.value, n.targets) for n in kinds["Assign"]] + \
        [(n.context_expr, [n.optional_vars]) for n in kinds["withitem"] if n.optional_vars] + \
        [(n.iter, [n.target]) for kind in ("For", "comprehension") for n in kinds[kind]] + \
        [(n.value, [n.target]) for n in kinds["NamedExpr"]]
    for _ in range(3):
        for value, targets in given:
            if made(value):
                held |= {t.id for target in targets for t in walk(target) if is_a(t, "Name")}
    return made


def is_class_to(kinds, names):
    """Do the tests take one of these names for a class: by an attribute of it, of what a call of
    it gives (also by way of a variable), or as what something is an instance of?"""
    made = results_in(kinds, names)
    return any(names_one_of(n.value, names) or made(n.value) for n in kinds["Attribute"]) or \
        any(names_one_of(n.func, ("isinstance",)) and names_one_of(n.args[-1], names)
            for n in kinds["Call"] if n.args)


PLAIN_NAMES = frozenset(
    name for t in [*TYPES.values(), deque, OrderedDict, range, slice]
    for name in dir(t)) | frozenset(
    "year month day hour minute second microsecond days seconds weekday isoformat total_seconds "
    "quantize limit_denominator".split())


def is_object_to(kinds, names):
    """Can a call's result be no plain value, by what the tests do with it: decorate with it, call
    it, or use an attribute that none has?"""
    attributes = [n for n in kinds["Attribute"] if n.attr not in PLAIN_NAMES and n.attr[:2] != "__"]
    calls = [n for n in kinds["Call"] if not names_one_of(n.func, BUILTINS)]
    if any(names_one_of(getattr(d, "func", d), names) for n in kinds["FunctionDef"]
           for d in n.decorator_list):
        return True
    if not attributes and all(names_one_of(n.func, names) for n in calls):
        return False
    made = results_in(kinds, names)
    return any(made(n.value) for n in attributes) or any(made(n.func) for n in calls)


def derived_from(kinds, names):
    """Do they make classes of it, or catch it? No stub can be that."""
    return any(names_one_of(x, names) for n in kinds["ClassDef"] for x in n.bases) or \
        any(names_one_of(n.type, names) for n in kinds["ExceptHandler"])


class Anything(Opaque):
    """What a probe is answered: it has every attribute and can be called."""

    __slots__ = ()

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        self._kind.asked_for()
        return self

    def __setattr__(self, name, value):
        self._kind.ask(b"A", (value,), None)

    def __call__(self, *args, **kwargs):
        return self._kind.ask(b"Q", (args, kwargs), None)

    def __iter__(self):
        return iter(())


class Probe(Program):
    """No program: notes whether the tests hand over what cannot cross, whatever they are
    answered."""

    def __init__(self):
        Program.__init__(self, -1)
        self.unsplit, self.left = False, 10000

    def hand(self, writer, x, t, depth):
        if not (isinstance(x, type) and issubclass(x, Opaque)):     # the type of what it answered
            Program.hand(self, writer, x, t, depth)

    def asked_for(self):
        self.left -= 1
        if self.left < 0:
            raise Refused("enough")

    def ask(self, tag, values, make, makes=False):
        self.asked_for()
        try:
            for x in values:
                writer = Writer(bytearray(), [], self.hand)
                writer.tests = True
                writer.put(x)
                writer.done()
        except (Unsplit, TooBig):
            self.unsplit = True
        answer = Anything("", 0)
        object.__setattr__(answer, "_kind", self)
        return answer


def unasserted(source):
    """The text with `try: x; except Exception: pass` for each `assert x`."""
    import ast

    class Unasserted(ast.NodeTransformer):
        def visit_Assert(self, node):
            handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
            return ast.Try([ast.Expr(node.test)], [handler], [], [])

    return compile(
        ast.fix_missing_locations(Unasserted().visit(ast.parse(source))), "<tests>", "exec")


def imported(kinds):
    return [a.name for n in kinds["Import"] for a in n.names] + \
        [n.module for n in kinds["ImportFrom"]]


def warm(kinds):
    """Loads those modules of the library that the text imports: here, since a child's are gone
    with it."""
    for name in imported(kinds):
        if name in WARM:
            __import__(name)


# What tests that leave nothing behind may use: functions that change only their arguments, and
# modules without mutable contents.
SAFE = frozenset(
    "abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter "
    "float format frozenset hash hex int isinstance issubclass iter len list map max min next "
    "object oct ord pow range repr reversed round set slice sorted str sum tuple type zip "
    "Ellipsis NotImplemented".split() +
    [n for n, t in vars(builtins).items() if isinstance(t, type) and issubclass(t, BaseException)])
SAFE_MODULES = frozenset(
    "bisect cmath collections copy datetime fractions functools heapq itertools math operator "
    "random re statistics string typing".split())
UNSAFE_NAMES = BUILTINS - SAFE
# Ways from those modules to others, and functions that change their arguments.
UNSAFE_PARTS = (STDLIB - SAFE_MODULES - set("abc array code queue select time".split())) | set(
    "dispatch_table final no_type_check overload register runtime_checkable total_ordering "
    "update_wrapper wraps ABCMeta EXCLUDED_ATTRIBUTES".split())
REACHING = frozenset(("attrgetter", "methodcaller"))


def reaches(kinds):
    """Could this text look into an object by a name that somebody else makes up? Then a function
    of the tests would be read by the program, with all that they expect."""
    called = [n.func for n in kinds["Call"] if n.args and all(
        is_a(a, "Constant") and type(a.value) is str and "__" not in a.value for a in n.args)]
    known = set(map(id, called))
    return any(n.attr in ("format", "format_map") and not is_a(n.value, "Constant") or
               n.attr in REACHING and id(n) not in known for n in kinds["Attribute"]) or \
        any(n.id in REACHING and id(n) not in known for n in kinds["Name"]) or \
        any(a.name in REACHING and a.asname for n in kinds["ImportFrom"] for a in n.names)


def changes_types(kinds):
    """Does it name what could change a module or a type, or make one with methods?"""
    return any(n.attr in UNSAFE_PARTS for n in kinds["Attribute"]) or \
        any(a.name in UNSAFE_PARTS for n in kinds["ImportFrom"] for a in n.names) or \
        any(names_one_of(n.func, ("type",)) and len(n.args) + len(n.keywords) != 1
            for n in kinds["Call"]) or bool(kinds["MatchClass"])


def leaves_nothing(kinds, classes=False):
    """Can this text change nothing that outlives its run? Where in doubt, no: then it runs in a
    process of its own. With classes: can its functions do nothing but compute, whatever they are
    given?"""
    imports = [*kinds["Import"], *kinds["ImportFrom"]]
    return not (any(n.id in UNSAFE_NAMES or n.id[:1] == "_" for n in kinds["Name"]) or
                any(n.attr[:1] == "_" or n.attr == "register" or
                    not classes and not is_a(n.ctx, "Load") for n in kinds["Attribute"]) or
                not SAFE_MODULES.issuperset(imported(kinds)) or
                any(a.name[:1] in "_*" for n in imports for a in n.names) or
                not classes and (kinds["ClassDef"] or changes_types(kinds)) or reaches(kinds) or
                any(kinds[k] for k in ("AsyncFunctionDef", "AsyncFor", "AsyncWith", "Await")))


def text_of(source, node):
    """The part of a source that a statement is, with its decorators."""
    first = min([node] + getattr(node, "decorator_list", []), key=lambda n: n.lineno)
    lines = source.encode().splitlines(True)[first.lineno - 1:node.end_lineno]
    lines[-1] = lines[-1][:node.end_col_offset]
    lines[0] = lines[0][node.col_offset:]
    return b"".join(lines).decode() + "\n"


SMALL = frozenset((0, 1, None, ..., "", "inf", "-inf"))
DISPLAYS = frozenset(("List", "Tuple", "Set", "Dict"))
SHOWING = frozenset(("__repr__", "__str__", "__format__", "__hash__"))


def open_parts(node):
    """The nodes of a class's text where something that the tests expect could be: not those of
    docstrings, annotations, messages, and methods that show an instance or hash it."""
    found, level = [], [node]
    for n in level:
        found.append(n)
        for field in n._fields:
            x = getattr(n, field, None)
            for i in x if isinstance(x, list) else [x]:
                special = is_a(i, "FunctionDef") and i.name in SHOWING
                slots = is_a(i, "Assign") and names_one_of(i.targets[0], ("__slots__",))
                doc = is_a(i, "Expr") and is_a(i.value, "Constant")
                if hasattr(i, "_fields") and not (special or slots or doc or is_a(i, "Raise") or
                                                  field in ("annotation", "returns")):
                    level.append(i)
    return found


def tells(node, hidden):
    """Could a class's text tell the program what the tests expect? Where it asserts, calls the
    program or what it is given, or holds constants that are more than a start."""
    every = walk(node)
    given = {n.arg for n in every if is_a(n, "arg")} - {"self", "cls"}
    if any(is_a(n, "Assert") or names_one_of(n, hidden) or
           is_a(n, "Call") and names_one_of(n.func, given) for n in every):
        return True
    parts = open_parts(node)
    return any(is_a(n, "Constant") and n.value not in SMALL for n in parts) or \
        any(type(n).__name__ in DISPLAYS and
            sum(is_a(i, "Constant") and i.value is not None for i in walk(n)) > 1
            for n in parts)


def own_classes(sources, hidden):
    """The text of the classes that these (source, kinds) define, with their imports, and the
    classes' names. The first source is the tests': not those that could tell what they expect."""
    if not any(kinds["ClassDef"] for _, kinds in sources):
        return "", []
    text, names = [], []
    for source, kinds in sources:
        for n in kinds.tree.body:
            shown = is_a(n, "ClassDef") and not (kinds is sources[0][1] and tells(n, hidden))
            if shown:
                names.append(n.name)
            if shown or is_a(n, "Import") or is_a(n, "ImportFrom"):
                text.append(text_of(source, n))
    return "".join(text), names


def uncalled(kinds, text):
    """A test function that nobody calls, or None."""
    return next((n.name for n in kinds.tree.body if is_a(n, "FunctionDef") and
                 n.name[:4] == "test" and text.count(n.name) == 1), None)


class Plan:
    """A problem's tests, compiled once: what to run, under which names, and whether it can be
    split."""

    def __init__(self, entry, prompt, setup, tests, check):
        self.entry, self.setup, self.tests, self.check = entry, setup, tests, check
        self.codes = [compile(t, "<tests>", "exec") for t in tests]
        self.setup_code = compile(setup, "<setup>", "exec") if setup.strip() else None
        helpers, known = helpers_of(prompt, entry) if prompt else (None, set())
        self.helpers = helpers and compile(helpers, "<prompt>", "exec")
        text = "\n".join(tests)
        self.random = "random" in text + setup + prompt
        if self.random:
            __import__("random")        # loaded here, it is seeded before each run
        free, bound = names_of(setup)
        needs = (free | (names_of(text)[0] - bound)) - BUILTINS - known
        needs -= {entry} | ({"candidate"} if check else set())
        whole = "\n".join([setup] + tests)
        kinds = Kinds(parsed(whole))
        texts = [(whole, kinds)] + ([(prompt, Kinds(helpers))] if helpers else [])
        # a module cannot be called: what bears its name and is, is the program's
        self.modules = sorted(n for n in needs & STDLIB if check or n not in called_only(kinds))
        for name in self.modules:
            if name in WARM:
                __import__(name)
        for _, k in texts:
            warm(k)
        computes = SAFE_MODULES.issuperset(self.modules)
        self.harmless = computes and all(leaves_nothing(k) for _, k in texts)
        self.callable = self.harmless or computes and all(leaves_nothing(k, True) for _, k in texts)
        # names that only the program can have: functions and classes that the tests call
        self.remote = sorted(needs.difference(self.modules))
        if check and self.remote:       # were they the program's, it would decide what is right
            raise ValueError(".code_prompt: %s, and the tests use %s" %
                             ("does not define it" if prompt else "missing", self.remote[0]))
        others = self.remote and sorted(set(self.remote) - called_only(kinds))
        entries = {entry}
        if check:
            entries |= {"candidate"} | {a.arg for n in kinds["FunctionDef"] if n.name == "check"
                                        for a in n.args.args[:1]}
        self.own_text, own = own_classes(texts, entries.union(self.remote))
        self.own = [n for n in own if n != entry]
        self.is_class = prompt_class(prompt, entry) or \
            entry[:1].isupper() and is_class_to(kinds, entries)
        self.is_object = is_object_to(kinds, entries)
        if derived_from(kinds, entries):
            others = [entry]
        if not tests:
            raise ValueError("there are no tests")
        if not check and uncalled(kinds, whole):
            raise ValueError("nobody calls %s" % uncalled(kinds, whole))
        self.single = bool(others)
        self.why = ("they use %s of it otherwise than by calling it" % others[0] if others else
                    "they hand over what cannot cross")

    def fill(self, names, program):
        """The names that the tests run with. The entry point's results are plain values; only
        where it is a class, or may be one by its name, as what else the tests need of the program,
        its instances can be used by the tests."""
        names.update(__name__="tests", __builtins__=builtins)
        for m in self.modules:
            names[m] = __import__(m)
        for n in self.remote:
            names[n] = program.stub(n, program.proxy)
        if self.is_class:
            stub = Class(program, self.entry)
        elif self.is_object:
            stub = program.stub(self.entry, program.proxy, b"P")
        else:
            make = program.proxy if self.entry[:1].isupper() else program.opaque
            stub = program.stub(self.entry, make)
        program.names = names
        program.callable, program.asserted = self.callable, self.asserted
        if self.own and self.stands_alone():
            program.ask(b"T", (self.own_text, self.own), program.opaque)
            program.owned, program.asked = self.own, False
        if self.helpers:
            exec(self.helpers, names)
        names[self.entry] = stub
        if self.check:
            names["candidate"] = stub
        if self.setup_code:
            exec(self.setup_code, names)

    def asserted(self):
        """The lines of the assertions, in whichever of the texts; with those of whole blocks and
        functions that an exception would end before their assertion: what is hidden there is one
        that was not made. The first set is for the frame that has the `with`."""
        nodes = [n for t in [self.setup] + self.tests for n in walk(parsed(t))]

        def lines(*kinds):
            return {line for n in nodes if type(n).__name__ in kinds and
                    (is_a(n, "Assert") or any(is_a(i, "Assert") for i in walk(n)))
                    for line in range(n.lineno, n.end_lineno + 1)}
        return lines("Assert", "With"), lines("Assert", "With", "FunctionDef", "Lambda")

    def stands_alone(self):
        """Do the tests' own classes need nothing else of the tests? The program is given their
        text."""
        try:
            code = compile(self.own_text, "<tests>", "exec", dont_inherit=True)
            exec(code, {"__name__": "tests"})
            return True
        except Exception:
            return False

    def isolation(self):
        return "single" if self.single else "split"

    def cannot_split(self):
        """Do these tests hand over what cannot cross? Decided without the program, so that none
        can choose."""
        if not self.single:
            probe = Probe()
            try:
                names = {}
                self.fill(names, probe)
                for test in self.tests:
                    exec(unasserted(test), names)
                if self.check:
                    names["check"](names["candidate"])
            except (Exception, Refused):
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
            asserts = sorted(
                (n.lineno, n.end_lineno) for n in walk(parsed(self.tests[0])) if is_a(n, "Assert"))
            hits = [(i, n) for n in at for i, (first, last) in enumerate(asserts)
                    if first <= n <= last]
            index, line = hits[0] if hits else (-1, at[-1] if at else 0)
        return index, source[line - 1].strip() if 0 < line <= len(source) else ""
