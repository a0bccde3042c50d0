/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * consumer.c - who fetches the list: a row for each document of each consumer, told to watch, which stores it.
 *
 * Bounded: CONSUMERS_MAX rows.  Those who show a token stay before those who show none, for anyone who
 * reaches this server can be many addresses.  All of it is under web.lock.
 */
#include <stdlib.h>
#include <string.h>

#include "web_int.h"

#define TOLD_AT_ONCE 16			/* rows a second: watch has other things to do */

static bool
load(void *ctx, const struct consumer_row *row)
{
	struct consumers *c = ctx;

	if (c->n == CONSUMERS_MAX)
		return false;
	c->rows[c->n++].row = *row;
	return true;
}

/* What the process before this one knew. */
static void
look_back(struct web *web)
{
	struct consumers *c = &web->consumers;

	if (c->loaded || web->report == NULL)
		return;
	c->n = 0;
	c->loaded = report_consumers(web->report, load, c) <= REPORT_NONE;
}

static bool
has_token(const struct consumer *c)
{
	return (c->row.who[0] | 0x20) >= 'a' && (c->row.who[0] | 0x20) <= 'z' && strchr(c->row.who, ':') == NULL;
}

/* The one that is missed least: without a token, and of these the one that came longest ago. */
static struct consumer *
least(struct consumers *c)
{
	struct consumer *found = &c->rows[0];

	for (size_t i = 1; i < c->n; i++) {
		struct consumer *row = &c->rows[i];

		if (has_token(row) != has_token(found) ? has_token(found) : row->row.last_s < found->row.last_s)
			found = row;
	}
	return found;
}

/* From outside, so anything. */
static void
copy_printable(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; n + 1 < size && text[n] != '\0'; n++)
		to[n] = (char)(text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?');
	to[n] = '\0';
}

struct consumer_row *
consumer_came(struct web *web, const struct request *req, const struct identity *who, const char *what)
{
	struct consumers *c = &web->consumers;
	struct consumer *found = NULL;

	look_back(web);
	for (size_t i = 0; i < c->n && found == NULL; i++)
		if (strcmp(c->rows[i].row.who, who->who) == 0 && strcmp(c->rows[i].row.what, what) == 0)
			found = &c->rows[i];
	if (found == NULL) {
		if (c->n == CONSUMERS_MAX)
			c->forgotten++;
		found = c->n < CONSUMERS_MAX ? &c->rows[c->n++] : least(c);
		memset(found, 0, sizeof(*found));
		(void)snprintf(found->row.who, sizeof(found->row.who), "%s", who->who);
		(void)snprintf(found->row.what, sizeof(found->row.what), "%s", what);
		found->row.first_s = req->now_s;
	}
	found->row.last_s = req->now_s > found->row.first_s ? req->now_s : found->row.first_s;
	found->row.n++;
	copy_printable(found->row.agent, sizeof(found->row.agent), req->agent);
	found->untold = true;
	return &found->row;
}

void
consumer_has(struct consumer_row *row, const struct report_state *state)
{
	row->before = row->generation == state->generation && row->serial <= state->serial ? row->serial : 0;
	row->generation = state->generation;
	row->serial = state->serial;
}

struct summing {
	struct consumers_sum *sum;
	const struct report_state *state;
	int64_t now_s;
	size_t	n;
	char	who[2 * CONSUMERS_MAX][sizeof(((struct consumer_row *)0)->who)];
};

static void
add_consumer(struct summing *s, const struct consumer_row *row)
{
	size_t i = 0;

	if (strcmp(row->what, "api") == 0)	/* somebody looks; nothing blocks by it */
		return;
	while (i < s->n && strcmp(s->who[i], row->who) != 0)
		i++;
	if (i == s->n && i < ARRAY_LEN(s->who)) {
		(void)snprintf(s->who[s->n++], sizeof(s->who[0]), "%s", row->who);
		s->sum->known++;
	}
	if (row->last_s > s->sum->newest_s)
		s->sum->newest_s = row->last_s;
	s->sum->behind += s->now_s - row->last_s > CONSUMERS_LATE_S &&
	    (row->generation != s->state->generation || row->serial != s->state->serial);
}

