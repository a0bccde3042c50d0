/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot.c - sender and memory snapshots: taken together, sorted, written by key.
 *
 * What such a flush costs is pages, not rows: a million senders in key order touch
 * each page once, in random order nearly once a row.
 */
#include "store_int.h"

#include "mxtrap/table.h"

static struct ring *
snapshot_lane(const struct store *s, size_t i)
{
	return (struct ring *)&s->lanes[i == 0 ? LANE_SENDER : LANE_MEMORY];
}

static uint64_t
snapshot_key(size_t i, const void *record)
{
	return sort_key(i == 0 ? ((const struct sender_row *)record)->key : ((const struct memory_row *)record)->sender);
}

static bool
snapshot_take(struct store *s, size_t i)
{
	struct snapshot *snap = &s->snapshots[i];
	struct ring *lane = snapshot_lane(s, i);
	uint64_t n = ring_used(lane);

	if (n == 0 || !sort_begin(&snap->sort, n))
		return false;
	for (uint64_t k = 0; k < n; k++)
		snap->sort.items[k] = (struct sort_item){ .key = snapshot_key(i, ring_at(lane, k)), .at = k };
	snap->taken = n;
	snap->at = snap->written = 0;
	snap->sorted = false;
	return true;
}

bool
snapshot_prepare(struct store *s, bool due)
{
	bool any = false;

	for (size_t i = 0; i < 2; i++) {
		struct snapshot *snap = &s->snapshots[i];
		const struct ring *lane = snapshot_lane(s, i);

		if (snap->taken == 0 && (due || ring_used(lane) > ring_size(lane) / 4 * 3) && snapshot_take(s, i)) {
			any = true;
			break;
		}
		if (snap->taken != 0 && !snap->sorted) {
			snap->sorted = sort_step(&snap->sort);
			any = true;
			break;		/* a pass takes milliseconds: one a slice */
		}
		any |= snap->taken != 0;
	}
	return any;
}

bool
snapshot_waits(const struct store *s)
{
	return s->snapshots[0].taken != 0 || s->snapshots[1].taken != 0;
}

/* The next few records of a snapshot; how many were written, 0: sqlite3_errcode(). */
static size_t
snapshot_some(struct store *s, size_t i)
{
	const struct snapshot *snap = &s->snapshots[i];
	const struct ring *lane = snapshot_lane(s, i);
	const struct sort_item *next = &snap->sort.items[snap->written];
	const struct sender_row *senders[WRITE_TOGETHER];
	const struct memory_row *memories[WRITE_TOGETHER];
	bool ok;

	if (snap->taken - snap->written < WRITE_TOGETHER) {
		ok = i == 0 ? write_sender(s, ring_at(lane, next->at)) : write_memory(s, ring_at(lane, next->at));
		return ok ? 1 : 0;
	}
	for (size_t k = 0; k < WRITE_TOGETHER; k++) {
		senders[k] = ring_at(lane, next[k].at);
		memories[k] = ring_at(lane, next[k].at);
		/* Records lie in the order they came: what is next by key is somewhere else. */
		if (snap->written + k + 16 < snap->taken)
			table_prefetch(ring_at(lane, next[k + 16].at), lane->stride);
	}
	ok = i == 0 ? write_senders(s, senders) : write_memories(s, memories);
	return ok ? WRITE_TOGETHER : 0;
}

bool
snapshot_write(struct store *s, int64_t deadline_us)
{
	for (size_t i = 0; i < 2; i++) {
		struct snapshot *snap = &s->snapshots[i];
		unsigned n = 0;

		if (snap->taken == 0 || !snap->sorted)
			continue;
		while (snap->written < snap->taken) {
			size_t some = snapshot_some(s, i);

			if (some == 0)
				return false;
			snap->written += some;
			if ((++n & 15) == 0 && writer_hurry(s, deadline_us))
				return true;
		}
	}
	return true;
}

void
snapshot_settle(struct store *s, bool committed)
{
	for (size_t i = 0; i < 2; i++) {
		struct snapshot *snap = &s->snapshots[i];

		if (!committed) {
			snap->written = snap->at;
			continue;
		}
		atomic_fetch_add(&s->rows_written, snap->written - snap->at);
		snap->at = snap->written;
		if (snap->taken != 0 && snap->at == snap->taken) {
			ring_drop(snapshot_lane(s, i), snap->taken);
			snap->taken = 0;
			if (snap->sort.cap > 65536)
				sort_free(&snap->sort);
		}
	}
}

void
snapshot_forget(struct store *s)
{
	for (size_t i = 0; i < 2; i++)
		s->snapshots[i].taken = 0;
}
