#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel's own checkers say of the module: sparse, and checkpatch.pl with --strict. Any
complaint fails.

usage: lint.py --work FOLDER"""
import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from vm import ROOT, copy_sources, die, kernel_headers, run

SCRIPTS = ["checkpatch.pl", "spelling.txt", "const_structs.checkpatch"]
FOLDERS = ["kmod", "tests/kmod/sample"]


def sparse(headers, work):
    if not shutil.which("sparse"):
        die("no sparse; on Debian: apt-get install sparse")
    copy_sources(work)
    problems = []
    for folder in FOLDERS:
        run("make", "-s", "-C", headers, f"M={work / folder}", "clean")
        out = run("make", "-C", headers, f"M={work / folder}", "C=2", "CHECK=sparse", "modules",
                  stderr=subprocess.STDOUT)
        if out.count("  CHECK ") < len(list((ROOT / folder).glob("*.c"))):
            die(f"sparse did not look at each file of {folder}:\n{out}")
        problems += re.findall(r".*(?:warning|error):.*", out)
    return problems


def checkpatch(work):
    """Debian has the script in the package of the kernel's source alone."""
    scripts = work / "scripts"
    archives = sorted(Path("/usr/src").glob("linux-source-*.tar.xz"))
    if not archives:
        die("no checkpatch.pl; on Debian: apt-get install linux-source")
    if not (scripts / SCRIPTS[0]).exists():
        top = archives[-1].name.removesuffix(".tar.xz")
        run("tar", "-xf", archives[-1], "-C", work, "--strip-components=1", "--occurrence=1",
            *(f"{top}/scripts/{name}" for name in reversed(SCRIPTS)))
    done = subprocess.run(["perl", scripts / SCRIPTS[0], "--no-tree", "--terse", "--strict",
                           "--no-summary", "-f",
                           *(file for folder in FOLDERS for file in (ROOT / folder).glob("*.[ch]"))],
                          capture_output=True, text=True)
    problems = (done.stdout + done.stderr).splitlines()
    if done.returncode and not problems:
        die(f"checkpatch.pl ended with {done.returncode}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    problems = sparse(kernel_headers(), work) + checkpatch(work)
    print("\n".join(problems + [f"lint: {len(problems)} problems"]))
    return 1 if problems else 0


sys.exit(main())
