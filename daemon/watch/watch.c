/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.c - the process that sees: captures, the decoy's word and the admin's in; the trap; the store out.
 *
 * One loop, which never waits for a disk or a peer.  Everything that reaches the trap
 * goes through the merge, 100 ms behind the clock, so that the order is the wire's.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxtrap/listable.h"
#include "mxtrap/token.h"
#include "watch_int.h"

#define TURN_MS	   20			/* the loop sleeps no longer */
#define TICK_MS	   100
#define SECOND_MS  1000
#define UNSEEN_US  2000000		/* between two runs: no longer is no blindness */
#define FIFO_ALL   262144		/* packets that wait in the window, all interfaces together */
#define FIFO_LEAST 32768
#define FLUSH_MOST 262144		/* senders told to the store in one go */
#define OWN_MS	   500			/* at the start, at most, for this host's addresses */
#define RESTART_GRACE_S 60		/* as the trap has it */
#define STOP_MS	   400			/* of the second that a stop may take */

static void
flush(struct watch *w, size_t most)
{
	size_t room = store_sender_room(w->store);

	/* What finds no room now waits in the table: it is not lost. */
	w->waiting = trap_flush(w->trap, room < most ? room : most);
}

/* Each turn: a thousand new listings must not be a second old before somebody looks at their number. */
static void
look_at_growth(struct watch *w)
{
	uint64_t listed = trap_counters(w->trap)->listed;
	enum publish_event event;

	/*
	 * Until EVENT_START has passed the window of the merge nobody counts as listed: a cycle that begins there would
	 * hold the whole list back as grown from nothing.
	 */
	if (trap_now_us(w->trap) == 0)
		return;
	event = publish_turn(&w->publish, listed, (uint32_t)(watch_now_us(w) / 1000000));
	switch (event) {
	case PUBLISH_HELD:
		log_warnx("the list grew from %" PRIu64 " to %" PRIu64 " within %d minutes: who is new is not handed on before "
		    "`mxtrap publish --accept`", w->publish.base, listed, PUBLISH_CYCLE_S / 60);
		break;
	case PUBLISH_RELEASED:
		log_info("the list is back at %" PRIu64 ": all of it is handed on again", listed);
		break;
	case PUBLISH_SHRANK:
		log_warnx("the list shrank from %" PRIu64 " to %" PRIu64 " within %d minutes", w->publish.base, listed,
		    PUBLISH_CYCLE_S / 60);
		break;
	case PUBLISH_QUIET:
		break;
	}
	firewall_feed_gate(&w->firewall, &w->publish);
	if (event != PUBLISH_QUIET)
		status_tell(w);
}

static void
second(struct watch *w)
{
	watch_look_at_captures(w);
	flush(w, FLUSH_MOST);
	status_tell(w);
	if (atomic_load(&w->firewall.damaged))
		store_suspect(w->store);
	store_beat(w->store, watch_now_us(w));
}

/* -- the loop -- */

static int
poll_sources(struct watch *w, int timeout_ms)
{
	struct pollfd fds[CONFIG_MAX_INTERFACES + 7];
	nfds_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		fds[n++] = (struct pollfd){ .fd = capture_fd(w->captures[i]), .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->decoy_gone ? -1 : w->p->decoy_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->lookup_gone ? -1 : w->p->lookup_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->p->control_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->control.running ? w->control.event_fd : -1, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->control.running ? w->control.web_fd : -1, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->p->signal_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = w->p->supervisor_fd, .events = POLLIN };
	return poll(fds, n, timeout_ms);
}

