/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_token.c - SHA-256 by its published vectors, and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mxtrap/token.h"

struct row {
	const char *name, *text;
	size_t	    times;
	const char *hash;
};

/* FIPS 180-4's examples, and lengths around a block's end. */
static const struct row rows[] = {
	{ "sha256_of_nothing", "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "sha256_of_abc", "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "sha256_of_two_blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "sha256_of_a_million_a", "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "sha256_of_55_bytes", "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
	{ "sha256_of_64_bytes", "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
};

static void
test_hash(void **state)
{
	const struct row *r = *state;
	size_t n = strlen(r->text);
	char *all = malloc(n * r->times + 1), hex[65];
	uint8_t hash[TOKEN_HASH_SIZE];

	assert_non_null(all);
	for (size_t i = 0; i < r->times; i++)
		memcpy(all + i * n, r->text, n);
	sha256(all, n * r->times, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(hex, r->hash);
	free(all);
}

static void
two_tokens_are_never_the_same(void **state)
{
	char a[TOKEN_TEXT_SIZE], b[TOKEN_TEXT_SIZE];
	uint8_t ha[TOKEN_HASH_SIZE], hb[TOKEN_HASH_SIZE];

	(void)state;
	assert_true(token_make(a));
	assert_true(token_make(b));
	assert_int_equal(strlen(a), TOKEN_TEXT_SIZE - 1);
	assert_int_equal(strncmp(a, "mxt_", 4), 0);
	assert_string_not_equal(a, b);
	token_hash(a, ha);
	token_hash(b, hb);
	assert_true(token_equal(ha, ha));
	assert_false(token_equal(ha, hb));
}

static void
one_bit_makes_a_difference_wherever_it_is(void **state)
{
	uint8_t a[TOKEN_HASH_SIZE] = { 0 }, b[TOKEN_HASH_SIZE] = { 0 };

	(void)state;
	for (size_t bit = 0; bit < 8 * TOKEN_HASH_SIZE; bit++) {
		b[bit / 8] = (uint8_t)(1U << (bit % 8));
		assert_false(token_equal(a, b));
		b[bit / 8] = 0;
	}
	assert_true(token_equal(a, b));
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

int
main(void)
{
	struct CMUnitTest tests[N(rows) + 2];
	size_t n = 0;

	for (size_t i = 0; i < N(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_hash,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(two_tokens_are_never_the_same);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(one_bit_makes_a_difference_wherever_it_is);
	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
