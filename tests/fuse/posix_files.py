# SPDX-License-Identifier: BSD-3-Clause
"""Contents: read, written, appended, truncated, mapped, sparse, allocated, copied."""

import array
import fcntl
import mmap
import os
import threading

from observe import COLLAPSE, INSERT, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE, fallocate, hash_of

FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR = 0x80086601, 0x40086602, 0x801C581F
FS_APPEND_FL, FS_NODUMP_FL = 0x20, 0x40


def make(o, name, data=b"", flags=0):
    fd = os.open(o.path(name), os.O_CREAT | os.O_RDWR | os.O_TRUNC | flags, 0o644)
    if data:
        os.write(fd, data)
    return fd


def reading(o):
    data = os.urandom(1) * 3000000
    fd = make(o, "f", data)
    for size, offset in ((1, 0), (4096, 0), (4096, 4095), (1 << 20, 1000), (5000000, 0),
                         (10, 2999995), (10, 3000000), (10, 4000000)):
        o.do("pread %d at %d" % (size, offset), lambda: len(os.pread(fd, size, offset)))
    o.do("negative offset", os.pread, fd, 1, -1)
    o.do("preadv", os.preadv, fd, [bytearray(3), bytearray(5)], 2999996)
    o.do("lseek END", os.lseek, fd, -5, os.SEEK_END)
    o.do("read", lambda: len(os.read(fd, 100)))
    o.do("read at the end", os.read, fd, 100)
    o.do("lseek beyond", os.lseek, fd, 1 << 40, os.SEEK_SET)
    o.do("read there", os.read, fd, 1)
    o.do("lseek back", os.lseek, fd, -1, os.SEEK_SET)
    os.close(fd)
    o.do("read of a closed", os.read, fd, 1)
    os.unlink(o.path("f"))


def writing(o):
    fd = make(o, "f")
    total = 0
    for size in (1, 4095, 4096, 4097, 131072, 1 << 20, 3000001):
        o.do("write %d" % size, os.write, fd, bytes([size % 251]) * size)
        total += size
    o.do("size", os.fstat, fd)
    o.contents("all of it", o.path("f"))
    o.do("pwrite in the middle", os.pwrite, fd, b"MIDDLE", 100000)
    o.do("pwritev", os.pwritev, fd, [b"ab", b"", b"cde"], 200000)
    o.contents("all of it", o.path("f"))
    o.do("write nothing", os.write, fd, b"")
    o.do("pwrite far away", os.pwrite, fd, b"end", 1 << 33)
    o.do("size", os.fstat, fd)
    o.do("pwrite too far", os.pwrite, fd, b"end", (1 << 63) - 2)
    o.do("fsync", os.fsync, fd)
    o.do("fdatasync", os.fdatasync, fd)
    o.do("syncfs", lambda: os.sync())
    os.close(fd)
    os.unlink(o.path("f"))


def appending(o):
    fd = make(o, "f", b"0123", os.O_APPEND)
    o.do("append", os.write, fd, b"45")
    os.lseek(fd, 0, os.SEEK_SET)
    o.do("append after a seek", os.write, fd, b"67")
    o.do("position", os.lseek, fd, 0, os.SEEK_CUR)
    other = os.open(o.path("f"), os.O_WRONLY)
    os.lseek(other, 0, os.SEEK_END)
    os.write(other, b"other")
    o.do("append behind another", os.write, fd, b"89")
    o.contents("all", o.path("f"))
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_APPEND)
    o.do("pwrite without O_APPEND", os.pwrite, fd, b"XX", 1)
    fcntl.fcntl(other, fcntl.F_SETFL, os.O_APPEND)
    os.lseek(other, 0, os.SEEK_SET)
    o.do("append since fcntl", os.write, other, b"tail")
    o.contents("all", o.path("f"))
    os.close(fd)
    os.close(other)
    os.unlink(o.path("f"))


def appending_together(o, threads=4, lines=300):
    open(o.path("f"), "wb").close()

    def work(number):
        fd = os.open(o.path("f"), os.O_WRONLY | os.O_APPEND)
        for line in range(lines):
            os.write(fd, b"%d %04d\n" % (number, line))
        os.close(fd)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with open(o.path("f"), "rb") as file:
        found = file.read().splitlines()
    o.note("lines", len(found))
    o.note("each once", len(set(found)))
    o.note("whole lines", all(len(line) == 6 for line in found))
    os.unlink(o.path("f"))


