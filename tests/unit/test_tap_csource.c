/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the C runtime sees in a source file, and how harnesses read a job.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jail/runtimes/common/csource.h"
#include "jail/runtimes/common/gate.h"

static const struct {
	const char *text;
	bool defines_main;
} mains[] = {
	{"int main(void) { return 0; }", true},
	{"int\nmain (int argc, char **argv)\n{\n}\n", true},
	{"main() {}", true},
	{"/* a */ int /* b */ main /* c */ (void) // d\n{}", true},
	{"int f(void) { return '}'; }\nint main(void) {}", true},
	{"const char *s = \"{\"; int main(void) {}", true},
	{"#define X {\nint main(void) {}", true},
	{"#define X \\\n{\nint main(void) {}", true},
	{"struct s { int main; };\nint main(void) {}", true},
	{"int main(int argc, char *argv[])\n{\n\treturn f(\n", true},
	{"int main(void);", false},
	{"int main2(void) {}", false},
	{"int domain(void) {}", false},
	{"/* int main(void) {} */", false},
	{"// int main(void) {}", false},
	{"// \\\nint main(void) {}", false},
	{"char s[] = \"int main(void) {}\";", false},
	{"int f(void) { main(); }", false},
	{"int f(int main(void)) {}", false},
	{"#define main(x) {}", false},
	{"int main = 3; int f(void) {}", false},
	{"", false},
	{"/*", false},
	{"\"", false},
	{"'", false},
	{"#", false},
	{"\\", false},
	{"//\\", false},
	{"/", false},
};

static void
test_main(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mains) / sizeof(*mains); i++) {
		size_t len = strlen(mains[i].text);
		char *copy = test_malloc(len ? len : 1);
		struct csource found;

		memcpy(copy, mains[i].text, len);
		csource_scan(copy, len, &found);
		print_message("%s\n", mains[i].text);
		assert_int_equal(found.defines_main, mains[i].defines_main);
		test_free(copy);
	}
}

static void
test_includes(void **state)
{
	static const char text[] = "#include <stdio.h>\n"
				   "  #  include \"solution.c\"\n"
				   "#include\t\"../lib/x.c\" // y\n"
				   "#include <not-own.c>\n"
				   "// #include \"comment.c\"\n"
				   "#include \"header.h\"\n"
				   "int x; #include \"late.c\"\n"
				   "#include \"open.c\n";
	static const char *const want[] = {"solution.c", "../lib/x.c"};
	struct csource found;

	(void)state;
	csource_scan(text, strlen(text), &found);
	assert_int_equal(found.c_includes_len, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(found.c_includes[i].len, strlen(want[i]));
		assert_memory_equal(found.c_includes[i].path, want[i],
				    strlen(want[i]));
	}
	assert_false(found.includes_cmocka);
	csource_scan("#include <cmocka.h>\n", 20, &found);
	assert_true(found.includes_cmocka);
	csource_scan("#include \"cmocka.h\"\n", 20, &found);
	assert_true(found.includes_cmocka);
	csource_scan("#include <mycmocka.h>", 21, &found);
	assert_false(found.includes_cmocka);
}

static int
parse(const char *bytes, size_t len, struct harness_job *job)
{
	struct err e = ERR_INIT;
	char *text = calloc(1, len + 1);

	memcpy(text, bytes, len);
	return harness_job_parse(text, len, job, &e);
}

static void
test_job(void **state)
{
	static const char good[] = "mode=test\0code=a=b.c\0tests=t.c\0"
				   "arg=\0arg=x=y\0other=1";
	struct harness_job job;

	(void)state;
	assert_int_equal(parse(good, sizeof(good), &job), 0);
	assert_true(job.is_test);
	assert_string_equal(job.code, "a=b.c");
	assert_string_equal(job.tests, "t.c");
	assert_int_equal(job.args_len, 2);
	assert_string_equal(job.args[0], "");
	assert_string_equal(job.args[1], "x=y");
	assert_null(job.args[2]);
	harness_job_done(&job);
	assert_int_equal(parse("mode=run\0code=a", 16, &job), 0);
	assert_false(job.is_test);
	harness_job_done(&job);

	assert_int_equal(parse("mode=test\0code=a", 17, &job), -1);
	assert_int_equal(parse("mode=run", 9, &job), -1);
	assert_int_equal(parse("mode", 5, &job), -1);
	assert_int_equal(parse("", 0, &job), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_main),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
