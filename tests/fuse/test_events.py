#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What each operation's event says: type, caller, path, result, file, range, pair."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time

from mirror import Mirror
from observe import RENAME_EXCHANGE, fallocate, link_fd, renameat2
from plane import Counter, Plane

problems = []


def check(condition, what):
    if not condition:
        problems.append(what)
        print("not ok " + what)


class Watch:
    """The events of one action, without those that the kernel makes of its own accord."""

    def __init__(self, counter, mirror):
        self.counter, self.mirror = counter, mirror

    def of(self, action):
        self.counter.events()
        action()
        return self.counter.events()

    def path(self, *names):
        return os.path.join(self.mirror.mount, *names)


def one(events, kind, what):
    found = [event for event in events if event["type"] == kind]
    check(len(found) == 1, "%s: %d events of type %s instead of one: %s" % (
        what, len(found), kind, [event["type"] for event in events]))
    return found[0] if found else {}


def holds(event, what, **fields):
    for name, value in fields.items():
        check(event.get(name) == value, "%s: %s is %r, not %r" % (
            what, name, event.get(name), value))


def swallow(function, *args):
    try:
        function(*args)
    except OSError:
        pass


def namespace(watch):
    p = watch.path
    st = lambda name: os.lstat(os.path.join(watch.mirror.source, name))
    events = watch.of(lambda: os.close(os.open(p("f"), os.O_CREAT | os.O_WRONLY, 0o640)))
    create = one(events, "create", "create")
    holds(create, "create", path=p("f"), result=0, pid=os.getpid(), tid=os.getpid(),
          ppid=os.getppid(), uid=0, gid=0, ino=st("f").st_ino, dev=st("f").st_dev,
          mode=st("f").st_mode, parent_ino=st(".").st_ino)
    with open("/proc/self/comm") as file:
        holds(create, "create", comm=file.read().strip())
    age = time.time() * 1e9 - create["start_ns"]
    check(0 < age < 60e9, "create: it started %d ns ago" % age)
    check(0 < create["duration_ns"] < 10e9, "create: lasted %r" % create["duration_ns"])
    holds(one(events, "flush", "create"), "flush", path=p("f"))
    close = one(events, "close", "create")
    holds(close, "close", path=p("f"), pid=os.getpid(), uid=0)
    lookup = one(events, "lookup", "create")
    holds(lookup, "lookup", path=p("f"), result=-errno.ENOENT)

    holds(one(watch.of(lambda: os.mkdir(p("d"), 0o750)), "mkdir", "mkdir"), "mkdir", path=p("d"),
          mode=st("d").st_mode, ino=st("d").st_ino)
    holds(one(watch.of(lambda: os.symlink("to/where", p("l"))), "symlink", "symlink"), "symlink",
          path=p("l"), path2="to/where", ino=st("l").st_ino)
    holds(one(watch.of(lambda: os.link(p("f"), p("d", "g"))), "link", "link"), "link",
          path=p("f"), path2=p("d", "g"), ino=st("f").st_ino, parent2_ino=st("d").st_ino)
    holds(one(watch.of(lambda: os.rename(p("f"), p("d", "h"))), "rename", "rename"), "rename",
          path=p("f"), path2=p("d", "h"), ino=st("d/h").st_ino, parent_ino=st(".").st_ino,
          parent2_ino=st("d").st_ino, result=0)
    holds(one(watch.of(lambda: renameat2(p("l"), p("d", "h"), RENAME_EXCHANGE)), "rename",
              "exchange"), "exchange", flags=RENAME_EXCHANGE)
    number = st("d/g").st_ino
    holds(one(watch.of(lambda: os.unlink(p("d", "g"))), "delete", "unlink"), "unlink",
          path=p("d", "g"), ino=number)
    os.mkdir(p("d", "sub"))
    holds(one(watch.of(lambda: os.rmdir(p("d", "sub"))), "rmdir", "rmdir"), "rmdir",
          path=p("d", "sub"))
    holds(one(watch.of(lambda: swallow(os.rmdir, p("d"))), "rmdir", "rmdir"), "rmdir, full",
          path=p("d"), result=-errno.ENOTEMPTY)
    holds(one(watch.of(lambda: os.mkfifo(p("fifo"))), "mknod", "mkfifo"), "mkfifo",
          path=p("fifo"), mode=st("fifo").st_mode)
    os.unlink(p("fifo"))


