/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h - memory, pids and CPU of one slot, the same for cgroup v1 and v2.
 *
 * Every write goes through a directory fd whose file system was checked to be
 * cgroupfs: a path under /sys that is something else is refused, not written.
 * v1 keeps a slot's directories and resets them; v2 makes a new one for each
 * job (joined by CLONE_INTO_CGROUP).  Not there: freezing, devices, I/O.
 */
#ifndef PC_SUPERVISOR_CGROUP_H
#define PC_SUPERVISOR_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

/* v1: one hierarchy each.  v2: all in [0]. */
enum cgroup_part {
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_PARTS
};

#define CGROUP_PATH_MAX 256
#define CGROUP_KEPT 6 /* files that v1 keeps open */

struct cgroup_limits {
	uint64_t memory_bytes;
	uint32_t pids;	      /* of the payload; jail-init is added here */
	uint32_t cpu_percent; /* of one CPU */
};

struct cgroup_usage {
	uint64_t cpu_us;
	uint64_t memory_peak_bytes;
	uint32_t pids_peak; /* without jail-init; 0 if the host cannot say */
	uint64_t oom_kills;
	uint64_t pids_refused; /* forks that met the limit */
};

struct cgroup_ops;

/* The supervisor's part of the hierarchy; slots are below it. */
struct cgroup {
	const struct cgroup_ops *ops;
	int version;
	char name[64];		/* promptcraft-<instance> */
	int own[CGROUP_PARTS];	/* the cgroup that has it */
	int root[CGROUP_PARTS]; /* <own>/<name> */
	/* The same directory as /proc/PID/cgroup shows it. */
	char path[CGROUP_PARTS][CGROUP_PATH_MAX];
	/* And as a path on this host, to find it again after a crash. */
	char dir[CGROUP_PARTS][CGROUP_PATH_MAX];
};

struct cgroup_slot {
	unsigned index;
	int dir[CGROUP_PARTS];
	int tasks[CGROUP_PARTS]; /* v1: for the child to join; else -1 */
	int kept[CGROUP_KEPT];	 /* v1: what is read for each job; else -1 */
	int oom_fd; /* readable when the slot runs out of memory; -1: none */
	struct cgroup_usage base; /* counters when the job began */
	/* v1, which keeps its directories */
	bool is_clean;	     /* reset since the last job */
	bool has_pids;	     /* the directory of pids is as good as new */
	bool is_pids_bad;    /* somebody was left in it, or it is not whole */
	uint64_t left_bytes; /* what that one left charged */
	struct cgroup_limits limits; /* as written */
};

struct cgroup_ops {
	int (*slot_create)(struct cgroup *cg, struct cgroup_slot *slot,
			   struct err *e);
	int (*slot_prepare)(struct cgroup *cg, struct cgroup_slot *slot,
			    const struct cgroup_limits *limits, struct err *e);
	int (*cpu_write)(struct cgroup_slot *slot, uint32_t percent,
			 struct err *e);
	int (*limits_check)(const struct cgroup_slot *slot,
			    const struct cgroup_limits *limits, struct err *e);
	int (*read_usage)(const struct cgroup_slot *slot,
			  struct cgroup_usage *ret, struct err *e);
	void (*slot_kill)(struct cgroup_slot *slot);
	void (*slot_idle)(struct cgroup *cg, struct cgroup_slot *slot);
	void (*slot_destroy)(struct cgroup *cg, struct cgroup_slot *slot);
};

/*
 * Find the hierarchies and make our directory in each, named after instance.
 * *e names the missing controller and the fix.  Call cgroup_sweep first.
 */
int cgroup_init(struct cgroup *cg, const char *instance, struct err *e);
void cgroup_done(struct cgroup *cg);

/*
 * End what a killed predecessor left below the directories listed in text
 * (lines as cgroup_describe writes them; only ones that end in
 * promptcraft-<instance> on a cgroup file system are touched).
 */
void cgroup_sweep(const char *text, const char *instance);
/* One line a directory, for cgroup_sweep of the next start. */
int cgroup_describe(const struct cgroup *cg, char *dst, size_t size);

/* For all slots together, and what their jobs left behind: result files and
 * full pipes that a client keeps. */
int cgroup_limit_memory(const struct cgroup *cg, uint64_t bytes, struct err *e);

int cgroup_slot_create(struct cgroup *cg, unsigned index,
		       struct cgroup_slot *slot, struct err *e);
