/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * says.h - how it is, in plain sentences, worst first: "All quiet.", or what somebody should know.
 *
 * Filled from what watch told of itself and what the gate and the consumers say; nothing here
 * reads a clock or a database.
 */
#ifndef MXTRAP_WEB_SAYS_H
#define MXTRAP_WEB_SAYS_H

#include "mxtrap/config.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/sink.h"

#define SAYS_MAX  32
#define SAYS_REAL 16			/* real addresses whose trouble is told one by one */

enum says_level { SAYS_OK, SAYS_NOTE, SAYS_BAD };

struct says_item {
	enum says_level level;
	int64_t	 since_s;		/* 0: not known */
	char	 text[320];
};

struct says {
	const struct config *config;	/* borrowed */
	int64_t	 now_s;
	struct {
		uint32_t target;
		int64_t	 down_s;
	} down[SAYS_REAL];		/* by the notes */
	size_t	 n_down;
	uint64_t frames, drops;
	int64_t	 layout_since_s;
	bool	 layout_doubted, drops_doubted, real_told, blind_told, real_doubted, blind_doubted;
	char	 real_where[200];
	size_t	 n;
	struct says_item items[SAYS_MAX];
};

void says_begin(struct says *, const struct config *, int64_t now_s);
/* Notes, oldest first; then the rows of status, in any order.  As callbacks of report.h. */
bool says_note(void *says, const struct note_row *);
bool says_status(void *says, const char *name, const char *value);
/* age_s: of what watch told last (export_age); a replay has none. */
void says_watch(struct says *, int64_t age_s);
void says_replay(struct says *, int64_t clock_s);
void says_gate(struct says *, const struct export_gate *, int64_t publish_from_s);
void says_unused(struct says *);
/* Sort; never empty afterwards. */
void says_end(struct says *);
/* A member "says". */
void says_json(struct json *, const struct says *);

#endif
