/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_config.c - settings from the environment: defaults, bounds, errors that
 * name the variable and never repeat its value, and the token secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/config.h"
#include "api/store/store.h"
#include "supervisor/base/str.h"

static int
setup(void **state)
{
	(void)state;
	return clearenv();
}

static struct api_config
load(void)
{
	struct api_config config;
	struct err e = ERR_INIT;

	if (config_load(&config, &e) < 0)
		fail_msg("%s", e.text);
	return config;
}

static void
assert_refused(const char *name, const char *value)
{
	struct api_config config = {.port = 1};
	struct err e = ERR_INIT;

	assert_int_equal(setenv(name, value, 1), 0);
	if (config_load(&config, &e) == 0)
		fail_msg("accepted: %s=%s", name, value);
	assert_int_equal(config.port, 1);
	assert_int_equal(strncmp(e.text, name, strlen(name)), 0);
	assert_int_equal(unsetenv(name), 0);
}

static void
test_defaults(void **state)
{
	struct api_config config = load();

	(void)state;
	assert_string_equal(config.host, "localhost");
	assert_int_equal(config.port, 8000);
	assert_string_equal(config.jwt_algorithm, "HS256");
	assert_int_equal(config.jwt_secret_len, 0);
	assert_int_equal(config.jwt_expiration_hours, 24);
	assert_int_equal(config.rate_execute, 5);
	assert_int_equal(config.rate_status, 200);
	assert_int_equal(config.rate_analyze, 60);
	assert_int_equal(config.analyze_timeout_s, 60);
	assert_int_equal(config.rate_jobs, 600);
	assert_int_equal(config.job_memory_bytes, 512u << 20);
	assert_int_equal(config.max_body_bytes, 4u << 20);
	assert_false(config.approval_allow_self);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(config.approval_required[i], 1);
	assert_string_equal(config.approval_for_release, "true");
	assert_string_equal(config.approval_auto_max_risk, "none");
	assert_string_equal(config.release_dir,
			    "/var/lib/promptcraft/api/releases");
	assert_int_equal(config.release_min_free_bytes, 256u << 20);
	assert_true(config.enable_cost_tracking);
	assert_int_equal(config.daily_cost_limit_micros, 10000000);
	assert_int_equal(config.execution_cost_limit_micros, 2000000);
	assert_int_equal(config.cost_alert_millionths, 800000);
	assert_int_equal(config.idempotency_hours, 24);
	assert_int_equal(config.usage_days, 7);
	assert_true(config.enable_metrics);
	assert_string_equal(config.metrics_token, "");
}

static void
test_values(void **state)
{
	struct api_config config;

	(void)state;
	setenv("API_PORT", "0", 1);
	setenv("API_HOST", "::1", 1);
	setenv("JWT_ALGORITHM", "hs512", 1);
	setenv("CODE_INTERPRETER_MAX_MEMORY", "2g", 1);
	setenv("PROMPTCRAFT_MAX_BODY_BYTES", "2048", 1);
	setenv("APPROVAL_ALLOW_SELF", "Yes", 1);
	setenv("RATE_LIMIT_EXECUTE_PER_HOUR", "0", 1);
	setenv("JWT_EXPIRATION_HOURS", "", 1);
	setenv("DAILY_COST_LIMIT", "0.1", 1);
	setenv("EXECUTION_COST_LIMIT", "1000000", 1);
	setenv("COST_ALERT_THRESHOLD", "1", 1);
	setenv("PROMPTCRAFT_STORE", "sqlite", 1);
	config = load();
	assert_int_equal(config.port, 0);
	assert_string_equal(config.host, "::1");
	assert_string_equal(config.jwt_algorithm, "HS512");
	assert_int_equal(config.job_memory_bytes, UINT64_C(2) << 30);
	assert_int_equal(config.max_body_bytes, 2048);
	assert_true(config.approval_allow_self);
	assert_int_equal(config.rate_execute, 0);
	assert_int_equal(config.jwt_expiration_hours, 24);
	assert_int_equal(config.daily_cost_limit_micros, 100000);
	assert_int_equal(config.execution_cost_limit_micros,
			 UINT64_C(1000000000000));
	assert_int_equal(config.cost_alert_millionths, 1000000);
}

static void
test_redis(void **state)
{
	struct api_config config;
	struct store_options options;
	struct err e = ERR_INIT;

	(void)state;
	setenv("REDIS_HOST", "/run/redis.sock", 1);
	setenv("REDIS_PASSWORD", "of Redis", 1);
	/* Not chosen: not there. */
	config = load();
	assert_string_equal(config.store.backend, "sqlite");
	assert_string_equal(config.store.redis.host, "");
	setenv("PROMPTCRAFT_STORE", "redis", 1);
	setenv("REDIS_DB", "3", 1);
	assert_int_equal(config_load_store(&options, &e), 0);
	assert_string_equal(options.backend, "redis");
	assert_string_equal(options.redis.host, "/run/redis.sock");
	assert_string_equal(options.redis.password, "of Redis");
	assert_int_equal(options.redis.port, 6379);
	assert_int_equal(options.redis.db, 3);
	config = load();
	assert_string_equal(config.store.redis.password, "of Redis");
	config_wipe_environment();
	assert_null(getenv("REDIS_PASSWORD"));
	setenv("REDIS_USERNAME", "api", 1);
	assert_int_equal(config_load(&config, &e), -1);
	assert_non_null(strstr(e.text, "REDIS_USERNAME"));
}

