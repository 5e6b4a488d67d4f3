/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B13: send bits from one jail to another by what both share.
 *
 *   b13_covert CHANNEL send|recv START_NS PERIOD_US SLOTS
 *
 * Time is cut into slots of PERIOD_US from START_NS (CLOCK_MONOTONIC) on.  The
 * sender sets the bits of a slot at its beginning, the receiver reads in its
 * middle and prints the raw readings, one line a slot; the test knows the bits
 * that were sent, sets a threshold and counts errors.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "attempt.h"

#define WORDS 16
#define HELD 48
#define CHILDREN 24

static uint64_t start_ns, period_ns;
static unsigned slots;

/* The bits sent; also in test_b_namespaces.py. */
static int
bit_of(unsigned slot, unsigned i)
{
	uint32_t x = (slot * 64 + i + 1) * 2654435761u;

	x = (x ^ x >> 16) * 2246822507u;
	return (x ^ x >> 13) & 1;
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Until `half` half periods after the start of a slot. */
static void
wait_slot(unsigned slot, unsigned half)
{
	uint64_t at = start_ns + slot * period_ns + half * period_ns / 2;
	struct timespec t = {.tv_sec = (time_t)(at / 1000000000u),
			     .tv_nsec = (long)(at % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* ---- futex on a page of a shared file -------------------------------- */

static uint32_t *words;

static void
futex_init(void)
{
	int fd = open("/usr/bin/true", O_RDONLY);

	words = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
}

static void *
futex_wait(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	for (unsigned slot = 0; slot < slots; slot++) {
		uint64_t end = start_ns + (slot + 1) * period_ns;
		struct timespec t = {.tv_sec = (time_t)(end / 1000000000u),
				     .tv_nsec = (long)(end % 1000000000u)};

		wait_slot(slot, 0);
		if (bit_of(slot, i))
			syscall(SYS_futex, &words[i], FUTEX_WAIT_BITSET,
				words[i], &t, NULL, ~0u);
	}
	return NULL;
}

static void
futex_send(unsigned slot)
{
	static pthread_t threads[WORDS];

	if (slot == 0)
		for (uintptr_t i = 0; i < WORDS; i++)
			pthread_create(&threads[i], NULL, futex_wait,
				       (void *)i);
	if (slot == slots - 1)
		for (unsigned i = 0; i < WORDS; i++)
			pthread_join(threads[i], NULL);
}

static void
futex_recv(void)
{
	for (unsigned i = 0; i < WORDS; i++)
		printf(" %ld", syscall(SYS_futex, &words[i], FUTEX_WAKE, 100,
				       NULL, NULL, 0));
}

/* ---- numbers that the kernel gives out to all ------------------------ */

static void
none_init(void)
{
}

static void
eventfd_send(unsigned slot)
{
	static int held[HELD], has;

	for (int i = 0; has != bit_of(slot, 0) && i < HELD; i++)
		if (has)
			close(held[i]);
		else
			held[i] = eventfd(0, 0);
	has = bit_of(slot, 0);
}

static void
eventfd_recv(void)
{
	int fd = eventfd(0, 0), id = -1;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "eventfd-id: %d", &id);
	if (f != NULL)
		fclose(f);
	close(fd);
	printf(" %d", id);
}

static void
inode_send(unsigned slot)
{
	int pair[2];

	for (int i = 0; bit_of(slot, 0) && i < 4000; i++) {
		if (pipe(pair) < 0)
			return;
		close(pair[0]);
		close(pair[1]);
	}
}

/* The counter goes to each CPU in batches. */
static void
inode_recv(void)
{
	static uint64_t highest;
	uint64_t before = highest;

	for (int i = 0; i < 1100; i++) {
		struct stat st;
		int pair[2];

		if (pipe(pair) < 0)
			break;
		fstat(pair[0], &st);
		close(pair[0]);
		close(pair[1]);
		if (st.st_ino > highest)
			highest = st.st_ino;
	}
	printf(" %lld", before == 0 ? -1LL : (long long)(highest - before));
}

static void
procs_send(unsigned slot)
{
	static pid_t children[CHILDREN];
	static int has;

	for (int i = 0; has != bit_of(slot, 0) && i < CHILDREN; i++) {
		if (has) {
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
			continue;
		}
		children[i] = fork();
		if (children[i] == 0)
			for (;;)
				pause();
	}
	has = bit_of(slot, 0);
}

static void
procs_recv(void)
{
	struct sysinfo info;

	sysinfo(&info);
	printf(" %d", info.procs);
}

/* ---- processor time -------------------------------------------------- */

static void
burn(uint64_t until)
{
	while (now_ns() < until)
		;
}

static void
cpu_send(unsigned slot)
{
	uint64_t end = start_ns + (slot + 1) * period_ns - period_ns / 8;

	if (!bit_of(slot, 0))
		return;
	if (fork() == 0) {
		burn(end);
		_exit(0);
	}
	burn(end);
	waitpid(-1, NULL, 0);
}

static void
cpu_recv(void)
{
	uint64_t end = now_ns() + period_ns / 3;
	volatile unsigned count = 0;

	while (now_ns() < end)
		count++;
	printf(" %u", count);
}

/* ---- main ------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*init)(void);
	void (*send)(unsigned slot);
	void (*recv)(void);
} channels[] = {
	{"futex", futex_init, futex_send, futex_recv},
	{"eventfd", none_init, eventfd_send, eventfd_recv},
	{"inode", none_init, inode_send, inode_recv},
	{"procs", none_init, procs_send, procs_recv},
	{"cpu", none_init, cpu_send, cpu_recv},
};

int
main(int argc, char **argv)
{
	if (argc < 6)
		return 2;
	start_ns = strtoull(argv[3], NULL, 10);
	period_ns = strtoull(argv[4], NULL, 10) * 1000;
	slots = (unsigned)atoi(argv[5]);
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		if (strcmp(argv[1], channels[i].name) != 0)
			continue;
		channels[i].init();
		if (now_ns() > start_ns)
			return 3; /* too late */
		for (unsigned slot = 0; slot < slots; slot++) {
			int is_sender = strcmp(argv[2], "send") == 0;

			wait_slot(slot, is_sender ? 0 : 1);
			if (is_sender) {
				channels[i].send(slot);
				continue;
			}
			printf("slot");
			channels[i].recv();
			printf("\n");
		}
		wait_slot(slots, 0);
		return 0;
	}
	return 2;
}
