/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aside.c - the thread that makes what takes long.
 */
#include "aside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxtrap/log.h"
#include "web_int.h"

#define REST	   20			/* after something that took a second, so many seconds of rest */
#define AGAIN_MS   5000			/* after a failure */
#define STOP_MS	   300			/* of the second that a stop may take */

static const int64_t least_ms[ASIDE_N] = { [ASIDE_RISK] = 30000, [ASIDE_BREAKDOWN] = 10000, [ASIDE_TOP] = 4000 };

/* The thread's own. */
struct work {
	struct aside  *aside;
	struct report *report;		/* NULL: not open yet */
	struct geoip  *geoip[GEOIP_N];
	char	       told[GEOIP_N][GEOIP_WHY_SIZE];	/* said in the log already */
};

static const char *
geoip_path(const struct config *c, enum geoip_by by)
{
	return by == GEOIP_COUNTRY ? c->geoip_country : c->geoip_asn;
}

/* The files, if they are there and not open yet, or others by now. */
static void
look_at_files(struct work *w)
{
	static const char *const keys[GEOIP_N] = { "country", "asn" };
	char why[GEOIP_WHY_SIZE];

	for (enum geoip_by by = GEOIP_COUNTRY; by < GEOIP_N; by++) {
		const char *path = geoip_path(w->aside->config, by);

		why[0] = '\0';
		if (w->geoip[by] != NULL && geoip_changed(w->geoip[by])) {
			geoip_close(w->geoip[by]);
			w->geoip[by] = NULL;
		}
		if (path[0] == '\0')
			(void)snprintf(why, sizeof(why), "no file is configured: geoip { %s = \"/PATH.mmdb\" }", keys[by]);
		else if (w->geoip[by] == NULL)
			w->geoip[by] = geoip_open(path, by, why);
		if (path[0] != '\0' && why[0] != '\0' && strcmp(why, w->told[by]) != 0) {
			log_warnx("geoip { %s }: %s; there is no breakdown by it", keys[by], why);
			memcpy(w->told[by], why, sizeof(why));
		}
		(void)pthread_mutex_lock(&w->aside->lock);
		memcpy(w->aside->why[by], why, sizeof(why));
		(void)pthread_mutex_unlock(&w->aside->lock);
	}
}

static bool
keep_risk(void *ctx, const struct report_risk *row)
{
	struct aside_risk *risk = ctx;

	if (risk->n < RISKS_MAX)
		risk->rows[risk->n++] = *row;
	return true;
}

static bool
make_risk(struct work *w, int64_t now_s)
{
	struct aside *a = w->aside;
	struct aside_risk made = { .rows = malloc(RISKS_MAX * sizeof(*made.rows)) };
	struct report_risk *old;

	if (made.rows == NULL ||
	    report_risks(w->report, now_s, 0, &made.summary, keep_risk, &made) != REPORT_OK) {
		free(made.rows);
		return false;
	}
	(void)pthread_mutex_lock(&a->lock);
	old = a->risk.rows;
	a->risk = made;
	(void)pthread_mutex_unlock(&a->lock);
	free(old);
	return true;
}

static bool
make_breakdown(struct work *w, int64_t now_s)
{
	struct aside *a = w->aside;
	struct breakdown made[GEOIP_N][ASIDE_STATES], old[GEOIP_N][ASIDE_STATES];

	memset(made, 0, sizeof(made));
	look_at_files(w);
	if (!breakdown_make(w->report, now_s, w->geoip, made)) {
		for (size_t i = 0; i < GEOIP_N * ASIDE_STATES; i++)
			breakdown_free(&made[i / ASIDE_STATES][i % ASIDE_STATES]);
		return false;
	}
	(void)pthread_mutex_lock(&a->lock);
	memcpy(old, a->breakdown, sizeof(old));
	memcpy(a->breakdown, made, sizeof(made));
	a->breakdown_s = now_s;
	(void)pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < GEOIP_N * ASIDE_STATES; i++)
		breakdown_free(&old[i / ASIDE_STATES][i % ASIDE_STATES]);
	return true;
}

static bool
make_top(struct work *w, int64_t now_s)
{
	struct aside *a = w->aside;
	struct aside_top made[ASIDE_STATES] = { { NULL, 0 } }, old[ASIDE_STATES];
	bool ok = top_make(w->report, now_s, made);

	(void)pthread_mutex_lock(&a->lock);
	memcpy(old, ok ? a->top : made, sizeof(old));
	if (ok)
		memcpy(a->top, made, sizeof(made));
	(void)pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < ASIDE_STATES; i++)
		free(old[i].rows);
	return ok;
}

