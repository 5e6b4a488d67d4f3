/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns.c - see netns.h.
 */
#include "supervisor/netns.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/log.h"

/* The probe is the only socket. */
#define STAT_EMPTY "sockets: used 1\n"
#define INTERFACES_MAX 64

void
netns_done(struct netns *net)
{
	fd_close(&net->fd);
	fd_close(&net->probe);
	fd_close(&net->stat);
}

static int
check_sockets(const struct netns *net, struct err *e)
{
	char text[sizeof(STAT_EMPTY)] = "";

	if (pread(net->stat, text, sizeof(text) - 1, 0) < 0)
		return err_sys(e, "read sockstat");
	if (strcmp(text, STAT_EMPTY) != 0)
		return err_set(e, ERR_DENIED, 0, "sockets are left");
	return 0;
}

/* Is the interface that the request names down? */
static int
check_down(const struct netns *net, struct ifreq *request, struct err *e)
{
	if (ioctl(net->probe, SIOCGIFFLAGS, request) < 0)
		return err_sys(e, "read flags of %s", request->ifr_name);
	if ((request->ifr_flags & IFF_UP) != 0)
		return err_set(e, ERR_DENIED, 0, "%s is up", request->ifr_name);
	return 0;
}

/* Whatever the kernel puts into each: lo, and tunnels that lead nowhere. */
static int
check_interfaces(const struct netns *net, struct err *e)
{
	for (int i = 1; i <= INTERFACES_MAX; i++) {
		struct ifreq request = {.ifr_ifindex = i};

		if (ioctl(net->probe, SIOCGIFNAME, &request) < 0) {
			if (errno == ENODEV)
				continue;
			return err_sys(e, "list interfaces");
		}
		if (check_down(net, &request, e) < 0)
			return -1;
	}
	return 0;
}

/* All that must be done inside. */
static int
open_inside(struct netns *net, struct err *e)
{
	net->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	net->stat =
		open("/proc/thread-self/net/sockstat", O_RDONLY | O_CLOEXEC);
	net->probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (net->fd < 0 || net->stat < 0 || net->probe < 0)
		return err_sys(e, "open");
	return gate_inode_of(net->fd, &net->inode, e);
}

bool
netns_may_return(int home_fd)
{
	/* To where we are: asks for the right only. */
	return setns(home_fd, CLONE_NEWNET) == 0;
}

static int
make(struct netns *net, int home_fd, struct err *e)
{
	int rc;

	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(e, "make");
	rc = open_inside(net, e);
	/* Or the next job's checks would be those of the wrong place. */
	if (setns(home_fd, CLONE_NEWNET) < 0)
		assert(!"the way back is open");
	if (rc < 0 || check_interfaces(net, e) < 0 || check_sockets(net, e) < 0)
		return -1;
	return 0;
}

int
netns_prepare(struct netns *net, int home_fd, struct err *e)
{
	struct ifreq request = {.ifr_name = "lo"};
	struct err why = ERR_INIT;

	if (net->fd >= 0 && check_sockets(net, &why) == 0 &&
	    check_down(net, &request, &why) == 0)
		return 0;
	if (net->fd >= 0)
		log_warning("netns_replaced cause=\"%s\"", why.text);
	netns_done(net);
	if (make(net, home_fd, e) < 0) {
		netns_done(net);
		return err_wrap(e, "network namespace");
	}
	return 0;
}
