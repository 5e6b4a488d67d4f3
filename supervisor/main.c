/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promptcraft-supervisor: owns the jails.
 *
 * Theory of operation.  One root process, one thread, one epoll loop.  Clients
 * (the API process, the CLI) talk to it over a SEQPACKET socket in fixed-size
 * messages; it never parses text that a client or a jail wrote.
 *
 *   start    lock the state directory, take a uid range, try what the host
 *	      gives, clean up after a killed predecessor, make cgroups and empty
 *	      network namespaces, let an unprivileged child compile the
 *	      policies, open mount sources, open the audit log, bind the socket;
 *	      then drop privileges.
 *   serve    for each JOB_SUBMIT one jail (job.h): prepare, check the posture
 *	      from outside (gate.h), run, record (audit.h), answer.
 *   files    SIGHUP: the audit log goes on in a new file.
 *   stop     SIGTERM or SIGINT: no new jobs, kill what runs, answer, remove
 *	      cgroups and socket, exit 0.
 *
 * If a layer that every jail needs is missing, it serves all the same and
 * refuses each job with the cause and the fix.  If it is killed, the kernel
 * ends every jail: PID 1 of each has a parent-death signal and sees the end of
 * its control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/private.h"
#include "supervisor/base/str.h"
#include "supervisor/job.h"
#include "supervisor/privilege.h"
#include "supervisor/root.h"
#include "supervisor/supervisor.h"

#define LOCK_FILE "lock"
#define CGROUPS_FILE "cgroups"
#define STOP_PATIENCE_US 10000000

/* ---- systemd --------------------------------------------------------- */

/* sd_notify(3): one datagram; nobody listening is no error. */
static void
tell_systemd(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	owned_fd int sock = -1;
	size_t len;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    str_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0)
		return;
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (path[0] == '@') /* the abstract name space */
		addr.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 ||
	    sendto(sock, text, strlen(text), MSG_NOSIGNAL,
		   (const struct sockaddr *)&addr, (socklen_t)len) < 0)
		log_warning("sd_notify error=\"%s\"", strerrordesc_np(errno));
}

/* ---- state directory ------------------------------------------------- */

/*
 * One supervisor a state directory; *ret_lock is held while we live, and not by
 * a child that outlives us, as discard.c's may.
 */
static int
open_state(const struct config *config, int *ret_dir, int *ret_lock,
	   struct err *e)
{
	owned_fd int dir = -1;
	struct stat st;

