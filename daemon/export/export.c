/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export.c - the registry of formats, the publish gate, and the one iterator.
 */
#include "mxtrap/export.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "mxtrap/evidence.h"
#include "mxtrap/json.h"
#include "mxtrap/never.h"
#include "render.h"
#include "select.h"

static const struct renderer *const RENDERERS[] = {
	&render_plain, &render_ndjson, &render_csv, &render_nftables, &render_ipset, &render_pf, &render_postfix,
	&render_postscreen, &render_exim, &render_opensmtpd, &render_sendmail, &render_rspamd, &render_rbldnsd,
	&render_zone, &render_haproxy, &render_mikrotik, &render_crowdsec,
	&render_crowdsec_stream, &render_fail2ban,
};

#define N_RENDERERS (sizeof(RENDERERS) / sizeof(RENDERERS[0]))

const struct export_format *
export_format_at(size_t i)
{
	return i < N_RENDERERS ? &RENDERERS[i]->format : NULL;
}

const struct export_format *
export_format_find(const char *name)
{
	for (size_t i = 0; i < N_RENDERERS; i++)
		if (strcmp(RENDERERS[i]->format.name, name) == 0)
			return &RENDERERS[i]->format;
	return NULL;
}

const char *
render_time(int64_t s, char buf[static 24])
{
	time_t t = (time_t)s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(buf, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

/* Dotted by hand: a million of them are written at once. */
size_t
render_v4(const uint8_t b[static 4], char *buf)
{
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		unsigned v = b[i];

		if (i > 0)
			buf[n++] = '.';
		if (v >= 100)
			buf[n++] = (char)('0' + v / 100);
		if (v >= 10)
			buf[n++] = (char)('0' + v / 10 % 10);
		buf[n++] = (char)('0' + v % 10);
	}
	buf[n] = '\0';
	return n;
}

size_t
render_what(const struct prefix *p, char buf[static PREFIX_TEXT_SIZE])
{
	if (p->len == 128 && addr_is_v4(&p->addr))
		return render_v4(p->addr.b + 12, buf);
	if (p->len == 128)
		addr_format(&p->addr, buf);
	else
		prefix_format(p, buf);
	return strlen(buf);
}

struct writing {
	struct render render;
	const struct renderer *renderer;
	const struct export_options *options;
	struct selection best;		/* where they are sorted first */
	const struct export_gate *gate;
	bool	 sorted;
	struct never never;
	struct export_summary *summary;
};

static bool
wanted(const struct export_options *o, const struct report_entry *e)
{
	/* What the operator listed needs no proof. */
	return (o->family == 0 || (o->family == 4) == addr_is_v4(&e->what.addr)) &&
	    ((e->kinds & 1U << EVIDENCE_BY_HAND) != 0 ||
	    (e->grade >= o->grade && (o->min_score <= 0 || e->score >= o->min_score)));
}

static bool
write_one(struct writing *w, const struct report_entry *e)
{
	w->renderer->entry(&w->render, e);
	w->render.n++;
	return !w->render.failed && !ferror_unlocked(w->render.out);
}

static bool
write_entry(void *ctx, const struct report_entry *e)
{
	struct writing *w = ctx;
	bool single = addr_is_v4(&e->what.addr) ? e->what.len == 128 : e->what.len >= 64;

	if (!wanted(w->options, e))
		return true;
	/* Checked at judging and at listing already: what leaves is checked once more. */
	if (!single || (e->expires_s != 0 && e->expires_s <= w->render.now_s) ||
	    never_covers(&w->never, &e->what, w->render.now_s)) {
		w->summary->withheld++;
		return true;
	}
	if (e->state == STATE_LISTED && !publish_claims(&w->gate->publish, e->since_s)) {
		w->summary->withheld++;
		w->summary->held++;
		return true;
	}
	return w->sorted ? selection_add(&w->best, e) : write_one(w, e);
}

/* The list from one state; then those that are on no list, where they are asked for. */
static enum report_result
write_entries(struct writing *w, struct report *report, int64_t now_s)
{
	const struct export_options *o = w->options;
	uint32_t states = 1U << STATE_LISTED | (o->suspects ? 1U << STATE_SUSPECT : 0);
	struct report_filter filter = { .states = states, .klass = 0xff, .one_snapshot = true,
		.bare = (w->renderer->format.carries & EXPORT_SUMS) == 0 && o->min_score <= 0 && o->limit == 0 };
	enum report_result result = report_entries(report, &filter, now_s, &w->summary->state, write_entry, w);

	for (enum sender_class c = CLASS_PROBER; o->scanners && result <= REPORT_NONE && c <= CLASS_SCANNER; c++) {
		filter = (struct report_filter){
			.states = (1U << STATE_N) - 1 - (states | 1U << STATE_ALLOWED), .klass = (uint8_t)c,
		};
		result = report_entries(report, &filter, now_s, NULL, write_entry, w);
	}
	if (w->best.failed)
		return REPORT_ERROR;
	selection_sort(&w->best, (w->renderer->format.carries & EXPORT_GROUPS) != 0);
	for (size_t i = 0; i < w->best.n && result <= REPORT_NONE; i++)
		if (!write_one(w, &w->best.entries[i]))
			return REPORT_ERROR;
	return result;
}

static const struct renderer *
renderer_of(const struct export_format *format)
{
	for (size_t i = 0; i < N_RENDERERS; i++)
		if (&RENDERERS[i]->format == format)
			return RENDERERS[i];
	return &render_plain;
}

static enum export_result
result_of(enum report_result result)
{
	return result == REPORT_BUSY ? EXPORT_BUSY : EXPORT_ERROR;
}

bool
export_relative(const struct export_format *format, const struct export_options *options)
{
	/* Who is a scanner is no matter of the list's serial; what a score is, is one of the clock. */
	return format->relative || options->scanners || options->min_score > 0 || options->limit != 0;
}

enum export_result
export_write(FILE *out, const struct export_format *format, const struct export_options *options,
    struct report *report, const struct config *config, int64_t now_s, struct export_summary *summary)
{
	struct writing w = { .renderer = renderer_of(format), .options = options, .summary = summary };
	enum report_result result;
	struct export_gate gate;

	*summary = (struct export_summary){ .written = 0 };
	result = report_state(report, &summary->state);
	if (result != REPORT_OK)
		return result_of(result);
	now_s = report_now(report, now_s);
	(void)export_gate(config, report, &summary->state, now_s, &gate);
	memcpy(summary->why, gate.why, sizeof(summary->why));
	w.gate = &gate;
	w.render = (struct render){
		.out = out, .now_s = now_s, .state = &summary->state, .why = summary->why, .open_set = -1,
		.contact = config->contact, .zone = config->dnsbl_zone,
	};
	w.sorted = options->limit != 0 || (options->scanners && (format->carries & EXPORT_GROUPS) != 0);
	selection_begin(&w.best, options->limit != 0 ? options->limit : EXPORT_LIMIT_MAX);
	if (!export_never(&w.never, report, config, now_s)) {
		never_free(&w.never);
		return EXPORT_ERROR;
	}
	w.renderer->begin(&w.render);
	if (gate.open)
		result = write_entries(&w, report, now_s);
	else
		summary->withheld = summary->state.n_listed;
	w.renderer->end(&w.render);
	summary->written = w.render.n;
	selection_free(&w.best);
	never_free(&w.never);
	json_free(&w.render.line);
	if (result > REPORT_NONE)
		return result_of(result);
	if (w.render.failed || ferror(out) || fflush(out) != 0)
		return EXPORT_ERROR;
	return gate.open ? EXPORT_OK : EXPORT_UNPUBLISHED;
}

void
export_entry_members(struct json *j, const struct report_entry *e)
{
	char text[PREFIX_TEXT_SIZE];

	json_string(j, "cidr", prefix_format(&e->what, text));
	json_string(j, "state", state_name((enum sender_state)e->state));
	json_real(j, "score", (double)e->score, 2);
	json_real(j, "hint", (double)e->hint, 2);
	json_string(j, "grade", grade_name((enum grade)e->grade));
	json_string(j, "class", class_name((enum sender_class)e->klass));
	json_array(j, "reasons");
	for (unsigned i = 0; i < EVIDENCE_N_KINDS; i++)
		if ((e->kinds & 1U << i) != 0)
			json_string(j, NULL, evidence_info((enum evidence_kind)i)->name);
	json_end(j);
	json_int(j, "first_seen", e->first_seen_s);
	json_int(j, "last_seen", e->last_seen_s);
	if (e->since_s != 0)
		json_int(j, "since", e->since_s);
	else
		json_null(j, "since");
	if (e->expires_s != 0)
		json_int(j, "expires", e->expires_s);
	else
		json_null(j, "expires");
}

void
export_entry_json(struct json *j, const struct report_entry *e)
{
	json_object(j, NULL);
	export_entry_members(j, e);
	json_end(j);
}

void
export_metadata_json(struct json *j, const struct report_state *state, uint64_t records, const char *why)
{
	json_object(j, NULL);
	json_string(j, "type", "metadata");
	json_uint(j, "serial", state->serial);
	json_uint(j, "records", records);
	/* When the list last changed, not when it was asked for. */
	json_int(j, "timestamp", state->changed_s);
	if (*why != '\0')
		json_string(j, "unpublished", why);
	json_end(j);
}
