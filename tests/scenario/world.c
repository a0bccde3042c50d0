/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world.c - a trap in simulated time.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* Append to one of the arrays, which are the test's own and end with it. */
#define KEEP(array, n, row) do { \
	if (((n) & ((n) - 1)) == 0) \
		(array) = realloc((array), ((n) == 0 ? 1 : (n) * 2) * sizeof(*(array))); \
	if ((array) == NULL) \
		abort(); \
	(array)[(n)++] = (row); \
} while (0)

static void
keep_attempt(void *ctx, const struct attempt_row *row)
{
	struct world *w = ctx;

	KEEP(w->attempts, w->n_attempts, *row);
}

static void
keep_visit(void *ctx, const struct visit_row *row)
{
	struct world *w = ctx;

	KEEP(w->visits, w->n_visits, *row);
}

static void
keep_evidence(void *ctx, const struct evidence_row *row)
{
	struct world *w = ctx;

	KEEP(w->evidence, w->n_evidence, *row);
}

static void
keep_change(void *ctx, const struct change_row *row)
{
	struct world *w = ctx;

	KEEP(w->changes, w->n_changes, *row);
}

static void
keep_sender(void *ctx, const struct sender_row *row)
{
	struct world *w = ctx;

	for (size_t i = w->n_senders; i > 0; i--) {
		if (w->senders[i - 1].key == row->key) {
			w->senders[i - 1] = *row;
			return;
		}
	}
	KEEP(w->senders, w->n_senders, *row);
}

static void
keep_note(void *ctx, const struct note_row *row)
{
	struct world *w = ctx;

	KEEP(w->notes, w->n_notes, *row);
}

static void
keep_memory(void *ctx, const struct memory_row *row)
{
	struct world *w = ctx;

	for (size_t i = w->n_memories; i > 0; i--) {
		struct memory_row *m = &w->memories[i - 1];

		if (m->sender == row->sender && m->set == row->set && m->is_pool == row->is_pool) {
			*m = *row;
			return;
		}
	}
	KEEP(w->memories, w->n_memories, *row);
}

static void
keep_correspondent(void *ctx, sender_key key, uint32_t answered_s)
{
	struct world *w = ctx;
	struct correspondent row = { .key = key, .answered_s = answered_s };

	KEEP(w->correspondents, w->n_correspondents, row);
}

static void
keep_foreign(void *ctx, sender_key key, uint32_t until_s)
{
	struct world *w = ctx;
	struct correspondent row = { .key = key, .answered_s = until_s };

	KEEP(w->foreign, w->n_foreign, row);
}

static void
keep_doubt(void *ctx, const struct doubt_row *row)
{
	struct world *w = ctx;

	for (size_t i = 0; i < w->n_doubts; i++) {
		struct doubt_row *d = &w->doubts[i];

		if (d->kind == row->kind && d->n == row->n && addr_equal(&d->addr, &row->addr)) {
			*d = *row;
			return;
		}
	}
	KEEP(w->doubts, w->n_doubts, *row);
}

static void
drop_tally(void *ctx, const struct tally_row *row)
{
	(void)ctx;
	(void)row;
}

static void
drop_fingerprint(void *ctx, uint16_t id, const struct fingerprint *fp, int64_t time_us)
{
	(void)ctx;
	(void)id;
	(void)fp;
	(void)time_us;
}

bool
world_begin(struct world *w, const char **why)
{
	struct event start = { .time_us = WORLD_BEGIN_US, .kind = EVENT_START, .value = w->resumed };

	if (ladder_finish(&w->ladder, NULL, NULL) != LADDER_OK) {
		*why = "the ladder breaks a rule";
		return false;
	}
	w->options.ladder = &w->ladder;
	w->options.never = w->never;
	w->options.pools = w->pools;
	w->options.sink = (struct sink){
		.ctx = w, .attempt = keep_attempt, .visit = keep_visit, .evidence = keep_evidence,
		.change = keep_change, .sender = keep_sender, .memory = keep_memory, .tally = drop_tally,
		.note = keep_note, .fingerprint = drop_fingerprint,
		.correspondent = keep_correspondent, .foreign = keep_foreign, .doubt = keep_doubt,
	};
	w->trap = trap_new(&w->options);
	if (w->trap == NULL) {
		*why = "out of memory";
		return false;
	}
	trap_event(w->trap, &start);
	return true;
}

