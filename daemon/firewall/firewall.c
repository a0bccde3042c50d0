/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall.c - the process that keeps the kernel's sets in step with the list.
 *
 * It keeps CAP_NET_ADMIN and nothing else, reads fixed-size records from watch, and
 * touches one table of its own.  When it ends, orderly or not, the table stays: each element
 * expires by itself.  Whom mxtrap must never refuse it leaves out by itself, too.
 */
#include <ifaddrs.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "mxtrap/log.h"
#include "mxtrap/never.h"
#include "mxtrap/process.h"
#include "nft.h"

#define TELL_MS	   1000
#define LOOK_MS	   5000			/* is the table still there?  who are we? */
#define ASK_MS	   2000
#define AGAIN_MS   30000
#define REPAIR_MS  10000		/* what another program keeps changing is made again so often at most, */
#define BURST_MS   30000		/* but a few times at once */
#define MISSED_MS  60000		/* where it is not known whether it was our table */

struct firewall {
	struct process *process;
	struct nft *nft;
	struct never never;
	struct message_firewall told;
	int	 guard;			/* netlink; -1: none */
	bool	 wanted;		/* a reset came, and no word since to take the table away */
	bool	 no_table;		/* the kernel did not take it: tried again after a while */
	bool	 fresh;			/* the sets are empty: nothing to renew */
	bool	 stuck;			/* it kept somebody whom it should let go: all of it is made anew */
	bool	 leaving;		/* it kept the table that should be gone: tried again */
	enum guard_result changed;	/* by another program, and not made again yet */
	bool	 no_prerouting;		/* an old kernel: only what is not redirected is refused */
	int64_t	 ahead_s;		/* the clock on the wall is ahead of watch's own time by this */
	uint64_t began;			/* of told.added, when the last reset came */
	int64_t	 told_ms, looked_ms, asked_ms, repair_ms;	/* repair_ms: what the repairs so far have used up */
	size_t	 n;
	struct message_row rows[NFT_BATCH];
	char	 text[NFT_TEXT_SIZE];
};

static int64_t
wall_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

/* The configuration's addresses, the special-purpose registries, and what this host has now. */
static bool
never_ours(void *never, const struct addr *a)
{
	struct prefix own = prefix_of(a, 128);

	return never_set(never, &own, NEVER_CONFIGURED, NEVER_CONFIGURED);
}

static bool
learn_never(struct firewall *f)
{
	const struct config *c = &f->process->config;
	struct ifaddrs *all = NULL;
	bool ok;

	never_free(&f->never);
	f->never = (struct never){ .special_purpose = c->special_purpose };
	ok = ladder_each_ours(&c->ladder, never_ours, &f->never);
	for (size_t i = 0; i < c->n_allow; i++)
		ok = never_set(&f->never, &c->allow[i], NEVER_CONFIGURED, NEVER_CONFIGURED) && ok;
	if (getifaddrs(&all) != 0)
		return ok;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		struct prefix own = { .len = 128 };

		if (i->ifa_addr == NULL)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			own.addr = addr_from_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr);
		else if (i->ifa_addr->sa_family == AF_INET6)
			own.addr = addr_from_v6(((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr.s6_addr);
		else
			continue;
		ok = never_set(&f->never, &own, NEVER_HOST, NEVER_OWN) && ok;
	}
	freeifaddrs(all);
	return ok;
}

static void
apply(struct firewall *f, const struct message_row *rows, size_t n)
{
	if (!nft_apply(f->nft, rows, n, f->fresh, wall_s() - f->ahead_s, f->text, &f->told))
		f->stuck = true;
}

static void
flush(struct firewall *f)
{
	apply(f, f->rows, f->n);
	f->n = 0;
}

static void
take_row(struct firewall *f, const struct message_row *row)
{
	struct prefix what = { .len = row->len };

	memcpy(what.addr.b, row->addr, sizeof(what.addr.b));
	if (!row->remove && never_covers(&f->never, &what, wall_s())) {
		f->told.withheld++;
		return;
	}
	/* The last word on an address counts; in a state that comes whole there is only one. */
	for (size_t i = 0; !f->fresh && i < f->n; i++)
		if (memcmp(f->rows[i].addr, row->addr, sizeof(row->addr)) == 0 && f->rows[i].len == row->len) {
			f->rows[i] = *row;
			return;
		}
	f->rows[f->n++] = *row;
	if (f->n == NFT_BATCH)
		flush(f);
}

