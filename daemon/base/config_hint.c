/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_hint.c - what a value was probably meant to be, and how that is written.
 *
 * Each answers a text that is no address, name or path with words for the end of
 * "expected ...", or with nothing where it has no idea.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"

static bool
has_odd(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x7f || (unsigned char)*text < ' ')
			return true;
	return false;
}

/* The text around a sign: out is what stands before it.  False: it is not there. */
static bool
before(const char *text, char sign, char out[static 64])
{
	const char *at = strchr(text, sign);

	if (at == NULL || at == text || (size_t)(at - text) >= 64)
		return false;
	memcpy(out, text, (size_t)(at - text));
	out[at - text] = '\0';
	return true;
}

/* [2001:db8::1] without its brackets. */
static bool
bare(const char *text, char out[static 64])
{
	size_t len = strlen(text);

	if (len < 3 || len > 64 || text[0] != '[' || text[len - 1] != ']')
		return false;
	memcpy(out, text + 1, len - 2);
	out[len - 2] = '\0';
	return true;
}

/* 045.010.001.030 without its zeros. */
static bool
without_zeros(const char *text, char out[static 64])
{
	size_t n = 0;

	for (const char *p = text; *p != '\0' && n < 63; p++)
		if (*p != '0' || (n > 0 && isdigit((unsigned char)p[-1]) && out[n - 1] != '.') ||
		    !isdigit((unsigned char)p[1]))
			out[n++] = *p;
	out[n] = '\0';
	return n < strlen(text);
}

const char *
config_hint_addr(const char *text, char buf[static CONFIG_HINT_SIZE])
{
	char part[64] = "", name[MXSET_NAME_SIZE];
	struct addr a;

	buf[0] = '\0';
	if (has_odd(text))
		snprintf(buf, CONFIG_HINT_SIZE, ": digits and plain signs alone");
	else if (before(text, '/', part) && addr_parse(&a, part))
		snprintf(buf, CONFIG_HINT_SIZE, ": one without a length, %s", part);
	else if (before(text, '%', part) && addr_parse(&a, part))
		snprintf(buf, CONFIG_HINT_SIZE, ": one without an interface behind it");
	else if (before(text, ':', part) && addr_parse(&a, part))
		snprintf(buf, CONFIG_HINT_SIZE, ": one without a port, %s", part);
	else if (bare(text, part) && addr_parse(&a, part))
		snprintf(buf, CONFIG_HINT_SIZE, ": one without brackets, %s", part);
	else if (without_zeros(text, part) && addr_parse(&a, part))
		snprintf(buf, CONFIG_HINT_SIZE, ": one without leading zeros, %s", part);
	else if (text[strspn(text, "0123456789.")] == '\0')
		snprintf(buf, CONFIG_HINT_SIZE, ": four numbers from 0 to 255 with points between them");
	else if (strchr(text, ':') == NULL && config_host(text, name))
		snprintf(buf, CONFIG_HINT_SIZE, ": names are not looked up, write what `dig +short %.100s` prints", name);
	return buf;
}

