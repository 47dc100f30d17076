# SPDX-License-Identifier: MIT
# What both Pythons of score-box have in common: each is warm and forks once per job. (wire.py
# precedes this file.)
#
# The supervisor's control socket is descriptor 3. A job's message carries descriptors; the
# child that runs it is reported to the supervisor at once, by a pidfd, and its end afterwards.
import ctypes
import gc
import _signal
import _socket

CONTROL = 3
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
SIGKILL = 9

# Imported by nearly all programs and tests; loaded one by one, between jobs, since loading all of
# them at start-up would take three times as long.
LATER = ("random", "copy", "string", "heapq", "bisect", "datetime", "contextlib", "dataclasses",
         "hashlib", "decimal", "fractions", "statistics", "cmath", "json", "threading", "array",
         "calendar", "_strptime", "textwrap", "unicodedata", "io", "time", "traceback", "inspect",
         "queue", "socket", "signal")
WARM = frozenset(LATER + (
    "abc", "ast", "collections", "collections.abc", "concurrent.futures", "enum", "functools",
    "itertools", "locale", "math", "numbers", "operator", "os", "os.path", "pathlib", "re",
    "secrets", "shutil", "sys", "tempfile", "types", "typing", "unittest", "unittest.mock", "uuid",
    "warnings"))

libc = ctypes.CDLL(None, use_errno=True)
prctl, syscall = libc.prctl, libc.syscall
# The C library's own fork: os.fork would run each module's hooks in parent and child, which touch
# a third of all the pages that a small program ever copies. There is one thread here, and the
# hooks have nothing to do.
fork = ctypes.PyDLL(None).fork


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def read_filter(fd):
    size = os.fstat(fd).st_size
    data = ctypes.create_string_buffer(os.pread(fd, size, 0), size)
    program = SockFprog(size // 8, ctypes.addressof(data))
    return ctypes.byref(program), program, data


def end_with_parent():
    """For the child: it can be looked into by nobody, and goes when its zygote goes."""
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != zygote:          # it went before it could take this one along
        os._exit(1)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def the_rest(most):
    """More of a message that has begun; the kernel hands over about 36 KiB at a time. In the jail
    of the kept tester the socket's timeout cannot be changed, so it is waited for again."""
    while True:
        try:
            part = os.read(CONTROL, most)
        except BlockingIOError:
            continue
        if not part:
            raise EOFError
        return part


def receive():
    """One message of the supervisor: its body and descriptors; None where it has gone, False where
    it is silent."""
    try:
        data, sent, _, _ = control.recvmsg(1 << 16, _socket.CMSG_SPACE(12))
    except BlockingIOError:
        return False, ()
    if not data:
        return None, ()
    while len(data) < 4 or len(data) < 4 + _u32.unpack_from(data)[0]:
        whole = 4 if len(data) < 4 else 4 + _u32.unpack_from(data)[0]
        data += the_rest(whole - len(data))
    return data[4:], [fd for _, _, some in sent
                      for fd in struct.unpack("%di" % (len(some) // 4), some)]


def send(fields):
    write_frame(CONTROL, pack_fields(fields))


STARTED = [(lambda body: _u32.pack(len(body)) + body)(pack_fields([("started", "1")]))]


def tmp_state():
    """What a program cannot leave as it was when it uses /tmp: the times alone are as coarse as
    the kernel's clock."""
    s = os.stat("/tmp/")
    return s.st_ctime_ns, s.st_mtime_ns, s.st_atime_ns, s.st_size, s.st_nlink, s.st_mode


def say_started(pidfd):
    control.sendmsg(STARTED, ((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _u32.pack(pidfd)),))


def in_child(work, fds, has_tmp):
    """Does the work in a process of its own, which gets the descriptors, and says how that
    ended."""
    before = tmp_state() if has_tmp else None
    pid = fork()
    if pid == 0:
        try:
            work()
        except BaseException:
            import traceback
            os.write(1, traceback.format_exc()[-MAX_TEXT:].encode())
        finally:
            os._exit(0)
    for fd in fds:
        os.close(fd)
    if pid < 0:
        send([("error", "no process for it")])
        return
    pidfd = os.pidfd_open(pid)
    say_started(pidfd)
    os.close(pidfd)
    _, status, usage = os.wait4(pid, 0)
    used = bool(has_tmp) and tmp_state() != before
    send([("status", status), ("cpu", "%.6f" % (usage.ru_utime + usage.ru_stime)),
          ("peak", usage.ru_maxrss * 1024), ("used", int(used))])


def load_later(later):
    """Imports one more module; where none is left, waits for jobs only."""
    for name in later:
        try:
            __import__(name)
        except ImportError:
            continue
        gc.freeze()
        return
    control.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, bytes(16))


def wait_up_to(seconds):
    most = struct.pack("ll", 0, int(seconds * 1e6))
    control.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, most)


zygote = os.getpid()
control = _socket.socket(fileno=CONTROL)
