/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - the client's side of the protocol, blocking, one connection a
 * call.
 *
 * What comes out of a jail (stdout, stderr, results, collected files) is
 * untrusted bytes: it is kept up to a cap and never interpreted here.  After
 * JOB_DONE, or when the supervisor is gone, no process of the job can be alive
 * any more, so what is left in the pipes is read to its end with a short
 * deadline.
 */
#include "supervisor/wire/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/wire.h"

#define REPLY_SECONDS 10	/* for a request that starts nothing */
#define START_PATIENCE_MS 60000 /* submit to JOB_STARTED */
#define END_PATIENCE_MS 60000	/* beyond the job's own wall limit */
#define DRAIN_MS 2000		/* after the end, for what is in the pipes */
#define LATE_TURNS 64		/* more than takes all that pipes can hold */
#define COLLECTED_MAX (64u << 20)
#define READ_CHUNK 65536

enum stream {
	STREAM_STDOUT = 1,
	STREAM_STDERR = 2,
	STREAM_RESULT = 3,
	STREAM_COUNT
};

struct run {
	const struct client_job_request *request;
	struct client_job_result *result;
	int sock;
	int stdin_fd;
	size_t stdin_done;
	int stream_fd[STREAM_COUNT];
	uint64_t stream_max[STREAM_COUNT];
	size_t line_start; /* in result->results: first byte not yet given */
	uint64_t deadline_ms;
	unsigned late_turns; /* after a deadline */
	bool is_ended;	     /* JOB_DONE came, or the supervisor is gone */
	bool has_sent_kill;  /* one is enough */
	bool is_cancel_seen; /* cancel_fd needs no more polling */
};

static int
connect_to(const char *path, int *ret_sock, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = REPLY_SECONDS};
	owned_fd int sock = -1;

	if (str_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "supervisor socket path is longer than %zu "
			       "bytes: %s",
			       sizeof(addr.sun_path) - 1, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(e, "create socket");
	/* Bounds connect(2) on a full backlog and every send and receive. */
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience,
		       sizeof(patience)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0)
		return err_sys(e, "set socket timeouts");
	if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_set(
			e, ERR_PEER, errno,
			"connect to supervisor at %s (is it running, and "
			"may this user connect?)",
			path);
	*ret_sock = fd_take(&sock);
	return 0;
}

