# SPDX-License-Identifier: BSD-3-Clause
"""Locks between processes: of records (POSIX, OFD), of files (BSD), waiting, circles, signals."""

import errno
import fcntl
import os
import signal
import struct
import time

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
LAYOUT = "hhqqi4x"


def record(kind, start=0, length=0, pid=0):
    return struct.pack(LAYOUT, kind, os.SEEK_SET, start, length, pid)


def lock(fd, kind, start=0, length=0, command=fcntl.F_SETLK):
    """The name of the error, or 0."""
    try:
        fcntl.fcntl(fd, command, record(kind, start, length))
    except OSError as error:
        return errno.errorcode[error.errno]
    return 0


def test(fd, kind, start=0, length=0, command=fcntl.F_GETLK):
    """Kind, start, length and holder of the lock in the way."""
    found = fcntl.fcntl(fd, command, record(kind, start, length))
    kind, _, start, length, pid = struct.unpack(LAYOUT, found)
    return (kind, start, length, pid)


def close_if_open(fd):
    try:
        os.close(fd)
    except OSError:
        pass


class Other:
    """A process that does what it is told, one function at a time, on files of its own."""

    def __init__(self, path):
        self.commands, writer = os.pipe()
        reader, self.answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            keep = {self.commands, self.answers}
            for number in range(3, 1024):
                if number not in keep:
                    close_if_open(number)
            try:
                self.serve(path)
            finally:
                os._exit(0)
        os.close(self.commands)
        os.close(self.answers)
        self.writer, self.reader = writer, reader

    def serve(self, path):
        fds = [os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)]
        signal.signal(signal.SIGALRM, lambda *unused: None)
        while True:
            command = os.read(self.commands, 4096).decode()
            if not command:
                return
            os.write(self.answers, repr(eval(command, globals(), {"fds": fds})).encode())

    def start(self, command):
        os.write(self.writer, command.encode())

    def answer(self):
        return eval(os.read(self.reader, 4096).decode())

    def ask(self, command):
        self.start(command)
        return self.answer()

    def blocked(self):
        """Whether it sleeps in the kernel rather than in our pipe."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with open("/proc/%d/syscall" % self.pid) as file:
                words = file.read().split()
            if words and words[0] in ("72", "73"): # fcntl, flock
                return True
            time.sleep(0.005)
        return False

    def end(self):
        os.close(self.writer)
        os.close(self.reader)
        os.waitpid(self.pid, 0)


def prepare(o):
    path = o.path("f")
    with open(path, "wb") as file:
        file.write(b"x" * 1000)
    return path, os.open(path, os.O_RDWR), Other(path)


def finish(path, fd, *others):
    for other in others:
        other.end()
    os.close(fd)
    os.unlink(path)


R, W, U = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK


def records(o):
    path, fd, other = prepare(o)
    o.note("write lock", lock(fd, W, 0, 100))
    o.note("other, same", other.ask("lock(fds[0], W, 0, 100)"))
    o.note("other, overlapping", other.ask("lock(fds[0], R, 99, 10)"))
    o.note("other, beside", other.ask("lock(fds[0], W, 100, 10)"))
    found = other.ask("test(fds[0], W, 0, 0)")
    o.note("who", (found[:3], found[3] == os.getpid()))
    found = test(fd, R, 50, 100)
    o.note("whom", (found[:3], found[3] == other.pid))
    o.note("nobody", other.ask("test(fds[0], W, 500, 1)")[0])
    o.note("own do not conflict", lock(fd, W, 50, 20))
    o.note("downgrade a part", lock(fd, R, 40, 20))
    o.note("other reads it", other.ask("lock(fds[0], R, 40, 20)"))
    o.note("other beside it", other.ask("lock(fds[0], R, 39, 1)"))
    o.note("upgrade is refused", lock(fd, W, 40, 20))
    o.note("unlock the middle", lock(fd, U, 10, 10))
    o.note("other takes it", other.ask("lock(fds[0], W, 10, 10)"))
    o.note("to the end", lock(fd, W, 200, 0))
    o.note("far behind the end", other.ask("lock(fds[0], W, 1 << 40, 1)"))
    o.note("close of another descriptor",
           other.ask("lock(fds[0], W, 150, 1), os.close(fds.pop())"))
    o.note("took its locks off", lock(fd, W, 100, 60))
    o.note("no writing, no write lock", lock(os.open(path, os.O_RDONLY), W, 900, 1))
    o.note("and that close took ours", other.ask("lock(fds[0], W, 0, 10)"))
    finish(path, fd, other)


def lifetimes(o):
    path, fd, other = prepare(o)
    second = os.open(path, os.O_RDWR)
    lock(fd, W, 0, 10)
    o.note("two descriptors, one owner", lock(second, W, 0, 10))
    os.close(second)
    o.note("close takes all off", other.ask("lock(fds[0], W, 0, 10)"))
    other.end()
    o.note("so does the end of a process", lock(fd, W, 0, 10))
    child = os.fork()
    if child == 0:
        os._exit(0 if lock(fd, W, 0, 10) else 1)
    o.note("a child does not inherit", os.waitpid(child, 0)[1])
    o.note("and left ours alone", lock(fd, W, 0, 10))
    finish(path, fd)


def waiting(o):
    path, fd, other = prepare(o)
    lock(fd, W, 0, 10)
    other.start("lock(fds[0], W, 5, 10, fcntl.F_SETLKW)")
    o.note("it waits", other.blocked())
    o.note("others are served", [os.stat(path).st_size for _ in range(50)][-1])
    lock(fd, U, 0, 10)
    o.note("it got it", other.answer())
    o.note("it holds it", lock(fd, W, 14, 1))
    finish(path, fd, other)


def many_waiting(o, count=24):
    """More waiters than there are workers: nothing else may stand still."""
    path, fd, first = prepare(o)
    lock(fd, W, 0, 10)
    others = [Other(path) for _ in range(count)]
    for other in others:
        other.start("(lock(fds[0], W, 0, 10, fcntl.F_SETLKW), lock(fds[0], U, 0, 10))")
    o.note("all wait", all(other.blocked() for other in others))
    with open(o.path("meanwhile"), "wb") as file:
        file.write(b"work")
    o.contents("work goes on", o.path("meanwhile"))
    os.unlink(o.path("meanwhile"))
    lock(fd, U, 0, 10)
    o.note("one after the other", [other.answer() for other in others])
    finish(path, fd, first, *others)


def interrupted(o):
    path, fd, other = prepare(o)
    lock(fd, W, 0, 10)
    other.start("(signal.siginterrupt(signal.SIGALRM, True), wait_raw(fds[0]))")
    o.note("it waits", other.blocked())
    os.kill(other.pid, signal.SIGALRM)
    o.note("a signal ends it", other.answer()[1])
    lock(fd, U, 0, 10)
    o.note("nothing is left", lock(fd, W, 0, 10))
    lock(fd, U, 0, 10)
    o.note("it can lock", other.ask("lock(fds[0], W, 0, 10)"))
    killed = Other(path)
    killed.start("lock(fds[0], W, 0, 10, fcntl.F_SETLKW)")
    o.note("another waits", killed.blocked())
    os.kill(killed.pid, signal.SIGKILL)
    killed.end()
    other.ask("lock(fds[0], U, 0, 10)")
    o.note("the dead got nothing", lock(fd, W, 0, 10))
    finish(path, fd, other)


def wait_raw(fd):
    """fcntl(2) itself: Python's would start anew after a signal."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    what = ctypes.create_string_buffer(record(W, 0, 10))
    result = libc.fcntl(fd, fcntl.F_SETLKW, what)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else 0


