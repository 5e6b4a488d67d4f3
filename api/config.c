/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - the settings table and how a value is read.
 *
 * Responsible for no setting being ignored, clamped or guessed: a value either
 * is what the operator wrote or the start fails.  Values are never logged or
 * repeated in errors: the next variable may be a secret in the wrong place.
 */
#include "api/config.h"

#include <inttypes.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/store/store.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define SECRET_MIN_BYTES 32
#define SECRET_SETTING "jwt_secret"
#define SECRET_RANDOM_BYTES 32

enum setting_type {
	SETTING_TEXT,	/* min, max: bytes */
	SETTING_NUMBER, /* min, max: value */
	SETTING_SIZE,	/* a number of bytes, K, M and G allowed */
	SETTING_BOOL,
	SETTING_CHOICE, /* one of choices, in any case; stored as listed */
};

struct setting {
	const char *name;
	const char *fallback;
	const char *const *choices;
	uint64_t min, max;
	size_t offset, width; /* in struct api_config */
	enum setting_type type;
};

static const char *const algorithms[] = {"HS256", "HS384", "HS512", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug",
					 NULL};

#define FIELD(field)                                                           \
	.offset = offsetof(struct api_config, field),                          \
	.width = sizeof(((struct api_config *)NULL)->field)
#define TEXT(variable, field, def, lo)                                         \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_TEXT,   \
		.min = (lo),                                                   \
		.max = sizeof(((struct api_config *)NULL)->field) - 1,         \
		FIELD(field)                                                   \
	}
#define NUMBER(variable, field, def, lo, hi)                                   \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_NUMBER, \
		.min = (lo), .max = (hi), FIELD(field)                         \
	}
#define SIZE(variable, field, def, lo, hi)                                     \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_SIZE,   \
		.min = (lo), .max = (hi), FIELD(field)                         \
	}
#define BOOL(variable, field, def)                                             \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_BOOL,   \
		FIELD(field)                                                   \
	}
#define CHOICE(variable, field, def, list)                                     \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_CHOICE, \
		.choices = (list), FIELD(field)                                \
	}

#define RATE_MAX 1000000000u

static const struct setting settings[] = {
	TEXT("API_HOST", host, "localhost", 1),
	NUMBER("API_PORT", port, "8000", 0, 65535),
	TEXT("PROMPTCRAFT_STATE_DIR", state_dir, "/var/lib/promptcraft/api", 1),
	TEXT("PROMPTCRAFT_SUPERVISOR_SOCKET", supervisor_socket,
	     "/run/promptcraft/supervisor.sock", 1),
	TEXT("PROMPTCRAFT_USER", run_as_user, "", 0),
	TEXT("PROMPTCRAFT_ADMIN_PASSWORD_FILE", admin_password_file, "", 0),
	TEXT("JWT_SECRET", jwt_secret, "", 0),
	CHOICE("JWT_ALGORITHM", jwt_algorithm, "HS256", algorithms),
	NUMBER("JWT_EXPIRATION_HOURS", jwt_expiration_hours, "24", 1, 8760),
	NUMBER("ZEN_MAX_CONCURRENT_WORKFLOWS", max_workflows, "10", 1, 256),
	NUMBER("CODE_INTERPRETER_TIMEOUT", job_timeout_seconds, "30", 1, 3600),
	SIZE("CODE_INTERPRETER_MAX_MEMORY", job_memory_bytes, "512M", 16 * MIB,
	     64 * GIB),
	NUMBER("EXECUTION_TIMEOUT_MINUTES", execution_timeout_minutes, "30", 1,
	       1440),
	NUMBER("MAX_EXECUTION_RETRIES", max_execution_retries, "3", 0, 100),
	NUMBER("WORKFLOW_STATE_TTL_HOURS", state_ttl_hours, "24", 1, 87600),
	NUMBER("HITL_APPROVAL_TIMEOUT_MINUTES", approval_timeout_minutes, "60",
	       1, 525600),
	BOOL("APPROVAL_ALLOW_SELF", approval_allow_self, "false"),
	NUMBER("RATE_LIMIT_ANALYZE_PER_HOUR", rate_analyze, "60", 0, RATE_MAX),
	NUMBER("RATE_LIMIT_EXECUTE_PER_HOUR", rate_execute, "5", 0, RATE_MAX),
	NUMBER("RATE_LIMIT_STATUS_PER_HOUR", rate_status, "200", 0, RATE_MAX),
	NUMBER("RATE_LIMIT_JOBS_PER_HOUR", rate_jobs, "600", 0, RATE_MAX),
	NUMBER("PROMPTCRAFT_LOGIN_ATTEMPTS", login_attempts, "10", 0, 1000000),
	SIZE("PROMPTCRAFT_MAX_BODY_BYTES", max_body_bytes, "4M", KIB, 64 * MIB),
	NUMBER("PROMPTCRAFT_HTTP_THREADS", http_threads, "2", 1, 64),
	NUMBER("PROMPTCRAFT_JOB_THREADS", job_threads, "32", 1, 512),
	NUMBER("PROMPTCRAFT_MAX_CONNECTIONS", max_connections, "512", 8, 65536),
	NUMBER("PROMPTCRAFT_MAX_CONNECTIONS_PER_ADDRESS",
	       max_connections_per_address, "256", 1, 65536),
	NUMBER("PROMPTCRAFT_REQUEST_TIMEOUT", request_timeout_seconds, "30", 1,
	       3600),
	CHOICE("LOG_LEVEL", log_level, "info", log_levels),
};

