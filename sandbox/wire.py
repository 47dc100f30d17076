# SPDX-License-Identifier: MIT
# What the tester and the model's side share: frames, and the strict encoding in which values cross.
#
# A frame is a little-endian u32 length and that many bytes. Messages between the supervisor and a
# Python process are frames of fields (u32 length, key, u32 length, value, a zero byte; see
# lib/base/frame.h). On the channel between tester and program a frame is one tag byte and values:
#   N T F                  None, True, False
#   i <q>   I u32 bytes    int (signed little-endian)
#   f <d>   c <dd>         float, complex
#   s b y   u32 bytes      str (UTF-8, surrogates let through), bytes, bytearray
#   l t S Z u32 items      list, tuple, set, frozenset
#   q u32 <q>.. g u32 <d>..   list of small ints, of floats
#   d o     u32 pairs      dict, OrderedDict, in their order
#   e length, u32 items    deque: its greatest length (an int, -1: none), its items
#   v name, list           a value of the library by its plain parts, see VALUES
#   K       u32 bytes      a built-in type (int, str, ...), by name
#   O u32 bytes, u32, u64  a program's object that cannot cross: its type's name, its number there,
#                          its SPECIAL methods (or DRAWN: an iterator, AWAITED: a coroutine)
#   M u32 bytes, pairs     an instance of a class of the tests' own: its name, its attributes
#   B u32                  a function of the tests, by its number there
#   L u32 bytes            a function of the library, by name: only the tests say that
#   r u32                  a list, dict, ... that crossed before, or is being read, by its number:
#                          see Writer
# A subclass crosses as its base value's raw content: the base type's own methods read it, so no
# override by the program is ever called. The reader trusts nothing: size, depth, counts, numbers
# and names are checked before anything is built, and an unknown tag or a surplus byte is an error.
import os
import struct
import sys
from _collections import OrderedDict, deque      # collections would load twenty other things

MAX_FRAME = 16 << 20
MAX_DEPTH = 1000
ROOM_AT = 40                    # levels for which every stack has room; for more it is made
MAX_ITEMS = 1 << 20             # values in one frame; what a run of numbers holds counts an eighth
MAX_DRAWN = 1 << 16             # items drawn from an iterator of the tests
MAX_EXACT = 1 << 16             # bits of a Fraction's parts, characters of a Decimal
MAX_TEXT = 4000                 # of an exception

_u32 = struct.Struct("<I")
_u64 = struct.Struct("<Q")
_i64 = struct.Struct("<q")
_f64 = struct.Struct("<d")
_c128 = struct.Struct("<dd")
_tagged_i64 = struct.Struct("<cq")
_tagged_u32 = struct.Struct("<cI")

# What a class may define and a proxy of its instance then has: operators with their reflected and
# in-place forms, and (order, enter, str) methods that come together; plain: it derives from a type
# that crosses.
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
             "lshift", "rshift")
SPECIAL = OPERATORS + ("eq", "order", "hash", "len", "bool", "iter", "next", "contains", "getitem",
                       "setitem", "delitem", "call", "enter", "str", "format", "int", "float",
                       "index", "abs", "neg", "pos", "invert", "round", "reversed", "plain")

DRAWN, AWAITED = 1 << 62, 1 << 61

# A type's own view of its bases and name, whatever a metaclass says.
mro_of = type.__dict__["__mro__"].__get__
name_of = type.__dict__["__name__"].__get__

TYPES = {t.__name__: t for t in (bool, int, float, complex, str, bytes, bytearray, list, tuple,
                                 dict, set, frozenset, type(None), object, type)}
_MUTABLE = frozenset(map(id, (list, dict, set, bytearray, OrderedDict, deque)))


class Malformed(BaseException):
    """The other side sent what the encoding does not allow."""


class TooBig(Exception):
    """A value beyond the size or depth that may cross."""


# ---- frames ----

