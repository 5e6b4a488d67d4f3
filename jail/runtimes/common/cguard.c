/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cguard.c - see cguard.h.
 */
#include "jail/runtimes/common/cguard.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/runtimes/common/csource.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* Shared with c/guard.c.in, which has the same struct. */
struct cguard_page {
	uint64_t token[2]; /* taken and wiped by the guard */
	uint64_t proof[2]; /* the token, when the tests have ended */
	int32_t exit_code;
	uint32_t finding; /* index in findings[], 0: none */
};

static const char *const findings[] = {
	"",
	"an assertion that must fail did not",
	"the standard output is not what it was",
	"the program replaces a function of the C library or test framework",
	"the runner's own checks of the assertions could not run",
};

/* Functions that end the process; each gets a guard of its own. */
static const char *const exits[] = {"exit", "_exit", "_Exit", "quick_exit"};

/* ---- canaries -------------------------------------------------------- */

/*
 * Statements that must not be left in peace.  Compiled if the tests call
 * `word`; %s: a zero that the compiler does not know.  A cmocka statement runs
 * as a test in a group of its own, a Unity one by RUN_TEST.  A SPEAK statement
 * prints "not ok 7", and the guard looks for that.
 */
static const struct canary {
	const char *word, *statement;
	enum { CANARY_PLAIN, CANARY_SPEAK, CANARY_CMOCKA, CANARY_UNITY } kind;
} canaries[] = {
	{"assert", "assert(%s == 1);", CANARY_PLAIN},
	{"strcmp", "if (strcmp(\"a\" + %s, \"b\") != 0) PC_DIE;", CANARY_PLAIN},
	{"strncmp", "if (strncmp(\"a\" + %s, \"b\", 1) != 0) PC_DIE;",
	 CANARY_PLAIN},
	{"memcmp", "if (memcmp(\"a\" + %s, \"b\", 1) != 0) PC_DIE;",
	 CANARY_PLAIN},
	{"strcasecmp", "if (strcasecmp(\"a\" + %s, \"b\") != 0) PC_DIE;",
	 CANARY_PLAIN},
	{"strncasecmp", "if (strncasecmp(\"a\" + %s, \"b\", 1) != 0) PC_DIE;",
	 CANARY_PLAIN},
	{"strlen",
	 "char pc_s[] = {'a', 'b' + %s, 0}; if (strlen(pc_s) == 2) PC_DIE;",
	 CANARY_PLAIN},
	{"strstr",
	 "char pc_s[] = {'a', 'b' + %s, 0}; if (!strstr(pc_s, \"cd\")) PC_DIE;",
	 CANARY_PLAIN},
	{"strchr",
	 "char pc_s[] = {'a', 'b' + %s, 0}; if (!strchr(pc_s, 'c')) PC_DIE;",
	 CANARY_PLAIN},
	{"strrchr",
	 "char pc_s[] = {'a', 'b' + %s, 0}; if (!strrchr(pc_s, 'c')) PC_DIE;",
	 CANARY_PLAIN},
	{"memchr",
	 "char pc_s[] = {'a', 'b' + %s, 0}; if (!memchr(pc_s, 'c', 2)) PC_DIE;",
	 CANARY_PLAIN},
	{"abs", "if (abs(%s - 2) == 2) PC_DIE;", CANARY_PLAIN},
	{"labs", "if (labs(%s - 2L) == 2) PC_DIE;", CANARY_PLAIN},
	{"fabs", "if (fabs(%s - 2.0) > 1.0) PC_DIE;", CANARY_PLAIN},
	{"fabsf", "if (fabsf(%s - 2.0f) > 1.0f) PC_DIE;", CANARY_PLAIN},
	{"isnan", "if (!isnan(%s + 2.0)) PC_DIE;", CANARY_PLAIN},
	{"isinf", "if (!isinf(%s + 2.0)) PC_DIE;", CANARY_PLAIN},
	{"printf", "printf(\"%%s %%d\\n\", \"not ok\" + %s, 7);", CANARY_SPEAK},
	{"puts", "puts(\"not ok 7\" + %s);", CANARY_SPEAK},
	{"fprintf", "fprintf(stdout, \"%%s %%d\\n\", \"not ok\" + %s, 7);",
	 CANARY_SPEAK},
	{"fputs", "fputs(\"not ok 7\" + %s, stdout);", CANARY_SPEAK},
	{"assert_true", "assert_true(%s);", CANARY_CMOCKA},
	{"assert_false", "assert_false(!%s);", CANARY_CMOCKA},
	{"assert_int_equal", "assert_int_equal(%s, 1);", CANARY_CMOCKA},
	{"assert_int_not_equal", "assert_int_not_equal(%s, 0);", CANARY_CMOCKA},
	{"assert_string_equal", "assert_string_equal(\"a\" + %s, \"b\");",
	 CANARY_CMOCKA},
	{"assert_memory_equal", "assert_memory_equal(\"a\" + %s, \"b\", 1);",
	 CANARY_CMOCKA},
	{"assert_null", "assert_null(\"a\" + %s);", CANARY_CMOCKA},
	{"assert_non_null", "assert_non_null((char *)0 + %s);", CANARY_CMOCKA},
	{"assert_string_not_equal",
	 "assert_string_not_equal(\"a\" + %s, \"a\");", CANARY_CMOCKA},
	{"assert_memory_not_equal",
	 "assert_memory_not_equal(\"a\" + %s, \"a\", 1);", CANARY_CMOCKA},
	{"assert_ptr_equal", "assert_ptr_equal((char *)0 + %s, (char *)1);",
	 CANARY_CMOCKA},
	{"assert_ptr_not_equal",
	 "assert_ptr_not_equal((char *)0 + %s, (char *)0);", CANARY_CMOCKA},
	{"assert_in_range", "assert_in_range(%s, 1, 2);", CANARY_CMOCKA},
	{"assert_not_in_range", "assert_not_in_range(%s, 0, 2);",
	 CANARY_CMOCKA},
	{"assert_return_code", "assert_return_code(%s - 1, 0);", CANARY_CMOCKA},
	{"assert_float_equal", "assert_float_equal(%s, 1.0f, 0.1f);",
	 CANARY_CMOCKA},
	{"assert_double_equal", "assert_double_equal(%s, 1.0, 0.1);",
	 CANARY_CMOCKA},
	{"TEST_ASSERT_TRUE", "TEST_ASSERT_TRUE(%s);", CANARY_UNITY},
	{"TEST_ASSERT_FALSE", "TEST_ASSERT_FALSE(!%s);", CANARY_UNITY},
	{"TEST_ASSERT_EQUAL", "TEST_ASSERT_EQUAL(%s, 1);", CANARY_UNITY},
	{"TEST_ASSERT_EQUAL_INT", "TEST_ASSERT_EQUAL_INT(%s, 1);",
	 CANARY_UNITY},
	{"TEST_ASSERT_EQUAL_STRING",
	 "TEST_ASSERT_EQUAL_STRING(\"a\" + %s, \"b\");", CANARY_UNITY},
	{"TEST_ASSERT", "TEST_ASSERT(%s);", CANARY_UNITY},
	{"TEST_ASSERT_NULL", "TEST_ASSERT_NULL(\"a\" + %s);", CANARY_UNITY},
	{"TEST_ASSERT_NOT_NULL", "TEST_ASSERT_NOT_NULL((char *)0 + %s);",
	 CANARY_UNITY},
	{"TEST_ASSERT_NOT_EQUAL", "TEST_ASSERT_NOT_EQUAL(%s, 0);",
	 CANARY_UNITY},
	{"TEST_ASSERT_EQUAL_UINT", "TEST_ASSERT_EQUAL_UINT(%s, 1);",
	 CANARY_UNITY},
	{"TEST_ASSERT_EQUAL_MEMORY",
	 "TEST_ASSERT_EQUAL_MEMORY(\"a\" + %s, \"b\", 1);", CANARY_UNITY},
};

