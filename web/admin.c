/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin.c - POST /api/v1/allow, /api/v1/forget and /api/v1/list: the operator's decisions over HTTP.
 *
 * Whoever asks shows a token in a header of its own, which no other site's page can make a browser send;
 * a request that a browser says comes from elsewhere is refused all the same.  Nothing is done here: watch
 * does it, and writes who asked.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mxtrap/beat.h"
#include "mxtrap/hand.h"
#include "mxtrap/token.h"
#include "web_int.h"

/* Is this Origin the very server that was asked?  "http://HOST" or "https://HOST", HOST as in Host. */
static bool
is_same_origin(const struct request *req)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_LEN(schemes) && req->host[0] != '\0'; i++) {
		size_t n = strlen(schemes[i]);

		if (strncasecmp(req->origin, schemes[i], n) == 0 && strcasecmp(req->origin + n, req->host) == 0)
			return true;
	}
	return false;
}

/*
 * A proxy may have put another name into Host; the Origin is then the proxy's own.  That is right where the browser
 * itself says that page and server are one, and the Origin names this server.
 */
static bool
is_proxied_origin(const struct web *web, const struct request *req)
{
	const char *host = strstr(req->origin, "://");

	return strcmp(req->fetch_site, "same-origin") == 0 && host != NULL && hosts_name_us(&web->hosts, host + 3);
}

