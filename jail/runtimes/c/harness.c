/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.c - the C runtime: compile every .c file below the working
 * directory into one program and run it.
 *
 *  - The program's main() is the tests file's (mode=test) or the code file's
 *    (mode=run).  Any other file that defines one is compiled with main
 *    renamed to <file>_main, so that code and tests may both have one.
 *  - A file that another one includes (#include "x.c") is not compiled by
 *    itself.  With mode=run, files named like tests are left out.
 *  - With mode=test the tests run under a guard (common/cguard.h), which says
 *    whether they came to their end.
 *  - gcc's warnings go to stderr.  If it fails, mode=run ends with code 1,
 *    mode=test with one test "compile" of outcome error.
 *
 * Runs inside the jail with the rights of the code it compiles.
 */
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/bundle.h"
#include "jail/runtimes/common/cguard.h"
#include "jail/runtimes/common/child.h"
#include "jail/runtimes/common/csource.h"
#include "jail/runtimes/common/gate.h"
#include "jail/runtimes/common/result.h"
#include "jail/runtimes/common/testrun.h"
#include "jail/spec.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define GCC "/usr/bin/gcc"
#define SOURCES_MAX 256
#define SOURCE_BYTES_MAX (8u << 20)
#define DEPTH_MAX 16
#define BUILD_DIR ".build"
#define PATH_SIZE (BUNDLE_PATH_MAX + 1)

struct source {
	char path[PATH_SIZE];	      /* relative to the working directory */
	char argument[PATH_SIZE + 2]; /* it, never taken for an option */
	char object[32];	      /* its own object file, "" if none */
	bool defines_main, is_included;
};

struct build {
	const char *entry; /* whose main() it is */
	bool is_test, uses_cmocka;
	struct source sources[SOURCES_MAX];
	size_t sources_len;
	/* Pairs found by scanning: includer's folder and what it includes. */
	char included[SOURCES_MAX][PATH_SIZE];
	size_t included_len;
	struct cguard guard;
	const char *guard_source;
	char messages[HARNESS_MESSAGE_MAX]; /* the first ones of gcc */
	size_t messages_len;
};

static const char *const gcc_flags[] = {"-std=gnu17", "-O1",	 "-g",
					"-Wall",      "-Wextra", "-I."};
static const char *const gcc_libs[] = {"-lm", "-lpthread"};

/* ---- which files ----------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool
has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

static bool
is_named_like_tests(const char *path)
{
	const char *name = base_name(path);

	return strncmp(name, "test_", 5) == 0 || has_suffix(name, "_test.c") ||
	       has_suffix(name, "_tests.c") ||
	       strncmp(path, "tests/", 6) == 0 ||
	       strstr(path, "/tests/") != NULL;
}

static bool
is_wanted(const struct build *b, const char *path)
{
	if (!has_suffix(path, ".c"))
		return false;
	if (strcmp(path, b->entry) == 0)
		return true;
	return b->is_test || !is_named_like_tests(path);
}

static int
add_source(struct build *b, const char *path, struct err *e)
{
	struct source *s = &b->sources[b->sources_len];

	if (b->sources_len == SOURCES_MAX)
		return err_set(e, ERR_LIMIT, 0, "more than %d .c files",
			       SOURCES_MAX);
	*s = (struct source){0};
	if (str_copy(s->path, sizeof(s->path), path) < 0)
		return err_set(e, ERR_LIMIT, 0, "a path is too long");
	(void)str_printf(s->argument, sizeof(s->argument), "%s%s",
			 path[0] == '-' ? "./" : "", path);
	b->sources_len++;
	return 0;
}

static int find_sources(struct build *b, const char *folder, int depth,
			struct err *e);

static int
find_entry(struct build *b, const char *folder, const struct dirent *entry,
	   int depth, struct err *e)
{
	char path[PATH_SIZE];
	struct stat st;

	if (entry->d_name[0] == '.')
		return 0;
	if (str_printf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "",
		       entry->d_name) < 0)
		return 0; /* longer than any path of a bundle: not the job's */
	if (fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "%s", path);
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		return find_sources(b, path, depth + 1, e);
	if (S_ISREG(st.st_mode) && is_wanted(b, path))
		return add_source(b, path, e);
	return 0;
}

