/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - a bounded JSON writer: the only place that escapes JSON.
 *
 * Writes to a growing buffer or a stdio stream.  Commas and nesting are its own
 * affair; a misuse (a value without a name inside an object) is an assertion.
 * Bytes that are not UTF-8 come out as U+FFFD; `<`, `>`, `&`, U+2028/9 as \u escapes.
 */
#ifndef MXTRAP_JSON_H
#define MXTRAP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_MAX_DEPTH 16

struct json {			/* start with json_to_buffer or json_to_file */
	FILE	*file;		/* or NULL: buf */
	char	*buf;		/* owned; NUL-terminated */
	size_t	 len, cap;
	bool	 failed;	/* out of memory or a write error: all that follows is ignored */
	uint8_t	 depth, has_value[JSON_MAX_DEPTH], is_object[JSON_MAX_DEPTH];
};

void json_to_buffer(struct json *);
void json_to_file(struct json *, FILE *);
void json_free(struct json *);
/* A buffer: empty again, for the next document; keeps its memory. */
void json_clear(struct json *);
/* name: NULL inside an array and at the top. */
void json_object(struct json *, const char *name);
void json_array(struct json *, const char *name);
void json_end(struct json *);
void json_string(struct json *, const char *name, const char *text);	/* NULL text: null */
void json_int(struct json *, const char *name, int64_t);
void json_uint(struct json *, const char *name, uint64_t);
void json_real(struct json *, const char *name, double, int decimals);	/* NaN, inf: null */
void json_bool(struct json *, const char *name, bool);
void json_null(struct json *, const char *name);
/* After a complete top-level value: a newline, ready for the next (NDJSON). */
void json_line(struct json *);

#endif
