# SPDX-License-Identifier: MIT
# Library values that cross as their plain parts, and iterators. (wire.py precedes this file.)
import itertools

# type's name: (its module, its parts as a list, and back). The parts come from the other side:
# check them.
def _ints(parts, n):
    if len(parts) != n or any(type(p) is not int for p in parts):
        raise Malformed("parts that are none")
    return parts


def _slice(parts):
    if len(parts) != 3:
        raise Malformed("a slice that is none")
    return slice(*parts)


def _decimal(parts):
    if len(parts) != 1 or type(parts[0]) is not str or len(parts[0]) > MAX_EXACT:
        raise Malformed("parts that are none")
    return sys.modules["decimal"].Decimal(parts[0])


def _fraction(parts):
    n, d = _ints(parts, 2)
    if d < 1 or n.bit_length() > MAX_EXACT or d.bit_length() > MAX_EXACT:
        raise Malformed("a fraction that is none")
    return sys.modules["fractions"].Fraction(n, d)


def _time(name, n):
    return lambda p: getattr(sys.modules["datetime"], name)(*_ints(p, n))


def _zone(x):
    """Of a time with a fixed zone, how far that is from UTC."""
    away = x.tzinfo and x.tzinfo.utcoffset(None)
    return [away.days, away.seconds, away.microseconds] if x.tzinfo else []


def _zoned(name, n):
    def make(parts):
        datetime = sys.modules["datetime"]
        if len(parts) == n:
            return getattr(datetime, name)(*_ints(parts, n))
        away = datetime.timedelta(*_ints(parts, n + 3)[n:])
        return getattr(datetime, name)(*parts[:n], datetime.timezone(away))
    return make


def _keys(keys):
    """Keys made to share a hash would take a set quadratic time."""
    if len(keys) > 1000 and len(set(map(hash, keys))) < len(keys) // 2:
        raise Malformed("keys that collide")
    return keys


VALUES = {
    "range": ("builtins", lambda x: [x.start, x.stop, x.step], lambda p: range(*_ints(p, 3))),
    "slice": ("builtins", lambda x: [x.start, x.stop, x.step], _slice),
    "dict_keys": ("", list, lambda p: dict.fromkeys(_keys(p)).keys()),
    "dict_values": ("", list, lambda p: dict(enumerate(p)).values()),
    "dict_items": ("", lambda x: [i for pair in x for i in pair],
                   lambda p: dict(zip(_keys(p[::2]), p[1::2])).items()),
    "iterator": ("", None, iter),
    "Decimal": ("decimal", lambda x: [str(x)], _decimal),
    "Fraction": ("fractions", lambda x: [x.numerator, x.denominator], _fraction),
    "date": ("datetime", lambda x: [x.year, x.month, x.day], _time("date", 3)),
    "time": ("datetime", lambda x: [x.hour, x.minute, x.second, x.microsecond] + _zone(x),
             _zoned("time", 4)),
    "datetime": ("datetime", lambda x: [x.year, x.month, x.day, x.hour, x.minute, x.second,
                                        x.microsecond] + _zone(x), _zoned("datetime", 7)),
    "timedelta": ("datetime", lambda x: [x.days, x.seconds, x.microseconds], _time("timedelta", 3)),
}
_ITERATORS = frozenset(id(type(i)) for i in (
    (x for x in ()), map(abs, ()), filter(None, ()), zip(), enumerate(()), reversed([]),
    reversed(()), iter([]), iter(()), iter({}), iter({}.values()), iter({}.items()), iter(set()),
    iter(""), iter(range(0)), iter(range(1 << 65)), iter(b""), iter(bytearray()), reversed({}),
    reversed({}.values()), reversed({}.items()), reversed(range(0)), iter(deque()),
    reversed(deque()), iter(OrderedDict()), iter(OrderedDict().values()),
    iter(OrderedDict().items()), iter(int, 0), iter(type("", (), {"__getitem__": None})()),
    iter(memoryview(b"")))) | frozenset(
        id(t) for t in vars(itertools).values()
        if isinstance(t, type) and hasattr(t, "__next__")) | frozenset(
        id(type(i)) for i in (next(itertools.groupby("a"))[1], itertools.tee(())[0]))
_VIEWS = {id(type(v)): n for n, v in (
    ("dict_keys", {}.keys()), ("dict_values", {}.values()), ("dict_items", {}.items()),
    ("dict_keys", OrderedDict().keys()), ("dict_values", OrderedDict().values()),
    ("dict_items", OrderedDict().items()), ("range", range(0)), ("slice", slice(0)))}


def _value_name(x, t):
    """The name in VALUES under which x crosses, or None."""
    if id(t) in _ITERATORS:
        return "iterator"
    if id(t) in _VIEWS:
        return _VIEWS[id(t)]
    name = name_of(t)
    module = VALUES.get(name, ("",))[0]
    if not module or getattr(sys.modules.get(module), name, None) is not t:
        return None
    zone = getattr(x, "tzinfo", None)
    return name if zone is None or type(zone) is sys.modules["datetime"].timezone else None


def with_room(function, *args):
    """Calls it with room on the stack for a value of MAX_DEPTH levels."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 5 * MAX_DEPTH)
    try:
        return function(*args)
    finally:
        sys.setrecursionlimit(limit)


def _drawn(x):
    items = []
    for item in x:
        if len(items) == MAX_DRAWN:
            raise TooBig("an iterator of more than %d items" % MAX_DRAWN)
        items.append(item)
    return items
