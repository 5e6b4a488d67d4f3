/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - command line to struct config, strict: an unknown option, a
 * missing value or a stray argument is an error.
 */
#include "supervisor/config.h"

#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/audit.h"
#include "supervisor/base/str.h"

enum option_id {
	OPT_SOCKET = 256,
	OPT_STATE_DIR,
	OPT_POLICY_DIR,
	OPT_RUNTIME_DIR,
	OPT_LIBEXEC_DIR,
	OPT_SLOTS,
	OPT_STANDBY,
	OPT_CLIENT_UID,
	OPT_AUDIT_MAX_BYTES,
	OPT_MEMORY_MAX,
	OPT_LOG_LEVEL,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"state-dir", required_argument, NULL, OPT_STATE_DIR},
	{"policy-dir", required_argument, NULL, OPT_POLICY_DIR},
	{"runtime-dir", required_argument, NULL, OPT_RUNTIME_DIR},
	{"libexec-dir", required_argument, NULL, OPT_LIBEXEC_DIR},
	{"slots", required_argument, NULL, OPT_SLOTS},
	{"standby", required_argument, NULL, OPT_STANDBY},
	{"client-uid", required_argument, NULL, OPT_CLIENT_UID},
	{"audit-max-bytes", required_argument, NULL, OPT_AUDIT_MAX_BYTES},
	{"memory-max", required_argument, NULL, OPT_MEMORY_MAX},
	{"log-level", required_argument, NULL, OPT_LOG_LEVEL},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: promptcraft-supervisor [options]\n"
	"  --socket PATH       listen here (/run/promptcraft/supervisor.sock)\n"
	"  --state-dir DIR     audit log and lock (/var/lib/promptcraft/"
	"supervisor)\n"
	"  --policy-dir DIR    profiles/ and sets/ (/etc/promptcraft/policy)\n"
	"  --runtime-dir DIR   one folder a runtime "
	"(/usr/lib/promptcraft/runtimes)\n"
	"  --libexec-dir DIR   jail-init, promptcraft-policyc "
	"(/usr/lib/promptcraft)\n"
	"  --slots N           jails at a time (32)\n"
	"  --standby N         jails kept ready, one for each of the N latest\n"
	"                      kinds of jobs: policy, runtime, memory, "
	"processes\n"
	"                      (4); 0: none\n"
	"  --client-uid USER   who besides root may connect (nobody)\n"
	"  --audit-max-bytes N  size at which the audit log goes on in a new "
	"file\n"
	"                      (67108864); SIGHUP does that at once\n"
	"  --memory-max N      bytes of all jails together, with what clients "
	"keep "
	"of\n"
	"                      their results (3/4 of the machine's)\n"
	"  --log-level LEVEL   error, warning, info, debug (info)\n";

/* A number, or the name of an account. */
static int
set_client_uid(const char *value, struct config *c, struct err *e)
{
	const struct passwd *account;
	uint64_t number;

	if (str_to_u64(value, UINT32_MAX - 1, &number) == 0) {
		c->client_uid = (uid_t)number;
	} else {
		account = getpwnam(value); /* one thread, and before any peer */
		if (account == NULL)
			return err_set(e, ERR_INVALID, 0,
				       "--client-uid %s: neither a user id nor "
				       "the name of an account",
				       value);
		c->client_uid = account->pw_uid;
	}
	c->has_client_uid = true;
	return 0;
}

static int
set_number(const char *name, const char *value, uint64_t min, uint64_t max,
	   uint64_t *ret, struct err *e)
{
	if (str_to_u64(value, max, ret) < 0 || *ret < min)
		return err_set(e, ERR_INVALID, 0,
			       "%s %s: a number from %" PRIu64 " to %" PRIu64,
			       name, value, min, max);
	return 0;
}

static int
set_count(const char *name, const char *value, uint64_t min, uint64_t max,
	  uint32_t *ret, struct err *e)
{
	uint64_t number;

	if (set_number(name, value, min, max, &number, e) < 0)
		return -1;
	*ret = (uint32_t)number;
	return 0;
}

static int
set_option(int id, const char *value, struct config *c, struct err *e)
{
	switch (id) {
	case OPT_SOCKET:
		c->socket_path = value;
		return 0;
	case OPT_STATE_DIR:
		c->state_dir = value;
		return 0;
	case OPT_POLICY_DIR:
		c->policy_dir = value;
		return 0;
	case OPT_RUNTIME_DIR:
		c->runtime_dir = value;
		return 0;
	case OPT_LIBEXEC_DIR:
		c->libexec_dir = value;
		return 0;
	case OPT_SLOTS:
		return set_count("--slots", value, 1, CONFIG_SLOTS_MAX,
				 &c->slots, e);
	case OPT_STANDBY:
		return set_count("--standby", value, 0, CONFIG_STANDBY_MAX,
				 &c->standby, e);
	case OPT_CLIENT_UID:
		return set_client_uid(value, c, e);
	case OPT_AUDIT_MAX_BYTES:
		return set_number("--audit-max-bytes", value, AUDIT_BYTES_MIN,
				  AUDIT_BYTES_MAX, &c->audit_max_bytes, e);
	case OPT_MEMORY_MAX:
		if (str_to_u64(value, INT64_MAX, &c->memory_max) < 0 ||
		    c->memory_max < CONFIG_MEMORY_MIN)
			return err_set(e, ERR_INVALID, 0,
				       "--memory-max %s: a number of bytes, "
				       "%llu or more",
				       value, CONFIG_MEMORY_MIN);
		return 0;
	case OPT_LOG_LEVEL:
		if (log_level_parse(value, &c->log_level) < 0)
			return err_set(e, ERR_INVALID, 0,
				       "--log-level %s: error, warning, info "
				       "or debug",
				       value);
		return 0;
	case OPT_HELP:
		fputs(usage, stdout);
		c->is_help = true;
		return 0;
	case OPT_VERSION:
		puts("promptcraft-supervisor " PROMPTCRAFT_VERSION);
		c->is_help = true;
		return 0;
	default:
		return err_set(e, ERR_INVALID, 0,
			       "unknown option or missing value (see --help)");
	}
}

/* What the machine has, less what everything but jails needs. */
static uint64_t
usual_memory_max(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t bytes = pages > 0 && size > 0
				 ? (uint64_t)pages / 4 * 3 * (uint64_t)size
				 : INT64_MAX;

	return bytes > CONFIG_MEMORY_MIN ? bytes : CONFIG_MEMORY_MIN;
}

int
config_parse(int argc, char **argv, struct config *ret, struct err *e)
{
	struct config c = {
		.socket_path = "/run/promptcraft/supervisor.sock",
		.state_dir = "/var/lib/promptcraft/supervisor",
		.policy_dir = "/etc/promptcraft/policy",
		.runtime_dir = "/usr/lib/promptcraft/runtimes",
		.libexec_dir = "/usr/lib/promptcraft",
		.slots = CONFIG_SLOTS_DEFAULT,
		.standby = CONFIG_STANDBY_DEFAULT,
		.audit_max_bytes = AUDIT_BYTES_DEFAULT,
		.memory_max = usual_memory_max(),
		.log_level = LOG_LEVEL_INFO,
	};
	int id;

	opterr = 0;
	optind = 1;
	while (!c.is_help &&
	       /* One thread: getopt's state is ours alone. */
	       (id = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (set_option(id, optarg, &c, e) < 0)
			return -1;
	if (!c.is_help && optind < argc)
		return err_set(e, ERR_INVALID, 0, "stray argument: %s",
			       argv[optind]);
	*ret = c;
	return 0;
}
