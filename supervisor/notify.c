/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.c - see notify.h.  A thread that died between its call and our
 * answer is not an error: the kernel says ENOENT.
 */
#include "supervisor/notify.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer kernels may know longer structs: read into more than ours. */
#define NOTIF_SPACE 256

int
notify_check_host(struct err *e)
{
	struct seccomp_notif_sizes sizes;
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "the kernel has no seccomp user notification: "
			       "Linux 5.14 or newer with CONFIG_SECCOMP_FILTER "
			       "is needed");
	if (sizes.seccomp_notif > NOTIF_SPACE ||
	    sizes.seccomp_notif_resp > NOTIF_SPACE)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "the kernel's seccomp notification is larger "
			       "than this program knows: update it");
	return 0;
}

static int
find_audit(const struct policy *policy, uint32_t nr)
{
	for (uint32_t i = 0; i < policy->audit_len; i++)
		if (policy->audit[i].nr == nr)
			return (int)i;
	return -1;
}

static uint32_t
answer_for(const struct policy *policy, int index)
{
	uint32_t errnum = index >= 0 ? policy->audit[index].errnum : EPERM;

	/* 0 would be success. */
	return errnum > 0 && errnum < 4096 ? errnum : EPERM;
}

enum notify_status
notify_next(int listener, const struct policy *policy, struct notify_call *ret,
	    struct err *e)
{
	union {
		struct seccomp_notif notif;
		char space[NOTIF_SPACE];
	} in = {0};
	struct pollfd p = {.fd = listener, .events = POLLIN};

	/* RECV would block without this. */
	if (poll(&p, 1, 0) <= 0)
		return NOTIFY_NONE;
	if ((p.revents & POLLIN) == 0)
		return NOTIFY_ENDED;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in.notif) < 0) {
		if (errno == ENOENT || errno == EINTR)
			return NOTIFY_NONE;
		err_sys(e, "receive seccomp notification");
		return NOTIFY_FAILED;
	}
	*ret = (struct notify_call){.id = in.notif.id,
				    .nr = (uint32_t)in.notif.data.nr,
				    .arch = in.notif.data.arch,
				    .pid = in.notif.pid};
	memcpy(ret->args, in.notif.data.args, sizeof(ret->args));
	ret->audit_index = find_audit(policy, ret->nr);
	ret->errnum = answer_for(policy, ret->audit_index);
	return NOTIFY_CALL;
}

int
notify_refuse(int listener, const struct notify_call *call, struct err *e)
{
	union {
		struct seccomp_notif_resp resp;
		char space[NOTIF_SPACE];
	} out = {0};

	out.resp.id = call->id;
	out.resp.error = -(int32_t)call->errnum;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out.resp) < 0 &&
	    errno != ENOENT)
		return err_sys(e, "answer seccomp notification");
	return 0;
}
