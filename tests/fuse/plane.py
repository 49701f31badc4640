# SPDX-License-Identifier: BSD-3-Clause
"""A data plane of our own, and a subscriber that counts."""

import json
import os
import subprocess

from mirror import wait_for

DATAPLANE = os.environ.get("VEX_DATAPLANE", "vex-dataplane")
COUNT = os.environ.get("VEX_COUNT", "vex-count")


class Plane:
    """with Plane(directory) as plane: ... plane.socket"""

    def __init__(self, base, *options):
        self.base = base
        self.options = options
        self.socket = os.path.join(base, "dataplane.sock")
        self.process = None

    def start(self):
        self.log = open(os.path.join(self.base, "dataplane.log"), "ab")
        before = self.said().count("ready at")
        self.process = subprocess.Popen(
            [DATAPLANE, "--no-huge", "--in-memory", "--no-pci", "--no-telemetry", "-l", "0-1",
             "-m", "256", "--file-prefix", "vex-fuse-test-%d" % os.getpid(), "--",
             "--socket", self.socket, "--idle", "adaptive", *self.options],
            stdout=self.log, stderr=self.log)
        wait_for(lambda: self.said().count("ready at") > before or self.process.poll() is not None,
                 what="the data plane")
        if self.process.poll() is not None:
            raise AssertionError("vex-dataplane ended: " + self.said())
        return self

    def said(self):
        with open(os.path.join(self.base, "dataplane.log")) as file:
            return file.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """The exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=30)
        self.log.close()
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()


class Counter:
    """Counts by type of what vex-fuse reported; or each event, with lines."""

    def __init__(self, plane, lines=False):
        command = [COUNT, plane.socket, "fuse"] + (["--lines"] if lines else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("vex-count did not get ready")

    def counts(self):
        """Since it began, once all is quiet."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def events(self):
        """Since the last call, once all is quiet."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found = []
        while True:
            line = self.process.stdout.readline()
            if line in ("\n", ""):
                return found
            found.append(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)