static void
test_faults(void **state)
{
	static const char *const faults[][2] = {
		{"API_PORT", "65536"},
		{"API_PORT", "-1"},
		{"API_PORT", "80 "},
		{"API_PORT", "0x50"},
		{"API_PORT", "8000.0"},
		{"API_PORT", "99999999999999999999999999"},
		{"JWT_EXPIRATION_HOURS", "0"},
		{"JWT_ALGORITHM", "none"},
		{"JWT_ALGORITHM", "RS256"},
		{"CODE_INTERPRETER_MAX_MEMORY", "512MB"},
		{"CODE_INTERPRETER_MAX_MEMORY", "M"},
		{"CODE_INTERPRETER_MAX_MEMORY", "1M"},
		{"CODE_INTERPRETER_MAX_MEMORY", "18014398509481985K"},
		{"CODE_INTERPRETER_MAX_MEMORY",
		 "111111111111111111111111111111111111"},
		{"PROMPTCRAFT_MAX_BODY_BYTES", "1G"},
		{"APPROVAL_ALLOW_SELF", "maybe"},
		{"APPROVAL_REQUIRED_HIGH", "0"},
		{"APPROVAL_REQUIRED_CRITICAL", "11"},
		{"REQUIRE_APPROVAL_FOR_DEPLOYMENT", "sometimes"},
		{"REQUIRE_APPROVAL_FOR_EXTERNAL_API", "yes"},
		{"APPROVAL_AUTO_MAX_RISK", "high"},
		{"APPROVAL_AUTO_MIN_SCORE", "101"},
		{"APPROVAL_REMINDER_MINUTES", "-1"},
		{"PROMPTCRAFT_RELEASE_DIR", "relative/path"},
		{"LOG_LEVEL", "loud"},
		{"DAILY_COST_LIMIT", "1000000.000001"},
		{"DAILY_COST_LIMIT", "$5"},
		{"DAILY_COST_LIMIT", "-1"},
		{"EXECUTION_COST_LIMIT", "1e3"},
		{"EXECUTION_COST_LIMIT", "0.0000001"},
		{"COST_ALERT_THRESHOLD", "1.000001"},
		{"COST_ALERT_THRESHOLD", "80%"},
		{"PROMPTCRAFT_IDEMPOTENCY_HOURS", "0"},
		{"PROMPTCRAFT_METRICS_TOKEN",
		 "0123456789abcdef0123456789abcde"},
		{"PROMPTCRAFT_STATE_DIR", "relative/path"},
		{"PROMPTCRAFT_STORE", "mysql"},
		{"REDIS_PORT", "0"},
		{"REDIS_PORT", "65536"},
		{"REDIS_DB", "first"},
		{"JWT_SECRET", "0123456789abcdef0123456789abcde"},
		{"JWT_SECRET", "your-secret-key-change-in-production"},
		{"JWT_SECRET",
		 "your-super-secret-jwt-key-change-in-production"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		assert_refused(faults[i][0], faults[i][1]);
}

static void
test_too_long_texts(void **state)
{
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[0] = '/';
	assert_refused("API_HOST", text);
	assert_refused("PROMPTCRAFT_STATE_DIR", text);
	assert_refused("PROMPTCRAFT_SUPERVISOR_SOCKET", text);
	assert_refused("JWT_SECRET", text);
}

static void
test_errors_do_not_repeat_values(void **state)
{
	struct api_config config;
	struct err e = ERR_INIT;

	(void)state;
	setenv("API_PORT", "hunter2", 1);
	assert_int_equal(config_load(&config, &e), -1);
	assert_null(strstr(e.text, "hunter2"));
}

static void
test_secret_is_wiped(void **state)
{
	static char variable[] = "JWT_SECRET=0123456789abcdef0123456789abcdef";
	struct api_config config;

	(void)state;
	assert_int_equal(putenv(variable), 0); /* not copied */
	config = load();
	assert_int_equal(config.jwt_secret_len, 32);
	config_wipe_environment();
	assert_null(getenv("JWT_SECRET"));
	for (size_t i = strlen("JWT_SECRET="); i < sizeof(variable); i++)
		assert_int_equal(variable[i], '\0');
	assert_string_equal(config.jwt_secret,
			    "0123456789abcdef0123456789abcdef");
}

static void
ensure(struct api_config *config, const char *dir)
{
	struct store *store = NULL;
	struct err e = ERR_INIT;

	if (store_open_sqlite(dir, &store, &e) < 0 ||
	    config_ensure_secret(config, store, &e) < 0)
		fail_msg("%s", e.text);
	store_close(store);
}

/* Made once, the same after a restart, different elsewhere. */
static void
test_generated_secret(void **state)
{
	char first[] = "/tmp/pc-test-config.XXXXXX";
	char second[] = "/tmp/pc-test-config.XXXXXX";
	const char *const dirs[] = {mkdtemp(first), mkdtemp(second)};
	struct api_config a = load(), again = a, b = a, given = a;

	(void)state;
	ensure(&a, first);
	ensure(&again, first);
	ensure(&b, second);
	assert_int_equal(a.jwt_secret_len, 64);
	assert_string_equal(a.jwt_secret, again.jwt_secret);
	assert_string_not_equal(a.jwt_secret, b.jwt_secret);
	str_copy(given.jwt_secret, sizeof(given.jwt_secret),
		 "0123456789abcdef0123456789abcdef");
	given.jwt_secret_len = 32;
	ensure(&given, first);
	assert_int_equal(given.jwt_secret_len, 32);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/promptcraft.db", dirs[i]);
		assert_int_equal(unlink(path), 0);
		snprintf(path, sizeof(path), "%s/counters", dirs[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir(dirs[i]), 0);
	}
}

#define TEST(test) cmocka_unit_test_setup(test, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_values),
		TEST(test_redis),
		TEST(test_faults),
		TEST(test_too_long_texts),
		TEST(test_errors_do_not_repeat_values),
		TEST(test_secret_is_wiped),
		TEST(test_generated_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
