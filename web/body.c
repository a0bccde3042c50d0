/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * body.c - GET /export/{format}: rendered once a state, kept as an unlinked file, sent from it.
 *
 * An export is a pure function of generation:serial and format, so its file can be
 * shared by all who ask.  While the list moves fast, a costly one is reused for ten
 * times what it took: rendering never takes more than a tenth of a core.  Small and
 * large go the same way; a list has either size on different days.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/token.h"
#include "web_int.h"

#define EXPORT_BYTES_MAX (512ULL << 20)	/* of all kept files together */
#define GZIP_MIN	 1024		/* smaller documents gain nothing */
#define EXPORT_FRESH_S	 60		/* a client need not ask again sooner */

static void
slot_drop(struct export_cache *cache, struct export_slot *slot)
{
	if (slot->format == NULL)
		return;
	if (slot->gzip_fd != -1)
		(void)close(slot->gzip_fd);
	cache->bytes -= slot->gzip_size;
	(void)close(slot->fd);		/* whoever is being sent it has a descriptor of its own */
	cache->bytes -= slot->size;
	memset(slot, 0, sizeof(*slot));
	slot->fd = slot->gzip_fd = -1;
}

void
export_cache_init(struct export_cache *cache)
{
	memset(cache, 0, sizeof(*cache));
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		cache->slots[i].fd = cache->slots[i].gzip_fd = -1;
}

void
export_cache_drop(struct export_cache *cache)
{
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		slot_drop(cache, &cache->slots[i]);
}

/* A file without a name: on disk where we may, else in memory. */
static int
open_unnamed(void)
{
	static const char *const dirs[] = { "/var/tmp", "/tmp" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		int fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

		if (fd != -1)
			return fd;
	}
	return memfd_create("mxtrap-export", MFD_CLOEXEC);
}

/* Does this slot answer for that state?  fresh enough: see the head of this file. */
static bool
slot_serves(const struct export_slot *slot, const struct export_format *format, const char *options,
    const struct report_state *state, int64_t minute, bool unpublished, uint32_t held_s)
{
	int64_t age_ms = clock_ms() - slot->rendered_ms;

	if (slot->format != format || slot->generation != state->generation ||
	    slot->unpublished != unpublished || slot->held_s != held_s || strcmp(slot->options, options) != 0)
		return false;
	if (slot->serial == state->serial && slot->minute == minute)
		return true;
	return slot->cost_ms >= 20 && age_ms < 10 * slot->cost_ms;
}

static struct export_slot *
slot_for(struct export_cache *cache)
{
	struct export_slot *oldest = &cache->slots[0];

	for (size_t i = 0; i < EXPORT_SLOTS; i++) {
		if (cache->slots[i].format == NULL)
			return &cache->slots[i];
		if (cache->slots[i].used_ms < oldest->used_ms)
			oldest = &cache->slots[i];
	}
	slot_drop(cache, oldest);
	return oldest;
}

/* Older renderings of one document are of no use to anybody once there is a newer one. */
static void
drop_older(struct export_cache *cache, const struct export_format *format, const char *options)
{
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		if (cache->slots[i].format == format && strcmp(cache->slots[i].options, options) == 0)
			slot_drop(cache, &cache->slots[i]);
}

FILE *
export_unnamed(int *fd)
{
	int made = open_unnamed();
	FILE *file = NULL;

	*fd = -1;
	if (made != -1 && (*fd = fcntl(made, F_DUPFD_CLOEXEC, 3)) != -1)
		file = fdopen(made, "w");
	if (file != NULL)
		return file;
	log_warn("cannot make a file for an export");
	if (made != -1)
		(void)close(made);
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
	return NULL;
}