def circle(o):
    path, fd, other = prepare(o)
    lock(fd, W, 0, 1)
    other.ask("lock(fds[0], W, 1, 1)")
    other.start("lock(fds[0], W, 0, 1, fcntl.F_SETLKW)")
    o.note("it waits for us", other.blocked())
    o.note("we must not wait for it", lock(fd, W, 1, 1, fcntl.F_SETLKW))
    lock(fd, U, 0, 1)
    o.note("it goes on", other.answer())
    finish(path, fd, other)


def open_file_descriptions(o):
    path, fd, other = prepare(o)
    second = os.open(path, os.O_RDWR)
    o.note("OFD lock", lock(fd, W, 0, 10, F_OFD_SETLK))
    o.note("conflicts with our other one", lock(second, W, 0, 10, F_OFD_SETLK))
    o.note("and with another process", other.ask("lock(fds[0], R, 0, 10)"))
    o.note("and with POSIX locks of ours", lock(fd, W, 5, 1))
    os.close(second)
    o.note("another's close does not matter", other.ask("lock(fds[0], W, 0, 1, F_OFD_SETLK)"))
    os.close(fd)
    o.note("the last close does", other.ask("lock(fds[0], W, 0, 1, F_OFD_SETLK)"))
    finish(path, os.open(path, os.O_RDWR), other)


def flock(fd, operation):
    try:
        fcntl.flock(fd, operation)
    except OSError as error:
        return errno.errorcode[error.errno]
    return 0


EX, SH, UN, NB = fcntl.LOCK_EX, fcntl.LOCK_SH, fcntl.LOCK_UN, fcntl.LOCK_NB


def files(o):
    path, fd, other = prepare(o)
    second = os.open(path, os.O_RDWR)
    o.note("exclusive", flock(fd, EX))
    o.note("another descriptor", flock(second, EX | NB))
    o.note("another process", other.ask("flock(fds[0], SH | NB)"))
    o.note("convert", flock(fd, SH))
    o.note("share", other.ask("flock(fds[0], SH | NB)"))
    o.note("convert back is refused", flock(fd, EX | NB))
    flock(fd, SH)
    other.start("flock(fds[0], EX)")
    o.note("it waits", other.blocked())
    os.close(second)
    copy = os.dup(fd)
    os.close(fd)
    o.note("a copy keeps the lock", other.blocked())
    os.close(copy)
    o.note("the last close frees it", other.answer())
    fd = os.open(path, os.O_RDWR)
    o.note("no conflict with record locks", lock(fd, W, 0, 10))
    other.end()
    o.note("freed by the end of its process", flock(fd, EX | NB))
    finish(path, fd)


def beneath(o):
    """Locks through the mirror hold against those who work beneath, and the other way round."""
    path, fd, other = prepare(o)
    under = os.path.join(o.beneath, "f")
    below = Other(under)
    lock(fd, W, 0, 10)
    o.note("beneath it is locked", below.ask("lock(fds[0], W, 0, 1)"))
    below.ask("lock(fds[0], W, 20, 1)")
    o.note("and here", lock(fd, R, 20, 1))
    found = test(fd, W, 20, 1)
    o.note("by whom", found[3] == below.pid)
    other.start("lock(fds[0], W, 20, 1, fcntl.F_SETLKW)")
    o.note("it waits", other.blocked())
    below.ask("lock(fds[0], U, 20, 1)")
    o.note("it got it", other.answer())
    finish(path, fd, other, below)


ALL = [records, lifetimes, waiting, many_waiting, interrupted, circle, open_file_descriptions,
       files, beneath]
