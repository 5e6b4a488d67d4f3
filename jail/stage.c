/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the stages of a jail's start, for people.  Linked by both sides:
 * the supervisor prints what jail-init only numbers.
 */
#include "jail/spec.h"

static const char *const stage_names[] = {
	[JAIL_STAGE_START] = "start jail-init",
	[JAIL_STAGE_POLICY] = "read policy and runtime",
	[JAIL_STAGE_CGROUP_NS] = "make cgroup namespace",
	[JAIL_STAGE_ROOT] = "make root",
	[JAIL_STAGE_MOUNT] = "mount",
	[JAIL_STAGE_PROC] = "mount /proc",
	[JAIL_STAGE_PIVOT] = "pivot into root",
	[JAIL_STAGE_HOSTNAME] = "set host name",
	[JAIL_STAGE_NETWORK] = "bring up loopback",
	[JAIL_STAGE_PAYLOAD_CLONE] = "start payload",
	[JAIL_STAGE_PAYLOAD_FDS] = "place fds of payload",
	[JAIL_STAGE_PAYLOAD_IDS] = "drop ids of payload",
	[JAIL_STAGE_PAYLOAD_LIMITS] = "limit payload",
	[JAIL_STAGE_PAYLOAD_CAPS] = "drop capabilities of payload",
	[JAIL_STAGE_PAYLOAD_LANDLOCK] = "restrict payload with Landlock",
	[JAIL_STAGE_PAYLOAD_SECCOMP] = "install seccomp filter",
	[JAIL_STAGE_PAYLOAD_EXEC] = "exec runtime",
	[JAIL_STAGE_UNPACK] = "unpack bundle",
	[JAIL_STAGE_LOCKDOWN] = "lock down jail-init",
	[JAIL_STAGE_COLLECT] = "collect files",
};

_Static_assert(sizeof(stage_names) / sizeof(stage_names[0]) == JAIL_STAGE_COUNT,
	       "every jail_stage has a name");

const char *
jail_stage_name(enum jail_stage stage)
{
	if (stage < JAIL_STAGE_START || stage >= JAIL_STAGE_COUNT)
		return "unknown stage";
	return stage_names[stage];
}
