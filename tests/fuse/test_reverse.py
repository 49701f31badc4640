#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""--reverse: what was changed beneath, and told by an event that a rule leads back, is seen through
the mirror at once, though the kernel was to keep what it knew for an hour; and whatever else an
event says does no harm."""

import ctypes
import json
import os
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import libvex
from mirror import Mirror, wait_for
from plane import Plane

TOOL = os.environ["PLANE_TOOL"]
CREATE, DELETE, RENAME, WRITE, CHMOD = 14, 15, 16, 13, 17
APP, FUSE = 3, 2
FLOOD = 30000
RULES = """
- rule: back to the mirror
  condition: fd.name startswith "%s/" and evt.type != utimens
  route: boundary:fuse
"""
IN_ATTRIB, IN_DELETE_SELF = 0x4, 0x400
libc = ctypes.CDLL(None)
problems = []


def check(condition, what):
    print("%s %s" % ("ok" if condition else "not ok", what))
    if not condition:
        problems.append(what)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def read(path):
    with open(path) as file:
        return file.read()


class Teller:
    """An application that says what it did beneath the mirror."""

    def __init__(self, plane):
        self.port = libvex.Port(plane.socket, boundary=APP, full=libvex.WAIT, wait_us=10000000)
        self.lane = self.port.lane()

    def tell(self, kind, path, path2=None):
        event = libvex.make_event(kind, path.encode())
        if path2:
            event.has |= libvex.HAS_PATH2
            event.path2.data = ctypes.cast(ctypes.c_char_p(path2.encode()), ctypes.c_void_p)
            event.path2.len = len(path2.encode())
        if libvex.publish(self.lane, event):
            raise AssertionError("not published")


def tool(plane, *words):
    return subprocess.run([TOOL, plane.socket, *words], check=True, capture_output=True,
                          text=True).stdout


def lane(plane):
    """What the data plane counted for the mirror's reverse lane."""
    subscribers = json.loads(tool(plane, "stats"))["subscribers"]
    return next((each for each in subscribers if each["name"].startswith("fuse:")), None)


def contents(mirror, teller):
    above, beneath = os.path.join(mirror.mount, "f"), os.path.join(mirror.source, "f")
    write(beneath, "old")
    check(read(above) == "old", "a file")
    os.stat(above) # reading had changed a time of it
    write(beneath, "much longer")
    check(os.stat(above).st_size == 3, "what was changed beneath is not seen by itself")
    teller.tell(WRITE, beneath)
    wait_for(lambda: os.stat(above).st_size == 11, what="the size")
    check(read(above) == "much longer", "its contents")
    os.stat(above)
    os.chmod(beneath, 0o600)
    check(os.stat(above).st_mode & 0o777 == 0o644, "nor what was set")
    teller.tell(CHMOD, above)
    wait_for(lambda: os.stat(above).st_mode & 0o777 == 0o600, what="the mode")


def names(mirror, teller):
    above, beneath = os.path.join(mirror.mount, "d"), os.path.join(mirror.source, "d")
    os.mkdir(beneath)
    write(os.path.join(beneath, "a"), "1")
    check(os.listdir(above) == ["a"] and os.path.exists(above + "/a"), "a folder")
    os.rename(beneath + "/a", beneath + "/b")
    teller.tell(RENAME, beneath + "/a", beneath + "/b")
    wait_for(lambda: not os.path.exists(above + "/a"), what="the old name to go")
    check(os.listdir(above) == ["b"] and read(above + "/b") == "1", "the new name")
    watch = libc.inotify_init()
    check(libc.inotify_add_watch(watch, (above + "/b").encode(), IN_ATTRIB | IN_DELETE_SELF) >= 0,
          "a watch")
    os.unlink(beneath + "/b")
    check(os.path.exists(above + "/b"), "what was deleted beneath is not seen by itself")
    teller.tell(DELETE, beneath + "/b")
    wait_for(lambda: not os.path.exists(above + "/b"), what="the name to go")
    heard, = struct.unpack_from("iI", os.read(watch, 4096))[1:]
    check(heard in (IN_ATTRIB, IN_DELETE_SELF), "whoever watched it hears: %x" % heard)
    os.close(watch)
    before = os.stat(above).st_mtime_ns
    write(beneath + "/c", "2")
    os.utime(beneath, ns=(before + 5, before + 5))
    teller.tell(CREATE, beneath + "/c")
    wait_for(lambda: os.stat(above).st_mtime_ns == before + 5, what="the folder's time")
    check(read(above + "/c") == "2", "what was made beneath")


