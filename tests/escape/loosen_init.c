/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loosen_init.c - for tests only: linked with jail-init's own objects and the
 * linker's --wrap, it takes single steps of building a jail away, as the words
 * in LOOSE say.  The product's sources know nothing of it.
 *
 *   landlock     no ruleset
 *   caps         the payload keeps the capabilities of its user namespace
 *   nnp          no no_new_privs, and so neither filter nor ruleset: ask for
 *                "seccomp" and "landlock" or "caps", too
 *   ids          the payload keeps root of its user namespace as real ids
 *   rlimits      no limits
 *   fds          what is open stays open
 *   init         PID 1 keeps its capabilities, ids and system calls
 *   dumpable     PID 1 and the payload can be looked at
 *   proc         /proc as the kernel makes it: no subset=pid, no hidepid
 *   proc-rw      /proc is writable
 *   mounts-ro    what the host lends may be writable (see the supervisor's)
 *   nofollow     links are followed while the root is built
 *   collect      result files are opened by name, links and all
 *   unpack       a bundle's paths are used as they are, links and all
 *   orphans      nobody is killed before collecting
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/kernel.h"
#include "supervisor/base/fd.h"
#include "tests/escape/loose.h"

#define WRAP(type, name, ...)                                                  \
	type __real_##name(__VA_ARGS__);                                       \
	type __wrap_##name(__VA_ARGS__);                                       \
	type __wrap_##name(__VA_ARGS__)

WRAP(int, landlock_apply, const struct policy *policy, struct err *e)
{
	return is_loose("landlock") ? 0 : __real_landlock_apply(policy, e);
}

WRAP(int, lockdown_limits, const struct policy *policy, struct err *e)
{
	return is_loose("rlimits") ? 0 : __real_lockdown_limits(policy, e);
}

WRAP(int, lockdown_bounds, struct err *e)
{
	/* Or a change of ids would take them. */
	if (is_loose("caps"))
		return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	return __real_lockdown_bounds(e);
}

/* All that is permitted, through the exec to come. */
static int
keep_caps(struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return err_sys(e, "read capabilities");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, "keep capabilities");
	for (unsigned long cap = 0; cap < 64; cap++)
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return 0;
}

WRAP(int, lockdown_caps, uint64_t keep, struct err *e)
{
	if (is_loose("nnp"))
		return is_loose("caps") ? keep_caps(e) : 0;
	if (is_loose("caps")) {
		if (keep_caps(e) < 0)
			return -1;
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	}
	return __real_lockdown_caps(keep, e);
}

WRAP(int, lockdown_seccomp, const struct policy *policy, int *ret_listener,
     struct err *e)
{
	if (!is_loose("nnp"))
		return __real_lockdown_seccomp(policy, ret_listener, e);
	*ret_listener = -1;
	return 0;
}

WRAP(int, lockdown_init, struct jail *jail, struct err *e)
{
	if (is_loose("init"))
		return 0;
	/* Kept for the payload only, which is cloned by now. */
	if (is_loose("caps") && __real_lockdown_bounds(e) < 0)
		return -1;
	return __real_lockdown_init(jail, e);
}

WRAP(int, setresuid, uid_t r, uid_t u, uid_t s)
{
	return __real_setresuid(is_loose("ids") ? (uid_t)-1 : r, u, s);
}

WRAP(int, setresgid, gid_t r, gid_t u, gid_t s)
{
	return __real_setresgid(is_loose("ids") ? (gid_t)-1 : r, u, s);
}

WRAP(int, getresuid, uid_t *r, uid_t *u, uid_t *s)
{
	if (!is_loose("ids"))
		return __real_getresuid(r, u, s);
	*r = *u = *s = JAIL_UID_PAYLOAD;
	return 0;
}

WRAP(int, getresgid, gid_t *r, gid_t *u, gid_t *s)
{
	if (!is_loose("ids"))
		return __real_getresgid(r, u, s);
	*r = *u = *s = JAIL_UID_PAYLOAD;
	return 0;
}

WRAP(int, prctl, int option, ...)
{
	va_list ap;
	unsigned long a[4];

	va_start(ap, option);
	for (size_t i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_DUMPABLE && is_loose("dumpable"))
		return 0;
	return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

WRAP(long, syscall, long nr, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, nr);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_openat2 && (is_loose("unpack") || is_loose("collect")))
		((struct open_how *)a[2])->resolve = 0;
	if (nr == SYS_close_range && a[0] > PAYLOAD_FD_REPORT &&
	    a[1] == UINT32_MAX && is_loose("fds"))
		return 0;
	return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

WRAP(int, fsconfig, int fd, unsigned cmd, const char *key, const void *value,
     int aux)
{
	if (is_loose("proc") && key != NULL &&
	    (strcmp(key, "subset") == 0 || strcmp(key, "hidepid") == 0))
		return 0;
	return __real_fsconfig(fd, cmd, key, value, aux);
}