static int
find_sources(struct build *b, const char *folder, int depth, struct err *e)
{
	DIR *dir = opendir(*folder ? folder : ".");
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return err_sys(e, "%s", *folder ? folder : ".");
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = find_entry(b, folder, entry, depth, e);
	closedir(dir);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->path,
		      ((const struct source *)b)->path);
}

/* ---- what is in them ------------------------------------------------- */

/* "a/../b.c" beside folder "f/" is "f/b.c"; false if it leads outside. */
static bool
resolve(const char *includer, const char *path, size_t len, char *ret)
{
	char joined[2 * PATH_SIZE], *save = NULL;
	size_t folder_len = (size_t)(base_name(includer) - includer), at = 0;

	if (path[0] == '/' ||
	    str_printf(joined, sizeof(joined), "%.*s%.*s", (int)folder_len,
		       includer, (int)len, path) < 0)
		return false;
	ret[0] = '\0';
	for (char *part = strtok_r(joined, "/", &save); part != NULL;
	     part = strtok_r(NULL, "/", &save)) {
		size_t n = strlen(part);

		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			char *slash = strrchr(ret, '/');

			if (at == 0)
				return false;
			at = slash ? (size_t)(slash - ret) : 0;
			ret[at] = '\0';
			continue;
		}
		if (at + n + 2 > PATH_SIZE)
			return false;
		if (at > 0)
			ret[at++] = '/';
		memcpy(ret + at, part, n + 1);
		at += n;
	}
	return at > 0;
}

static void
note_included(struct build *b, const char *includer,
	      const struct csource *found)
{
	for (size_t i = 0; i < found->c_includes_len; i++) {
		const char *path = found->c_includes[i].path;
		size_t len = found->c_includes[i].len;

		/* Beside the includer, or by -I. */
		if (b->included_len < SOURCES_MAX &&
		    resolve(includer, path, len, b->included[b->included_len]))
			b->included_len++;
		if (b->included_len < SOURCES_MAX &&
		    resolve("", path, len, b->included[b->included_len]))
			b->included_len++;
	}
}

static int
look_into(struct build *b, struct source *s, struct err *e)
{
	owned_mem char *text = NULL;
	struct csource found;
	size_t len;

	if (fd_read_file(AT_FDCWD, s->path, SOURCE_BYTES_MAX, &text, &len, e) <
	    0)
		return -1;
	csource_scan(text, len, &found);
	s->defines_main = found.defines_main;
	b->uses_cmocka |= found.includes_cmocka;
	note_included(b, s->path, &found);
	return 0;
}

static struct source *
find_source(struct build *b, const char *path)
{
	for (size_t i = 0; i < b->sources_len; i++)
		if (strcmp(b->sources[i].path, path) == 0)
			return &b->sources[i];
	return NULL;
}

/*
 * The file whose main() starts the program.  Tests without one may have it in
 * a third file; if only the code has one, running it would test nothing.
 */
static int
choose_entry(struct build *b, const struct harness_job *job, struct err *e)
{
	const struct source *entry = find_source(b, b->entry), *other = NULL;
	size_t others = 0;
	bool code_has = false;

	if (entry == NULL)
		return err_set(e, ERR_NOT_FOUND, 0, "%s: no such file",
			       b->entry);
	if (!job->is_test || entry->defines_main)
		return 0;
	for (size_t i = 0; i < b->sources_len; i++) {
		const struct source *s = &b->sources[i];

		if (!s->defines_main || s->is_included)
			continue;
		if (strcmp(s->path, job->code) == 0) {
			code_has = true;
		} else {
			other = s;
			others++;
		}
	}
	if (others == 1)
		b->entry = other->path;
	else if (others == 0 && code_has)
		return err_set(e, ERR_INVALID, 0,
			       "%s defines no main(): the tests would not run",
			       b->entry);
	return 0;
}

