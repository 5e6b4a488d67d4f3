/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B09: kernel keyrings, which have no namespace: the user's keyring is that of
 * the uid, so the next job in a slot would find what this one left.
 */
#define _GNU_SOURCE
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "attempt.h"

static long
report(const char *name, long rc)
{
	attempt_call(name, rc);
	return rc;
}

int
main(void)
{
	char text[256] = "";
	long key;

	setvbuf(stdout, NULL, _IONBF, 0);
	/* First: what did the job before us leave?  Then leave something. */
	key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user",
		      "promptcraft-test", 0);
	report("find", key);
	report("read",
	       syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text)));
	report("add_key", syscall(SYS_add_key, "user", "promptcraft-test",
				  "secret", 6, KEY_SPEC_USER_KEYRING));
	report("add_key-session",
	       syscall(SYS_add_key, "user", "promptcraft-test", "secret", 6,
		       KEY_SPEC_SESSION_KEYRING));
	report("request_key",
	       syscall(SYS_request_key, "user", "promptcraft-test", NULL,
		       KEY_SPEC_SESSION_KEYRING));
	report("keyctl-join",
	       syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	report("keyctl-describe",
	       syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING,
		       text, sizeof(text)));
	return 0;
}
