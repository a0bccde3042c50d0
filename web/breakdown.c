/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * breakdown.c - GET /api/v1/breakdown: from which countries and networks those on the list come.
 *
 * It is counted aside, over the list alone: by pages, so that nothing is held for long.  An IPv6
 * /64 is looked up by its first address.
 */
#include <stdlib.h>
#include <string.h>

#include "aside.h"
#include "web_int.h"

#define SLOTS	   131072		/* of which three quarters at most are used: more keys than that are `others` */
#define SLOTS_USED (SLOTS / 4 * 3)

struct slot {
	uint32_t   key;			/* 0: empty */
	uint32_t   n[ASIDE_STATES];
	sender_key one;			/* of them, to ask for the name */
};

struct counting {
	struct geoip *geoip;
	struct slot  *slots;		/* owned; SLOTS */
	size_t	 n_used;
	uint64_t others[ASIDE_STATES], unknown[ASIDE_STATES];
};

static struct slot *
slot_of(struct counting *c, uint32_t key)
{
	size_t at = key * 2654435761U >> 15 & (SLOTS - 1);

	while (c->slots[at].key != 0 && c->slots[at].key != key)
		at = (at + 1) & (SLOTS - 1);
	if (c->slots[at].key == 0) {
		if (c->n_used == SLOTS_USED)
			return NULL;
		c->n_used++;
		c->slots[at].key = key;
	}
	return &c->slots[at];
}

static void
count(struct counting *c, const struct report_entry *e, enum aside_state state)
{
	struct slot *slot;
	uint32_t key;

	if (c->geoip == NULL)
		return;
	if (!geoip_find(c->geoip, &e->what.addr, &key)) {
		c->unknown[state]++;
		return;
	}
	slot = slot_of(c, key);
	if (slot == NULL) {
		c->others[state]++;
		return;
	}
	slot->n[state]++;
	slot->one = e->key;
}

static bool
count_entry(void *ctx, const struct report_entry *e)
{
	struct counting *c = ctx;

	for (size_t by = 0; by < GEOIP_N; by++)
		count(&c[by], e, e->state == STATE_LISTED ? ASIDE_LISTED : ASIDE_SUSPECT);
	return true;
}

struct ordered {
	const struct slot *slot;
	uint32_t n;
};

static int
by_number(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->slot->key < y->slot->key ? -1 : x->slot->key > y->slot->key;
}

/* The rows of one state, most senders first. */
static bool
order(struct counting *c, enum geoip_by by, enum aside_state state, struct breakdown *out)
{
	struct ordered *all = malloc((c->n_used + 1) * sizeof(*all));
	size_t n = 0;

	*out = (struct breakdown){ .others = c->others[state], .unknown = c->unknown[state] };
	if (all == NULL)
		return false;
	for (size_t i = 0; i < SLOTS; i++)
		if (c->slots[i].n[state] != 0)
			all[n++] = (struct ordered){ &c->slots[i], c->slots[i].n[state] };
	qsort(all, n, sizeof(*all), by_number);
	out->n = n < BREAKDOWN_ROWS ? n : BREAKDOWN_ROWS;
	out->rows = calloc(out->n + 1, sizeof(*out->rows));
	for (size_t i = 0; i < n && out->rows != NULL; i++) {
		struct addr addr = sender_addr(all[i].slot->one, 0);

		if (i >= out->n) {
			out->others += all[i].n;
			continue;
		}
		(void)geoip_key(by, all[i].slot->key, out->rows[i].key);
		(void)geoip_name(c->geoip, &addr, out->rows[i].name);
		out->rows[i].n = all[i].n;
	}
	free(all);
	return out->rows != NULL;
}

bool
breakdown_make(struct report *report, int64_t now_s, struct geoip *geoip[static GEOIP_N],
    struct breakdown out[static GEOIP_N][ASIDE_STATES])
{
	const struct report_filter filter = { .klass = 0xff, .states = 1U << STATE_LISTED | 1U << STATE_SUSPECT };
	struct counting c[GEOIP_N];
	bool ok = true;

	memset(c, 0, sizeof(c));
	for (size_t by = 0; by < GEOIP_N; by++) {
		c[by].geoip = geoip[by];
		c[by].slots = geoip[by] != NULL ? calloc(SLOTS, sizeof(*c[by].slots)) : NULL;
		ok = ok && (geoip[by] == NULL || c[by].slots != NULL);
	}
	/* Nothing to look into: nothing to look up. */
	if (ok && (geoip[GEOIP_COUNTRY] != NULL || geoip[GEOIP_ASN] != NULL))
		ok = report_entries(report, &filter, now_s, NULL, count_entry, c) == REPORT_OK;
	for (enum geoip_by by = GEOIP_COUNTRY; by < GEOIP_N; by++) {
		for (enum aside_state state = ASIDE_LISTED; ok && geoip[by] != NULL && state < ASIDE_STATES; state++)
			ok = order(&c[by], by, state, &out[by][state]);
		free(c[by].slots);
	}
	return ok;
}

void
breakdown_free(struct breakdown *b)
{
	free(b->rows);
	*b = (struct breakdown){ 0 };
}

/* -- the answer -- */

/* One of two words.  -1: *reply says what was expected. */
static int
take_word(const struct request *req, const char *name, const char *first, const char *second, struct reply *reply)
{
	const char *text = request_param(req, name);

	if (text == NULL || strcmp(text, first) == 0)
		return 0;
	if (strcmp(text, second) == 0)
		return 1;
	reply_problem(reply, 400, "%s: found \"%.40s\", expected %s or %s", name, text, first, second);
	return -1;
}

static void
write_rows(struct json *json, const struct breakdown *b)
{
	json_array(json, "rows");
	for (size_t i = 0; i < b->n; i++) {
		json_object(json, NULL);
		json_string(json, "key", b->rows[i].key);
		json_string(json, "name", b->rows[i].name[0] != '\0' ? b->rows[i].name : NULL);
		json_uint(json, "senders", b->rows[i].n);
		json_end(json);
	}
	json_end(json);
	json_uint(json, "others", b->others);
	json_uint(json, "unknown", b->unknown);
}

void
handle_breakdown(struct web *web, const struct request *req, struct reply *reply)
{
	static const struct breakdown none = { .rows = NULL };
	int by = take_word(req, "by", "country", "asn", reply), state;
	struct report_state list;
	enum report_result result;
	struct json json;
	bool known;

	if (by < 0 || (state = take_word(req, "state", "listed", "suspect", reply)) < 0)
		return;
	result = report_state(web->report, &list);
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_state(&json, &list, report_now(web->report, req->now_s));
	known = aside_enter(&web->aside, ASIDE_BREAKDOWN, ASIDE_WAIT_MS);
	json_bool(&json, "available", !known || web->aside.why[by][0] == '\0');
	json_string(&json, "why", !known ? "it is being counted: ask again" :
	    web->aside.why[by][0] != '\0' ? web->aside.why[by] : NULL);
	json_string(&json, "by", by == GEOIP_COUNTRY ? "country" : "asn");
	json_string(&json, "state", state == ASIDE_LISTED ? "listed" : "suspect");
	if (known)
		json_int(&json, "at", web->aside.breakdown_s);
	else
		json_null(&json, "at");
	write_rows(&json, known ? &web->aside.breakdown[by][state] : &none);
	if (known)
		aside_leave(&web->aside);
	json_end(&json);
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
}
