/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.c - what matters of a request's headers, and whether they forbid to read on.
 *
 * Each is seen once, as it was sent; what must be there once and is there twice makes the request odd.
 */
#include <stdlib.h>
#include <string.h>

#include "web_int.h"

void
header_begin(struct headers *seen, struct request *req)
{
	*seen = (struct headers){ .post = req->posts ? req : NULL, .fetch = req->fetches ? req : NULL };
	req->url_token[0] = req->api_key[0] = req->agent[0] = req->authorization[0] = '\0';
	if (req->posts)
		req->origin[0] = req->fetch_site[0] = req->content_type[0] = req->host[0] = '\0';
	req->last_event_id[0] = '\0';
	req->body_size = 0;
}

/* What a request that changes something has to show; each once. */
static void
see_post(struct headers *seen, const char *name, const char *value)
{
	const struct { const char *name; char *to; size_t size; } headers_of_post[] = {
		{ "Origin", seen->post->origin, sizeof(seen->post->origin) },
		{ "Sec-Fetch-Site", seen->post->fetch_site, sizeof(seen->post->fetch_site) },
		{ "Content-Type", seen->post->content_type, sizeof(seen->post->content_type) },
		{ "Authorization", seen->post->authorization, sizeof(seen->post->authorization) },
		{ "Host", seen->post->host, sizeof(seen->post->host) },
	};

	for (size_t i = 0; i < ARRAY_LEN(headers_of_post); i++) {
		if (strcasecmp(headers_of_post[i].name, name) != 0)
			continue;
		if (*headers_of_post[i].to != '\0' || strlen(value) >= headers_of_post[i].size)
			seen->odd = true;
		(void)snprintf(headers_of_post[i].to, headers_of_post[i].size, "%s", value);
	}
}

/* Who fetches, and how he wants it. */
static void
see_fetch(struct headers *seen, const char *name, const char *value)
{
	struct request *req = seen->fetch;

	if (strcasecmp(name, "User-Agent") == 0) {
		(void)snprintf(req->agent, sizeof(req->agent), "%s", value);	/* as much of it as there is room for */
	} else if (strcasecmp(name, "X-Api-Key") == 0) {
		seen->odd = seen->odd || req->api_key[0] != '\0' || strlen(value) >= sizeof(req->api_key);
		(void)snprintf(req->api_key, sizeof(req->api_key), "%s", value);
	} else if (seen->post == NULL && strcasecmp(name, "Authorization") == 0) {
		seen->odd = seen->odd || req->authorization[0] != '\0' || strlen(value) >= sizeof(req->authorization);
		(void)snprintf(req->authorization, sizeof(req->authorization), "%s", value);
	}
}

void
header_see(struct headers *seen, const char *name, const char *value)
{
	if (seen->post != NULL)
		see_post(seen, name, value);
	if (seen->fetch != NULL)
		see_fetch(seen, name, value);
	switch (name[0] | 0x20) {
	case 'a':
		if (strcasecmp(name, "Accept-Encoding") == 0)
			seen->takes_gzip = gzip_wanted(value);
		break;
	case 'h':
		if (strcasecmp(name, "Host") == 0) {
			seen->host = value;
			seen->n_hosts++;
		}
		break;
	case 'l':
		if (strcasecmp(name, "Last-Event-ID") == 0)
			seen->last_event_id = value;
		break;
	case 'i':
		if (strcasecmp(name, "If-None-Match") == 0)
			seen->if_none_match = value;
		break;
	case 'c':
		if (strcasecmp(name, "Content-Length") == 0 && strcmp(value, "0") != 0) {
			seen->has_body = true;
			seen->length = strtoull(value, NULL, 10);
		}
		break;
	case 't':
		if (strcasecmp(name, "Transfer-Encoding") == 0)
			seen->has_body = seen->chunked = true;
		break;
	}
}

/*
 * A page elsewhere that had its own name point here would read us by that name.  A browser always sends one, so what
 * is older than the header (HAProxy's check) may come without.
 */
static bool
host_acceptable(const struct web *web, const struct headers *seen, const struct request *req)
{
	if (seen->n_hosts > 1)
		return false;
	if (route_any_host(req))
		return true;
	return seen->n_hosts == 0 ? req->is_old : hosts_allow(&web->hosts, seen->host);
}

bool
header_acceptable(struct web *web, const struct headers *seen, struct request *req, struct reply *reply)
{
	req->takes_gzip = seen->takes_gzip;
	if (!host_acceptable(web, seen, req)) {
		atomic_fetch_add_explicit(&web->counters.refused_hosts, 1,
		    memory_order_relaxed);
		if (seen->n_hosts != 1)
			reply_problem(reply, 421, "found %u Host headers, expected one", seen->n_hosts);
		else
			reply_problem(reply, 421, "found Host: %.80s, expected localhost, an address, or one of web { hosts }; "
			    "put this name there if it is yours", seen->host);
		return false;
	}
	if (seen->has_body && !req->posts) {
		reply_problem(reply, 413, "expected a body only with a POST that changes something");
		return false;
	}
	if (seen->chunked || seen->length > (req->discards ? DISCARD_MAX : REQUEST_BODY_MAX)) {
		reply_problem(reply, 413, "expected a body of at most %d bytes, with its Content-Length",
		    req->discards ? DISCARD_MAX : REQUEST_BODY_MAX);
		return false;
	}
	if (seen->odd) {
		reply_problem(reply, 400, "found a header twice, or one that is too long");
		return false;
	}
	if (seen->last_event_id != NULL)
		(void)snprintf(req->last_event_id, sizeof(req->last_event_id), "%s", seen->last_event_id);
	if (seen->if_none_match != NULL && strlen(seen->if_none_match) < sizeof(req->if_none_match))
		(void)snprintf(req->if_none_match, sizeof(req->if_none_match), "%s",
		    seen->if_none_match);
	return true;
}
