/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visit.c - visit records, routes, and the order memory.
 */
#include "mxtrap/visit.h"

_Static_assert(sizeof(struct visit) == 64, "a visit record is a cache line");

#define STAMP_UNIT_S 8
#define STAMP_HOUR   (3600 / STAMP_UNIT_S)

bool
visit_pool_init(struct visit_pool *p, uint32_t homes, uint32_t further)
{
	*p = (struct visit_pool){ .cap = homes + further, .homes = homes, .fresh = homes, .hand = homes };
	p->records = table_alloc(p->cap, sizeof(p->records[0]));
	return p->records != NULL;
}

void
visit_pool_free(struct visit_pool *p)
{
	table_free(p->records);
	*p = (struct visit_pool){ 0 };
}

uint32_t
visit_find(struct visit_pool *p, struct sender *s, uint16_t set)
{
	uint32_t *link = &s->visits;

	while (*link != 0) {
		uint32_t number = *link - 1;
		struct visit *v = &p->records[number];

		if (v->set == set) {
			/* Newest first: the next packet is most likely of this set again. */
			*link = v->next;
			v->next = s->visits;
			s->visits = number + 1;
			return number;
		}
		link = &v->next;
	}
	return VISIT_NONE;
}

uint32_t
visit_add(struct visit_pool *p, struct sender *s, uint32_t sender_number, uint16_t set)
{
	uint32_t number;
	uint8_t generation;

	if (sender_number < p->homes && !p->records[sender_number].taken) {
		number = sender_number;
	} else if (p->free_head != 0) {
		number = p->free_head - 1;
		p->free_head = p->records[number].next;
	} else if (p->fresh < p->cap) {
		number = p->fresh++;
	} else {
		return VISIT_NONE;
	}
	generation = (uint8_t)(p->records[number].generation + 1);
	p->records[number] = (struct visit){
		.sender = sender_number, .next = s->visits, .set = set, .generation = generation & 15U,
		.taken = true,
	};
	s->visits = number + 1;
	p->n++;
	return number;
}

static void
release(struct visit_pool *p, uint32_t number)
{
	struct visit *v = &p->records[number];

	/* A deadline that still names this record finds another generation. */
	v->flags = 0;
	v->generation = (v->generation + 1U) & 15U;
	v->taken = false;
	p->n--;
	if (number < p->homes)
		return;
	v->next = p->free_head;
	p->free_head = number + 1;
}

bool
visit_reclaim(struct visit_pool *p, struct sender *senders, uint32_t now_s, uint32_t order_memory_s)
{
	for (int i = 0; i < 64 && p->homes < p->cap; i++) {
		uint32_t number = p->hand;
		struct visit *v = &p->records[number];
		uint32_t *link = &senders[v->sender].visits;

		p->hand = number + 1 == p->cap ? p->homes : number + 1;
		if (!v->taken || (v->flags & (VISIT_OPEN | VISIT_FALLBACK)) != 0 || visit_remembers(v, now_s, order_memory_s) ||
		    now_s - (uint32_t)(visit_last_us(v) / 1000000) < VISIT_MAX_S)
			continue;
		while (*link != number + 1)
			link = &p->records[*link - 1].next;
		*link = v->next;
		release(p, number);
		p->evicted++;
		return true;
	}
	return false;
}

void
visit_drop_all(struct visit_pool *p, struct sender *s)
{
	while (s->visits != 0) {
		uint32_t number = s->visits - 1;
		struct visit *v = &p->records[number];

		s->visits = v->next;
		release(p, number);
	}
}

bool
visit_remembers(const struct visit *v, uint32_t now_s, uint32_t order_memory_s)
{
	return v->lower_at_s != 0 && now_s - v->memory_at_s <= order_memory_s;
}

void
visit_remember(struct visit *v, uint32_t now_s, bool lower, uint32_t order_memory_s)
{
	if (lower)
		v->lower_at_s = v->memory_at_s = now_s;
	else if (visit_remembers(v, now_s, order_memory_s) && now_s - v->lower_at_s <= VISIT_REFRESH_S)
		v->memory_at_s = now_s;
}

void
visit_suppose(struct visit *v, uint32_t now_s)
{
	v->memory_at_s = now_s;
	v->lower_at_s = now_s - VISIT_REFRESH_S - 1;
}

uint8_t
route_add(uint8_t route, enum role role)
{
	size_t n = route_length(route);

	for (size_t i = 0; i < n; i++)
		if (route_at(route, i) == role)
			return route;
	if (n == 3)
		return route;
	return (uint8_t)(((route & 0x3f) | ((unsigned)role << (2 * n))) + ((n + 1) << 6));
}

bool
visit_stamped(const struct visit *v, enum visit_stamp stamp, uint32_t now_s)
{
	uint16_t now = (uint16_t)(now_s / STAMP_UNIT_S);

	return v->stamp[stamp] != 0 && (uint16_t)(now - v->stamp[stamp]) < STAMP_HOUR;
}

void
visit_stamp(struct visit *v, enum visit_stamp stamp, uint32_t now_s)
{
	uint16_t now = (uint16_t)(now_s / STAMP_UNIT_S);

	v->stamp[stamp] = now != 0 ? now : 1;
}

enum visit_stamp
visit_stamp_of(enum evidence_kind kind)
{
	switch (kind) {
	case EVIDENCE_BACKUP_FIRST:
	case EVIDENCE_DESCENDED:
		return STAMP_BACKUP_FIRST;
	case EVIDENCE_DECOYS_ONLY:
		return STAMP_DECOYS_ONLY;
	case EVIDENCE_IMPATIENT:
		return STAMP_IMPATIENT;
	case EVIDENCE_GAVE_UP:
		return STAMP_GAVE_UP;
	case EVIDENCE_CLIMBED:
		return STAMP_CLIMBED;
	case EVIDENCE_EARLY_TALKER:
	case EVIDENCE_BAD_HELO:
		return STAMP_TALK;
	case EVIDENCE_REACHED_REAL:
	case EVIDENCE_SKIPPED_NOLISTING:
	case EVIDENCE_PROBED:
	case EVIDENCE_SWEPT:
	case EVIDENCE_BY_HAND:
	case EVIDENCE_ADDRESSED:
	case EVIDENCE_FOREIGN:
	case EVIDENCE_ACCEPTED:
	case EVIDENCE_N_KINDS:
		break;
	}
	return STAMP_N;
}

/* 2^(63 + k/8), rounded down: where an eighth of an octave ends. */
static const uint64_t EIGHTHS[8] = {
	0x8000000000000000, 0x8b95c1e3ea8bd6e6, 0x9837f0518db8a96f, 0xa5fed6a9b15138ea,
	0xb504f333f9de6484, 0xc5672a115506dadd, 0xd744fccad69d6af4, 0xeac0c6e7dd24392e,
};

uint8_t
visit_log_us(int64_t us)
{
	int octave;
	uint64_t mantissa;
	unsigned eighth = 0;

	if (us <= 1)
		return 0;
	octave = 63 - __builtin_clzll((uint64_t)us);
	if (octave >= 32)
		return 255;
	mantissa = (uint64_t)us << (63 - octave);
	while (eighth < 8 && mantissa > EIGHTHS[eighth])
		eighth++;
	eighth += (unsigned)octave * 8;
	return eighth > 255 ? 255 : (uint8_t)eighth;
}
