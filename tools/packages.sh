# SPDX-License-Identifier: BSD-3-Clause
# Debian packages, and how they are installed. Sourced by the other scripts in this folder.

build_packages='gcc libc6-dev meson ninja-build pkg-config python3 libdpdk-dev libfuse3-dev
	libpcap-dev libjansson-dev libyaml-dev libuv1-dev libcunit1-dev
	libhyperscan-dev libxxhash-dev libpcre2-dev libelf-dev flex bison'
run_packages='fuse3 xz-utils'
bench_packages='libzmq3-dev libnats-dev libhiredis-dev nats-server redis-server'
test_packages='g++ clang libclang-rt-14-dev tshark strace attr acl procps util-linux binutils
	iproute2 gdb linux-headers-cloud-amd64 qemu-system-x86 busybox-static cpio e2fsprogs make
	sparse linux-source'

say()
{
	printf '%s: %s\n' "${0##*/}" "$*"
}

need_root()
{
	[ "$(id -u)" = 0 ] && return
	echo "${0##*/}: root is needed, for packages and for the mount: sudo $0 $*" >&2
	exit 2
}

# install_packages NAME...: those that are not there yet.
install_packages()
{
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $package"
	done
	[ -z "$missing" ] && return
	say "installing$missing"
	log=$(mktemp)
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
		tail -20 "$log" >&2
		rm -f "$log"
		echo "${0##*/}: apt-get could not install$missing" >&2
		exit 1
	fi
	rm -f "$log"
}
