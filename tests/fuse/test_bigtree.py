#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
A large real tree is unpacked, searched, changed, renamed and deleted through the mirror, and
events are counted against strace(1): for each type that the kernel does not cache away, as many
as there were calls.

VEX_TREE names an archive to unpack. Without it: a kernel's sources in /usr/src, or else what
Debian has in /usr/include and /usr/share.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

from mirror import Mirror
from plane import Counter, Plane
from tracing import TRACED, Trace

FILES_MIN = 10000
FILES_MAX = 12000
# docs/fuse.md says why the others differ.
EXACT = ["syncdir", "create", "open", "close", "flush", "mkdir", "rmdir", "delete", "rename",
         "symlink",
         "link", "mknod", "chmod", "chown", "utimens", "truncate", "sync", "setxattr",
         "removexattr", "fallocate", "copy_file_range", "lseek", "opendir", "releasedir", "statfs",
         "tmpfile"]
# Without the kernel's page cache these as well.
EXACT_UNCACHED = ["read", "write"]


def pack(base):
    """An archive of enough plain files, and what stands between them."""
    archive = os.environ.get("VEX_TREE")
    if archive:
        return archive
    sources = sorted(glob.glob("/usr/src/linux-source-*.tar.xz"))
    if sources:
        return sources[-1]
    listed = os.path.join(base, "files")
    count = 0
    with open(listed, "wb") as file:
        for top in ("/usr/include", "/usr/share", "/usr/lib"):
            for root, _, names in os.walk(top):
                for name in names:
                    path = os.path.join(root, name)
                    plain = os.path.isfile(path) and os.path.getsize(path) < 1 << 20
                    if count < FILES_MAX and plain:
                        file.write(os.fsencode(path) + b"\0")
                        count += 1
    archive = os.path.join(base, "tree.tar")
    subprocess.run(["tar", "-cf", archive, "--null", "-T", listed], check=True,
                   stderr=subprocess.DEVNULL)
    return archive


def choose(archive, base):
    """The names of the first FILES_MAX members, since a kernel has seven times as many."""
    names = subprocess.run(["tar", "-tf", archive], capture_output=True, check=True).stdout
    chosen = [name for name in names.split(b"\n") if name and not name.endswith(b"/")][:FILES_MAX]
    path = os.path.join(base, "chosen")
    with open(path, "wb") as file:
        file.write(b"\n".join(chosen) + b"\n")
    return path, len(chosen)


def commands(archive, chosen, mount):
    tree, moved = mount + "/tree", mount + "/moved"
    yield "unpack", ["tar", "-xf", archive, "-C", tree, "--verbatim-files-from", "-T", chosen], tree
    yield "search", ["grep", "-rlF", "GNU General Public", tree], None
    yield "copy", ["cp", "-a", tree, mount + "/copy"], None
    yield "modes", ["chmod", "-R", "g+w", tree], None
    yield "owners", ["chown", "-R", "65534:65534", tree], None
    yield "change", ["find", tree, "-name", "*.h", "-type", "f",
                     "-exec", "truncate", "-s", "+1", "{}", "+"], None
    yield "times", ["find", tree, "-name", "*.h", "-type", "f",
                     "-exec", "touch", "-c", "{}", "+"], None
    yield "links", ["cp", "-al", tree, mount + "/linked"], None
    yield "rename", ["mv", tree, moved], None
    yield "renames", ["find", moved, "-name", "*.h", "-type", "f", "-exec", "mv", "-t",
                      mount + "/flat", "--backup=numbered", "{}", "+"], mount + "/flat"
    yield "pipes", ["mkfifo"] + ["%s/pipe-%d" % (mount, index) for index in range(20)], None
    yield "attributes", ["setfattr", "-n", "user.test", "-v", "x", moved, mount + "/flat"], None
    yield "sync", ["sync", moved, mount + "/flat"], None
    yield "delete", ["rm", "-rf", moved, mount + "/copy", mount + "/linked", mount + "/flat"], None


def run_traced(base, traced, command, directory):
    if directory:
        os.mkdir(directory)
        traced.counts["mkdir"] += 1
        traced.directories.add(directory)
    out = os.path.join(base, "strace")
    result = subprocess.run(["strace", "-f", "-y", "-s", "200", "-qq", "-o", out,
                             "-e", "trace=" + ",".join("?" + name for name in TRACED), *command],
                            stdout=subprocess.DEVNULL, check=False, cwd="/")
    traced.read(out)
    return result.returncode


def settled(counter):
    """Counts once they do not change any more."""
    before = counter.counts()
    while True:
        now = counter.counts()
        if now == before:
            return now
        before = now


def differing(counts, traced, exact):
    return ["%s: %d calls, %d events" % (kind, traced.get(kind, 0), counts.get(kind, 0))
            for kind in exact if counts.get(kind, 0) != traced.get(kind, 0)]


def table(counts, traced, exact):
    print("%-16s %10s %10s" % ("type", "strace", "events"))
    for kind in sorted(set(counts) | set(traced)):
        if kind not in ("lost", "mount"):
            print("%-16s %10s %10d%s" % (kind, traced.get(kind, "-"), counts.get(kind, 0),
                                         "" if kind in exact else "  (kernel's own)"))


def run(base, archive, chosen, options, exact):
    print("vex-fuse %s" % " ".join(options))
    problems = []
    with Mirror() as mirror:
        mirror.stop()
        with Plane(mirror.base) as plane, Counter(plane) as counter:
            mirror.options = ["--socket", plane.socket, "--lane-size", "64M", "--full", "wait",
                              "--wait-us", "1000000", *options]
            mirror.start()
            traced = Trace(mirror.mount)
            for label, command, directory in commands(archive, chosen, mirror.mount):
                code = run_traced(base, traced, command, directory)
                counts = settled(counter)
                lines = differing(counts, traced.counts, exact)
                print("%s %s, exit code %d" % ("not ok" if lines else "ok", label, code))
                for line in lines:
                    print("  " + line)
                problems += lines
            table(counts, traced.counts, exact)
    if counts["lost"]:
        problems.append("%d events lost" % counts["lost"])
    return problems


def main():
    base = tempfile.mkdtemp(prefix="vex-fuse-tree-")
    try:
        archive = pack(base)
        chosen, count = choose(archive, base)
        problems = run(base, archive, chosen, [], EXACT)
        problems += run(base, archive, chosen, ["--cache", "none", "--timeout", "1"],
                        EXACT + EXACT_UNCACHED)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print("%d files, %d problems" % (count, len(problems)))
    return 1 if problems or count < FILES_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
