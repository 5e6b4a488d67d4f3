/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shguard.c - see shguard.h.
 */
#include "jail/runtimes/common/shguard.h"

#include <ctype.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/runtimes/common/shsource.h"
#include "jail/runtimes/common/testline.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define SCRIPT_BYTES_MAX ((size_t)16 << 20)

int
shguard_init(struct shguard *g, const char *path, struct err *e)
{
	unsigned char bytes[8];

	*g = (struct shguard){.path = path, .is_separate = true};
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, "random bytes");
	str_hex(g->id, bytes, sizeof(bytes));
	(void)snprintf(g->note, sizeof(g->note), "/tmp/.note-%s", g->id);
	if (fd_read_file(AT_FDCWD, path, SCRIPT_BYTES_MAX, &g->original,
			 &g->original_len, e) < 0)
		return -1;
	/* What these read becomes part of the shell that judges. */
	for (const char *const *word =
		     (const char *const[]){".", "source", "load", "eval", NULL};
	     *word != NULL; word++)
		if (shsource_has_command(g->original, g->original_len, *word))
			g->is_separate = false;
	/* Then a ctime says nothing, and nobody sees whether other processes
	 * had the file changed while the shell read it. */
	if (shsource_has_word(g->original, g->original_len, "chmod"))
		g->is_separate = false;
	return 0;
}

