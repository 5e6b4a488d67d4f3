/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c - one protocol message, checked by one table.
 *
 * Whatever the other end sends is hostile until check_message() has said
 * otherwise: size, number of fds, zero fields and terminated strings are
 * compared with message_table before a caller sees anything, and a message
 * that does not fit leaves no fd open.
 */
#include "supervisor/wire/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define STRINGS_MAX 6

struct string_field {
	uint16_t offset, size;
};

struct message_row {
	const char *name;
	uint16_t size;
	uint16_t nfds_min, nfds_max;
	uint16_t zero_offset; /* of a uint32_t that must be 0; 0 if none */
	struct string_field strings[STRINGS_MAX];
};

#define STRING(type, field)                                                    \
	{                                                                      \
		.offset = offsetof(struct type, field),                        \
		.size = sizeof(((struct type *)NULL)->field)                   \
	}
#define ROW(type, label) .name = (label), .size = sizeof(struct type)
#define ZERO(type) .zero_offset = offsetof(struct type, zero)

static const struct message_row message_table[PROTO_TYPE_COUNT] = {
	[PROTO_HELLO] = {ROW(proto_hello, "HELLO")},
	[PROTO_HELLO_REPLY] = {ROW(proto_hello_reply, "HELLO_REPLY"),
			       ZERO(proto_hello_reply),
			       .strings = {STRING(proto_hello_reply, version),
					   STRING(proto_hello_reply,
						  cause.text)}},
	[PROTO_POLICY_GET] = {ROW(proto_get, "POLICY_GET"), ZERO(proto_get)},
	[PROTO_POLICY_INFO] = {ROW(proto_policy_info, "POLICY_INFO"),
			       .strings = {STRING(proto_policy_info, name),
					   STRING(proto_policy_info,
						  description)}},
	[PROTO_RUNTIME_GET] = {ROW(proto_get, "RUNTIME_GET"), ZERO(proto_get)},
	[PROTO_RUNTIME_INFO] =
		{ROW(proto_runtime_info, "RUNTIME_INFO"),
		 ZERO(proto_runtime_info),
		 .strings = {STRING(proto_runtime_info, name),
			     STRING(proto_runtime_info, aliases),
			     STRING(proto_runtime_info, code_path),
			     STRING(proto_runtime_info, tests_path),
			     STRING(proto_runtime_info, description),
			     STRING(proto_runtime_info, policy)}},
	[PROTO_JOB_SUBMIT] = {ROW(proto_job_submit, "JOB_SUBMIT"),
			      ZERO(proto_job_submit),
			      .strings = {STRING(proto_job_submit, job_id),
					  STRING(proto_job_submit, policy),
					  STRING(proto_job_submit, runtime),
					  STRING(proto_job_submit, actor),
					  STRING(proto_job_submit, workflow)}},
	[PROTO_JOB_STARTED] = {ROW(proto_job_started, "JOB_STARTED"),
			       .nfds_min = 4, .nfds_max = 4,
			       .strings = {STRING(proto_job_started, job_id),
					   STRING(proto_job_started, policy)}},
	[PROTO_JOB_DENIAL] = {ROW(proto_job_denial, "JOB_DENIAL"),
			      .strings = {STRING(proto_job_denial, job_id),
					  STRING(proto_job_denial, syscall)}},
	[PROTO_JOB_KILL] = {ROW(proto_job_kill, "JOB_KILL"),
			    ZERO(proto_job_kill),
			    .strings = {STRING(proto_job_kill, job_id)}},
	[PROTO_JOB_DONE] = {ROW(proto_job_done, "JOB_DONE"),
			    ZERO(proto_job_done), .nfds_max = 1,
			    .strings = {STRING(proto_job_done, job_id),
					STRING(proto_job_done, err.text)}},
	[PROTO_RELEASE] = {ROW(proto_release, "RELEASE"),
			   .strings = {STRING(proto_release, workflow),
				       STRING(proto_release, actor),
				       STRING(proto_release, policy),
				       STRING(proto_release, runtime)}},
	[PROTO_RELEASE_REPLY] =
		{ROW(proto_release_reply, "RELEASE_REPLY"),
		 ZERO(proto_release_reply),
		 .strings = {STRING(proto_release_reply, workflow),
			     STRING(proto_release_reply, err.text)}},
};

