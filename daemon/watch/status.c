/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - what watch tells of itself each second, as names and values.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/report.h"
#include "watch_int.h"

#define LAYOUT_DOUBT_S	 (49 * 3600)	/* TTL (an hour) + 48 h: as long as the trap doubts a new ladder */
#define UNSEEN_US	 (24 * 3600 * 1000000LL)	/* without a stranger at the real MX: is it on this wire at all? */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_ALARMS_TOLD	 8		/* the first; `alarms` counts all */
#define MAX_TARGETS_TOLD 128		/* rows are bounded; the rungs' own page has them all */

static void __attribute__((format(printf, 3, 4)))
tell(struct watch *w, const char *name, const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	store_status(w->store, name, value);
}

/* A field of a struct of counters, by its own name or the one that persons see. */
struct told {
	const char *name;
	size_t	    at;
};
#define FIELD(type, field)	 { #field, offsetof(struct type, field) }
#define FIELD_AS(type, field, name) { name, offsetof(struct type, field) }

#define T(field) FIELD(trap_counters, field)
static const struct told TRAP_ROWS[] = {
	T(packets), T(attempts), T(visits), T(evidence), T(excused), T(excused_grace), T(proven), T(tallied), T(evidence_tallied),
	T(events_idle),
	T(senders_new), T(senders_evicted), T(senders_refused), T(attempts_evicted), T(visits_evicted),
	T(pools_evicted), T(fingerprints_refused), T(out_of_order), T(unmatched), T(unproven_accepts), T(wrong_acks),
	T(wrong_evicted), T(proofs_doubted), T(kin_lost), T(recent_overflow), T(networks_capped), T(touches_refused),
	T(proofs_refused), T(timers_refused), T(said), T(said_unmatched), T(said_ours), T(said_foreign), T(said_protocol), T(taken_back),
	T(correspondents), T(correspondents_evicted), T(correspond_overtaken), T(never_refused), T(senders), T(listed),
	T(suspects), T(alarms),
};
#undef T
_Static_assert(ARRAY_LEN(TRAP_ROWS) * sizeof(uint64_t) == sizeof(struct trap_counters), "each is told, once");

#define D(field) FIELD(message_decoy, field)
#define D_AS(field, name) FIELD_AS(message_decoy, field, name)
static const struct told DECOY_ROWS[] = {
	D_AS(accepted, "decoy_accepted"), D_AS(lost, "decoy_lost"), D(dialogues),
	D_AS(talked, "dialogues_total"), D_AS(full, "dialogues_full"), D_AS(full_source, "dialogues_full_source"),
	D_AS(slow, "dialogues_slow"), D_AS(stuck, "dialogues_stuck"), D_AS(too_long, "dialogues_too_long"), D(said_lost),
};
#undef D
#undef D_AS
/* All but overflows, which are summed over restarts. */
_Static_assert((ARRAY_LEN(DECOY_ROWS) + 1) * sizeof(uint64_t) ==
    sizeof(struct message_decoy) - offsetof(struct message_decoy, accepted), "each is told, once");

#define L_AS(field, name) FIELD_AS(message_lookup, field, name)
static const struct told LOOKUP_ROWS[] = {
	L_AS(queries, "dns_queries"), L_AS(listed, "dns_listed"), L_AS(not_listed, "dns_not_listed"),
	L_AS(suspects, "dns_suspects"), L_AS(refused, "dns_refused"), L_AS(malformed, "dns_malformed"),
	L_AS(dropped, "dns_dropped"), L_AS(slipped, "dns_slipped"), L_AS(tcp, "dns_tcp"), L_AS(tcp_full, "dns_tcp_full"),
	L_AS(policy, "policy_requests"), L_AS(policy_refused, "policy_refused"),
	L_AS(policy_malformed, "policy_malformed"), L_AS(policy_full, "policy_full"), L_AS(policy_slow, "policy_slow"),
	L_AS(sighted, "sighted"), L_AS(sighted_accepted, "sighted_accepted"), L_AS(sighted_deferred, "sighted_deferred"),
	L_AS(sighted_unmatched, "sighted_unmatched"), L_AS(sighted_evicted, "sighted_evicted"), L_AS(sighted_lost, "sighted_lost"),
	L_AS(no_memory, "lookup_no_memory"), L_AS(known, "lookup_known"), L_AS(claims, "lookup_claims"),
};
#undef L_AS
_Static_assert(ARRAY_LEN(LOOKUP_ROWS) * sizeof(uint64_t) ==
    sizeof(struct message_lookup) - offsetof(struct message_lookup, queries), "each is told, once");

