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
 *      reach later), the state directory
 *   3. user, groups, capabilities, no_new_privs, no core dumps (privilege.c)
 *   4. store, token secret, first admin; one token is made and checked, so
 *      that the cryptographic library has loaded what it wants from the disk
 *   5. Landlock and seccomp (privilege.c, filter.c)
 *   6. threads: monitor, workflow engine, HTTP
 *   7. READY=1; then this thread only waits for a signal
 *
 * SIGTERM or SIGINT: stop_fd becomes readable, which ends whatever waits for
 * long (running jobs are cancelled, workflows stay resumable); no connection
 * is accepted any more, answers that are due are sent; the rest in the reverse
 * order of start.  Exit code 0; 1 if the start failed, with the cause on
 * stderr.
 *
 * kill -9 at any moment loses nothing that was answered: see store.h and the
 * workflow engine.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/auth/bootstrap.h"
#include "api/auth/jwt.h"
#include "api/config.h"
#include "api/http/monitor.h"
#include "api/http/server.h"
#include "api/privilege.h"
#include "api/store/store.h"
#include "api/workflow/engine.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

struct process {
	struct api api;
	struct http_server *server;
	struct api_process_user user;
	int listen_fd;
	int notify_fd; /* -1: nobody wants to know */
	uint16_t port;
};

/* ---- sd_notify(3) ----------------------------------------------------- */

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

/* ---- start ------------------------------------------------------------ */

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
start_with_privilege(struct process *p, struct err *e)
{
	const struct api_config *config = &p->api.config;

	if (api_privilege_check_start(config, &p->user, e) < 0 ||
	    http_listen(config, &p->listen_fd, &p->port, e) < 0 ||
	    notify_open(&p->notify_fd, e) < 0 ||
	    api_privilege_make_state_dir(config, &p->user, e) < 0)
		return -1;
	return api_privilege_drop(&p->user, e);
}

static int
start_state(struct process *p, struct err *e)
{
	struct api *api = &p->api;

	if (store_open_sqlite(api->config.state_dir, &api->store, e) < 0 ||
	    config_ensure_secret(&api->config, api->store, e) < 0 ||
	    check_tokens(&api->config, e) < 0 || bootstrap_admin(api, e) < 0)
		return -1;
	return api_privilege_confine(&api->config, e);
}

static int
start_threads(struct process *p, struct err *e)
{
	struct api *api = &p->api;

	if (monitor_start(api, &api->monitor, e) < 0 ||
	    workflow_engine_start(api, &api->engine, e) < 0)
		return -1;
	return http_server_start(api, fd_take(&p->listen_fd), &p->server, e);
}

/* Before the first thread, which inherits it: this thread takes signals. */
static int
block_signals(sigset_t *ret_signals, struct err *e)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int rc;

	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
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

	if (config_load(ret, e) < 0)
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

/* ---- end --------------------------------------------------------------- */

static void
stop(struct process *p)
{
	const uint64_t one = 1;

	if (p->api.stop_fd >= 0 && write(p->api.stop_fd, &one, sizeof(one)) < 0)
		log_error("stop_signal errno=%d", errno);
	if (p->server != NULL)
		http_server_stop(p->server);
	if (p->api.engine != NULL)
		workflow_engine_stop(p->api.engine);
	monitor_stop(p->api.monitor);
	store_close(p->api.store);
	fd_close(&p->listen_fd);
	fd_close(&p->notify_fd);
	fd_close(&p->api.stop_fd);
	sodium_memzero(&p->api.config, sizeof(p->api.config));
}

int
main(int argc, char **argv)
{
	static struct process p = {
		.api.stop_fd = -1, .listen_fd = -1, .notify_fd = -1};
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
	log_info("stopping signal=%d", signal);
	notify(&p, "STOPPING=1");
	stop(&p);
	return 0;
}
