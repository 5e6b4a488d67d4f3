/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loosen_supervisor.c - for tests only: linked with the supervisor's own
 * objects and the linker's --wrap, it takes single controls away, as the words
 * in LOOSE say.  The product's sources know nothing of it.
 *
 *   gate         every posture is as expected
 *   fds          a directory of the host is open in the jail
 *   netns ipcns utsns   not made: the host's own
 *   cgroupns     not made
 *   mounts-ro    what the host lends keeps its write permission
 *   source-links mount sources are looked up through links
 *   seals        memfds are not sealed (and taken unsealed)
 *   procfs       whatever lies on /proc is taken for procfs
 *   nnp          no no_new_privs
 *   links        its own programs and state are opened through links
 *   self-test    no look at what the host gives
 *   clamp        limits are as the client asks
 *   request      no field of a request is checked
 *   client-uid   any uid may connect
 *   core-socket  the host's core dumps seem to go to a socket
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "jail/spawn.h"
#include "supervisor/base/fd.h"
#include "supervisor/gate.h"
#include "supervisor/host.h"
#include "supervisor/job.h"
#include "tests/escape/loose.h"

#define WRAP(type, name, ...)                                                  \
	type __real_##name(__VA_ARGS__);                                       \
	type __wrap_##name(__VA_ARGS__);                                       \
	type __wrap_##name(__VA_ARGS__)

#define LEAKED_FD 600

WRAP(int, gate_check_filtered, const struct gate_expected *x, struct err *e)
{
	return is_loose("gate") ? 0 : __real_gate_check_filtered(x, e);
}

WRAP(int, gate_check_ready, const struct gate_expected *x, struct err *e)
{
	return is_loose("gate") ? 0 : __real_gate_check_ready(x, e);
}

WRAP(int, gate_check_init, const struct gate_expected *x, struct err *e)
{
	return is_loose("gate") ? 0 : __real_gate_check_init(x, e);
}

WRAP(int, gate_check_init_fds, const struct gate_expected *x, struct err *e)
{
	return is_loose("gate") ? 0 : __real_gate_check_init_fds(x, e);
}

WRAP(int, gate_check_limits, const struct gate_expected *x, struct err *e)
{
	return is_loose("gate") ? 0 : __real_gate_check_limits(x, e);
}

WRAP(int, jail_spawn, const struct jail_spawn_request *request,
     struct jail_process *ret, struct err *e)
{
	struct jail_spawn_request copy = *request;
	int leaked = -1, rc;

	if (is_loose("netns"))
		copy.net_fd = -1; /* not the slot's, and no new one */
	if (is_loose("fds")) {
		int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		/* Not CLOEXEC, and on a number that nothing else has. */
		leaked = fcntl(root, F_DUPFD, LEAKED_FD);
		(void)close(root);
	}
	rc = __real_jail_spawn(&copy, ret, e);
	if (leaked >= 0)
		(void)close(leaked);
	return rc;
}

static void
share_namespaces(struct clone_args *args)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} rows[] = {
		{"netns", CLONE_NEWNET},
		{"ipcns", CLONE_NEWIPC},
		{"utsns", CLONE_NEWUTS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_loose(rows[i].name))
			args->flags &= ~rows[i].flag;
}

WRAP(long, syscall, long nr, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, nr);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_openat2 && is_loose("source-links"))
		((struct open_how *)a[2])->resolve = 0;
	if (nr == SYS_clone3)
		share_namespaces((struct clone_args *)a[0]);
	if (nr == SYS_close_range && a[1] == UINT32_MAX && is_loose("fds"))
		return 0;
	return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The supervisor has it as well and would pass it on. */
