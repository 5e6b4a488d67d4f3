/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.c - see listen.h.
 */
#include "supervisor/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/dispatch.h"
#include "supervisor/gate.h"
#include "supervisor/job.h"
#include "supervisor/supervisor.h"

#define BACKLOG 1024
#define ACCEPTS_PER_TURN 16
#define REST_US 500000
#define ACTIVATED_FD 3 /* SD_LISTEN_FDS_START */

/* One message that waits for room in the socket. */
struct outgoing {
	struct outgoing *next;
	union wire_message message;
	int fds[PROTO_FDS_MAX];
};

/* ---- sending --------------------------------------------------------- */

static void
doom(struct peer *peer)
{
	peer->is_doomed = true;
	peer->sup->listener.has_doomed = true;
}

static void
drop(struct peer *peer, const char *cause)
{
	static struct log_limit limit;

	if (log_may(&limit, "peer_dropped"))
		log_warning("peer_dropped pid=%d uid=%u cause=\"%s\"",
			    (int)peer->pid, (unsigned)peer->uid, cause);
	doom(peer);
}

static void
close_fds(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fd_close(&fds[i]);
}

/* Take the first one out of the queue. */
static void
drop_first(struct peer *peer)
{
	struct outgoing *o = peer->first;
	unsigned nfds = o->message.head.nfds;

	peer->first = o->next;
	if (peer->first == NULL)
		peer->last = NULL;
	peer->queued--;
	peer->queued_fds -= nfds;
	peer->sup->listener.queued_fds -= nfds;
	close_fds(o->fds, nfds);
	free(o);
}

static int
enqueue(struct peer *peer, const struct proto_head *head, int *fds)
{
	unsigned *all_fds = &peer->sup->listener.queued_fds;
	struct outgoing *o = NULL;

	if (peer->queued < LISTEN_QUEUE_MAX &&
	    (head->nfds == 0 ||
	     (peer->queued_fds + head->nfds <= LISTEN_QUEUED_FDS_PER_PEER &&
	      *all_fds + head->nfds <= LISTEN_QUEUED_FDS_MAX)))
		o = calloc(1, sizeof(*o));
	if (o == NULL)
		return -1;
	memcpy(o->message.bytes, head, head->size);
	for (unsigned i = 0; i < head->nfds; i++)
		o->fds[i] = fd_take(&fds[i]);
	if (peer->last != NULL)
		peer->last->next = o;
	else
		peer->first = o;
	peer->last = o;
	peer->queued++;
	peer->queued_fds += head->nfds;
	*all_fds += head->nfds;
	loop_want(&peer->sup->loop, &peer->watch, EPOLLIN | EPOLLOUT);
	return 0;
}

static void
send_or_queue(struct peer *peer, const struct proto_head *head, int *fds,
	      bool is_later)
{
	enum wire_status status = WIRE_AGAIN;
	struct err e = ERR_INIT;

	if (peer->is_doomed) {
		close_fds(fds, head->nfds);
		return;
	}
	if (peer->first == NULL && !is_later) /* order is kept */
		status = wire_send(peer->sock, head, fds, &e);
	if (status == WIRE_AGAIN && enqueue(peer, head, fds) == 0)
		return;
	close_fds(fds, head->nfds);
	if (status == WIRE_OK)
		return;
	drop(peer, status == WIRE_AGAIN ? "does not read" : e.text);
}

void
peer_send(struct peer *peer, const struct proto_head *head, int *fds)
{
	send_or_queue(peer, head, fds, false);
}

void
peer_send_later(struct peer *peer, const struct proto_head *head)
{
	send_or_queue(peer, head, NULL, true);
}

static void
flush(struct peer *peer)
{
	while (peer->first != NULL) {
		struct outgoing *o = peer->first;
		struct err e = ERR_INIT;
		enum wire_status status =
			wire_send(peer->sock, &o->message.head, o->fds, &e);

		if (status == WIRE_AGAIN)
			return;
		if (status != WIRE_OK) {
			doom(peer);
			return;
		}
		drop_first(peer);
	}
	loop_want(&peer->sup->loop, &peer->watch, EPOLLIN);
}

/* ---- receiving ------------------------------------------------------- */

static void
end_upload(struct peer *peer)
{
	if (peer->upload.memfd >= 0)
		peer->sup->listener.uploads--;
}

