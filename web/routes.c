/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * routes.c - which path is answered by whom: one table.
 *
 * What a route does not name is refused with what was expected (refuse.c): a mistyped
 * parameter that is ignored looks like an answer to the question.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "route.h"

#define LIMIT(n)   { "limit", "1 to " #n }
#define AFTER	   { "after", "the \"next\" of the page before" }
#define ORDER	   { "order", "address, since or ends" }
#define STATES	   "listed, held, suspect, allowed, cleared, noticed, unknown or all; several joined by |"
#define OF_BOUNCER { "scopes", "ip,range" }, { "origins", "mxtrap" }, { "scenarios_containing", "none" }, \
	{ "scenarios_not_containing", "none" }, { "dedup", "true or false" }

const struct route routes[] = {
	{ "/api/v1/check/", handle_check, .arg = "ADDRESS", .prefix = true },
	{ "/api/v1/list", handle_list, handle_list_by_hand, .params = { { "state", STATES }, LIMIT(1000), AFTER,
	    { "order", "address, since, ends or score" } } },
	{ "/api/v1/senders", handle_senders, .params = { { "query", "an address or CIDR, a state, a reason, a class, set:NAME, "
	    "fingerprint:TEXT" }, LIMIT(1000), AFTER, ORDER } },
	{ "/api/v1/senders/", handle_sender, .arg = "ADDRESS", .prefix = true, .params = { LIMIT(1000) } },
	{ "/api/v1/mx-sets", handle_mx_sets, .params = { LIMIT(1000), AFTER } },
	{ "/api/v1/risk", handle_risk, .params = { LIMIT(1000) } },
	{ "/api/v1/series", handle_series, .params = { { "from", "Unix seconds" }, { "to", "Unix seconds" },
	    { "step", "hour or day" } } },
	{ "/api/v1/overview", handle_overview, .arg = NULL },
	{ "/api/v1/breakdown", handle_breakdown, .params = { { "by", "country or asn" }, { "state", "listed or suspect" } } },
	{ "/api/v1/about", handle_about, .arg = NULL },
	{ "/api/v1/status", handle_status, .arg = NULL },
	{ "/api/v1/events", handle_events, .params = { { "since", "GENERATION:SERIAL" }, { "only", "changes" } } },
	{ "/api/v1/audit", handle_audit, .params = { LIMIT(500), AFTER } },
	{ "/api/v1/tokens", handle_token_add, .posts = true },
	{ "/api/v1/tokens/revoke", handle_token_revoke, .posts = true },
	{ "/api/v1/allow", handle_allow, .posts = true },
	{ "/api/v1/forget", handle_forget, .posts = true },
	{ "/api/v1/publish", handle_publish, .posts = true },
	{ "/export/changes", handle_changes, .params = { { "since", "GENERATION:SERIAL" }, LIMIT(20000) } },
	{ "/export/", handle_export, .arg = "FORMAT", .also = "/x/TOKEN/FORMAT", .params = { { "family", "4 or 6" },
	    { "grade", "syn, resyn, proven, addressed or accepted" }, { "include", "suspects, scanners or suspects,scanners" },
	    { "min-score", "0 to 20" }, LIMIT(1000000) } },
	{ "/v1/decisions/stream", handle_decisions_stream, .params = { { "startup", "true or false" }, OF_BOUNCER,
	    { "additional_pull", "true or false" }, { "community_pull", "true or false" } } },
	{ "/v1/decisions", handle_decisions, .params = { { "ip", "an address" }, { "range", "a sender as a CIDR" },
	    { "scope", "ip or range" }, { "value", "an address or CIDR" }, { "type", "ban" }, OF_BOUNCER } },
	{ "/v1/usage-metrics", handle_usage_metrics, .posts = true },
	{ "/api/v1/consumers", handle_consumers, .arg = NULL },
	{ "/metrics", handle_metrics, .no_database = true },
	{ "/healthz", handle_healthz, .no_database = true, .any_host = true },
};
const size_t n_routes = ARRAY_LEN(routes);

