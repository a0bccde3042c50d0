/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * about.c - GET /api/v1/about: versions, processes, sizes, and what was not kept.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "geoip.h"
#include "mxtrap/counter.h"
#include "web_int.h"

struct about {
	struct json *json;
	int64_t	 started_s;
	uint64_t bytes;
};

static void
write_library(struct json *json, const char *name, const char *version)
{
	json_object(json, NULL);
	json_string(json, "name", name);
	json_string(json, "version", version);
	json_end(json);
}

/* "pid 812, since 1790000000, started again 0 times" or "not running, started again 3 times" */
static bool
write_process(void *ctx, const char *name, const char *value)
{
	struct about *about = ctx;
	struct json *json = about->json;
	const char *pid, *since, *again;
	int64_t since_s;

	if (strcmp(name, "bytes") == 0)
		about->bytes = strtoull(value, NULL, 10);
	if (strncmp(name, "process ", 8) != 0)
		return true;
	pid = strstr(value, "pid ");
	since = strstr(value, "since ");
	again = strstr(value, "started again ");
	since_s = since != NULL ? strtoll(since + 6, NULL, 10) : 0;
	if (since_s != 0 && (about->started_s == 0 || since_s < about->started_s))
		about->started_s = since_s;
	json_object(json, NULL);
	json_string(json, "name", name + 8);
	if (pid != NULL)
		json_int(json, "pid", strtoll(pid + 4, NULL, 10));
	else
		json_null(json, "pid");
	json_int(json, "restarts", again != NULL ? strtoll(again + 14, NULL, 10) : 0);
	if (since_s != 0)
		json_int(json, "since", since_s);
	else
		json_null(json, "since");
	json_end(json);
	return true;
}

static void
write_size(struct json *json, const char *name, const char *says, uint64_t value)
{
	json_object(json, NULL);
	json_string(json, "name", name);
	json_string(json, "says", says);
	json_uint(json, "value", value);
	json_end(json);
}

static void
write_bounds(struct json *json, const struct config *c)
{
	write_size(json, "limits.senders", "senders in memory, at most", c->limits.senders);
	write_size(json, "limits.attempts", "attempts in flight, at most", c->limits.attempts);
	write_size(json, "limits.pools", "memories of pools, at most", c->limits.pools);
	write_size(json, "limits.tally-above", "attempts a second above which they are counted only", c->limits.tally_above);
	write_size(json, "limits.dialogues", "SMTP dialogues at once, at most", c->dialogues);
	write_size(json, "store.max-size", "bytes of database, at most", c->store_max_bytes);
}

static bool
write_now(void *ctx, const char *name, const char *value)
{
	const struct counter *c = counter_find(name);

	if (c != NULL && c->kind == COUNTER_NOW)
		write_size(ctx, name, c->says, strtoull(value, NULL, 10));
	return true;
}

static bool
write_drop(void *ctx, const char *name, const char *value)
{
	const struct counter *c = counter_find(name);

	if (c == NULL || c->kind == COUNTER_NOW || c->kind == COUNTER_SUM)
		return true;
	json_object(ctx, NULL);
	json_string(ctx, "name", name);
	json_string(ctx, "says", c->says);
	/* A fault is there or not. */
	json_uint(ctx, "value", c->kind == COUNTER_FAULT ? (uint64_t)(strcmp(value, "yes") == 0) : strtoull(value, NULL, 10));
	json_bool(ctx, "loss", c->kind != COUNTER_BOUND);
	json_end(ctx);
	return true;
}

static void
write_database(struct json *json, const struct about *about, const struct report_state *state, const struct config *config)
{
	json_object(json, "database");
	json_uint(json, "bytes", about->bytes);
	json_int(json, "created", state->created_s);
	json_uint(json, "attempts_kept_s", config->retention_attempts_s);
	json_end(json);
}

void
handle_about(struct web *web, const struct request *req, struct reply *reply)
{
	struct report_state state;
	enum report_result result = report_state(web->report, &state);
	struct json json;
	struct about about = { .json = &json };

	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_state(&json, &state, report_now(web->report, req->now_s));
	json_string(&json, "version", MXTRAP_VERSION);
	json_array(&json, "libraries");
	write_library(&json, "SQLite", report_library());
	write_library(&json, "libmicrohttpd", server_library());
	write_library(&json, "zlib", gzip_library());
	write_library(&json, "libmaxminddb", geoip_library());
	json_end(&json);
	json_array(&json, "processes");
	result = report_status(web->report, write_process, &about);
	json_end(&json);
	if (about.started_s != 0)
		json_int(&json, "started", about.started_s);
	else
		json_null(&json, "started");
	write_database(&json, &about, &state, web->config);
	json_array(&json, "sizes");
	write_bounds(&json, web->config);
	if (result <= REPORT_NONE)
		result = report_status(web->report, write_now, &json);
	json_end(&json);
	json_array(&json, "drops");
	if (result <= REPORT_NONE)
		result = report_status(web->report, write_drop, &json);
	json_end(&json);
	json_end(&json);
	if (result > REPORT_NONE) {
		json_free(&json);
		reply_report(reply, result);
		return;
	}
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
}