/* What follows a message; it is read also if that is refused. */
static int
send_bytes(int sock, const void *bytes, size_t left)
{
	const char *at = bytes;

	while (left > 0) {
		ssize_t n =
			send(sock, at, left < PROTO_CHUNK ? left : PROTO_CHUNK,
			     MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

/* One request with the bytes that follow it, one reply of the wanted type. */
static int
exchange(const char *path, const struct proto_head *request, const void *bytes,
	 size_t bytes_len, enum proto_type wanted, union wire_message *ret,
	 struct err *e)
{
	struct wire_fds fds;
	owned_fd int sock = -1;
	enum wire_status status;

	if (connect_to(path, &sock, e) < 0)
		return -1;
	if (wire_send(sock, request, NULL, e) != WIRE_OK ||
	    send_bytes(sock, bytes, bytes_len) < 0)
		return err_set(e, ERR_PEER, 0,
			       "supervisor at %s closed the connection (may "
			       "this user use it? see --client-uid)",
			       path);
	status = wire_recv(sock, ret, &fds, e);
	wire_fds_done(&fds);
	if (status == WIRE_FAILED)
		return err_wrap(e, "supervisor at %s", path);
	if (status == WIRE_AGAIN)
		return err_set(e, ERR_PEER, 0,
			       "supervisor at %s did not answer in %d s", path,
			       REPLY_SECONDS);
	if (status == WIRE_CLOSED)
		return err_set(e, ERR_PEER, 0,
			       "supervisor at %s closed the connection (may "
			       "this user use it? see --client-uid)",
			       path);
	if (ret->head.type != wanted)
		return err_set(
			e, ERR_PEER, 0, "supervisor at %s answered %s", path,
			proto_type_name((enum proto_type)ret->head.type));
	return 0;
}

int
client_hello(const char *socket_path, struct proto_hello_reply *ret,
	     struct err *e)
{
	struct proto_hello request = {0};
	union wire_message reply;

	wire_head_init(&request.head, PROTO_HELLO, sizeof(request), 0);
	if (exchange(socket_path, &request.head, NULL, 0, PROTO_HELLO_REPLY,
		     &reply, e) < 0)
		return -1;
	*ret = reply.hello_reply;
	return 0;
}

static int
get_info(const char *socket_path, enum proto_type type, enum proto_type wanted,
	 uint32_t index, union wire_message *ret, struct err *e)
{
	struct proto_get request = {.index = index};

	wire_head_init(&request.head, type, sizeof(request), 0);
	return exchange(socket_path, &request.head, NULL, 0, wanted, ret, e);
}

int
client_release(const char *socket_path, const struct proto_release *release,
	       const void *shown, size_t shown_len,
	       struct proto_release_reply *ret, struct err *e)
{
	struct proto_release request = *release;
	union wire_message reply;

	if (shown_len > PROTO_SHOWN_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "what was shown is %zu bytes, at most %u are "
			       "allowed",
			       shown_len, PROTO_SHOWN_MAX);
	request.shown_bytes = (uint32_t)shown_len;
	wire_head_init(&request.head, PROTO_RELEASE, sizeof(request), 0);
	if (exchange(socket_path, &request.head, shown, shown_len,
		     PROTO_RELEASE_REPLY, &reply, e) < 0)
		return -1;
	if (strcmp(reply.release_reply.workflow, release->workflow) != 0)
		return err_set(e, ERR_PEER, 0,
			       "supervisor answered for another release");
	*ret = reply.release_reply;
	return 0;
}

int
client_policy_get(const char *socket_path, uint32_t index,
		  struct proto_policy_info *ret, struct err *e)
{
	union wire_message reply;

	if (get_info(socket_path, PROTO_POLICY_GET, PROTO_POLICY_INFO, index,
		     &reply, e) < 0)
		return -1;
	*ret = reply.policy_info;
	return 0;
}

int
client_runtime_get(const char *socket_path, uint32_t index,
		   struct proto_runtime_info *ret, struct err *e)
{
	union wire_message reply;

	if (get_info(socket_path, PROTO_RUNTIME_GET, PROTO_RUNTIME_INFO, index,
		     &reply, e) < 0)
		return -1;
	*ret = reply.runtime_info;
	return 0;
}

/* ---- output ---------------------------------------------------------- */

/*
 * Append up to max bytes in all; the rest is dropped and marked.  -1 only
 * without memory, which counts as truncated, too.
 */
static int
buffer_append(struct client_buffer *b, uint64_t max, const char *data,
	      size_t len)
{
	size_t room = b->len < max ? (size_t)(max - b->len) : 0;
	size_t take = len < room ? len : room;

	if (take < len)
		b->is_truncated = true;
	if (take == 0)
		return 0;
	/* Sizes are powers of two, so the present one follows from len. */
	if (b->data == NULL || (b->len & (b->len - 1)) == 0 ||
	    __builtin_clzll(b->len) != __builtin_clzll(b->len + take)) {
		size_t size = READ_CHUNK;
		char *bigger;

		while (size < b->len + take)
			size *= 2;
		bigger = realloc(b->data, size);
		if (bigger == NULL) {
			b->is_truncated = true;
			return -1;
		}
		b->data = bigger;
	}
	memcpy(b->data + b->len, data, take);
	b->len += take;
	return 0;
}

static struct client_buffer *
stream_buffer(struct run *run, enum stream stream)
{
	switch (stream) {
	case STREAM_STDOUT:
		return &run->result->out;
	case STREAM_STDERR:
		return &run->result->err_out;
	default:
		return &run->result->results;
	}
}

static void
give_lines(struct run *run)
{
	const struct client_buffer *b = &run->result->results;

	if (run->request->on_result == NULL)
		return;
	while (run->line_start < b->len) {
		const char *line = b->data + run->line_start;
		const char *end = memchr(line, '\n', b->len - run->line_start);

		if (end == NULL)
			return;
		run->line_start += (size_t)(end - line) + 1;
		run->request->on_result(run->request->arg, line,
					(size_t)(end - line));
	}
}

static void
send_kill(struct run *run, enum proto_reason reason)
{
	struct proto_job_kill kill_message = {.reason = (uint32_t)reason};
	struct err e = ERR_INIT;

	if (run->has_sent_kill || run->is_ended)
		return;
	run->has_sent_kill = true;
	(void)str_copy(kill_message.job_id, sizeof(kill_message.job_id),
		       run->request->job_id);
	wire_head_init(&kill_message.head, PROTO_JOB_KILL, sizeof(kill_message),
		       0);
	/* If this fails, the receive that follows finds out as well. */
	(void)wire_send(run->sock, &kill_message.head, NULL, &e);
}

static void
read_stream(struct run *run, enum stream stream)
{
	const struct client_job_request *request = run->request;
	struct client_buffer *b = stream_buffer(run, stream);
	char chunk[READ_CHUNK];
	ssize_t n = read(run->stream_fd[stream], chunk, sizeof(chunk));
	size_t before = b->len;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		fd_close(&run->stream_fd[stream]);
		return;
	}
	(void)buffer_append(b, run->stream_max[stream], chunk, (size_t)n);
	if (b->is_truncated)
		send_kill(run, PROTO_REASON_OUTPUT_LIMIT);
	if (stream == STREAM_RESULT)
		give_lines(run);
	else if (request->on_output != NULL && b->len > before)
		request->on_output(request->arg, (int)stream, b->data + before,
				   b->len - before);
}

static void
write_stdin(struct run *run)
{
	const char *data = run->request->stdin_data;
	size_t left = run->request->stdin_len - run->stdin_done;
	ssize_t n = write(run->stdin_fd, data + run->stdin_done, left);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) { /* EPIPE: the program does not want it */
		fd_close(&run->stdin_fd);
		return;
	}
	run->stdin_done += (size_t)n;
	if (run->stdin_done == run->request->stdin_len)
		fd_close(&run->stdin_fd);
}

/* ---- messages -------------------------------------------------------- */

static int
set_nonblocking(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "set O_NONBLOCK");
	return 0;
}