static int
prepare(struct build *b, const struct harness_job *job, struct err *e)
{
	*b = (struct build){
		.entry = job->is_test ? job->tests : job->code,
		.is_test = job->is_test,
		.guard_source = b->guard_source,
	};
	if (cguard_init(&b->guard, e) < 0)
		return -1;
	if (find_sources(b, "", 0, e) < 0)
		return -1;
	qsort(b->sources, b->sources_len, sizeof(*b->sources), by_path);
	for (size_t i = 0; i < b->sources_len; i++)
		if (look_into(b, &b->sources[i], e) < 0)
			return -1;
	for (size_t i = 0; i < b->included_len; i++) {
		struct source *s = find_source(b, b->included[i]);

		if (s != NULL && strcmp(s->path, b->entry) != 0)
			s->is_included = true;
	}
	return choose_entry(b, job, e);
}

/* ---- compile --------------------------------------------------------- */

struct command {
	const char *argv[SOURCES_MAX + 32];
	size_t len;
};

static void
add(struct command *c, const char *word)
{
	/* Sized for the most that compile() and link_all() ever add. */
	assert(c->len + 1 < ARRAY_LEN(c->argv));
	c->argv[c->len++] = word;
	c->argv[c->len] = NULL;
}

static void
begin(struct command *c)
{
	c->len = 0;
	add(c, GCC);
	for (size_t i = 0; i < ARRAY_LEN(gcc_flags); i++)
		add(c, gcc_flags[i]);
}

static void
on_gcc_output(void *arg, int stream, const char *data, size_t len)
{
	struct build *b = arg;
	size_t room = sizeof(b->messages) - b->messages_len;

	(void)stream;
	if (len > room)
		len = room;
	memcpy(b->messages + b->messages_len, data, len);
	b->messages_len += len;
}

static int
run_gcc(struct build *b, const struct command *c, struct err *e)
{
	char text[96];
	struct harness_end end;

	if (harness_child_run(c->argv, on_gcc_output, b, &end, e) < 0)
		return -1;
	if (end.status == 0)
		return 0;
	harness_status_text(end.status, text, sizeof(text));
	return err_set(e, ERR_INVALID, 0, "gcc: %s", text);
}

/* "src/my-tool.c" gets "-Dmain=my_tool_main". */
static void
main_option(const char *path, char *dst, size_t size)
{
	size_t n;

	(void)snprintf(dst, size, "-Dmain=%s", base_name(path));
	n = strlen(dst) - 2; /* ".c" */
	for (size_t i = strlen("-Dmain="); i < n; i++)
		if (!isalnum((unsigned char)dst[i]))
			dst[i] = '_';
	if (isdigit((unsigned char)dst[strlen("-Dmain=")]))
		dst[strlen("-Dmain=")] = '_';
	(void)snprintf(dst + n, size - n, "_main");
}

/* Compile by itself a file whose main() is not the program's. */
static int
compile_renamed(struct build *b, struct source *s, size_t number, struct err *e)
{
	char option[PATH_SIZE + 32];
	struct command c;

	(void)snprintf(s->object, sizeof(s->object), BUILD_DIR "/%zu.o",
		       number);
	main_option(s->path, option, sizeof(option));
	begin(&c);
	add(&c, option);
	add(&c, "-c");
	add(&c, "-o");
	add(&c, s->object);
	add(&c, s->argument);
	return run_gcc(b, &c, e);
}

/* The guard's own object, linked before all others. */
#define GUARD_OBJECT BUILD_DIR "/guard.o"