/* Empty, reset and limit it for a new job; counters start at 0. */
int cgroup_slot_prepare(struct cgroup *cg, struct cgroup_slot *slot,
			const struct cgroup_limits *limits, struct err *e);
/* Another cpu_percent than slot_prepare was told. */
int cgroup_slot_limit_cpu(struct cgroup *cg, struct cgroup_slot *slot,
			  uint32_t percent, struct err *e);
/* Do the limits read back as they were set? */
int cgroup_limits_check(const struct cgroup *cg, const struct cgroup_slot *slot,
			const struct cgroup_limits *limits, struct err *e);
/* Since slot_prepare. */
int cgroup_slot_usage(const struct cgroup *cg, const struct cgroup_slot *slot,
		      struct cgroup_usage *ret, struct err *e);
/* Is a process whose /proc/PID/cgroup is text in all of the slot's groups? */
int cgroup_membership_check(const struct cgroup *cg,
			    const struct cgroup_slot *slot, const char *text,
			    struct err *e);
/*
 * Pids in the slot, as many as fit in max; more than max is ERR_LIMIT.
 * Untrusted only in number: the kernel writes them.
 */
int cgroup_slot_pids(const struct cgroup_slot *slot, int *ret_pids, size_t max,
		     size_t *ret_len, struct err *e);
void cgroup_slot_kill(struct cgroup *cg, struct cgroup_slot *slot);
/* The job is gone; v2 removes its directory. */
void cgroup_slot_idle(struct cgroup *cg, struct cgroup_slot *slot);
void cgroup_slot_destroy(struct cgroup *cg, struct cgroup_slot *slot);

/* ---- for the back ends and their tests ------------------------------- */

int cgroup_v1_init(struct cgroup *cg, struct err *e);
int cgroup_v2_init(struct cgroup *cg, struct err *e);
int cgroup_v1_limits_write(const struct cgroup_slot *slot,
			   const struct cgroup_limits *limits, struct err *e);
/* Open anew what slot->kept has of one part. */
int cgroup_v1_keep(struct cgroup_slot *slot, int part, struct err *e);
int cgroup_v2_limits_write(const struct cgroup_slot *slot,
			   const struct cgroup_limits *limits, struct err *e);
extern const struct cgroup_ops cgroup_v1_ops, cgroup_v2_ops;

/* Files of a cgroup directory. */
int cgroup_write(int dir, const char *file, const char *text, struct err *e);
int cgroup_write_u64(int dir, const char *file, uint64_t value, struct err *e);
int cgroup_read(int dir, const char *file, char *dst, size_t size,
		struct err *e);
int cgroup_read_u64(int dir, const char *file, uint64_t *ret, struct err *e);
/* text: all of file, its end of line is cut off. */
int cgroup_parse_u64(char *text, const char *file, uint64_t *ret,
		     struct err *e);
bool cgroup_has_file(int dir, const char *file);
/* "key 17" in a flat-keyed file's text; false if the key is not there. */
bool cgroup_key_u64(const char *text, const char *key, uint64_t *ret);
/* Open path below dir without following links, checked to be cgroupfs. */
int cgroup_open_dir(int dir, const char *path, int *ret_fd, struct err *e);
/* mkdir + open; an existing one is fine. */
int cgroup_make_dir(int dir, const char *name, int *ret_fd, struct err *e);
/* SIGKILL everything in dir, again until it is empty; bounded. */
void cgroup_kill_all(int dir);

/* What /proc/self/mountinfo and /proc/self/cgroup say about a hierarchy. */
struct cgroup_place {
	char mount[CGROUP_PATH_MAX]; /* mount point */
	char own[CGROUP_PATH_MAX];   /* our cgroup in it, below the mount */
	char shown[CGROUP_PATH_MAX]; /* our cgroup as /proc shows it */
};
/* controller NULL: the v2 hierarchy.  false if there is none. */
bool cgroup_find(const char *mountinfo, const char *proc_cgroup,
		 const char *controller, struct cgroup_place *ret);
/* cgroup_find with this process's own files. */
int cgroup_locate(const char *controller, struct cgroup_place *ret,
		  struct err *e);
/* Make and open <place>/<cg->name> as cg->root[part]. */
int cgroup_attach(struct cgroup *cg, int part, const struct cgroup_place *place,
		  struct err *e);
/* The path in the /proc/PID/cgroup line of controller (NULL: v2). */
bool cgroup_line(const char *proc_cgroup, const char *controller, char *dst,
		 size_t size);

#endif