/* Secrets that were printed in manuals. */
static const char *const published_secrets[] = {
	"your-secret-key-change-in-production",
	"your-super-secret-jwt-key-change-in-production",
};

static int
store_unsigned(void *field, const struct setting *setting, uint64_t value,
	       struct err *e)
{
	if (value < setting->min || value > setting->max)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be between %" PRIu64 " and %" PRIu64,
			       setting->name, setting->min, setting->max);
	switch (setting->width) {
	case sizeof(uint16_t):
		*(uint16_t *)field = (uint16_t)value;
		return 0;
	case sizeof(uint32_t):
		*(uint32_t *)field = (uint32_t)value;
		return 0;
	default:
		*(uint64_t *)field = value;
		return 0;
	}
}

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "max_body_bytes is 64 bit");

static int
read_number(void *field, const struct setting *setting, const char *text,
	    struct err *e)
{
	uint64_t value;

	if (str_to_u64(text, UINT64_MAX, &value) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be a whole number between %" PRIu64
			       " and %" PRIu64,
			       setting->name, setting->min, setting->max);
	return store_unsigned(field, setting, value, e);
}

static uint64_t
size_unit(char suffix)
{
	switch (suffix) {
	case 'k':
	case 'K':
		return KIB;
	case 'm':
	case 'M':
		return MIB;
	case 'g':
	case 'G':
		return GIB;
	default:
		return 1;
	}
}

static int
read_size(void *field, const struct setting *setting, const char *text,
	  struct err *e)
{
	size_t len = strlen(text);
	uint64_t unit = size_unit(text[len - 1]), value;
	char digits[24];

	if (unit > 1)
		len--;
	if (len >= sizeof(digits))
		len = 0;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (str_to_u64(digits, UINT64_MAX / unit, &value) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be a size such as 512M (K, M, G)",
			       setting->name);
	return store_unsigned(field, setting, value * unit, e);
}

static int
read_bool(void *field, const struct setting *setting, const char *text,
	  struct err *e)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true},	  {"1", true},	{"yes", true}, {"on", true},
		{"false", false}, {"0", false}, {"no", false}, {"off", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(words[i].word, text) != 0)
			continue;
		*(bool *)field = words[i].value;
		return 0;
	}
	return err_set(e, ERR_INVALID, 0, "%s: must be true or false",
		       setting->name);
}

static int
read_choice(void *field, const struct setting *setting, const char *text,
	    struct err *e)
{
	char list[64] = "";

	for (size_t i = 0; setting->choices[i] != NULL; i++) {
		size_t used = strlen(list);

		if (strcasecmp(setting->choices[i], text) == 0)
			return str_copy(field, setting->width,
					setting->choices[i]);
		str_printf(list + used, sizeof(list) - used, "%s%s",
			   i > 0 ? ", " : "", setting->choices[i]);
	}
	return err_set(e, ERR_INVALID, 0, "%s: must be one of %s",
		       setting->name, list);
}

static int
read_text(void *field, const struct setting *setting, const char *text,
	  struct err *e)
{
	size_t len = strlen(text);

