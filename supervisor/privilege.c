/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.c - capabilities, once, in this order: bounding set, then the
 * effective, permitted and inheritable sets, then no_new_privs.
 *
 * A jail's user namespace is made by us, so its owner is our uid 0 and we have
 * every capability towards it (signals, ptrace reads, prlimit) without holding
 * one here.  What follows is for the host's own objects.
 */
#include "supervisor/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/log.h"
#include "supervisor/base/str.h"

#define NOFILE_WANTED 65536
#define OOM_SUPERVISOR "-500"
#define OOM_JAIL "500"

static const cap_value_t kept[] = {
	/* open_tree and mount_setattr on the host's mounts, per job. */
	CAP_SYS_ADMIN,
	/* uid_map and gid_map entries for uids that are not ours. */
	CAP_SETUID,
	CAP_SETGID,
	/* /proc/PID/fd of a payload belongs to its uid and is mode 0500; the
	 * top directory of a cgroup v1 hierarchy is not writable, even for its
	 * owner, and our directory must go from it at the end. */
	CAP_DAC_OVERRIDE,
};

/* A container's root may have less than root. */
static int
check_caps(struct err *e)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t has = CAP_CLEAR;

	if (caps == NULL)
		return err_sys(e, "read capabilities");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (cap_get_flag(caps, kept[i], CAP_EFFECTIVE, &has) < 0 ||
		    has != CAP_SET) {
			(void)cap_free(caps);
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "capability %d is missing: start it as "
				       "root with CAP_SYS_ADMIN, CAP_SETUID, "
				       "CAP_SETGID and CAP_DAC_OVERRIDE",
				       kept[i]);
		}
	}
	(void)cap_free(caps);
	return 0;
}

/*
 * Jails have a core limit of 1 (jail/lockdown.c says why not 0), and a limit
 * can only be lowered; raising ours takes CAP_SYS_RESOURCE.
 */
static int
allow_core_limit(struct err *e)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) < 0)
		return err_sys(e, "read core limit");
	if (core.rlim_max >= 1)
		return 0;
	core = (struct rlimit){.rlim_cur = 1, .rlim_max = 1};
	if (setrlimit(RLIMIT_CORE, &core) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "the hard core limit is 0 and jails need 1 "
			       "(LimitCORE=1, or ulimit -Hc 1 before)");
	return 0;
}

int
privilege_begin(struct err *e)
{
	struct rlimit files;

	if (geteuid() != 0 || getuid() != 0)
		return err_set(e, ERR_DENIED, 0,
			       "must be started as root (it makes jails, then "
			       "drops what it does not need)");
	if (check_caps(e) < 0)
		return -1;
	if (setgroups(0, NULL) < 0)
		return err_sys(e, "drop supplementary groups");
	(void)umask(077);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "set undumpable");
	if (allow_core_limit(e) < 0)
		return -1;
	/* A job needs about 90 fds while it starts, 12 while it runs. */
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, "read fd limit");
	if (files.rlim_max > NOFILE_WANTED || files.rlim_max == RLIM_INFINITY)
		files.rlim_cur = NOFILE_WANTED;
	else
		files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, "raise fd limit");
	return 0;
}

/* ---- out-of-memory score --------------------------------------------- */

static int oom_fd = -1; /* /proc/self/oom_score_adj */
static char oom_own[8] = "0";

/*
 * If the host runs out of memory, a jail goes before the supervisor.  Without
 * CAP_SYS_RESOURCE ours stays as it is and only the jails' is raised.
 */
static void
oom_init(void)
{
	oom_fd = open("/proc/self/oom_score_adj",
		      O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (oom_fd < 0) {
		log_warning("oom_score_unavailable error=\"%s\"",
			    strerrordesc_np(errno));
		return;
	}
	if (pwrite(oom_fd, OOM_SUPERVISOR, strlen(OOM_SUPERVISOR), 0) > 0) {
		(void)str_copy(oom_own, sizeof(oom_own), OOM_SUPERVISOR);
		return;
	}
	if (pread(oom_fd, oom_own, sizeof(oom_own) - 1, 0) <= 0)
		(void)str_copy(oom_own, sizeof(oom_own), "0");
	log_info("oom_score_kept value=%.*s cause=\"no CAP_SYS_RESOURCE\"",
		 (int)strcspn(oom_own, "\n"), oom_own);
}

void
privilege_oom_for_child(bool is_child_next)
{
	const char *value = is_child_next ? OOM_JAIL : oom_own;

	if (oom_fd >= 0 && pwrite(oom_fd, value, strlen(value), 0) < 0)
		log_debug("oom_score_write error=\"%s\"",
			  strerrordesc_np(errno));
}

/* ---- capabilities ---------------------------------------------------- */

static int
drop_bounding(struct err *e)
{
	for (int cap = 0; cap <= CAP_LAST_CAP || cap_get_bound(cap) >= 0;
	     cap++) {
		bool keep = false;

		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			keep |= kept[i] == cap;
		if (!keep && cap_get_bound(cap) > 0 && cap_drop_bound(cap) < 0)
			return err_sys(e, "drop capability %d", cap);
	}
	return 0;
}

static int
set_caps(struct err *e)
{
	cap_t wanted = cap_init(), got;
	int rc = 0;

	if (wanted == NULL ||
	    cap_set_flag(wanted, CAP_PERMITTED, ARRAY_LEN(kept), kept,
			 CAP_SET) < 0 ||
	    cap_set_flag(wanted, CAP_EFFECTIVE, ARRAY_LEN(kept), kept,
			 CAP_SET) < 0 ||
	    cap_set_proc(wanted) < 0)
		rc = err_sys(e, "drop capabilities");
	got = cap_get_proc();
	if (rc == 0 && (got == NULL || cap_compare(got, wanted) != 0))
		rc = err_set(e, ERR_DENIED, 0, "capabilities did not drop");
	if (got != NULL)
		(void)cap_free(got);
	if (wanted != NULL)
		(void)cap_free(wanted);
	return rc;
}

int
privilege_drop(struct err *e)
{
	oom_init();
	if (cap_reset_ambient() < 0)
		return err_sys(e, "clear ambient capabilities");
	if (drop_bounding(e) < 0 || set_caps(e) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	return 0;
}