static int
compile_guard(struct build *b, bool has_canary, struct err *e)
{
	const char *options[4];
	struct command c = {0};

	cguard_options(&b->guard, has_canary, options);
	add(&c, GCC);
	add(&c, "-std=gnu17");
	add(&c, "-O1");
	add(&c, "-w");
	for (size_t i = 0; options[i] != NULL; i++)
		add(&c, options[i]);
	add(&c, "-x");
	add(&c, "c");
	add(&c, "-c");
	add(&c, "-o");
	add(&c, GUARD_OBJECT);
	add(&c, b->guard_source);
	return run_gcc(b, &c, e);
}

/* One of the tests' own files: its main() and exit() become the guard's. */
static int
compile_guarded(struct build *b, struct source *s, size_t number, bool has_copy,
		struct err *e)
{
	owned_mem char *text = NULL;
	const char *rename[16];
	struct command c;
	size_t len;
	int rc;

	if (fd_read_file(AT_FDCWD, s->path, SOURCE_BYTES_MAX, &text, &len, e) <
		    0 ||
	    (has_copy &&
	     cguard_write_copy(&b->guard, s->path, text, len, e) < 0))
		return -1;
	(void)snprintf(s->object, sizeof(s->object), BUILD_DIR "/%zu.o",
		       number);
	begin(&c);
	/* A header's inline function can declare a failure unreachable. */
	add(&c, "-fsanitize=unreachable");
	add(&c, "-fsanitize-undefined-trap-on-error");
	add(&c, "-c");
	add(&c, "-o");
	add(&c, s->object);
	add(&c, has_copy ? b->guard.copy : s->argument);
	rc = run_gcc(b, &c, e);
	if (has_copy)
		(void)unlink(b->guard.copy);
	if (rc < 0)
		return -1;
	cguard_rename_command(&b->guard, s->object, text, len, rename);
	c.len = 0;
	for (size_t i = 0; rename[i] != NULL; i++)
		add(&c, rename[i]);
	return run_gcc(b, &c, e);
}

static int
compile_tests(struct build *b, const char *tests, struct err *e)
{
	bool has_canary = false;

	for (size_t i = 0; i < b->sources_len; i++) {
		struct source *s = &b->sources[i];
		bool is_tests = strcmp(s->path, tests) == 0;

		if (s->is_included ||
		    (!is_tests && strcmp(s->path, b->entry) != 0))
			continue;
		has_canary |= is_tests;
		if (compile_guarded(b, s, i, is_tests, e) < 0)
			return -1;
	}
	return compile_guard(b, has_canary, e);
}

static int
link_all(struct build *b, const char *program, struct err *e)
{
	struct command c;

	begin(&c);
	add(&c, "-o");
	add(&c, program);
	if (b->is_test)
		add(&c, GUARD_OBJECT);
	for (size_t i = 0; i < b->sources_len; i++) {
		const struct source *s = &b->sources[i];

		if (!s->is_included)
			add(&c, s->object[0] ? s->object : s->argument);
	}
	if (b->uses_cmocka)
		add(&c, "-lcmocka");
	for (size_t i = 0; i < ARRAY_LEN(gcc_libs); i++)
		add(&c, gcc_libs[i]);
	return run_gcc(b, &c, e);
}

