# SPDX-License-Identifier: BSD-3-Clause
"""What a sequence of operations was seen to do: a list that two directories can be held to."""

import ctypes
import errno
import os
import pickle
import stat
import traceback

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
libc.linkat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
libc.renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p,
                           ctypes.c_uint]
AT_FDCWD = -100
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO_RANGE, INSERT = 1, 2, 8, 16, 32


def check(result):
    """Raises what a C function left in errno."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def renameat2(old, new, flags):
    return check(libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags))


def link_fd(fd, new):
    """Gives a name to an open file that has none."""
    return check(libc.linkat(AT_FDCWD, b"/proc/self/fd/%d" % fd, AT_FDCWD, os.fsencode(new),
                             AT_SYMLINK_FOLLOW))


def link_fd_empty(fd, new):
    return check(libc.linkat(fd, b"", AT_FDCWD, os.fsencode(new), AT_EMPTY_PATH))


def fallocate(fd, mode, offset, length):
    return check(libc.fallocate(fd, mode, offset, length))


def looks(st):
    """Of a file's attributes, what does not depend on where and when it was made."""
    size = 0 if stat.S_ISDIR(st.st_mode) else st.st_size
    return {"mode": oct(st.st_mode), "nlink": st.st_nlink, "uid": st.st_uid, "gid": st.st_gid,
            "size": size, "rdev": st.st_rdev}


class Observer:
    """Runs operations beneath a directory and remembers what each came to."""

    def __init__(self, root):
        self.root = root
        self.seen = []

    def path(self, *names):
        """Names may be bytes; then so is the path."""
        if any(isinstance(name, bytes) for name in names):
            return os.path.join(os.fsencode(self.root), *[os.fsencode(name) for name in names])
        return os.path.join(self.root, *names)

    def note(self, what, value):
        self.seen.append((what, value))
        return value

    def do(self, what, function, *args, **kwargs):
        """The result, or the name of the error, of one operation; the result is returned."""
        try:
            result = function(*args, **kwargs)
        except OSError as error:
            self.seen.append((what, errno.errorcode.get(error.errno, str(error.errno))))
            return None
        self.seen.append((what, looks(result) if isinstance(result, os.stat_result) else result))
        return result

    def opened(self, what, *args, **kwargs):
        """Like do(), for what gives a descriptor, whose number does not matter."""
        try:
            fd = os.open(*args, **kwargs)
        except OSError as error:
            self.seen.append((what, errno.errorcode[error.errno]))
            return -1
        self.seen.append((what, "open"))
        return fd

    def contents(self, what, path):
        def read():
            with open(path, "rb") as file:
                data = file.read()
            return data if len(data) <= 256 else (len(data), hash_of(data))
        return self.do(what, read)

    def as_user(self, what, uid, gid, groups, function):
        """Runs function(observer) as another user, in a process of its own."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(reader)
                os.setgroups(groups)
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
                other = Observer(self.root)
                function(other)
                with os.fdopen(writer, "wb") as pipe:
                    pickle.dump(other.seen, pipe)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            data = pipe.read()
        os.waitpid(pid, 0)
        seen = pickle.loads(data) if data else [("died", True)]
        self.seen += [("%s: %s" % (what, label), value) for label, value in seen]


def hash_of(data):
    import hashlib
    return hashlib.sha256(data).hexdigest()


def differences(left, right):
    """Lines that tell where two lists of observations part."""
    lines = []
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else ("nothing", None)
        b = right[index] if index < len(right) else ("nothing", None)
        if a != b:
            lines.append("%s: %r through the mirror, %s: %r beneath" % (a[0], a[1], b[0], b[1]))
    return lines
