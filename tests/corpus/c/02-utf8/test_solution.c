#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret);
long utf8_length(const char *text, size_t len);

static const struct {
	const char *name, *text;
	long length;
} cases[] = {
	{"nothing", "", 0},	     {"ascii", "abc", 3},
	{"two bytes", "grüße", 5},   {"three bytes", "日本語", 3},
	{"four bytes", "🎉!", 2},     {"overlong", "\xc0\x80", -1},
	{"surrogate", "\xed\xa0\x80", -1}, {"cut off", "\xe2\x82", -1},
};

int main(void)
{
	size_t n = sizeof(cases) / sizeof(*cases);
	int failed = 0;

	printf("TAP version 13\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		long got = utf8_length(cases[i].text, strlen(cases[i].text));
		int is_ok = got == cases[i].length;

		printf("%sok %zu - %s: %s\n", is_ok ? "" : "not ", i + 1,
		       cases[i].name, cases[i].length < 0 ? "?" : cases[i].text);
		printf("# length %ld\n", got);
		failed += !is_ok;
	}
	return failed;
}
