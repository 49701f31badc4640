#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Nobody can do through the mirror what he could not do beneath."""

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from mirror import Mirror, is_mounted, wait_for

ODD_FS = os.environ.get("ODD_FS", "odd-fs")
CAPABILITY = struct.pack("<IIIII", 0x02000001, 0xffffffff, 0, 0xffffffff, 0)
problems = []


def check(condition, what):
    print("%s %s" % ("ok" if condition else "not ok", what))
    if not condition:
        problems.append(what)


def as_nobody(function):
    """What function raised as an ordinary user (an errno), or what it returned."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        try:
            said = repr(function())
        except OSError as error:
            said = errno.errorcode[error.errno]
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


class Odd:
    """A mirror of tests/fuse/odd_fs.c."""

    def __init__(self, *options, limit=None):
        self.mirror = Mirror("--no-events", *options)
        self.mirror.limit = limit

    def __enter__(self):
        source = self.mirror.source
        self.process = subprocess.Popen([ODD_FS, "-f", "-o", "allow_other", source])
        wait_for(lambda: is_mounted(source), what="the odd file system")
        return self.mirror.start()

    def __exit__(self, *exception):
        self.mirror.stop()
        subprocess.run(["umount", "-l", self.mirror.source], check=False)
        self.process.wait(timeout=20)
        self.mirror.__exit__()


def created_meanwhile():
    """What another made since the name was looked up is opened as it permits, or not at all."""
    with Odd() as mirror:
        for flags in (os.O_RDWR, os.O_WRONLY | os.O_TRUNC, os.O_RDONLY):
            path = os.path.join(mirror.mount, "late-%x" % flags)
            said = as_nobody(lambda: os.open(path, os.O_CREAT | flags, 0o600))
            check(said == "EACCES", "another's file, open(O_CREAT | %#x): %s" % (flags, said))
            check(os.open(path, os.O_CREAT | os.O_RDWR) >= 0, "root may open it")
        path = os.path.join(mirror.mount, "late-excl")
        said = as_nobody(lambda: os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        check(said == "EEXIST", "O_EXCL: %s" % said)


def racing():
    """Two that make and remove a name: whoever comes second opens it."""
    with Mirror("--no-events") as mirror:
        path, failed = os.path.join(mirror.mount, "x"), []
        end = time.monotonic() + 2
        pid = os.fork()
        if pid == 0:
            while time.monotonic() < end:
                os.close(os.open(os.path.join(mirror.source, "x"), os.O_CREAT | os.O_WRONLY, 0o600))
                os.unlink(os.path.join(mirror.source, "x"))
            os._exit(0)

        def attack():
            got = 0
            while time.monotonic() < end:
                try:
                    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
                    got += os.fstat(fd).st_uid == 0
                    os.close(fd)
                except OSError:
                    pass
            return got

        os.chmod(mirror.source, 0o777)
        said = as_nobody(attack)
        os.waitpid(pid, 0)
        check(said == "0", "descriptors of root's files: %s" % said)


def inner_mounts():
    """Options of mounts within SOURCE hold through the mirror."""
    with Mirror("--no-events", "--timeout", "0") as mirror:
        for option in ("nosuid", "nodev", "noexec"):
            inner = os.path.join(mirror.source, option)
            os.mkdir(inner)
            subprocess.run(["mount", "-t", "tmpfs", "-o", option, "none", inner], check=True)
        bound = os.path.join(mirror.source, "bound")
        plain = os.path.join(mirror.source, "plain")
        os.mkdir(bound)
        os.mkdir(plain)
        fill(plain)
        subprocess.run(["mount", "--bind", plain, bound], check=True)
        subprocess.run(["mount", "-o", "remount,bind,nosuid,nodev,noexec", bound], check=True)
        try:
            for option in ("nosuid", "nodev", "noexec"):
                fill(os.path.join(mirror.source, option))
                hold(mirror, option, {option})
            hold(mirror, "bound", {"nosuid", "nodev", "noexec"})
            os.rename(plain, plain + "2") # else it is the same file, known by the stricter mount
            fresh = os.path.join(mirror.source, "fresh")
            os.mkdir(fresh)
            fill(fresh)
            hold(mirror, "fresh", set())
        finally:
            for name in ("nosuid", "nodev", "noexec", "bound"):
                subprocess.run(["umount", "-l", os.path.join(mirror.source, name)], check=False)


def fill(folder):
    os.chmod(folder, 0o755)
    program = os.path.join(folder, "id")
    shutil.copy("/usr/bin/id", program)
    os.chmod(program, 0o6755)
    open(os.path.join(folder, "capable"), "w").close()
    os.setxattr(os.path.join(folder, "capable"), "security.capability", CAPABILITY)
    os.mknod(os.path.join(folder, "null"), 0o20666, os.makedev(1, 3))
    os.chmod(os.path.join(folder, "null"), 0o666)


def hold(mirror, name, options):
    program = os.path.join(mirror.mount, name, "id")
    device = os.path.join(mirror.mount, name, "null")
    file = os.path.join(mirror.mount, name, "capable")

    def run():
        return subprocess.run([program, "-u"], capture_output=True, text=True,
                              check=False).stdout.strip()

    def write():
        with open(device, "w") as file:
            return file.write("x")

    ran = as_nobody(run)
    wanted = "EACCES" if "noexec" in options else "'65534'" if "nosuid" in options else "'0'"
    check(ran == wanted, "%s: a set-id program says %s" % (name, ran))
    wrote = as_nobody(write)
    check((wrote == "1") == ("nodev" not in options), "%s: a device says %s" % (name, wrote))
    try:
        capable = bool(os.getxattr(file, "security.capability"))
    except OSError:
        capable = False
    check(capable == ("nosuid" not in options), "%s: capabilities: %s" % (name, capable))
    check(("security.capability" in os.listxattr(file)) == capable, "%s: their list" % name)


def foreign_attributes():
    """Attributes whose permissions only the file system beneath knows are root's to set."""
    with Odd() as mirror:
        path = os.path.join(mirror.mount, "acl")
        for name in ("system.nfs4_acl", "system.cifs_acl", "system.ntfs_security"):
            said = as_nobody(lambda: os.setxattr(path, name, b"mine"))
            check(said == "ENOTSUP", "%s set by anybody: %s" % (name, said))
            os.setxattr(path, name, b"root's")
            check(os.getxattr(path, name) == b"root's", "%s set by root" % name)
            said = as_nobody(lambda: os.removexattr(path, name))
            check(said == "ENOTSUP", "%s removed by anybody: %s" % (name, said))
            os.removexattr(path, name)