WRAP(int, prctl, int option, ...)
{
	va_list ap;
	unsigned long a[4];

	va_start(ap, option);
	for (size_t i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NO_NEW_PRIVS && is_loose("nnp"))
		return 0;
	return (int)__real_syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

static int
host_with_core_socket(void)
{
	static const char pattern[] = "@@/run/of-the-test\n";
	int fd = memfd_create("core_pattern", MFD_CLOEXEC);

	if (write(fd, pattern, sizeof(pattern) - 1) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fd;
}

WRAP(int, openat, int dirfd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (is_loose("links") || is_loose("nofollow"))
		flags &= ~O_NOFOLLOW;
	if (is_loose("core-socket") &&
	    strcmp(path, "sys/kernel/core_pattern") == 0)
		return host_with_core_socket();
	/* Of the host's network namespace, which is not the child's to set. */
	if (is_loose("netns") && strncmp(path, "sys/net/", 8) == 0)
		return __real_openat(AT_FDCWD, "/dev/null", flags, mode);
	return __real_openat(dirfd, path, flags, mode);
}

WRAP(int, unshare, int flags)
{
	if (flags == CLONE_NEWCGROUP && is_loose("cgroupns"))
		return 0;
	return __real_unshare(flags);
}

WRAP(int, mount_setattr, int fd, const char *path, unsigned flags,
     struct mount_attr *attr, size_t size)
{
	if (is_loose("mounts-ro"))
		attr->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return __real_mount_setattr(fd, path, flags, attr, size);
}

/* jail/root.c looks at what is lent. */
WRAP(int, fstatvfs, int fd, struct statvfs *vfs)
{
	int rc = __real_fstatvfs(fd, vfs);

	if (rc == 0 && is_loose("mounts-ro"))
		vfs->f_flag |= ST_RDONLY;
	return rc;
}

WRAP(int, fd_memfd_sealed, const char *name, const void *buf, size_t len,
     int *ret_fd, struct err *e)
{
	int fd;

	if (!is_loose("seals"))
		return __real_fd_memfd_sealed(name, buf, len, ret_fd, e);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fd_write_all(fd, buf, len) < 0)
		return err_sys(e, "make memfd");
	*ret_fd = fd;
	return 0;
}

WRAP(int, fd_is_sealed_memfd, int fd)
{
	return is_loose("seals") ? 1 : __real_fd_is_sealed_memfd(fd);
}

WRAP(int, fstatfs, int fd, struct statfs *fs)
{
	int rc = __real_fstatfs(fd, fs);
	struct stat got, proc;

	if (rc == 0 && is_loose("procfs") && fstat(fd, &got) == 0 &&
	    stat("/proc", &proc) == 0 && got.st_dev == proc.st_dev &&
	    got.st_ino == proc.st_ino)
		fs->f_type = PROC_SUPER_MAGIC;
	return rc;
}

WRAP(int, host_probe, struct host *ret, struct err *e)
{
	return is_loose("self-test") ? 0 : __real_host_probe(ret, e);
}

WRAP(void, job_limits, const struct proto_limits *asked,
     const struct policy *policy, struct proto_limits *ret)
{
	__real_job_limits(asked, policy, ret);
	if (!is_loose("clamp"))
		return;
	if (asked->wall_ms != 0)
		ret->wall_ms = asked->wall_ms;
	if (asked->memory_bytes != 0)
		ret->memory_bytes = asked->memory_bytes;
	if (asked->output_bytes != 0)
		ret->output_bytes = asked->output_bytes;
	if (asked->pids != 0)
		ret->pids = asked->pids;
	if (asked->cpu_percent != 0)
		ret->cpu_percent = asked->cpu_percent;
}

WRAP(int, job_check_request, const struct supervisor *sup,
     const struct proto_job_submit *submit, struct err *e)
{
	return is_loose("request") ? 0
				   : __real_job_check_request(sup, submit, e);
}

WRAP(int, getsockopt, int fd, int level, int name, void *value, socklen_t *len)
{
	int rc = __real_getsockopt(fd, level, name, value, len);

	if (rc == 0 && level == SOL_SOCKET && name == SO_PEERCRED &&
	    is_loose("client-uid"))
		((struct ucred *)value)->uid = 0;
	return rc;
}
