/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suggest.c - how far one word is from another.
 *
 * The distance of Damerau and Levenshtein (restricted: no part is changed twice), in
 * three rows of a table.  A word of three letters may have one fault, one of twelve three.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "mxtrap/suggest.h"

#define SUGGEST_MAX   40	/* letters; a longer word is near to nothing */
#define SUGGEST_FAULTS 3

static int
letter(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned rows[3][SUGGEST_MAX + 1];

	for (size_t j = 0; j <= n_b; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n_a; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *first = rows[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= n_b; j++) {
			bool same = letter(a[i - 1]) == letter(b[j - 1]);

			now[j] = least(before[j - 1] + !same, least(before[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && letter(a[i - 1]) == letter(b[j - 2]) &&
			    letter(a[i - 2]) == letter(b[j - 1]))
				now[j] = least(now[j], first[j - 2] + 1);
		}
	}
	return rows[n_a % 3][n_b];
}

void
suggest_offer(struct suggest *s, const char *word)
{
	size_t n = strlen(s->typed), n_word = strlen(word);
	unsigned cost, most = (unsigned)least((unsigned)(n + 2) / 3, SUGGEST_FAULTS);

	if (n == 0 || n > SUGGEST_MAX || n_word > SUGGEST_MAX)
		return;
	cost = distance(s->typed, n, word, n_word);
	/* One that shares nothing with the word is no slip of it. */
	if (cost > most || cost >= n || cost >= n_word || (s->best != NULL && cost >= s->cost))
		return;
	s->best = word;
	s->cost = cost;
}