def truncating(o):
    fd = make(o, "f", b"x" * 10000)
    for size in (20000, 5000, 0, 100):
        o.do("truncate %d" % size, os.truncate, o.path("f"), size)
        o.do("stat", os.stat, o.path("f"))
        o.contents("contents", o.path("f"))
        o.do("ftruncate %d" % (size + 7), os.ftruncate, fd, size + 7)
        o.do("fstat", os.fstat, fd)
    o.do("negative", os.truncate, o.path("f"), -1)
    o.do("of nothing", os.truncate, o.path("none"), 0)
    o.do("of a directory", os.truncate, o.root, 0)
    os.close(os.open(o.path("f"), os.O_WRONLY | os.O_TRUNC))
    o.do("by open", os.fstat, fd)
    o.do("read what is gone", os.pread, fd, 10, 0)
    os.close(fd)
    os.unlink(o.path("f"))


def sparse(o):
    fd = make(o, "f")
    for offset in (1 << 20, 3 << 20, 8 << 20):
        os.pwrite(fd, b"d" * 65536, offset)
    os.ftruncate(fd, 16 << 20)
    os.fsync(fd)
    st = os.fstat(fd)
    o.note("holes take no room", st.st_blocks * 512 < 1 << 20)
    at = 0
    for whence, name in ((os.SEEK_DATA, "data"), (os.SEEK_HOLE, "hole")) * 4:
        at = o.do("next %s" % name, os.lseek, fd, at, whence) or 0
    o.do("data behind the end", os.lseek, fd, 17 << 20, os.SEEK_DATA)
    o.do("hole behind the end", os.lseek, fd, 17 << 20, os.SEEK_HOLE)
    o.contents("all", o.path("f"))
    os.close(fd)
    os.unlink(o.path("f"))


def allocating(o):
    fd = make(o, "f", b"z" * 100000)
    o.do("allocate", fallocate, fd, 0, 0, 200000)
    o.do("size", os.fstat, fd)
    o.do("keep size", fallocate, fd, KEEP_SIZE, 200000, 100000)
    o.do("size", os.fstat, fd)
    o.do("posix_fallocate", os.posix_fallocate, fd, 200000, 50000)
    o.do("size", os.fstat, fd)
    o.do("punch", fallocate, fd, PUNCH_HOLE | KEEP_SIZE, 4096, 40960)
    o.contents("punched", o.path("f"))
    o.do("punch without keep", fallocate, fd, PUNCH_HOLE, 4096, 4096)
    o.do("zero", fallocate, fd, ZERO_RANGE, 50000, 20000)
    o.contents("zeroed", o.path("f"))
    o.do("zero beyond", fallocate, fd, ZERO_RANGE, 240000, 60000)
    o.do("size", os.fstat, fd)
    o.do("no length", fallocate, fd, 0, 0, 0)
    o.do("negative", fallocate, fd, 0, -1, 10)
    reader = os.open(o.path("f"), os.O_RDONLY)
    o.do("read only", fallocate, reader, 0, 0, 10)
    os.close(reader)
    os.close(fd)
    os.unlink(o.path("f"))


def refused_by_the_kernel(o):
    """The kernel's FUSE client has no such requests; what it answers is fixed here."""
    mirrored = o.root != o.beneath
    fd = make(o, "f", b"z" * 100000)
    for mode in (COLLAPSE, INSERT):
        try:
            fallocate(fd, mode, 0, 4096)
            refused = False
        except OSError:
            refused = True
        o.note("mode %d is refused by the mirror alone" % mode, refused or not mirrored)
    os.close(fd)
    os.unlink(o.path("f"))


def copying(o):
    source = make(o, "a", os.urandom(1) * 500000)
    os.pwrite(source, b"marker", 100000)
    target = make(o, "b")
    o.do("all", os.copy_file_range, source, target, 500000, 0, 0)
    o.note("equal", os.pread(source, 500000, 0) == os.pread(target, 500000, 0))
    o.do("part", os.copy_file_range, source, target, 6, 100000, 600000)
    o.do("marker", os.pread, target, 6, 600000)
    o.do("at the end", os.copy_file_range, source, target, 10, 500000, 0)
    o.do("within", os.copy_file_range, target, target, 1000, 0, 700000)
    o.do("overlapping", os.copy_file_range, target, target, 1000, 0, 500)
    o.do("size", os.fstat, target)
    reader = os.open(o.path("b"), os.O_RDONLY)
    o.do("to a read only one", os.copy_file_range, source, reader, 10, 0, 0)
    os.lseek(source, 99998, os.SEEK_SET)
    o.do("by position", os.copy_file_range, source, target, 8)
    o.do("moved", os.lseek, source, 0, os.SEEK_CUR)
    o.do("sendfile", os.sendfile, target, source, 100000, 6)
    for fd in (source, target, reader):
        os.close(fd)
    os.unlink(o.path("a"))
    os.unlink(o.path("b"))


