/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep.c - make every system call there is, from inside a jail, and print
 * what became of each: "NR VECTOR RESULT".
 *
 *   <errno>  it came back with it (0: it succeeded)
 *   K        the caller was killed by SIGSYS
 *   S<n>     it died of another signal (sigreturn without a frame)
 *   X        it did not come back (exit)
 *   B        it waited until a timer ended it
 *
 * Numbers 0 to 1023 are made with four sets of arguments, harmless ones if the
 * call is allowed, each in a child of its own; the x32 range, -1 and RANDOM
 * other numbers of 32 bits with the first set.  What the filter should have
 * answered is for tests/policy/test_live_sweep.py to say.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMED 1024
#define X32 0x40000000u
#define RANDOM 10000
#define WAIT_US 300000

/* Equal to VECTORS of the test. */
static const uint64_t vectors[][6] = {
	{-1ull, -1ull, -1ull, -1ull, -1ull, -1ull},
	{0, 0, 0, 0, 0, 0},
	{0xdeadbeef00000000, 0xdeadbeef00000000, 0xdeadbeef00000000,
	 0xdeadbeef00000000, 0xdeadbeef00000000, 0xdeadbeef00000000},
	{0xfffffffe00000001, 0xfffffffe00000001, 0xfffffffe00000001,
	 0xfffffffe00000001, 0xfffffffe00000001, 0xfffffffe00000001},
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static volatile long *result; /* shared with the children */

static inline long __attribute__((always_inline))
call(uint64_t nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static int
makes_process(uint32_t nr)
{
	return nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone ||
	       nr == SYS_clone3;
}

/* In a child; the timer counts on while a call waits. */
static void __attribute__((noreturn)) child(uint32_t nr, const uint64_t args[6])
{
	static const uint64_t none[6] = {0};
	long ret = call(nr, args);

	if (makes_process(nr) && ret == 0)
		for (;;)
			(void)call(SYS_exit, none);
	*result = ret;
	for (;;)
		(void)call(SYS_exit_group, none);
}

static void
report(uint32_t nr, size_t vector, int status)
{
	printf("%u %zu ", nr, vector);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		puts("K");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		puts("B");
	else if (WIFSIGNALED(status))
		printf("S%d\n", WTERMSIG(status));
	else if (*result == 1 << 20)
		puts("X");
	else
		printf("%ld\n", *result < 0 && *result > -4096 ? -*result : 0);
}

static void
try(uint32_t nr, size_t vector, int is_light)
{
	const struct itimerval timer = {.it_value.tv_usec = WAIT_US};
	int status = 0;
	pid_t pid;

	*result = 1 << 20; /* no call returns this here */
	pid = is_light ? vfork() : fork();
	if (pid == 0) {
		if (!is_light) {
			signal(SIGALRM, SIG_DFL);
			setpgid(0, 0); /* kill(0, ...) */
			setitimer(ITIMER_REAL, &timer, NULL);
		}
		child(nr, vectors[vector]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("sweep");
		exit(1);
	}
	report(nr, vector, status);
}

static uint32_t
next_random(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

int
main(void)
{
	static char buffer[1 << 16];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	result = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result == MAP_FAILED)
		return 1;
	for (uint32_t nr = 0; nr < NAMED; nr++)
		for (size_t v = 0; v < VECTORS; v++) {
			fflush(stdout);
			try(nr, v, 0);
		}
	for (uint32_t nr = X32; nr < X32 + NAMED; nr++)
		try(nr, 0, 1);
	try(UINT32_MAX, 0, 1);
	for (int i = 0; i < RANDOM; i++) {
		uint32_t nr = next_random();

		/* x32 again for a tenth: most numbers have its bit or -1's. */
		if (i % 10 == 0)
			nr = X32 | (nr & 0x3ff);
		try(nr < NAMED ? nr + NAMED : nr, 0, 1);
	}
	puts("end");
	return 0;
}
