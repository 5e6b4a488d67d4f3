/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loosen.c - for tests only: a stand-in for promptcraft-policyc that takes
 * single controls out of a compiled policy, so that an attack can be seen to
 * succeed without them.
 *
 * It runs the real compiler (REAL_POLICYC), edits its struct policy as
 * LOOSE (space-separated words) says and gives it new hashes.  A supervisor
 * believes it only because a test made it its --libexec-dir.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/policy.h"
#include "tests/escape/loose.h"

#define GIB (UINT64_C(1) << 30)

#ifndef REAL_POLICYC /* escape.py gives it */
#define REAL_POLICYC "/nowhere"
#endif

/* ---- one function a control ------------------------------------------ */

static void
drop_seccomp(struct policy *p)
{
	p->bpf[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						 SECCOMP_RET_ALLOW);
	p->bpf_len = 1;
	p->audit_len = 0;
}

/* The filter without its listener: what was audited is silently refused. */
static void
drop_audit(struct policy *p)
{
	for (uint32_t i = 0; i < p->bpf_len; i++)
		if (p->bpf[i].code == (BPF_RET | BPF_K) &&
		    p->bpf[i].k == SECCOMP_RET_USER_NOTIF)
			p->bpf[i].k = SECCOMP_RET_ERRNO | EPERM;
	p->audit_len = 0;
}

/* Only the check of the architecture: every number is native. */
static void
drop_arch(struct policy *p)
{
	for (uint32_t i = 0; i < p->bpf_len; i++)
		if (p->bpf[i].code == (BPF_RET | BPF_K) &&
		    (p->bpf[i].k & SECCOMP_RET_ACTION_FULL) ==
			    SECCOMP_RET_KILL_PROCESS)
			p->bpf[i].k = SECCOMP_RET_ALLOW;
}

static void
drop_memory(struct policy *p)
{
	p->limits.memory_bytes = 3 * GIB;
}

static void
drop_pids(struct policy *p)
{
	p->limits.pids = 2000;
}

static void
drop_cpu(struct policy *p)
{
	p->limits.cpu_percent = 6400;
}

static void
drop_wall(struct policy *p)
{
	p->limits.wall_ms = UINT64_C(3600) * 1000;
}

static void
drop_output(struct policy *p)
{
	p->limits.output_bytes = GIB;
}

static void
drop_collect(struct policy *p)
{
	p->limits.collect_bytes = UINT64_C(256) << 20;
}

static void
drop_files(struct policy *p)
{
	p->limits.nofile = 65536;
}

static void
drop_fsize(struct policy *p)
{
	p->limits.file_bytes = 64 * GIB;
}

static void
drop_stack(struct policy *p)
{
	p->limits.stack_bytes = GIB;
}

static void
drop_tmpfs(struct policy *p)
{
	for (uint32_t i = 0; i < p->tmpfs_len; i++) {
		p->tmpfs[i].bytes = 2 * GIB;
		p->tmpfs[i].inodes = 1 << 20;
	}
}

static void
drop_noexec(struct policy *p)
{
	for (uint32_t i = 0; i < p->tmpfs_len; i++)
		p->tmpfs[i].is_noexec = 0;
	for (uint32_t i = 0; i < p->mounts_len; i++)
		p->mounts[i].flags &= ~(uint32_t)POLICY_MOUNT_NOEXEC;
}

static void
drop_network(struct policy *p)
{
	p->has_loopback = 1;
}

/* /dev/null becomes a file like others: whatever lies there is lent. */
static void
drop_device(struct policy *p)
{
	for (uint32_t i = 0; i < p->mounts_len; i++)
		if (strcmp(p->mounts[i].source, "/dev/null") == 0)
			p->mounts[i].flags &= ~(uint32_t)POLICY_MOUNT_DEVICE;
}

static void
drop_landlock_min(struct policy *p)
{
	p->landlock_abi_min = 0;
}

/* Not a control: a hostile root, whose /proc is a link. */
static void
add_proc_link(struct policy *p)
{
	p->symlinks[p->symlinks_len++] =
		(struct policy_symlink){.target = "tmp", .path = "/proc"};
}

static const struct {
	const char *name;
	void (*drop)(struct policy *p);
	bool is_limit; /* also dropped by "limits" */
} controls[] = {
	{"proc-link", add_proc_link, false},
	{"landlock-min", drop_landlock_min, false},
	{"seccomp", drop_seccomp, false},
	{"audit", drop_audit, false},
	{"arch", drop_arch, false},
	{"noexec", drop_noexec, false},
	{"loopback", drop_network, false},
	{"device", drop_device, false},
	{"memory", drop_memory, true},
	{"pids", drop_pids, true},
	{"cpu", drop_cpu, true},
	{"wall", drop_wall, true},
	{"output", drop_output, true},
	{"collect-max", drop_collect, true},
	{"nofile", drop_files, true},
	{"fsize", drop_fsize, true},
	{"stack", drop_stack, true},
	{"tmpfs", drop_tmpfs, true},
};

static void
loosen(struct policy *p)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (is_loose(controls[i].name) ||
		    (controls[i].is_limit && is_loose("limits")))
			controls[i].drop(p);
	/* Hashes as promptcraft-policyc makes them. */
	memset(p->sha256, 0, sizeof(p->sha256));
	crypto_hash_sha256(p->bpf_sha256, (const unsigned char *)p->bpf,
			   p->bpf_len * sizeof(p->bpf[0]));
	crypto_hash_sha256(p->sha256, (const unsigned char *)p, sizeof(*p));
}

/* ---- the real one ---------------------------------------------------- */

/* Its output in dst, at most size bytes; how many, or -1 with its status. */
static ssize_t
run_real(char **argv, char *dst, size_t size, int *ret_status)
{
	static char real[] = REAL_POLICYC;
	size_t len = 0;
	ssize_t n;
	int pipefd[2];
	pid_t pid;

	if (pipe(pipefd) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		char *no_env[] = {NULL};

		(void)dup2(pipefd[1], STDOUT_FILENO);
		(void)close(pipefd[0]);
		(void)close(pipefd[1]);
		argv[0] = real;
		(void)execve(real, argv, no_env);
		perror(real);
		_exit(125);
	}
	(void)close(pipefd[1]);
	while (len < size && (n = read(pipefd[0], dst + len, size - len)) > 0)
		len += (size_t)n;
	(void)close(pipefd[0]);
	if (waitpid(pid, ret_status, 0) < 0)
		return -1;
	return (ssize_t)len;
}

int
main(int argc, char **argv)
{
	static char out[1 << 20];
	struct policy *p = (struct policy *)(void *)out;
	int status = 0;
	ssize_t len;

	if (sodium_init() < 0)
		return 1;
	len = run_real(argv, out, sizeof(out), &status);
	if (len < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 1;
	if (argc > 1 && strcmp(argv[1], "policy") == 0) {
		if (len != (ssize_t)sizeof(*p))
			return 1;
		loosen(p);
	}
	return fwrite(out, 1, (size_t)len, stdout) == (size_t)len &&
			       fflush(stdout) == 0
		       ? 0
		       : 1;
}
