/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundle format: round trips, every rule of bundle.h as a row, truncation
 * at each byte, and random mutations whose results must still obey the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jail/bundle.h"
#include "supervisor/base/str.h"

#define MUTATIONS 200000
#define WRITER_MAX (1u << 20)

static void
add(struct bundle_writer *w, enum bundle_kind kind, const char *path,
    const void *data, size_t len)
{
	struct err e = ERR_INIT;

	assert_int_equal(
		bundle_writer_add(w, kind, BUNDLE_OK, path, data, len, &e), 0);
}

static void
make_sample(struct bundle_writer *w)
{
	static const char manifest[] = "mode=test\0code=a.py\0tests=t/b.py";

	bundle_writer_init(w, WRITER_MAX);
	add(w, BUNDLE_MANIFEST, "", manifest, sizeof(manifest));
	add(w, BUNDLE_FILE, "a.py", "print(1)\n", 9);
	add(w, BUNDLE_FILE, "t/b.py", "", 0);
	add(w, BUNDLE_FILE, "t/\xc3\xa4 name", "\0\xff", 2);
	add(w, BUNDLE_COLLECT, "out/result.json", NULL, 0);
}

/* How many entries can be read; -1 if the bytes are refused. */
static int
count_entries(const void *bytes, size_t len, struct err *e)
{
	struct bundle_reader r;
	struct bundle_entry entry;
	int count = 0, more;

	if (bundle_reader_init(&r, bytes, len, e) < 0)
		return -1;
	while ((more = bundle_reader_next(&r, &entry, e)) == 1)
		count++;
	return more < 0 ? -1 : count;
}

static void
test_round_trip(void **state)
{
	static const struct {
		enum bundle_kind kind;
		const char *path;
		size_t len;
	} want[] = {
		{BUNDLE_MANIFEST, "", 33},
		{BUNDLE_FILE, "a.py", 9},
		{BUNDLE_FILE, "t/b.py", 0},
		{BUNDLE_FILE, "t/\xc3\xa4 name", 2},
		{BUNDLE_COLLECT, "out/result.json", 0},
	};
	struct bundle_writer w;
	struct bundle_reader r;
	struct bundle_entry entry;
	struct err e = ERR_INIT;

	(void)state;
	make_sample(&w);
	assert_int_equal(bundle_reader_init(&r, w.data, w.len, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(bundle_reader_next(&r, &entry, &e), 1);
		assert_int_equal(entry.kind, want[i].kind);
		assert_string_equal(entry.path, want[i].path);
		assert_int_equal(entry.len, want[i].len);
	}
	assert_int_equal(bundle_reader_next(&r, &entry, &e), 0);
	bundle_writer_done(&w);
}

static void
test_collected_statuses(void **state)
{
	struct bundle_writer w;
	struct bundle_reader r;
	struct bundle_entry entry;
	struct err e = ERR_INIT;

	(void)state;
	bundle_writer_init(&w, WRITER_MAX);
	for (int s = BUNDLE_OK; s < BUNDLE_STATUS_COUNT; s++)
		assert_int_equal(bundle_writer_add(&w, BUNDLE_FILE,
						   (enum bundle_status)s, "f",
						   NULL, 0, &e),
				 0);
	assert_int_equal(bundle_reader_init(&r, w.data, w.len, &e), 0);
	for (int s = BUNDLE_OK; s < BUNDLE_STATUS_COUNT; s++) {
		assert_int_equal(bundle_reader_next(&r, &entry, &e), 1);
		assert_int_equal(entry.status, s);
	}
	bundle_writer_done(&w);
}

static void
test_paths(void **state)
{
	static const struct {
		const char *path;
		size_t len;
		bool is_allowed;
	} rows[] = {
		{"a", 1, true},		  {"a/b/c.txt", 9, true},
		{"...", 3, true},	  {"..a/.b", 6, true},
		{"a b\xc3\xa4", 5, true}, {"", 0, false},
		{"/", 1, false},	  {"/etc/passwd", 11, false},
		{"a/", 2, false},	  {"a//b", 4, false},
		{".", 1, false},	  {"..", 2, false},
		{"./a", 3, false},	  {"a/../b", 6, false},
		{"a/..", 4, false},	  {"a/./b", 5, false},
		{"a\0b", 3, false},	  {"a\nb", 3, false},
		{"a\x7f", 2, false},	  {"\x1b[0m", 4, false},
	};
	char longest[BUNDLE_PATH_MAX + 1];
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
			bundle_path_check(rows[i].path, rows[i].len, &e) == 0,
			rows[i].is_allowed);
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(bundle_path_check(longest, BUNDLE_PATH_MAX, &e), 0);
	assert_int_equal(bundle_path_check(longest, BUNDLE_PATH_MAX + 1, &e),
			 -1);
}

