/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c - the posture checks of gate.h, read through /proc.
 *
 * A process is opened once as a directory under /proc and everything is read
 * below that fd, so that a pid reused in between gives ESRCH, not the facts of
 * somebody else.
 */
#include "supervisor/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/gate_proc.h"

#define MOUNTINFO_MAX 65536
#define PROCESSES_MAX 256
/* jail/lockdown.c sets them; no policy has them. */
#define GATE_MEMLOCK_MAX 65536
#define GATE_SIGPENDING_MAX 1024

static const char *const ns_names[GATE_NS_COUNT] = {
	[GATE_NS_USER] = "ns/user",	[GATE_NS_PID] = "ns/pid",
	[GATE_NS_MNT] = "ns/mnt",	[GATE_NS_NET] = "ns/net",
	[GATE_NS_IPC] = "ns/ipc",	[GATE_NS_UTS] = "ns/uts",
	[GATE_NS_CGROUP] = "ns/cgroup",
};

/* PIDFD_GET_..._NAMESPACE: newer than the headers of Debian 12. */
static const unsigned ns_ioctls[GATE_NS_COUNT] = {
	[GATE_NS_USER] = _IO(0xff, 9),	 [GATE_NS_PID] = _IO(0xff, 5),
	[GATE_NS_MNT] = _IO(0xff, 3),	 [GATE_NS_NET] = _IO(0xff, 4),
	[GATE_NS_IPC] = _IO(0xff, 2),	 [GATE_NS_UTS] = _IO(0xff, 10),
	[GATE_NS_CGROUP] = _IO(0xff, 1),
};

