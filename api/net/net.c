/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.c - what all connections share: the broker, the certificates, and how a
 * libcurl handle is set up so that it decides nothing by itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/net/net_impl.h"
#include "api/net/targets.h"
#include "api/net/url.h"
#include "supervisor/base/fd.h"

#define CA_FILE_MAX (4u << 20)

/* ---- handles --------------------------------------------------------- */

/* The broker has connected; libcurl's own address is never used. */
static curl_socket_t
give_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	(void)address;
	return fd_take(arg);
}

static int
is_connected(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/*
 * Takes the place of the C library's in the whole program.  libcurl 7.88 calls
 * connect() on a socket even when is_connected() says so, and gives up on what
 * the kernel answers (EISCONN; EACCES of Landlock): 8.1 does not.  For a stream
 * that has a peer the answer is that it is connected; all else is the system
 * call.  (The type of address is how <sys/socket.h> declares it.)
 */
int
connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer), type_len = sizeof(int);
	int type = 0, kept = errno;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 &&
	    type == SOCK_STREAM &&
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
		return 0;
	errno = kept;
	return (int)syscall(SYS_connect, fd, address.__sockaddr__, len);
}

static CURLcode
set_common(CURL *easy, const struct net *net, int *sock)
{
	struct curl_blob ca = {
		.data = net->ca, .len = net->ca_len, .flags = CURL_BLOB_NOCOPY};
	CURLcode rc = CURLE_OK;

#define SET(option, value)                                                     \
	rc = rc != CURLE_OK ? rc : curl_easy_setopt(easy, option, value)
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "PromptCraft/" API_VERSION);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_CAINFO_BLOB, &ca);
	SET(CURLOPT_OPENSOCKETFUNCTION, give_socket);
	SET(CURLOPT_OPENSOCKETDATA, sock);
	SET(CURLOPT_SOCKOPTFUNCTION, is_connected);
#undef SET
	return rc;
}

int
net_easy_new(const struct net *net, int *sock, CURL **ret, struct err *e)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL || set_common(easy, net, sock) != CURLE_OK) {
		curl_easy_cleanup(easy);
		return err_set(e, ERR_IO, ENOMEM, "make a connection");
	}
	*ret = easy;
	return 0;
}

/* ---- certificates ---------------------------------------------------- */

static int
append_ca(struct net *net, const char *path, struct err *e)
{
	owned_mem char *text = NULL;
	size_t len = 0;
	char *longer;

	if (fd_read_file(AT_FDCWD, path, CA_FILE_MAX, &text, &len, e) < 0)
		return -1;
	longer = realloc(net->ca, net->ca_len + len + 1);
	if (longer == NULL)
		return err_set(e, ERR_IO, ENOMEM, "read %s", path);
	memcpy(longer + net->ca_len, text, len);
	net->ca = longer;
	net->ca_len += len;
	net->ca[net->ca_len++] = '\n';
	return 0;
}

/*
 * One TLS connection to nobody: what libcurl and its cryptography read from the
 * disk they have read then; and whether there are certificates.
 */
static int
warm_up(const struct net *net, bool *ret_has_ca, struct err *e)
{
	CURL *easy = NULL;
	CURLcode rc;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair) < 0)
		return err_sys(e, "try TLS");
	/* Certificates are read when the first byte of an answer is there. */
	(void)!write(pair[1], "-", 1);
	(void)shutdown(pair[1], SHUT_WR);
	if (net_easy_new(net, &pair[0], &easy, e) < 0) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	(void)curl_easy_setopt(easy, CURLOPT_URL, "https://192.0.2.1/");
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
	rc = curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	*ret_has_ca = rc != CURLE_SSL_CACERT_BADFILE;
	return 0;
}

/*
 * The operator's first, and tried alone: beside the system's, what is no
 * certificate would not be noticed.  A system without any can do without TLS.
 */
static int
read_ca(struct net *net, const char *own, struct err *e)
{
	const char *path = curl_version_info(CURLVERSION_NOW)->cainfo;
	bool has_ca = true;

	if (own[0] != '\0' &&
	    (append_ca(net, own, e) < 0 || warm_up(net, &has_ca, e) < 0))
		return err_wrap(e, "PROMPTCRAFT_CA_FILE");
	if (!has_ca)
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_CA_FILE: is not a file of "
			       "certificates (PEM)");
	if (path != NULL && access(path, F_OK) == 0 &&
	    append_ca(net, path, e) < 0)
		return -1;
	/* An empty blob would mean libcurl's own path. */
	if (net->ca == NULL) {
		net->ca = strdup("\n");
		net->ca_len = 1;
	}
	if (net->ca == NULL)
		return err_sys(e, "read certificates");
	return warm_up(net, &has_ca, e);
}

/* ---- start and end --------------------------------------------------- */

static int
open_client(struct net *net, const struct api_config *config, struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_IO, 0, "start libcurl");
	return read_ca(net, config->ca_file, e);
}

int
net_open(const struct api_config *config, void (*forget)(void *arg), void *arg,
	 struct net **ret, struct err *e)
{
	struct broker_rules rules;
	struct net *net;

	if (targets_collect(config, &rules, e) < 0)
		return -1;
	net = calloc(1, sizeof(*net));
	if (net == NULL)
		return err_sys(e, "open the network");
	net->broker_fd = -1;
	net->guard = rules.guard;
	if (broker_start(&rules, forget, arg, &net->broker_fd, e) < 0 ||
	    open_client(net, config, e) < 0) {
		net_close(net);
		return -1;
	}
	*ret = net;
	return 0;
}

void
net_close(struct net *net)
{
	if (net == NULL)
		return;
	fd_close(&net->broker_fd);
	free(net->ca);
	free(net);
}

int
net_check_client_url(const struct net *net, const char *name, const char *url,
		     struct err *e)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	const struct sockaddr *address = NULL;
	struct net_url parsed;

	if (net_url_parse(name, url, &parsed, e) < 0)
		return -1;
	if (inet_pton(AF_INET, parsed.host, &v4.sin_addr) == 1)
		address = (const struct sockaddr *)&v4;
	else if (inet_pton(AF_INET6, parsed.host, &v6.sin6_addr) == 1)
		address = (const struct sockaddr *)&v6;
	if (guard_check_port(&net->guard, parsed.port, e) < 0 ||
	    (address != NULL &&
	     guard_check_address(&net->guard, parsed.host, address, e) < 0))
		return err_wrap(e, "%s", name);
	return 0;
}

int
net_connect(struct net *net, const char *host, uint16_t port,
	    uint32_t timeout_ms, int *ret_fd, struct err *e)
{
	return broker_connect(net->broker_fd, BROKER_TARGET, host, port,
			      timeout_ms, ret_fd, e);
}
