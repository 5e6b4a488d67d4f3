/* SPDX-License-Identifier: Apache-2.0 */
/* B07: a signal to everybody that can be reached; the test looks who died. */
#define _GNU_SOURCE
#include "attempt.h"

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGUSR1, SIG_IGN);
	attempt_call("kill-all", kill(-1, SIGUSR1));
	return 0;
}
