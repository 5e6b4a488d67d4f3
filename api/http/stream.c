/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - an answer that goes on: libmicrohttpd asks for bytes, and while
 * there are none the connection is suspended.  No thread waits for it.
 *
 * A wake that comes while read() finds nothing must not be lost, hence
 * is_woken.  Locks: whoever wakes may hold his own lock, so read() is called
 * without ours.
 *
 * Who does not read is dropped: by libmicrohttpd's timeout if nothing at all
 * goes out, by the deadline of PEER_SENDING if it only trickles.  Who has left
 * is noticed while we wait by peers.c, and by the heartbeats of the source.
 */
#include <pthread.h>
#include <stdlib.h>

#include "api/http/exchange.h"

#define BLOCK_BYTES 4096

struct http_stream {
	struct exchange *ex;
	const struct http_stream_source *source;
	void *arg;
	pthread_mutex_t lock;
	bool is_asleep; /* the connection is suspended */
	bool is_woken;	/* since the last read() began */
	bool is_gone;	/* nobody is there any more */
};

static void
wake(struct http_stream *stream, bool is_gone)
{
	pthread_mutex_lock(&stream->lock);
	stream->is_gone = stream->is_gone || is_gone;
	if (stream->is_asleep)
		MHD_resume_connection(stream->ex->connection);
	stream->is_asleep = false;
	stream->is_woken = true;
	pthread_mutex_unlock(&stream->lock);
}

void
http_stream_wake(struct http_stream *stream)
{
	wake(stream, false);
}

static void
on_gone(void *arg)
{
	wake(arg, true);
}

/* True: asleep, until somebody wakes us. */
static bool
fall_asleep(struct http_stream *stream)
{
	bool is_asleep;

	pthread_mutex_lock(&stream->lock);
	is_asleep = !stream->is_woken;
	if (is_asleep) {
		peer_enter(stream->ex->peer, PEER_WAITING, 0);
		MHD_suspend_connection(stream->ex->connection);
		stream->is_asleep = true;
	}
	pthread_mutex_unlock(&stream->lock);
	return is_asleep;
}

static bool
begin_read(struct http_stream *stream)
{
	bool is_gone;

	pthread_mutex_lock(&stream->lock);
	stream->is_woken = false;
	is_gone = stream->is_gone;
	pthread_mutex_unlock(&stream->lock);
	return !is_gone;
}

static ssize_t
read_stream(void *cls, uint64_t position, char *dst, size_t max)
{
	struct http_stream *stream = cls;

	(void)position;
	for (;;) {
		ssize_t len;

		if (!begin_read(stream))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		len = stream->source->read(stream->arg, dst, max);
		if (len == HTTP_STREAM_WAIT && fall_asleep(stream))
			return 0;
		if (len == HTTP_STREAM_WAIT)
			continue;
		peer_enter(stream->ex->peer, PEER_SENDING,
			   EXCHANGE_SEND_TIMEOUT_S);
		return len > 0 ? len : MHD_CONTENT_READER_END_OF_STREAM;
	}
}

struct MHD_Response *
stream_open(struct exchange *ex)
{
	struct http_stream *stream = calloc(1, sizeof(*stream));
	struct MHD_Response *response = NULL;

	if (stream != NULL)
		response = MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, stream,
			NULL);
	if (response == NULL) {
		ex->res.source->closed(ex->res.source_arg);
		ex->res.source = NULL;
		free(stream);
		return NULL;
	}
	stream->ex = ex;
	stream->source = ex->res.source;
	stream->arg = ex->res.source_arg;
	pthread_mutex_init(&stream->lock, NULL);
	ex->stream = stream;
	ex->res.source = NULL;
	peer_watch(ex->server->peers, ex->peer, on_gone, stream);
	stream->source->opened(stream->arg, stream);
	return response;
}

void
stream_close(struct http_stream *stream)
{
	if (stream == NULL)
		return;
	peer_watch(stream->ex->server->peers, stream->ex->peer, NULL, NULL);
	stream->source->closed(stream->arg);
	pthread_mutex_destroy(&stream->lock);
	free(stream);
}
