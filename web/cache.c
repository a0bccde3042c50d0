/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache.c - exports, rendered once a state and kept as files without a name.
 *
 * An export is a pure function of generation:serial, format and options, so its file can be shared by all who
 * ask.  While the list moves fast, a costly one is reused for ten times what it took: rendering never takes more
 * than a tenth of a core.  web.lock is held in all of it.
 */
#include <string.h>

#include "mxtrap/log.h"
#include "web_int.h"

#define EXPORT_BYTES_MAX (512ULL << 20)	/* of all kept files together */
#define FAILED_MS	 1000		/* one that failed is not tried again so soon */
#define GROWS_MS	 2000		/* one that is being made serves whoever comes so long after it was begun */

static bool
is_busy(const struct export_slot *slot)
{
	return slot->pressed || (slot->format != NULL && !slot->begun) || slot->gzip_due;
}

static void
slot_drop(struct export_cache *cache, struct export_slot *slot)
{
	if (slot->format == NULL)
		return;
	/* Whoever is being sent it has a reference or a descriptor of its own. */
	document_unref(slot->plain);
	document_unref(slot->gzip);
	cache->bytes -= slot->counted;
	memset(slot, 0, sizeof(*slot));
}

void
export_cache_drop(struct export_cache *cache)
{
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		slot_drop(cache, &cache->slots[i]);
}

struct wanted {
	const struct export_format *format;
	const struct export_options *options;
	char	 key[EXPORT_KEY_SIZE];
	struct report_state state;
	int64_t	 minute;
	bool	 unpublished;
	uint32_t held_s;
};

/* Does this slot answer for that?  fresh enough: see the head of this file. */
static bool
slot_serves(const struct export_slot *slot, const struct wanted *w)
{
	int64_t now_ms = clock_ms();

	if (slot->format != w->format || strcmp(slot->key, w->key) != 0)
		return false;
	switch (document_stage(slot->plain, NULL)) {
	case DOCUMENT_QUEUED:
		return true;		/* what it will be of is newer than now */
	case DOCUMENT_FAILED:
		return now_ms - slot->rendered_ms < FAILED_MS;
	case DOCUMENT_GROWS:
	case DOCUMENT_WHOLE:
		break;
	}
	if (slot->generation != w->state.generation || slot->unpublished != w->unpublished || slot->held_s != w->held_s)
		return false;
	if (slot->serial == w->state.serial && slot->minute == w->minute)
		return true;
	if (slot->rendered_ms == 0)
		return now_ms - slot->queued_ms < GROWS_MS;
	return slot->cost_ms >= 20 && now_ms - slot->rendered_ms < 10 * slot->cost_ms;
}

static struct export_slot *
slot_for(struct export_cache *cache)
{
	struct export_slot *oldest = NULL;

	for (size_t i = 0; i < EXPORT_SLOTS; i++) {
		if (cache->slots[i].format == NULL)
			return &cache->slots[i];
		if (!is_busy(&cache->slots[i]) && (oldest == NULL || cache->slots[i].used_ms < oldest->used_ms))
			oldest = &cache->slots[i];
	}
	if (oldest != NULL)
		slot_drop(cache, oldest);
	return oldest;
}

/* Older renderings of one document are of no use to anybody once there is a newer one. */
static void
drop_older(struct export_cache *cache, const struct wanted *w)
{
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		if (cache->slots[i].format == w->format && strcmp(cache->slots[i].key, w->key) == 0 && !is_busy(&cache->slots[i]))
			slot_drop(cache, &cache->slots[i]);
}

/* Keep the sum of all files below its bound; the one just used stays. */
static void
trim(struct export_cache *cache, const struct export_slot *keep)
{
	while (cache->bytes > EXPORT_BYTES_MAX) {
		struct export_slot *oldest = NULL;

		for (size_t i = 0; i < EXPORT_SLOTS; i++) {
			struct export_slot *slot = &cache->slots[i];

			if (slot->format != NULL && slot != keep && !is_busy(slot) &&
			    (oldest == NULL || slot->used_ms < oldest->used_ms))
				oldest = slot;
		}
		if (oldest == NULL)
			return;
		slot_drop(cache, oldest);
	}
}

/* Does it take so little that its client, and everybody else, can wait for it? */
static bool
is_small(const struct wanted *w)
{
	/* Scanners are looked for among all senders. */
	return !w->options->scanners &&
	    w->state.n_listed + (w->options->suspects ? w->state.n_suspect : 0) <= EXPORT_SMALL;
}

void
export_begun(struct export_slot *slot, const struct export_summary *summary, int64_t now_s)
{
	slot->summary = *summary;
	slot->generation = summary->state.generation;
	slot->serial = summary->serial;
	slot->unpublished = summary->unpublished;
	slot->held_s = summary->held_s;
	slot->minute = export_relative(slot->format, &slot->options) ? now_s / 60 : 0;
	slot->begun = true;
}

/* Bytes of its files that the sum does not have yet. */
static void
count(struct export_cache *cache, struct export_slot *slot)
{
	uint64_t plain = 0, gzip = 0;

	(void)document_stage(slot->plain, &plain);
	if (slot->gzip != NULL)
		(void)document_stage(slot->gzip, &gzip);
	cache->bytes += plain + gzip - slot->counted;
	slot->counted = plain + gzip;
	trim(cache, slot);
}