def moved_paths(watch):
    """Paths follow the renames of directories above, and outlive the last name."""
    p = watch.path
    os.makedirs(p("a", "b", "c"))
    fd = os.open(p("a", "b", "c", "file"), os.O_CREAT | os.O_RDWR)
    os.rename(p("a", "b"), p("moved"))
    holds(one(watch.of(lambda: os.write(fd, b"x")), "write", "after a rename above"), "write",
          path=p("moved", "c", "file"))
    os.unlink(p("moved", "c", "file"))
    holds(one(watch.of(lambda: os.write(fd, b"x")), "write", "after unlink"), "write",
          path=p("moved", "c", "file"))
    os.rename(p("moved"), p("again"))
    holds(one(watch.of(lambda: os.write(fd, b"x")), "write", "after both"), "write",
          path=p("again", "c", "file"))
    os.close(fd)
    name = os.fsencode(p("n")) + b"\xff\n\x01"
    event = one(watch.of(lambda: os.close(os.open(name, os.O_CREAT | os.O_WRONLY))), "create",
                "any bytes")
    import base64
    check(base64.b64decode(event.get("path_b64", "")) == name, "any bytes: %r" % event)
    os.unlink(name)


def cut(mount, names):
    """What an event says of mount/names: at most 4,096 bytes, cut in front of the last name."""
    whole = "/".join([mount, *names])
    if len(whole) <= 4096:
        return whole
    tail = "//.../" + names[-1]
    kept = mount
    for name in names[:-1]:
        if len(kept) + 1 + len(name) + len(tail) > 4096:
            break
        kept += "/" + name
    return kept + tail


def long_paths(watch):
    """Beyond 4,096 bytes a path keeps its front and its last name, and says that it was cut."""
    names, level = [], os.open(watch.mirror.mount, os.O_RDONLY | os.O_DIRECTORY)
    flags = os.O_CREAT | os.O_WRONLY
    told = lambda *more: cut(watch.mirror.mount, [*names, *more])

    def work():
        os.close(os.open("leaf", flags, dir_fd=level))
        os.mkdir("l" * 255, dir_fd=level)
        os.rename("leaf", "moved", src_dir_fd=level, dst_dir_fd=level)

    for depth in range(1, 61):
        names.append("%02d" % depth + "q" * 148)
        os.mkdir(names[-1], dir_fd=level)
        below = os.open(names[-1], os.O_RDONLY | os.O_DIRECTORY, dir_fd=level)
        os.close(level)
        level = below
        if depth not in (25, 26, 27, 28, 60):
            continue
        events = watch.of(work)
        for kind in ("create", "close"):
            holds(one(events, kind, "deep"), "%s %d deep" % (kind, depth), path=told("leaf"))
        holds(one(events, "mkdir", "deep"), "mkdir %d deep" % depth, path=told("l" * 255))
        holds(one(events, "rename", "deep"), "rename %d deep" % depth, path=told("leaf"),
              path2=told("moved"))
    check(len(told()) < 4096 < 60 * 150 and "//.../60q" in told(), "a path is cut: " + told())
    os.close(level)


