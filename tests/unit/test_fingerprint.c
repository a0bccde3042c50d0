/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_fingerprint.c - a SYN in p0f's notation.  The texts are what p0f 3.09b prints for the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../support/frame.h"
#include "mxtrap/packet.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define OPTIONS(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

struct row {
	const char *name, *text;
	const char *src;
	const uint8_t *options;
	size_t	 n_options;
	uint16_t window;
	uint8_t	 ttl, flags;		/* flags: beside SYN */
	uint16_t fragment;		/* IPv4: flags and offset */
};

static const struct row rows[] = {
	{ "linux_is_a_multiple_of_its_mss", "4:64+0:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0", "192.0.2.7",
	    frame_linux_options, sizeof(frame_linux_options), 64240, 64, 0, 0x4000 },
	{ "linux_with_odd_stamps_and_scale", "4:64+0:0:1460:mss*44,15:mss,sok,ts,nop,ws:df,id+,ts1-,ts2+,exws:0", "192.0.2.7",
	    OPTIONS(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 15), 64240, 64, 0, 0x4000 },
	{ "linux_over_ipv6", "6:57+7:0:1440:mss*45,7:mss,sok,ts,nop,ws::0", "2001:db8::7",
	    OPTIONS(2, 4, 5, 0xa0, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7), 64800, 57, 0, 0 },
	{ "windows_has_no_time_stamps", "4:128+0:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0", "192.0.2.7",
	    OPTIONS(2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2), 8192, 128, 0, 0x4000 },
	{ "no_options_at_all", "4:255+0:0:0:512,0:::0", "192.0.2.7", NULL, 0, 512, 255, 0, 0 },
	{ "far_away_is_not_guessed", "4:200+?:0:0:512,0:::0", "192.0.2.7", NULL, 0, 512, 200, 0, 0 },
	{ "padding_is_counted", "4:64+0:0:1460:mss*4,0:mss,eol+3::0", "192.0.2.7",
	    OPTIONS(2, 4, 5, 0xb4, 0, 0, 0, 0), 5840, 64, 0, 0 },
	{ "something_behind_the_end_is_a_quirk", "4:64+0:0:1460:mss*4,0:mss,eol+3:opt+:0", "192.0.2.7",
	    OPTIONS(2, 4, 5, 0xb4, 0, 9, 0, 0), 5840, 64, 0, 0 },
	{ "an_unknown_option_has_its_number", "4:64+0:0:1460:mss*4,0:mss,?34,nop,nop::0", "192.0.2.7",
	    OPTIONS(2, 4, 5, 0xb4, 34, 2, 1, 1), 5840, 64, 0, 0 },
	{ "a_scale_of_15_is_excessive", "4:64+0:0:0:5840,15:ws,nop:exws:0", "192.0.2.7",
	    OPTIONS(3, 3, 15, 1), 5840, 64, 0, 0 },
	{ "time_stamps_of_0_and_of_the_peer", "4:64+0:0:0:5840,0:ts,nop,nop:ts1-,ts2+:0", "192.0.2.7",
	    OPTIONS(8, 10, 0, 0, 0, 0, 0, 0, 0, 9, 1, 1), 5840, 64, 0, 0 },
	{ "a_length_of_0_ends_it", "4:64+0:0:0:5840,0:?34:bad:0", "192.0.2.7", OPTIONS(34, 0, 1, 1), 5840, 64, 0, 0 },
	{ "a_length_of_1_ends_it", "4:64+0:0:0:5840,0:?34:bad:0", "192.0.2.7", OPTIONS(34, 1, 1, 1), 5840, 64, 0, 0 },
	{ "an_option_beyond_the_header_ends_it", "4:64+0:0:0:5840,0:nop,nop,mss:bad:0", "192.0.2.7",
	    OPTIONS(1, 1, 2, 4), 5840, 64, 0, 0 },
	{ "a_window_of_mtus", "4:64+0:0:1400:mtu*4,0:mss::0", "192.0.2.7", OPTIONS(2, 4, 5, 0x78), 5760, 64, 0, 0 },
	{ "a_reserved_ip_flag_is_a_quirk", "4:64+0:0:0:5840,0::0+:0", "192.0.2.7", NULL, 0, 5840, 64, 0, 0x8000 },
	{ "urgent_and_push_are_quirks", "4:64+0:0:0:5840,0::urgf+,pushf+:0", "192.0.2.7", NULL, 0, 5840, 64,
	    FRAME_URG | FRAME_PSH, 0 },
	{ "congestion_notification_is_a_quirk", "4:64+0:0:0:5840,0::ecn:0", "192.0.2.7", NULL, 0, 5840, 64, 0xc0, 0 },
};

