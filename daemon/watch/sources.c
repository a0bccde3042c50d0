/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources.c - all that watch hears, on its way into the merge and out of it into the trap: captures,
 * the decoy's and the supervisor's lines, the clocks, and what cannot be relied on.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxtrap/siphash.h"
#include "watch_int.h"

#define GAP_US	 2000000		/* a longer turn: we were stopped, and saw nothing */
#define BLIND_US (60 * 1000000LL)	/* while decoy is gone: say so again after this */
#define DOWN_US	 (50 * 1000000LL)	/* while an interface is: before the doubt of the last time ends */
#define LOOK_US	 (1 * 1000000LL)	/* how often we look */
#define PEER_SECOND 4096			/* records of one peer in a second */
#define EVENTS_WAIT 65536		/* in the window: then peers wait */
#define ACCEPTS_HOUR 4096		/* of one sender at decoys that the wire does not show */
#define DECOY_GAP_US 3000000		/* it tells its counters each second */

int64_t
watch_clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

int64_t
watch_now_us(const struct watch *w)
{
	return steady_time(&w->steady, w->steady.wall_us);
}

/* -- into the trap -- */

static void
on_packets(void *ctx, const struct packet *packets, size_t n)
{
	struct watch *w = ctx;

	trap_packets(w->trap, packets, n);
}

/* Stored as applied, if it changed anything: a replay must find it where the trap saw it. */
static void
apply_event(struct watch *w, const struct event *event, const char *who, const char *note)
{
	struct event e = *event;

	if (e.time_us < trap_now_us(w->trap)) {
		e.time_us = trap_now_us(w->trap);
		w->late_events++;
	}
	if (e.kind == EVENT_ALLOW || e.kind == EVENT_LIST || e.kind == EVENT_FORGET ? watch_apply_decision(w, &e) :
	    trap_event(w->trap, &e))
		store_event(w->store, &e, who, note);
}

/*
 * Where the wire does not show a decoy its accept() alone opens a connection, so that each must be stored.  What a sender
 * does beyond its share of the hour is not looked at, live and in a replay alike: it has been judged by then.
 */
static bool
accept_over(struct watch *w, const struct event *e)
{
	uint32_t hour = (uint32_t)(e->time_us / 3600000000LL);

	if (e->kind != EVENT_ACCEPT || e->target >= w->config->ladder.n_targets ||
	    w->config->ladder.targets[e->target].witness != WITNESS_NONE)
		return false;
	return !share_take(&w->accepts, siphash13(w->accepts_key, addr_sender(&e->what.addr), 0), hour, ACCEPTS_HOUR);
}

static void
on_event(void *ctx, const struct event *event)
{
	const char *domain, *helo = watch_words_of(ctx, event, &domain);
	struct watch *w = ctx;

	if (accept_over(w, event)) {
		w->accepts_over++;
		return;
	}
	apply_event(ctx, event, helo, domain);
}

void
watch_event_now(struct watch *w, struct event *e, const char *who, const char *note)
{
	e->source = UINT8_MAX;		/* behind packets of the same time */
	e->seq = w->seq++;
	if (e->time_us < trap_now_us(w->trap))
		e->time_us = trap_now_us(w->trap);
	apply_event(w, e, who, note);
}

void
watch_event(struct watch *w, struct event *e)
{
	e->source = UINT8_MAX;		/* behind packets of the same time */
	e->seq = w->seq++;
	if (e->kind != EVENT_ACCEPT && e->kind != EVENT_SAID && e->kind != EVENT_PROBE && e->kind != EVENT_DEFERRED &&
	    e->kind != EVENT_SIGHTING && e->kind != EVENT_ACCEPTED)
		e->target = UINT32_MAX;
	if (!merge_event(w->merge, e))
		on_event(w, e);
}

void
watch_release(struct watch *w, int64_t horizon_us)
{
	merge_release(w->merge, horizon_us, TRAP_BLOCK, on_packets, on_event, w);
}

/* -- sources -- */

static void
blind(struct watch *w, int64_t since_us, bool unseen)
{
	struct event e = { .time_us = watch_now_us(w), .kind = EVENT_BLIND, .since_us = since_us, .value = unseen };

	watch_event(w, &e);
}

/* Time stamps of the wall clock become the trap's own. */
static void
set_times(const struct watch *w, struct packet *packets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		packets[i].time_us = steady_time(&w->steady, packets[i].time_us);
}