static enum export_result
render(struct web *web, const struct export_format *format, const struct export_options *options,
    int64_t now_s, struct export_slot *slot)
{
	int64_t begun_ms = clock_ms();
	enum export_result result;
	int kept = -1;
	FILE *file = export_unnamed(&kept);
	struct stat st;

	if (file == NULL)
		return EXPORT_ERROR;
	result = export_write(file, format, options, web->report, web->config, now_s, &slot->summary);
	if (fclose(file) != 0 && (result == EXPORT_OK || result == EXPORT_UNPUBLISHED)) {
		log_warn("cannot write an export");
		result = EXPORT_ERROR;
	}
	if (result == EXPORT_BUSY || result == EXPORT_ERROR || fstat(kept, &st) != 0) {
		(void)close(kept);
		return result == EXPORT_BUSY ? EXPORT_BUSY : EXPORT_ERROR;
	}
	slot->format = format;
	slot->generation = slot->summary.state.generation;
	slot->serial = slot->summary.state.serial;
	slot->unpublished = result == EXPORT_UNPUBLISHED;
	slot->fd = kept;
	slot->size = (uint64_t)st.st_size;
	slot->rendered_ms = clock_ms();
	slot->cost_ms = slot->rendered_ms - begun_ms;
	return result;
}

struct export_slot *
export_slot(struct web *web, const struct export_format *format, const struct export_options *options,
    int64_t now_s, struct reply *reply)
{
	struct export_cache *cache = &web->exports;
	struct report_state state;
	struct export_slot *slot;
	enum report_result result = report_state(web->report, &state);
	int64_t now = report_now(web->report, now_s);
	int64_t minute = export_relative(format, options) ? now / 60 : 0;
	bool unpublished;
	uint32_t held_s;
	struct export_gate gate;
	char key[EXPORT_KEY_SIZE];

	if (result != REPORT_OK) {
		reply_report(reply, result);
		return NULL;
	}
	export_options_key(options, key);
	unpublished = !export_gate(web->config, web->report, &state, now, &gate);
	held_s = gate.publish.held ? gate.publish.base_s : 0;
	for (size_t i = 0; i < EXPORT_SLOTS; i++)
		if (slot_serves(&cache->slots[i], format, key, &state, minute, unpublished, held_s)) {
			cache->hits++;
			cache->slots[i].used_ms = clock_ms();
			return &cache->slots[i];
		}
	drop_older(cache, format, key);
	slot = slot_for(cache);
	switch (render(web, format, options, now_s, slot)) {
	case EXPORT_OK:
	case EXPORT_UNPUBLISHED:
		break;
	case EXPORT_BUSY:
		reply_report(reply, REPORT_BUSY);
		return NULL;
	case EXPORT_ERROR:
		reply_problem(reply, 500, "the export could not be written (the log says more)");
		return NULL;
	}
	slot->minute = minute;
	slot->held_s = held_s;
	memcpy(slot->options, key, sizeof(slot->options));
	slot->used_ms = clock_ms();
	cache->bytes += slot->size;
	cache->renders++;
	return slot;
}

/* Keep the sum of all files below its bound; the one just used stays. */
static void
trim(struct export_cache *cache, const struct export_slot *keep)
{
	while (cache->bytes > EXPORT_BYTES_MAX) {
		struct export_slot *oldest = NULL;

		for (size_t i = 0; i < EXPORT_SLOTS; i++) {
			struct export_slot *slot = &cache->slots[i];

			if (slot->format == NULL || slot == keep)
				continue;
			if (oldest == NULL || slot->used_ms < oldest->used_ms)
				oldest = slot;
		}
		if (oldest == NULL)
			return;
		slot_drop(cache, oldest);
	}
}

static void
unknown_format(struct reply *reply, const char *name)
{
	const struct export_format *format;
	char all[320] = "";

	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++) {
		size_t n = strlen(all);

		(void)snprintf(all + n, sizeof(all) - n, "%s%s", i == 0 ? "" : ", ", format->name);
	}
	reply_problem(reply, 404, "no such format \"%.40s\"; there are %s", name, all);
}

