/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_v1.c - separate hierarchies for memory, pids, cpu and cpuacct.
 *
 * A slot's directories are kept from job to job and cleaned in between: a new
 * memory cgroup is dear, and removed ones linger, so it is made anew only when
 * a job left a lot in it.  The pids directory is made anew when a job had more
 * than any has, because its peak cannot be reset.  The child joins by writing
 * "0" to `tasks` itself; any other way waits for an RCU grace period.  The
 * kernel kills one process on out-of-memory, so an eventfd tells us to end the
 * rest of the job.
 *
 * What TCP and UDP sockets buffer is not part of a v1 memory limit, and is not
 * counted at all until it has a limit of its own.
 */
#include "supervisor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define CPU_PERIOD_US 100000
#define NO_LIMIT "-1"
#define LEFT_MAX (1u << 20) /* that much may stay when a job is over */
#define LEAST_PIDS 2	    /* jail-init and the payload: any job's peak */
#define HELD_SHARE 8 /* of a job's limit, may be left by the one before it */
#define SOCKET_LIMIT "memory.kmem.tcp.limit_in_bytes"
#define SOCKET_SHARE 4 /* of the memory limit, on top of it */
/* That of all slots is to be below tcp_mem and udp_mem, which are the host's;
 * the kernel lets each socket have some 64 KiB all the same. */
#define SOCKET_MOST (16u << 20)

static const char *const controllers[CGROUP_PARTS] = {
	[CGROUP_MEMORY] = "memory",
	[CGROUP_PIDS] = "pids",
	[CGROUP_CPU] = "cpu",
	[CGROUP_CPUACCT] = "cpuacct",
};

int
cgroup_v1_init(struct cgroup *cg, struct err *e)
{
	struct cgroup_place place;

	cg->version = 1;
	cg->ops = &cgroup_v1_ops;
	for (int i = 0; i < CGROUP_PARTS; i++) {
		if (cgroup_locate(controllers[i], &place, e) < 0)
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "cgroup v1 controller %s is not "
				       "mounted: mount -t cgroup -o %s none "
				       "/sys/fs/cgroup/%s, or boot with "
				       "cgroup v2",
				       controllers[i], controllers[i],
				       controllers[i]);
		if (cgroup_attach(cg, i, &place, e) < 0) {
			if (e->errnum == EROFS || e->errnum == EACCES)
				e->kind = ERR_UNSUPPORTED;
			return err_wrap(e,
					"cgroup controller %s (must be "
					"mounted writable)",
					controllers[i]);
		}
	}
	return 0;
}

/* Read at the end of each job: opening them anew would take most of that. */
enum kept_file {
	CPU_USAGE,
	MEMORY_USAGE,
	MEMORY_PEAK,
	OOM_CONTROL,
	PIDS_EVENTS,
	PIDS_PEAK,
	KEPT_FILES
};

_Static_assert((int)KEPT_FILES == CGROUP_KEPT, "cgroup.h has room for them");

static const struct {
	const char *name;
	int part, flags;
} kept_files[KEPT_FILES] = {
	[CPU_USAGE] = {"cpuacct.usage", CGROUP_CPUACCT, O_RDONLY},
	[MEMORY_USAGE] = {"memory.usage_in_bytes", CGROUP_MEMORY, O_RDONLY},
	[MEMORY_PEAK] = {"memory.max_usage_in_bytes", CGROUP_MEMORY, O_RDWR},
	[OOM_CONTROL] = {"memory.oom_control", CGROUP_MEMORY, O_RDONLY},
	[PIDS_EVENTS] = {"pids.events", CGROUP_PIDS, O_RDONLY},
	[PIDS_PEAK] = {"pids.peak", CGROUP_PIDS, O_RDONLY}, /* Linux 6.1 */
};

int
cgroup_v1_keep(struct cgroup_slot *slot, int part, struct err *e)
{
	for (int i = 0; i < KEPT_FILES; i++) {
		if (kept_files[i].part != part)
			continue;
		fd_close(&slot->kept[i]);
		slot->kept[i] =
			openat(slot->dir[part], kept_files[i].name,
			       kept_files[i].flags | O_CLOEXEC | O_NOFOLLOW);
		if (slot->kept[i] < 0 && (i != PIDS_PEAK || errno != ENOENT))
			return err_sys(e, "open %s", kept_files[i].name);
	}
	return 0;
}

