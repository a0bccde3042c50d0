/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * respond.c - a reply as the HTTP library sends it: headers, and bodies that are there, grow, or go on as events come.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server.h"

#define GROWING_BLOCK	    32768	/* of a body that is being written, a client; so much is resident for each */
#define STREAM_BLOCK	    4096
#define STREAM_SOCKET_BYTES 32768

/* On every answer.  The page needs scripts, styles and data from here and nothing else. */
static const struct { const char *name, *value; } headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static void
add_date(struct MHD_Response *response, const char *name, int64_t when_s)
{
	char text[HTTP_DATE_SIZE];

	if (http_date(text, when_s))
		(void)MHD_add_response_header(response, name, text);
}

/* -- a client waits for a document: its connection sleeps, the thread does not -- */

static void
connection_sleep(void *mhd)
{
	MHD_suspend_connection(mhd);
}

static void
connection_wake(void *mhd)
{
	MHD_resume_connection(mhd);
}

bool
respond_later(struct document *document, struct connection *conn, struct MHD_Connection *mhd, enum document_stage stage,
    uint64_t beyond)
{
	conn->waiter = (struct waiter){ .for_stage = stage, .beyond = beyond, .sleep = connection_sleep,
		.wake = connection_wake, .ctx = mhd };
	return document_wait(document, &conn->waiter);
}

struct growing {
	struct document *document;	/* a reference */
	struct connection *conn;
	struct MHD_Connection *mhd;
};

