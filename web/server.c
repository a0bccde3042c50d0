/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.c - libmicrohttpd, and the only file that knows it.
 *
 * One daemon with one epoll thread a listener: a pool gains nothing (measured).
 * The library reads the request and sends the answer; what a path means, what it
 * costs and who is too slow is decided elsewhere.
 */
#include <microhttpd.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"
#include "web_int.h"

#define CONNECTION_MEMORY 12288		/* request line and all headers, and our own */
#define PER_ADDRESS_MAX	  256		/* of CONNECTION_MAX: a proxy in front is one address */
#define IDLE_TIMEOUT_S	  30
#define GROWING_BLOCK	  32768		/* of a body that is being written, a client; so much is resident for each */

#define CONSTANTS_MAX 4

#define TLS_PRIORITIES	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define STREAM_BLOCK	    4096
#define STREAM_SOCKET_BYTES 32768

struct server {
	struct MHD_Daemon *daemon;
	struct web	  *web;
	/* Ready answers with a constant body and no ETag: "not listed", "ok". */
	struct { const void *body; struct MHD_Response *response; } constants[CONSTANTS_MAX];
	struct connections connections;
};

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

static bool
wait_for(struct document *document, struct connection *conn, struct MHD_Connection *mhd, enum document_stage stage,
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
		if (wait_for(g->document, g->conn, g->mhd, DOCUMENT_GROWS, at + 1))
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
	stream->fd = conn->fd;
	(void)setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
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

static enum MHD_Result
send_reply(struct server *server, struct connection *conn, struct MHD_Connection *mhd,
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

static enum MHD_Result
see_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	header_see(ctx, name, value != NULL ? value : "");
	return MHD_YES;
}

/* Things about the request that forbid reading on.  False: *reply says what. */
static bool
acceptable(struct server *server, struct MHD_Connection *mhd, struct request *req, struct reply *reply)
{
	struct headers seen;

	header_begin(&seen, req);
	(void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, see_header, &seen);
	return header_acceptable(server->web, &seen, req, reply);
}

/* con_cls goes NULL (from log_uri) -> the connection -> answered. */
static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **con_cls)
{
	struct server *server = ctx;
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *conn = info != NULL ? info->socket_context : NULL;
	struct reply reply;

	(void)url;
	if (conn == NULL)
		return MHD_NO;
	if (*con_cls == NULL) {
		*con_cls = conn;
		reply_init(&reply);
		/*
		 * An answer queued here makes the library close the connection, which
		 * costs six times as much: right for those who would send a body.
		 */
		conn->request.is_old = strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
		conn->request.posts = route_posts(&conn->request, method);
		conn->request.discards = conn->request.posts && strcmp(conn->request.path, "/v1/usage-metrics") == 0;
		conn->request.fetches = route_fetches(&conn->request) || conn->request.posts;
		if (!acceptable(server, mhd, &conn->request, &reply))
			return send_reply(server, conn, mhd, &reply);
		return MHD_YES;
	}
	if (*upload_size != 0) {
		struct request *req = &conn->request;

		if (req->discards && *upload_size <= DISCARD_MAX - req->body_size) {
			req->body_size += *upload_size;
			*upload_size = 0;
			return MHD_YES;
		}
		if (!req->posts || req->discards || *upload_size > sizeof(req->body) - req->body_size)
			return MHD_NO;	/* a body that no header told of: not read */
		memcpy(req->body + req->body_size, upload, *upload_size);
		req->body_size += *upload_size;
		*upload_size = 0;
		return MHD_YES;
	}
	conn->request.now_s = (int64_t)time(NULL);
	/* To HEAD the library would send the last chunk of a body that has none. */
	conn->request.needs_length = conn->request.is_old || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	for (;;) {
		bool waits;

		reply_init(&reply);
		route(server->web, &conn->request, method, &reply);
		if (reply.kind != BODY_LATER)
			return send_reply(server, conn, mhd, &reply);
		/* Its deadline is that of an answer from now on; the library calls again when it is woken. */
		connection_phase(&server->connections, conn, CONNECTION_REPLY, 0, clock_ms());
		waits = wait_for(reply.document, conn, mhd, reply.wait_for, 0);
		reply_clear(&reply);
		if (waits)
			return MHD_YES;
	}
}

