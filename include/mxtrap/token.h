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
#define TOKEN_SCOPE_ADMIN  "admin"	/* may allow and forget, and all that others may */
#define TOKEN_SCOPE_EXPORT "export"	/* may fetch every export, and changes; "export:plain": that one */
#define TOKEN_SCOPE_LAPI   "lapi"	/* may ask as a CrowdSec bouncer */
#define TOKEN_NAME_SIZE	   32
#define TOKEN_SCOPE_SIZE   32

/* May a token be called so?  A letter, then letters, digits, '.', '-', '_'; so that no name looks like an address. */
bool token_name(const char *name);
/* Is there such a scope?  (Whether there is the format behind "export:" is not known here.) */
bool token_scope(const char *scope);
/* May a bearer of this scope do what `wanted` names ("admin", "lapi", "export", "export:plain")? */
bool token_may(const char *scope, const char *wanted);

/* A new one, from the kernel.  False: it has no random bytes. */
bool token_make(char text[static TOKEN_TEXT_SIZE]);
void token_hash(const char *text, uint8_t hash[static TOKEN_HASH_SIZE]);
/* In a time that does not depend on where they differ. */
bool token_equal(const uint8_t a[static TOKEN_HASH_SIZE], const uint8_t b[static TOKEN_HASH_SIZE]);
/* SHA-256 of n bytes. */
void sha256(const void *data, size_t n, uint8_t hash[static TOKEN_HASH_SIZE]);

#endif
