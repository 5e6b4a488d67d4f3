/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail-latency.c - what a cold jail costs, beside the same command without
 * one, in the same run.
 *
 *   jail-latency SOCKET ROUNDS SECONDS
 *
 * One JSON line per program and mode, then one per throughput burst (2 and 8
 * at a time):
 *   lone  each sample after 50 ms of doing nothing, as a single request
 *         meets an idle server (idle RCU, cold caches)
 *   busy  samples back to back
 * In each round every configuration is measured once, in shuffled order.  A
 * sample is from before the submit (or the spawn) to the known exit status.
 * It needs a supervisor with the runtimes `python` and tests/bench/true.
 */
#include <errno.h>
#include <pthread.h>
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
#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"

#define SAMPLES_MAX 5000
#define IDLE_NS 50000000L
#define WORKERS_MAX 8

struct program {
	const char *name;
	const char *runtime;
	const char *code_path, *code;
	const char *const *argv; /* the same without a jail */
};

static const char *const true_argv[] = {"/bin/true", NULL};
static const char *const python_argv[] = {"/usr/bin/python3", "-I", "-c",
					  "pass", NULL};
static const struct program programs[] = {
	{"true", "true", "solution.true", "", true_argv},
	{"python3 -c pass", "python", "solution.py", "pass\n", python_argv},
};

enum mode { LONE, BUSY, MODES };
static const char *const mode_names[MODES] = {"lone", "busy"};

struct samples {
	uint64_t us[SAMPLES_MAX];
	size_t len;
};

/* [program][mode]: in a jail, the part of it until the gate, and bare. */
static struct samples jail_us[ARRAY_LEN(programs)][MODES];
static struct samples gate_us[ARRAY_LEN(programs)][MODES];
static struct samples bare_us[ARRAY_LEN(programs)][MODES];

static _Noreturn void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "jail-latency: %s: %s\n", what, why);
	exit(1);
}

static void
add_sample(struct samples *s, uint64_t us)
{
	if (s->len < SAMPLES_MAX)
		s->us[s->len++] = us;
}

/* ---- one run --------------------------------------------------------- */

static void
make_bundle(const struct program *p, struct bundle_writer *w)
{
	struct err e = ERR_INIT;
	char manifest[128];
	int len = snprintf(manifest, sizeof(manifest), "mode=run%ccode=%s", 0,
			   p->code_path);
	bundle_writer_init(w, PROTO_BUNDLE_MAX);
	if (bundle_writer_add(w, BUNDLE_MANIFEST, BUNDLE_OK, "", manifest,
			      (size_t)len + 1, &e) == -1 ||
	    bundle_writer_add(w, BUNDLE_FILE, BUNDLE_OK, p->code_path, p->code,
			      strlen(p->code), &e) == -1)
		give_up("bundle", e.text);
}

/* *ret_gate_us: submit to gate passed, as the supervisor saw it. */
static void
run_jail(const char *socket, const struct program *p, uint64_t *ret_gate_us)
{
	struct client_job_result result = {0};
	struct bundle_writer bundle;
	struct err e = ERR_INIT;
	char job_id[PROTO_ID_MAX];
	make_bundle(p, &bundle);
	job_id_new(job_id);
	struct client_job_request request = {
		.job_id = job_id,
		.policy = "standard",
		.runtime = p->runtime,
		.actor = "bench",
		.workflow = "",
		.bundle = bundle.data,
		.bundle_len = bundle.len,
		.cancel_fd = -1,
	};
	if (client_job_run(socket, &request, &result, &e) == -1)
		give_up(p->name, e.text);
	if (result.is_lost || result.done.outcome != PROTO_OUTCOME_EXITED ||
	    result.done.exit_code != 0)
		give_up(p->name, result.done.err.kind != ERR_NONE
					 ? result.done.err.text
					 : "it did not exit with 0");
	*ret_gate_us = result.started.prepare_us;
	client_job_result_done(&result);
	bundle_writer_done(&bundle);
}

static void
run_bare(const struct program *p)
{
	static char path[] = "PATH=/usr/bin:/bin";
	static char *const environment[] = {path, NULL};
	pid_t pid;
	int status = 0;
	int error = posix_spawn(&pid, p->argv[0], NULL, NULL,
				(char *const *)(uintptr_t)p->argv, environment);
	if (error != 0)
		give_up(p->name, strerrordesc_np(error));
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (status != 0)
		give_up(p->name, "the bare run did not exit with 0");
}

/* ---- latency --------------------------------------------------------- */

static void
be_idle(enum mode mode)
{
	const struct timespec t = {.tv_nsec = IDLE_NS};
	if (mode == LONE)
		(void)nanosleep(&t, NULL);
}

/* Configuration c of a round: which program, in which mode, jailed or not. */
static void
measure(const char *socket, size_t c)
{
	size_t p = c / 2 / MODES;
	enum mode mode = c / 2 % MODES;
	be_idle(mode);
	uint64_t start = clock_mono_us();
	if (c % 2 == 0) {
		uint64_t gate = 0;
		run_jail(socket, &programs[p], &gate);
		add_sample(&jail_us[p][mode], clock_mono_us() - start);
		add_sample(&gate_us[p][mode], gate);
	} else {
		run_bare(&programs[p]);
		add_sample(&bare_us[p][mode], clock_mono_us() - start);
	}
}

