/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lapi.c - what of CrowdSec's local API its bouncers ask: /v1/decisions/stream, /v1/decisions, /v1/usage-metrics.
 *
 * A bouncer that begins (startup=true) gets the whole list, and then what changed since it came last: each has its
 * row among the consumers, which outlives this process: by key, address and program, for one key is often copied to
 * several hosts, and what one of them was told the others were not.  An answer also repeats what the one before it
 * told, for that may have been lost.  Where nobody knows what a bouncer has, all that ever left the list is told
 * to be let go, then the whole: nobody stays blocked because we forgot.  Who is let go comes first.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/never.h"
#include "mxtrap/token.h"
#include "mxtrap/unnamed.h"
#include "web_int.h"

#define CHANGES_A_PAGE 20000
#define CHANGES_MOST   1000000
#define NOTHING "{\"deleted\":[]"	/* how the export crowdsec-stream begins */

struct stream {
	struct web  *web;
	FILE	    *out;
	int64_t	     now_s;
	struct export_gate gate;
	struct never never;		/* owned */
	bool	     adding;		/* this pass tells who is listed; else who is to be let go */
	bool	     forced;		/* let all go */
	uint64_t     serial, n, rows;
	bool	     failed;
};

/* Is it listed as this very prefix, and may that be told? */
static bool
is_claimed(struct stream *s, const struct prefix *what, struct report_entry *e)
{
	enum report_result result = report_check(s->web->report, &what->addr, s->now_s, e);

	s->failed = s->failed || result > REPORT_NONE;
	return result == REPORT_OK && e->what.len == what->len && addr_equal(&e->what.addr, &what->addr) && s->gate.open &&
	    publish_claims(&s->gate.publish, e->since_s) && !never_covers(&s->never, what, s->now_s);
}

static void
write_decision(struct stream *s, const struct prefix *what, const char *reason, int64_t ttl_s)
{
	char line[EXPORT_DECISION_SIZE];

	if (s->n++ > 0)
		(void)fputc(',', s->out);
	(void)fputs(export_decision(what, reason, ttl_s, line), s->out);
}

static bool
each_change(void *ctx, const struct report_change *change)
{
	struct stream *s = ctx;
	const struct prefix *what = &change->row.what;
	struct report_entry e;
	bool claimed;

	s->rows++;
	s->serial = change->serial;
	/* Suspects were never told of; what was allowed may have been. */
	if (change->row.new_state != STATE_LISTED && change->row.old_state != STATE_LISTED)
		return true;
	claimed = !s->forced && is_claimed(s, what, &e);
	if (claimed && s->adding)
		write_decision(s, what, export_reason(&e), e.expires_s == 0 ? EXPORT_DECISION_LONGEST : e.expires_s - s->now_s);
	else if (!claimed && !s->adding)
		write_decision(s, what, "gone", -1);
	return !s->failed && !ferror(s->out);
}

/* All changes after a serial, in pages that begin anew at the serial that may have been cut in two. */
static bool
tell_changes(struct stream *s, uint64_t since)
{
	size_t page = CHANGES_A_PAGE;

	s->n = 0;
	for (;;) {
		s->rows = 0;
		if (report_changes_since(s->web->report, since, page, each_change, s) != REPORT_OK || s->failed)
			return false;
		if (s->rows < page)
			return !ferror(s->out);
		if (s->serial - 1 > since)
			since = s->serial - 1;
		else if (page < CHANGES_MOST)
			page *= 8;	/* one transaction larger than a page: a purge */
		else
			return false;
	}
}

static bool
each_listed(void *ctx, const struct report_entry *e)
{
	write_decision(ctx, &e->what, "gone", -1);
	return !ferror(((struct stream *)ctx)->out);
}

/* The whole list as it is rendered for all who begin, without its head. */
static bool
tell_whole(struct stream *s, const struct export_slot *slot)
{
	off_t at = sizeof(NOTHING) - 1;
	char buf[65536];
	ssize_t n;

	while ((n = pread(slot->plain->fd, buf, sizeof(buf), at)) > 0) {
		(void)fwrite(buf, 1, (size_t)n, s->out);
		at += n;
	}
	return n == 0 && !ferror(s->out);
}

/* Everything that it may have is let go, and then what holds is told. */
static bool
tell_anew(struct stream *s, const struct report_state *state, const struct export_slot *slot)
{
	struct report_filter filter = { .states = 1U << STATE_LISTED, .klass = 0xff, .one_snapshot = true };

	(void)fputs("{\"deleted\":[", s->out);
	s->forced = !s->gate.open;
	if (!tell_changes(s, state->horizon))
		return false;
	if (s->forced && report_entries(s->web->report, &filter, s->now_s, NULL, each_listed, s) > REPORT_NONE)
		return false;
	(void)fputc(']', s->out);
	return tell_whole(s, slot);
}

