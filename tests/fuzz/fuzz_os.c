/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_os.c - a line as a fingerprint and any bytes behind it as p0f's database.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../web/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size != 0 ? memchr(data, '\n', size) : NULL;
	size_t n = end != NULL ? (size_t)(end - data) : 0, rest = size - n;
	char *print = calloc(n + 1, 1), *text = calloc(rest + !rest, 1), out[OS_TEXT_SIZE];
	struct os_base *base;
	bool found;

	if (print == NULL || text == NULL)
		abort();
	/* Copies of just this size: a byte too far is seen. */
	if (size != 0) {
		memcpy(print, data, n);
		memcpy(text, data + n, rest);
	}
	base = os_parse(text, rest);
	free(text);
	if (base == NULL) {
		if (rest <= OS_MAX_FILE)
			abort();
	} else {
		if (os_signatures(base) > OS_MAX_SIGNATURES)
			abort();
		memset(out, 'x', sizeof(out));
		found = os_find(base, print, out);
		if (memchr(out, '\0', sizeof(out)) == NULL || found != (out[0] != '\0') || (found && os_signatures(base) == 0))
			abort();
		for (const char *p = out; *p != '\0'; p++)
			if (*p < ' ' || *p > '~')
				abort();
	}
	os_free(base);
	free(print);
	return 0;
}