void
world_end(struct world *w)
{
	trap_free(w->trap);
	ladder_free(&w->ladder);
	free(w->senders);
	free(w->evidence);
	free(w->changes);
	free(w->visits);
	free(w->attempts);
	free(w->notes);
	free(w->memories);
	free(w->allowed);
	free(w->correspondents);
	free(w->foreign);
	free(w->doubts);
}

/* Everything that is due goes to the arrays, as it would go to the store. */
static void
flush(struct world *w)
{
	while (trap_flush(w->trap, SIZE_MAX) != 0)
		;
}

void
world_store(struct world *w, int64_t now_us)
{
	trap_tick(w->trap, now_us);
	flush(w);
}

bool
world_restart(struct world *w, int64_t now_us)
{
	world_store(w, now_us);
	return world_begin_again(w, now_us);
}

bool
world_begin_again(struct world *w, int64_t now_us)
{
	struct event start = { .time_us = now_us, .kind = EVENT_START, .value = 1 };

	trap_free(w->trap);
	w->trap = trap_new(&w->options);
	if (w->trap == NULL)
		return false;
	for (size_t i = 0; i < w->n_allowed; i++)
		if (!trap_restore_allow(w->trap, &w->allowed[i].what, w->allowed[i].expires_s))
			return false;
	for (size_t i = 0; i < w->n_correspondents; i++)
		trap_restore_correspondent(w->trap, w->correspondents[i].key, w->correspondents[i].answered_s);
	for (size_t i = 0; i < w->n_senders; i++)
		if (!trap_restore_sender(w->trap, &w->senders[i]))
			return false;
	for (size_t i = 0; i < w->n_foreign; i++)
		trap_restore_foreign(w->trap, w->foreign[i].key, w->foreign[i].answered_s);
	for (size_t i = 0; i < w->n_memories; i++)
		if (!trap_restore_memory(w->trap, &w->memories[i]))
			return false;
	for (size_t i = 0; i < w->n_doubts; i++)
		trap_restore_doubt(w->trap, &w->doubts[i]);
	for (size_t i = 0; i < w->n_evidence; i++)
		trap_restore_evidence(w->trap, &w->evidence[i]);
	trap_event(w->trap, &start);
	return true;
}

static void
send_packet(struct world *w, int64_t now_us, enum packet_kind kind, const struct addr *src, const struct addr *dst,
    uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack)
{
	struct packet p = {
		.time_us = now_us, .src = *src, .dst = *dst, .sport = sport, .dport = dport, .seq = seq, .ack = ack,
		.kind = (uint8_t)kind,
	};

	if (kind == PACKET_SYN)
		p.fp = (struct fingerprint){ .version = addr_is_v4(src) ? 4 : 6, .ttl = 60, .layout = 0x47283,
			.wscale = 7,
			.mss = addr_is_v4(src) ? 1460 : 1440, .window = 64240 };
	trap_packets(w->trap, &p, 1);
}