static bool
tell_since(struct stream *s, uint64_t since)
{
	(void)fputs("{\"deleted\":[", s->out);
	if (!tell_changes(s, since))
		return false;
	(void)fputs("],\"new\":[", s->out);
	s->adding = true;
	if (!tell_changes(s, since))
		return false;
	(void)fputs("]}\n", s->out);
	return true;
}

/* Do they want what we have?  A bouncer may ask for other origins alone.  False: *reply says what is wrong. */
static bool
asks_for_us(const struct request *req, bool *us, struct reply *reply)
{
	static const char *const unknown[] = { "scenarios_containing", "scenarios_not_containing" };
	const char *origins = request_param(req, "origins"), *scopes = request_param(req, "scopes");

	*us = origins == NULL || *origins == '\0' || strstr(origins, "mxtrap") != NULL;
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		if (request_param(req, unknown[i]) == NULL)
			continue;
		reply_value(reply, req, unknown[i], "none: decisions are not selected by their scenario");
		return false;
	}
	if (scopes != NULL && *scopes != '\0' && (strcasestr(scopes, "ip") == NULL || strcasestr(scopes, "range") == NULL)) {
		reply_value(reply, req, "scopes", "ip and range, or neither");
		return false;
	}
	return true;
}

/* What the row says that it has cannot be built upon. */
static bool
is_strange(const struct consumer_row *row, const struct report_state *state)
{
	return row->generation != state->generation || row->serial > state->serial ||
	    (row->serial != 0 && row->before < state->horizon);
}

static void
reply_nothing(struct reply *reply)
{
	static const char none[] = "{\"deleted\":[],\"new\":[]}";

	reply->kind = BODY_STATIC;
	reply->body = none;
	reply->size = sizeof(none) - 1;
}

/*
 * The whole list, rendered: at once and as it grows for a bouncer that begins, for it is told just that; whole for
 * one that is to let go of what it has first.  NULL: *reply says when it comes, or why not.
 */
static struct export_slot *
whole_list(struct web *web, const struct request *req, bool begins, struct reply *reply)
{
	const struct export_options options = { .family = 0 };
	struct export_slot *slot = export_slot(web, export_format_find("crowdsec-stream"), &options, req->now_s, reply);
	struct request patient = { .needs_length = req->needs_length || !begins };

	if (slot == NULL || !export_body(&patient, slot, slot->plain, reply))
		return NULL;
	if (!begins) {
		(void)close(reply->fd);		/* it is there, and only a part of the answer */
		reply->fd = -1;
		reply->kind = BODY_NONE;
	}
	return slot;
}

/* What came of it, for the next time. */
static void
remember(struct consumer_row *row, const struct stream *s, const struct report_state *state, bool whole)
{
	if (!s->gate.open) {
		row->generation = state->generation;
		row->serial = row->before = 0;		/* it has nothing */
	} else if (s->gate.publish.held) {
		/* Whoever is let out later comes without a serial. */
		if (whole)
			row->generation = 0;
	} else {
		consumer_has(row, state);
		if (whole)
			row->before = row->serial;
	}
}

/* A file without a name, to be written through the stream; *fd is a second descriptor.  NULL: said why. */
static FILE *
open_answer(int *fd)
{
	int made = unnamed_open();
	FILE *file = NULL;

	if (made != -1 && (*fd = fcntl(made, F_DUPFD_CLOEXEC, 3)) != -1)
		file = fdopen(made, "w");
	if (file == NULL) {
		log_warn("cannot make a file for decisions");
		if (made != -1)
			(void)close(made);
	}
	return file;
}

#define PROGRAM_SIZE 32