/* One read from each capture; returns how far the trap may go, *more: there is more to read at once. */
int64_t
watch_read_captures(struct watch *w, bool *more)
{
	int64_t horizon = watch_now_us(w) - MERGE_WINDOW_US;

	*more = false;
	for (size_t i = 0; i < w->n; i++) {
		size_t max;
		struct packet *room = merge_room(w->merge, i, &max);
		int n;

		if (max == 0) {
			/* More in a window than we keep: better a little early than lost in the ring. */
			watch_release(w, merge_safe_us(w->merge, i));
			room = merge_room(w->merge, i, &max);
		}
		n = capture_read(w->captures[i], room, max);
		if (n <= 0)
			continue;
		set_times(w, room, (size_t)n);
		merge_took(w->merge, i, (size_t)n);
		if ((size_t)n == max) {
			*more = true;
			if (merge_safe_us(w->merge, i) < horizon)
				horizon = merge_safe_us(w->merge, i);
		}
	}
	return horizon;
}

static void
take_accepts(struct watch *w, const struct message_accepts *m)
{
	if (w->accepts_next != 0 && m->seq != w->accepts_next && m->seq != 0)
		w->accepts_lost += m->seq - w->accepts_next;
	w->accepts_next = m->seq + m->n;
	for (uint32_t i = 0; i < m->n; i++) {
		const struct message_accept *a = &m->accepts[i];
		struct event e = {
			.time_us = steady_time(&w->steady, a->time_us), .kind = EVENT_ACCEPT, .port = a->port,
			.target = a->target,
		};
		struct addr src;

		/* It listens nowhere else. */
		if (a->target >= w->config->ladder.n_targets || w->config->ladder.targets[a->target].role != ROLE_BOGUS ||
		    w->config->ladder.targets[a->target].answer == ANSWER_NONE)
			continue;
		memcpy(src.b, a->src, sizeof(src.b));
		e.what = prefix_of(&src, 128);
		watch_event(w, &e);
	}
}

static void
take_probe(struct watch *w, const struct message_probe *m)
{
	struct event e = {
		.time_us = steady_time(&w->steady, m->time_us), .kind = EVENT_PROBE, .target = m->target,
		.value = (int64_t)m->result,
	};

	if (m->target >= w->config->ladder.n_targets || w->config->ladder.targets[m->target].role != ROLE_REAL)
		return;
	e.expires_s = (uint32_t)(e.time_us / 1000000) + m->good_s;
	watch_event(w, &e);
}

static void
decoy_seen(struct watch *w, int64_t now_us)
{
	if (w->decoy_seen_us != 0 && now_us - w->decoy_seen_us > DECOY_GAP_US)
		blind(w, w->decoy_seen_us, false);
	w->decoy_seen_us = w->decoy_blind_us = now_us;
}

static void
take_decoy(struct watch *w, const struct message_decoy *m)
{
	/* Since that decoy began; one that began anew counts from nothing. */
	uint64_t grown = m->overflows >= w->decoy.overflows ? m->overflows - w->decoy.overflows : m->overflows;

	if (w->decoy_known && grown > 0) {
		struct event e = { .time_us = watch_now_us(w), .kind = EVENT_OVERFLOW, .value = (int64_t)grown };

		w->overflows += grown;
		watch_event(w, &e);
	}
	w->decoy = *m;
	w->decoy_known = true;
	/* Each second: who misses some was stopped, or dead, and saw nothing. */
	decoy_seen(w, watch_now_us(w));
}

/*
 * May this peer's line be read on?  A turn takes MESSAGE_TURN records of it and a second PEER_SECOND: what is over waits in
 * its line, so that one that writes without pause takes neither our time nor our memory; counted.
 */
static bool
may_read(struct watch *w, struct watch_peer *p, int i)
{
	int64_t second = w->turn_ms / 1000;

	if (second != p->second) {
		p->second = second;
		p->n = 0;
		p->held = false;
	}
	if (p->n >= PEER_SECOND) {
		w->peers_held += !p->held;
		p->held = true;
		return false;
	}
	return i < MESSAGE_TURN && merge_events_waiting(w->merge) < EVENTS_WAIT;
}

void
watch_read_decoy(struct watch *w)
{
	union {
		struct message_head head;
		struct message_accepts accepts;
		struct message_decoy decoy;
		struct message_probe probe;
		struct message_said said;
	} m;

	for (int i = 0; !w->decoy_gone && may_read(w, &w->decoy_peer, i); i++) {
		int n = message_take(w->p->decoy_fd, LINE_DECOY_TO_WATCH, &m, sizeof(m));

		if (n == 0)
			return;
		w->decoy_peer.n++;
		if (n == -1)
			w->decoy_gone = true;
		else if (n > 0 && m.head.kind == MESSAGE_ACCEPTS)
			take_accepts(w, &m.accepts);
		else if (n > 0 && m.head.kind == MESSAGE_DECOY)
			take_decoy(w, &m.decoy);
		else if (n > 0 && m.head.kind == MESSAGE_PROBE)
			take_probe(w, &m.probe);
		else if (n > 0 && m.head.kind == MESSAGE_SAID)
			watch_take_said(w, &m.said);
	}
}