static void
turn(struct watch *w)
{
	bool more;
	int64_t horizon;

	watch_look_at_clocks(w);
	/* It was logged; what is put there now can only be opened by a new start. */
	w->again = w->again || store_file(w->store) == STORE_FILE_REPLACED || store_file(w->store) == STORE_FILE_DAMAGED;
	watch_read_decoy(w);
	watch_read_lookup(w);
	watch_read_supervisor(w);
	control_turn(&w->control, watch_now_us(w), watch_may, watch_apply_admin, w);
	own_turn(&w->own, w->turn_ms);
	watch_look_at_own(w);
	horizon = watch_read_captures(w, &more);
	watch_release(w, horizon);
	look_at_growth(w);
	more |= purge_turn(&w->purge, w->trap, horizon, w->turn_ms);
	if (w->turn_ms - w->tick_ms >= TICK_MS) {
		w->tick_ms = w->turn_ms;
		trap_tick(w->trap, horizon);
	}
	if (w->turn_ms - w->second_ms >= SECOND_MS) {
		w->second_ms = w->turn_ms;
		second(w);
	}
	if (!more)
		(void)poll_sources(w, TURN_MS);
}

/* -- beginning and end -- */

static void
purge_event(void *ctx, struct event *e, const char *who, const char *note)
{
	watch_event_now(ctx, e, who, note);
}

static void
purge_answer(void *ctx, struct ask_from *to, uint32_t ok, const char *text)
{
	const struct watch *w = ctx;

	ask_answer(w->control.fd, to, ok, text);
}

static void
on_moved(void *ctx, uint64_t generation, uint64_t serial)
{
	struct watch *w = ctx;
	const struct process *p = w->p;
	struct message_doorbell m = { .generation = generation, .serial = serial };

	message_init(&m.head, MESSAGE_DOORBELL, sizeof(m));
	/* A full line means that it is about to look anyway. */
	if (p->web_fd >= 0)
		(void)message_send(p->web_fd, &m, sizeof(m));
	if (p->lookup_fd >= 0 && p->config.n_dnsbl + p->config.n_postfix > 0)
		(void)message_send(p->lookup_fd, &m, sizeof(m));
	firewall_feed_ring(&w->firewall);
}

static size_t
fifo_size(size_t n)
{
	size_t cap = FIFO_ALL;

	while (cap > FIFO_LEAST && cap * n > FIFO_ALL)
		cap /= 2;
	return cap;
}

static bool
open_store(struct watch *w)
{
	const struct store_options options = {
		.dir = w->config->state_dir, .ladder = &w->config->ladder,
		.retention_attempts_s = w->config->retention_attempts_s, .max_bytes = w->config->store_max_bytes,
		.half_life_s = w->config->judge.half_life_s,
		.moved = on_moved, .ctx = w,
	};

	switch (store_open(&w->store, &options)) {
	case STORE_OK:
		return true;
	case STORE_NEWER:
		log_warnx("%s: the database is of a newer mxtrap: it is left as it is; expected the version that wrote it",
		    w->config->state_dir);
		w->refused = true;
		return false;
	case STORE_FAILED:
		break;
	}
	return false;
}

static bool
open_trap(struct watch *w)
{
	struct trap_options options;
	struct sink sink;

	w->purge = (struct purge){ .config = w->config, .store = w->store, .apply = purge_event, .answer = purge_answer,
		.ctx = w };
	w->teller = (struct teller){ .inner = store_sink(w->store), .ladder = &w->config->ladder, .purge = &w->purge };
	sink = teller_sink(&w->teller);
	if (!watch_trap_options(&options, w->config, &sink, &w->never)) {
		log_warn("cannot begin");
		return false;
	}
	w->trap = trap_new(&options);
	w->merge = merge_new(w->n, fifo_size(w->n));
	if (w->trap == NULL || w->merge == NULL || !share_init(&w->accepts))
		log_warnx("no memory for %u senders: see limits { senders }", w->config->limits.senders);
	memcpy(w->accepts_key, options.hash_key, sizeof(w->accepts_key));
	return w->trap != NULL && w->merge != NULL && w->accepts.cells != NULL;
}

static void
tell_own(void *ctx, const struct addr *addr, unsigned why)
{
	struct watch *w = ctx;
	struct event e = { .time_us = watch_now_us(w), .kind = EVENT_NEVER, .what = prefix_of(addr, 128), .value = why };

	watch_event(w, &e);
}

