/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.c - uid ranges and the table of slots.
 */
#include "supervisor/slots.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

_Static_assert(2 * SLOTS_MAX <= SLOTS_UID_RANGE,
	       "a range has a pair of uids for every slot");

static int
open_run_dir(int *ret_dir, struct err *e)
{
	owned_fd int dir = -1;
	struct stat st;

	/* The default socket lies there, too; our umask would hide it. */
	if (mkdir(SLOTS_RUN_DIR, 0755) == 0 && chmod(SLOTS_RUN_DIR, 0755) < 0)
		return err_sys(e, "set mode of " SLOTS_RUN_DIR);
	dir = open(SLOTS_RUN_DIR,
		   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) < 0)
		return err_sys(e, "make or open " SLOTS_RUN_DIR);
	/* Whoever may write there could make us share uids. */
	if (st.st_uid != 0 || (st.st_mode & 022) != 0)
		return err_set(e, ERR_DENIED, 0,
			       SLOTS_RUN_DIR " must belong to root and be "
					     "writable by nobody else");
	*ret_dir = fd_take(&dir);
	return 0;
}

static int
take_range(int dir, unsigned *ret_range, int *ret_lock, struct err *e)
{
	for (unsigned n = 0; n < SLOTS_UID_RANGES; n++) {
		owned_fd int fd = -1;
		char name[32];

		if (str_printf(name, sizeof(name), "uid-range.%u", n) < 0)
			return err_set(e, ERR_LIMIT, 0, "range %u", n);
		fd = openat(dir, name,
			    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_sys(e, "open %s/%s", SLOTS_RUN_DIR, name);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			*ret_range = n;
			*ret_lock = fd_take(&fd);
			return 0;
		}
		if (errno != EWOULDBLOCK)
			return err_sys(e, "lock %s/%s", SLOTS_RUN_DIR, name);
	}
	return err_set(e, ERR_BUSY, 0,
		       "all %u uid ranges are in use by other supervisors",
		       SLOTS_UID_RANGES);
}

int
slots_init(struct slots *slots, unsigned count, struct err *e)
{
	owned_fd int dir = -1;
	unsigned range = 0;
	uint32_t first;

	assert(count <= CONFIG_SLOTS_MAX + CONFIG_STANDBY_MAX);
	count += SLOTS_SPARE;
	*slots = (struct slots){.range_lock = -1, .count = count};
	if (open_run_dir(&dir, e) < 0 ||
	    take_range(dir, &range, &slots->range_lock, e) < 0)
		return -1;
	first = SLOTS_UID_FIRST + range * SLOTS_UID_RANGE;
	for (unsigned i = 0; i < count; i++) {
		slots->slot[i].index = i;
		slots->slot[i].uid_base = first + 2 * i;
		slots->slot[i].net = (struct netns)NETNS_INIT;
	}
	return 0;
}

int
slots_make_cgroups(struct slots *slots, struct cgroup *cg, struct err *e)
{
	for (unsigned i = 0; i < slots->count; i++) {
		if (cgroup_slot_create(cg, i, &slots->slot[i].cgroup, e) == 0)
			continue;
		while (i-- > 0)
			cgroup_slot_destroy(cg, &slots->slot[i].cgroup);
		return -1;
	}
	return 0;
}

void
slots_make_networks(struct slots *slots, int home_fd)
{
	struct err e = ERR_INIT;

	if (!netns_may_return(home_fd)) {
		log_info("netns_not_kept cause=\"%s\"", strerrordesc_np(errno));
		return;
	}
	for (unsigned i = 0; i < slots->count; i++)
		if (netns_prepare(&slots->slot[i].net, home_fd, &e) < 0) {
			log_warning("netns_not_kept cause=\"%s\"", e.text);
			return;
		}
}

void
slots_done(struct slots *slots, struct cgroup *cg)
{
	for (unsigned i = 0; i < slots->count; i++) {
		if (cg != NULL)
			cgroup_slot_destroy(cg, &slots->slot[i].cgroup);
		netns_done(&slots->slot[i].net);
	}
	fd_close(&slots->range_lock);
}

static struct slot *
take(struct slots *slots, struct slot *s)
{
	s->is_used = true;
	slots->used++;
	return s;
}

struct slot *
slots_take(struct slots *slots)
{
	unsigned usual = slots->count - SLOTS_SPARE;

	/* Round robin: a uid rests as long as possible before its next job. */
	for (unsigned i = 0; i < usual; i++) {
		struct slot *s = &slots->slot[(slots->next + i) % usual];

		if (s->is_used)
			continue;
		slots->next = (s->index + 1) % usual;
		return take(slots, s);
	}
	for (unsigned i = usual; i < slots->count; i++)
		if (!slots->slot[i].is_used)
			return take(slots, &slots->slot[i]);
	return NULL;
}

void
slots_give_back(struct slots *slots, struct slot *slot)
{
	assert(slot->is_used && slots->used > 0);
	slot->is_used = false;
	slots->used--;
}