/* Some of what follows a message; with the last of it that is handled. */
static enum wire_status
read_upload(struct peer *peer, struct err *e)
{
	static unsigned char chunk[PROTO_CHUNK]; /* one thread */
	struct upload *u = &peer->upload;
	bool is_wanted = u->is_wanted;
	size_t len = 0;
	enum wire_status status =
		wire_recv_bytes(peer->sock, chunk, sizeof(chunk), &len, e);

	if (status != WIRE_OK)
		return status;
	if (upload_add(u, chunk, len, e) < 0)
		return WIRE_FAILED;
	if (is_wanted && u->left == 0) {
		end_upload(peer);
		dispatch_uploaded(peer->sup, peer);
	}
	return WIRE_OK;
}

static enum wire_status
read_message(struct peer *peer, struct err *e)
{
	union wire_message msg;
	enum wire_status status = wire_recv_fdless(peer->sock, &msg, e);

	if (status == WIRE_OK && dispatch(peer->sup, peer, &msg, e) < 0)
		return WIRE_FAILED;
	return status;
}

static void
on_peer(struct watch *w, uint32_t events)
{
	struct peer *peer = w->owner;

	if ((events & EPOLLOUT) != 0)
		flush(peer);
	for (int i = 0; i < LISTEN_MESSAGES_PER_TURN && !peer->is_doomed; i++) {
		struct err e = ERR_INIT;
		bool is_upload = peer->upload.left > 0;
		enum wire_status status = is_upload ? read_upload(peer, &e)
						    : read_message(peer, &e);

		if (status == WIRE_AGAIN)
			return;
		if (status == WIRE_FAILED)
			drop(peer, e.text);
		else if (status != WIRE_OK)
			doom(peer);
		/* The dear one, to hash and to begin a job: others first. */
		if (is_upload)
			return;
	}
}

/* ---- accepting ------------------------------------------------------- */

static bool
may_connect(const struct supervisor *sup, const struct ucred *cred)
{
	unsigned count = sup->listener.count;

	if (cred->uid == 0)
		return count < LISTEN_PEERS_MAX;
	return sup->config.has_client_uid &&
	       cred->uid == sup->config.client_uid &&
	       count < LISTEN_PEERS_MAX - LISTEN_ROOT_RESERVED;
}

static void
add_peer(struct supervisor *sup, int *sock, const struct ucred *cred)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct err e = ERR_INIT;

	if (peer == NULL) {
		log_error("peer_refused cause=\"out of memory\"");
		return;
	}
	peer->sup = sup;
	peer->watch = WATCH_INIT;
	peer->upload = UPLOAD_INIT;
	peer->uid = cred->uid;
	peer->pid = cred->pid;
	if (loop_add(&sup->loop, &peer->watch, *sock, EPOLLIN, on_peer, peer,
		     &e) < 0) {
		log_error("peer_refused cause=\"%s\"", e.text);
		free(peer);
		return;
	}
	peer->sock = fd_take(sock);
	peer->next = sup->listener.peers;
	sup->listener.peers = peer;
	sup->listener.count++;
}

/*
 * No fd to be had, no memory, or what clients left cannot be let go of: who
 * waits keeps waiting, and to try in each turn would fill a CPU and the log.
 */
static void
rest(struct supervisor *sup, const char *cause)
{
	static struct log_limit limit;
	struct listener *l = &sup->listener;

	if (log_may(&limit, "accept_failed"))
		log_error("accept_failed error=\"%s\" connections=%u "
			  "being_closed=%u",
			  cause, l->count, sup->discard.children);
	l->retry_us = clock_mono_us() + REST_US;
	loop_want(&sup->loop, &l->watch, 0);
}

uint64_t
listen_deadline(const struct supervisor *sup)
{
	const struct listener *l = &sup->listener;
	uint64_t next = l->retry_us > 0 ? l->retry_us : UINT64_MAX;

	if (l->uploads == 0)
		return next;
	for (const struct peer *p = l->peers; p != NULL; p = p->next)
		if (p->upload.memfd >= 0 && p->upload.deadline_us < next)
			next = p->upload.deadline_us;
	return next;
}

