#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Boots Debian's kernel in qemu, by software emulation, with an initramfs that holds busybox, the
kernel module, the programs named and the libraries they need, and runs one script of tests there.

usage: vm.py --run SCRIPT --work FOLDER [--timeout S] [--cpus N] [--memory MB] [PROGRAM...]

The modules (kmod/ and tests/kmod/sample/) are built against the headers of Debian's cloud kernel;
FOLDER keeps them, and the kernel's package where it is not installed. Exits 0 where the script did
and the kernel's log holds no complaint."""
import argparse
import fcntl
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = ["loop", "overlay"]


def die(text):
    print("vm.py: " + text, file=sys.stderr)
    sys.exit(1)


def run(*command, **more):
    more = {"stderr": subprocess.PIPE, **more}
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        die(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def kernel_headers():
    found = sorted(Path("/lib/modules").glob("*-cloud-amd64/build/Makefile"))
    if not found:
        die("no kernel headers; on Debian: apt-get install linux-headers-cloud-amd64")
    return found[-1].parent


def release_of(headers):
    return re.search('"(.*)"', (headers / "include/generated/utsrelease.h").read_text())[1]


def copy_changed(source, target):
    """As cp -u does: what did not change is not built again."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copy(source, target)


def copy_sources(work):
    for source in [*(ROOT / "kmod").iterdir(), *(ROOT / "lib/abi").iterdir(),
                   *(HERE / "sample").iterdir()]:
        if source.is_file():
            copy_changed(source, work / source.relative_to(ROOT))


def build_modules(headers, work):
    copy_sources(work)
    modules = []
    for folder, name in (("kmod", "vex_tap.ko"), ("tests/kmod/sample", "vex_tap_sample.ko")):
        out = run("make", "-s", "-C", headers, f"M={work / folder}", "modules")
        if "warning:" in out:
            die(out)
        modules.append(work / folder / name)
    return modules


def kernel_tree(release, cache):
    """Where boot/ and lib/modules/ of that kernel are: installed, or unpacked from the package."""
    if (Path("/boot") / f"vmlinuz-{release}").exists() and \
            (Path("/lib/modules") / release / "kernel").exists():
        return Path("/")
    tree = cache / release
    if not (tree / "boot" / f"vmlinuz-{release}").exists():
        shutil.rmtree(tree, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache) as place:
            run("apt-get", "-o", "APT::Sandbox::User=root", "download", f"linux-image-{release}",
                cwd=place) # installed, it would want a boot loader
            run("dpkg", "-x", next(Path(place).glob("*.deb")), Path(place) / "tree")
            os.rename(Path(place) / "tree", tree)
    return tree


def package_tree(name, cache):
    """The package's files, which are not installed."""
    tree = cache / "packages" / name
    if not tree.exists():
        with tempfile.TemporaryDirectory(dir=cache) as place:
            run("apt-get", "-o", "APT::Sandbox::User=root", "download", name, cwd=place)
            run("dpkg", "-x", next(Path(place).glob("*.deb")), Path(place) / "tree")
            tree.parent.mkdir(exist_ok=True)
            os.rename(Path(place) / "tree", tree)
    return tree


def libraries(program):
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", done.stdout)


class Modules:
    """The kernel's own, each behind those that it needs."""

    def __init__(self, folder):
        self.files = {file.name.split(".")[0].replace("-", "_"): file
                      for file in folder.rglob("*.ko*")}
        self.loaded = {}

    def need(self, name):
        if name in self.loaded:
            return
        if name not in self.files: # built into the kernel
            return
        data = self.files[name].read_bytes()
        if self.files[name].suffix == ".xz":
            data = lzma.decompress(data)
        for other in re.search(rb"\0depends=([^\0]*)", data)[1].decode().split(","):
            if other:
                self.need(other.replace("-", "_"))
        self.loaded[name] = data


class Image:
    """A folder that becomes the initramfs."""

    def __init__(self, root):
        self.root = root

    def put(self, source, target):
        place = self.root / str(target).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy(os.path.realpath(source), place)

    def program(self, source, target):
        self.put(source, target)
        for library in libraries(source):
            self.put(library, library)

    def pack(self, to):
        names = subprocess.run(["find", "."], cwd=self.root, capture_output=True, check=True).stdout
        cpio = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=self.root, input=names,
                              capture_output=True, check=True).stdout
        to.write_bytes(cpio)


