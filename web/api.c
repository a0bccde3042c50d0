/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * api.c - the list, the senders, and "is this address listed?".
 *
 * Pages are bounded and go on by key: `next` of one page is `after` of the next, so
 * that a list which moves meanwhile neither repeats nor skips who stayed.
 */
#include <stdlib.h>
#include <string.h>

#include "web_int.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     1000
#define LOOK_MAX     20000		/* rows looked at for one page */

static const char *const entry_states =
    "listed, held, suspect, allowed, cleared, noticed, unknown or all";

/* -- one page of entries -- */

struct page {
	struct json   json;
	enum report_order order;
	size_t	      limit, written;
	bool	      more;
	struct prefix last;
	uint32_t      value;		/* of the last, what it is sorted by */
};

static bool
page_entry(void *ctx, const struct report_entry *entry)
{
	struct page *page = ctx;

	if (page->written == page->limit) {
		page->more = true;
		return false;
	}
	page->last = entry->what;
	page->value = (uint32_t)(page->order == REPORT_BY_SINCE ? entry->since_s : entry->expires_s);
	export_entry_json(&page->json, entry);
	page->written++;
	return true;
}

/* "1790000000,192.0.2.1/32": what the last one is sorted by, and who it is. */
static bool
after_parse(struct report_filter *filter, struct prefix *after, const char *text)
{
	uint64_t value = 0;

	if (filter->order != REPORT_BY_ADDRESS) {
		const char *p = text;

		for (; *p >= '0' && *p <= '9' && value <= UINT32_MAX; p++)
			value = value * 10 + (uint64_t)(*p - '0');
		if (p == text || *p != ',' || value > UINT32_MAX)
			return false;
		text = p + 1;
	}
	filter->after_value = (uint32_t)value;
	filter->after = after;
	return prefix_parse(after, text);
}

#define BY_SCORE (REPORT_BY_ENDS + 1)	/* no order of the store's, top.c has it */

/*
 * order: what can be sorted by it stands in one state of the list.  by_score NULL: it is not to be had here.
 * False: *reply says what was wrong.
 */
static bool
order_param(const struct request *req, struct report_filter *filter, bool *by_score, struct reply *reply)
{
	static const char *const names[] = {
		[REPORT_BY_ADDRESS] = "address", [REPORT_BY_SINCE] = "since", [REPORT_BY_ENDS] = "ends", [BY_SCORE] = "score" };
	const char *text = request_param(req, "order");
	uint32_t states = filter->states;
	size_t i = 0;

	while (text != NULL && i < ARRAY_LEN(names) && strcmp(text, names[i]) != 0)
		i++;
	if (i == ARRAY_LEN(names) || (i == BY_SCORE && by_score == NULL)) {
		reply_problem(reply, 400, "order: found \"%.40s\", expected address, since (newest first)%s or ends (ending "
		    "soonest first)", text, by_score != NULL ? ", score (highest first)" : "");
		return false;
	}
	if (by_score != NULL)
		*by_score = i == BY_SCORE;
	filter->order = i == BY_SCORE ? REPORT_BY_ADDRESS : (enum report_order)i;
	if (i == REPORT_BY_ADDRESS || states == 1U << STATE_LISTED || (i != REPORT_BY_ENDS && states == 1U << STATE_SUSPECT) ||
	    (i == REPORT_BY_SINCE && states == 1U << STATE_ALLOWED))
		return true;
	reply_problem(reply, 400, "order=%s: expected one state, %s", text,
	    i == REPORT_BY_ENDS ? "listed" : i == BY_SCORE ? "listed or suspect" : "listed, suspect or allowed");
	return false;
}

/* limit and after: the same in every paged answer.  False: *reply says what was wrong. */
static bool
page_params(const struct request *req, uint64_t *limit, struct report_filter *filter, struct prefix *after, bool *by_score,
    struct reply *reply)
{
	const char *text = request_param(req, "after");

	*limit = PAGE_DEFAULT;
	if (!request_number(req, "limit", PAGE_MAX, limit) || *limit == 0) {
		reply_value(reply, req, "limit", "1 to %d", PAGE_MAX);
		return false;
	}
	if (!order_param(req, filter, by_score, reply))
		return false;
	if (text != NULL && !(by_score != NULL && *by_score) && !after_parse(filter, after, text)) {
		reply_value(reply, req, "after", "the \"next\" of the page before, in the same order");
		return false;
	}
	return true;
}

