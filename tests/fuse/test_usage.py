#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wrong options, directories that can't be used, signals, going to the background."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from anyone import reach
from mirror import PROGRAM, Mirror, is_mounted, wait_for
from plane import Plane

problems = []


def check(condition, what):
    print("%s %s" % ("ok" if condition else "not ok", what))
    if not condition:
        problems.append(what)


def run(*arguments, program=PROGRAM, **options):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30,
                          check=False, **options)


def refused(code, text, *arguments, **options):
    result = run(*arguments, **options)
    lines = result.stderr.splitlines()
    what = "%s: %r" % (" ".join(arguments), result.stderr)
    check(result.returncode == code, "exit code %d, not %d: %s" % (result.returncode, code, what))
    check(len(lines) == 1 and lines[0].startswith("vex-fuse: "), "one line: " + what)
    check(text in result.stderr, "says '%s': %s" % (text, what))


def options(base):
    source, mount = os.path.join(base, "source"), os.path.join(base, "mount")
    refused(2, "unknown option '--nonsense'", "--nonsense", source, mount)
    refused(2, "unknown option '-Z'", "-Z", source, mount)
    refused(2, "'--cache' wants a value", source, mount, "--cache")
    refused(2, "none of none, auto, always", "--cache", "some", source, mount)
    refused(2, "no number of seconds", "--timeout", "x", source, mount)
    refused(2, "no number of seconds", "--timeout", "-1", source, mount)
    refused(2, "no number of seconds", "--timeout", "nan", source, mount)
    refused(2, "no number from 1 to 64", "--threads", "0", source, mount)
    refused(2, "no number from 1 to 64", "--threads", "65", source, mount)
    refused(2, "no number from 1 to 64", "--threads", "-3", source, mount)
    refused(2, "neither drop nor wait", "--full", "block", source, mount)
    refused(2, "no power of two", "--lane-size", "5000", source, mount)
    refused(2, "no number from", "--lane-size", "1", source, mount)
    refused(2, "no number from", "--wait-us", "0", source, mount)
    refused(2, "no number from", "--reverse-rate", "0", source, mount)
    refused(2, "1 to 47 bytes", "--name", "n" * 48, source, mount)
    refused(2, "1 to 107 bytes", "--socket", "/" + "s" * 200, source, mount)
    refused(2, "1 to 107 bytes", "--socket", "", source, mount)
    refused(2, "VEX_SOCKET", source, mount, env=dict(os.environ, VEX_SOCKET="/" + "s" * 200))
    refused(2, "needs a cache", "--cache", "none", "--writeback", source, mount)
    refused(2, "SOURCE and MOUNTPOINT are wanted", source)
    refused(2, "SOURCE and MOUNTPOINT are wanted")
    refused(2, "too many operands", source, mount, mount)
    check("usage: vex-fuse" in run("--help").stdout, "--help")
    check(run("--version").stdout.startswith("vex-fuse "), "--version")


def directories(base):
    source, mount = os.path.join(base, "source"), os.path.join(base, "mount")
    none, full, file = (os.path.join(base, name) for name in ("none", "full", "file"))
    os.mkdir(full)
    open(os.path.join(full, "x"), "w").close()
    open(file, "w").close()
    os.mkdir(os.path.join(source, "inside"))
    os.symlink(os.path.join(source, "inside"), os.path.join(base, "link"))
    refused(78, "SOURCE %s: No such file" % none, none, mount)
    refused(78, "SOURCE %s: Not a directory" % file, file, mount)
    refused(78, "MOUNTPOINT %s: No such file" % none, source, none)
    refused(78, "MOUNTPOINT %s: Not a directory" % file, source, file)
    refused(78, "is not empty", source, full)
    refused(78, "lies inside SOURCE", source, os.path.join(source, "inside"))
    refused(78, "lies inside SOURCE", source, os.path.join(base, "link"))
    refused(78, "lies inside SOURCE", source, source)
    refused(78, "in use", source, "/proc")
    deep = os.path.join(base, *["d" * 200] * 17)
    os.makedirs(deep)
    refused(78, "MOUNTPOINT is too long", source, deep)
    os.chmod(full, 0o700)
    path, env = reach(base, PROGRAM)
    refused(78, "you may not read", full, mount, program=path, env=env, user=65534, group=65534,
            extra_groups=[])


def in_use(base):
    with Mirror("--no-events", base=base) as mirror:
        refused(78, "in use", mirror.source, mirror.mount)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            check(mirror.stop(number) == 0, "signal %d ends it" % number)
            check(not is_mounted(mirror.mount), "and unmounts")
            mirror.start()
        subprocess.run(["fusermount3", "-u", mirror.mount], check=True)
        check(mirror.process.wait(timeout=20) == 0, "fusermount3 -u ends it")
        mirror.start()
        held = open(os.path.join(mirror.mount, "held"), "w")
        check(mirror.stop() == 0, "it ends though a file is open")
        check(not is_mounted(mirror.mount), "and unmounts")
        try:
            held.write("x" * 100000)
            held.close()
            failed = False
        except OSError:
            failed = True
        check(failed, "whoever holds it gets an error")


