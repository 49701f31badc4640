# SPDX-License-Identifier: BSD-3-Clause
"""Attributes and permissions: modes, owners, times, extended attributes, ACLs, other users."""

import os
import stat
import struct
import subprocess

NOBODY = 65534


def make(path, data=b"", mode=0o644):
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, mode)
    os.write(fd, data)
    os.close(fd)


def modes(o):
    make(o.path("f"))
    for mode in (0, 0o777, 0o4755, 0o2755, 0o1644, 0o7777):
        o.do("chmod %o" % mode, os.chmod, o.path("f"), mode)
        o.do("stat", os.stat, o.path("f"))
    fd = os.open(o.path("f"), os.O_RDONLY)
    o.do("fchmod", os.fchmod, fd, 0o640)
    o.do("fstat", os.fstat, fd)
    os.close(fd)
    o.do("chmod of nothing", os.chmod, o.path("none"), 0o600)
    for uid, gid in ((1000, 1001), (-1, 7), (8, -1), (-1, -1), (0, 0)):
        os.chmod(o.path("f"), 0o6755)
        o.do("chown %d %d" % (uid, gid), os.chown, o.path("f"), uid, gid)
        o.do("stat", os.stat, o.path("f"))
    os.chmod(o.path("f"), 0o6644)
    o.do("chown, no execution", os.chown, o.path("f"), 3, 4)
    o.do("stat", os.stat, o.path("f"))
    os.unlink(o.path("f"))
    os.mkdir(o.path("d"))
    os.chmod(o.path("d"), 0o2775)
    o.do("chown dir", os.chown, o.path("d"), 11, 12)
    o.do("stat dir", os.stat, o.path("d"))
    os.rmdir(o.path("d"))


def times(o):
    make(o.path("f"), b"t")
    for pair in ((0, 0), (10 ** 9 + 1, 2 * 10 ** 9 + 2), (1234567890123456789, 1),
                 (4 * 10 ** 18, 4 * 10 ** 18 + 7)):
        o.do("utime", os.utime, o.path("f"), ns=pair)
        o.do("times", lambda: (os.stat(o.path("f")).st_atime_ns, os.stat(o.path("f")).st_mtime_ns))
    before = os.stat(o.path("f"))
    o.do("utime now", os.utime, o.path("f"))
    o.note("it is later", os.stat(o.path("f")).st_mtime_ns != before.st_mtime_ns)
    fd = os.open(o.path("f"), os.O_RDWR)
    o.do("futimens", os.utime, fd, ns=(5, 6))
    o.do("times", lambda: os.fstat(fd).st_mtime_ns)
    os.write(fd, b"new")
    o.note("a write changes it", os.fstat(fd).st_mtime_ns != 6)
    os.close(fd)
    change = os.stat(o.path("f")).st_ctime_ns
    os.chmod(o.path("f"), 0o600)
    o.note("chmod changes ctime", os.stat(o.path("f")).st_ctime_ns >= change)
    os.mkdir(o.path("d"))
    os.utime(o.path("d"), ns=(1, 1))
    make(o.path("d", "x"))
    o.note("a new name changes its directory", os.stat(o.path("d")).st_mtime_ns != 1)
    os.unlink(o.path("d", "x"))
    os.rmdir(o.path("d"))
    os.unlink(o.path("f"))


def umasks(o):
    for mask in (0, 0o022, 0o077, 0o777):
        old = os.umask(mask)
        make(o.path("f"), mode=0o666)
        os.mkdir(o.path("d"), 0o777)
        os.mknod(o.path("p"), stat.S_IFIFO | 0o666)
        os.umask(old)
        for name in "fdp":
            o.do("umask %o" % mask, os.lstat, o.path(name))
        os.unlink(o.path("f"))
        os.unlink(o.path("p"))
        os.rmdir(o.path("d"))


