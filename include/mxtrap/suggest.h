/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.h - "did you mean ...?": the known word that is nearest to a mistyped one.
 *
 * Offer each word that may stand there, then ask.  Letters count alike in either
 * case, and so do - and _; a letter too many, missing, wrong or exchanged with its
 * neighbour costs one.  No memory is taken; words are not copied.
 */
#ifndef MXTRAP_SUGGEST_H
#define MXTRAP_SUGGEST_H

struct suggest {
	const char *typed;	/* set by the caller, the rest is zero */
	const char *best;	/* NULL: nothing is near enough */
	unsigned    cost;	/* of best */
};

void suggest_offer(struct suggest *, const char *word);

#endif
