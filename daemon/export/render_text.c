/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * render_text.c - plain, csv and ndjson.
 */
#include <inttypes.h>
#include <string.h>

#include "mxtrap/json.h"
#include "render.h"

static void
comment_head(struct render *r)
{
	char when[24];

	/* Never without a line: several readers take an empty body for an error. */
	fprintf(r->out, "# mxtrap serial=%016" PRIx64 ":%" PRIu64 " changed=%s\n", r->state->generation, r->state->serial,
	    render_time(r->state->changed_s, when));
	if (*r->why != '\0')
		fprintf(r->out, "# %s\n", r->why);
}

static void
nothing(struct render *r)
{
	(void)r;
}

static void
plain_entry(struct render *r, const struct report_entry *e)
{
	char line[PREFIX_TEXT_SIZE + 1];
	size_t n = render_what(&e->what, line);

	line[n++] = '\n';
	fwrite(line, 1, n, r->out);
}

const struct renderer render_plain = {
	.format = { "plain", "text/plain; charset=utf-8", "txt", false },
	.begin = comment_head, .entry = plain_entry, .end = nothing,
};

static void
csv_begin(struct render *r)
{
	fputs("cidr,state,score,hint,grade,class,reasons,first_seen,last_seen,since,expires\n", r->out);
}

static void
csv_entry(struct render *r, const struct report_entry *e)
{
	char what[PREFIX_TEXT_SIZE];
	const char *space = "";

	/* No field holds a comma, a quote or anything that a stranger chose: nothing to escape. */
	fprintf(r->out, "%s,%s,%.2f,%.2f,%s,%s,", prefix_format(&e->what, what),
	    state_name((enum sender_state)e->state), (double)e->score, (double)e->hint,
	    grade_name((enum grade)e->grade), class_name((enum sender_class)e->klass));
	for (unsigned i = 0; i < EVIDENCE_N_KINDS; i++) {
		if ((e->kinds & 1U << i) == 0)
			continue;
		fprintf(r->out, "%s%s", space, evidence_info((enum evidence_kind)i)->name);
		space = " ";
	}
	fprintf(r->out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", e->first_seen_s, e->last_seen_s, e->since_s,
	    e->expires_s);
}

const struct renderer render_csv = {
	.format = { "csv", "text/csv; charset=utf-8; header=present", "csv", false },
	.begin = csv_begin, .entry = csv_entry, .end = nothing,
};

static void
ndjson_entry(struct render *r, const struct report_entry *e)
{
	struct json j;

	json_to_file(&j, r->out);
	export_entry_json(&j, e);
	json_line(&j);
}

static void
ndjson_end(struct render *r)
{
	struct json j;

	json_to_file(&j, r->out);
	json_object(&j, NULL);
	json_string(&j, "type", "metadata");
	json_uint(&j, "serial", r->state->serial);
	json_uint(&j, "records", r->n);
	/* A pure function of the state: when the list last changed, not when it was asked for. */
	json_int(&j, "timestamp", r->state->changed_s);
	if (*r->why != '\0')
		json_string(&j, "unpublished", r->why);
	json_end(&j);
	json_line(&j);
}

const struct renderer render_ndjson = {
	.format = { "ndjson", "application/x-ndjson", "ndjson", false },
	.begin = nothing, .entry = ndjson_entry, .end = ndjson_end,
};
