/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_listen.c - the ports that the program takes for itself, before it takes them.
 *
 * Two sockets on one port: the second never opens, and mxtrapd would say that mxtrapd
 * holds it.  One on port 25 of an exchanger is worse: a decoy that must refuse would
 * answer, or the real MX could not start.
 */
#include <stdio.h>
#include <string.h>

#include "config_text.h"

static bool
is_any(const struct addr *a)
{
	static const uint8_t v4[4], v6[16];
	struct addr any = addr_is_v4(a) ? addr_from_v4(v4) : addr_from_v6(v6);

	return addr_equal(a, &any);
}

/* Does one of the two take what the other wants?  [::] is IPv6 alone here (bind.c). */
static bool
overlap(const struct addr *a, const struct addr *b)
{
	return addr_equal(a, b) || (addr_is_v4(a) == addr_is_v4(b) && (is_any(a) || is_any(b)));
}

static void
check_pair(struct config_source *source, const struct config_listener *a, const struct config_listener *b)
{
	char where[CONFIG_FILE_SIZE];
	struct addr x, y;
	uint16_t x_port, y_port;

	if (config_unix(a->text) != NULL || config_unix(b->text) != NULL) {
		if (strcmp(a->text, b->text) != 0)
			return;
	} else if (!config_listen(a->text, &x, &x_port) || !config_listen(b->text, &y, &y_port) ||
	    x_port != y_port || !overlap(&x, &y)) {
		return;
	}
	config_found(source, b->line, b->text, "each address and port once (%s has %s in %s already)", a->section,
	    a->text, config_line(source, a->line, where));
}

static void
check_exchangers(struct config_source *source, const struct config_listener *l, const struct config_places *places)
{
	char where[CONFIG_FILE_SIZE], text[ADDR_TEXT_SIZE];
	struct addr a;
	uint16_t port;

	if (config_unix(l->text) != NULL || !config_listen(l->text, &a, &port) || port != 25)
		return;
	for (size_t i = 0; i < places->n; i++) {
		const struct config_place *p = &places->place[i];

		if (!overlap(&a, &p->addr))
			continue;
		config_found(source, l->line, l->text, "another port: 25 of %s is that of exchanger \"%s\" in %s",
		    addr_format(&p->addr, text), p->exchanger, config_line(source, p->line, where));
		return;
	}
}

void
config_check_listeners(struct config_source *source, const struct config *config, const struct config_listeners *all,
    const struct config_places *places)
{
	struct addr a;
	uint16_t port;

	for (size_t i = 0; i < all->n; i++) {
		const struct config_listener *l = &all->at[i];

		for (size_t k = 0; k < i; k++)
			check_pair(source, &all->at[k], l);
		check_exchangers(source, l, places);
		if (strcmp(l->section, "web") != 0 || config_unix(l->text) != NULL ||
		    !config_listen(l->text, &a, &port) || !is_any(&a))
			continue;
		config_doubt(source, l->line, "web listens on every address (%s): anybody who can reach port %u can read the list%s",
		    l->text, port, config->n_web_hosts > 0 ? "" :
		    "; it answers to addresses and localhost, and to a name only if web { hosts } names it");
	}
}