int
gate_inode_of(int fd, struct gate_inode *ret, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat fd");
	*ret = (struct gate_inode){.dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

int
gate_self_init(struct gate_self *self, struct err *e)
{
	owned_fd int proc = -1, own = -1;
	struct statfs fs;

	*self = (struct gate_self){.proc_fd = -1, .net_fd = -1};
	proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (proc < 0 || fstatfs(proc, &fs) < 0)
		return err_sys(e, "open /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "/proc is not procfs: mount -t proc proc /proc");
	own = openat(proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (own < 0)
		return err_sys(e, "open /proc/self (does /proc belong to this "
				  "PID namespace?)");
	for (int i = 0; i < GATE_NS_COUNT; i++)
		if (gate_inode_at(own, ns_names[i], &self->ns[i], e) < 0)
			return -1;
	if (gate_inode_at(own, "root", &self->root, e) < 0)
		return -1;
	self->net_fd = openat(own, ns_names[GATE_NS_NET], O_RDONLY | O_CLOEXEC);
	if (self->net_fd < 0)
		return err_sys(e, "open own network namespace");
	self->proc_fd = fd_take(&proc);
	return 0;
}

void
gate_self_done(struct gate_self *self)
{
	fd_close(&self->proc_fd);
	fd_close(&self->net_fd);
}

int
gate_pid_of(const struct gate_self *self, int pidfd, pid_t *ret, struct err *e)
{
	char name[GATE_NAME_SIZE], text[1024], line[24] = "";
	const char *at;
	uint64_t pid;

	snprintf(name, sizeof(name), "self/fdinfo/%d", pidfd);
	if (gate_read_text(self->proc_fd, name, text, sizeof(text), e) < 0)
		return -1;
	/* "Pid:" is there for pidfds only; -1: the process is gone. */
	at = strstr(text, "\nPid:\t");
	if (at != NULL)
		(void)snprintf(line, sizeof(line), "%.*s",
			       (int)strcspn(at + 6, "\n"), at + 6);
	if (str_to_u64(line, INT32_MAX, &pid) < 0 || pid < 2)
		return err_set(e, ERR_PEER, 0,
			       "jail sent something that is no live process");
	*ret = (pid_t)pid;
	return 0;
}

/* ---- one process ----------------------------------------------------- */

static int
check_task(const struct gate_entry *entry, void *arg, struct err *e)
{
	const uint32_t *id = arg;
	char name[GATE_NAME_SIZE], text[GATE_TEXT_MAX];
	struct gate_status status;

	if (str_printf(name, sizeof(name), "%s/status", entry->name) < 0)
		return err_set(e, ERR_LIMIT, 0, "task name too long");
	if (gate_read_text(entry->at, name, text, sizeof(text), e) < 0 ||
	    gate_status_parse(text, &status, e) < 0 ||
	    gate_status_check(&status, *id, e) < 0)
		return err_wrap(e, "task %s", entry->name);
	return 0;
}

/*
 * What a link in ns leads to.  Asked of a pidfd it takes an eighth of the time;
 * a kernel that does not answer (before Linux 6.11), or a process without one,
 * is asked by the link.
 */
static int
namespace_of(int dir, int pidfd, int i, struct gate_inode *ret, struct err *e)
{
	owned_fd int fd = -1;

	if (pidfd >= 0)
		fd = ioctl(pidfd, ns_ioctls[i], 0);
	if (fd >= 0)
		return gate_inode_of(fd, ret, e);
	return gate_inode_at(dir, ns_names[i], ret, e);
}

static int
check_namespaces(const struct gate_expected *x, int dir, int pidfd,
		 struct err *e)
{
	for (int i = 0; i < GATE_NS_COUNT; i++) {
		struct gate_inode got = {0};

		if (namespace_of(dir, pidfd, i, &got, e) < 0)
			return -1;
		if (i == GATE_NS_NET && x->net != NULL &&
		    !gate_is_same(&got, x->net))
			return err_set(e, ERR_DENIED, 0, "%s is not the slot's",
				       ns_names[i]);
		if (gate_is_same(&got, &x->self->ns[i]))
			return err_set(e, ERR_DENIED, 0,
				       "%s is the supervisor's own",
				       ns_names[i]);
	}
	return 0;
}

/* Root is not ours; the working directory is the jail's, on a tmpfs. */
static int
check_root(const struct gate_self *self, int dir, struct err *e)
{
	owned_fd int top = openat(dir, "root", O_PATH | O_CLOEXEC);
	owned_fd int cwd = openat(dir, "cwd", O_PATH | O_CLOEXEC);
	struct gate_inode root = {0}, work = {0}, here = {0};
	struct statfs fs;

	if (top < 0 || cwd < 0)
		return err_sys(e, "open root and cwd");
	if (gate_inode_of(top, &root, e) < 0)
		return -1;
	if (gate_is_same(&root, &self->root))
		return err_set(e, ERR_DENIED, 0, "root is the host's");
	if (gate_inode_at(top, JAIL_WORK_DIR + 1, &work, e) < 0 ||
	    gate_inode_of(cwd, &here, e) < 0)
		return -1;
	if (fstatfs(cwd, &fs) < 0)
		return err_sys(e, "stat cwd");
	if (!gate_is_same(&work, &here) || fs.f_type != TMPFS_MAGIC)
		return err_set(e, ERR_DENIED, 0,
			       "working directory is not " JAIL_WORK_DIR);
	return 0;
}

static int
check_rlimits(const struct policy *policy, pid_t pid, struct err *e)
{
	const struct {
		__rlimit_resource_t resource;
		uint64_t least, most;
		const char *name;
	} rows[] = {
		/* At 0 a piped core_pattern would still run: core(5). */
		{RLIMIT_CORE, 1, 1, "core"},
		{RLIMIT_NOFILE, 0, policy->limits.nofile, "nofile"},
		{RLIMIT_FSIZE, 0, policy->limits.file_bytes, "fsize"},
		{RLIMIT_STACK, 0, policy->limits.stack_bytes, "stack"},
		{RLIMIT_MEMLOCK, 0, GATE_MEMLOCK_MAX, "memlock"},
		{RLIMIT_MSGQUEUE, 0, 0, "msgqueue"},
		{RLIMIT_RTPRIO, 0, 0, "rtprio"},
		{RLIMIT_NICE, 0, 0, "nice"},
		{RLIMIT_SIGPENDING, 0, GATE_SIGPENDING_MAX, "sigpending"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rlimit got;

		if (prlimit(pid, rows[i].resource, NULL, &got) < 0)
			return err_sys(e, "read limit %s", rows[i].name);
		if (got.rlim_cur < rows[i].least ||
		    got.rlim_cur > rows[i].most || got.rlim_max > rows[i].most)
			return err_set(e, ERR_DENIED, 0,
				       "limit %s is not the policy's",
				       rows[i].name);
	}
	return 0;
}

/* ---- postures -------------------------------------------------------- */

static char mountinfo_text[MOUNTINFO_MAX]; /* one thread */

/* What all tasks of a process have in common, but the fds. */
static int
check_surroundings(const struct gate_expected *x, pid_t pid, int dir,
		   char mountinfo[MOUNTINFO_MAX], struct err *e)
{
	char text[GATE_TEXT_MAX];

	int pidfd = pid == x->payload_pid ? x->payload_pidfd : -1;

	if (check_namespaces(x, dir, pidfd, e) < 0 ||
	    check_root(x->self, dir, e) < 0 ||
	    check_rlimits(x->policy, pid, e) < 0)
		return -1;
	if (gate_read_text(dir, "cgroup", text, sizeof(text), e) < 0 ||
	    cgroup_membership_check(x->cgroup, x->slot, text, e) < 0)
		return -1;
	if (gate_read_text(dir, "mountinfo", mountinfo, MOUNTINFO_MAX, e) < 0)
		return -1;
	return gate_mounts_check(x->policy, mountinfo, e);
}

static int
check_payload_process(const struct gate_expected *x, pid_t pid, struct err *e)
{
	uint32_t id = x->uid_base + 1;
	owned_fd int dir = -1;

	if (gate_open_process(x->self, pid, &dir, e) < 0 ||
	    gate_each_number(dir, "task", check_task, &id, e) < 0 ||
	    check_surroundings(x, pid, dir, mountinfo_text, e) < 0)
		return -1;
	return gate_fds_check(dir, x, mountinfo_text, e);
}

/*
 * The one thread that there is before the exec.  With what is seen of its
 * filter later: no filter can be taken away, and no task of the runtime comes
 * from elsewhere; where each has one filter, later, it is this one.
 */
static int
check_first_task(const struct gate_expected *x, int dir, struct err *e)
{
	char text[GATE_TEXT_MAX];
	struct gate_status s;

	if (gate_read_text(dir, "status", text, sizeof(text), e) < 0 ||
	    gate_status_parse(text, &s, e) < 0 ||
	    gate_status_check(&s, x->uid_base + 1, e) < 0)
		return -1;
	if (s.threads != 1)
		return err_set(e, ERR_DENIED, 0, "%u threads in place of one",
			       s.threads);
	return 0;
}

/* A process that is not the payload can have another filter. */
static int
check_process(const struct gate_expected *x, pid_t pid, struct err *e)
{
	if (check_payload_process(x, pid, e) < 0)
		return -1;
	if (pid == x->payload_pid)
		return 0;
	return gate_filter_check(pid, x->policy->bpf, x->policy->bpf_len, e);
}

/* It reads what nobody trusts: it must hold nothing else. */
static int
check_init_fds(const struct gate_expected *x, struct err *e)
{
	owned_fd int dir = -1;

	if (gate_open_process(x->self, x->init_pid, &dir, e) < 0 ||
	    gate_read_text(dir, "mountinfo", mountinfo_text,
			   sizeof(mountinfo_text), e) < 0 ||
	    gate_mounts_check(x->policy, mountinfo_text, e) < 0)
		return -1;
	return gate_fds_check_init(dir, x, mountinfo_text, e);
}

/*
 * The payload before its exec.  Its filter is read last: meanwhile it comes to
 * its stop on another processor.
 */
static int
check_before_exec(const struct gate_expected *x, bool is_direct, struct err *e)
{
	const struct policy *p = x->policy;
	const pid_t pid = x->payload_pid;
	struct err ignored = ERR_INIT;
	owned_fd int dir = -1;

	/* The status first: it names who traces. */
	if (gate_open_process(x->self, pid, &dir, e) < 0 ||
	    check_first_task(x, dir, e) < 0 || gate_filter_begin(pid, e) < 0)
		return -1;
	if (gate_fds_check(dir, x, NULL, e) < 0 ||
	    (is_direct &&
	     check_surroundings(x, pid, dir, mountinfo_text, e) < 0)) {
		(void)gate_filter_end(pid, p->bpf, p->bpf_len, &ignored);
		return -1;
	}
	return gate_filter_end(pid, p->bpf, p->bpf_len, e);
}

int
gate_check_filtered(const struct gate_expected *x, struct err *e)
{
	if (check_before_exec(x, false, e) < 0)
		return err_wrap(e, "posture before exec");
	return 0;
}

int
gate_check_direct(const struct gate_expected *x, struct err *e)
{
	int pids[3];
	size_t len;

	if (cgroup_slot_pids(x->slot, pids, ARRAY_LEN(pids), &len, e) < 0)
		return err_wrap(e, "posture");
	if (len != 2 || pids[0] == pids[1] ||
	    (pids[0] != x->init_pid && pids[0] != x->payload_pid) ||
	    (pids[1] != x->init_pid && pids[1] != x->payload_pid))
		return err_set(e, ERR_DENIED, 0,
			       "posture: not jail-init and the payload alone "
			       "are in its cgroup");
	if (check_before_exec(x, true, e) < 0)
		return err_wrap(e, "posture before exec");
	return 0;
}

int
gate_check_ready(const struct gate_expected *x, struct err *e)
{
	int pids[PROCESSES_MAX];
	bool has_payload = false, has_init = false;
	size_t len;

	if (cgroup_slot_pids(x->slot, pids, ARRAY_LEN(pids), &len, e) < 0)
		return err_wrap(e, "posture");
	for (size_t i = 0; i < len; i++) {
		if (pids[i] == x->init_pid) {
			has_init = true;
			continue;
		}
		if (check_process(x, pids[i], e) < 0)
			return err_wrap(e, "posture: process %d", pids[i]);
		has_payload |= pids[i] == x->payload_pid;
	}
	if (!has_payload || !has_init)
		return err_set(e, ERR_DENIED, 0,
			       "posture: %s is not in its cgroup",
			       has_payload ? "jail-init" : "payload");
	return 0;
}

int
gate_check_init_fds(const struct gate_expected *x, struct err *e)
{
	if (check_init_fds(x, e) < 0)
		return err_wrap(e, "posture of jail-init");
	return 0;
}

int
gate_check_limits(const struct gate_expected *x, struct err *e)
{
	if (cgroup_limits_check(x->cgroup, x->slot, &x->limits, e) < 0)
		return err_wrap(e, "posture");
	return 0;
}

int
gate_check_init(const struct gate_expected *x, struct err *e)
{
	const uint64_t may_have = 1ull << CAP_KILL;
	struct gate_status s;
	owned_fd int dir = -1;
	char text[GATE_TEXT_MAX];

	if (gate_open_process(x->self, x->init_pid, &dir, e) < 0 ||
	    gate_read_text(dir, "status", text, sizeof(text), e) < 0 ||
	    gate_status_parse(text, &s, e) < 0)
		return err_wrap(e, "posture of jail-init");
	if (((s.cap_inh | s.cap_prm | s.cap_eff | s.cap_amb) & ~may_have) !=
		    0 ||
	    s.cap_bnd != 0 || s.no_new_privs != 1 || s.seccomp != 2 ||
	    s.filters != 1 || s.threads != 1)
		return err_set(e, ERR_DENIED, 0,
			       "posture of jail-init: privileges are left");
	/* The fourth is the file system's: files of /work are the payload's. */
	for (int i = 0; i < 4; i++) {
		uint32_t id = x->uid_base + (i == 3 ? 1 : 0);

		if (s.uid[i] != id || s.gid[i] != id)
			return err_set(e, ERR_DENIED, 0,
				       "posture of jail-init: uid %u or gid %u "
				       "is not %u",
				       s.uid[i], s.gid[i], id);
	}
	if (check_namespaces(x, dir, x->init_pidfd, e) < 0)
		return err_wrap(e, "posture of jail-init");
	return 0;
}
