/* SPDX-License-Identifier: Apache-2.0 */
/*
 * money.h - dollars as whole millionths ("micros"): exact, and as text.
 */
#ifndef PC_API_COST_MONEY_H
#define PC_API_COST_MONEY_H

#include <stddef.h>
#include <stdint.h>

#define MONEY_DOLLAR UINT64_C(1000000)

/*
 * "12", "12.5", "0.000001": digits, and at most six after a point.  No sign,
 * exponent or space; nothing is rounded.  -1 if malformed or above max.
 */
int money_parse(const char *text, uint64_t max_micros, uint64_t *ret_micros);

/* "$0.50", "$0.000123": two to six decimals. */
#define MONEY_TEXT_SIZE 32
void money_format(uint64_t micros, char dst[MONEY_TEXT_SIZE]);

/* For a JSON number; exact up to some nine billion dollars. */
double money_dollars(uint64_t micros);

/* UINT64_MAX instead of an overflow. */
uint64_t money_add(uint64_t a, uint64_t b);

#endif
