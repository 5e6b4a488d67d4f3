/* SPDX-License-Identifier: Apache-2.0 */
/* See calls.h. */
#include "policy/calls.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"

/* Calls that are younger than Debian 12's libseccomp; same on all 64-bit. */
static const struct {
	const char *name;
	int nr;
} young_calls[] = {
	{"statmount", 457},	    {"listmount", 458},
	{"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
	{"lsm_list_modules", 461},  {"mseal", 462},
	{"setxattrat", 463},	    {"getxattrat", 464},
	{"listxattrat", 465},	    {"removexattrat", 466},
	{"open_tree_attr", 467},    {"file_getattr", 468},
	{"file_setattr", 469},
};

int
call_number(const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr >= 0)
		return nr <= CALL_NR_MAX ? nr : -1;
	for (size_t i = 0; i < ARRAY_LEN(young_calls); i++)
		if (strcmp(young_calls[i].name, name) == 0)
			return young_calls[i].nr;
	return -1;
}

void
call_name(uint32_t nr, char ret_name[CALL_NAME_MAX])
{
	char *known = NULL;

	for (size_t i = 0; i < ARRAY_LEN(young_calls); i++)
		if ((uint32_t)young_calls[i].nr == nr) {
			str_copy(ret_name, CALL_NAME_MAX, young_calls[i].name);
			return;
		}
	if (nr <= CALL_NR_MAX)
		known = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
							 (int)nr);
	if (known == NULL || str_copy(ret_name, CALL_NAME_MAX, known) < 0)
		str_printf(ret_name, CALL_NAME_MAX, "%u", nr);
	free(known);
}

bool
call_is_named(uint32_t nr)
{
	char name[CALL_NAME_MAX];

	call_name(nr, name);
	return name[0] < '0' || name[0] > '9';
}

size_t
call_count(void)
{
	size_t n = 0;

	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++)
		n += call_is_named(nr);
	return n;
}

/* One constant or number. */
static int
parse_atom(const char *text, uint64_t *ret, struct err *e)
{
	char *end;

	if (constant_find(text, ret) == 0)
		return 0;
	errno = 0;
	if (text[0] == '-')
		*ret = (uint64_t)strtoll(text, &end, 0);
	else
		*ret = strtoull(text, &end, 0);
	if (text[strspn(text, "-0123456789")] != '\0' &&
	    strncmp(text, "0x", 2) != 0)
		end = NULL;
	if (errno != 0 || text[0] == '\0' || end == NULL || *end != '\0')
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" is neither a number nor a known "
			       "constant",
			       text);
	return 0;
}

int
call_value(const char *text, uint64_t *ret, struct err *e)
{
	uint64_t all = 0, one;
	char atom[64];

	for (;;) {
		size_t len = strcspn(text, "|");

		if (len >= sizeof(atom))
			return err_set(e, ERR_INVALID, 0,
				       "constant is longer than %zu bytes",
				       sizeof(atom) - 1);
		memcpy(atom, text, len);
		atom[len] = '\0';
		if (parse_atom(atom, &one, e) < 0)
			return -1;
		all |= one;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	*ret = all;
	return 0;
}

/* A value that the kernel sees as 32 bits. */
static int
value_of_int(const char *text, uint32_t *ret, struct err *e)
{
	uint64_t value;

	if (call_value(text, &value, e) < 0)
		return -1;
	if (value > UINT32_MAX && value < (uint64_t)INT32_MIN)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" has more than 32 bits: rules compare "
			       "only those",
			       text);
	*ret = (uint32_t)value;
	return 0;
}

static char *
trim(char *s)
{
	size_t len;

	s += strspn(s, " \t");
	len = strlen(s);
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		s[--len] = '\0';
	return s;
}

