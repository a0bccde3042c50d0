/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.c - random bytes, and their names.
 */
#include "mxtrap/token.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool
token_make(char text[static TOKEN_TEXT_SIZE])
{
	uint8_t bytes[32];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	memcpy(text, "mxt_", 4);
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(text + 4 + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

void
token_hash(const char *text, uint8_t hash[static TOKEN_HASH_SIZE])
{
	sha256(text, strlen(text), hash);
}

bool
token_equal(const uint8_t a[static TOKEN_HASH_SIZE], const uint8_t b[static TOKEN_HASH_SIZE])
{
	volatile uint8_t differs = 0;

	for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
		differs = (uint8_t)(differs | (a[i] ^ b[i]));
	return differs == 0;
}
