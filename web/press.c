/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * press.c - the thread that renders large exports.
 *
 * It takes what the cache has queued, one after another, with a database handle of its own: neither the thread
 * that serves nor web.lock is held while it works, and a look-up never waits for a list.
 */
#include <string.h>

#include "mxtrap/log.h"
#include "web_int.h"

struct pressing {
	struct web *web;
	struct export_slot *slot;
	int64_t now_s;
};

/* Its head may be sent now. */
static void
begun(void *ctx, const struct export_summary *summary)
{
	struct pressing *p = ctx;

	(void)pthread_mutex_lock(&p->web->lock);
	export_begun(p->slot, summary, p->now_s);
	document_begin(p->slot->plain);
	if (p->slot->gzip != NULL)
		document_begin(p->slot->gzip);
	(void)pthread_mutex_unlock(&p->web->lock);
}

static enum export_result
render(struct web *web, struct export_slot *slot, struct export_summary *summary)
{
	struct document_stream stream = { .document = slot->plain, .stop = &web->press.stop };
	struct pressing p = { web, slot, (int64_t)time(NULL) };
	enum export_result result;
	FILE *out;

	if (web->press.report == NULL &&
	    report_open_walk(&web->press.report, web->config->state_dir, &web->config->judge) != REPORT_OK)
		return EXPORT_BUSY;
	out = document_stream(&stream);
	if (out == NULL)
		return EXPORT_ERROR;
	result = export_write_told(out, slot->format, &slot->options, web->press.report, web->config, p.now_s, summary,
	    &(struct export_begun){ begun, &p });
	if (fclose(out) != 0 && result != EXPORT_BUSY) {
		if (!atomic_load(&web->press.stop))
			log_warn("cannot write an export");
		result = EXPORT_ERROR;
	}
	return result;
}

/* One piece of work; web.lock is held before and after, not meanwhile. */
static void
turn(struct web *web, struct export_slot *slot)
{
	struct export_summary summary;
	enum export_result result;
	int64_t begun_ms = clock_ms();
	bool rendered = slot->begun;

	atomic_store(&web->press.busy_since_ms, begun_ms);
	(void)pthread_mutex_unlock(&web->lock);
	if (rendered) {
		document_end(slot->gzip, gzip_document(slot->plain->fd, slot->gzip, &web->press.stop));
		(void)pthread_mutex_lock(&web->lock);
		export_gzipped(&web->exports, slot);
	} else {
		result = render(web, slot, &summary);
		(void)pthread_mutex_lock(&web->lock);
		slot->cost_ms = clock_ms() - begun_ms;
		if (slot->begun)
			slot->summary = summary;	/* with its counts */
		export_ended(&web->exports, slot, result);
	}
	atomic_store(&web->press.busy_since_ms, 0);
}

static void *
work(void *arg)
{
	struct web *web = arg;
	struct export_slot *slot;

	(void)pthread_mutex_lock(&web->lock);
	while (!atomic_load(&web->press.stop)) {
		slot = export_next(&web->exports);
		if (slot == NULL)
			(void)pthread_cond_wait(&web->press.work, &web->lock);
		else
			turn(web, slot);
	}
	/* Nobody may wait for what will never be. */
	while ((slot = export_next(&web->exports)) != NULL) {
		if (slot->begun) {
			document_end(slot->gzip, false);
			export_gzipped(&web->exports, slot);
		} else {
			export_ended(&web->exports, slot, EXPORT_BUSY);
		}
	}
	(void)pthread_mutex_unlock(&web->lock);
	return NULL;
}

bool
press_start(struct web *web)
{
	(void)pthread_cond_init(&web->press.work, NULL);
	web->press.runs = pthread_create(&web->press.thread, NULL, work, web) == 0;
	if (!web->press.runs)
		log_warnx("no thread for large exports: they are rendered while others wait");
	return web->press.runs;
}

void
press_stop(struct web *web)
{
	if (!web->press.runs)
		return;
	(void)pthread_mutex_lock(&web->lock);
	atomic_store(&web->press.stop, true);
	(void)pthread_cond_signal(&web->press.work);
	(void)pthread_mutex_unlock(&web->lock);
	(void)pthread_join(web->press.thread, NULL);
	(void)pthread_cond_destroy(&web->press.work);
	web->press.runs = false;
	if (web->press.report != NULL)
		report_close(web->press.report);
	web->press.report = NULL;
}