def read_exact(fd, n):
    parts = []
    while n:
        part = os.read(fd, min(n, 1 << 20))
        if not part:
            return None
        parts.append(part)
        n -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_frame(fd):
    """The next frame's bytes, or None where the other end is gone."""
    head = read_exact(fd, 4)
    if head is None:
        return None
    n = _u32.unpack(head)[0]
    if n > MAX_FRAME:
        raise Malformed("a frame of %d bytes" % n)
    return read_exact(fd, n) if n else b""


def write_frame(fd, body):
    data = _u32.pack(len(body)) + body
    sent = os.write(fd, data)
    if sent < len(data):
        data = memoryview(data)
        while sent < len(data):
            sent += os.write(fd, data[sent:])


def pack_fields(fields):
    out = []
    for key, value in fields:
        key = key.encode()
        if not isinstance(value, bytes):
            value = str(value).encode("utf-8", "replace")
        out += (_u32.pack(len(key)), key, _u32.pack(len(value)), value, b"\0")
    return b"".join(out)


def unpack_fields(body):
    fields, at = [], 0
    while at < len(body):
        n = _u32.unpack_from(body, at)[0]
        key = body[at + 4:at + 4 + n].decode()
        at += 4 + n
        n = _u32.unpack_from(body, at)[0]
        fields.append((key, body[at + 4:at + 4 + n]))
        at += 5 + n
    return fields


# ---- writing ----

# How a base type reads the raw content of an instance of a subclass.
_RAW = {id(base): (base, raw) for base, raw in (
    (int, int.__pos__), (float, float.__pos__), (complex, complex.__pos__), (str, str.__str__),
    (bytes, lambda x: bytes.__getitem__(x, slice(None))),
    (bytearray, lambda x: bytearray(bytearray.__getitem__(x, slice(None)))),
    (list, lambda x: list(list.__iter__(x))), (tuple, lambda x: tuple(tuple.__iter__(x))),
    (set, lambda x: set(set.__iter__(x))), (frozenset, lambda x: frozenset(frozenset.__iter__(x))),
    (dict, lambda x: dict(dict.items(x))))}
_TAGS = {list: b"l", tuple: b"t", set: b"S", frozenset: b"Z"}


