/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the jail knows of itself and of a network: a fixed host name, and a
 * loopback interface that stays down unless the policy has it.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"

int
net_hostname(struct jail *jail, struct err *e)
{
	(void)jail;
	if (sethostname(JAIL_HOSTNAME, strlen(JAIL_HOSTNAME)) < 0)
		return err_sys(e, "set host name");
	/* The name in a new UTS namespace is the host's until set. */
	if (setdomainname("", 0) < 0)
		return err_sys(e, "clear domain name");
	return 0;
}

int
net_loopback(struct jail *jail, struct err *e)
{
	owned_fd int fd = -1;
	struct ifreq request = {.ifr_name = "lo"};

	if (!jail->policy->has_loopback)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "open socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return err_sys(e, "read flags of lo");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "bring up lo");
	return 0;
}
