/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the API's settings from its environment.
 *
 * A variable that is unset or empty means its default (compose files and
 * systemd's EnvironmentFile set empty ones).  Anything else that does not
 * parse or lies outside its bounds stops the start with an error naming the
 * variable.  Sizes take K, M or G (powers of 1024).
 *
 *	variable			default		bounds
 *	API_HOST			localhost	name or address
 *	API_PORT			8000		0..65535; 0: any free
 *	PROMPTCRAFT_STATE_DIR		/var/lib/promptcraft/api
 *	PROMPTCRAFT_SUPERVISOR_SOCKET	/run/promptcraft/supervisor.sock
 *	PROMPTCRAFT_USER		(none)		root must set it
 *	PROMPTCRAFT_STORE		sqlite		sqlite, redis
 *	REDIS_HOST			localhost	name, address, or path
 *							of a socket
 *	REDIS_PORT			6379		1..65535
 *	REDIS_DB			0		0..65535
 *	REDIS_USERNAME			(none)		an ACL user
 *	REDIS_PASSWORD			(none)
 *	PROMPTCRAFT_ADMIN_PASSWORD_FILE	(none)		where the first start
 *							writes it; else stderr
 *	JWT_SECRET			(generated)	32..512 bytes
 *	JWT_ALGORITHM			HS256		HS256, HS384, HS512
 *	JWT_EXPIRATION_HOURS		24		1..8760
 *	ZEN_MAX_CONCURRENT_WORKFLOWS	10		1..256
 *	CODE_INTERPRETER_TIMEOUT	30		1..3600 seconds
 *	CODE_INTERPRETER_MAX_MEMORY	512M		16M..64G
 *	EXECUTION_TIMEOUT_MINUTES	30		1..1440
 *	MAX_EXECUTION_RETRIES		3		0..100
 *	PROMPTCRAFT_LEASE_SECONDS	30		1..3600
 *	PROMPTCRAFT_RETRY_BASE_MS	1000		10..60000
 *	WORKFLOW_STATE_TTL_HOURS	24		1..87600
 *	HITL_APPROVAL_TIMEOUT_MINUTES	60		1..525600
 *	APPROVAL_ALLOW_SELF		false		true, false
 *	APPROVAL_REQUIRED_LOW, _MEDIUM, _HIGH, _CRITICAL
 *					1		1..10 people
 *	REQUIRE_APPROVAL_FOR_DEPLOYMENT	true		true, false, enforce
 *	REQUIRE_APPROVAL_FOR_EXTERNAL_API
 *					true		true, false, enforce
 *	APPROVAL_AUTO_MAX_RISK		none		none, low, medium
 *	APPROVAL_AUTO_MIN_SCORE		90		0..100
 *	APPROVAL_REMINDER_MINUTES	0		0..525600; 0: none
 *	APPROVAL_ESCALATION_MINUTES	0		0..525600; 0: none
 *	PROMPTCRAFT_RELEASE_DIR		STATE_DIR/releases
 *	PROMPTCRAFT_RELEASE_MIN_FREE	256M		0..1024G: below that no
 *							release begins
 *	RATE_LIMIT_ANALYZE_PER_HOUR	60		0..1000000000
 *	RATE_LIMIT_ENHANCE_PER_HOUR	60		0..1000000000
 *	RATE_LIMIT_EXECUTE_PER_HOUR	5		  per user;
 *	RATE_LIMIT_STATUS_PER_HOUR	200		  0: no limit
 *	RATE_LIMIT_JOBS_PER_HOUR	600
 *	PROMPTCRAFT_LOGIN_ATTEMPTS	10		0..1000000 per 15 min,
 *							user and address;
 *							0: no limit
 *	PROMPTCRAFT_MAX_BODY_BYTES	4M		1K..64M
 *	PROMPTCRAFT_HTTP_THREADS	2		1..64
 *	PROMPTCRAFT_JOB_THREADS		32		1..512
 *	PROMPTCRAFT_MAX_CONNECTIONS	512		8..65536
 *	PROMPTCRAFT_MAX_CONNECTIONS_PER_ADDRESS
 *					256		1..65536
 *	PROMPTCRAFT_TRUSTED_PROXIES	(none)		networks, addresses
 *whose X-Forwarded-For counts
 *	PROMPTCRAFT_MAX_STREAMS		256		0..65536 streams of
 *							events
 *	PROMPTCRAFT_MAX_STREAMS_PER_USER
 *					16		1..65536
 *	PROMPTCRAFT_REQUEST_TIMEOUT	30		1..3600 seconds for a
 *							request to arrive
 *	PROMPTCRAFT_ANALYZE_TIMEOUT	60		1..3600 seconds for one
 *							POST /api/v3/analyze
 *	ENABLE_COST_TRACKING		true		true, false
 *	DAILY_COST_LIMIT		10.00		0..1000000 dollars, at
 *	EXECUTION_COST_LIMIT		2.00		  most six decimals;
 *							  0: no limit
 *	COST_ALERT_THRESHOLD		0.80		0..1 of a limit; 0: no
 *							alert
 *	PROMPTCRAFT_PRICES		(none)		file: what models cost
 *	PROMPTCRAFT_IDEMPOTENCY_HOURS	24		1..720
 *	PROMPTCRAFT_USAGE_DAYS		7		1..366
 *	ENABLE_METRICS			true		true, false
 *	PROMPTCRAFT_METRICS_TOKEN	(none)		32..256 bytes: who has
 *							it may read GET /metrics
 *	LOG_LEVEL			info		error, warning, info,
 *							debug
 *
 * Notifications and outgoing connections; each URL is http or https:
 *
 *	SLACK_WEBHOOK_URL		(none)		all events
 *	HITL_NOTIFICATION_WEBHOOK	(none)		approvals, as for Slack
 *	PROMPTCRAFT_WEBHOOK_URL		(none)		all events, signed
 *	PROMPTCRAFT_WEBHOOK_SECRET	(generated)	32..256 bytes
 *	PROMPTCRAFT_WEBHOOK_ALLOW	(none)		networks, addresses,
 *							hosts: up to 32
 *	PROMPTCRAFT_WEBHOOK_PORTS	80,443,8080,8443	up to 16
 *	PROMPTCRAFT_WEBHOOK_ONLY_LISTED	false		true, false
 *	WEBHOOK_NOTIFICATIONS_ENABLED	true		true, false
 *	EMAIL_NOTIFICATIONS_ENABLED	true		true, false
 *	HITL_EMAIL_SMTP_HOST		(none: no mail)	name or address
 *	HITL_EMAIL_SMTP_PORT		587		1..65535
 *	HITL_EMAIL_SMTP_SECURITY	starttls	starttls, opportunistic,
 *							tls, none
 *	HITL_EMAIL_SMTP_USER		(none)		needs starttls or tls
 *	HITL_EMAIL_SMTP_PASSWORD	(none)
 *	HITL_EMAIL_FROM			(none)		an address
 *	HITL_EMAIL_TO			(none)		up to 16 addresses
 *	APPROVAL_ESCALATION_EMAIL_TO	(none)		up to 16 addresses
 *	PROMPTCRAFT_PUBLIC_URL		(none)		what people reach us by
 *	PROMPTCRAFT_CA_FILE		(none)		PEM, beside the system's
 *	PROMPTCRAFT_NOTIFY_ATTEMPTS	10		1..50
 *	PROMPTCRAFT_NOTIFY_RETRY_SECONDS
 *					10		1..3600; doubles
 *	PROMPTCRAFT_NOTIFY_TIMEOUT	15		1..120 seconds
 *	PROMPTCRAFT_NOTIFY_KEEP_HOURS	168		1..8760
 *
 * The model that writes code, one of the two, and its agents:
 *
 *	AZURE_OPENAI_ENDPOINT		(none)		http or https
 *	AZURE_OPENAI_API_KEY		(none)
 *	AZURE_OPENAI_API_VERSION	2024-02-01
 *	AZURE_OPENAI_DEPLOYMENT		(none)
 *	PROMPTCRAFT_MODEL_URL		(none)		http or https
 *	PROMPTCRAFT_MODEL		(none)		its name
 *	PROMPTCRAFT_MODEL_KEY		(none)
 *	PROMPTCRAFT_MODEL_KIND		chat		chat, reasoning
 *	PROMPTCRAFT_MODEL_MAX_TOKENS	4096		256..131072
 *	PROMPTCRAFT_MODEL_TIMEOUT	120		1..3600 seconds
 *	PROMPTCRAFT_MODEL_STREAM	false
 *	PROMPTCRAFT_MODEL_PLANNING	true
 *	PROMPTCRAFT_AGENTS_DIR		/usr/lib/promptcraft/agents
 *	PROMPTCRAFT_RULES_DIR		/usr/lib/promptcraft/rules
 *	PROMPTCRAFT_COOKBOOK_DIR	/usr/lib/promptcraft/cookbook
 *							none: no cookbook;
 *							without a model
 */
#ifndef PC_API_CONFIG_H
#define PC_API_CONFIG_H

#include "api/api.h"
#include "supervisor/base/err.h"

/*
 * Fill *ret from the environment.  jwt_secret_len is 0 when no secret is
 * given: config_ensure_secret() then finds or makes one.
 */
int config_load(struct api_config *ret, struct err *e);
/* Only where the state is: for programs that are not the API. */
int config_load_store(struct store_options *ret, struct err *e);

/* Overwrite the secrets in the environment block and unset them. */
void config_wipe_environment(void);

/*
 * Without JWT_SECRET: take the secret from the store, which gets a random one
 * on the first start.  Never a default.
 */
int config_ensure_secret(struct api_config *config, struct store *store,
			 struct err *e);

#endif
