/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * postfix.c - what Postfix asks about a client, and what it is told.
 */
#include "postfix.h"

#include <stdio.h>
#include <string.h>

#define NETSTRING_DIGITS 4

/* "value" of a line "name=value"; NULL: another line. */
static const char *
value_of(const char *line, size_t n, const char *name, size_t *size)
{
	size_t len = strlen(name);

	if (n <= len || line[len] != '=' || memcmp(line, name, len) != 0)
		return NULL;
	*size = n - len - 1;
	return line + len + 1;
}

static bool
read_addr(const char *text, size_t n, struct addr *out)
{
	char buf[ADDR_TEXT_SIZE];

	if (n == 0 || n >= sizeof(buf) || memchr(text, '\0', n) != NULL)
		return false;
	memcpy(buf, text, n);
	buf[n] = '\0';
	return addr_parse(out, buf);
}

static uint16_t
read_port(const char *text, size_t n)
{
	uint32_t port = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9' || port > UINT16_MAX)
			return 0;
		port = 10 * port + (uint32_t)(text[i] - '0');
	}
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static uint64_t
read_instance(const char *text, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3ULL;
	return n == 0 ? 0 : h | 1;
}

static bool
value_is(const char *value, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(value, word, size) == 0;
}

static enum postfix_verdict
read_policy(const char *bytes, size_t n, struct postfix_request *out)
{
	static const char word[] = "smtpd_access_policy";
	bool first = true;
	size_t at = 0;

	for (;;) {
		const char *line = bytes + at, *end = memchr(line, '\n', n - at), *value;
		size_t len, size;

		if (end == NULL)
			return n >= POSTFIX_REQUEST_MAX ? POSTFIX_BAD : POSTFIX_MORE;
		len = (size_t)(end - line);
		at += len + 1;
		if (len == 0)
			break;
		if (first && ((value = value_of(line, len, "request", &size)) == NULL || size != sizeof(word) - 1 ||
		    memcmp(value, word, size) != 0))
			return POSTFIX_BAD;
		first = false;
		if ((value = value_of(line, len, "client_address", &size)) != NULL)
			out->has_client = read_addr(value, size, &out->client);
		else if ((value = value_of(line, len, "server_address", &size)) != NULL)
			(void)read_addr(value, size, &out->server);
		else if (value_of(line, len, "sasl_username", &size) != NULL)
			out->user = size > 0;
		else if (value_of(line, len, "ccert_fingerprint", &size) != NULL)
			out->known = size > 0;
		else if ((value = value_of(line, len, "client_port", &size)) != NULL)
			out->port = read_port(value, size);
		else if ((value = value_of(line, len, "server_port", &size)) != NULL)
			out->submits = read_port(value, size) != 25;
		else if ((value = value_of(line, len, "instance", &size)) != NULL)
			out->instance = read_instance(value, size);
		else if ((value = value_of(line, len, "protocol_state", &size)) != NULL) {
			out->end_of_message = value_is(value, size, "END-OF-MESSAGE");
			out->recipient = value_is(value, size, "RCPT");
		}
	}
	out->known = out->known || out->user;
	out->size = at;
	return first ? POSTFIX_BAD : POSTFIX_DONE;
}

/* "SIZE:NAME KEY,": the key is the client's address; Postfix also asks for its name and parts of it. */
static enum postfix_verdict
read_socketmap(const char *bytes, size_t n, struct postfix_request *out)
{
	const char *space, *key;
	size_t size = 0, at = 0;

	while (at < n && at < NETSTRING_DIGITS + 1 && bytes[at] >= '0' && bytes[at] <= '9')
		size = 10 * size + (size_t)(bytes[at++] - '0');
	if (at == n && at <= NETSTRING_DIGITS)
		return POSTFIX_MORE;
	if (at > NETSTRING_DIGITS || at == n || bytes[at] != ':' || size == 0 || at + 2 + size > POSTFIX_REQUEST_MAX)
		return POSTFIX_BAD;
	at++;
	if (n < at + size + 1)
		return POSTFIX_MORE;
	if (bytes[at + size] != ',')
		return POSTFIX_BAD;
	space = memchr(bytes + at, ' ', size);
	if (space == NULL)
		return POSTFIX_BAD;
	key = space + 1;
	out->socketmap = true;
	out->has_client = read_addr(key, size - (size_t)(key - (bytes + at)), &out->client);
	out->size = at + size + 1;
	return POSTFIX_DONE;
}

enum postfix_verdict
postfix_read(const char *bytes, size_t n, struct postfix_request *out)
{
	*out = (struct postfix_request){ .size = 0 };
	if (n == 0)
		return POSTFIX_MORE;
	return bytes[0] >= '0' && bytes[0] <= '9' ? read_socketmap(bytes, n, out) : read_policy(bytes, n, out);
}

size_t
postfix_answer(const struct postfix_request *r, const struct feed *f, int64_t now_s, const char *contact,
    char out[static POSTFIX_REPLY_MAX], struct postfix_counters *c, bool *refused)
{
	const struct listed_entry *e = r->has_client ? feed_find(f, &r->client, now_s) : NULL;
	char reply[EXPORT_REPLY_SIZE] = "", text[EXPORT_REPLY_SIZE + 16];
	struct report_entry told;
	int n;

	c->requests++;
	*refused = false;
	/* A suspect is not refused; nor is a user of ours who sits behind a listed address today; nor what passed
	 * at RCPT, where the restrictions let mail to the contact through. */
	if (e != NULL && e->state == STATE_LISTED && !r->known && !r->end_of_message) {
		told = (struct report_entry){ .state = e->state, .kinds = e->kinds, .since_s = e->since_s };
		export_reply(&told, contact, reply);
		c->refused++;
		*refused = true;
	}
	if (!r->socketmap) {
		n = snprintf(out, POSTFIX_REPLY_MAX, "action=%s%s\n\n", *reply != '\0' ? "REJECT " : "DUNNO", reply);
	} else {
		(void)snprintf(text, sizeof(text), "%s%s", *reply != '\0' ? "OK REJECT " : "NOTFOUND ", reply);
		n = snprintf(out, POSTFIX_REPLY_MAX, "%zu:%s,", strlen(text), text);
	}
	return (size_t)n;
}