static void
drop_slow_uploads(struct listener *l)
{
	uint64_t now = clock_mono_us();

	for (struct peer *p = l->peers; p != NULL; p = p->next) {
		if (p->upload.memfd < 0 || p->upload.deadline_us > now)
			continue;
		drop(p, "the bundle did not come in time");
	}
}

void
listen_tick(struct supervisor *sup)
{
	struct listener *l = &sup->listener;

	if (l->uploads > 0)
		drop_slow_uploads(l);
	if (l->retry_us == 0 || clock_mono_us() < l->retry_us)
		return;
	l->retry_us = 0;
	loop_want(&sup->loop, &l->watch, EPOLLIN);
}

static void
log_refused(const struct supervisor *sup, const struct ucred *cred)
{
	static struct log_limit limit;

	if (log_may(&limit, "peer_refused"))
		log_warning("peer_refused pid=%d uid=%u connections=%u",
			    (int)cred->pid, (unsigned)cred->uid,
			    sup->listener.count);
}

static void
on_accept(struct watch *w, uint32_t events)
{
	struct supervisor *sup = w->owner;

	(void)events;
	/* Another could bring what blocks yet another child, also if it was
	 * turned away. */
	if (sup->discard.children >= LISTEN_DISCARDS_MAX) {
		rest(sup, "too many connections do not close");
		return;
	}
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int sock = accept4(w->fd, NULL, NULL,
				   SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct ucred cred;
		socklen_t len = sizeof(cred);

		if (sock < 0) {
			if (errno != EAGAIN && errno != ECONNABORTED &&
			    errno != EINTR)
				rest(sup, strerrordesc_np(errno));
			return;
		}
		/* The kernel's word, taken at connect(2): not to be forged. */
		if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
			log_error("peer_refused error=\"%s\"",
				  strerrordesc_np(errno));
		else if (may_connect(sup, &cred))
			add_peer(sup, &sock, &cred);
		else
			log_refused(sup, &cred);
		discard_add(&sup->discard, &sock); /* unless it was taken */
	}
}

/* A socket left by a killed predecessor goes; anything else stays. */
static int
remove_stale(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "stat %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFLICT, 0, "%s exists and is no socket",
			       path);
	if (unlink(path) < 0)
		return err_sys(e, "remove stale socket %s", path);
	return 0;
}

/* A listening SOCK_SEQPACKET socket bound to this path? */
static bool
is_listening_at(int sock, const char *path)
{
	struct sockaddr_un addr = {0};
	socklen_t addr_len = sizeof(addr) - 1, int_len = sizeof(int);
	int type = 0, is_listening = 0;

	return getsockname(sock, (struct sockaddr *)&addr, &addr_len) == 0 &&
	       addr.sun_family == AF_UNIX && strcmp(addr.sun_path, path) == 0 &&
	       getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &int_len) == 0 &&
	       type == SOCK_SEQPACKET &&
	       getsockopt(sock, SOL_SOCKET, SO_ACCEPTCONN, &is_listening,
			  &int_len) == 0 &&
	       is_listening == 1;
}

/*
 * The socket that systemd made for us (sd_listen_fds(3)), with the owner and
 * mode that its unit says; *ret is -1 when there is none.
 */