const char *
config_hint_prefix(const char *text, char buf[static CONFIG_HINT_SIZE])
{
	char part[64] = "", like[PREFIX_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	struct addr a;
	uint64_t len;

	buf[0] = '\0';
	if (slash == NULL)
		return config_hint_addr(text, buf);
	if (!before(text, '/', part))
		return buf;
	if (!addr_parse(&a, part)) {
		snprintf(buf, CONFIG_HINT_SIZE, ": \"%.60s\" is no address", part);
		return buf;
	}
	if (!config_number(slash + 1, &len) || len > (addr_is_v4(&a) ? 32 : 128)) {
		snprintf(buf, CONFIG_HINT_SIZE, ": behind the / stands a number from 0 to %d", addr_is_v4(&a) ? 32 : 128);
	} else {
		struct prefix p = prefix_of(&a, (uint8_t)(addr_is_v4(&a) ? len + 96 : len));

		if (!addr_equal(&p.addr, &a))
			snprintf(buf, CONFIG_HINT_SIZE, "; did you mean %s?", prefix_format(&p, like));
	}
	return buf;
}

const char *
config_hint_host(const char *text, char buf[static CONFIG_HINT_SIZE])
{
	char name[MXSET_NAME_SIZE];
	const char *at = strchr(text, '@');

	buf[0] = '\0';
	if (has_odd(text))
		snprintf(buf, CONFIG_HINT_SIZE, ": letters a to z, digits, - and . alone; one of other letters as DNS has it, xn--...");
	else if (text[0] == '\0')
		snprintf(buf, CONFIG_HINT_SIZE, ", like example.org");
	else if (strstr(text, "://") != NULL)
		snprintf(buf, CONFIG_HINT_SIZE, ": a name alone and no URL");
	else if (at != NULL && config_host(at + 1, name))
		snprintf(buf, CONFIG_HINT_SIZE, ": what stands behind the @, %.100s", name);
	else if (text[0] == '*')
		snprintf(buf, CONFIG_HINT_SIZE, ": each name by itself, there is no *");
	else if (strchr(text, ' ') != NULL || strchr(text, ',') != NULL)
		snprintf(buf, CONFIG_HINT_SIZE, ": one name in quotes, several as { \"a.example\", \"b.example\" }");
	else if (strchr(text, ':') != NULL)
		snprintf(buf, CONFIG_HINT_SIZE, ": a name without a port");
	return buf;
}

const char *
config_hint_listen(const char *text, char buf[static CONFIG_HINT_SIZE])
{
	const char *colon = strrchr(text, ':'), *port = colon == NULL ? text : colon + 1;
	char host[64] = "";
	struct addr a;
	uint64_t n;

	if (colon != NULL && (size_t)(colon - text) < sizeof(host))
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (strncmp(text, "unix:", 5) == 0)
		snprintf(buf, CONFIG_HINT_SIZE, ": the path begins with /, like unix:/run/mxtrap/web.sock");
	else if (text[0] == '/')
		snprintf(buf, CONFIG_HINT_SIZE, ": \"unix:%.100s\"", text);
	else if (strstr(text, "://") != NULL)
		snprintf(buf, CONFIG_HINT_SIZE, ", like 127.0.0.1:8725, without \"%.*s\"", (int)(strstr(text, "://") - text) + 3 > 40 ?
		    40 : (int)(strstr(text, "://") - text) + 3, text);
	else if (addr_parse(&a, host) && !addr_is_v4(&a) && strlen(port) > 1 && config_number(port, &n))
		snprintf(buf, CONFIG_HINT_SIZE, ": IPv6 stands in brackets, [%s]:%s", host, port);
	else if (addr_parse(&a, text))
		snprintf(buf, CONFIG_HINT_SIZE, addr_is_v4(&a) ? ": the port is missing, like %s:8725" :
		    ": the port is missing, like [%s]:8725", text);
	else if (addr_parse(&a, host))
		snprintf(buf, CONFIG_HINT_SIZE, ": the port is a number from 1 to 65535");
	else if (!config_number(port, &n) || n == 0 || n > 65535)
		snprintf(buf, CONFIG_HINT_SIZE, ", like 127.0.0.1:8725");
	else if (strcmp(host, "localhost") == 0)
		snprintf(buf, CONFIG_HINT_SIZE, ": names are not looked up, write 127.0.0.1:%s", port);
	else
		snprintf(buf, CONFIG_HINT_SIZE, ", like 127.0.0.1:%s (this host alone) or 0.0.0.0:%s (anybody who can reach it)", port,
		    port);
	return buf;
}

#define INTERFACE_MAX 15	/* bytes of a name in Linux */

bool
config_interface(const char *text)
{
	struct addr a;

	return text[0] != '\0' && strlen(text) <= INTERFACE_MAX && strpbrk(text, "/:@, ") == NULL && !addr_parse(&a, text) &&
	    strcmp(text, ".") != 0 && strcmp(text, "..") != 0 && !has_odd(text);
}

const char *
config_hint_interface(const char *text, char buf[static CONFIG_HINT_SIZE])
{
	char part[64] = "";
	struct addr a;

	buf[0] = '\0';
	if (text[0] == '\0')
		snprintf(buf, CONFIG_HINT_SIZE, ", as `ip link` shows it, like \"eth0\"");
	else if (addr_parse(&a, text))
		snprintf(buf, CONFIG_HINT_SIZE, ": the one that has that address, see `ip addr`");
	else if (before(text, '@', part))
		snprintf(buf, CONFIG_HINT_SIZE, ": without what stands behind the @, \"%s\"", part);
	else if (before(text, ':', part) && config_interface(part))
		snprintf(buf, CONFIG_HINT_SIZE, ": \"%s\" sees the packets of its alias too", part);
	else if (strchr(text, ',') != NULL || strchr(text, ' ') != NULL)
		snprintf(buf, CONFIG_HINT_SIZE, ": several stand as { \"eth0\", \"eth1\" }");
	else if (strchr(text, '/') != NULL || text[0] == '.')
		snprintf(buf, CONFIG_HINT_SIZE, ": a name and no path");
	else if (strlen(text) > INTERFACE_MAX)
		snprintf(buf, CONFIG_HINT_SIZE, ": a name has at most %d letters, see `ip link`", INTERFACE_MAX);
	return buf;
}

const char *
config_hint_path(const char *text, char buf[static CONFIG_HINT_SIZE])
{
	buf[0] = '\0';
	if (text[0] == '~' || strchr(text, '$') != NULL)
		snprintf(buf, CONFIG_HINT_SIZE, ": ~ and variables are not replaced");
	else if (text[0] != '/' && text[0] != '\0')
		snprintf(buf, CONFIG_HINT_SIZE, ", like \"/...%s%.100s\"", text[0] == '.' ? "" : "/",
		    text[0] == '.' ? text + strspn(text, ".") : text);
	return buf;
}
