# SPDX-License-Identifier: BSD-3-Clause
# Sourced: a data plane with the kernel's tap, and its control.
export VEX_SOCKET=/run/dataplane.sock VEX_CONTROL_SOCKET=/run/control.sock
mkdir -p /run/vexplane
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# until_true TRIES COMMAND...: waits for a condition, a tenth of a second between tries.
until_true()
{
	tries=$1
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 100000
	done
}

begin_plane()
{
	/tests/vex-dataplane --no-huge --in-memory -m 64 --no-telemetry -l 0-1 -- \
		--socket $VEX_SOCKET --idle adaptive "$@" >/run/dataplane.log 2>&1 &
	plane=$!
}

start_plane()
{
	begin_plane "$@"
	until_true 300 grep -q 'ready at' /run/dataplane.log || { cat /run/dataplane.log; exit 1; }
	/tests/vex-control --socket $VEX_CONTROL_SOCKET --data-socket $VEX_SOCKET \
		--state-dir /run/state >/run/control.log 2>&1 &
	control=$!
	until_true 300 /tests/vexctl status || { cat /run/control.log; fail "no control"; }
}

stop_plane()
{
	kill $control
	kill $plane
	wait $plane || fail "the data plane ended with $?"
	wait $control || :
	cat /run/dataplane.log
}

# field LINE KEY: a number out of JSON.
field()
{
	echo "$1" | sed 's/.*"'"$2"'": *\([0-9]*\).*/\1/'
}
