/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - what both back ends share: files of a cgroup directory, emptying
 * one, our part of a hierarchy, and cleaning up after a killed predecessor.
 */
#include "supervisor/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define KILL_ROUNDS 100

/* ---- files ----------------------------------------------------------- */

int
cgroup_write(int dir, const char *file, const char *text, struct err *e)
{
	owned_fd int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(e, "open %s", file);
	if (write(fd, text, strlen(text)) < 0)
		return err_sys(e, "write %s to %s", text, file);
	return 0;
}

int
cgroup_write_u64(int dir, const char *file, uint64_t value, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cgroup_write(dir, file, text, e);
}

int
cgroup_read(int dir, const char *file, char *dst, size_t size, struct err *e)
{
	owned_fd int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open %s", file);
	/* The kernel writes such a file whole: no second call for its end. */
	n = read(fd, dst, size - 1);
	if (n < 0)
		return err_sys(e, "read %s", file);
	dst[n] = '\0';
	return 0;
}

int
cgroup_parse_u64(char *text, const char *file, uint64_t *ret, struct err *e)
{
	text[strcspn(text, "\n")] = '\0';
	if (str_to_u64(text, UINT64_MAX, ret) < 0)
		return err_set(e, ERR_IO, 0, "%s is not a number: %s", file,
			       text);
	return 0;
}

int
cgroup_read_u64(int dir, const char *file, uint64_t *ret, struct err *e)
{
	char text[32];

	if (cgroup_read(dir, file, text, sizeof(text), e) < 0)
		return -1;
	return cgroup_parse_u64(text, file, ret, e);
}

bool
cgroup_has_file(int dir, const char *file)
{
	return faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
cgroup_key_u64(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	while (*text != '\0') {
		size_t line = strcspn(text, "\n");

		if (line > len + 1 && line - len - 1 < 24 &&
		    strncmp(text, key, len) == 0 && text[len] == ' ') {
			char number[24];

			memcpy(number, text + len + 1, line - len - 1);
			number[line - len - 1] = '\0';
			return str_to_u64(number, UINT64_MAX, ret) == 0;
		}
		text += line + (text[line] == '\n');
	}
	return false;
}

static int
check_magic(int fd, const char *path, struct err *e)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return err_sys(e, "statfs %s", path);
	if (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(e, ERR_IO, 0, "%s is not on a cgroup mount",
			       path);
	return 0;
}

int
cgroup_open_dir(int dir, const char *path, int *ret_fd, struct err *e)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	owned_fd int fd = -1;

	if (dir != AT_FDCWD) {
		how.resolve |= RESOLVE_BENEATH;
		while (*path == '/')
			path++;
		if (*path == '\0')
			path = ".";
	}
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (check_magic(fd, path, e) < 0)
		return -1;
	*ret_fd = fd_take(&fd);
	return 0;
}

int
cgroup_make_dir(int dir, const char *name, int *ret_fd, struct err *e)
{
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make cgroup %s", name);
	return cgroup_open_dir(dir, name, ret_fd, e);
}

/* ---- processes ------------------------------------------------------- */

/* At most max of them; *ret_more says whether there are others. */
static int
read_pids(int dir, int *ret_pids, size_t max, size_t *ret_len, bool *ret_more,
	  struct err *e)
{
	owned_fd int fd =
		openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	owned_mem char *text = NULL;
	size_t size = max * 12 + 12, count = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open cgroup.procs");
	text = malloc(size);
	if (text == NULL)
		return err_sys(e, "read cgroup.procs");
	n = fd_read_full(fd, text, size - 1);
	if (n < 0)
		return err_sys(e, "read cgroup.procs");
	text[n] = '\0';
	for (char *at = text, *end; *at != '\0'; at = end + (*end == '\n')) {
		end = at + strcspn(at, "\n");
		if (count == max)
			break;
		ret_pids[count++] = (int)strtol(at, NULL, 10);
	}
	*ret_len = count;
	*ret_more = count == max;
	return 0;
}

int
cgroup_slot_pids(const struct cgroup_slot *slot, int *ret_pids, size_t max,
		 size_t *ret_len, struct err *e)
{
	/* Any controller knows them all; on v2 everything is in [0]. */
	bool more;

	if (read_pids(slot->dir[CGROUP_MEMORY], ret_pids, max, ret_len, &more,
		      e) < 0)
		return -1;
	if (more)
		return err_set(e, ERR_LIMIT, 0, "%zu processes or more", max);
	return 0;
}

/*
 * The number may be another process's by now: so hold what has it, look whether
 * the cgroup still lists it, and only then kill what is held.
 */