WRAP(int, fsmount, int fd, unsigned flags, unsigned attrs)
{
	if (is_loose("proc-rw"))
		attrs &= ~(unsigned)MOUNT_ATTR_RDONLY;
	return __real_fsmount(fd, flags, attrs);
}

WRAP(int, fstatvfs, int fd, struct statvfs *vfs)
{
	int rc = __real_fstatvfs(fd, vfs);
	struct stat st;

	/* Not for /work, whose root is the payload's and must be writable. */
	if (rc == 0 && is_loose("mounts-ro") && fstat(fd, &st) == 0 &&
	    st.st_uid != JAIL_UID_PAYLOAD)
		vfs->f_flag |= ST_RDONLY;
	return rc;
}

WRAP(int, openat, int dirfd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (is_loose("nofollow"))
		flags &= ~O_NOFOLLOW;
	return __real_openat(dirfd, path, flags, mode);
}

WRAP(int, kill, pid_t pid, int sig)
{
	if (pid == -1 && is_loose("orphans")) {
		errno = ESRCH;
		return -1;
	}
	return __real_kill(pid, sig);
}

/* What changes the host's own is refused to a jail's root. */
WRAP(int, net_loopback, struct jail *jail, struct err *e)
{
	return is_loose("netns") ? 0 : __real_net_loopback(jail, e);
}

WRAP(int, net_hostname, struct jail *jail, struct err *e)
{
	return is_loose("utsns") ? 0 : __real_net_hostname(jail, e);
}

WRAP(int, fd_is_sealed_memfd, int fd)
{
	return is_loose("seals") ? 1 : __real_fd_is_sealed_memfd(fd);
}

/*
 * As a program does that thinks of its users' good will.  Without malloc,
 * whose system calls PID 1 may not make by now.
 */
static int
collect_by_name(struct jail *jail, int *ret_fd, struct err *e)
{
	static unsigned char out[8 << 20];
	const size_t file_max = 1 << 20;
	size_t len = BUNDLE_HEAD_SIZE;

	if (jail->collect_len == 0)
		return 0;
	bundle_head_encode(out, (uint32_t)jail->collect_len);
	for (size_t i = 0; i < jail->collect_len && i < 7; i++) {
		const char *path = jail->collect[i];
		size_t path_len = strlen(path);
		struct open_how how = {.flags = O_RDONLY};
		int fd = (int)syscall(SYS_openat2, jail->work_fd, path, &how,
				      sizeof(how));
		unsigned char *head = out + len;
		ssize_t n;

		/* The NUL is overwritten by what follows. */
		(void)snprintf((char *)head + BUNDLE_ENTRY_HEAD_SIZE,
			       path_len + 1, "%s", path);
		len += BUNDLE_ENTRY_HEAD_SIZE + path_len;
		n = fd < 0 ? -1 : read(fd, out + len, file_max);
		bundle_entry_head_encode(
			head, BUNDLE_FILE, n < 0 ? BUNDLE_MISSING : BUNDLE_OK,
			(uint16_t)path_len, n < 0 ? 0 : (uint32_t)n);
		len += n < 0 ? 0 : (size_t)n;
		(void)close(fd);
	}
	return fd_memfd_sealed("collected", out, len, ret_fd, e);
}

WRAP(int, collect_files, struct jail *jail, int *ret_fd, struct err *e)
{
	return is_loose("collect") ? collect_by_name(jail, ret_fd, e)
				   : __real_collect_files(jail, ret_fd, e);
}

/* The next entry as it stands there, inside of the bundle at least. */
static int
next_unchecked(struct bundle_reader *r, struct bundle_entry *ret)
{
	const unsigned char *p = r->at;
	size_t path_len;

	if (r->left == 0 || r->end - p < BUNDLE_ENTRY_HEAD_SIZE)
		return 0;
	path_len = (size_t)(p[2] | p[3] << 8);
	*ret = (struct bundle_entry){.kind = p[0], .status = p[1]};
	ret->len = (size_t)(p[4] | p[5] << 8 | p[6] << 16);
	p += BUNDLE_ENTRY_HEAD_SIZE;
	if (path_len > BUNDLE_PATH_MAX ||
	    path_len + ret->len > (size_t)(r->end - p))
		return 0;
	(void)snprintf(ret->path, sizeof(ret->path), "%.*s", (int)path_len,
		       (const char *)p);
	ret->data = p + path_len;
	r->at = ret->data + ret->len;
	r->left--;
	return 1;
}

WRAP(int, bundle_reader_next, struct bundle_reader *r, struct bundle_entry *ret,
     struct err *e)
{
	return is_loose("unpack") ? next_unchecked(r, ret)
				  : __real_bundle_reader_next(r, ret, e);
}
