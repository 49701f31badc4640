#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of vex-fuse and of the data plane under load; full lanes; too few descriptors."""

import os
import signal
import subprocess
import sys
import threading
import time

from mirror import Mirror, is_mounted, wait_for
from plane import Counter, Plane

problems = []


def check(condition, what):
    print("%s %s" % ("ok" if condition else "not ok", what))
    if not condition:
        problems.append(what)


class Load:
    """Threads that work on the mirror until told to stop; what failed is kept."""

    def __init__(self, root, threads=3):
        self.root = root
        self.errors = []
        self.rounds = 0
        self.slowest = 0.0
        self.ending = False
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True)
                        for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        path = os.path.join(self.root, "load-%d" % number)
        while not self.ending:
            began = time.monotonic()
            try:
                with open(path, "wb") as file:
                    file.write(b"data" * 2000)
                os.rename(path, path + "-moved")
                with open(path + "-moved", "rb") as file:
                    if file.read() != b"data" * 2000:
                        self.errors.append("wrong contents")
                os.unlink(path + "-moved")
            except OSError as error:
                self.errors.append(str(error))
                time.sleep(0.01)
            self.rounds += 1
            self.slowest = max(self.slowest, time.monotonic() - began)

    def stop(self):
        self.ending = True
        for thread in self.threads:
            thread.join(timeout=30)
        return not any(thread.is_alive() for thread in self.threads)


def write_beneath(base, mount):
    """As whoever writes between the end of a dead mount and the next one does."""
    bare = os.path.join(base, "bare")
    os.mkdir(bare)
    subprocess.run(["mount", "--bind", "--make-private", base, bare], check=True)
    try:
        with open(os.path.join(bare, os.path.basename(mount), "landed"), "w") as file:
            file.write("x")
    finally:
        subprocess.run(["umount", bare], check=True)


def mirror_killed(base):
    with Mirror("--no-events", base=base) as mirror:
        load = Load(mirror.mount)
        wait_for(lambda: load.rounds > 100, what="load")
        mirror.process.send_signal(signal.SIGKILL)
        mirror.process.wait()
        wait_for(lambda: load.errors, what="errors")
        check(load.stop(), "nobody hangs when vex-fuse is killed")
        check(is_mounted(mirror.mount), "the dead mount stands")
        mirror.stop()
        write_beneath(base, mirror.mount)
        mirror.start()
        check("took a dead mount off" in mirror.said(), "started again, it clears the way")
        check("is not empty" in mirror.said(), "and tells of what landed beneath")
        load = Load(mirror.mount)
        wait_for(lambda: load.rounds > 100, what="load")
        check(load.stop() and not load.errors, "and works: %r" % load.errors[:3])
        mirror.process.send_signal(signal.SIGKILL)
        mirror.process.wait()
        subprocess.run(["fusermount3", "-u", mirror.mount], check=True)
        check(not is_mounted(mirror.mount), "fusermount3 -u takes a dead mount off")
        os.unlink(os.path.join(mirror.mount, "landed"))


def plane_killed(mirror, plane):
    mirror.options = ["--socket", plane.socket]
    mirror.start()
    load = Load(mirror.mount)
    wait_for(lambda: load.rounds > 200, what="load")
    plane.kill()
    before = load.rounds
    wait_for(lambda: load.rounds > before + 500, what="load without a data plane")
    plane.start()
    with Counter(plane) as counter:
        before = load.rounds
        wait_for(lambda: load.rounds > before + 500, what="load with a new data plane")
        counts = wait_for(lambda: more_than(counter, "rename", 400), what="events again")
        check(counts["rename"] > 400, "events come again: %r" % counts)
        check(load.stop(), "nobody hangs when the data plane is killed")
    check(not load.errors, "no operation failed: %r" % load.errors[:3])
    check(load.slowest < 5, "the slowest round took %.3f s" % load.slowest)
    check(mirror.stop() == 0, "vex-fuse ends well")


def more_than(counter, kind, count):
    counts = counter.counts()
    return counts if counts.get(kind, 0) > count else None


def no_plane(mirror, base, policy):
    """Nobody to take events, and a small lane: dropped or waited for, never hung."""
    mirror.options = ["--socket", os.path.join(base, "nobody.sock"), "--lane-size", "4K",
                      "--full", policy, "--wait-us", "1000"]
    mirror.start()
    load = Load(mirror.mount)
    wait_for(lambda: load.rounds > 300, what="load without a data plane")
    check(load.stop() and not load.errors, "--full %s without a data plane" % policy)
    check(mirror.stop() == 0, "vex-fuse ends well")


def few_descriptors(mirror):
    """More files than descriptors: names that are merely cached are given back."""
    mirror.options = ["--no-events", "--cache", "always"]
    for index in range(3000):
        open(os.path.join(mirror.source, "file-%d" % index), "w").close()
    mirror.limit = 1500
    mirror.start()
    failed = 0
    for index in range(3000):
        for _ in range(100):
            try:
                os.stat(os.path.join(mirror.mount, "file-%d" % index))
                break
            except OSError:
                time.sleep(0.02)
        else:
            failed += 1
    check(failed == 0, "%d of 3000 files could not be reached with 1500 descriptors" % failed)
    check(mirror.stop() == 0, "vex-fuse ends well")
    mirror.limit = None


def main():
    with Mirror() as mirror:
        mirror.stop()
        mirror_killed(mirror.base)
        with Plane(mirror.base) as plane:
            plane_killed(mirror, plane)
        for policy in ("drop", "wait"):
            no_plane(mirror, mirror.base, policy)
        few_descriptors(mirror)
    print("%d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
