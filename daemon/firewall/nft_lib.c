/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_lib.c - the only file that knows libnftables.
 */
#include <nftables/libnftables.h>

#include <stdlib.h>

#include "nft.h"

struct nft {
	struct nft_ctx *ctx;
};

struct nft *
nft_open(void)
{
	struct nft *n = calloc(1, sizeof(*n));

	if (n == NULL || (n->ctx = nft_ctx_new(NFT_CTX_DEFAULT)) == NULL) {
		free(n);
		return NULL;
	}
	nft_ctx_output_set_flags(n->ctx, NFT_CTX_OUTPUT_NUMERIC_ALL);
	(void)nft_ctx_buffer_output(n->ctx);
	(void)nft_ctx_buffer_error(n->ctx);
	return n;
}

void
nft_close(struct nft *n)
{
	if (n == NULL)
		return;
	nft_ctx_free(n->ctx);
	free(n);
}

bool
nft_run(struct nft *n, const char *commands, const char **error)
{
	bool ok = nft_run_cmd_from_buffer(n->ctx, commands) == 0;
	const char *said = nft_ctx_get_error_buffer(n->ctx);

	(void)nft_ctx_get_output_buffer(n->ctx);	/* begun anew with each call */
	if (error != NULL)
		*error = said != NULL && *said != '\0' ? said : "libnftables did not say why";
	return ok;
}

const char *
nft_ask(struct nft *n, const char *command)
{
	bool ok = nft_run_cmd_from_buffer(n->ctx, command) == 0;

	(void)nft_ctx_get_error_buffer(n->ctx);
	return ok ? nft_ctx_get_output_buffer(n->ctx) : NULL;
}
