/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_policy.c - any bytes as what Postfix asks: split anywhere, they mean the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/lookup/sight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[16] = { 1 };
	static const struct config config = { .publish = true };
	static struct addr mx = { .b = { [10] = 0xff, [11] = 0xff, 198, 51, 100, 20 } };
	static struct exchanger exchanger = { .preference = 10, .role = ROLE_REAL, .witness = WITNESS_POSTFIX, .n_addrs = 1, .addrs = &mx };
	static struct mxset set = { .n_exchangers = 1, .exchangers = &exchanger };
	static struct ladder ladder = { .n_sets = 1, .sets = &set };
	static struct sight *sight;
	struct postfix_counters counters = { 0 };
	struct postfix_request r, part;
	char out[POSTFIX_REPLY_MAX], *bytes;
	enum postfix_verdict verdict;
	bool refused;
	struct feed feed;
	size_t n;

	if (size > POSTFIX_REQUEST_MAX)
		size = POSTFIX_REQUEST_MAX;
	/* A copy of just this size: a byte too far is seen. */
	bytes = malloc(size + !size);
	if (sight == NULL && ladder_finish(&ladder, NULL, NULL) == LADDER_OK)
		sight = sight_new(&ladder, (const uint8_t[16]){ 1 });
	if (bytes == NULL || sight == NULL)
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
		n = postfix_answer(&r, &feed, 1, "a@b", out, &counters, &refused);
		sight_request(sight, &r, refused, 1000000);
		sight_turn(sight, 100 * 1000000LL);
		if (sight->out.n > MESSAGE_MAX_SIGHTINGS || sight->out.n > 3)
			abort();	/* one question tells three things at the most */
		sight->out.n = 0;

		if (n == 0 || n > sizeof(out) || out[n - 1] != (r.socketmap ? ',' : '\n'))
			abort();
		feed_free(&feed);
	}
	free(bytes);
	return 0;
}
