/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_blob.c - compiled policies and runtimes with any bytes changed, as the
 * supervisor and jail-init would get them from a compiler that was taken over.
 *
 * Input: which struct, then changes {offset, length, bytes} to a good one.
 * What the check accepts must be safe to use: every string ends, every path is
 * normalised, every count fits, and the filter answers every call.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "policy/compile.h"
#include "policy/eval.h"
#include "policy/policy.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

static struct policy good_policy, policy;
static struct runtime good_runtime, runtime;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct diag diag = {.out = stderr};
	struct draft *d = NULL;

	(void)argc;
	(void)argv;
	FUZZ_CHECK(policy_compile("policy/profiles/strict.policy",
				  "policy/sets", &d, &diag) == 0);
	good_policy = d->out;
	free(d);
	FUZZ_CHECK(runtime_compile("jail/runtimes/python", &good_runtime,
				   &diag) == 0);
	return 0;
}

static void
apply(struct fuzz_input *in, void *dst, size_t size)
{
	while (in->left >= 5) {
		/* Small offsets reach the head, large ones anything. */
		size_t at = fuzz_u32(in) % size;
		uint8_t n = fuzz_u8(in);

		for (size_t i = 0; i < n % 32u && at + i < size; i++)
			((uint8_t *)dst)[at + i] = fuzz_u8(in);
	}
}

/* Absolute or not, no empty, "." or ".." part; and it ends. */
static void
check_path(const char *path, size_t size, bool is_absolute)
{
	char copy[256], *save = NULL;

	FUZZ_CHECK(str_is_terminated(path, size) && path[0] != '\0');
	FUZZ_CHECK((path[0] == '/') == is_absolute);
	FUZZ_CHECK(strstr(path, "//") == NULL);
	FUZZ_CHECK(path[strlen(path) - 1] != '/');
	FUZZ_CHECK(str_copy(copy, sizeof(copy), path) == 0);
	for (char *part = strtok_r(copy, "/", &save); part != NULL;
	     part = strtok_r(NULL, "/", &save))
		FUZZ_CHECK(strcmp(part, ".") != 0 && strcmp(part, "..") != 0);
}

static void
check_accepted_policy(const struct policy *p)
{
	struct seccomp_data call = {.nr = 59, .arch = AUDIT_ARCH_X86_64};
	struct err e = ERR_INIT;
	uint32_t action;

	FUZZ_CHECK(p->mounts_len <= POLICY_MOUNTS_MAX);
	FUZZ_CHECK(p->tmpfs_len <= POLICY_TMPFS_MAX);
	FUZZ_CHECK(p->symlinks_len <= POLICY_SYMLINKS_MAX);
	FUZZ_CHECK(p->env_len <= POLICY_ENV_MAX);
	FUZZ_CHECK(p->audit_len <= POLICY_AUDIT_MAX);
	FUZZ_CHECK(p->bpf_len > 0 && p->bpf_len <= POLICY_BPF_MAX);
	FUZZ_CHECK(str_is_terminated(p->name, sizeof(p->name)));
	for (uint32_t i = 0; i < p->mounts_len; i++) {
		check_path(p->mounts[i].source, POLICY_PATH_MAX, true);
		check_path(p->mounts[i].target, POLICY_PATH_MAX, true);
	}
	for (uint32_t i = 0; i < p->tmpfs_len; i++)
		check_path(p->tmpfs[i].target, POLICY_PATH_MAX, true);
	for (uint32_t i = 0; i < p->symlinks_len; i++)
		check_path(p->symlinks[i].path, POLICY_PATH_MAX, true);
	for (uint32_t i = 0; i < p->env_len; i++)
		FUZZ_CHECK(str_is_terminated(p->env[i], POLICY_ENV_SIZE) &&
			   strchr(p->env[i], '=') != NULL);
	for (uint32_t i = 0; i < p->audit_len; i++)
		FUZZ_CHECK(str_is_terminated(p->audit[i].name, 32));
	for (int i = 0; i < 8; i++) {
		call.args[i % 6] = UINT64_MAX >> (8 * i);
		FUZZ_CHECK(bpf_eval(p->bpf, p->bpf_len, &call, &action, &e) ==
			   0);
	}
}

static void
check_accepted_runtime(const struct runtime *r)
{
	FUZZ_CHECK(r->argv_len > 0 && r->argv_len <= RUNTIME_ARGV_MAX);
	FUZZ_CHECK(r->env_len <= RUNTIME_ENV_MAX);
	FUZZ_CHECK(r->requires_len <= ARRAY_LEN(r->requires_path));
	check_path(r->argv[0], POLICY_PATH_MAX, true);
	check_path(r->code_path, sizeof(r->code_path), false);
	check_path(r->tests_path, sizeof(r->tests_path), false);
	for (uint32_t i = 0; i < r->argv_len; i++)
		FUZZ_CHECK(str_is_terminated(r->argv[i], POLICY_PATH_MAX));
	for (uint32_t i = 0; i < r->env_len; i++)
		FUZZ_CHECK(str_is_terminated(r->env[i], POLICY_ENV_SIZE));
	FUZZ_CHECK(str_is_terminated(r->aliases, sizeof(r->aliases)));
	FUZZ_CHECK(str_is_terminated(r->description, sizeof(r->description)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	struct err e = ERR_INIT;

	if (len < 6)
		return -1;
	if (fuzz_u8(&in) % 4 != 0) {
		policy = good_policy;
		apply(&in, &policy, sizeof(policy));
		if (policy_check(&policy, &e) == 0)
			check_accepted_policy(&policy);
		else
			FUZZ_CHECK(e.text[0] != '\0');
	} else {
		runtime = good_runtime;
		apply(&in, &runtime, sizeof(runtime));
		if (runtime_check(&runtime, &e) == 0)
			check_accepted_runtime(&runtime);
		else
			FUZZ_CHECK(e.text[0] != '\0');
	}
	return 0;
}
