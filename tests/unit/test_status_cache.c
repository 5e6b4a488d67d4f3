/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_status_cache.c - answers by workflow and version, bounded in bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/routes/status_cache.h"
#include "supervisor/base/str.h"

static const struct workflow_access access_of_u = {.user_id = "u",
						   .asks_approval = true};

static void
put_made_at(struct status_cache *cache, const char *id, uint64_t created_us,
	    uint64_t version, size_t bytes)
{
	struct store_workflow_meta meta = {.version = version,
					   .created_us = created_us};
	char *filler = calloc(1, bytes + 1);
	struct http_text *text;

	memset(filler, 'x', bytes);
	text = http_text_new(json_pack("[s, I]", filler, (json_int_t)version));
	assert_non_null(text);
	str_copy(meta.workflow_id, sizeof(meta.workflow_id), id);
	status_cache_put(cache, &meta, &access_of_u, text);
	http_text_unref(text);
	free(filler);
}

static void
put(struct status_cache *cache, const char *id, uint64_t version, size_t bytes)
{
	put_made_at(cache, id, 1, version, bytes);
}

static struct http_text *
get_made_at(struct status_cache *cache, const char *id, uint64_t created_us,
	    uint64_t version, struct workflow_access *ret_access)
{
	struct store_workflow_meta meta = {.version = version,
					   .created_us = created_us};

	str_copy(meta.workflow_id, sizeof(meta.workflow_id), id);
	return status_cache_get(cache, &meta, ret_access);
}

static bool
has(struct status_cache *cache, const char *id, uint64_t version)
{
	struct workflow_access access = {0};
	struct http_text *text = get_made_at(cache, id, 1, version, &access);

	if (text == NULL)
		return false;
	assert_string_equal(access.user_id, "u");
	assert_true(access.asks_approval);
	assert_true(http_text_len(text) > 0);
	http_text_unref(text);
	return true;
}

/* A store that forgot its last writes gives the version to another change. */
static void
test_a_version_that_comes_again(void **state)
{
	struct store_workflow_meta meta = {.version = 7, .updated_us = 1};
	struct status_cache *cache = NULL;
	struct workflow_access access;
	struct http_text *text = http_text_new(json_pack("[s]", "x")), *got;
	struct err e;

	(void)state;
	assert_int_equal(status_cache_new(&cache, &e), 0);
	status_cache_put(cache, &meta, &access_of_u, text);
	got = status_cache_get(cache, &meta, &access);
	assert_ptr_equal(got, text);
	http_text_unref(got);
	meta.updated_us = 2;
	assert_null(status_cache_get(cache, &meta, &access));
	http_text_unref(text);
	status_cache_free(cache);
}

static void
test_versions(void **state)
{
	struct status_cache *cache = NULL;
	struct err e;

	(void)state;
	assert_int_equal(status_cache_new(&cache, &e), 0);
	assert_false(has(cache, "a", 1));
	put(cache, "a", 1, 10);
	assert_true(has(cache, "a", 1));
	assert_false(has(cache, "a", 2));
	assert_false(has(cache, "b", 1));
	put(cache, "a", 2, 10);
	assert_true(has(cache, "a", 2));
	assert_false(has(cache, "a", 1));
	status_cache_free(cache);
}

/*
 * With an Idempotency-Key an id follows from the request.  When the workflow
 * and the key have expired the same request makes another of the same id,
 * which comes to the same versions.
 */
static void
test_made_again(void **state)
{
	struct status_cache *cache = NULL;
	struct workflow_access access;
	struct http_text *text;
	struct err e;

	(void)state;
	assert_int_equal(status_cache_new(&cache, &e), 0);
	put_made_at(cache, "a", 1, 9, 10);
	assert_null(get_made_at(cache, "a", 2, 9, &access));
	put_made_at(cache, "a", 2, 9, 10);
	text = get_made_at(cache, "a", 2, 9, &access);
	assert_non_null(text);
	http_text_unref(text);
	assert_false(has(cache, "a", 9));
	status_cache_free(cache);
}

/* A text outlives its entry for whoever still sends it. */
static void
test_shared(void **state)
{
	struct status_cache *cache = NULL;
	struct workflow_access access;
	struct http_text *text;
	struct err e;

	(void)state;
	assert_int_equal(status_cache_new(&cache, &e), 0);
	put(cache, "a", 1, 3);
	text = get_made_at(cache, "a", 1, 1, &access);
	put(cache, "a", 2, 3);
	status_cache_free(cache);
	assert_string_equal(http_text_bytes(text), "[\"xxx\",1]");
	http_text_unref(text);
}

static void
test_bound(void **state)
{
	struct status_cache *cache = NULL;
	unsigned kept = 0;
	char id[16];
	struct err e;

	(void)state;
	assert_int_equal(status_cache_new(&cache, &e), 0);
	put(cache, "large", 1, 600 << 10);
	assert_false(has(cache, "large", 1));
	put(cache, "used", 1, 100 << 10);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "w%u", i);
		put(cache, id, 1, 100 << 10);
		assert_true(has(cache, "used", 1));
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "w%u", i);
		kept += has(cache, id, 1);
	}
	/* 4 MiB of them, the last ones. */
	assert_in_range(kept, 38, 40);
	assert_true(has(cache, "w99", 1));
	assert_false(has(cache, "w0", 1));
	status_cache_free(cache);
}

static void
test_none(void **state)
{
	(void)state;
	put(NULL, "a", 1, 1);
	assert_false(has(NULL, "a", 1));
	status_cache_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_a_version_that_comes_again),
		cmocka_unit_test(test_made_again),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