const char *
route_at(size_t i, bool *has_arg, bool *posts)
{
	if (i >= ARRAY_LEN(routes))
		return NULL;
	*has_arg = routes[i].arg != NULL;
	*posts = routes[i].posts || routes[i].changes != NULL;
	return routes[i].path;
}

const char *
route_param_at(size_t i, size_t k, const char **form)
{
	if (i >= ARRAY_LEN(routes) || k >= ROUTE_PARAMS || routes[i].params[k].name == NULL)
		return NULL;
	*form = routes[i].params[k].form;
	return routes[i].params[k].name;
}

/* A CIDR's slash comes as %2F, or as such with its length behind it; any other slash would be another level. */
static bool
is_one_level(const struct route *r, const char *rest)
{
	const char *slash = strchr(rest, '/');

	return slash == NULL || (r->prefix && slash != rest && slash[1] != '\0' && strspn(slash + 1, "0123456789") <= 3 &&
	    slash[1 + strspn(slash + 1, "0123456789")] == '\0');
}

static const struct route *
find_route(struct request *req)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *r = &routes[i];
		size_t n = strlen(r->path);
		const char *rest;

		if (r->arg == NULL) {
			if (strcmp(req->path, r->path) == 0)
				return r;
			continue;
		}
		if (strncmp(req->path, r->path, n) != 0)
			continue;
		rest = req->path + n;
		if (*rest == '\0' || !is_one_level(r, rest))
			return NULL;
		if (!request_decode(req->arg, sizeof(req->arg), rest, strlen(rest), false))
			return NULL;
		return r;
	}
	return NULL;
}

/* The first parameter that the route does not know, or NULL. */
static const char *
odd_param(const struct route *r, const struct request *req)
{
	for (size_t i = 0; i < req->n_params; i++) {
		size_t k = 0;

		while (r->params[k].name != NULL && strcmp(r->params[k].name, req->params[i].name) != 0)
			k++;
		if (r->params[k].name == NULL)
			return req->params[i].name;
	}
	return NULL;
}

bool
route_any_host(const struct request *req)
{
	for (size_t i = 0; req->result == REQUEST_OK && i < ARRAY_LEN(routes); i++)
		if (routes[i].any_host && strcmp(req->path, routes[i].path) == 0)
			return true;
	return false;
}

bool
route_fetches(const struct request *req)
{
	static const char *const paths[] = { "/export/", "/x/", "/v1/" };

	for (size_t i = 0; req->result == REQUEST_OK && i < ARRAY_LEN(paths); i++)
		if (strncmp(req->path, paths[i], strlen(paths[i])) == 0)
			return true;
	return false;
}

/* "/x/TOKEN/FORMAT" is "/export/FORMAT" of whoever has the token; for consumers that can do nothing but fetch a URL. */
static bool
take_token(struct request *req)
{
	const char *slash;
	char rest[REQUEST_ARG_SIZE];

	if (strncmp(req->path, "/x/", 3) != 0)
		return true;
	slash = strchr(req->path + 3, '/');
	if (slash == NULL || slash == req->path + 3 || strlen(slash) >= sizeof(rest) ||
	    !request_decode(req->url_token, sizeof(req->url_token), req->path + 3, (size_t)(slash - req->path) - 3, false))
		return false;
	(void)snprintf(rest, sizeof(rest), "%s", slash);
	(void)snprintf(req->path, sizeof(req->path), "/export%s", rest);
	return true;
}

bool
route_posts(const struct request *req, const char *method)
{
	if (strcmp(method, "POST") != 0 || req->result != REQUEST_OK)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if ((routes[i].posts || routes[i].changes != NULL) && strcmp(req->path, routes[i].path) == 0)
			return true;
	return false;
}

static const struct asset *
find_asset(const char *path)
{
	if (strcmp(path, "/") == 0)
		path = "/index.html";
	for (size_t i = 0; i < n_assets; i++)
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	return NULL;
}

