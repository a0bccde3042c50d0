/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_batch.c - nft commands as text.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nft.h"

#define LEAST_S 2			/* what expires sooner is not worth its transaction */

struct text {
	char  *out;
	size_t size, n;			/* n: what it would have had */
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->n < t->size ? t->out + t->n : NULL, t->n < t->size ? t->size - t->n : 0, fmt, ap);
	va_end(ap);
	t->n += n > 0 ? (size_t)n : 0;
}

static const struct {
	const char *name, *type, *look;
} SETS[] = {
	{ "host4", "ipv4_addr", "ip saddr @host4" },
	{ "net64", "ipv6_addr", "ip6 saddr & ffff:ffff:ffff:ffff:: @net64" },
	{ "host6", "ipv6_addr", "ip6 saddr @host6" },
};
#define N_SETS (sizeof(SETS) / sizeof(SETS[0]))

/* The real exchangers' addresses of a family, "a, b"; how many. */
static size_t
reals(const struct ladder *l, bool v4, struct text *t)
{
	char addr[ADDR_TEXT_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < l->n_targets; i++) {
		if (l->targets[i].role != ROLE_REAL || addr_is_v4(&l->targets[i].addr) != v4)
			continue;
		if (t != NULL)
			put(t, "%s%s", n > 0 ? ", " : "", addr_format(&l->targets[i].addr, addr));
		n++;
	}
	return n;
}

/*
 * A visitor who comes by DNAT - a published port of Docker's, a router - has the real exchanger's address only
 * until the hook dstnat (-100): prerouting at -150 sees it, and needs no connection tracking.  Input and forward
 * are for what another program redirected before that, and for kernels that cannot refuse in prerouting.
 */
static const struct {
	const char *name;
	int priority;
	bool early;
} HOOKS[] = {
	{ "prerouting", -150, true },
	{ "input", -5, false },
	{ "forward", -5, false },
};

size_t
nft_table_text(const struct ladder *l, bool prerouting, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };

	/* All in one transaction: at no moment is there a rule without its set, or half of ours. */
	put(&t, "add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\nadd table inet " NFT_TABLE "\n");
	put(&t, "add counter inet " NFT_TABLE " refused4\nadd counter inet " NFT_TABLE " refused6\n");
	for (size_t i = 0; i < N_SETS; i++)
		put(&t, "add set inet " NFT_TABLE " %s { type %s; flags timeout; size %d; }\n", SETS[i].name, SETS[i].type,
		    NFT_SET_SIZE);
	put(&t, "add chain inet " NFT_TABLE " judge\n");
	for (size_t i = 0; i < N_SETS; i++) {
		bool v4 = i == 0;

		if (reals(l, v4, NULL) == 0)
			continue;
		put(&t, "add rule inet " NFT_TABLE " judge %s daddr { ", v4 ? "ip" : "ip6");
		(void)reals(l, v4, &t);
		put(&t, " } %s counter name %s reject with tcp reset\n", SETS[i].look, v4 ? "refused4" : "refused6");
	}
	/* The real MX may be on this host, or behind it.  New connections alone: a mail under way is not cut off. */
	for (size_t i = 0; i < sizeof(HOOKS) / sizeof(HOOKS[0]); i++)
		if (prerouting || !HOOKS[i].early)
			put(&t, "add chain inet " NFT_TABLE " %s { type filter hook %s priority %d; policy accept; }\n"
			    "add rule inet " NFT_TABLE " %s tcp dport 25 tcp flags & (fin | syn | rst | ack) == syn jump judge\n",
			    HOOKS[i].name, HOOKS[i].name, HOOKS[i].priority, HOOKS[i].name);
	return t.n;
}

static size_t
set_of(const struct message_row *row)
{
	struct addr a;

	memcpy(a.b, row->addr, sizeof(a.b));
	return addr_is_v4(&a) ? 0 : row->len == 128 ? 2 : 1;
}

static bool
worth(const struct message_row *row, int64_t now_s)
{
	return row->expires_s == 0 || row->expires_s >= now_s + LEAST_S;
}

enum step { STEP_ADD_BARE, STEP_DELETE, STEP_ADD };

static void
put_step(struct text *t, const struct message_row *rows, size_t n, size_t set, bool removals, enum step step, int64_t now_s)
{
	size_t told = 0;

	for (size_t i = 0; i < n; i++) {
		const struct message_row *row = &rows[i];
		char text[ADDR_TEXT_SIZE];
		struct addr a;

		if (set_of(row) != set || (row->remove != 0) != removals || (!removals && !worth(row, now_s)))
			continue;
		memcpy(a.b, row->addr, sizeof(a.b));
		if (row->len == 64)
			memset(a.b + 8, 0, 8);	/* the key of a /64 is its first address */
		if (told++ == 0)
			put(t, "%s element inet " NFT_TABLE " %s { ", step == STEP_DELETE ? "delete" : "add", SETS[set].name);
		else
			put(t, ", ");
		put(t, "%s", addr_format(&a, text));
		if (step == STEP_ADD && row->expires_s != 0)
			put(t, " timeout %" PRId64 "s", (int64_t)row->expires_s - now_s);
	}
	if (told > 0)
		put(t, " }\n");
}

size_t
nft_rows_text(const struct message_row *rows, size_t n, bool fresh, int64_t now_s, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };

	if (size > 0)
		out[0] = '\0';
	for (size_t set = 0; set < N_SETS; set++) {
		/* What may not be there is added first: to delete what is missing fails the whole. */
		if (!fresh) {
			put_step(&t, rows, n, set, true, STEP_ADD_BARE, now_s);
			put_step(&t, rows, n, set, true, STEP_DELETE, now_s);
			put_step(&t, rows, n, set, false, STEP_ADD_BARE, now_s);
			put_step(&t, rows, n, set, false, STEP_DELETE, now_s);
		}
		put_step(&t, rows, n, set, false, STEP_ADD, now_s);
	}
	return t.n;
}
