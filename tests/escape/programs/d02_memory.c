/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D02: take memory by one route, named by argv[1], up to argv[2] MiB.  It ends
 * with "done" when it has that much, with "blocked" when a call is refused, or
 * without a word when the kernel ends it for what it took.
 *
 * What one process may have of a thing (fds, mappings) is no limit: most
 * routes go on in children, which keep what they have until the end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include "attempt.h"

#define MIB (1L << 20)
#define CHUNK (64 << 10)

static const char *route;
static long target; /* bytes */

/* Shared with the children: how much there is in all, as we reckon. */
static struct {
	volatile long bytes;
	volatile int errnum;
} * all;

static char chunk[CHUNK];

static bool
take(long bytes)
{
	return __atomic_add_fetch(&all->bytes, bytes, __ATOMIC_SEQ_CST) <
	       target;
}

static void
refused(void)
{
	if (all->errnum == 0)
		all->errnum = errno;
}

/* ---- pages of processes and of files --------------------------------- */

static void
pages(int flags, int fd, long offset)
{
	for (long at = 0;; at += CHUNK) {
		char *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, flags, fd,
			       offset + at);

		if (p == MAP_FAILED) {
			refused();
			return;
		}
		memset(p, 1, CHUNK);
		if (!take(CHUNK))
			return;
	}
}

static void
heap(void)
{
	pages(MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
shared(void)
{
	pages(MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void
fill_fd(int fd)
{
	for (;;) {
		ssize_t n = write(fd, chunk, CHUNK);

		if (n <= 0) {
			refused();
			return;
		}
		if (!take(n))
			return;
	}
}

static void
memfd(void)
{
	fill_fd(memfd_create("m", 0));
	/* The largest file ends one; there may be others. */
	if (all->errnum == EFBIG) {
		all->errnum = 0;
		for (int i = 0; i < 8 && all->bytes < target; i++)
			fill_fd(memfd_create("m", 0));
	}
}

static void
memfd_hole(void)
{
	int fd = memfd_create("m", 0);

	/* By mapping, where no write(2) meets the largest file. */
	if (ftruncate(fd, 48 * MIB) < 0)
		refused();
	for (int i = 0; i < 8 && all->bytes < target; i++) {
		char *p = mmap(NULL, 48 * MIB, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, 0);

		for (long at = 0; at < 48 * MIB && take(4096); at += 4096)
			p[at] = 1;
		fd = memfd_create("m", 0);
		if (ftruncate(fd, 48 * MIB) < 0)
			refused();
	}
}

static void
tmpfs(void)
{
	static const char *const places[] = {"/work", "/tmp", "/dev/shm"};
	char path[64];

	/* Unlinked while open: nothing to see, everything there. */
	for (int i = 0; i < 60; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/f%d", places[i % 3], i);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		unlink(path);
		all->errnum = 0;
		fill_fd(fd);
	}
}

/* Others' files: the kernel's cache of them is charged to who read first. */
static void
page_cache(void)
{
	/* NOLINTNEXTLINE(cert-env33-c): the command is ours */
	FILE *names = popen("find /usr/lib /usr/bin -type f -size +64k", "r");
	char path[4096];

	while (names != NULL && fgets(path, sizeof(path), names) != NULL) {
		int fd;

		path[strcspn(path, "\n")] = '\0';
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		for (ssize_t n; (n = read(fd, chunk, CHUNK)) > 0;)
			if (!take(n))
				return;
		close(fd);
	}
	all->bytes = target; /* there is no more to read */
}

/* ---- the kernel's own memory ----------------------------------------- */

static void
fill_pipes(void)
{
	for (;;) {
		int ends[2];

		if (pipe2(ends, O_NONBLOCK) < 0)
			return;
		(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		for (ssize_t n; (n = write(ends[1], chunk, CHUNK)) > 0;)
			if (!take(n))
				return;
	}
}

static void
fill_sockets(void)
{
	for (;;) {
		int pair[2], size = 4 << 20;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) <
		    0)
			return;
		for (int i = 0; i < 2; i++) {
			(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size,
					 sizeof(size));
			for (ssize_t n; (n = write(pair[i], chunk, CHUNK)) > 0;)
				if (!take(n))
					return;
		}
	}
}

/* Datagrams of one byte: each costs the kernel some hundred. */
static void
fill_small(void)
{
	for (;;) {
		int pair[2], size = 4 << 20;

		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) <
		    0)
			return;
		(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size));
		while (send(pair[0], "x", 1, 0) == 1)
			if (!take(512))
				return;
	}
}

static int
send_fd(int over, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = "x", .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(over, &msg, MSG_DONTWAIT) < 0 ? -1 : 0;
}

/*
 * Full pipes whose only owner is a message, in a pair of sockets that is
 * itself in flight inside of itself: nobody's fd, until the kernel's collector
 * of such cycles runs.
 */
