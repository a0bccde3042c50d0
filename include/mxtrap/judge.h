/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.h - sums of evidence against two thresholds: a sequential test.
 *
 * Wald's sequential probability ratio test, as Jung et al. (2004) use it for
 * scanners: A = ln((1 - miss) / false), B = ln(miss / (1 - false)).  Sums decay
 * with a half-life and are clamped, so that no credit can be banked.  Pure
 * arithmetic: it has not heard of packets, tables or SQL.
 */
#ifndef MXTRAP_JUDGE_H
#define MXTRAP_JUDGE_H

#include "mxtrap/evidence.h"

struct judge_params {			/* from the configuration */
	double	 false_listing;		/* 0.0001 */
	double	 miss;			/* 0.1 */
	uint8_t	 list_on;		/* enum grade: GRADE_ADDRESSED */
	uint32_t half_life_s;		/* 14 d */
	uint32_t fallback_window_s;	/* 30 min */
	uint32_t order_memory_s;	/* 24 h */
	uint32_t visit_gap_s;		/* 300 */
	uint32_t start_grace_s;		/* 15 min */
	uint32_t term_s;		/* 24 h: a first listing */
	float	 points_score[EVIDENCE_N_KINDS], points_hint[EVIDENCE_N_KINDS];
};

#define JUDGE_SUM_MIN (-3.0f)
#define JUDGE_SUM_MAX 20.0f
#define JUDGE_TERM_MAX_S (30U * 86400U)
#define JUDGE_RELAPSE_S (30U * 86400U)

/* The design's defaults. */
void judge_defaults(struct judge_params *);
double judge_upper(const struct judge_params *);	/* A: 9.1 by default */
double judge_lower(const struct judge_params *);	/* B: -2.3 by default */
/* A sum of age seconds, decayed.  Negative ages leave it as it is. */
float judge_decay(const struct judge_params *, float sum, int64_t age_s);
/* sum + points, clamped. */
float judge_add(float sum, float points);
/* As many of these points as never make a suspect by themselves. */
float judge_harmless(const struct judge_params *, float points);
/* Seconds until sum decays to level (both > 0); 0 if it is there already. */
int64_t judge_until(const struct judge_params *, float sum, float level);
/* The state that the sums alone give (never listed or allowed: those are held elsewhere). */
enum sender_state judge_state(const struct judge_params *, float score, float hint);

#endif
