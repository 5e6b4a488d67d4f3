/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - start jail-init as PID 1 of a new jail.  Runs in the supervisor,
 * which must be single-threaded, root, and without supplementary groups.
 *
 * jail_spawn() returns when the child has been cloned into its namespaces and
 * may go on; it waits for nothing.  What the child does from there, joining its
 * cgroups and becoming jail-init, and what fails on the way, comes as
 * jail_message on the control socket (spec.h).
 */
#ifndef PC_JAIL_SPAWN_H
#define PC_JAIL_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "jail/spec.h"
#include "supervisor/base/err.h"

#define JAIL_SPAWN_CGROUPS_MAX 8

/*
 * All fds stay the caller's, who closes its copies after the call; they should
 * be CLOEXEC and may have any number.  Nothing else reaches jail-init.
 */
struct jail_spawn_request {
	int init_fd;	/* sealed memfd that holds the jail-init binary */
	int control_fd; /* our end of the control socket */
	int proc_fd;	/* the supervisor's /proc, O_PATH|O_DIRECTORY */

	/* uid and gid uid_base + 0 (jail-init) and + 1 (payload); not 0. */
	uint32_t uid_base;

	/* Indexed by enum jail_fd, CONTROL to HARNESS; 0 to 2 are not read. */
	int fd[JAIL_FD_MOUNT0];

	/* One detached mount per policy->mounts[i]; -1 where absent. */
	const int *mount_fds;
	unsigned mounts_len; /* at most POLICY_MOUNTS_MAX */

	/*
	 * An empty network namespace to start in, and the way back to our own;
	 * -1 both: the jail makes a new one.
	 */
	int net_fd, home_net_fd;
	/* It will have a loopback: its sockets are to have small buffers. */
	bool has_loopback;

	/* cgroup v2: directory to start in; -1 on v1. */
	int cgroup_dir_fd;
	/* cgroup v1: `tasks` files opened for writing; the child joins each. */
	int cgroup_task_fds[JAIL_SPAWN_CGROUPS_MAX];
	unsigned cgroup_task_fds_len;
};

/* No fds, no cgroups: sets every fd to -1, so that a forgotten one fails. */
void jail_spawn_request_init(struct jail_spawn_request *request);

struct jail_process {
	pid_t pid; /* in the supervisor's PID namespace */
	int pidfd; /* CLOEXEC */
};

/*
 * On success the caller owns *ret: it closes pidfd and reaps the process
 * (waitid P_PIDFD).  Killing it ends every process of the jail, and so does
 * the supervisor's death or the closing of the control socket.
 * On failure no process is left and *e says which step failed.
 */
int jail_spawn(const struct jail_spawn_request *request,
	       struct jail_process *ret, struct err *e);

#endif