def group_directories(o):
    os.mkdir(o.path("g"))
    os.chown(o.path("g"), NOBODY, 4242)
    os.chmod(o.path("g"), 0o2777)

    def work(other):
        old = os.umask(0)
        make(other.path("g", "f"), mode=0o666)
        make(other.path("g", "x"), mode=0o2775)
        os.mkdir(other.path("g", "d"), 0o755)
        os.mkdir(other.path("g", "d", "deeper"), 0o755)
        os.symlink("x", other.path("g", "l"))
        os.mknod(other.path("g", "p"), stat.S_IFIFO | 0o2770)
        for name in ("f", "x", "d", "d/deeper", "l", "p"):
            other.do("lstat " + name, os.lstat, other.path("g", name))
        other.do("chmod g+s of a foreign group", os.chmod, other.path("g", "f"), 0o2755)
        other.do("lstat", os.lstat, other.path("g", "f"))
        for name in ("f", "x", "l", "p"):
            os.unlink(other.path("g", name))
        os.rmdir(other.path("g", "d", "deeper"))
        os.rmdir(other.path("g", "d"))
        os.umask(old)

    work(o)
    o.as_user("outside the group", NOBODY, NOBODY, [], work)
    o.as_user("in the group", NOBODY, NOBODY, [4242], work)
    o.as_user("of the group", NOBODY, 4242, [], work)
    os.rmdir(o.path("g"))


def set_id_bits(o):
    """They fall when an ordinary user writes, whatever way it does; root keeps them."""
    def work(other):
        for mode in (0o6777, 0o2767, 0o4766):
            for name, change in (("write", lambda fd: os.write(fd, b"new")),
                                 ("ftruncate", lambda fd: os.ftruncate(fd, 1)),
                                 ("fallocate", lambda fd: os.posix_fallocate(fd, 0, 9000))):
                path = other.path("%s-%o" % (name, mode))
                fd = os.open(path, os.O_RDWR)
                other.do("%s on %o" % (name, mode), change, fd)
                os.close(fd)
                other.do("mode", os.stat, path)
            path = other.path("trunc-%o" % mode)
            os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
            other.do("O_TRUNC on %o" % mode, os.stat, path)
            path = other.path("path-%o" % mode)
            other.do("truncate on %o" % mode, os.truncate, path, 1)
            other.do("mode", os.stat, path)

    for user in (0, NOBODY):
        for mode in (0o6777, 0o2767, 0o4766):
            for name in ("write", "ftruncate", "fallocate", "trunc", "path"):
                path = o.path("%s-%o" % (name, mode))
                make(path, b"old")
                os.chmod(path, mode)
        o.as_user("user %d" % user, user, user, [], work)
        for name in os.listdir(o.root):
            os.unlink(o.path(name))


def owners(o):
    os.chmod(o.root, 0o777)

    def work(other):
        make(other.path("f"), b"mine", 0o600)
        os.mkdir(other.path("d"), 0o700)
        os.symlink("x", other.path("l"))
        for name in "fdl":
            other.do("lstat", os.lstat, other.path(name))
        other.do("chmod own", os.chmod, other.path("f"), 0o640)
        other.do("chown away", os.chown, other.path("f"), 0, 0)
        other.do("chgrp to own", os.chown, other.path("f"), -1, 4243)
        other.do("chgrp to foreign", os.chown, other.path("f"), -1, 1)
        other.do("utime own", os.utime, other.path("f"), ns=(1, 2))
        tmp = other.opened("O_TMPFILE", other.root, os.O_TMPFILE | os.O_RDWR)
        if tmp >= 0:
            other.do("fstat", os.fstat, tmp)
            os.close(tmp)
        for name in ("f", "l"):
            other.do("unlink own", os.unlink, other.path(name))
        other.do("rmdir own", os.rmdir, other.path("d"))

    o.as_user("somebody", NOBODY, NOBODY, [4243], work)
    o.as_user("another", 1234, 4321, [4243], work)


