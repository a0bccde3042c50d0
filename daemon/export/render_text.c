/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_text.c - plain, csv and ndjson.
 *
 * A row is made in memory and written at once: of a million rows the calls into
 * stdio would cost more than the rows.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "render.h"

void
render_head(struct render *r, const char *mark)
{
	char when[24];

	fprintf(r->out, "%s mxtrap serial=%016" PRIx64 ":%" PRIu64 " changed=%s\n", mark, r->state->generation,
	    r->state->serial, render_time(r->state->changed_s, when));
	if (*r->why != '\0')
		fprintf(r->out, "%s %s\n", mark, r->why);
}

void
render_head_hash(struct render *r)
{
	render_head(r, "#");
}

void
render_no_end(struct render *r)
{
	(void)r;
}

int64_t
render_ttl(const struct render *r, const struct report_entry *e, int64_t most)
{
	int64_t ttl = e->expires_s - r->now_s;

	return e->expires_s == 0 ? 0 : ttl > most ? most : ttl;
}

void
render_what_line(struct render *r, const struct report_entry *e)
{
	char line[PREFIX_TEXT_SIZE + 1];
	size_t n = render_what(&e->what, line);

	line[n++] = '\n';
	fwrite_unlocked(line, 1, n, r->out);
}

const struct renderer render_plain = {
	.format = { "plain", "text/plain; charset=utf-8", "txt", false, 0, "whatever reads one address or network a line" },
	.begin = render_head_hash, .entry = render_what_line, .end = render_no_end,
};

/* A word, or a number, and what comes behind it.  Returns the new end. */
static char *
put_word(char *at, const char *word, char behind)
{
	while (*word != '\0')
		*at++ = *word++;
	*at = behind;
	return at + 1;
}

static char *
put_number(char *at, uint64_t value, char behind)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	memcpy(at, digits + n, sizeof(digits) - n);
	at += sizeof(digits) - n;
	*at = behind;
	return at + 1;
}

/* Two decimals; sums lie within a few tens. */
static char *
put_points(char *at, float points, char behind)
{
	long hundredths = lroundf(points * 100);

	if (hundredths < 0) {
		*at++ = '-';
		hundredths = -hundredths;
	}
	at = put_number(at, (uint64_t)hundredths / 100, '.');
	*at++ = (char)('0' + hundredths / 10 % 10);
	*at++ = (char)('0' + hundredths % 10);
	*at++ = behind;
	return at;
}

size_t
export_entry_csv(const struct report_entry *e, char buf[static EXPORT_CSV_SIZE])
{
	char *at = buf;
	bool any = false;

	/* No field holds a comma, a quote or anything that a stranger chose: nothing to escape.  The longest
	 * row, with every kind in it, has under 400 bytes. */
	prefix_format(&e->what, at);
	at += strlen(at);
	*at++ = ',';
	at = put_word(at, state_name((enum sender_state)e->state), ',');
	at = put_points(at, e->score, ',');
	at = put_points(at, e->hint, ',');
	at = put_word(at, grade_name((enum grade)e->grade), ',');
	at = put_word(at, class_name((enum sender_class)e->klass), ',');
	for (unsigned i = 0; i < EVIDENCE_N_KINDS; i++) {
		if ((e->kinds & 1U << i) == 0)
			continue;
		at = put_word(at, evidence_info((enum evidence_kind)i)->name, ' ');
		any = true;
	}
	if (any)
		at--;
	*at++ = ',';
	at = put_number(at, (uint64_t)e->first_seen_s, ',');
	at = put_number(at, (uint64_t)e->last_seen_s, ',');
	at = put_number(at, (uint64_t)e->since_s, ',');
	at = put_number(at, (uint64_t)e->expires_s, '\n');
	return (size_t)(at - buf);
}

static void
csv_begin(struct render *r)
{
	fputs(EXPORT_CSV_NAMES, r->out);
}

static void
csv_entry(struct render *r, const struct report_entry *e)
{
	char line[EXPORT_CSV_SIZE];

	fwrite_unlocked(line, 1, export_entry_csv(e, line), r->out);
}

/* Sums decay by the clock, so csv and ndjson are no pure function of the serial alone. */
const struct renderer render_csv = {
	.format = { "csv", "text/csv; charset=utf-8; header=present", "csv", true,
		EXPORT_EXPIRY | EXPORT_REASON | EXPORT_SUMS, "scripts and tables" },
	.begin = csv_begin, .entry = csv_entry, .end = render_no_end,
};

static void
ndjson_line(struct render *r)
{
	json_line(&r->line);
	/* An entry that found no memory must not be missing from a list that looks whole. */
	if (r->line.failed)
		r->failed = true;
	else
		fwrite_unlocked(r->line.buf, 1, r->line.len, r->out);
}

static void
ndjson_begin(struct render *r)
{
	json_to_buffer(&r->line);
}

static void
ndjson_entry(struct render *r, const struct report_entry *e)
{
	json_clear(&r->line);
	export_entry_json(&r->line, e);
	ndjson_line(r);
}

static void
ndjson_end(struct render *r)
{
	json_clear(&r->line);
	export_metadata_json(&r->line, r->state, r->n, r->why);
	ndjson_line(r);
}

const struct renderer render_ndjson = {
	.format = { "ndjson", "application/x-ndjson", "ndjson", true,
		EXPORT_EXPIRY | EXPORT_REASON | EXPORT_SUMS, "scripts: one JSON object a line" },
	.begin = ndjson_begin, .entry = ndjson_entry, .end = ndjson_end,
};
