/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - the compiled form of a policy and of a runtime: one fixed-size,
 * pointer-free struct each, written by promptcraft-policyc (unprivileged) and
 * read by the supervisor and by jail-init from a sealed memfd.
 *
 * The readers trust the operator who installed the text, not the bytes: both
 * call policy_check()/runtime_check() before using one.
 */
#ifndef PC_POLICY_POLICY_H
#define PC_POLICY_POLICY_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

#define POLICY_MAGIC 0x4c4f5031u /* changes with the layout */
#define POLICY_NAME_MAX 32
#define POLICY_PATH_MAX 128
#define POLICY_MOUNTS_MAX 48
#define POLICY_TMPFS_MAX 8
#define POLICY_SYMLINKS_MAX 16
#define POLICY_ENV_MAX 32
#define POLICY_ENV_SIZE 128
#define POLICY_BPF_MAX 4096
#define POLICY_AUDIT_MAX 256
#define POLICY_SHA256_SIZE 32

/* One BindReadOnlyPaths= entry or device node. */
enum policy_mount_flag {
	POLICY_MOUNT_OPTIONAL =
		1u << 0, /* "-" prefix: absent on the host is fine */
	POLICY_MOUNT_NOEXEC = 1u << 1,
	POLICY_MOUNT_DEVICE = 1u << 2, /* character device, kept usable */
};

struct policy_mount {
	char source[POLICY_PATH_MAX]; /* absolute path on the host */
	char target[POLICY_PATH_MAX]; /* absolute path in the jail */
	uint32_t flags;
	uint32_t dev_major, dev_minor; /* expected, for DEVICE */
};

struct policy_tmpfs {
	char target[POLICY_PATH_MAX];
	uint64_t bytes;
	uint64_t inodes;
	uint32_t mode; /* of its root directory, owned by the payload's user */
	uint32_t is_noexec;
};

struct policy_symlink {
	char target[POLICY_PATH_MAX]; /* what it points at: "usr/bin" */
	char path[POLICY_PATH_MAX];   /* where it is: "/bin" */
};

/* A call of the Audit class: refused with errnum, after being recorded. */
struct policy_audit {
	uint32_t nr;
	uint32_t errnum;
	char name[32];
};

/* Ceilings; a request may ask for less. */
struct policy_limits {
	uint64_t wall_ms;	/* RuntimeMaxSec= */
	uint64_t memory_bytes;	/* MemoryMax= */
	uint64_t output_bytes;	/* OutputMax=, per stream */
	uint64_t collect_bytes; /* CollectMax=, all result files together */
	uint64_t file_bytes;	/* LimitFSIZE= */
	uint64_t stack_bytes;	/* LimitSTACK= */
	uint32_t pids;		/* TasksMax= */
	uint32_t cpu_percent;	/* CPUQuota= */
	uint32_t nofile;	/* LimitNOFILE= */
	uint32_t zero;
};

struct policy {
	uint32_t magic;
	uint32_t size; /* sizeof(struct policy) */
	char name[POLICY_NAME_MAX];
	char description[128];
	uint8_t sha256[POLICY_SHA256_SIZE]; /* this struct with this field 0 */
	uint8_t bpf_sha256[POLICY_SHA256_SIZE]; /* bpf[0..bpf_len) */
	struct policy_limits limits;
	uint32_t has_loopback; /* Loopback= */
	uint32_t
		landlock_abi_min; /* LandlockMinABI=, refuse the job below it */
	uint32_t denies_write_exec; /* MemoryDenyWriteExecute= */
	uint32_t mounts_len;
	uint32_t tmpfs_len;
	uint32_t symlinks_len;
	uint32_t env_len;
	uint32_t audit_len;
	uint32_t bpf_len;	   /* instructions */
	uint32_t syscalls_allowed; /* how many numbers can reach ALLOW */
	struct policy_mount mounts[POLICY_MOUNTS_MAX];
	struct policy_tmpfs tmpfs[POLICY_TMPFS_MAX];
	struct policy_symlink symlinks[POLICY_SYMLINKS_MAX];
	char env[POLICY_ENV_MAX][POLICY_ENV_SIZE]; /* "NAME=value" */
	struct policy_audit audit[POLICY_AUDIT_MAX];
	struct sock_filter bpf[POLICY_BPF_MAX];
};

#define RUNTIME_MAGIC 0x52544d32u /* changes with the layout */
#define RUNTIME_ARGV_MAX 32
#define RUNTIME_ENV_MAX 16

struct runtime {
	uint32_t magic;
	uint32_t size;
	char name[POLICY_NAME_MAX]; /* "python" */
	char aliases[64];	    /* space separated */
	char description[128];
	char code_path[64];  /* default name of the code file */
	char tests_path[64]; /* default name of the tests file */
	/* Policy=: runs under this one only, and this one runs only such;
	 * "": under all others. */
	char policy[POLICY_NAME_MAX];
	uint8_t sha256[POLICY_SHA256_SIZE]; /* this struct with this field 0 */
	uint32_t argv_len;
	uint32_t env_len;
	char argv[RUNTIME_ARGV_MAX][POLICY_PATH_MAX]; /* argv[0]: absolute */
	char env[RUNTIME_ENV_MAX][POLICY_ENV_SIZE];
	/* Host files without which its jobs are refused. */
	char requires_path[8][POLICY_PATH_MAX];
	uint32_t requires_len;
	/* Start=direct: no harness waits at the gate, the program itself is
	 * exec'ed when it opens. */
	uint32_t is_direct;
};

/* Where the runtime's folder appears inside the jail, read-only. */
#define RUNTIME_JAIL_DIR "/opt/runtime"

/* Structure checks only: magic, size, counts, terminated strings, absolute and
 * normalised paths, a filter that the kernel would take (last instruction
 * returns, jumps inside).  Hashes are checked by the supervisor (libsodium). */
int policy_check(const struct policy *policy, struct err *e);
int runtime_check(const struct runtime *runtime, struct err *e);

#endif