def long_names():
    """Names longer than NAME_MAX are given back like any other when descriptors run short."""
    with Odd("--cache", "always", limit=150) as mirror:
        folder = os.path.join(mirror.mount, "long")
        names = os.listdir(folder)
        check(len(names) == 200 and len(names[0]) == 700, "names of %d bytes" % len(names[0]))
        os.chdir(folder) # a path of such a name is too long otherwise
        failed = sum(not reach(name) for name in names)
        os.chdir("/")
        check(failed == 0, "%d could not be reached" % failed)
        check(mirror.stop() == 0, "vex-fuse ends well")


def reach(name):
    for _ in range(200):
        try:
            return os.stat(name).st_size == 0
        except OSError:
            time.sleep(0.02)
    return False


def hold_and_wait(folder, level, ready):
    """Holds a lock with others of its level, and waits for what those of the next one hold."""
    with open(os.path.join(folder, str(level)), "rb+") as held, \
            open(os.path.join(folder, str(level + 1)), "rb+") as wanted:
        fcntl.lockf(held, fcntl.LOCK_SH)
        os.write(ready, b"x")
        fcntl.lockf(wanted, fcntl.LOCK_EX)


def crowd(folder, levels, width):
    """A net of processes in which as many ways lead from the top down as width to levels."""
    pids = []
    for level in reversed(range(levels)):
        reader, writer = os.pipe()
        for _ in range(width):
            pid = os.fork()
            if pid == 0:
                try:
                    hold_and_wait(folder, level, writer)
                finally:
                    os._exit(0)
            pids.append(pid)
        for _ in range(width):
            os.read(reader, 1)
        time.sleep(0.02)
        os.close(reader)
        os.close(writer)
    return pids


