#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
Does the same hundreds of operations through the mirror and on a plain directory beneath, and
holds the one's results to the other's.

usage: run_posix.py [option of vex-fuse...]
"""

import os
import sys

import posix_attrs
import posix_files
import posix_locks
import posix_names
from mirror import Mirror
from observe import Observer, differences


def run(part, root, beneath):
    os.mkdir(root)
    os.chmod(root, 0o755)
    observer = Observer(root)
    observer.beneath = beneath
    part(observer)
    return observer.seen


def main():
    parts = posix_names.ALL + posix_files.ALL + posix_attrs.ALL + posix_locks.ALL
    only = os.environ.get("ONLY")
    failed = 0
    count = 0
    os.umask(0o022)
    with Mirror("--no-events", *sys.argv[1:]) as mirror:
        for part in parts:
            if only and part.__name__ != only:
                continue
            name = part.__name__
            through = run(part, os.path.join(mirror.mount, "m-" + name),
                          os.path.join(mirror.source, "m-" + name))
            beneath = run(part, os.path.join(mirror.source, "s-" + name),
                          os.path.join(mirror.source, "s-" + name))
            lines = differences(through, beneath)
            failed += bool(lines)
            count += len(through)
            print("%s %s: %d observations" % ("not ok" if lines else "ok", name, len(through)))
            for line in lines[:20]:
                print("  " + line)
        alive = mirror.process.poll() is None
        code = mirror.stop()
    print("%d observations, %d parts differ, vex-fuse ended with %d" % (count, failed, code))
    return 1 if failed or code or not alive or not count else 0


if __name__ == "__main__":
    sys.exit(main())