static int
read_kept(const struct cgroup_slot *slot, enum kept_file file, char *dst,
	  size_t size, struct err *e)
{
	ssize_t n = pread(slot->kept[file], dst, size - 1, 0);

	if (n < 0)
		return err_sys(e, "read %s", kept_files[file].name);
	dst[n] = '\0';
	return 0;
}

static int
read_kept_u64(const struct cgroup_slot *slot, enum kept_file file,
	      uint64_t *ret, struct err *e)
{
	char text[32];

	if (read_kept(slot, file, text, sizeof(text), e) < 0)
		return -1;
	return cgroup_parse_u64(text, kept_files[file].name, ret, e);
}

static void
slot_name(const struct cgroup_slot *slot, char dst[24])
{
	snprintf(dst, 24, "slot-%u", slot->index);
}

static int
open_tasks(struct cgroup_slot *slot, int part, struct err *e)
{
	fd_close(&slot->tasks[part]);
	slot->tasks[part] = openat(slot->dir[part], "tasks",
				   O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (slot->tasks[part] < 0)
		return err_sys(e, "open tasks of %s", controllers[part]);
	return 0;
}

/* An eventfd that the kernel signals when the slot is out of memory. */
static int
listen_oom(struct cgroup_slot *slot, struct err *e)
{
	owned_fd int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	owned_fd int control =
		openat(slot->dir[CGROUP_MEMORY], "memory.oom_control",
		       O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[32];

	if (event < 0 || control < 0)
		return err_sys(e, "watch memory.oom_control");
	snprintf(text, sizeof(text), "%d %d", event, control);
	if (cgroup_write(slot->dir[CGROUP_MEMORY], "cgroup.event_control", text,
			 e) < 0)
		return -1;
	slot->oom_fd = fd_take(&event);
	return 0;
}

static int
v1_slot_create(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	char name[24];

	slot_name(slot, name);
	for (int i = 0; i < CGROUP_PARTS; i++)
		if (cgroup_make_dir(cg->root[i], name, &slot->dir[i], e) < 0 ||
		    open_tasks(slot, i, e) < 0 ||
		    cgroup_v1_keep(slot, i, e) < 0)
			return -1;
	return listen_oom(slot, e);
}

/* A new directory in the place of a used one. */
static int
renew(struct cgroup *cg, struct cgroup_slot *slot, int part, struct err *e)
{
	char name[24];

	if (part != CGROUP_PIDS)
		slot->limits = (struct cgroup_limits){0};
	slot_name(slot, name);
	fd_close(&slot->dir[part]);
	if (unlinkat(cg->root[part], name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "remove used %s cgroup %s", controllers[part],
			       name);
	if (cgroup_make_dir(cg->root[part], name, &slot->dir[part], e) < 0 ||
	    open_tasks(slot, part, e) < 0)
		return -1;
	return cgroup_v1_keep(slot, part, e);
}

static int
renew_pids(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	slot->base.pids_refused = 0;
	slot->has_pids = false;
	slot->is_pids_bad = true;
	if (renew(cg, slot, CGROUP_PIDS, e) < 0)
		return -1;
	slot->is_pids_bad = false;
	return 0;
}

/* 0: this kernel (before 6.1) does not say. */
static int
read_pids_peak(const struct cgroup_slot *slot, uint32_t *ret, struct err *e)
{
	uint64_t value = 0;

	if (slot->kept[PIDS_PEAK] >= 0 &&
	    read_kept_u64(slot, PIDS_PEAK, &value, e) < 0)
		return -1;
	*ret = (uint32_t)value;
	return 0;
}

/*
 * For the next job: a directory that never had more than the two that every
 * jail has tells that one's peak as well as a new one.  One in which somebody
 * was left is not kept: it cannot be removed before he is gone.
 */
static int
refresh_pids(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	uint32_t peak = 0;

	if (read_pids_peak(slot, &peak, e) < 0)
		slot->is_pids_bad = true;
	if ((peak > LEAST_PIDS || slot->is_pids_bad) &&
	    renew_pids(cg, slot, e) < 0)
		return -1;
	slot->has_pids = true;
	return 0;
}

static int
renew_memory(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	slot->is_clean = false;
	fd_close(&slot->oom_fd);
	if (renew(cg, slot, CGROUP_MEMORY, e) < 0)
		return -1;
	slot->base.oom_kills = 0;
	return listen_oom(slot, e);
}

/* What a slot without processes still has charged to it. */
static uint64_t
left_bytes(const struct cgroup_slot *slot)
{
	struct err e = ERR_INIT;
	uint64_t left = 0;

	if (read_kept_u64(slot, MEMORY_USAGE, &left, &e) < 0)
		return UINT64_MAX;
	return left;
}

static uint64_t
socket_bytes(uint64_t memory_bytes)
{
	uint64_t share = memory_bytes / SOCKET_SHARE;

	return share < SOCKET_MOST ? share : SOCKET_MOST;
}

static int
limit_memory(int dir, uint64_t bytes, struct err *e)
{
	bool has_swap = cgroup_has_file(dir, "memory.memsw.limit_in_bytes");

	/* memory + swap must stay >= memory, so it is opened first. */
	if (has_swap &&
	    cgroup_write(dir, "memory.memsw.limit_in_bytes", NO_LIMIT, e) < 0)
		return -1;
	if (cgroup_write_u64(dir, "memory.limit_in_bytes", bytes, e) < 0)
		return -1;
	if (has_swap &&
	    cgroup_write_u64(dir, "memory.memsw.limit_in_bytes", bytes, e) < 0)
		return -1;
	/* A kernel without it has no IP sockets (CONFIG_INET). */
	if (cgroup_has_file(dir, SOCKET_LIMIT) &&
	    cgroup_write_u64(dir, SOCKET_LIMIT, socket_bytes(bytes), e) < 0)
		return -1;
	return 0;
}

static int
limit_pids(const struct cgroup_slot *slot, const struct cgroup_limits *limits,
	   struct err *e)
{
	/* + 1 for jail-init. */
	return cgroup_write_u64(slot->dir[CGROUP_PIDS], "pids.max",
				(uint64_t)limits->pids + 1, e);
}

int
cgroup_v1_limits_write(const struct cgroup_slot *slot,
		       const struct cgroup_limits *limits, struct err *e)
{
	int cpu = slot->dir[CGROUP_CPU];

	if (limit_memory(slot->dir[CGROUP_MEMORY], limits->memory_bytes, e) < 0)
		return -1;
	if (limit_pids(slot, limits, e) < 0)
		return -1;
	if (cgroup_write_u64(cpu, "cpu.cfs_period_us", CPU_PERIOD_US, e) < 0)
		return -1;
	return cgroup_write_u64(
		cpu, "cpu.cfs_quota_us",
		(uint64_t)limits->cpu_percent * (CPU_PERIOD_US / 100), e);
}

/* What only grows, from job to job. */
static int
read_counters(const struct cgroup_slot *slot, struct cgroup_usage *ret,
	      struct err *e)
{
	char text[256];
	uint64_t value;

	if (read_kept_u64(slot, CPU_USAGE, &value, e) < 0)
		return -1;
	ret->cpu_us = value / 1000;
	if (read_kept(slot, OOM_CONTROL, text, sizeof(text), e) < 0)
		return -1;
	if (!cgroup_key_u64(text, "oom_kill", &ret->oom_kills))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "memory.oom_control has no oom_kill counter: "
			       "Linux 4.13 or newer is needed");
	if (read_kept(slot, PIDS_EVENTS, text, sizeof(text), e) < 0)
		return -1;
	(void)cgroup_key_u64(text, "max", &ret->pids_refused);
	return 0;
}

static int
v1_read_usage(const struct cgroup_slot *slot, struct cgroup_usage *ret,
	      struct err *e)
{
	if (read_counters(slot, ret, e) < 0 ||
	    read_kept_u64(slot, MEMORY_PEAK, &ret->memory_peak_bytes, e) < 0)
		return -1;
	return read_pids_peak(slot, &ret->pids_peak, e);
}

/*
 * What the job left would count as the next one's: it goes with its directory.
 * To empty that instead (memory.force_empty) waits for every CPU, takes seconds
 * for a million dentries, and cannot take away what a client holds.
 */
static int
empty_memory(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	slot->left_bytes = left_bytes(slot);
	/* oom_fd: renewing failed the last time. */
	if (slot->oom_fd >= 0 && slot->left_bytes <= LEFT_MAX)
		return 0;
	slot->left_bytes = 0;
	return renew_memory(cg, slot, e);
}

/* Everything for the next job that does not depend on it. */
static int
clean(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	uint64_t events;

	if (empty_memory(cg, slot, e) < 0)
		return -1;
	if (pwrite(slot->kept[MEMORY_PEAK], "0", 1, 0) < 0)
		return err_sys(e, "reset memory.max_usage_in_bytes");
	if (read(slot->oom_fd, &events, sizeof(events)) < 0 && errno != EAGAIN)
		return err_sys(e, "clear out-of-memory event");
	slot->base = (struct cgroup_usage){0};
	if (read_counters(slot, &slot->base, e) < 0)
		return -1;
	slot->is_clean = true;
	return 0;
}

static int
v1_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
		const struct cgroup_limits *limits, struct err *e)
{
	if ((!slot->has_pids && renew_pids(cg, slot, e) < 0) ||
	    (!slot->is_clean && clean(cg, slot, e) < 0))
		return -1;
	slot->has_pids = false;
	if (slot->left_bytes > limits->memory_bytes / HELD_SHARE) {
		if (renew_memory(cg, slot, e) < 0)
			return -1;
		slot->left_bytes = 0;
	}
	slot->is_clean = false;
	/* The pids directory may be new.  The gate reads all back in any case.
	 */
	if (memcmp(limits, &slot->limits, sizeof(*limits)) == 0)
		return limit_pids(slot, limits, e);
	slot->limits = (struct cgroup_limits){0}; /* in part, if this fails */
	if (cgroup_v1_limits_write(slot, limits, e) < 0)
		return -1;
	slot->limits = *limits;
	return 0;
}

static int
v1_cpu_write(struct cgroup_slot *slot, uint32_t percent, struct err *e)
{
	slot->limits.cpu_percent = 0; /* whatever it is if this fails */
	if (cgroup_write_u64(slot->dir[CGROUP_CPU], "cpu.cfs_quota_us",
			     (uint64_t)percent * (CPU_PERIOD_US / 100), e) < 0)
		return -1;
	slot->limits.cpu_percent = percent;
	return 0;
}

static int
v1_limits_check(const struct cgroup_slot *slot,
		const struct cgroup_limits *limits, struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct {
		int part;
		const char *file;
		uint64_t wanted;
	} rows[] = {
		{CGROUP_MEMORY, "memory.limit_in_bytes",
		 limits->memory_bytes / page * page},
		{CGROUP_MEMORY, SOCKET_LIMIT,
		 socket_bytes(limits->memory_bytes) / page * page},
		{CGROUP_PIDS, "pids.max", (uint64_t)limits->pids + 1},
		{CGROUP_CPU, "cpu.cfs_period_us", CPU_PERIOD_US},
		{CGROUP_CPU, "cpu.cfs_quota_us",
		 (uint64_t)limits->cpu_percent * (CPU_PERIOD_US / 100)},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int dir = slot->dir[rows[i].part];
		uint64_t value;

		if (strcmp(rows[i].file, SOCKET_LIMIT) == 0 &&
		    !cgroup_has_file(dir, SOCKET_LIMIT))
			continue;
		if (cgroup_read_u64(dir, rows[i].file, &value, e) < 0)
			return -1;
		if (value != rows[i].wanted)
			return err_set(e, ERR_DENIED, 0,
				       "%s is %llu, expected %llu",
				       rows[i].file, (unsigned long long)value,
				       (unsigned long long)rows[i].wanted);
	}
	return 0;
}

static void
v1_slot_kill(struct cgroup_slot *slot)
{
	slot->is_pids_bad = true;
	cgroup_kill_all(slot->dir[CGROUP_PIDS]);
}

static void
v1_slot_idle(struct cgroup *cg, struct cgroup_slot *slot)
{
	struct err e = ERR_INIT;

	/* With a process in it, it cannot be removed.  Of what fails here,
	 * slot_prepare tries the rest again. */
	if (refresh_pids(cg, slot, &e) < 0 || clean(cg, slot, &e) < 0)
		log_warning("cgroup_kept slot=%u error=\"%s\"", slot->index,
			    e.text);
}

static void
v1_slot_destroy(struct cgroup *cg, struct cgroup_slot *slot)
{
	char name[24];

	slot_name(slot, name);
	for (int i = 0; i < CGROUP_PARTS; i++) {
		if (slot->dir[i] < 0)
			continue;
		if (unlinkat(cg->root[i], name, AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			log_warning("cgroup_left slot=%u controller=%s "
				    "error=\"%s\"",
				    slot->index, controllers[i],
				    strerrordesc_np(errno));
	}
}

const struct cgroup_ops cgroup_v1_ops = {
	.slot_create = v1_slot_create,
	.slot_prepare = v1_slot_prepare,
	.cpu_write = v1_cpu_write,
	.limits_check = v1_limits_check,
	.read_usage = v1_read_usage,
	.slot_kill = v1_slot_kill,
	.slot_idle = v1_slot_idle,
	.slot_destroy = v1_slot_destroy,
};
