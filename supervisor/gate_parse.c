/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_parse.c - what the posture check reads out of /proc texts.  A field
 * that is missing, doubled or malformed is a failed check, never a default.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"
#include "supervisor/gate.h"

/* The text after "key:" and blanks, of a line's begin; NULL if there is not
 * exactly one. */
static const char *
field(const char *text, const char *key)
{
	const char *found = NULL;
	size_t len = strlen(key);

	for (const char *at = strstr(text, key); at != NULL;
	     at = strstr(at + len, key)) {
		if ((at != text && at[-1] != '\n') || at[len] != ':')
			continue;
		if (found != NULL)
			return NULL;
		found = at + len + 1;
		found += strspn(found, "\t ");
	}
	return found;
}

/* Read up to max numbers of a line; returns how many there are, -1 if bad. */
static int
numbers(const char *at, int base, uint64_t *ret, int max)
{
	int count = 0;

	if (at == NULL)
		return -1;
	for (;;) {
		char *end;
		unsigned long long value;

		at += strspn(at, "\t ");
		if (*at == '\n' || *at == '\0')
			return count;
		/* strtoull takes signs, and any blank before them. */
		if (!isxdigit((unsigned char)*at))
			return -1;
		errno = 0;
		value = strtoull(at, &end, base);
		if (end == at || errno != 0 ||
		    strchr("\t \n", *end) == NULL) /* finds the NUL, too */
			return -1;
		if (count < max)
			ret[count] = value;
		count++;
		at = end;
	}
}

int
gate_field_u64(const char *text, const char *key, int base, uint64_t *ret)
{
	uint64_t value;

	if (numbers(field(text, key), base, &value, 1) != 1)
		return -1;
	*ret = value;
	return 0;
}

static int
parse_ids(const char *text, const char *key, uint32_t ret[4], struct err *e)
{
	uint64_t ids[4];

	if (numbers(field(text, key), 10, ids, 4) != 4)
		return err_set(e, ERR_INVALID, 0, "status has no valid %s",
			       key);
	for (int i = 0; i < 4; i++) {
		if (ids[i] > UINT32_MAX)
			return err_set(e, ERR_INVALID, 0, "%s out of range",
				       key);
		ret[i] = (uint32_t)ids[i];
	}
	return 0;
}

int
gate_status_parse(const char *text, struct gate_status *ret, struct err *e)
{
	struct gate_status s = {0};
	uint64_t nnp, seccomp, filters, threads, tracer, ignored;
	const struct {
		const char *key;
		int base;
		uint64_t *value;
	} rows[] = {
		{"CapInh", 16, &s.cap_inh}, {"CapPrm", 16, &s.cap_prm},
		{"CapEff", 16, &s.cap_eff}, {"CapBnd", 16, &s.cap_bnd},
		{"CapAmb", 16, &s.cap_amb}, {"NoNewPrivs", 10, &nnp},
		{"Seccomp", 10, &seccomp},  {"Seccomp_filters", 10, &filters},
		{"Threads", 10, &threads},  {"TracerPid", 10, &tracer},
	};
	int groups, levels;

	if (parse_ids(text, "Uid", s.uid, e) < 0 ||
	    parse_ids(text, "Gid", s.gid, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (gate_field_u64(text, rows[i].key, rows[i].base,
				   rows[i].value) < 0)
			return err_set(e, ERR_INVALID, 0,
				       "status has no valid %s", rows[i].key);
	groups = numbers(field(text, "Groups"), 10, &ignored, 1);
	levels = numbers(field(text, "NSpid"), 10, &ignored, 1);
	if (groups < 0 || levels < 1)
		return err_set(e, ERR_INVALID, 0,
			       "status has no valid Groups or NSpid");
	s.groups = (unsigned)groups;
	s.pid_levels = (unsigned)levels;
	s.no_new_privs = (unsigned)nnp;
	s.seccomp = (unsigned)seccomp;
	s.filters = (unsigned)filters;
	s.threads = (unsigned)threads;
	s.tracer = (unsigned)tracer;
	*ret = s;
	return 0;
}

static int
check_caps(const struct gate_status *s, struct err *e)
{
	const struct {
		const char *name;
		uint64_t set;
	} rows[] = {
		{"inheritable", s->cap_inh}, {"permitted", s->cap_prm},
		{"effective", s->cap_eff},   {"bounding", s->cap_bnd},
		{"ambient", s->cap_amb},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].set != 0)
			return err_set(e, ERR_DENIED, 0,
				       "capabilities are left: %s %#llx",
				       rows[i].name,
				       (unsigned long long)rows[i].set);
	return 0;
}

int
gate_status_check(const struct gate_status *s, uint32_t id, struct err *e)
{
	for (int i = 0; i < 4; i++)
		if (s->uid[i] != id || s->gid[i] != id)
			return err_set(e, ERR_DENIED, 0,
				       "uid %u or gid %u is not %u", s->uid[i],
				       s->gid[i], id);
	if (s->groups != 0)
		return err_set(e, ERR_DENIED, 0, "%u supplementary groups",
			       s->groups);
	if (check_caps(s, e) < 0)
		return -1;
	if (s->no_new_privs != 1)
		return err_set(e, ERR_DENIED, 0, "no_new_privs is not set");
	if (s->seccomp != 2)
		return err_set(e, ERR_DENIED, 0, "no seccomp filter");
	if (s->filters != 1)
		return err_set(e, ERR_DENIED, 0,
			       "%u seccomp filters in place of one",
			       s->filters);
	if (s->tracer != 0)
		return err_set(e, ERR_DENIED, 0, "traced by %u", s->tracer);
	if (s->pid_levels < 2)
		return err_set(e, ERR_DENIED, 0, "in our own PID namespace");
	return 0;
}

int
gate_has_mount(const char *mountinfo, uint64_t id)
{
	for (const char *at = mountinfo; *at != '\0';) {
		size_t line = strcspn(at, "\n");
		char *end;

		if (strtoull(at, &end, 10) == id && *end == ' ')
			return 1;
		at += line + (at[line] == '\n');
	}
	return 0;
}