/* The same compressed, made when the first one asks.  False: then it goes out as it is. */
static bool
compress(struct export_cache *cache, struct export_slot *slot)
{
	uint64_t size = 0;
	int fd;

	if (slot->gzip_fd != -1)
		return true;
	fd = open_unnamed();
	if (fd == -1 || !gzip_file(slot->fd, fd, &size)) {
		log_warn("cannot compress an export");
		if (fd != -1)
			(void)close(fd);
		return false;
	}
	slot->gzip_fd = fd;
	slot->gzip_size = size;
	cache->bytes += size;
	return true;
}

/* Strong where the state alone makes the document, weak and by the minute where the clock does, too. */
static void
etag(struct reply *reply, const struct export_slot *slot, bool relative, bool gzipped)
{
	char minute[24] = "", held[24] = "";

	if (relative)
		(void)snprintf(minute, sizeof(minute), ":%lld", (long long)slot->minute);
	/* What is held back is no matter of the serial. */
	if (slot->held_s != 0)
		(void)snprintf(held, sizeof(held), ":held%lu", (unsigned long)slot->held_s);
	(void)snprintf(reply->etag, sizeof(reply->etag), "%s\"%016llx:%llu:%s%s%s%s%s%s%s\"", relative ? "W/" : "",
	    (unsigned long long)slot->generation, (unsigned long long)slot->serial, slot->format->name,
	    *slot->options != '\0' ? ":" : "", slot->options, minute, held, slot->unpublished ? ":unpublished" : "",
	    gzipped ? ":gzip" : "");
}

/* "nftables?family=4": as somebody would ask for it. */
static void
name_document(const struct request *req, const struct export_format *format, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s", format->name);

	for (size_t i = 0; i < req->n_params && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%c%s=%s", i == 0 ? '?' : '&', req->params[i].name, req->params[i].value);
}

void
handle_export(struct web *web, const struct request *req, struct reply *reply)
{
	const struct export_format *format = export_format_find(req->arg);
	struct export_options options = { .family = 0 };
	char why[EXPORT_WHY_SIZE], wanted[TOKEN_SCOPE_SIZE], what[sizeof(((struct consumer_row *)0)->what)];
	struct export_slot *slot;
	struct identity who;
	bool gzipped;

	if (format == NULL) {
		unknown_format(reply, req->arg);
		return;
	}
	for (size_t i = 0; i < req->n_params; i++)
		if (!export_option(&options, req->params[i].name, req->params[i].value, why)) {
			reply_problem(reply, 400, "%s", why);
			return;
		}
	(void)snprintf(wanted, sizeof(wanted), TOKEN_SCOPE_EXPORT ":%s", format->name);
	if (!identity_of(web, req, wanted, false, &who, reply))
		return;
	slot = export_slot(web, format, &options, req->now_s, reply);
	if (slot == NULL)
		return;
	gzipped = req->takes_gzip && slot->size > GZIP_MIN && compress(&web->exports, slot);
	trim(&web->exports, slot);
	reply->fd = fcntl(gzipped ? slot->gzip_fd : slot->fd, F_DUPFD_CLOEXEC, 3);
	if (reply->fd == -1) {
		reply_problem(reply, 503, "no descriptor is free");
		return;
	}
	reply->status = 200;
	reply->kind = BODY_FD;
	reply->size = gzipped ? slot->gzip_size : slot->size;
	reply->gzipped = gzipped;
	reply->varies = slot->size > GZIP_MIN;
	reply->media_type = format->media_type;
	reply->cache_control = "max-age=60";
	reply->last_modified_s = slot->summary.state.changed_s;
	reply->expires_s = req->now_s + EXPORT_FRESH_S;
	/* Why it is empty is part of the state: else a client would keep the empty one. */
	etag(reply, slot, export_relative(format, &options), gzipped);
	if (slot->unpublished)
		reply_unpublished(reply, slot->summary.why);
	name_document(req, format, what, sizeof(what));
	consumer_has(consumer_came(web, req, &who, what), &slot->summary.state);
}
