/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.h - what of the file system and the network a process of the API
 * can still reach: nothing but what is listed, for good, checked.
 */
#ifndef PC_API_LANDLOCK_H
#define PC_API_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

enum landlock_access {
	LANDLOCK_READ = 1u << 0,  /* files */
	LANDLOCK_LIST = 1u << 1,  /* directories */
	LANDLOCK_WRITE = 1u << 2, /* files, without making any */
	LANDLOCK_EDIT = 1u << 3,  /* make, remove, write, truncate files */
	LANDLOCK_TREE = 1u << 4,  /* make, name, remove directories */
};

struct landlock_path {
	const char *path;
	unsigned access;
	bool may_be_absent;
};

/*
 * no_new_privs must be set; threads and children that come later inherit it.
 * TCP connections only to the ports (kernel 6.7 or later; before, nothing is
 * said of the network), no TCP bind, and where the kernel can, no abstract
 * sockets and no signals out of the process and its children.
 */
int landlock_restrict(const struct landlock_path *paths, size_t paths_len,
		      const uint16_t *ports, size_t ports_len, struct err *e);

#endif
