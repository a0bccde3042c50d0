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
#include <sys/statvfs.h>

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

static const struct status_metric {
	const char *status, *name, *type, *help;
} status_metrics[] = {
	{ "frames", "mxtrap_capture_frames_total", "counter",
	  "Frames handed over by libpcap." },
	{ "packets", "mxtrap_packets_total", "counter", "Packets decoded and looked at." },
	{ "ring_drops", "mxtrap_capture_ring_drops_total", "counter",
	  "Packets lost by the capture ring." },
	{ "interface_drops", "mxtrap_capture_interface_drops_total", "counter",
	  "Packets lost by the interface." },
	{ "out_of_order", "mxtrap_packets_out_of_order_total", "counter",
	  "Packets older than the newest." },
	{ "unmatched", "mxtrap_packets_unmatched_total", "counter",
	  "Answers and ACKs that belong to no attempt." },
	{ "attempts", "mxtrap_attempts_total", "counter", "Connection attempts seen." },
	{ "tallied", "mxtrap_attempts_tallied_total", "counter",
	  "Attempts counted and not kept one by one." },
	{ "attempts_evicted", "mxtrap_attempts_evicted_total", "counter",
	  "Attempts in flight dropped for room." },
	{ "proven", "mxtrap_handshakes_total", "counter", "Handshakes seen to complete." },
	{ "visits", "mxtrap_visits_total", "counter", "Visits that ended." },
	{ "visits_evicted", "mxtrap_visits_evicted_total", "counter",
	  "Visit records dropped for room." },
	{ "evidence", "mxtrap_evidence_total", "counter",
	  "Pieces of evidence, with those excused." },
	{ "excused", "mxtrap_evidence_excused_total", "counter",
	  "Pieces of evidence that count nothing." },
	{ "recent_overflow", "mxtrap_evidence_out_of_reach_total", "counter",
	  "Evidence that a later doubt could no longer reach." },
	{ "senders", "mxtrap_senders", "gauge", "Senders in memory." },
	{ "senders_new", "mxtrap_senders_new_total", "counter",
	  "Senders seen for the first time." },
	{ "senders_evicted", "mxtrap_senders_evicted_total", "counter",
	  "Senders dropped for room." },
	{ "senders_refused", "mxtrap_senders_refused_total", "counter",
	  "Senders for which there was no room." },
	{ "pools_evicted", "mxtrap_pools_evicted_total", "counter",
	  "Pools dropped for room." },
	{ "networks_capped", "mxtrap_networks_capped_total", "counter",
	  "Attempts whose sender got no record, because its /48 had brought too many." },
	{ "wrong_acks", "mxtrap_wrong_acks_total", "counter", "Guesses at the sequence numbers of our answers." },
	{ "wrong_evicted", "mxtrap_wrong_evicted_total", "counter", "Guessers forgotten for room." },
	{ "proofs_doubted", "mxtrap_proofs_doubted_total", "counter",
	  "Handshakes that prove nothing, because somebody guesses in that name." },
	{ "touches_refused", "mxtrap_touches_refused_total", "counter", "Touches not judged, for want of room." },
	{ "proofs_refused", "mxtrap_proofs_refused_total", "counter", "Proven touches not judged, for want of room." },
	{ "timers_refused", "mxtrap_timers_refused_total", "counter",
	  "Ends of visits and terms that found no room." },
	{ "never_refused", "mxtrap_never_refused_total", "counter", "Entries of the never-list that found no room." },
	{ "taken_back", "mxtrap_taken_back_total", "counter", "Pieces of evidence that a purge took back." },
	{ "said", "mxtrap_said_total", "counter", "Dialogues that decoys told of." },
	{ "said_ours", "mxtrap_said_ours_total", "counter", "Dialogues with mail for us." },
	{ "said_foreign", "mxtrap_said_foreign_total", "counter",
	  "Dialogues with mail for somebody else's domain." },
	{ "said_unmatched", "mxtrap_said_unmatched_total", "counter",
	  "Dialogues of no proven visit that was still open." },
	{ "kin_lost", "mxtrap_kin_lost_total", "counter",
	  "Touches whose other family a flood made unknown." },
	{ "doubts", "mxtrap_doubts", "gauge",
	  "Kinds of doubt that keep evidence from counting now, somewhere." },
	{ "memory_bytes", "mxtrap_tables_bytes", "gauge", "Memory of all tables." },
	{ "decoy_accepted", "mxtrap_decoy_accepted_total", "counter",
	  "Connections that the decoys accepted." },
	{ "decoy_lost", "mxtrap_decoy_lost_total", "counter",
	  "Accepts that decoy could not tell." },
	{ "decoy_overflows", "mxtrap_decoy_overflows_total", "counter",
	  "Overflows of the decoys' accept queues." },
	{ "dialogues", "mxtrap_dialogues", "gauge", "SMTP dialogues open." },
	{ "dialogues_total", "mxtrap_dialogues_total", "counter", "SMTP dialogues held." },
	{ "dialogues_full", "mxtrap_dialogues_full_total", "counter",
	  "Connections reset for want of room for a dialogue." },
	{ "dialogues_full_source", "mxtrap_dialogues_source_full_total", "counter",
	  "Connections reset because their source had dialogues enough." },
	{ "dialogues_slow", "mxtrap_dialogues_slow_total", "counter",
	  "Dialogues ended by a deadline." },
	{ "dialogues_stuck", "mxtrap_dialogues_stuck_total", "counter",
	  "Dialogues ended because the client did not read." },
	{ "dialogues_too_long", "mxtrap_dialogues_long_lines_total", "counter",
	  "Command lines over 512 octets." },
	{ "said_lost", "mxtrap_dialogues_untold_total", "counter",
	  "Dialogues of which watch was not told what was said." },
	{ "accepts_lost", "mxtrap_accepts_lost_total", "counter",
	  "Accepts that watch did not hear of." },
	{ "unproven_accepts", "mxtrap_accepts_unproven_total", "counter",
	  "Accepts without SYN and SYN-ACK on the wire." },
	{ "rows_written", "mxtrap_store_rows_total", "counter",
	  "Rows written to the database." },
	{ "rows_lost", "mxtrap_store_rows_lost_total", "counter",
	  "Rows that could not be kept." },
	{ "commits", "mxtrap_store_commits_total", "counter", "Transactions committed." },
	{ "write_errors", "mxtrap_store_errors_total", "counter", "Failed writes." },
	{ "queue", "mxtrap_store_queue_rows", "gauge", "Rows waiting to be written." },
	{ "bytes", "mxtrap_store_bytes", "gauge", "Size of the database." },
};

