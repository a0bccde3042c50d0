/* SPDX-License-Identifier: GPL-2.0-or-later */
/* script.h - one scenario while it is read: its words, its ladder, its world. */
#ifndef MXTRAP_SCENARIO_SCRIPT_H
#define MXTRAP_SCENARIO_SCRIPT_H

#include "world.h"

#define MAX_WORDS	64
#define MAX_SETS	8
#define MAX_EXCHANGERS	16
#define MAX_ADDRS	8
#define MAX_CONTROL	4
#define MAX_CLIMBS	32
#define MAX_NEVER	64	/* as in struct world */
#define MAX_POOLS	64	/* as there */

struct script {
	const char *path;
	unsigned line;
	int	 n;
	char	*words[MAX_WORDS];
	struct world world;
	struct mxset sets[MAX_SETS];
	struct exchanger exchangers[MAX_SETS][MAX_EXCHANGERS];
	struct addr addrs[MAX_SETS][MAX_EXCHANGERS][MAX_ADDRS];
	struct addr control[MAX_CONTROL];
	size_t	 n_sets, n_never;
	bool	 begun;
	int64_t	 now_us;
	unsigned faults;
	struct plan *plan;		/* plan.c's own; NULL: none */
};

/* Something is not as the scenario says: file:line, found, expected. */
void fault(struct script *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "300ms" "5s" "15m" "2h" "3d". */
bool parse_span(const char *text, int64_t *us);
bool word_is(const struct script *, int i, const char *word);
bool parse_deed(const char *word, enum deed *out);
/* The target of this name, or address, of the family of like (NULL: any); NULL: none. */
const struct target *script_target(struct script *, const char *name, const struct addr *like);
/* The ladder is complete: make the world, once. */
void script_begin(struct script *);
/* Time moves on. */
void script_move_to(struct script *, int64_t us);
/* `at TIME probe ...` and `crowd ...`. */
void script_probe(struct script *, int64_t us);
void script_crowd(struct script *);
/* A line that begins with `expect`. */
void script_expect(struct script *);

/* Lines that begin with `climb` and `run`. */
void plan_climb(struct script *);
void plan_run(struct script *);
/* All that is planned until then happens. */
void plan_until(struct script *, int64_t us);
void plan_free(struct script *);

#endif