	if (len < setting->min || len > setting->max)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must have %" PRIu64 " to %" PRIu64 " bytes",
			       setting->name, setting->min, setting->max);
	return str_copy(field, setting->width, text);
}

static int
read_setting(struct api_config *config, const struct setting *setting,
	     struct err *e)
{
	const char *text = getenv(setting->name);
	void *field = (char *)config + setting->offset;

	if (text == NULL || text[0] == '\0')
		text = setting->fallback;
	switch (setting->type) {
	case SETTING_TEXT:
		return read_text(field, setting, text, e);
	case SETTING_NUMBER:
		return read_number(field, setting, text, e);
	case SETTING_SIZE:
		return read_size(field, setting, text, e);
	case SETTING_BOOL:
		return read_bool(field, setting, text, e);
	case SETTING_CHOICE:
		return read_choice(field, setting, text, e);
	}
	return err_set(e, ERR_INVALID, 0, "%s: unknown type", setting->name);
}

static int
check_secret(struct api_config *config, struct err *e)
{
	config->jwt_secret_len = strlen(config->jwt_secret);
	if (config->jwt_secret_len == 0)
		return 0;
	if (config->jwt_secret_len < SECRET_MIN_BYTES)
		return err_set(e, ERR_INVALID, 0,
			       "JWT_SECRET: must have at least %d bytes; unset "
			       "it to have one generated",
			       SECRET_MIN_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(published_secrets); i++)
		if (strcmp(config->jwt_secret, published_secrets[i]) == 0)
			return err_set(e, ERR_INVALID, 0,
				       "JWT_SECRET: is the example of a "
				       "manual, which everybody knows; unset "
				       "it to have one generated");
	return 0;
}

static int
check_store_name(struct err *e)
{
	const char *name = getenv("PROMPTCRAFT_STORE");

	if (name == NULL || name[0] == '\0' || strcmp(name, "sqlite") == 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "PROMPTCRAFT_STORE: only sqlite is available in this "
		       "version");
}

int
config_load(struct api_config *ret, struct err *e)
{
	struct api_config config = {0};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (read_setting(&config, &settings[i], e) < 0)
			return -1;
	if (check_secret(&config, e) < 0 || check_store_name(e) < 0)
		return -1;
	if (config.state_dir[0] != '/')
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_STATE_DIR: must be an absolute "
			       "path");
	*ret = config;
	sodium_memzero(&config, sizeof(config));
	return 0;
}

void
config_wipe_environment(void)
{
	char *secret = getenv("JWT_SECRET");

	if (secret == NULL)
		return;
	sodium_memzero(secret, strlen(secret));
	(void)unsetenv("JWT_SECRET");
}

static int
make_secret(struct store *store, struct err *e)
{
	unsigned char bytes[SECRET_RANDOM_BYTES];
	char hex[2 * SECRET_RANDOM_BYTES + 1];
	int rc;

	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "no random numbers");
	randombytes_buf(bytes, sizeof(bytes));
	str_hex(hex, bytes, sizeof(bytes));
	rc = store_setting_put(store, SECRET_SETTING, hex, false, e);
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(hex, sizeof(hex));
	/* Another process was first: its secret is as good. */
	return rc < 0 && e->kind != ERR_CONFLICT ? -1 : 0;
}

int
config_ensure_secret(struct api_config *config, struct store *store,
		     struct err *e)
{
	owned_mem char *value = NULL;
	int rc;

	if (config->jwt_secret_len > 0)
		return 0;
	rc = store_setting_get(store, SECRET_SETTING, &value, e);
	if (rc < 0 && e->kind == ERR_NOT_FOUND) {
		if (make_secret(store, e) < 0)
			return err_wrap(e, "generate the JWT secret");
		rc = store_setting_get(store, SECRET_SETTING, &value, e);
	}
	if (rc < 0)
		return err_wrap(e, "read the JWT secret");
	if (strlen(value) < SECRET_MIN_BYTES ||
	    str_copy(config->jwt_secret, sizeof(config->jwt_secret), value) < 0)
		return err_set(e, ERR_IO, 0,
			       "the stored JWT secret is damaged");
	config->jwt_secret_len = strlen(config->jwt_secret);
	sodium_memzero(value, strlen(value));
	return 0;
}