static void
serve_asset(const struct asset *asset, bool takes_gzip, struct reply *reply)
{
	reply->status = 200;
	reply->kind = BODY_STATIC;
	reply->varies = asset->gzip != NULL;
	reply->gzipped = reply->varies && takes_gzip;
	reply->body = reply->gzipped ? asset->gzip : asset->bytes;
	reply->size = reply->gzipped ? asset->gzip_size : asset->size;
	reply->media_type = asset->media_type;
	/* Its quotes closed behind the mark: other bytes, another tag. */
	(void)snprintf(reply->etag, sizeof(reply->etag), "%.*s%s", (int)strlen(asset->etag) - 1, asset->etag,
	    reply->gzipped ? ":gzip\"" : "\"");
}

/* Why the database cannot be read, in place of "it cannot be". */
static void
explain_unreadable(struct web *web, const struct request *req, struct reply *reply)
{
	struct status *status = malloc(sizeof(*status));
	struct status_fact fact = { .kind = STATUS_DATABASE };
	char text[STATUS_SENTENCE_SIZE];

	if (status == NULL)
		return;
	status_read(status, web->config, web->report, web->opened, req->now_s, STATUS_ROWS);
	if (!status_readable(status))
		reply_problem(reply, status->stored.state == STORED_DAMAGED ? 500 : 503, "%s", status_sentence(status, &fact, text));
	free(status);
}

static void
run(struct web *web, const struct route *r, const struct request *req, struct reply *reply)
{
	(void)pthread_mutex_lock(&web->lock);
	atomic_store(&web->busy_since_ms, clock_ms());
	if (web->report == NULL && !r->no_database)
		reply_report(reply, web->opened > REPORT_NONE ? web->opened : REPORT_BUSY);
	else
		r->handle(web, req, reply);
	if (reply->unreadable)
		explain_unreadable(web, req, reply);
	atomic_store(&web->busy_since_ms, 0);
	(void)pthread_mutex_unlock(&web->lock);
}

void
route(struct web *web, struct request *req, const char *method, struct reply *reply)
{
	const struct asset *asset;
	const struct route *r;
	const char *odd;

	if (req->result == REQUEST_TOO_LONG) {
		reply_problem(reply, 414, "at most %d bytes are read", REQUEST_URI_MAX);
		return;
	}
	if (req->result != REQUEST_OK) {
		reply_problem(reply, 400, "expected /path?name=value&..., each name once, "
		    "escapes as %%XX, at most %d parameters", REQUEST_MAX_PARAMS);
		return;
	}
	asset = find_asset(req->path);
	r = asset == NULL && take_token(req) ? find_route(req) : NULL;
	if (asset == NULL && r == NULL) {
		refuse_path(req->path, reply);
		return;
	}
	if (r != NULL && (r->posts || (r->changes != NULL && strcmp(method, "POST") == 0))) {
		if (strcmp(method, "POST") != 0) {
			refuse_method(r, method, reply);
		} else if ((odd = req->n_params > 0 ? req->params[0].name : NULL) != NULL) {
			reply_problem(reply, 400, "found the parameter \"%.40s\", expected none: what is asked for stands in the body",
			    odd);
		} else {
			/* It waits for watch, and nobody else shall. */
			(r->changes != NULL ? r->changes : r->handle)(web, req, reply);
		}
		return;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		refuse_method(r, method, reply);
		return;
	}
	if (asset != NULL) {
		serve_asset(asset, req->takes_gzip, reply);
	} else if ((odd = odd_param(r, req)) != NULL) {
		refuse_param(r, odd, reply);
	} else {
		run(web, r, req, reply);
	}
	if (reply->status == 200 && reply->etag[0] != '\0' && req->if_none_match[0] != '\0' &&
	    etag_matches(req->if_none_match, reply->etag))
		reply_not_modified(reply);
}
