# SPDX-License-Identifier: MIT
# The program as the tests see it: stubs of its functions and classes, what stands for its objects, its exceptions.
# (wire.py stands before this file, tester.py behind it.)
#
# What compares one of its objects with a value of the tests' own is never the program: such a comparison is false. So an
# object that claims to equal everything equals nothing, whether a function, a class or a method gave it. Nor is it told such a
# value by an operator. Two objects of the program's are compared by it, as in Python, and the answer is True or False.
import builtins


# ---- what crosses back as an exception ----

class Died(BaseException):
    """The program's process is gone."""


class Unsplit(BaseException):
    """The test hands the program something that cannot cross."""


class Full(BaseException):
    """No memory left to read what the program answers."""


full = Full()                   # there before it is needed


class Refused(BaseException):
    """What the test made of the program's values cannot be handed to the program."""


class Raised(Exception):
    """An exception of the program: its type's name, its message, its line, its arguments (None: they do not cross)."""

    def __init__(self, base, kind, text, line, args):
        try:
            base.__init__(self, *args)          # an OSError's errno, and so on
        except Exception:
            pass
        self.base, self.kind, self.text, self.line = base, kind, text, line
        self.args = (text,) if args is None else args

    def __str__(self):
        return self.text


class Quit(BaseException):
    """The same for what is no error and what ends loops (SystemExit, StopIteration): no test takes it for anything else."""

    __init__ = Raised.__init__
    __str__ = Raised.__str__


MAX_TYPES = 256
raised_types = {}


def raised(kind, base, text, line, args):
    """An exception that a test's `except ValueError` catches as it would the original: base is the name of the nearest
    built-in that the original's type derives from."""
    base = builtins.__dict__.get(base)
    if not (isinstance(base, type) and issubclass(base, BaseException)):
        base = Exception
    made = raised_types.get((kind, base))
    if made is None:
        if len(raised_types) >= MAX_TYPES:
            raised_types.clear()
        quits = not issubclass(base, Exception) or issubclass(base, (StopIteration, StopAsyncIteration))
        try:
            made = Quit if quits else type(kind, (Raised,) if base is Exception else (Raised, base), {})
            made(base, kind, text, line, args)
        except (TypeError, ValueError):         # a name with a zero byte; a base that wants arguments of its own
            made = Raised
        raised_types[kind, base] = made
    return made(base, kind, text, line, args)


# ---- its objects ----

class Opaque:
    """Stands for an object that cannot cross: equal to nothing but itself, and good for nothing but to be handed back."""

    __slots__ = ("_kind", "_number")

    def __init__(self, kind, number):
        object.__setattr__(self, "_kind", kind[:60])
        object.__setattr__(self, "_number", number)

    def __repr__(self):
        return "<a %s of the program>" % self._kind


class Proxy(Opaque):
    """An instance of a class that the tests use: its attributes, methods and operators are asked of the program."""

    __slots__ = ("_program",)

    def __init__(self, kind, number, program):
        Opaque.__init__(self, kind, number)
        object.__setattr__(self, "_program", program)

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        return self._program.ask(b"G", (self, name), self._program.proxy)

    def __setattr__(self, name, value):
        self._program.ask(b"A", (self, name, value), self._program.proxy)


def forwarded(op):
    def method(self, *args):
        return self._program.does(op, self, *args)
    return method


def operates(op, reflected=False):
    """With a value of the tests' own only where they made the object, by a class, or it came of such a one by operators:
    else `abs(f(1) - 5) < 1e-6` would tell the program what to be, and a 0 be its answer."""
    def method(self, other):
        program = self._program
        ours = self._number in program.made
        if not ours and not isinstance(other, Proxy):
            return NotImplemented
        answer = program.does(op, other, self) if reflected else program.does(op, self, other)
        if ours and isinstance(answer, Proxy):
            program.made.add(answer._number)
        return answer
    return method


def compared(op):
    def method(self, other):
        if isinstance(other, Proxy):
            return self._program.does(op, self, other) is True
        if op not in ("eq", "ne"):
            return NotImplemented
        # of a list's, tuple's, ... subclass what it is as that
        same = self._plain and self._program.does("plain", self) == other
        return same if op == "eq" else not same
    return method


def called(self, *args, **kwargs):
    return self._program.ask(b"Q", (self, args, kwargs), self._program.proxy)


def contains(self, item):
    """Asked of the program only where the tests made the object, by a class; else its items are compared here."""
    if self._number in self._program.made:
        return self._program.does("contains", self, item) is True
    return any(x is item or x == item for x in self)


def follows(self):
    kind, answer = self._program.does("next", self)
    if kind != "item":
        raise StopIteration
    return answer


def leaves(self, kind, e, trace):
    """The program's answer can hide an exception of its own, never one of the tests': a failed assertion stays one."""
    base = next((t.__name__ for t in kind.__mro__ if builtins.__dict__.get(t.__name__) is t), "") if kind else ""
    return self._program.does("exit", self, base, str(e) if kind else "") is True and isinstance(e, Raised)


METHODS = {"eq": {"__eq__": compared("eq"), "__ne__": compared("ne")},
           "order": {"__%s__" % op: compared(op) for op in ("lt", "le", "gt", "ge")},
           "contains": {"__contains__": contains}, "call": {"__call__": called}, "next": {"__next__": follows},
           "enter": {"__enter__": forwarded("enter"), "__exit__": leaves},
           "str": {"__str__": forwarded("str"), "__repr__": forwarded("repr")}}
