# SPDX-License-Identifier: BSD-3-Clause
"""Names: made, found, listed, renamed, linked, removed."""

import ctypes
import os
import stat

from observe import (RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT, libc, link_fd,
                     link_fd_empty, renameat2)


def write(path, data=b""):
    with open(path, "wb") as file:
        file.write(data)


def directories(o):
    d = o.path("dir")
    o.do("mkdir", os.mkdir, d, 0o755)
    o.do("mkdir again", os.mkdir, d)
    o.do("mkdir in nothing", os.mkdir, o.path("none", "x"))
    o.do("stat dir", os.stat, d)
    o.do("mkdir below", os.mkdir, o.path("dir", "sub"), 0o700)
    o.do("stat dir, one link more", os.stat, d)
    o.do("rmdir of a full one", os.rmdir, d)
    o.do("unlink of a directory", os.unlink, d)
    write(o.path("file"))
    o.do("rmdir of a file", os.rmdir, o.path("file"))
    o.do("mkdir over a file", os.mkdir, o.path("file"))
    o.do("mkdir below a file", os.mkdir, o.path("file", "x"))
    o.do("rmdir sub", os.rmdir, o.path("dir", "sub"))
    o.do("list", lambda: sorted(os.listdir(d)))
    o.do("rmdir dot", os.rmdir, o.path("dir", "."))
    o.do("rmdir", os.rmdir, d)
    o.do("stat what is gone", os.stat, d)
    for mode in (0o777, 0o1777, 0o2755, 0o4711):
        o.do("mkdir %o" % mode, os.mkdir, o.path("m%o" % mode), mode)
        o.do("stat %o" % mode, os.stat, o.path("m%o" % mode))
        o.do("rmdir %o" % mode, os.rmdir, o.path("m%o" % mode))
    o.do("open dir for writing", os.open, o.root, os.O_WRONLY)
    fd = o.opened("open dir O_DIRECTORY", o.root, os.O_RDONLY | os.O_DIRECTORY)
    o.do("fsync dir", os.fsync, fd)
    os.close(fd)
    o.do("open file O_DIRECTORY", os.open, o.path("file"), os.O_RDONLY | os.O_DIRECTORY)
    os.unlink(o.path("file"))


