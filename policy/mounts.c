/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.c - [Filesystem] and [Environment]: what a jail sees.
 *
 * Nothing that could show the host's state or users is ever bound: the tables
 * below refuse it whatever a policy says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/directives.h"
#include "policy/values.h"
#include "supervisor/base/str.h"

/* Sources: the directory itself may not be bound, parts of it may. */
static const char *const never_whole[] = {
	"/usr", "/etc", "/var", "/opt", "/srv", "/usr/local", "/usr/share",
};
/* Neither these nor anything below. */
static const char *const never_below[] = {
	"/proc", "/sys",  "/dev", "/run",     "/var/run", "/home",
	"/root", "/boot", "/tmp", "/var/tmp", "/mnt",	  "/media",
};
/* In the jail: made by jail-init, or where it puts things. */
static const char *const reserved_targets[] = {
	"/proc", "/sys", "/run", "/dev", RUNTIME_JAIL_DIR,
};

/* Is path equal to dir or below it? */
static bool
is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static bool
source_is_legal(struct load *l, const char *source)
{
	for (size_t i = 0; i < ARRAY_LEN(never_whole); i++)
		if (strcmp(source, never_whole[i]) == 0) {
			load_error(l,
				   "%s is never bound as a whole: name what is "
				   "needed of it",
				   source);
			return false;
		}
	for (size_t i = 0; i < ARRAY_LEN(never_below); i++)
		if (is_within(source, never_below[i])) {
			load_error(l, "nothing of %s is ever bound",
				   never_below[i]);
			return false;
		}
	return true;
}

/* Does a mount or link already use target, or lie above or below it? */
static bool
target_is_free(struct load *l, const char *target)
{
	const struct policy *p = &l->draft->out;
	const char *other = NULL;

	for (uint32_t i = 0; i < p->mounts_len && other == NULL; i++)
		if (is_within(target, p->mounts[i].target) ||
		    is_within(p->mounts[i].target, target))
			other = p->mounts[i].target;
	for (uint32_t i = 0; i < p->tmpfs_len && other == NULL; i++)
		if (is_within(target, p->tmpfs[i].target) ||
		    is_within(p->tmpfs[i].target, target))
			other = p->tmpfs[i].target;
	for (uint32_t i = 0; i < p->symlinks_len && other == NULL; i++)
		if (is_within(target, p->symlinks[i].path) ||
		    is_within(p->symlinks[i].path, target))
			other = p->symlinks[i].path;
	if (other != NULL)
		load_error(l, "%s overlaps with %s, which is there already",
			   target, other);
	return other == NULL;
}

static bool
target_is_legal(struct load *l, const char *target)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved_targets); i++)
		if (is_within(target, reserved_targets[i])) {
			load_error(l, "%s of the jail is made by jail-init",
				   reserved_targets[i]);
			return false;
		}
	return target_is_free(l, target);
}

static struct policy_mount *
new_mount(struct load *l)
{
	struct policy *p = &l->draft->out;

	if (p->mounts_len == POLICY_MOUNTS_MAX) {
		load_error(l, "more than %d mounts", POLICY_MOUNTS_MAX);
		return NULL;
	}
	return &p->mounts[p->mounts_len];
}

static int
parse_bind_options(struct load *l, char *options, struct policy_mount *m)
{
	if (strcmp(options, "noexec") != 0) {
		load_error(l, "unknown option \"%s\": there is only noexec",
			   options);
		return -1;
	}
	m->flags |= POLICY_MOUNT_NOEXEC;
	return 0;
}

/* "[-]source[:target[:noexec]]" */
static void
bind_path(struct load *l, char *word)
{
	char *source = strsep(&word, ":");
	char *target = strsep(&word, ":");
	struct policy_mount m = {0};
	struct policy_mount *slot;
	struct err e = ERR_INIT;

	if (source[0] == '-') {
		m.flags |= POLICY_MOUNT_OPTIONAL;
		source++;
	}
	if (target == NULL || *target == '\0')
		target = source;
	if (value_path(source, m.source, sizeof(m.source), &e) < 0 ||
	    value_path(target, m.target, sizeof(m.target), &e) < 0) {
		load_error(l, "%s", e.text);
		return;
	}
	if (word != NULL && parse_bind_options(l, word, &m) < 0)
		return;
	if (!source_is_legal(l, m.source) || !target_is_legal(l, m.target) ||
	    !load_may_loosen(l, "%s is more", source))
		return;
	slot = new_mount(l);
	if (slot == NULL)
		return;
	*slot = m;
	l->draft->out.mounts_len++;
}

