# SPDX-License-Identifier: MIT
# What tester and program exchange about a call besides its arguments and result. (wire.py precedes
# this file.)
#
# Arguments behave as if passed by reference: an answer ends with the new contents of the lists,
# dicts, ... that came with the call, and the caller's own are updated. The same holds for the
# program's calls of the tests' functions. Instances of the tests' own classes cross by their
# attributes, and the program is given the text of those classes.

dict_of = type.__dict__["__dict__"].__get__


def attributes_of(x):
    """An object's own attributes, also those of its classes' slots."""
    found = dict(getattr(x, "__dict__", ()))
    for t in mro_of(type(x)):
        slots = dict_of(t).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(x, name):
                found[name] = getattr(x, name)
    return found


def content(x):
    """What a list, a dict, ... holds, as a list."""
    if isinstance(x, (list, set, bytearray, deque)):
        return list(x)
    return [i for pair in (x if isinstance(x, dict) else attributes_of(x)).items() for i in pair]


def put_changes(writer, given, before):
    """Those that are no longer what they were (by identity: an equal one may be another one)."""
    changed = [n for n, (x, was) in enumerate(zip(given, before))
               if len(now := content(x)) != len(was) or not all(a is b for a, b in zip(now, was))]
    if changed:
        writer.out += _u32.pack(len(changed))
    for n in changed:
        writer.out += _u32.pack(n)
        writer.kept.append(None)        # the other side counts it as read
        x, t = given[n], type(given[n])
        if id(t) in _MUTABLE:
            writer.put_content(x, t, 0)
        else:
            writer.put_attributes(name_of(t), attributes_of(x), 0)
    return changed


def take_changes(reader):
    """The end of an answer: ours are made so when all of it is read."""
    changes = [(reader.take_known(0), reader.take()) for _ in range(reader.some(0, 5))]
    ends(reader)
    for old, new in changes:
        become(old, new, reader.side)


def ends(reader):
    if reader.at != len(reader.data):
        raise Malformed("bytes after the last value")


def become(old, new, side):
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
    if not side or type(old) is not type(new):
        raise Malformed("an argument of another type")
    now = attributes_of(new)
    for name in attributes_of(old).keys() - now.keys():
        object.__delattr__(old, name)
    side.give(old, now)
