# SPDX-License-Identifier: MIT
# The model's side of score-box: a warm Python that forks once per program. (wire.py stands before it.)
#
# Started by the supervisor inside its jail with the control socket as descriptor 3 and the two forms
# of the system call filter, ready made, as 4 (forbidden calls are reported) and 5 (they kill). It never
# receives a test. Per job it gets three descriptors (channel to the tester, socket for output, file
# with the program), forks, and the child gives up what it could do before it reads the program.
import ctypes
import gc
import resource
import signal
import socket
import sys
import types

import _strptime, abc, bisect, calendar, cmath, collections, collections.abc, contextlib, copy    # noqa: E401,F401
import dataclasses, datetime, decimal, enum, fractions, functools, hashlib, heapq, inspect        # noqa: E401,F401
import io, itertools, json, math, operator, queue, random, re, statistics, string, textwrap       # noqa: E401,F401
import threading, time, traceback, typing, unicodedata                                            # noqa: E401,F401

CONTROL, NOTIFY, KILL, CHANNEL = 3, 4, 5, 6
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
SECCOMP_SET_MODE_FILTER, FILTER_FLAG_NEW_LISTENER = 1, 8
MAX_TEXT = 400

traceback_of = BaseException.__dict__["__traceback__"].__get__

libc = ctypes.CDLL(None, use_errno=True)


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def read_filter(fd):
    size = os.fstat(fd).st_size
    data = ctypes.create_string_buffer(os.pread(fd, size, 0), size)
    return SockFprog(size // 8, ctypes.addressof(data)), data


# ---- the child: give up everything, then run the program ----

def set_limit(what, value):
    resource.setrlimit(what, (value, value))


def enter_jail(limits, out, syscall_nr):
    """After this the process can compute, read Python's library and answer calls. Not more."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    set_limit(resource.RLIMIT_CORE, 0)
    set_limit(resource.RLIMIT_CPU, limits["cpu"])
    set_limit(resource.RLIMIT_FSIZE, limits["file"])
    set_limit(resource.RLIMIT_NOFILE, 64)
    if limits["threads"]:
        set_limit(resource.RLIMIT_NPROC, limits["threads"])
    set_limit(resource.RLIMIT_AS, limits["memory"])
    listener = libc.syscall(syscall_nr, SECCOMP_SET_MODE_FILTER, FILTER_FLAG_NEW_LISTENER,
                            ctypes.byref(notify_filter[0]))
    if listener >= 0:
        # The socket's other end is the supervisor; it waits for this before the program runs.
        socket.send_fds(out, [b"L"], [listener])
        os.close(listener)
    elif libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(kill_filter[0]), 0, 0) == 0:
        out.send(b"K")
    else:
        os._exit(1)


def describe(e):
    """Type's name, message and the program's line of an exception, whatever the program made of them."""
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
    return name, text, line


def failure(e):
    name, text, line = describe(e)
    return b"E" + encode(name) + encode(text) + encode(line)


def load(source, entry):
    module = types.ModuleType("program")
    sys.modules["program"] = module
    code = compile(source.decode("utf-8"), "<program>", "exec", dont_inherit=True)
    exec(code, module.__dict__)
    if entry and entry not in module.__dict__:
        raise NameError("the program does not define %s" % entry)
    return module.__dict__


def call(names, entry, body):
    args, kwargs = decode(body, 2)
    args = tuple(args)
    value = names[entry](*args, **kwargs)
    answer, after = encode(value), encode(args) + encode(kwargs)
    # What the program did to its arguments goes back with the answer.
    return b"V" + answer if after == body else b"W" + answer + after


def run_tests(names, body):
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
        kind = b"F" if type(e) is AssertionError else b"X"
        name, text, line = describe(e)
        return kind + encode(nonce) + encode(index) + encode(name) + encode(text) + encode(line)
    return b"P" + encode(nonce)


def serve(source, entry):
    try:
        names = load(source, entry)
        answer = b"R"
    except BaseException as e:
        names, answer = None, failure(e)
    while True:
        write_frame(CHANNEL, answer)
        body = read_frame(CHANNEL)
        if body is None or names is None:
            return
        try:
            answer = call(names, entry, body[1:]) if body[:1] == b"C" else run_tests(names, body[1:])
        except BaseException as e:
            answer = failure(e)


def child(limits, fds):
    channel, out, program = fds
    control.detach()
    source = b""
    size = os.fstat(program).st_size
    while len(source) < size:
        source += os.pread(program, size - len(source), len(source))
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(channel, CHANNEL)
    os.closerange(CONTROL, CHANNEL)
    os.closerange(CHANNEL + 1, 256)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stdout = socket.socket(fileno=1)
    enter_jail(limits, stdout, limits["seccomp"])
    stdout.detach()
    gc.set_threshold(20000, 20, 20)     # every page that a collection looks at first has to be copied
    gc.enable()
    serve(source, limits["entry"])


# ---- the zygote ----

def receive():
    """One message of the supervisor: fields and descriptors; None where it has gone."""
    data, fds, _, _ = socket.recv_fds(control, 4, 3)
    if not data:
        return None, fds
    if len(data) < 4:
        data += read_exact(CONTROL, 4 - len(data))
    body = read_exact(CONTROL, _u32.unpack(data)[0])
    return dict(unpack_fields(body)), fds


def send(fields, fds=()):
    body = pack_fields(fields)
    data = _u32.pack(len(body)) + body
    if fds:
        sent = socket.send_fds(control, [data], fds)
        data = data[sent:]
    control.sendall(data)


def one_job(fields, fds):
    limits = {k: int(fields[k]) for k in ("cpu", "memory", "threads", "file", "seccomp")}
    limits["entry"] = fields["entry"].decode()
    try:
        pid = os.fork()
    except OSError as e:
        send([("error", "fork: %s" % e)])
        return
    if pid == 0:
        try:
            child(limits, fds)
        except BaseException:
            os.write(1, traceback.format_exc()[-MAX_TEXT:].encode())
        finally:
            os._exit(0)
    for fd in fds:
        os.close(fd)
    pidfd = os.pidfd_open(pid)
    send([("started", "1")], [pidfd])
    os.close(pidfd)
    _, status, usage = os.wait4(pid, 0)
    used = os.path.isdir("/tmp/.") and bool(limits["file"]) and bool(os.listdir("/tmp"))
    send([("status", status), ("cpu", "%.6f" % (usage.ru_utime + usage.ru_stime)),
          ("peak", usage.ru_maxrss * 1024), ("used", int(used))])


def main():
    os.environ.clear()
    sys.path[:] = [p for p in sys.path if p]
    sys.argv[:] = [""]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    import builtins
    builtins.exit = builtins.quit = sys.exit    # what site would add
    gc.disable()
    gc.collect()
    gc.freeze()
    send([("hello", "%d.%d.%d" % sys.version_info[:3])])
    while True:
        fields, fds = receive()
        if fields is None:
            return
        one_job(fields, fds)


control = socket.socket(fileno=CONTROL)
notify_filter, kill_filter = read_filter(NOTIFY), read_filter(KILL)
main()
