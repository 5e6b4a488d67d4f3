/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c - what this kernel takes for a jail, without any of our code.
 *
 *   floor POLICY.bin ROUNDS IDLE_MS
 *
 * A small static program makes the same things in the same order as a job gets
 * them: namespaces, id maps, cgroups (v1: one's own thread written to `tasks`),
 * a root of the same mounts, /proc, pivot, a second process with limits, no
 * capability, Landlock and the policy's filter, which becomes /bin/true, and
 * PID 1, which waits for it.  No request, no posture, no record.  Each round
 * measures every variant once, each time beginning with another, IDLE_MS
 * after the last.
 *
 *   bare       fork, exec, wait
 *   spawn      the same by posix_spawn
 *   jail       all of it; PID 1 does not exec, its child shares its memory
 *              until the exec, the root is cloned from a template
 *   mounts     jail, with the root's mounts made one by one
 *   fork       jail, with a child that does not share memory
 *   exec       fork, and PID 1 execs a program of its own
 *   all        exec, with the root's mounts made one by one
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jail/kernel.h"
#include "policy/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROUNDS_MAX 2000
#define UID 0x70000000u
#define RULES 20
#define STACK 65536
#define CGROUPS 4
/* Of a PID 1 that execs. */
#define POLICY_FD 100
#define TEMPLATE_FD 101

static const char *const controllers[CGROUPS] = {"memory", "pids", "cpu",
						 "cpuacct"};
static const char *const lent[] = {
	"usr",	     "etc/alternatives", "etc/ssl",	    "etc/passwd",
	"etc/group", "etc/hosts",	 "etc/ld.so.cache", "dev/null",
	"dev/zero",  "dev/full",	 "dev/urandom",	    "dev/random",
	"opt",	     "etc/localtime",
};
static const char *const links[][2] = {{"usr/bin", "bin"},
				       {"usr/sbin", "sbin"},
				       {"usr/lib", "lib"},
				       {"usr/lib64", "lib64"}};
static struct policy policy;
static int tasks[CGROUPS], net_fd, home_fd, template_fd;
static char true_path[] = "/bin/true";
static char *const true_argv[] = {true_path, NULL};
static char *const no_env[] = {NULL};
static char stack[STACK] __attribute__((aligned(16)));

struct variant {
	const char *name;
	bool is_jail, is_vm, has_exec, has_template;
	uint32_t us[ROUNDS_MAX];
};
static struct variant variants[] = {
	{.name = "bare"},
	{.name = "spawn", .is_vm = true},
	{.name = "jail", .is_jail = true, .is_vm = true, .has_template = true},
	{.name = "mounts", .is_jail = true, .is_vm = true},
	{.name = "fork", .is_jail = true, .has_template = true},
	{.name = "exec",
	 .is_jail = true,
	 .has_exec = true,
	 .has_template = true},
	{.name = "all", .is_jail = true, .has_exec = true},
};

static void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) > 0, path);
	(void)close(fd);
}

/* ---- the payload ----------------------------------------------------- */

static void
limits(void)
{
	static const int which[] = {
		RLIMIT_CORE,   RLIMIT_NOFILE,  RLIMIT_FSIZE,
		RLIMIT_STACK,  RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
		RLIMIT_RTPRIO, RLIMIT_NICE,    RLIMIT_SIGPENDING};

	for (size_t i = 0; i < COUNT(which); i++) {
		struct rlimit now;

		must(getrlimit(which[i], &now) == 0, "getrlimit");
		now.rlim_max = now.rlim_cur;
		must(setrlimit(which[i], &now) == 0, "setrlimit");
	}
}

static void
landlock(void)
{
	const uint64_t all = (UINT64_C(1) << 15) - 1;
	struct {
		uint64_t fs, net, scoped;
	} attr = {.fs = all, .net = 3, .scoped = 3};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr,
				 sizeof(attr), 0);

	must(rules >= 0, "landlock");
	for (int i = 0; i < RULES; i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
					  LANDLOCK_ACCESS_FS_READ_DIR |
					  LANDLOCK_ACCESS_FS_EXECUTE};

		rule.parent_fd =
			open(i % 2 ? "/usr" : "/work", O_PATH | O_CLOEXEC);
		must(syscall(SYS_landlock_add_rule, rules,
			     LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0,
		     "rule");
		(void)close(rule.parent_fd);
	}
	must(syscall(SYS_landlock_restrict_self, rules, 0) == 0, "restrict");
	(void)close(rules);
}

static void
drop_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	must(syscall(SYS_capset, &head, data) == 0, "capset");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
}

static int
payload(void *arg)
{
	struct sock_fprog prog = {.len = (unsigned short)policy.bpf_len,
				  .filter = policy.bpf};

	(void)arg;
	(void)setsid();
	must(chdir("/work") == 0, "chdir");
	limits();
	must(setresgid(1000, 1000, 1000) == 0 &&
		     setresuid(1000, 1000, 1000) == 0,
	     "ids");
	drop_caps();
	landlock();
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0,
	     "filter");
	(void)execve(true_argv[0], true_argv, no_env);
	must(false, true_argv[0]);
	return 1;
}

