/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.c - keeps the list in memory in step with the database.
 */
#include "feed.h"

#include <string.h>

#include "mxtrap/log.h"

#define PIECE	 10000			/* entries read at once: some 10 ms */
#define CHANGES	 4096			/* changes folded at once */
#define LOOK_MS	 500			/* the gate and the never-list are asked for anew */

void
feed_init(struct feed *f, const struct config *config, const uint8_t seed[static 16])
{
	*f = (struct feed){ .config = config };
	memcpy(f->seed, seed, sizeof(f->seed));
	listed_init(&f->listed, seed);
	listed_init(&f->next, seed);
}

void
feed_free(struct feed *f)
{
	listed_free(&f->listed);
	listed_free(&f->next);
	never_free(&f->never);
	if (f->report != NULL)
		report_close(f->report);
	f->report = NULL;
}

static bool
begin_load(struct feed *f)
{
	struct report_state state;

	if (report_state(f->report, &state) != REPORT_OK)
		return false;
	listed_free(&f->next);
	listed_init(&f->next, f->seed);
	f->next_generation = state.generation;
	f->next_serial = state.serial;
	f->created_s = state.created_s;
	f->any_read = false;
	f->loading = true;
	return true;
}

struct piece {
	struct feed *feed;
	size_t n;
};

static bool
take_entry(void *ctx, const struct report_entry *e)
{
	struct piece *p = ctx;
	struct feed *f = p->feed;

	p->n++;
	f->after = e->what;
	f->any_read = true;
	if (!listed_put(&f->next, &e->what, e->state, e->kinds, (uint32_t)e->since_s, (uint32_t)e->expires_s))
		f->no_memory++;
	return true;
}

/*
 * A piece of the whole list.  It is no state: rows move while it is read.  Folding what changed
 * since the serial at which it began makes it one, for the last word on a sender wins.
 */
static void
load_piece(struct feed *f, int64_t now_s)
{
	struct report_filter filter = {
		.states = 1U << STATE_LISTED | 1U << STATE_SUSPECT, .klass = 0xff, .limit = PIECE,
		.after = f->any_read ? &f->after : NULL,
	};
	struct piece piece = { .feed = f };

	if (report_entries(f->report, &filter, now_s, NULL, take_entry, &piece) > REPORT_NONE) {
		f->loading = false;	/* tried again at the next look */
		return;
	}
	if (piece.n == PIECE)
		return;
	listed_free(&f->listed);
	f->listed = f->next;
	listed_init(&f->next, f->seed);
	f->generation = f->next_generation;
	f->serial = f->next_serial;
	f->loading = false;
	f->complete = true;
	f->loads++;
	log_info("knows %zu listed senders and suspects", f->listed.n);
}

struct fold {
	struct feed *feed;
	uint64_t first, last;
	size_t n;
};

static bool
take_change(void *ctx, const struct report_change *c)
{
	struct fold *fold = ctx;
	struct feed *f = fold->feed;
	const struct change_row *row = &c->row;

	if (fold->n++ == 0)
		fold->first = c->serial;
	fold->last = c->serial;
	f->rows++;
	if (row->new_state != STATE_LISTED && row->new_state != STATE_SUSPECT)
		listed_remove(&f->listed, &row->what);
	else if (!listed_put(&f->listed, &row->what, row->new_state, row->kinds, row->since_s, row->expires_s))
		f->no_memory++;
	return true;
}

/* Returns whether there is more.  A piece may end amid a serial: that one is folded again, whole. */
static bool
fold_changes(struct feed *f)
{
	struct fold fold = { .feed = f };
	enum report_result result = report_changes_since(f->report, f->serial, CHANGES, take_change, &fold);

	if (result == REPORT_NONE) {
		(void)begin_load(f);	/* we slept past the horizon */
		return f->loading;
	}
	if (result != REPORT_OK || fold.n == 0)
		return false;
	if (fold.n < CHANGES) {
		f->serial = fold.last;
		return false;
	}
	if (fold.first != fold.last) {
		f->serial = fold.last - 1;
		return true;
	}
	fold.n = 0;
	if (report_changes_since(f->report, f->serial, 0, take_change, &fold) == REPORT_OK)
		f->serial = fold.last;
	return false;
}

/* May anything be said, and of whom never? */
static void
look(struct feed *f, int64_t now_s)
{
	struct report_state state;
	struct never never = { .n = 0 };

	f->claims = false;
	if (report_state(f->report, &state) != REPORT_OK)
		return;
	if (f->complete && !f->loading && state.generation != f->generation) {
		f->complete = false;	/* another database: what we know is of the one before */
		listed_free(&f->listed);
	}
	if (!export_gate(f->config, f->report, &state, now_s, &f->gate))
		return;
	if (!export_never(&never, f->report, f->config, now_s)) {
		never_free(&never);
		return;
	}
	never_free(&f->never);
	f->never = never;
	f->claims = true;
}

bool
feed_turn(struct feed *f, bool rung, int64_t now_ms, int64_t now_s)
{
	bool due = now_ms - f->looked_ms >= LOOK_MS;
	bool more = false, loading;

	if (f->report == NULL && (rung || due) &&
	    report_open(&f->report, f->config->state_dir, &f->config->judge) != REPORT_OK)
		f->report = NULL;
	f->now_s = now_s;
	if (f->report == NULL) {
		if (due)
			f->looked_ms = now_ms;
		return false;
	}
	now_s = f->now_s = report_now(f->report, now_s);
	if (!f->loading && !f->complete && (rung || due))
		(void)begin_load(f);
	loading = f->loading;
	if (loading)
		load_piece(f, now_s);
	if (f->complete && !f->loading && (rung || due || loading))
		more = fold_changes(f);
	/* Before what changed is told of: who was allowed a moment ago is not. */
	if (rung || due || (loading && !f->loading)) {
		look(f, now_s);
		f->looked_ms = now_ms;
	}
	return more || f->loading;
}

const struct listed_entry *
feed_find(const struct feed *f, const struct addr *addr, int64_t now_s)
{
	const struct listed_entry *e;
	struct prefix what;

	if (!f->complete || !f->claims || (e = listed_find(&f->listed, addr, now_s)) == NULL)
		return NULL;
	what = prefix_of(addr, 128);
	if (never_covers(&f->never, &what, now_s) || !publish_claims(&f->gate.publish, e->since_s))
		return NULL;
	return e;
}
