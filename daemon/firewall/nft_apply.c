/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_apply.c - rows into the kernel, whatever it refuses.
 */
#include <string.h>

#include "mxtrap/log.h"
#include "nft.h"

bool
nft_apply(struct nft *nft, const struct message_row *rows, size_t n, bool fresh, int64_t now_s, char text[static NFT_TEXT_SIZE],
    struct message_firewall *told)
{
	char what[PREFIX_TEXT_SIZE];
	const char *error;
	struct prefix p;
	bool ok;

	if (n == 0 || nft_rows_text(rows, n, fresh, now_s, text, NFT_TEXT_SIZE) == 0)
		return true;
	/* A refusal may be of the moment: no memory, another's transaction. */
	if (nft_run(nft, text, &error) || (n == 1 && nft_run(nft, text, &error))) {
		for (size_t i = 0; i < n; i++) {
			told->removed += rows[i].remove;
			told->added += !rows[i].remove;
		}
		return true;
	}
	if (n > 1) {
		ok = nft_apply(nft, rows, n / 2, fresh, now_s, text, told);
		return nft_apply(nft, rows + n / 2, n - n / 2, fresh, now_s, text, told) && ok;
	}
	p = (struct prefix){ .len = rows->len };
	memcpy(p.addr.b, rows->addr, sizeof(p.addr.b));
	if (told->failed++ % 1000 == 0)
		log_warnx("the kernel did not %s %s: %.*s", rows->remove ? "remove" : "take", prefix_format(&p, what),
		    (int)strcspn(error, "\n"), error);
	return !rows->remove;
}
