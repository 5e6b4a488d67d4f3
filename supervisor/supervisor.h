/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.h - everything the process owns, in one struct that main() makes
 * and the modules get passed.
 */
#ifndef PC_SUPERVISOR_SUPERVISOR_H
#define PC_SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/audit.h"
#include "supervisor/catalog.h"
#include "supervisor/cgroup.h"
#include "supervisor/config.h"
#include "supervisor/discard.h"
#include "supervisor/gate.h"
#include "supervisor/host.h"
#include "supervisor/listen.h"
#include "supervisor/loop.h"
#include "supervisor/slots.h"
#include "supervisor/standby.h"

struct job;

struct supervisor {
	struct config config;
	char instance_name[32]; /* follows from the state directory */
	uint8_t instance[16];	/* random per start */
	struct loop loop;
	struct gate_self self;
	struct host host;
	struct cgroup cgroup;
	bool has_cgroup;
	struct slots slots;
	struct catalog catalog;
	struct audit audit;
	struct watch flush_watch; /* the end of audit.flush */
	struct listener listener;
	struct discard discard;
	struct job *jobs; /* one place a slot */
	unsigned jobs_live;
	unsigned jobs_leaving;	/* of these, answered already */
	struct standby standby; /* of these, waiting for a job */
	bool is_stopping;
	/* Why jobs are refused; kind ERR_NONE: they are taken. */
	struct err cause;
};

#endif