class Writer:
    """Writes values one after the other. Lists, dicts, ... are numbered in the order in which they
    appear, and written once: in a call, and on from there (`kept`, the call's) in the answer to
    it. foreign(writer, value, type, depth) writes what else there is; lazy: iterators, too; whole:
    and what derives from a type that crosses."""

    def __init__(self, out, kept, foreign, lazy=False, whole=False):
        self.out, self.kept, self.foreign, self.lazy, self.whole = out, kept, foreign, lazy, whole
        self.items, self.room = 0, False
        self.tests = False              # whether a class of the tests' own goes to foreign, too
        self.known = {id(x): n for n, x in enumerate(kept)} if kept else {}

    def count(self, n):
        self.items += n
        if self.items > MAX_ITEMS or len(self.out) > MAX_FRAME - 64:
            self.refuse()

    def refuse(self):
        raise TooBig("a value of more than %d MiB or %d items" % (MAX_FRAME >> 20, MAX_ITEMS))

    def done(self):
        if len(self.out) > MAX_FRAME:
            self.refuse()
        return self.out

    def sized(self, tag, data):
        if len(data) > MAX_FRAME:
            self.refuse()
        self.out += _tagged_u32.pack(tag, len(data))
        self.out += data
        self.count(1)

    def put(self, x, depth=0):
        t = type(x)
        if t is int:
            try:
                self.out += _tagged_i64.pack(b"i", x)
            except struct.error:
                self.sized(b"I", x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True))
        elif t is str:
            if len(x) > MAX_FRAME:      # not a second one of that size first
                self.refuse()
            self.sized(b"s", x.encode("utf-8", "surrogatepass"))
        elif x is None:
            self.out += b"N"
        elif x is True:
            self.out += b"T"
        elif x is False:
            self.out += b"F"
        elif t is float:
            self.out += b"f" + _f64.pack(x)
        elif t is tuple or t is frozenset:
            self.put_items(_TAGS[t], x, depth)
        elif id(t) in _MUTABLE:
            self.put_mutable(x, t, depth)
        elif t is bytes:
            self.sized(b"b", x)
        elif t is complex:
            self.out += b"c" + _c128.pack(x.real, x.imag)
        else:
            self.put_other(x, t, depth)

    def put_mutable(self, x, t, depth):
        number = self.known.get(id(x))
        if number is not None:
            self.out += _tagged_u32.pack(b"r", number)
            self.count(1)
            return
        self.known[id(x)] = len(self.kept)
        self.kept.append(x)
        self.put_content(x, t, depth)

    def put_content(self, x, t, depth):
        if depth >= ROOM_AT and not self.room:
            self.make_room(self.put_content, x, t, depth)
        elif t is list or t is set:
            self.put_items(_TAGS[t], x, depth)
        elif t is bytearray:
            self.sized(b"y", bytes(x))
        elif t is deque:
            self.out += b"e"
            self.put(-1 if x.maxlen is None else x.maxlen)
            self.put_items(b"e", x, depth)
        else:
            self.deeper(depth)
            self.out += _tagged_u32.pack(b"d" if t is dict else b"o", len(x))
            self.count(2 * len(x))
            for key, value in x.items():
                self.put(key, depth + 1)
                self.put(value, depth + 1)

    def make_room(self, put, *args):
        self.room = True
        try:
            with_room(put, *args)
        finally:
            self.room = False

    def deeper(self, depth):
        if depth >= MAX_DEPTH:
            raise TooBig("a value nested deeper than %d" % MAX_DEPTH)

    def put_items(self, tag, x, depth):
        if depth >= ROOM_AT and not self.room:
            return self.make_room(self.put_items, tag, x, depth)
        self.deeper(depth)
        n = len(x)
        if n > MAX_FRAME // 8 and n > MAX_ITEMS:
            self.refuse()
        if n > 4 and tag == b"l":
            kinds = set(map(id, map(type, x)))
            run = "q" if kinds == {id(int)} else "d" if kinds == {id(float)} else ""
            if run:
                try:
                    self.count(n // 8)
                    self.out += struct.pack(
                        "<cI%d%s" % (n, run), b"q" if run == "q" else b"g", n, *x)
                    return None
                except struct.error:
                    pass
        self.out += _tagged_u32.pack(tag, n)
        self.count(n)
        for item in x:
            self.put(item, depth + 1)
        return None

    def put_other(self, x, t, depth):
        if self.tests and t.__module__ == "tests":
            return self.foreign(self, x, t, depth)
        for base in mro_of(t):          # by identity: a metaclass may call itself equal to anything
            if base is OrderedDict or base is deque or self.whole:
                break
            if id(base) in _RAW:
                value = _RAW[id(base)][1](x)
                if type(value) is _RAW[id(base)][0]:
                    if id(base) in _MUTABLE:
                        return self.put_base(x, value, depth)
                    return self.put(value, depth)
        name = _value_name(x, t)
        if name and not (self.lazy and name == "iterator"):
            self.deeper(depth)
            parts = _drawn(x) if name == "iterator" else VALUES[name][1](x)
            self.out += b"v"
            self.sized(b"s", name.encode())
            self.put_items(b"l", parts, depth)
        elif t is type and TYPES.get(name_of(x)) is x:
            self.sized(b"K", name_of(x).encode())
        else:
            self.foreign(self, x, t, depth)
        return None

    def put_own(self, x, name, attributes, depth):
        """An instance of a class of the tests' own, once. Its attributes are a dict."""
        number = self.known.get(id(x))
        if number is not None:
            self.out += _tagged_u32.pack(b"r", number)
            return
        self.known[id(x)] = len(self.kept)
        self.kept.append(x)
        self.put_attributes(name, attributes, depth)

    def put_attributes(self, name, attributes, depth):
        if depth >= ROOM_AT and not self.room:
            return self.make_room(self.put_attributes, name, attributes, depth)
        self.sized(b"M", name.encode())
        self.deeper(depth)
        self.out += _u32.pack(len(attributes))
        self.count(2 * len(attributes))
        for key, value in attributes.items():
            self.put(key, depth + 1)
            self.put(value, depth + 1)
        return None

    def put_base(self, x, value, depth):
        """A subclass's instance: its content, under its own number."""
        number = self.known.get(id(x))
        if number is not None:
            self.out += _tagged_u32.pack(b"r", number)
        else:
            self.known[id(x)] = len(self.kept)
            self.kept.append(x)
            self.put_content(value, type(value), depth)


# ---- reading ----

class Reader:
    """Reads values one after the other. `known` are the things that `r` numbers; each list, dict,
    ... that is read is added to them. foreign(kind, number, mask) makes what stands for a
    program's object; `side` the tests' functions and instances of their classes."""

    def __init__(self, data, known, foreign, side=None):
        self.data, self.known, self.foreign, self.side = data, known, foreign, side
        self.at, self.items, self.room = 0, 0, False

    def need(self, n):
        if n > len(self.data) - self.at:
            raise Malformed("a value cut short")

    def number(self):
        self.need(4)
        n = _u32.unpack_from(self.data, self.at)[0]
        self.at += 4
        return n

    def length(self, each):
        """A count of things that take at least `each` bytes."""
        n = self.number()
        self.need(n * each)
        return n

    def raw(self):
        n = self.length(1)
        self.at += n
        return self.data[self.at - n:self.at]

    def keep(self, x):
        self.known.append(x)
        return x

    def some(self, depth, each=1):
        """A count of values, and room for them."""
        if depth >= MAX_DEPTH:
            raise Malformed("a value nested deeper than %d" % MAX_DEPTH)
        n = self.length(each)
        self.items += n * each
        if self.items > MAX_ITEMS:
            raise Malformed("more than %d items" % MAX_ITEMS)
        return n

    def take(self, depth=0):
        data, at = self.data, self.at
        if at >= len(data):
            raise Malformed("a value cut short")
        self.at = at + 1
        return TAKE[data[at]](self, depth)

    def take_small(self, _):
        self.need(8)
        self.at += 8
        return _i64.unpack_from(self.data, self.at - 8)[0]

    def take_float(self, _):
        self.need(8)
        self.at += 8
        return _f64.unpack_from(self.data, self.at - 8)[0]

    def take_complex(self, _):
        self.need(16)
        self.at += 16
        return complex(*_c128.unpack_from(self.data, self.at - 16))

    def take_text(self, _):
        return self.raw().decode("utf-8", "surrogatepass")

    def take_big(self, _):
        return int.from_bytes(self.raw(), "little", signed=True)

    def take_type(self, _):
        name = self.raw().decode()
        if name not in TYPES:
            raise Malformed("an unknown type")
        return TYPES[name]

    def take_foreign(self, _):
        kind, number = self.raw().decode("utf-8", "replace"), self.number()
        self.need(8)
        self.at += 8
        return self.foreign(kind, number, _u64.unpack_from(self.data, self.at - 8)[0])

    def of_side(self):
        if not self.side:
            raise Malformed("an object where there can be none")
        return self.side

    def take_function(self, _):
        return self.of_side().function(self.number())

    def take_library(self, _):
        return self.of_side().library(self.raw().decode("utf-8", "replace"))

    def take_own(self, depth):
        name = self.raw().decode("utf-8", "replace")
        n, x, attributes = self.some(depth, 2), self.keep(self.of_side().own(name)), {}
        for _ in range(n):
            key = self.take(depth + 1)
            attributes[key] = self.take(depth + 1)
        self.side.give(x, attributes)
        return x

    def take_known(self, _):
        n = self.number()
        if n >= len(self.known):
            raise Malformed("an unknown number")
        return self.known[n]

    def run(self, kind):
        n = self.length(8)
        self.items += n // 8
        if self.items > MAX_ITEMS:
            raise Malformed("more than %d items" % MAX_ITEMS)
        self.at += 8 * n
        return list(struct.unpack_from("<%d%s" % (n, kind), self.data, self.at - 8 * n))

    def take_list(self, depth):
        n, items = self.some(depth), self.keep([])
        for _ in range(n):
            items.append(self.take(depth + 1))
        return items

    def take_tuple(self, depth):
        n, items = self.some(depth), []
        for _ in range(n):
            items.append(self.take(depth + 1))
        return tuple(items)

    def take_set(self, depth):
        items = self.keep(set())
        items.update(_keys(self.take_tuple(depth)))
        return items

    def take_frozenset(self, depth):
        return frozenset(_keys(self.take_tuple(depth)))

    def take_dict(self, depth, made=dict):
        n, pairs, whole = self.some(depth, 2), [], self.keep(made())
        for _ in range(n):
            key = self.take(depth + 1)
            pairs.append((key, self.take(depth + 1)))
        _keys([k for k, _ in pairs])
        whole.update(pairs)
        return whole

    def take_deque(self, depth):
        most = self.take(depth)
        if (type(most) is not int or not -1 <= most < 1 << 62 or
                self.data[self.at:self.at + 1] != b"e"):
            raise Malformed("a deque that is none")
        self.at += 1
        whole = self.keep(deque((), None if most < 0 else most))
        whole.extend(self.take_tuple(depth))
        return whole

    def take_value(self, depth):
        if self.data[self.at:self.at + 1] != b"s":
            raise Malformed("an unknown value")
        self.at += 1
        module, _, make = VALUES.get(self.take_text(0), (None, None, None))
        if make is None:
            raise Malformed("an unknown value")
        self.need(1)
        tag, self.at = self.data[self.at], self.at + 1
        if tag == ord("l"):
            parts = list(self.take_tuple(depth))
        elif tag == ord("q") or tag == ord("g"):
            parts = self.run("q" if tag == ord("q") else "d")
        else:
            raise Malformed("parts that are none")
        try:
            if module:
                __import__(module)
            return make(parts)
        except ImportError:             # no room for it
            raise MemoryError from None
        except (ArithmeticError, ValueError):
            raise Malformed("parts that are none") from None


def _with_room(take):
    def take_deep(reader, depth):
        if depth < ROOM_AT or reader.room:
            return take(reader, depth)
        reader.room = True
        try:
            return with_room(take, reader, depth)
        finally:
            reader.room = False
    return take_deep


def _unknown(reader, depth):
    raise Malformed("an unknown tag")


TAKE = [_unknown] * 256
for _tag, _take in (
        ("N", lambda r, d: None), ("T", lambda r, d: True), ("F", lambda r, d: False),
        ("i", Reader.take_small), ("I", Reader.take_big), ("f", Reader.take_float),
        ("c", Reader.take_complex), ("s", Reader.take_text), ("b", lambda r, d: r.raw()),
        ("y", lambda r, d: r.keep(bytearray(r.raw()))), ("l", Reader.take_list),
        ("t", Reader.take_tuple), ("S", Reader.take_set), ("Z", Reader.take_frozenset),
        ("q", lambda r, d: r.keep(r.run("q"))), ("g", lambda r, d: r.keep(r.run("d"))),
        ("d", Reader.take_dict), ("o", lambda r, d: r.take_dict(d, OrderedDict)),
        ("e", Reader.take_deque), ("v", Reader.take_value), ("K", Reader.take_type),
        ("O", Reader.take_foreign), ("r", Reader.take_known), ("M", Reader.take_own),
        ("B", Reader.take_function), ("L", Reader.take_library)):
    TAKE[ord(_tag)] = _with_room(_take) if _tag in "ltSZdoevM" else _take


def _no_foreign(*_):
    raise Malformed("an object where there can be none")


def encode(*values):
    """Plain values' bytes, for what only this house's code says to itself."""
    writer = Writer(bytearray(), [], _no_foreign)
    for x in values:
        writer.put(x)
    return writer.done()


def decode(data, count):
    """`count` values from bytes, which must end with the last one."""
    reader, values = Reader(data, [], _no_foreign), []
    try:
        for _ in range(count):
            values.append(reader.take())
    except (TypeError, UnicodeError, struct.error, OverflowError) as e:
        raise Malformed(str(e)) from None
    if reader.at != len(data):
        raise Malformed("bytes after the last value")
    return values