def locking():
    """Nobody's waiting keeps others from locks of their own; a long circle is found."""
    levels, width = 12, 6
    with Mirror("--no-events") as mirror:
        for name in [*map(str, range(levels + 1)), "own"]:
            open(os.path.join(mirror.mount, name), "wb").close()
        last = open(os.path.join(mirror.mount, str(levels)), "rb+")
        fcntl.lockf(last, fcntl.LOCK_EX)
        pids = crowd(mirror.mount, levels, width)
        slowest = 0
        with open(os.path.join(mirror.mount, "own"), "rb+") as own:
            for _ in range(50):
                began = time.monotonic()
                fcntl.lockf(own, fcntl.LOCK_EX)
                fcntl.lockf(own, fcntl.LOCK_UN)
                slowest = max(slowest, time.monotonic() - began)
        check(slowest < 0.5, "an uncontended lock took %.3f s at most" % slowest)
        try:
            with open(os.path.join(mirror.mount, "0"), "rb+") as first:
                fcntl.lockf(first, fcntl.LOCK_EX)
                check(False, "a circle of %d" % levels)
        except OSError as error:
            check(error.errno == errno.EDEADLK, "a circle of %d: %s" % (levels, error))
        for pid in pids:
            os.kill(pid, 9)
        for pid in pids:
            os.waitpid(pid, 0)
        last.close()


def locked_programs():
    """Whoever locks what he reads alone keeps nobody from executing it; and may go on to write."""
    with Mirror("--no-events") as mirror:
        above, beneath = (os.path.join(each, "true") for each in (mirror.mount, mirror.source))
        shutil.copy("/bin/true", above)
        os.chmod(above, 0o755)
        with open(above, "rb") as reader:
            fcntl.lockf(reader, fcntl.LOCK_SH, 10, 5)
            try:
                done = subprocess.run([beneath], check=False).returncode
            except OSError as error:
                done = error
            check(done == 0, "a program whose contents are locked for reading: %s" % done)
            with open(above, "rb+") as writer:
                fcntl.lockf(writer, fcntl.LOCK_EX, 10, 50)
                check(as_nobody(lambda: held_by(beneath)) == repr((fcntl.F_RDLCK, 5)),
                      "what was locked for reading stays so")
                check(as_nobody(lambda: held_by(beneath, 50)) == repr((fcntl.F_WRLCK, 50)),
                      "and more is locked for writing")
        check(as_nobody(lambda: held_by(beneath)) == repr((fcntl.F_UNLCK, 0)), "all goes")


def held_by(path, start=0):
    """The first lock behind start, as one who would write hears of it: type and place."""
    with open(path, "rb") as file:
        asked = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, start, 0, 0)
        kind, _, first, _, _ = struct.unpack("hhqqi", fcntl.fcntl(file, fcntl.F_GETLK, asked))
        return kind, first if kind != fcntl.F_UNLCK else 0


def reserved_blocks():
    """What a file system keeps for root is not an ordinary user's through root's mirror."""
    with tempfile.TemporaryDirectory(prefix="vex-fuse-ext4-") as base:
        image, source = os.path.join(base, "image"), os.path.join(base, "source")
        os.mkdir(source)
        with open(image, "wb") as file:
            file.truncate(32 << 20)
        done = subprocess.run("mkfs.ext4 -q -m 50 %s && mount -o loop %s %s" %
                              (image, image, source), shell=True, check=False,
                              capture_output=True)
        if done.returncode:
            print("ok no ext4 can be made and mounted here: left out")
            return
        try:
            with Mirror("--no-events", base=base) as mirror:
                os.chmod(source, 0o777)
                os.stat(source)
                # The thread that serves him serves root as well.
                root = subprocess.Popen(["sh", "-c", "while :; do : >root; rm root; done"],
                                        cwd=mirror.mount)
                said = as_nobody(lambda: fill_up(os.path.join(mirror.mount, "full")))
                root.kill()
                root.wait()
                left = os.statvfs(source)
                check(said == "ENOSPC" and left.f_bfree > 2000,
                      "%s with %d blocks left" % (said, left.f_bfree))
        finally:
            subprocess.run(["umount", "-l", source], check=False)


def fill_up(path):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    while True:
        os.write(fd, b"x" * 65536)
        os.fsync(fd)


def main():
    for part in (created_meanwhile, racing, inner_mounts, foreign_attributes, long_names, locking, locked_programs,
                 reserved_blocks):
        part()
    print("%d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