void
world_act(struct world *w, int64_t now_us, const struct addr *src, const struct target *t, enum deed deed,
    unsigned n_syns)
{
	uint16_t port = (uint16_t)(20000 + ++w->ports % 40000);
	uint32_t isn = w->ports * 7919, theirs = w->ports * 104729;
	int64_t after_us = 1000000;
	unsigned n_guesses = deed == DEED_GUESSED ? n_syns : 0;

	if (deed == DEED_GUESSED)
		n_syns = 1;
	send_packet(w, now_us, PACKET_SYN, src, &t->addr, port, 25, isn, 0);
	for (unsigned i = 1; i < n_syns; i++, after_us *= 2) {
		now_us += after_us;
		send_packet(w, now_us, PACKET_SYN, src, &t->addr, port, 25, isn, 0);
	}
	now_us += 20;
	switch (deed) {
	case DEED_SYN:
		break;
	case DEED_REFUSED:
		send_packet(w, now_us, PACKET_RST, &t->addr, src, 25, port, 0, isn + 1);
		break;
	case DEED_UNREACHABLE:
		send_packet(w, now_us, PACKET_UNREACH, src, &t->addr, port, 25, isn, 0);
		break;
	case DEED_HALF:
	case DEED_CONNECT:
	case DEED_WITHDRAWN:
	case DEED_FORGED_ACK:
	case DEED_GUESSED:
	case DEED_PROVOKED:
		send_packet(w, now_us, PACKET_SYNACK, &t->addr, src, 25, port, theirs, isn + 1);
		now_us += w->rtt_us;
		if (deed == DEED_CONNECT)
			send_packet(w, now_us, PACKET_ACK, src, &t->addr, port, 25, isn + 1, theirs + 1);
		else if (deed == DEED_WITHDRAWN)
			send_packet(w, now_us, PACKET_RST, src, &t->addr, port, 25, isn + 1, 0);
		else if (deed == DEED_FORGED_ACK)
			send_packet(w, now_us, PACKET_ACK, src, &t->addr, port, 25, isn + 1, theirs + 2);
		if (deed == DEED_PROVOKED) {
			send_packet(w, now_us, PACKET_ACK, src, &t->addr, port, 25, isn + 1, 1);
			send_packet(w, now_us + 20, PACKET_RST, &t->addr, src, 25, port, 1, 0);
		}
		for (unsigned i = 0; i < n_guesses; i++)
			send_packet(w, now_us, PACKET_ACK, src, &t->addr, port, 25, isn + 1, theirs + 0x40000000 + i);
		break;
	}
}

void
world_accept(struct world *w, int64_t now_us, const struct addr *src, uint32_t target)
{
	struct event e = {
		.time_us = now_us, .kind = EVENT_ACCEPT, .port = (uint16_t)(20000 + w->ports % 40000), .target = target,
		.what = { .addr = *src, .len = 128 },
	};

	trap_event(w->trap, &e);
}

void
world_say(struct world *w, int64_t now_us, const struct addr *src, uint32_t target, uint16_t bits, const char *helo,
    const char *domain)
{
	struct event e = {
		.time_us = now_us, .kind = EVENT_SAID, .port = (uint16_t)(20000 + w->ports % 40000), .target = target,
		.what = { .addr = *src, .len = 128 },
		.value = said_of(&w->ladder, w->ladder.targets[target].set, bits, helo, domain),
	};

	trap_event(w->trap, &e);
}

void
world_mail(struct world *w, int64_t now_us, const struct addr *us, const struct addr *them, enum mail mail)
{
	uint16_t port = (uint16_t)(20000 + ++w->ports % 40000);
	uint32_t isn = w->ports * 7919;

	send_packet(w, now_us, PACKET_SYN, us, them, port, 25, isn, 0);
	now_us += mail == MAIL_LATE ? 71 * 1000000 : 20000;
	if (mail == MAIL_REFUSED)
		send_packet(w, now_us, PACKET_RST, them, us, 25, port, 0, isn + 1);
	else if (mail != MAIL_SILENT)
		send_packet(w, now_us, PACKET_SYNACK, them, us, 25, port, 77, mail == MAIL_FORGED ? isn + 2 : isn + 1);
}

void
world_sight(struct world *w, int64_t now_us, enum event_kind kind, const struct addr *src, uint32_t target)
{
	struct event e = {
		.time_us = now_us, .kind = (uint8_t)kind, .port = (uint16_t)(20000 + ++w->ports % 40000), .target = target,
		.what = { .addr = *src, .len = 128 },
	};

	trap_event(w->trap, &e);
}

void
world_event(struct world *w, const struct event *e)
{
	if (e->kind == EVENT_ALLOW)
		KEEP(w->allowed, w->n_allowed, *e);
	trap_event(w->trap, e);
}

const struct sender_row *
world_sender(struct world *w, const struct addr *a)
{
	sender_key key = addr_sender(a);

	flush(w);
	for (size_t i = 0; i < w->n_senders; i++) {
		int64_t age_s = trap_now_us(w->trap) / 1000000 - w->senders[i].sums_at_s;

		if (w->senders[i].key != key)
			continue;
		/* A copy: the kept row is what a restart begins with. */
		w->view = w->senders[i];
		w->view.score = judge_decay(&w->options.judge, w->view.score, age_s);
		w->view.hint = judge_decay(&w->options.judge, w->view.hint, age_s);
		return &w->view;
	}
	return NULL;
}