for _op in OPERATORS:
    METHODS[_op] = {"__%s__" % _op: operates(_op), "__r%s__" % _op: operates(_op, True), "__i%s__" % _op: operates("i" + _op)}


def proxy_type(kind, mask, known={}):
    """Instances of a class of this name, which has the special methods in mask (wire.py, SPECIAL). A type's operators are
    there if its class has them: what it lacks is a TypeError, as in the original."""
    if (kind, mask) not in known:
        if len(known) >= MAX_TYPES:
            known.clear()
        names = [name for n, name in enumerate(SPECIAL) if mask >> n & 1]
        body = {"__slots__": (), "_plain": "plain" in names, "__hash__": None if "eq" in names else object.__hash__}
        for name in names:
            if name != "plain":
                body.update(METHODS.get(name) or {"__%s__" % name: forwarded(name)})
        try:
            known[kind, mask] = type(kind, (Proxy,), body)
        except (TypeError, ValueError):
            known[kind, mask] = type("object", (Proxy,), body)
    return known[kind, mask]


class Class:
    """Stands for a class of the program's."""

    def __init__(self, program, name):
        self._program, self._name, self._itself = program, name, None

    def __call__(self, *args, **kwargs):
        answer = self._program.ask(b"N", (self._name, args, kwargs), self._program.proxy)
        if isinstance(answer, Proxy):
            self._program.made.add(answer._number)
        return answer

    def _object(self):
        if self._itself is None:
            self._itself = self._program.does("named", self._name)
        return self._itself

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        return getattr(self._object(), name)

    def __instancecheck__(self, x):
        return isinstance(x, Proxy) and self._program.does("isinstance", x, self._object()) is True


# ---- calls ----

class Program:
    """`broken` remembers what a test's bare `except:` may have swallowed: such a run never passes."""

    def __init__(self, fd):
        self.fd, self.broken, self.proxies, self.test, self.asked, self.made = fd, None, {}, -1, False, set()

    def breaks(self, e):
        self.broken = e
        return e

    def receive(self):
        try:
            body = read_frame(self.fd)
        except OSError:
            body = None
        except Malformed as e:
            raise self.breaks(e)
        if body is None:
            raise self.breaks(Died())
        return body

    def send(self, body):
        self.asked = True
        try:
            write_frame(self.fd, body)
        except OSError:
            raise self.breaks(Died()) from None

    def answered(self, body, kept, make):
        """What an answer says: V value, W value changes, E exception changes. The changes are what the program
        made of the lists, dicts, ... that it was handed, by their number in the call: the test's own are made so."""
        reader = Reader(body, kept, make)
        reader.at, tag, changes = 1, body[:1], ()
        try:
            if tag == b"V" or tag == b"W":
                answer = reader.take()
            elif tag == b"E":
                answer = [reader.take() for _ in range(5)]
                if tuple(map(type, answer[:4])) != (str, str, str, int) or type(answer[4]) not in (tuple, type(None)):
                    raise Malformed("an exception that is none")
            else:
                raise Malformed("an answer that is none")
            if tag != b"V":
                changes = [(reader.take_known(0), reader.take()) for _ in range(reader.some(0, 5))]
            if reader.at != len(body):
                raise Malformed("bytes after the last value")
            for old, new in changes:
                become(old, new)
        except Malformed as e:
            raise self.breaks(e)
        except (TypeError, UnicodeError, OverflowError) as e:
            raise self.breaks(Malformed(str(e))) from None
        except MemoryError:
            raise self.breaks(full) from None
        if tag == b"E":
            kind, base, text, line, args = answer
            raise raised(kind[:100], base, text[:MAX_TEXT], line if 0 <= line < 1 << 31 else 0, args)
        return answer

    def ready(self):
        body = self.receive()
        if body != b"R":
            self.answered(body if body[:1] == b"E" else b"", [], self.opaque)

    def opaque(self, kind, number, mask):
        return Opaque(kind, number)

    def proxy(self, kind, number, mask):
        if number not in self.proxies:
            self.proxies[number] = proxy_type(kind[:60], mask)(kind, number, self)
        return self.proxies[number]

    def ask(self, tag, values, make):
        writer = Writer(bytearray(tag), [], handed_back)
        try:
            for x in values:
                writer.put(x)
            body = writer.done()
        except Unsplit as e:
            raise self.breaks(e)
        except TooBig as e:
            raise self.breaks(Refused("the test's call: %s" % e)) from None
        self.send(body)
        return self.answered(self.receive(), writer.kept, make)

    def does(self, op, *args):
        return self.ask(b"D", (op, args), self.proxy)

    def stub(self, name, make):
        def stub(*args, **kwargs):
            return self.ask(b"C", (name, args, kwargs), make)
        return stub


def handed_back(writer, x, t):
    if t is Class:
        x = x._object()
    if not isinstance(x, Opaque):
        raise Unsplit()
    writer.out += b"O" + _u32.pack(0) + _u32.pack(x._number) + _u64.pack(0)


def become(old, new):
    """Makes the test's own mutable argument what the program made of its copy."""
    for base in (list, bytearray, dict, set, deque):
        if isinstance(old, base):
            if not isinstance(new, base):
                raise Malformed("an argument of another type")
            if base is list or base is bytearray:
                old[:] = new
            else:
                old.clear()
                (old.extend if base is deque else old.update)(new)
            return


