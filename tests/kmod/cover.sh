# SPDX-License-Identifier: BSD-3-Clause
# The coverage matrix, on ext4, tmpfs and overlayfs.
set -e
insmod /lib/vm/vex_tap.ko
. /tests/fs.sh
failed=0
for fs in ext4 tmpfs overlay; do
	/tests/kmod-cover /t/$fs $fs || failed=1
done
/tests/kmod-cover /t/tmpfs kworker/ /t/tmpfs || failed=1
rmmod vex_tap || failed=1
exit $failed
