/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.c - faults of jail-init and of the payload before its exec: what is not
 * dropped, not limited, not closed, not mounted as the policy says.
 *
 * Some faults do not outlive an exec.  For these the payload stays where it is
 * (stay_here) and plays the harness itself; what it does once the gate opens is
 * what the code of other jobs does: one call of the audit class, one line.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "jail/jail.h"
#include "jail/kernel.h"
#include "supervisor/base/fd.h"
#include "tests/faults-jail/fault.h"

char fault_name[64] = "PCFAULT=none";

#define KEPT_CAP 5 /* CAP_KILL */
#define HIGH_FD 100
#define HIGHER_FD 101

long __wrap_syscall(long nr, ...);
int __real_fstatvfs(int fd, struct statvfs *ret);
int __wrap_fstatvfs(int fd, struct statvfs *ret);
int __wrap_chdir(const char *path);
pid_t __wrap_getpid(void);
int __wrap_getgroups(int size, gid_t *list);
int __wrap_setresuid(uid_t r, uid_t e, uid_t s);
int __wrap_setresgid(gid_t r, gid_t e, gid_t s);
int __wrap_getresuid(uid_t *r, uid_t *e, uid_t *s);
int __wrap_getresgid(gid_t *r, gid_t *e, gid_t *s);
int __wrap_setfsuid(uid_t id);
int __wrap_setfsgid(gid_t id);
int __wrap_setrlimit(int resource, const struct rlimit *limit);
int __wrap_getrlimit(int resource, struct rlimit *limit);
int __wrap_prctl(int option, ...);
int __wrap_dup2(int from, int to);
int __wrap_execve(const char *path, char *const *argv, char *const *envp);

#define WRAP(ret, name, ...)                                                   \
	ret __real_##name(__VA_ARGS__);                                        \
	ret __wrap_##name(__VA_ARGS__);                                        \
	ret __wrap_##name(__VA_ARGS__)

static bool is_payload;
static struct rlimit asked; /* of the limit that is not set */
static bool has_asked;

/* ---- faults that need the payload to stay ---------------------------- */

static bool
stay_here(void)
{
	return fault_is("stay-*") || fault_is("share-mnt") ||
	       fault_is("root-host");
}

static void __attribute__((noreturn)) play_harness(void)
{
	char byte = GATE_READY;

	if (RAW(SYS_write, PAYLOAD_FD_GATE, &byte, 1) != 1 ||
	    RAW(SYS_read, PAYLOAD_FD_GATE, &byte, 1) != 1 || byte != GATE_GO)
		(void)RAW(SYS_exit_group, 9);
	(void)RAW(SYS_mount, 0, 0, 0, 0, 0);
	(void)RAW(SYS_write, 1, "RAN\n", 4);
	(void)RAW(SYS_exit_group, 0);
	__builtin_unreachable();
}

int
__wrap_execve(const char *path, char *const *argv, char *const *envp)
{
	if (stay_here())
		play_harness();
	return (int)RAW(SYS_execve, path, argv, envp);
}

/* ---- file descriptors ------------------------------------------------ */

static int early_fd = -1;

