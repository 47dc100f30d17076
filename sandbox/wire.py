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
#   d       u32 pairs      dict, in its order
#   K       u32 bytes      a built-in type (int, str, ...), by name
#   O       u32 bytes      something that cannot cross: its type's name
# A subclass crosses as its base value's raw content: the base type's own methods read it, so no
# override of the program is ever asked. The reader trusts nothing: size, depth and counts are
# checked before anything is built, and an unknown tag or a byte too many is an error.
import os
import struct

MAX_FRAME = 16 << 20
MAX_DEPTH = 64

_u32 = struct.Struct("<I")
_i64 = struct.Struct("<q")
_f64 = struct.Struct("<d")
_c128 = struct.Struct("<dd")


# A type's own view of its bases and name, whatever a metaclass says.
mro_of = type.__dict__["__mro__"].__get__
name_of = type.__dict__["__name__"].__get__

TYPES = {t.__name__: t for t in (bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set,
                                 frozenset, type(None), object, type)}


class Malformed(BaseException):
    """The other side sent what the encoding does not allow."""


class TooBig(Exception):
    """A value beyond the size or depth that may cross."""


class Opaque:
    """Stands in the tester for a value that cannot cross: equal to nothing but itself."""

    __slots__ = ("kind",)

    def __init__(self, kind):
        self.kind = kind

    def __repr__(self):
        return "<a %s of the program>" % self.kind


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
    data = memoryview(_u32.pack(len(body)) + body)
    while data:
        data = data[os.write(fd, data):]


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


# ---- values ----

def _sized(tag, data):
    return tag + _u32.pack(len(data)) + data


def _put(out, x, depth):
    t = type(x)
    if x is None:
        out += b"N"
    elif x is True:
        out += b"T"
    elif x is False:
        out += b"F"
    elif t is int:
        if -(1 << 63) <= x < 1 << 63:
            out += b"i" + _i64.pack(x)
        else:
            out += _sized(b"I", x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True))
    elif t is float:
        out += b"f" + _f64.pack(x)
    elif t is str:
        out += _sized(b"s", x.encode("utf-8", "surrogatepass"))
    elif t is list or t is tuple or t is set or t is frozenset:
        tag = b"l" if t is list else b"t" if t is tuple else b"S" if t is set else b"Z"
        _put_items(out, tag, x, depth)
    elif t is dict:
        _put_dict(out, x.items(), depth)
    elif t is bytes:
        out += _sized(b"b", x)
    elif t is bytearray:
        out += _sized(b"y", bytes(x))
    elif t is complex:
        out += b"c" + _c128.pack(x.real, x.imag)
    else:
        _put_subclass(out, x, depth)
    if len(out) > MAX_FRAME - 64:
        raise TooBig("a value of more than %d MiB" % (MAX_FRAME >> 20))


def _put_items(out, tag, items, depth):
    if depth >= MAX_DEPTH:
        raise TooBig("a value nested deeper than %d" % MAX_DEPTH)
    out += tag + _u32.pack(len(items))
    for item in items:
        _put(out, item, depth + 1)


def _put_dict(out, items, depth):
    if depth >= MAX_DEPTH:
        raise TooBig("a value nested deeper than %d" % MAX_DEPTH)
    out += b"d" + _u32.pack(len(items))
    for key, value in items:
        _put(out, key, depth + 1)
        _put(out, value, depth + 1)


# How a base type reads the raw content of an instance of a subclass.
_RAW = {id(base): (base, raw) for base, raw in (
    (int, int.__pos__), (float, float.__pos__), (complex, complex.__pos__), (str, str.__str__),
    (bytes, lambda x: bytes.__getitem__(x, slice(None))),
    (bytearray, lambda x: bytearray(bytearray.__getitem__(x, slice(None)))),
    (list, lambda x: list(list.__iter__(x))), (tuple, lambda x: tuple(tuple.__iter__(x))),
    (set, lambda x: set(set.__iter__(x))), (frozenset, lambda x: frozenset(frozenset.__iter__(x))),
    (dict, lambda x: dict(dict.items(x))))}


def _put_subclass(out, x, depth):
    for base in mro_of(type(x)):        # by identity: a metaclass may call itself equal to anything
        if id(base) in _RAW:
            base, raw = _RAW[id(base)]
            value = raw(x)
            if type(value) is base:
                _put(out, value, depth)
                return
    if type(x) is type and TYPES.get(name_of(x)) is x:
        out += _sized(b"K", name_of(x).encode())
    else:
        out += _sized(b"O", name_of(type(x))[:60].encode("utf-8", "replace"))


def encode(x):
    """The value's bytes (a bytearray); TooBig where it may not cross."""
    out = bytearray()
    _put(out, x, 0)
    return out


def _need(data, at, n):
    if n > len(data) - at:
        raise Malformed("a value cut short")


def _length(data, at, each):
    """A u32 count at `at`, of things that take at least `each` bytes."""
    _need(data, at, 4)
    n = _u32.unpack_from(data, at)[0]
    _need(data, at + 4, n * each)
    return n


def _take(data, at, depth):
    _need(data, at, 1)
    tag = data[at:at + 1]
    at += 1
    if tag == b"i":
        _need(data, at, 8)
        return _i64.unpack_from(data, at)[0], at + 8
    if tag == b"N":
        return None, at
    if tag == b"T":
        return True, at
    if tag == b"F":
        return False, at
    if tag == b"f":
        _need(data, at, 8)
        return _f64.unpack_from(data, at)[0], at + 8
    if tag == b"c":
        _need(data, at, 16)
        return complex(*_c128.unpack_from(data, at)), at + 16
    if tag in b"sIbyKO":
        n = _length(data, at, 1)
        raw = data[at + 4:at + 4 + n]
        at += 4 + n
        if tag == b"s":
            return raw.decode("utf-8", "surrogatepass"), at
        if tag == b"I":
            return int.from_bytes(raw, "little", signed=True), at
        if tag == b"K":
            if raw.decode() not in TYPES:
                raise Malformed("an unknown type")
            return TYPES[raw.decode()], at
        if tag == b"O":
            return Opaque(raw.decode("utf-8", "replace")), at
        return (raw if tag == b"b" else bytearray(raw)), at
    if depth >= MAX_DEPTH:
        raise Malformed("a value nested deeper than %d" % MAX_DEPTH)
    if tag in b"ltSZ":
        items = []
        n = _length(data, at, 1)
        at += 4
        for _ in range(n):
            item, at = _take(data, at, depth + 1)
            items.append(item)
        return (items if tag == b"l" else tuple(items) if tag == b"t" else
                set(items) if tag == b"S" else frozenset(items)), at
    if tag == b"d":
        items = {}
        n = _length(data, at, 2)
        at += 4
        for _ in range(n):
            key, at = _take(data, at, depth + 1)
            items[key], at = _take(data, at, depth + 1)
        return items, at
    raise Malformed("an unknown tag")


def decode(data, count):
    """`count` values from bytes, which must end with the last one."""
    values, at = [], 0
    try:
        for _ in range(count):
            value, at = _take(data, at, 0)
            values.append(value)
    except (TypeError, UnicodeError, struct.error) as e:
        raise Malformed(str(e)) from None
    if at != len(data):
        raise Malformed("bytes after the last value")
    return values