static unsigned
random_below(unsigned limit)
{
	unsigned value = 0;
	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		give_up("getrandom", strerrordesc_np(errno));
	return value % limit;
}

static void
measure_round(const char *socket)
{
	enum { COUNT = ARRAY_LEN(programs) * MODES * 2 };
	size_t order[COUNT];
	for (size_t i = 0; i < COUNT; i++)
		order[i] = i;
	for (size_t i = COUNT - 1; i > 0; i--) {
		size_t k = random_below((unsigned)i + 1), tmp = order[i];
		order[i] = order[k];
		order[k] = tmp;
	}
	for (size_t i = 0; i < COUNT; i++) {
		/* "busy" means: something ran just before. */
		if (order[i] / 2 % MODES == BUSY) {
			uint64_t unused;
			if (order[i] % 2 == 0)
				run_jail(socket, &programs[0], &unused);
			else
				run_bare(&programs[0]);
		}
		measure(socket, order[i]);
	}
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static double
percentile_ms(struct samples *s, unsigned percent)
{
	qsort(s->us, s->len, sizeof(s->us[0]), compare_u64);
	size_t i = (s->len * percent + 99) / 100;
	return s->len == 0 ? 0 : (double)s->us[i > 0 ? i - 1 : 0] / 1000;
}

static void
print_latency(size_t p, enum mode mode)
{
	struct samples *jail = &jail_us[p][mode], *bare = &bare_us[p][mode];
	double jail_p50 = percentile_ms(jail, 50);
	double bare_p50 = percentile_ms(bare, 50);
	printf("{\"bench\": \"latency\", \"program\": \"%s\", \"mode\": "
	       "\"%s\", \"n\": %zu, \"jail_ms_p50\": %.2f, \"jail_ms_p95\": "
	       "%.2f, \"bare_ms_p50\": %.2f, \"bare_ms_p95\": %.2f, "
	       "\"prepare_ms_p50\": %.2f, \"added_ms_p50\": %.2f, "
	       "\"ratio_p50\": %.2f}\n",
	       programs[p].name, mode_names[mode], jail->len, jail_p50,
	       percentile_ms(jail, 95), bare_p50, percentile_ms(bare, 95),
	       percentile_ms(&gate_us[p][mode], 50), jail_p50 - bare_p50,
	       jail_p50 / bare_p50);
}

/* ---- throughput ------------------------------------------------------ */

struct burst {
	const char *socket;
	const struct program *program;
	bool is_jailed;
	uint64_t until_us;
	atomic_uint_fast64_t count;
};

static void *
work(void *arg)
{
	struct burst *b = arg;
	uint64_t unused;
	while (clock_mono_us() < b->until_us) {
		if (b->is_jailed)
			run_jail(b->socket, b->program, &unused);
		else
			run_bare(b->program);
		atomic_fetch_add(&b->count, 1);
	}
	return NULL;
}

static double
run_burst(const char *socket, const struct program *p, bool is_jailed,
	  size_t workers, uint64_t seconds)
{
	pthread_t thread[WORKERS_MAX];
	uint64_t start = clock_mono_us();
	struct burst b = {
		.socket = socket,
		.program = p,
		.is_jailed = is_jailed,
		.until_us = start + seconds * 1000000,
	};
	for (size_t i = 0; i < workers; i++)
		if (pthread_create(&thread[i], NULL, work, &b) != 0)
			give_up("pthread_create", "failed");
	for (size_t i = 0; i < workers; i++)
		(void)pthread_join(thread[i], NULL);
	return (double)atomic_load(&b.count) * 1e6 /
	       (double)(clock_mono_us() - start);
}

static void
print_throughput(const char *socket, const struct program *p, size_t workers,
		 uint64_t seconds)
{
	double bare = run_burst(socket, p, false, workers, seconds);
	double jail = run_burst(socket, p, true, workers, seconds);
	printf("{\"bench\": \"throughput\", \"program\": \"%s\", \"parallel\": "
	       "%zu, \"jails_per_s\": %.1f, \"bare_per_s\": %.1f, \"ratio\": "
	       "%.3f}\n",
	       p->name, workers, jail, bare, jail / bare);
}

int
main(int argc, char **argv)
{
	uint64_t rounds, seconds;
	if (argc != 4 || str_to_u64(argv[2], SAMPLES_MAX, &rounds) == -1 ||
	    str_to_u64(argv[3], 3600, &seconds) == -1) {
		fputs("usage: jail-latency SOCKET ROUNDS SECONDS\n", stderr);
		return 2;
	}
	measure_round(argv[1]); /* warm the page cache; not counted */
	memset(jail_us, 0, sizeof(jail_us));
	memset(gate_us, 0, sizeof(gate_us));
	memset(bare_us, 0, sizeof(bare_us));
	for (uint64_t i = 0; i < rounds; i++)
		measure_round(argv[1]);
	for (size_t p = 0; p < ARRAY_LEN(programs); p++)
		for (int m = 0; m < MODES; m++)
			print_latency(p, (enum mode)m);
	for (size_t p = 0; p < ARRAY_LEN(programs); p++)
		for (size_t w = 2; w <= WORKERS_MAX; w *= 4)
			print_throughput(argv[1], &programs[p], w, seconds);
	return 0;
}