static const char *
name_bouncer(const struct request *req, char buf[static sizeof(((struct consumer_row *)0)->what)])
{
	size_t n = strspn(req->agent, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	(void)snprintf(buf, sizeof(((struct consumer_row *)0)->what), "lapi %s %.*s", req->client,
	    (int)(n < PROGRAM_SIZE ? n : PROGRAM_SIZE), req->agent);
	return buf;
}

static void
answer_stream(struct web *web, const struct request *req, struct consumer_row *row, const struct report_state *state,
    struct reply *reply)
{
	const char *startup = request_param(req, "startup");
	struct stream s = { .web = web, .now_s = report_now(web->report, req->now_s) };
	bool begins = startup != NULL && strcmp(startup, "true") == 0, strange = is_strange(row, state), whole, ok;
	struct export_slot *slot = NULL;
	int fd = -1;

	(void)export_gate(web->config, web->report, state, s.now_s, &s.gate);
	/* It has nothing, and nothing is told. */
	if (!s.gate.open && (begins || (!strange && row->serial == 0))) {
		reply_nothing(reply);
		remember(row, &s, state, true);
		return;
	}
	begins = begins || (!strange && row->serial == 0);
	whole = begins || strange || !s.gate.open;
	if (whole && (slot = whole_list(web, req, begins, reply)) == NULL)
		return;
	if (begins) {
		remember(row, &s, &slot->summary.state, true);
		return;
	}
	s.out = open_answer(&fd);
	if (s.out == NULL || !export_never(&s.never, web->report, web->config, s.now_s)) {
		ok = false;
	} else {
		ok = whole ? tell_anew(&s, state, slot) : tell_since(&s, row->before);
	}
	never_free(&s.never);
	ok = (s.out == NULL || fclose(s.out) == 0) && ok;
	if (!ok) {
		if (fd != -1)
			(void)close(fd);
		if (reply->kind == BODY_NONE)
			reply_problem(reply, 503, "the decisions cannot be read now");
		return;
	}
	reply->kind = BODY_FD;
	reply->fd = fd;
	reply->size = (uint64_t)lseek(fd, 0, SEEK_END);
	/* A rendering at hand may be some seconds old: what came since then is to be told the next time. */
	remember(row, &s, whole ? &slot->summary.state : state, whole);
}

void
handle_decisions_stream(struct web *web, const struct request *req, struct reply *reply)
{
	struct report_state state;
	struct identity who;
	enum report_result result;
	char what[sizeof(((struct consumer_row *)0)->what)];
	bool us;

	if (!identity_of(web, req, TOKEN_SCOPE_LAPI, true, &who, reply) || !asks_for_us(req, &us, reply))
		return;
	result = report_state(web->report, &state);
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	reply->status = 200;
	reply->media_type = "application/json";
	reply->cache_control = "no-store";
	if (us) {
		struct consumer_row *row = consumer_came(web, req, &who, name_bouncer(req, what));

		answer_stream(web, req, row, &state, reply);
		row->n -= reply->kind == BODY_LATER;	/* it is the same one that will ask again */
	} else {
		reply_nothing(reply);
	}
}

void
handle_decisions(struct web *web, const struct request *req, struct reply *reply)
{
	static const char null[] = "null";
	const char *ip = request_param(req, "ip"), *scope = request_param(req, "scope"), *type = request_param(req, "type");
	struct stream s = { .web = web, .now_s = report_now(web->report, req->now_s) };
	char line[EXPORT_DECISION_SIZE], *body;
	struct report_state state;
	struct report_entry e;
	struct identity who;
	struct addr addr;
	bool us, listed;

	if (!identity_of(web, req, TOKEN_SCOPE_LAPI, true, &who, reply) || !asks_for_us(req, &us, reply))
		return;
	if (ip == NULL)
		ip = request_param(req, "range");
	if (ip == NULL && scope != NULL && (strcasecmp(scope, "ip") == 0 || strcasecmp(scope, "range") == 0))
		ip = request_param(req, "value");
	if (ip == NULL || !request_sender(ip, &addr)) {
		reply_problem(reply, 400, "found %s%.80s, expected ip=ADDRESS, or range= or value= of one sender (/32, or /64 to /128); "
		    "the whole list is at /v1/decisions/stream?startup=true", ip == NULL ? "no ip" : "", ip == NULL ? "" : ip);
		return;
	}
	if (report_state(web->report, &state) != REPORT_OK || !export_never(&s.never, web->report, web->config, s.now_s)) {
		never_free(&s.never);
		reply_problem(reply, 503, "the decisions cannot be read now");
		return;
	}
	(void)export_gate(web->config, web->report, &state, s.now_s, &s.gate);
	listed = us && (type == NULL || strcmp(type, "ban") == 0) && report_check(web->report, &addr, req->now_s, &e) == REPORT_OK &&
	    is_claimed(&s, &e.what, &e);
	never_free(&s.never);
	consumer_has(consumer_came(web, req, &who, "lapi live"), &state);
	reply->status = 200;
	reply->media_type = "application/json";
	reply->cache_control = "no-store";
	reply->kind = BODY_STATIC;
	reply->body = null;
	reply->size = sizeof(null) - 1;
	if (!listed)
		return;
	body = malloc(EXPORT_DECISION_SIZE + 4);
	if (body == NULL) {
		reply_problem(reply, 503, "out of memory");
		return;
	}
	reply->kind = BODY_OWNED;
	reply->size = (uint64_t)snprintf(body, EXPORT_DECISION_SIZE + 4, "[%s]\n", export_decision(&e.what, export_reason(&e),
	    e.expires_s == 0 ? EXPORT_DECISION_LONGEST : e.expires_s - s.now_s, line));
	reply->body = body;
}

void
handle_usage_metrics(struct web *web, const struct request *req, struct reply *reply)
{
	struct identity who;
	bool ok;

	/* A route that posts runs without the lock. */
	(void)pthread_mutex_lock(&web->lock);
	ok = web->report != NULL && identity_of(web, req, TOKEN_SCOPE_LAPI, true, &who, reply);
	(void)pthread_mutex_unlock(&web->lock);
	if (!ok) {
		if (reply->kind == BODY_NONE)
			reply_problem(reply, 503, "there is no database yet: watch makes it when it starts");
		return;
	}
	reply->status = 201;	/* taken, and not looked at: who bounced whom is the bouncer's */
	reply->cache_control = "no-store";
}
