/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.c - POST /api/v1/publish: what is held because the list grew fast is handed on, as `mxtrap publish --accept` does.
 */
#include <string.h>

#include "web_int.h"

void
handle_publish(struct web *web, const struct request *req, struct reply *reply)
{
	struct message_admin m = { .op = ADMIN_PUBLISH };
	char why[FIELDS_WHY_SIZE];
	struct field fields[] = { { "note", m.note, sizeof(m.note), NULL, false } };
	struct message_answer answer;
	enum line_result result;
	struct identity who;
	struct json json;

	if (!admin_may(web, req, &who, reply))
		return;
	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	if (req->body_size > REQUEST_BODY_MAX || !fields_read(req->body, req->body_size, fields, ARRAY_LEN(fields), why)) {
		reply_problem(reply, 400, "%s", req->body_size > REQUEST_BODY_MAX ? "the body is too long" : why);
		return;
	}
	(void)pthread_mutex_lock(&web->deciding);
	result = line_ask(web, &who, &m, sizeof(m), &answer);
	(void)pthread_mutex_unlock(&web->deciding);
	explicit_bzero(&who, sizeof(who));
	if (result != LINE_DONE) {
		reply_line(reply, result, &answer);
		return;
	}
	atomic_fetch_add_explicit(&web->counters.decisions, 1, memory_order_relaxed);
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_string(&json, "done", "published");
	json_string(&json, "says", answer.text);
	/* What left cannot be called back; what is wrong on the list is allowed or forgotten one by one. */
	json_null(&json, "undo");
	json_bool(&json, "final", true);
	json_end(&json);
	reply_json(reply, &json, 200);
	reply->cache_control = "no-store";
	reply->etag[0] = '\0';
}
