/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.c - launch cost of our jail beside other sandboxes and the bare
 * command, interleaved in one run.
 *
 *   peers PEERS.json ROUNDS BURSTS WAIT_MS   measure; JSON lines
 *   peers calls POLICY.bin                   names of the calls it may allow
 *   peers bpf OUT NAME...                    a filter that allows these
 *
 * Every peer but ours is started by posix_spawn from this small process and
 * waited for, so that what starts it costs the same.  Ours is a request to a
 * supervisor that runs already: that is what it is.  A sample is from before
 * the spawn (or the connect) to the known exit status.
 *
 *   lone  after IDLE_MS of nothing, and up to WAIT_MS for QUIET_MS in which the
 *         machine does nothing else
 *   busy  right after another run of the same
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/jobs/request.h"
#include "jail/bundle.h"
#include "policy/prove.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"

#define PEERS_MAX 32
#define ARGS_MAX 320
#define ROUNDS_MAX 1000
#define IDLE_MS 300
#define QUIET_MS 30
#define BURST_US UINT64_C(2000000)
#define SECCOMP_FD 9 /* where a peer finds its filter */

enum program { PROGRAM_TRUE, PROGRAM_PYTHON, PROGRAMS };
static const char *const program_names[PROGRAMS] = {"true", "python3 -c pass"};
static const char *const runtimes[PROGRAMS] = {"true", "python"};
static const char *const code_paths[PROGRAMS] = {"solution.true",
						 "solution.py"};
static const char *const codes[PROGRAMS] = {"", "pass\n"};

enum mode { LONE, BUSY, MODES };
static const char *const mode_names[MODES] = {"lone", "busy"};

struct samples {
	uint32_t us[ROUNDS_MAX];
	size_t len;
};

struct peer {
	const char *name;
	const char *policy; /* ours: the profile; NULL: argv is spawned */
	const char *socket;
	char *argv[PROGRAMS][ARGS_MAX + 1];
	bool has[PROGRAMS];
	bool in_throughput;
	struct samples samples[PROGRAMS][MODES];
};

static struct peer peers[PEERS_MAX];
static size_t peers_len;
static posix_spawn_file_actions_t actions;
static uint64_t quiet_wait_ms;
static unsigned not_quiet;

static _Noreturn void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "peers: %s: %s\n", what, why);
	exit(1);
}

/* ---- one run --------------------------------------------------------- */

static void
make_bundle(enum program p, struct bundle_writer *w)
{
	struct err e = ERR_INIT;
	char manifest[128];
	int len = snprintf(manifest, sizeof(manifest), "mode=run%ccode=%s", 0,
			   code_paths[p]);

	bundle_writer_init(w, PROTO_BUNDLE_MAX);
	if (bundle_writer_add(w, BUNDLE_MANIFEST, BUNDLE_OK, "", manifest,
			      (size_t)len + 1, &e) < 0 ||
	    bundle_writer_add(w, BUNDLE_FILE, BUNDLE_OK, code_paths[p],
			      codes[p], strlen(codes[p]), &e) < 0)
		give_up("bundle", e.text);
}

/* NULL, or what went wrong. */
static const char *
run_ours(const struct peer *peer, enum program p)
{
	static _Thread_local struct err e;
	struct client_job_result result = {0};
	struct bundle_writer bundle;
	char job_id[PROTO_ID_MAX];
	struct client_job_request request = {
		.job_id = job_id,
		.policy = peer->policy,
		.runtime = runtimes[p],
		.actor = "bench",
		.workflow = "",
		.cancel_fd = -1,
	};
	bool is_fine;

	make_bundle(p, &bundle);
	job_id_new(job_id);
	request.bundle = bundle.data;
	request.bundle_len = bundle.len;
	if (client_job_run(peer->socket, &request, &result, &e) < 0)
		return e.text;
	is_fine = !result.is_lost &&
		  result.done.outcome == PROTO_OUTCOME_EXITED &&
		  result.done.exit_code == 0;
	e = result.done.err;
	client_job_result_done(&result);
	bundle_writer_done(&bundle);
	if (is_fine)
		return NULL;
	return e.text[0] != '\0' ? e.text : "it did not exit with 0";
}

static const char *
run_spawned(const struct peer *peer, enum program p)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/bin";
	static char home[] = "HOME=/", lang[] = "LANG=C.UTF-8";
	static char *const environment[] = {path, home, lang, NULL};
	int status = 0, error;
	pid_t pid;

	error = posix_spawnp(&pid, peer->argv[p][0], &actions, NULL,
			     (char *const *)peer->argv[p], environment);
	if (error != 0)
		return strerrordesc_np(error);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? NULL : "it did not exit with 0";
}

static const char *
run_peer(const struct peer *peer, enum program p)
{
	return peer->policy != NULL ? run_ours(peer, p) : run_spawned(peer, p);
}

static void
must_run(const struct peer *peer, enum program p)
{
	const char *why = run_peer(peer, p);

	if (why != NULL)
		give_up(peer->name, why);
}