/* What is this host's own, before anything is judged; a very long route table is read on in the loop. */
static void
begin_own(struct watch *w)
{
	int64_t until_ms = process_now_ms() + OWN_MS;

	if (!own_open(&w->own, NULL, tell_own, w))
		log_warn("this host's own addresses cannot be followed as they change");
	while (w->own.looks == 0 && w->own.failed == 0 && process_now_ms() < until_ms) {
		struct pollfd p = { .fd = w->own.dump_fd, .events = POLLIN };

		own_turn(&w->own, process_now_ms());
		if (w->own.looks == 0)
			(void)poll(&p, 1, 5);
	}
}

/* Who may use the API's POST: told once, kept as a hash. */
static void
begin_token(struct watch *w)
{
	char text[TOKEN_TEXT_SIZE];
	uint8_t hash[TOKEN_HASH_SIZE];

	/* Where all processes are one user, the command needs one as well. */
	if ((w->config->n_web == 0 && !w->p->shared) || store_has_token(w->store) || !token_make(text))
		return;
	token_hash(text, hash);
	if (store_token(w->store, hash, TOKEN_SCOPE_ADMIN, TOKEN_SCOPE_ADMIN, 0, "mxtrapd"))
		log_info("TOKEN of the HTTP API for allow and forget, shown only this once: %s", text);
	else
		log_warnx("the HTTP API has no token, and allows nobody to change anything");
	explicit_bzero(text, sizeof(text));
}

/* What was not seen since the run before this one, or was seen with other eyes. */
static void
doubt_the_past(struct watch *w, const struct status_last *last, int64_t now)
{
	if (last->clock_s != 0 && now - last->clock_s * 1000000 > UNSEEN_US) {
		struct event e = { .time_us = now, .kind = EVENT_BLIND, .since_us = last->clock_s * 1000000 };

		watch_event(w, &e);
	}
	if (last->other_layout) {
		struct event e = { .time_us = now, .kind = EVENT_LAYOUT, .since_us = last->layout_since_s * 1000000 };

		log_warnx("the ladder is another than it was: nothing counts until its old DNS records are forgotten (49 h)");
		watch_event(w, &e);
	}
}

/* The clock was set since the run before this one, or is behind what that one knew. */
static void
step_unseen(struct watch *w, int64_t step_us)
{
	struct event e = { .time_us = watch_now_us(w), .kind = EVENT_CLOCK_STEP, .value = step_us };

	log_warnx("the clock is %.1f s away from where the last run would be: nothing counts for half an hour", (double)step_us / 1e6);
	watch_event(w, &e);
}

/* What was listed by hand, and the list is lost: as if it were asked for again. */
static bool
list_again(void *ctx, const struct prefix *what, uint32_t expires_s)
{
	struct watch *w = ctx;
	struct event e = { .time_us = watch_now_us(w), .kind = EVENT_LIST, .what = *what, .expires_s = expires_s };

	if ((int64_t)expires_s > watch_now_us(w) / 1000000)
		watch_event(w, &e);
	return true;
}

static bool
warn(void *ctx, const char *sentence)
{
	(void)ctx;
	log_warnx("%s", sentence);
	return true;
}