static int
take_started(struct run *run, const struct proto_job_started *started,
	     struct wire_fds *fds, struct err *e)
{
	if (run->result->has_started)
		return err_set(e, ERR_PEER, 0, "JOB_STARTED twice");
	for (unsigned i = 0; i < fds->count; i++)
		if (set_nonblocking(fds->fd[i], e) < 0)
			return -1;
	run->stdin_fd = fd_take(&fds->fd[0]);
	for (int i = STREAM_STDOUT; i < STREAM_COUNT; i++)
		run->stream_fd[i] = fd_take(&fds->fd[i]);
	run->stream_max[STREAM_STDOUT] = started->limits.output_bytes;
	run->stream_max[STREAM_STDERR] = started->limits.output_bytes;
	run->stream_max[STREAM_RESULT] = CLIENT_RESULTS_MAX;
	if (run->request->stdin_len == 0)
		fd_close(&run->stdin_fd);
	run->result->started = *started;
	run->result->has_started = true;
	run->deadline_ms =
		clock_mono_ms() + started->limits.wall_ms + END_PATIENCE_MS;
	if (run->request->on_started != NULL)
		run->request->on_started(run->request->arg, started);
	return 0;
}

static int
read_collected(struct run *run, int fd, struct err *e)
{
	struct client_buffer *b = &run->result->collected;
	struct stat st;
	ssize_t n;

	if (!fd_is_sealed_memfd(fd) || fstat(fd, &st) < 0)
		return err_set(e, ERR_PEER, 0,
			       "collected files are not in a sealed memfd");
	if (st.st_size <= 0)
		return 0;
	if (st.st_size > (off_t)COLLECTED_MAX) {
		b->is_truncated = true;
		return 0;
	}
	b->data = malloc((size_t)st.st_size);
	if (b->data == NULL)
		return err_sys(e, "read collected files");
	/* pread: the offset is shared with whoever had this fd before. */
	while (b->len < (size_t)st.st_size) {
		n = pread(fd, b->data + b->len, (size_t)st.st_size - b->len,
			  (off_t)b->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "read collected files");
		b->len += (size_t)n;
	}
	return 0;
}