	if (mkdir(config->state_dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make state directory %s", config->state_dir);
	dir = open(config->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_sys(e, "open state directory %s", config->state_dir);
	if ((st.st_mode & S_IWOTH) != 0)
		return err_set(e, ERR_DENIED, 0,
			       "state directory %s is writable by everybody: "
			       "chmod o-w",
			       config->state_dir);
	if (fd_lock_file(dir, LOCK_FILE, ret_lock, e) < 0)
		return e->kind == ERR_CONFLICT
			       ? err_set(e, ERR_CONFLICT, 0,
					 "another supervisor uses %s: stop it, "
					 "or give this one its own --state-dir",
					 config->state_dir)
			       : err_wrap(e, "%s", config->state_dir);
	*ret_dir = fd_take(&dir);
	return 0;
}

/* The same state directory gives the same name, wherever it is mounted. */
static int
name_instance(struct supervisor *sup, int state_dir, struct err *e)
{
	struct stat st;
	uint64_t id[2];
	uint8_t hash[crypto_hash_sha256_BYTES];

	if (fstat(state_dir, &st) < 0)
		return err_sys(e, "stat state directory");
	id[0] = st.st_dev;
	id[1] = st.st_ino;
	crypto_hash_sha256(hash, (const unsigned char *)id, sizeof(id));
	str_hex(sup->instance_name, hash, 6);
	randombytes_buf(sup->instance, sizeof(sup->instance));
	return 0;
}

/* ---- cgroups --------------------------------------------------------- */

static void
sweep_predecessor(const struct supervisor *sup, int state_dir)
{
	owned_mem char *text = NULL;
	struct err e = ERR_INIT;
	size_t len = 0;

	if (fd_read_file(state_dir, CGROUPS_FILE, 65536, &text, &len, &e) == 0)
		cgroup_sweep(text, sup->instance_name);
	else if (e.kind != ERR_NOT_FOUND)
		log_warning("stale_cgroups_unknown error=\"%s\"", e.text);
}

/* Write down where our cgroups are, before there is anything in them. */
static int
note_cgroups(const struct supervisor *sup, int state_dir, struct err *e)
{
	char text[CGROUP_PARTS * (CGROUP_PATH_MAX + 1) + 1];
	owned_fd int fd = openat(
		state_dir, CGROUPS_FILE,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(e, "open " CGROUPS_FILE);
	if (cgroup_describe(&sup->cgroup, text, sizeof(text)) < 0)
		return err_set(e, ERR_LIMIT, 0, "cgroup paths too long");
	if (fd_write_all(fd, text, strlen(text)) < 0)
		return err_sys(e, "write " CGROUPS_FILE);
	return 0;
}

static int
start_cgroups(struct supervisor *sup, int state_dir, struct err *e)
{
	sweep_predecessor(sup, state_dir);
	if (cgroup_init(&sup->cgroup, sup->instance_name, e) < 0)
		return -1;
	if (note_cgroups(sup, state_dir, e) < 0 ||
	    cgroup_limit_memory(&sup->cgroup, sup->config.memory_max, e) < 0 ||
	    slots_make_cgroups(&sup->slots, &sup->cgroup, e) < 0) {
		cgroup_done(&sup->cgroup);
		return -1;
	}
	sup->has_cgroup = true;
	return 0;
}

/* ---- life ------------------------------------------------------------ */

/* What a missing layer says to every job; the first one counts. */
static void
not_ready(struct supervisor *sup, const struct err *e)
{
	log_error("not_ready cause=\"%s\"", e->text);
	if (sup->cause.kind == ERR_NONE)
		sup->cause = *e;
	/* What the host cannot give is not a failure of the moment. */
	if (sup->cause.kind == ERR_IO)
		sup->cause.kind = ERR_UNSUPPORTED;
}

static void
supervisor_clear(struct supervisor *sup)
{
	sup->loop.epoll_fd = -1;
	sup->self.proc_fd = sup->self.net_fd = -1;
	sup->slots.range_lock = -1;
	sup->catalog.init_fd = -1;
	sup->audit = AUDIT_INIT;
	sup->flush_watch = WATCH_INIT;
	sup->listener.sock = -1;
	sup->listener.watch = WATCH_INIT;
}

static size_t
jobs_size(const struct supervisor *sup)
{
	return sup->slots.count * sizeof(sup->jobs[0]);
}

static void
on_flushed(struct watch *w, uint32_t events)
{
	struct supervisor *sup = w->owner;

	(void)events;
	audit_flushed(&sup->audit); /* job_turn_end answers */
}

/* Without it the disk is waited for: slower, and nothing else. */
static int
start_flush(struct supervisor *sup, struct err *e)
{
	struct err missing = ERR_INIT;
	struct flush *flush = &sup->audit.flush;

	if (flush_init(flush, &missing) == 0)
		return loop_add(&sup->loop, &sup->flush_watch, flush->event_fd,
				EPOLLIN, on_flushed, sup, e);
	log_warning("audit_waits_for_disk cause=\"%s\"", missing.text);
	return 0;
}

static int
supervisor_start(struct supervisor *sup, int state_dir, struct err *e)
{
	struct err missing = ERR_INIT;

	if (name_instance(sup, state_dir, e) < 0 ||
	    loop_init(&sup->loop, e) < 0 || gate_self_init(&sup->self, e) < 0 ||
	    slots_init(&sup->slots, sup->config.slots + sup->config.standby,
		       e) < 0)
		return -1;
	sup->jobs = private_alloc(jobs_size(sup));
	if (sup->jobs == NULL)
		return err_sys(e, "make job table");
	if (host_probe(&sup->host, &missing) < 0)
		not_ready(sup, &missing);
	if (start_cgroups(sup, state_dir, &missing) < 0)
		not_ready(sup, &missing);
	slots_make_networks(&sup->slots, sup->self.net_fd);
	if (catalog_load(&sup->catalog, &sup->config, e) < 0 ||
	    audit_open(state_dir, sup->config.audit_max_bytes, &sup->audit, e) <
		    0 ||
	    start_flush(sup, e) < 0)
		return -1;
	catalog_make_trees(&sup->catalog);
	/* Opens what it keeps; asked again for each job. */
	(void)host_check_cores(sup->self.proc_fd, &missing);
	if (listen_init(sup, e) < 0)
		return -1;
	return privilege_drop(e);
}

static void
supervisor_done(struct supervisor *sup)
{
	listen_done(sup);
	discard_done(&sup->discard);
	slots_done(&sup->slots, sup->has_cgroup ? &sup->cgroup : NULL);
	if (sup->has_cgroup)
		cgroup_done(&sup->cgroup);
	catalog_done(&sup->catalog);
	loop_remove(&sup->loop, &sup->flush_watch);
	audit_close(&sup->audit);
	gate_self_done(&sup->self);
	loop_done(&sup->loop);
	private_free(sup->jobs, jobs_size(sup));
}

static void
on_signal(struct watch *w, uint32_t events)
{
	struct supervisor *sup = w->owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		sup->audit.wants_rotation = true; /* at the end of this turn */
		return;
	}
	log_info("stopping signal=%u jobs=%u", info.ssi_signo,
		 job_unanswered(sup));
	sup->is_stopping = true;
}

static int
watch_signals(struct supervisor *sup, struct watch *w, int *ret_fd,
	      struct err *e)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "set signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "make signalfd");
	*ret_fd = fd;
	return loop_add(&sup->loop, w, fd, EPOLLIN, on_signal, sup, e);
}

static int
one_turn(struct supervisor *sup, uint64_t deadline_us, struct err *e)
{
	uint64_t job_us = job_next_deadline(sup);
	uint64_t discard_us = discard_deadline(&sup->discard);
	uint64_t audit_us = audit_deadline(&sup->audit);
	uint64_t listen_us = listen_deadline(sup);
	uint64_t standby_us = standby_deadline(sup);

	if (standby_us < deadline_us)
		deadline_us = standby_us;
	if (audit_us < deadline_us)
		deadline_us = audit_us;
	if (listen_us < deadline_us)
		deadline_us = listen_us;
	if (job_us < deadline_us)
		deadline_us = job_us;
	if (discard_us < deadline_us)
		deadline_us = discard_us;
	if (loop_turn(&sup->loop, deadline_us, e) < 0)
		return -1;
	listen_sweep(sup);
	listen_tick(sup);
	job_turn_end(sup);
	discard_flush(&sup->discard);
	standby_tick(sup);
	return 0;
}

static int
serve(struct supervisor *sup, struct err *e)
{
	uint64_t end_us;

	while (!sup->is_stopping)
		if (one_turn(sup, UINT64_MAX, e) < 0)
			return -1;
	tell_systemd("STOPPING=1");
	listen_stop(sup);
	job_kill_all(sup);
	end_us = clock_mono_us() + STOP_PATIENCE_US;
	while (sup->jobs_live > 0 && clock_mono_us() < end_us)
		if (one_turn(sup, end_us, e) < 0)
			return -1;
	if (sup->jobs_live > 0)
		log_error("jobs_left count=%u", sup->jobs_live);
	return 0;
}

static int
run(struct supervisor *sup, struct err *e)
{
	owned_fd int state_dir = -1, lock = -1, signals = -1;
	struct watch signal_watch = WATCH_INIT;
	int rc;

	supervisor_clear(sup);
	/* Inherited as ignored, no child of ours could be waited for. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR)
		return err_sys(e, "set SIGCHLD");
	if (privilege_begin(e) < 0 || root_leave_chroot(e) < 0)
		return -1;
	if (sodium_init() < 0)
		return err_set(e, ERR_IO, 0, "start libsodium");
	if (open_state(&sup->config, &state_dir, &lock, e) < 0)
		return -1;
	rc = supervisor_start(sup, state_dir, e);
	if (rc == 0)
		rc = watch_signals(sup, &signal_watch, &signals, e);
	if (rc == 0) {
		log_info("ready version=" PROMPTCRAFT_VERSION
			 " socket=%s slots=%u policies=%u runtimes=%u "
			 "cgroup=v%d landlock=%u takes_jobs=%s",
			 sup->config.socket_path, sup->config.slots,
			 sup->catalog.policies_len, sup->catalog.runtimes_len,
			 sup->has_cgroup ? sup->cgroup.version : 0,
			 sup->host.landlock_abi,
			 sup->cause.kind == ERR_NONE ? "yes" : "no");
		tell_systemd("READY=1");
		rc = serve(sup, e);
		if (rc == 0)
			rc = audit_stop(&sup->audit, e);
	}
	loop_remove(&sup->loop, &signal_watch);
	supervisor_done(sup);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct supervisor sup;
	struct err e = ERR_INIT;

	if (config_parse(argc, argv, &sup.config, &e) < 0) {
		log_error("%s", e.text);
		return 2;
	}
	if (sup.config.is_help)
		return 0;
	log_set_level(sup.config.log_level);
	if (run(&sup, &e) < 0) {
		log_error("supervisor: %s", e.text);
		return 1;
	}
	log_info("stopped");
	return 0;
}
