/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visit.c - visit records, routes, and the order memory.
 */
#include "mxtrap/visit.h"

#include <math.h>

_Static_assert(sizeof(struct visit) == 56, "a visit record is 56 bytes");

#define STAMP_UNIT_S 8
#define STAMP_HOUR   (3600 / STAMP_UNIT_S)

bool
visit_pool_init(struct visit_pool *p, uint32_t cap)
{
	*p = (struct visit_pool){ .cap = cap };
	p->records = table_alloc(cap, sizeof(p->records[0]));
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

	if (p->free_head != 0) {
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
	v->next = p->free_head;
	p->free_head = number + 1;
	p->n--;
}

bool
visit_reclaim(struct visit_pool *p, struct sender *senders, uint32_t now_s, uint32_t order_memory_s)
{
	for (int i = 0; i < 64; i++) {
		uint32_t number = p->hand;
		struct visit *v = &p->records[number];
		uint32_t *link = &senders[v->sender].visits;

		p->hand = number + 1 == p->cap ? 0 : number + 1;
		if ((v->flags & (VISIT_OPEN | VISIT_FALLBACK)) != 0 || visit_remembers(v, now_s, order_memory_s) ||
		    now_s - (uint32_t)(visit_last_us(v) / 1000000) < VISIT_MAX_S)
			continue;
		while (*link != 0 && *link != number + 1)
			link = &p->records[*link - 1].next;
		if (*link == 0)
			continue;	/* free already */
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

int64_t
visit_last_us(const struct visit *v)
{
	return v->start_us + v->last_off_us;
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

size_t
route_length(uint8_t route)
{
	return route >> 6;
}

enum role
route_at(uint8_t route, size_t i)
{
	return (enum role)((route >> (2 * i)) & 3);
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
	case EVIDENCE_N_KINDS:
		break;
	}
	return STAMP_N;
}

uint8_t
visit_log_us(int64_t us)
{
	double octaves;

	if (us <= 1)
		return 0;
	octaves = ceil(log2((double)us) * 8.0);
	return octaves > 255 ? 255 : (uint8_t)octaves;
}
