/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server.h - a listener, and what its two files share: server.c hears requests, respond.c sends what answers them.
 *
 * Nothing else includes it: the HTTP library is known to these two alone.
 */
#ifndef MXTRAP_WEB_SERVER_H
#define MXTRAP_WEB_SERVER_H

#include <microhttpd.h>

#include "web_int.h"

#define CONSTANTS_MAX 4

struct server {
	struct MHD_Daemon *daemon;
	struct web	  *web;
	/* Ready answers with a constant body and no ETag: "not listed", "ok". */
	struct { const void *body; struct MHD_Response *response; } constants[CONSTANTS_MAX];
	struct connections connections;
};

/* Queue it; what the reply owned is the library's. */
enum MHD_Result respond(struct server *, struct connection *, struct MHD_Connection *, struct reply *);
/* A client sleeps until the document has come so far.  False: it has, already. */
bool respond_later(struct document *, struct connection *, struct MHD_Connection *, enum document_stage, uint64_t beyond);
void respond_forget(struct server *);

#endif
