/* SPDX-License-Identifier: Apache-2.0 */
/* See directives.h. */
#include "policy/directives.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/values.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

const char *const policy_sections[] = {
	"Policy",      "Limits",      "Filesystem", "Network",
	"SystemCalls", "Environment", "Examples",   NULL,
};

typedef int parse_fn(const char *text, uint64_t *ret, struct err *e);

enum looser {
	LOOSER_UP,   /* a higher value is looser */
	LOOSER_DOWN, /* a lower one is */
};

/* A scalar has parse, a list has apply. */
struct directive {
	const char *section, *key;
	parse_fn *parse;
	uint64_t min, max;
	size_t offset;
	bool is_u64; /* else uint32_t */
	enum looser looser;
	directive_fn *apply;
};

static directive_fn on_private_network;

#define AT(field) offsetof(struct policy, field)
#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

static const struct directive directives[] = {
	{"Limits", "RuntimeMaxSec", value_time, 100, 3600000,
	 AT(limits.wall_ms), true, LOOSER_UP, NULL},
	{"Limits", "MemoryMax", value_size, MIB(16), GIB(1024),
	 AT(limits.memory_bytes), true, LOOSER_UP, NULL},
	{"Limits", "TasksMax", value_count, 4, 32768, AT(limits.pids), false,
	 LOOSER_UP, NULL},
	{"Limits", "CPUQuota", value_percent, 1, 100000, AT(limits.cpu_percent),
	 false, LOOSER_UP, NULL},
	{"Limits", "LimitNOFILE", value_count, 16, 1048576, AT(limits.nofile),
	 false, LOOSER_UP, NULL},
	{"Limits", "LimitFSIZE", value_size, KIB(4), GIB(1024),
	 AT(limits.file_bytes), true, LOOSER_UP, NULL},
	{"Limits", "LimitSTACK", value_size, KIB(128), GIB(1),
	 AT(limits.stack_bytes), true, LOOSER_UP, NULL},
	{"Limits", "OutputMax", value_size, KIB(1), MIB(256),
	 AT(limits.output_bytes), true, LOOSER_UP, NULL},
	{"Limits", "CollectMax", value_size, KIB(1), MIB(16),
	 AT(limits.collect_bytes), true, LOOSER_UP, NULL},
	{"Network", "Loopback", value_bool, 0, 1, AT(has_loopback), false,
	 LOOSER_UP, NULL},
	{"SystemCalls", "MemoryDenyWriteExecute", value_bool, 0, 1,
	 AT(denies_write_exec), false, LOOSER_DOWN, NULL},
	{"SystemCalls", "LandlockMinABI", value_count, 1, 64,
	 AT(landlock_abi_min), false, LOOSER_DOWN, NULL},
	{.section = "Network",
	 .key = "PrivateNetwork",
	 .apply = on_private_network},
	{.section = "Filesystem",
	 .key = "BindReadOnlyPaths",
	 .apply = on_bind_paths},
	{.section = "Filesystem", .key = "DeviceAllow", .apply = on_devices},
	{.section = "Filesystem",
	 .key = "TemporaryFileSystem",
	 .apply = on_tmpfs},
	{.section = "Filesystem", .key = "Symlinks", .apply = on_symlinks},
	{.section = "SystemCalls",
	 .key = "SystemCallFilter",
	 .apply = on_call_filter},
	{.section = "SystemCalls",
	 .key = "SystemCallAudit",
	 .apply = on_call_audit},
	{.section = "SystemCalls",
	 .key = "RestrictAddressFamilies",
	 .apply = on_families},
	/* Stands for all of [Environment] in Loosens=. */
	{.section = "Environment", .key = "Environment"},
};

_Static_assert(ARRAY_LEN(directives) <= DIRECTIVES_MAX, "fits the bit set");

static void __attribute__((format(printf, 2, 0)))
load_verror(struct load *l, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	diag_error(l->diag, l->path, l->entry->line, "%s=: %s", l->entry->key,
		   text);
}

void
load_error(struct load *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	load_verror(l, fmt, ap);
	va_end(ap);
}

bool
load_may_loosen(struct load *l, const char *fmt, ...)
{
	uint64_t bit = UINT64_C(1) << l->directive;
	char text[256];
	va_list ap;

	if (!l->is_child)
		return true;
	l->loosened |= bit;
	if ((l->loosens & bit) != 0)
		return true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	load_error(l,
		   "%s than what this policy extends: if that is meant, name "
		   "%s in Loosens= of [Policy]",
		   text, directives[l->directive].key);
	return false;
}

