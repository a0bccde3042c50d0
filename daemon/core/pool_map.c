/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool_map.c - prefixes of named pools, flattened: one binary search finds the longest.
 */
#include "mxtrap/pool_map.h"

#include <stdlib.h>
#include <string.h>

#define COARSE_WORDS (2 * 65536 / 64)
#define V4_BITS	     32
#define V6_BITS	     64		/* of a sender's key */

bool
pool_map_fits(const struct prefix *p)
{
	if (addr_is_v4(&p->addr))
		return p->len >= 96 + POOL_MAP_SHORTEST_V4;
	/* 0::/16 holds the keys of IPv4, ff00::/8 is multicast: no senders of IPv6. */
	return p->len >= POOL_MAP_SHORTEST_V6 && p->len <= V6_BITS && addr_half(&p->addr, 0) >> 48 != 0 &&
	    p->addr.b[0] != 0xff;
}

static struct pool_span
span_of(const struct pool_member *m)
{
	sender_key first = addr_sender(&m->what.addr);
	unsigned free_bits = addr_is_v4(&m->what.addr) ? 128U - m->what.len : (unsigned)V6_BITS - m->what.len;

	return (struct pool_span){ .first = first, .last = first | ((1ULL << free_bits) - 1), .pool = m->pool };
}

/* The wider first, where two begin together. */
static int
by_key(const void *a, const void *b)
{
	const struct pool_span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->last != y->last)
		return x->last > y->last ? -1 : 1;
	return (x->pool > y->pool) - (x->pool < y->pool);
}

/*
 * Prefixes lie inside one another or apart, so a stack of the open ones is enough: where an
 * inner one ends, the one around it goes on.
 */
static uint32_t
flatten(const struct pool_span *in, size_t n, struct pool_span *out)
{
	struct pool_span open[V4_BITS + V6_BITS + 2];
	size_t depth = 0;
	uint32_t n_out = 0;
	sender_key at = 0;

	for (size_t i = 0; i <= n; i++) {
		while (depth > 0 && (i == n || open[depth - 1].last < in[i].first)) {
			struct pool_span done = open[--depth];

			if (at <= done.last) {
				out[n_out++] = (struct pool_span){ at, done.last, done.pool };
				at = done.last + 1;
			}
		}
		if (i == n)
			break;
		if (depth > 0 && open[depth - 1].first == in[i].first && open[depth - 1].last == in[i].last)
			continue;	/* the same prefix twice: the first one holds */
		if (depth > 0 && at < in[i].first)
			out[n_out++] = (struct pool_span){ at, in[i].first - 1, open[depth - 1].pool };
		at = in[i].first;
		open[depth++] = in[i];
	}
	return n_out;
}

/* Spans that go on in the same pool are one. */
static uint32_t
join(struct pool_span *s, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (kept > 0 && s[kept - 1].pool == s[i].pool && s[kept - 1].last + 1 == s[i].first)
			s[kept - 1].last = s[i].last;
		else
			s[kept++] = s[i];
	}
	return kept;
}

static void
mark(uint64_t *coarse, const struct pool_span *s)
{
	bool v4 = sender_is_v4(s->first);
	uint32_t first = v4 ? (uint32_t)(s->first >> 16 & 0xffff) : 0x10000U | (uint32_t)(s->first >> 48);
	uint32_t last = v4 ? (uint32_t)(s->last >> 16 & 0xffff) : 0x10000U | (uint32_t)(s->last >> 48);

	for (uint32_t bit = first; bit <= last; bit++)
		coarse[bit >> 6] |= 1ULL << (bit & 63);
}

enum pool_map_result
pool_map_set(struct pool_map *m, const struct pool_member *members, size_t n, size_t *bad)
{
	struct pool_span *in, *spans;
	uint64_t *coarse;
	uint32_t n_spans;

	if (n > POOL_MAP_MEMBERS)
		return POOL_MAP_FULL;
	for (size_t i = 0; i < n; i++) {
		if (pool_map_fits(&members[i].what) && members[i].pool >= 1 && members[i].pool <= POOL_MAP_POOLS)
			continue;
		if (bad != NULL)
			*bad = i;
		return POOL_MAP_RANGE;
	}
	in = calloc(n + 1, sizeof(*in));
	/* Each prefix can cut the one around it in two. */
	spans = calloc(2 * n + 1, sizeof(*spans));
	coarse = calloc(COARSE_WORDS, sizeof(*coarse));
	if (in == NULL || spans == NULL || coarse == NULL) {
		free(in);
		free(spans);
		free(coarse);
		return POOL_MAP_NO_MEMORY;
	}
	for (size_t i = 0; i < n; i++)
		in[i] = span_of(&members[i]);
	qsort(in, n, sizeof(*in), by_key);
	n_spans = join(spans, flatten(in, n, spans));
	for (uint32_t i = 0; i < n_spans; i++)
		mark(coarse, &spans[i]);
	free(in);
	pool_map_free(m);
	*m = (struct pool_map){ .spans = spans, .n = n_spans, .coarse = coarse };
	return POOL_MAP_OK;
}

void
pool_map_free(struct pool_map *m)
{
	free(m->spans);
	free(m->coarse);
	*m = (struct pool_map){ 0 };
}

size_t
pool_map_bytes(const struct pool_map *m)
{
	return m->n == 0 ? 0 : m->n * sizeof(m->spans[0]) + COARSE_WORDS * sizeof(m->coarse[0]);
}

uint16_t
pool_map_search(const struct pool_map *m, sender_key key)
{
	uint32_t low = 0, high = m->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->spans[mid].last < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && m->spans[low].first <= key ? m->spans[low].pool : 0;
}
