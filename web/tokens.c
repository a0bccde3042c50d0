/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tokens.c - POST /api/v1/tokens and /api/v1/tokens/revoke: what `mxtrap token` does, over HTTP.
 *
 * The token is made here and told in the answer, this once; watch is given its hash.
 */
#include <string.h>

#include "mxtrap/token.h"
#include "web_int.h"

struct search {
	const char *name;
	bool found;
};

static bool
see(void *ctx, const struct report_token *t)
{
	struct search *s = ctx;

	s->found = s->found || strcmp(t->name, s->name) == 0;
	return !s->found;
}

/* One that has ended opens nothing, and its name is taken all the same: all are looked at. */
static enum report_result
look_for(struct web *web, const char *name, bool *found)
{
	struct search s = { .name = name };
	enum report_result result;

	(void)pthread_mutex_lock(&web->lock);
	result = report_tokens(web->report, 0, see, &s);
	(void)pthread_mutex_unlock(&web->lock);
	*found = s.found;
	return result;
}

/* Ask watch.  False: *reply says what came of it. */
static bool
ask(struct web *web, const struct identity *who, const struct message_token *m, struct message_answer *answer, struct reply *reply)
{
	enum line_result result = line_ask(web, who, m, sizeof(*m), answer);

	if (result == LINE_DONE)
		atomic_fetch_add_explicit(&web->counters.decisions, 1, memory_order_relaxed);
	else
		reply_line(reply, result, answer);
	return result == LINE_DONE;
}

static void
tell_done(const struct message_token *m, const char *token, const struct message_answer *answer, struct reply *reply)
{
	struct json json;

	json_to_buffer(&json);
	json_object(&json, NULL);
	json_string(&json, "name", m->name);
	if (token != NULL) {
		json_string(&json, "scope", m->scope);
		json_string(&json, "token", token);
		if (m->expires_s != 0)
			json_uint(&json, "expires", m->expires_s);
		else
			json_null(&json, "expires");
	}
	json_string(&json, "says", answer->text);
	if (token != NULL) {
		json_object(&json, "undo");
		json_string(&json, "path", "/api/v1/tokens/revoke");
		json_object(&json, "body");
		json_string(&json, "name", m->name);
		json_end(&json);
		json_end(&json);
	} else {
		json_null(&json, "undo");
	}
	json_end(&json);
	reply_json(reply, &json, 200);
	reply->cache_control = "no-store";
	reply->etag[0] = '\0';
}

/* Both begin alike.  False: *reply says what is wrong. */
static bool
begin(struct web *web, const struct request *req, struct field *fields, size_t n, struct message_token *m,
    struct identity *who, struct reply *reply)
{
	char why[FIELDS_WHY_SIZE];
	bool known = false;
	enum report_result result;

	if (!admin_may(web, req, who, reply))
		return false;
	message_init(&m->head, MESSAGE_TOKEN, sizeof(*m));
	if (req->body_size > REQUEST_BODY_MAX || !fields_read(req->body, req->body_size, fields, n, why)) {
		reply_problem(reply, 400, "%s", req->body_size > REQUEST_BODY_MAX ? "the body is too long" : why);
		return false;
	}
	if (!token_name(m->name)) {
		reply_problem(reply, 400, "name: found \"%.40s\", expected a letter, and at most 31 of letters, digits, - and _", m->name);
		return false;
	}
	result = look_for(web, m->name, &known);
	if (result > REPORT_NONE) {
		reply_report(reply, result);
		return false;
	}
	if (known != (m->revoke != 0)) {
		reply_problem(reply, known ? 409 : 404, known ? "there is a token of that name already" :
		    "there is no token of that name");
		return false;
	}
	return true;
}

void
handle_token_add(struct web *web, const struct request *req, struct reply *reply)
{
	struct message_token m = { .scope = TOKEN_SCOPE_EXPORT };
	char span[16] = "", text[TOKEN_TEXT_SIZE];
	struct field fields[] = {
		{ "name", m.name, sizeof(m.name), NULL, false }, { "scope", m.scope, sizeof(m.scope), NULL, false },
		{ "for", span, sizeof(span), NULL, false },
	};
	struct message_answer answer;
	struct identity who;

	if (!begin(web, req, fields, ARRAY_LEN(fields), &m, &who, reply))
		return;
	if (!token_scope(m.scope)) {
		reply_problem(reply, 400, "scope: found \"%.40s\", expected export, export:FORMAT, lapi or admin", m.scope);
		return;
	}
	if (fields[2].given && !parse_for(span, req->now_s, &m.expires_s)) {
		reply_problem(reply, 400, "for: found \"%.20s\", expected a time like 12h or 30d, 18250d at most", span);
		return;
	}
	if (!token_make(text)) {
		reply_problem(reply, 500, "no random bytes can be had to make a token");
		return;
	}
	token_hash(text, m.hash);
	if (ask(web, &who, &m, &answer, reply))
		tell_done(&m, text, &answer, reply);
	explicit_bzero(&who, sizeof(who));
	explicit_bzero(text, sizeof(text));
}

void
handle_token_revoke(struct web *web, const struct request *req, struct reply *reply)
{
	struct message_token m = { .revoke = 1 };
	struct field fields[] = { { "name", m.name, sizeof(m.name), NULL, false } };
	struct message_answer answer;
	struct identity who;

	if (begin(web, req, fields, ARRAY_LEN(fields), &m, &who, reply) && ask(web, &who, &m, &answer, reply))
		tell_done(&m, NULL, &answer, reply);
}
