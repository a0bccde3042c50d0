/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * token.h - secrets that a caller of the API shows: made here, kept nowhere but as their hash.
 *
 * A token is "mxt_" and 32 random bytes in hexadecimal; the database holds its SHA-256 (FIPS 180-4).
 * So many bits need no salt and no slow hash: nobody tries them all.
 */
#ifndef MXTRAP_TOKEN_H
#define MXTRAP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_TEXT_SIZE 69		/* with its NUL */
#define TOKEN_HASH_SIZE 32
#define TOKEN_SCOPE_ADMIN "admin"	/* may allow and forget */

/* A new one, from the kernel.  False: it has no random bytes. */
bool token_make(char text[static TOKEN_TEXT_SIZE]);
void token_hash(const char *text, uint8_t hash[static TOKEN_HASH_SIZE]);
/* In a time that does not depend on where they differ. */
bool token_equal(const uint8_t a[static TOKEN_HASH_SIZE], const uint8_t b[static TOKEN_HASH_SIZE]);
/* SHA-256 of n bytes. */
void sha256(const void *data, size_t n, uint8_t hash[static TOKEN_HASH_SIZE]);

#endif