#define W_AS(field, name) FIELD_AS(message_firewall, field, name)
static const struct told FIREWALL_ROWS[] = {
	W_AS(added, "firewall_added"), W_AS(removed, "firewall_removed"), W_AS(resets, "firewall_resets"),
	W_AS(failed, "firewall_failed"), W_AS(withheld, "firewall_withheld"), W_AS(repairs, "firewall_repairs"),
	W_AS(packets4, "firewall_refused4"), W_AS(packets6, "firewall_refused6"),
};
#undef W_AS
_Static_assert(ARRAY_LEN(FIREWALL_ROWS) * sizeof(uint64_t) ==
    sizeof(struct message_firewall) - offsetof(struct message_firewall, added), "each is told, once");

static void
tell_rows(struct watch *w, const void *counters, const struct told *rows, size_t n)
{
	uint64_t value;

	for (size_t i = 0; i < n; i++) {
		memcpy(&value, (const char *)counters + rows[i].at, sizeof(value));
		tell(w, rows[i].name, "%" PRIu64, value);
	}
}

static void
tell_store(struct watch *w)
{
	struct store_counters c;

	store_counters(w->store, &c);
	tell(w, "rows_written", "%" PRIu64, c.rows_written);
	tell(w, "rows_lost", "%" PRIu64, c.rows_lost);
	tell(w, "rows_dropped", "%" PRIu64, c.rows_dropped);
	tell(w, "senders_uncounted", "%" PRIu64, c.uncounted);
	tell(w, "commits", "%" PRIu64, c.commits);
	tell(w, "write_errors", "%" PRIu64, c.write_errors);
	tell(w, "queue", "%" PRIu64, c.queue);
	tell(w, "queue_max", "%" PRIu64, c.queue_max);
	tell(w, "bytes", "%" PRIu64, c.bytes);
	tell(w, "disk_full", "%s", c.disk_full ? "yes" : "no");
	tell(w, "rows_bad", "%" PRIu64, c.rows_bad);
	tell(w, "was_corrupt", "%s", c.was_corrupt ? "yes" : "no");
	tell(w, "rewritten", "%" PRId64, c.rewritten_s);
}

static void
tell_captures(struct watch *w)
{
	uint64_t frames = 0, ring = 0, interface = 0, results[PACKET_N_RESULTS] = { 0 };
	char name[64];

	for (size_t i = 0; i < w->n; i++) {
		const struct capture_counters *c = capture_counters(w->captures[i]);

		frames += c->frames;
		ring += c->ring_drops;
		interface += c->interface_drops;
		for (int r = 0; r < PACKET_N_RESULTS; r++)
			results[r] += c->results[r];
		(void)snprintf(name, sizeof(name), "capture %.50s", capture_name(w->captures[i]));
		if (c->down_since_us != 0)
			tell(w, name, "not capturing since %" PRId64, c->down_since_us / 1000000);
		else
			tell(w, name, "capturing, %" PRIu64 " frames, %" PRIu64 " dropped, opened again %" PRIu64 " times",
			    c->frames, c->ring_drops + c->interface_drops, c->reopened);
	}
	for (size_t i = 0; i < w->n; i++) {
		(void)snprintf(name, sizeof(name), "instead %.50s", capture_name(w->captures[i]));
		tell(w, name, "%.250s", capture_seen(w->captures[i]));
	}
	tell(w, "frames", "%" PRIu64, frames);
	tell(w, "ring_drops", "%" PRIu64, ring);
	tell(w, "interface_drops", "%" PRIu64, interface);
	for (int r = 1; r < PACKET_N_RESULTS; r++) {
		(void)snprintf(name, sizeof(name), "frames %s", packet_result_name((enum packet_result)r));
		tell(w, name, "%" PRIu64, results[r]);
	}
}

static void
tell_targets(struct watch *w)
{
	const struct ladder *l = &w->config->ladder;
	char name[64], addr[ADDR_TEXT_SIZE];
	unsigned told = 0;

	for (uint32_t i = 0; i < l->n_targets && told < MAX_TARGETS_TOLD; i++) {
		struct trap_health h;
		int64_t since_us;
		bool unseen;

		if (l->targets[i].role != ROLE_REAL)
			continue;
		told++;
		trap_target_health(w->trap, i, &h);
		since_us = h.last_syn_us != 0 ? h.last_syn_us : w->start_us;
		unseen = l->targets[i].witness == WITNESS_WIRE && watch_now_us(w) - since_us > UNSEEN_US;
		(void)snprintf(name, sizeof(name), "real %s", addr_format(&l->targets[i].addr, addr));
		tell(w, name, "%s, last SYN %" PRId64 ", last handshake %" PRId64 ", last without answer %" PRId64
		    ", probe %s %" PRId64, h.down ? "down" : h.unknown ? "unknown" : unseen ? "unseen for a day" :
		    h.last_syn_us == 0 ? "unseen" : "up",
		    h.last_syn_us / 1000000, h.last_proven_us / 1000000, h.last_unanswered_us / 1000000,
		    h.probe_us == 0 ? "none" : probe_result_name((enum probe_result)h.probe_last), h.probe_us / 1000000);
	}
}

