/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the API process.
 *
 * Theory of operation
 *
 * The process is everything a client talks to and may do nothing but talk: it
 * parses HTTP, JSON and tokens, keeps its state in SQLite, and asks the
 * supervisor for jails over a Unix socket.  Its compromise must be worth
 * little, so it gives up its power in this order, each step before there is a
 * thread and before the first byte of a client is read:
 *
 *   1. settings from the environment; the secret is wiped from there
 *   2. the listening socket, systemd's notify socket (abstract ones are out of
 *      reach later), the table of prices, the agents or the cookbook,
 *      the rules, the state directory
 *   3. user, groups, capabilities, no_new_privs, no core dumps (privilege.c)
 *   4. the broker, a process that makes outgoing connections (net/broker.h);
 *      store, token secret, first admin; one token is made and checked, so
 *      that the cryptographic library has loaded what it wants from the disk
 *   5. Landlock and seccomp (privilege.c, filter.c)
 *   6. threads: monitor, notifications, workflow engine, HTTP
 *   7. READY=1; then this thread only waits for a signal
 *
 * SIGTERM or SIGINT, or the end of the broker, which cannot be forked again
 * (exit code 1: to be restarted): stop_fd becomes readable, which ends whatever
 * waits for long (running jobs are cancelled, workflows stay resumable); no
 * connection is accepted any more, answers that are due are sent; the rest in
 * the reverse order of start.  Exit code 0; 1 if the start failed, with the
 * cause on stderr.
 *
 * kill -9 at any moment loses nothing that was answered: see store.h and the
 * workflow engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/agents/writer.h"
#include "api/analysis/analysis.h"
#include "api/auth/bootstrap.h"
#include "api/auth/token_cache.h"
#include "api/config.h"
#include "api/cookbook/cookbook.h"
#include "api/cost/prices.h"
#include "api/cost/usage.h"
#include "api/http/monitor.h"
#include "api/http/server.h"
#include "api/net/net.h"
#include "api/notify/notify.h"
#include "api/privilege.h"
#include "api/routes/status_cache.h"
#include "api/store/store.h"
#include "api/workflow/author.h"
#include "api/workflow/engine.h"
#include "api/workflow/watch.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define LOCK_FILE "lock"

struct process {
	struct api api;
	struct http_server *server;
	struct api_process_user user;
	int listen_fd;
	int notify_fd; /* -1: nobody wants to know */
	int lock_fd;   /* of the state directory */
	uint16_t port;
};

/* ---- sd_notify(3) ---------------------------------------------------- */

static int
notify_open(int *ret_fd, struct err *e)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd int fd = -1;
	size_t len;

	if (path == NULL || path[0] == '\0')
		return 0;
	if (str_copy(address.sun_path, sizeof(address.sun_path), path) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "NOTIFY_SOCKET: the path is too long");
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, (socklen_t)len) < 0)
		return err_sys(e, "NOTIFY_SOCKET: connect");
	*ret_fd = fd_take(&fd);
	return 0;
}

