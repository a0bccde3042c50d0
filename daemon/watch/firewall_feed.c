/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall_feed.c - hands the list to the firewall process.
 */
#include "firewall_feed.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/beat.h"
#include "mxtrap/log.h"

#define LOOK_MS	 500
#define PAGE	 1024
#define CHANGES	 4096
#define SEND_MS	 2000			/* a firewall that takes nothing for so long is asked no more */

static bool
stopping(struct firewall_feed *f)
{
	bool stop;

	pthread_mutex_lock(&f->mutex);
	stop = f->stop;
	pthread_mutex_unlock(&f->mutex);
	return stop;
}

static void
begin_rows(struct firewall_feed *f, uint32_t flags)
{
	memset(&f->rows, 0, sizeof(f->rows));
	message_init(&f->rows.head, MESSAGE_ROWS, sizeof(f->rows));
	f->rows.flags = flags;
}

/* In order, or not at all: after one that was not taken it must ask again. */
static bool
send_rows(struct firewall_feed *f)
{
	int waited = 0, sent;

	f->rows.now_s = beat_now_s(f->config->state_dir, (int64_t)time(NULL));
	while ((sent = message_send(f->fd, &f->rows, sizeof(f->rows))) == 0 && waited < SEND_MS && !stopping(f)) {
		struct pollfd p = { .fd = f->fd, .events = POLLOUT };

		(void)poll(&p, 1, 100);
		waited += 100;
	}
	if (sent != 1)
		f->asked = f->synced = false;
	begin_rows(f, 0);
	return sent == 1;
}

static bool
add_row(struct firewall_feed *f, const struct prefix *what, uint32_t expires_s, bool remove)
{
	struct message_row *row;

	if (f->rows.n == MESSAGE_MAX_ROWS && !send_rows(f))
		return false;
	row = &f->rows.rows[f->rows.n++];
	memcpy(row->addr, what->addr.b, sizeof(row->addr));
	row->len = what->len;
	row->expires_s = expires_s;
	row->remove = remove;
	return true;
}

struct gate {
	bool open;
	uint64_t generation;
	struct publish publish;
};

/* As export_gate() has it for all other consumers; that mxtrapd lives need not be asked here. */
static bool
ask_gate(struct firewall_feed *f, struct gate *g, int64_t now_s)
{
	struct report_state state;

	pthread_mutex_lock(&f->mutex);
	g->publish = f->publish;
	pthread_mutex_unlock(&f->mutex);
	if (report_state(f->report, &state) != REPORT_OK)
		return false;
	if (g->publish.base_s != 0)
		(void)publish_turn(&g->publish, state.n_listed, g->publish.base_s);
	g->generation = state.generation;
	g->open = f->config->publish && now_s >= state.created_s + f->config->publish_after_s;
	return true;
}

struct page {
	struct firewall_feed *f;
	const struct gate *gate;
	struct prefix last;
	size_t n;
	bool failed;
	uint64_t first, newest;
};

static bool
take_entry(void *ctx, const struct report_entry *e)
{
	struct page *p = ctx;

	p->n++;
	p->last = e->what;
	if (publish_claims(&p->gate->publish, e->since_s))
		p->failed = !add_row(p->f, &e->what, (uint32_t)e->expires_s, false);
	return !p->failed;
}

/* All of it, in pages: rows that move meanwhile are folded afterwards, from the serial at the beginning. */
static void
send_all(struct firewall_feed *f, const struct gate *gate, int64_t now_s)
{
	struct report_filter filter = { .states = 1U << STATE_LISTED, .klass = 0xff, .limit = PAGE };
	struct page page = { .f = f, .gate = gate, .n = PAGE };
	struct report_state state;
	struct prefix after;

	f->synced = false;
	if (report_state(f->report, &state) != REPORT_OK)
		return;
	begin_rows(f, ROWS_RESET);
	while (gate->open && page.n == PAGE && !page.failed && !stopping(f)) {
		page.n = 0;
		if (report_entries(f->report, &filter, now_s, NULL, take_entry, &page) > REPORT_NONE)
			return;		/* asked is still set: begun anew at the next look */
		after = page.last;
		filter.after = &after;
	}
	if (page.failed)
		return;
	f->rows.flags |= ROWS_COMPLETE;
	f->generation = state.generation;
	f->serial = state.serial;
	f->open_sent = gate->open;
	f->held_sent = gate->publish.held;
	f->base_sent = gate->publish.base_s;
	f->off_sent = false;
	if (send_rows(f))
		f->synced = true;
}

static bool
take_change(void *ctx, const struct report_change *c)
{
	struct page *p = ctx;
	bool listed = c->row.new_state == STATE_LISTED && publish_claims(&p->gate->publish, c->row.since_s);

	if (p->n++ == 0)
		p->first = c->serial;
	p->newest = c->serial;
	/* A suspect that was none before says nothing to a firewall. */
	if (!listed && c->row.old_state != STATE_LISTED)
		return true;
	p->failed = !add_row(p->f, &c->row.what, listed ? c->row.expires_s : 0, !listed);
	return !p->failed;
}