#define HEAD(n) "PCB1" n "\0\0\0"
#define ENTRY(kind, status, path_len, len)                                     \
	kind status path_len "\0" len "\0\0\0"
#define ROW(bytes, text)                                                       \
	{                                                                      \
		bytes, sizeof(bytes) - 1, text                                 \
	}

static void
test_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text; /* NULL: well-formed */
	} rows[] = {
		ROW(HEAD("\0"), NULL),
		ROW(HEAD("\1") ENTRY("\2", "\0", "\1", "\1") "ax", NULL),
		ROW("", "not a bundle"),
		ROW("PCB2\0\0\0\0", "not a bundle"),
		ROW("PCB1\0\0\0", "not a bundle"),
		ROW("PCB1\1\4\0\0", "more than"),
		ROW("PCB1\xff\xff\xff\xff", "more than"),
		ROW(HEAD("\0") "x", "bytes after"),
		ROW(HEAD("\1"), "truncated"),
		ROW(HEAD("\2") ENTRY("\2", "\0", "\1", "\0") "a", "truncated"),
		ROW(HEAD("\1") "\2\0\1\0\xff\xff\xff\xff"
			       "a",
		    "truncated"),
		ROW(HEAD("\1") "\2\0\xff\xff\0\0\0\0a", "truncated"),
		ROW(HEAD("\1") ENTRY("\0", "\0", "\1", "\0") "a", "kind"),
		ROW(HEAD("\1") ENTRY("\4", "\0", "\1", "\0") "a", "kind"),
		ROW(HEAD("\1") ENTRY("\2", "\5", "\1", "\0") "a", "status"),
		ROW(HEAD("\1") ENTRY("\2", "\1", "\1", "\1") "ax", "status"),
		ROW(HEAD("\1") ENTRY("\3", "\1", "\1", "\0") "a", "status"),
		ROW(HEAD("\1") ENTRY("\3", "\0", "\1", "\1") "ax", "data"),
		ROW(HEAD("\1") ENTRY("\1", "\0", "\1", "\0") "a", "manifest"),
		ROW(HEAD("\2") ENTRY("\1", "\0", "\0", "\0")
			    ENTRY("\1", "\0", "\0", "\0"),
		    "manifest"),
		ROW(HEAD("\1") ENTRY("\2", "\0", "\0", "\0"), "empty"),
		ROW(HEAD("\1") ENTRY("\2", "\0", "\2", "\0") "..", "component"),
		ROW(HEAD("\1") ENTRY("\2", "\0", "\2", "\0") "/a", "absolute"),
		ROW(HEAD("\1") ENTRY("\3", "\0", "\2", "\0") "a\0", "control"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		int n = count_entries(rows[i].bytes, rows[i].len, &e);

		if (rows[i].text == NULL) {
			assert_true(n >= 0);
			continue;
		}
		assert_int_equal(n, -1);
		assert_non_null(strstr(e.text, rows[i].text));
	}
}

