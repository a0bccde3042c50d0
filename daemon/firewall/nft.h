/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.h - one table of the kernel's, ours: inet mxtrapd.
 *
 * Exact sets with time-outs: IPv4 by address, IPv6 by /64 and by address.  The rules match port 25
 * of the real exchangers and nothing else, and refuse with a TCP reset.  No other table is touched,
 * and a set is never read back: nft_table.c keeps no list, the truth is mxtrap's.
 */
#ifndef MXTRAP_NFT_H
#define MXTRAP_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxtrap/message.h"
#include "mxtrap/mxset.h"

#define NFT_TABLE "mxtrapd"
#define NFT_BATCH 1000			/* elements a transaction */
#define NFT_SET_SIZE 2097152

struct nft;

/* NULL: no memory, or no libnftables context. */
struct nft *nft_open(void);
void nft_close(struct nft *);
/* One transaction.  False: nothing of it was done; error says why, borrowed. */
bool nft_run(struct nft *, const char *commands, const char **error);
/* What nft printed, borrowed until the next call; NULL: it failed. */
const char *nft_ask(struct nft *, const char *command);

/* -- nft_batch.c: commands as text; no kernel -- */

/* The table, its sets (emptied) and its rules, whatever was there of it before.  Returns its length; as
 * snprintf() where size is too small.  prerouting: with the hook that DNAT wants, and Linux 5.9 has. */
size_t nft_table_text(const struct ladder *, bool prerouting, char *out, size_t size);
/*
 * n rows (at most NFT_BATCH) as one transaction: those to remove, those to add.  What is there already gets
 * its new time-out, for adding alone does not renew it: added, deleted, added.  fresh: the sets are known to
 * be empty, and the first two steps are spared.  Rows that expire within 2 s are left out.
 */
size_t nft_rows_text(const struct message_row *rows, size_t n, bool fresh, int64_t now_s, char *out, size_t size);
#define NFT_TEXT_SIZE (NFT_BATCH * 3 * 80 + 4096)

/* -- nft_apply.c -- */

/*
 * n rows into the kernel; those that it refuses are halved until the culprit is alone, which is tried once more,
 * logged and counted.  text: room.  told: added, removed and failed are counted up.  False: somebody is still
 * refused who was to be let go, and only sets made anew can help.
 */
bool nft_apply(struct nft *, const struct message_row *rows, size_t n, bool fresh, int64_t now_s, char text[static NFT_TEXT_SIZE],
    struct message_firewall *told);

#endif