static bool
make_table(struct firewall *f)
{
	const struct ladder *l = &f->process->config.ladder;
	const char *error;

	if (nft_table_text(l, true, f->text, sizeof(f->text)) >= sizeof(f->text)) {
		log_warnx("there are too many real exchangers for one table");
		return false;
	}
	if (nft_run(f->nft, f->text, &error))
		return true;
	(void)nft_table_text(l, false, f->text, sizeof(f->text));
	if (nft_run(f->nft, f->text, &error)) {
		if (!f->no_prerouting)
			log_warnx("this kernel takes no reject in prerouting (5.9 and later do): a real exchanger behind DNAT "
			    "on this host is not protected");
		f->no_prerouting = true;
		return true;
	}
	log_warnx("the kernel does not take the table inet " NFT_TABLE ": %.*s", (int)strcspn(error, "\n"), error);
	return false;
}

static void
ask(struct firewall *f, int64_t now_ms)
{
	f->told.ask = 1;
	f->asked_ms = now_ms;
	(void)message_send(f->process->firewall_fd, &f->told, sizeof(f->told));
	f->told.ask = 0;
}

/* Who says that nobody is refused must not be wrong. */
static void
take_away(struct firewall *f)
{
	const char *error;

	f->asked_ms = process_now_ms();
	f->leaving = !nft_run(f->nft, "add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\n", &error);
	if (f->leaving)
		log_warnx("the kernel does not delete the table inet " NFT_TABLE ", which still refuses those that it holds: %.*s",
		    (int)strcspn(error, "\n"), error);
	else
		log_info("nobody is refused: the table is gone until it is switched on again");
}

static void
take_rows(struct firewall *f, const struct message_rows *m)
{
	if ((m->flags & ROWS_HELLO) != 0) {
		ask(f, process_now_ms());
		return;
	}
	if ((m->flags & ROWS_OFF) != 0) {
		f->n = 0;
		f->wanted = false;
		f->told.up = 0;
		f->no_table = f->stuck = false;
		f->changed = GUARD_QUIET;
		take_away(f);
		return;
	}
	if (m->now_s != 0)
		f->ahead_s = wall_s() - m->now_s;
	if ((m->flags & ROWS_RESET) != 0) {
		f->n = 0;
		f->told.up = 0;
		f->told.resets++;
		f->began = f->told.added;
		if (f->guard != -1)
			(void)guard_read(f->guard);	/* of what is replaced now */
		f->changed = GUARD_QUIET;
		f->wanted = f->fresh = make_table(f);
		f->no_table = !f->wanted;
		f->leaving = f->stuck = false;
		f->asked_ms = process_now_ms();
	}
	if (!f->wanted)
		return;
	for (uint32_t i = 0; i < m->n; i++)
		take_row(f, &m->rows[i]);
	if ((m->flags & ROWS_COMPLETE) != 0) {
		flush(f);
		f->fresh = false;
		f->told.up = 1;
		log_info("the kernel refuses %llu listed senders", (unsigned long long)(f->told.added - f->began));
	}
}

/* "counter refused4 { packets 5 bytes 300 }" */
static uint64_t
packets_of(const char *text, const char *name)
{
	const char *at = text == NULL ? NULL : strstr(text, name);

	at = at == NULL ? NULL : strstr(at, "packets ");
	return at == NULL ? 0 : strtoull(at + strlen("packets "), NULL, 10);
}

static void
tell(struct firewall *f, int64_t now_ms)
{
	if (now_ms - f->told_ms < TELL_MS)
		return;
	f->told_ms = now_ms;
	if (f->told.up) {
		f->told.packets4 = packets_of(nft_ask(f->nft, "list counter inet " NFT_TABLE " refused4"), "refused4");
		f->told.packets6 = packets_of(nft_ask(f->nft, "list counter inet " NFT_TABLE " refused6"), "refused6");
	}
	(void)message_send(f->process->firewall_fd, &f->told, sizeof(f->told));
}

