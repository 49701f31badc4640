# SPDX-License-Identifier: BSD-3-Clause
# What listening costs: a loop of open, write, close and unlink with no tap at all, with the module
# loaded, with a reader of everything, with fanotify and its names, and with auditd and a watch. Each
# round has all but the last, which comes after: once it was on, every system call is slower.
# Where code comes to lie matters in an emulated machine, so a round has several turns, in each of
# which the module is loaded anew, and gives their means. Prints "BENCH CASE NANOSECONDS". The loop
# has one processor, who listens the other.
. /tests/fs.sh
where=/t/ext4
rounds=$(sed 's/.*vex\.rounds=\([0-9]*\).*/\1/' /proc/cmdline)
turns=3
loops=100
none=0 idle=0 vexplane=0 fanotify=0 auditd=0

# measure CASE: adds to the variable of that name
measure()
{
	eval "$1=\$(($1 + $(taskset 2 /tests/kmod-loop $where $loops)))"
}

# tell CASE...
tell()
{
	for case; do
		eval "echo \"BENCH $case \$(($case / turns))\"; $case=0"
	done
}

# wait_for COMMAND...
wait_for()
{
	tries=100
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "bench: gave up on: $*"; exit 1; }
		usleep 50000
	done
}

turn()
{
	measure none
	insmod /lib/vm/vex_tap.ko || exit 1
	measure idle
	taskset 1 /tests/kmod-stress read >/tmp/reader 2>&1 &
	reader=$!
	wait_for grep -q listening /tmp/reader
	measure vexplane
	kill $reader
	wait $reader 2>/dev/null
	rmmod vex_tap || exit 1
	taskset 1 /tests/kmod-fanotify $where >/tmp/reader 2>&1 &
	reader=$!
	wait_for grep -q ready /tmp/reader
	measure fanotify
	kill $reader
	wait $reader 2>/dev/null
}

for round in $(seq "$rounds"); do
	for turn in $(seq $turns); do turn; done
	tell none idle vexplane fanotify
done

mkdir -p /var/log/audit /var/run /etc/audit/plugins.d
echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
cat >/etc/audit/auditd.conf <<-'C'
	log_file = /var/log/audit/audit.log
	log_group = root
	flush = INCREMENTAL_ASYNC
	freq = 50
	max_log_file = 8
	num_logs = 2
	max_log_file_action = ROTATE
	space_left = 2
	space_left_action = IGNORE
	admin_space_left = 1
	admin_space_left_action = IGNORE
	disk_full_action = IGNORE
	disk_error_action = IGNORE
C
chmod 640 /etc/audit/auditd.conf
taskset 1 /sbin/auditd -n >/tmp/auditd 2>&1 &
wait_for /sbin/auditctl -w $where -p rwxa
/sbin/auditctl -b 8192 >/dev/null
for round in $(seq "$rounds"); do
	for turn in $(seq $turns); do measure auditd; done
	tell auditd
done
[ -s /var/log/audit/audit.log ] || { cat /tmp/auditd; echo "bench: auditd wrote nothing"; exit 1; }
