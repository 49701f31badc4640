# SPDX-License-Identifier: BSD-3-Clause
# The coverage matrix, on ext4, tmpfs and overlayfs.
set -e
insmod /lib/vm/vex_tap.ko
mkdir -p /t/ext4 /t/tmpfs /t/overlay /t/layers
losetup /dev/loop0 /disk.ext4
mount -t ext4 /dev/loop0 /t/ext4
mount -t tmpfs tmpfs /t/tmpfs
mount -t tmpfs tmpfs /t/layers
mkdir -p /t/layers/lower /t/layers/upper /t/layers/work
mount -t overlay overlay -o lowerdir=/t/layers/lower,upperdir=/t/layers/upper,workdir=/t/layers/work /t/overlay
failed=0
for fs in ext4 tmpfs overlay; do
	/tests/kmod-cover /t/$fs $fs || failed=1
done
cat /sys/module/vex_tap/refcnt
rmmod vex_tap || failed=1
exit $failed