void
shguard_done(struct shguard *g)
{
	free(g->original);
	free(g->text);
	g->original = g->text = NULL;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
shguard_knows(const char *interpreter, const char *argument)
{
	static const char *const names[] = {"sh", "bash", "dash"};
	const char *name = base_name(interpreter);

	if (strcmp(name, "env") == 0)
		name = argument;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The file with other text, in its place; remembered as it is then. */
static int
replace(struct shguard *g, const char *text, size_t len, struct err *e)
{
	owned_fd int fd = open(g->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text, len) < 0 ||
	    fstat(fd, &g->armed) < 0)
		return err_sys(e, "%s", g->path);
	return 0;
}

static bool
is_changed(const struct shguard *g)
{
	struct stat now;

	if (stat(g->path, &now) < 0 || now.st_ino != g->armed.st_ino ||
	    now.st_dev != g->armed.st_dev || now.st_size != g->armed.st_size ||
	    now.st_mtim.tv_sec != g->armed.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != g->armed.st_mtim.tv_nsec)
		return true;
	/* Nobody can set a ctime; but chmod changes it, too. */
	return (now.st_ctim.tv_sec != g->armed.st_ctim.tv_sec ||
		now.st_ctim.tv_nsec != g->armed.st_ctim.tv_nsec) &&
	       !shsource_has_word(g->original, g->original_len, "chmod");
}

/* ---- scripts --------------------------------------------------------- */

/* What is never true, by programs that scripts look with. */
static const struct {
	const char *word, *condition;
} program_lies[] = {
	{"grep", "{ echo a | grep -q b; }"},
	{"egrep", "{ echo a | egrep -q b; }"},
	{"fgrep", "{ echo a | fgrep -q b; }"},
	{"diff", "diff /dev/null /bin/sh >/dev/null 2>&1"},
	{"cmp", "cmp /dev/null /bin/sh >/dev/null 2>&1"},
	{"expr", "expr 1 = 2 >/dev/null"},
	{"false", "false"},
};

static bool
has_text(const struct shguard *g, const char *text)
{
	return memmem(g->original, g->original_len, text, strlen(text)) != NULL;
}

static void
put_check(const struct shguard *g, FILE *out, const char *condition)
{
	(void)fprintf(out, "if %s; then pc_w_%s=forged; fi; ", condition,
		      g->id);
}

struct readonly_check {
	const struct shguard *g;
	FILE *out;
};

/* A variable that the script sets, "NAME=", must not have become readonly. */
static void
check_variable(void *arg, size_t at, size_t len)
{
	struct readonly_check *c = arg;
	const char *word = c->g->original + at;
	const char *equals = memchr(word, '=', len);
	char condition[128];
	size_t n = equals ? (size_t)(equals - word) : 0;

	if (n == 0 || n > 32)
		return;
	for (size_t i = 0; i < n; i++)
		if (word[i] != '_' && !isalpha((unsigned char)word[i]) &&
		    (i == 0 || !isdigit((unsigned char)word[i])))
			return;
	(void)snprintf(condition, sizeof(condition),
		       "! (unset %.*s) 2>/dev/null", (int)n, word);
	put_check(c->g, c->out, condition);
}

/* What a file that the script reads may have changed of its shell. */
static void
put_shell_checks(const struct shguard *g, FILE *out)
{
	static const char *const words[] = {"[",    "[[",   "test", "exit",
					    "grep", "diff", "cmp",  "is"};
	struct readonly_check c = {.g = g, .out = out};
	char condition[64];

	for (size_t i = 0; i < ARRAY_LEN(program_lies); i++)
		if (shsource_has_command(g->original, g->original_len,
					 program_lies[i].word))
			put_check(g, out, program_lies[i].condition);
	for (size_t i = 0;
	     i < ARRAY_LEN(words) &&
	     !shsource_has_word(g->original, g->original_len, "alias");
	     i++) {
		(void)snprintf(condition, sizeof(condition),
			       "alias '%s' >/dev/null 2>&1", words[i]);
		if (shsource_has_command(g->original, g->original_len,
					 words[i]))
			put_check(g, out, condition);
	}
	if ((has_text(g, "\nset -e") ||
	     strncmp(g->original, "set -e", 6) == 0) &&
	    !has_text(g, "set +e"))
		(void)fprintf(out,
			      "case $- in *e*) ;; *) pc_w_%s=forged ;; esac; ",
			      g->id);
	if (!has_text(g, "extdebug"))
		(void)fprintf(out,
			      "case ${BASHOPTS-} in *extdebug*) pc_w_%s=forged "
			      ";; esac; ",
			      g->id);
	if (!has_text(g, "readonly") && !has_text(g, "declare") &&
	    !has_text(g, "typeset"))
		shsource_commands(g->original, g->original_len, check_variable,
				  &c);
}

/*
 * One line; %1: the id, %2: the note's path, %3: is the output checked?
 * pc_exit leaves the note and then the shell.  What must not happen in the
 * checks leaves "forged" in it, and the status is compared by the harness.
 */
static void
put_prelude(const struct shguard *g, FILE *out)
{
	bool has_exec =
		shsource_has_command(g->original, g->original_len, "exec");

	(void)fprintf(out,
		      "pc_out_%s=$(readlink /proc/$$/fd/1); "
		      "pc_exit_%s() { "
		      "pc_s_%s=${1-$?}; pc_w_%s=end; "
		      "if command [ \"$pc_s_%s\" = 0 ]; then "
		      "if [ 1 -eq 2 ]; then pc_w_%s=forged; fi; "
		      "if [ a = b ]; then pc_w_%s=forged; fi; "
		      "if test a = b; then pc_w_%s=forged; fi; "
		      "case $(echo 'not ok %s') in 'not ok %s') ;; "
		      "*) pc_w_%s=forged ;; esac; "
		      "case $(printf '%%s' 'not ok %s') in 'not ok %s') ;; "
		      "*) pc_w_%s=forged ;; esac; ",
		      g->id, g->id, g->id, g->id, g->id, g->id, g->id, g->id,
		      g->id, g->id, g->id, g->id, g->id, g->id);
	if (!has_exec)
		(void)fprintf(out,
			      "case $(readlink /proc/$$/fd/1) in "
			      "\"$pc_out_%s\") ;; *) pc_w_%s=forged ;; esac; ",
			      g->id, g->id);
	put_shell_checks(g, out);
	(void)fprintf(out,
		      "fi; command printf '%%s %%s' \"$pc_w_%s\" "
		      "\"$pc_s_%s\" >%s; exit \"$pc_s_%s\"; }; ",
		      g->id, g->id, g->note, g->id);
}

struct rewrite {
	const struct shguard *g;
	FILE *out;
	size_t done; /* of the original */
};

static void
rename_exit(void *arg, size_t at, size_t len)
{
	struct rewrite *w = arg;
	const char *text = w->g->original;

	if (len != 4 || memcmp(text + at, "exit", 4) != 0 || at < w->done)
		return;
	(void)fwrite(text + w->done, 1, at - w->done, w->out);
	(void)fprintf(w->out, "pc_exit_%s", w->g->id);
	w->done = at + len;
}

/* Behind a "#!" line, which must stay the first. */
static size_t
first_line_end(const struct shguard *g)
{
	const char *newline;

	if (g->original_len < 2 || memcmp(g->original, "#!", 2) != 0)
		return 0;
	newline = memchr(g->original, '\n', g->original_len);
	return newline ? (size_t)(newline - g->original) + 1 : g->original_len;
}

int
shguard_arm_script(struct shguard *g, struct err *e)
{
	owned_mem char *text = NULL;
	size_t len, head = first_line_end(g);
	FILE *out = open_memstream(&text, &len);
	struct rewrite w = {.g = g, .out = out, .done = head};
	int rc;

	if (out == NULL)
		return err_sys(e, "memory");
	(void)fwrite(g->original, 1, head, out);
	if (head > 0 && g->original[head - 1] != '\n')
		(void)fputc('\n', out);
	put_prelude(g, out);
	shsource_commands(g->original, g->original_len, rename_exit, &w);
	(void)fwrite(g->original + w.done, 1, g->original_len - w.done, out);
	(void)fprintf(out, "\npc_exit_%s $?\n", g->id);
	if (fclose(out) != 0)
		return err_sys(e, "memory");
	rc = replace(g, text, len, e);
	g->is_armed = rc == 0;
	return rc;
}

static void
judge_script(const struct shguard *g, struct testrun *run, int status)
{
	char text[64] = "", word[16] = "";
	owned_fd int fd = open(g->note, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int code = -1;

	if (fd >= 0 && fd_read_full(fd, text, sizeof(text) - 1) > 0)
		(void)sscanf(text, "%15s %d", word, &code);
	(void)unlink(g->note);
	if (status != 0)
		return; /* claims no success */
	if (strcmp(word, "forged") == 0)
		harness_result_forged(
			run->result,
			"the shell or what the tests look with was changed");
	else if (strcmp(word, "end") != 0)
		run->early =
			"the program ended the run in the middle of its tests";
	else if (code != 0)
		harness_result_forged(
			run->result,
			"the exit status is not the one that the tests gave");
}

/* ---- bats ------------------------------------------------------------ */

/* What is never true, by each of the means that a file may use. */
static const struct {
	const char *word, *condition;
} lies[] = {
	{"[", "[ 1 -eq 2 ]"},
	{"[[", "[[ a == b ]]"},
	{"test", "test a = b"},
	{"run", "{ run false; command [ \"$status\" -eq 0 ]; }"},
	{"run", "{ run true; command [ \"$status\" -ne 0 ]; }"},
	{"run", "{ run echo a; command [ \"$output\" != a ]; }"},
};

static bool
is_canary(const struct shguard *g, const char *name, size_t len)
{
	return len == strlen(g->id) && memcmp(name, g->id, len) == 0;
}

/* A test at the end of the file; it fails unless one of these is true. */
static void
put_canary(const struct shguard *g, FILE *out)
{
	(void)fprintf(out, "\n@test \"%s\" {\n\tfalse", g->id);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++)
		if (shsource_has_command(g->original, g->original_len,
					 lies[i].word))
			(void)fprintf(out, " ||\n\t%s", lies[i].condition);
	for (size_t i = 0; i < ARRAY_LEN(program_lies); i++)
		if (shsource_has_command(g->original, g->original_len,
					 program_lies[i].word))
			(void)fprintf(out, " ||\n\t%s",
				      program_lies[i].condition);
	(void)fprintf(out, "\n}\n");
}

/*
 * The file's own functions: what it reads later cannot redefine them.  Those
 * that bats calls by name may be made anew by it.
 */
static void
put_readonly(const struct shguard *g, FILE *out)
{
	size_t at = 0, len;
	const char *name;

	while (shsource_next_function(g->original, g->original_len, &at, &name,
				      &len)) {
		if ((len >= 5 && memcmp(name, "setup", 5) == 0) ||
		    (len >= 8 && memcmp(name, "teardown", 8) == 0))
			continue;
		(void)fprintf(out, "readonly -f %.*s 2>/dev/null || :\n",
			      (int)len, name);
	}
}

/* The tests' names, and the canary's, as a start record. */
static int
announce(const struct shguard *g, struct harness_result *r, struct err *e)
{
	const char *names[HARNESS_EXPECTED_MAX];
	size_t lens[HARNESS_EXPECTED_MAX], n = 0, at = 0;
	struct shsource_test test;

	while (shsource_next_test(g->original, g->original_len, &at, &test)) {
		if (n == HARNESS_EXPECTED_MAX - 1)
			return err_set(e, ERR_LIMIT, 0, "more than %zu tests",
				       n);
		names[n] = test.name;
		lens[n++] = test.name_len;
	}
	names[n] = g->id;
	lens[n] = strlen(g->id);
	harness_result_start_names(r, names, lens, n, 1);
	return 0;
}

int
shguard_arm_bats(struct shguard *g, struct harness_result *r,
		 struct testrun *run, struct err *e)
{
	FILE *out = open_memstream(&g->text, &g->text_len);

	if (out == NULL)
		return err_sys(e, "memory");
	g->run = run;
	(void)fwrite(g->original, 1, g->original_len, out);
	put_canary(g, out);
	put_readonly(g, out);
	if (fclose(out) != 0)
		return err_sys(e, "memory");
	if (announce(g, r, e) < 0 || replace(g, g->text, g->text_len, e) < 0)
		return -1;
	g->is_armed = true;
	return 0;
}

/* The text of one test and of what stands before all of them. */
static bool
may_skip(const struct shguard *g, const char *name, size_t name_len)
{
	size_t at = 0, from, next;
	struct shsource_test test, ignored;
	bool is_first = true;

	while (shsource_next_test(g->original, g->original_len, &at, &test)) {
		if (is_first && shsource_has_word(g->original, test.at, "skip"))
			return true;
		is_first = false;
		if (test.name_len != name_len ||
		    memcmp(test.name, name, name_len) != 0)
			continue;
		from = test.at;
		next = at;
		if (!shsource_next_test(g->original, g->original_len, &next,
					&ignored))
			ignored.at = g->original_len;
		return ignored.at > from &&
		       shsource_has_word(g->original + from, ignored.at - from,
					 "skip");
	}
	return false;
}

/* ---- bats' copy ------------------------------------------------------ */

static bool
next_line(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	*ret = *at;
	*ret_len = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

/* test_NAME() { bats_test_begin "NAME"; BODY */
static bool
is_made_of(const struct shsource_test *test, const char *line, size_t len)
{
	size_t tail = strlen("\"; ") + test->body_len;
	const char *at = line + len - tail;

	if (len < tail + test->name_len || memcmp(line, "test_", 5) != 0)
		return false;
	return memcmp(at, "\"; ", 3) == 0 &&
	       memcmp(at + 3, test->body, test->body_len) == 0 &&
	       memcmp(at - test->name_len, test->name, test->name_len) == 0;
}

/* bats-preprocess makes a line of each line, and changes those of tests. */
static bool
is_copy_good(const struct shguard *g, const char *copy, size_t copy_len)
{
	const char *a = g->text, *a_end = a + g->text_len, *x;
	const char *b = copy, *b_end = b + copy_len, *y;
	size_t x_len, y_len, at;
	struct shsource_test test;

	while (next_line(&a, a_end, &x, &x_len)) {
		if (!next_line(&b, b_end, &y, &y_len))
			return false;
		at = 0;
		if (shsource_next_test(x, x_len, &at, &test)) {
			if (!is_made_of(&test, y, y_len))
				return false;
		} else if (x_len != y_len || memcmp(x, y, x_len) != 0) {
			return false;
		}
	}
	return true;
}

/*
 * The tests that are still to come are read from it.  A copy that we do not
 * find is not checked: bats may keep it elsewhere one day.
 */
static void
check_copy(struct shguard *g)
{
	const char *folder = getenv("TMPDIR");
	char pattern[256];
	glob_t found = {0};

	if (g->is_reported || memchr(g->text, '\r', g->text_len) != NULL)
		return;
	if (str_printf(pattern, sizeof(pattern), "%s/bats-run-*/bats.*.src",
		       folder ? folder : "/tmp") < 0 ||
	    glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && !g->is_reported; i++) {
		struct err ignored = ERR_INIT;
		owned_mem char *copy = NULL;
		size_t len;

		if (fd_read_file(AT_FDCWD, found.gl_pathv[i],
				 2 * SCRIPT_BYTES_MAX, &copy, &len,
				 &ignored) < 0 ||
		    memmem(copy, len, g->id, strlen(g->id)) == NULL ||
		    is_copy_good(g, copy, len))
			continue;
		g->is_reported = true;
		harness_result_forged(g->run->result,
				      "the tests were changed while they ran");
	}
	globfree(&found);
}

static void
pass_on(const struct shguard *g, const char *line, size_t len)
{
	(void)fd_write_all(STDOUT_FILENO, line, len);
	testrun_output(g->run, STDOUT_FILENO, line, len);
}

static void
report_canary(struct shguard *g, const struct testline *l)
{
	g->has_canary_failed |= l->outcome == HARNESS_FAILED;
	/* Its setup() is that of the tests, and may skip it. */
	harness_result_canary(g->run->result, g->id,
			      l->outcome == HARNESS_SKIPPED &&
					      may_skip(g, "", 0)
				      ? HARNESS_ERROR
				      : l->outcome);
}

/* A skip that the file does not have is a failure. */
static void
pass_skip_on(const struct shguard *g, const struct testline *l)
{
	char text[HARNESS_NAME_MAX + 128];
	int n = snprintf(text, sizeof(text),
			 "not ok %.*s\n"
			 "# skipped by something else than the tests file\n",
			 (int)(l->name_len < HARNESS_NAME_MAX
				       ? l->name_len
				       : HARNESS_NAME_MAX),
			 l->name);

	if (n > 0 && (size_t)n < sizeof(text))
		testrun_output(g->run, STDOUT_FILENO, text, (size_t)n);
}

static void
bats_line(struct shguard *g, const char *line, size_t len)
{
	struct testline l;
	char plan[32];

	testline_parse_tap(line, len - (line[len - 1] == '\n'), &l);
	if (l.kind == TESTLINE_DETAIL && g->is_hiding)
		return;
	g->is_hiding = false;
	if (l.kind == TESTLINE_CASE)
		check_copy(g);
	if (l.kind == TESTLINE_CASE && is_canary(g, l.name, l.name_len)) {
		g->is_hiding = true;
		report_canary(g, &l);
	} else if (l.kind == TESTLINE_PLAN && l.tests > 0) {
		(void)snprintf(plan, sizeof(plan), "1..%llu\n",
			       (unsigned long long)l.tests - 1);
		pass_on(g, plan, strlen(plan));
	} else if (l.kind == TESTLINE_CASE && l.outcome == HARNESS_SKIPPED &&
		   !may_skip(g, l.name, l.name_len)) {
		(void)fd_write_all(STDOUT_FILENO, line, len);
		pass_skip_on(g, &l);
	} else {
		pass_on(g, line, len);
	}
}

/* Lines that are too long for one are no lines of bats: as they come. */
void
shguard_bats_output(void *arg, int stream, const char *data, size_t len)
{
	struct shguard *g = arg;

	if (stream != STDOUT_FILENO) {
		testrun_output(g->run, stream, data, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		g->line[g->line_len++] = data[i];
		if (data[i] != '\n' && g->line_len < sizeof(g->line))
			continue;
		bats_line(g, g->line, g->line_len);
		g->line_len = 0;
	}
}

/* ---- the end --------------------------------------------------------- */

int
shguard_finish(struct shguard *g, struct testrun *run, int status)
{
	struct err ignored = ERR_INIT;

	if (!g->is_armed)
		return status;
	if (g->run != NULL && g->line_len > 0)
		bats_line(g, g->line, g->line_len);
	if (is_changed(g))
		harness_result_forged(run->result,
				      "the tests file was changed");
	if (g->run == NULL)
		judge_script(g, run, status);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 1 &&
		 g->has_canary_failed)
		status = 0; /* as far as the tests themselves go */
	/* For who collects it; a file that cannot be written is gone. */
	(void)replace(g, g->original, g->original_len, &ignored);
	return status;
}