def permissions(o):
    make(o.path("secret"), b"s", 0o600)
    make(o.path("readable"), b"r", 0o644)
    make(o.path("writable"), b"w", 0o666)
    make(o.path("grouped"), b"g", 0o660)
    os.chown(o.path("grouped"), 0, 4244)
    make(o.path("group-denied"), b"g", 0o604)
    os.chown(o.path("group-denied"), 0, 4244)
    os.mkdir(o.path("closed"), 0o700)
    make(o.path("closed", "x"))
    os.mkdir(o.path("unlisted"), 0o711)
    make(o.path("unlisted", "x"), b"u", 0o644)
    os.mkdir(o.path("sticky"))
    os.chmod(o.path("sticky"), 0o1777)
    make(o.path("sticky", "roots"))
    make(o.path("script"), b"#!/bin/sh\nexit 3\n", 0o755)
    make(o.path("setuid"), b"x", 0o755)

    def work(other):
        for name in ("secret", "readable", "writable", "grouped", "group-denied"):
            for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
                fd = other.opened("open %s %d" % (name, flags), other.path(name), flags)
                if fd >= 0:
                    os.close(fd)
            for mode in (os.R_OK, os.W_OK, os.X_OK):
                other.do("access %s %d" % (name, mode), os.access, other.path(name), mode)
        other.do("create", os.open, other.path("new"), os.O_CREAT | os.O_RDWR)
        other.do("mkdir", os.mkdir, other.path("new"))
        other.do("unlink", os.unlink, other.path("readable"))
        other.do("rename", os.rename, other.path("readable"), other.path("r2"))
        other.do("list closed", os.listdir, other.path("closed"))
        other.do("stat below closed", os.stat, other.path("closed", "x"))
        other.do("list unlisted", os.listdir, other.path("unlisted"))
        other.do("stat below unlisted", os.stat, other.path("unlisted", "x"))
        other.do("unlink sticky", os.unlink, other.path("sticky", "roots"))
        make(other.path("sticky", "own"))
        other.do("unlink own in sticky", os.unlink, other.path("sticky", "own"))
        other.do("chmod foreign", os.chmod, other.path("readable"), 0o777)
        other.do("utime foreign", os.utime, other.path("readable"), ns=(1, 1))
        other.do("utime now of a writable", os.utime, other.path("writable"))
        other.do("truncate foreign", os.truncate, other.path("readable"), 0)
        other.do("chdir closed", os.chdir, other.path("closed"))
        other.do("mknod device", os.mknod, other.path("sticky", "n"), stat.S_IFCHR,
                 os.makedev(1, 3))
        other.do("run", lambda: subprocess.run([other.path("script")]).returncode)
        other.do("run what is not executable", lambda: run_code(other.path("readable")))

    o.as_user("somebody", NOBODY, NOBODY, [], work)
    o.as_user("group member", NOBODY, NOBODY, [4244], work)
    os.chmod(o.path("setuid"), 0o4755)
    o.do("setuid stays", os.stat, o.path("setuid"))


def run_code(path):
    try:
        return subprocess.run([path]).returncode
    except OSError as error:
        return error.errno


def xattrs(o):
    make(o.path("f"))
    os.mkdir(o.path("d"))
    for name in ("f", "d"):
        path = o.path(name)
        o.do("get none", os.getxattr, path, "user.a")
        o.do("set", os.setxattr, path, "user.a", b"value")
        o.do("get", os.getxattr, path, "user.a")
        o.do("create again", os.setxattr, path, "user.a", b"x", os.XATTR_CREATE)
        o.do("replace none", os.setxattr, path, "user.b", b"x", os.XATTR_REPLACE)
        o.do("replace", os.setxattr, path, "user.a", b"other", os.XATTR_REPLACE)
        o.do("empty", os.setxattr, path, "user.empty", b"")
        o.do("get empty", os.getxattr, path, "user.empty")
        o.do("any bytes", os.setxattr, path, "user.bytes", bytes(range(256)))
        o.do("get bytes", os.getxattr, path, "user.bytes")
        o.do("trusted", os.setxattr, path, "trusted.t", b"1")
        o.do("security", os.setxattr, path, "security.test", b"1")
        o.do("large", os.setxattr, path, "user.large", b"L" * 3000)
        o.do("too large", os.setxattr, path, "user.huge", b"H" * 65537)
        o.do("unknown kind", os.setxattr, path, "nonsense.x", b"x")
        o.do("list", lambda: sorted(os.listxattr(path)))
        o.as_user("somebody", NOBODY, NOBODY, [], lambda other: (
            other.do("list", lambda: sorted(os.listxattr(path))),
            other.do("get", os.getxattr, path, "user.a"),
            other.do("get trusted", os.getxattr, path, "trusted.t"),
            other.do("set", os.setxattr, path, "user.a", b"y"),
            other.do("set trusted", os.setxattr, path, "trusted.u", b"y")))
        o.do("remove", os.removexattr, path, "user.a")
        o.do("remove again", os.removexattr, path, "user.a")
        o.do("list", lambda: sorted(os.listxattr(path)))
    os.symlink("f", o.path("l"))
    o.do("of a link", os.setxattr, o.path("l"), "user.a", b"x", follow_symlinks=False)
    o.do("trusted of a link", os.setxattr, o.path("l"), "trusted.a", b"x", follow_symlinks=False)
    o.do("list of a link", os.listxattr, o.path("l"), follow_symlinks=False)
    o.do("capability", os.setxattr, o.path("f"), "security.capability",
         struct.pack("<IIIII", 0x02000001, 0x400, 0, 0, 0))
    os.chmod(o.path("f"), 0o666)
    o.as_user("a writer", NOBODY, NOBODY, [], lambda other: make(other.path("f"), b"x"))
    o.do("falls when written to", os.getxattr, o.path("f"), "security.capability")


