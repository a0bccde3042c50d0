/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft.c - nft N: what the firewall process needs for N entries in pieces, and for one more; seconds and kilobytes.
 *
 * Run it in a network namespace of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../../daemon/firewall/nft.h"

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct message_row
row(unsigned i)
{
	struct message_row r = { .expires_s = 1790086400, .len = 128 };
	uint8_t b[4] = { 11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
	struct addr a = addr_from_v4(b);

	memcpy(r.addr, a.b, sizeof(r.addr));
	return r;
}

int
main(int argc, char **argv)
{
	static struct message_row rows[NFT_BATCH];
	static char text[NFT_TEXT_SIZE];
	struct ladder none = { .n_targets = 0 };
	unsigned n = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
	struct nft *nft = nft_open();
	struct rusage usage;
	const char *error;
	double begun, all, worst = 0;

	if (n == 0 || nft == NULL)
		return 2;
	(void)nft_table_text(&none, true, text, sizeof(text));
	if (!nft_run(nft, text, &error)) {
		fprintf(stderr, "%.200s\n", error);
		return 77;
	}
	begun = seconds();
	for (unsigned i = 0; i < n; i += NFT_BATCH) {
		unsigned k = n - i < NFT_BATCH ? n - i : NFT_BATCH;

		for (unsigned j = 0; j < k; j++)
			rows[j] = row(i + j);
		(void)nft_rows_text(rows, k, true, 1790000000, text, sizeof(text));
		if (!nft_run(nft, text, &error)) {
			fprintf(stderr, "%.200s\n", error);
			return 1;
		}
	}
	all = seconds() - begun;
	for (unsigned i = 0; i < 100; i++) {
		struct message_row one = row(n + i);
		double took = seconds();

		(void)nft_rows_text(&one, 1, false, 1790000000, text, sizeof(text));
		if (!nft_run(nft, text, &error))
			return 1;
		took = seconds() - took;
		worst = took > worst ? took : worst;
	}
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("%.3f %ld %.3f\n", all, usage.ru_maxrss, worst * 1000);
	nft_close(nft);
	return 0;
}