static int
test_add_value(struct call_test *test, const char *text, struct err *e)
{
	uint32_t value = 0;

	if (value_of_int(text, &value, e) < 0)
		return -1;
	if ((value & ~test->mask) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "\"%s\" has bits outside of the mask: it can "
			       "never match",
			       text);
	for (uint32_t i = 0; i < test->count; i++)
		if (test->values[i] == value)
			return err_set(e, ERR_INVALID, 0,
				       "\"%s\" is listed twice", text);
	if (test->count == CALL_VALUES_MAX)
		return err_set(e, ERR_INVALID, 0, "more than %d values",
			       CALL_VALUES_MAX);
	test->values[test->count++] = value;
	return 0;
}

/* "*", "VALUE", "{VALUE VALUE}", "&MASK=VALUE", "&MASK={VALUE VALUE}" */
static int
parse_test(char *text, struct call_test *ret, struct err *e)
{
	char *word, *save = NULL;
	size_t len;

	*ret = (struct call_test){0};
	if (strcmp(text, "*") == 0)
		return 0;
	ret->mask = UINT32_MAX;
	if (text[0] == '&') {
		char *equals = strchr(text, '=');

		if (equals == NULL)
			return err_set(e, ERR_INVALID, 0,
				       "\"%s\": a mask is written &MASK=VALUE",
				       text);
		*equals = '\0';
		if (value_of_int(trim(text + 1), &ret->mask, e) < 0)
			return -1;
		text = trim(equals + 1);
	}
	if (text[0] != '{')
		return test_add_value(ret, text, e);
	len = strlen(text);
	if (text[len - 1] != '}')
		return err_set(e, ERR_INVALID, 0, "\"%s\" lacks its }", text);
	text[len - 1] = '\0';
	for (word = strtok_r(text + 1, " \t", &save); word != NULL;
	     word = strtok_r(NULL, " \t", &save))
		if (test_add_value(ret, word, e) < 0)
			return -1;
	if (ret->count == 0)
		return err_set(e, ERR_INVALID, 0,
			       "{} is empty: it would match nothing");
	return 0;
}

/*
 * Cut "name(a, b)" into name and arguments; *ret_count is -1 without ().
 */
static int
split_call(char *text, char *ret_args[CALL_ARGS], int *ret_count, struct err *e)
{
	char *open = strchr(text, '(');
	size_t len = strlen(text);
	char *at;
	int n = 0;

	*ret_count = -1;
	if (open == NULL)
		return 0;
	if (text[len - 1] != ')')
		return err_set(e, ERR_INVALID, 0, "\"%s\" lacks its )", text);
	text[len - 1] = '\0';
	*open = '\0';
	*ret_count = 0;
	if (open[1 + strspn(open + 1, " \t")] == '\0')
		return 0;
	for (at = open + 1;;) {
		char *comma = strchr(at, ',');

		if (n == CALL_ARGS)
			return err_set(e, ERR_INVALID, 0,
				       "%s has more than %d arguments", text,
				       CALL_ARGS);
		if (comma != NULL)
			*comma = '\0';
		ret_args[n] = trim(at);
		if (*ret_args[n] == '\0')
			return err_set(e, ERR_INVALID, 0,
				       "%s: argument %d is empty: write * for "
				       "any value",
				       text, n + 1);
		n++;
		if (comma == NULL)
			break;
		at = comma + 1;
	}
	*ret_count = n;
	return 0;
}

static int
number_or_err(const char *name, uint32_t *ret, struct err *e)
{
	int nr = call_number(name);

	if (nr < 0)
		return err_set(e, ERR_INVALID, 0, "unknown system call \"%s\"",
			       name);
	*ret = (uint32_t)nr;
	return 0;
}

int
call_rule_parse(char *text, struct call_rule *ret, struct err *e)
{
	struct call_rule rule = {0};
	char *args[CALL_ARGS];
	int count;

	if (split_call(text, args, &count, e) < 0 ||
	    number_or_err(text, &rule.nr, e) < 0)
		return -1;
	for (int i = 0; i < count; i++)
		if (parse_test(args[i], &rule.tests[i], e) < 0)
			return err_wrap(e, "%s, argument %d", text, i + 1);
	if (count >= 0 && !call_rule_is_conditional(&rule))
		return err_set(e, ERR_INVALID, 0,
			       "%s(*) tests nothing: write %s", text, text);
	*ret = rule;
	return 0;
}