/* A header that redefines one of these changes what the tests say. */
static const char keyword_check[] =
	"#if defined(if) || defined(else) || defined(for) || defined(while) || "
	"defined(do) || defined(switch) || defined(case) || defined(break) || "
	"defined(continue) || defined(goto) || defined(return) || "
	"defined(unsigned) || defined(long) || defined(short) || "
	"defined(float) || defined(double) || defined(sizeof) || "
	"defined(int) || defined(char) || defined(void) || defined(main) || "
	"defined(printf) || defined(puts) || defined(fprintf) || "
	"defined(fputs) || defined(vprintf) || defined(exit) || "
	"defined(abort)\n"
	"#error \"a word of the C language or library is redefined\"\n"
	"#endif\n"
	"#ifdef EXIT_FAILURE\n"
	"_Static_assert(EXIT_FAILURE != 0 && EXIT_SUCCESS == 0, "
	"\"EXIT_FAILURE is redefined\");\n"
	"#endif\n"
	"#if defined(true) && defined(false)\n"
	"_Static_assert(true == 1 && false == 0, \"true is redefined\");\n"
	"#endif\n"
	"#pragma GCC diagnostic ignored \"-Wall\"\n"
	"#pragma GCC diagnostic ignored \"-Wextra\"\n"
	"#pragma GCC diagnostic ignored \"-Wnonnull\"\n"
	"#define PC_DIE __builtin_trap()\n";