static void
scm_cycles(void)
{
	for (int round = 0; round < 100000; round++) {
		int pair[2], ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
		    pipe2(ends, O_NONBLOCK) < 0)
			return;
		while (write(ends[1], chunk, CHUNK) > 0)
			;
		if (send_fd(pair[0], ends[0]) < 0 ||
		    send_fd(pair[0], pair[0]) < 0 ||
		    send_fd(pair[0], pair[1]) < 0) {
			refused(); /* ETOOMANYREFS */
			return;
		}
		close(ends[0]);
		close(ends[1]);
		close(pair[0]);
		close(pair[1]);
		if (!take(CHUNK))
			return;
	}
}

/* One page of zeros, mapped again and again: only the tables cost. */
static void
page_tables(void)
{
	for (;;) {
		volatile char *p = mmap(
			NULL, 1L << 30, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED) {
			refused();
			return;
		}
		(void)madvise((void *)(uintptr_t)p, 1L << 30, MADV_NOHUGEPAGE);
		for (long at = 0; at < 1L << 30; at += 2 * MIB) {
			(void)p[at];
			if (!take(4096))
				return;
		}
	}
}

static void
mappings(void)
{
	const long count = 60000;
	char *p = mmap(NULL, (size_t)count * 4096, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (long i = 0; i < count && p != MAP_FAILED; i += 2) {
		if (mprotect(p + i * 4096, 4096, PROT_READ) < 0)
			break;
		if (!take(512))
			return;
	}
}

static void
epolls(void)
{
	int ends[2], fds[64], count = 0;

	(void)pipe(ends);
	while (count < 64 && (fds[count] = dup(ends[0])) >= 0)
		count++;
	for (;;) {
		int poll = epoll_create1(0);

		if (poll < 0)
			return;
		for (int i = 0; i < count; i++) {
			struct epoll_event event = {.events = EPOLLIN};

			if (epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event) < 0)
				return;
			if (!take(192))
				return;
		}
	}
}

static void
small_fds(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (int i = 0;; i++) {
		int fd = i % 4 == 0   ? eventfd(0, 0)
			 : i % 4 == 1 ? signalfd(-1, &none, 0)
			 : i % 4 == 2
				 ? timerfd_create(CLOCK_MONOTONIC, 0)
				 : (int)syscall(SYS_pidfd_open, getpid(), 0);

		if (fd < 0)
			return;
		if (!take(512))
			return;
	}
}

/* Each lock of a byte of its own is one more; there is no end of bytes. */
static void
record_locks(void)
{
	char path[32];

	for (int file = 0; file < 64; file++) {
		int fd;

		snprintf(path, sizeof(path), "l%d-%d", getpid(), file);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		/* Downwards: the list is searched from its beginning. */
		for (long i = 1000; i > 0; i--) {
			struct flock lock = {.l_type = F_WRLCK,
					     .l_start = 2 * i,
					     .l_len = 1};

			if (fcntl(fd, F_SETLK, &lock) < 0 &&
			    fcntl(fd, F_OFD_SETLK, &lock) < 0) {
				refused();
				return;
			}
			if (!take(192))
				return;
		}
	}
}

/* The kernel walks them all when anyone closes the file, which is lent. */
static void
flocks(void)
{
	for (;;) {
		int fd = open("/usr/lib/x86_64-linux-gnu/libm.so.6", O_RDONLY);

		if (fd < 0)
			return;
		if (flock(fd, LOCK_SH) < 0) {
			refused();
			return;
		}
		if (!take(512))
			return;
	}
}

static void
timers(void)
{
	timer_t id;

	while (timer_create(CLOCK_MONOTONIC, NULL, &id) == 0)
		if (!take(512))
			return;
	refused();
}

static void
signals(void)
{
	sigset_t set;
	siginfo_t info = {.si_code = SI_QUEUE};

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info) == 0)
		if (!take(160))
			return;
	refused();
}

/* Names that do not exist are remembered, too. */
static void
dentries(void)
{
	char path[300];
	struct stat st;

	memset(path, 'x', sizeof(path));
	for (long i = 0;; i++) {
		snprintf(path, sizeof(path), "/usr/lib/%0200ld",
			 i + getpid() * 10000000L);
		(void)stat(path, &st);
		if (!take(512))
			return;
	}
}

/* A v1 memory limit leaves these out. */
static void
tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (server < 0 || bind(server, (struct sockaddr *)&at, len) < 0 ||
	    listen(server, 100) < 0) {
		refused();
		return;
	}
	getsockname(server, (struct sockaddr *)&at, &len);
	for (int i = 0; i < 60; i++) {
		int one = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(one, (struct sockaddr *)&at, len) < 0)
			break;
		(void)accept(server, NULL, NULL);
		(void)fcntl(one, F_SETFL, O_NONBLOCK);
		for (ssize_t n; (n = write(one, chunk, CHUNK)) > 0;)
			if (!take(n))
				return;
	}
	refused();
}

