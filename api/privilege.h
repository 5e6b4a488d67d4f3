/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - how the API process gives up what it does not need, in this
 * order, each step once and checked:
 *
 *	api_privilege_check_start	root only with PROMPTCRAFT_USER
 *	api_privilege_drop		user, groups, capabilities,
 *					no_new_privs, core dumps
 *	api_privilege_confine		Landlock, then seccomp: before the
 *					first thread
 */
#ifndef PC_API_PRIVILEGE_H
#define PC_API_PRIVILEGE_H

#include "api/api.h"
#include "supervisor/base/err.h"

/* Who the process will be. */
struct api_process_user {
	unsigned uid, gid;
	int is_change; /* 0: it is that user already */
};

/* Resolve the user and refuse to stay root. */
int api_privilege_check_start(const struct api_config *config,
			      struct api_process_user *ret, struct err *e);

/* Make the directories of state (0700) and releases (0750), that user's, where
 * they are not there. */
int api_privilege_make_dirs(const struct api_config *config,
			    const struct api_process_user *user, struct err *e);

int api_privilege_drop(const struct api_process_user *user, struct err *e);

/*
 * After this only what lies under those two directories can be opened (and
 * /dev/urandom, /dev/null for what libraries want), no TCP connection made, no
 * program run.  Fails if the kernel lacks a layer: never less than all.
 */
int api_privilege_confine(const struct api_config *config, struct err *e);

#endif