void
on_bind_paths(struct load *l, char *value)
{
	char *word;

	while ((word = text_next_word(&value)) != NULL)
		bind_path(l, word);
}

/* The only devices that a jail can have; all are stateless. */
static const struct {
	const char *path;
	uint32_t major, minor;
} devices[] = {
	{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
	{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9},
};

static void
allow_device(struct load *l, const char *path)
{
	struct policy_mount *m;
	size_t i;

	for (i = 0; i < ARRAY_LEN(devices); i++)
		if (strcmp(devices[i].path, path) == 0)
			break;
	if (i == ARRAY_LEN(devices)) {
		load_error(l,
			   "\"%s\": a jail can have /dev/null, /dev/zero, "
			   "/dev/full, /dev/random and /dev/urandom",
			   path);
		return;
	}
	if (!target_is_free(l, path) || !load_may_loosen(l, "%s is more", path))
		return;
	m = new_mount(l);
	if (m == NULL)
		return;
	str_copy(m->source, sizeof(m->source), path);
	str_copy(m->target, sizeof(m->target), path);
	m->flags = POLICY_MOUNT_DEVICE | POLICY_MOUNT_NOEXEC;
	m->dev_major = devices[i].major;
	m->dev_minor = devices[i].minor;
	l->draft->out.mounts_len++;
}

void
on_devices(struct load *l, char *value)
{
	char *word;

	while ((word = text_next_word(&value)) != NULL)
		allow_device(l, word);
}

static int
parse_mode(const char *text, uint32_t *ret)
{
	size_t len = strspn(text, "01234567");

	if (len < 3 || len > 4 || text[len] != '\0')
		return -1;
	*ret = (uint32_t)strtoul(text, NULL, 8);
	return 0;
}

static int
tmpfs_option(struct load *l, const char *option, struct policy_tmpfs *t)
{
	struct err e = ERR_INIT;
	int rc;

	if (strncmp(option, "size=", 5) == 0) {
		rc = value_size(option + 5, &t->bytes, &e);
	} else if (strncmp(option, "nr_inodes=", 10) == 0) {
		rc = value_count(option + 10, &t->inodes, &e);
	} else if (strncmp(option, "mode=", 5) == 0) {
		rc = parse_mode(option + 5, &t->mode);
		if (rc < 0)
			err_set(&e, ERR_INVALID, 0,
				"\"%s\": a mode is octal, like 0755", option);
	} else if (strcmp(option, "noexec") == 0) {
		t->is_noexec = 1;
		rc = 0;
	} else {
		rc = err_set(&e, ERR_INVALID, 0,
			     "unknown option \"%s\": there are size=, "
			     "nr_inodes=, mode= and noexec",
			     option);
	}
	if (rc < 0)
		load_error(l, "%s", e.text);
	return rc;
}

/* "/path:size=...,nr_inodes=...,mode=...[,noexec]" */
static int
tmpfs_parse(struct load *l, char *word, struct policy_tmpfs *t)
{
	const char *path = strsep(&word, ":");
	struct err e = ERR_INIT;
	char *option;

	if (value_path(path, t->target, sizeof(t->target), &e) < 0) {
		load_error(l, "%s", e.text);
		return -1;
	}
	while ((option = strsep(&word, ",")) != NULL)
		if (tmpfs_option(l, option, t) < 0)
			return -1;
	if (t->bytes == 0 || t->inodes == 0 || t->mode == 0) {
		load_error(l, "%s needs size=, nr_inodes= and mode=", path);
		return -1;
	}
	return 0;
}

static struct policy_tmpfs *
tmpfs_find(struct policy *p, const char *target)
{
	for (uint32_t i = 0; i < p->tmpfs_len; i++)
		if (strcmp(p->tmpfs[i].target, target) == 0)
			return &p->tmpfs[i];
	return NULL;
}

static bool
tmpfs_is_looser(const struct policy_tmpfs *t, const struct policy_tmpfs *old)
{
	return t->bytes > old->bytes || t->inodes > old->inodes ||
	       (t->mode & ~old->mode) != 0 || t->is_noexec < old->is_noexec;
}

static void
tmpfs_add(struct load *l, char *word)
{
	struct policy *p = &l->draft->out;
	struct policy_tmpfs t = {0};
	struct policy_tmpfs *old;

	if (tmpfs_parse(l, word, &t) < 0)
		return;
	old = tmpfs_find(p, t.target);
	if (old != NULL && l->is_child) {
		if (tmpfs_is_looser(&t, old) &&
		    !load_may_loosen(l, "%s is looser", t.target))
			return;
		*old = t;
		return;
	}
	if (strcmp(t.target, "/dev/shm") != 0 && !target_is_legal(l, t.target))
		return;
	if (old != NULL || !target_is_free(l, t.target) ||
	    !load_may_loosen(l, "%s is more", t.target)) {
		if (old != NULL)
			load_error(l, "%s is given twice", t.target);
		return;
	}
	if (p->tmpfs_len == POLICY_TMPFS_MAX) {
		load_error(l, "more than %d", POLICY_TMPFS_MAX);
		return;
	}
	p->tmpfs[p->tmpfs_len++] = t;
}

void
on_tmpfs(struct load *l, char *value)
{
	char *word;

	while ((word = text_next_word(&value)) != NULL)
		tmpfs_add(l, word);
}

/* "target:path", like source:destination of a bind. */
static void
symlink_add(struct load *l, char *word)
{
	struct policy *p = &l->draft->out;
	const char *target = strsep(&word, ":");
	struct policy_symlink s = {0};
	struct err e = ERR_INIT;
	int rc;

	if (word == NULL) {
		load_error(l, "\"%s\": write what:where, like usr/bin:/bin",
			   target);
		return;
	}
	if (target[0] == '/')
		rc = value_path(target, s.target, sizeof(s.target), &e);
	else
		rc = value_path_relative(target, s.target, sizeof(s.target),
					 &e);
	if (rc < 0 || value_path(word, s.path, sizeof(s.path), &e) < 0) {
		load_error(l, "%s", e.text);
		return;
	}
	if (!(is_within(s.path, "/dev") || target_is_legal(l, s.path)) ||
	    !target_is_free(l, s.path) ||
	    !load_may_loosen(l, "%s is more", s.path))
		return;
	if (p->symlinks_len == POLICY_SYMLINKS_MAX) {
		load_error(l, "more than %d", POLICY_SYMLINKS_MAX);
		return;
	}
	p->symlinks[p->symlinks_len++] = s;
}

void
on_symlinks(struct load *l, char *value)
{
	char *word;

	while ((word = text_next_word(&value)) != NULL)
		symlink_add(l, word);
}

/* The loader's and interpreters' hooks: code before the jail's program. */
static const char *const never_env[] = {
	"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT",	 "PYTHONSTARTUP",
	"PYTHONPATH", "PYTHONHOME",	 "NODE_OPTIONS", "BASH_ENV",
	"ENV",	      "PERL5OPT",	 "GCONV_PATH",	 "NODE_PATH",
};

void
on_environment(struct load *l, const char *key, const char *value)
{
	struct policy *p = &l->draft->out;
	char text[POLICY_ENV_SIZE] = {0}, whole[TEXT_LINE_MAX];
	size_t key_len = strlen(key);
	struct err e = ERR_INIT;
	uint32_t i;

	snprintf(whole, sizeof(whole), "%s=%s", key, value);
	if (value_env(whole, text, sizeof(text), &e) < 0) {
		load_error(l, "%s", e.text);
		return;
	}
	for (i = 0; i < ARRAY_LEN(never_env); i++)
		if (strcmp(never_env[i], key) == 0) {
			load_error(l, "would run code before the program");
			return;
		}
	for (i = 0; i < p->env_len; i++)
		if (strncmp(p->env[i], text, key_len + 1) == 0)
			break;
	if (i < p->env_len && !l->is_child) {
		load_error(l, "given twice");
		return;
	}
	if (!load_may_loosen(l, "%s is other or more", key))
		return;
	if (i == POLICY_ENV_MAX) {
		load_error(l, "more than %d variables", POLICY_ENV_MAX);
		return;
	}
	memcpy(p->env[i], text, sizeof(text));
	if (i == p->env_len)
		p->env_len++;
}
