# SPDX-License-Identifier: MIT
# The program as the tests see it: stubs of its functions and classes, what stands for its
# objects, its exceptions. (wire.py precedes this file, tester.py follows it.)
#
# The program never compares one of its objects with a value of the tests: such a comparison is
# false. So an object that claims to equal everything equals nothing, whether it came from a
# function, a class or a method. Nor do operators pass it such a value, unless the tests made the
# object themselves (Program.made) and the program never gave it to them. Two
# objects of the program's are compared by it, as in Python, and the answer is True or False.
import _thread
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


class TooMuch(Refused):
    """... since it is too large."""


class Raised(Exception):
    """An exception of the program: its type's name, its message, its line, its arguments (None:
    they do not cross)."""

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
    """The same for what is no error and what ends loops (SystemExit, StopIteration): no test takes
    it for anything else."""

    __init__ = Raised.__init__
    __str__ = Raised.__str__


MAX_TYPES = 256
raised_types = {}


def raised(kind, base, text, line, args):
    """An exception that a test's `except ValueError` catches as it would the original: base is the
    name of the nearest built-in that the original's type derives from."""
    base = builtins.__dict__.get(base)
    if not (isinstance(base, type) and issubclass(base, BaseException)):
        base = Exception
    made = raised_types.get((kind, base))
    if made is None:
        if len(raised_types) >= MAX_TYPES:
            raised_types.clear()
        quits = (not issubclass(base, Exception) or
                 issubclass(base, (StopIteration, StopAsyncIteration)))
        try:
            bases = (Raised,) if base is Exception else (Raised, base)
            made = Quit if quits else type(kind, bases, {})
            made(base, kind, text, line, args)
        # a name with a zero byte; a base that wants arguments of its own
        except (TypeError, ValueError):
            made = Raised
        raised_types[kind, base] = made
    return made(base, kind, text, line, args)


# ---- its objects ----

class Opaque:
    """Stands for an object that cannot cross: equal to nothing but itself, and good for nothing but
    to be handed back."""

    __slots__ = ("_kind", "_number")

    def __init__(self, kind, number):
        object.__setattr__(self, "_kind", kind[:60])
        object.__setattr__(self, "_number", number)

    def __repr__(self):
        return "<a %s of the program>" % self._kind


class Proxy(Opaque):
    """An instance of a class that the tests use: its attributes, methods and operators are asked of
    the program."""

    __slots__ = ("_program",)

    def __init__(self, kind, number, program):
        Opaque.__init__(self, kind, number)
        object.__setattr__(self, "_program", program)

    def __getattr__(self, name):
        if name[:2] == "__" and name != "__dict__":
            raise AttributeError(name)
        answer = self._program.ask(b"G", (self, name), self._program.proxy)
        if name in TELLING and self._number not in self._program.made and isinstance(answer, Proxy):
            return untold(answer, name)
        return answer

    def __setattr__(self, name, value):
        self._program.ask(b"A", (self, name, value), self._program.proxy)

    def __delattr__(self, name):
        self._program.does("delattr", self, name)

    def __copy__(self):
        return self._program.makes(self, "copy", self)

    def __deepcopy__(self, memo):
        return self._program.makes(self, "deepcopy", self)


# Methods of strings and sets whose answer to a value says by itself how it relates to the object.
# One that the program gave where a string or a set belongs is not told such a value either.
TELLING = frozenset(
    "startswith endswith find rfind index rindex count replace strip lstrip rstrip removeprefix "
    "removesuffix partition rpartition split rsplit issubset issuperset isdisjoint difference "
    "symmetric_difference intersection fullmatch".split())


def untold(method, name):
    def answer(*args, **kwargs):
        if any(isinstance(x, (str, bytes, set, frozenset)) for x in args):
            raise TypeError("%s: the program's object is not told a value of the tests" % name)
        return method(*args, **kwargs)
    return answer


def forwarded(op):
    def method(self, *args):
        return self._program.does(op, self, *args)
    return method


def operates(op, reflected=False):
    """With a value of the tests' own only where they made the object, by a class, or it came of
    such a one by operators: else `abs(f(1) - 5) < 1e-6` would tell the program what to be, and a 0
    be its answer."""
    def method(self, other):
        if self._number not in self._program.made and not isinstance(other, Proxy):
            return NotImplemented
        return self._program.makes(self, op, *((other, self) if reflected else (self, other)))
    return method


def unary(op):
    def method(self):
        return self._program.makes(self, op, self)
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
    """Asked of the program only where the tests made the object, by a class; else its items are
    compared here."""
    if self._number in self._program.made:
        return self._program.does("contains", self, item) is True
    return any(x is item or x == item for x in self)


