/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_supervisor.h - the other end of the wire for unit tests: a thread that
 * answers HELLO and RUNTIME_GET and plays one script for every job.
 */
#ifndef PC_TESTS_FAKE_SUPERVISOR_H
#define PC_TESTS_FAKE_SUPERVISOR_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/wire.h"

struct fake_supervisor {
	char dir[64];
	char path[96];
	uint8_t instance; /* every byte of the instance */
	bool is_ready;
	/* What a job does: */
	const char *output;
	const char *results;
	struct proto_job_done done;
	bool dies; /* breaks the connection; instance goes up by one */
	uint64_t seen_wall_ms;
	int listen_fd, stop_pipe[2];
	pthread_t thread;
};

static inline void
fake_reply(int fd, struct proto_head *head, enum proto_type type, size_t size,
	   uint32_t seq, const int *fds, unsigned nfds)
{
	struct err e;

	wire_head_init(head, type, size, nfds);
	head->seq = seq;
	(void)wire_send(fd, head, fds, &e);
}

static inline void
fake_hello(struct fake_supervisor *f, int fd, uint32_t seq)
{
	struct proto_hello_reply r = {.slots_total = 2,
				      .slots_free = 2,
				      .runtimes = 2,
				      .is_ready = f->is_ready,
				      .version = "3.0.0"};

	memset(r.instance, f->instance, sizeof(r.instance));
	if (!f->is_ready)
		err_set(&r.cause, ERR_UNSUPPORTED, 0,
			"memory controller is missing");
	fake_reply(fd, &r.head, PROTO_HELLO_REPLY, sizeof(r), seq, NULL, 0);
}

static inline void
fake_runtime(int fd, const struct proto_get *get)
{
	static const struct proto_runtime_info runtimes[] = {
		{.name = "python",
		 .aliases = "py python3",
		 .code_path = "solution.py",
		 .tests_path = "test_solution.py"},
		{.name = "javascript",
		 .aliases = "js node",
		 .code_path = "solution.js",
		 .tests_path = "solution.test.js"},
	};
	struct proto_runtime_info r = {0};

	if (get->index < 2)
		r = runtimes[get->index];
	fake_reply(fd, &r.head, PROTO_RUNTIME_INFO, sizeof(r), get->head.seq,
		   NULL, 0);
}

static inline void
fake_job(struct fake_supervisor *f, int fd, const struct proto_job_submit *s)
{
	struct proto_job_started started = {.limits = s->limits};
	struct proto_job_done done = f->done;
	int in[2], out[2], err_[2], results[2];
	static char bytes[PROTO_CHUNK];
	struct err e = ERR_INIT;

	f->seen_wall_ms = s->limits.wall_ms;
	for (size_t left = s->bundle_bytes, len = 0; left > 0; left -= len)
		if (wire_recv_bytes(fd, bytes, sizeof(bytes), &len, &e) !=
		    WIRE_OK)
			return;
	started.limits.output_bytes = 1 << 20;
	memcpy(started.job_id, s->job_id, sizeof(started.job_id));
	memcpy(started.policy, s->policy, sizeof(started.policy));
	memcpy(done.job_id, s->job_id, sizeof(done.job_id));
	if (done.outcome == PROTO_OUTCOME_REFUSED) {
		fake_reply(fd, &done.head, PROTO_JOB_DONE, sizeof(done),
			   s->head.seq, NULL, 0);
		return;
	}
	if (pipe(in) < 0 || pipe(out) < 0 || pipe(err_) < 0 ||
	    pipe(results) < 0)
		abort();
	fake_reply(fd, &started.head, PROTO_JOB_STARTED, sizeof(started),
		   s->head.seq, (int[]){in[1], out[0], err_[0], results[0]}, 4);
	if (f->output != NULL)
		(void)fd_write_all(out[1], f->output, strlen(f->output));
	if (f->results != NULL)
		(void)fd_write_all(results[1], f->results, strlen(f->results));
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
		close(err_[i]);
		close(results[i]);
	}
	if (f->dies) {
		f->instance++;
		return;
	}
	fake_reply(fd, &done.head, PROTO_JOB_DONE, sizeof(done), s->head.seq,
		   NULL, 0);
}

/* One connection to its end; a client opens one per request. */
static inline void
fake_serve(struct fake_supervisor *f, int fd)
{
	union wire_message m;
	struct wire_fds fds;
	struct err e;

	while (wire_recv(fd, &m, &fds, &e) == WIRE_OK) {
		if (m.head.type == PROTO_HELLO)
			fake_hello(f, fd, m.head.seq);
		else if (m.head.type == PROTO_RUNTIME_GET)
			fake_runtime(fd, &m.get);
		else if (m.head.type == PROTO_JOB_SUBMIT)
			fake_job(f, fd, &m.job_submit);
		wire_fds_done(&fds);
		if (m.head.type == PROTO_JOB_SUBMIT && f->dies)
			return;
	}
}

static inline void *
fake_main(void *arg)
{
	struct fake_supervisor *f = arg;

	for (;;) {
		struct pollfd p[2] = {
			{.fd = f->listen_fd, .events = POLLIN},
			{.fd = f->stop_pipe[0], .events = POLLIN},
		};
		int fd;

		if (poll(p, 2, -1) < 0 || p[1].revents != 0)
			return NULL;
		fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		fake_serve(f, fd);
		close(fd);
	}
}

static inline void
fake_start(struct fake_supervisor *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memset(f, 0, sizeof(*f));
	f->instance = 1;
	f->is_ready = true;
	f->done.outcome = PROTO_OUTCOME_EXITED;
	str_copy(f->dir, sizeof(f->dir), "/tmp/pc-test-fake.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		abort();
	snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
	str_copy(a.sun_path, sizeof(a.sun_path), f->path);
	f->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(f->listen_fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(f->listen_fd, 64) < 0 || pipe(f->stop_pipe) < 0 ||
	    pthread_create(&f->thread, NULL, fake_main, f) != 0)
		abort();
}

static inline void
fake_stop(struct fake_supervisor *f)
{
	close(f->stop_pipe[1]);
	pthread_join(f->thread, NULL);
	close(f->stop_pipe[0]);
	close(f->listen_fd);
	unlink(f->path);
	rmdir(f->dir);
}

#endif
