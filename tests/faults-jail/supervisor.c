/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.c - faults of the side that makes a jail: namespaces that are not
 * new, cgroups that are not joined, limits that are not those asked for, mounts
 * lent with too much, groups that come along.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "jail/spawn.h"
#include "supervisor/base/fd.h"
#include "supervisor/cgroup.h"
#include "supervisor/job.h"
#include "tests/faults-jail/fault.h"

char fault_name[64] = "PCFAULT=none";

long __wrap_syscall(long nr, ...);
int __wrap_unshare(int flags);
int __wrap_prctl(int option, ...);
long __wrap_ptrace(enum __ptrace_request request, ...);
int __wrap_mount_setattr(int fd, const char *path, unsigned flags,
			 struct mount_attr *attr, size_t size);
int __real_fd_write_all(int fd, const void *bytes, size_t len);
int __wrap_fd_write_all(int fd, const void *bytes, size_t len);
int __real_jail_spawn(const struct jail_spawn_request *request,
		      struct jail_process *ret, struct err *e);
int __wrap_jail_spawn(const struct jail_spawn_request *request,
		      struct jail_process *ret, struct err *e);
int __real_cgroup_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
			       const struct cgroup_limits *limits,
			       struct err *e);
int __wrap_cgroup_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
			       const struct cgroup_limits *limits,
			       struct err *e);

int __real_loop_add(struct loop *loop, struct watch *w, int fd, uint32_t events,
		    void (*on_ready)(struct watch *, uint32_t), void *owner,
		    struct err *e);
int __wrap_loop_add(struct loop *loop, struct watch *w, int fd, uint32_t events,
		    void (*on_ready)(struct watch *, uint32_t), void *owner,
		    struct err *e);

static bool is_spawning;

static const struct {
	const char *name;
	uint64_t flag;
} shared[] = {
	{"share-user", CLONE_NEWUSER}, {"share-pid", CLONE_NEWPID},
	{"share-mnt", CLONE_NEWNS},    {"share-net", CLONE_NEWNET},
	{"share-ipc", CLONE_NEWIPC},   {"share-uts", CLONE_NEWUTS},
	{"share-cgroup", 0x2000000},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t
shared_flag(void)
{
	for (size_t i = 0; i < COUNT(shared); i++)
		if (fault_is(shared[i].name))
			return shared[i].flag;
	return 0;
}

long
__wrap_syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_clone3 && is_spawning)
		((struct clone_args *)a[0])->flags &= ~shared_flag();
	return RAW(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
__wrap_unshare(int flags)
{
	if (is_spawning && (uint64_t)flags == shared_flag())
		return 0;
	return (int)RAW(SYS_unshare, flags);
}

/* It is inherited: a jail has it because the supervisor has. */
int
__wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NO_NEW_PRIVS && fault_is("nnp"))
		return 0;
	return (int)RAW(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

/* A payload that does not stop; the first is the probe at the start. */
long
__wrap_ptrace(enum __ptrace_request request, ...)
{
	static unsigned interrupts;
	long pid, address, data;
	va_list ap;

	va_start(ap, request);
	pid = va_arg(ap, long);
	address = va_arg(ap, long);
	data = va_arg(ap, long);
	va_end(ap);
	if (request == PTRACE_INTERRUPT && fault_is("no-stop") &&
	    interrupts++ > 0)
		return 0;
	return RAW(SYS_ptrace, request, pid, address, data);
}

/* Nobody may write the maps of the first user namespace. */
int
__wrap_fd_write_all(int fd, const void *bytes, size_t len)
{
	if (is_spawning && fault_is("share-user"))
		return 0;
	return __real_fd_write_all(fd, bytes, len);
}

int
__wrap_mount_setattr(int fd, const char *path, unsigned flags,
		     struct mount_attr *attr, size_t size)
{
	struct mount_attr copy = *attr;

	if (fault_is("lend-writable"))
		copy.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (fault_is("lend-suid"))
		copy.attr_set &= ~(uint64_t)MOUNT_ATTR_NOSUID;
	if (fault_is("lend-dev"))
		copy.attr_set &= ~(uint64_t)MOUNT_ATTR_NODEV;
	if (fault_is("lend-exec"))
		copy.attr_set &= ~(uint64_t)MOUNT_ATTR_NOEXEC;
	return (int)RAW(SYS_mount_setattr, fd, path, flags, &copy, size);
}

/* Leave out some of the cgroups: "cgroup-without-N", "cgroup-outside". */
static void
leave_cgroups(struct jail_spawn_request *request)
{
	static const char prefix[] = "PCFAULT=cgroup-without-";

	if (fault_is("cgroup-outside")) {
		request->cgroup_dir_fd = -1;
		request->cgroup_task_fds_len = 0;
	}
	if (fault_is("cgroup-without-*")) {
		unsigned n = (unsigned)(fault_name[sizeof(prefix) - 1] - '0');

		for (unsigned i = n + 1; i < request->cgroup_task_fds_len; i++)
			request->cgroup_task_fds[i - 1] =
				request->cgroup_task_fds[i];
		request->cgroup_task_fds_len--;
	}
}

int
__wrap_jail_spawn(const struct jail_spawn_request *request,
		  struct jail_process *ret, struct err *e)
{
	struct jail_spawn_request copy = *request;
	const unsigned group = 12345;
	int rc;

	leave_cgroups(&copy);
	if (fault_is("share-net"))
		copy.net_fd = -1; /* not the slot's, and no new one */
	if (fault_is("groups"))
		(void)RAW(SYS_setgroups, 1, &group);
	is_spawning = true;
	rc = __real_jail_spawn(&copy, ret, e);
	is_spawning = false;
	if (fault_is("groups"))
		(void)RAW(SYS_setgroups, 0, 0);
	return rc;
}

int
__wrap_loop_add(struct loop *loop, struct watch *w, int fd, uint32_t events,
		void (*on_ready)(struct watch *, uint32_t), void *owner,
		struct err *e)
{
	if (fault_is("watch-init") && on_ready == job_on_init)
		return err_set(e, ERR_LIMIT, 0, "no watch is to be had");
	return __real_loop_add(loop, w, fd, events, on_ready, owner, e);
}

int
__wrap_cgroup_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
			   const struct cgroup_limits *limits, struct err *e)
{
	struct cgroup_limits copy = *limits;

	copy.memory_bytes += fault_is("limit-memory") ? 1u << 20 : 0;
	copy.pids += fault_is("limit-pids") ? 1 : 0;
	copy.cpu_percent += fault_is("limit-cpu") ? 1 : 0;
	return __real_cgroup_slot_prepare(cg, slot, &copy, e);
}
