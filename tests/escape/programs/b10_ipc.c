/* SPDX-License-Identifier: Apache-2.0 */
/* B10: System V and POSIX IPC, whose objects outlive their makers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "attempt.h"

#define KEY 0x50434a31

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	/* What somebody else made under this key, then one of our own. */
	attempt_call("shmget-find", shmget(KEY, 1, 0));
	attempt_call("shmget", shmget(KEY, 1 << 20, IPC_CREAT | 0666));
	attempt_call("msgget", msgget(KEY, IPC_CREAT | 0666));
	attempt_call("semget", semget(KEY, 1, IPC_CREAT | 0666));
	attempt_call("mq_open", syscall(SYS_mq_open, "promptcraft-test",
					O_CREAT | O_RDWR, 0666, NULL));
	attempt_call("shm_open-find",
		     shm_open("/promptcraft-test", O_RDWR, 0666));
	/* POSIX shared memory is a file of /dev/shm, the jail's own. */
	attempt_call("shm_open",
		     shm_open("/promptcraft-test", O_CREAT | O_RDWR, 0666));
	return 0;
}
