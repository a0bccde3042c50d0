/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_capture.c - savefiles, good and bad; and what the live filter lets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <pcap/pcap.h>

#include "../support/frame.h"
#include "mxtrap/capture.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CLIENT	"192.0.2.7"
#define OURS	"198.51.100.10"
#define CLIENT6 "2001:db8:1::7"
#define OURS6	"2001:db8::10"
#define OTHER	"203.0.113.9"
#define T0	1790000000000000LL

/* -- savefiles -- */

struct file {
	char  path[64];
	FILE *out;
};

static void
file_begin(struct file *f)
{
	int fd;

	(void)snprintf(f->path, sizeof(f->path), "/tmp/mxtrap-capture-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	f->out = fdopen(fd, "wb");
	assert_non_null(f->out);
}

static void
add_syns(struct file *f, int n)
{
	for (int i = 0; i < n; i++) {
		struct frame frame = { .n = 0 };

		frame_segment(&frame, CLIENT, OURS, 40000 + (unsigned)i, 25, 1, 0, FRAME_SYN, 0);
		frame_file_add(f->out, &frame, T0 + i);
	}
}

/* All that a capture gives; *status: what the last read said. */
static size_t
read_all(struct capture *c, size_t block, int *status)
{
	struct packet p[64];
	size_t n = 0;

	while ((*status = capture_read(c, p, block)) > 0) {
		for (int i = 0; i < *status; i++)
			assert_int_equal(p[i].time_us, T0 + (int64_t)n++);
	}
	return n;
}

static void
check_file(struct file *f, size_t packets, int end, const char *error)
{
	char why[256] = "";
	struct capture *c;
	int status;

	fclose(f->out);
	c = capture_open_file(f->path, why);
	assert_non_null(c);
	assert_int_equal(read_all(c, 64, &status), packets);
	assert_int_equal(status, end);
	assert_int_equal(capture_read(c, &(struct packet){ 0 }, 1), end);	/* and stays so */
	if (error != NULL)
		assert_non_null(strstr(capture_error(c), error));
	assert_int_equal(capture_counters(c)->results[PACKET_OK], packets);
	capture_close(c);
	unlink(f->path);
}

static void
check_refused(struct file *f, const char *found, const char *expected)
{
	char why[256] = "";

	fclose(f->out);
	assert_null(capture_open_file(f->path, why));
	assert_non_null(strstr(why, f->path));
	assert_non_null(strstr(why, found));
	assert_non_null(strstr(why, expected));
	unlink(f->path);
}

static void
a_pcap_is_read_to_its_end(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	frame_file_head(f.out, 1);
	add_syns(&f, 200);
	check_file(&f, 200, 0, NULL);
}

static void
an_empty_pcap_has_an_end_and_no_packets(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	frame_file_head(f.out, 1);
	check_file(&f, 0, 0, NULL);
}

static void
of_a_truncated_pcap_what_came_before_is_kept(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	frame_file_head(f.out, 1);
	add_syns(&f, 100);
	fflush(f.out);
	assert_int_equal(ftruncate(fileno(f.out), ftell(f.out) - 30), 0);
	check_file(&f, 99, -1, "truncated");
}

static void
a_corrupt_record_ends_it_and_is_named(void **state)
{
	static const uint8_t garbage[64] = { [8] = 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f };
	struct file f;

	(void)state;
	file_begin(&f);
	frame_file_head(f.out, 1);
	add_syns(&f, 7);
	fwrite(garbage, sizeof(garbage), 1, f.out);
	check_file(&f, 7, -1, "");
}

static void
block(FILE *out, uint32_t type, const void *body, uint32_t n)
{
	const uint32_t padded = (n + 3) / 4 * 4, total = 12 + padded, zero = 0;

	fwrite(&type, 4, 1, out);
	fwrite(&total, 4, 1, out);
	fwrite(body, 1, n, out);
	fwrite(&zero, 1, padded - n, out);
	fwrite(&total, 4, 1, out);
}

static void
pcapng_head(FILE *out, uint16_t link_type)
{
	const uint32_t section[4] = { 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX };
	const uint32_t interface[2] = { link_type, 65535 };

	block(out, 0x0a0d0d0a, section, sizeof(section));
	block(out, 1, interface, sizeof(interface));
}

/* A SYN of the interface: its link header is that of link_type, ticks as it counts them. */
static void
pcapng_syn(FILE *out, uint32_t interface, uint16_t link_type, uint64_t ticks)
{
	struct { uint32_t interface, high, low, caplen, len; uint8_t bytes[128]; } packet = { .interface = interface };
	struct frame frame = { .n = 0 };
	size_t skip = link_type == 101 ? 14 : 0;

	frame_segment(&frame, CLIENT, OURS, 40000, 25, 1, 0, FRAME_SYN, 0);
	packet.high = (uint32_t)(ticks >> 32);
	packet.low = (uint32_t)ticks;
	packet.caplen = packet.len = (uint32_t)(frame.n - skip);
	memcpy(packet.bytes, frame.b + skip, frame.n - skip);
	block(out, 6, &packet, 20 + (uint32_t)(frame.n - skip));
}

static void
a_pcapng_is_read_to_its_end(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	pcapng_head(f.out, 1);
	for (int i = 0; i < 30; i++)
		pcapng_syn(f.out, 0, 1, T0 + (unsigned)i);
	check_file(&f, 30, 0, NULL);
}

static void
interfaces_of_a_pcapng_may_differ(void **state)
{
	const uint32_t raw[2] = { 101, 64 };
	struct file f;

	(void)state;
	file_begin(&f);
	pcapng_head(f.out, 1);
	block(f.out, 1, raw, sizeof(raw));
	for (int i = 0; i < 10; i++)
		pcapng_syn(f.out, (uint32_t)(i & 1), i & 1 ? 101 : 1, T0 + (unsigned)i);
	check_file(&f, 10, 0, NULL);
}

static void
a_cut_pcapng_is_damaged_where_it_is_cut(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	pcapng_head(f.out, 1);
	for (int i = 0; i < 3; i++)
		pcapng_syn(f.out, 0, 1, T0 + (unsigned)i);
	fflush(f.out);
	assert_int_equal(ftruncate(fileno(f.out), ftell(f.out) - 30), 0);
	check_file(&f, 2, -1, "ends inside a block");
}

static void
a_pcapng_of_lies_is_damaged(void **state)
{
	static const struct { uint32_t type; uint32_t body[8]; uint32_t n; const char *says; } lies[] = {
		{ 6, { 7, 0, 0, 0, 0 }, 20, "not described" }, { 6, { 0, 0, 0, 400, 400 }, 20, "longer than its block" },
		{ 6, { 0 }, 4, "too short" }, { 1, { 1 }, 4, "too short" }, { 0x0a0d0d0a, { 5, 1, 0, 0 }, 16, "no byte order" },
		{ 0x0a0d0d0a, { 0x1a2b3c4d, 2, 0, 0 }, 16, "later one" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct file f;

		file_begin(&f);
		pcapng_head(f.out, 1);
		block(f.out, lies[i].type, lies[i].body, lies[i].n);
		check_file(&f, 0, -1, lies[i].says);
	}
}

static void
times_of_a_pcapng_are_told_by_its_interface(void **state)
{
	struct interface_block { uint32_t link, snaplen; uint16_t code, len; uint8_t resolution[4]; uint16_t code2, len2; int64_t offset; } __attribute__((packed));
	static const struct { uint8_t resolution; int64_t offset; uint64_t ticks; int64_t time_us; } rows[] = {
		{ 6, 0, T0, T0 }, { 9, 0, T0 * 1000ULL + 999, T0 }, { 3, 5, T0 / 1000, T0 + 5000000 }, { 0, 0, 1790000000, T0 },
		{ 0x80 | 20, 0, 1790000000ULL << 20 | 1 << 19, T0 + 500000 }, { 0x80 | 0, 1, 1790000000, T0 + 1000000 },
		/* Not to be told, or not between 1970 and 2105. */
		{ 6, INT64_MAX, T0, -1 }, { 6, INT64_MIN, T0, -1 }, { 0, 0, UINT64_MAX, -1 }, { 6, 0, UINT64_MAX, -1 },
		{ 0, 0, 4291747200, -1 }, { 0, -1790000001, 1790000000, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct interface_block described = { 1, 65535, 9, 1, { rows[i].resolution }, 14, 8, rows[i].offset };
		const uint32_t section[4] = { 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX };
		char why[256] = "";
		struct packet p;
		struct capture *c;
		struct file f;

		file_begin(&f);
		block(f.out, 0x0a0d0d0a, section, sizeof(section));
		block(f.out, 1, &described, sizeof(described));
		pcapng_syn(f.out, 0, 1, rows[i].ticks);
		fclose(f.out);
		c = capture_open_file(f.path, why);
		assert_non_null(c);
		assert_int_equal(capture_read(c, &p, 1), rows[i].time_us >= 0);
		assert_int_equal(capture_counters(c)->impossible_times, rows[i].time_us < 0);
		if (rows[i].time_us >= 0)
			assert_int_equal(p.time_us, rows[i].time_us);
		capture_close(c);
		unlink(f.path);
	}
}

static void
what_gave_no_packet_is_said(void **state)
{
	static const struct { uint16_t type; const char *says; } rows[] = {
		{ 0x8864, "1 not IP (PPPoE)" }, { 0x8847, "1 not IP (MPLS)" }, { 0x0806, "1 not IP (ARP)" },
		{ 0x1234, "1 not IP (type 0x1234)" }, { 100, "1 not IP (802.3)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[256] = "", saw[CAPTURE_SAW_SIZE];
		struct frame frame = { .n = 0 };
		struct packet p;
		struct capture *c;
		struct file f;

		file_begin(&f);
		frame_file_head(f.out, 1);
		frame_segment(&frame, CLIENT, OURS, 40000, 25, 1, 0, FRAME_SYN, 0);
		frame.b[12] = (uint8_t)(rows[i].type >> 8);
		frame.b[13] = (uint8_t)rows[i].type;
		frame_file_add(f.out, &frame, T0);
		fclose(f.out);
		c = capture_open_file(f.path, why);
		assert_non_null(c);
		assert_int_equal(capture_read(c, &p, 1), 0);
		assert_string_equal(capture_saw(c, saw), rows[i].says);
		capture_close(c);
		unlink(f.path);
	}
}

static void
a_packed_file_names_what_unpacks_it(void **state)
{
	static const struct { const char *bytes; size_t n; const char *found, *unpack; } rows[] = {
		{ "\x1f\x8b\x08\x00\x00", 5, "gzip", ": zcat /tmp/" }, { "\xfd" "7zXZ", 5, "xz", ": xzcat /tmp/" },
		{ "\x28\xb5\x2f\xfd\x04", 5, "zstd", ": zstdcat /tmp/" }, { "BZh91", 5, "bzip2", ": bzcat /tmp/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct file f;

		file_begin(&f);
		fwrite(rows[i].bytes, 1, rows[i].n, f.out);
		check_refused(&f, rows[i].found, rows[i].unpack);
	}
}

static void
a_text_is_refused_by_name(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	fputs("this is a letter, not a capture", f.out);
	check_refused(&f, "found", "expected a pcap or pcapng");
}

static void
an_empty_file_is_refused_by_name(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	check_refused(&f, "found", "expected a pcap or pcapng");
}

static void
a_link_type_we_do_not_know_is_refused_by_name(void **state)
{
	struct file f;

	(void)state;
	file_begin(&f);
	frame_file_head(f.out, 105);
	check_refused(&f, "IEEE802_11", "expected Ethernet");
}

static void
a_pcapng_of_another_link_type_is_named(void **state)
{
	char why[256] = "", saw[CAPTURE_SAW_SIZE];
	struct packet p;
	struct capture *c;
	struct file f;

	(void)state;
	file_begin(&f);
	pcapng_head(f.out, 105);
	pcapng_syn(f.out, 0, 1, T0);
	fclose(f.out);
	c = capture_open_file(f.path, why);
	assert_non_null(c);
	assert_int_equal(capture_read(c, &p, 1), 0);
	assert_int_equal(capture_counters(c)->other_links, 1);
	assert_string_equal(capture_saw(c, saw), "1 of link type IEEE802_11, which is not read");
	capture_close(c);
	unlink(f.path);
}

static void
a_missing_file_is_named(void **state)
{
	char why[256] = "";

	(void)state;
	assert_null(capture_open_file("/nonexistent/x.pcap", why));
	assert_non_null(strstr(why, "/nonexistent/x.pcap"));
}

static void
lies_are_counted_by_kind(void **state)
{
	struct frame good = { .n = 0 }, ihl = { .n = 0 }, land = { .n = 0 };
	struct capture *c;
	struct packet p[8];
	char why[256];
	struct file f;

	(void)state;
	file_begin(&f);
	frame_file_head(f.out, 1);
	frame_segment(&good, CLIENT, OURS, 40000, 25, 1, 0, FRAME_SYN, 0);
	frame_segment(&land, OURS, OURS, 40000, 25, 1, 0, FRAME_SYN, 0);
	frame_segment(&ihl, CLIENT, OURS, 40000, 25, 1, 0, FRAME_SYN, 0);
	ihl.b[14] = 0x43;
	frame_file_add(f.out, &ihl, T0);
	frame_file_add(f.out, &land, T0);
	frame_file_add(f.out, &good, T0);
	fclose(f.out);
	c = capture_open_file(f.path, why);
	assert_non_null(c);
	/* Lies alone are not the end of the file. */
	assert_int_equal(capture_read(c, p, 1), 1);
	assert_int_equal(capture_counters(c)->frames, 3);
	assert_int_equal(capture_counters(c)->results[PACKET_BAD_IHL], 1);
	assert_int_equal(capture_counters(c)->results[PACKET_BAD_SOURCE], 1);
	assert_int_equal(capture_read(c, p, 8), 0);
	capture_close(c);
	unlink(f.path);
}

/* -- the filter -- */

static struct target targets[20000];

static struct ladder
ladder_of(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t v4[4] = { (uint8_t)(100 + i / 65536), (uint8_t)(i >> 8), (uint8_t)i, 1 };
		bool ok = true;

		if (i == 0)
			ok = addr_parse(&targets[i].addr, OURS);
		else if (i == 1)
			ok = addr_parse(&targets[i].addr, OURS6);
		else
			targets[i].addr = addr_from_v4(v4);
		assert_true(ok);
	}
	return (struct ladder){ .n_targets = n, .targets = targets };
}

struct filter_row {
	const char *name;
	const char *src, *dst;
	unsigned sport, dport, flags;
	size_t	 payload;
	bool	 passes;
};

static const struct filter_row filter_rows[] = {
	{ "a_syn_to_us_passes", CLIENT, OURS, 40000, 25, FRAME_SYN, 0, true },
	{ "an_ipv6_syn_to_us_passes", CLIENT6, OURS6, 40000, 25, FRAME_SYN, 0, true },
	{ "our_syn_ack_passes", OURS, CLIENT, 25, 40000, FRAME_SYN | FRAME_ACK, 0, true },
	{ "our_ipv6_syn_ack_passes", OURS6, CLIENT6, 25, 40000, FRAME_SYN | FRAME_ACK, 0, true },
	{ "our_reset_passes", OURS, CLIENT, 25, 40000, FRAME_RST | FRAME_ACK, 0, true },
	{ "a_clients_reset_passes", CLIENT, OURS, 40000, 25, FRAME_RST, 0, true },
	{ "a_bare_ack_to_us_passes", CLIENT, OURS, 40000, 25, FRAME_ACK, 0, true },
	{ "an_ipv6_bare_ack_to_us_passes", CLIENT6, OURS6, 40000, 25, FRAME_ACK, 0, true },
	{ "an_early_talkers_first_words_pass", CLIENT, OURS, 40000, 25, FRAME_ACK | FRAME_PSH, 500, true },
	{ "the_body_of_a_mail_does_not", CLIENT, OURS, 40000, 25, FRAME_ACK, 1400, false },
	{ "the_body_of_a_mail_over_ipv6_does_not", CLIENT6, OURS6, 40000, 25, FRAME_ACK, 1400, false },
	{ "what_our_mx_says_does_not", OURS, CLIENT, 25, 40000, FRAME_ACK | FRAME_PSH, 40, false },
	{ "our_own_mail_going_out_does_not", OURS, CLIENT, 40000, 25, FRAME_SYN, 0, false },
	{ "a_syn_to_port_80_does_not", CLIENT, OURS, 40000, 80, FRAME_SYN, 0, false },
	{ "a_syn_to_somebody_else_does_not", CLIENT, OTHER, 40000, 25, FRAME_SYN, 0, false },
	{ "a_fin_does_not", CLIENT, OURS, 40000, 25, FRAME_FIN | FRAME_ACK, 0, false },
};

static bool
passes(const char *text, int dlt, const struct frame *f)
{
	pcap_t *dead = pcap_open_dead(dlt, 256);
	struct bpf_program program;
	struct pcap_pkthdr head = { .caplen = (bpf_u_int32)f->n, .len = (bpf_u_int32)f->n };
	bool pass;

	assert_non_null(dead);
	if (pcap_compile(dead, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		fail_msg("%s: %s", text, pcap_geterr(dead));
	assert_true(program.bf_len < 4096);	/* the kernel's limit */
	pass = pcap_offline_filter(&program, &head, f->b) != 0;
	pcap_freecode(&program);
	pcap_close(dead);
	return pass;
}

#define OWN	"203.0.113.80"
#define OWN6	"2001:db8:2::80"

static struct addr
own_addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(&a, text));
	return a;
}

/* What passes beside these rows where our own mail is watched. */
static const struct filter_row own_rows[] = {
	{ "our_mail_going_out_passes_where_it_is_watched", OWN, CLIENT, 40000, 25, FRAME_SYN, 0, true },
	{ "our_ipv6_mail_going_out_passes_too", OWN6, CLIENT6, 40000, 25, FRAME_SYN, 0, true },
	{ "the_answer_to_our_mail_passes", CLIENT, OWN, 25, 40000, FRAME_SYN | FRAME_ACK, 0, true },
	{ "the_ipv6_answer_passes_too", CLIENT6, OWN6, 25, 40000, FRAME_SYN | FRAME_ACK, 0, true },
	{ "our_mails_body_going_out_does_not", OWN, CLIENT, 40000, 25, FRAME_ACK | FRAME_PSH, 1400, false },
	{ "an_ack_of_our_mail_going_out_does_not", OWN, CLIENT, 40000, 25, FRAME_ACK, 0, false },
	{ "a_reset_of_our_mail_does_not", CLIENT, OWN, 25, 40000, FRAME_RST | FRAME_ACK, 0, false },
	{ "what_the_other_side_says_does_not", CLIENT, OWN, 25, 40000, FRAME_ACK | FRAME_PSH, 100, false },
	{ "somebody_elses_mail_going_out_does_not", OTHER, CLIENT, 40000, 25, FRAME_SYN, 0, false },
	{ "the_answer_to_somebody_else_does_not", CLIENT, OTHER, 25, 40000, FRAME_SYN | FRAME_ACK, 0, false },
	{ "our_syn_to_another_port_does_not", OWN, CLIENT, 40000, 443, FRAME_SYN, 0, false },
};

/* The same segment without a tag, with one and with two. */
static void
test_filter(void **state)
{
	const struct filter_row *row = *state;
	const struct ladder ladder = ladder_of(5);
	const struct addr own[] = { own_addr(OWN), own_addr(OWN6) };
	bool watched = row >= own_rows && row < own_rows + ARRAY_LEN(own_rows);
	char *text = capture_filter(&ladder, own, watched ? 2 : 0, true);
	struct frame f = { .n = 0 };

	assert_non_null(text);
	frame_segment(&f, row->src, row->dst, row->sport, row->dport, 1, 2, row->flags, row->payload);
	for (int tags = 0; tags <= 2; tags++) {
		assert_int_equal(passes(text, DLT_EN10MB, &f), row->passes);
		memmove(f.b + 16, f.b + 12, f.n - 12);
		memcpy(f.b + 12, (const uint8_t[]){ 0x81, 0x00, 0x00, 0x07 }, 4);
		f.n += 4;
	}
	free(text);
}

static void
the_filter_holds_for_raw_ip_too(void **state)
{
	const struct ladder ladder = ladder_of(5);
	char *text = capture_filter(&ladder, NULL, 0, false);
	struct frame f = { .n = 0 };

	(void)state;
	frame_ipv4(&f, CLIENT, OURS, 6, 20);
	frame_tcp(&f, 40000, 25, 1, 0, FRAME_SYN, NULL, 0);
	assert_true(passes(text, DLT_RAW, &f));
	f.b[19] = 11;			/* another host of the network */
	assert_false(passes(text, DLT_RAW, &f));
	free(text);
}

static void
the_filter_holds_for_cooked_captures_too(void **state)
{
	const struct ladder ladder = ladder_of(5);
	char *text = capture_filter(&ladder, NULL, 0, false);
	struct frame f = { .n = 0 };

	(void)state;
	frame_sll(&f, 0x86dd);
	frame_ipv6(&f, CLIENT6, OURS6, 6, 20);
	frame_tcp(&f, 40000, 25, 1, 0, FRAME_SYN, NULL, 0);
	assert_true(passes(text, DLT_LINUX_SLL, &f));
	free(text);
}

static void
a_syn_behind_an_extension_header_passes(void **state)
{
	const struct ladder ladder = ladder_of(5);
	char *text = capture_filter(&ladder, NULL, 0, true);
	struct frame f = { .n = 0 };

	(void)state;
	frame_ethernet(&f, 0x86dd);
	frame_ipv6(&f, CLIENT6, OURS6, 60, 28);
	frame_u32(&f, 0x06000000);
	frame_u32(&f, 0);
	frame_tcp(&f, 40000, 25, 1, 0, FRAME_SYN, NULL, 0);
	assert_true(passes(text, DLT_EN10MB, &f));
	free(text);
}

static void
unreachables_of_both_families_pass(void **state)
{
	const struct ladder ladder = ladder_of(5);
	char *text = capture_filter(&ladder, NULL, 0, true);
	struct frame f = { .n = 0 }, f6 = { .n = 0 };

	(void)state;
	frame_ethernet(&f, 0x0800);
	frame_ipv4(&f, OTHER, CLIENT, 1, 36);
	frame_u32(&f, 0x03010000);
	frame_zeros(&f, 32);
	frame_ethernet(&f6, 0x86dd);
	frame_ipv6(&f6, "2001:db8::1", CLIENT6, 58, 56);
	frame_u32(&f6, 0x01030000);
	frame_zeros(&f6, 52);
	assert_true(passes(text, DLT_EN10MB, &f));
	assert_true(passes(text, DLT_EN10MB, &f6));
	f.b[34] = 8;			/* a ping */
	assert_false(passes(text, DLT_EN10MB, &f));
	free(text);
}

/* With very many addresses the filter asks for less and less, but it always compiles. */
static void
any_number_of_addresses_makes_a_filter(void **state)
{
	const size_t sizes[] = { 2, 63, 64, 65, 66, 200, 1000, 20000 };
	struct frame syn = { .n = 0 }, body = { .n = 0 };
	struct addr own[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		own[i] = own_addr(i % 2 == 0 ? OWN : OWN6);
		own[i].b[i % 2 == 0 ? 14 : 6] = (uint8_t)i;
	}
	frame_segment(&syn, CLIENT, OURS, 40000, 25, 1, 0, FRAME_SYN, 0);
	frame_segment(&body, CLIENT, OURS, 40000, 25, 1, 0, FRAME_ACK, 1400);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct ladder ladder = ladder_of(sizes[i]);
		char *text = capture_filter(&ladder, own, sizes[i] / 2 < ARRAY_LEN(own) ? sizes[i] / 2 : ARRAY_LEN(own),
		    true);

		assert_non_null(text);
		assert_true(passes(text, DLT_EN10MB, &syn));
		assert_false(passes(text, DLT_EN10MB, &body));
		free(text);
	}
}

int
main(void)
{
	static const struct CMUnitTest files[] = {
		cmocka_unit_test(a_pcap_is_read_to_its_end),
		cmocka_unit_test(an_empty_pcap_has_an_end_and_no_packets),
		cmocka_unit_test(of_a_truncated_pcap_what_came_before_is_kept),
		cmocka_unit_test(a_corrupt_record_ends_it_and_is_named),
		cmocka_unit_test(a_pcapng_is_read_to_its_end),
		cmocka_unit_test(a_text_is_refused_by_name),
		cmocka_unit_test(an_empty_file_is_refused_by_name),
		cmocka_unit_test(a_link_type_we_do_not_know_is_refused_by_name),
		cmocka_unit_test(a_pcapng_of_another_link_type_is_named),
		cmocka_unit_test(interfaces_of_a_pcapng_may_differ),
		cmocka_unit_test(a_cut_pcapng_is_damaged_where_it_is_cut),
		cmocka_unit_test(a_pcapng_of_lies_is_damaged),
		cmocka_unit_test(times_of_a_pcapng_are_told_by_its_interface),
		cmocka_unit_test(what_gave_no_packet_is_said),
		cmocka_unit_test(a_packed_file_names_what_unpacks_it),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(lies_are_counted_by_kind),
	};
	static const struct CMUnitTest filters[] = {
		cmocka_unit_test(the_filter_holds_for_raw_ip_too),
		cmocka_unit_test(the_filter_holds_for_cooked_captures_too),
		cmocka_unit_test(a_syn_behind_an_extension_header_passes),
		cmocka_unit_test(unreachables_of_both_families_pass),
		cmocka_unit_test(any_number_of_addresses_makes_a_filter),
	};
	struct CMUnitTest tests[ARRAY_LEN(filter_rows) + ARRAY_LEN(own_rows)];
	const size_t n_rows = ARRAY_LEN(filter_rows);
	int failed = cmocka_run_group_tests_name("savefiles", files, NULL, NULL);

	for (size_t i = 0; i < ARRAY_LEN(filter_rows); i++)
		tests[i] = (struct CMUnitTest){ .name = filter_rows[i].name, .test_func = test_filter,
			.initial_state = (void *)(uintptr_t)&filter_rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(own_rows); i++)
		tests[n_rows + i] = (struct CMUnitTest){ .name = own_rows[i].name, .test_func = test_filter,
			.initial_state = (void *)(uintptr_t)&own_rows[i] };
	failed += cmocka_run_group_tests_name("filter", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("filter, others", filters, NULL, NULL);
}