static bool
begin(struct watch *w)
{
	struct event start = { .kind = EVENT_START };
	struct store_counters counters;
	struct status_last last;
	int64_t resume_us, shift_s;

	(void)steady_look(&w->steady, watch_clock_us(CLOCK_REALTIME), watch_clock_us(CLOCK_BOOTTIME));
	start.time_us = watch_now_us(w);
	for (size_t i = 0; i < w->config->n_interfaces; i++) {
		w->captures[w->n] = capture_open_live(w->config->interfaces[i], &w->config->ladder, w->config->ring_bytes);
		if (w->captures[w->n] == NULL)
			return false;
		w->n++;
	}
	/* CAP_NET_RAW: an interface that is made anew must be opened anew. */
	process_confine(w->p, 1ULL << CAP_NET_RAW);
	if (!open_store(w))
		return false;
	resume_us = store_resume_us(w->store, &shift_s);
	if (resume_us != 0)
		steady_resume(&w->steady, resume_us);
	start.time_us = watch_now_us(w);
	store_beat(w->store, start.time_us);
	if (!open_trap(w))
		return false;
	status_last(&last, w->config, start.time_us / 1000000);
	if (last.clock_s != 0)
		last.clock_s += shift_s;
	if (last.layout_since_s != 0)
		last.layout_since_s += shift_s;
	w->layout_since_s = last.layout_since_s;
	w->publish = last.publish;
	w->firewall_off = last.firewall_off;
	store_counters(w->store, &counters);
	start.value = !counters.fresh;
	if ((!counters.fresh || counters.was_corrupt) && !watch_restore(w->store, w->trap, &w->restored))
		log_warnx("not all stored senders fit in memory; raise limits { senders }");
	w->start_us = start.time_us;
	w->grace_s = w->config->judge.start_grace_s;
	if (!counters.fresh && w->grace_s > RESTART_GRACE_S)
		w->grace_s = RESTART_GRACE_S;
	watch_event(w, &start);
	if (counters.list_lost)
		(void)store_each_hand(w->store, list_again, w);
	begin_own(w);
	begin_token(w);
	if (!counters.fresh || counters.was_corrupt)
		doubt_the_past(w, &last, start.time_us);
	if (resume_us != 0 || shift_s != 0)
		step_unseen(w, shift_s != 0 ? shift_s * 1000000 : w->steady.shift_us);
	if (!firewall_feed_start(&w->firewall, w->config, w->p->firewall_fd, w->firewall_off))
		log_warn("the list does not reach the firewall");
	firewall_feed_gate(&w->firewall, &w->publish);
	if (!control_start(&w->control, w->p->control_fd, w->p->web_fd, w->p->shared, w->store, &w->purge))
		log_warn("the control socket is not served");
	(void)listable_warn(w->config, warn, NULL);
	if (!w->config->publish)
		log_info("publish = no: nothing is published, the list is only shown");
	log_info("watching %zu interface%s, %" PRIu64 " senders known%s", w->n, w->n == 1 ? "" : "s",
	    w->restored, counters.was_corrupt ? ", with what was saved of a damaged database" :
	    counters.fresh ? ", with a new database" : "");
	/* How long this took is no blindness: the ring has it all. */
	(void)steady_look(&w->steady, watch_clock_us(CLOCK_REALTIME), watch_clock_us(CLOCK_BOOTTIME));
	w->turn_ms = process_now_ms();
	return true;
}

static void
end(struct watch *w)
{
	int64_t until_ms = process_now_ms() + STOP_MS;
	bool more = true;

	if (w->trap != NULL && w->merge != NULL) {
		struct note_row note = { .kind = NOTE_STOP, .target = UINT32_MAX };

		for (int i = 0; more && i < 4; i++) {
			(void)watch_read_captures(w, &more);
			watch_release(w, INT64_MAX);
		}
		note.time_us = trap_now_us(w->trap);
		w->teller.inner.note(w->teller.inner.ctx, &note);
		do
			flush(w, FLUSH_MOST);
		while (w->waiting > 0 && process_now_ms() < until_ms);
		status_tell(w);
		status_stopped(w);
	}
	firewall_feed_stop(&w->firewall);
	purge_stop(&w->purge);
	control_stop(&w->control);
	own_close(&w->own);
	for (size_t i = 0; i < w->n; i++)
		capture_close(w->captures[i]);
	store_close(w->store);
	trap_free(w->trap);
	merge_free(w->merge);
	share_free(&w->accepts);
	free(w->never);
	watch_drop_words(w);
}

int
watch_main(struct process *p)
{
	struct watch *w = calloc(1, sizeof(*w));
	int status = 0;

	if (w == NULL) {
		log_warn("no memory");
		return 3;
	}
	w->p = p;
	w->config = &p->config;
	w->turn_ms = process_now_ms();
	if (begin(w)) {
		while (!w->again && !process_should_stop(p, NULL)) {
			(void)process_heartbeat(p, true);
			turn(w);
		}
		status = w->again ? PROCESS_AGAIN : 0;
	} else {
		status = w->refused ? PROCESS_REFUSED : 3;
	}
	end(w);
	free(w);
	return status;
}
