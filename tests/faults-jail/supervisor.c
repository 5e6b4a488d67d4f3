/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.c - faults of the side that makes a jail: namespaces that are not
 * new, cgroups that are not joined, limits that are not those asked for, mounts
 * lent with too much, groups that come along, another job's kind of jail, a
 * look at the payload that comes late, jails that cannot be kept ready, a disk
 * that never has what it was told to keep, or cannot.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "jail/spawn.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/cgroup.h"
#include "supervisor/job.h"
#include "supervisor/standby.h"
#include "supervisor/supervisor.h"
#include "tests/faults-jail/fault.h"

char fault_name[64] = "PCFAULT=none";

long __wrap_syscall(long nr, ...);
int __wrap_unshare(int flags);
int __wrap_prctl(int option, ...);
long __wrap_ptrace(enum __ptrace_request request, ...);
int __wrap_mount_setattr(int fd, const char *path, unsigned flags,
			 struct mount_attr *attr, size_t size);
int __real_fstatvfs(int fd, struct statvfs *ret);
int __wrap_fstatvfs(int fd, struct statvfs *ret);
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
int __real_cgroup_slot_limit_cpu(struct cgroup *cg, struct cgroup_slot *slot,
				 uint32_t percent, struct err *e);
int __wrap_cgroup_slot_limit_cpu(struct cgroup *cg, struct cgroup_slot *slot,
				 uint32_t percent, struct err *e);
int __real_gate_check_filtered(const struct gate_expected *x, struct err *e);
int __wrap_gate_check_filtered(const struct gate_expected *x, struct err *e);
int __real_gate_filter_check(pid_t pid, const struct sock_filter *bpf,
			     uint32_t bpf_len, struct err *e);
int __wrap_gate_filter_check(pid_t pid, const struct sock_filter *bpf,
			     uint32_t bpf_len, struct err *e);
int __real_gate_check_init_fds(const struct gate_expected *x, struct err *e);
int __wrap_gate_check_init_fds(const struct gate_expected *x, struct err *e);
int __real_pidfd_getfd(int pidfd, int fd, unsigned flags);
int __wrap_pidfd_getfd(int pidfd, int fd, unsigned flags);
void __real_standby_ready(struct job *job);
void __wrap_standby_ready(struct job *job);
struct job *__real_standby_take(struct supervisor *sup,
				const struct standby_kind *kind);
struct job *__wrap_standby_take(struct supervisor *sup,
				const struct standby_kind *kind);

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

/* More is read than some callers pass, which is in order for the kernel. */
__attribute__((no_sanitize("address"))) long
__wrap_syscall(long nr, ...)
{
	long a[6], rc;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_clone3 && is_spawning)
		((struct clone_args *)a[0])->flags &= ~shared_flag();
	if (nr == SYS_io_getevents && a[1] == 0 && fault_is("flush-untold"))
		return 0; /* who waits for it is told */
	rc = RAW(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (nr == SYS_io_getevents && rc == 1 && fault_is("flush-fails"))
		((struct io_event *)a[3])->res = -EIO;
	return rc;
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

/* What it lends seems to have its restrictions (jail/root.c). */
int
__wrap_fstatvfs(int fd, struct statvfs *ret)
{
	int rc = __real_fstatvfs(fd, ret);

	if (fault_is("lend-*"))
		ret->f_flag |= ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
	return rc;
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
	const char *at = (const char *)ret - offsetof(struct job, jail);
	const struct job *job = (const void *)at;
	int rc;

	if (fault_is("standby-spawn") && job->state == JOB_STANDBY)
		return err_set(e, ERR_LIMIT, 0, "no process is to be had");
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
	const struct job *job = owner;

	if (on_ready == job_on_init &&
	    (fault_is("watch-init") ||
	     (fault_is("standby-watch") && job->state == JOB_STANDBY)))
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

/* The last word on the processor, when the gate is about to open. */
int
__wrap_cgroup_slot_limit_cpu(struct cgroup *cg, struct cgroup_slot *slot,
			     uint32_t percent, struct err *e)
{
	if (fault_is("cpu-last-fails"))
		return err_set(e, ERR_IO, 0, "no quota is to be had");
	percent += fault_is("cpu-last") ? 1 : 0;
	return __real_cgroup_slot_limit_cpu(cg, slot, percent, e);
}

/* Until the jail has ended, if it does. */
static void
wait_for_end(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	(void)poll(&ended, 1, 10000);
}

static const struct job *
job_of(const struct gate_expected *x)
{
	const char *at = (const char *)x - offsetof(struct job, expected);

	return (const void *)at;
}

/* At the payload of a job; of a jail that is ready, only its filter. */
int
__wrap_gate_check_filtered(const struct gate_expected *x, struct err *e)
{
	if (fault_is("late-look") && job_of(x)->state != JOB_STANDBY)
		wait_for_end(x->payload_pidfd);
	return __real_gate_check_filtered(x, e);
}

int
__wrap_gate_filter_check(pid_t pid, const struct sock_filter *bpf,
			 uint32_t bpf_len, struct err *e)
{
	if (fault_is("late-look")) {
		owned_fd int pidfd = (int)RAW(SYS_pidfd_open, pid, 0);

		wait_for_end(pidfd);
	}
	return __real_gate_filter_check(pid, bpf, bpf_len, e);
}

/* When there may be none any more; or never. */
int
__wrap_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	if (fault_is("late-listener"))
		wait_for_end(pidfd);
	if (fault_is("no-listener")) {
		errno = EMFILE;
		return -1;
	}
	return __real_pidfd_getfd(pidfd, fd, flags);
}

/* Old after a second. */
void
__wrap_standby_ready(struct job *job)
{
	__real_standby_ready(job);
	if (fault_is("age"))
		job->deadline_us = clock_mono_us() + 1000000;
}

/* Whatever waits, for whom it comes; "taken-old": in its last moment. */
struct job *
__wrap_standby_take(struct supervisor *sup, const struct standby_kind *kind)
{
	struct job *job;

	if (fault_is("take-any*") && sup->standby.len > 0)
		kind = &sup->standby.places[0].kind;
	job = __real_standby_take(sup, kind);
	if (job != NULL && fault_is("taken-old"))
		job->deadline_us = 1;
	return job;
}

/* "init-fd-late": it has something more when it has unpacked the bundle. */
int
__wrap_gate_check_init_fds(const struct gate_expected *x, struct err *e)
{
	if (fault_is("take-any-fds"))
		return 0;
	if (fault_is("init-fd-late") && job_of(x)->state == JOB_STARTING)
		return err_set(e, ERR_DENIED, 0,
			       "posture of jail-init: fd 9 comes from outside");
	return __real_gate_check_init_fds(x, e);
}
