# SPDX-License-Identifier: BSD-3-Clause
# What nfsd does for its clients: the kernel's server and its client, over the loopback. No daemon
# answers the server's questions (who is this, what is exported, by which number): the answers are
# written beforehand.
set -e
insmod /lib/vm/vex_tap.ko
. /tests/fs.sh
served=/t/ext4 # as number 0
for_ever=2147483647
flags=$((0x2000 | 0x400 | 0x2)) # numbered, no look at parent folders, any port
mount -t nfsd nfsd /proc/fs/nfsd
echo "nfsd 127.0.0.1 $for_ever vm" >/proc/net/rpc/auth.unix.ip/channel
echo "vm $served $for_ever $flags 65534 65534 0" >/proc/net/rpc/nfsd.export/channel
echo "vm 1 \\x00000000 $for_ever $served" >/proc/net/rpc/nfsd.fh/channel
echo 0 >/proc/sys/fs/leases-enable # no delegation: files are closed when their users close them
mkdir -p /var/lib/nfs/v4recovery /mnt
echo "-2 -3 +4.2" >/proc/fs/nfsd/versions # the older ones would look for rpcbind
echo "tcp 2049" >/proc/fs/nfsd/portlist
echo 2 >/proc/fs/nfsd/threads
echo Y >/proc/fs/nfsd/v4_end_grace # nobody has locks of before to ask for
mount -i -t nfs4 -o vers=4.2,proto=tcp,addr=127.0.0.1,clientaddr=127.0.0.1 127.0.0.1:/ /mnt
failed=0
/tests/kmod-cover $served nfsd /mnt || failed=1
umount /mnt
echo 0 >/proc/fs/nfsd/threads
rmmod vex_tap || failed=1
exit $failed