/* ---- what no profile has at all -------------------------------------- */

static void
absent(void)
{
	static const struct {
		const char *name;
		long nr, a, b, c, d;
	} calls[] = {
		{"sysv_shm", SYS_shmget, 0, 1 << 20, 01600, 0},
		{"sysv_msg", SYS_msgget, 0, 01600, 0, 0},
		{"sysv_sem", SYS_semget, 0, 100, 01600, 0},
		{"mqueue", SYS_mq_open, 0, O_CREAT, 0, 0},
		{"mlock", SYS_mlock, 0, 4096, 0, 0},
		{"mlock2", SYS_mlock2, 0, 4096, 0, 0},
		{"mlockall", SYS_mlockall, 3, 0, 0, 0},
		{"inotify", SYS_inotify_init1, 0, 0, 0, 0},
		{"fanotify", SYS_fanotify_init, 0, 0, 0, 0},
		{"bpf", SYS_bpf, 0, 0, 0, 0},
		{"io_uring", SYS_io_uring_setup, 8, 0, 0, 0},
		{"userfaultfd", SYS_userfaultfd, 1, 0, 0, 0},
		{"add_key", SYS_add_key, 0, 0, 0, 0},
		{"perf", SYS_perf_event_open, 0, 0, 0, 0},
		{"memfd_secret", SYS_memfd_secret, 0, 0, 0, 0},
		{"vmsplice", SYS_vmsplice, 1, 0, 0, 0},
		{"tee", SYS_tee, 0, 1, 1, 0},
		{"aio", SYS_io_setup, 1, 0, 0, 0},
		{"setxattr", SYS_setxattr, 0, 0, 0, 0},
		{"huge_memfd", SYS_memfd_create, (long)"m", MFD_HUGETLB, 0, 0},
		{"huge_mmap", SYS_mmap, 0, 2 << 20, 3,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		attempt_call(calls[i].name,
			     syscall(calls[i].nr, calls[i].a, calls[i].b,
				     calls[i].c, calls[i].d, -1, 0));
}

static const struct {
	const char *name;
	void (*run)(void);
	int children; /* 0: all in this process */
} routes[] = {
	{"heap", heap, 0},
	{"heap_many", heap, 8},
	{"shared", shared, 0},
	{"memfd", memfd, 0},
	{"memfd_hole", memfd_hole, 0},
	{"tmpfs", tmpfs, 0},
	{"page_cache", page_cache, 0},
	{"pipes", fill_pipes, 55},
	{"sockets", fill_sockets, 30},
	{"small_datagrams", fill_small, 30},
	{"scm_cycles", scm_cycles, 0},
	{"page_tables", page_tables, 0},
	{"mappings", mappings, 50},
	{"epolls", epolls, 50},
	{"small_fds", small_fds, 50},
	{"record_locks", record_locks, 50},
	{"flocks", flocks, 40},
	{"timers", timers, 20},
	{"signals", signals, 20},
	{"dentries", dentries, 4},
	{"tcp", tcp, 0},
};

/* Children keep what they have until the pipe that they wait on closes. */
static void
in_children(void (*run)(void), int count)
{
	int ready[2], hold[2];
	char byte;

	if (pipe(ready) < 0 || pipe(hold) < 0)
		exit(1);
	for (int i = 0; i < count && all->bytes < target; i++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			close(hold[1]);
			run();
			(void)!write(ready[1], "x", 1);
			(void)!read(hold[0], &byte, 1);
			_exit(0);
		}
		(void)!read(ready[0], &byte, 1);
	}
}

int
main(int argc, char **argv)
{
	const long size = sizeof(routes) / sizeof(routes[0]);
	long i = 0;

	route = argc > 1 ? argv[1] : "";
	(void)signal(SIGXFSZ, SIG_IGN);
	target = (argc > 2 ? atol(argv[2]) : 160) * MIB;
	if (strcmp(route, "absent") == 0) {
		absent();
		return 0;
	}
	while (i < size && strcmp(routes[i].name, route) != 0)
		i++;
	all = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (i == size || all == MAP_FAILED)
		return 1;
	if (routes[i].children > 0)
		in_children(routes[i].run, routes[i].children);
	else
		routes[i].run();
	errno = all->errnum != 0 ? all->errnum : EMFILE;
	if (all->bytes >= target)
		attempt_done(route, "%ld MiB", all->bytes / MIB);
	else
		attempt_call(route, -1);
	printf("reckoned %ld KiB\n", all->bytes / 1024);
	fflush(stdout);
	if (argc > 3)
		sleep((unsigned)atoi(argv[3])); /* for who looks from outside */
	_exit(0); /* without the children: PID 1 ends them */
}
