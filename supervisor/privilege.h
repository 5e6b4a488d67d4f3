/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - what the supervisor itself gives up.
 */
#ifndef PC_SUPERVISOR_PRIVILEGE_H
#define PC_SUPERVISOR_PRIVILEGE_H

#include <stdbool.h>

#include "supervisor/base/err.h"

/* First thing: root, no groups, umask, not dumpable, high fd limit. */
int privilege_begin(struct err *e);

/*
 * Once everything is open and before the first connection: keep only what
 * running jails needs, set no_new_privs.  Checked by reading back.
 */
int privilege_drop(struct err *e);

/*
 * The out-of-memory score is inherited: raise ours while a jail is started
 * (true), then take it back (false).
 */
void privilege_oom_for_child(bool is_child_next);

#endif