void
export_ended(struct export_cache *cache, struct export_slot *slot, enum export_result result)
{
	bool whole = result == EXPORT_OK || result == EXPORT_UNPUBLISHED;

	slot->result = result;
	slot->begun = true;
	slot->pressed = false;
	slot->rendered_ms = clock_ms();
	cache->renders++;
	document_end(slot->plain, whole);
	if (!whole && slot->gzip != NULL) {
		slot->gzip_due = false;
		document_end(slot->gzip, false);
	}
	count(cache, slot);
}

void
export_gzipped(struct export_cache *cache, struct export_slot *slot)
{
	slot->pressed = slot->gzip_due = false;
	count(cache, slot);
}

struct export_slot *
export_next(struct export_cache *cache)
{
	struct export_slot *next = NULL;

	for (size_t i = 0; i < EXPORT_SLOTS; i++) {
		struct export_slot *slot = &cache->slots[i];

		if (slot->format != NULL && (!slot->begun || slot->gzip_due) && (next == NULL || slot->queued_ms < next->queued_ms))
			next = slot;
	}
	if (next != NULL)
		next->pressed = true;
	return next;
}

struct inline_begun {
	struct export_slot *slot;
	int64_t now_s;
};

static void
begun(void *ctx, const struct export_summary *summary)
{
	struct inline_begun *b = ctx;

	export_begun(b->slot, summary, b->now_s);
}

static void
render_now(struct web *web, struct export_slot *slot, int64_t now_s)
{
	struct document_stream stream = { .document = slot->plain, .stop = &web->press.stop };
	struct inline_begun at = { slot, report_now(web->report, now_s) };
	enum export_result result = EXPORT_ERROR;
	FILE *out = document_stream(&stream);

	if (out != NULL) {
		result = export_write_told(out, slot->format, &slot->options, web->report, web->config, now_s, &slot->summary,
		    &(struct export_begun){ begun, &at });
		if (fclose(out) != 0 && result != EXPORT_BUSY) {
			log_warn("cannot write an export");
			result = EXPORT_ERROR;
		}
	}
	slot->cost_ms = clock_ms() - slot->queued_ms;
	export_ended(&web->exports, slot, result);
}

struct export_slot *
export_slot(struct web *web, const struct export_format *format, const struct export_options *options,
    int64_t now_s, struct reply *reply)
{
	struct export_cache *cache = &web->exports;
	struct wanted w = { .format = format, .options = options };
	enum report_result result = report_state(web->report, &w.state);
	int64_t now = report_now(web->report, now_s);
	struct export_slot *slot;
	struct export_gate gate;

	if (result != REPORT_OK) {
		reply_report(reply, result);
		return NULL;
	}
	w.minute = export_relative(format, options) ? now / 60 : 0;
	export_options_key(options, w.key);
	w.unpublished = !export_gate(web->config, web->report, &w.state, now, &gate);
	w.held_s = gate.publish.held ? gate.publish.base_s : 0;
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		if (slot_serves(&cache->slots[i], &w)) {
			cache->hits++;
			cache->slots[i].used_ms = clock_ms();
			return &cache->slots[i];
		}
	drop_older(cache, &w);
	slot = atomic_load(&web->press.stop) ? NULL : slot_for(cache);
	if (slot == NULL) {
		reply_problem(reply, 503, "too many exports are being made at once");
		return NULL;
	}
	slot->plain = document_new();
	if (slot->plain == NULL) {
		reply_problem(reply, 500, "the export could not be written (the log says more)");
		return NULL;
	}
	slot->format = format;
	slot->options = *options;
	memcpy(slot->key, w.key, sizeof(slot->key));
	slot->queued_ms = slot->used_ms = clock_ms();
	if (web->press.runs && !is_small(&w))
		(void)pthread_cond_signal(&web->press.work);
	else
		render_now(web, slot, now_s);
	return slot;
}

struct document *
export_gzip(struct web *web, struct export_slot *slot)
{
	enum document_stage stage;

	if (slot->gzip != NULL)
		return document_stage(slot->gzip, NULL) == DOCUMENT_FAILED ? NULL : slot->gzip;
	stage = document_stage(slot->plain, NULL);
	if (stage == DOCUMENT_FAILED || (slot->gzip = document_new()) == NULL)
		return NULL;
	/* Of which state it is, is known as soon as the plain one's is. */
	if (stage != DOCUMENT_QUEUED)
		document_begin(slot->gzip);
	slot->gzip_due = true;
	if (web->press.runs && (stage != DOCUMENT_WHOLE || slot->summary.written > EXPORT_SMALL)) {
		(void)pthread_cond_signal(&web->press.work);
		return slot->gzip;
	}
	document_end(slot->gzip, gzip_document(slot->plain->fd, slot->gzip, &web->press.stop));
	export_gzipped(&web->exports, slot);
	return document_stage(slot->gzip, NULL) == DOCUMENT_FAILED ? NULL : slot->gzip;
}
