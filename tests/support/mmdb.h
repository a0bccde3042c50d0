/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmdb.h - a small writer of MaxMind DB files (format 2.0), for tests: networks, and a few words of each.
 *
 * An IPv6 tree with 24-bit records; IPv4 lies under ::/96, as readers expect it.
 */
#ifndef MXTRAP_TESTS_MMDB_H
#define MXTRAP_TESTS_MMDB_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mxtrap/addr.h"

#define MMDB_NODES 4096

struct mmdb_file {
	uint32_t nodes[MMDB_NODES][2];	/* 0: nothing; n: node n; MMDB_NODES + at: data */
	uint32_t n_nodes;
	uint8_t	 data[262144];
	size_t	 n_data;
};

static inline void
mmdb_begin(struct mmdb_file *m)
{
	memset(m, 0, sizeof(*m));
	m->n_nodes = 1;
}

static inline void
mmdb_byte(struct mmdb_file *m, uint8_t byte)
{
	assert(m->n_data < sizeof(m->data));
	m->data[m->n_data++] = byte;
}

/* A control byte: 2 a text, 5 and 6 numbers, 7 a map; beyond 7 in a second byte. */
static inline void
mmdb_control(struct mmdb_file *m, unsigned type, size_t size)
{
	assert(size < 285);
	mmdb_byte(m, (uint8_t)((type > 7 ? 0 : type) << 5 | (size < 29 ? size : 29)));
	if (type > 7)
		mmdb_byte(m, (uint8_t)(type - 7));
	if (size >= 29)
		mmdb_byte(m, (uint8_t)(size - 29));
}

static inline void
mmdb_text(struct mmdb_file *m, const char *text)
{
	mmdb_control(m, 2, strlen(text));
	for (; *text != '\0'; text++)
		mmdb_byte(m, (uint8_t)*text);
}

static inline void
mmdb_number(struct mmdb_file *m, unsigned type, uint64_t value, size_t bytes)
{
	mmdb_control(m, type, bytes);
	while (bytes-- > 0)
		mmdb_byte(m, (uint8_t)(value >> (8 * bytes)));
}

/* What is written to m->data from `at` on is said of this network. */
static inline void
mmdb_put(struct mmdb_file *m, const char *network, size_t at)
{
	struct prefix p;
	uint8_t bits[16] = { 0 };
	uint32_t node = 0;

	if (!prefix_parse(&p, network))
		assert(!"a network");
	if (addr_is_v4(&p.addr))
		memcpy(bits + 12, p.addr.b + 12, 4);
	else
		memcpy(bits, p.addr.b, 16);
	for (unsigned i = 0; i < p.len; i++) {
		unsigned bit = (unsigned)bits[i / 8] >> (7 - i % 8) & 1U;

		if (i + 1U == p.len) {
			m->nodes[node][bit] = MMDB_NODES + (uint32_t)at;
			return;
		}
		if (m->nodes[node][bit] == 0) {
			assert(m->n_nodes < MMDB_NODES);
			m->nodes[node][bit] = m->n_nodes++;
		}
		node = m->nodes[node][bit];
	}
}

/* As MaxMind and DB-IP write it. */
static inline void
mmdb_country(struct mmdb_file *m, const char *network, const char *code, const char *name)
{
	size_t at = m->n_data;

	mmdb_control(m, 7, 1);
	mmdb_text(m, "country");
	mmdb_control(m, 7, 2);
	mmdb_text(m, "iso_code");
	mmdb_text(m, code);
	mmdb_text(m, "names");
	mmdb_control(m, 7, 1);
	mmdb_text(m, "en");
	mmdb_text(m, name);
	mmdb_put(m, network, at);
}

static inline void
mmdb_asn(struct mmdb_file *m, const char *network, uint32_t number, const char *name)
{
	size_t at = m->n_data;

	mmdb_control(m, 7, 2);
	mmdb_text(m, "autonomous_system_number");
	mmdb_number(m, 6, number, 4);
	mmdb_text(m, "autonomous_system_organization");
	mmdb_text(m, name);
	mmdb_put(m, network, at);
}

/* As IPinfo writes it. */
static inline void
mmdb_flat(struct mmdb_file *m, const char *network, const char *code, const char *asn, const char *name)
{
	size_t at = m->n_data;

	mmdb_control(m, 7, 3);
	mmdb_text(m, "country_code");
	mmdb_text(m, code);
	mmdb_text(m, "asn");
	mmdb_text(m, asn);
	mmdb_text(m, "as_name");
	mmdb_text(m, name);
	mmdb_put(m, network, at);
}

static inline void
mmdb_metadata(struct mmdb_file *m)
{
	m->n_data = 0;
	mmdb_control(m, 7, 9);
	mmdb_text(m, "binary_format_major_version");
	mmdb_number(m, 5, 2, 2);
	mmdb_text(m, "binary_format_minor_version");
	mmdb_number(m, 5, 0, 0);
	mmdb_text(m, "build_epoch");
	mmdb_number(m, 9, 1790000000, 8);
	mmdb_text(m, "database_type");
	mmdb_text(m, "mxtrap-test");
	mmdb_text(m, "description");
	mmdb_control(m, 7, 0);
	mmdb_text(m, "ip_version");
	mmdb_number(m, 5, 6, 2);
	mmdb_text(m, "languages");
	mmdb_control(m, 11, 0);
	mmdb_text(m, "node_count");
	mmdb_number(m, 6, m->n_nodes, 4);
	mmdb_text(m, "record_size");
	mmdb_number(m, 5, 24, 2);
}

static inline void
mmdb_end(struct mmdb_file *m, const char *path)
{
	static const uint8_t zeros[16];
	FILE *f = fopen(path, "w");

	assert(f != NULL);
	for (uint32_t i = 0; i < m->n_nodes; i++)
		for (int side = 0; side < 2; side++) {
			uint32_t v = m->nodes[i][side];

			v = v == 0 ? m->n_nodes : v < MMDB_NODES ? v : m->n_nodes + 16 + (v - MMDB_NODES);
			fputc((int)(v >> 16 & 255), f);
			fputc((int)(v >> 8 & 255), f);
			fputc((int)(v & 255), f);
		}
	fwrite(zeros, 1, sizeof(zeros), f);
	fwrite(m->data, 1, m->n_data, f);
	fputs("\xab\xcd\xefMaxMind.com", f);
	mmdb_metadata(m);
	fwrite(m->data, 1, m->n_data, f);
	fclose(f);
}

#endif