def open_flags(o):
    path = o.path("flags")
    o.do("open nothing", os.open, path, os.O_RDONLY)
    fd = o.opened("create", path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
    o.do("read from O_WRONLY", os.read, fd, 10)
    os.write(fd, b"0123456789")
    os.close(fd)
    o.do("create again", os.open, path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    fd = o.opened("create what exists", path, os.O_CREAT | os.O_RDWR, 0o600)
    o.do("it has its old mode", os.fstat, fd)
    o.do("and contents", os.read, fd, 100)
    os.close(fd)
    fd = o.opened("read only", path, os.O_RDONLY)
    o.do("write to O_RDONLY", os.write, fd, b"x")
    o.do("ftruncate O_RDONLY", os.ftruncate, fd, 0)
    os.close(fd)
    fd = o.opened("truncate by open", path, os.O_WRONLY | os.O_TRUNC)
    o.do("empty", os.fstat, fd)
    os.close(fd)
    os.symlink("flags", o.path("flags-link"))
    o.do("O_NOFOLLOW", os.open, o.path("flags-link"), os.O_RDONLY | os.O_NOFOLLOW)
    o.do("O_CREAT|O_EXCL on a link", os.open, o.path("flags-link"),
         os.O_CREAT | os.O_EXCL | os.O_RDWR)
    os.symlink("made-by-link", o.path("dangling"))
    fd = o.opened("create through a dangling link", o.path("dangling"), os.O_CREAT | os.O_RDWR)
    os.close(fd)
    o.do("so it is there", os.stat, o.path("made-by-link"))
    for name in ("flags", "flags-link", "dangling", "made-by-link"):
        os.unlink(o.path(name))


def symlinks(o):
    o.do("symlink", os.symlink, "target/of/it", o.path("link"))
    o.do("readlink", os.readlink, o.path("link"))
    o.do("lstat", os.lstat, o.path("link"))
    o.do("stat dangling", os.stat, o.path("link"))
    o.do("symlink again", os.symlink, "x", o.path("link"))
    o.do("symlink to nothing", os.symlink, "", o.path("empty"))
    o.do("long target", os.symlink, "t" * 4095, o.path("long"))
    o.do("read long", os.readlink, o.path("long"))
    o.do("too long", os.symlink, "t" * 4096, o.path("longer"))
    o.do("loop", os.symlink, "loop", o.path("loop"))
    o.do("open loop", os.open, o.path("loop"), os.O_RDONLY)
    o.do("lchown", os.lchown, o.path("link"), 12, 34)
    o.do("lstat chowned", os.lstat, o.path("link"))
    os.utime(o.path("link"), ns=(10 ** 18, 2 * 10 ** 18), follow_symlinks=False)
    o.do("times of a link", lambda: os.lstat(o.path("link")).st_mtime_ns)
    o.do("any bytes", os.symlink, bytes(range(1, 256)), o.path("bytes"))
    o.do("read bytes", os.readlink, o.path(b"bytes"))
    for name in ("link", "long", "loop", "bytes"):
        os.unlink(o.path(name))


def hard_links(o):
    write(o.path("one"), b"contents")
    o.do("link", os.link, o.path("one"), o.path("two"))
    o.do("stat one", os.stat, o.path("one"))
    o.note("same inode", os.stat(o.path("one")).st_ino == os.stat(o.path("two")).st_ino)
    o.do("link again", os.link, o.path("one"), o.path("two"))
    o.do("link of nothing", os.link, o.path("none"), o.path("x"))
    o.do("link of a directory", os.link, o.root, o.path("x"))
    with open(o.path("two"), "ab") as file:
        file.write(b" more")
    o.contents("changed under the other name", o.path("one"))
    o.do("chmod of one", os.chmod, o.path("one"), 0o600)
    o.do("stat of two", os.stat, o.path("two"))
    o.do("unlink one", os.unlink, o.path("one"))
    o.do("stat two", os.stat, o.path("two"))
    os.mkdir(o.path("sub"))
    for index in range(20):
        o.do("link %d" % index, os.link, o.path("two"), o.path("sub", "l%d" % index))
    o.do("stat many", os.stat, o.path("two"))
    o.note("inodes", len({os.stat(o.path("sub", n)).st_ino for n in os.listdir(o.path("sub"))}))
    for index in range(20):
        os.unlink(o.path("sub", "l%d" % index))
    os.rmdir(o.path("sub"))
    o.do("link of a symlink", lambda: (os.symlink("two", o.path("s")),
                                       os.link(o.path("s"), o.path("s2"),
                                               follow_symlinks=False))[1])
    o.do("is a symlink", os.readlink, o.path("s2"))
    for name in ("two", "s", "s2"):
        os.unlink(o.path(name))


def renames(o):
    for name in "abc":
        write(o.path(name), name.encode())
    os.mkdir(o.path("d"))
    os.mkdir(o.path("e"))
    write(o.path("e", "full"))
    o.do("rename over", os.rename, o.path("a"), o.path("b"))
    o.contents("b is a", o.path("b"))
    o.do("a is gone", os.stat, o.path("a"))
    o.do("rename file to dir", os.rename, o.path("b"), o.path("d"))
    o.do("rename dir to file", os.rename, o.path("d"), o.path("b"))
    o.do("rename dir to full dir", os.rename, o.path("d"), o.path("e"))
    o.do("rename into itself", os.rename, o.path("e"), o.path("e", "x"))
    o.do("rename to itself", os.rename, o.path("b"), o.path("b"))
    o.do("NOREPLACE over", renameat2, o.path("b"), o.path("c"), RENAME_NOREPLACE)
    o.do("NOREPLACE", renameat2, o.path("b"), o.path("new"), RENAME_NOREPLACE)
    o.do("EXCHANGE", renameat2, o.path("new"), o.path("c"), RENAME_EXCHANGE)
    o.contents("new has c", o.path("new"))
    o.contents("c has a", o.path("c"))
    o.do("EXCHANGE with nothing", renameat2, o.path("new"), o.path("none"), RENAME_EXCHANGE)
    o.do("EXCHANGE of file and dir", renameat2, o.path("new"), o.path("e"), RENAME_EXCHANGE)
    o.do("e is a file", os.stat, o.path("e"))
    o.do("new is a dir", lambda: os.listdir(o.path("new")))
    o.do("NOREPLACE and EXCHANGE", renameat2, o.path("c"), o.path("e"),
         RENAME_NOREPLACE | RENAME_EXCHANGE)
    o.do("WHITEOUT", renameat2, o.path("c"), o.path("moved"), RENAME_WHITEOUT)
    o.do("the whiteout", os.stat, o.path("c"))
    os.rename(o.path("new"), o.path("d"))
    o.contents("below a renamed dir", o.path("d", "full"))
    os.rename(o.path("d"), o.path("deep"))
    write(o.path("deep", "later"), b"l")
    o.do("list", lambda: sorted(os.listdir(o.path("deep"))))
    one = os.stat(o.path("deep", "later")).st_ino
    os.link(o.path("deep", "later"), o.path("deep", "same"))
    o.do("rename onto its own link", os.rename, o.path("deep", "later"), o.path("deep", "same"))
    o.note("both are left", sorted(os.listdir(o.path("deep"))))
    o.note("one inode", os.stat(o.path("deep", "same")).st_ino == one)
    for name in ("e", "moved", "c"):
        o.do("unlink " + name, os.unlink, o.path(name))
    for name in os.listdir(o.path("deep")):
        os.unlink(o.path("deep", name))
    os.rmdir(o.path("deep"))


def names(o):
    for length in (1, 100, 254, 255):
        o.do("name of %d" % length, write, o.path("n" * length))
        o.do("stat", os.stat, o.path("n" * length))
        o.do("unlink", os.unlink, o.path("n" * length))
    o.do("name of 256", write, o.path("n" * 256))
    odd = bytes(b for b in range(1, 256) if b != ord("/"))
    for name in (odd[:254], b"\xff\xfe", b" ", b"\n", b"a\\b", "é".encode()):
        o.do("create %r" % name, write, o.path(name))
        o.do("list", lambda: sorted(os.listdir(os.fsencode(o.root))))
        o.do("unlink", os.unlink, o.path(name))
    path = o.root
    for depth in range(30):
        path = os.path.join(path, "deep-directory-%d" % depth)
        o.do("mkdir %d" % depth, os.mkdir, path)
    o.do("write deep", write, os.path.join(path, "f"), b"down here")
    o.contents("read deep", os.path.join(path, "f"))
    os.unlink(os.path.join(path, "f"))
    os.removedirs(path)
    os.makedirs(o.root, exist_ok=True)


def nodes(o):
    for name, mode, device in (("fifo", stat.S_IFIFO, 0), ("sock", stat.S_IFSOCK, 0),
                               ("chr", stat.S_IFCHR, os.makedev(1, 3)),
                               ("blk", stat.S_IFBLK, os.makedev(7, 200)),
                               ("reg", stat.S_IFREG, 0)):
        o.do("mknod " + name, os.mknod, o.path(name), mode | 0o644, device)
        o.do("stat " + name, os.stat, o.path(name))
    o.do("mknod again", os.mknod, o.path("fifo"), stat.S_IFIFO | 0o600)
    o.do("write to /dev/null", write, o.path("chr"), b"gone")
    reader = o.opened("open fifo", o.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    writer = o.opened("open fifo", o.path("fifo"), os.O_WRONLY | os.O_NONBLOCK)
    o.do("write fifo", os.write, writer, b"through")
    o.do("read fifo", os.read, reader, 100)
    os.close(reader)
    os.close(writer)
    for name in ("fifo", "sock", "chr", "blk", "reg"):
        os.unlink(o.path(name))


def open_unlinked(o):
    fd = o.opened("create", o.path("u"), os.O_CREAT | os.O_RDWR)
    os.write(fd, b"abc")
    o.do("unlink", os.unlink, o.path("u"))
    o.do("fstat", os.fstat, fd)
    o.do("pwrite", os.pwrite, fd, b"def", 3)
    o.do("ftruncate", os.ftruncate, fd, 5)
    o.do("fchmod", os.fchmod, fd, 0o600)
    o.do("fchown", os.fchown, fd, 5, 6)
    o.do("pread", os.pread, fd, 100, 0)
    o.do("fstat", os.fstat, fd)
    write(o.path("u"), b"another")
    o.do("the old one stays", os.pread, fd, 100, 0)
    o.do("replaced by rename", lambda: (write(o.path("v"), b"third"),
                                        os.rename(o.path("v"), o.path("u")))[1])
    o.do("fsync", os.fsync, fd)
    os.close(fd)
    o.contents("the new one", o.path("u"))
    os.unlink(o.path("u"))
    os.mkdir(o.path("gone"))
    fd = o.opened("open dir", o.path("gone"), os.O_RDONLY)
    os.rmdir(o.path("gone"))
    o.do("list a removed dir", os.listdir, fd)
    o.do("create in a removed dir", os.open, "x", os.O_CREAT | os.O_RDWR, dir_fd=fd)
    o.do("fstat of a removed dir", os.fstat, fd)
    os.close(fd)


def tmpfile(o):
    fd = o.opened("O_TMPFILE", o.root, os.O_TMPFILE | os.O_RDWR, 0o640)
    if fd < 0:
        return
    os.write(fd, b"no name")
    o.do("fstat", os.fstat, fd)
    o.do("list", lambda: sorted(os.listdir(o.root)))
    o.do("linkat /proc/self/fd", link_fd, fd, o.path("named"))
    o.do("fstat", os.fstat, fd)
    o.contents("named", o.path("named"))
    os.close(fd)
    os.unlink(o.path("named"))
    fd = o.opened("O_TMPFILE", o.root, os.O_TMPFILE | os.O_WRONLY, 0o600)
    o.do("linkat AT_EMPTY_PATH", link_fd_empty, fd, o.path("named"))
    o.do("stat", os.stat, o.path("named"))
    os.close(fd)
    os.unlink(o.path("named"))
    fd = o.opened("O_TMPFILE|O_EXCL", o.root, os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o600)
    o.do("linkat", link_fd, fd, o.path("named"))
    os.close(fd)
    o.do("O_TMPFILE in a file", os.open, "/dev/null", os.O_TMPFILE | os.O_RDWR)
    o.do("O_TMPFILE read only", os.open, o.root, os.O_TMPFILE | os.O_RDONLY)


class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("len", ctypes.c_uint16),
                ("type", ctypes.c_uint8), ("name", ctypes.c_char * 256)]


def big_directory(o, count=20000):
    big = o.path("big")
    os.mkdir(big)
    for index in range(count):
        os.close(os.open(os.path.join(big, "entry-%05d" % index), os.O_CREAT | os.O_WRONLY, 0o644))
    listed = os.listdir(big)
    o.note("as many as made", len(listed))
    o.note("none twice", len(set(listed)))
    with os.scandir(big) as entries:
        o.note("types and numbers", all(entry.is_file() and entry.inode() == entry.stat().st_ino
                                        for entry in entries))
    seekdir(o, big)
    for name in listed:
        os.unlink(os.path.join(big, name))
    o.do("rmdir", os.rmdir, big)


def seekdir(o, path):
    libc.opendir.restype = ctypes.c_void_p
    libc.readdir.restype = ctypes.POINTER(Dirent)
    libc.telldir.restype = ctypes.c_long
    for function in (libc.readdir, libc.telldir, libc.closedir):
        function.argtypes = [ctypes.c_void_p]
    libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
    stream = libc.opendir(os.fsencode(path))
    places = []
    while True:
        place = libc.telldir(stream)
        entry = libc.readdir(stream)
        if not entry:
            break
        places.append((place, entry.contents.name))
    wrong = 0
    for place, name in places[::997] + places[:5] + places[-5:]:
        libc.seekdir(stream, place)
        wrong += libc.readdir(stream).contents.name != name
    libc.closedir(stream)
    o.note("entries by readdir", len(places))
    o.note("wrong after seekdir", wrong)


def removing_while_listing(o):
    os.mkdir(o.path("r"))
    for index in range(3000):
        write(o.path("r", "f%d" % index))
    removed = 0
    with os.scandir(o.path("r")) as entries:
        for entry in entries:
            os.unlink(entry.path)
            removed += 1
    while os.listdir(o.path("r")):
        for name in os.listdir(o.path("r")):
            os.unlink(o.path("r", name))
            removed += 1
    o.note("each removed once", removed)
    o.do("rmdir", os.rmdir, o.path("r"))


ALL = [directories, open_flags, symlinks, hard_links, renames, names, nodes, open_unlinked, tmpfile,
       big_directory, removing_while_listing]