/* Where nobody is judged now, and why: all MX sets, or their names. */
static void
tell_doubts(struct watch *w)
{
	static const enum doubt doubts[] = {
		DOUBT_REAL_DOWN, DOUBT_REAL_UNKNOWN, DOUBT_BLIND, DOUBT_DROPS, DOUBT_OVERFLOW, DOUBT_CLOCK_STEP,
		DOUBT_START_GRACE, DOUBT_TABLE_FULL, DOUBT_NEW_LAYOUT,
	};
	const struct ladder *l = &w->config->ladder;
	size_t held[DOUBT_N] = { 0 }, room[DOUBT_N] = { 0 }, now = 0;
	char where[DOUBT_N][200] = { "" }, name[64];

	for (size_t s = 0; s < l->n_sets; s++) {
		uint16_t mask = trap_doubts(w->trap, (uint16_t)s);

		for (size_t i = 0; i < ARRAY_LEN(doubts); i++) {
			int n;

			if ((mask & doubts[i]) == 0)
				continue;
			held[i]++;
			n = snprintf(where[i] + room[i], sizeof(where[i]) - room[i], "%s%s", room[i] > 0 ? ", " : "", l->sets[s].name);
			room[i] += n > 0 && room[i] + (size_t)n < sizeof(where[i]) ? (size_t)n : 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(doubts); i++) {
		now += held[i] > 0;
		(void)snprintf(name, sizeof(name), "doubt %s", doubt_name(doubts[i]));
		where[i][room[i]] = '\0';
		tell(w, name, "%s", held[i] == 0 ? "no" : held[i] == l->n_sets ? "everywhere" : where[i]);
	}
	tell(w, "doubts", "%zu", now);
}

/* What a decoy that is not as configured costs. */
static const char *
alarm_says(uint8_t kind)
{
	switch (kind) {
	case NOTE_DECOY_SILENT:
		return "is silent and should refuse: honest senders wait there for minutes";
	case NOTE_DECOY_ANSWERS:
		return "takes connections and should refuse: mail may be lost there";
	case NOTE_DECOY_DEAD:
		return "does not answer and should: nothing can be proven there";
	default:
		return "is not as configured";
	}
}

static void
tell_alarms(struct watch *w)
{
	const struct ladder *l = &w->config->ladder;
	char name[32], addr[ADDR_TEXT_SIZE];
	unsigned told = 0;

	for (uint32_t i = 0; i < l->n_targets && told < MAX_ALARMS_TOLD && trap_counters(w->trap)->alarms > told; i++) {
		struct trap_health h;

		trap_target_health(w->trap, i, &h);
		if (h.alarm == 0)
			continue;
		(void)snprintf(name, sizeof(name), "alarm %u", ++told);
		tell(w, name, "%s %s, since %" PRId64, addr_format(&l->targets[i].addr, addr), alarm_says(h.alarm),
		    h.alarm_us / 1000000);
	}
	/* One that was told and is over must not stay. */
	while (told < MAX_ALARMS_TOLD) {
		(void)snprintf(name, sizeof(name), "alarm %u", ++told);
		tell(w, name, "%s", "");
	}
}

static void
tell_processes(struct watch *w)
{
	char name[64];

	for (size_t i = 0; i < MESSAGE_MAX_PROCESSES; i++) {
		if (w->processes.process[i].name[0] == '\0')
			continue;
		(void)snprintf(name, sizeof(name), "process %.15s", w->processes.process[i].name);
		if (w->processes.process[i].pid == 0)
			tell(w, name, "not running, started again %u times", w->processes.process[i].restarts);
		else
			tell(w, name, "pid %d, since %" PRId64 ", started again %u times", w->processes.process[i].pid,
			    w->processes.process[i].since_s, w->processes.process[i].restarts);
	}
	for (size_t i = 0; i < sizeof(w->processes.complaint) / sizeof(w->processes.complaint[0]); i++) {
		(void)snprintf(name, sizeof(name), "complaint %zu", i + 1);
		/* One that was told and is over must not stay. */
		tell(w, name, "%s", w->processes.complaint[i].what);
	}
}

static void
tell_firewall(struct watch *w)
{
	struct message_firewall m;

	if (!w->config->firewall)
		return;
	m = firewall_feed_told(&w->firewall);
	tell(w, "firewall", "%s", w->firewall_off ? "off" : m.up ? "up" : "not in step yet");
	tell_rows(w, &m, FIREWALL_ROWS, ARRAY_LEN(FIREWALL_ROWS));
}

static uint64_t
mix(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;	/* FNV-1a: our own configuration is no attacker */
	return h;
}

/* Addresses, sets, rungs and roles: what evidence is judged by. */
static void
format_layout(const struct ladder *l, char text[static 32])
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < l->n_targets; i++) {
		const struct target *t = &l->targets[i];
		const uint8_t facts[] = { t->role, t->rung, (uint8_t)t->set, (uint8_t)(t->set >> 8) };

		h = mix(h, t->addr.b, sizeof(t->addr.b));
		h = mix(h, facts, sizeof(facts));
	}
	(void)snprintf(text, 32, "%016" PRIx64, h);
}

