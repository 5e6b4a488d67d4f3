/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - command lines by table: getopt_long fed from struct cli_option,
 * and --help made from the same table, so the two cannot disagree.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/base/str.h"
#include "tools/promptcraft/cli.h"

#define OPTIONS_MAX 32

struct option_set {
	const struct cli_option *option[OPTIONS_MAX];
	size_t len;
};

/* The letter that stands for option i; 0 if there is none. */
static char
letter_of(const struct cli_command *self, const struct option_set *set,
	  size_t i)
{
	char letter = set->option[i]->name[0];

	if (self->letters == NULL || strchr(self->letters, letter) == NULL)
		return '\0';
	for (size_t k = 0; k < i; k++)
		if (set->option[k]->name[0] == letter)
			return '\0';
	return letter;
}

static void
print_help(const struct cli_command *self, const struct option_set *set)
{
	printf("usage: promptcraft %s [OPTION...]%s%s\n\n%s.\n\n", self->name,
	       self->operands[0] != '\0' ? " " : "", self->operands,
	       self->summary);
	for (size_t i = 0; i < set->len; i++) {
		const struct cli_option *o = set->option[i];
		char left[48], one[8] = "";
		if (letter_of(self, set, i) != '\0')
			(void)str_printf(one, sizeof(one), "-%c, ", o->name[0]);
		if (str_printf(left, sizeof(left), "%s--%s%s%s", one, o->name,
			       o->metavar != NULL ? " " : "",
			       o->metavar != NULL ? o->metavar : "") == -1)
			continue;
		printf("  %-22s %s\n", left, o->help);
	}
	printf("  %-22s %s\n", "--help", "this text");
	if (self->details[0] != '\0')
		printf("\n%s\n", self->details);
}

static int
wrong_usage(const struct cli_command *self, const char *what, const char *which)
{
	fprintf(stderr,
		"promptcraft: %s%s\nusage: promptcraft %s [OPTION...]%s%s "
		"(--help says more)\n",
		what, which, self->name, self->operands[0] != '\0' ? " " : "",
		self->operands);
	return CLI_USAGE;
}

/* -1: stored; else the exit status. */
static int
store_value(const struct cli_command *self, const struct cli_option *o,
	    const char *text)
{
	switch (o->type) {
	case CLI_FLAG:
		*(bool *)o->value = true;
		return -1;
	case CLI_STRING:
		*(const char **)o->value = text;
		return -1;
	case CLI_UINT:
		if (str_to_u64(text, o->max, o->value) == 0)
			return -1;
		return wrong_usage(self, "not a number in range: --", o->name);
	case CLI_LIST: {
		struct cli_list *list = o->value;
		if (list->len == ARRAY_LEN(list->item))
			return wrong_usage(self, "given too often: --",
					   o->name);
		list->item[list->len++] = text;
		return -1;
	}
	}
	return wrong_usage(self, "unknown kind of option: --", o->name);
}

static int
check_operands(const struct cli_command *self, int count, int min, int max)
{
	if (count < min)
		return wrong_usage(self,
				   "something is missing: ", self->operands);
	if (count > max)
		return wrong_usage(self, "too many arguments", "");
	return -1;
}

static bool
has_option(const struct option_set *set, const char *name)
{
	for (size_t i = 0; i < set->len; i++)
		if (strcmp(set->option[i]->name, name) == 0)
			return true;
	return false;
}

/* A command's own option comes before a common one of the same name. */
static void
collect_options(struct option_set *set, const struct cli_option *options,
		size_t len)
{
	for (size_t i = 0; i < len && set->len < OPTIONS_MAX; i++)
		if (!has_option(set, options[i].name))
			set->option[set->len++] = &options[i];
}

static int
parse_all(const struct cli_command *self, const struct option_set *set,
	  int argc, char **argv)
{
	enum { HELP = 1000 };
	struct option longs[OPTIONS_MAX + 2] = {{0}};
	char letters[2 * OPTIONS_MAX + 3] = ":h", *end = letters + 2;
	for (size_t i = 0; i < set->len; i++) {
		if (letter_of(self, set, i) != '\0') {
			*end++ = set->option[i]->name[0];
			if (set->option[i]->type != CLI_FLAG)
				*end++ = ':';
		}
		longs[i] = (struct option){
			.name = set->option[i]->name,
			.has_arg = set->option[i]->type == CLI_FLAG
					   ? no_argument
					   : required_argument,
			.val = (int)i,
		};
	}
	*end = '\0';
	longs[set->len] = (struct option){"help", no_argument, NULL, HELP};
	optind = 0;
	for (;;) {
		int which = getopt_long(argc, argv, letters, longs, NULL);
		int status = -1;
		for (size_t i = 0; i < set->len && which >= '0'; i++)
			if (which == letter_of(self, set, i))
				which = (int)i;
		if (which == -1)
			return -1;
		if (which == HELP || which == 'h') {
			print_help(self, set);
			return CLI_OK;
		}
		if (which == '?' || which == ':')
			status = wrong_usage(self,
					     which == '?'
						     ? "no such option: "
						     : "a value is missing: ",
					     argv[optind - 1]);
		else
			status = store_value(self, set->option[which], optarg);
		if (status >= 0)
			return status;
	}
}

int
cli_parse(struct cli *cli, const struct cli_command *self,
	  const struct cli_option *options, size_t options_len, int argc,
	  char **argv, int min, int max, int *ret_first)
{
	const char *socket = NULL;
	const struct cli_option common[] = {
		{"url", "URL", "the API (PROMPTCRAFT_URL)", CLI_STRING,
		 &cli->url, 0},
		{"token", "TOKEN", "better: PROMPTCRAFT_TOKEN", CLI_STRING,
		 &cli->token, 0},
		{"socket", "PATH",
		 "the supervisor (PROMPTCRAFT_SUPERVISOR_SOCKET)", CLI_STRING,
		 &socket, 0},
		{"state-dir", "DIR", "of the API (PROMPTCRAFT_STATE_DIR)",
		 CLI_STRING, &cli->state_dir, 0},
		{"json", NULL, "print JSON for programs", CLI_FLAG,
		 &cli->is_json, 0},
		{"progress", NULL, "show progress though stderr is no terminal",
		 CLI_FLAG, &cli->has_progress, 0},
	};
	struct option_set set = {0};
	collect_options(&set, options, options_len);
	collect_options(&set, common, ARRAY_LEN(common));
	int status = parse_all(self, &set, argc, argv);
	if (status >= 0)
		return status;
	if (socket != NULL) {
		cli->socket = socket;
		cli->is_socket_named = true;
	}
	*ret_first = optind;
	return check_operands(self, argc - optind, min, max);
}
