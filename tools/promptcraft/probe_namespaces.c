/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_namespaces.c - can a jail have each of its namespaces, and inside them
 * its own /proc and its own root?  Each is made in the way the supervisor
 * makes it: clone3 with a new user namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tools/promptcraft/probe.h"

static const struct {
	const char *name;
	unsigned long long flag;
	const char *limit; /* in /proc/sys/user */
	const char *config;
} namespaces[] = {
	{"user namespace", 0, "max_user_namespaces", "CONFIG_USER_NS"},
	{"pid namespace", CLONE_NEWPID, "max_pid_namespaces", "CONFIG_PID_NS"},
	{"mount namespace", CLONE_NEWNS, "max_mnt_namespaces",
	 "CONFIG_NAMESPACES"},
	{"net namespace", CLONE_NEWNET, "max_net_namespaces", "CONFIG_NET_NS"},
	{"ipc namespace", CLONE_NEWIPC, "max_ipc_namespaces", "CONFIG_IPC_NS"},
	{"uts namespace", CLONE_NEWUTS, "max_uts_namespaces", "CONFIG_UTS_NS"},
	{"cgroup namespace", CLONE_NEWCGROUP, "max_cgroup_namespaces",
	 "CONFIG_CGROUPS"},
};

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* In a chroot the kernel refuses every new user namespace. */
static bool
is_chrooted(void)
{
	struct stat own, first;
	return stat("/", &own) == 0 && stat("/proc/1/root/.", &first) == 0 &&
	       (own.st_dev != first.st_dev || own.st_ino != first.st_ino);
}

static void
explain_eperm(struct layer *l)
{
	char value[32];
	probe_read_line(
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", value,
		sizeof(value));
	if (is_chrooted()) {
		layer_fail(l, LAYER_MISSING,
			   "clone3: EPERM: this is a chroot, and the kernel "
			   "makes no user namespace for a chrooted process");
		layer_fix(l,
			  "run outside the chroot, or enter the tree with "
			  "pivot_root (systemd-nspawn, a container) instead");
	} else if (geteuid() != 0 && strcmp(value, "1") == 0) {
		layer_fail(l, LAYER_MISSING,
			   "clone3: EPERM: AppArmor restricts user namespaces "
			   "of unprivileged processes "
			   "(kernel.apparmor_restrict_unprivileged_userns=1)");
		layer_fix(l, "run as root, as the supervisor does");
	} else {
		layer_fail(l, LAYER_MISSING,
			   "clone3: EPERM: something above forbids it: the "
			   "seccomp profile of a container, or missing "
			   "capabilities");
		layer_fix(l, "run as root on the host or in a VM; in a "
			     "container, allow clone3 with namespace flags "
			     "(--security-opt seccomp=..., CAP_SYS_ADMIN)");
	}
}

static void
explain_clone(struct layer *l, size_t i, int error)
{
	char value[32];
	char path[64];
	switch (error) {
	case ENOSPC:
	case EUSERS:
		if (str_printf(path, sizeof(path), "/proc/sys/user/%s",
			       namespaces[i].limit) == 0)
			probe_read_line(path, value, sizeof(value));
		layer_fail(l, LAYER_MISSING,
			   "clone3: the limit of namespaces is reached "
			   "(user.%s = %s, here or in a parent namespace)",
			   namespaces[i].limit, value);
		layer_fix(l, "sysctl -w user.%s=15000 (and in /etc/sysctl.d)",
			  namespaces[i].limit);
		return;
	case EPERM:
		explain_eperm(l);
		return;
	case ENOSYS:
		layer_fail(l, LAYER_MISSING,
			   "clone3: ENOSYS: the kernel is older than 5.3, or "
			   "the seccomp profile of a container hides it");
		layer_fix(l, "use Linux 5.14 or newer; in a container, allow "
			     "clone3 in its seccomp profile");
		return;
	case EINVAL:
		layer_fail(l, LAYER_MISSING,
			   "clone3: EINVAL: the kernel was built without %s",
			   namespaces[i].config);
		layer_fix(l, "use a kernel with %s=y", namespaces[i].config);
		return;
	default:
		layer_fail(l, LAYER_MISSING, "clone3: %s",
			   strerrordesc_np(error));
		layer_fix(l, "see dmesg for what refused it");
	}
}