struct canary_writer {
	FILE *file;
	const char *id;
	unsigned count;
};

static void
put_canary(struct canary_writer *w, const struct canary *c)
{
	char zero[40], statement[160];

	(void)snprintf(zero, sizeof(zero), "pc_zero_%s", w->id);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(statement, sizeof(statement), c->statement, zero);
#pragma GCC diagnostic pop
	(void)fprintf(
		w->file, "static void pc_case%u_%s(%s) { %s%s }\n", w->count,
		w->id, c->kind == CANARY_CMOCKA ? "void **pc_state" : "void",
		c->kind == CANARY_CMOCKA ? "(void)pc_state; " : "", statement);
	w->count++;
}

/* One branch of the function that the guard calls, for case number n. */
static void
put_branch(struct canary_writer *w, unsigned n, const struct canary *c)
{
	(void)fprintf(w->file, "\tif (pc_which == %u) {\n", n);
	if (c->kind == CANARY_PLAIN || c->kind == CANARY_SPEAK)
		(void)fprintf(w->file, "\t\tpc_case%u_%s();\n%s", n, w->id,
			      c->kind == CANARY_SPEAK ? "\t\treturn 3;\n" : "");
	else if (c->kind == CANARY_CMOCKA)
		(void)fprintf(w->file,
			      "\t\tconst struct CMUnitTest pc_tests[] = "
			      "{cmocka_unit_test(pc_case%u_%s)};\n"
			      "\t\tif (cmocka_run_group_tests_name(\"x\", "
			      "pc_tests, NULL, NULL) != 0) PC_DIE;\n",
			      n, w->id);
	else
		(void)fprintf(
			w->file,
			"\t\tUNITY_BEGIN();\n\t\tRUN_TEST(pc_case%u_%s);\n"
			"\t\treturn 2;\n",
			n, w->id);
	(void)fprintf(w->file, "\t\treturn 1;\n\t}\n");
}

static bool
is_used(const struct canary *c, const char *text, size_t len)
{
	if (!csource_has_call(text, len, c->word))
		return false;
	if (c->kind == CANARY_CMOCKA)
		return csource_has_call(text, len, "cmocka_unit_test");
	return c->kind != CANARY_UNITY ||
	       (csource_has_call(text, len, "RUN_TEST") &&
		csource_has_call(text, len, "UNITY_BEGIN"));
}

static void
put_canaries(const struct cguard *g, FILE *file, const char *text, size_t len)
{
	struct canary_writer w = {.file = file, .id = g->id};
	bool used[ARRAY_LEN(canaries)];
	unsigned n = 0;

	(void)fprintf(file, "\n#line 1 \"(harness)\"\n%s", keyword_check);
	(void)fprintf(file, "static volatile int pc_zero_%s;\n", g->id);
	for (size_t i = 0; i < ARRAY_LEN(canaries); i++) {
		used[i] = is_used(&canaries[i], text, len);
		if (used[i])
			put_canary(&w, &canaries[i]);
	}
	(void)fprintf(file,
		      "int pc_canary_%s(unsigned pc_which);\n"
		      "int pc_canary_%s(unsigned pc_which)\n{\n",
		      g->id, g->id);
	for (size_t i = 0; i < ARRAY_LEN(canaries); i++)
		if (used[i])
			put_branch(&w, n++, &canaries[i]);
	(void)fprintf(file, "\treturn 0;\n}\n");
}