static struct packet
decode(const struct row *row, size_t cut)
{
	const bool v6 = strchr(row->src, ':') != NULL;
	struct frame f = { .n = 0 };
	struct packet p;
	uint8_t *exact;

	frame_ethernet(&f, v6 ? 0x86dd : 0x0800);
	if (v6)
		frame_ipv6(&f, row->src, "2001:db8::10", 6, 20 + row->n_options);
	else
		frame_ipv4(&f, row->src, "198.51.100.10", 6, 20 + row->n_options);
	if (!v6) {
		f.b[20] = (uint8_t)(row->fragment >> 8);
		f.b[21] = (uint8_t)row->fragment;
	}
	f.b[v6 ? 21 : 22] = row->ttl;
	frame_tcp(&f, 40000, 25, 1, 0, FRAME_SYN | row->flags, row->options, row->n_options);
	f.b[f.n - row->n_options - 6] = (uint8_t)(row->window >> 8);
	f.b[f.n - row->n_options - 5] = (uint8_t)row->window;
	exact = malloc(f.n - cut);
	assert_non_null(exact);
	memcpy(exact, f.b, f.n - cut);
	assert_int_equal(packet_decode(&p, LINK_ETHERNET, exact, f.n - cut, f.n), PACKET_OK);
	free(exact);
	return p;
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	char buf[FINGERPRINT_TEXT_SIZE];
	struct packet p = decode(row, 0);

	assert_string_equal(fingerprint_format(&p.fp, buf), row->text);
	/* Options cut off by the capture: read as far as they are there, and no further. */
	for (size_t cut = 1; cut <= row->n_options; cut++) {
		p = decode(row, cut);
		assert_non_null(strchr(fingerprint_format(&p.fp, buf), ':'));
	}
}

static void
every_type_and_length_of_an_option_ends(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		for (unsigned length = 0; length < 256; length++) {
			uint8_t options[40] = { (uint8_t)type, (uint8_t)length };
			const struct row row = { .src = "192.0.2.7", .options = options, .n_options = sizeof(options),
				.window = 1, .ttl = 64 };
			const struct packet p = decode(&row, 0);

			assert_int_equal(p.kind, PACKET_SYN);
		}
	}
}

static void
forty_nops_fill_the_layout(void **state)
{
	uint8_t options[40];
	const struct row row = { .src = "192.0.2.7", .options = options, .n_options = sizeof(options), .ttl = 64 };
	char buf[FINGERPRINT_TEXT_SIZE];
	struct packet p;

	(void)state;
	memset(options, 1, sizeof(options));
	p = decode(&row, 0);
	assert_string_equal(fingerprint_format(&p.fp, buf),
	    "4:64+0:0:0:0,0:nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop::0");
}

/* Longer than any sane stack's: cut off, never written too far. */
static void
the_longest_text_fits(void **state)
{
	struct fingerprint f = { .layout = UINT64_C(0x8888888888888888), .quirks = UINT32_MAX, .mss = 65535,
		.window = 65531, .version = 6, .ttl = 100, .ip_options = 255, .wscale = 255, .unknown = 255, .payload = 1 };
	char buf[FINGERPRINT_TEXT_SIZE];

	(void)state;
	fingerprint_format(&f, buf);
	assert_true(strlen(buf) < FINGERPRINT_TEXT_SIZE);
}

static void
stacks_are_akin_across_families(void **state)
{
	struct packet v4 = decode(&rows[0], 0), v6 = decode(&rows[2], 0), windows = decode(&rows[3], 0);

	(void)state;
	assert_true(fingerprint_akin(&v4.fp, &v6.fp));
	assert_false(fingerprint_akin(&v4.fp, &windows.fp));
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(every_type_and_length_of_an_option_ends),
		cmocka_unit_test(forty_nops_fill_the_layout),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(stacks_are_akin_across_families),
	};
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	failed = cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("fingerprint, others", others, NULL, NULL);
}