def follows(self):
    kind, answer = self._program.does("next", self)
    if kind != "item":
        raise StopIteration
    return answer


def leaves(self, kind, e, trace):
    """The program's answer can hide an exception of its own, never one of the tests', nor one
    in the middle of an assertion or before one: it would not have been made."""
    base = next((t.__name__ for t in (kind.__mro__ if kind else ())
                 if builtins.__dict__.get(t.__name__) is t), "")
    hides = self._program.does("exit", self, base, str(e) if kind else "") is True
    return hides and isinstance(e, Raised) and not self._program.in_assertion(trace)


METHODS = {"eq": {"__eq__": compared("eq"), "__ne__": compared("ne")},
           "order": {"__%s__" % op: compared(op) for op in ("lt", "le", "gt", "ge")},
           "contains": {"__contains__": contains}, "call": {"__call__": called},
           "next": {"__next__": follows},
           "enter": {"__enter__": forwarded("enter"), "__exit__": leaves},
           "str": {"__str__": forwarded("str"), "__repr__": forwarded("repr")}}
METHODS.update((op, {"__%s__" % op: unary(op)}) for op in ("iter", "neg", "pos", "invert"))
for _op in OPERATORS:
    METHODS[_op] = {"__%s__" % _op: operates(_op), "__r%s__" % _op: operates(_op, True),
                    "__i%s__" % _op: operates("i" + _op)}


def proxy_type(kind, mask, known={}):
    """Instances of a class of this name, which has the special methods in mask (wire.py, SPECIAL).
    A type's operators are there if its class has them: what it lacks is a TypeError, as in the
    original."""
    if (kind, mask) not in known:
        if len(known) >= MAX_TYPES:
            known.clear()
        names = [name for n, name in enumerate(SPECIAL) if mask >> n & 1]
        body = {"__slots__": (), "_plain": "plain" in names,
                "__hash__": None if "eq" in names else object.__hash__}
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
        self.__dict__.update(_program=program, _name=name, _itself=None,
                             __name__=name, __qualname__=name)

    def __call__(self, *args, **kwargs):
        return self._program.ask(b"N", (self._name, args, kwargs), self._program.proxy, True)

    def _object(self):
        if self._itself is None:
            self.__dict__["_itself"] = self._program.does("named", self._name)
        return self._itself

    def __getattr__(self, name):
        if name[:2] == "__" and name != "__dict__":
            raise AttributeError(name)
        return getattr(self._object(), name)

    def __setattr__(self, name, value):
        setattr(self._object(), name, value)

    def __delattr__(self, name):
        delattr(self._object(), name)

    def __getitem__(self, key):
        return self._program.does("getitem", self._object(), key)

    def __iter__(self):
        return self._program.does("iter", self._object())

    def __len__(self):
        return self._program.does("len", self._object())

    def __contains__(self, x):
        if isinstance(x, Proxy):
            return self._program.does("contains", self._object(), x) is True
        return any(x == item for item in self)

    def __eq__(self, other):
        return other is self or \
            isinstance(other, type) and issubclass(other, Proxy) and other.__name__ == self._name

    __hash__ = object.__hash__

    def __instancecheck__(self, x):
        return isinstance(x, Proxy) and self._program.does("isinstance", x, self._object()) is True


# ---- what it draws from, and waits for ----

ITERATES = 1 << SPECIAL.index("iter") | 1 << SPECIAL.index("next")
# This many items are requested one by one, since the next may never come; then more at a time.
ALONE, TOGETHER_MAX = 64, 1024


def drawn(program, handle, make):
    """An iterator of the program's."""
    n = 0
    while True:
        most = 1 if n < ALONE else min(n, TOGETHER_MAX)
        answer = program.ask(b"D", ("draw", (handle, most)), make)
        if type(answer) is not tuple or len(answer) != 2 or type(answer[0]) is not list:
            raise program.breaks(Malformed("items that are none"))
        yield from answer[0]
        n += len(answer[0])
        if answer[1] is not False:
            return


async def awaited(program, handle, make):
    """A coroutine of the program's, which runs there as a whole."""
    return program.ask(b"D", ("wait", (handle,)), make)


# ---- functions that are handed over ----

FUNCTION, BUILTIN, SLOT = type(proxy_type), type(len), type(Opaque.__dict__["_kind"])
LIBRARY = ("builtins", "collections", "math", "cmath", "_operator", "_functools", "_bisect",
           "_heapq")