def mapping(o):
    fd = make(o, "f", b"m" * 20000)
    with mmap.mmap(fd, 20000) as memory:
        memory[0:5] = b"HELLO"
        memory[12345:12350] = b"WORLD"
        o.note("read through the map", memory[12340:12355])
        os.pwrite(fd, b"pwrite", 8000)
        o.note("a write shows in the map", memory[8000:8006])
        memory.flush()
        with open(os.path.join(o.beneath, "f"), "rb") as file:
            o.note("beneath", hash_of(file.read()) == hash_of(bytes(memory)))
    o.contents("after it", o.path("f"))
    private = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE)
    private[0:3] = b"own"
    o.do("private stays private", os.pread, fd, 5, 0)
    private.close()
    with mmap.mmap(fd, 20000) as memory:
        os.close(fd)
        os.unlink(o.path("f"))
        memory[0:4] = b"gone"
        o.note("a map outlives its name", memory[0:5])


def direct(o):
    fd = o.opened("O_DIRECT", o.path("f"), os.O_CREAT | os.O_RDWR | os.O_DIRECT, 0o644)
    if fd < 0:
        return
    memory = mmap.mmap(-1, 1 << 20)
    memory.write(b"D" * (1 << 20))
    o.do("pwritev", os.pwritev, fd, [memory], 0)
    o.do("pwritev", os.pwritev, fd, [memory], 1 << 20)
    o.do("size", os.fstat, fd)
    o.do("preadv", os.preadv, fd, [memory], 4096)
    o.do("preadv at the end", os.preadv, fd, [memory], 2 << 20)
    o.note("contents", hash_of(bytes(memory)))
    os.close(fd)
    os.unlink(o.path("f"))


def together(o, threads=8, rounds=60):
    """Threads that make, write, read, rename and remove files of their own and of all."""
    os.mkdir(o.path("t"))
    problems = []

    def work(number):
        try:
            for index in range(rounds):
                name = o.path("t", "%d-%d" % (number, index))
                data = b"%d/%d" % (number, index) * 100
                with open(name, "wb") as file:
                    file.write(data)
                os.rename(name, name + "x")
                with open(name + "x", "rb") as file:
                    if file.read() != data:
                        problems.append("contents of " + name)
                try:
                    os.link(name + "x", o.path("t", "shared"))
                    os.unlink(o.path("t", "shared"))
                except (FileExistsError, FileNotFoundError):
                    pass
                os.listdir(o.path("t"))
                os.unlink(name + "x")
        except OSError as error:
            problems.append(str(error))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    o.note("problems", problems)
    for name in os.listdir(o.path("t")):
        os.unlink(o.path("t", name))
    o.do("rmdir", os.rmdir, o.path("t"))


def controls(o):
    fd = make(o, "f", b"flags")
    flags = array.array("i", [0])

    def get():
        fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
        return flags[0] & (FS_NODUMP_FL | FS_APPEND_FL)

    def put(value):
        fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
        flags[0] = flags[0] & ~(FS_NODUMP_FL | FS_APPEND_FL) | value
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, flags)

    o.do("flags", get)
    o.do("set nodump", put, FS_NODUMP_FL)
    o.do("flags", get)
    o.do("set append-only", put, FS_APPEND_FL)
    o.do("truncate an append-only file", os.truncate, o.path("f"), 0)
    o.do("unlink it", os.unlink, o.path("f"))
    o.do("clear", put, 0)
    o.do("fsxattr", lambda: fcntl.ioctl(fd, FS_IOC_FSGETXATTR, bytes(28))[4:8])
    o.do("no such call", fcntl.ioctl, fd, 0x1234, bytes(8))
    o.do("flags of a directory", lambda: directory_flags(o))
    o.as_user("somebody", 65534, 65534, [], lambda other: other.do("set flags", put, FS_NODUMP_FL))
    os.close(fd)
    os.unlink(o.path("f"))


def directory_flags(o):
    fd = os.open(o.root, os.O_RDONLY)
    flags = array.array("i", [0])
    fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    os.close(fd)
    return flags[0] & FS_NODUMP_FL


ALL = [reading, writing, appending, appending_together, truncating, sparse, allocating,
       refused_by_the_kernel, copying, mapping, direct, together, controls]
