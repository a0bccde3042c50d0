/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hosts.c - which Host names this server answers to.
 *
 * A web page anywhere can point a name of its own at 127.0.0.1 and then read us
 * through its visitor's browser (DNS rebinding); its requests carry that name.  So
 * only exact names are taken: no trailing dot, and nothing that some resolver takes
 * for an address (2130706433, 127.1).  An address that is written as one cannot be
 * pointed elsewhere, and is answered.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "web_int.h"

static void
add_name(struct hosts *hosts, const char *name, size_t n)
{
	char *out;

	if (hosts->n == HOSTS_MAX || n == 0 || n >= sizeof(hosts->names[0]))
		return;
	out = hosts->names[hosts->n++];
	memcpy(out, name, n);
	out[n] = '\0';
}

/* The host of "host:port" or "[v6]:port": with its brackets, without its port. */
static size_t
host_length(const char *text)
{
	const char *end;

	if (text[0] == '[') {
		end = strchr(text, ']');
		return end != NULL ? (size_t)(end - text) + 1 : 0;
	}
	return strcspn(text, ":");
}

void
hosts_init(struct hosts *hosts, const struct config *config)
{
	hosts->n = 0;
	add_name(hosts, "localhost", 9);
	add_name(hosts, "127.0.0.1", 9);
	add_name(hosts, "[::1]", 5);
	for (size_t i = 0; i < config->n_web; i++) {
		size_t n = host_length(config->web_listen[i]);

		if (config_unix(config->web_listen[i]) != NULL)
			continue;
		/* "Any address" is nobody's name. */
		if ((n == 7 && memcmp(config->web_listen[i], "0.0.0.0", 7) == 0) ||
		    (n == 4 && memcmp(config->web_listen[i], "[::]", 4) == 0))
			continue;
		add_name(hosts, config->web_listen[i], n);
	}
	for (size_t i = 0; i < config->n_web_hosts; i++)
		add_name(hosts, config->web_hosts[i], strlen(config->web_hosts[i]));
}

/* "" or ":1" to ":65535". */
static bool
port_is_sane(const char *text)
{
	unsigned value = 0;

	if (*text == '\0')
		return true;
	if (*text++ != ':' || *text == '\0' || *text == '0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > 65535)
			return false;
	}
	return true;
}

/* "192.0.2.1" or "[2001:db8::1]".  "Any address" is nobody's. */
static bool
is_literal(const char *host, size_t n)
{
	static const struct addr any = { .b = { 0 } };
	const uint8_t zeros[4] = { 0 };
	struct addr addr, any_v4 = addr_from_v4(zeros);
	char text[ADDR_TEXT_SIZE];
	bool brackets = host[0] == '[';

	if (brackets) {
		host++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(text))
		return false;
	memcpy(text, host, n);
	text[n] = '\0';
	return brackets == (strchr(text, ':') != NULL) && addr_parse(&addr, text) && !addr_equal(&addr, &any) &&
	    !addr_equal(&addr, &any_v4);
}

bool
hosts_allow(const struct hosts *hosts, const char *host)
{
	size_t n = host_length(host);

	return n != 0 && port_is_sane(host + n) && (is_literal(host, n) || hosts_name_us(hosts, host));
}

bool
hosts_name_us(const struct hosts *hosts, const char *host)
{
	size_t n = host_length(host);

	if (n == 0 || n >= MXSET_NAME_SIZE || !port_is_sane(host + n))
		return false;
	for (size_t i = 0; i < hosts->n; i++)
		if (strlen(hosts->names[i]) == n && strncasecmp(hosts->names[i], host, n) == 0)
			return true;
	return false;
}