def entry(tag, permission, number=0xFFFFFFFF):
    return struct.pack("<HHI", tag, permission, number)


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(entries)


USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


def acls(o):
    path = o.path("f")
    make(path, b"acl", 0o600)
    access = acl(entry(USER_OBJ, 6), entry(USER, 4, NOBODY), entry(GROUP_OBJ, 0), entry(MASK, 4),
                 entry(OTHER, 0))
    o.do("before", os.getxattr, path, "system.posix_acl_access")
    o.do("set", os.setxattr, path, "system.posix_acl_access", access)
    o.do("get", os.getxattr, path, "system.posix_acl_access")
    o.do("stat", os.stat, path)

    def work(other):
        for flags in (os.O_RDONLY, os.O_RDWR):
            fd = other.opened("open %d" % flags, path, flags)
            if fd >= 0:
                os.close(fd)
        other.do("access", os.access, path, os.R_OK)

    o.as_user("the user named", NOBODY, NOBODY, [], work)
    o.as_user("another", 1234, 1234, [], work)
    o.do("chmod sets the mask", os.chmod, path, 0o600)
    o.do("get", os.getxattr, path, "system.posix_acl_access")
    o.as_user("masked", NOBODY, NOBODY, [], work)
    o.do("bad one", os.setxattr, path, "system.posix_acl_access", b"nonsense")
    o.do("remove", os.removexattr, path, "system.posix_acl_access")
    o.do("stat", os.stat, path)
    default_acls(o)
    acl_takes_group_bit(o)


def default_acls(o):
    os.mkdir(o.path("d"))
    os.chmod(o.path("d"), 0o777)
    default = acl(entry(USER_OBJ, 7), entry(USER, 6, 1234), entry(GROUP_OBJ, 5), entry(MASK, 7),
                  entry(OTHER, 1))
    o.do("default", os.setxattr, o.path("d"), "system.posix_acl_default", default)
    old = os.umask(0o077)
    make(o.path("d", "f"), mode=0o666)
    os.mkdir(o.path("d", "sub"), 0o777)
    make(o.path("d", "sub", "g"), mode=0o640)
    os.mknod(o.path("d", "p"), stat.S_IFIFO | 0o666)
    os.umask(old)
    for name in ("f", "sub", "sub/g", "p"):
        o.do("stat " + name, os.stat, o.path("d", name))
        o.do("access ACL", os.getxattr, o.path("d", name), "system.posix_acl_access")
        o.do("default ACL", os.getxattr, o.path("d", name), "system.posix_acl_default")
    o.do("default of a file", os.setxattr, o.path("d", "f"), "system.posix_acl_default", default)
    tool = subprocess.run(["getfacl", "-cpE", o.path("d", "f")], capture_output=True, check=False)
    o.note("getfacl", tool.stdout)


def acl_takes_group_bit(o):
    path = o.path("sgid")
    make(path)
    os.chown(path, NOBODY, 4245)
    access = acl(entry(USER_OBJ, 7), entry(GROUP_OBJ, 5), entry(OTHER, 5))
    for groups in ([], [4245]):
        os.chmod(path, 0o2755)
        o.as_user("owner, groups %r" % groups, NOBODY, NOBODY, groups, lambda other: (
            other.do("set", os.setxattr, path, "system.posix_acl_access", access),
            other.do("stat", os.stat, path)))


ALL = [modes, times, umasks, group_directories, set_id_bits, owners, permissions, xattrs, acls]
