/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.h - what the modules of jail-init share.  Internal to jail-init; its
 * contract with others is spec.h.
 */
#ifndef PC_JAIL_JAIL_H
#define PC_JAIL_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "jail/bundle.h"
#include "jail/spec.h"
#include "policy/policy.h"
#include "supervisor/base/err.h"

struct jail {
	const struct policy *policy; /* read-only mappings of the memfds */
	const struct runtime *runtime;
	bool has_tree; /* JAIL_FD_ROOT, in place of single mounts */
	bool has_mount[POLICY_MOUNTS_MAX]; /* by policy->mounts */
	int root_fd;			   /* root of the jail */
	int work_fd;			   /* JAIL_WORK_DIR, O_PATH */
	int job_fd;    /* JAIL_JOB_FILE, write-only, until unpacked */
	int report_fd; /* the payload's failure record, until its exec */
	int signal_fd; /* SIGCHLD */
	pid_t payload;
	int payload_fd; /* its pidfd, until the supervisor has it */
	/* Paths to bring back, from the bundle. */
	char (*collect)[BUNDLE_PATH_MAX + 1];
	size_t collect_len;
};

/* ---- control.c ------------------------------------------------------- */

/* Send one message; fd -1 for none, else it stays the caller's. */
int control_send(int sock, const struct jail_message *msg, int fd,
		 struct err *e);
/*
 * 1: one message in *ret_msg and its fd or -1 (CLOEXEC, the caller's) in
 * *ret_fd; 0: the peer is gone; -1: not a message.
 */
int control_recv(int sock, struct jail_message *ret_msg, int *ret_fd,
		 struct err *e);
/* A FAILED message for *e; the text of its errno is left to the reader. */
void control_failed(struct jail_message *ret, enum jail_stage stage,
		    const struct err *e);

/* ---- mount.c, net.c: one function a stage, in this order ------------- */

int mount_root(struct jail *jail, struct err *e);
int mount_sources(struct jail *jail, struct err *e);
int mount_proc(struct jail *jail, struct err *e);
int mount_pivot(struct jail *jail, struct err *e);
/* After the pivot; waits for all processors, so the payload starts before it.
 */
int mount_detach(struct jail *jail, struct err *e);
int net_hostname(struct jail *jail, struct err *e);
int net_loopback(struct jail *jail, struct err *e);

/* ---- payload.c ------------------------------------------------------- */

/* Start the payload up to its gate; closes the fds that only it needs. */
int payload_start(struct jail *jail, struct err *e);

/* ---- lockdown.c, landlock.c: irreversible, for the calling process --- */

int lockdown_limits(const struct policy *policy, struct err *e);
/* Bounding and ambient set, securebits, of this process and its children:
 * needs what lockdown_caps takes. */
int lockdown_bounds(struct err *e);
/* Keep only these in permitted and effective; then no_new_privs. */
int lockdown_caps(uint64_t keep, struct err *e);
/* *ret_listener is -1 when the policy has no audit class. */
int lockdown_seccomp(const struct policy *policy, int *ret_listener,
		     struct err *e);
int landlock_apply(const struct policy *policy, struct err *e);
/* All of it for jail-init itself, before it parses a bundle. */
int lockdown_init(struct jail *jail, struct err *e);

/* ---- unpack.c, collect.c --------------------------------------------- */

int unpack_bundle(struct jail *jail, int bundle_fd, struct err *e);
/*
 * *ret_fd: a sealed memfd in the bundle format with one BUNDLE_FILE entry per
 * path to collect, or -1 when nothing was declared.
 */
int collect_files(struct jail *jail, int *ret_fd, struct err *e);

#endif
