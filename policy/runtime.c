/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.c - runtime.ini of a runtime's folder to struct runtime.
 */
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/compile.h"
#include "policy/text.h"
#include "policy/values.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

struct load_runtime {
	struct runtime *r;
	struct diag *diag;
	const char *path;	/* of runtime.ini */
	const char *dir, *base; /* the folder, its last part */
	size_t base_len;
	const struct text_entry *entry;
	char requires_hint[256];
	unsigned requires_line;
	/* "-" prefix: without it there is just no job of this runtime. */
	bool is_optional[ARRAY_LEN(((struct runtime *)NULL)->requires_path)];
};

typedef void key_fn(struct load_runtime *l, char *value);

static void __attribute__((format(printf, 2, 3)))
complain(struct load_runtime *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(l->diag, l->path, l->entry->line, "%s=: %s", l->entry->key,
		   text);
}

static void
copy_text(struct load_runtime *l, char *dst, size_t size, const char *value)
{
	if (str_copy(dst, size, value) < 0)
		complain(l, "longer than %zu bytes", size - 1);
}

static void
on_name(struct load_runtime *l, char *value)
{
	if (!str_is_name(value, sizeof(l->r->name) - 1))
		complain(l, "\"%s\" is not 1 to %zu letters, digits, _ and -",
			 value, sizeof(l->r->name) - 1);
	else if (strlen(value) != l->base_len ||
		 memcmp(value, l->base, l->base_len) != 0)
		complain(l, "\"%s\" must equal the folder's name, %.*s", value,
			 (int)l->base_len, l->base);
	else
		copy_text(l, l->r->name, sizeof(l->r->name), value);
}

/* Kept with single blanks between them. */
static void
on_aliases(struct load_runtime *l, char *value)
{
	char names[TEXT_LINE_MAX];
	size_t len = 0;
	char *word;

	names[0] = '\0';
	while ((word = text_next_word(&value)) != NULL) {
		if (!str_is_name(word, POLICY_NAME_MAX - 1))
			complain(l, "\"%s\" is not a name", word);
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%s", len > 0 ? " " : "", word);
	}
	copy_text(l, l->r->aliases, sizeof(l->r->aliases), names);
}

static void
on_description(struct load_runtime *l, char *value)
{
	copy_text(l, l->r->description, sizeof(l->r->description), value);
}

static void
on_code(struct load_runtime *l, char *value)
{
	struct err e = ERR_INIT;

	if (value_path_relative(value, l->r->code_path, sizeof(l->r->code_path),
				&e) < 0)
		complain(l, "%s", e.text);
}

static void
on_tests(struct load_runtime *l, char *value)
{
	struct err e = ERR_INIT;

	if (value_path_relative(value, l->r->tests_path,
				sizeof(l->r->tests_path), &e) < 0)
		complain(l, "%s", e.text);
}

/* An argument that lies in the runtime's folder must be there. */
static void
check_own_file(struct load_runtime *l, const char *word, bool is_program)
{
	const char *own = strstr(word, RUNTIME_JAIL_DIR "/");
	char path[4096];

	if (own == NULL)
		return;
	own += strlen(RUNTIME_JAIL_DIR "/");
	if (str_printf(path, sizeof(path), "%s/%s", l->dir, own) < 0 ||
	    access(path, is_program ? X_OK : R_OK) < 0)
		complain(l, "%s: there is no %s %s in %s", word,
			 is_program ? "program" : "file", own, l->dir);
}

static void
on_exec(struct load_runtime *l, char *value)
{
	struct runtime *r = l->r;
	char program[POLICY_PATH_MAX];
	struct err e = ERR_INIT;
	char *word;

	while ((word = text_next_word(&value)) != NULL) {
		if (r->argv_len == RUNTIME_ARGV_MAX) {
			complain(l, "more than %d words", RUNTIME_ARGV_MAX);
			return;
		}
		check_own_file(l, word, r->argv_len == 0);
		copy_text(l, r->argv[r->argv_len++], POLICY_PATH_MAX, word);
	}
	if (value_path(r->argv[0], program, sizeof(program), &e) < 0)
		complain(l, "%s", e.text);
}

static void
on_environment_entry(struct load_runtime *l, char *value)
{
	struct runtime *r = l->r;
	struct err e = ERR_INIT;
	size_t name_len = strcspn(value, "=") + 1;

	for (uint32_t i = 0; i < r->env_len; i++)
		if (strncmp(r->env[i], value, name_len) == 0) {
			complain(l, "%s is given already", r->env[i]);
			return;
		}
	if (r->env_len == RUNTIME_ENV_MAX)
		complain(l, "more than %d variables", RUNTIME_ENV_MAX);
	else if (value_env(value, r->env[r->env_len], POLICY_ENV_SIZE, &e) < 0)
		complain(l, "%s", e.text);
	else
		r->env_len++;
}

static void
on_policy(struct load_runtime *l, char *value)
{
	if (!str_is_name(value, sizeof(l->r->policy) - 1))
		complain(l, "\"%s\" is not a policy's name", value);
	else
		copy_text(l, l->r->policy, sizeof(l->r->policy), value);
}

