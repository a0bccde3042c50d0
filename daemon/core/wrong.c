/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wrong.c - wrong ACKs by sender: sets of eight, no allocation after the start.
 */
#include "mxtrap/wrong.h"

#include "mxtrap/siphash.h"
#include "mxtrap/table.h"

bool
wrong_init(struct wrong *w, const uint8_t hash_key[16])
{
	*w = (struct wrong){ .hash_key = hash_key };
	w->entries = table_alloc((size_t)WRONG_SETS * WRONG_WAYS, sizeof(w->entries[0]));
	return w->entries != NULL;
}

void
wrong_free(struct wrong *w)
{
	table_free(w->entries);
	*w = (struct wrong){ 0 };
}

size_t
wrong_bytes(void)
{
	return (size_t)WRONG_SETS * WRONG_WAYS * sizeof(struct wrong_entry);
}

bool
wrong_is(uint32_t ack, uint32_t answer_isn)
{
	return ack - (answer_isn + 1) >= WRONG_SESSION;	/* modulo 2^32 (RFC 9293, 3.4) */
}

static struct wrong_entry *
set_of(const struct wrong *w, sender_key key)
{
	uint64_t hash = siphash13(w->hash_key, key, 2);

	return &w->entries[(hash & (WRONG_SETS - 1)) * WRONG_WAYS];
}

static bool
is_over(const struct wrong_entry *e, int64_t now_us)
{
	return e->until_us <= now_us && now_us - e->at_us[0] > WRONG_MINUTE_US;
}

/* Whom the set can spare: one that says nothing any more; else one not doubted; of these the longest quiet. */
static struct wrong_entry *
spare(struct wrong *w, struct wrong_entry *set, int64_t now_us)
{
	struct wrong_entry *least = &set[0];

	for (struct wrong_entry *e = set; e < set + WRONG_WAYS; e++) {
		bool doubted = e->until_us > now_us, least_doubted = least->until_us > now_us;

		if (is_over(e, now_us))
			return e;
		if (doubted != least_doubted ? least_doubted : e->at_us[0] < least->at_us[0])
			least = e;
	}
	w->evicted++;
	return least;
}

static struct wrong_entry *
find(const struct wrong *w, sender_key key)
{
	struct wrong_entry *set = set_of(w, key);

	for (size_t i = 0; i < WRONG_WAYS; i++)
		if (set[i].key == key && set[i].at_us[0] != 0)
			return &set[i];
	return NULL;
}

bool
wrong_note(struct wrong *w, sender_key key, int64_t now_us)
{
	struct wrong_entry *e = find(w, key);
	int64_t before_us;
	bool was;

	w->seen++;
	if (e == NULL) {
		e = spare(w, set_of(w, key), now_us);
		*e = (struct wrong_entry){ .key = key };
	}
	before_us = e->at_us[WRONG_ALLOWED - 1];
	for (size_t i = WRONG_ALLOWED - 1; i > 0; i--)
		e->at_us[i] = e->at_us[i - 1];
	e->at_us[0] = now_us;
	if (before_us == 0 || now_us - before_us > WRONG_MINUTE_US)
		return false;
	was = e->until_us > now_us;
	e->until_us = now_us + WRONG_HOUR_US;
	return !was;
}

bool
wrong_doubts(const struct wrong *w, sender_key key, int64_t now_us)
{
	const struct wrong_entry *e = w->seen == 0 ? NULL : find(w, key);

	return e != NULL && e->until_us > now_us;
}