static int
take_done(struct run *run, const struct proto_job_done *done,
	  struct wire_fds *fds, struct err *e)
{
	run->is_ended = true;
	run->result->done = *done;
	run->deadline_ms = clock_mono_ms() + DRAIN_MS;
	if (fds->count == 0)
		return 0;
	return read_collected(run, fds->fd[0], e);
}

static int
take_message(struct run *run, const union wire_message *msg,
	     struct wire_fds *fds, struct err *e)
{
	struct client_job_result *result = run->result;

	switch (msg->head.type) {
	case PROTO_JOB_STARTED:
		return take_started(run, &msg->job_started, fds, e);
	case PROTO_JOB_DENIAL:
		if (result->denials_count < PROTO_DENIALS_MAX)
			result->denials[result->denials_count++] =
				msg->job_denial;
		return 0;
	case PROTO_JOB_DONE:
		return take_done(run, &msg->job_done, fds, e);
	default:
		return err_set(
			e, ERR_PEER, 0, "supervisor sent %s",
			proto_type_name((enum proto_type)msg->head.type));
	}
}

static void
lose(struct run *run)
{
	run->is_ended = true;
	run->result->is_lost = true;
	run->deadline_ms = clock_mono_ms() + DRAIN_MS;
	fd_close(&run->sock); /* ends the job, if anybody still runs it */
}

static void
read_message(struct run *run)
{
	union wire_message msg;
	struct wire_fds fds;
	struct err e = ERR_INIT;
	enum wire_status status = wire_recv(run->sock, &msg, &fds, &e);

	if (status == WIRE_AGAIN)
		return;
	if (status != WIRE_OK || take_message(run, &msg, &fds, &e) < 0)
		lose(run);
	wire_fds_done(&fds);
}

/* ---- the loop -------------------------------------------------------- */

enum poll_slot {
	POLL_SOCK,
	POLL_STDOUT,
	POLL_STDERR,
	POLL_RESULT,
	POLL_STDIN,
	POLL_CANCEL,
	POLL_COUNT
};

static bool
has_open_stream(const struct run *run)
{
	for (int i = STREAM_STDOUT; i < STREAM_COUNT; i++)
		if (run->stream_fd[i] >= 0)
			return true;
	return false;
}

static void
fill_poll(const struct run *run, struct pollfd p[POLL_COUNT])
{
	bool may_cancel = !run->is_cancel_seen && !run->is_ended;

	p[POLL_SOCK] =
		(struct pollfd){run->is_ended ? -1 : run->sock, POLLIN, 0};
	for (int i = STREAM_STDOUT; i < STREAM_COUNT; i++)
		p[POLL_STDOUT + i - STREAM_STDOUT] =
			(struct pollfd){run->stream_fd[i], POLLIN, 0};
	p[POLL_STDIN] = (struct pollfd){run->stdin_fd, POLLOUT, 0};
	p[POLL_CANCEL] = (struct pollfd){
		may_cancel ? run->request->cancel_fd : -1, POLLIN, 0};
}

static bool
give_up(struct run *run)
{
	if (run->is_ended)
		return false;
	lose(run);
	return true;
}

/*
 * One turn of the loop; false when all is over.  Past the deadline nothing is
 * waited for, but it may be we who are late: what has come already counts.
 */