/* False: *reply says what is wrong with where it comes from. */
static bool
comes_from_here(struct web *web, const struct request *req, struct reply *reply)
{
	bool fetched = req->fetch_site[0] != '\0';

	if ((!fetched || strcmp(req->fetch_site, "same-origin") == 0 || strcmp(req->fetch_site, "none") == 0) &&
	    (req->origin[0] == '\0' || is_same_origin(req) || is_proxied_origin(web, req)))
		return true;
	atomic_fetch_add_explicit(&web->counters.refused_origins, 1, memory_order_relaxed);
	reply_problem(reply, 403, "found a request that a page of another site made (Origin, Sec-Fetch-Site), "
	    "expected one from here; a proxy in front of mxtrapd hands Host on, and web { hosts } has its name");
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

bool
parse_for(const char *text, int64_t now_s, uint32_t *expires_s)
{
	static const struct { char unit; int64_t s; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	int64_t n = 0;

	if (*text < '1' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (*text - '0');
		if (n > HAND_FAR_S)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (text[0] != units[i].unit || text[1] != '\0' || n > HAND_FAR_S / units[i].s)
			continue;
		*expires_s = (uint32_t)(now_s + n * units[i].s);
		return true;
	}
	return false;
}

/* "1764153600", a string as all that is no truth. */
static bool
parse_until(const char *text, int64_t now_s, uint32_t *expires_s)
{
	uint64_t n = 0;

	for (; *text >= '0' && *text <= '9' && n <= UINT32_MAX; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	if (*text != '\0' || n > UINT32_MAX || (int64_t)n <= now_s)
		return false;
	*expires_s = (uint32_t)n;
	return true;
}

/* How long it is listed by hand: always for a time, to a full minute. */
static bool
read_term(int64_t now_s, struct message_admin *m, struct reply *reply)
{
	if (m->expires_s == 0)
		m->expires_s = (uint32_t)(now_s + HAND_TERM_S);
	if (m->expires_s > now_s + HAND_MAX_S) {
		reply_problem(reply, 400, "for: found more than 30d, expected 30d at most: what is listed by hand ends");
		return false;
	}
	m->expires_s = (m->expires_s + 59) / 60 * 60;
	return true;
}

/* "4711", the number of a decision in the audit. */
static bool
parse_id(const char *text, int64_t *id)
{
	int64_t n = 0;

	for (; *text >= '0' && *text <= '9' && n < INT64_MAX / 100; text++)
		n = n * 10 + (*text - '0');
	*id = n;
	return *text == '\0' && n > 0;
}

/* The body as a decision, and which one it undoes (0: none).  False: *reply says what is wrong. */
static bool
read_decision(const struct web *web, const struct request *req, enum admin_op op, struct message_admin *m, struct prefix *what,
    int64_t *undoes, struct reply *reply)
{
	char cidr[PREFIX_TEXT_SIZE] = "", span[16] = "", until[16] = "", id[24] = "", why[FIELDS_WHY_SIZE];
	int64_t now_s = beat_now_s(web->config->state_dir, req->now_s);	/* by the time that watch goes by */
	bool remove = false, force = false;
	struct field fields[] = {
		{ "cidr", cidr, sizeof(cidr), NULL, false }, { "note", m->note, sizeof(m->note), NULL, false },
		{ "for", span, sizeof(span), NULL, false }, { "remove", NULL, 0, &remove, false },
		{ "until", until, sizeof(until), NULL, false }, { "undoes", id, sizeof(id), NULL, false },
		{ "force", NULL, 0, &force, false },
	};

	*undoes = 0;

	if (req->body_size > REQUEST_BODY_MAX || !fields_read(req->body, req->body_size, fields,
	    op == ADMIN_FORGET ? 2 : op == ADMIN_LIST ? ARRAY_LEN(fields) - 1 : ARRAY_LEN(fields), why)) {
		reply_problem(reply, 400, "%s", req->body_size > REQUEST_BODY_MAX ? "the body is too long" : why);
		return false;
	}
	if (!prefix_parse(what, cidr)) {
		reply_problem(reply, 400, "cidr: found %s%.60s%s, expected an address, or a network whose host bits are zero, "
		    "like 192.0.2.0/24", fields[0].given ? "\"" : "", fields[0].given ? cidr : "none", fields[0].given ? "\"" : "");
		return false;
	}
	if (remove + fields[2].given + fields[4].given > 1) {
		reply_problem(reply, 400, "found several of for, until and remove: expected one of them");
		return false;
	}
	if (op == ADMIN_LIST && what->len != 128 && (what->len != 64 || addr_is_v4(&what->addr))) {
		reply_problem(reply, 400, "cidr: found \"%.60s\", expected one address, or a /64 of IPv6: nothing wider is listed by "
		    "hand", cidr);
		return false;
	}
	if (fields[2].given && !parse_for(span, now_s, &m->expires_s)) {
		reply_problem(reply, 400, "for: found \"%.20s\", expected a time like 12h or 30d, 18250d at most", span);
		return false;
	}
	if (fields[4].given && !parse_until(until, now_s, &m->expires_s)) {
		reply_problem(reply, 400, "until: found \"%.20s\", expected Unix seconds, of a time to come", until);
		return false;
	}
	if (fields[5].given && !parse_id(id, undoes)) {
		reply_problem(reply, 400, "undoes: found \"%.24s\", expected the id of a decision, as GET /api/v1/audit has it", id);
		return false;
	}
	if (op == ADMIN_LIST && !remove && !read_term(now_s, m, reply))
		return false;
	if (remove)
		m->expires_s = ADMIN_WITHDRAW;
	m->force = force;
	memcpy(m->addr, what->addr.b, sizeof(m->addr));
	m->len = what->len;
	return true;
}

/* The newest decision about it: this one. */
static void
tell_undo(struct web *web, const struct request *req, const struct prefix *what, struct json *json)
{
	struct report_audit row;
	bool known;

	(void)pthread_mutex_lock(&web->lock);
	known = web->report != NULL && report_audit_of(web->report, what, &row) == REPORT_OK;
	(void)pthread_mutex_unlock(&web->lock);
	if (known)
		json_undo(json, &row, req->now_s);
	else
		json_null(json, "undo");
}

static void
tell_done(struct web *web, const struct request *req, const struct message_admin *m, const struct prefix *what,
    const struct message_answer *answer, struct reply *reply)
{
	bool gone = m->expires_s == ADMIN_WITHDRAW;
	char cidr[PREFIX_TEXT_SIZE];
	struct json json;

	json_to_buffer(&json);
	json_object(&json, NULL);
	json_string(&json, "cidr", prefix_format(what, cidr));
	json_string(&json, "done", m->op == ADMIN_FORGET ? "forgotten" : gone ? "withdrawn" : m->op == ADMIN_LIST ? "listed" :
	    "allowed");
	if (m->op != ADMIN_FORGET && m->expires_s > ADMIN_WITHDRAW)
		json_uint(&json, "expires", m->expires_s);
	else
		json_null(&json, "expires");
	json_uint(&json, "ended", answer->ended);
	json_uint(&json, "back", m->op == ADMIN_ALLOW ? answer->back : 0);
	json_string(&json, "says", answer->text);
	tell_undo(web, req, what, &json);
	json_bool(&json, "final", m->op == ADMIN_FORGET);
	json_end(&json);
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
}

static bool
keep_audit(void *ctx, const struct report_audit *row)
{
	*(struct report_audit *)ctx = *row;
	return false;
}

/* Is that decision about it still the last word?  False: *reply says that it is not, or why that is not known. */
static bool
still_stands(struct web *web, const struct prefix *what, int64_t id, struct reply *reply)
{
	enum report_result result = REPORT_BUSY;
	struct report_audit row = { .id = 0 };
	char cidr[PREFIX_TEXT_SIZE];
	struct json json;

	(void)pthread_mutex_lock(&web->lock);
	if (web->report != NULL)
		result = report_audits(web->report, id + 1, 1, keep_audit, &row);
	(void)pthread_mutex_unlock(&web->lock);
	if (result > REPORT_NONE) {
		reply_report(reply, result);
		return false;
	}
	if (row.id == id && row.stands && row.about && row.subject.len == what->len &&
	    addr_equal(&row.subject.addr, &what->addr))
		return true;
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_string(&json, "cidr", prefix_format(what, cidr));
	json_string(&json, "done", "unchanged");
	json_null(&json, "expires");
	json_uint(&json, "ended", 0);
	json_uint(&json, "back", 0);
	json_string(&json, "says", "Nothing was changed: this decision was undone before, or another one followed it.");
	json_null(&json, "undo");
	json_bool(&json, "final", false);
	json_end(&json);
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
	return false;
}

void
reply_line(struct reply *reply, enum line_result result, const struct message_answer *answer)
{
	switch (result) {
	case LINE_DONE:
		return;
	case LINE_FORBIDDEN:
		reply_problem(reply, 409, "watch says: %.200s", answer->text);
		return;
	case LINE_REFUSED:
		reply_problem(reply, 503, "watch says: %.200s", answer->text);
		return;
	case LINE_SILENT:
		reply_problem(reply, 503, "watch did not answer in time: it may still be done, so look before you ask again");
		return;
	case LINE_DOWN:
		reply_problem(reply, 503, "watch cannot be reached: nothing was done");
		return;
	}
}

bool
admin_may(struct web *web, const struct request *req, struct identity *who, struct reply *reply)
{
	if (!comes_from_here(web, req, reply) || !identify(web, req, who, reply))
		return false;
	if (strncasecmp(req->content_type, "application/json", 16) == 0 &&
	    (req->content_type[16] == '\0' || req->content_type[16] == ';' || req->content_type[16] == ' '))
		return true;
	reply_problem(reply, 415, "expected Content-Type: application/json");
	return false;
}

static void
decide(struct web *web, const struct request *req, enum admin_op op, struct reply *reply)
{
	enum line_result result = LINE_DOWN;
	struct message_admin m = { .op = op };
	struct message_answer answer;
	struct identity who;
	struct prefix what;
	int64_t undoes;
	bool asked;

	if (!admin_may(web, req, &who, reply))
		return;
	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	if (!read_decision(web, req, op, &m, &what, &undoes, reply))
		return;
	/* One after the other, whatever listener they came by: of two that undo the same the second sees the first. */
	(void)pthread_mutex_lock(&web->deciding);
	asked = undoes == 0 || still_stands(web, &what, undoes, reply);
	if (asked)
		result = line_ask(web, &who, &m, sizeof(m), &answer);
	(void)pthread_mutex_unlock(&web->deciding);
	explicit_bzero(&who, sizeof(who));
	if (!asked)
		return;
	if (result != LINE_DONE) {
		reply_line(reply, result, &answer);
		return;
	}
	atomic_fetch_add_explicit(&web->counters.decisions, 1, memory_order_relaxed);
	tell_done(web, req, &m, &what, &answer, reply);
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

void
handle_list_by_hand(struct web *web, const struct request *req, struct reply *reply)
{
	decide(web, req, ADMIN_LIST, reply);
}
