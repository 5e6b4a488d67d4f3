/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_privilege.c - what the API process can and cannot do once it is
 * confined: each row runs in a child that went through privilege.c and
 * filter.c, and each refused act is first done without them (the control).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/privilege.h"
#include "api/store/store.h"
#include "supervisor/base/str.h"

#define TEST_UID 1879043000u
#define X32 0x40000000

static struct api_config config;
static struct api_process_user user;

/* Each returns 0 if it was done, or the errno. */
static int
result_of(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
do_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return result_of(pid);
}

static int
do_exec(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	execve("/bin/true", argv, argv + 1);
	return errno;
}

static int
do_namespace(void)
{
	return result_of(syscall(SYS_unshare, 0));
}

static int
do_trace(void)
{
	return result_of(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int
do_x32(void)
{
	return result_of(syscall(X32 | SYS_getpid));
}

static int
do_i386(void)
{
	long rc = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory");
	return rc < 0 ? (int)-rc : 0;
}

static int
do_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
do_make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
do_internet(void)
{
	return result_of(socket(AF_INET, SOCK_STREAM, 0));
}

/* The kernel looks at 32 bits of an int: AF_INET with bit 32 set. */
static int
do_internet_high_bits(void)
{
	return result_of(syscall(SYS_socket, (UINT64_C(1) << 32) | AF_INET,
				 SOCK_STREAM, 0));
}

static int
do_udp(void)
{
	return result_of(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int
do_internet_pair(void)
{
	int pair[2];
	int rc = result_of(socketpair(AF_INET, SOCK_STREAM, 0, pair));

	/* No kernel has such a pair: the control gets this. */
	return rc == EOPNOTSUPP ? 0 : rc;
}

static int
do_pair(void)
{
	int pair[2];

	return result_of(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
}

static int
do_unix(void)
{
	return result_of(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

static int
do_foreign_signal(void)
{
	return result_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int
do_own_signal(void)
{
	return result_of(syscall(SYS_tgkill, getpid(), gettid(), 0));
}

static int
do_read_passwd(void)
{
	return result_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int
do_read_proc(void)
{
	return result_of(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
}

static int
do_write_tmp(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/pc-test-privilege.%d", getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)unlink(path);
	return result_of(fd);
}

static int
do_use_state(void)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/file", config.state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0 ||
	    ftruncate(fd, 0) < 0 || unlink(path) < 0)
		return errno;
	return 0;
}

/* The store opened before goes on, with threads made after. */
static void *
add_setting(void *arg)
{
	static const char *const keys[] = {"a", "b", "c", "d"};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (store_setting_put(arg, keys[i], "v", false, &e) < 0)
			return arg;
	return NULL;
}

static int
do_threads_and_store(void)
{
	struct store *store = NULL;
	struct err e = ERR_INIT;
	pthread_t thread;
	void *failed = NULL;

	if (store_open_sqlite(config.state_dir, &store, &e) < 0)
		return EIO;
	if (pthread_create(&thread, NULL, add_setting, store) != 0)
		return EAGAIN;
	pthread_join(thread, &failed);
	store_close(store);
	return failed == NULL ? 0 : EIO;
}

static const struct {
	const char *name;
	int (*act)(void);
	int signal;	  /* that ends the confined process */
	int errnum;	  /* or what the act gets; 0: it is done */
	bool not_in_asan; /* the sanitizer needs it itself */
} rows[] = {
	{"fork", do_fork, 0, ENOSYS, true},
	{"exec", do_exec, SIGSYS, 0, false},
	{"unshare", do_namespace, SIGSYS, 0, false},
	{"ptrace", do_trace, SIGSYS, 0, true},
	{"x32", do_x32, SIGSYS, 0, false},
	{"i386", do_i386, SIGSYS, 0, false},
	{"executable memory", do_exec_memory, 0, ENOSYS, true},
	{"memory made executable", do_make_executable, 0, ENOSYS, true},
	{"internet socket", do_internet, 0, ENOSYS, false},
	{"internet socket, high bits", do_internet_high_bits, 0, ENOSYS, false},
	{"internet socket, UDP over IPv6", do_udp, 0, ENOSYS, false},
	{"pair of internet sockets", do_internet_pair, 0, ENOSYS, false},
	{"signal to another process", do_foreign_signal, 0, ENOSYS, true},
	{"/etc/passwd", do_read_passwd, 0, EACCES, false},
	{"/proc/self/status", do_read_proc, 0, EACCES, true},
	{"file in /tmp", do_write_tmp, 0, EACCES, false},
	{"unix socket", do_unix, 0, 0, false},
	{"pair of unix sockets", do_pair, 0, 0, false},
	{"signal to oneself", do_own_signal, 0, 0, false},
	{"file in the state directory", do_use_state, 0, 0, false},
	{"threads and store", do_threads_and_store, 0, 0, false},
};

static void
confine_or_exit(void)
{
	struct err e = ERR_INIT;

	if (api_privilege_drop(&user, &e) < 0 ||
	    api_privilege_confine(&config, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(255);
	}
}

/* The wait status of a child that does it; its exit code is the errno. */
static int
run_in_child(int (*act)(void), bool is_confined)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (is_confined)
			confine_or_exit();
		else if (user.is_change &&
			 setresuid(user.uid, user.uid, user.uid) < 0)
			_exit(255);
		_exit(act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
is_skipped(size_t i)
{
#ifdef PROMPTCRAFT_ASAN
	return rows[i].not_in_asan;
#else
	(void)i;
	return false;
#endif
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status;

		if (is_skipped(i))
			continue;
		status = run_in_child(rows[i].act, true);
		if (rows[i].signal != 0
			    ? !WIFSIGNALED(status) ||
				      WTERMSIG(status) != rows[i].signal
			    : !WIFEXITED(status) ||
				      WEXITSTATUS(status) != rows[i].errnum)
			fail_msg("%s: wait status %#x", rows[i].name,
				 (unsigned)status);
	}
}

/*
 * Without confinement the same acts do what they say, or the rows prove
 * nothing.  x32 is not in every kernel.
 */
static void
test_controls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status;

		if (rows[i].act == do_x32 || rows[i].act == do_foreign_signal ||
		    rows[i].act == do_threads_and_store)
			continue;
		status = run_in_child(rows[i].act, false);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: wait status %#x", rows[i].name,
				 (unsigned)status);
	}
}

static int
check_posture(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
			       setresuid((uid_t)-1, 0, (uid_t)-1) < 0 &&
			       getuid() != 0 && geteuid() != 0
		       ? 0
		       : 1;
}

static int
drop_only(void)
{
	struct err e = ERR_INIT;

	return api_privilege_drop(&user, &e) < 0 ? 2 : check_posture();
}

static void
test_drop(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(drop_only());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_check_start(void **state)
{
	struct api_config other = {0};
	struct api_process_user who = {0};
	struct err e = ERR_INIT;

	(void)state;
	if (geteuid() == 0) {
		assert_int_equal(api_privilege_check_start(&other, &who, &e),
				 -1);
		assert_non_null(strstr(e.text, "PROMPTCRAFT_USER"));
		str_copy(other.run_as_user, sizeof(other.run_as_user), "root");
		assert_int_equal(api_privilege_check_start(&other, &who, &e),
				 -1);
		str_copy(other.run_as_user, sizeof(other.run_as_user), "12345");
		assert_int_equal(api_privilege_check_start(&other, &who, &e),
				 0);
		assert_int_equal(who.uid, 12345);
		assert_int_equal(who.is_change, 1);
	} else {
		assert_int_equal(api_privilege_check_start(&other, &who, &e),
				 0);
		assert_int_equal(who.is_change, 0);
		str_copy(other.run_as_user, sizeof(other.run_as_user), "12345");
		assert_int_equal(api_privilege_check_start(&other, &who, &e),
				 -1);
	}
	str_copy(other.run_as_user, sizeof(other.run_as_user), "no such user");
	assert_int_equal(api_privilege_check_start(&other, &who, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
}

static int
setup(void **state)
{
	(void)state;
	str_copy(config.state_dir, sizeof(config.state_dir),
		 "/tmp/pc-test-privilege.XXXXXX");
	if (mkdtemp(config.state_dir) == NULL)
		return -1;
	user = (struct api_process_user){.uid = geteuid(), .gid = getegid()};
	if (geteuid() == 0)
		user = (struct api_process_user){TEST_UID, TEST_UID, 1};
	snprintf(config.release_dir, sizeof(config.release_dir), "%.200s/r",
		 config.state_dir);
	if (mkdir(config.release_dir, 0700) < 0 ||
	    chown(config.release_dir, user.uid, user.gid) < 0)
		return -1;
	return chown(config.state_dir, user.uid, user.gid);
}

static int
teardown(void **state)
{
	static const char *const names[] = {"promptcraft.db",
					    "promptcraft.db-wal",
					    "promptcraft.db-shm", "counters"};
	char path[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", config.state_dir,
			 names[i]);
		(void)unlink(path);
	}
	(void)rmdir(config.release_dir);
	return rmdir(config.state_dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_check_start),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
