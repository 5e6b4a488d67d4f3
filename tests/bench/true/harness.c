/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.c - the smallest payload there can be: it passes the gate and
 * becomes /bin/true, so that what is measured beside a bare /bin/true is the
 * jail.  Built statically by tests/bench/run.
 */
#include <unistd.h>

#include "jail/spec.h"

int
main(void)
{
	static char name[] = "true";
	static char *const argv[] = {name, NULL};
	static char *const envp[] = {NULL};
	char byte = GATE_READY;
	if (write(PAYLOAD_FD_GATE, &byte, 1) != 1 ||
	    read(PAYLOAD_FD_GATE, &byte, 1) != 1 || byte != GATE_GO)
		return 125;
	(void)close(PAYLOAD_FD_GATE);
	execve("/bin/true", argv, envp);
	return 126;
}
