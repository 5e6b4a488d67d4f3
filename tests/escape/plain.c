/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.c - for tests only: run a program with chosen layers and no others,
 * to show what an attack does where the product's layers are missing.
 *
 *   plain [-p COMPILED_POLICY] LAYER,LAYER... PROGRAM [ARG...]
 *
 * Layers: userns pidns mountns netns ipcns utsns cgroupns (new ones; userns
 * maps root to an unused uid), ids (an unused uid), caps (none), nnp, rlimits
 * (small ones), fds (none above 2), seccomp (the filter of -p).  The word
 * "none" is no layer.  Its children end with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/policy.h"

#define UNUSED_UID 64999

static const struct {
	const char *name;
	int flag;
} namespaces[] = {
	{"userns", CLONE_NEWUSER},     {"pidns", CLONE_NEWPID},
	{"mountns", CLONE_NEWNS},      {"netns", CLONE_NEWNET},
	{"ipcns", CLONE_NEWIPC},       {"utsns", CLONE_NEWUTS},
	{"cgroupns", CLONE_NEWCGROUP},
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "plain: %s: %s\n", what, strerror(errno));
	exit(125);
}

static bool
has_layer(const char *layers, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = layers; (at = strstr(at, name)) != NULL; at++)
		if ((at == layers || at[-1] == ',') &&
		    (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	(void)close(fd);
}

/* From outside, by a helper that has the privilege to map any uid. */
static void
make_namespaces(const char *layers)
{
	int flags = 0, go[2], status;
	pid_t self = getpid(), helper;
	char path[64], byte;

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (has_layer(layers, namespaces[i].name))
			flags |= namespaces[i].flag;
	if (flags == 0)
		return;
	if (pipe2(go, O_CLOEXEC) < 0 || (helper = fork()) < 0)
		die("fork");
	if (helper == 0) {
		(void)close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", self);
		write_file(path, "0 64999 1");
		(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", self);
		write_file(path, "0 64999 1");
		_exit(0);
	}
	if (unshare(flags) < 0)
		die("unshare");
	if ((flags & CLONE_NEWUSER) != 0 && write(go[1], "x", 1) != 1)
		die("map");
	(void)close(go[1]);
	if (waitpid(helper, &status, 0) < 0)
		die("wait");
	if ((flags & CLONE_NEWUSER) != 0 &&
	    (status != 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		die("map ids");
	if ((flags & CLONE_NEWNS) != 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("private mounts");
}

static void
drop_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	for (unsigned long cap = 0; cap < 64; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		die("capset");
}

static void
set_limits(void)
{
	const struct {
		__rlimit_resource_t resource;
		rlim_t value;
	} rows[] = {
		{RLIMIT_NOFILE, 64},	  {RLIMIT_FSIZE, 1 << 20},
		{RLIMIT_STACK, 8 << 20},  {RLIMIT_NPROC, 16},
		{RLIMIT_AS, 512ul << 20},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rlimit r = {rows[i].value, rows[i].value};

		if (setrlimit(rows[i].resource, &r) < 0)
			die("setrlimit");
	}
}

static void
set_filter(const char *path)
{
	static struct policy p;
	struct sock_fprog prog = {.filter = p.bpf};
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &p, sizeof(p)) != (ssize_t)sizeof(p))
		die("compiled policy");
	(void)close(fd);
	prog.len = (unsigned short)p.bpf_len;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		die("seccomp");
}

static void __attribute__((noreturn))
start(const char *layers, const char *policy, char **argv)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (has_layer(layers, "fds") && syscall(SYS_close_range, 3, ~0u, 0) < 0)
		die("close_range");
	if (has_layer(layers, "rlimits"))
		set_limits();
	if (has_layer(layers, "ids") &&
	    (setresgid(UNUSED_UID, UNUSED_UID, UNUSED_UID) < 0 ||
	     setresuid(UNUSED_UID, UNUSED_UID, UNUSED_UID) < 0))
		die("ids");
	if (has_layer(layers, "caps"))
		drop_caps();
	if (has_layer(layers, "nnp") &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs");
	if (has_layer(layers, "seccomp"))
		set_filter(policy);
	(void)execvp(argv[0], argv);
	die(argv[0]);
}

int
main(int argc, char **argv)
{
	const char *policy = NULL;
	int at = 1, status;
	pid_t pid;

	if (argc > 2 && strcmp(argv[1], "-p") == 0) {
		policy = argv[2];
		at = 3;
	}
	if (argc < at + 2) {
		fprintf(stderr, "usage: plain [-p POLICY] LAYERS PROGRAM...\n");
		return 125;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	make_namespaces(argv[at]);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		start(argv[at], policy, argv + at + 1);
	if (waitpid(pid, &status, 0) < 0)
		die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