/* The next of a body that is being written.  One that fails ends the connection before its last chunk. */
static ssize_t
read_growing(void *ctx, uint64_t at, char *buf, size_t n)
{
	struct growing *g = ctx;

	for (;;) {
		bool ended;
		ssize_t got = document_read(g->document, at, buf, n, &ended);

		if (got > 0)
			return got;
		if (ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (got < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (respond_later(g->document, g->conn, g->mhd, DOCUMENT_GROWS, at + 1))
			return 0;
	}
}

static void
free_growing(void *ctx)
{
	struct growing *g = ctx;

	document_unref(g->document);
	free(g);
}

static struct MHD_Response *
growing_response(struct reply *reply, struct connection *conn, struct MHD_Connection *mhd)
{
	struct growing *g = malloc(sizeof(*g));
	struct MHD_Response *response;

	if (g == NULL)
		return NULL;
	*g = (struct growing){ reply->document, conn, mhd };
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, GROWING_BLOCK, read_growing, g, free_growing);
	if (response == NULL)
		free(g);
	else
		reply->document = NULL;
	return response;
}

/* -- streams of events: the library asks, or sleeps until somebody wakes it -- */

static void
suspend(void *connection)
{
	MHD_suspend_connection(connection);
}

void
server_resume(void *connection)
{
	MHD_resume_connection(connection);
}

static ssize_t
read_stream(void *ctx, uint64_t pos, char *buf, size_t max)
{
	struct event_stream *stream = ctx;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	int64_t now_ms = clock_ms();
	long n;

	(void)pos;
	/* What was told before has been taken: the next piece has a time of its own. */
	if (info != NULL && info->socket_context != NULL)
		connection_phase(stream->connections, info->socket_context, CONNECTION_STREAM, 0, now_ms);
	n = stream_read(stream, buf, max, now_ms, suspend);
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void
end_stream(void *ctx)
{
	stream_close(ctx);
}

/* Little waits in the kernel for a client that does not read. */
static void
begin_stream(struct server *server, struct MHD_Connection *mhd, const struct connection *conn, struct event_stream *stream)
{
	int size = STREAM_SOCKET_BYTES;

	stream->connection = mhd;
	stream->connections = &server->connections;
	stream->fd = connection_fd(&server->connections, conn);
	(void)setsockopt(stream->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* The library's response; it owns the body from here on.  NULL: out of memory. */
static struct MHD_Response *
make_response(struct reply *reply, struct connection *conn, struct MHD_Connection *mhd)
{
	struct MHD_Response *response = NULL;
	void *body = (void *)(uintptr_t)reply->body;
	char number[16];

	switch (reply->kind) {
	case BODY_NONE:
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
		break;
	case BODY_STATIC:
		response = MHD_create_response_from_buffer(reply->size, body, MHD_RESPMEM_PERSISTENT);
		break;
	case BODY_OWNED:
		response = MHD_create_response_from_buffer(reply->size, body, MHD_RESPMEM_MUST_FREE);
		break;
	case BODY_STREAM:
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, reply->stream, end_stream);
		break;
	case BODY_FD:
		response = MHD_create_response_from_fd64(reply->size, reply->fd);
		break;
	case BODY_GROWING:
		response = growing_response(reply, conn, mhd);
		break;
	case BODY_LATER:
		break;
	}
	if (response == NULL)
		return NULL;
	if (reply->kind == BODY_STREAM) {
		(void)MHD_add_response_header(response, "Connection", "close");
		/* A proxy that gathers an answer first would show nothing for minutes (nginx reads this). */
		(void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
	}
	reply->kind = BODY_NONE;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		(void)MHD_add_response_header(response, headers[i].name, headers[i].value);
	(void)MHD_add_response_header(response, "Cache-Control",
	    reply->cache_control != NULL ? reply->cache_control : "no-cache");
	if (reply->media_type != NULL)
		(void)MHD_add_response_header(response, "Content-Type", reply->media_type);
	if (reply->etag[0] != '\0')
		(void)MHD_add_response_header(response, "ETag", reply->etag);
	if (reply->status == 401)
		(void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"mxtrap\", Basic realm=\"mxtrap\"");
	if (reply->gzipped)
		(void)MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (reply->varies)
		(void)MHD_add_response_header(response, "Vary", "Accept-Encoding");
	if (reply->allow != NULL)
		(void)MHD_add_response_header(response, "Allow", reply->allow);
	add_date(response, "Last-Modified", reply->last_modified_s);
	add_date(response, "Expires", reply->expires_s);
	if (reply->retry_after_s != 0) {
		(void)snprintf(number, sizeof(number), "%u", reply->retry_after_s);
		(void)MHD_add_response_header(response, "Retry-After", number);
	}
	if (reply->unpublished[0] != '\0')
		(void)MHD_add_response_header(response, "X-Mxtrap-Unpublished",
		    reply->unpublished);
	return response;
}

/*
 * "Is it listed?" is asked more often than all else, and making a response costs as much
 * as looking up: each connection keeps one for small answers that must not be stored.
 * Its size is fixed, so the body is filled up with spaces, which JSON allows.
 */
static struct MHD_Response *
ready_response(struct connection *conn, struct MHD_Connection *mhd, struct reply *reply)
{
	struct reply fixed;

	memcpy(conn->ready_body, reply->body, reply->size);
	memset(conn->ready_body + reply->size, ' ', READY_SIZE - reply->size);
	if (conn->ready == NULL) {
		reply_init(&fixed);
		fixed.kind = BODY_STATIC;
		fixed.body = conn->ready_body;
		fixed.size = READY_SIZE;
		fixed.media_type = reply->media_type;
		fixed.cache_control = reply->cache_control;
		conn->ready = make_response(&fixed, conn, mhd);
	}
	return conn->ready;
}

static bool
fits_ready(const struct reply *reply)
{
	return reply->kind == BODY_OWNED && reply->status == 200 && reply->size <= READY_SIZE &&
	    reply->etag[0] == '\0' && reply->media_type != NULL &&
	    strcmp(reply->media_type, "application/json") == 0;
}

/* The same, from those at hand where it never differs; *keep: not the caller's to destroy. */
static struct MHD_Response *
find_or_make_response(struct server *server, struct connection *conn, struct MHD_Connection *mhd,
    struct reply *reply, bool *keep)
{
	*keep = false;
	if (fits_ready(reply)) {
		*keep = true;
		return ready_response(conn, mhd, reply);
	}
	if (reply->kind != BODY_STATIC || reply->etag[0] != '\0' || reply->allow != NULL)
		return make_response(reply, conn, mhd);
	for (size_t i = 0; i < CONSTANTS_MAX; i++) {
		if (server->constants[i].body == reply->body) {
			*keep = true;
			return server->constants[i].response;
		}
		if (server->constants[i].body == NULL) {
			server->constants[i].body = reply->body;
			server->constants[i].response = make_response(reply, conn, mhd);
			if (server->constants[i].response == NULL)
				server->constants[i].body = NULL;
			*keep = true;
			return server->constants[i].response;
		}
	}
	return make_response(reply, conn, mhd);
}

enum MHD_Result
respond(struct server *server, struct connection *conn, struct MHD_Connection *mhd,
    struct reply *reply)
{
	unsigned status = reply->status;
	uint64_t size = reply->size;
	bool keep, streams = reply->kind == BODY_STREAM;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (streams)
		begin_stream(server, mhd, conn, reply->stream);
	response = find_or_make_response(server, conn, mhd, reply, &keep);
	reply_clear(reply);
	if (response == NULL)
		return MHD_NO;
	if (status / 100 < ARRAY_LEN(server->web->counters.replies))
		atomic_fetch_add_explicit(&server->web->counters.replies[status / 100], 1,
		    memory_order_relaxed);
	connection_phase(&server->connections, conn, streams ? CONNECTION_STREAM : CONNECTION_REPLY, size, clock_ms());
	result = MHD_queue_response(mhd, status, response);
	if (!keep)
		MHD_destroy_response(response);
	return result;
}

void
respond_forget(struct server *server)
{
	for (size_t i = 0; i < CONSTANTS_MAX; i++)
		if (server->constants[i].response != NULL)
			MHD_destroy_response(server->constants[i].response);
}