static void
test_large_manifest(void **state)
{
	static unsigned char data[BUNDLE_MANIFEST_MAX + 1];
	struct bundle_writer w;
	struct err e = ERR_INIT;

	(void)state;
	bundle_writer_init(&w, WRITER_MAX);
	assert_int_equal(bundle_writer_add(&w, BUNDLE_MANIFEST, BUNDLE_OK, "",
					   data, sizeof(data), &e),
			 -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	bundle_writer_done(&w);
}

static void
test_writer_refuses(void **state)
{
	struct bundle_writer w;
	struct err e = ERR_INIT;

	(void)state;
	bundle_writer_init(&w, 30);
	add(&w, BUNDLE_FILE, "a", "0123456789", 10);
	assert_int_equal(w.len, 27);
	assert_int_equal(
		bundle_writer_add(&w, BUNDLE_FILE, BUNDLE_OK, "b", "", 0, &e),
		-1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(bundle_writer_add(&w, BUNDLE_FILE, BUNDLE_OK, "../b",
					   "", 0, &e),
			 -1);
	assert_int_equal(e.kind, ERR_INVALID);
	/* What a failed add leaves behind is still a bundle. */
	assert_int_equal(count_entries(w.data, w.len, &e), 1);
	bundle_writer_done(&w);
}

static void
test_too_many_entries(void **state)
{
	struct bundle_writer w;
	struct err e = ERR_INIT;

	(void)state;
	bundle_writer_init(&w, WRITER_MAX);
	for (int i = 0; i < BUNDLE_ENTRIES_MAX; i++)
		add(&w, BUNDLE_FILE, "a", "", 0);
	assert_int_equal(
		bundle_writer_add(&w, BUNDLE_FILE, BUNDLE_OK, "a", "", 0, &e),
		-1);
	assert_int_equal(e.kind, ERR_LIMIT);
	assert_int_equal(count_entries(w.data, w.len, &e), BUNDLE_ENTRIES_MAX);
	bundle_writer_done(&w);
}

/* In a block of its exact size, so that a sanitizer sees any overrun. */
static void
test_truncated_everywhere(void **state)
{
	struct bundle_writer w;
	struct err e = ERR_INIT;

	(void)state;
	make_sample(&w);
	for (size_t len = 0; len < w.len; len++) {
		unsigned char *copy = malloc(len > 0 ? len : 1);

		assert_non_null(copy);
		memcpy(copy, w.data, len);
		assert_int_equal(count_entries(copy, len, &e), -1);
		free(copy);
	}
	bundle_writer_done(&w);
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The rules, said once more and independently of bundle.c. */
static void
check_entry(const struct bundle_entry *entry, const unsigned char *bytes,
	    size_t len)
{
	char wrapped[BUNDLE_PATH_MAX + 3];

	assert_true(entry->data >= bytes && entry->data <= bytes + len);
	assert_true(entry->len <= (size_t)(bytes + len - entry->data));
	assert_true(str_is_terminated(entry->path, sizeof(entry->path)));
	if (entry->kind == BUNDLE_MANIFEST) {
		assert_string_equal(entry->path, "");
		assert_true(entry->len <= BUNDLE_MANIFEST_MAX);
		return;
	}
	assert_int_equal(
		str_printf(wrapped, sizeof(wrapped), "/%s/", entry->path), 0);
	assert_null(strstr(wrapped, "//"));
	assert_null(strstr(wrapped, "/./"));
	assert_null(strstr(wrapped, "/../"));
	assert_true(entry->kind == BUNDLE_FILE ||
		    (entry->kind == BUNDLE_COLLECT && entry->len == 0));
}

static bool
read_mutated(const unsigned char *bytes, size_t len)
{
	struct bundle_reader r;
	struct bundle_entry entry;
	struct err e = ERR_INIT;
	int more;

	if (bundle_reader_init(&r, bytes, len, &e) < 0)
		return false;
	while ((more = bundle_reader_next(&r, &entry, &e)) == 1)
		check_entry(&entry, bytes, len);
	assert_true(more == 0 || e.text[0] != '\0');
	return more == 0;
}

static void
mutate(unsigned char *bytes, size_t len, uint64_t *random)
{
	static const unsigned char edges[] = {0,   1,	2,   3,	  '.',
					      '/', 127, 128, 254, 255};
	unsigned count = 1 + (unsigned)(next_random(random) % 3);

	while (count-- > 0) {
		uint64_t x = next_random(random);
		unsigned char *at = &bytes[(x >> 8) % len];

		if ((x & 1) != 0)
			*at = edges[(x >> 1) % ARRAY_LEN(edges)];
		else
			*at = (unsigned char)(*at ^ 1u << (x >> 1 & 7));
	}
}

static void
test_mutations(void **state)
{
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
	unsigned accepted = 0, refused = 0;
	struct bundle_writer w;

	(void)state;
	make_sample(&w);
	for (int i = 0; i < MUTATIONS; i++) {
		/* Mostly whole, sometimes cut as well. */
		size_t len = next_random(&random) % 4 != 0
				     ? w.len
				     : 1 + next_random(&random) % w.len;
		unsigned char *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, w.data, len);
		mutate(copy, len, &random);
		if (read_mutated(copy, len))
			accepted++;
		else
			refused++;
		free(copy);
	}
	/* Both happen often, or the test looks at nothing. */
	assert_true(accepted > MUTATIONS / 20);
	assert_true(refused > MUTATIONS / 20);
	bundle_writer_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_collected_statuses),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_large_manifest),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_too_many_entries),
		cmocka_unit_test(test_truncated_everywhere),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
