/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin.c - POST /api/v1/allow and /api/v1/forget: the operator's decisions over HTTP.
 *
 * Whoever asks shows a token in a header of its own, which no other site's page can make a browser send;
 * a request that a browser says comes from elsewhere is refused all the same.  Nothing is done here: watch
 * does it, and writes who asked.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mxtrap/token.h"
#include "web_int.h"

/* Is this Origin the very server that was asked?  "http://HOST" or "https://HOST", HOST as in Host. */
static bool
is_same_origin(const struct request *req)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(req->origin, schemes[i], n) == 0 && strcasecmp(req->origin + n, req->host) == 0)
			return true;
	}
	return false;
}

/* False: *reply says what is wrong with where it comes from. */
static bool
comes_from_here(struct web *web, const struct request *req, struct reply *reply)
{
	bool fetched = req->fetch_site[0] != '\0';

	if ((!fetched || strcmp(req->fetch_site, "same-origin") == 0 || strcmp(req->fetch_site, "none") == 0) &&
	    (req->origin[0] == '\0' || is_same_origin(req)))
		return true;
	atomic_fetch_add_explicit(&web->counters.refused_origins, 1, memory_order_relaxed);
	reply_problem(reply, 403, "found a request that a page of another site made (Origin, Sec-Fetch-Site), "
	    "expected one from here");
	return false;
}

/* Whose token is it?  False: *reply says so. */
static bool
identify(struct web *web, const struct request *req, struct identity *who, struct reply *reply)
{
	bool ok = false;

	(void)pthread_mutex_lock(&web->lock);
	if (web->report == NULL)
		reply_report(reply, REPORT_BUSY);
	else if ((ok = identity_of(web, req, TOKEN_SCOPE_ADMIN, true, who, reply)))
		(void)consumer_came(web, req, who, "api");
	(void)pthread_mutex_unlock(&web->lock);
	return ok;
}

/* "30d" from now; false: something else. */
static bool
parse_for(const char *text, int64_t now_s, uint32_t *expires_s)
{
	static const struct { char unit; int64_t s; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	int64_t n = 0;

	if (*text < '1' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (*text - '0');
		if (n > 36500LL * 86400)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (text[0] != units[i].unit || text[1] != '\0' || n > 36500LL * 86400 / units[i].s)
			continue;
		*expires_s = (uint32_t)(now_s + n * units[i].s);
		return true;
	}
	return false;
}

/* The body as a decision.  False: *reply says what is wrong. */
static bool
read_decision(const struct request *req, enum admin_op op, struct message_admin *m, struct prefix *what,
    struct reply *reply)
{
	char cidr[PREFIX_TEXT_SIZE] = "", span[16] = "", why[FIELDS_WHY_SIZE];
	bool remove = false;
	struct field fields[] = {
		{ "cidr", cidr, sizeof(cidr), NULL, false }, { "note", m->note, sizeof(m->note), NULL, false },
		{ "for", span, sizeof(span), NULL, false }, { "remove", NULL, 0, &remove, false },
	};

	if (req->body_size > REQUEST_BODY_MAX || !fields_read(req->body, req->body_size, fields,
	    op == ADMIN_ALLOW ? 4 : 2, why)) {
		reply_problem(reply, 400, "%s", req->body_size > REQUEST_BODY_MAX ? "the body is too long" : why);
		return false;
	}
	if (!prefix_parse(what, cidr)) {
		reply_problem(reply, 400, "cidr: expected an address, or a network whose host bits are zero, "
		    "like 192.0.2.0/24");
		return false;
	}
	if (remove && span[0] != '\0') {
		reply_problem(reply, 400, "found for and remove: expected one of them");
		return false;
	}
	if (fields[2].given && !parse_for(span, req->now_s, &m->expires_s)) {
		reply_problem(reply, 400, "for: expected a time like 12h or 30d");
		return false;
	}
	if (remove)
		m->expires_s = ADMIN_WITHDRAW;
	memcpy(m->addr, what->addr.b, sizeof(m->addr));
	m->len = what->len;
	return true;
}

static void
tell_done(const struct message_admin *m, const struct prefix *what, const struct message_answer *answer,
    struct reply *reply)
{
	char cidr[PREFIX_TEXT_SIZE];
	struct json json;

	json_to_buffer(&json);
	json_object(&json, NULL);
	json_string(&json, "cidr", prefix_format(what, cidr));
	json_string(&json, "done", m->op == ADMIN_FORGET ? "forgotten" : m->expires_s == ADMIN_WITHDRAW ? "withdrawn" :
	    "allowed");
	if (m->op == ADMIN_ALLOW && m->expires_s > ADMIN_WITHDRAW)
		json_uint(&json, "expires", m->expires_s);
	else
		json_null(&json, "expires");
	json_string(&json, "says", answer->text);
	json_end(&json);
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
}

static void
decide(struct web *web, const struct request *req, enum admin_op op, struct reply *reply)
{
	struct message_admin m = { .op = op };
	struct message_answer answer;
	struct identity who;
	struct prefix what;

	if (!comes_from_here(web, req, reply) || !identify(web, req, &who, reply))
		return;
	if (strncasecmp(req->content_type, "application/json", 16) != 0 ||
	    (req->content_type[16] != '\0' && req->content_type[16] != ';' && req->content_type[16] != ' ')) {
		reply_problem(reply, 415, "expected Content-Type: application/json");
		return;
	}
	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	if (!read_decision(req, op, &m, &what, reply))
		return;
	(void)snprintf(m.who, sizeof(m.who), "api:%.50s", who.who);
	switch (line_ask(web->config->state_dir, &m, &answer)) {
	case LINE_DONE:
		atomic_fetch_add_explicit(&web->counters.decisions, 1, memory_order_relaxed);
		tell_done(&m, &what, &answer, reply);
		return;
	case LINE_REFUSED:
		reply_problem(reply, 503, "watch says: %.200s", answer.text);
		return;
	case LINE_SILENT:
		reply_problem(reply, 503, "watch did not answer in time: it may still be done, so look before you ask again");
		return;
	case LINE_DOWN:
		reply_problem(reply, 503, "watch cannot be reached: nothing was done");
		return;
	}
}

void
handle_allow(struct web *web, const struct request *req, struct reply *reply)
{
	decide(web, req, ADMIN_ALLOW, reply);
}

void
handle_forget(struct web *web, const struct request *req, struct reply *reply)
{
	decide(web, req, ADMIN_FORGET, reply);
}