static void
notify(const struct process *p, const char *state)
{
	if (p->notify_fd >= 0 &&
	    send(p->notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_warning("notify_failed errno=%d", errno);
}

/* ---- start ----------------------------------------------------------- */

/* What a token is made with works, and its libraries are warmed up. */
static int
check_tokens(const struct api_config *config, struct err *e)
{
	struct store_user nobody = {
		.user_id = "self-test",
		.username = "self-test",
		.role = USER_ROLE_USER,
	};
	uint64_t now_s = clock_wall_us() / 1000000u;
	owned_mem char *token = NULL;
	struct jwt_claims claims;

	if (jwt_issue(config, &nobody, now_s, &token, e) < 0 ||
	    jwt_check(config, token, now_s, &claims, e) < 0)
		return err_wrap(e, "token self-test");
	return 0;
}

static int
load_prices(struct process *p, struct err *e)
{
	const char *path = p->api.config.prices_file;

	if (path[0] == '\0')
		return 0;
	if (prices_load(path, &p->api.prices, e) < 0)
		return err_wrap(e, "PROMPTCRAFT_PRICES");
	return 0;
}

/* A model writes alone: when it fails, no recipe takes its place. */
static int
load_cookbook(struct api *api, struct err *e)
{
	if (api->writer != NULL)
		return 0;
	if (cookbook_load(api->config.cookbook_dir, &api->cookbook, e) < 0)
		return err_wrap(e, "PROMPTCRAFT_COOKBOOK_DIR");
	return 0;
}

static int
start_with_privilege(struct process *p, struct err *e)
{
	const struct api_config *config = &p->api.config;

	if (api_privilege_check_start(config, &p->user, e) < 0 ||
	    http_listen(config, &p->listen_fd, &p->port, e) < 0 ||
	    notify_open(&p->notify_fd, e) < 0 || load_prices(p, e) < 0 ||
	    writer_new(&p->api, &p->api.writer, e) < 0 ||
	    load_cookbook(&p->api, e) < 0 ||
	    analysis_new(&p->api, &p->api.analysis, e) < 0 ||
	    api_privilege_make_dirs(config, &p->user, e) < 0)
		return -1;
	return api_privilege_drop(&p->user, e);
}

static void
forget_config(void *config)
{
	sodium_memzero(config, sizeof(struct api_config));
}

/* The process itself makes no TCP connection: the broker does. */
static int
connect_redis(void *net, const char *host, uint16_t port, uint32_t timeout_ms,
	      int *ret_fd, struct err *e)
{
	return net_connect(net, host, port, timeout_ms, ret_fd, e);
}

static int
open_store(struct api *api, struct err *e)
{
	struct store_options *options = &api->config.store;

	options->redis.connect = connect_redis;
	options->redis.connect_arg = api->net;
	if (store_open(options, api->config.state_dir, &api->store, e) < 0)
		return -1;
	if (store_warning(api->store)[0] != '\0')
		log_warning("store text=\"%s\"", store_warning(api->store));
	return 0;
}

/*
 * The engine forgets all leases in SQLite and marks what runs as lost: with two
 * processes each would do so to the other's workflows.
 */
static int
lock_state(struct process *p, struct err *e)
{
	const struct api *api = &p->api;
	char path[sizeof(api->config.state_dir) + sizeof(LOCK_FILE) + 1];

	if (strcmp(store_backend_name(api->store), "sqlite") != 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/" LOCK_FILE,
		       api->config.state_dir);
	if (fd_lock_file(AT_FDCWD, path, &p->lock_fd, e) == 0)
		return 0;
	return e->kind == ERR_CONFLICT
		       ? err_set(e, ERR_CONFLICT, 0,
				 "another process uses %s: stop it, give this "
				 "one its own PROMPTCRAFT_STATE_DIR, or share "
				 "a Redis",
				 api->config.state_dir)
		       : -1;
}

static int
start_state(struct process *p, struct err *e)
{
	struct api *api = &p->api;

	if (net_open(&api->config, forget_config, &api->config, &api->net, e) <
	    0)
		return -1;
	if (open_store(api, e) < 0 || lock_state(p, e) < 0 ||
	    config_ensure_secret(&api->config, api->store, e) < 0 ||
	    notify_ensure_secret(&api->config, api->store, e) < 0 ||
	    check_tokens(&api->config, e) < 0 || bootstrap_admin(api, e) < 0)
		return -1;
	return api_privilege_confine(&api->config, e);
}

static int
start_engine(struct api *api, struct err *e)
{
	struct workflow_analyst analyst = analysis_analyst(api->analysis);
	struct workflow_parts parts = {.analyst = &analyst};
	struct workflow_author author;

	if (api->writer != NULL) {
		author = writer_author(api->writer);
		parts.author = &author;
	} else if (api->cookbook != NULL) {
		author = cookbook_author(api->cookbook);
		parts.author = &author;
	}
	return workflow_engine_start_with(api, &parts, &api->engine, e);
}

static int
start_threads(struct process *p, struct err *e)
{
	struct api *api = &p->api;

	if (token_cache_new(&api->tokens, e) < 0 ||
	    status_cache_new(&api->statuses, e) < 0 ||
	    monitor_start(api, &api->monitor, e) < 0 ||
	    watch_start(api, &api->watch, e) < 0 ||
	    usage_start(api, &api->usage, e) < 0 ||
	    notify_start(api, &api->notifier, e) < 0 ||
	    start_engine(api, e) < 0)
		return -1;
	return http_server_start(api, fd_take(&p->listen_fd), &p->server, e);
}

/* Before the first thread, which inherits it: this thread takes signals. */
static int
block_signals(sigset_t *ret_signals, struct err *e)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	/* The broker has not ended that somebody stops for a while. */
	struct sigaction end_only = {.sa_handler = SIG_DFL,
				     .sa_flags = SA_NOCLDSTOP};
	int rc;

	if (sigaction(SIGCHLD, &end_only, NULL) < 0)
		return err_sys(e, "listen to the end of children");
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGCHLD);
	rc = pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
	if (rc != 0)
		return err_set(e, ERR_IO, rc, "block signals");
	/* A reader of stderr that goes away must not end us. */
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return err_sys(e, "ignore SIGPIPE");
	return 0;
}