static int
compile(struct build *b, const struct harness_job *job, const char *program,
	struct err *e)
{
	if (mkdir(BUILD_DIR, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make " BUILD_DIR);
	for (size_t i = 0; i < b->sources_len; i++) {
		struct source *s = &b->sources[i];

		if (s->defines_main && !s->is_included &&
		    strcmp(s->path, b->entry) != 0 &&
		    !(b->is_test && strcmp(s->path, job->tests) == 0) &&
		    compile_renamed(b, s, i, e) < 0)
			return -1;
	}
	if (b->is_test && compile_tests(b, job->tests, e) < 0)
		return -1;
	return link_all(b, program, e);
}

/* ---- run ------------------------------------------------------------- */

/* ".build/solution" for "src/solution.c". */
static void
program_path(const char *source, char *dst, size_t size)
{
	(void)snprintf(dst, size, BUILD_DIR "/%s", base_name(source));
	dst[strlen(dst) - 2] = '\0';
}

static int
run_program(const struct harness_job *job, struct build *b, const char *program)
{
	owned_mem const char **argv = NULL;
	struct err e = ERR_INIT;

	close(PAYLOAD_FD_RESULT);
	if (prepare(b, job, &e) < 0 || compile(b, job, program, &e) < 0) {
		(void)harness_broken(&e);
		return 1;
	}
	argv = calloc(job->args_len + 2, sizeof(*argv));
	if (argv == NULL)
		return 1;
	argv[0] = program;
	for (size_t i = 0; i < job->args_len; i++)
		argv[i + 1] = job->args[i];
	(void)harness_exec(argv, &e);
	return harness_broken(&e);
}

static void
compile_error(struct harness_result *result, struct build *b,
	      const struct err *e)
{
	(void)harness_broken(e);
	if (b->messages_len == 0)
		on_gcc_output(b, 2, e->text, strlen(e->text));
	harness_result_test(result, "compile", HARNESS_ERROR, 0, b->messages,
			    b->messages_len);
}

/* The guard's word on how the tests ended. */
static void
judge_end(struct testrun *run, struct cguard *guard, int status)
{
	const char *why;

	switch (cguard_finish(guard, status, &why)) {
	case CGUARD_PROVEN:
		break;
	case CGUARD_UNPROVEN:
		run->early =
			"the program ended the run in the middle of its tests";
		break;
	case CGUARD_FORGED:
		harness_result_forged(run->result, why);
		break;
	}
}

static int
run_tests(const struct harness_job *job, struct build *b, const char *program)
{
	const char *const argv[] = {program, NULL};
	static struct testrun run;
	struct harness_result result;
	struct err e = ERR_INIT;
	struct harness_end end;

	harness_result_init(&result, PAYLOAD_FD_RESULT);
	if (fcntl(PAYLOAD_FD_RESULT, F_SETFD, FD_CLOEXEC) < 0)
		return HARNESS_EXIT_BROKEN;
	if (prepare(b, job, &e) < 0 || compile(b, job, program, &e) < 0) {
		compile_error(&result, b, &e);
		return harness_result_end(&result);
	}
	testrun_init(&run, &result, job->tests,
		     b->uses_cmocka ? TESTRUN_CMOCKA : TESTRUN_UNKNOWN);
	if (cguard_open(&b->guard, &e) < 0 ||
	    harness_child_run(argv, testrun_output, &run, &end, &e) < 0)
		return harness_broken(&e); /* and no closing record */
	judge_end(&run, &b->guard, end.status);
	testrun_finish(&run, end.status);
	return harness_result_end(&result);
}

int
main(int argc, char **argv)
{
	static struct build build;
	struct harness_job job;
	static char guard_source[PATH_SIZE];
	char program[PATH_SIZE + 16];
	struct err e = ERR_INIT;
	int code;

	(void)argc;
	/* Beside this program: "/opt/runtime/harness". */
	(void)snprintf(guard_source, sizeof(guard_source), "%.*sguard.c.in",
		       (int)(base_name(argv[0]) - argv[0]), argv[0]);
	build.guard_source = guard_source;
	if (harness_gate_wait(&e) < 0 || harness_job_read(&job, &e) < 0)
		return harness_broken(&e);
	if (!has_suffix(job.is_test ? job.tests : job.code, ".c")) {
		(void)err_set(&e, ERR_INVALID, 0, "%s: not a .c file",
			      job.is_test ? job.tests : job.code);
		code = harness_broken(&e);
	} else {
		program_path(job.is_test ? job.tests : job.code, program,
			     sizeof(program));
		code = job.is_test ? run_tests(&job, &build, program)
				   : run_program(&job, &build, program);
	}
	harness_job_done(&job);
	return code;
}