def contents(watch):
    p = watch.path
    fd = os.open(p("io"), os.O_CREAT | os.O_RDWR | os.O_DIRECT)
    import mmap
    page = mmap.mmap(-1, 8192)
    holds(one(watch.of(lambda: os.pwritev(fd, [page], 4096)), "write", "pwrite"), "write",
          path=p("io"), offset=4096, size=8192, result=8192, pid=os.getpid())
    holds(one(watch.of(lambda: os.preadv(fd, [page], 8192)), "read", "pread"), "read",
          offset=8192, size=8192, result=4096)
    holds(one(watch.of(lambda: os.fsync(fd)), "sync", "fsync"), "sync", path=p("io"), result=0)
    holds(one(watch.of(lambda: os.ftruncate(fd, 100)), "truncate", "ftruncate"), "truncate",
          path=p("io"), size=100)
    holds(one(watch.of(lambda: fallocate(fd, 0, 10, 5000)), "fallocate", "fallocate"),
          "fallocate", offset=10, size=5000, flags=0)
    holds(one(watch.of(lambda: os.lseek(fd, 0, os.SEEK_HOLE)), "lseek", "lseek"), "lseek",
          flags=os.SEEK_HOLE)
    os.truncate(p("io"), 3 << 30)
    size = os.lseek(fd, 2 << 30, os.SEEK_HOLE)
    holds(one(watch.of(lambda: os.lseek(fd, 2 << 30, os.SEEK_HOLE)), "lseek", "far"), "far",
          offset=2 << 30, size=size)
    os.truncate(p("io"), 5010)
    other = os.open(p("copy"), os.O_CREAT | os.O_RDWR)
    holds(one(watch.of(lambda: os.copy_file_range(fd, other, 3000, 5, 7)), "copy_file_range",
              "copy"), "copy_file_range", path=p("copy"), path2=p("io"), offset=7, size=3000,
          result=3000)
    holds(one(watch.of(lambda: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 20)), "lock",
              "lock"), "lock", offset=20, size=10, flags=fcntl.F_WRLCK)
    holds(one(watch.of(lambda: fcntl.flock(fd, fcntl.LOCK_EX)), "flock", "flock"), "flock",
          flags=fcntl.LOCK_EX)
    tmp = []
    event = one(watch.of(lambda: tmp.append(os.open(watch.mirror.mount,
                                                    os.O_TMPFILE | os.O_RDWR))),
                "tmpfile", "tmpfile")
    holds(event, "tmpfile", path=p("#%d" % os.fstat(tmp[0]).st_ino), ino=os.fstat(tmp[0]).st_ino)
    os.mkdir(p("gone"))
    folder = os.open(p("gone"), os.O_RDONLY)
    os.rmdir(p("gone"))
    failed = one(watch.of(lambda: swallow(os.open, "/proc/self/fd/%d" % folder,
                                          os.O_TMPFILE | os.O_RDWR)), "tmpfile", "no tmpfile")
    os.close(folder)
    holds(failed, "no tmpfile", path=p("gone"))
    check(failed.get("result", 0) < 0, "no tmpfile: %r" % failed)
    event = one(watch.of(lambda: link_fd(tmp[0], p("named"))), "link", "link of a tmpfile")
    holds(event, "link of a tmpfile", path2=p("named"))
    holds(one(watch.of(lambda: os.write(tmp[0], b"x")), "write", "named"), "a tmpfile with a name",
          path=p("named"))
    for number in (fd, other, tmp[0]):
        os.close(number)


