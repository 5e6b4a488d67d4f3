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

#include "api/cost/money.h"
#include "api/store/store.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define SECRET_MIN_BYTES 32
#define SECRET_SETTING "jwt_secret"

enum setting_type {
	SETTING_TEXT,	/* min, max: bytes */
	SETTING_SECRET, /* text that is wiped from the environment */
	SETTING_NUMBER, /* min, max: value */
	SETTING_SIZE,	/* a number of bytes, K, M and G allowed */
	SETTING_BOOL,
	SETTING_MICROS, /* a decimal number, kept as millionths */
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
/* true: unless the client says no; enforce: whatever the client says. */
static const char *const requirements[] = {"true", "false", "enforce", NULL};
static const char *const auto_risks[] = {"none", "low", "medium", NULL};
static const char *const store_names[] = {"sqlite", "redis", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug",
					 NULL};
static const char *const model_kinds[] = {"chat", "reasoning", NULL};
static const char *const smtp_securities[] = {"starttls", "opportunistic",
					      "tls", "none", NULL};

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
#define SECRET(variable, field)                                                \
	{                                                                      \
		.name = (variable), .fallback = "", .type = SETTING_SECRET,    \
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
#define MICROS(variable, field, def, hi)                                       \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_MICROS, \
		.max = (hi), FIELD(field)                                      \
	}
#define CHOICE(variable, field, def, list)                                     \
	{                                                                      \
		.name = (variable), .fallback = (def), .type = SETTING_CHOICE, \
		.choices = (list), FIELD(field)                                \
	}

#define RATE_MAX 1000000000u
#define COST_MAX (1000000 * MONEY_DOLLAR)
#define METRICS_TOKEN_MIN_BYTES 32

static const struct setting settings[] = {
	TEXT("API_HOST", host, "localhost", 1),
	NUMBER("API_PORT", port, "8000", 0, 65535),
	TEXT("PROMPTCRAFT_STATE_DIR", state_dir, "/var/lib/promptcraft/api", 1),
	TEXT("PROMPTCRAFT_SUPERVISOR_SOCKET", supervisor_socket,
	     "/run/promptcraft/supervisor.sock", 1),
	TEXT("PROMPTCRAFT_USER", run_as_user, "", 0),
	TEXT("PROMPTCRAFT_ADMIN_PASSWORD_FILE", admin_password_file, "", 0),
	CHOICE("PROMPTCRAFT_STORE", store.backend, "sqlite", store_names),
	TEXT("REDIS_HOST", store.redis.host, "localhost", 1),
	NUMBER("REDIS_PORT", store.redis.port, "6379", 1, 65535),
	NUMBER("REDIS_DB", store.redis.db, "0", 0, 65535),
	TEXT("REDIS_USERNAME", store.redis.username, "", 0),
	SECRET("REDIS_PASSWORD", store.redis.password),
	SECRET("JWT_SECRET", jwt_secret),
	CHOICE("JWT_ALGORITHM", jwt_algorithm, "HS256", algorithms),
	NUMBER("JWT_EXPIRATION_HOURS", jwt_expiration_hours, "24", 1, 8760),
	NUMBER("ZEN_MAX_CONCURRENT_WORKFLOWS", max_workflows, "10", 1, 256),
	NUMBER("CODE_INTERPRETER_TIMEOUT", job_timeout_seconds, "30", 1, 3600),
	SIZE("CODE_INTERPRETER_MAX_MEMORY", job_memory_bytes, "512M", 16 * MIB,
	     64 * GIB),
	NUMBER("EXECUTION_TIMEOUT_MINUTES", execution_timeout_minutes, "30", 1,
	       1440),
	NUMBER("MAX_EXECUTION_RETRIES", max_execution_retries, "3", 0, 100),
	NUMBER("PROMPTCRAFT_LEASE_SECONDS", lease_seconds, "30", 1, 3600),
	NUMBER("PROMPTCRAFT_RETRY_BASE_MS", retry_base_ms, "1000", 10, 60000),
	NUMBER("WORKFLOW_STATE_TTL_HOURS", state_ttl_hours, "24", 1, 87600),
	NUMBER("HITL_APPROVAL_TIMEOUT_MINUTES", approval_timeout_minutes, "60",
	       1, 525600),
	BOOL("APPROVAL_ALLOW_SELF", approval_allow_self, "false"),
	NUMBER("APPROVAL_REQUIRED_LOW", approval_required[0], "1", 1, 10),
	NUMBER("APPROVAL_REQUIRED_MEDIUM", approval_required[1], "1", 1, 10),
	NUMBER("APPROVAL_REQUIRED_HIGH", approval_required[2], "1", 1, 10),
	NUMBER("APPROVAL_REQUIRED_CRITICAL", approval_required[3], "1", 1, 10),
	CHOICE("REQUIRE_APPROVAL_FOR_DEPLOYMENT", approval_for_release, "true",
	       requirements),
	CHOICE("REQUIRE_APPROVAL_FOR_EXTERNAL_API", approval_for_external,
	       "true", requirements),
	CHOICE("APPROVAL_AUTO_MAX_RISK", approval_auto_max_risk, "none",
	       auto_risks),
	NUMBER("APPROVAL_AUTO_MIN_SCORE", approval_auto_min_score, "90", 0,
	       100),
	NUMBER("APPROVAL_REMINDER_MINUTES", approval_reminder_minutes, "0", 0,
	       525600),
	NUMBER("APPROVAL_ESCALATION_MINUTES", approval_escalation_minutes, "0",
	       0, 525600),
	TEXT("PROMPTCRAFT_RELEASE_DIR", release_dir, "", 0),
	SIZE("PROMPTCRAFT_RELEASE_MIN_FREE", release_min_free_bytes, "256M", 0,
	     1024 * GIB),
	NUMBER("RATE_LIMIT_ANALYZE_PER_HOUR", rate_analyze, "60", 0, RATE_MAX),
	NUMBER("RATE_LIMIT_ENHANCE_PER_HOUR", rate_enhance, "60", 0, RATE_MAX),
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
	TEXT("PROMPTCRAFT_TRUSTED_PROXIES", trusted_proxies, "", 0),
	NUMBER("PROMPTCRAFT_MAX_STREAMS", max_streams, "256", 0, 65536),
	NUMBER("PROMPTCRAFT_MAX_STREAMS_PER_USER", max_streams_per_user, "16",
	       1, 65536),
	NUMBER("PROMPTCRAFT_REQUEST_TIMEOUT", request_timeout_seconds, "30", 1,
	       3600),
	NUMBER("PROMPTCRAFT_ANALYZE_TIMEOUT", analyze_timeout_s, "60", 1, 3600),
	BOOL("ENABLE_COST_TRACKING", enable_cost_tracking, "true"),
	MICROS("DAILY_COST_LIMIT", daily_cost_limit_micros, "10.00", COST_MAX),
	MICROS("EXECUTION_COST_LIMIT", execution_cost_limit_micros, "2.00",
	       COST_MAX),
	MICROS("COST_ALERT_THRESHOLD", cost_alert_millionths, "0.80", 1000000),
	TEXT("PROMPTCRAFT_PRICES", prices_file, "", 0),
	NUMBER("PROMPTCRAFT_IDEMPOTENCY_HOURS", idempotency_hours, "24", 1,
	       720),
	NUMBER("PROMPTCRAFT_USAGE_DAYS", usage_days, "7", 1, 366),
	BOOL("ENABLE_METRICS", enable_metrics, "true"),
	SECRET("PROMPTCRAFT_METRICS_TOKEN", metrics_token),
	CHOICE("LOG_LEVEL", log_level, "info", log_levels),

	/* notifications and outgoing connections */
	SECRET("SLACK_WEBHOOK_URL", slack_url),
	SECRET("HITL_NOTIFICATION_WEBHOOK", hitl_url),
	SECRET("PROMPTCRAFT_WEBHOOK_URL", webhook_url),
	SECRET("PROMPTCRAFT_WEBHOOK_SECRET", webhook_secret),
	TEXT("PROMPTCRAFT_WEBHOOK_ALLOW", webhook_allow, "", 0),
	TEXT("PROMPTCRAFT_WEBHOOK_PORTS", webhook_ports, "80,443,8080,8443", 1),
	BOOL("PROMPTCRAFT_WEBHOOK_ONLY_LISTED", webhook_only_listed, "false"),
	BOOL("WEBHOOK_NOTIFICATIONS_ENABLED", webhook_enabled, "true"),
	BOOL("EMAIL_NOTIFICATIONS_ENABLED", email_enabled, "true"),
	TEXT("HITL_EMAIL_SMTP_HOST", smtp_host, "", 0),
	NUMBER("HITL_EMAIL_SMTP_PORT", smtp_port, "587", 1, 65535),
	CHOICE("HITL_EMAIL_SMTP_SECURITY", smtp_security, "starttls",
	       smtp_securities),
	TEXT("HITL_EMAIL_SMTP_USER", smtp_user, "", 0),
	SECRET("HITL_EMAIL_SMTP_PASSWORD", smtp_password),
	TEXT("HITL_EMAIL_FROM", email_from, "", 0),
	TEXT("HITL_EMAIL_TO", email_to, "", 0),
	TEXT("APPROVAL_ESCALATION_EMAIL_TO", escalation_email_to, "", 0),
	TEXT("PROMPTCRAFT_PUBLIC_URL", public_url, "", 0),
	TEXT("PROMPTCRAFT_CA_FILE", ca_file, "", 0),
	NUMBER("PROMPTCRAFT_NOTIFY_ATTEMPTS", notify_attempts, "10", 1, 50),
	NUMBER("PROMPTCRAFT_NOTIFY_RETRY_SECONDS", notify_retry_s, "10", 1,
	       3600),
	NUMBER("PROMPTCRAFT_NOTIFY_TIMEOUT", notify_timeout_s, "15", 1, 120),
	NUMBER("PROMPTCRAFT_NOTIFY_KEEP_HOURS", notify_keep_hours, "168", 1,
	       8760),

	/* the model and its agents */
	TEXT("AZURE_OPENAI_ENDPOINT", azure_endpoint, "", 0),
	SECRET("AZURE_OPENAI_API_KEY", azure_key),
	TEXT("AZURE_OPENAI_API_VERSION", azure_version, "2024-02-01", 1),
	TEXT("AZURE_OPENAI_DEPLOYMENT", azure_deployment, "", 0),
	TEXT("PROMPTCRAFT_MODEL_URL", model_url, "", 0),
	TEXT("PROMPTCRAFT_MODEL", model_name, "", 0),
	SECRET("PROMPTCRAFT_MODEL_KEY", model_key),
	CHOICE("PROMPTCRAFT_MODEL_KIND", model_kind, "chat", model_kinds),
	NUMBER("PROMPTCRAFT_MODEL_MAX_TOKENS", model_max_tokens, "4096", 256,
	       131072),
	NUMBER("PROMPTCRAFT_MODEL_TIMEOUT", model_timeout_s, "120", 1, 3600),
	BOOL("PROMPTCRAFT_MODEL_STREAM", model_stream, "false"),
	BOOL("PROMPTCRAFT_MODEL_PLANNING", model_planning, "true"),
	TEXT("PROMPTCRAFT_AGENTS_DIR", agents_dir,
	     "/usr/lib/promptcraft/agents", 1),
	TEXT("PROMPTCRAFT_RULES_DIR", rules_dir, "/usr/lib/promptcraft/rules",
	     1),
	TEXT("PROMPTCRAFT_COOKBOOK_DIR", cookbook_dir,
	     "/usr/lib/promptcraft/cookbook", 1),
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
read_micros(void *field, const struct setting *setting, const char *text,
	    struct err *e)
{
	uint64_t micros;

	if (money_parse(text, setting->max, &micros) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be a decimal number between 0 and "
			       "%" PRIu64 ", with at most six decimals",
			       setting->name, setting->max / MONEY_DOLLAR);
	return store_unsigned(field, setting, micros, e);
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
	case SETTING_SECRET:
		return read_text(field, setting, text, e);
	case SETTING_NUMBER:
		return read_number(field, setting, text, e);
	case SETTING_SIZE:
		return read_size(field, setting, text, e);
	case SETTING_BOOL:
		return read_bool(field, setting, text, e);
	case SETTING_MICROS:
		return read_micros(field, setting, text, e);
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
check_metrics_token(const struct api_config *config, struct err *e)
{
	size_t len = strlen(config->metrics_token);

	if (len == 0 || len >= METRICS_TOKEN_MIN_BYTES)
		return 0;
	return err_set(e, ERR_INVALID, 0,
		       "PROMPTCRAFT_METRICS_TOKEN: must have at least %d bytes",
		       METRICS_TOKEN_MIN_BYTES);
}

/* With SQLite there is no Redis, whatever the variables say. */
static int
check_store(struct api_config *config, struct err *e)
{
	struct store_redis_options *redis = &config->store.redis;

	if (strcmp(config->store.backend, "redis") != 0) {
		sodium_memzero(redis, sizeof(*redis));
		return 0;
	}
	if (redis->username[0] != '\0' && redis->password[0] == '\0')
		return err_set(e, ERR_INVALID, 0,
			       "REDIS_USERNAME: is set without "
			       "REDIS_PASSWORD");
	return 0;
}

int
config_load_store(struct store_options *ret, struct err *e)
{
	const size_t first = offsetof(struct api_config, store);
	struct api_config config = {0};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (settings[i].offset >= first &&
		    settings[i].offset < first + sizeof(config.store) &&
		    read_setting(&config, &settings[i], e) < 0)
			return -1;
	if (check_store(&config, e) < 0)
		return -1;
	*ret = config.store;
	sodium_memzero(&config, sizeof(config));
	return 0;
}

static int
set_release_dir(struct api_config *config, struct err *e)
{
	char *dir = config->release_dir;

	if (dir[0] == '\0' && str_printf(dir, sizeof(config->release_dir),
					 "%s/releases", config->state_dir) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_STATE_DIR: is too long");
	if (dir[0] != '/')
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_RELEASE_DIR: must be an absolute "
			       "path");
	return 0;
}

int
config_load(struct api_config *ret, struct err *e)
{
	struct api_config config = {0};

	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (read_setting(&config, &settings[i], e) < 0)
			return -1;
	if (check_secret(&config, e) < 0 ||
	    check_metrics_token(&config, e) < 0 || check_store(&config, e) < 0)
		return -1;
	if (config.state_dir[0] != '/')
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_STATE_DIR: must be an absolute "
			       "path");
	if (set_release_dir(&config, e) < 0)
		return -1;
	*ret = config;
	sodium_memzero(&config, sizeof(config));
	return 0;
}

void
config_wipe_environment(void)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char *secret = getenv(settings[i].name);

		if (secret == NULL || settings[i].type != SETTING_SECRET)
			continue;
		sodium_memzero(secret, strlen(secret));
		(void)unsetenv(settings[i].name);
	}
}

int
config_ensure_secret(struct api_config *config, struct store *store,
		     struct err *e)
{
	owned_mem char *value = NULL;

	if (config->jwt_secret_len > 0)
		return 0;
	if (store_secret(store, SECRET_SETTING, &value, e) < 0)
		return err_wrap(e, "the JWT secret");
	if (strlen(value) < SECRET_MIN_BYTES ||
	    str_copy(config->jwt_secret, sizeof(config->jwt_secret), value) < 0)
		return err_set(e, ERR_IO, 0,
			       "the stored JWT secret is damaged");
	config->jwt_secret_len = strlen(config->jwt_secret);
	sodium_memzero(value, strlen(value));
	return 0;
}