static bool
probe_namespace(struct report *r, size_t i)
{
	struct layer *l = report_add(r, namespaces[i].name);
	bool is_clone = false;
	int error = probe_in_child(CLONE_NEWUSER | namespaces[i].flag,
				   do_nothing, NULL, &is_clone);
	if (error == 0)
		layer_detail(l, "made and left");
	else if (is_clone)
		explain_clone(l, i, error);
	else {
		layer_fail(l, LAYER_MISSING, "write the id maps: %s",
			   strerrordesc_np(error));
		layer_fix(l, "run as root with CAP_SETUID and CAP_SETGID");
	}
	return error == 0;
}

static int
mount_new(const char *type, const char *key, const char *value, int *ret_fd)
{
	owned_fd int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (fs == -1)
		return errno;
	if (key != NULL &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0) == -1)
		return errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1)
		return errno;
	*ret_fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return *ret_fd == -1 ? errno : 0;
}

static int
try_proc(void *arg)
{
	(void)arg;
	int fd = -1;
	return mount_new("proc", "subset", "pid", &fd);
}

static void
probe_proc(struct report *r)
{
	struct layer *l = report_add(r, "own /proc in a user namespace");
	int error = probe_in_child(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS,
				   try_proc, NULL, NULL);
	if (error == 0) {
		layer_detail(l, "proc with subset=pid mounted in a child");
	} else if (error == EPERM) {
		layer_fail(l, LAYER_MISSING,
			   "mount proc: EPERM: parts of this /proc are covered "
			   "by other mounts (a container's masked paths), so "
			   "the kernel gives no uncovered one");
		layer_fix(l, "run where /proc is whole: on the host, or with "
			     "the container's masked paths off (docker: "
			     "--security-opt systempaths=unconfined)");
	} else {
		layer_fail(l, LAYER_MISSING, "mount proc: %s",
			   strerrordesc_np(error));
		layer_fix(l, "use Linux 5.14 or newer");
	}
}

/* What jail-init does for its root: a new tmpfs, moved over something. */
static int
try_root(void *arg)
{
	(void)arg;
	owned_fd int fd = -1;
	int error = mount_new("tmpfs", "mode", "0755", &fd);
	if (error != 0)
		return error;
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, "/proc",
		    MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return errno;
	return 0;
}

/* What the supervisor does for each mount of a policy. */
static int
try_bind(void *arg)
{
	(void)arg;
	owned_fd int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/usr",
				       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd == -1)
		return errno;
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			    MOUNT_ATTR_NODEV,
	};
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr,
		    sizeof(attr)) == -1)
		return errno;
	return 0;
}

static void
probe_mounts(struct report *r)
{
	struct layer *l = report_add(r, "new mount API");
	int error = probe_in_child(CLONE_NEWUSER | CLONE_NEWNS, try_root, NULL,
				   NULL);
	const char *what = "tmpfs root";
	if (error == 0) {
		/* A child of our own namespaces: nothing here changes ours. */
		error = probe_in_child(0, try_bind, NULL, NULL);
		what = "read-only copy of /usr";
	}
	if (error == 0) {
		layer_detail(l, "fsopen, fsmount, move_mount, open_tree, "
				"mount_setattr work");
		return;
	}
	layer_fail(l, LAYER_MISSING, "%s: %s", what, strerrordesc_np(error));
	layer_fix(l, error == EPERM ? "run as root with CAP_SYS_ADMIN; in a "
				      "container, allow the mount calls in its "
				      "seccomp profile"
				    : "use Linux 5.14 or newer");
}

static void
probe_apparmor(struct report *r)
{
	struct layer *l = report_add(r, "AppArmor and user namespaces");
	char value[32];
	l->is_required = false; /* the namespaces above decide */
	probe_read_line(
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", value,
		sizeof(value));
	if (value[0] == '\0')
		layer_detail(l, "no such restriction on this kernel");
	else if (strcmp(value, "0") == 0)
		layer_detail(l, "not restricted");
	else
		layer_detail(l, "restricted for unprivileged processes only; "
				"the supervisor is root");
}

static void
skip_layer(struct report *r, const char *name)
{
	struct layer *l = report_add(r, name);
	layer_fail(l, LAYER_MISSING, "needs a user namespace");
	layer_fix(l, "see user namespace");
}

void
probe_namespaces(struct report *r)
{
	bool has_user = probe_namespace(r, 0);
	for (size_t i = 1; i < ARRAY_LEN(namespaces); i++) {
		if (has_user)
			(void)probe_namespace(r, i);
		else
			skip_layer(r, namespaces[i].name);
	}
	probe_apparmor(r);
	if (has_user) {
		probe_proc(r);
		probe_mounts(r);
	} else {
		skip_layer(r, "own /proc in a user namespace");
		skip_layer(r, "new mount API");
	}
}
