/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - the API's settings from its environment.
 *
 * Input: lines NAME=value.  What is accepted lies within the bounds that
 * config.h documents; what is refused is named, without its value (which may
 * be a secret).
 */
#include "api/config.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

#define LINES_MAX 32

static void
check_api(const struct api_config *c)
{
	FUZZ_CHECK(c->host[0] != '\0' && c->state_dir[0] != '\0');
	FUZZ_CHECK(c->jwt_secret_len == strlen(c->jwt_secret));
	FUZZ_CHECK(c->jwt_secret_len == 0 || c->jwt_secret_len >= 32);
	FUZZ_CHECK(strcmp(c->jwt_algorithm, "HS256") == 0 ||
		   strcmp(c->jwt_algorithm, "HS384") == 0 ||
		   strcmp(c->jwt_algorithm, "HS512") == 0);
	FUZZ_CHECK(c->jwt_expiration_hours >= 1 &&
		   c->jwt_expiration_hours <= 8760);
	FUZZ_CHECK(c->max_workflows >= 1 && c->max_workflows <= 256);
	FUZZ_CHECK(c->job_timeout_seconds >= 1 &&
		   c->job_timeout_seconds <= 3600);
	FUZZ_CHECK(c->job_memory_bytes >= (uint64_t)16 << 20 &&
		   c->job_memory_bytes <= (uint64_t)64 << 30);
	FUZZ_CHECK(c->execution_timeout_minutes >= 1 &&
		   c->execution_timeout_minutes <= 1440);
	FUZZ_CHECK(c->max_execution_retries <= 100);
	FUZZ_CHECK(c->state_ttl_hours >= 1 && c->state_ttl_hours <= 87600);
	FUZZ_CHECK(c->max_body_bytes >= 1024 && c->max_body_bytes <= 64u << 20);
	FUZZ_CHECK(c->http_threads >= 1 && c->http_threads <= 64);
	FUZZ_CHECK(c->job_threads >= 1 && c->job_threads <= 512);
	FUZZ_CHECK(c->max_connections >= 8 && c->max_connections <= 65536);
	FUZZ_CHECK(c->request_timeout_seconds >= 1 &&
		   c->request_timeout_seconds <= 3600);
}

/* The value of a long one must not be in the text of the error. */
static void
check_refused(const struct err *e, char *const lines[], size_t count)
{
	FUZZ_CHECK(e->kind != ERR_NONE && e->text[0] != '\0');
	for (size_t i = 0; i < count; i++) {
		const char *value = strchr(lines[i], '=');

		if (value != NULL &&
		    strncmp(lines[i], "JWT_SECRET=", 11) == 0 &&
		    strlen(value) > 24)
			FUZZ_CHECK(strstr(e->text, value + 1) == NULL);
	}
}

static void
fuzz_api(char *lines[], size_t count)
{
	struct api_config config;
	struct err e = ERR_INIT;

	(void)clearenv();
	for (size_t i = 0; i < count; i++)
		if (strchr(lines[i], '=') != NULL && lines[i][0] != '=')
			(void)putenv(lines[i]);
	if (config_load(&config, &e) == 0)
		check_api(&config);
	else
		check_refused(&e, lines, count);
	(void)clearenv();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = {data, len};
	char *lines[LINES_MAX];
	size_t count = 0;

	if (in.left > 8192)
		return -1;
	while (in.left > 0 && count < LINES_MAX)
		lines[count++] = fuzz_text_until(&in, '\n', NULL);
	fuzz_api(lines, count);
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	return 0;
}