def moved_folder(mirror, teller):
    """A folder that someone uses lives on under its new name."""
    above, beneath = os.path.join(mirror.mount, "old"), os.path.join(mirror.source, "old")
    renamed = os.path.join(mirror.mount, "new")
    os.mkdir(beneath)
    write(beneath + "/a", "1")
    fd = os.open(above, os.O_RDONLY | os.O_DIRECTORY)
    check(os.listdir(fd) == ["a"], "a folder in use")
    os.rename(beneath, os.path.join(mirror.source, "new"))
    teller.tell(RENAME, beneath, os.path.join(mirror.source, "new"))
    wait_for(lambda: not os.path.exists(above), what="the folder's old name to go")
    check(os.listdir(renamed) == ["a"], "its new name shows what is in it")
    write(renamed + "/b", "2")
    check(sorted(os.listdir(renamed)) == ["a", "b"] and read(renamed + "/b") == "2",
          "and takes more")
    check(os.stat("b", dir_fd=fd).st_size == 1, "whoever has it open goes on")
    os.close(fd)


def lies(mirror, teller):
    """An event's word is not taken for it."""
    above, beneath = os.path.join(mirror.mount, "f"), os.path.join(mirror.source, "f")
    with open(above) as file:
        for path in (beneath, beneath + "/..", mirror.source + "/./f", mirror.source + "//f",
                     mirror.source + "/../source/f", mirror.source + "x/f", mirror.source + "/",
                     mirror.source + "/" + "n" * 300, mirror.source + "/d/../f",
                     mirror.source + "/f/g", mirror.source + "/x" * 1000):
            for kind in (DELETE, WRITE, CREATE):
                teller.tell(kind, path)
        contents_of_another(mirror, teller)
        status = os.fstat(file.fileno())
        check(status.st_nlink == 1 and os.path.exists(above), "a deletion that was none")
        check(file.read() == "much longer", "and whoever had it open reads on")


def contents_of_another(mirror, teller):
    """What was told before is done with once this is seen. Told again, should it be lost."""
    above, beneath = os.path.join(mirror.mount, "g"), os.path.join(mirror.source, "g")

    def seen():
        teller.tell(WRITE, beneath)
        return os.stat(above).st_size == len(text)

    for text in ("1", "22"):
        write(beneath, text)
        wait_for(seen, what="a size")


def flood(mirror, teller, plane):
    beneath = os.path.join(mirror.source, "f")
    for _ in range(FLOOD):
        teller.tell(WRITE, beneath)
    contents_of_another(mirror, teller) # behind all that was not lost, and the GAP for what was
    tool(plane, "verify")
    count = lane(plane)
    check(count["offered"] == count["delivered"] + count["target_full"] and
          count["announced"] == count["target_full"], "nothing is lost unnamed: %s" % count)


def echo(mirror, plane):
    """What the mirror saw itself does not come back."""
    before = lane(plane)["offered"]
    for i in range(100):
        write(os.path.join(mirror.mount, "own%d" % i), "x")
    tool(plane, "verify")
    check(lane(plane)["offered"] == before, "no echo")


def restart(mirror, plane):
    plane.kill()
    plane.start()
    wait_for(lambda: lane(plane), what="the mirror to come back")
    contents_of_another(mirror, Teller(plane))


def main():
    with tempfile.TemporaryDirectory(prefix="vex-fuse-reverse-") as base:
        rules, image = os.path.join(base, "rules.yaml"), os.path.join(base, "rules.image")
        write(rules, RULES % base)
        subprocess.run([TOOL, "compile", rules, image], check=True)
        with Plane(base, "--rules-image", image) as plane, \
                Mirror("--reverse", "--socket", plane.socket, "--timeout", "3600",
                       "--reverse-rate", "20000", base=base) as mirror:
            wait_for(lambda: lane(plane), what="the mirror to attach")
            teller = Teller(plane)
            contents(mirror, teller)
            names(mirror, teller)
            moved_folder(mirror, teller)
            lies(mirror, teller)
            echo(mirror, plane)
            flood(mirror, teller, plane)
            teller.port.close()
            restart(mirror, plane)
            check(mirror.stop() == 0, "it ends")
            tool(plane, "verify")
    print("%d problems" % len(problems))
    sys.exit(1 if problems else 0)


main()
