/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_money.c - dollars as text and as micros, and the table of prices: what
 * is exact, what is refused, and with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/cost/money.h"
#include "api/cost/prices.h"
#include "supervisor/base/str.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t micros;
	} rows[] = {
		{"0", 0},
		{"10", 10000000},
		{"10.00", 10000000},
		{"0.1", 100000},
		{"0.10", 100000},
		{"0.29", 290000}, /* 0.29 * 1e6 is 289999.99 as a double */
		{"1.000001", 1000001},
		{"0.000001", 1},
		{"007.5", 7500000},
		{"18446744073708.999999", UINT64_C(18446744073708999999)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t micros = 42;

		if (money_parse(rows[i].text, UINT64_MAX, &micros) < 0)
			fail_msg("refused: %s", rows[i].text);
		assert_int_equal(micros, rows[i].micros);
	}
}

static void
test_parse_faults(void **state)
{
	static const char *const rows[] = {
		"",
		"-1",
		"+1",
		".5",
		"5.",
		" 1",
		"1 ",
		"1e3",
		"0x1",
		"1,5",
		"$1",
		"1.2.3",
		"1.-5",
		"1.0000001",
		"1.+5",
		"nan",
		"inf",
		"1_000",
		"100000000000000000000000",
		"18446744073709.6",
		"5.000001",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t micros = 42;

		/* The last one is only too much. */
		if (money_parse(rows[i],
				i + 1 < ARRAY_LEN(rows) ? UINT64_MAX
							: 5 * MONEY_DOLLAR,
				&micros) == 0)
			fail_msg("accepted: %s", rows[i]);
		assert_int_equal(micros, 42);
	}
}

static void
test_format(void **state)
{
	static const struct {
		uint64_t micros;
		const char *text;
	} rows[] = {
		{0, "$0.00"},
		{500000, "$0.50"},
		{1, "$0.000001"},
		{123000, "$0.123"},
		{10000000, "$10.00"},
		{100000000, "$100.00"},
		{UINT64_MAX, "$18446744073709.551615"},
	};
	char text[MONEY_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		money_format(rows[i].micros, text);
		assert_string_equal(text, rows[i].text);
	}
	assert_int_equal(money_add(1, 2), 3);
	assert_int_equal(money_add(UINT64_MAX, 1), UINT64_MAX);
}

static struct prices *
parse(const char *text)
{
	struct prices *prices = NULL;
	struct err e = ERR_INIT;

	if (prices_parse("p.ini", text, strlen(text), &prices, &e) < 0)
		fail_msg("%s", e.text);
	return prices;
}

static void
test_prices(void **state)
{
	struct prices *prices = parse("; a comment\r\n"
				      "[gpt-4o]\r\n"
				      "input=2.50 ; dollars\n"
				      " output = 10\n\n"
				      "# another\n"
				      "[ qwen2.5-coder:7b ]\n"
				      "output = 0\ninput = 0");
	struct price price = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(prices_find(prices, "gpt-4o", &price, &e), 0);
	assert_int_equal(price.input, 2500000);
	assert_int_equal(price.output, 10000000);
	assert_int_equal(price_of_tokens(&price, 1000, 500), 2500 + 5000);
	assert_int_equal(price_of_tokens(&price, 1, 0), 3); /* 2.5, up */
	assert_int_equal(price_of_tokens(&price, 0, 0), 0);
	assert_int_equal(price_of_tokens(&price, UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(prices_find(prices, "qwen2.5-coder:7b", &price, &e),
			 0);
	assert_int_equal(price_of_tokens(&price, 1000, 1000), 0);
	/* Not listed: never free. */
	assert_int_equal(prices_find(prices, "gpt-4", &price, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(e.text, "the model gpt-4 has no price in p.ini: "
				    "add it or a [default]");
	prices_free(prices);

	prices = parse("[default]\ninput = 1\noutput = 2\n");
	assert_int_equal(prices_find(prices, "anything", &price, &e), 0);
	assert_int_equal(price.output, 2000000);
	prices_free(prices);
	prices_free(parse("\n; nothing\n"));
}

static void
test_price_faults(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"[a]\ninput = 1\n", "p.ini:1: [a] has no output"},
		{"\n[a]\noutput = 1\n[b]\n", "p.ini:2: [a] has no input"},
		{"[a]\ninput = 1\noutput = 1\n[a]\n",
		 "p.ini:4: [a] is there already at line 1"},
		{"[a]\ninput = 1\ninput = 2\n",
		 "p.ini:3: input is there twice"},
		{"[a]\nprice = 1\n", "p.ini:2: unknown key price: input and "
				     "output are known"},
		{"[a]\ninput = free\n",
		 "p.ini:2: input must be dollars for a million tokens, such "
		 "as 2.50"},
		{"[a]\ninput =\n",
		 "p.ini:2: input must be dollars for a million tokens, such "
		 "as 2.50"},
		{"input = 1\n", "p.ini:1: input stands before the first "
				"[model]"},
		{"[a\n", "p.ini:1: a section is written [model]"},
		{"[]\n", "p.ini:1: a model's name has 1 to 95 bytes"},
		{"[a]\nhello\n",
		 "p.ini:2: expected [model], input = or output ="},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct prices *prices = NULL;

		e = ERR_INIT;
		assert_int_equal(prices_parse("p.ini", rows[i].text,
					      strlen(rows[i].text), &prices,
					      &e),
				 -1);
		assert_string_equal(e.text, rows[i].error);
		assert_null(prices);
	}
}

static void
test_price_bytes(void **state)
{
	char text[700] = "[a]\n";
	struct prices *prices = NULL;
	struct err e = ERR_INIT;

	(void)state;
	memset(text + 4, 'x', sizeof(text) - 4);
	assert_int_equal(prices_parse("p.ini", text, sizeof(text), &prices, &e),
			 -1);
	assert_string_equal(e.text, "p.ini:2: the line is longer than 639 "
				    "bytes");
	assert_int_equal(prices_parse("p.ini", "[a]\n\0", 5, &prices, &e), -1);
	assert_string_equal(e.text, "p.ini:2: a NUL byte");
	assert_int_equal(prices_load("/nonexistent/p.ini", &prices, &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/p.ini"));
}

/* The file that is installed can be read. */
static void
test_installed_prices(void **state)
{
	struct prices *prices = NULL;
	struct price price;
	struct err e = ERR_INIT;

	(void)state;
	if (prices_load("api/cost/prices.ini", &prices, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(prices_find(prices, "gpt-4o-mini", &price, &e), 0);
	assert_true(price.input > 0 && price.output > price.input);
	prices_free(prices);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_faults),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_prices),
		cmocka_unit_test(test_price_faults),
		cmocka_unit_test(test_price_bytes),
		cmocka_unit_test(test_installed_prices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
