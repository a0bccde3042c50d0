/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * places.c - places COUNTRY.mmdb ASN.mmdb: where the bots' addresses are said to be, for the page's tests and pictures.
 */
#include "../support/mmdb.h"

static const struct place {
	const char *network, *code, *country, *holder;
	uint32_t    asn;
} places[] = {
	{ "198.18.0.0/18", "BR", "Brazil", "Example Telecom", 64496 },
	{ "198.18.64.0/18", "VN", "Vietnam", "Example Broadband", 64497 },
	{ "198.18.128.0/19", "DE", "Germany", "Example Hosting", 64498 },
	{ "198.18.160.0/19", "US", "United States", "Example Cloud", 64499 },
	{ "198.18.192.0/18", "IN", "India", "Example Mobile", 64500 },
	{ "2001:db8:1800::/40", "ID", "Indonesia", "Example Fibre", 64501 },
};

int
main(int argc, char **argv)
{
	static struct mmdb_file m;

	if (argc != 3) {
		fprintf(stderr, "usage: places COUNTRY.mmdb ASN.mmdb\n");
		return 2;
	}
	mmdb_begin(&m);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		mmdb_country(&m, places[i].network, places[i].code, places[i].country);
	mmdb_end(&m, argv[1]);
	mmdb_begin(&m);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		mmdb_asn(&m, places[i].network, places[i].asn, places[i].holder);
	mmdb_end(&m, argv[2]);
	return 0;
}