static void
serve_page(struct web *web, const struct request *req, const struct report_filter *filter, uint64_t limit,
    struct report_state *state, struct reply *reply)
{
	struct page page = { .limit = (size_t)limit, .order = filter->order };
	struct report_reach reach = { .cut = false };
	struct report_filter asked = *filter;
	enum report_result result;
	char text[PREFIX_TEXT_SIZE], next[PREFIX_TEXT_SIZE + 16];

	/* One more than shown tells whether there is another page. */
	asked.limit = (size_t)limit + 1;
	/* Where few of many match, nobody waits: the page is short and goes on from where it ended. */
	asked.look = LOOK_MAX;
	asked.reach = &reach;
	json_to_buffer(&page.json);
	json_object(&page.json, NULL);
	json_array(&page.json, "entries");
	result = report_entries(web->report, &asked, req->now_s, state, page_entry, &page);
	if (result != REPORT_OK && result != REPORT_NONE) {
		json_free(&page.json);
		reply_report(reply, result);
		return;
	}
	json_end(&page.json);
	if (page.more || reach.cut) {
		(void)prefix_format(page.more ? &page.last : &reach.last, text);
		(void)snprintf(next, sizeof(next), "%u,%s", page.more ? page.value : reach.value, text);
		json_string(&page.json, "next", filter->order == REPORT_BY_ADDRESS ? text : next);
	} else {
		json_null(&page.json, "next");
	}
	json_state(&page.json, state, 0);
	json_thresholds(&page.json, web->config);
	json_end(&page.json);
	reply_json(reply, &page.json, 200);
}

struct fresh {			/* a row as it is now, if it still is */
	struct page *page;
	const struct prefix *what;
};

static bool
fresh_entry(void *ctx, const struct report_entry *entry)
{
	struct fresh *f = ctx;

	return !prefix_equal(&entry->what, f->what) || page_entry(f->page, entry);
}

/* The highest scores: a row that is not what it was any more is left out. */
static void
serve_top(struct web *web, const struct request *req, const struct report_filter *filter, uint64_t limit,
    struct report_state *state, struct reply *reply)
{
	struct page page = { .limit = (size_t)limit };
	struct top_row *rows = malloc((size_t)(2 * limit + 50) * sizeof(*rows));
	enum report_result result = REPORT_OK;
	char text[PREFIX_TEXT_SIZE], next[PREFIX_TEXT_SIZE + 32] = "";
	size_t n, most = (size_t)(2 * limit + 50);

	if (rows == NULL) {
		reply_problem(reply, 500, "out of memory");
		return;
	}
	n = top_rows(web, filter->states == 1U << STATE_SUSPECT ? STATE_SUSPECT : STATE_LISTED, request_param(req, "after"), most,
	    rows, reply);
	if (n == TOP_NONE) {
		free(rows);
		return;
	}
	json_to_buffer(&page.json);
	json_object(&page.json, NULL);
	json_array(&page.json, "entries");
	for (size_t i = 0; i < n && result <= REPORT_NONE && !page.more; i++) {
		struct report_filter one = *filter;
		struct fresh fresh = { &page, &rows[i].what };

		one.within = &rows[i].what;
		one.look = LOOK_MAX;
		result = report_entries(web->report, &one, req->now_s, NULL, fresh_entry, &fresh);
		/* Where this page ends; of the row behind it the page itself knows nothing. */
		if (!page.more)
			(void)snprintf(next, sizeof(next), "%.4f,%s", (double)rows[i].score, prefix_format(&rows[i].what, text));
	}
	free(rows);
	if (result > REPORT_NONE) {
		json_free(&page.json);
		reply_report(reply, result);
		return;
	}
	json_end(&page.json);
	json_string(&page.json, "next", page.more || n == most ? next : NULL);
	json_state(&page.json, state, 0);
	json_thresholds(&page.json, web->config);
	json_end(&page.json);
	reply_json(reply, &page.json, 200);
}

/* -- GET /api/v1/list -- */

static bool
find_state(const char *text, size_t n, uint32_t *states, bool *held)
{
	if (n == 4 && memcmp(text, "held", 4) == 0) {
		*held = true;
		return true;
	}
	if (n == 3 && memcmp(text, "all", 3) == 0) {
		*states |= (1U << STATE_N) - 1;
		return true;
	}
	for (int i = 0; i < STATE_N; i++) {
		const char *name = state_name((enum sender_state)i);

		if (strlen(name) == n && memcmp(name, text, n) == 0) {
			*states |= 1U << i;
			return true;
		}
	}
	return false;
}

