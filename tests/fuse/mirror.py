# SPDX-License-Identifier: BSD-3-Clause
"""A mirror under test: started, waited for, and taken down whatever happens."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = os.environ.get("VEX_FUSE", "vex-fuse")


def wait_for(condition, seconds=20, what="a condition"):
    """Polls until it holds: never longer than needed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("waited %d s in vain for %s" % (seconds, what))


def is_mounted(path):
    path = os.path.abspath(path)
    with open("/proc/self/mountinfo") as file:
        return any(line.split()[4] == path for line in file)


class Mirror:
    """with Mirror("--no-events") as mirror: ... mirror.source, mirror.mount"""

    def __init__(self, *options, base=None):
        self.base = base or tempfile.mkdtemp(prefix="vex-fuse-test-")
        self.own_base = base is None
        self.source = os.path.join(self.base, "source")
        self.mount = os.path.join(self.base, "mount")
        self.options = list(options)
        self.process = None
        self.limit = None # of descriptors
        for path in (self.source, self.mount):
            os.makedirs(path, exist_ok=True)
        os.chmod(self.base, 0o755)

    def start(self):
        self.log = open(os.path.join(self.base, "log"), "ab")
        before = self.said().count(" is mirrored at ")
        command = [PROGRAM, *self.options, self.source, self.mount]
        if self.limit:
            # It raises its limit as far as it may: without the capability, not at all.
            command = ["setpriv", "--bounding-set=-sys_resource", "prlimit",
                       "--nofile=%d" % self.limit, *command]
        self.process = subprocess.Popen(command, stderr=self.log)
        wait_for(lambda: self.said().count(" is mirrored at ") > before
                 or self.process.poll() is not None, what="the mount")
        if self.process.poll() is not None:
            raise AssertionError("vex-fuse ended with %d: %s" %
                                 (self.process.returncode, self.said()))
        return self

    def said(self):
        with open(os.path.join(self.base, "log")) as file:
            return file.read()

    def stop(self, number=signal.SIGTERM):
        """The exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.log.close()
        self.process = None
        return code

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exception):
        self.stop()
        while is_mounted(self.mount):
            subprocess.run(["umount", "-l", self.mount], check=False)
        if self.own_base:
            shutil.rmtree(self.base, ignore_errors=True)
