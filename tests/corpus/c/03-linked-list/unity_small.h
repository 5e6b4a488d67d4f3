/* As much of Unity's output as these tests need. */
#ifndef UNITY_SMALL_H
#define UNITY_SMALL_H
#include <setjmp.h>
#include <stdio.h>

static unsigned tests_run, tests_failed, tests_ignored;
static jmp_buf test_end;
static const char *test_name;
static int test_line;

#define TEST_FAIL_MESSAGE(text)                                                \
	do {                                                                   \
		printf("%s:%d:%s:FAIL: %s\n", __FILE__, __LINE__, test_name,   \
		       text);                                                  \
		tests_failed++;                                                \
		longjmp(test_end, 1);                                          \
	} while (0)
#define TEST_IGNORE_MESSAGE(text)                                              \
	do {                                                                   \
		printf("%s:%d:%s:IGNORE: %s\n", __FILE__, __LINE__, test_name, \
		       text);                                                  \
		tests_ignored++;                                               \
		longjmp(test_end, 1);                                          \
	} while (0)
#define TEST_ASSERT(condition)                                                 \
	do {                                                                   \
		if (!(condition))                                              \
			TEST_FAIL_MESSAGE("Expression Evaluated To FALSE");    \
	} while (0)
#define TEST_ASSERT_EQUAL_INT(a, b)                                            \
	do {                                                                   \
		long long want_ = (a), got_ = (b);                             \
		char text_[80];                                                \
		snprintf(text_, sizeof(text_), "Expected %lld Was %lld",       \
			 want_, got_);                                         \
		if (want_ != got_)                                             \
			TEST_FAIL_MESSAGE(text_);                              \
	} while (0)
#define RUN_TEST(function)                                                     \
	do {                                                                   \
		test_name = #function;                                         \
		test_line = __LINE__;                                          \
		tests_run++;                                                   \
		if (setjmp(test_end) == 0) {                                   \
			function();                                            \
			printf("%s:%d:%s:PASS\n", __FILE__, test_line,         \
			       test_name);                                     \
		}                                                              \
	} while (0)
#define UNITY_END()                                                            \
	(printf("\n-----------------------\n%u Tests %u Failures %u Ignored "  \
		"\n%s\n",                                                      \
		tests_run, tests_failed, tests_ignored,                        \
		tests_failed ? "FAIL" : "OK"),                                 \
	 (int)tests_failed)
#endif