static const char *const reason_names[] = {
	[PROTO_REASON_NONE] = "",
	[PROTO_REASON_MEMORY] = "memory",
	[PROTO_REASON_OUTPUT_LIMIT] = "output_limit",
	[PROTO_REASON_PIDS] = "pids",
	[PROTO_REASON_TIMEOUT] = "timeout",
	[PROTO_REASON_CANCELLED] = "cancelled",
	[PROTO_REASON_DENIED] = "denied",
	[PROTO_REASON_SHUTDOWN] = "shutdown",
};

_Static_assert(ARRAY_LEN(reason_names) == PROTO_REASON_COUNT,
	       "every reason has a name");

const char *
proto_reason_name(enum proto_reason reason)
{
	if ((unsigned)reason >= PROTO_REASON_COUNT)
		return "";
	return reason_names[reason];
}

const char *
proto_type_name(enum proto_type type)
{
	if ((unsigned)type >= PROTO_TYPE_COUNT ||
	    message_table[type].name == NULL)
		return "unknown";
	return message_table[type].name;
}

void
wire_fds_done(struct wire_fds *fds)
{
	for (unsigned i = 0; i < fds->count; i++)
		fd_close(&fds->fd[i]);
	fds->count = 0;
}

static void
fds_init(struct wire_fds *fds)
{
	for (unsigned i = 0; i < WIRE_FDS_MAX; i++)
		fds->fd[i] = -1;
	fds->count = 0;
}

void
wire_head_init(struct proto_head *head, enum proto_type type, size_t size,
	       unsigned nfds)
{
	const struct message_row *row = &message_table[type];

	/* A wrong size here is our own mistake, not a peer's. */
	assert(size == row->size);
	assert(nfds >= row->nfds_min && nfds <= row->nfds_max);
	head->version = PROTO_VERSION;
	head->type = (uint16_t)type;
	head->size = (uint32_t)size;
	head->nfds = (uint16_t)nfds;
	head->zero = 0;
}

enum wire_status
wire_send(int sock, const struct proto_head *msg, const int *fds, struct err *e)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PROTO_FDS_MAX)];
	} control = {0};
	union wire_message copy;
	struct iovec iov = {.iov_base = &copy, .iov_len = msg->size};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	assert(msg->nfds <= PROTO_FDS_MAX && msg->size <= sizeof(copy));
	memcpy(copy.bytes, msg, msg->size); /* iov_base cannot be const */
	if (msg->nfds > 0) {
		size_t len = sizeof(int) * msg->nfds;
		struct cmsghdr *cmsg = &control.align;

		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(len);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(cmsg), fds, len);
	}
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return WIRE_AGAIN;
	if (n != (ssize_t)msg->size) {
		err_set(e, ERR_PEER, n < 0 ? errno : 0, "send %s",
			proto_type_name((enum proto_type)msg->type));
		return WIRE_FAILED;
	}
	return WIRE_OK;
}

/* Own every fd that came, wanted or not. */
static int
take_fds(struct msghdr *mh, struct wire_fds *fds)
{
	int rc = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	     c = CMSG_NXTHDR(mh, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			rc = -1;
			continue;
		}
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			       sizeof(int));
			assert(fds->count < WIRE_FDS_MAX);
			fds->fd[fds->count++] = fd;
		}
	}
	return rc;
}

static int
check_fields(const union wire_message *msg, const struct message_row *row,
	     struct err *e)
{
	uint32_t zero = 0;

	if (row->zero_offset != 0)
		memcpy(&zero, msg->bytes + row->zero_offset, sizeof(zero));
	if (zero != 0 || msg->head.zero != 0)
		return err_set(e, ERR_PEER, 0, "%s: reserved field is not 0",
			       row->name);
	for (size_t i = 0; i < STRINGS_MAX && row->strings[i].size != 0; i++) {
		const struct string_field *s = &row->strings[i];

		if (!str_is_terminated((const char *)msg->bytes + s->offset,
				       s->size))
			return err_set(e, ERR_PEER, 0,
				       "%s: string without end at byte %u",
				       row->name, s->offset);
	}
	return 0;
}