int
cguard_write_copy(struct cguard *g, const char *path, const char *text,
		  size_t len, struct err *e)
{
	const char *slash = strrchr(path, '/');
	FILE *file;
	bool has_failed;

	if (str_printf(g->copy, sizeof(g->copy), "%.*s.%s.c",
		       slash ? (int)(slash - path) + 1 : 0, path, g->id) < 0)
		return err_set(e, ERR_LIMIT, 0, "%s: path is too long", path);
	file = fopen(g->copy, "we");
	if (file == NULL)
		return err_sys(e, "%s", g->copy);
	(void)fprintf(file, "#line 1 \"");
	for (const char *at = path; *at != '\0'; at++)
		(void)fprintf(file, *at == '"' || *at == '\\' ? "\\%c" : "%c",
			      *at);
	(void)fprintf(file, "\"\n");
	(void)fwrite(text, 1, len, file);
	put_canaries(g, file, text, len);
	has_failed = ferror(file) != 0;
	if (fclose(file) != 0 || has_failed)
		return err_sys(e, "write %s", g->copy);
	return 0;
}

/* ---- names ----------------------------------------------------------- */

int
cguard_init(struct cguard *g, struct err *e)
{
	unsigned char bytes[8];

	*g = (struct cguard){0};
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
	    getrandom(g->token, sizeof(g->token), 0) !=
		    (ssize_t)sizeof(g->token))
		return err_sys(e, "random bytes");
	str_hex(g->id, bytes, sizeof(bytes));
	return 0;
}

void
cguard_rename_command(struct cguard *g, const char *object, const char *text,
		      size_t len, const char *argv[16])
{
	char id[sizeof(g->id)];
	size_t n = 0, used = 0;

	memcpy(id, g->id, sizeof(id));
	argv[n++] = "/usr/bin/objcopy";
	(void)snprintf(g->options[used], sizeof(g->options[used]),
		       "--redefine-sym=main=pc_main_%s", id);
	argv[n++] = g->options[used++];
	for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
		if (!csource_has_call(text, len, exits[i]))
			continue;
		(void)snprintf(g->options[used], sizeof(g->options[used]),
			       "--redefine-sym=%s=pc%s_%s", exits[i], exits[i],
			       id);
		argv[n++] = g->options[used++];
	}
	argv[n++] = object;
	argv[n] = NULL;
}

void
cguard_options(struct cguard *g, bool has_canary, const char *ret[4])
{
	char id[sizeof(g->id)];
	size_t n = 0;

	memcpy(id, g->id, sizeof(id));
	(void)snprintf(g->options[0], sizeof(g->options[0]), "-DPC_ID=%s", id);
	ret[n++] = g->options[0];
	if (has_canary)
		ret[n++] = "-DPC_HAS_CANARY";
	ret[n] = NULL;
}

/* ---- the page -------------------------------------------------------- */

int
cguard_open(struct cguard *g, struct err *e)
{
	owned_fd int fd = memfd_create("guard", MFD_CLOEXEC);
	void *page;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return err_sys(e, "make the guard's page");
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return err_sys(e, "map the guard's page");
	g->page = page;
	memcpy(g->page->token, g->token, sizeof(g->token));
	/* Without CLOEXEC: it is for the process that comes now. */
	if (dup2(fd, CGUARD_FD) < 0)
		return err_sys(e, "hand on the guard's page");
	return 0;
}

enum cguard_end
cguard_finish(struct cguard *g, int status, const char **ret_why)
{
	struct cguard_page seen = *g->page;

	(void)munmap(g->page, 4096);
	g->page = NULL;
	close(CGUARD_FD);
	if (memcmp(seen.proof, g->token, sizeof(g->token)) != 0)
		return CGUARD_UNPROVEN;
	if (seen.finding != 0) {
		*ret_why = findings[seen.finding < ARRAY_LEN(findings)
					    ? seen.finding
					    : 0];
		return CGUARD_FORGED;
	}
	if (WIFEXITED(status) &&
	    WEXITSTATUS(status) != (seen.exit_code & 255)) {
		*ret_why = "the exit status is not the one that the tests gave";
		return CGUARD_FORGED;
	}
	return CGUARD_PROVEN;
}