static bool
turn(struct run *run)
{
	struct pollfd p[POLL_COUNT];
	uint64_t now = clock_mono_ms();
	uint64_t left_ms = run->deadline_ms > now ? run->deadline_ms - now : 0;
	int ready;

	if (run->is_ended && !has_open_stream(run))
		return false;
	fill_poll(run, p);
	ready = poll(p, POLL_COUNT, (int)left_ms);
	if (left_ms == 0 && (ready <= 0 || run->late_turns++ >= LATE_TURNS))
		return give_up(run);
	if (ready <= 0)
		return true;
	if (p[POLL_CANCEL].revents != 0) {
		run->is_cancel_seen = true;
		send_kill(run, PROTO_REASON_CANCELLED);
	}
	if (p[POLL_STDIN].revents != 0)
		write_stdin(run);
	/* Streams before the socket: output that came before the end. */
	for (int i = STREAM_STDOUT; i < STREAM_COUNT; i++)
		if (p[POLL_STDOUT + i - STREAM_STDOUT].revents != 0)
			read_stream(run, (enum stream)i);
	if (p[POLL_SOCK].revents != 0)
		read_message(run);
	return true;
}

static int
fill_submit(struct proto_job_submit *submit,
	    const struct client_job_request *request, struct err *e)
{
	if (str_copy(submit->job_id, sizeof(submit->job_id), request->job_id) <
		    0 ||
	    str_copy(submit->policy, sizeof(submit->policy), request->policy) <
		    0 ||
	    str_copy(submit->runtime, sizeof(submit->runtime),
		     request->runtime) < 0 ||
	    str_copy(submit->actor, sizeof(submit->actor), request->actor) <
		    0 ||
	    str_copy(submit->workflow, sizeof(submit->workflow),
		     request->workflow) < 0)
		return err_set(e, ERR_INVALID, 0,
			       "job id, policy, runtime, actor or workflow is "
			       "too long");
	submit->step = request->step;
	submit->attempt = request->attempt;
	submit->limits = request->limits;
	return 0;
}

static int
submit_job(struct run *run, struct err *e)
{
	const struct client_job_request *request = run->request;
	struct proto_job_submit submit = {0};

	if (fill_submit(&submit, request, e) < 0)
		return -1;
	if (request->bundle_len > PROTO_BUNDLE_MAX)
		return err_set(e, ERR_LIMIT, 0,
			       "the job's files are %zu bytes, at most %u are "
			       "allowed",
			       request->bundle_len, PROTO_BUNDLE_MAX);
	submit.bundle_bytes = (uint32_t)request->bundle_len;
	wire_head_init(&submit.head, PROTO_JOB_SUBMIT, sizeof(submit), 0);
	if (wire_send(run->sock, &submit.head, NULL, e) != WIRE_OK ||
	    send_bytes(run->sock, request->bundle, request->bundle_len) < 0)
		return err_set(e, ERR_PEER, 0,
			       "supervisor did not take the job (may this user "
			       "use it? see --client-uid)");
	return 0;
}

static void
run_done(struct run *run)
{
	fd_close(&run->sock);
	fd_close(&run->stdin_fd);
	for (int i = STREAM_STDOUT; i < STREAM_COUNT; i++)
		fd_close(&run->stream_fd[i]);
}

/*
 * A program that closes its stdin must not end us: SIGPIPE is blocked in this
 * thread meanwhile, and one that we caused is taken back.
 */
static void
sigpipe_block(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

static void
sigpipe_restore(const sigset_t *before)
{
	const struct timespec now = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if (sigismember(before, SIGPIPE) == 0)
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

int
client_job_run(const char *socket_path,
	       const struct client_job_request *request,
	       struct client_job_result *ret, struct err *e)
{
	struct run run = {.request = request,
			  .result = ret,
			  .sock = -1,
			  .stdin_fd = -1,
			  .stream_fd = {-1, -1, -1, -1},
			  .deadline_ms = clock_mono_ms() + START_PATIENCE_MS};
	sigset_t before;

	*ret = (struct client_job_result){0};
	if (connect_to(socket_path, &run.sock, e) < 0)
		return -1;
	if (submit_job(&run, e) < 0) {
		run_done(&run);
		return -1;
	}
	sigpipe_block(&before);
	while (turn(&run))
		;
	sigpipe_restore(&before);
	run_done(&run);
	return 0;
}

void
client_job_result_done(struct client_job_result *result)
{
	struct client_buffer *all[] = {&result->out, &result->err_out,
				       &result->results, &result->collected};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		free(all[i]->data);
		*all[i] = (struct client_buffer){0};
	}
}
