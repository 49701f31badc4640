# SPDX-License-Identifier: BSD-3-Clause
"""What strace(1) saw beneath a directory, counted by the type of event each call makes."""

import collections
import os
import re

CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)(?:<(.*)>(?:\(deleted\))?)?(?: (E\w+) .*)?$")
UNFINISHED = re.compile(r"^(\d+) +(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
ARGUMENT = re.compile(r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|\{[^}]*\}|\[[^\]]*\]|'
                      r'(?:AT_FDCWD|\d+)<[^>]*>(?:\(deleted\))?|[^,\s][^,]*')
WITH_PATH = re.compile(r"^(?:AT_FDCWD|\d+)<(.*)>(?:\(deleted\))?$")

# Calls whose first argument is a directory, with a name behind it; and those without.
AT = {"openat", "mkdirat", "unlinkat", "renameat", "renameat2", "symlinkat", "linkat", "mknodat",
      "fchmodat", "fchmodat2", "fchownat", "utimensat", "readlinkat"}
TYPES = {"mkdir": "mkdir", "mkdirat": "mkdir",
         "rename": "rename", "renameat": "rename", "renameat2": "rename",
         "link": "link", "linkat": "link", "mknod": "mknod", "mknodat": "mknod",
         "chmod": "chmod", "fchmod": "chmod", "fchmodat": "chmod", "fchmodat2": "chmod",
         "chown": "chown", "lchown": "chown", "fchown": "chown", "fchownat": "chown",
         "utimensat": "utimens", "utime": "utimens", "utimes": "utimens",
         "truncate": "truncate", "ftruncate": "truncate", "write": "write", "pwrite64": "write",
         "read": "read", "pread64": "read", "fsync": "sync", "fdatasync": "sync",
         "statfs": "statfs", "fstatfs": "statfs",
         "setxattr": "setxattr", "lsetxattr": "setxattr", "fsetxattr": "setxattr",
         "removexattr": "removexattr", "lremovexattr": "removexattr",
         "fremovexattr": "removexattr", "fallocate": "fallocate",
         "readlink": "readlink", "readlinkat": "readlink", "flock": "flock"}
SYMLINKS = {"symlink": 1, "symlinkat": 2}
TRACED = sorted(set(TYPES) | set(SYMLINKS) | {"open", "openat", "creat", "close", "unlinkat",
                                              "unlink", "rmdir",
                                              "lseek",
                                              "copy_file_range", "dup", "dup2", "dup3", "fcntl",
                                              "chdir", "fchdir"})


def calls(lines):
    """(name, arguments, result, path of the result) of each call, those in two halves joined."""
    halves = {}
    for line in lines:
        line = line.rstrip("\n")
        half = UNFINISHED.match(line)
        if half:
            halves[half.group(1)] = half.group(2)
            continue
        rest = RESUMED.match(line)
        if rest:
            line = "%s %s%s" % (rest.group(1), halves.pop(rest.group(1), "?("), rest.group(2))
        call = CALL.match(line)
        if call and call.group(4) != "?":
            yield (call.group(2), ARGUMENT.findall(call.group(3)), int(call.group(4)),
                   call.group(5))


def path_of(arguments, index, at, cwd):
    """The path that an argument stands for: a descriptor's, or a name below one or below cwd."""
    if index >= len(arguments):
        return None
    described = WITH_PATH.match(arguments[index])
    if at and described:
        name = arguments[index + 1].strip('"') if arguments[index + 1] != "NULL" else ""
        return os.path.normpath(os.path.join(described.group(1), name))
    if described:
        return described.group(1)
    return os.path.normpath(os.path.join(cwd, arguments[index].strip('"')))


class Trace:
    def __init__(self, root, cwd="/"):
        self.root, self.cwd = root, cwd
        self.counts = collections.Counter()
        self.directories = {root}           # paths that were made or opened as such
        self.created = set()                # paths of files that exist
        self.paths = collections.Counter()  # open O_PATH descriptors, of which no one is told

    def below(self, path):
        path = path or ""
        return path == self.root or path.startswith(self.root + "/")

    def add_open(self, name, arguments, path):
        flags = arguments[2 if name == "openat" else 1] if name != "creat" else "O_CREAT"
        if not self.below(path):
            return
        if "O_PATH" in flags:
            self.paths[path] += 1
        elif "O_TMPFILE" in flags:
            self.counts.update(("tmpfile", "close"))
        elif "O_DIRECTORY" in flags or path in self.directories:
            self.directories.add(path)
            self.counts.update(("opendir", "releasedir"))
        elif "O_CREAT" in flags and path not in self.created:
            self.created.add(path)
            self.counts.update(("create", "close"))
        else:
            self.counts.update(("open", "close"))

    def add_close(self, path):
        if not self.below(path):
            return
        if self.paths[path]:
            self.paths[path] -= 1
        elif path not in self.directories:
            self.counts["flush"] += 1

    def add_removal(self, path, directory):
        if not self.below(path):
            return
        self.created.discard(path)
        self.directories.discard(path)
        self.counts["rmdir" if directory else "delete"] += 1

    def add(self, name, arguments, result, path):
        if result < 0:
            return
        if name in ("open", "openat", "creat"):
            self.add_open(name, arguments, path)
        elif name == "close":
            self.add_close(path_of(arguments, 0, False, self.cwd))
        elif name in ("unlink", "rmdir"):
            self.add_removal(path_of(arguments, 0, False, self.cwd), name == "rmdir")
        elif name == "unlinkat":
            self.add_removal(path_of(arguments, 0, True, self.cwd), "AT_REMOVEDIR" in arguments[2])
        elif name == "lseek" and ("SEEK_DATA" in arguments[2] or "SEEK_HOLE" in arguments[2]):
            self.counts["lseek"] += self.below(path_of(arguments, 0, False, self.cwd))
        elif name == "copy_file_range":
            # At the end of a file the kernel answers by itself.
            below = self.below(path_of(arguments, 2, False, self.cwd))
            self.counts["copy_file_range"] += below and result > 0
        elif name in SYMLINKS:
            at = name == "symlinkat"
            self.counts["symlink"] += self.below(path_of(arguments, 1, at, self.cwd))
        elif name in TYPES:
            self.add_plain(TYPES[name], path_of(arguments, 0, name in AT, self.cwd))

    def add_plain(self, kind, path):
        if not self.below(path):
            return
        if kind == "mkdir":
            self.directories.add(path)
        if kind == "sync" and path in self.directories:
            kind = "syncdir"
        self.counts[kind] += 1

    def read(self, path):
        """Counts what one trace tells."""
        with open(path, errors="surrogateescape") as file:
            for call in calls(file):
                self.add(*call)
