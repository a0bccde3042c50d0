/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request.c - the request target: path, parameters, percent escapes.
 *
 * Parsed here and not by the HTTP library, so that one piece of code, which a
 * fuzzer can reach, decides what a path is.  The path stays as it was sent: a
 * route either equals it or does not, and there is no file system behind it.
 */
#include <string.h>

#include "web_int.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
request_decode(char *out, size_t size, const char *text, size_t n, bool plus_is_space)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '%') {
			if (n - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
				return false;
			c = (unsigned char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		/* A NUL would end the text early for us and not for others. */
		if (c < 0x20 || c == 0x7f)
			return false;
		if (used + 1 >= size)
			return false;
		out[used++] = (char)c;
	}
	if (size == 0)
		return false;
	out[used] = '\0';
	return true;
}

/* One "name=value" into *text, which moves on behind it. */
static bool
parse_param(struct request *req, const char *pair, size_t n, char **text, const char *text_end)
{
	const char *equals = memchr(pair, '=', n);
	size_t name_len = equals != NULL ? (size_t)(equals - pair) : n;
	char *name = *text, *value;

	if (req->n_params == REQUEST_MAX_PARAMS || name_len == 0)
		return false;
	if (!request_decode(name, (size_t)(text_end - name), pair, name_len, true))
		return false;
	value = name + strlen(name) + 1;
	if (value >= text_end)
		return false;
	if (equals == NULL)
		*value = '\0';
	else if (!request_decode(value, (size_t)(text_end - value), equals + 1, n - name_len - 1, true))
		return false;
	/* Said twice: which one counts would be a guess. */
	if (request_param(req, name) != NULL)
		return false;
	req->params[req->n_params].name = name;
	req->params[req->n_params].value = value;
	req->n_params++;
	*text = value + strlen(value) + 1;
	return true;
}

enum request_result
request_parse(struct request *req, const char *uri)
{
	size_t len = strnlen(uri, REQUEST_URI_MAX + 1);
	const char *query = memchr(uri, '?', len);
	size_t path_len = query != NULL ? (size_t)(query - uri) : len;
	char *text = req->text;

	req->n_params = 0;
	req->path[0] = req->arg[0] = req->if_none_match[0] = '\0';
	if (len > REQUEST_URI_MAX)
		return req->result = REQUEST_TOO_LONG;
	/* "http://elsewhere/" and "*" are for proxies. */
	if (uri[0] != '/')
		return req->result = REQUEST_BAD;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)uri[i] <= 0x20 || (unsigned char)uri[i] >= 0x7f)
			return req->result = REQUEST_BAD;
	memcpy(req->path, uri, path_len);
	req->path[path_len] = '\0';

	for (const char *p = query != NULL ? query + 1 : ""; *p != '\0';) {
		size_t n = strcspn(p, "&");

		if (n > 0 && !parse_param(req, p, n, &text, req->text + sizeof(req->text)))
			return req->result = REQUEST_BAD;
		p += n;
		if (*p == '&')
			p++;
	}
	return req->result = REQUEST_OK;
}

const char *
request_param(const struct request *req, const char *name)
{
	for (size_t i = 0; i < req->n_params; i++)
		if (strcmp(req->params[i].name, name) == 0)
			return req->params[i].value;
	return NULL;
}

bool
request_sender(const char *text, struct addr *out)
{
	struct prefix what;
	sender_key key;

	if (addr_parse(out, text))
		return true;
	if (!prefix_parse(&what, text) || !prefix_sender(&what, &key))
		return false;
	*out = what.addr;
	return true;
}

bool
request_number(const struct request *req, const char *name, uint64_t max, uint64_t *out)
{
	const char *text = request_param(req, name);
	uint64_t value = 0;

	if (text == NULL)
		return true;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (value > (max - (uint64_t)(*text - '0')) / 10)
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*out = value;
	return true;
}
