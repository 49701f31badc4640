# SPDX-License-Identifier: BSD-3-Clause
# Everything is counted, whatever the load and the size of the lanes; a processor comes and goes.
set -e
insmod /lib/vm/vex_tap.ko
. /tests/fs.sh
failed=0
/tests/kmod-stress count /t/ext4 /t/tmpfs /t/overlay || failed=1
/tests/kmod-stress sizes /t/tmpfs || failed=1
(
	while :; do
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo 1 >/sys/devices/system/cpu/cpu1/online
	done
) &
hotplug=$!
/tests/kmod-stress count /t/ext4 /t/tmpfs /t/overlay || failed=1
kill $hotplug
wait $hotplug || :
echo 1 >/sys/devices/system/cpu/cpu1/online 2>/dev/null || :
rmmod vex_tap || failed=1
exit $failed
