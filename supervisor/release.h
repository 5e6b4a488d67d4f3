/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.h - the supervisor's word on a release: what people were shown is
 * what is released, under the policy that they were shown, and it is on record
 * before anybody can see it.
 */
#ifndef PC_SUPERVISOR_RELEASE_H
#define PC_SUPERVISOR_RELEASE_H

#include "supervisor/listen.h"

/* Handler of RELEASE, and of what was shown. */
int release_request(struct supervisor *sup, struct peer *peer,
		    const union wire_message *msg, struct err *e);
void release_uploaded(struct supervisor *sup, struct peer *peer);

#endif