def attributes(watch):
    p = watch.path
    os.close(os.open(p("at"), os.O_CREAT | os.O_WRONLY))
    holds(one(watch.of(lambda: os.chmod(p("at"), 0o604)), "chmod", "chmod"), "chmod",
          path=p("at"), mode=0o100604)
    holds(one(watch.of(lambda: os.chown(p("at"), 5, 6)), "chown", "chown"), "chown", path=p("at"))
    holds(one(watch.of(lambda: os.utime(p("at"), ns=(1, 2))), "utimens", "utime"), "utimens",
          path=p("at"))
    holds(one(watch.of(lambda: os.truncate(p("at"), 77)), "truncate", "truncate"), "truncate",
          path=p("at"), size=77)
    event = one(watch.of(lambda: os.setxattr(p("at"), "user.k", b"v\x00w")), "setxattr", "xattr")
    holds(event, "setxattr", path=p("at"))
    check("user.k" in str(event), "setxattr: no name in %r" % event)
    event = one(watch.of(lambda: os.getxattr(p("at"), "user.k")), "getxattr", "xattr")
    check("user.k" in str(event), "getxattr: no name in %r" % event)
    one(watch.of(lambda: os.removexattr(p("at"), "user.k")), "removexattr", "removexattr")
    holds(one(watch.of(lambda: swallow(os.removexattr, p("at"), "user.k")), "removexattr",
              "removexattr"), "removexattr", result=-errno.ENODATA)
    holds(one(watch.of(lambda: os.statvfs(watch.mirror.mount)), "statfs", "statfs"), "statfs",
          path=watch.mirror.mount)
    os.symlink("aim", p("ln"))
    holds(one(watch.of(lambda: os.readlink(p("ln"))), "readlink", "readlink"), "readlink",
          path=p("ln"), path2="aim", result=3)
    events = watch.of(lambda: os.listdir(p("d")))
    holds(one(events, "opendir", "listdir"), "opendir", path=p("d"))
    holds(one(events, "releasedir", "listdir"), "releasedir", path=p("d"), pid=os.getpid())
    check(any(event["type"] == "readdir" for event in events), "listdir: no readdir")


def callers(watch):
    """Another process, another thread, another user: each event tells who."""
    p = watch.path
    os.chmod(watch.mirror.mount, 0o777)
    child = []

    def run():
        process = subprocess.Popen(["touch", p("by-touch")], user=65534, group=65533,
                                   extra_groups=[])
        child.append(process.pid)
        process.wait()

    events = watch.of(run)
    for kind in ("create", "close"):
        holds(one(events, kind, "touch"), "touch: " + kind, pid=child[0], ppid=os.getpid(),
              uid=65534, gid=65533, comm="touch")
    import threading
    told = []

    def work():
        told.append(threading.get_native_id())
        os.mkdir(p("by-thread"))

    def thread():
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()

    holds(one(watch.of(thread), "mkdir", "thread"), "thread", tid=told[0], pid=os.getpid())


def waiting(watch):
    """A lock that was waited for: one event, which lasted as long as the waiting."""
    p = watch.path
    fd = os.open(p("at"), os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX)

    def wait():
        process = subprocess.Popen([sys.executable, "-c",
                                    "import fcntl,sys\nf=open(sys.argv[1],'r+')\n"
                                    "print(flush=True)\nfcntl.lockf(f,fcntl.LOCK_EX)", p("at")],
                                   stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.2)
        fcntl.lockf(fd, fcntl.LOCK_UN)
        process.wait()
        process.stdout.close()

    events = [event for event in watch.of(wait)
              if event["type"] == "lock" and event["pid"] != os.getpid()]
    check(len(events) == 1 and events[0]["result"] == 0, "waiting: %r" % events)
    check(events and events[0]["duration_ns"] > 50000000, "waiting: too short: %r" % events)
    os.close(fd)


def order(watch):
    """One process does one thing after another: so come its events, whoever served it."""
    for _ in range(5):
        names = [watch.path("o%d" % i) for i in range(1000)]
        events = in_order_of(watch, names)
        if not any(event["type"] == "gap" for event in events):
            break  # a busy machine may lose some, and says so: then none tells of the order
    seen = {name: [] for name in names}
    for event in events:
        if event["type"] in ("create", "write", "flush", "rename", "delete"):
            seen[event["path"].rstrip("-")].append(event["type"])
    wrong = [kinds for kinds in seen.values()
             if kinds != ["create", "write", "flush", "rename", "delete"]]
    check(not wrong, "%d of %d files out of order, such as %r; %d gaps" % (
        len(wrong), len(names), wrong[:1], sum(event["type"] == "gap" for event in events)))