void
watch_read_supervisor(struct watch *w)
{
	struct message_processes m;

	for (int i = 0; i < 16; i++) {
		int n = message_take(w->p->supervisor_fd, LINE_SUPERVISOR_TO_WATCH, &m, sizeof(m));

		if (n == 0 || n == -1)
			return;		/* a closed line is seen by process_should_stop() */
		if (n > 0 && m.head.kind == MESSAGE_PROCESSES)
			w->processes = m;
		/* Whether it is true, the store finds out by itself. */
		if (n > 0 && m.head.kind == MESSAGE_PROCESSES && m.damaged != 0)
			store_suspect(w->store);
	}
}

/* Does a real MX's own MTA tell of it through lookup? */
static bool
lookup_tells(const struct watch *w)
{
	const struct ladder *l = &w->config->ladder;

	for (size_t i = 0; i < l->n_targets; i++)
		if (l->targets[i].role == ROLE_REAL && l->targets[i].witness == WITNESS_POSTFIX)
			return true;
	return false;
}

/* Until then nothing is missing of what lookup told. */
static int64_t
heard_until_us(const struct watch *w)
{
	return w->lookup_seen_us != 0 ? w->lookup_seen_us : watch_now_us(w) - BLIND_US;
}

/* Each second it tells its counters: who misses some was stopped, or dead, and heard of nobody. */
static void
take_lookup(struct watch *w, const struct message_lookup *m)
{
	int64_t now_us = watch_now_us(w);

	/* Another one than before: what the last one heard and could not tell any more is lost. */
	if (lookup_tells(w) && m->policy < w->lookup.policy)
		blind(w, heard_until_us(w), true);
	w->lookup = *m;
	if (w->lookup_seen_us != 0 && now_us - w->lookup_seen_us > DECOY_GAP_US)
		blind(w, w->lookup_seen_us, false);
	w->lookup_seen_us = w->lookup_blind_us = lookup_tells(w) ? now_us : 0;
}

static void
take_sightings(struct watch *w, const struct message_sightings *m)
{
	static const uint8_t kinds[] = {
		[SIGHTING_RCPT] = EVENT_SIGHTING, [SIGHTING_ACCEPTED] = EVENT_ACCEPTED, [SIGHTING_DEFERRED] = EVENT_DEFERRED,
	};

	/* Whom we did not hear of may have been at the real MX before it came to the backup. */
	if (w->sightings_next != 0 && m->seq != w->sightings_next && lookup_tells(w))
		blind(w, heard_until_us(w), true);
	w->sightings_next = m->seq + m->n;
	for (uint32_t i = 0; i < m->n; i++) {
		const struct message_sighting *s = &m->sightings[i];
		struct event e = {
			.time_us = steady_time(&w->steady, s->time_us), .kind = kinds[s->what], .port = s->port,
			.target = s->target,
		};
		struct addr src;

		if (s->target >= w->config->ladder.n_targets || w->config->ladder.targets[s->target].role != ROLE_REAL)
			continue;
		memcpy(src.b, s->src, sizeof(src.b));
		e.what = prefix_of(&src, 128);
		watch_event(w, &e);
	}
}

void
watch_read_lookup(struct watch *w)
{
	union {
		struct message_head head;
		struct message_lookup lookup;
		struct message_sightings sightings;
	} m;

	for (int i = 0; !w->lookup_gone && w->p->lookup_fd >= 0 && may_read(w, &w->lookup_peer, i); i++) {
		int n = message_take(w->p->lookup_fd, LINE_LOOKUP_TO_WATCH, &m, sizeof(m));

		if (n == 0)
			return;
		w->lookup_peer.n++;
		if (n == -1)
			w->lookup_gone = true;
		else if (n > 0 && m.head.kind == MESSAGE_LOOKUP)
			take_lookup(w, &m.lookup);
		else if (n > 0 && m.head.kind == MESSAGE_SIGHTINGS)
			take_sightings(w, &m.sightings);
	}
}

void
watch_consumer(struct store *store, const struct message_fetched *m)
{
	struct consumer_row row = { .first_s = m->first_s, .last_s = m->last_s, .n = m->n, .generation = m->generation,
		.serial = m->serial, .before = m->before };

	memcpy(row.who, m->who, sizeof(row.who));
	memcpy(row.what, m->what, sizeof(row.what));
	memcpy(row.agent, m->agent, sizeof(row.agent));
	store_consumer(store, &row);
}

