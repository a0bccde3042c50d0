/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * publish.c - the publish gate: a list that grows too fast waits for a person.
 */
#include "mxtrap/publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool
grew(const struct publish *p, uint64_t listed)
{
	return listed > p->base && listed - p->base > PUBLISH_GROWTH_MIN && listed - p->base > p->base / 4;
}

static void
begin(struct publish *p, uint64_t listed, uint32_t now_s)
{
	*p = (struct publish){ .base = listed, .base_s = now_s };
}

enum publish_event
publish_turn(struct publish *p, uint64_t listed, uint32_t now_s)
{
	/* A clock that was set back begins a new cycle: else none would end. */
	if (p->base_s == 0 || (!p->held && now_s < p->base_s)) {
		begin(p, listed, now_s);
		return PUBLISH_QUIET;
	}
	if (p->held != grew(p, listed)) {
		p->held = !p->held;
		return p->held ? PUBLISH_HELD : PUBLISH_RELEASED;
	}
	if (p->held)
		return PUBLISH_QUIET;
	if (!p->shrank && listed < p->base / 2) {
		p->shrank = true;
		return PUBLISH_SHRANK;
	}
	if (now_s - p->base_s >= PUBLISH_CYCLE_S)
		begin(p, listed, now_s);
	return PUBLISH_QUIET;
}

bool
publish_accept(struct publish *p, uint64_t listed, uint32_t now_s)
{
	bool held = p->held;

	begin(p, listed, now_s);
	return held;
}

const char *
publish_format(const struct publish *p, char buf[static PUBLISH_TEXT_SIZE])
{
	(void)snprintf(buf, PUBLISH_TEXT_SIZE, "%s %" PRIu64 " %" PRIu32, p->held ? "held" : "open", p->base, p->base_s);
	return buf;
}

struct publish
publish_parse(const char *text)
{
	struct publish p = { .held = strncmp(text, "held ", 5) == 0 };
	char end;

	if ((!p.held && strncmp(text, "open ", 5) != 0) || text[5 + strspn(text + 5, "0123456789 ")] != '\0' ||
	    sscanf(text + 5, "%20" SCNu64 " %10" SCNu32 "%c", &p.base, &p.base_s, &end) != 2 || p.base_s == 0)
		p = (struct publish){ .base = 0 };
	return p;
}