/* ---- PID 1 ----------------------------------------------------------- */

static int
tmpfs(const char *bytes)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd;

	must(fs >= 0 &&
		     fsconfig(fs, FSCONFIG_SET_STRING, "size", bytes, 0) == 0 &&
		     fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "4096",
			      0) == 0 &&
		     fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0,
	     "tmpfs");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	must(fd >= 0, "fsmount");
	(void)close(fs);
	return fd;
}

static void
attach(int fd, int root, const char *where)
{
	must(move_mount(fd, "", root, where, MOVE_MOUNT_F_EMPTY_PATH) == 0,
	     where);
	(void)close(fd);
}

static void
make_dirs(int root, const char *path)
{
	char part[128];

	for (const char *at = path; (at = strchr(at, '/')) != NULL; at++) {
		memcpy(part, path, (size_t)(at - path));
		part[at - path] = '\0';
		(void)mkdirat(root, part, 0755);
	}
}

/* The mounts that the host lends, on a root of their own. */
static void
fill_root(int root)
{
	static const char *const dirs[] = {"work", "tmp", "run",
					   "proc", "dev", "dev/shm"};

	for (size_t i = 0; i < COUNT(dirs); i++)
		must(mkdirat(root, dirs[i], 0755) == 0, dirs[i]);
	for (size_t i = 0; i < COUNT(links); i++)
		must(symlinkat(links[i][0], root, links[i][1]) == 0, "symlink");
	for (size_t i = 0; i < COUNT(lent); i++) {
		struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY |
						    MOUNT_ATTR_NOSUID};
		char host[64];
		struct stat st;
		int fd;

		(void)snprintf(host, sizeof(host), "/%s", lent[i]);
		if (stat(host, &st) < 0)
			continue;
		fd = (int)syscall(SYS_open_tree, AT_FDCWD, host,
				  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		must(fd >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &ro,
					      sizeof(ro)) == 0,
		     host);
		make_dirs(root, lent[i]);
		if (S_ISDIR(st.st_mode))
			(void)mkdirat(root, lent[i], 0755);
		else
			(void)close(openat(root, lent[i], O_CREAT | O_WRONLY,
					   0444));
		attach(fd, root, lent[i]);
	}
}

static void
build_root(const struct variant *v)
{
	static const char *const own[][2] = {{"work", "67108864"},
					     {"tmp", "67108864"},
					     {"run", "1048576"},
					     {"dev/shm", "67108864"}};
	int root, fs;

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private");
	if (v->has_template) {
		root = (int)syscall(SYS_dup, template_fd);
		must(move_mount(root, "", AT_FDCWD, "/",
				MOVE_MOUNT_F_EMPTY_PATH) == 0,
		     "attach template");
	} else {
		root = tmpfs("65536");
		must(move_mount(root, "", AT_FDCWD, "/",
				MOVE_MOUNT_F_EMPTY_PATH) == 0,
		     "attach root");
		fill_root(root);
	}
	for (size_t i = 0; i < COUNT(own); i++)
		attach(tmpfs(own[i][1]), root, own[i][0]);
	fs = fsopen("proc", FSOPEN_CLOEXEC);
	must(fs >= 0 &&
		     fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid", 0) ==
			     0 &&
		     fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0,
	     "proc");
	attach(fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID), root, "proc");
	must(fchdir(root) == 0 && syscall(SYS_pivot_root, ".", ".") == 0,
	     "pivot");
	must(umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "umount");
}

static void
small_filter(void)
{
	struct sock_filter bpf[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog prog = {.len = 1, .filter = bpf};

	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0,
	     "filter of PID 1");
}

static _Noreturn void
pid1(const struct variant *v)
{
	int status = 0;
	pid_t pid;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)setsid();
	build_root(v);
	must(sethostname("jail", 4) == 0, "host name");
	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	pid = v->is_vm ? clone(payload, stack + STACK, CLONE_VM | SIGCHLD, NULL)
		       : fork();
	must(pid >= 0, "clone payload");
	if (pid == 0)
		(void)payload(NULL);
	drop_caps();
	small_filter();
	while (waitpid(-1, &status, 0) != pid)
		;
	_exit(status == 0 ? 0 : 1);
}

static _Noreturn void
child(const struct variant *v, int go)
{
	char byte;

	must(read(go, &byte, 1) == 1, "wait for maps");
	must(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0, "ids");
	for (int i = 0; i < CGROUPS; i++)
		must(write(tasks[i], "0", 1) == 1, "tasks");
	must(unshare(CLONE_NEWCGROUP) == 0, "cgroup namespace");
	if (v->has_exec) {
		static char name[] = "floor", pid1_arg[] = "pid1",
			    template_arg[] = "template",
			    mounts_arg[] = "mounts";
		char *argv[] = {name, pid1_arg,
				v->has_template ? template_arg : mounts_arg,
				NULL};

		must(dup2(template_fd, TEMPLATE_FD) == TEMPLATE_FD, "dup2");
		(void)execve("/proc/self/exe", argv, no_env);
		must(false, "exec");
	}
	pid1(v);
}

