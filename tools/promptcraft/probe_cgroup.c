/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_cgroup.c - can memory, processes and CPU of a jail be limited?
 *
 * Finds the hierarchies with the supervisor's own code.  On v1 it makes a
 * cgroup in each, writes a limit and removes it again.  On v2 it only looks:
 * enabling controllers would change the caller's session; whether the
 * supervisor got its own subtree is what the supervisor itself reports.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/cgroup.h"
#include "tools/promptcraft/probe.h"

#define PROC_TEXT_MAX (64u << 10)

static const struct {
	const char *name;
	const char *limit; /* written as a trial on v1; NULL: nothing to */
	const char *value;
	bool is_v1_only;
} controllers[] = {
	{"memory", "memory.limit_in_bytes", "67108864", false},
	{"pids", "pids.max", "64", false},
	{"cpu", "cpu.cfs_quota_us", "100000", false},
	{"cpuacct", NULL, NULL, true},
};

struct hierarchies {
	char mountinfo[PROC_TEXT_MAX];
	char own[PROC_TEXT_MAX]; /* /proc/self/cgroup */
	bool is_v2;
	struct cgroup_place v2;
	char v2_controllers[160];
};

/* Files of proc have no size to go by. */
static bool
read_text(const char *path, char *dst, size_t size)
{
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd == -1 ? -1 : fd_read_full(fd, dst, size - 1);
	dst[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static bool
is_word_of(const char *words, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = words; (at = strstr(at, name)) != NULL; at++) {
		bool starts = at == words || at[-1] == ' ';
		if (starts && (at[len] == ' ' || at[len] == '\0'))
			return true;
	}
	return false;
}

/* Is any controller that is needed on v1? */
static bool
has_v1(const struct hierarchies *h)
{
	struct cgroup_place place;
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		if (cgroup_find(h->mountinfo, h->own, controllers[i].name,
				&place))
			return true;
	return false;
}

static bool
read_hierarchies(struct hierarchies *h)
{
	char path[CGROUP_PATH_MAX + 32];
	bool has_v2;
	if (!read_text("/proc/self/mountinfo", h->mountinfo,
		       sizeof(h->mountinfo)) ||
	    !read_text("/proc/self/cgroup", h->own, sizeof(h->own)))
		return false;
	has_v2 = cgroup_find(h->mountinfo, h->own, NULL, &h->v2);
	if (has_v2 && str_printf(path, sizeof(path), "%s/cgroup.controllers",
				 h->v2.mount) == 0)
		probe_read_line(path, h->v2_controllers,
				sizeof(h->v2_controllers));
	/* Often v2 is there for systemd only, and v1 has the controllers. */
	h->is_v2 = has_v2 &&
		   (is_word_of(h->v2_controllers, "memory") || !has_v1(h));
	return true;
}

/* In /proc/cgroups the last column is 0 when it was switched off at boot. */
static bool
is_disabled_at_boot(const char *name)
{
	static char text[PROC_TEXT_MAX];
	size_t name_len = strlen(name);
	if (!read_text("/proc/cgroups", text, sizeof(text)))
		return false;
	for (const char *at = text; *at != '\0';) {
		size_t line = strcspn(at, "\n");
		if (strncmp(at, name, name_len) == 0 && at[name_len] == '\t')
			return at[line - 1] == '0';
		at += line + (at[line] == '\n');
	}
	return false;
}

static void
explain_absent(struct layer *l, const char *name)
{
	if (is_disabled_at_boot(name)) {
		layer_fail(l, LAYER_MISSING,
			   "the %s controller is switched off at boot", name);
		layer_fix(l,
			  "remove cgroup_disable=%s from the kernel command "
			  "line (add cgroup_enable=%s on some systems)",
			  name, name);
		return;
	}
	layer_fail(l, LAYER_MISSING,
		   "no cgroup hierarchy with the %s controller is mounted "
		   "where this process can see it",
		   name);
	layer_fix(l,
		  "mount it: mkdir -p /sys/fs/cgroup/%s && mount -t cgroup "
		  "-o %s cgroup /sys/fs/cgroup/%s; or boot with cgroup v2 "
		  "(systemd.unified_cgroup_hierarchy=1)",
		  name, name, name);
}

static void
explain_make(struct layer *l, const char *what, const char *dir, int error)
{
	layer_fail(l, LAYER_MISSING, "%s in %s: %s", what, dir,
		   strerrordesc_np(error));
	layer_fix(l, "%s",
		  error == EROFS ? "the hierarchy is mounted read-only (a "
				   "container): mount it writable"
				 : "run as root, with the cgroup delegated to "
				   "it");
}

/* 0, or errno with *ret_what. */
static int
try_limit(int dir, const char *file, const char *value, const char **ret_what)
{
	*ret_what = "open the limit of a new cgroup";
	owned_fd int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return errno;
	*ret_what = "write the limit of a new cgroup";
	return write(fd, value, strlen(value)) == -1 ? errno : 0;
}

static void
probe_v1(struct layer *l, const struct hierarchies *h, size_t i)
{
	struct cgroup_place place;
	char own[2 * CGROUP_PATH_MAX], name[48];
	struct err e = ERR_INIT;
	owned_fd int parent = -1;
	if (!cgroup_find(h->mountinfo, h->own, controllers[i].name, &place) ||
	    str_printf(own, sizeof(own), "%s%s", place.mount, place.own) ==
		    -1 ||
	    str_printf(name, sizeof(name), "promptcraft-doctor-%d", getpid()) ==
		    -1) {
		explain_absent(l, controllers[i].name);
		return;
	}
	if (cgroup_open_dir(AT_FDCWD, own, &parent, &e) == -1) {
		layer_fail(l, LAYER_MISSING, "%s", e.text);
		layer_fix(l, "mount the %s hierarchy at %s again, uncovered",
			  controllers[i].name, place.mount);
		return;
	}
	if (mkdirat(parent, name, 0755) == -1) {
		explain_make(l, "make a cgroup", own, errno);
		return;
	}
	owned_fd int dir = openat(parent, name, O_DIRECTORY | O_CLOEXEC);
	const char *what = "";
	int error = 0;
	if (controllers[i].limit != NULL)
		error = try_limit(dir, controllers[i].limit,
				  controllers[i].value, &what);
	fd_close(&dir);
	if (unlinkat(parent, name, AT_REMOVEDIR) == -1 && error == 0) {
		what = "remove the trial cgroup";
		error = errno;
	}
	if (error != 0)
		explain_make(l, what, own, error);
	else
		layer_detail(l, "v1: a cgroup made%s and removed in %.120s",
			     controllers[i].limit != NULL ? ", limited" : "",
			     own);
}

static void
probe_v2(struct layer *l, const struct hierarchies *h, size_t i)
{
	if (is_word_of(h->v2_controllers, controllers[i].name)) {
		layer_detail(l, "v2: available at %.120s", h->v2.mount);
		return;
	}
	layer_fail(l, LAYER_MISSING,
		   "cgroup v2 at %.100s has no %s controller (it has: %.100s)",
		   h->v2.mount, controllers[i].name, h->v2_controllers);
	layer_fix(l,
		  "write +%s to cgroup.subtree_control of the cgroup above, "
		  "unmount the v1 %s hierarchy, or remove cgroup_disable=%s "
		  "from the kernel command line",
		  controllers[i].name, controllers[i].name,
		  controllers[i].name);
}

void
probe_cgroups(struct report *r)
{
	static struct hierarchies h;
	struct layer *l = report_add(r, "cgroup version");
	if (!read_hierarchies(&h)) {
		layer_fail(l, LAYER_MISSING, "/proc/self is not readable");
		layer_fix(l, "mount proc at /proc");
	} else {
		layer_detail(l, "%s", h.is_v2 ? "2" : "1");
		for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
			char name[32];
			if (h.is_v2 && controllers[i].is_v1_only)
				continue;
			(void)str_printf(name, sizeof(name), "cgroup %s",
					 controllers[i].name);
			l = report_add(r, name);
			if (h.is_v2)
				probe_v2(l, &h, i);
			else
				probe_v1(l, &h, i);
		}
	}
}
