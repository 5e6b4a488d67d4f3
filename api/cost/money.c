/* SPDX-License-Identifier: Apache-2.0 */
/*
 * money.c - see money.h.  No floating point on the way in: 0.1 dollars are
 * 100000 micros and not nearly so.
 */
#include "api/cost/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/base/str.h"

#define DECIMALS 6
#define DIGITS_MAX 20

/* "5" after the point are 500000 micros. */
static int
parse_fraction(const char *text, uint64_t *ret)
{
	char padded[DECIMALS + 1] = "000000";

	if (text[0] == '\0' || strlen(text) > DECIMALS)
		return -1;
	for (size_t i = 0; text[i] != '\0'; i++)
		padded[i] = text[i];
	return str_to_u64(padded, MONEY_DOLLAR - 1, ret);
}

int
money_parse(const char *text, uint64_t max_micros, uint64_t *ret_micros)
{
	size_t whole_len = strcspn(text, ".");
	uint64_t whole, micros = 0;
	char digits[DIGITS_MAX + 1];

	if (whole_len == 0 || whole_len > DIGITS_MAX)
		return -1;
	memcpy(digits, text, whole_len);
	digits[whole_len] = '\0';
	if (str_to_u64(digits, UINT64_MAX / MONEY_DOLLAR - 1, &whole) < 0)
		return -1;
	if (text[whole_len] == '.' &&
	    parse_fraction(text + whole_len + 1, &micros) < 0)
		return -1;
	micros += whole * MONEY_DOLLAR;
	if (micros > max_micros)
		return -1;
	*ret_micros = micros;
	return 0;
}

void
money_format(uint64_t micros, char dst[MONEY_TEXT_SIZE])
{
	int len = snprintf(dst, MONEY_TEXT_SIZE, "$%" PRIu64 ".%06" PRIu64,
			   micros / MONEY_DOLLAR, micros % MONEY_DOLLAR);
	char *end = dst + len, *least = end - (DECIMALS - 2);

	while (end > least && end[-1] == '0')
		*--end = '\0';
}

double
money_dollars(uint64_t micros)
{
	return (double)micros / (double)MONEY_DOLLAR;
}

uint64_t
money_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}
