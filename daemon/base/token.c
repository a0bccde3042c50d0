/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.c - random bytes, their names, and what their bearers may do.
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

static bool
is_word(const char *text, size_t size, const char *also)
{
	size_t n = strlen(text);

	if (n == 0 || n >= size || !((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')))
		return false;
	for (; *text != '\0'; text++)
		if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ||
		    strchr(also, *text) != NULL))
			return false;
	return true;
}

bool
token_name(const char *name)
{
	return is_word(name, TOKEN_NAME_SIZE, ".-_");
}

bool
token_scope(const char *scope)
{
	size_t n = strlen(TOKEN_SCOPE_EXPORT);

	if (strcmp(scope, TOKEN_SCOPE_ADMIN) == 0 || strcmp(scope, TOKEN_SCOPE_EXPORT) == 0 || strcmp(scope, TOKEN_SCOPE_LAPI) == 0)
		return true;
	return strncmp(scope, TOKEN_SCOPE_EXPORT, n) == 0 && scope[n] == ':' && is_word(scope + n + 1, TOKEN_SCOPE_SIZE - n - 1, "-");
}

bool
token_may(const char *scope, const char *wanted)
{
	size_t n = strlen(TOKEN_SCOPE_EXPORT);

	if (strcmp(scope, TOKEN_SCOPE_ADMIN) == 0 || strcmp(scope, wanted) == 0)
		return true;
	return strcmp(scope, TOKEN_SCOPE_EXPORT) == 0 && strncmp(wanted, TOKEN_SCOPE_EXPORT, n) == 0 && wanted[n] == ':';
}