/* ---- latency --------------------------------------------------------- */

static void
sleep_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000,
				   .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

/* Ticks of 10 ms that the machine has worked since it started. */
static uint64_t
busy_ticks(void)
{
	unsigned long long user = 0, nice = 0, sys = 0, idle, io, irq = 0,
			   soft = 0, steal = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (f == NULL ||
	    fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
		   &nice, &sys, &idle, &io, &irq, &soft, &steal) != 8)
		give_up("/proc/stat", "cannot be read");
	(void)fclose(f);
	return user + nice + sys + irq + soft + steal;
}

/* A lone request meets a machine that does nothing else. */
static void
be_idle(void)
{
	sleep_ms(IDLE_MS);
	for (uint64_t ms = 0; ms < quiet_wait_ms; ms += QUIET_MS) {
		uint64_t before = busy_ticks();

		sleep_ms(QUIET_MS);
		if (busy_ticks() - before <= 1)
			return;
	}
	not_quiet++;
}

static void
measure(struct peer *peer, enum program p, enum mode mode)
{
	struct samples *s = &peer->samples[p][mode];
	uint64_t start;

	if (mode == LONE)
		be_idle();
	else
		must_run(peer, p);
	start = clock_mono_us();
	must_run(peer, p);
	if (s->len < ROUNDS_MAX)
		s->us[s->len++] = (uint32_t)(clock_mono_us() - start);
}

static unsigned
random_below(unsigned limit)
{
	unsigned value = 0;

	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		give_up("getrandom", strerrordesc_np(errno));
	return value % limit;
}

