/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.c - GET /metrics: Prometheus text exposition format 0.0.4.
 *
 * Base units, `_total` on whatever only grows.  Nothing is labelled by sender: an
 * attacker would choose how many series there are.  Without a database the web's own
 * metrics are still told, and mxtrap_up says 0.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/counter.h"
#include "mxtrap/status.h"
#include "web_int.h"

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	(void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
gauge(FILE *out, const char *name, const char *help, double value)
{
	family(out, name, "gauge", help);
	(void)fprintf(out, "%s %.15g\n", name, value);
}

static void
counter(FILE *out, const char *name, const char *help, uint64_t value)
{
	family(out, name, "counter", help);
	(void)fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void
label(FILE *out, const char *text)
{
	(void)putc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			(void)fprintf(out, "\\%c", *text);
		else if (*text == '\n')
			(void)fputs("\\n", out);
		else
			(void)putc((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e ? '?' : *text, out);
	}
	(void)putc('"', out);
}

/* -- what watch tells of itself, by the names of store_status() -- */

#define MAX_COUNTERS 128	/* of the table, which is much shorter */

struct status_values {
	uint64_t value[MAX_COUNTERS];
	bool	 given[MAX_COUNTERS];
};

static bool
take_status(void *ctx, const char *name, const char *value)
{
	struct status_values *values = ctx;
	char *end;

	for (size_t i = 0; i < MAX_COUNTERS && counter_at(i) != NULL; i++) {
		if (strcmp(counter_at(i)->name, name) != 0)
			continue;
		if (counter_at(i)->kind == COUNTER_FAULT) {
			values->value[i] = strcmp(value, "yes") == 0;
			values->given[i] = true;
		} else if (isdigit((unsigned char)value[0])) {
			values->value[i] = strtoull(value, &end, 10);
			values->given[i] = *end == '\0';
		}
	}
	return true;
}

/* Frames that lied, or were of no use: by a reason from our own table. */
static bool
write_refused_frames(void *ctx, const char *name, const char *value)
{
	if (strncmp(name, "frames ", 7) == 0 && isdigit((unsigned char)value[0])) {
		(void)fputs("mxtrap_capture_frames_refused_total{why=", ctx);
		label(ctx, name + 7);
		(void)fprintf(ctx, "} %llu\n", strtoull(value, NULL, 10));
	}
	return true;
}

static void
write_status(FILE *out, struct report *report)
{
	struct status_values values = { .value = { 0 } };

	if (report_status(report, take_status, &values) != REPORT_OK)
		return;
	for (size_t i = 0; i < MAX_COUNTERS && counter_at(i) != NULL; i++) {
		const struct counter *c = counter_at(i);

		if (!values.given[i])
			continue;
		family(out, c->metric, c->kind == COUNTER_NOW || c->kind == COUNTER_FAULT ? "gauge" : "counter", c->says);
		(void)fprintf(out, "%s %llu\n", c->metric, (unsigned long long)values.value[i]);
	}
	family(out, "mxtrap_capture_frames_refused_total", "counter", "frames that were not taken in, by the reason");
	(void)report_status(report, write_refused_frames, out);
}

/* -- per address of ours: bounded by the configuration -- */

struct rung_page {
	FILE *out;
	int   which;		/* which family is being written */
};

static bool
write_rung(void *ctx, const struct report_target *row)
{
	static const char *const names[] = { "mxtrap_rung_attempts_last_hour", "mxtrap_rung_down" };
	struct rung_page *page = ctx;

	(void)fprintf(page->out, "%s{mx_set=", names[page->which]);
	label(page->out, row->set);
	(void)fputs(",exchanger=", page->out);
	label(page->out, row->exchanger);
	(void)fputs(",address=", page->out);
	label(page->out, row->address);
	(void)fputs(",role=", page->out);
	label(page->out, role_name((enum role)row->role));
	(void)fprintf(page->out, "} %llu\n", page->which == 0 ?
	    (unsigned long long)row->attempts_hour : (unsigned long long)row->down);
	return true;
}

static void
write_rungs(FILE *out, struct report *report, int64_t now_s)
{
	struct rung_page page = { out, 0 };

	family(out, "mxtrap_rung_attempts_last_hour", "gauge",
	    "Connection attempts at an address of ours within the last hour.");
	(void)report_targets(report, now_s, write_rung, &page);
	page.which = 1;
	family(out, "mxtrap_rung_down", "gauge",
	    "1 while an address of ours is held to be down.");
	(void)report_targets(report, now_s, write_rung, &page);
}

static void
write_list(FILE *out, struct web *web, const struct report_state *state, int64_t now_s)
{
	struct status *status = web_status(web, now_s);

	if (status == NULL)
		return;
	gauge(out, "mxtrap_listed_senders", "Open listings.", (double)state->n_listed);
	gauge(out, "mxtrap_suspect_senders", "Senders that are suspects.", (double)state->n_suspect);
	counter(out, "mxtrap_list_serial_total",
	    "Committed changes of the list, since its generation began.", state->serial);
	gauge(out, "mxtrap_list_changed_timestamp_seconds", "When the list last changed.",
	    (double)state->changed_s);
	gauge(out, "mxtrap_publishing", "1 if the list may leave (publish, publish-after).",
	    status->published.state == PUBLISHED_YES);
	gauge(out, "mxtrap_publish_held", "1 if the list grew too fast: new listings wait for mxtrap publish --accept.",
	    status->published.gate.held);
	gauge(out, "mxtrap_publish_held_senders", "Listings that wait for it.", (double)status->published.n_held);
	gauge(out, "mxtrap_state_free_bytes", "Room on the disk of the database.", (double)status->stored.free_bytes);
	gauge(out, "mxtrap_nobody_can_be_listed", "1 if the configuration, or what the wire shows, lets nobody be listed.",
	    status_nobody_listed(status));
	gauge(out, "mxtrap_watching", "1 if watch writes its status.", status->watched.state == WATCHED_YES);
	if (status->watched.last_s != 0)
		gauge(out, "mxtrap_status_age_seconds", "Time since watch wrote its status.",
		    now_s > status->watched.last_s ? (double)(now_s - status->watched.last_s) : 0);
	free(status);
}

static void
write_streams(FILE *out, struct streams *s)
{
	uint64_t opened, refused, dropped, told;
	size_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->n;
	opened = s->opened;
	refused = s->refused;
	dropped = s->dropped;
	told = s->told;
	(void)pthread_mutex_unlock(&s->lock);
	gauge(out, "mxtrap_event_streams", "Streams of events that are open.", (double)n);
	counter(out, "mxtrap_event_streams_total", "Streams of events that were opened.", opened);
	counter(out, "mxtrap_event_streams_refused_total", "Streams of events that there was no room for.", refused);
	counter(out, "mxtrap_event_streams_dropped_total", "Streams of events whose client read too slowly.", dropped);
	counter(out, "mxtrap_event_bytes_total", "Bytes of events that were sent.", told);
}

static void
write_own(FILE *out, struct web *web)
{
	struct web_counters *c = &web->counters;

	family(out, "mxtrap_http_replies_total", "counter", "HTTP replies, by hundreds of their status.");
	for (unsigned i = 2; i < ARRAY_LEN(c->replies); i++)
		(void)fprintf(out, "mxtrap_http_replies_total{code=\"%uxx\"} %llu\n", i,
		    (unsigned long long)atomic_load(&c->replies[i]));
	counter(out, "mxtrap_http_connections_total", "HTTP connections accepted.",
	    atomic_load(&c->connections));
	gauge(out, "mxtrap_http_open_connections", "HTTP connections that are open.",
	    (double)atomic_load(&c->opened));
	counter(out, "mxtrap_http_cut_total", "HTTP connections cut off at a deadline.",
	    atomic_load(&c->cut));
	counter(out, "mxtrap_http_evicted_total", "Idle HTTP connections that made room for another of their address.",
	    atomic_load(&c->evicted));
	counter(out, "mxtrap_http_crowded_total", "HTTP connections that nothing could make room for.",
	    atomic_load(&c->crowded));
	counter(out, "mxtrap_http_refused_hosts_total", "Requests for a Host that is not ours.",
	    atomic_load(&c->refused_hosts));
	counter(out, "mxtrap_http_refused_origins_total", "Changes asked for by a page of another site.",
	    atomic_load(&c->refused_origins));
	counter(out, "mxtrap_http_refused_tokens_total", "Changes asked for without the right token.",
	    atomic_load(&c->refused_tokens));
	counter(out, "mxtrap_http_decisions_total", "Changes asked for and done.",
	    atomic_load(&c->decisions));
	write_streams(out, &web->streams);
	counter(out, "mxtrap_export_renders_total", "Exports rendered.", web->exports.renders);
	counter(out, "mxtrap_export_hits_total", "Exports sent from a rendering at hand.",
	    web->exports.hits);
	gauge(out, "mxtrap_export_cache_bytes", "Size of the renderings at hand.",
	    (double)web->exports.bytes);
}

void
handle_metrics(struct web *web, const struct request *req, struct reply *reply)
{
	struct report_state state;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool up;

	if (out == NULL) {
		reply_problem(reply, 500, "out of memory");
		return;
	}
	up = web->report != NULL && report_state(web->report, &state) == REPORT_OK;
	gauge(out, "mxtrap_up", "1 if the database can be read.", up);
	if (up) {
		write_list(out, web, &state, req->now_s);
		write_rungs(out, web->report, req->now_s);
		write_status(out, web->report);
	}
	write_own(out, web);
	if (fclose(out) != 0) {
		free(text);
		reply_problem(reply, 500, "out of memory");
		return;
	}
	reply->status = 200;
	reply->kind = BODY_OWNED;
	reply->body = text;
	reply->size = size;
	reply->media_type = "text/plain; version=0.0.4; charset=utf-8";
	reply->cache_control = "no-store";
}
