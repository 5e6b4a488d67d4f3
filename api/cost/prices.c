/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prices.c - reads the price table.
 *
 * Responsible for no price being guessed: an unknown key, a model twice, a
 * price missing or misspelt is an error with file and line, and a model that
 * is not listed has no price at all rather than none to pay.
 */
#include "api/cost/prices.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/cost/money.h"
#include "api/ini.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define FILE_MAX 262144
#define MODELS_MAX 1000
#define NAME_SIZE 96
#define PRICE_MAX (UINT64_C(1000000) * MONEY_DOLLAR)
#define MILLION 1000000u

struct row {
	char model[NAME_SIZE];
	struct price price;
	bool has_input, has_output;
	unsigned line;
};

struct prices {
	char name[256]; /* of the file */
	struct row *rows;
	size_t count;
};

struct reader {
	struct ini ini;
	struct prices *prices;
};

static struct row *
find(const struct prices *prices, const char *model)
{
	for (size_t i = 0; i < prices->count; i++)
		if (strcmp(prices->rows[i].model, model) == 0)
			return &prices->rows[i];
	return NULL;
}

/* ---- reading --------------------------------------------------------- */

/* The section before is at its end: both prices must be there. */
static int
check_last(struct reader *r)
{
	const struct prices *prices = r->prices;
	const struct row *row;

	if (prices->count == 0)
		return 0;
	row = &prices->rows[prices->count - 1];
	if (row->has_input && row->has_output)
		return 0;
	r->ini.line = row->line;
	return ini_fail(&r->ini, "[%s] has no %s", row->model,
			row->has_input ? "output" : "input");
}

static int
begin_section(struct reader *r, char *text)
{
	struct prices *prices = r->prices;
	size_t len = strlen(text);
	struct row row = {.line = r->ini.line}, *grown;
	unsigned line = r->ini.line;

	if (text[len - 1] != ']')
		return ini_fail(&r->ini, "a section is written [model]");
	text[len - 1] = '\0';
	text = ini_trim(text + 1);
	if (check_last(r) < 0)
		return -1;
	r->ini.line = line;
	if (text[0] == '\0' || str_copy(row.model, sizeof(row.model), text) < 0)
		return ini_fail(&r->ini, "a model's name has 1 to %d bytes",
				NAME_SIZE - 1);
	if (find(prices, text) != NULL)
		return ini_fail(&r->ini, "[%s] is there already at line %u",
				text, find(prices, text)->line);
	if (prices->count == MODELS_MAX)
		return ini_fail(&r->ini, "more than %d models", MODELS_MAX);
	grown = reallocarray(prices->rows, prices->count + 1, sizeof(*grown));
	if (grown == NULL)
		return err_sys(r->ini.e, "read %s", prices->name);
	prices->rows = grown;
	grown[prices->count++] = row;
	return 0;
}

static int
read_key(struct reader *r, char *text)
{
	struct prices *prices = r->prices;
	struct row *row;
	bool *has, is_input;
	char *value;

	if (!ini_pair(text, &text, &value))
		return ini_fail(&r->ini,
				"expected [model], input = or output =");
	is_input = strcmp(text, "input") == 0;
	if (!is_input && strcmp(text, "output") != 0)
		return ini_fail(&r->ini,
				"unknown key %.32s: input and output are known",
				text);
	if (prices->count == 0)
		return ini_fail(&r->ini, "%s stands before the first [model]",
				text);
	row = &prices->rows[prices->count - 1];
	has = is_input ? &row->has_input : &row->has_output;
	if (*has)
		return ini_fail(&r->ini, "%s is there twice", text);
	if (money_parse(value, PRICE_MAX,
			is_input ? &row->price.input : &row->price.output) < 0)
		return ini_fail(
			&r->ini,
			"%s must be dollars for a million tokens, such as "
			"2.50",
			text);
	*has = true;
	return 0;
}

static int
read_lines(struct reader *r)
{
	const char *line;
	size_t len;

	while (ini_next(&r->ini, &line, &len)) {
		char *text = ini_line(&r->ini, line, len);
		int rc = 0;

		if (text == NULL)
			return -1;
		if (text[0] != '\0')
			rc = text[0] == '[' ? begin_section(r, text)
					    : read_key(r, text);
		if (rc < 0)
			return -1;
	}
	return check_last(r);
}

int
prices_parse(const char *name, const char *text, size_t len,
	     struct prices **ret, struct err *e)
{
	struct prices *prices = calloc(1, sizeof(*prices));
	struct reader reader = {.prices = prices,
				.ini = {.text = text, .len = len, .e = e}};

	if (prices == NULL)
		return err_sys(e, "read %s", name);
	if (str_copy(prices->name, sizeof(prices->name), name) < 0) {
		prices_free(prices);
		return err_set(e, ERR_INVALID, 0, "the path is too long");
	}
	reader.ini.file = prices->name;
	if (read_lines(&reader) < 0) {
		prices_free(prices);
		return -1;
	}
	*ret = prices;
	return 0;
}

int
prices_load(const char *path, struct prices **ret, struct err *e)
{
	owned_mem char *text = NULL;
	size_t len;

	if (fd_read_file(AT_FDCWD, path, FILE_MAX, &text, &len, e) < 0)
		return -1;
	return prices_parse(path, text, len, ret, e);
}

void
prices_free(struct prices *prices)
{
	if (prices == NULL)
		return;
	free(prices->rows);
	free(prices);
}

/* ---- asking ---------------------------------------------------------- */

int
prices_find(const struct prices *prices, const char *model, struct price *ret,
	    struct err *e)
{
	const struct row *row = find(prices, model);

	if (row == NULL)
		row = find(prices, "default");
	if (row == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "the model %.64s has no price in %s: add it or "
			       "a [default]",
			       model, prices->name);
	*ret = row->price;
	return 0;
}

uint64_t
price_of_tokens(const struct price *price, uint64_t input_tokens,
		uint64_t output_tokens)
{
	uint64_t input, output, sum;

	if (__builtin_mul_overflow(price->input, input_tokens, &input) ||
	    __builtin_mul_overflow(price->output, output_tokens, &output) ||
	    __builtin_add_overflow(input, output, &sum))
		return UINT64_MAX;
	return sum / MILLION + (sum % MILLION > 0);
}
