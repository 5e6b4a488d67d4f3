/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap.h - the first account.
 */
#ifndef PC_API_BOOTSTRAP_H
#define PC_API_BOOTSTRAP_H

#include "api/api.h"
#include "supervisor/base/err.h"

/*
 * If the store has no user: make `admin` with a random password, which is
 * written to config.admin_password_file (0600), or else printed once to
 * stderr.  Called before the process is confined, with its final user id.
 */
int bootstrap_admin(struct api *api, struct err *e);

#endif