def make_image(options, modules, tree, release, place):
    image = Image(place / "root")
    image.put("/bin/busybox", "/bin/busybox")
    image.put(HERE / "init", "/init")
    (image.root / "init").chmod(0o755)
    for script in HERE.glob("*.sh"):
        image.put(script, f"/tests/{script.name}")
    own = Modules(tree / "lib/modules" / release / "kernel")
    for name in MODULES + options.module:
        own.need(name)
    (image.root / "lib/vm").mkdir(parents=True)
    for name, data in own.loaded.items():
        (image.root / f"lib/vm/{name}.ko").write_bytes(data)
    (image.root / "lib/vm/order").write_text("\n".join(own.loaded) + "\n")
    for module in modules:
        image.put(module, f"/lib/vm/{Path(module).name}")
    for program in options.programs:
        image.program(program, f"/tests/{Path(program).name}")
        if "dataplane" in str(program):
            for driver in Path("/usr/lib/x86_64-linux-gnu/dpdk").glob("*/librte_mempool_ring.so*"):
                image.program(driver, driver)
    for name in options.package:
        for file in package_tree(name, options.work).rglob("*"):
            inside = file.relative_to(options.work / "packages" / name)
            if file.is_file() and inside.parts[0] in ("sbin", "bin", "lib", "usr") \
                    and "doc" not in inside.parts:
                image.program(file, inside)
    disk = image.root / "disk.ext4"
    with open(disk, "wb") as file:
        file.truncate(16 << 20)
    run("mke2fs", "-q", "-F", "-t", "ext4", disk)
    image.pack(place / "initramfs")
    return place / "initramfs"


def boot(options, tree, release, initramfs):
    # One thread for all processors: with several, qemu 7.2 now and then runs a stale copy of an
    # instruction that another processor has just replaced, as ftrace does when hooks go on and off.
    command = ["qemu-system-x86_64", "-accel", f"tcg,thread={options.threads}", "-m", str(options.memory),
               "-cpu", "max", "-smp", str(options.cpus), "-nographic", "-no-reboot",
               "-kernel", str(tree / "boot" / f"vmlinuz-{release}"), "-initrd", str(initramfs),
               "-append", f"console=ttyS0 quiet panic=-1 clocksource=tsc tsc=reliable oops=panic softlockup_panic=1 vex.run={options.run} {options.append}"]
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               errors="replace")
    status = None
    try:
        out, _ = machine.communicate(timeout=options.timeout)
    except subprocess.TimeoutExpired:
        machine.kill()
        out, _ = machine.communicate()
        print(out)
        die(f"the machine did not end within {options.timeout} s")
    print(out.replace("\r", ""))
    found = re.search(r"VM: exit (\d+)", out)
    status = int(found[1]) if found else 1
    if not found:
        print("vm.py: the machine stopped before the script did", file=sys.stderr)
    return status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--timeout", type=int, default=170)
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--memory", type=int, default=768)
    parser.add_argument("--append", default="")
    parser.add_argument("--package", action="append", default=[],
                        help="a Debian package whose programs come along")
    parser.add_argument("--module", action="append", default=[],
                        help="a module of the kernel's that comes along, with what it needs")
    parser.add_argument("--headers", type=Path,
                        help="of the kernel that is booted; otherwise the cloud kernel's")
    parser.add_argument("--threads", default="single", choices=["single", "multi"])
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    headers = options.headers or kernel_headers()
    release = release_of(headers)
    with open(options.work / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        modules = build_modules(headers, options.work.resolve())
        tree = kernel_tree(release, options.work)
    with tempfile.TemporaryDirectory() as place:
        initramfs = make_image(options, modules, tree, release, Path(place))
        return boot(options, tree, release, initramfs)


if __name__ == "__main__":
    sys.exit(main())