/* A stop is known at once, and not only when nothing was written for a while. */
void
status_stopped(struct watch *w)
{
	tell(w, "stopped", "%" PRId64, w->steady.wall_us / 1000000);
}

void
status_tell(struct watch *w)
{
	char layout[32], gate[PUBLISH_TEXT_SIZE];

	tell_rows(w, trap_counters(w->trap), TRAP_ROWS, ARRAY_LEN(TRAP_ROWS));
	tell_store(w);
	tell_captures(w);
	tell_targets(w);
	tell_doubts(w);
	tell_alarms(w);
	tell_processes(w);
	tell_rows(w, &w->decoy, DECOY_ROWS, ARRAY_LEN(DECOY_ROWS));
	tell(w, "decoy_overflows", "%" PRIu64, w->overflows);
	tell(w, "accepts_lost", "%" PRIu64, w->accepts_lost);
	tell(w, "accepts_over", "%" PRIu64, w->accepts_over);
	tell(w, "senders_unflushed", "%zu", w->waiting);
	tell(w, "peers_held", "%" PRIu64, w->peers_held);
	tell(w, "late_events", "%" PRIu64, w->late_events);
	tell(w, "admin_refused", "%" PRIu64, w->control.refused);
	tell(w, "memory_bytes", "%zu", trap_memory_bytes(w->trap));
	tell(w, "own_addresses", "%zu", w->own.n_known);
	tell(w, "own_refused", "%" PRIu64, w->own.refused);
	tell(w, "own_failed", "%" PRIu64, w->own.failed);
	tell(w, "clock_shift", "%.3f", (double)w->steady.shift_us / 1e6);
	format_layout(&w->config->ladder, layout);
	tell(w, "layout", "%s", layout);
	tell_firewall(w);
	if (w->config->n_dnsbl + w->config->n_postfix > 0)
		tell_rows(w, &w->lookup, LOOKUP_ROWS, ARRAY_LEN(LOOKUP_ROWS));
	tell(w, "publish", "%s", publish_format(&w->publish, gate));
	tell(w, "layout_since", "%" PRId64, w->layout_since_s);
	tell(w, "grace_until", "%" PRId64, w->start_us / 1000000 + w->grace_s);
	tell(w, "stopped", "0");
	tell(w, "clock", "%" PRId64, watch_now_us(w) / 1000000);
}

struct last_seen {
	struct status_last *last;
	char layout[32];
};

static bool
see_last(void *ctx, const char *name, const char *value)
{
	struct last_seen *seen = ctx;

	if (strcmp(name, "layout") == 0)
		seen->last->other_layout = strcmp(value, seen->layout) != 0;
	else if (strcmp(name, "layout_since") == 0)
		seen->last->layout_since_s = strtoll(value, NULL, 10);
	else if (strcmp(name, "firewall") == 0)
		seen->last->firewall_off = strcmp(value, "off") == 0;
	else if (strcmp(name, "publish") == 0)
		seen->last->publish = publish_parse(value);
	else if (strcmp(name, "clock") == 0)
		seen->last->clock_s = strtoll(value, NULL, 10);
	return true;
}

void
status_last(struct status_last *out, const struct config *config, int64_t now_s)
{
	struct last_seen seen = { .last = out };
	struct report *report;

	*out = (struct status_last){ .other_layout = false };
	format_layout(&config->ladder, seen.layout);
	if (report_open(&report, config->state_dir, &config->judge) != REPORT_OK)
		return;
	(void)report_status(report, see_last, &seen);
	report_close(report);
	if (out->other_layout)
		out->layout_since_s = now_s;
	/* A restart does not end the doubt. */
	if (out->layout_since_s != 0 && now_s - out->layout_since_s < LAYOUT_DOUBT_S)
		out->other_layout = true;
}