def library_name(x, t):
    """By which name the program has the same function or type, or None."""
    if t is BUILTIN:
        module = name_of(type(x.__self__)) == "module" and x.__self__.__name__
    elif t is type(str.upper):
        kind = x.__objclass__
        return "%s.%s" % (kind.__name__, x.__name__) if TYPES.get(kind.__name__) is kind else None
    else:
        module = isinstance(x, type) and x.__module__
    if module not in LIBRARY or getattr(sys.modules[module], x.__name__, None) is not x:
        return None
    return "%s.%s" % (module, x.__name__)


# ---- calls ----

class Program:
    """`broken` remembers what a test's bare `except:` may have swallowed: such a run never
    passes."""

    def __init__(self, fd):
        self.fd, self.broken, self.proxies, self.test, self.asked = fd, None, {}, -1, False
        # objects by number: those that the tests made, those that the program gave, and what is
        # read just now
        self.made, self.given, self.read = set(), set(), []
        self.lock = _thread.RLock()     # one call at a time, whatever threads the tests have
        # the tests' names; which of them are classes of their own that the program has; may it
        # call their functions, and which
        self.names, self.owned, self.callable, self.functions, self.thrown = {}, (), False, [], {}
        self.asserted = lambda: ((), ())        # gives the lines of the tests' assertions

    def in_assertion(self, trace):
        """Does an exception with this traceback come out of an assertion of the tests, or keep
        one from being made?"""
        lines, deeper = self.asserted()
        while trace is not None:
            source = trace.tb_frame.f_code.co_filename
            if trace.tb_lineno in lines and source in ("<tests>", "<setup>"):
                return True
            trace, lines = trace.tb_next, deeper
        return False

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
        except MemoryError:
            raise self.breaks(full) from None
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
        """What an answer says: V value, W value changes, E exception changes. The changes are what
        the program made of the lists, dicts, ... that it was handed, by their number in the call:
        the test's own are made so."""
        reader = Reader(body, kept, make, self)
        reader.at, tag = 1, body[:1]
        try:
            if tag == b"V" or tag == b"W":
                answer = reader.take()
            elif tag == b"E":
                answer = [reader.take() for _ in range(5)]
                if (tuple(map(type, answer[:4])) != (str, str, str, int) or
                        type(answer[4]) not in (tuple, type(None))):
                    raise Malformed("an exception that is none")
            else:
                raise Malformed("an answer that is none")
            if tag != b"V":
                take_changes(reader)
            ends(reader)
        except Malformed as e:
            raise self.breaks(e)
        except (TypeError, UnicodeError, OverflowError) as e:
            raise self.breaks(Malformed(str(e))) from None
        except MemoryError:
            raise self.breaks(full) from None
        if tag == b"E":
            kind, base, text, line, args = answer
            if (kind, text) in self.thrown:         # the tests' own, on its way back to them
                raise self.thrown[kind, text]
            raise raised(
                kind[:100], base, text[:MAX_TEXT], line if 0 <= line < 1 << 31 else 0, args)
        return answer

    def ready(self):
        body = self.receive()
        if body != b"R":
            self.answered(body if body[:1] == b"E" else b"", [], self.opaque)

    def opaque(self, kind, number, mask):
        if mask & AWAITED:
            return awaited(self, Opaque(kind, number), self.opaque)
        if mask & DRAWN or mask & ITERATES == ITERATES:
            return drawn(self, Opaque(kind, number), self.opaque)
        return Opaque(kind, number)

    def proxy(self, kind, number, mask):
        if mask & AWAITED:
            return awaited(self, Opaque(kind, number), self.proxy)
        if mask & DRAWN:
            return drawn(self, Opaque(kind, number), self.proxy)
        self.read.append(number)
        if number not in self.proxies:
            self.proxies[number] = proxy_type(kind[:60], mask)(kind, number, self)
        return self.proxies[number]

    def ask(self, tag, values, make, makes=False):
        """makes: whether the answer, if it is an object, is one that the tests made. It is none
        any more once the program has given it to them: what they then have in hand may stand where
        a plain value was asked for."""
        with self.lock:
            writer = Writer(bytearray(tag), [], self.hand)
            writer.tests = True
            try:
                for x in values:
                    writer.put(x)
                body = writer.done()
            except Unsplit as e:
                raise self.breaks(e)
            except TooBig as e:
                raise self.breaks(TooMuch("the test's call: %s" % e)) from None
            self.send(body)
            before, self.read, answer = self.read, [], None
            try:
                body = self.receive()
                while body[:1] == b"B":
                    self.called_back(body, make)
                    body = self.receive()
                answer = self.answered(body, writer.kept, make)
                return answer
            finally:
                read, self.read = self.read, before
                if makes and isinstance(answer, Proxy) and read.count(answer._number) == 1:
                    read.remove(answer._number)
                    self.made.add(answer._number)
                self.given.update(read)
                self.made -= self.given

    def called_back(self, body, make):
        """The program calls one of the tests' functions that it was handed."""
        given = []
        reader = Reader(body, given, make, self)
        reader.at = 1
        try:
            function, args, kwargs = self.function(reader.number()), reader.take(), reader.take()
            ends(reader)
            if type(args) is not tuple or type(kwargs) is not dict or \
                    any(type(k) is not str for k in kwargs):
                raise Malformed("arguments that are none")
        except Malformed as e:
            raise self.breaks(e)
        except (TypeError, UnicodeError, OverflowError) as e:
            raise self.breaks(Malformed(str(e))) from None
        except MemoryError:
            raise self.breaks(full) from None
        before = [content(x) for x in given]
        try:
            value, tag = function(*args, **kwargs), b"V"
        except Exception as e:
            value, tag = self.throws(e), b"E"
        writer = Writer(bytearray(tag), given[:], self.hand)
        try:
            for x in value if tag == b"E" else (value,):
                writer.put(x)
            if put_changes(writer, given, before):
                writer.out[0] = ord("E" if tag == b"E" else "W")
            elif tag == b"E":
                writer.out += bytes(4)
            self.send(writer.done())
        except Unsplit as e:
            raise self.breaks(e)
        except TooBig as e:
            raise self.breaks(Refused("a function of the tests: %s" % e)) from None
        except MemoryError:
            raise self.breaks(full) from None

    def throws(self, e):
        """An exception of the tests' own as the program sees it. A failed assertion stays one,
        whatever becomes of it there."""
        kind, text = type(e).__name__, str(e)[:MAX_TEXT]
        if not isinstance(e, (Raised, StopIteration, StopAsyncIteration)):
            self.thrown[kind, text] = e
            if isinstance(e, AssertionError):
                self.breaks(Refused("AssertionError in a function of the tests: %s" % text))
        base = next(t.__name__ for t in type(e).__mro__ if builtins.__dict__.get(t.__name__) is t)
        plain = all(type(a) in (str, int, float) for a in e.args)
        return kind, base, text, 0, e.args if plain else None

    def hand(self, writer, x, t, depth):
        """What is no plain value: the program's own goes back to it, the tests' own as far as they
        can be had there."""
        if t is Class:
            x = x._object()
        if isinstance(x, Opaque):
            writer.out += b"O" + _u32.pack(0) + _u32.pack(x._number) + _u64.pack(0)
        elif name_of(t) in self.owned and self.names.get(name_of(t)) is t:
            writer.put_own(x, name_of(t), attributes_of(x), depth)
        elif library_name(x, t):
            writer.sized(b"L", library_name(x, t).encode())
        elif self.callable and (t is FUNCTION or t is BUILTIN and
                                type(x.__self__) in (list, dict, set, deque, str)):
            number = next((n for n, f in enumerate(self.functions) if f is x), len(self.functions))
            self.functions[number:number + 1] = [x]
            writer.out += _tagged_u32.pack(b"B", number)
        else:
            raise Unsplit()

    # ---- what of the tests' own comes back ----

    def function(self, number):
        if number >= len(self.functions):
            raise Malformed("a function that is none")
        return self.functions[number]

    def library(self, name):
        raise Malformed("a function where there can be none")

    def own(self, name):
        if name not in self.owned or type(self.names.get(name)) is not type:
            raise Malformed("an object of no class")
        return object.__new__(self.names[name])

    def give(self, x, attributes):
        """As data only: nothing takes the place of a method."""
        for name, value in attributes.items():
            if type(name) is not str or not name.isidentifier() or name[:2] == "__":
                raise Malformed("an attribute that is none")
            there = next((dict_of(t)[name] for t in mro_of(type(x)) if name in dict_of(t)), None)
            if type(there) is not SLOT and (callable(there) or hasattr(type(there), "__get__")):
                raise Malformed("an attribute in a method's place")
            object.__setattr__(x, name, value)

    def does(self, op, *args):
        return self.ask(b"D", (op, args), self.proxy)

    def makes(self, x, op, *args):
        """An operator on x, which gives an object that the tests made if x is one."""
        return self.ask(b"D", (op, args), self.proxy, x._number in self.made)

    def stub(self, name, make, tag=b"C"):
        """tag: P, and results that derive from a type that crosses are objects, too."""
        def stub(*args, **kwargs):
            return self.ask(tag, (name, args, kwargs), make)
        return stub