/* The request target as it was sent, before the library makes anything of it. */
static void *
on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)ctx;
	if (info != NULL && info->socket_context != NULL)
		(void)request_parse(&((struct connection *)info->socket_context)->request, uri);
	return NULL;
}

static void
on_completed(void *ctx, struct MHD_Connection *mhd, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct server *server = ctx;

	(void)mhd, (void)code;
	if (*con_cls != NULL)
		connection_phase(&server->connections, *con_cls, CONNECTION_IDLE, 0, clock_ms());
	*con_cls = NULL;
}

/* Who is at the other end: behind a proxy, the proxy. */
static void
name_client(struct MHD_Connection *mhd, struct connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct addr addr;

	(void)snprintf(conn->request.client, sizeof(conn->request.client), info != NULL && info->client_addr != NULL &&
	    info->client_addr->sa_family == AF_UNIX ? "unix" : "?");
	if (info == NULL || info->client_addr == NULL)
		return;
	if (info->client_addr->sa_family == AF_INET)
		addr = addr_from_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr);
	else if (info->client_addr->sa_family == AF_INET6)
		addr = addr_from_v6(((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr.s6_addr);
	else
		return;
	addr_format(&addr, conn->request.client);
}

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct server *server = ctx;
	const union MHD_ConnectionInfo *info;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		*socket_context = info == NULL ? NULL :
		    connection_open(&server->connections, info->connect_fd, clock_ms());
		if (*socket_context != NULL)
			name_client(mhd, *socket_context);
		atomic_fetch_add_explicit(&server->web->counters.connections, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&server->web->counters.opened, 1, memory_order_relaxed);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		if (*socket_context != NULL) {
			struct connection *conn = *socket_context;

			if (conn->ready != NULL)
				MHD_destroy_response(conn->ready);
			conn->ready = NULL;
			connection_close(&server->connections, conn);
		}
		*socket_context = NULL;
		atomic_fetch_sub_explicit(&server->web->counters.opened, 1, memory_order_relaxed);
		break;
	}
}

static void
on_log(void *ctx, const char *fmt, va_list ap)
{
	char text[256];

	(void)ctx;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", text);
}

bool
web_tls_good(const char *certificate, const char *key)
{
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    on_request, NULL, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_HTTPS_MEM_CERT, certificate,
	    MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_END);

	if (daemon == NULL)
		return false;
	MHD_stop_daemon(daemon);
	return true;
}

/* A unix socket is for a proxy beside us, and speaks plainly. */
static bool
is_unix(int fd)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.ss_family == AF_UNIX;
}

struct server *
server_start(struct web *web, int fd, size_t most)
{
	bool tls = web->certificate != NULL && !is_unix(fd);
	const struct MHD_OptionItem options[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? web->certificate : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? web->key : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, tls ? (void *)(uintptr_t)TLS_PRIORITIES : NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	struct server *server = calloc(1, sizeof(*server));

	if (server == NULL || !connections_init(&server->connections, most)) {
		log_warnx("out of memory");
		free(server);
		return NULL;
	}
	server->web = web;
	if (listen(fd, 1024) != 0) {
		log_warn("listen");
		connections_clear(&server->connections);
		free(server);
		return NULL;
	}
	server->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
	    (tls ? MHD_USE_TLS : 0), 0, NULL, NULL,
	    on_request, server,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)most,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)PER_ADDRESS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
	    MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
	    MHD_OPTION_ARRAY, tls ? options : none,
	    MHD_OPTION_END);
	if (server->daemon == NULL) {
		log_warnx("cannot start the HTTP library");
		connections_clear(&server->connections);
		free(server);
		return NULL;
	}
	return server;
}

void
server_sweep(struct server *server, int64_t now_ms)
{
	size_t n = connections_sweep(&server->connections, now_ms);

	if (n > 0)
		atomic_fetch_add_explicit(&server->web->counters.cut, n, memory_order_relaxed);
}

void
server_stop(struct server *server)
{
	MHD_stop_daemon(server->daemon);
	for (size_t i = 0; i < CONSTANTS_MAX; i++)
		if (server->constants[i].response != NULL)
			MHD_destroy_response(server->constants[i].response);
	connections_clear(&server->connections);
	free(server);
}

const char *
server_library(void)
{
	return MHD_get_version();
}
