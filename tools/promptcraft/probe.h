/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - what the host gives, layer by layer, found out by doing it rather
 * than by reading a version: a namespace is made, a filter installed, a cgroup
 * created and removed, each in a child that ends at once.
 */
#ifndef PC_CLI_PROBE_H
#define PC_CLI_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/promptcraft/cli.h"

enum layer_state { LAYER_OK, LAYER_DEGRADED, LAYER_MISSING };

struct layer {
	char name[48];
	enum layer_state state;
	bool is_required; /* without it no jail starts */
	char detail[192]; /* what was found */
	char cause[320];  /* if not ok: why */
	char fix[320];	  /* and what the admin does about it */
};

#define LAYERS_MAX 64

#define PROBE_DIR_SIZE 256

struct report {
	const struct cli *cli;
	char exe_dir[PROBE_DIR_SIZE]; /* where this program lies; or "" */
	struct layer layer[LAYERS_MAX];
	size_t len;
};

/* A new required layer, ok until layer_fail; never NULL (asserts). */
struct layer *report_add(struct report *r, const char *name);
void layer_detail(struct layer *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Set the state and the cause; the fix follows with layer_fix. */
void layer_fail(struct layer *l, enum layer_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void layer_fix(struct layer *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Run fn in a child made by clone3 with these namespace flags, as root inside
 * (the caller's ids mapped) if CLONE_NEWUSER is among them.  0, or the errno
 * of the clone, of the mapping, or that fn returned; *ret_is_clone (may be
 * NULL) tells whether the clone itself failed.
 */
int probe_in_child(unsigned long long flags, int (*fn)(void *arg), void *arg,
		   bool *ret_is_clone);

/* First line of a small file without its newline; "" if it is not there. */
void probe_read_line(const char *path, char *dst, size_t size);

/*
 * Fill exe_dir; to be called before the root changes, as /proc/self/exe then
 * names a place that is no longer there.
 */
void probe_find_exe(struct report *r); /* probe_install.c */

/* A build tree has everything in one folder; an installed system does not. */
struct probe_places {
	char libexec[PROBE_DIR_SIZE];
	char runtimes[PROBE_DIR_SIZE + 16], policy[PROBE_DIR_SIZE + 16];
};
bool probe_find_places(const struct report *r, struct probe_places *p);

/* The groups of layers, in the order of the report. */
void probe_kernel(struct report *r);	 /* probe_kernel.c */
void probe_namespaces(struct report *r); /* probe_namespaces.c */
void probe_lockdown(struct report *r);	 /* probe_kernel.c */
void probe_cgroups(struct report *r);	 /* probe_cgroup.c */
void probe_install(struct report *r);	 /* probe_install.c */

#endif
