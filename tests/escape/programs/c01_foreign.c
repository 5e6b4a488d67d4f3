/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C01: system calls by the doors of another architecture.  i386 numbers mean
 * other calls: 1 is exit there, write here.  A child that ends with our code
 * by it got through.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "attempt.h"

#define I386_EXIT 1
/* The 32-bit code segment that every x86-64 process has. */
#define USER32_CS 0x23

static void
int80(void *arg)
{
	(void)arg;
	__asm__ volatile("int $0x80"
			 :
			 : "a"(I386_EXIT), "b"(ATTEMPT_GOT_THROUGH)
			 : "memory");
}

static void *
int80_in_thread(void *arg)
{
	int80(arg);
	return NULL;
}

/* One thread's foreign call must end the process, not only the thread. */
static void
thread(void *arg)
{
	pthread_t one;

	(void)arg;
	pthread_create(&one, NULL, int80_in_thread, NULL);
	pthread_join(one, NULL);
	_exit(ATTEMPT_GOT_THROUGH);
}

static void
sysenter(void *arg)
{
	(void)arg;
	/* The sixth argument is read from where ebp points: a low page. */
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	__asm__ volatile("mov %%rcx, %%rbp\n\t"
			 "sysenter"
			 :
			 : "a"(I386_EXIT), "b"(ATTEMPT_GOT_THROUGH),
			   "c"(low + 2048)
			 : "memory");
}

/* int 0x80 or syscall out of 32-bit code, entered by a far return. */
static void
from_32bit_code(const unsigned char *call)
{
	unsigned char *code =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned char text[] = {
		0xb8, I386_EXIT,	   0, 0, 0, /* mov eax, 1 */
		0xbb, ATTEMPT_GOT_THROUGH, 0, 0, 0, call[0], call[1], 0x0f,
		0x0b};

	memcpy(code, text, sizeof(text));
	__asm__ volatile("mov %1, %%rsp\n\t"
			 "pushq %2\n\t"
			 "pushq %0\n\t"
			 "lretq"
			 :
			 : "r"((unsigned long)code), "r"(code + 4000),
			   "i"(USER32_CS)
			 : "memory");
}

static void
compat_int80(void *arg)
{
	(void)arg;
	from_32bit_code((const unsigned char *)"\xcd\x80");
}

static void
compat_syscall(void *arg)
{
	(void)arg;
	from_32bit_code((const unsigned char *)"\x0f\x05");
}

int
main(void)
{
	attempt_child("int80", int80, NULL);
	attempt_child("int80_thread", thread, NULL);
	attempt_child("sysenter", sysenter, NULL);
	attempt_child("compat_int80", compat_int80, NULL);
	attempt_child("compat_syscall", compat_syscall, NULL);
	return 0;
}
