/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.c - libmicrohttpd: listeners, connections and requests.  It and respond.c alone know the library.
 *
 * One daemon with one epoll thread a listener: a pool gains nothing (measured).
 * The library reads the request and sends the answer; what a path means, what it
 * costs and who is too slow is decided elsewhere.
 */
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"
#include "server.h"

#define CONNECTION_MEMORY 12288		/* request line and all headers, and our own */
#define IDLE_TIMEOUT_S	  30

#define TLS_PRIORITIES	    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

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

/* All that its address may have is busy, and so are the few beside.  False: *reply says so. */
static bool
has_room(struct server *server, const struct connection *conn, struct reply *reply)
{
	if (!connection_crowded(&server->connections, conn))
		return true;
	reply_problem(reply, 503, "found %d requests of %s that are being answered, expected fewer: ask again", PER_ADDRESS_MAX,
	    conn->request.client);
	return false;
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
		if (!has_room(server, conn, &reply) || !acceptable(server, mhd, &conn->request, &reply))
			return respond(server, conn, mhd, &reply);
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
			return respond(server, conn, mhd, &reply);
		/* Its deadline is that of an answer from now on; the library calls again when it is woken. */
		connection_phase(&server->connections, conn, CONNECTION_REPLY, 0, clock_ms());
		waits = respond_later(reply.document, conn, mhd, reply.wait_for, 0);
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

	if (info != NULL && info->socket_context != NULL) {
		connection_reads(&((struct server *)ctx)->connections, info->socket_context);
		(void)request_parse(&((struct connection *)info->socket_context)->request, uri);
	}
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

/* Who is at the other end (behind a proxy, the proxy), as a key and as text. */
static sender_key
name_client(struct MHD_Connection *mhd, char text[static ADDR_TEXT_SIZE])
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct addr addr;

	(void)snprintf(text, ADDR_TEXT_SIZE, "%s", info != NULL && info->client_addr != NULL &&
	    info->client_addr->sa_family == AF_UNIX ? "unix" : "?");
	if (info == NULL || info->client_addr == NULL)
		return 0;
	if (info->client_addr->sa_family == AF_INET)
		addr = addr_from_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr);
	else if (info->client_addr->sa_family == AF_INET6)
		addr = addr_from_v6(((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr.s6_addr);
	else
		return 0;
	addr_format(&addr, text);
	return addr_sender(&addr);
}

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
	struct server *server = ctx;
	const union MHD_ConnectionInfo *info;
	char client[ADDR_TEXT_SIZE];
	sender_key who;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		who = name_client(mhd, client);
		*socket_context = info == NULL ? NULL :
		    connection_open(&server->connections, info->connect_fd, who, clock_ms());
		if (*socket_context != NULL)
			memcpy(((struct connection *)*socket_context)->request.client, client, sizeof(client));
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
	struct web_counters *counters = &server->web->counters;

	if (n > 0)
		atomic_fetch_add_explicit(&counters->cut, n, memory_order_relaxed);
	/* Of each listener: what came since it was looked at last. */
	atomic_fetch_add_explicit(&counters->evicted, atomic_exchange(&server->connections.evicted, 0), memory_order_relaxed);
	atomic_fetch_add_explicit(&counters->crowded, atomic_exchange(&server->connections.refused, 0), memory_order_relaxed);
}

void
server_stop(struct server *server)
{
	MHD_stop_daemon(server->daemon);
	respond_forget(server);
	connections_clear(&server->connections);
	free(server);
}

const char *
server_library(void)
{
	return MHD_get_version();
}