def in_order_of(watch, names):
    def work():
        for name in names:
            fd = os.open(name, os.O_CREAT | os.O_WRONLY)
            os.write(fd, b"x")
            os.close(fd)
            os.rename(name, name + "-")
            os.unlink(name + "-")

    return watch.of(work)


APPEND_ONLY = 0x20
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602


def set_flags(path, flags):
    """Returns whether the file system beneath knows of such flags."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, flags.to_bytes(4, "little"))
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def appending(watch):
    """An append is told where it came to stand, and a file for appending alone takes it."""
    above, beneath = watch.path("log"), os.path.join(watch.mirror.source, "log")
    fd = os.open(above, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"one")
    with open(beneath, "ab") as file:
        file.write(b"another's")
    holds(one(watch.of(lambda: os.write(fd, b"two")), "write", "append"), "append", offset=12,
          size=3, result=3)
    os.close(fd)
    with open(beneath, "rb") as file:
        check(file.read() == b"oneanother'stwo", "appends do not overwrite each other")
    if not set_flags(beneath, APPEND_ONLY):
        print("ok chattr +a is not known here: left out")
        return
    try:
        fd = os.open(above, os.O_WRONLY | os.O_APPEND)
        holds(one(watch.of(lambda: os.write(fd, b"three")), "write", "+a"), "+a", offset=15)
        os.close(fd)
        for flags in (os.O_WRONLY, os.O_WRONLY | os.O_APPEND | os.O_TRUNC):
            try:
                os.close(os.open(above, flags))
                check(False, "+a: open with %#x" % flags)
            except OSError as error:
                check(error.errno == errno.EPERM, "+a: %s" % error)
    except OSError as error:
        check(False, "+a: %s" % error)
    finally:
        set_flags(beneath, 0)


def links(watch):
    """A file of several names is told of by the one that was used, cached or not."""
    secret, public = watch.path("secret"), watch.path("public")

    def write(path):
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, b"x")
        os.close(fd)

    os.close(os.open(secret, os.O_CREAT | os.O_WRONLY))
    os.link(secret, public)
    for kind in ("open", "write", "close"):
        holds(one(watch.of(lambda: write(public)), kind, "a link"), "a link: " + kind, path=public)
    os.unlink(secret)
    for kind in ("open", "write", "close"):
        holds(one(watch.of(lambda: write(public)), kind, "a link left"), "the link left: " + kind,
              path=public)
    for name in ("third", "fourth"):
        os.link(os.path.join(watch.mirror.source, "public"), os.path.join(watch.mirror.source, name))
    for name in ("third", "fourth", "third"):
        holds(one(watch.of(lambda: write(watch.path(name))), "write", "links"), "links",
              path=watch.path(name))


def while_stopped(mirror, plane):
    """A data plane that does not answer keeps nobody waiting at the mirror."""
    plane.process.send_signal(signal.SIGSTOP)
    try:
        mirror.start()
        began = time.monotonic()
        os.listdir(mirror.mount)
        check(time.monotonic() - began < 2, "the first look lasted %.1f s" %
              (time.monotonic() - began))
    finally:
        plane.process.send_signal(signal.SIGCONT)
    mirror.stop()


def main():
    with Mirror() as mirror:
        mirror.stop()
        with Plane(mirror.base) as plane:
            mirror.options = ["--socket", plane.socket, "--timeout", "0"]
            with Counter(plane, lines=True) as counter:
                mirror.start()
                watch = Watch(counter, mirror)
                events = counter.events()
                holds(one(events, "mount", "mount"), "mount", path=mirror.mount,
                      path2=mirror.source)
                for part in (namespace, moved_paths, long_paths, contents, attributes, callers, waiting,
                             appending, order):
                    part(watch)
                events = watch.of(mirror.stop)
                holds(one(events, "unmount", "unmount"), "unmount", path=mirror.mount)
                mirror.options = ["--socket", plane.socket, "--timeout", "3600"]
                mirror.start()
                links(watch)
                mirror.stop()
                while_stopped(mirror, plane)
    print("%d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
