#include <stdio.h>

#include "tokens.h"

static int tests, failures;

#define CHECK(name, condition)                                                 \
	do {                                                                   \
		tests++;                                                       \
		if (condition)                                                 \
			printf(__FILE__ ":%d:%s:PASS\n", __LINE__, name);      \
		else {                                                         \
			failures++;                                            \
			printf(__FILE__ ":%d:%s:FAIL: %s\n", __LINE__, name,   \
			       #condition);                                    \
		}                                                              \
	} while (0)

int main(void)
{
	struct token t[8];

	CHECK("test_assignment", tokenize("x1 = 3.14 * y;", t, 8) == 6 &&
	      t[0].kind == TOKEN_WORD && t[2].kind == TOKEN_NUMBER && t[2].len == 4);
	CHECK("test_string", tokenize("say \"a \\\" b\"", t, 8) == 2 && t[1].len == 8);
	CHECK("test_open_string", tokenize("\"abc", t, 8) == -1);
	CHECK("test_too_many", tokenize("1 2 3", t, 2) == -1);
	printf("\n-----------------------\n%d Tests %d Failures 0 Ignored \n%s\n",
	       tests, failures, failures ? "FAIL" : "OK");
	return failures;
}