struct status_values {
	uint64_t value[ARRAY_LEN(status_metrics)];
	bool	 given[ARRAY_LEN(status_metrics)];
};

static bool
take_status(void *ctx, const char *name, const char *value)
{
	struct status_values *values = ctx;
	char *end;

	for (size_t i = 0; i < ARRAY_LEN(status_metrics); i++) {
		if (strcmp(status_metrics[i].status, name) != 0 || !isdigit((unsigned char)value[0]))
			continue;
		values->value[i] = strtoull(value, &end, 10);
		values->given[i] = *end == '\0';
	}
	return true;
}

static void
write_status(FILE *out, struct report *report)
{
	struct status_values values = { .value = { 0 } };

	if (report_status(report, take_status, &values) != REPORT_OK)
		return;
	for (size_t i = 0; i < ARRAY_LEN(status_metrics); i++) {
		if (!values.given[i])
			continue;
		family(out, status_metrics[i].name, status_metrics[i].type, status_metrics[i].help);
		(void)fprintf(out, "%s %llu\n", status_metrics[i].name,
		    (unsigned long long)values.value[i]);
	}
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
	char why[160];
	int64_t age = status_age(web->report, now_s);
	struct statvfs disk;

	gauge(out, "mxtrap_listed_senders", "Open listings.", (double)state->n_listed);
	gauge(out, "mxtrap_suspect_senders", "Senders that are suspects.", (double)state->n_suspect);
	counter(out, "mxtrap_list_serial_total",
	    "Committed changes of the list, since its generation began.", state->serial);
	gauge(out, "mxtrap_list_changed_timestamp_seconds", "When the list last changed.",
	    (double)state->changed_s);
	gauge(out, "mxtrap_publishing", "1 if the list may leave (publish, publish-after).",
	    export_gate(web->config, state, now_s, why));
	if (statvfs(web->config->state_dir, &disk) == 0)
		gauge(out, "mxtrap_state_free_bytes", "Room on the disk of the database.",
		    (double)disk.f_bavail * (double)disk.f_frsize);
	if (age >= 0)
		gauge(out, "mxtrap_status_age_seconds", "Time since watch told its status.",
		    (double)age);
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
	counter(out, "mxtrap_http_refused_hosts_total", "Requests for a Host that is not ours.",
	    atomic_load(&c->refused_hosts));
	counter(out, "mxtrap_http_refused_origins_total", "Changes asked for by a page of another site.",
	    atomic_load(&c->refused_origins));
	counter(out, "mxtrap_http_refused_tokens_total", "Changes asked for without the right token.",
	    atomic_load(&c->refused_tokens));
	counter(out, "mxtrap_http_decisions_total", "Changes asked for and done.",
	    atomic_load(&c->decisions));
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
