/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prices.h - what models cost: an ini file with a section for each model.
 *
 *	[gpt-4o-mini]
 *	input = 0.15	; dollars for a million tokens
 *	output = 0.60
 *	[default]	; any model that is not listed; may be left out
 */
#ifndef PC_API_COST_PRICES_H
#define PC_API_COST_PRICES_H

#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

/* Micros for a million tokens. */
struct price {
	uint64_t input, output;
};

struct prices;

/* Errors say file and line. */
int prices_load(const char *path, struct prices **ret, struct err *e);
/* The same of a text; name stands for the file in errors. */
int prices_parse(const char *name, const char *text, size_t len,
		 struct prices **ret, struct err *e);
void prices_free(struct prices *prices); /* NULL is ignored */

/*
 * The model's own price or that of [default]; ERR_NOT_FOUND naming the file if
 * there is neither.  A model is free only if the file says 0.
 */
int prices_find(const struct prices *prices, const char *model,
		struct price *ret, struct err *e);

/* Rounded up to the next micro; UINT64_MAX for what no number can tell. */
uint64_t price_of_tokens(const struct price *price, uint64_t input_tokens,
			 uint64_t output_tokens);

#endif
