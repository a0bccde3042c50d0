/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own.c - this host's own addresses, its gateways and its resolvers: never to be listed.
 *
 * Read once, when watching begins.  Whatever cannot be read adds nothing: the operator's
 * allow-list is there for the rest.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch_int.h"

static bool
add(struct prefix **list, size_t *n, const struct addr *a)
{
	struct prefix *more = realloc(*list, (*n + 1) * sizeof(**list));

	if (more == NULL)
		return false;
	*list = more;
	more[(*n)++] = prefix_of(a, 128);
	return true;
}

static bool
add_interfaces(struct prefix **list, size_t *n)
{
	struct ifaddrs *all, *i;
	bool ok = true;

	if (getifaddrs(&all) != 0)
		return true;
	for (i = all; i != NULL && ok; i = i->ifa_next) {
		struct addr a;

		if (i->ifa_addr == NULL)
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			struct sockaddr_in in;

			memcpy(&in, i->ifa_addr, sizeof(in));
			a = addr_from_v4((const uint8_t *)&in.sin_addr);
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			struct sockaddr_in6 in6;

			memcpy(&in6, i->ifa_addr, sizeof(in6));
			a = addr_from_v6(in6.sin6_addr.s6_addr);
		} else {
			continue;
		}
		ok = add(list, n, &a);
	}
	freeifaddrs(all);
	return ok;
}

/* /proc/net/route: interface, destination, gateway, in the host's byte order as hex. */
static bool
add_gateways_v4(struct prefix **list, size_t *n)
{
	FILE *f = fopen("/proc/net/route", "re");
	char line[512];
	bool ok = true;

	while (f != NULL && ok && fgets(line, sizeof(line), f) != NULL) {
		unsigned destination, gateway;
		struct addr a;
		uint32_t bytes;

		if (sscanf(line, "%*s %x %x", &destination, &gateway) != 2 || gateway == 0)
			continue;
		bytes = gateway;
		a = addr_from_v4((const uint8_t *)&bytes);
		ok = add(list, n, &a);
	}
	if (f != NULL)
		fclose(f);
	return ok;
}

/* /proc/net/ipv6_route: destination, length, source, length, next hop. */
static bool
add_gateways_v6(struct prefix **list, size_t *n)
{
	FILE *f = fopen("/proc/net/ipv6_route", "re");
	char line[512], hop[33];
	bool ok = true;

	while (f != NULL && ok && fgets(line, sizeof(line), f) != NULL) {
		uint8_t bytes[16], any = 0;
		struct addr a;

		if (sscanf(line, "%*32s %*2s %*32s %*2s %32s", hop) != 1 || strlen(hop) != 32)
			continue;
		for (size_t i = 0; i < 16; i++) {
			char two[3] = { hop[2 * i], hop[2 * i + 1], '\0' };

			bytes[i] = (uint8_t)strtoul(two, NULL, 16);
			any |= bytes[i];
		}
		if (any == 0)
			continue;
		a = addr_from_v6(bytes);
		ok = add(list, n, &a);
	}
	if (f != NULL)
		fclose(f);
	return ok;
}

static bool
add_resolvers(struct prefix **list, size_t *n)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[512], text[64];
	struct addr a;
	bool ok = true;

	while (f != NULL && ok && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " nameserver %63[0-9a-fA-F.:]", text) == 1 && addr_parse(&a, text))
			ok = add(list, n, &a);
	}
	if (f != NULL)
		fclose(f);
	return ok;
}

bool
own_addresses(struct prefix **list, size_t *n)
{
	return add_interfaces(list, n) && add_gateways_v4(list, n) && add_gateways_v6(list, n) && add_resolvers(list, n);
}
