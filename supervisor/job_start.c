/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job_start.c - from a request to a jail that builds itself.
 *
 * The request can choose a name out of the operator's lists and ask for less
 * than the policy allows; it can choose no path, uid, flag or limit above the
 * ceiling.  The bundle is hashed and passed on, never parsed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/bundle.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"
#include "supervisor/channel.h"
#include "supervisor/job.h"
#include "supervisor/privilege.h"
#include "supervisor/supervisor.h"

#define HASH_CHUNK 65536
/*
 * What a jail may use until its gate opens, whatever was asked for: the gate
 * waits for its processes, and so would all other jobs.
 */
#define BUILD_CPU_PERCENT 100

/* ---- the request ----------------------------------------------------- */

bool
job_id_is_uuid(const char *s)
{
	for (size_t i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = s[i];

		if (is_dash ? c != '-'
			    : !((c >= '0' && c <= '9') ||
				(c >= 'a' && c <= 'f') ||
				(c >= 'A' && c <= 'F')))
			return false;
	}
	return s[36] == '\0';
}

int
job_check_request(const struct supervisor *sup,
		  const struct proto_job_submit *submit, struct err *e)
{
	const struct catalog_policy *policy;
	const struct catalog_runtime *runtime;

	if (!job_id_is_uuid(submit->job_id))
		return err_set(e, ERR_INVALID, 0, "job_id: not a UUID");
	if (submit->workflow[0] != '\0' &&
	    !str_is_name(submit->workflow, sizeof(submit->workflow) - 1))
		return err_set(e, ERR_INVALID, 0,
			       "workflow: letters, digits, _ and - only");
	for (unsigned i = 0; i < sup->slots.count; i++)
		if (sup->jobs[i].state != JOB_FREE &&
		    sup->jobs[i].state != JOB_LEAVING &&
		    strcmp(sup->jobs[i].submit.job_id, submit->job_id) == 0)
			return err_set(e, ERR_CONFLICT, 0,
				       "job_id: a job of this id is running");
	policy = catalog_policy(&sup->catalog, submit->policy);
	if (policy == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "policy: no such policy is installed");
	runtime = catalog_runtime(&sup->catalog, submit->runtime);
	if (runtime == NULL)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "runtime: no such runtime is installed");
	if (!catalog_may_run(&sup->catalog, &policy->policy, &runtime->runtime))
		return err_set(e, ERR_INVALID, 0,
			       "runtime: %s does not run under policy %s",
			       runtime->runtime.name, policy->policy.name);
	return 0;
}

static uint64_t
clamp(uint64_t asked, uint64_t ceiling)
{
	return asked == 0 || asked > ceiling ? ceiling : asked;
}

void
job_limits(const struct proto_limits *asked, const struct policy *policy,
	   struct proto_limits *ret)
{
	const struct policy_limits *max = &policy->limits;

	*ret = (struct proto_limits){
		.wall_ms = clamp(asked->wall_ms, max->wall_ms),
		.memory_bytes = clamp(asked->memory_bytes, max->memory_bytes),
		.output_bytes = clamp(asked->output_bytes, max->output_bytes),
		.pids = (uint32_t)clamp(asked->pids, max->pids),
		.cpu_percent =
			(uint32_t)clamp(asked->cpu_percent, max->cpu_percent),
	};
}

