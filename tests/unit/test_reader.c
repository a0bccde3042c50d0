/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_reader.c - a file read ahead by a thread gives what the file gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/reader.h"

#define PACKETS 10000			/* more than the ring of blocks holds */

/* A pcap file of SYNs from ports that count up; cut: its last record is not whole. */
static void
write_file(char path[static 32], bool cut)
{
	const uint32_t head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 256, 101 };
	uint8_t ip[40] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 60, 6, 0, 0, 192, 0, 2, 7, 198, 51, 100, 30 };
	FILE *f;

	(void)snprintf(path, 32, "/tmp/mxtrap-reader-XXXXXX");
	f = fdopen(mkstemp(path), "wb");
	assert_non_null(f);
	ip[23] = 25;
	ip[32] = 0x50;
	ip[33] = 2;
	fwrite(head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < PACKETS; i++) {
		const uint32_t record[4] = { 1700000000, i, sizeof(ip), sizeof(ip) };

		ip[20] = (uint8_t)((i + 1) >> 8);	/* port 0 is a lie */
		ip[21] = (uint8_t)(i + 1);
		fwrite(record, sizeof(record), 1, f);
		fwrite(ip, cut && i == PACKETS - 1 ? 10 : sizeof(ip), 1, f);
	}
	fclose(f);
}

static struct capture *
open_file(const char *path)
{
	char why[256];
	struct capture *c = capture_open_file(path, why);

	unlink(path);
	assert_non_null(c);
	return c;
}

static void
every_packet_comes_once_and_in_order_whatever_is_asked_for(void **state)
{
	struct packet p[700];
	char path[32];
	struct capture *c;
	struct reader *r;
	uint32_t next = 0;
	int n;

	(void)state;
	write_file(path, false);
	c = open_file(path);
	r = reader_start(c);
	assert_non_null(r);
	for (size_t ask = 1; (n = reader_take(r, p, ask)) > 0; ask = ask % 700 + 7 > 700 ? 1 : ask + 7)
		for (int i = 0; i < n; i++, next++)
			assert_int_equal(p[i].sport, (uint16_t)(next + 1));
	assert_int_equal(n, 0);
	assert_int_equal(next, PACKETS);
	assert_int_equal(reader_take(r, p, 1), 0);
	reader_stop(r);
	capture_close(c);
}

static void
a_damaged_file_gives_what_came_before_and_then_says_so(void **state)
{
	struct packet p[64];
	char path[32];
	struct capture *c;
	struct reader *r;
	int n, all = 0;

	(void)state;
	write_file(path, true);
	c = open_file(path);
	r = reader_start(c);
	while ((n = reader_take(r, p, 64)) > 0)
		all += n;
	assert_int_equal(n, -1);
	assert_int_equal(all, PACKETS - 1);
	reader_stop(r);
	assert_true(strlen(capture_error(c)) > 0);
	capture_close(c);
}

static void
a_reader_that_nobody_takes_from_can_be_stopped(void **state)
{
	uint64_t done, whole;
	char path[32];
	struct capture *c;
	struct reader *r;
	struct packet p;

	(void)state;
	write_file(path, false);
	c = open_file(path);
	r = reader_start(c);
	assert_int_equal(reader_take(r, &p, 1), 1);
	reader_progress(r, &done, &whole);
	assert_int_equal(whole, 24 + PACKETS * 56);
	reader_stop(r);
	reader_stop(NULL);
	capture_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_comes_once_and_in_order_whatever_is_asked_for),
		cmocka_unit_test(a_damaged_file_gives_what_came_before_and_then_says_so),
		cmocka_unit_test(a_reader_that_nobody_takes_from_can_be_stopped),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
