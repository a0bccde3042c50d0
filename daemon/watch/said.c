/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * said.c - what clients said to decoy, on its way to the trap.
 *
 * The words are the sender's: what is not printable is written as \xNN, so that the database
 * and the log hold text and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/said.h"
#include "watch_int.h"

#define WORDS_SIZE 512			/* of escaped text that is kept, of each of the two */
#define WARN_US	   (3600 * 1000000LL)	/* of one domain, at most so often */

static void
printable(const char *from, char to[static WORDS_SIZE])
{
	size_t n = 0;

	for (; *from != '\0' && n + 5 < WORDS_SIZE; from++) {
		unsigned char c = (unsigned char)*from;

		if (c > ' ' && c < 0x7f && c != '\\')
			to[n++] = (char)c;
		else
			n += (size_t)snprintf(to + n, 5, "\\x%02x", c);
	}
	to[n] = '\0';
}

static void
warn_of_foreign(struct watch *w, const struct target *t, const struct addr *src, const char *domain)
{
	const struct exchanger *x = &w->config->ladder.sets[t->set].exchangers[t->exchanger];
	char from[ADDR_TEXT_SIZE], to[ADDR_TEXT_SIZE];

	w->foreign++;
	if (w->foreign_warned_us != 0 && watch_now_us(w) - w->foreign_warned_us < WARN_US)
		return;
	w->foreign_warned_us = watch_now_us(w);
	log_warnx("%s brought mail for %s to %s (%s). That domain is none of ours: somebody else's MX points at us, or it is a "
	    "relay test. The sender is excused for 30 days", addr_format(src, from), domain, x->name, addr_format(&t->addr, to));
}

/* An event holds no text: the words wait beside it until it comes out of the merge. */
static void
keep_words(struct watch *w, const char *helo, const char *domain)
{
	struct said_words *words = &w->words[w->seq % SAID_WORDS];

	free(words->helo);
	free(words->domain);
	*words = (struct said_words){
		.seq = w->seq, .helo = helo[0] != '\0' ? strdup(helo) : NULL,
		.domain = domain[0] != '\0' ? strdup(domain) : NULL,
	};
}

void
watch_take_said(struct watch *w, const struct message_said *m)
{
	const struct ladder *l = &w->config->ladder;
	char helo[WORDS_SIZE], domain[WORDS_SIZE];
	struct event e = {
		.time_us = steady_time(&w->steady, m->time_us), .kind = EVENT_SAID, .port = m->port, .target = m->target,
	};
	struct addr src;

	if (m->target >= l->n_targets || l->targets[m->target].role != ROLE_BOGUS)
		return;
	memcpy(src.b, m->src, sizeof(src.b));
	e.what = prefix_of(&src, 128);
	e.value = said_of(l, l->targets[m->target].set, m->said, m->helo, m->domain);
	printable(m->helo, helo);
	printable(m->domain, domain);
	keep_words(w, helo, domain);
	if ((e.value & SAID_FOREIGN) != 0)
		warn_of_foreign(w, &l->targets[m->target], &src, domain);
	watch_event(w, &e);
}

const char *
watch_words_of(const struct watch *w, const struct event *e, const char **domain)
{
	const struct said_words *words = &w->words[e->seq % SAID_WORDS];
	bool here = e->kind == EVENT_SAID && words->seq == e->seq;

	*domain = here && words->domain != NULL ? words->domain : "";
	return here && words->helo != NULL ? words->helo : "";
}

void
watch_drop_words(struct watch *w)
{
	for (size_t i = 0; i < SAID_WORDS; i++) {
		free(w->words[i].helo);
		free(w->words[i].domain);
		w->words[i] = (struct said_words){ .seq = 0 };
	}
}
