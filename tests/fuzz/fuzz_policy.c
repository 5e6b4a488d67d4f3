/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy.c - policy texts and runtime.ini through the compiler.
 *
 * Input: 'R' for a runtime, else a policy; then the text.  A text that compiles
 * must give the same bytes a second time, pass the reader's check, be followed
 * by the prover and allow none of the calls that no policy may; one that does
 * not must say where.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/compile.h"
#include "policy/prove.h"
#include "policy/text.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

static char dir[64], policy_path[96], runtime_dir[96];
static FILE *nowhere;

static void
put_file(const char *path, const void *text, size_t len)
{
	owned_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0 && fd_write_all(fd, text, len) == 0);
}

static void
copy_file(const char *from, const char *to)
{
	struct err e = ERR_INIT;
	owned_mem char *text = NULL;
	size_t len;

	FUZZ_CHECK(fd_read_file(AT_FDCWD, from, TEXT_FILE_MAX, &text, &len,
				&e) == 0);
	put_file(to, text, len);
}

static void
remove_all(void)
{
	static const char *const files[] = {"fuzz.policy", "strict.policy",
					    "mini.policy", "fuzz/runtime.ini"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (str_printf(path, sizeof(path), "%s/%s", dir, files[i]) == 0)
			(void)unlink(path);
	(void)rmdir(runtime_dir);
	(void)rmdir(dir);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[128];

	(void)argc;
	(void)argv;
	(void)str_copy(dir, sizeof(dir), "/dev/shm/fuzz-policy.XXXXXX");
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	atexit(remove_all);
	(void)str_printf(policy_path, sizeof(policy_path), "%s/fuzz.policy",
			 dir);
	(void)str_printf(runtime_dir, sizeof(runtime_dir), "%s/fuzz", dir);
	FUZZ_CHECK(mkdir(runtime_dir, 0700) == 0);
	/* For Extends=. */
	(void)str_printf(path, sizeof(path), "%s/strict.policy", dir);
	copy_file("policy/profiles/strict.policy", path);
	(void)str_printf(path, sizeof(path), "%s/mini.policy", dir);
	copy_file("tests/fuzz/mini.policy", path);
	nowhere = fopen("/dev/null", "w");
	FUZZ_CHECK(nowhere != NULL);
	return 0;
}

/* Every error is a line "file:line: message" or "file: message". */
static void
check_diagnosed(const struct diag *diag, const char *text)
{
	unsigned lines = 0;

	FUZZ_CHECK(diag->errors > 0);
	for (const char *at = text; *at != '\0'; at++)
		lines += *at == '\n';
	FUZZ_CHECK(lines == diag->errors);
	FUZZ_CHECK(strncmp(text, dir, strlen(dir)) == 0);
}

/* Whatever the text says: not these, and nothing but native calls. */
static void
check_never(const struct answer_list *list, const struct proof *proof)
{
	uint32_t words[WORD_COUNT] = {39, AUDIT_ARCH_I386}, action;
	const char *name;

	for (size_t i = 0; (name = verify_never_allowed(i)) != NULL; i++) {
		int nr = call_number(name);

		if (nr >= 0)
			FUZZ_CHECK(answer_list_find(list, (uint32_t)nr)
					   ->count[ANSWER_ALLOW] == 0);
	}
	for (uint32_t nr = 0x40000000; nr < 0x40000400; nr++)
		FUZZ_CHECK(answers_is_only(answer_list_find(list, nr),
					   ANSWER_KILL));
	FUZZ_CHECK(proof_decide(proof, words, &action) == 1 &&
		   answer_of(action) == ANSWER_KILL);
}

static void
check_policy(const struct draft *d)
{
	struct answer_list list = {0};
	struct diag diag = {.out = nowhere};
	struct err e = ERR_INIT;
	struct proof proof;

	FUZZ_CHECK(policy_check(&d->out, &e) == 0);
	FUZZ_CHECK(proof_init(&proof, d->out.bpf, d->out.bpf_len, &e) == 0);
	FUZZ_CHECK(answer_list_init(&list, &proof, &e) == 0);
	check_never(&list, &proof);
	/* May fail: what only an argument makes dangerous is told by check. */
	(void)claims_check(&d->out, &proof, &list, NULL, NULL);
	answer_list_done(&list);
	proof_done(&proof);
	policy_show(d, nowhere);
	(void)policy_lint(d, policy_path, &diag);
}

static int
compile(struct draft **ret)
{
	char *text = NULL;
	size_t len = 0;
	struct diag diag = {.out = open_memstream(&text, &len)};
	int rc;

	FUZZ_CHECK(diag.out != NULL);
	rc = policy_compile(policy_path, "policy/sets", ret, &diag);
	FUZZ_CHECK(fclose(diag.out) == 0);
	if (rc < 0)
		check_diagnosed(&diag, text);
	else
		FUZZ_CHECK(diag.errors == 0 && len == 0);
	free(text);
	return rc;
}

/* One in four, chosen by the bytes alone. */
static bool
is_sampled(const uint8_t *data, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += data[i];
	return sum % 4 == 0;
}

static void
fuzz_policy(const uint8_t *data, size_t len)
{
	struct draft *first = NULL, *second = NULL;

	put_file(policy_path, data, len);
	if (compile(&first) < 0)
		return;
	check_policy(first);
	/* To compile takes nearly all of the time. */
	if (is_sampled(data, len)) {
		FUZZ_CHECK(compile(&second) == 0);
		FUZZ_CHECK(memcmp(&first->out, &second->out,
				  sizeof(first->out)) == 0);
	}
	free(first);
	free(second);
}

static void
fuzz_runtime(const uint8_t *data, size_t len)
{
	static struct runtime first, second;
	char path[128], *text = NULL;
	size_t text_len = 0;
	struct diag diag = {.out = open_memstream(&text, &text_len)};
	struct err e = ERR_INIT;
	int rc;

	FUZZ_CHECK(diag.out != NULL);
	(void)str_printf(path, sizeof(path), "%s/runtime.ini", runtime_dir);
	put_file(path, data, len);
	rc = runtime_compile(runtime_dir, &first, &diag);
	FUZZ_CHECK(fclose(diag.out) == 0);
	if (rc < 0) {
		check_diagnosed(&diag, text);
	} else {
		FUZZ_CHECK(runtime_check(&first, &e) == 0);
		FUZZ_CHECK(strcmp(first.name, "fuzz") == 0);
		diag = (struct diag){.out = nowhere};
		FUZZ_CHECK(runtime_compile(runtime_dir, &second, &diag) == 0);
		FUZZ_CHECK(memcmp(&first, &second, sizeof(first)) == 0);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	uint8_t which = fuzz_u8(&in);

	if (in.left == 0 || in.left > 16384)
		return -1;
	if (which == 'R')
		fuzz_runtime(in.at, in.left);
	else
		fuzz_policy(in.at, in.left);
	return 0;
}