static void
on_requires(struct load_runtime *l, char *value)
{
	struct runtime *r = l->r;
	struct err e = ERR_INIT;
	bool is_optional;
	char *word;

	l->requires_line = l->entry->line;
	while ((word = text_next_word(&value)) != NULL) {
		is_optional = word[0] == '-';
		word += is_optional;
		if (r->requires_len == ARRAY_LEN(r->requires_path))
			complain(l, "more than %zu paths",
				 ARRAY_LEN(r->requires_path));
		else if (value_path(word, r->requires_path[r->requires_len],
				    POLICY_PATH_MAX, &e) < 0)
			complain(l, "%s", e.text);
		else
			l->is_optional[r->requires_len++] = is_optional;
	}
}

static void
on_requires_hint(struct load_runtime *l, char *value)
{
	copy_text(l, l->requires_hint, sizeof(l->requires_hint), value);
}

static void
on_start(struct load_runtime *l, char *value)
{
	if (strcmp(value, "direct") == 0)
		l->r->is_direct = 1;
	else if (strcmp(value, "gated") != 0)
		complain(l, "\"%s\" is neither gated nor direct", value);
}

static const struct {
	const char *key;
	key_fn *apply;
	bool is_required, is_repeatable;
} keys[] = {
	{"Name", on_name, true, false},
	{"Aliases", on_aliases, false, false},
	{"Description", on_description, true, false},
	{"Code", on_code, true, false},
	{"Tests", on_tests, false, false},
	{"Exec", on_exec, true, false},
	{"Start", on_start, false, false},
	{"Environment", on_environment_entry, false, true},
	{"Policy", on_policy, false, false},
	{"Requires", on_requires, false, false},
	{"RequiresHint", on_requires_hint, false, false},
};

static void
apply_entry(struct load_runtime *l, const struct text_entry *t,
	    unsigned seen_line[ARRAY_LEN(keys)])
{
	owned_mem char *value = strdup(t->value);
	size_t k;

	if (value == NULL)
		abort();
	l->entry = t;
	for (k = 0; k < ARRAY_LEN(keys); k++)
		if (strcmp(keys[k].key, t->key) == 0)
			break;
	if (k == ARRAY_LEN(keys)) {
		diag_error(l->diag, l->path, t->line,
			   "unknown directive %s= in [Runtime]", t->key);
		return;
	}
	if (seen_line[k] != 0 && !keys[k].is_repeatable) {
		complain(l, "given twice, first at line %u", seen_line[k]);
		return;
	}
	seen_line[k] = t->line;
	keys[k].apply(l, value);
}

static void
check_requires(struct load_runtime *l)
{
	for (uint32_t i = 0; i < l->r->requires_len; i++) {
		const char *path = l->r->requires_path[i];

		if (l->is_optional[i] || access(path, F_OK) == 0)
			continue;
		if (l->requires_hint[0] != '\0')
			diag_error(l->diag, l->path, l->requires_line,
				   "Requires=: runtime %s needs %s, which this "
				   "host lacks: install %s",
				   l->r->name, path, l->requires_hint);
		else
			diag_error(l->diag, l->path, l->requires_line,
				   "Requires=: runtime %s needs %s, which this "
				   "host lacks",
				   l->r->name, path);
	}
}

static void
apply_all(struct load_runtime *l, const struct text_file *file)
{
	unsigned seen_line[ARRAY_LEN(keys)] = {0};

	for (size_t i = 0; i < file->len; i++)
		apply_entry(l, &file->entries[i], seen_line);
	for (size_t k = 0; k < ARRAY_LEN(keys); k++)
		if (keys[k].is_required && seen_line[k] == 0)
			diag_error(l->diag, l->path, 0,
				   "%s= is missing in [Runtime]", keys[k].key);
	if (l->r->tests_path[0] == '\0') /* an analyzer has none */
		(void)str_copy(l->r->tests_path, sizeof(l->r->tests_path),
			       "tests");
	check_requires(l);
}

int
runtime_compile(const char *dir, struct runtime *ret, struct diag *diag)
{
	static const char *const sections[] = {"Runtime", NULL};
	struct load_runtime l = {.r = ret, .diag = diag, .dir = dir};
	struct err e = ERR_INIT;
	struct text_file file;
	size_t len = strlen(dir);
	char path[4096];

	while (len > 1 && dir[len - 1] == '/')
		len--;
	l.base = dir + len;
	while (l.base > dir && l.base[-1] != '/')
		l.base--;
	l.base_len = (size_t)(dir + len - l.base);
	memset(ret, 0, sizeof(*ret));
	if (str_printf(path, sizeof(path), "%.*s/runtime.ini", (int)len, dir) <
	    0) {
		diag_error(diag, dir, 0, "path is too long");
		return -1;
	}
	l.path = path;
	if (text_read(&file, path, sections, diag) == 0)
		apply_all(&l, &file);
	text_done(&file);
	if (diag->errors > 0)
		return -1;
	ret->magic = RUNTIME_MAGIC;
	ret->size = sizeof(*ret);
	crypto_hash_sha256(ret->sha256, (const unsigned char *)ret,
			   sizeof(*ret));
	if (runtime_check(ret, &e) < 0) {
		diag_error(diag, path, 0, "%s", e.text);
		return -1;
	}
	return 0;
}