/* -- what cannot be relied on -- */

/* Did the clock move, or did we sleep? */
void
watch_look_at_clocks(struct watch *w)
{
	int64_t now_ms = process_now_ms(), last_us = watch_now_us(w), step;

	step = steady_look(&w->steady, watch_clock_us(CLOCK_REALTIME), watch_clock_us(CLOCK_BOOTTIME));
	if (step != 0) {
		struct event e = { .time_us = watch_now_us(w), .kind = EVENT_CLOCK_STEP, .value = step };

		if ((step > STEADY_TERM_US || step < -STEADY_TERM_US) &&
		    (w->steady.shift_us > STEADY_TERM_US || w->steady.shift_us < -STEADY_TERM_US)) {
			log_warnx("the clock was moved by %.0f days, more than any term: watch begins again by the new one",
			    (double)step / 86400e6);
			w->again = true;
			return;
		}
		log_warnx("the clock was moved by %.1f s: nothing counts for half an hour, and our own time follows slowly",
		    (double)step / 1e6);
		watch_event(w, &e);
	}
	/* CLOCK_MONOTONIC stands still in suspend, CLOCK_BOOTTIME does not: either may show the gap. */
	if ((now_ms - w->turn_ms) * 1000 > GAP_US || watch_now_us(w) - last_us > GAP_US) {
		log_warnx("nothing was seen for %.1f s: this process was stopped or the machine slept",
		    (double)(watch_now_us(w) - last_us) / 1e6);
		blind(w, last_us, false);		/* the rings may have kept it all */
	}
	w->turn_ms = now_ms;
}

/* Who of us may send mail: real exchangers, and what the interfaces have. */
void
watch_look_at_own(struct watch *w)
{
	const struct ladder *l = &w->config->ladder;
	struct addr *list;
	size_t n = 0;

	if (!w->config->correspondents || w->own.looks == w->own_looks)
		return;
	w->own_looks = w->own.looks;
	list = calloc(l->n_targets + w->own.n_known + 1, sizeof(*list));
	if (list == NULL)
		return;
	for (size_t i = 0; i < l->n_targets; i++)
		if (l->targets[i].role == ROLE_REAL)
			list[n++] = l->targets[i].addr;
	for (size_t i = 0; i < w->own.n_known; i++) {
		const struct addr *a = &w->own.known[i].addr;
		bool v4 = addr_is_v4(a);

		/* Nothing leaves from a loopback address, nor goes far from a link-local one. */
		if ((w->own.known[i].why & NEVER_OWN) != 0 && (v4 ? a->b[12] != 127 : (a->b[0] & 0xe0) == 0x20))
			list[n++] = *a;
	}
	for (size_t i = 0; i < w->n; i++)
		capture_own(w->captures[i], list, n);
	free(list);
}

/* Interfaces that are gone, or are back; and what the kernel dropped. */
void
watch_look_at_captures(struct watch *w)
{
	uint64_t drops = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct capture_counters *c = capture_counters(w->captures[i]);
		bool down = c->down_since_us != 0, back = c->reopened > w->reopened[i];

		drops += c->ring_drops + c->interface_drops;
		if ((down || back) && w->down_us[i] == 0)
			w->down_us[i] = watch_now_us(w) - LOOK_US;
		if (back || (down && watch_now_us(w) - w->told_blind_us[i] > DOWN_US)) {
			w->reopened[i] = c->reopened;
			blind(w, w->down_us[i], true);
			w->told_blind_us[i] = watch_now_us(w);
			if (!down)
				w->down_us[i] = w->told_blind_us[i] = 0;
		}
	}
	/* A decoy that is gone sees nothing either, for as long as there should be one. */
	if (w->decoy_seen_us != 0 && watch_now_us(w) - w->decoy_blind_us > BLIND_US) {
		blind(w, w->decoy_seen_us, false);
		w->decoy_blind_us = watch_now_us(w);
	}
	if (w->lookup_seen_us != 0 && watch_now_us(w) - w->lookup_blind_us > BLIND_US) {
		blind(w, w->lookup_seen_us, false);
		w->lookup_blind_us = watch_now_us(w);
	}
	if (drops > w->drops) {
		struct event e = { .time_us = watch_now_us(w), .kind = EVENT_DROPS, .value = (int64_t)(drops - w->drops) };

		watch_event(w, &e);
		w->drops = drops;
	}
}