static int
load_config(struct api_config *ret, struct err *e)
{
	enum log_level level;

	if (config_load(ret, e) < 0 || notify_check_settings(ret, e) < 0)
		return -1;
	config_wipe_environment();
	if (log_level_parse(ret->log_level, &level) == 0)
		log_set_level(level);
	return 0;
}

static int
start(struct process *p, sigset_t *ret_signals, struct err *e)
{
	(void)umask(077);
	/* Half a hundred threads that mostly sleep need no heap each. */
	(void)mallopt(M_ARENA_MAX, 2);
	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "no random numbers");
	json_object_seed(0); /* opens /dev/urandom */
	if (load_config(&p->api.config, e) < 0)
		return -1;
	p->api.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->api.stop_fd < 0)
		return err_sys(e, "make an eventfd");
	if (block_signals(ret_signals, e) < 0 ||
	    start_with_privilege(p, e) < 0 || start_state(p, e) < 0)
		return -1;
	return start_threads(p, e);
}

/* ---- end ------------------------------------------------------------- */

static void
stop(struct process *p)
{
	const uint64_t one = 1;

	if (p->api.stop_fd >= 0 && write(p->api.stop_fd, &one, sizeof(one)) < 0)
		log_error("stop_signal errno=%d", errno);
	watch_stop(p->api.watch);
	if (p->server != NULL)
		http_server_stop(p->server);
	if (p->api.engine != NULL)
		workflow_engine_stop(p->api.engine);
	notify_stop(p->api.notifier);
	watch_free(p->api.watch);
	status_cache_free(p->api.statuses);
	token_cache_free(p->api.tokens);
	usage_stop(p->api.usage);
	monitor_stop(p->api.monitor);
	store_close(p->api.store);
	analysis_free(p->api.analysis);
	writer_free(p->api.writer);
	cookbook_free(p->api.cookbook);
	prices_free(p->api.prices);
	net_close(p->api.net);
	fd_close(&p->listen_fd);
	fd_close(&p->notify_fd);
	fd_close(&p->lock_fd);
	fd_close(&p->api.stop_fd);
	sodium_memzero(&p->api.config, sizeof(p->api.config));
}

int
main(int argc, char **argv)
{
	static struct process p = {.api.stop_fd = -1,
				   .listen_fd = -1,
				   .notify_fd = -1,
				   .lock_fd = -1};
	struct err e = ERR_INIT;
	sigset_t signals;
	int signal = 0;

	(void)argv;
	if (argc > 1) {
		log_error(
			"promptcraft-api takes no arguments: it is configured "
			"by environment variables (api/config.h)");
		return 1;
	}
	if (start(&p, &signals, &e) < 0) {
		log_error("start_failed error=\"%s\"", e.text);
		stop(&p);
		return 1;
	}
	log_info("listening host=%s port=%u uid=%u", p.api.config.host, p.port,
		 p.user.uid);
	notify(&p, "READY=1");
	while (sigwait(&signals, &signal) != 0)
		;
	if (signal == SIGCHLD)
		log_error("broker_ended: nothing can be connected to");
	log_info("stopping signal=%d", signal);
	notify(&p, "STOPPING=1");
	stop(&p);
	return signal == SIGCHLD ? 1 : 0;
}
