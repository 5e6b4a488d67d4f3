/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - what every part of the API process shares: configuration and the
 * handles opened before privileges were dropped.  One per process, read-only
 * after start, so it is used from all threads without a lock.
 */
#ifndef PC_API_API_H
#define PC_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/store/store.h"

struct workflow_engine;
struct monitor;
struct watch;
struct token_cache;
struct status_cache;
struct prices;
struct usage_log;
struct net;
struct notifier;
struct writer;
struct analysis;

#define API_VERSION "3.0.0"

/*
 * From the environment (names of the specification, section 7, plus ours with
 * PROMPTCRAFT_); config.h says each one's default and bounds.
 */
struct api_config {
	char host[64];		     /* API_HOST */
	uint16_t port;		     /* API_PORT */
	char state_dir[256];	     /* PROMPTCRAFT_STATE_DIR */
	char supervisor_socket[108]; /* PROMPTCRAFT_SUPERVISOR_SOCKET */
	char run_as_user[64];	     /* PROMPTCRAFT_USER: name or numeric uid */
	struct store_options store;  /* PROMPTCRAFT_STORE, REDIS_... */
	char jwt_secret[513];	     /* JWT_SECRET; never logged */
	size_t jwt_secret_len;
	char jwt_algorithm[8]; /* JWT_ALGORITHM: HS256, HS384 or HS512 */
	uint32_t jwt_expiration_hours;
	uint32_t max_workflows;		    /* ZEN_MAX_CONCURRENT_WORKFLOWS */
	uint32_t job_timeout_seconds;	    /* CODE_INTERPRETER_TIMEOUT */
	uint64_t job_memory_bytes;	    /* CODE_INTERPRETER_MAX_MEMORY */
	uint32_t execution_timeout_minutes; /* EXECUTION_TIMEOUT_MINUTES */
	uint32_t max_execution_retries;	    /* MAX_EXECUTION_RETRIES */
	uint32_t lease_seconds;		    /* PROMPTCRAFT_LEASE_SECONDS */
	uint32_t retry_base_ms;		    /* PROMPTCRAFT_RETRY_BASE_MS */
	uint32_t state_ttl_hours;	    /* WORKFLOW_STATE_TTL_HOURS */
	uint32_t approval_timeout_minutes;  /* HITL_APPROVAL_TIMEOUT_MINUTES */
	uint32_t rate_analyze, rate_enhance, rate_execute, rate_status,
		rate_jobs;		/* per hour */
	bool approval_allow_self;	/* APPROVAL_ALLOW_SELF */
	uint32_t approval_required[4];	/* APPROVAL_REQUIRED_LOW ... CRITICAL */
	char approval_for_release[8];	/* REQUIRE_APPROVAL_FOR_DEPLOYMENT */
	char approval_for_external[8];	/* REQUIRE_APPROVAL_FOR_EXTERNAL_API */
	char approval_auto_max_risk[8]; /* APPROVAL_AUTO_MAX_RISK */
	uint32_t approval_auto_min_score;     /* APPROVAL_AUTO_MIN_SCORE */
	uint32_t approval_reminder_minutes;   /* 0: none */
	uint32_t approval_escalation_minutes; /* 0: none */
	char release_dir[256];		      /* PROMPTCRAFT_RELEASE_DIR */
	uint64_t release_min_free_bytes;      /* PROMPTCRAFT_RELEASE_MIN_FREE */
	size_t max_body_bytes;		      /* PROMPTCRAFT_MAX_BODY_BYTES */
	uint32_t login_attempts;  /* PROMPTCRAFT_LOGIN_ATTEMPTS: per 15 min */
	uint32_t http_threads;	  /* PROMPTCRAFT_HTTP_THREADS */
	uint32_t job_threads;	  /* PROMPTCRAFT_JOB_THREADS */
	uint32_t max_connections; /* PROMPTCRAFT_MAX_CONNECTIONS */
	uint32_t max_connections_per_address;
	char trusted_proxies[2048]; /* PROMPTCRAFT_TRUSTED_PROXIES */
	uint32_t max_streams;	    /* PROMPTCRAFT_MAX_STREAMS */
	uint32_t max_streams_per_user;
	uint32_t request_timeout_seconds;     /* PROMPTCRAFT_REQUEST_TIMEOUT */
	uint32_t analyze_timeout_s;	      /* PROMPTCRAFT_ANALYZE_TIMEOUT */
	bool enable_cost_tracking;	      /* ENABLE_COST_TRACKING */
	uint64_t daily_cost_limit_micros;     /* DAILY_COST_LIMIT; 0: none */
	uint64_t execution_cost_limit_micros; /* EXECUTION_COST_LIMIT */
	uint32_t cost_alert_millionths; /* COST_ALERT_THRESHOLD; 0: none */
	char prices_file[256];		/* PROMPTCRAFT_PRICES */
	uint32_t idempotency_hours;	/* PROMPTCRAFT_IDEMPOTENCY_HOURS */
	uint32_t usage_days;		/* PROMPTCRAFT_USAGE_DAYS */
	bool enable_metrics;		/* ENABLE_METRICS */
	char metrics_token[257]; /* PROMPTCRAFT_METRICS_TOKEN; never logged */
	char admin_password_file[256]; /* PROMPTCRAFT_ADMIN_PASSWORD_FILE */
	char log_level[16];	       /* LOG_LEVEL */
	/* notifications and outgoing connections: secrets are never logged */
	char slack_url[513];		/* SLACK_WEBHOOK_URL; secret */
	char hitl_url[513];		/* HITL_NOTIFICATION_WEBHOOK; secret */
	char webhook_url[513];		/* PROMPTCRAFT_WEBHOOK_URL; secret */
	char webhook_secret[257];	/* PROMPTCRAFT_WEBHOOK_SECRET; secret */
	char webhook_allow[2048];	/* PROMPTCRAFT_WEBHOOK_ALLOW */
	char webhook_ports[128];	/* PROMPTCRAFT_WEBHOOK_PORTS */
	bool webhook_only_listed;	/* PROMPTCRAFT_WEBHOOK_ONLY_LISTED */
	bool webhook_enabled;		/* WEBHOOK_NOTIFICATIONS_ENABLED */
	bool email_enabled;		/* EMAIL_NOTIFICATIONS_ENABLED */
	char smtp_host[254];		/* HITL_EMAIL_SMTP_HOST */
	uint16_t smtp_port;		/* HITL_EMAIL_SMTP_PORT */
	char smtp_security[16];		/* HITL_EMAIL_SMTP_SECURITY */
	char smtp_user[128];		/* HITL_EMAIL_SMTP_USER */
	char smtp_password[257];	/* HITL_EMAIL_SMTP_PASSWORD; secret */
	char email_from[255];		/* HITL_EMAIL_FROM */
	char email_to[2048];		/* HITL_EMAIL_TO */
	char escalation_email_to[2048]; /* APPROVAL_ESCALATION_EMAIL_TO */
	char public_url[257];		/* PROMPTCRAFT_PUBLIC_URL */
	char ca_file[256];		/* PROMPTCRAFT_CA_FILE */
	uint32_t notify_attempts;	/* PROMPTCRAFT_NOTIFY_ATTEMPTS */
	uint32_t notify_retry_s;	/* PROMPTCRAFT_NOTIFY_RETRY_SECONDS */
	uint32_t notify_timeout_s;	/* PROMPTCRAFT_NOTIFY_TIMEOUT */
	uint32_t notify_keep_hours;	/* PROMPTCRAFT_NOTIFY_KEEP_HOURS */
	/* the model and its agents: keys are never logged */
	char azure_endpoint[513];  /* AZURE_OPENAI_ENDPOINT */
	char azure_key[257];	   /* AZURE_OPENAI_API_KEY; secret */
	char azure_version[32];	   /* AZURE_OPENAI_API_VERSION */
	char azure_deployment[64]; /* AZURE_OPENAI_DEPLOYMENT */
	char model_url[513];	   /* PROMPTCRAFT_MODEL_URL */
	char model_name[64];	   /* PROMPTCRAFT_MODEL */
	char model_key[257];	   /* PROMPTCRAFT_MODEL_KEY; secret */
	char model_kind[16];	   /* PROMPTCRAFT_MODEL_KIND */
	uint32_t model_max_tokens; /* PROMPTCRAFT_MODEL_MAX_TOKENS */
	uint32_t model_timeout_s;  /* PROMPTCRAFT_MODEL_TIMEOUT */
	bool model_stream;	   /* PROMPTCRAFT_MODEL_STREAM */
	bool model_planning;	   /* PROMPTCRAFT_MODEL_PLANNING */
	char agents_dir[256];	   /* PROMPTCRAFT_AGENTS_DIR */
	char rules_dir[256];	   /* PROMPTCRAFT_RULES_DIR */
	char cookbook_dir[256];	   /* PROMPTCRAFT_COOKBOOK_DIR */
};

struct api {
	struct api_config config;
	struct store *store;
	struct workflow_engine *engine;
	struct monitor *monitor;
	struct watch *watch;
	struct token_cache *tokens;    /* NULL: none */
	struct status_cache *statuses; /* NULL: none */
	struct prices *prices;	       /* NULL: PROMPTCRAFT_PRICES is not set */
	struct usage_log *usage;
	struct net *net;	   /* every connection to the outside */
	struct writer *writer;	   /* the model; NULL: none is configured */
	struct analysis *analysis; /* looks for weaknesses */
	struct cookbook *cookbook; /* NULL: none, or there is a model */
	struct notifier *notifier; /* tells people and programs */
	int stop_fd; /* eventfd, readable from the moment the process stops:
			whoever waits for long polls it too; never read */
};

#endif
