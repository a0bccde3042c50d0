/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aside.h - answers that take long are made aside: by a thread of their own, from a handle of their own.
 *
 * A handler never waits for them (but for a moment, the first time): it tells what was found when it
 * was last looked for, and when that was.  Nobody asks: nothing is done.
 */
#ifndef MXTRAP_WEB_ASIDE_H
#define MXTRAP_WEB_ASIDE_H

#include <pthread.h>

#include "geoip.h"
#include "mxtrap/config.h"
#include "mxtrap/report.h"

#define ASIDE_WAIT_MS 250		/* a small database answers at once, also the first time */

enum aside_task { ASIDE_RISK, ASIDE_BREAKDOWN, ASIDE_TOP, ASIDE_N };
enum aside_state { ASIDE_LISTED, ASIDE_SUSPECT, ASIDE_STATES };

struct aside_risk {
	struct report_risk_summary summary;
	size_t n;
	struct report_risk *rows;	/* owned; most like a mail server first */
};

#define BREAKDOWN_ROWS 1000		/* of a kind; the rest is one number */

struct breakdown_row {
	char	 key[GEOIP_KEY_SIZE], name[GEOIP_NAME_SIZE];
	uint64_t n;
};
struct breakdown {			/* of one kind: by what, of which state */
	struct breakdown_row *rows;	/* owned; most senders first */
	size_t	 n;
	uint64_t others, unknown;	/* in no row; not in the file */
};

#define TOP_ROWS 1000			/* of a state */

struct top_row {
	struct prefix what;
	float	 score;			/* as of then */
};
struct aside_top {
	struct top_row *rows;		/* owned; the highest score first */
	size_t	 n;
};

struct aside {
	const struct config *config;	/* borrowed */
	pthread_t	thread;
	bool		runs;
	pthread_mutex_t lock;		/* around all below */
	pthread_cond_t	wake, done;
	bool		stop, over;	/* over: the thread has done its last */
	struct {
		bool	wanted;
		int64_t made_ms, cost_ms;	/* made_ms 0: never yet */
	} tasks[ASIDE_N];
	struct aside_risk risk;
	struct breakdown breakdown[GEOIP_N][ASIDE_STATES];
	int64_t		breakdown_s;	/* as of then */
	struct aside_top top[ASIDE_STATES];
	char		why[GEOIP_N][GEOIP_WHY_SIZE];	/* not available, and why; "": it is */
};

bool aside_start(struct aside *, const struct config *);
/* Waits for no more than a moment: a thread in the middle of very many senders ends with the process. */
void aside_stop(struct aside *);
/*
 * What there is of it, made anew if that has become old: true, and aside->lock is held until aside_leave().
 * False: nothing yet, it is being made.  wait_ms: so long at most, if there is nothing yet.
 */
bool aside_enter(struct aside *, enum aside_task, int wait_ms);
void aside_leave(struct aside *);

/* breakdown.c: in the thread; the report is its own.  geoip NULL: not available. */
bool breakdown_make(struct report *, int64_t now_s, struct geoip *geoip[static GEOIP_N],
    struct breakdown out[static GEOIP_N][ASIDE_STATES]);
void breakdown_free(struct breakdown *);
/* top.c: likewise.  False: what was made of it is out's all the same. */
bool top_make(struct report *, int64_t now_s, struct aside_top out[static ASIDE_STATES]);

#endif