/* ---- the parent ------------------------------------------------------ */

static void
map_ids(pid_t pid)
{
	char path[64], map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1\n1000 %u 1\n", UID, UID + 1);
	(void)snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	put(path, "deny");
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	put(path, map);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	put(path, map);
}

static void
jail(const struct variant *v)
{
	struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWPID |
					   CLONE_NEWNS | CLONE_NEWIPC |
					   CLONE_NEWUTS,
				  .exit_signal = SIGCHLD};
	int go[2], status, saved = template_fd;
	pid_t pid;

	must(pipe2(go, 0) == 0, "pipe");
	if (v->has_template) {
		template_fd = (int)syscall(SYS_open_tree, saved, "",
					   OPEN_TREE_CLONE | AT_RECURSIVE |
						   AT_EMPTY_PATH);
		must(template_fd >= 0, "clone template");
	}
	must(setns(net_fd, CLONE_NEWNET) == 0, "setns");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	must(pid >= 0, "clone3");
	if (pid == 0)
		child(v, go[0]);
	must(setns(home_fd, CLONE_NEWNET) == 0, "setns back");
	map_ids(pid);
	must(write(go[1], "g", 1) == 1, "go");
	(void)close(go[0]);
	(void)close(go[1]);
	if (v->has_template)
		(void)close(template_fd);
	template_fd = saved;
	must(waitpid(pid, &status, 0) == pid && status == 0, v->name);
}

static void
bare(const struct variant *v)
{
	int status;
	pid_t pid = -1;

	if (v->is_vm) {
		must(posix_spawn(&pid, true_path, NULL, NULL, true_argv,
				 no_env) == 0,
		     v->name);
	} else {
		pid = fork();
		if (pid == 0) {
			(void)execve(true_path, true_argv, no_env);
			_exit(127);
		}
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, v->name);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
make_place(void)
{
	for (int i = 0; i < CGROUPS; i++) {
		char path[96];

		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/pc-floor",
			       controllers[i]);
		must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
		(void)snprintf(path, sizeof(path),
			       "/sys/fs/cgroup/%s/pc-floor/tasks",
			       controllers[i]);
		tasks[i] = open(path, O_WRONLY | O_CLOEXEC);
		must(tasks[i] >= 0, path);
	}
	home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	must(unshare(CLONE_NEWNET) == 0, "network namespace");
	net_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	must(setns(home_fd, CLONE_NEWNET) == 0, "home");
	template_fd = tmpfs("65536");
	fill_root(template_fd);
}

static void
remove_place(void)
{
	for (int i = 0; i < CGROUPS; i++) {
		char path[96];

		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/pc-floor",
			       controllers[i]);
		(void)rmdir(path);
	}
}

static uint32_t
time_one(const struct variant *v, long idle_ms)
{
	struct timespec idle = {.tv_nsec = idle_ms * 1000000}, a, b;

	(void)nanosleep(&idle, NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	if (v->is_jail)
		jail(v);
	else
		bare(v);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	return (uint32_t)((b.tv_sec - a.tv_sec) * 1000000 +
			  (b.tv_nsec - a.tv_nsec) / 1000);
}

static void
measure(size_t rounds, long idle_ms)
{
	for (size_t r = 0; r < rounds; r++) {
		size_t first = r % COUNT(variants);

		for (size_t i = 0; i < COUNT(variants); i++) {
			struct variant *v =
				&variants[(first + i) % COUNT(variants)];

			v->us[r] = time_one(v, idle_ms);
		}
	}
	for (size_t i = 0; i < COUNT(variants); i++) {
		struct variant *v = &variants[i];

		qsort(v->us, rounds, sizeof(v->us[0]), compare);
		printf("{\"bench\": \"floor\", \"variant\": \"%s\", "
		       "\"idle_ms\": %ld, \"n\": %zu, \"us_min\": %u, "
		       "\"us_p25\": %u, \"us_p50\": %u, \"us_p95\": %u}\n",
		       v->name, idle_ms, rounds, v->us[0], v->us[rounds / 4],
		       v->us[rounds / 2], v->us[rounds * 95 / 100]);
	}
}

int
main(int argc, char **argv)
{
	long rounds;
	int fd;

	if (argc == 3 && strcmp(argv[1], "pid1") == 0) {
		struct variant v = {.has_template = argv[2][0] == 't'};

		must(pread(POLICY_FD, &policy, sizeof(policy), 0) ==
			     (ssize_t)sizeof(policy),
		     "policy");
		template_fd = TEMPLATE_FD;
		pid1(&v);
	}
	if (argc != 4)
		return 2;
	rounds = strtol(argv[2], NULL, 10);
	fd = open(argv[1], O_RDONLY);
	must(fd >= 0 && rounds > 0 && rounds <= ROUNDS_MAX &&
		     read(fd, &policy, sizeof(policy)) ==
			     (ssize_t)sizeof(policy),
	     argv[1]);
	make_place();
	must(dup2(fd, POLICY_FD) == POLICY_FD, "policy fd");
	measure((size_t)rounds, strtol(argv[3], NULL, 10));
	remove_place();
	return 0;
}
