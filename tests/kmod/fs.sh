# SPDX-License-Identifier: BSD-3-Clause
# Sourced: ext4, tmpfs and overlayfs under /t.
mkdir -p /t/ext4 /t/tmpfs /t/overlay /layers
losetup /dev/loop0 /disk.ext4
mount -t ext4 /dev/loop0 /t/ext4
mount -t tmpfs tmpfs /t/tmpfs
mount -t tmpfs tmpfs /layers
mkdir -p /layers/lower /layers/upper /layers/work
mount -t overlay overlay \
	-o lowerdir=/layers/lower,upperdir=/layers/upper,workdir=/layers/work /t/overlay
