/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.c - the sequential test's arithmetic.
 */
#include "mxtrap/judge.h"

#include <math.h>

#define DAY_S 86400U

void
judge_defaults(struct judge_params *p)
{
	*p = (struct judge_params){
		.false_listing = 0.0001, .miss = 0.1, .list_on = GRADE_ADDRESSED, .half_life_s = 14 * DAY_S,
		.fallback_window_s = 1800, .order_memory_s = DAY_S, .visit_gap_s = 300, .start_grace_s = 900,
		.term_s = DAY_S,
	};
	for (int i = 0; i < EVIDENCE_N_KINDS; i++) {
		p->points_score[i] = evidence_info((enum evidence_kind)i)->score;
		p->points_hint[i] = evidence_info((enum evidence_kind)i)->hint;
	}
}

double
judge_upper(const struct judge_params *p)
{
	return log((1 - p->miss) / p->false_listing);
}

double
judge_lower(const struct judge_params *p)
{
	return log(p->miss / (1 - p->false_listing));
}

float
judge_decay(const struct judge_params *p, float sum, int64_t age_s)
{
	if (age_s <= 0 || sum == 0.0f)
		return sum;
	return (float)((double)sum * exp2(-(double)age_s / p->half_life_s));
}

float
judge_add(float sum, float points)
{
	sum += points;
	if (sum < JUDGE_SUM_MIN)
		return JUDGE_SUM_MIN;
	return sum > JUDGE_SUM_MAX ? JUDGE_SUM_MAX : sum;
}

float
judge_harmless(const struct judge_params *p, float points)
{
	/* A tenth below: the sums are stored in thousandths. */
	float most = (float)(judge_upper(p) / 2) - 0.1f;

	if (most < 0.0f)
		most = 0.0f;
	return points > most ? most : points;
}

int64_t
judge_until(const struct judge_params *p, float sum, float level)
{
	if (level <= 0 || sum <= level)
		return 0;
	return (int64_t)ceil(p->half_life_s * log2((double)sum / (double)level));
}

enum sender_state
judge_state(const struct judge_params *p, float score, float hint)
{
	double half = judge_upper(p) / 2;

	if ((double)score >= half)
		return STATE_SUSPECT;
	if ((double)score <= judge_lower(p))
		return STATE_CLEARED;
	if ((double)hint >= half)
		return STATE_NOTICED;
	return STATE_UNKNOWN;
}