/* Something of the host, opened before the pivot, kept at HIGH_FD. */
static void
open_early(void)
{
	int fd = -1, pair[2] = {-1, -1};

	if (fault_is("fd-host-dir*") || fault_is("init-fd"))
		fd = (int)RAW(SYS_openat, AT_FDCWD, "/etc",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (fault_is("fd-host-path") || fault_is("root-host"))
		fd = (int)RAW(SYS_openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC);
	else if (fault_is("fd-host-file"))
		fd = (int)RAW(SYS_openat, AT_FDCWD, "/etc/passwd",
			      O_RDONLY | O_CLOEXEC);
	else if (fault_is("fd-socket")) {
		(void)RAW(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
		fd = pair[0];
		(void)RAW(SYS_close, pair[1]);
	} else if (fault_is("fd-pipe*")) {
		(void)RAW(SYS_pipe2, pair, 0);
		fd = pair[1];
	} else if (fault_is("fd-memfd"))
		fd = JAIL_FD_POLICY;
	else if (fault_is("fd-control"))
		fd = JAIL_FD_CONTROL;
	if (fd < 0)
		return;
	(void)RAW(SYS_dup3, fd, HIGH_FD, O_CLOEXEC);
	if (fd != JAIL_FD_POLICY && fd != JAIL_FD_CONTROL)
		early_fd = fd;
}

/* The payload has it now: it is not to be found in jail-init. */
static void
close_early(void)
{
	if (early_fd < 0 || fault_is("init-fd"))
		return;
	(void)RAW(SYS_close, early_fd);
	(void)RAW(SYS_close, HIGH_FD);
}

static bool
keeps_high_fd(void)
{
	return fault_is("root-host") ||
	       (fault_is("fd-*") && !fault_is("fd-missing") &&
		!fault_is("fd-swapped") && !fault_is("fd-listener"));
}

static long
close_range_around(unsigned long first, unsigned long last)
{
	if (!keeps_high_fd() || first > HIGH_FD || last < HIGH_FD)
		return RAW(SYS_close_range, first, last, 0);
	(void)RAW(SYS_close_range, first, HIGH_FD - 1, 0);
	(void)RAW(SYS_close_range, HIGH_FD + 1, last, 0);
	if (!fault_is("fd-host-dir-cloexec") && !fault_is("fd-pipe-cloexec"))
		(void)RAW(SYS_fcntl, HIGH_FD, F_SETFD, 0);
	return 0;
}

int
__wrap_dup2(int from, int to)
{
	if (fault_is("fd-swapped") && to == PAYLOAD_FD_STDOUT)
		from = JAIL_FD_RESULT;
	else if (fault_is("fd-swapped") && to == PAYLOAD_FD_RESULT)
		from = JAIL_FD_STDOUT;
	return (int)RAW(SYS_dup3, from, to, 0);
}

static int faulty_fsmount(int fd, unsigned flags, unsigned attrs);
static int faulty_fsconfig(int fd, unsigned cmd, const char *key,
			   const void *value, int aux);
static int faulty_mount_setattr(int fd, const char *path, unsigned flags,
				struct mount_attr *attr, size_t size);

/* ---- calls ----------------------------------------------------------- */

static long
fake_getcwd(char *dst, size_t size)
{
	if (!fault_is("cwd") && !fault_is("share-mnt") &&
	    !fault_is("root-host"))
		return RAW(SYS_getcwd, dst, size);
	memcpy(dst, JAIL_WORK_DIR, sizeof(JAIL_WORK_DIR));
	return (long)sizeof(JAIL_WORK_DIR);
}

static long
set_filter(unsigned long flags, const struct sock_fprog *prog)
{
	/* jail-init's own has no listener. */
	if (fault_is("init-seccomp") && flags == 0)
		return 0;
	return RAW(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

/* jail-init keeps one more, and reads that it has not. */
static long
init_caps(long nr, void *head, struct __user_cap_data_struct *data)
{
	const uint32_t more = 1u << CAP_DAC_OVERRIDE;
	long rc;

	if (nr == SYS_capset) {
		data->effective |= more;
		data->permitted |= more;
		return RAW(nr, head, data);
	}
	rc = RAW(nr, head, data);
	data->effective &= ~more;
	data->permitted &= ~more;
	return rc;
}

static long
dispatch(long nr, const long *a)
{
	switch (nr) {
	case SYS_close_range:
		return close_range_around((unsigned)a[0], (unsigned)a[1]);
	case SYS_getcwd:
		return fake_getcwd((char *)a[0], (size_t)a[1]);
	case SYS_seccomp:
		return set_filter((unsigned long)a[1], (const void *)a[2]);
	case 446: /* landlock_restrict_self */
		if (fault_is("landlock"))
			return 0;
		break;
	case SYS_capset:
	case SYS_capget:
		if (!is_payload && fault_is("init-caps"))
			return init_caps(nr, (void *)a[0], (void *)a[1]);
		break;
	case SYS_fsmount:
		return faulty_fsmount((int)a[0], (unsigned)a[1],
				      (unsigned)a[2]);
	case SYS_fsconfig:
		return faulty_fsconfig((int)a[0], (unsigned)a[1],
				       (const char *)a[2], (const void *)a[3],
				       (int)a[4]);
	case SYS_mount_setattr:
		return faulty_mount_setattr((int)a[0], (const char *)a[1],
					    (unsigned)a[2], (void *)a[3],
					    (size_t)a[4]);
	default:
		break;
	}
	return RAW(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

long
__wrap_syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return dispatch(nr, a);
}

int
__wrap_prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (fault_is("init-bounding") && !is_payload && a[0] == KEPT_CAP &&
	    (option == PR_CAPBSET_DROP || option == PR_CAPBSET_READ))
		return 0;
	if (fault_is("init-dumpable") && option == PR_SET_DUMPABLE)
		a[0] = 1;
	return (int)RAW(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

pid_t
__wrap_getpid(void)
{
	return fault_is("share-pid") ? 1 : (pid_t)RAW(SYS_getpid, 0);
}

/* The root of the host with the working directory of the jail. */
static int
take_host_root(void)
{
	int work = (int)RAW(SYS_openat, AT_FDCWD, JAIL_WORK_DIR,
			    O_PATH | O_DIRECTORY);

	if (work < 0 || RAW(SYS_fchdir, HIGH_FD) < 0 ||
	    RAW(SYS_chroot, ".") < 0 || RAW(SYS_fchdir, work) < 0)
		return -1;
	(void)RAW(SYS_close, work);
	(void)RAW(SYS_close, HIGH_FD);
	return 0;
}

int
__wrap_chdir(const char *path)
{
	if (strcmp(path, JAIL_WORK_DIR) == 0) {
		if (fault_is("cwd") || fault_is("share-mnt"))
			path = "/tmp";
		else if (fault_is("root-host"))
			return take_host_root();
	}
	return (int)RAW(SYS_chdir, path);
}

static int
set_caps(uint32_t effective, uint32_t permitted, uint32_t inheritable)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{effective, permitted, inheritable}};

	if (permitted == UINT32_MAX)
		data[1].effective = data[1].permitted = UINT32_MAX >> 23;
	return (int)RAW(SYS_capset, &head, data);
}

/* ---- ids ------------------------------------------------------------- */

static int
set_ids(long nr, const char *const names[4], long fs_nr, long id)
{
	long ids[3] = {id, id, id};

	for (int i = 0; i < 3; i++)
		if (fault_is(names[i]))
			ids[i] = 0;
	if (RAW(nr, ids[0], ids[1], ids[2]) < 0)
		return -1;
	/* With the ids went the right to set one more. */
	if (fault_is("uid-fs"))
		(void)set_caps(UINT32_MAX, UINT32_MAX, 0);
	if (fault_is(names[3]))
		(void)RAW(fs_nr, 0);
	return 0;
}

int
__wrap_setresuid(uid_t r, uid_t e, uid_t s)
{
	static const char *const names[] = {"uid-real", "uid-effective",
					    "uid-saved", "uid-fs"};

	(void)e;
	(void)s;
	return set_ids(SYS_setresuid, names, SYS_setfsuid, (long)r);
}

int
__wrap_setresgid(gid_t r, gid_t e, gid_t s)
{
	static const char *const names[] = {"gid-real", "gid-effective",
					    "gid-saved", "gid-fs"};

	(void)e;
	(void)s;
	return set_ids(SYS_setresgid, names, SYS_setfsgid, (long)r);
}

int
__wrap_getresuid(uid_t *r, uid_t *e, uid_t *s)
{
	*r = *e = *s = JAIL_UID_PAYLOAD;
	return 0;
}

int
__wrap_getresgid(gid_t *r, gid_t *e, gid_t *s)
{
	*r = *e = *s = JAIL_UID_PAYLOAD;
	return 0;
}

int
__wrap_getgroups(int size, gid_t *list)
{
	if (fault_is("groups"))
		return 0;
	return (int)RAW(SYS_getgroups, size, list);
}

int
__wrap_setfsuid(uid_t id)
{
	if (fault_is("init-fsuid"))
		return JAIL_UID_PAYLOAD;
	return (int)RAW(SYS_setfsuid, id);
}

int
__wrap_setfsgid(gid_t id)
{
	if (fault_is("init-fsgid"))
		return JAIL_UID_PAYLOAD;
	return (int)RAW(SYS_setfsgid, id);
}

/* ---- limits ---------------------------------------------------------- */

/* "rlimit-N": number N is not set, and reads as if it were. */
static bool
is_skipped_limit(int resource)
{
	static const char prefix[] = "PCFAULT=rlimit-";

	return fault_is("rlimit-*") &&
	       atoi(fault_name + sizeof(prefix) - 1) == resource;
}

int
__wrap_setrlimit(int resource, const struct rlimit *limit)
{
	const struct rlimit none = {0, 0};

	if (is_skipped_limit(resource)) {
		asked = *limit;
		has_asked = true;
		/* The one limit that must not be lower, either. */
		if (resource != RLIMIT_CORE)
			return 0;
		return (int)RAW(SYS_setrlimit, resource, &none);
	}
	return (int)RAW(SYS_setrlimit, resource, limit);
}

int
__wrap_getrlimit(int resource, struct rlimit *limit)
{
	int rc = (int)RAW(SYS_getrlimit, resource, limit);

	if (is_skipped_limit(resource) && has_asked)
		*limit = asked;
	return rc;
}

static bool
is_cap_fault(void)
{
	return fault_is("cap-*") || fault_is("stay-cap-*") || fault_is("nnp") ||
	       fault_is("uid-fs");
}

/* jail-init's, and with it the payload's, which has to keep something. */
WRAP(int, lockdown_bounds, struct err *e)
{
	return is_cap_fault() ? 0 : __real_lockdown_bounds(e);
}

WRAP(int, lockdown_init, struct jail *jail, struct err *e)
{
	if (is_cap_fault() && __real_lockdown_bounds(e) < 0)
		return -1;
	return __real_lockdown_init(jail, e);
}

static void
keep_caps(void)
{
	const uint32_t bit = 1u << KEPT_CAP;

	if (fault_is("cap-inheritable") || fault_is("cap-ambient"))
		(void)set_caps(UINT32_MAX, UINT32_MAX, bit);
	for (unsigned long cap = 0; cap < 64; cap++)
		if (!(fault_is("cap-bounding") && cap == KEPT_CAP))
			(void)RAW(SYS_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)RAW(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

WRAP(int, lockdown_limits, const struct policy *policy, struct err *e)
{
	is_payload = true;
	if (is_cap_fault())
		keep_caps();
	/* What jail-init kept is not to be the payload's fault, too. */
	if (fault_is("init-bounding"))
		(void)RAW(SYS_prctl, PR_CAPBSET_DROP, KEPT_CAP, 0, 0, 0);
	return __real_lockdown_limits(policy, e);
}

/* Allow all, with a listener as the policy's filter has one. */
static int
filter_allow_all(bool has_listener)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {.len = 1, .filter = &allow};

	return (int)RAW(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			has_listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0,
			&prog);
}

WRAP(int, lockdown_caps, uint64_t keep, struct err *e)
{
	const uint32_t bit = 1u << KEPT_CAP;
	bool is_ambient = fault_is("cap-ambient");
	bool has_nnp = !fault_is("nnp");
	uint32_t permitted = 0, effective = 0;

	if (!is_payload || !is_cap_fault())
		return __real_lockdown_caps(keep, e);
	/* Landlock and seccomp ask for one of the two. */
	if (!has_nnp)
		return set_caps(UINT32_MAX, UINT32_MAX, 0);
	if (is_ambient || fault_is("cap-permitted") ||
	    fault_is("stay-cap-permitted") || fault_is("stay-cap-effective"))
		permitted = bit;
	if (fault_is("stay-cap-effective"))
		effective = bit;
	(void)set_caps(effective, permitted,
		       fault_is("cap-inheritable") || is_ambient ? bit : 0);
	if (is_ambient)
		(void)RAW(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
			  KEPT_CAP, 0, 0);
	return (int)RAW(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* ---- seccomp --------------------------------------------------------- */

static int
wait_forever(void *arg)
{
	(void)arg;
	for (;;)
		(void)RAW(SYS_pause, 0);
	return 0;
}

/* Before the filter, so without it. */
static void
start_others(void)
{
	static char stack[16384] __attribute__((aligned(16)));

	if (fault_is("stay-thread"))
		(void)clone(wait_forever, stack + sizeof(stack),
			    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
				    CLONE_THREAD | CLONE_SYSVSEM,
			    NULL);
	if (fault_is("process*") && RAW(SYS_fork, 0) == 0) {
		(void)RAW(SYS_prctl, PR_SET_PDEATHSIG, 9, 0, 0, 0);
		(void)RAW(SYS_close_range, PAYLOAD_FD_REPORT, ~0u, 0);
		if (fault_is("process-other"))
			(void)filter_allow_all(false);
		(void)wait_forever(NULL);
	}
}

/* One ENOSYS becomes an allow: as long as the real one. */
static struct policy *
with_hole(const struct policy *policy)
{
	static struct policy copy;

	copy = *policy;
	for (uint32_t i = 0; i < copy.bpf_len; i++)
		if (copy.bpf[i].code == (BPF_RET | BPF_K) &&
		    copy.bpf[i].k == (SECCOMP_RET_ERRNO | ENOSYS))
			copy.bpf[i].k = SECCOMP_RET_ALLOW;
	return &copy;
}

WRAP(int, lockdown_seccomp, const struct policy *policy, int *ret_listener,
     struct err *e)
{
	int rc;

	start_others();
	if (fault_is("gate-early")) /* before anything of it was looked at */
		(void)RAW(SYS_write, PAYLOAD_FD_GATE, "R", 1);
	*ret_listener = -1;
	if (fault_is("seccomp-none"))
		return 0;
	if (fault_is("seccomp-none-listener"))
		return *ret_listener = 0; /* what is on fd 0 */
	if (fault_is("seccomp-mode-1")) {
		*ret_listener = 0;
		return (int)RAW(SYS_prctl, PR_SET_SECCOMP, 1, 0, 0, 0);
	}
	if (fault_is("seccomp-allow-all") || fault_is("nnp")) {
		*ret_listener = filter_allow_all(true);
		return fault_is("nnp") ? set_caps(0, 0, 0) : 0;
	}
	if (fault_is("seccomp-two"))
		(void)filter_allow_all(false);
	if (fault_is("seccomp-hole"))
		policy = with_hole(policy);
	rc = __real_lockdown_seccomp(policy, ret_listener, e);
	if (fault_is("listener-other"))
		*ret_listener = PAYLOAD_FD_STDIN;
	if (fault_is("fd-missing"))
		(void)RAW(SYS_close, PAYLOAD_FD_RESULT);
	if (fault_is("fd-listener"))
		(void)RAW(SYS_dup3, *ret_listener, HIGHER_FD, 0);
	return rc;
}

WRAP(int, landlock_apply, const struct policy *policy, struct err *e)
{
	/* What it would grant is not there. */
	if (fault_is("share-mnt") || fault_is("root-host"))
		return 0;
	return __real_landlock_apply(policy, e);
}

/* ---- mounts ---------------------------------------------------------- */

static int
faulty_fsmount(int fd, unsigned flags, unsigned attrs)
{
	if (fault_is("tmpfs-suid"))
		attrs &= ~(unsigned)MOUNT_ATTR_NOSUID;
	if (fault_is("tmpfs-dev"))
		attrs &= ~(unsigned)MOUNT_ATTR_NODEV;
	if (fault_is("tmpfs-exec"))
		attrs &= ~(unsigned)MOUNT_ATTR_NOEXEC;
	if (fault_is("proc-writable"))
		attrs &= ~(unsigned)MOUNT_ATTR_RDONLY;
	return (int)RAW(SYS_fsmount, fd, flags, attrs);
}

static int
faulty_fsconfig(int fd, unsigned cmd, const char *key, const void *value,
		int aux)
{
	bool is_work =
		key != NULL && value != NULL && cmd == FSCONFIG_SET_STRING;

	if (is_work && ((fault_is("proc-hidepid") && !strcmp(key, "hidepid")) ||
			(fault_is("proc-subset") && !strcmp(key, "subset"))))
		return 0;
	if (is_work && fault_is("tmpfs-size") && !strcmp(key, "size") &&
	    atoi(value) > 1 << 20)
		value = "999424000";
	if (is_work && fault_is("tmpfs-inodes") && !strcmp(key, "nr_inodes") &&
	    atoi(value) > 1000)
		value = "999424";
	return (int)RAW(SYS_fsconfig, fd, cmd, key, value, aux);
}

static int
faulty_mount_setattr(int fd, const char *path, unsigned flags,
		     struct mount_attr *attr, size_t size)
{
	if (fault_is("root-writable"))
		return 0;
	return (int)RAW(SYS_mount_setattr, fd, path, flags, attr, size);
}

int
__wrap_fstatvfs(int fd, struct statvfs *ret)
{
	int rc = __real_fstatvfs(fd, ret);
	struct stat st;

	/* jail-init looks for these in what it was lent; its own tmpfs it
	 * wants writable. */
	if (fault_is("lend-*") && fstat(fd, &st) == 0 &&
	    st.st_uid != JAIL_UID_PAYLOAD)
		ret->f_flag |= ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
	return rc;
}

WRAP(int, mount_root, struct jail *jail, struct err *e)
{
	open_early();
	if (fault_is("share-mnt"))
		return 0;
	return __real_mount_root(jail, e);
}

WRAP(int, mount_sources, struct jail *jail, struct err *e)
{
	if (fault_is("share-mnt"))
		return 0;
	return __real_mount_sources(jail, e);
}

static void
attach_at(const struct jail *jail, int fd, const char *name)
{
	(void)RAW(SYS_mkdirat, jail->root_fd, name, 0755);
	(void)RAW(SYS_move_mount, fd, "", jail->root_fd, name,
		  MOVE_MOUNT_F_EMPTY_PATH);
}

static int
new_tmpfs(void)
{
	int fs_fd = (int)RAW(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	(void)RAW(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, 0, 0, 0);
	return (int)RAW(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
}

/* A process list that is not the jail's: the first PID namespace has no other
 * that its members may mount. */
WRAP(int, mount_proc, struct jail *jail, struct err *e)
{
	if (fault_is("share-mnt"))
		return 0;
	if (fault_is("share-pid")) {
		attach_at(jail,
			  (int)RAW(SYS_open_tree, AT_FDCWD, "/proc",
				   OPEN_TREE_CLONE | AT_RECURSIVE),
			  "proc");
		return 0;
	}
	return __real_mount_proc(jail, e);
}

WRAP(int, mount_pivot, struct jail *jail, struct err *e)
{
	if (fault_is("share-mnt"))
		return 0;
	if (fault_is("mount-extra"))
		attach_at(jail,
			  (int)RAW(SYS_open_tree, AT_FDCWD, "/usr/share",
				   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
			  "tmp/extra");
	if (fault_is("mount-tmpfs"))
		attach_at(jail, new_tmpfs(), "tmp/extra");
	if (fault_is("mount-twice"))
		attach_at(jail, new_tmpfs(), "usr/include");
	if (fault_is("mount-missing")) {
		(void)RAW(SYS_fchdir, jail->root_fd);
		(void)RAW(SYS_umount2, "usr/include", MNT_DETACH);
	}
	return __real_mount_pivot(jail, e);
}

WRAP(int, mount_detach, struct jail *jail, struct err *e)
{
	close_early();
	return fault_is("share-mnt") ? 0 : __real_mount_detach(jail, e);
}

WRAP(int, net_hostname, struct jail *jail, struct err *e)
{
	/* The host's is not ours to set. */
	return fault_is("share-uts") ? 0 : __real_net_hostname(jail, e);
}