static void
make(struct work *w, enum aside_task task)
{
	struct aside *a = w->aside;
	int64_t began = clock_ms(), now_s = (int64_t)time(NULL);
	bool ok = w->report != NULL || report_open(&w->report, a->config->state_dir, &a->config->judge) == REPORT_OK;

	if (ok) {
		now_s = report_now(w->report, now_s);
		switch (task) {
		case ASIDE_RISK:
			ok = make_risk(w, now_s);
			break;
		case ASIDE_BREAKDOWN:
			ok = make_breakdown(w, now_s);
			break;
		case ASIDE_TOP:
			ok = make_top(w, now_s);
			break;
		case ASIDE_N:
			break;
		}
	}
	(void)pthread_mutex_lock(&a->lock);
	a->tasks[task].wanted = false;
	a->tasks[task].cost_ms = clock_ms() - began;
	/* What could not be made is tried again in a while; what there was is good until then. */
	if (ok || a->tasks[task].made_ms != 0)
		a->tasks[task].made_ms = ok ? clock_ms() : clock_ms() - least_ms[task] + AGAIN_MS;
	(void)pthread_cond_broadcast(&a->done);
	(void)pthread_mutex_unlock(&a->lock);
}

static void *
work(void *arg)
{
	struct work w = { .aside = arg };
	struct aside *a = arg;

	look_at_files(&w);		/* a warning comes at the start, not when somebody asks */
	(void)pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		enum aside_task task = ASIDE_RISK;

		while (task < ASIDE_N && !a->tasks[task].wanted)
			task++;
		if (task == ASIDE_N) {
			(void)pthread_cond_wait(&a->wake, &a->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&a->lock);
		make(&w, task);
		(void)pthread_mutex_lock(&a->lock);
	}
	(void)pthread_mutex_unlock(&a->lock);
	report_close(w.report);
	for (size_t i = 0; i < GEOIP_N; i++)
		geoip_close(w.geoip[i]);
	(void)pthread_mutex_lock(&a->lock);
	a->over = true;
	(void)pthread_cond_broadcast(&a->done);
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

bool
aside_start(struct aside *a, const struct config *config)
{
	pthread_condattr_t attr;

	a->config = config;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->wake, NULL);
	(void)pthread_cond_init(&a->done, &attr);
	(void)pthread_condattr_destroy(&attr);
	a->runs = pthread_create(&a->thread, NULL, work, a) == 0;
	if (!a->runs)
		log_warnx("cannot start a thread: mail at risk and the breakdown are not available");
	return a->runs;
}

static struct timespec
moment(int in_ms)
{
	int64_t at_ms = clock_ms() + in_ms;

	return (struct timespec){ .tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000 * 1000000) };
}

void
aside_stop(struct aside *a)
{
	struct timespec until;
	bool over;

	if (!a->runs)
		return;
	until = moment(STOP_MS);
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_signal(&a->wake);
	while (!a->over && pthread_cond_timedwait(&a->done, &a->lock, &until) != ETIMEDOUT)
		;
	over = a->over;
	(void)pthread_mutex_unlock(&a->lock);
	a->runs = false;
	if (!over) {
		(void)pthread_detach(a->thread);
		return;
	}
	(void)pthread_join(a->thread, NULL);
	free(a->risk.rows);
	for (size_t i = 0; i < ASIDE_STATES; i++)
		free(a->top[i].rows);
	for (size_t i = 0; i < GEOIP_N * ASIDE_STATES; i++)
		breakdown_free(&a->breakdown[i / ASIDE_STATES][i % ASIDE_STATES]);
}

bool
aside_enter(struct aside *a, enum aside_task task, int wait_ms)
{
	const struct timespec until = moment(wait_ms);
	int64_t age_ms, rest_ms;

	if (!a->runs)
		return false;
	(void)pthread_mutex_lock(&a->lock);
	age_ms = clock_ms() - a->tasks[task].made_ms;
	rest_ms = a->tasks[task].cost_ms * REST > least_ms[task] ? a->tasks[task].cost_ms * REST : least_ms[task];
	if (!a->tasks[task].wanted && (a->tasks[task].made_ms == 0 || age_ms > rest_ms)) {
		a->tasks[task].wanted = true;
		(void)pthread_cond_signal(&a->wake);
	}
	while (a->tasks[task].made_ms == 0 && a->tasks[task].wanted && wait_ms > 0 &&
	    pthread_cond_timedwait(&a->done, &a->lock, &until) != ETIMEDOUT)
		;
	if (a->tasks[task].made_ms != 0)
		return true;
	(void)pthread_mutex_unlock(&a->lock);
	return false;
}

void
aside_leave(struct aside *a)
{
	(void)pthread_mutex_unlock(&a->lock);
}
