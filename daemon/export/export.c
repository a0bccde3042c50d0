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

/* "2001:db8:1:2::": a /64 whose third or fourth part is not 0, so that the zeros at the end are the longest run;
 * others (0: not written) are for the library.  A tenth of a list, and it cost a quarter of the time. */
static size_t
render_net64(uint64_t net, char *buf)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	if (net >> 48 == 0 || (net & UINT32_MAX) == 0)
		return 0;
	/* A part that is 0 at the end belongs to the run, and "::" says all of it. */
	for (int shift = 48; shift >= ((net & 0xffff) == 0 ? 16 : 0); shift -= 16) {
		unsigned part = (unsigned)(net >> shift & 0xffff);

		if (part > 0xfff)
			buf[n++] = hex[part >> 12];
		if (part > 0xff)
			buf[n++] = hex[part >> 8 & 15];
		if (part > 0xf)
			buf[n++] = hex[part >> 4 & 15];
		buf[n++] = hex[part & 15];
		buf[n++] = ':';
	}
	memcpy(buf + n, ":/64", 5);
	return n + 4;
}

size_t
render_what(const struct prefix *p, char buf[static PREFIX_TEXT_SIZE])
{
	size_t n;

	if (p->len == 128 && addr_is_v4(&p->addr))
		return render_v4(p->addr.b + 12, buf);
	if (p->len == 64 && addr_half(&p->addr, 1) == 0 && (n = render_net64(addr_half(&p->addr, 0), buf)) != 0)
		return n;
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
tell_one(void *ctx, const struct report_entry *e)
{
	return write_one(ctx, e);
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

/* The list from the state that is kept; then those that are on no list, where they are asked for. */
static enum report_result
write_entries(struct writing *w, struct report *report, int64_t now_s)
{
	const struct export_options *o = w->options;
	uint32_t states = 1U << STATE_LISTED | (o->suspects ? 1U << STATE_SUSPECT : 0);
	struct report_filter filter = { .states = states, .klass = 0xff, .one_snapshot = true,
		.bare = (w->renderer->format.carries & EXPORT_SUMS) == 0 && o->min_score <= 0 && o->limit == 0 };
	enum report_result result = report_entries(report, &filter, now_s, NULL, write_entry, w);

	report_go_on(report);
	for (enum sender_class c = CLASS_PROBER; o->scanners && result <= REPORT_NONE && c <= CLASS_SCANNER; c++) {
		filter = (struct report_filter){
			.states = (1U << STATE_N) - 1 - (states | 1U << STATE_ALLOWED), .klass = (uint8_t)c,
		};
		result = report_entries(report, &filter, now_s, NULL, write_entry, w);
	}
	if (w->best.failed || (result <= REPORT_NONE && w->sorted && !selection_tell(&w->best, tell_one, w)))
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

/* Everything that is the same for all entries; the state is kept from here on.  EXPORT_OK: and then it must be let go. */
static enum export_result
write_start(struct writing *w, struct report *report, const struct config *config, int64_t now_s, struct export_gate *gate)
{
	struct export_summary *summary = w->summary;
	enum report_result result = report_keep_state(report, &summary->state);

	if (result != REPORT_OK)
		return result_of(result);
	now_s = report_now(report, now_s);
	(void)export_gate(config, report, &summary->state, now_s, gate);
	summary->unpublished = !gate->open;
	summary->held_s = gate->publish.held ? gate->publish.base_s : 0;
	summary->serial = summary->state.serial;
	/* Who builds on this document has to be given those who are held once they are accepted, which moves no serial. */
	if (gate->publish.held)
		result = report_serial_before(report, (int64_t)gate->publish.base_s + 1, &summary->state.serial);
	if (result != REPORT_OK) {
		report_go_on(report);
		return result_of(result);
	}
	memcpy(summary->why, gate->why, sizeof(summary->why));
	w->gate = gate;
	w->render = (struct render){
		.now_s = now_s, .state = &summary->state, .why = summary->why, .open_set = -1,
		.serial = summary->serial, .contact = config->contact, .zone = config->dnsbl_zone,
	};
	if (export_never(&w->never, report, config, now_s))
		return EXPORT_OK;
	never_free(&w->never);
	report_go_on(report);
	return EXPORT_ERROR;
}

enum export_result
export_write_told(FILE *out, const struct export_format *format, const struct export_options *options,
    struct report *report, const struct config *config, int64_t now_s, struct export_summary *summary,
    const struct export_begun *begun)
{
	struct writing w = { .renderer = renderer_of(format), .options = options, .summary = summary };
	enum report_result result = REPORT_OK;
	enum export_result start;
	struct export_gate gate;

	*summary = (struct export_summary){ .written = 0 };
	start = write_start(&w, report, config, now_s, &gate);
	if (start != EXPORT_OK)
		return start;
	if (begun != NULL)
		begun->tell(begun->ctx, summary);
	w.render.out = out;
	w.sorted = options->limit != 0 || (options->scanners && (format->carries & EXPORT_GROUPS) != 0);
	selection_begin(&w.best, options->limit != 0 ? options->limit : EXPORT_LIMIT_MAX, (format->carries & EXPORT_GROUPS) != 0);
	w.renderer->begin(&w.render);
	if (gate.open) {
		result = write_entries(&w, report, w.render.now_s);
	} else {
		report_go_on(report);
		summary->withheld = summary->state.n_listed;
	}
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

enum export_result
export_write(FILE *out, const struct export_format *format, const struct export_options *options,
    struct report *report, const struct config *config, int64_t now_s, struct export_summary *summary)
{
	return export_write_told(out, format, options, report, config, now_s, summary, NULL);
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
