/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_siphash.c - SipHash-1-3 against vectors.
 *
 * Made with an independent implementation that gives the paper's own SipHash-2-4
 * vectors for 15 and 16 bytes, and the published 1-3 one for the empty text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/siphash.h"

struct row {
	const char *name;
	uint8_t	 key[16];
	uint64_t a, b, want;
};

#define COUNTED { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }
#define ONES { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }

static const struct row rows[] = {
	{ "the_counted_bytes_under_the_counted_key", COUNTED, 0x0706050403020100, 0x0f0e0d0c0b0a0908,
	    0xcc4fdd1a7d908b66 },
	{ "sixteen_zeros_under_a_zero_key", { 0 }, 0, 0, 0x76be999e3e25b2a0 },
	{ "all_ones_under_a_key_of_ones", ONES, UINT64_MAX, UINT64_MAX, 0xc51ea4f6822a5355 },
	{ "the_last_bit_of_the_second_word_counts", COUNTED, 0, 1ULL << 63, 0x7e4fcc96dc9c8169 },
};

static void
test_vector(void **state)
{
	const struct row *r = *state;

	assert_true(siphash13(r->key, r->a, r->b) == r->want);
}

static void
every_bit_of_key_and_words_moves_the_hash(void **state)
{
	uint8_t key[16] = COUNTED;
	uint64_t plain = siphash13(key, 1, 2);

	(void)state;
	for (unsigned bit = 0; bit < 128; bit++) {
		uint64_t a = bit < 64 ? 1ULL << bit : 0, b = bit < 64 ? 0 : 1ULL << (bit - 64);

		assert_true(siphash13(key, 1 ^ a, 2 ^ b) != plain);
		key[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_true(siphash13(key, 1, 2) != plain);
		key[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_true(siphash13(key, 2, 1) != plain);
}

/* Tables take the low bits: neighbours in one /16 must not crowd together there. */
static void
neighbours_spread_over_the_low_bits(void **state)
{
	static uint16_t buckets[4096];
	uint8_t key[16] = COUNTED;
	unsigned most = 0;

	(void)state;
	for (uint64_t i = 0; i < 65536; i++) {
		unsigned n = ++buckets[siphash13(key, 0x0000ffff08080000ULL + i, 1) % 4096];

		most = n > most ? n : most;
	}
	assert_in_range(most, 17, 48);		/* 16 on average */
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_vector,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_bit_of_key_and_words_moves_the_hash);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(neighbours_spread_over_the_low_bits);
	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