/* Another program changed our table: we want all of the list again. */
static void
look(struct firewall *f, int64_t now_ms)
{
	enum guard_result heard = f->guard == -1 ? GUARD_QUIET : guard_read(f->guard);

	if (now_ms - f->looked_ms >= LOOK_MS) {
		const char *tables = nft_ask(f->nft, "list tables inet");

		f->looked_ms = now_ms;
		(void)learn_never(f);
		if (f->told.up && (tables == NULL || strstr(tables, "table inet " NFT_TABLE) == NULL))
			heard = GUARD_CHANGED;
	}
	if (heard == GUARD_CHANGED || (heard == GUARD_MISSED && f->changed == GUARD_QUIET))
		f->changed = heard;
	if (f->changed != GUARD_QUIET && f->wanted &&
	    f->repair_ms - now_ms <= (f->changed == GUARD_CHANGED ? BURST_MS : 0)) {
		f->repair_ms = (f->repair_ms > now_ms ? f->repair_ms : now_ms) + (f->changed == GUARD_CHANGED ? REPAIR_MS : MISSED_MS);
		f->changed = GUARD_QUIET;
		f->told.up = 0;
		f->told.repairs++;
		log_warnx("nftables table inet " NFT_TABLE " was changed by another program; recreating it "
		    "(to stop refusing a sender: mxtrap allow ADDRESS; everybody: mxtrap firewall off)");
		ask(f, now_ms);
	}
	if (f->changed == GUARD_CHANGED)
		f->told.up = 0;
	/* watch may have begun after us, or lost its place. */
	if (f->stuck && f->told.up) {
		f->told.up = 0;
		log_warnx("the kernel still refuses a sender that left the list; recreating its sets");
	}
	if (((f->told.resets == 0 || f->stuck) && now_ms - f->asked_ms >= ASK_MS) ||
	    (f->no_table && now_ms - f->asked_ms >= AGAIN_MS))
		ask(f, now_ms);
	if (f->leaving && now_ms - f->asked_ms >= ASK_MS)
		take_away(f);
}

static void
read_rows(struct firewall *f)
{
	struct message_rows m;
	int n;

	for (int i = 0; i < 64 && (n = message_take(f->process->firewall_fd, LINE_WATCH_TO_FIREWALL, &m, sizeof(m))) != 0 && n != -1; i++)
		if (n == (int)sizeof(m) && m.head.kind == MESSAGE_ROWS)
			take_rows(f, &m);
	/* A change reaches the kernel at once; of a state that comes whole, in full pieces. */
	if (f->wanted && !f->fresh)
		flush(f);
}

int
firewall_main(struct process *process)
{
	struct firewall *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		log_warn("no memory");
		return 3;
	}
	process_confine(process, 1ULL << CAP_NET_ADMIN);
	f->process = process;
	message_init(&f->told.head, MESSAGE_FIREWALL, sizeof(f->told));
	f->nft = nft_open();
	if (f->nft == NULL || !learn_never(f)) {
		log_warnx("no memory for libnftables or the never-list");
		return 3;
	}
	f->guard = guard_open();
	f->looked_ms = f->asked_ms = process_now_ms();
	ask(f, f->asked_ms);
	while (!process_should_stop(process, NULL)) {
		int wait = process_heartbeat(process, true);
		struct pollfd fds[3] = {
			{ .fd = process->signal_fd, .events = POLLIN },
			{ .fd = process->firewall_fd, .events = POLLIN },
			{ .fd = f->guard, .events = POLLIN },
		};
		int64_t now_ms;

		(void)poll(fds, 3, wait);
		now_ms = process_now_ms();
		read_rows(f);
		look(f, now_ms);
		tell(f, now_ms);
	}
	read_rows(f);			/* the last word may be that nobody is refused any more */
	if (f->guard != -1)
		close(f->guard);
	nft_close(f->nft);
	never_free(&f->never);
	free(f);
	return 0;
}
