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
 *	PROMPTCRAFT_STORE		sqlite		sqlite
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
 *	WORKFLOW_STATE_TTL_HOURS	24		1..87600
 *	HITL_APPROVAL_TIMEOUT_MINUTES	60		1..525600
 *	APPROVAL_ALLOW_SELF		false		true, false
 *	RATE_LIMIT_ANALYZE_PER_HOUR	60		0..1000000000
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
 *	PROMPTCRAFT_REQUEST_TIMEOUT	30		1..3600 seconds for a
 *							request to arrive
 *	LOG_LEVEL			info		error, warning, info,
 *							debug
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

/* Overwrite JWT_SECRET in the environment block and unset it. */
void config_wipe_environment(void);

/*
 * Without JWT_SECRET: take the secret from the store, which gets a random one
 * on the first start.  Never a default.
 */
int config_ensure_secret(struct api_config *config, struct store *store,
			 struct err *e);

#endif