static bool
add_command(void *ctx, const struct consumer_row *row)
{
	if (strncmp(row->who, "command:", 8) == 0)
		add_consumer(ctx, row);
	return true;
}

void
consumers_sum(struct web *web, const struct report_state *state, int64_t now_s, struct consumers_sum *out)
{
	struct summing *s = calloc(1, sizeof(*s));

	*out = (struct consumers_sum){ 0 };
	if (s == NULL)
		return;
	look_back(web);
	s->sum = out;
	s->state = state;
	s->now_s = now_s;
	for (size_t i = 0; i < web->consumers.n; i++)
		if (strncmp(web->consumers.rows[i].row.who, "command:", 8) != 0)
			add_consumer(s, &web->consumers.rows[i].row);
	(void)report_consumers(web->report, add_command, s);
	free(s);
}

void
consumers_tell(struct web *web, int fd)
{
	struct consumers *c = &web->consumers;
	unsigned told = 0;

	if (fd == -1 || pthread_mutex_trylock(&web->lock) != 0)
		return;
	for (size_t k = 0; k < c->n && told < TOLD_AT_ONCE; k++) {
		struct consumer *row = &c->rows[c->next++ % c->n];	/* each in its turn */
		struct message_fetched m;

		if (!row->untold)
			continue;
		memset(&m, 0, sizeof(m));
		message_init(&m.head, MESSAGE_FETCHED, sizeof(m));
		memcpy(m.who, row->row.who, sizeof(m.who));
		memcpy(m.what, row->row.what, sizeof(m.what));
		memcpy(m.agent, row->row.agent, sizeof(m.agent));
		m.first_s = row->row.first_s;
		m.last_s = row->row.last_s;
		m.n = row->row.n;
		m.generation = row->row.generation;
		m.serial = row->row.serial;
		m.before = row->row.before;
		row->untold = message_send(fd, &m, sizeof(m)) != 1;	/* the line is full: in a second */
		told++;
	}
	(void)pthread_mutex_unlock(&web->lock);
}

static bool
write_consumer(void *ctx, const struct consumer_row *row)
{
	const struct consumer_page *page = ctx;

	json_consumer(page->json, &page->gate, &page->state, row);
	return true;
}

/* mxtrap export tells watch itself: such rows are known from the database alone. */
static bool
write_command(void *ctx, const struct consumer_row *row)
{
	return strncmp(row->who, "command:", 8) != 0 || write_consumer(ctx, row);
}

static bool
write_token(void *ctx, const struct report_token *token)
{
	json_token(((struct consumer_page *)ctx)->json, token, -1);
	return true;
}

void
handle_consumers(struct web *web, const struct request *req, struct reply *reply)
{
	struct consumer_page page;
	struct json json;
	struct status *status;
	enum report_result result = report_state(web->report, &page.state);

	page.json = &json;
	if (result != REPORT_OK) {
		reply_report(reply, result);
		return;
	}
	look_back(web);
	status = web_status(web, req->now_s);
	if (status == NULL) {
		reply_problem(reply, 500, "out of memory");
		return;
	}
	export_gate_of(status, &page.gate);
	json_to_buffer(&json);
	json_object(&json, NULL);
	json_state(&json, &page.state, report_now(web->report, req->now_s));
	json_publishing(&json, status);
	free(status);
	json_own(&json, web->config);
	json_array(&json, "consumers");
	for (size_t i = 0; i < web->consumers.n; i++)
		if (strncmp(web->consumers.rows[i].row.who, "command:", 8) != 0)
			(void)write_consumer(&page, &web->consumers.rows[i].row);
	result = report_consumers(web->report, write_command, &page);
	json_end(&json);
	json_array(&json, "tokens");
	if (result <= REPORT_NONE)
		result = report_tokens(web->report, req->now_s, write_token, &page);
	json_end(&json);
	json_end(&json);
	if (result > REPORT_NONE) {
		json_free(&json);
		reply_report(reply, result);
		return;
	}
	reply->cache_control = "no-store";
	reply_json(reply, &json, 200);
}
