# SPDX-License-Identifier: BSD-3-Clause
# What comes back into the kernel, and what other modules say.
set -e
insmod /lib/vm/vex_tap.ko
insmod /lib/vm/vex_tap_sample.ko
mkdir -p /t/reverse
failed=0
/tests/kmod-reverse || failed=1
if rmmod vex_tap 2>/dev/null; then
	echo "FAIL: a module that another one uses was unloaded"
	failed=1
fi
rmmod vex_tap_sample
rmmod vex_tap
exit $failed