/* Every peer, program and mode once, in shuffled order. */
static void
measure_round(void)
{
	unsigned order[PEERS_MAX * PROGRAMS * MODES];
	unsigned count = (unsigned)peers_len * PROGRAMS * MODES;

	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	for (unsigned i = count - 1; i > 0; i--) {
		unsigned k = random_below(i + 1), tmp = order[i];

		order[i] = order[k];
		order[k] = tmp;
	}
	for (unsigned i = 0; i < count; i++) {
		struct peer *peer = &peers[order[i] / (PROGRAMS * MODES)];
		enum program p = order[i] / MODES % PROGRAMS;

		if (peer->has[p])
			measure(peer, p, order[i] % MODES);
	}
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile_ms(const struct samples *s, size_t percent)
{
	size_t i = (s->len * percent + 99) / 100;

	return (double)s->us[i > 0 ? i - 1 : 0] / 1000;
}

static void
print_latency(struct peer *peer, enum program p, enum mode mode)
{
	struct samples *s = &peer->samples[p][mode];

	if (s->len == 0)
		return;
	qsort(s->us, s->len, sizeof(s->us[0]), compare_u32);
	printf("{\"bench\": \"latency\", \"peer\": \"%s\", \"program\": "
	       "\"%s\", \"mode\": \"%s\", \"n\": %zu, \"ms_min\": %.2f, "
	       "\"ms_p50\": %.2f, \"ms_p95\": %.2f}\n",
	       peer->name, program_names[p], mode_names[mode], s->len,
	       percentile_ms(s, 0), percentile_ms(s, 50), percentile_ms(s, 95));
}

/* ---- throughput ------------------------------------------------------ */

struct burst {
	const struct peer *peer;
	uint64_t until_us;
	atomic_uint count;
};

static void *
work(void *arg)
{
	struct burst *b = arg;

	while (clock_mono_us() < b->until_us) {
		must_run(b->peer, PROGRAM_TRUE);
		atomic_fetch_add(&b->count, 1);
	}
	return NULL;
}

static void
run_burst(const struct peer *peer, unsigned parallel)
{
	uint64_t start = clock_mono_us();
	struct burst b = {.peer = peer, .until_us = start + BURST_US};
	pthread_t thread[64];

	for (unsigned i = 0; i < parallel; i++)
		if (pthread_create(&thread[i], NULL, work, &b) != 0)
			give_up("pthread_create", "failed");
	for (unsigned i = 0; i < parallel; i++)
		(void)pthread_join(thread[i], NULL);
	printf("{\"bench\": \"throughput\", \"peer\": \"%s\", \"parallel\": "
	       "%u, \"per_s\": %.1f}\n",
	       peer->name, parallel,
	       (double)atomic_load(&b.count) * 1e6 /
		       (double)(clock_mono_us() - start));
	(void)fflush(stdout);
}

static void
measure_bursts(uint64_t bursts)
{
	static const unsigned parallel[] = {1, 2, 8};

	for (uint64_t round = 0; round < bursts; round++)
		for (size_t k = 0; k < ARRAY_LEN(parallel); k++)
			for (size_t i = 0; i < peers_len; i++)
				if (peers[i].in_throughput)
					run_burst(&peers[i], parallel[k]);
}

/* ---- what to run ----------------------------------------------------- */

static void
read_argv(struct peer *peer, enum program p, const json_t *argv)
{
	size_t len = json_array_size(argv);

	if (len > ARGS_MAX)
		give_up(peer->name, "too many arguments");
	for (size_t i = 0; i < len; i++)
		peer->argv[p][i] =
			strdup(json_string_value(json_array_get(argv, i)));
	peer->has[p] = len > 0 || peer->policy != NULL;
}

static void
read_peers(const char *file)
{
	json_error_t error;
	json_t *list = json_load_file(file, 0, &error);
	const char *filter;

	if (list == NULL)
		give_up(file, error.text);
	peers_len = json_array_size(json_object_get(list, "peers"));
	if (peers_len == 0 || peers_len > PEERS_MAX)
		give_up(file, "no peers, or too many");
	for (size_t i = 0; i < peers_len; i++) {
		const json_t *j =
			json_array_get(json_object_get(list, "peers"), i);
		const json_t *policy = json_object_get(j, "policy");
		const json_t *sock = json_object_get(j, "socket");
		struct peer *peer = &peers[i];

		peer->name =
			strdup(json_string_value(json_object_get(j, "name")));
		if (json_is_string(policy))
			peer->policy = strdup(json_string_value(policy));
		if (json_is_string(sock))
			peer->socket = strdup(json_string_value(sock));
		if ((peer->policy == NULL) != (peer->socket == NULL))
			give_up(peer->name, "policy without a socket");
		peer->in_throughput =
			json_is_true(json_object_get(j, "throughput"));
		read_argv(peer, PROGRAM_TRUE, json_object_get(j, "true"));
		read_argv(peer, PROGRAM_PYTHON, json_object_get(j, "python"));
	}
	filter = json_string_value(json_object_get(list, "seccomp"));
	if (posix_spawn_file_actions_init(&actions) != 0)
		give_up("file actions", "no memory");
	for (int fd = 0; fd < 3; fd++)
		(void)posix_spawn_file_actions_addopen(&actions, fd,
						       "/dev/null", O_RDWR, 0);
	(void)posix_spawn_file_actions_addopen(&actions, SECCOMP_FD, filter,
					       O_RDONLY, 0);
	json_decref(list);
}

static int
measure_all(char **argv)
{
	uint64_t rounds, bursts;

	if (str_to_u64(argv[2], ROUNDS_MAX, &rounds) < 0 ||
	    str_to_u64(argv[3], 100, &bursts) < 0 ||
	    str_to_u64(argv[4], 60000, &quiet_wait_ms) < 0)
		return 2;
	read_peers(argv[1]);
	for (size_t i = 0; i < peers_len; i++) /* page cache; not counted */
		for (int p = 0; p < PROGRAMS; p++)
			if (peers[i].has[p])
				must_run(&peers[i], (enum program)p);
	for (uint64_t i = 0; i < rounds; i++)
		measure_round();
	for (size_t i = 0; i < peers_len; i++)
		for (int p = 0; p < PROGRAMS; p++)
			for (int m = 0; m < MODES; m++)
				print_latency(&peers[i], (enum program)p,
					      (enum mode)m);
	measure_bursts(bursts);
	printf("{\"bench\": \"quiet\", \"samples_on_a_busy_machine\": %u}\n",
	       not_quiet);
	return 0;
}

/* ---- the filter of the others ---------------------------------------- */

/* The calls that the profile can allow, whatever their arguments. */
static int
print_calls(const char *file)
{
	static struct policy policy;
	struct answer_list list;
	struct proof proof;
	struct err e = ERR_INIT;
	owned_fd int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_full(fd, &policy, sizeof(policy)) !=
			      (ssize_t)sizeof(policy))
		give_up(file, "cannot be read");
	if (policy_check(&policy, &e) < 0 ||
	    proof_init(&proof, policy.bpf, policy.bpf_len, &e) < 0 ||
	    answer_list_init(&list, &proof, &e) < 0)
		give_up(file, e.text);
	for (uint32_t nr = 0; nr <= CALL_NR_MAX; nr++) {
		char name[32];

		if (answer_list_find(&list, nr)->count[ANSWER_ALLOW] == 0)
			continue;
		call_name(nr, name);
		puts(name);
	}
	answer_list_done(&list);
	proof_done(&proof);
	return 0;
}

static int
write_filter(const char *file, char **names, int count)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	owned_fd int fd =
		open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (ctx == NULL || fd < 0)
		give_up(file, "cannot be made");
	for (int i = 0; i < count; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		/* One that this libseccomp does not know stays refused. */
		if (nr != __NR_SCMP_ERROR &&
		    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0) != 0)
			give_up(names[i], "no rule");
	}
	if (seccomp_export_bpf(ctx, fd) != 0)
		give_up(file, "cannot be written");
	seccomp_release(ctx);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "calls") == 0)
		return print_calls(argv[2]);
	if (argc > 3 && strcmp(argv[1], "bpf") == 0)
		return write_filter(argv[2], argv + 3, argc - 3);
	if (argc == 5)
		return measure_all(argv);
	fputs("usage: peers PEERS.json ROUNDS BURSTS WAIT_MS\n", stderr);
	return 2;
}
