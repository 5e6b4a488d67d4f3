/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the supervisor's settings.  They come from the command line only:
 * no environment, no file, nothing a peer could write.
 */
#ifndef PC_SUPERVISOR_CONFIG_H
#define PC_SUPERVISOR_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/base/err.h"
#include "supervisor/base/log.h"

#define CONFIG_SLOTS_MAX 256
#define CONFIG_SLOTS_DEFAULT 32
#define CONFIG_STANDBY_MAX 16
#define CONFIG_STANDBY_DEFAULT 4
#define CONFIG_MEMORY_MIN (64ull << 20)

/* Strings point into argv or are literals. */
struct config {
	const char *socket_path;
	const char *state_dir;	 /* audit log, lock; made if missing, 0700 */
	const char *policy_dir;	 /* has profiles and sets */
	const char *runtime_dir; /* one folder a runtime */
	const char *libexec_dir; /* jail-init, promptcraft-policyc */
	uint32_t slots;
	uint32_t standby;	  /* jails kept ready, beyond the slots */
	uint64_t audit_max_bytes; /* then the next file */
	uint64_t memory_max;	  /* of all jails together, in bytes */
	bool has_client_uid;
	uid_t client_uid; /* may connect, besides root */
	enum log_level log_level;
	bool is_help; /* --help or --version: text was printed */
};

/* Fill *ret from argv; *e names the option that is wrong. */
int config_parse(int argc, char **argv, struct config *ret, struct err *e);

#endif
