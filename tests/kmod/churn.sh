# SPDX-License-Identifier: BSD-3-Clause
# The module comes and goes a hundred times under load, with and without a reader, who is killed.
. /tests/fs.sh
failed=0
for fs in ext4 tmpfs overlay; do
	/tests/kmod-stress work /t/$fs &
	workers="$workers $!"
done
attached=0
for i in $(seq 100); do
	[ $((i % 20)) = 0 ] && echo "round $i after $(cut -d' ' -f1 /proc/uptime) s"
	insmod /lib/vm/vex_tap.ko || { failed=1; break; }
	if [ $((i % 4)) = 0 ]; then
		/tests/kmod-stress read &
		reader=$!
		tries=100
		while [ "$(cat /sys/module/vex_tap/refcnt)" = 0 ] && [ $tries -gt 0 ]; do
			usleep 10000
			tries=$((tries - 1))
		done
		[ $tries -gt 0 ] && attached=$((attached + 1))
		rmmod vex_tap 2>/dev/null && { echo "FAIL: unloaded while in use"; failed=1; }
		usleep $((i * 3000))
		kill -9 $reader
		wait $reader 2>/dev/null
	fi
	rmmod vex_tap || { echo "FAIL: round $i: not unloaded"; failed=1; break; }
done
echo "churn: $attached readers killed"
[ $attached = 25 ] || failed=1
kill $workers
[ -e /dev/vexplane ] && { echo "FAIL: the device is left behind"; failed=1; }
grep -q vex_tap /proc/kallsyms && { echo "FAIL: symbols are left behind"; failed=1; }
exit $failed
