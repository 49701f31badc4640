# SPDX-License-Identifier: BSD-3-Clause
# The kernel as a port of the data plane: events arrive, are accounted for to the last, and no echo.
set -e
. /tests/plane.sh
mkdir -p /t/ext4
losetup /dev/loop0 /disk.ext4
mount -t ext4 /dev/loop0 /t/ext4

# Without the module it says what is missing, and does not start.
begin_plane --kernel-tap
if wait $plane; then fail "started without the module"; fi
grep -q 'is vex_tap loaded' /run/dataplane.log || fail "did not say that the module is missing"

insmod /lib/vm/vex_tap.ko
start_plane --kernel-tap --kernel-ring 1048576

# The stream itself is written to a file that is looked at, too: an echo would have no end.
/tests/vexctl tail --json --where 'path=/t/ext4/**' >/t/ext4/stream &
tail=$!
until_true 100 sh -c '/tests/vexctl show subscribers | grep -q tail' || {
	/tests/vexctl show subscribers
	fail "nobody subscribed"
}
for i in 1 2 3 4 5 6 7 8 9 10; do
	echo $i >/t/ext4/file-$i
	mv /t/ext4/file-$i /t/ext4/moved-$i
	rm /t/ext4/moved-$i
done
touch /t/ext4/last
until_true 200 grep -q '"path":"/t/ext4/last"' /t/ext4/stream || fail "the last event did not come"

for i in 1 5 10; do
	grep '"path":"/t/ext4/file-'$i'"' /t/ext4/stream >/run/lines
	for type in create open write close rename; do
		grep -q "\"type\":\"$type\"" /run/lines || fail "no $type of file-$i"
	done
	grep -q '"boundary":"kernel"' /run/lines || fail "not of the kernel's boundary"
	grep '"path":"/t/ext4/moved-'$i'"' /t/ext4/stream | grep -q '"type":"delete"' ||
		fail "no delete of moved-$i"
done
grep -q '"path":"/t/ext4/stream"' /t/ext4/stream && grep '"path":"/t/ext4/stream"' /t/ext4/stream |
	grep -q '"comm":"vexctl"' && fail "the subscriber's own work came back to it"
/tests/vexctl show ports | grep -q kernel || fail "no port of that name"
/tests/vexctl verify || fail "not everything is accounted for"
wc -l </t/ext4/stream

# The module's own counters, as the data plane's.
counted()
{
	line=$(/tests/vexctl --json show kernel | sed 's/.*\({"type":"rename"[^}]*}\).*/\1/')
	[ "$(field "$line" seen)" = 10 ] && [ "$(field "$line" emitted)" = 10 ]
}
until_true 100 counted || { echo "$line"; fail "ten renames were not counted"; }
[ "$(field "$line" hook_min_ns)" -le "$(field "$line" hook_max_ns)" ] || fail "$line"
/tests/vexctl show kernel
/tests/vexctl kernel status

# While it is mapped the module stays; afterwards it goes.
rmmod vex_tap 2>/dev/null && fail "unloaded while it was mapped"
kill -INT $tail
stop_plane

# Lanes of one page, while a processor comes and goes: what they lose is known, and announced.
until_true 50 rmmod vex_tap || fail "the module did not go"
insmod /lib/vm/vex_tap.ko # its counts begin anew
start_plane --kernel-tap --kernel-ring 4096
/tests/vexctl kernel select path=/t/ext4/small || fail "not selected"
mkdir /t/ext4/small
(
	while :; do
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo 1 >/sys/devices/system/cpu/cpu1/online
	done
) &
hotplug=$!
for i in $(seq 60); do
	echo $i >/t/ext4/small/$i
	rm /t/ext4/small/$i
done
kill $hotplug
wait $hotplug || :
echo 1 >/sys/devices/system/cpu/cpu1/online 2>/dev/null || :

# What came, without the GAPs that tell of the rest.
settled()
{
	port=$(/tests/vexctl --json show ports | sed 's/.*\({[^{]*"name":"kernel"[^}]*}\).*/\1/')
	line=$(/tests/vexctl --json kernel status)
	[ "$(field "$port" lost)" = "$(field "$line" dropped)" ] &&
		[ $(($(field "$port" received) - $(field "$port" gaps) - $(field "$port" rejected))) = \
			"$(field "$line" emitted)" ]
}
until_true 100 settled || { echo "$port $line"; fail "what small lanes lost is not known"; }
/tests/vexctl show lanes
/tests/vexctl kernel status
/tests/vexctl verify || fail "not everything is accounted for"
stop_plane
until_true 50 rmmod vex_tap || fail "the module did not go"
exit $failed
