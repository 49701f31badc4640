# SPDX-License-Identifier: BSD-3-Clause
# What is selected in the kernel, by configuration and by vexctl, while events flow: each time one
# operation that is not wanted, then one that is, and only this one comes.
set -e
. /tests/fs.sh
. /tests/plane.sh
a=/t/ext4/a
b=/t/ext4/b
mkdir -p $a $b
number=0
insmod /lib/vm/vex_tap.ko

# A name that is new each time.
name()
{
	number=$((number + 1))
	name=n$number
}

came()
{
	grep -q "$name\"" /run/stream
}

# try PLACE WANTED_PLACE: a file in one place, then one in the other.
try()
{
	name
	unwanted=$name
	touch "$1/$name"
	name
	touch "$2/$name"
	until_true 300 came || { /tests/vexctl kernel status; fail "$what: $2/$name did not come"; }
	grep -q "$unwanted\"" /run/stream && fail "$what: $1/$unwanted came"
	return 0
}

select_kernel()
{
	what="select $*"
	/tests/vexctl kernel select "$@" >/run/said || fail "$what: refused"
}

selected()
{
	/tests/vexctl --json kernel status | grep -q "$1"
}

configure()
{
	cat >/run/dataplane.yaml <<-Y
		kernel_select:
		  path: [$1]
		  type: [create]
	Y
}

configure $a
start_plane --config /run/dataplane.yaml --kernel-tap
/tests/vexctl tail --json >/run/stream &
tail=$!
until_true 100 sh -c '/tests/vexctl show subscribers | grep -q tail' || fail "nobody subscribed"
what="configuration"
try $b $a
grep -q '"type":"open"' /run/stream && fail "an open came"

configure $b
kill -HUP $plane
until_true 100 selected '"path":\["'$b'"\]' || fail "SIGHUP: not read again"
what="SIGHUP"
try $a $b

select_kernel path=$a
try $b $a
select_kernel device=/t/tmpfs
try $a /t/tmpfs
select_kernel path=$a path=/t/tmpfs type='create|mkdir'
try $b /t/tmpfs

# A process and its children: those of one that waits in a pipe.
mkfifo /run/go
sh -c 'read -r place; touch "$place"; read -r place' <>/run/go &
other=$!
select_kernel pid=$other path=$a
name
touch $a/$name
unwanted=$name
name
echo $a/$name >/run/go
until_true 300 came || fail "$what: $name did not come"
grep -q "$unwanted\"" /run/stream && fail "$what: $unwanted came"
echo end >/run/go
wait $other

mkdir /sys/fs/cgroup/some
select_kernel cgroup=/sys/fs/cgroup/some path=$a
name
touch $a/$name
unwanted=$name
name
sh -c 'echo $$ >/sys/fs/cgroup/some/cgroup.procs; touch '$a/$name
until_true 300 came || fail "$what: $name did not come"
grep -q "$unwanted\"" /run/stream && fail "$what: $unwanted came"

select_kernel uid=12345
touch $a/nobody
select_kernel all
name
touch $a/$name
until_true 300 came || fail "$what: $name did not come"
grep -q nobody /run/stream && fail "an operation of another user came"

# What is refused changes nothing.
/tests/vexctl kernel select path=relative 2>/run/said && fail "a relative path was selected"
grep -q 'absolute path' /run/said || fail "not said why: $(cat /run/said)"
selected '"path":\[\]' || fail "what was refused was selected"

# While it is disabled nothing is even seen; a subscriber that comes then does not hook anything.
what="disable"
/tests/vexctl kernel disable || fail "not disabled"
selected '"enabled":false' || fail "not shown as disabled"
seen=$(field "$(/tests/vexctl --json kernel status)" seen)
/tests/vexctl tail --count 1 >/dev/null &
second=$!
until_true 100 sh -c '[ $(/tests/vexctl show subscribers | grep -c tail) = 2 ]' || fail "no second one"
name
touch $a/$name
/tests/vexctl kernel disable
[ "$(field "$(/tests/vexctl --json kernel status)" seen)" = "$seen" ] || fail "hooked while disabled"
/tests/vexctl kernel enable || fail "not enabled"
unwanted=$name
name
touch $a/$name
until_true 300 came || fail "enable: $name did not come"
grep -q "$unwanted\"" /run/stream && fail "what was done while it was disabled came"
wait $second

/tests/vexctl kernel status
/tests/vexctl verify || fail "not everything is accounted for"
kill -INT $tail
stop_plane
until_true 50 rmmod vex_tap || fail "the module did not go"
exit $failed
