/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.c - see landlock.h.  The constants are the kernel's ABI
 * (landlock(7)); Debian 12's headers know only its first version.
 */
#include "api/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};
struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));
struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

#define LL_CREATE_VERSION 1u
#define LL_RULE_PATH_BENEATH 1
#define LL_RULE_NET_PORT 2
#define LL_WRITE_FILE (1u << 1)
#define LL_READ_FILE (1u << 2)
#define LL_READ_DIR (1u << 3)
#define LL_REMOVE_DIR (1u << 4)
#define LL_REMOVE_FILE (1u << 5)
#define LL_MAKE_DIR (1u << 7)
#define LL_MAKE_REG (1u << 8)
#define LL_TRUNCATE (1u << 14) /* ABI 3 */
#define LL_NET_CONNECT_TCP (1u << 1)
#define LL_NET_ALL 3u	/* bind, connect */
#define LL_SCOPE_ALL 3u /* abstract sockets, signals */

/* What exists in each ABI, from 1 on; later ones add nothing we know of. */
static const struct {
	uint64_t fs, net, scoped;
	size_t attr_size;
} abi_rights[] = {
	{(1u << 13) - 1, 0, 0, 8},
	{(1u << 14) - 1, 0, 0, 8},
	{(1u << 15) - 1, 0, 0, 8},
	{(1u << 15) - 1, LL_NET_ALL, 0, 16},
	{(1u << 16) - 1, LL_NET_ALL, 0, 16},
	{(1u << 16) - 1, LL_NET_ALL, LL_SCOPE_ALL, 24},
};

static uint64_t
rights_of(unsigned access)
{
	uint64_t rights = 0;

	if (access & LANDLOCK_READ)
		rights |= LL_READ_FILE;
	if (access & LANDLOCK_LIST)
		rights |= LL_READ_DIR;
	if (access & LANDLOCK_WRITE)
		rights |= LL_WRITE_FILE;
	if (access & LANDLOCK_EDIT)
		rights |= LL_WRITE_FILE | LL_REMOVE_FILE | LL_MAKE_REG |
			  LL_TRUNCATE;
	if (access & LANDLOCK_TREE)
		rights |= LL_MAKE_DIR | LL_REMOVE_DIR;
	return rights;
}

static int
allow_path(int ruleset, const struct landlock_path *path, uint64_t handled,
	   struct err *e)
{
	owned_fd int fd = open(path->path, O_PATH | O_CLOEXEC);
	struct path_beneath_attr rule = {
		.allowed_access = rights_of(path->access) & handled,
		.parent_fd = fd};

	if (fd < 0 && errno == ENOENT && path->may_be_absent)
		return 0;
	if (fd < 0)
		return err_sys(e, "Landlock: open %s", path->path);
	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH_BENEATH, &rule,
		    0) < 0)
		return err_sys(e, "Landlock: allow %s", path->path);
	return 0;
}

static int
allow_port(int ruleset, uint16_t port, struct err *e)
{
	struct net_port_attr rule = {.allowed_access = LL_NET_CONNECT_TCP,
				     .port = port};

	if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_NET_PORT, &rule,
		    0) < 0)
		return err_sys(e, "Landlock: allow TCP port %u", port);
	return 0;
}

/* What everybody may read and nobody lists must be out of reach now. */
static int
check_holds(struct err *e)
{
	owned_fd int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 || errno != EACCES)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "Landlock is on and does not hold: /dev/zero "
			       "can be opened");
	return 0;
}

static int
make_ruleset(size_t row, int *ret_fd, struct err *e)
{
	struct ruleset_attr attr = {
		.handled_access_fs = abi_rights[row].fs,
		.handled_access_net = abi_rights[row].net,
		.scoped = abi_rights[row].scoped,
	};

	*ret_fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
			       abi_rights[row].attr_size, 0);
	return *ret_fd < 0 ? err_sys(e, "Landlock: create a ruleset") : 0;
}

int
landlock_restrict(const struct landlock_path *paths, size_t paths_len,
		  const uint16_t *ports, size_t ports_len, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LL_CREATE_VERSION);
	owned_fd int ruleset = -1;
	size_t row;

	if (abi < 1)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "Landlock is not available; boot with "
			       "lsm=landlock,... (kernel 5.13 or later)");
	row = (size_t)abi > ARRAY_LEN(abi_rights) ? ARRAY_LEN(abi_rights) - 1
						  : (size_t)abi - 1;
	if (make_ruleset(row, &ruleset, e) < 0)
		return -1;
	for (size_t i = 0; i < paths_len; i++)
		if (allow_path(ruleset, &paths[i], abi_rights[row].fs, e) < 0)
			return -1;
	for (size_t i = 0; i < ports_len && abi_rights[row].net != 0; i++)
		if (allow_port(ruleset, ports[i], e) < 0)
			return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(e, "Landlock: restrict the process");
	return check_holds(e);
}