/*
 * Listed, and not handed on because the list grew too fast (publish.h).  False: *reply says what was wrong.
 * *base_s: they were listed after it; 0: nobody is held.
 */
static bool
held_filter(struct web *web, const struct request *req, struct report_filter *filter, uint32_t *base_s, struct reply *reply)
{
	struct report_state state;
	struct export_gate gate;
	enum report_result result = report_state(web->report, &state);

	if ((filter->states & ~(1U << STATE_LISTED)) != 0) {
		reply_value(reply, req, request_param(req, "state") != NULL ? "state" : "query", "held alone: those are listed already");
		return false;
	}
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return false;
	}
	(void)export_gate(web->config, web->report, &state, report_now(web->report, req->now_s), &gate);
	*base_s = gate.publish.held ? gate.publish.base_s : 0;
	filter->states = 1U << STATE_LISTED;
	filter->since_after_s = *base_s != 0 ? (int64_t)*base_s : INT64_MAX;
	return true;
}

void
handle_list(struct web *web, const struct request *req, struct reply *reply)
{
	const uint32_t logged = 1U << STATE_LISTED | 1U << STATE_SUSPECT | 1U << STATE_ALLOWED;
	const char *words = request_param(req, "state");
	struct report_filter filter = { .klass = 0xff };
	struct report_state state;
	struct prefix after;
	enum report_result result;
	uint64_t limit;
	uint32_t base_s = 0;
	bool by_score = false, held = false;

	if (words == NULL)
		words = "listed";
	for (const char *p = words;; p++) {
		size_t n = strcspn(p, "|, ");

		if (!find_state(p, n, &filter.states, &held)) {
			reply_value(reply, req, "state", "%s, or several joined by |",
			    entry_states);
			return;
		}
		p += n;
		if (*p == '\0')
			break;
	}
	if (held && !held_filter(web, req, &filter, &base_s, reply))
		return;
	if (!page_params(req, &limit, &filter, &after, &by_score, reply))
		return;
	result = report_state(web->report, &state);
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	if (by_score) {
		serve_top(web, req, &filter, limit, &state, reply);
		return;
	}
	/*
	 * These states change by the log alone, so its serial names what will be
	 * said; weak and with the minute, since sums decay and listings run out.
	 */
	if ((filter.states & ~logged) == 0) {
		(void)snprintf(reply->etag, sizeof(reply->etag), "W/\"%016llx:%llu:%lld:%u\"",
		    (unsigned long long)state.generation, (unsigned long long)state.serial,
		    (long long)(report_now(web->report, req->now_s) / 60), base_s);
		if (etag_matches(req->if_none_match, reply->etag)) {
			reply_not_modified(reply);
			return;
		}
	}
	serve_page(web, req, &filter, limit, &state, reply);
}

/* -- GET /api/v1/senders -- */

struct search {
	struct report_filter filter;
	struct prefix	     within;
	const struct ladder *ladder;
	const char	    *fingerprint;	/* a part of its text; NULL: any */
	bool		     held;		/* listed, and not handed on yet */
	char		     text[FINGERPRINT_TEXT_SIZE];
	uint8_t		     fingerprints[REPORT_FINGERPRINTS / 8];
};

/* An address or prefix, as the senders under it are keyed: IPv6 goes by /64. */
static bool
search_where(struct search *search, const char *word)
{
	sender_key key;

	if (!prefix_parse(&search->within, word))
		return false;
	if (prefix_sender(&search->within, &key))
		search->within = sender_prefix(key);
	search->filter.within = &search->within;
	return true;
}

/* Two sets: a sender that came to either does not need to have come to both, so one at most. */
static bool
search_set(struct search *search, const char *name)
{
	for (size_t i = 0; search->filter.sets == 0 && i < search->ladder->n_sets; i++)
		if (strcmp(search->ladder->sets[i].name, name) == 0) {
			search->filter.sets = 1U << (i < SENDER_SETS ? i : SENDER_SETS - 1);
			return true;
		}
	return false;
}

static bool
search_fingerprint(struct search *search, const char *part)
{
	size_t n = strlen(part);

	if (search->fingerprint != NULL || n == 0 || n >= sizeof(search->text))
		return false;
	memcpy(search->text, part, n + 1);
	search->fingerprint = search->text;
	return true;
}

