/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_proc.h - how the gate reads one process: below /proc/PID, which is
 * opened once.  For the gate's own files.
 */
#ifndef PC_SUPERVISOR_GATE_PROC_H
#define PC_SUPERVISOR_GATE_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/gate.h"

#define GATE_TEXT_MAX 8192
/* Also the size of "task/<tid>" and "fdinfo/<fd>". */
#define GATE_NAME_SIZE 64

/* /proc/PID as a directory fd, which the caller closes. */
int gate_open_process(const struct gate_self *self, pid_t pid, int *ret_dir,
		      struct err *e);
/* All of dir/name; ERR_LIMIT if it does not fit. */
int gate_read_text(int dir, const char *name, char *dst, size_t size,
		   struct err *e);
/* The file that a link below dir leads to; procfs links are followed. */
int gate_inode_at(int dir, const char *name, struct gate_inode *ret,
		  struct err *e);
bool gate_is_same(const struct gate_inode *a, const struct gate_inode *b);

/* A number among those in dir/name, which is open as `at`. */
struct gate_entry {
	int dir, at;
	const char *name;
};

/* Call check() for each number in dir/name, until one fails. */
int gate_each_number(int dir, const char *name,
		     int (*check)(const struct gate_entry *entry, void *arg,
				  struct err *e),
		     void *arg, struct err *e);

/* ---- what a process holds open (gate_fds.c) -------------------------- */

/* The payload's, before its exec if mountinfo is NULL. */
int gate_fds_check(int dir, const struct gate_expected *x,
		   const char *mountinfo, struct err *e);
/* jail-init's. */
int gate_fds_check_init(int dir, const struct gate_expected *x,
			const char *mountinfo, struct err *e);

#endif