static int
hash_fd(int fd, uint8_t ret_sha256[32], struct err *e)
{
	static unsigned char chunk[HASH_CHUNK]; /* one thread */
	crypto_hash_sha256_state state;
	off_t at = 0;

	crypto_hash_sha256_init(&state);
	for (;;) {
		/* pread, not mmap: a fault could not be handled. */
		ssize_t n = pread(fd, chunk, sizeof(chunk), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read memfd");
		if (n == 0)
			break;
		crypto_hash_sha256_update(&state, chunk, (unsigned long long)n);
		at += n;
	}
	crypto_hash_sha256_final(&state, ret_sha256);
	return 0;
}

static int
check_memfd(int fd, uint64_t most, uint8_t ret_sha256[32], struct err *e)
{
	struct stat st;

	/* Sealed: its maker cannot change it after it was hashed. */
	if (!fd_is_sealed_memfd(fd) || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return err_set(e, ERR_PEER, 0,
			       "collected files: not a sealed memfd");
	/* A hole of terabytes would take hours to hash. */
	if (st.st_size <= 0 || (uint64_t)st.st_size > most)
		return err_set(e, ERR_PEER, 0,
			       "collected files: %lld bytes, allowed are 1 to "
			       "%llu",
			       (long long)st.st_size, (unsigned long long)most);
	return hash_fd(fd, ret_sha256, e);
}

int
job_check_collected(int fd, const struct policy *policy, uint8_t ret_sha256[32],
		    struct err *e)
{
	const uint64_t heads =
		BUNDLE_HEAD_SIZE +
		BUNDLE_ENTRIES_MAX * (BUNDLE_ENTRY_HEAD_SIZE + BUNDLE_PATH_MAX);

	return check_memfd(fd, policy->limits.collect_bytes + heads, ret_sha256,
			   e);
}

/* ---- the jail -------------------------------------------------------- */

/* What only the child gets; closed here when it has them. */
struct child_fds {
	int control, gate;
	int pipes[JOB_PIPE_COUNT];
	struct lent lent;
};

static void
child_fds_init(struct child_fds *c)
{
	c->control = c->gate = -1;
	for (size_t i = 0; i < ARRAY_LEN(c->pipes); i++)
		c->pipes[i] = -1;
	lent_init(&c->lent);
}

static void
child_fds_close(struct child_fds *c)
{
	fd_close(&c->control);
	fd_close(&c->gate);
	for (size_t i = 0; i < ARRAY_LEN(c->pipes); i++)
		fd_close(&c->pipes[i]);
	lent_done(&c->lent);
}

/*
 * Standard streams are the payload's own, so that `echo x >/dev/stderr`, which
 * opens them anew, works.  The result pipe is not: only its holders write it.
 */
static int
make_pipe(struct job *job, struct child_fds *c, int i)
{
	bool is_input = i == JOB_PIPE_STDIN;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	c->pipes[i] = ends[is_input ? 0 : 1];
	job->pipes[i] = ends[is_input ? 1 : 0];
	return 0;
}

static int
make_pipes(struct job *job, struct child_fds *c, struct err *e)
{
	int rc = 0;

	(void)setfsuid(job->slot->uid_base + 1);
	for (int i = 0; rc == 0 && i < JOB_PIPE_RESULT; i++)
		rc = make_pipe(job, c, i);
	(void)setfsuid(0);
	if (rc < 0 || make_pipe(job, c, JOB_PIPE_RESULT) < 0)
		return err_sys(e, "make pipe");
	for (int i = 0; i < JOB_PIPE_COUNT; i++)
		if (gate_inode_of(c->pipes[i], &job->expected.fds[i], e) < 0)
			return -1;
	if (channel_pair(&job->control, &c->control, e) < 0 ||
	    channel_pair(&job->gate, &c->gate, e) < 0)
		return -1;
	return gate_inode_of(c->gate, &job->expected.fds[PAYLOAD_FD_GATE], e);
}

_Static_assert(JOB_PIPE_RESULT == JOB_PIPE_COUNT - 1, "the last one");
_Static_assert((int)JOB_PIPE_STDIN == (int)PAYLOAD_FD_STDIN &&
		       (int)JOB_PIPE_RESULT == (int)PAYLOAD_FD_RESULT,
	       "pipes are numbered like the payload's fds");

static void
fill_request(const struct job *job, const struct child_fds *c,
	     struct jail_spawn_request *r)
{
	const struct supervisor *sup = job->sup;
	const struct cgroup_slot *cg = &job->slot->cgroup;

	jail_spawn_request_init(r);
	r->init_fd = sup->catalog.init_fd;
	r->control_fd = job->control;
	r->proc_fd = sup->self.proc_fd;
	r->uid_base = job->slot->uid_base;
	r->fd[JAIL_FD_CONTROL] = c->control;
	r->fd[JAIL_FD_POLICY] = job->policy->memfd;
	r->fd[JAIL_FD_RUNTIME] = job->runtime->memfd;
	for (int i = 0; i < JOB_PIPE_COUNT; i++)
		r->fd[JAIL_FD_STDIN + i] = c->pipes[i];
	r->fd[JAIL_FD_GATE] = c->gate;
	r->has_loopback = job->policy->policy.has_loopback != 0;
	r->fd[JAIL_FD_ROOT] = c->lent.tree;
	r->fd[JAIL_FD_HARNESS] = c->lent.harness;
	if (job->expected.net != NULL) {
		r->net_fd = job->slot->net.fd;
		r->home_net_fd = sup->self.net_fd;
	}
	r->mount_fds = c->lent.mounts;
	if (c->lent.tree < 0)
		r->mounts_len = job->policy->policy.mounts_len;
	if (sup->cgroup.version == 2) {
		r->cgroup_dir_fd = cg->dir[0];
		return;
	}
	for (int i = 0; i < CGROUP_PARTS; i++)
		r->cgroup_task_fds[r->cgroup_task_fds_len++] = cg->tasks[i];
}

_Static_assert(JAIL_FD_STDIN + JOB_PIPE_RESULT == JAIL_FD_RESULT,
	       "pipes are numbered like jail-init's fds");

static int
watch_jail(struct job *job, struct err *e)
{
	struct loop *loop = &job->sup->loop;
	int oom = job->slot->cgroup.oom_fd;

	if (loop_add(loop, &job->init_watch, job->jail.pidfd, EPOLLIN,
		     job_on_init, job, e) < 0 ||
	    loop_add(loop, &job->control_watch, job->control, EPOLLIN,
		     job_on_control, job, e) < 0 ||
	    loop_add(loop, &job->gate_watch, job->gate, EPOLLIN, job_on_gate,
		     job, e) < 0)
		return -1;
	if (oom >= 0 && loop_add(loop, &job->oom_watch, oom, EPOLLIN,
				 job_on_oom, job, e) < 0)
		return -1;
	return 0;
}

static int
spawn(struct job *job, struct child_fds *c, struct err *e)
{
	struct jail_spawn_request request;
	int rc;

	if (make_pipes(job, c, e) < 0 ||
	    gate_inode_of(c->control,
			  &job->expected.init_fds[GATE_INIT_CONTROL], e) < 0 ||
	    catalog_lend(job->policy, job->runtime, &c->lent, e) < 0)
		return -1;
	fill_request(job, c, &request);
	privilege_oom_for_child(true);
	rc = jail_spawn(&request, &job->jail, e);
	privilege_oom_for_child(false);
	return rc;
}

/* The slot's network namespace, if it is as empty as a new one would be. */
static void
choose_network(struct job *job)
{
	struct netns *net = &job->slot->net;
	struct err e = ERR_INIT;

	if (job->policy->policy.has_loopback || net->fd < 0)
		return;
	if (netns_prepare(net, job->sup->self.net_fd, &e) < 0)
		log_warning("netns_not_kept slot=%u cause=\"%s\"",
			    job->slot->index, e.text);
	else
		job->expected.net = &net->inode;
}

int
job_expect(struct job *job, struct err *e)
{
	const int fds[] = {job->policy->memfd, job->runtime->memfd,
			   job->bundle};
	struct gate_expected *x = &job->expected;
	struct gate_inode *ret = &x->init_fds[GATE_INIT_JOBS];

	_Static_assert(GATE_INIT_JOBS + ARRAY_LEN(fds) == GATE_INIT_FDS,
		       "each has its place");
	x->policy = &job->policy->policy;
	x->limits.memory_bytes = job->limits.memory_bytes;
	x->limits.pids = job->limits.pids;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0 && gate_inode_of(fds[i], &ret[i], e) < 0)
			return -1;
	return 0;
}

int
job_start(struct job *job, struct err *e)
{
	struct gate_expected *x = &job->expected;
	struct child_fds c;
	int rc;

	x->self = &job->sup->self;
	x->cgroup = &job->sup->cgroup;
	x->slot = &job->slot->cgroup;
	x->uid_base = job->slot->uid_base;
	x->limits.cpu_percent = job->limits.cpu_percent;
	if (x->limits.cpu_percent < BUILD_CPU_PERCENT)
		x->limits.cpu_percent = BUILD_CPU_PERCENT;
	if (cgroup_slot_prepare(&job->sup->cgroup, &job->slot->cgroup,
				&x->limits, e) < 0)
		return -1;
	choose_network(job);
	child_fds_init(&c);
	rc = spawn(job, &c, e);
	child_fds_close(&c);
	if (rc < 0)
		return -1;
	x->init_pid = job->jail.pid;
	x->init_pidfd = job->jail.pidfd;
	return watch_jail(job, e);
}
