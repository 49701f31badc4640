/* SPDX-License-Identifier: BSD-3-Clause */
#include "creds.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* Someone in more groups than this is taken to be in none of them. */
#define GROUPS_MAX 512

static struct __user_cap_data_struct full[2];

static __thread struct {
	uid_t uid;
	gid_t gid;
	mode_t umask;
} now;

static int capset_thread(const struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(SYS_capset, &head, data);
}

static bool has(unsigned int capability)
{
	return full[capability / 32].effective & 1u << capability % 32;
}

/* Blocks kept for root, and quotas, are not to be passed over in anybody's name. */
static int give_up_resources(void)
{
	unsigned int bit = 1u << CAP_SYS_RESOURCE % 32;

	full[CAP_SYS_RESOURCE / 32].effective &= ~bit;
	full[CAP_SYS_RESOURCE / 32].permitted &= ~bit;
	full[CAP_SYS_RESOURCE / 32].inheritable &= ~bit;
	return capset_thread(full) < 0 ? -errno : 0;
}

int creds_setup(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	umask(0);
	if (syscall(SYS_capget, &head, full) < 0)
		return -errno;
	mirror.privileged = has(CAP_SETUID) && has(CAP_SETGID) && has(CAP_SETPCAP) &&
			has(CAP_DAC_OVERRIDE) && has(CAP_FOWNER) && has(CAP_CHOWN) &&
			has(CAP_SYS_ADMIN);
	if (!mirror.privileged)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 || setgroups(0, NULL) < 0)
		return -errno;
	return give_up_resources();
}

int creds_thread(void)
{
	now.uid = geteuid();
	now.gid = getegid();
	now.umask = 0;
	return unshare(CLONE_FS) < 0 ? -errno : 0;
}

void creds_become(const struct fuse_ctx *ctx)
{
	if (ctx->umask != now.umask) {
		umask(ctx->umask);
		now.umask = ctx->umask;
	}
	creds_become_user(ctx);
}

void creds_become_user(const struct fuse_ctx *ctx)
{
	if (!mirror.privileged)
		return;
	/* Raw calls: libc's would do the same, but neither reports errors nor reaches others. */
	if (ctx->gid != now.gid) {
		syscall(SYS_setfsgid, ctx->gid);
		now.gid = ctx->gid;
	}
	if (ctx->uid != now.uid) {
		syscall(SYS_setfsuid, ctx->uid);
		now.uid = ctx->uid;
	}
}

bool creds_kills_setid(int fd)
{
	struct stat st;

	return mirror.privileged && fstat(fd, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID));
}

void creds_give_up_setid(fuse_req_t req)
{
	struct __user_cap_data_struct less[2] = {full[0], full[1]};
	gid_t groups[GROUPS_MAX];
	int count = fuse_req_getgroups(req, GROUPS_MAX, groups);

	creds_become(fuse_req_ctx(req));
	if (count > 0 && count <= GROUPS_MAX)
		syscall(SYS_setgroups, count, groups); /* of this thread, unlike libc's */
	less[CAP_FSETID / 32].effective &= ~(1u << CAP_FSETID % 32);
	if (capset_thread(less) < 0)
		vex_warn("cannot give up CAP_FSETID: set-id bits may outlive a write");
}

void creds_restore(void)
{
	syscall(SYS_setgroups, 0, NULL);
	if (capset_thread(full) < 0)
		vex_warn("cannot take CAP_FSETID back: set-id bits may fall");
}
