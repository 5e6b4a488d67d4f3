/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_v2.c - the unified hierarchy.
 *
 * A cgroup that has processes cannot have controlled children, so where our
 * own cgroup is ours alone (a systemd unit with Delegate=yes) we move to a
 * leaf in it and put the jails beside that.  Where we share it with others (a
 * login shell) or it is systemd's (a unit without Delegate=yes), the jails go
 * to the top of the hierarchy, which root may use: systemd leaves unknown
 * directories there alone, and the kernel lets it disable no controller that
 * one of them has enabled.
 * Each job gets a new directory; memory.oom.group makes an out-of-memory kill
 * end the whole job.
 */
#include "supervisor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define CPU_PERIOD_US 100000
#define LEAF "supervisor"
#define SYSTEMD_RUNS "/run/systemd/system" /* as sd_booted(3) */
#define ENABLE "+memory +pids +cpu"

static const char *const needed[] = {"memory", "pids", "cpu"};

/* Is name a space-separated word of cgroup.controllers? */
static bool
has_controller(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at += len)
		if ((at == text || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\n' || at[len] == '\0'))
			return true;
	return false;
}

static int
check_controllers(int dir, struct err *e)
{
	char text[256];

	if (cgroup_read(dir, "cgroup.controllers", text, sizeof(text), e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!has_controller(text, needed[i]))
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "cgroup v2 controller %s is not "
				       "available here: run as a systemd "
				       "service with Delegate=yes, or enable "
				       "it in the parent's "
				       "cgroup.subtree_control",
				       needed[i]);
	return 0;
}

/* Are we the only process in this cgroup? */
static bool
is_alone(int dir)
{
	char text[64], own[24];
	struct err e = ERR_INIT;

	snprintf(own, sizeof(own), "%d\n", (int)getpid());
	return cgroup_read(dir, "cgroup.procs", text, sizeof(text), &e) == 0 &&
	       strcmp(text, own) == 0;
}

/* Where systemd runs, it marks what it gives away; elsewhere nobody does. */
static bool
is_delegated(int dir)
{
	char value[4];

	if (access(SYSTEMD_RUNS, F_OK) < 0)
		return true;
	return fgetxattr(dir, "trusted.delegate", value, sizeof(value)) == 1 &&
	       value[0] == '1';
}

static int
move_to_leaf(int own, struct err *e)
{
	owned_fd int leaf = -1;

	if (cgroup_make_dir(own, LEAF, &leaf, e) < 0)
		return -1;
	return cgroup_write(leaf, "cgroup.procs", "0", e);
}

/* Where the jails go: below our own cgroup if it is ours alone, else on top. */
static int
choose_place(struct cgroup_place *place, struct err *e)
{
	owned_fd int mount = -1, own = -1;

	if (cgroup_open_dir(AT_FDCWD, place->mount, &mount, e) < 0 ||
	    cgroup_open_dir(mount, place->own, &own, e) < 0)
		return -1;
	if (place->own[1] != '\0' && is_alone(own) && is_delegated(own)) {
		if (check_controllers(own, e) < 0)
			return -1;
		return move_to_leaf(own, e);
	}
	if (check_controllers(mount, e) < 0)
		return -1;
	log_info("cgroup_at_top cause=\"%s is shared or not delegated\"",
		 place->own);
	(void)str_copy(place->own, sizeof(place->own), "/");
	(void)str_copy(place->shown, sizeof(place->shown), "/");
	return 0;
}

int
cgroup_v2_init(struct cgroup *cg, struct err *e)
{
	struct cgroup_place place;

	cg->version = 2;
	cg->ops = &cgroup_v2_ops;
	if (cgroup_locate(NULL, &place, e) < 0)
		return -1;
	if (choose_place(&place, e) < 0) {
		struct cgroup_place v1;
		struct err ignored = ERR_INIT;

		/* A hybrid layout: the controllers are on v1. */
		if (cgroup_locate("memory", &v1, &ignored) == 0)
			e->kind = ERR_NOT_FOUND;
		return -1;
	}
	if (cgroup_attach(cg, CGROUP_MEMORY, &place, e) < 0)
		return -1;
	if (cgroup_write(cg->own[CGROUP_MEMORY], "cgroup.subtree_control",
			 ENABLE, e) < 0 ||
	    cgroup_write(cg->root[CGROUP_MEMORY], "cgroup.subtree_control",
			 ENABLE, e) < 0) {
		e->kind = ERR_UNSUPPORTED;
		return err_wrap(e, "enable cgroup v2 controllers (run as a "
				   "systemd service with Delegate=yes)");
	}
	return 0;
}

static void
slot_name(const struct cgroup_slot *slot, char dst[24])
{
	snprintf(dst, 24, "slot-%u", slot->index);
}

static int
v2_slot_create(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	/* Directories come and go with the jobs. */
	(void)cg;
	(void)slot;
	(void)e;
	return 0;
}

static int
v2_cpu_write(struct cgroup_slot *slot, uint32_t percent, struct err *e)
{
	char cpu[48];

	snprintf(cpu, sizeof(cpu), "%llu %d",
		 (unsigned long long)percent * (CPU_PERIOD_US / 100),
		 CPU_PERIOD_US);
	return cgroup_write(slot->dir[CGROUP_MEMORY], "cpu.max", cpu, e);
}

int
cgroup_v2_limits_write(const struct cgroup_slot *slot,
		       const struct cgroup_limits *limits, struct err *e)
{
	int dir = slot->dir[CGROUP_MEMORY];
	char cpu[48];

	if (cgroup_write_u64(dir, "memory.max", limits->memory_bytes, e) < 0 ||
	    cgroup_write(dir, "memory.oom.group", "1", e) < 0)
		return -1;
	if (cgroup_has_file(dir, "memory.swap.max") &&
	    cgroup_write(dir, "memory.swap.max", "0", e) < 0)
		return -1;
	/* + 1 for jail-init. */
	if (cgroup_write_u64(dir, "pids.max", (uint64_t)limits->pids + 1, e) <
	    0)
		return -1;
	snprintf(cpu, sizeof(cpu), "%llu %d",
		 (unsigned long long)limits->cpu_percent *
			 (CPU_PERIOD_US / 100),
		 CPU_PERIOD_US);
	return cgroup_write(dir, "cpu.max", cpu, e);
}

static int
remove_dir(struct cgroup *cg, struct cgroup_slot *slot, struct err *e)
{
	char name[24];

	slot_name(slot, name);
	fd_close(&slot->dir[CGROUP_MEMORY]);
	if (unlinkat(cg->root[CGROUP_MEMORY], name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		return err_sys(e, "remove used cgroup %s", name);
	return 0;
}

static int
v2_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
		const struct cgroup_limits *limits, struct err *e)
{
	char name[24];

	slot_name(slot, name);
	if (remove_dir(cg, slot, e) < 0 ||
	    cgroup_make_dir(cg->root[CGROUP_MEMORY], name,
			    &slot->dir[CGROUP_MEMORY], e) < 0)
		return -1;
	slot->base = (struct cgroup_usage){0};
	return cgroup_v2_limits_write(slot, limits, e);
}

static int
check_text(int dir, const char *file, const char *wanted, struct err *e)
{
	char text[64];

	if (cgroup_read(dir, file, text, sizeof(text), e) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, wanted) != 0)
		return err_set(e, ERR_DENIED, 0, "%s is %s, expected %s", file,
			       text, wanted);
	return 0;
}

static int
v2_limits_check(const struct cgroup_slot *slot,
		const struct cgroup_limits *limits, struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t whole_pages = limits->memory_bytes / page * page;
	int dir = slot->dir[CGROUP_MEMORY];
	char memory[24], pids[24], cpu[48];

	snprintf(memory, sizeof(memory), "%llu",
		 (unsigned long long)whole_pages);
	snprintf(pids, sizeof(pids), "%llu",
		 (unsigned long long)limits->pids + 1);
	snprintf(cpu, sizeof(cpu), "%llu %d",
		 (unsigned long long)limits->cpu_percent *
			 (CPU_PERIOD_US / 100),
		 CPU_PERIOD_US);
	if (check_text(dir, "memory.max", memory, e) < 0 ||
	    check_text(dir, "memory.oom.group", "1", e) < 0 ||
	    check_text(dir, "pids.max", pids, e) < 0 ||
	    check_text(dir, "cpu.max", cpu, e) < 0)
		return -1;
	return 0;
}

static int
v2_read_usage(const struct cgroup_slot *slot, struct cgroup_usage *ret,
	      struct err *e)
{
	int dir = slot->dir[CGROUP_MEMORY];
	char text[1024];
	uint64_t peak;

	if (cgroup_read(dir, "cpu.stat", text, sizeof(text), e) < 0)
		return -1;
	if (!cgroup_key_u64(text, "usage_usec", &ret->cpu_us))
		return err_set(e, ERR_IO, 0, "cpu.stat has no usage_usec");
	if (cgroup_read(dir, "memory.events", text, sizeof(text), e) < 0)
		return -1;
	if (!cgroup_key_u64(text, "oom_kill", &ret->oom_kills))
		return err_set(e, ERR_IO, 0, "memory.events has no oom_kill");
	if (cgroup_read(dir, "pids.events", text, sizeof(text), e) < 0)
		return -1;
	(void)cgroup_key_u64(text, "max", &ret->pids_refused);
	/* memory.peak: Linux 5.19, pids.peak: 6.1. */
	if (cgroup_has_file(dir, "memory.peak") &&
	    cgroup_read_u64(dir, "memory.peak", &ret->memory_peak_bytes, e) < 0)
		return -1;
	if (cgroup_has_file(dir, "pids.peak")) {
		if (cgroup_read_u64(dir, "pids.peak", &peak, e) < 0)
			return -1;
		ret->pids_peak = (uint32_t)peak;
	}
	return 0;
}

static void
v2_slot_kill(struct cgroup_slot *slot)
{
	struct err e = ERR_INIT;

	/* Linux 5.14; the death of PID 1 does the same a moment later. */
	if (slot->dir[CGROUP_MEMORY] >= 0)
		(void)cgroup_write(slot->dir[CGROUP_MEMORY], "cgroup.kill", "1",
				   &e);
}

static void
v2_slot_idle(struct cgroup *cg, struct cgroup_slot *slot)
{
	struct err e = ERR_INIT;

	if (remove_dir(cg, slot, &e) < 0) /* slot_prepare tries again */
		log_warning("cgroup_left slot=%u error=\"%s\"", slot->index,
			    e.text);
}

static void
v2_slot_destroy(struct cgroup *cg, struct cgroup_slot *slot)
{
	v2_slot_idle(cg, slot);
}

const struct cgroup_ops cgroup_v2_ops = {
	.slot_create = v2_slot_create,
	.slot_prepare = v2_slot_prepare,
	.cpu_write = v2_cpu_write,
	.limits_check = v2_limits_check,
	.read_usage = v2_read_usage,
	.slot_kill = v2_slot_kill,
	.slot_idle = v2_slot_idle,
	.slot_destroy = v2_slot_destroy,
};