static bool
search_word(struct search *search, const char *word)
{
	if (strncmp(word, "set:", 4) == 0)
		return search_set(search, word + 4);
	if (strncmp(word, "fingerprint:", 12) == 0)
		return search_fingerprint(search, word + 12);
	if (find_state(word, strlen(word), &search->filter.states, &search->held))
		return true;
	for (int i = 0; i < EVIDENCE_N_KINDS; i++)
		if (strcmp(word, evidence_info((enum evidence_kind)i)->name) == 0) {
			search->filter.kinds |= (uint16_t)(1U << i);
			return true;
		}
	for (int i = CLASS_SENDER; i <= CLASS_SCANNER; i++)
		if (strcmp(word, class_name((enum sender_class)i)) == 0) {
			search->filter.klass = (uint8_t)i;
			return true;
		}
	return search->filter.within == NULL && search_where(search, word);
}

/* False: *reply says which word was not understood. */
static bool
search_words(struct search *search, const char *query, struct reply *reply)
{
	for (const char *p = query != NULL ? query : ""; *p != '\0';) {
		/* A fingerprint and a set's name may hold a comma. */
		bool named = strncmp(p, "set:", 4) == 0 || strncmp(p, "fingerprint:", 12) == 0;
		size_t n = strcspn(p, named ? " " : " ,");
		char word[sizeof("set:") + MXSET_NAME_SIZE];

		if (n >= sizeof(word)) {
			reply_problem(reply, 400, "query: found a word of %zu bytes, expected at most %zu", n, sizeof(word) - 1);
			return false;
		}
		memcpy(word, p, n);
		word[n] = '\0';
		if (n > 0 && !search_word(search, word)) {
			reply_problem(reply, 400, "query: found \"%.63s\", expected one address or CIDR "
			    "(without host bits), a state (%s), a reason (backup_first, ...), a class "
			    "(sender, prober, scanner), one set:NAME or one fingerprint:TEXT", word, entry_states);
			return false;
		}
		p += n;
		p += strspn(p, " ,");
	}
	return true;
}

void
handle_senders(struct web *web, const struct request *req, struct reply *reply)
{
	struct search search = { .filter = { .klass = 0xff, .with_kinds_only = true }, .ladder = &web->config->ladder };
	struct report_filter *filter = &search.filter;
	enum report_result result = REPORT_OK;
	uint32_t base_s = 0;
	struct report_state state;
	struct prefix after;
	uint64_t limit;
	size_t n;

	if (!search_words(&search, request_param(req, "query"), reply) ||
	    (search.held && !held_filter(web, req, filter, &base_s, reply)) ||
	    !page_params(req, &limit, filter, &after, NULL, reply))
		return;
	if (filter->within != NULL || filter->states != 0 || filter->sets != 0 || search.fingerprint != NULL)
		filter->with_kinds_only = false;
	if (search.fingerprint != NULL) {
		result = report_fingerprints(web->report, search.fingerprint, search.fingerprints, &n);
		filter->fingerprints = search.fingerprints;
	}
	if (result == REPORT_OK)
		result = report_state(web->report, &state);
	if (result != REPORT_OK)
		reply_report(reply, result);
	else
		serve_page(web, req, filter, limit, &state, reply);
}

/* -- GET /api/v1/check/{address} -- */

/* "yes" costs an entry, "no" a constant: most who ask are not listed. */
void
handle_check(struct web *web, const struct request *req, struct reply *reply)
{
	static const char no[] = "{\"listed\":false}";
	struct report_entry entry;
	struct json json;
	struct addr addr;

	reply->cache_control = "no-store";
	if (!request_sender(req->arg, &addr)) {
		reply_problem(reply, 400, "found \"%.80s\", expected one IPv4 or IPv6 address, or a sender as a CIDR "
		    "(/32, or /64 to /128)", req->arg);
		return;
	}
	switch (report_check(web->report, &addr, req->now_s, &entry)) {
	case REPORT_OK:
		json_to_buffer(&json);
		export_entry_json(&json, &entry);
		reply_json(reply, &json, 200);
		break;
	case REPORT_NONE:
		reply->status = 404;
		reply->kind = BODY_STATIC;
		reply->body = no;
		reply->size = sizeof(no) - 1;
		reply->media_type = "application/json";
		break;
	case REPORT_BUSY:
		reply_report(reply, REPORT_BUSY);
		break;
	case REPORT_NEWER:
		reply_report(reply, REPORT_NEWER);
		break;
	case REPORT_OLDER:
		reply_report(reply, REPORT_OLDER);
		break;
	case REPORT_ERROR:
		reply_report(reply, REPORT_ERROR);
		break;
	}
}
