# SPDX-License-Identifier: BSD-3-Clause
# What is selected, and what is refused.
set -e
insmod /lib/vm/vex_tap.ko
. /tests/fs.sh
failed=0
/tests/kmod-choose /t/ext4 || failed=1
/tests/kmod-hostile /t/tmpfs || failed=1
rmmod vex_tap || failed=1
exit $failed
