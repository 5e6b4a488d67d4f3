/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.c - see show.h.
 */
#include "tools/promptcraft/show.h"

#include <string.h>

#include "supervisor/base/str.h"

#define DENIALS_SHOWN 8

static const struct {
	const char *word;
	enum cli_style style;
} word_styles[] = {
	{"passed", CLI_GOOD},	 {"completed", CLI_GOOD},
	{"failed", CLI_BAD},	 {"error", CLI_BAD},
	{"timeout", CLI_WARN},	 {"killed", CLI_WARN},
	{"cancelled", CLI_WARN}, {"waiting_approval", CLI_WARN},
};

enum cli_style
show_style(const char *outcome)
{
	for (size_t i = 0; i < ARRAY_LEN(word_styles); i++)
		if (strcmp(word_styles[i].word, outcome) == 0)
			return word_styles[i].style;
	return CLI_PLAIN;
}

static json_int_t
get_integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static double
get_number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

void
show_counts(const json_t *tests, char *dst, size_t size)
{
	static const struct {
		const char *key, *word;
	} kinds[] = {
		{"passed", "passed"},
		{"failed", "failed"},
		{"errors", "with errors"},
		{"skipped", "skipped"},
	};
	size_t used = 0;
	dst[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		json_int_t n = get_integer(tests, kinds[i].key);
		if (n == 0 && (i > 0 || !json_is_object(tests)))
			continue;
		if (str_printf(dst + used, size - used, "%s%lld %s",
			       used > 0 ? ", " : "", (long long)n,
			       kinds[i].word) == -1)
			return;
		used += strlen(dst + used);
	}
}

static void
show_usage(const json_t *usage)
{
	if (!json_is_object(usage))
		return;
	printf("  usage    %.0f ms wall, %.0f ms CPU, %.1f MiB memory peak, "
	       "jail ready in %.1f ms\n",
	       get_number(usage, "wall_ms"), get_number(usage, "cpu_ms"),
	       get_number(usage, "memory_peak_bytes") / 1048576,
	       get_number(usage, "prepare_ms"));
}

static void
show_denials(const struct cli *cli, const json_t *data)
{
	const json_t *denials = json_object_get(data, "denials");
	json_int_t total = get_integer(data, "denials_total");
	size_t i;
	const json_t *d;
	if (json_array_size(denials) == 0)
		return;
	cli_styled(cli, CLI_WARN, "  denied   ");
	json_array_foreach(denials, i, d)
	{
		if (i == DENIALS_SHOWN)
			break;
		printf("%s%s", i > 0 ? ", " : "",
		       cli_json_string(d, "call", "?"));
		json_int_t count = get_integer(d, "count");
		if (count > 1)
			printf(" x%lld", (long long)count);
	}
	printf(" (%lld in all)\n", (long long)total);
}

static void
show_ending(const struct cli *cli, const json_t *data)
{
	const char *outcome = cli_json_string(data, "outcome", "unknown");
	const char *reason = cli_json_string(data, "reason", NULL);
	const json_t *code = json_object_get(data, "exit_code");
	const json_t *signal = json_object_get(data, "signal");
	printf("  outcome  ");
	cli_styled(cli, show_style(outcome), "%s", outcome);
	if (reason != NULL)
		printf(" (reason: %s)", reason);
	if (json_is_integer(code))
		printf(", exit code %lld", (long long)json_integer_value(code));
	if (json_is_integer(signal))
		printf(", signal %lld", (long long)json_integer_value(signal));
	putchar('\n');
	const char *error = cli_json_string(data, "error", NULL);
	if (error != NULL) {
		printf("  error    ");
		cli_print_untrusted(stdout, error, strlen(error));
		putchar('\n');
	}
}

void
show_job_summary(const struct cli *cli, const json_t *data)
{
	char counts[128];
	show_ending(cli, data);
	show_counts(json_object_get(data, "tests"), counts, sizeof(counts));
	if (counts[0] != '\0')
		printf("  tests    %s\n", counts);
	show_usage(json_object_get(data, "usage"));
	const json_t *policy = json_object_get(data, "policy");
	if (json_is_object(policy))
		printf("  policy   %s, sha256 %s\n",
		       cli_json_string(policy, "name", "?"),
		       cli_json_string(policy, "sha256", "(never started)"));
	show_denials(cli, data);
}

void
show_failed_tests(const struct cli *cli, const json_t *tests, size_t max)
{
	size_t i, shown = 0;
	const json_t *c;
	json_array_foreach(json_object_get(tests, "cases"), i, c)
	{
		const char *outcome = cli_json_string(c, "outcome", "");
		if (strcmp(outcome, "passed") == 0 ||
		    strcmp(outcome, "skipped") == 0)
			continue;
		if (shown++ == max) {
			printf("  ...\n");
			return;
		}
		const char *name = cli_json_string(c, "test", "?");
		const char *message = cli_json_string(c, "message", "");
		cli_styled(cli, CLI_BAD, "  %-7s", outcome);
		putchar(' ');
		cli_print_untrusted(stdout, name, strlen(name));
		size_t line = strcspn(message, "\n");
		if (line > 0) {
			printf(": ");
			cli_print_untrusted(stdout, message, line);
		}
		putchar('\n');
	}
}

/* ---- workflows ------------------------------------------------------- */

static void
show_steps(const struct cli *cli, const json_t *steps)
{
	size_t i;
	const json_t *s;
	json_array_foreach(steps, i, s)
	{
		const char *status = cli_json_string(s, "status", "?");
		const char *text = cli_json_string(s, "description", "");
		const char *error = cli_json_string(s, "error", NULL);
		printf("  %2zu. ", i + 1);
		cli_styled(cli, show_style(status), "%-10s", status);
		putchar(' ');
		cli_print_untrusted(stdout, text, strlen(text));
		if (error != NULL) {
			printf(": ");
			cli_print_untrusted(stdout, error, strlen(error));
		}
		putchar('\n');
	}
}

static void
show_artifacts(const json_t *artifacts)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)artifacts, key, value)
	{
		if (json_is_string(value))
			printf("  artifact %s: %zu bytes\n", key,
			       json_string_length(value));
		else if (!json_is_null(value))
			printf("  artifact %s\n", key);
	}
}

void
show_workflow(const struct cli *cli, const json_t *data)
{
	const char *status = cli_json_string(data, "status", "?");
	char counts[128];
	printf("workflow %s ", cli_json_string(data, "workflow_id", "?"));
	cli_styled(cli, show_style(status), "%s", status);
	printf(" (%.0f%%)\n", get_number(data, "progress_percentage"));
	const char *goal = cli_json_string(data, "goal", NULL);
	if (goal != NULL) {
		printf("  goal     ");
		cli_print_untrusted(stdout, goal, strlen(goal));
		putchar('\n');
	}
	const char *error = cli_json_string(data, "error", NULL);
	if (error != NULL) {
		printf("  error    ");
		cli_print_untrusted(stdout, error, strlen(error));
		putchar('\n');
	}
	show_steps(cli, json_object_get(data, "execution_plan"));
	const json_t *artifacts = json_object_get(data, "artifacts");
	const json_t *tests = json_object_get(
		json_object_get(artifacts, "test_results"), "tests");
	show_counts(tests, counts, sizeof(counts));
	if (counts[0] != '\0')
		printf("  tests    %s\n", counts);
	show_failed_tests(cli, tests, 10);
	show_artifacts(artifacts);
}
