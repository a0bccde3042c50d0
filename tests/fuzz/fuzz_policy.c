/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_policy.c - any bytes as what Postfix asks: split anywhere, they mean the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/lookup/postfix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[16] = { 1 };
	static const struct config config = { .publish = true };
	struct postfix_counters counters = { 0 };
	struct postfix_request r, part;
	char out[POSTFIX_REPLY_MAX], *bytes;
	enum postfix_verdict verdict;
	struct feed feed;
	size_t n;

	if (size > POSTFIX_REQUEST_MAX)
		size = POSTFIX_REQUEST_MAX;
	/* A copy of just this size: a byte too far is seen. */
	bytes = malloc(size + !size);
	if (bytes == NULL)
		return 0;
	memcpy(bytes, data, size);
	verdict = postfix_read(bytes, size, &r);
	if (verdict == POSTFIX_MORE && size == POSTFIX_REQUEST_MAX)
		abort();		/* the buffer is full: it would wait for ever */
	if (verdict == POSTFIX_DONE) {
		if (r.size == 0 || r.size > size)
			abort();
		for (n = 0; n < r.size; n++)
			if (postfix_read(bytes, n, &part) == POSTFIX_DONE)
				abort();
		feed_init(&feed, &config, seed);
		feed.complete = feed.claims = true;
		n = postfix_answer(&r, &feed, 1, "a@b", out, &counters);
		if (n == 0 || n > sizeof(out) || out[n - 1] != (r.socketmap ? ',' : '\n'))
			abort();
		feed_free(&feed);
	}
	free(bytes);
	return 0;
}