static uint64_t
scalar_get(const struct policy *p, const struct directive *d)
{
	const char *at = (const char *)p + d->offset;
	uint64_t wide;
	uint32_t narrow;

	if (d->is_u64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static void
scalar_set(struct policy *p, const struct directive *d, uint64_t value)
{
	char *at = (char *)p + d->offset;
	uint32_t narrow = (uint32_t)value;

	if (d->is_u64)
		memcpy(at, &value, sizeof(value));
	else
		memcpy(at, &narrow, sizeof(narrow));
}

static void
apply_scalar(struct load *l, const struct directive *d, const char *value)
{
	struct policy *p = &l->draft->out;
	struct err e = ERR_INIT;
	uint64_t n, old;
	bool is_looser;

	if (l->seen_line[l->directive] != 0) {
		load_error(l, "given twice, first at line %u",
			   l->seen_line[l->directive]);
		return;
	}
	l->seen_line[l->directive] = l->entry->line;
	if (d->parse(value, &n, &e) < 0) {
		load_error(l, "%s", e.text);
		return;
	}
	if (n < d->min || n > d->max) {
		load_error(l, "%s is not within %llu..%llu%s", value,
			   (unsigned long long)d->min,
			   (unsigned long long)d->max,
			   d->parse == value_time   ? " ms"
			   : d->parse == value_size ? " bytes"
						    : "");
		return;
	}
	old = scalar_get(p, d);
	is_looser = d->looser == LOOSER_UP ? n > old : n < old;
	if (is_looser && !load_may_loosen(l, "%s is looser", value))
		return;
	scalar_set(p, d, n);
	l->draft->is_given |= UINT64_C(1) << l->directive;
}

static void
on_private_network(struct load *l, char *value)
{
	if (strcmp(value, "yes") != 0)
		load_error(l,
			   "\"%s\": the only legal value is yes, no jail "
			   "shares the network of the host",
			   value);
}

static int
directive_find(const char *key, unsigned *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(directives); i++) {
		if (strcmp(directives[i].key, key) != 0)
			continue;
		*ret = i;
		return 0;
	}
	return -1;
}

static void
apply_list(struct load *l, const struct directive *d, const char *text)
{
	owned_mem char *value = strdup(text);

	if (value == NULL)
		abort();
	l->draft->is_given |= UINT64_C(1) << l->directive;
	d->apply(l, value);
}

void
directive_apply(struct load *l, const struct text_entry *entry)
{
	const struct directive *d;

	l->entry = entry;
	if (strcmp(entry->section, "Environment") == 0) {
		directive_find("Environment", &l->directive);
		on_environment(l, entry->key, entry->value);
		return;
	}
	if (directive_find(entry->key, &l->directive) < 0 ||
	    strcmp(entry->key, "Environment") == 0) {
		diag_error(l->diag, l->path, entry->line,
			   "unknown directive %s= in [%s]", entry->key,
			   entry->section);
		return;
	}
	d = &directives[l->directive];
	if (strcmp(d->section, entry->section) != 0) {
		load_error(l, "belongs to [%s], not to [%s]", d->section,
			   entry->section);
		return;
	}
	if (d->parse != NULL)
		apply_scalar(l, d, entry->value);
	else
		apply_list(l, d, entry->value);
}

void
directive_loosens(struct load *l, const struct text_entry *entry)
{
	owned_mem char *value = strdup(entry->value);
	char *cursor = value, *word;
	unsigned index;

	if (value == NULL)
		abort();
	l->entry = entry;
	l->loosens_line = entry->line;
	while ((word = text_next_word(&cursor)) != NULL) {
		if (directive_find(word, &index) < 0)
			load_error(l, "\"%s\" is no directive", word);
		else if ((l->loosens & UINT64_C(1) << index) != 0)
			load_error(l, "%s is named twice", word);
		else
			l->loosens |= UINT64_C(1) << index;
	}
}

void
directive_check_loosened(struct load *l)
{
	uint64_t idle = l->loosens & ~l->loosened;

	for (unsigned i = 0; i < ARRAY_LEN(directives); i++)
		if ((idle & UINT64_C(1) << i) != 0)
			diag_error(l->diag, l->path, l->loosens_line,
				   "Loosens=: names %s, but nothing in this "
				   "file makes it looser",
				   directives[i].key);
}

void
directive_check_complete(const struct draft *d, const char *path,
			 struct diag *diag)
{
	for (unsigned i = 0; i < ARRAY_LEN(directives); i++) {
		if (directives[i].parse == NULL &&
		    directives[i].apply != on_private_network &&
		    directives[i].apply != on_call_filter &&
		    directives[i].apply != on_families)
			continue;
		if ((d->is_given & UINT64_C(1) << i) == 0)
			diag_error(diag, path, 0,
				   "%s= is missing in [%s]: nothing has a "
				   "default",
				   directives[i].key, directives[i].section);
	}
}