bool
call_rule_is_conditional(const struct call_rule *rule)
{
	for (size_t i = 0; i < CALL_ARGS; i++)
		if (rule->tests[i].count > 0)
			return true;
	return false;
}

static bool
test_matches(const struct call_test *test, uint64_t arg)
{
	if (test->count == 0)
		return true;
	for (uint32_t i = 0; i < test->count; i++)
		if (((uint32_t)arg & test->mask) == test->values[i])
			return true;
	return false;
}

bool
call_rule_matches(const struct call_rule *rule, uint32_t nr,
		  const uint64_t args[CALL_ARGS])
{
	if (rule->nr != nr)
		return false;
	for (size_t i = 0; i < CALL_ARGS; i++)
		if (!test_matches(&rule->tests[i], args[i]))
			return false;
	return true;
}

/* By name, else as a mask of names, else as a number. */
static void
format_value(FILE *out, const char *prefixes, uint32_t value)
{
	const char *name = NULL;
	bool is_first = true;

	if (prefixes != NULL)
		name = constant_name(prefixes, value);
	if (name != NULL) {
		fputs(name, out);
		return;
	}
	for (uint32_t bit = 1; prefixes != NULL && bit != 0; bit <<= 1) {
		if ((value & bit) == 0)
			continue;
		name = constant_name(prefixes, bit);
		if (name == NULL)
			break;
		fprintf(out, "%s%s", is_first ? "" : "|", name);
		is_first = false;
		value &= ~bit;
	}
	if (value != 0 || is_first)
		fprintf(out, "%s%#x", is_first ? "" : "|", value);
}

static void
format_test(FILE *out, const struct call_test *test, const char *prefixes)
{
	if (test->count == 0) {
		fputc('*', out);
		return;
	}
	if (test->mask != UINT32_MAX) {
		fputc('&', out);
		format_value(out, prefixes, test->mask);
		fputc('=', out);
	}
	if (test->count > 1)
		fputc('{', out);
	for (uint32_t i = 0; i < test->count; i++) {
		if (i > 0)
			fputc(' ', out);
		format_value(out, prefixes, test->values[i]);
	}
	if (test->count > 1)
		fputc('}', out);
}

int
call_rule_format(const struct call_rule *rule, char *dst, size_t size)
{
	FILE *out = fmemopen(dst, size, "w");
	char name[CALL_NAME_MAX];
	size_t last = 0;
	bool fits;

	if (out == NULL)
		return -1;
	for (size_t i = 0; i < CALL_ARGS; i++)
		if (rule->tests[i].count > 0)
			last = i + 1;
	call_name(rule->nr, name);
	fputs(name, out);
	for (size_t i = 0; i < last; i++) {
		fputs(i == 0 ? "(" : ", ", out);
		format_test(out, &rule->tests[i],
			    constant_prefixes(
				    name, (unsigned)i,
				    i > 0 ? rule->tests[i - 1].values[0] : 0));
	}
	if (last > 0)
		fputc(')', out);
	fits = fflush(out) == 0 && ftell(out) < (long)size;
	fclose(out);
	return fits ? 0 : -1;
}

int
call_example_parse(char *text, struct call_example *ret, struct err *e)
{
	struct call_example ex = {0};
	char *args[CALL_ARGS];
	uint64_t nr;
	int count;

	if (split_call(text, args, &count, e) < 0)
		return -1;
	if (text[0] >= '0' && text[0] <= '9') {
		if (call_value(text, &nr, e) < 0)
			return -1;
		ex.nr = (uint32_t)nr;
	} else if (number_or_err(text, &ex.nr, e) < 0) {
		return -1;
	}
	for (int i = 0; i < CALL_ARGS; i++) {
		ex.is_any[i] = i >= count || strcmp(args[i], "*") == 0;
		if (!ex.is_any[i] && call_value(args[i], &ex.args[i], e) < 0)
			return err_wrap(e, "%s, argument %d", text, i + 1);
	}
	*ret = ex;
	return 0;
}
