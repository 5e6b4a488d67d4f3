/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_show.c - records for a person.  Their strings are printed as JSON
 * strings in ASCII: a record never drives the terminal or breaks its line.
 */
#include <stdio.h>
#include <string.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/audit.h"
#include "tools/promptcraft/cli.h"

#define COMPACT                                                                \
	(JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT |                  \
	 JSON_PRESERVE_ORDER)

static void
print_value(const json_t *value)
{
	if (value == NULL || json_dumpf(value, stdout, COMPACT) < 0)
		fputs("?", stdout);
}

static bool
is_empty(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0) ||
	       ((json_is_array(value) || json_is_object(value)) &&
		json_array_size(value) + json_object_size(value) == 0);
}

static void
print_field(const json_t *record, const char *key)
{
	const json_t *value = json_object_get(record, key);

	if (is_empty(value))
		return;
	printf(" %s=", key);
	/* Our own words need no quotes; what others chose has them. */
	if (json_is_string(value) && str_is_name(json_string_value(value), 64))
		fputs(json_string_value(value), stdout);
	else
		print_value(value);
}

static const struct {
	const char *type;
	const char *keys[8];
} brief[] = {
	{"job_begin", {"job_id", "policy", "runtime", "actor_claimed"}},
	{"job",
	 {"job_id", "policy", "runtime", "actor_claimed", "outcome", "reason",
	  "exit_code", "error"}},
	{"refusal", {"job_id", "policy", "kind", "error"}},
	{"refusals", {"peer_uid", "count", "seconds", "kinds"}},
	{"supervisor_start", {"version", "pid", "jobs_lost", "lost"}},
	{"supervisor_stop", {"pid", "jobs_left"}},
	{"log_open", {"file", "records_before", "log"}},
	{"repaired", {"bytes", "kept_in"}},
	{"release",
	 {"workflow", "shown_sha256", "manifest_sha256", "policy",
	  "actor_claimed", "approvals_claimed", "attempt_claimed"}},
	{"release_refused", {"workflow", "policy", "kind", "error"}},
};

static enum cli_style
style_of(const char *type, const json_t *record)
{
	const char *outcome = cli_json_string(record, "outcome", "");

	if (strncmp(type, "refusal", 7) == 0 || strcmp(type, "repaired") == 0 ||
	    strcmp(type, "release_refused") == 0)
		return CLI_WARN;
	if (strcmp(type, "release") == 0)
		return CLI_GOOD;
	if (strcmp(type, "job") != 0)
		return CLI_DIM;
	return strcmp(outcome, "exited") == 0 ? CLI_GOOD : CLI_BAD;
}

void
audit_print_line(const struct cli *cli, const json_t *record)
{
	const char *type = cli_json_string(record, "type", "?");
	char word[32];

	printf("%-7lld ",
	       (long long)json_integer_value(json_object_get(record, "seq")));
	print_value(json_object_get(record, "time"));
	str_quote(word, sizeof(word), type, strlen(type));
	cli_styled(cli, style_of(type, record), " %s",
		   str_is_name(type, 24) ? type : word);
	for (size_t i = 0; i < ARRAY_LEN(brief); i++) {
		if (strcmp(type, brief[i].type) != 0)
			continue;
		for (size_t k = 0;
		     k < ARRAY_LEN(brief[i].keys) && brief[i].keys[k] != NULL;
		     k++)
			print_field(record, brief[i].keys[k]);
	}
	putchar('\n');
}

static void
print_denials(const json_t *denials)
{
	const json_t *d;
	size_t i;

	json_array_foreach(json_object_get(denials, "first"), i, d)
	{
		printf("  %16s ", "");
		print_value(json_object_get(d, "call"));
		printf(" x%lld\n", (long long)json_integer_value(
					   json_object_get(d, "count")));
	}
}

void
audit_print_record(const struct cli *cli, const json_t *record)
{
	const char *key;
	json_t *value;

	cli_styled(
		cli, CLI_BOLD, "record %lld\n",
		(long long)json_integer_value(json_object_get(record, "seq")));
	json_object_foreach((json_t *)(uintptr_t)record, key, value)
	{
		char name[64];

		if (strcmp(key, "seq") == 0 || strcmp(key, "prev") == 0 ||
		    strcmp(key, "hash") == 0 || strcmp(key, "sig") == 0)
			continue;
		str_quote(name, sizeof(name), key, strlen(key));
		printf("  %-16s ", str_is_name(key, 40) ? key : name);
		if (strcmp(key, "denials") == 0) {
			printf("%lld ",
			       (long long)json_integer_value(
				       json_object_get(value, "total")));
			print_value(json_object_get(value, "calls"));
			putchar('\n');
			print_denials(value);
			continue;
		}
		print_value(value);
		putchar('\n');
	}
}
