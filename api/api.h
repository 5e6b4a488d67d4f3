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

struct store;
struct workflow_engine;
struct monitor;

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
	char jwt_secret[513];	     /* JWT_SECRET; never logged */
	size_t jwt_secret_len;
	char jwt_algorithm[8]; /* JWT_ALGORITHM: HS256, HS384 or HS512 */
	uint32_t jwt_expiration_hours;
	uint32_t max_workflows;		    /* ZEN_MAX_CONCURRENT_WORKFLOWS */
	uint32_t job_timeout_seconds;	    /* CODE_INTERPRETER_TIMEOUT */
	uint64_t job_memory_bytes;	    /* CODE_INTERPRETER_MAX_MEMORY */
	uint32_t execution_timeout_minutes; /* EXECUTION_TIMEOUT_MINUTES */
	uint32_t max_execution_retries;	    /* MAX_EXECUTION_RETRIES */
	uint32_t state_ttl_hours;	    /* WORKFLOW_STATE_TTL_HOURS */
	uint32_t approval_timeout_minutes;  /* HITL_APPROVAL_TIMEOUT_MINUTES */
	uint32_t rate_analyze, rate_execute, rate_status,
		rate_jobs;	  /* per hour */
	bool approval_allow_self; /* APPROVAL_ALLOW_SELF */
	size_t max_body_bytes;	  /* PROMPTCRAFT_MAX_BODY_BYTES */
	uint32_t login_attempts;  /* PROMPTCRAFT_LOGIN_ATTEMPTS: per 15 min */
	uint32_t http_threads;	  /* PROMPTCRAFT_HTTP_THREADS */
	uint32_t job_threads;	  /* PROMPTCRAFT_JOB_THREADS */
	uint32_t max_connections; /* PROMPTCRAFT_MAX_CONNECTIONS */
	uint32_t max_connections_per_address;
	uint32_t request_timeout_seconds; /* PROMPTCRAFT_REQUEST_TIMEOUT */
	char admin_password_file[256];	  /* PROMPTCRAFT_ADMIN_PASSWORD_FILE */
	char log_level[16];		  /* LOG_LEVEL */
};

struct api {
	struct api_config config;
	struct store *store;
	struct workflow_engine *engine;
	struct monitor *monitor;
	int stop_fd; /* eventfd, readable from the moment the process stops:
			whoever waits for long polls it too; never read */
};

#endif
