/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path.c - RFC 5321, 4.1.2, read as loosely as servers write it: without brackets, with a source route.
 */
#include "path.h"

#include <stdbool.h>

size_t
path_domain(const char *path, size_t n, const char **domain)
{
	bool bracket = n > 0 && path[0] == '<', quoted = false;
	size_t at = 0, i;

	for (i = bracket ? 1 : 0; i < n; i++) {
		char b = path[i];

		if (quoted && b == '\\' && i + 1 < n)
			i++;
		else if (b == '"')
			quoted = !quoted;
		else if (!quoted && b == '@')
			at = i + 1;
		else if (!quoted && (b == '>' || (!bracket && (b == ' ' || b == '\t'))))
			break;
	}
	if (at == 0 || quoted)
		return 0;
	while (i > at && (path[i - 1] == ' ' || path[i - 1] == '\t'))
		i--;
	*domain = path + at;
	return i - at;
}