static int
check_message(const union wire_message *msg, size_t len, unsigned nfds,
	      struct err *e)
{
	const struct message_row *row;

	if (len < sizeof(msg->head))
		return err_set(e, ERR_PEER, 0, "message of %zu bytes", len);
	if (msg->head.version != PROTO_VERSION)
		return err_set(e, ERR_PEER, 0,
			       "protocol version %u, this program speaks %u",
			       msg->head.version, PROTO_VERSION);
	if (msg->head.type >= PROTO_TYPE_COUNT ||
	    message_table[msg->head.type].size == 0)
		return err_set(e, ERR_PEER, 0, "unknown message type %u",
			       msg->head.type);
	row = &message_table[msg->head.type];
	if (len != row->size || msg->head.size != len)
		return err_set(e, ERR_PEER, 0, "%s of %zu bytes, expected %u",
			       row->name, len, row->size);
	if (msg->head.nfds != nfds || nfds < row->nfds_min ||
	    nfds > row->nfds_max)
		return err_set(e, ERR_PEER, 0, "%s with %u fds", row->name,
			       nfds);
	return check_fields(msg, row, e);
}

enum wire_status
wire_recv(int sock, union wire_message *ret_msg, struct wire_fds *ret_fds,
	  struct err *e)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)];
	} control;
	union wire_message msg = {0};
	struct iovec iov = {.iov_base = &msg, .iov_len = sizeof(msg)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control)};
	ssize_t n;

	fds_init(ret_fds);
	do {
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return WIRE_AGAIN;
	if (n < 0) {
		err_set(e, ERR_PEER, errno, "receive");
		return WIRE_FAILED;
	}
	if (take_fds(&mh, ret_fds) < 0 ||
	    (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		err_set(e, ERR_PEER, 0, "message too long or too many fds");
		return WIRE_FAILED;
	}
	/* A message of no bytes counts as the end, too. */
	if (n == 0 && ret_fds->count == 0)
		return WIRE_CLOSED;
	if (check_message(&msg, (size_t)n, ret_fds->count, e) < 0)
		return WIRE_FAILED;
	*ret_msg = msg;
	return WIRE_OK;
}

/* ---- from a peer that may pass no fds -------------------------------- */

/* What recvmsg says of the next message with room for no control data. */
static enum wire_status
receive_bare(int sock, void *dst, size_t size, int flags, size_t *ret_len,
	     struct err *e)
{
	struct iovec iov = {.iov_base = dst, .iov_len = size};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	do {
		n = recvmsg(sock, &mh, flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return WIRE_AGAIN;
	if (n < 0) {
		err_set(e, ERR_PEER, errno, "receive");
		return WIRE_FAILED;
	}
	/* Control data without room for it; a peek takes none of it along. */
	if ((mh.msg_flags & MSG_CTRUNC) != 0) {
		err_set(e, ERR_PEER, 0, "message with fds");
		return WIRE_FAILED;
	}
	if ((flags & MSG_PEEK) == 0 && (mh.msg_flags & MSG_TRUNC) != 0) {
		err_set(e, ERR_PEER, 0, "message too long");
		return WIRE_FAILED;
	}
	*ret_len = (size_t)n;
	return WIRE_OK;
}

enum wire_status
wire_recv_bytes(int sock, void *dst, size_t size, size_t *ret_len,
		struct err *e)
{
	size_t len = 0;
	enum wire_status status =
		receive_bare(sock, NULL, 0, MSG_PEEK, &len, e);

	if (status == WIRE_OK)
		status = receive_bare(sock, dst, size, 0, &len, e);
	if (status == WIRE_OK && len == 0)
		return WIRE_CLOSED;
	*ret_len = len;
	return status;
}

enum wire_status
wire_recv_fdless(int sock, union wire_message *ret_msg, struct err *e)
{
	union wire_message msg = {0};
	size_t len = 0;
	enum wire_status status =
		wire_recv_bytes(sock, &msg, sizeof(msg), &len, e);

	if (status != WIRE_OK)
		return status;
	if (check_message(&msg, len, 0, e) < 0)
		return WIRE_FAILED;
	*ret_msg = msg;
	return WIRE_OK;
}