static void
kill_member(int dir, int pid)
{
	owned_fd int pidfd = pidfd_open(pid, 0);
	struct err e = ERR_INIT;
	int pids[256];
	size_t len;
	bool more;

	if (pidfd < 0 ||
	    read_pids(dir, pids, ARRAY_LEN(pids), &len, &more, &e) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		if (pids[i] == pid)
			(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

void
cgroup_kill_all(int dir)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	struct err e = ERR_INIT;
	int pids[256];
	size_t len;
	bool more;

	if (cgroup_has_file(dir, "cgroup.kill"))
		(void)cgroup_write(dir, "cgroup.kill", "1", &e);
	for (int round = 0; round < KILL_ROUNDS; round++) {
		if (read_pids(dir, pids, ARRAY_LEN(pids), &len, &more, &e) <
			    0 ||
		    len == 0)
			return;
		/* 0 is of another PID namespace. */
		for (size_t i = 0; i < len; i++)
			if (pids[i] > 1 && pids[i] != getpid())
				kill_member(dir, pids[i]);
		(void)nanosleep(&pause, NULL);
	}
}

/* ---- our part of a hierarchy ------------------------------------------ */

int
cgroup_attach(struct cgroup *cg, int part, const struct cgroup_place *place,
	      struct err *e)
{
	const char *own = place->own[1] == '\0' ? "" : place->own;
	const char *shown = place->shown[1] == '\0' ? "" : place->shown;
	owned_fd int mount = -1;

	if (str_printf(cg->path[part], sizeof(cg->path[part]), "%s/%s", shown,
		       cg->name) < 0 ||
	    str_printf(cg->dir[part], sizeof(cg->dir[part]), "%s%s/%s",
		       place->mount, own, cg->name) < 0)
		return err_set(e, ERR_LIMIT, 0, "cgroup path too long");
	if (cgroup_open_dir(AT_FDCWD, place->mount, &mount, e) < 0 ||
	    cgroup_open_dir(mount, place->own, &cg->own[part], e) < 0)
		return -1;
	return cgroup_make_dir(cg->own[part], cg->name, &cg->root[part], e);
}

/* ---- the interface --------------------------------------------------- */

static void
cgroup_clear(struct cgroup *cg)
{
	*cg = (struct cgroup){0};
	for (int i = 0; i < CGROUP_PARTS; i++)
		cg->own[i] = cg->root[i] = -1;
}

int
cgroup_init(struct cgroup *cg, const char *instance, struct err *e)
{
	struct err v2_error = ERR_INIT;

	cgroup_clear(cg);
	if (str_printf(cg->name, sizeof(cg->name), "promptcraft-%s", instance) <
	    0)
		return err_set(e, ERR_LIMIT, 0, "instance name too long");
	if (cgroup_v2_init(cg, &v2_error) == 0)
		return 0;
	cgroup_done(cg);
	if (v2_error.kind == ERR_NOT_FOUND)
		log_debug("cgroup_v2 %s", v2_error.text);
	if (cgroup_v1_init(cg, e) == 0)
		return 0;
	cgroup_done(cg);
	/* Of two causes tell the one of the layout that the host has. */
	if (v2_error.kind != ERR_NOT_FOUND)
		*e = v2_error;
	return -1;
}

static void
remove_root(const struct cgroup *cg, int part)
{
	/* Two controllers may share one hierarchy: gone already is fine. */
	if (unlinkat(cg->own[part], cg->name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		log_warning("cgroup_left dir=%s error=\"%s\"", cg->dir[part],
			    strerrordesc_np(errno));
}

void
cgroup_done(struct cgroup *cg)
{
	for (int i = 0; i < CGROUP_PARTS; i++) {
		if (cg->root[i] >= 0)
			remove_root(cg, i);
		fd_close(&cg->root[i]);
		fd_close(&cg->own[i]);
	}
}

int
cgroup_describe(const struct cgroup *cg, char *dst, size_t size)
{
	size_t used = 0;

	dst[0] = '\0';
	for (int i = 0; i < CGROUP_PARTS; i++) {
		if (cg->root[i] < 0)
			continue;
		if (str_printf(dst + used, size - used, "%s\n", cg->dir[i]) < 0)
			return -1;
		used += strlen(dst + used);
	}
	return 0;
}

/* Kill and remove everything in one left-over directory, then itself. */
static void
sweep_dir(const char *path)
{
	owned_fd int root = -1;
	struct err e = ERR_INIT;
	const struct dirent *entry;
	DIR *dir;

	if (cgroup_open_dir(AT_FDCWD, path, &root, &e) < 0)
		return; /* gone, or not a cgroup: nothing of ours */
	cgroup_kill_all(root);
	dir = fdopendir(dup(root));
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		owned_fd int slot = -1;

		if (strncmp(entry->d_name, "slot-", 5) != 0 ||
		    cgroup_open_dir(root, entry->d_name, &slot, &e) < 0)
			continue;
		cgroup_kill_all(slot);
		if (unlinkat(root, entry->d_name, AT_REMOVEDIR) < 0)
			log_warning("cgroup_left dir=%s/%s error=\"%s\"", path,
				    entry->d_name, strerrordesc_np(errno));
	}
	if (dir != NULL)
		(void)closedir(dir);
	if (unlinkat(AT_FDCWD, path, AT_REMOVEDIR) == 0)
		log_info("stale_cgroup_removed dir=%s", path);
}

void
cgroup_sweep(const char *text, const char *instance)
{
	char path[CGROUP_PATH_MAX], tail[80];

	if (str_printf(tail, sizeof(tail), "/promptcraft-%s", instance) < 0)
		return;
	for (const char *at = text; *at != '\0';) {
		size_t line = strcspn(at, "\n"), len = strlen(tail);

		if (line > len && *at == '/' &&
		    strncmp(at + line - len, tail, len) == 0 &&
		    str_printf(path, sizeof(path), "%.*s", (int)line, at) == 0)
			sweep_dir(path);
		at += line + (at[line] == '\n');
	}
}

int
cgroup_limit_memory(const struct cgroup *cg, uint64_t bytes, struct err *e)
{
	static const char v1_swap[] = "memory.memsw.limit_in_bytes";
	int dir = cg->root[CGROUP_MEMORY];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	bytes -= bytes % page;
	if (cg->version == 2)
		return cgroup_write_u64(dir, "memory.max", bytes, e);
	if (cgroup_write_u64(dir, "memory.limit_in_bytes", bytes, e) < 0)
		return -1;
	if (!cgroup_has_file(dir, v1_swap))
		return 0;
	return cgroup_write_u64(dir, v1_swap, bytes, e);
}

static void
slot_clear(struct cgroup_slot *slot, unsigned index)
{
	*slot = (struct cgroup_slot){.index = index, .oom_fd = -1};
	for (int i = 0; i < CGROUP_PARTS; i++)
		slot->dir[i] = slot->tasks[i] = -1;
	for (int i = 0; i < CGROUP_KEPT; i++)
		slot->kept[i] = -1;
}

int
cgroup_slot_create(struct cgroup *cg, unsigned index, struct cgroup_slot *slot,
		   struct err *e)
{
	slot_clear(slot, index);
	if (cg->ops->slot_create(cg, slot, e) < 0) {
		cgroup_slot_destroy(cg, slot);
		return err_wrap(e, "cgroup of slot %u", index);
	}
	return 0;
}

int
cgroup_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
		    const struct cgroup_limits *limits, struct err *e)
{
	if (cg->ops->slot_prepare(cg, slot, limits, e) < 0)
		return err_wrap(e, "limit resources");
	return 0;
}

int
cgroup_slot_limit_cpu(struct cgroup *cg, struct cgroup_slot *slot,
		      uint32_t percent, struct err *e)
{
	if (cg->ops->cpu_write(slot, percent, e) < 0)
		return err_wrap(e, "limit CPU");
	return 0;
}

int
cgroup_limits_check(const struct cgroup *cg, const struct cgroup_slot *slot,
		    const struct cgroup_limits *limits, struct err *e)
{
	return cg->ops->limits_check(slot, limits, e);
}

int
cgroup_slot_usage(const struct cgroup *cg, const struct cgroup_slot *slot,
		  struct cgroup_usage *ret, struct err *e)
{
	struct cgroup_usage u = {0};

	if (cg->ops->read_usage(slot, &u, e) < 0)
		return -1;
	u.cpu_us -= slot->base.cpu_us;
	u.oom_kills -= slot->base.oom_kills;
	u.pids_refused -= slot->base.pids_refused;
	if (u.pids_peak > 0)
		u.pids_peak--; /* jail-init */
	*ret = u;
	return 0;
}

int
cgroup_membership_check(const struct cgroup *cg, const struct cgroup_slot *slot,
			const char *text, struct err *e)
{
	static const char *const names[CGROUP_PARTS] = {
		[CGROUP_MEMORY] = "memory",
		[CGROUP_PIDS] = "pids",
		[CGROUP_CPU] = "cpu",
		[CGROUP_CPUACCT] = "cpuacct",
	};
	char wanted[CGROUP_PATH_MAX + 16], shown[CGROUP_PATH_MAX + 16];

	for (int i = 0; i < CGROUP_PARTS; i++) {
		const char *controller = cg->version == 2 ? NULL : names[i];

		if (cg->root[i] < 0)
			continue;
		if (str_printf(wanted, sizeof(wanted), "%s/slot-%u",
			       cg->path[i], slot->index) < 0)
			return err_set(e, ERR_LIMIT, 0, "cgroup path too long");
		if (!cgroup_line(text, controller, shown, sizeof(shown)) ||
		    strcmp(shown, wanted) != 0)
			return err_set(e, ERR_DENIED, 0,
				       "not in cgroup %s of %s", wanted,
				       controller ? controller : "v2");
	}
	return 0;
}

void
cgroup_slot_kill(struct cgroup *cg, struct cgroup_slot *slot)
{
	cg->ops->slot_kill(slot);
}

void
cgroup_slot_idle(struct cgroup *cg, struct cgroup_slot *slot)
{
	cg->ops->slot_idle(cg, slot);
}

void
cgroup_slot_destroy(struct cgroup *cg, struct cgroup_slot *slot)
{
	cg->ops->slot_destroy(cg, slot);
	for (int i = 0; i < CGROUP_PARTS; i++) {
		fd_close(&slot->dir[i]);
		fd_close(&slot->tasks[i]);
	}
	for (int i = 0; i < CGROUP_KEPT; i++)
		fd_close(&slot->kept[i]);
	fd_close(&slot->oom_fd);
}