def others_mount(base):
    """What another mounted at the place since is not ours to take off."""
    with Mirror("--no-events", base=base) as mirror:
        held = open(os.path.join(mirror.mount, "held"), "w")
        subprocess.run(["umount", "-l", mirror.mount], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", mirror.mount], check=True)
        mirror.process.send_signal(signal.SIGTERM)
        check(mirror.process.wait(timeout=20) == 0, "it ends though its mount went before")
        check(is_mounted(mirror.mount), "and leaves another's mount alone")
        try:
            held.close()
        except OSError:
            pass


def background(base):
    source, mount = os.path.join(base, "source"), os.path.join(base, "mount")
    result = run("--daemon", "--no-events", "--read-only", source, mount)
    check(result.returncode == 0 and is_mounted(mount), "--daemon returns once mounted")
    try:
        open(os.path.join(mount, "x"), "w").close()
        check(False, "--read-only")
    except OSError as error:
        check(error.errno == 30, "--read-only")
    subprocess.run(["fusermount3", "-u", mount], check=True)
    wait_for(lambda: not is_mounted(mount), what="the unmount")
    refused(78, "lies inside SOURCE", "--daemon", source, source)


# What a user may do with little permission: list a folder, lock by a descriptor that he has.
OWN = """
import fcntl, os
os.mkdir("m/d")
open("m/d/f", "w").close()
os.chmod("m/d", 0o400)
print(os.listdir("m/d"))
os.chmod("m/d", 0o700)
os.chmod("m/d/f", 0o200)
fd = os.open("m/d/f", os.O_WRONLY)
fcntl.lockf(fd, fcntl.LOCK_EX)
print("locked")
os.close(fd)
fd = os.open("m/d/f", os.O_WRONLY)
os.chmod("m/d/f", 0)
fcntl.lockf(fd, fcntl.LOCK_EX)
print("locked")
fcntl.lockf(fd, fcntl.LOCK_UN)
"""


def unprivileged(base):
    """An ordinary user mirrors what is its own, for itself."""
    own = os.path.join(base, "own")
    os.mkdir(own)
    for name in ("s", "m"):
        os.mkdir(os.path.join(own, name))
        os.chown(os.path.join(own, name), 65534, 65534)
    who = {"user": 65534, "group": 65534, "extra_groups": []}
    log = open(os.path.join(own, "log"), "w")
    path, env = reach(base, PROGRAM)
    process = subprocess.Popen([path, "--no-events", "s", "m"], cwd=own, stderr=log, env=env, **who)
    mount = os.path.join(own, "m")
    wait_for(lambda: is_mounted(mount) or process.poll() is not None, what="the mount")
    if process.poll() is not None and not os.stat(shutil.which("fusermount3")).st_mode & 0o4000:
        print("ok unprivileged mounts are not allowed here: left out")
        return
    result = subprocess.run(["sh", "-c", "echo mine > m/f && mv m/f m/g && "
                             "cat m/g && stat -c %u m/g"],
                            cwd=own, capture_output=True, text=True, check=False, **who)
    check(result.stdout == "mine\n65534\n", "an ordinary user: %r %r" % (result.stdout,
                                                                          result.stderr))
    result = subprocess.run(["/usr/bin/env", "python3", "-c", OWN], cwd=own, capture_output=True,
                            text=True, check=False, env={"PATH": "/usr/bin:/bin"}, **who)
    check(result.stdout == "['f']\nlocked\nlocked\n", "what may be little: %r %r" %
          (result.stdout, result.stderr))
    process.terminate()
    check(process.wait(timeout=20) == 0 and not is_mounted(mount), "and unmounts")
    log.close()
    os.chown(mount, 0, 0)
    refused(78, "no write access", "--no-events", "s", "m", program=path, cwd=own, env=env, **who)


def lanes(base):
    """What the data plane does not take is said in one line, before anything is left behind."""
    source, mount = os.path.join(base, "source"), os.path.join(base, "mount")
    with Plane(base, "--ring-max", "65536") as plane:
        refused(78, "ring_max", "--socket", plane.socket, "--lane-size", "1M", source, mount)
    check(not is_mounted(mount), "nothing stays mounted")


def main():
    base = tempfile.mkdtemp(prefix="vex-fuse-usage-")
    os.chmod(base, 0o755)
    for name in ("source", "mount"):
        os.mkdir(os.path.join(base, name))
    try:
        for part in (options, directories, in_use, others_mount, background, unprivileged, lanes):
            part(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print("%d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