/* Returns whether there may be more. */
static bool
send_changes(struct firewall_feed *f, const struct gate *gate)
{
	struct page page = { .f = f, .gate = gate };
	enum report_result result = report_changes_since(f->report, f->serial, CHANGES, take_change, &page);

	if (result == REPORT_NONE) {
		f->synced = false;
		return true;
	}
	if (result != REPORT_OK || page.n == 0 || page.failed)
		return false;
	/* A piece may end amid a serial: that one is sent again, whole. */
	if (page.n == CHANGES && page.first == page.newest) {
		page.n = 0;
		if (report_changes_since(f->report, f->serial, 0, take_change, &page) != REPORT_OK || page.failed)
			return false;
		f->serial = page.newest;
	} else {
		f->serial = page.n < CHANGES ? page.newest : page.newest - 1;
	}
	if (f->rows.n > 0)
		(void)send_rows(f);
	return page.n >= CHANGES;
}

static void
read_line(struct firewall_feed *f)
{
	struct message_firewall m;
	int n;

	for (int i = 0; i < MESSAGE_TURN && (n = message_take(f->fd, LINE_FIREWALL_TO_WATCH, &m, sizeof(m))) != 0; i++) {
		if (n == -1)
			return;
		if (n != (int)sizeof(m) || m.head.kind != MESSAGE_FIREWALL)
			continue;
		pthread_mutex_lock(&f->mutex);
		f->told = m;
		pthread_mutex_unlock(&f->mutex);
		if (m.ask == 1) {
			f->asked = true;
			f->synced = false;
		}
	}
}

static bool
turn(struct firewall_feed *f)
{
	struct gate gate;
	struct timespec ts;
	bool off;

	read_line(f);
	pthread_mutex_lock(&f->mutex);
	off = f->off;
	f->synced = f->synced && !f->flush;
	f->flush = false;
	pthread_mutex_unlock(&f->mutex);
	if (!f->asked)
		return false;
	if (off) {
		if (!f->off_sent || !f->synced) {
			begin_rows(f, ROWS_OFF);
			f->off_sent = f->synced = send_rows(f);
		}
		return false;
	}
	if (f->report == NULL && report_open_walk(&f->report, f->config->state_dir, &f->config->judge) != REPORT_OK) {
		f->report = NULL;
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	if (!ask_gate(f, &gate, ts.tv_sec))
		return false;
	/* Another generation: changes were lost, or this is another list. */
	if (!f->synced || f->off_sent || gate.generation != f->generation || gate.open != f->open_sent ||
	    gate.publish.held != f->held_sent || (gate.publish.held && gate.publish.base_s != f->base_sent)) {
		send_all(f, &gate, ts.tv_sec);
		return f->synced;
	}
	return gate.open && send_changes(f, &gate);
}

static void *
run(void *arg)
{
	struct firewall_feed *f = arg;
	bool more = false;

	/* A firewall that outlived the watch before us waits for changes that nobody sends it. */
	begin_rows(f, ROWS_HELLO);
	(void)send_rows(f);
	while (!stopping(f)) {
		struct pollfd fds[2] = { { .fd = f->fd, .events = POLLIN }, { .fd = f->bell, .events = POLLIN } };
		eventfd_t count;

		(void)poll(fds, 2, more ? 0 : LOOK_MS);
		(void)eventfd_read(f->bell, &count);
		more = turn(f);
		atomic_store(&f->damaged, f->report != NULL && report_damaged(f->report));
	}
	if (f->report != NULL)
		report_close(f->report);
	return NULL;
}

bool
firewall_feed_start(struct firewall_feed *f, const struct config *config, int fd, bool off)
{
	*f = (struct firewall_feed){ .config = config, .fd = config->firewall ? fd : -1, .off = off };
	pthread_mutex_init(&f->mutex, NULL);
	if (f->fd < 0)
		return true;
	f->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->running = f->bell >= 0 && pthread_create(&f->thread, NULL, run, f) == 0;
	return f->running;
}

void
firewall_feed_stop(struct firewall_feed *f)
{
	if (!f->running)
		return;
	pthread_mutex_lock(&f->mutex);
	f->stop = true;
	pthread_mutex_unlock(&f->mutex);
	firewall_feed_ring(f);
	pthread_join(f->thread, NULL);
	close(f->bell);
	f->running = false;
}

void
firewall_feed_ring(struct firewall_feed *f)
{
	if (f->running)
		(void)eventfd_write(f->bell, 1);
}

void
firewall_feed_gate(struct firewall_feed *f, const struct publish *publish)
{
	pthread_mutex_lock(&f->mutex);
	f->publish = *publish;
	pthread_mutex_unlock(&f->mutex);
}

void
firewall_feed_off(struct firewall_feed *f, bool off)
{
	pthread_mutex_lock(&f->mutex);
	f->off = off;
	pthread_mutex_unlock(&f->mutex);
	firewall_feed_ring(f);
}

void
firewall_feed_flush(struct firewall_feed *f)
{
	pthread_mutex_lock(&f->mutex);
	f->flush = true;
	pthread_mutex_unlock(&f->mutex);
	firewall_feed_ring(f);
}

struct message_firewall
firewall_feed_told(struct firewall_feed *f)
{
	struct message_firewall told;

	pthread_mutex_lock(&f->mutex);
	told = f->told;
	pthread_mutex_unlock(&f->mutex);
	return told;
}
