/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.h - the tree of a jail's root: a small tmpfs with what the host lends,
 * links, and mount points for what each jail mounts itself.
 *
 * The supervisor builds one for each policy and runtime, and lends a copy of it
 * to each jail; where the kernel cannot attach mounts to a tree that is
 * attached nowhere itself (before Linux 6.15), each jail-init builds its own.
 */
#ifndef PC_JAIL_ROOT_H
#define PC_JAIL_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"
#include "supervisor/base/err.h"

struct tmpfs_spec {
	uint64_t bytes, inodes;
	uint32_t mode;
	int owner; /* uid and gid in the jail; 0: its maker */
	unsigned attrs;
};

int root_make_tmpfs(const struct tmpfs_spec *spec, int *ret_fd, struct err *e);
/* Attach a detached mount at an absolute path of the tree, which is made. */
int root_attach(int root_fd, int mount_fd, const char *path, int is_dir,
		struct err *e);

/* What the host lends: detached mounts; -1 where absent.  They stay open. */
struct root_sources {
	const struct policy *policy;
	const int *mounts; /* by policy->mounts */
	int harness;
};

/* The empty tmpfs, detached. */
int root_make(int *ret_fd, struct err *e);
/*
 * All of sources, links, mount points.  A source that lacks one of its
 * restrictions, or is another device, is an error.
 */
int root_fill(int root_fd, const struct root_sources *sources, struct err *e);
/* The policy's links, those of /dev among them: in its tmpfs, or elsewhere. */
int root_link(int root_fd, const struct policy *p, bool in_tmpfs,
	      struct err *e);

#endif
