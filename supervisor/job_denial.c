/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_denial.c - calls of the policy's audit class: answered, counted, and the
 * first of them told to the client.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/job.h"
#include "supervisor/notify.h"
#include "supervisor/supervisor.h"

/* The pid that the thread has inside the jail; 0 if it is gone. */
static uint32_t
inner_pid(const struct job *job, uint32_t pid)
{
	char name[32], text[4096];
	owned_fd int fd = -1;
	const char *at, *last;
	ssize_t n;
	uint64_t value;

	(void)snprintf(name, sizeof(name), "%u/status", pid);
	fd = openat(job->sup->self.proc_fd, name, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
	if (n < 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, "\nNSpid:");
	if (at == NULL)
		return 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 7, "\n"),
		       at + 7);
	last = strrchr(name, '\t');
	if (last == NULL || str_to_u64(last + 1, UINT32_MAX, &value) < 0)
		return 0;
	return (uint32_t)value;
}

static void
send_denial(const struct job *job, const struct notify_call *call)
{
	struct proto_job_denial denial = {
		.head.seq = job->submit.head.seq,
		.nr = call->nr,
		.arch = call->arch,
		.pid = inner_pid(job, call->pid),
		.errnum = call->errnum,
	};

	(void)str_copy(denial.job_id, sizeof(denial.job_id),
		       job->submit.job_id);
	if (call->audit_index >= 0)
		(void)str_copy(
			denial.syscall, sizeof(denial.syscall),
			job->policy->policy.audit[call->audit_index].name);
	memcpy(denial.args, call->args, sizeof(denial.args));
	wire_head_init(&denial.head, PROTO_JOB_DENIAL, sizeof(denial), 0);
	peer_send(job->peer, &denial.head, NULL);
}

void
job_on_listener(struct watch *w, uint32_t events)
{
	struct job *job = w->owner;

	(void)events;
	for (int i = 0; i < NOTIFY_PER_TURN; i++) {
		struct notify_call call;
		struct err e = ERR_INIT;

		switch (notify_next(job->listener, &job->policy->policy, &call,
				    &e)) {
		case NOTIFY_NONE:
			return;
		case NOTIFY_ENDED:
			loop_remove(&job->sup->loop, w);
			return;
		case NOTIFY_FAILED:
			job_fail(job, &e);
			return;
		case NOTIFY_CALL:
			break;
		}
		if (call.audit_index >= 0 &&
		    job->denial_counts[call.audit_index] < UINT32_MAX)
			job->denial_counts[call.audit_index]++;
		audit_denials_add(&job->denials, &job->policy->policy,
				  call.audit_index, call.nr, call.args,
				  call.errnum);
		if (job->denials_total++ < PROTO_DENIALS_MAX &&
		    job->peer != NULL)
			send_denial(job, &call);
		/* Last: while it waits, its pid can still be read. */
		if (notify_refuse(job->listener, &call, &e) < 0) {
			job_fail(job, &e);
			return;
		}
	}
}
