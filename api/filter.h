/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - the API process's own system call filter.
 */
#ifndef PC_API_FILTER_H
#define PC_API_FILTER_H

#include "supervisor/base/err.h"

/* no_new_privs must be set; threads started later inherit it.  Checked. */
int filter_install(struct err *e);

#endif
