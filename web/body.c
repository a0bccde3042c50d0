/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.c - GET /export/{format}: from the cache of renderings to a reply.
 *
 * Small and large go the same way as far as they can; a list has either size on different days.  One that is still
 * being rendered is sent as it grows, so that the first byte never waits for the last.
 */
#include <fcntl.h>
#include <string.h>

#include "mxtrap/suggest.h"
#include "mxtrap/token.h"
#include "web_int.h"

#define GZIP_MIN	 1024		/* smaller documents gain nothing */
#define EXPORT_FRESH_S	 60		/* a client need not ask again sooner */
#define ENTRY_BYTES	 256		/* of any format, about: for a deadline */

static void
unknown_format(struct reply *reply, const char *name)
{
	const struct export_format *format;
	struct suggest near = { .typed = name };
	char all[400] = "";

	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++) {
		size_t n = strlen(all);

		suggest_offer(&near, format->name);
		(void)snprintf(all + n, sizeof(all) - n, "%s%s", i == 0 ? "" : ", ", format->name);
	}
	reply_problem(reply, 404, "no such format \"%.40s\"%s%s%s; there are %s", name, near.best != NULL ? ": did you mean " : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "?" : "", all);
}

/* Strong where the state alone makes the document, weak and by the minute where the clock does, too. */
static void
etag(struct reply *reply, const struct export_slot *slot, bool relative, bool gzipped)
{
	char minute[24] = "", held[24] = "";

	if (relative)
		(void)snprintf(minute, sizeof(minute), ":%lld", (long long)slot->minute);
	/* What is held back is no matter of the serial. */
	if (slot->held_s != 0)
		(void)snprintf(held, sizeof(held), ":held%lu", (unsigned long)slot->held_s);
	(void)snprintf(reply->etag, sizeof(reply->etag), "%s\"%016llx:%llu:%s%s%s%s%s%s%s\"", relative ? "W/" : "",
	    (unsigned long long)slot->generation, (unsigned long long)slot->serial, slot->format->name,
	    *slot->key != '\0' ? ":" : "", slot->key, minute, held, slot->unpublished ? ":unpublished" : "",
	    gzipped ? ":gzip" : "");
}

/* "nftables?family=4": as somebody would ask for it. */
static void
name_document(const struct request *req, const struct export_format *format, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s", format->name);

	for (size_t i = 0; i < req->n_params && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%c%s=%s", i == 0 ? '?' : '&', req->params[i].name, req->params[i].value);
}

bool
export_body(const struct request *req, struct export_slot *slot, struct document *document, struct reply *reply)
{
	uint64_t size;
	enum document_stage stage = document_stage(document, &size);

	switch (stage) {
	case DOCUMENT_FAILED:
		if (slot->result == EXPORT_ERROR)
			reply_problem(reply, 500, "the export could not be written (the log says more)");
		else
			reply_problem(reply, 503, "the list moved while it was read, or the database is busy");
		return false;
	case DOCUMENT_QUEUED:
	case DOCUMENT_GROWS:
		if (stage == DOCUMENT_QUEUED || req->needs_length) {
			reply->kind = BODY_LATER;
			reply->wait_for = req->needs_length ? DOCUMENT_WHOLE : DOCUMENT_GROWS;
			reply->document = document_ref(document);
			return false;
		}
		reply->kind = BODY_GROWING;
		reply->document = document_ref(document);
		reply->size = (slot->summary.state.n_listed + slot->summary.state.n_suspect) * ENTRY_BYTES;
		break;
	case DOCUMENT_WHOLE:
		reply->fd = fcntl(document->fd, F_DUPFD_CLOEXEC, 3);
		if (reply->fd == -1) {
			reply_problem(reply, 503, "no descriptor is free");
			return false;
		}
		reply->kind = BODY_FD;
		reply->size = size;
		break;
	}
	reply->status = 200;
	return true;
}

void
handle_export(struct web *web, const struct request *req, struct reply *reply)
{
	const struct export_format *format = export_format_find(req->arg);
	struct export_options options = { .family = 0 };
	char why[EXPORT_WHY_SIZE], wanted[TOKEN_SCOPE_SIZE], what[sizeof(((struct consumer_row *)0)->what)];
	struct document *gzip = NULL;
	struct export_slot *slot;
	struct consumer_row *row;
	struct identity who;
	uint64_t size;

	if (format == NULL) {
		unknown_format(reply, req->arg);
		return;
	}
	for (size_t i = 0; i < req->n_params; i++)
		if (!export_option(&options, req->params[i].name, req->params[i].value, why)) {
			reply_problem(reply, 400, "%s", why);
			return;
		}
	(void)snprintf(wanted, sizeof(wanted), TOKEN_SCOPE_EXPORT ":%s", format->name);
	if (!identity_of(web, req, wanted, false, &who, reply))
		return;
	slot = export_slot(web, format, &options, req->now_s, reply);
	if (slot == NULL)
		return;
	reply->varies = document_stage(slot->plain, &size) != DOCUMENT_WHOLE || size > GZIP_MIN;
	if (req->takes_gzip && reply->varies)
		gzip = export_gzip(web, slot);
	if (!export_body(req, slot, gzip != NULL ? gzip : slot->plain, reply))
		return;
	reply->gzipped = gzip != NULL;
	reply->media_type = format->media_type;
	reply->cache_control = "max-age=60";
	reply->last_modified_s = slot->summary.state.changed_s;
	reply->expires_s = req->now_s + EXPORT_FRESH_S;
	/* Why it is empty is part of the state: else a client would keep the empty one. */
	etag(reply, slot, export_relative(format, &options), reply->gzipped);
	if (slot->unpublished)
		reply_unpublished(reply, slot->summary.why);
	name_document(req, format, what, sizeof(what));
	row = consumer_came(web, req, &who, what);
	consumer_has(row, &slot->summary.state);
	/* An empty document is nothing of the list. */
	if (slot->unpublished)
		row->serial = row->before = 0;
}
