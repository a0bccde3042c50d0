/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * geoip.c - the only file that knows libmaxminddb.
 *
 * Two layouts are about: MaxMind's and DB-IP's (country.iso_code, autonomous_system_number) and
 * IPinfo's (country_code, asn).  Either is taken.
 */
#include "geoip.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct geoip {
	MMDB_s	mmdb;
	enum geoip_by by;
	char   *path;			/* owned */
	struct stat st;
};

const char *
geoip_library(void)
{
	return MMDB_lib_version();
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

struct geoip *
geoip_open(const char *path, enum geoip_by by, char why[static GEOIP_WHY_SIZE])
{
	struct geoip *g = calloc(1, sizeof(*g));
	int error;

	why[0] = '\0';
	if (g == NULL || (g->path = strdup(path)) == NULL) {
		(void)snprintf(why, GEOIP_WHY_SIZE, "out of memory");
		free(g);
		return NULL;
	}
	g->by = by;
	if (stat(path, &g->st) == -1) {
		(void)snprintf(why, GEOIP_WHY_SIZE, "%.200s cannot be read: %s", path, strerror(errno));
	} else if (!S_ISREG(g->st.st_mode)) {
		(void)snprintf(why, GEOIP_WHY_SIZE, "%.200s is no file", path);
	} else if ((error = MMDB_open(path, MMDB_MODE_MMAP, &g->mmdb)) != MMDB_SUCCESS) {
		(void)snprintf(why, GEOIP_WHY_SIZE, "%.200s cannot be read: %s", path,
		    error == MMDB_IO_ERROR ? strerror(errno) : MMDB_strerror(error));
	} else {
		return g;
	}
	free(g->path);
	free(g);
	return NULL;
}

void
geoip_close(struct geoip *g)
{
	if (g == NULL)
		return;
	MMDB_close(&g->mmdb);
	free(g->path);
	free(g);
}

bool
geoip_changed(const struct geoip *g)
{
	struct stat st;

	/* One that is being replaced is looked at again when it is there. */
	return stat(g->path, &st) == 0 && !same_file(&st, &g->st);
}

static bool
look_up(struct geoip *g, const struct addr *addr, MMDB_lookup_result_s *out)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	bool v4 = addr_is_v4(addr);
	int error = MMDB_SUCCESS;

	memcpy(&sin.sin_addr, addr->b + 12, 4);
	memcpy(&sin6.sin6_addr, addr->b, 16);
	*out = MMDB_lookup_sockaddr(&g->mmdb, v4 ? (const struct sockaddr *)&sin : (const struct sockaddr *)&sin6, &error);
	return error == MMDB_SUCCESS && out->found_entry;
}

/* A text at a path of the entry.  Returns its length, 0: there is none. */
static size_t
take_text(MMDB_lookup_result_s *found, char *buf, size_t size, const char *const path[])
{
	MMDB_entry_data_s data;
	size_t n;

	if (MMDB_aget_value(&found->entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return 0;
	n = data.data_size < size - 1 ? data.data_size : size - 1;
	memcpy(buf, data.utf8_string, n);
	buf[n] = '\0';
	return n;
}

static bool
is_letter(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
find_country(MMDB_lookup_result_s *found, uint32_t *key)
{
	static const char *const paths[][3] = { { "country", "iso_code", NULL }, { "registered_country", "iso_code", NULL },
		{ "country_code", NULL }, { "country", NULL } };
	char text[8];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (take_text(found, text, sizeof(text), paths[i]) == 2 && is_letter(text[0]) && is_letter(text[1])) {
			*key = (uint32_t)text[0] << 8 | (uint32_t)text[1];
			return true;
		}
	return false;
}

static bool
find_asn(MMDB_lookup_result_s *found, uint32_t *key)
{
	static const char *const number[] = { "autonomous_system_number", NULL }, *const word[] = { "asn", NULL };
	MMDB_entry_data_s data;
	char text[16];

	if (MMDB_aget_value(&found->entry, &data, number) == MMDB_SUCCESS && data.has_data &&
	    data.type == MMDB_DATA_TYPE_UINT32)
		*key = data.uint32;
	else if (take_text(found, text, sizeof(text), word) > 2 && strncmp(text, "AS", 2) == 0)
		*key = (uint32_t)strtoul(text + 2, NULL, 10);
	else
		return false;
	return *key != 0;
}

bool
geoip_find(struct geoip *g, const struct addr *addr, uint32_t *key)
{
	MMDB_lookup_result_s found;

	if (!look_up(g, addr, &found))
		return false;
	return g->by == GEOIP_COUNTRY ? find_country(&found, key) : find_asn(&found, key);
}

const char *
geoip_key(enum geoip_by by, uint32_t key, char buf[static GEOIP_KEY_SIZE])
{
	if (by == GEOIP_COUNTRY)
		(void)snprintf(buf, GEOIP_KEY_SIZE, "%c%c", (char)(key >> 8), (char)key);
	else
		(void)snprintf(buf, GEOIP_KEY_SIZE, "AS%u", key);
	return buf;
}

const char *
geoip_name(struct geoip *g, const struct addr *addr, char buf[static GEOIP_NAME_SIZE])
{
	static const char *const paths[GEOIP_N][2][4] = {
		[GEOIP_COUNTRY] = { { "country", "names", "en", NULL }, { "country", NULL } },
		[GEOIP_ASN] = { { "autonomous_system_organization", NULL }, { "as_name", NULL } },
	};
	MMDB_lookup_result_s found;

	buf[0] = '\0';
	if (!look_up(g, addr, &found))
		return buf;
	for (size_t i = 0; i < 2; i++)
		if (take_text(&found, buf, GEOIP_NAME_SIZE, paths[g->by][i]) > 0)
			break;
	return buf;
}
