/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - is the live jail what the policy says?  Read from outside, in our
 * own /proc, before the first untrusted instruction.
 *
 * Posture C, before jail-init gets the bundle: it has dropped to CAP_KILL and
 * holds nothing but what it was given; the cgroups' limits.  Posture A, when
 * the payload has its filter and stops before the exec of the harness: one
 * thread, whose filter is the policy's byte for byte, and no fd but the
 * declared ones. Posture B, when the harness waits: ids, capabilities, seccomp,
 * namespaces, cgroups, limits, mounts, root and fds of every task of every
 * process; and, when the bundle is unpacked, once more what jail-init holds.
 *
 * Nothing the jail says is believed; what is read comes from the kernel.
 * Stopping at the first mismatch is right: one is enough to kill the job.
 */
#ifndef PC_SUPERVISOR_GATE_H
#define PC_SUPERVISOR_GATE_H

#include <stdint.h>
#include <sys/types.h>

#include "jail/spec.h"
#include "supervisor/base/err.h"
#include "supervisor/cgroup.h"

enum gate_ns {
	GATE_NS_USER,
	GATE_NS_PID,
	GATE_NS_MNT,
	GATE_NS_NET,
	GATE_NS_IPC,
	GATE_NS_UTS,
	GATE_NS_CGROUP,
	GATE_NS_COUNT
};

/* A file, whatever its name. */
struct gate_inode {
	uint64_t dev, ino;
};

/* What is ours, read once at start: a jail must differ in all of it. */
struct gate_self {
	int proc_fd; /* /proc, checked to be procfs; owned */
	int net_fd;  /* our network namespace; owned */
	struct gate_inode ns[GATE_NS_COUNT];
	struct gate_inode root;
};

int gate_self_init(struct gate_self *self, struct err *e);
void gate_self_done(struct gate_self *self);

/* By what jail-init is given: CONTROL, POLICY, RUNTIME, the bundle. */
#define GATE_INIT_CONTROL 0
#define GATE_INIT_JOBS 1 /* and the rest */
#define GATE_INIT_FDS 4

/* What this job's jail must look like. */
struct gate_expected {
	const struct gate_self *self;
	const struct policy *policy;
	const struct cgroup *cgroup;
	const struct cgroup_slot *slot;
	struct cgroup_limits limits;
	pid_t init_pid, payload_pid;
	int init_pidfd, payload_pidfd; /* theirs; the job's */
	uint32_t uid_base;	       /* jail-init; payload is + 1 */
	struct gate_inode fds[PAYLOAD_FD_COUNT];
	struct gate_inode init_fds[GATE_INIT_FDS];
	int32_t listener_number; /* in the payload; -1: none */
	/* The slot's network namespace; NULL: any but ours. */
	const struct gate_inode *net;
};

int gate_check_filtered(const struct gate_expected *x, struct err *e);
int gate_check_ready(const struct gate_expected *x, struct err *e);
/* A and B at once, for a program that waits for its exec until it runs. */
int gate_check_direct(const struct gate_expected *x, struct err *e);
int gate_check_init(const struct gate_expected *x, struct err *e);
int gate_check_init_fds(const struct gate_expected *x, struct err *e);
int gate_check_limits(const struct gate_expected *x, struct err *e);

/* The inode behind fd, for gate_expected.fds. */
int gate_inode_of(int fd, struct gate_inode *ret, struct err *e);
/* The pid that a pidfd stands for; ERR_PEER if it is no pidfd or dead. */
int gate_pid_of(const struct gate_self *self, int pidfd, pid_t *ret,
		struct err *e);

/* ---- the filter that the kernel holds (gate_filter.c) ---------------- */

/*
 * A process that waits is asked to stop; while it comes to that, other things
 * can be looked at.  The end lets it go on, and must follow in any case.
 */
int gate_filter_begin(pid_t pid, struct err *e);
/* ERR_DENIED if its filter is not bpf[0..bpf_len). */
int gate_filter_end(pid_t pid, const struct sock_filter *bpf, uint32_t bpf_len,
		    struct err *e);
/* Both. */
int gate_filter_check(pid_t pid, const struct sock_filter *bpf,
		      uint32_t bpf_len, struct err *e);
/* Can this process do that at all?  ERR_UNSUPPORTED with the fix if not. */
int gate_filter_probe(struct err *e);

/* ---- /proc texts (pure, gate_parse.c, gate_mounts.c) ----------------- */

/* What /proc/PID/task/TID/status says. */
struct gate_status {
	uint32_t uid[4], gid[4]; /* real, effective, saved, file system */
	unsigned groups;	 /* how many supplementary ones */
	uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
	unsigned no_new_privs, seccomp;
	unsigned filters; /* how many of them */
	unsigned threads;
	unsigned tracer;
	unsigned pid_levels; /* NSpid: 1 = in our own PID namespace */
};

/* All fields must be there, once; else ERR_INVALID naming the field. */
int gate_status_parse(const char *text, struct gate_status *ret, struct err *e);
/* The payload's posture for one task. */
int gate_status_check(const struct gate_status *s, uint32_t id, struct err *e);
/* Number after "key:" (in base) in text; -1 if absent or malformed. */
int gate_field_u64(const char *text, const char *key, int base, uint64_t *ret);
/* Is a mount with this id in the mountinfo text? */
int gate_has_mount(const char *mountinfo, uint64_t id);
/* Exactly the policy's mounts, with all their restrictions? */
int gate_mounts_check(const struct policy *policy, const char *mountinfo,
		      struct err *e);

#endif