static int
take_activated(const char *path, int *ret, struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t number;
	int sock = ACTIVATED_FD;

	*ret = -1;
	if (pid == NULL || fds == NULL ||
	    str_to_u64(pid, INT32_MAX, &number) < 0 ||
	    number != (uint64_t)getpid())
		return 0;
	if (strcmp(fds, "1") != 0 || !is_listening_at(sock, path))
		return err_set(e, ERR_INVALID, 0,
			       "LISTEN_FDS: wanted is one listening SEQPACKET "
			       "socket at --socket %s: see the socket unit",
			       path);
	if (fcntl(sock, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(sock, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, "set flags of the passed socket");
	*ret = sock;
	return 0;
}

static int
make_socket(const struct config *config, int *ret, struct stat *ret_st,
	    struct err *e)
{
	const char *path = config->socket_path;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	owned_fd int sock = -1;

	if (str_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "--socket %s is longer than %zu bytes", path,
			       sizeof(addr.sun_path) - 1);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		      0);
	if (sock < 0)
		return err_sys(e, "create socket");
	if (remove_stale(path, e) < 0)
		return -1;
	/* umask 077 keeps others out until owner and mode are right. */
	if (bind(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(e, "bind %s", path);
	/* The mode first: once given away it is no longer ours to change. */
	if (chmod(path, 0600) < 0)
		return err_sys(e, "set mode of %s", path);
	if (config->has_client_uid &&
	    lchown(path, config->client_uid, (gid_t)-1) < 0)
		return err_sys(e, "give %s to uid %u", path,
			       (unsigned)config->client_uid);
	if (lstat(path, ret_st) < 0)
		return err_sys(e, "stat %s", path);
	if (listen(sock, BACKLOG) < 0)
		return err_sys(e, "listen on %s", path);
	*ret = fd_take(&sock);
	return 0;
}

int
listen_init(struct supervisor *sup, struct err *e)
{
	owned_fd int sock = -1;
	struct stat st = {0};
	bool is_own;

	sup->listener = (struct listener){.watch = WATCH_INIT, .sock = -1};
	if (take_activated(sup->config.socket_path, &sock, e) < 0)
		return -1;
	is_own = sock < 0;
	if (is_own && make_socket(&sup->config, &sock, &st, e) < 0)
		return -1;
	if (loop_add(&sup->loop, &sup->listener.watch, sock, EPOLLIN, on_accept,
		     sup, e) < 0)
		return -1;
	sup->listener.sock = fd_take(&sock);
	sup->listener.is_own = is_own;
	sup->listener.own_dev = st.st_dev;
	sup->listener.own_ino = st.st_ino;
	return 0;
}

/* And not that of another, which took the path over: remove_stale(). */
static bool
is_still_there(const struct listener *l, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == l->own_dev &&
	       st.st_ino == l->own_ino;
}

void
listen_stop(struct supervisor *sup)
{
	struct listener *l = &sup->listener;

	if (l->sock < 0)
		return;
	loop_remove(&sup->loop, &l->watch);
	/* While it is open, no other file has its number. */
	if (l->is_own && is_still_there(l, sup->config.socket_path) &&
	    unlink(sup->config.socket_path) < 0)
		log_warning("socket_left path=%s error=\"%s\"",
			    sup->config.socket_path, strerrordesc_np(errno));
	discard_add(&sup->discard, &l->sock);
}

/*
 * Close a peer's socket here and now, if that cannot block: the other end is
 * gone, so nothing can be added, and no fds lie unread in it.  To have it
 * closed by a child takes twenty times as long.
 */
static void
close_empty(const struct peer *peer, int *sock)
{
	struct pollfd p = {.fd = *sock};
	char name[64], text[512];
	owned_fd int info = -1;
	uint64_t unread;
	ssize_t n;

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLHUP) == 0)
		return;
	(void)snprintf(name, sizeof(name), "self/fdinfo/%d", *sock);
	info = openat(peer->sup->self.proc_fd, name, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : fd_read_full(info, text, sizeof(text) - 1);
	if (n < 0)
		return;
	text[n] = '\0';
	if (gate_field_u64(text, "scm_fds", 10, &unread) == 0 && unread == 0)
		fd_close(sock);
}

static void
peer_free(struct peer *peer)
{
	job_peer_gone(peer->sup, peer);
	end_upload(peer);
	upload_done(&peer->upload);
	loop_remove(&peer->sup->loop, &peer->watch);
	close_empty(peer, &peer->sock);
	discard_add(&peer->sup->discard, &peer->sock);
	while (peer->first != NULL)
		drop_first(peer);
	peer->sup->listener.count--;
	free(peer);
}

void
listen_sweep(struct supervisor *sup)
{
	struct peer **at = &sup->listener.peers;

	if (!sup->listener.has_doomed)
		return;
	sup->listener.has_doomed = false;
	while (*at != NULL) {
		struct peer *peer = *at;

		if (peer->is_doomed) {
			*at = peer->next;
			peer_free(peer);
		} else {
			at = &peer->next;
		}
	}
}

void
listen_done(struct supervisor *sup)
{
	listen_stop(sup);
	for (struct peer *p = sup->listener.peers; p != NULL; p = p->next) {
		if (!p->is_doomed)
			flush(p); /* what was left for the next turn */
		doom(p);
	}
	listen_sweep(sup);
}
