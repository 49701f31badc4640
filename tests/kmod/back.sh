# SPDX-License-Identifier: BSD-3-Clause
# Rules lead events back into the kernel; a reverse lane that takes hardly any loses none unnamed.
set -e
. /tests/plane.sh
heard=/sys/module/vex_tap_sample/parameters/heard
insmod /lib/vm/vex_tap.ko
insmod /lib/vm/vex_tap_sample.ko
mkdir -p /t/back /t/source /t/mirror
touch /t/back/here /t/source/here
cat >/run/rules.yaml <<'Y'
- rule: Back into the kernel
  condition: fd.name pmatch (/t/back, /t/mirror) and event.boundary != fuse
  route: boundary:kernel
Y

lane()
{
	/tests/vexctl --json show subscribers | sed 's/.*\({[^{]*"name":"kernel"[^}]*}\).*/\1/'
}

# All that was offered was sent or is known to be lost, and that was told.
is_settled()
{
	line=$(lane)
	delivered=$(field "$line" delivered)
	missed=$(field "$line" target_full)
	[ "$(field "$line" held)" = 0 ] &&
		[ "$(field "$line" offered)" = $((delivered + missed)) ] &&
		[ "$(field "$line" announced)" = $missed ] &&
		[ "$(cat $heard)" = $((delivered + $(field "$line" gaps))) ]
}

start_plane --kernel-tap
/tests/vexctl rules load /run/rules.yaml || fail "the rules were not loaded"
/tests/kmod-back watch /t/back || failed=1
is_settled || { lane; cat $heard; fail "not all was sent back"; }
[ "$missed" = 0 ] || fail "lost $missed of a few events"
/tests/kmod-back flood /t/back 15000 || failed=1
until_true 600 is_settled || { lane; cat $heard; fail "not all that was sent is accounted for"; }
[ "$missed" -gt 0 ] || fail "a lane that nobody read was never full"
[ $((delivered + missed)) = 15004 ] || fail "$delivered sent and $missed lost of 15004"
/tests/vexctl show subscribers
/tests/vexctl show drops | grep target_full
/tests/vexctl verify || fail "not everything is accounted for"
# Detached, it comes back by itself.
number=$(field "$(lane)" subscriber)
attached=$(field "$(lane)" attached_ns)
/tests/vexctl subscriber detach "$number" || fail "not detached"
is_back()
{
	again=$(field "$(lane)" attached_ns)
	[ "$(field "$(lane)" delivered)" = 0 ] && [ "$again" -gt "$attached" ]
}
until_true 300 is_back || { /tests/vexctl show subscribers; fail "the reverse lane did not come back"; }
rmdir /t/back/local
/tests/kmod-back watch /t/back || failed=1

# A mount of FUSE is watched like any file system.
/tests/vex-fuse /t/source /t/mirror >/run/mirror.log 2>&1 &
mirror=$!
until_true 300 grep -q 'is mirrored at' /run/mirror.log || { cat /run/mirror.log; fail "no mirror"; }
/tests/kmod-back watch /t/mirror || failed=1
kill $mirror
wait $mirror || fail "vex-fuse ended with $?"
/tests/vexctl verify || fail "not everything is accounted for"
stop_plane
rmmod vex_tap_sample
until_true 50 rmmod vex_tap || fail "the module did not go"
exit $failed
