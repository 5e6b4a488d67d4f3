/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_fds.c - the posture's file descriptors: those that were passed, and of
 * others only what the process can have made or found in the jail by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/base/str.h"
#include "supervisor/gate_proc.h"

struct fd_rules {
	const struct gate_expected *x;
	const char *mountinfo; /* NULL: before the exec */
	unsigned seen;	       /* bit n: declared fd n */
};

static int
check_declared_fd(const struct gate_entry *entry, uint64_t number,
		  struct fd_rules *rules, struct err *e)
{
	struct gate_inode got = {0};

	if (gate_inode_at(entry->at, entry->name, &got, e) < 0)
		return -1;
	if (!gate_is_same(&got, &rules->x->fds[number]))
		return err_set(e, ERR_DENIED, 0, "fd %s is not the one passed",
			       entry->name);
	rules->seen |= 1u << number;
	return 0;
}

static int
read_fdinfo(const struct gate_entry *entry, char text[GATE_TEXT_MAX],
	    struct err *e)
{
	char name[GATE_NAME_SIZE];

	if (str_printf(name, sizeof(name), "fdinfo/%s", entry->name) < 0)
		return err_set(e, ERR_LIMIT, 0, "fd name too long");
	return gate_read_text(entry->dir, name, text, GATE_TEXT_MAX, e);
}

static int
read_link(const struct gate_entry *entry, char target[GATE_NAME_SIZE],
	  struct err *e)
{
	ssize_t n =
		readlinkat(entry->at, entry->name, target, GATE_NAME_SIZE - 1);

	if (n < 0)
		return err_sys(e, "read link fd/%s", entry->name);
	target[n] = '\0';
	return 0;
}

/*
 * What a harness may open by itself: anonymous inodes and pipes, and files on
 * mounts of its own namespace.
 */
static int
check_opened_fd(const struct gate_entry *entry, const struct fd_rules *rules,
		struct err *e)
{
	char target[GATE_NAME_SIZE], info[GATE_TEXT_MAX];
	uint64_t mount;

	if (read_link(entry, target, e) < 0)
		return -1;
	if (strncmp(target, "anon_inode:", 11) == 0 ||
	    strncmp(target, "pipe:[", 6) == 0)
		return 0;
	if (read_fdinfo(entry, info, e) < 0)
		return -1;
	if (gate_field_u64(info, "mnt_id", 10, &mount) == 0 &&
	    gate_has_mount(rules->mountinfo, mount) != 0)
		return 0;
	return err_set(e, ERR_DENIED, 0, "fd %s (%.40s) comes from outside",
		       entry->name, target);
}

/* Before the exec: the report pipe and the listener, gone with the exec. */
static int
check_own_fd(const struct gate_entry *entry, uint64_t number,
	     const struct fd_rules *rules, struct err *e)
{
	const char *want = NULL;
	char target[GATE_NAME_SIZE], info[GATE_TEXT_MAX];
	uint64_t flags;

	if (number == PAYLOAD_FD_REPORT)
		want = "pipe:[";
	else if ((int64_t)number == rules->x->listener_number)
		want = "anon_inode:seccomp notify";
	if (read_link(entry, target, e) < 0)
		return -1;
	if (want == NULL || strncmp(target, want, strlen(want)) != 0)
		return err_set(e, ERR_DENIED, 0,
			       "fd %s (%.40s) is not declared", entry->name,
			       target);
	if (read_fdinfo(entry, info, e) < 0)
		return -1;
	if (gate_field_u64(info, "flags", 8, &flags) < 0 ||
	    (flags & O_CLOEXEC) == 0)
		return err_set(e, ERR_DENIED, 0,
			       "fd %s would stay open in the runtime",
			       entry->name);
	return 0;
}

static int
check_fd(const struct gate_entry *entry, void *arg, struct err *e)
{
	struct fd_rules *rules = arg;
	uint64_t number;

	if (str_to_u64(entry->name, INT32_MAX, &number) < 0)
		return err_set(e, ERR_INVALID, 0, "fd %s is no number",
			       entry->name);
	if (number < PAYLOAD_FD_COUNT)
		return check_declared_fd(entry, number, rules, e);
	if (rules->mountinfo != NULL)
		return check_opened_fd(entry, rules, e);
	return check_own_fd(entry, number, rules, e);
}

int
gate_fds_check(int dir, const struct gate_expected *x, const char *mountinfo,
	       struct err *e)
{
	struct fd_rules rules = {.x = x, .mountinfo = mountinfo};

	if (gate_each_number(dir, "fd", check_fd, &rules, e) < 0)
		return -1;
	for (unsigned i = 0; i < PAYLOAD_FD_COUNT; i++)
		if ((rules.seen & 1u << i) == 0)
			return err_set(e, ERR_DENIED, 0, "fd %u is closed", i);
	return 0;
}

/*
 * jail-init: what it was given, what it opens in the jail, two of its own.  It
 * may be unpacking: an fd that is gone by now is none.
 */
static int
check_init_fd(const struct gate_entry *entry, void *arg, struct err *e)
{
	const struct fd_rules *rules = arg;
	char target[GATE_NAME_SIZE], info[GATE_TEXT_MAX];
	struct gate_inode got = {0};
	uint64_t mount, pid;

	if (gate_inode_at(entry->at, entry->name, &got, e) < 0)
		return e->errnum == ENOENT ? 0 : -1;
	for (int i = 0; i < GATE_INIT_FDS; i++)
		if (gate_is_same(&got, &rules->x->init_fds[i]))
			return 0;
	if (read_link(entry, target, e) < 0)
		return e->errnum == ENOENT ? 0 : -1;
	if (strcmp(target, "anon_inode:[signalfd]") == 0 ||
	    strncmp(target, "pipe:[", 6) == 0)
		return 0;
	if (read_fdinfo(entry, info, e) < 0)
		return e->errnum == ENOENT ? 0 : -1;
	/* The payload's pidfd, which it has sent and is about to close. */
	if (gate_field_u64(info, "Pid", 10, &pid) == 0 &&
	    pid == (uint64_t)rules->x->payload_pid)
		return 0;
	if (gate_field_u64(info, "mnt_id", 10, &mount) == 0 &&
	    gate_has_mount(rules->mountinfo, mount) != 0)
		return 0;
	return err_set(e, ERR_DENIED, 0, "fd %s (%.40s) comes from outside",
		       entry->name, target);
}

int
gate_fds_check_init(int dir, const struct gate_expected *x,
		    const char *mountinfo, struct err *e)
{
	struct fd_rules rules = {.x = x, .mountinfo = mountinfo};

	return gate_each_number(dir, "fd", check_init_fd, &rules, e);
}
