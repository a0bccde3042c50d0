/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_packet.c - one row a frame: what it is, or how it lies.  Each frame is also decoded cut off
 * at each of its bytes, from a buffer of exactly that size, so that a sanitizer sees a read too far.
 */
#include "packet_frames.h"

static void icmp6_in_ipv4(struct frame *f) { host_unreachable(f); f->b[23] = 58; }
static void quotes_loopback(struct frame *f) { host_unreachable(f); f->b[14 + 20 + 8 + 12] = 127; }
static void quotes_port_0(struct frame *f) { host_unreachable(f); f->b[62] = f->b[63] = 0; }
static void told_to_another(struct frame *f) { host_unreachable(f); f->b[14 + 16 + 3] ^= 1; }
static void quotes_land(struct frame *f) { host_unreachable(f); memcpy(f->b + 54, f->b + 58, 4); }

static const struct row rows[] = {
	{ "a_syn_opens", syn, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 20 },
	{ "a_syn_over_ipv6_opens", syn6, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 20 },
	{ "a_syn_ack_agrees", synack, LINK_ETHERNET, PACKET_OK, PACKET_SYNACK, 0, 20 },
	{ "a_reset_refuses", rst, LINK_ETHERNET, PACKET_OK, PACKET_RST, 0, 0 },
	{ "an_ack_may_complete", ack, LINK_ETHERNET, PACKET_OK, PACKET_ACK, 0, 0 },
	{ "an_early_talkers_ack_has_its_payload", talks, LINK_ETHERNET, PACKET_OK, PACKET_ACK, 19, 19 },
	{ "padding_is_no_payload", padded, LINK_ETHERNET, PACKET_OK, PACKET_ACK, 0, 6 },
	{ "one_vlan_tag_is_stepped_over", one_tag, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "two_vlan_tags_are_stepped_over", two_tags, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "three_vlan_tags_are_refused", three_tags, LINK_ETHERNET, PACKET_VLANS, 0, 0, 0 },
	{ "raw_ipv4_has_no_link_header", bare, LINK_RAW, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "raw_ipv6_has_no_link_header", bare6, LINK_RAW, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "linux_cooked_is_read", cooked, LINK_SLL, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "linux_cooked_v2_is_read", cooked2, LINK_SLL2, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "a_null_header_is_four_bytes", loopback, LINK_NULL, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "a_loop_header_may_be_in_foreign_byte_order", loopback6, LINK_LOOP, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "ip_options_are_stepped_over", ip_options, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "a_total_length_of_0_is_offloading", offloaded, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "a_first_fragment_with_its_header_counts", first_fragment, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 20 },
	{ "eight_extension_headers_are_walked", eight_extensions, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "nine_extension_headers_are_refused", nine_extensions, LINK_ETHERNET, PACKET_EXTENSIONS, 0, 0, 0 },
	{ "a_first_ipv6_fragment_counts", first_fragment6, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "an_authentication_header_is_walked", authenticated, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 0 },
	{ "an_unreachable_is_about_the_quoted_segment", host_unreachable, LINK_ETHERNET, PACKET_OK, PACKET_UNREACH, 0, 0 },
	{ "an_ipv6_unreachable_is_about_the_quoted_segment", unreachable6, LINK_ETHERNET, PACKET_OK, PACKET_UNREACH, 0, 12 },

	{ "arp_is_not_ip", arp, LINK_ETHERNET, PACKET_NOT_IP, 0, 0, 0 },
	{ "udp_is_not_tcp", udp, LINK_ETHERNET, PACKET_NOT_TCP, 0, 0, 0 },
	{ "a_ping_is_not_tcp", ping, LINK_ETHERNET, PACKET_NOT_TCP, 0, 0, 0 },
	{ "an_unreachable_about_udp_is_not_tcp", unreachable_udp, LINK_ETHERNET, PACKET_NOT_TCP, 0, 0, 0 },
	{ "a_packet_too_big_refuses_nothing", too_big, LINK_ETHERNET, PACKET_NOT_TCP, 0, 0, 0 },
	{ "no_next_header_is_not_tcp", no_next_header, LINK_ETHERNET, PACKET_NOT_TCP, 0, 0, 0 },
	{ "port_80_is_not_mail", web, LINK_ETHERNET, PACKET_NOT_MAIL, 0, 0, 0 },
	{ "an_unreachable_about_port_80_is_not_mail", unreachable_web, LINK_ETHERNET, PACKET_NOT_MAIL, 0, 0, 0 },
	{ "an_unreachable_about_our_answer_is_not_mail", unreachable_far_end, LINK_ETHERNET, PACKET_NOT_MAIL, 0, 0, 0 },
	{ "a_fin_proves_nothing", fin, LINK_ETHERNET, PACKET_UNINTERESTING, 0, 0, 0 },
	{ "no_flag_proves_nothing", nothing_set, LINK_ETHERNET, PACKET_UNINTERESTING, 0, 0, 0 },

	{ "an_empty_frame_is_short", empty, LINK_ETHERNET, PACKET_SHORT, 0, 0, 0 },
	{ "an_empty_raw_frame_is_short", empty, LINK_RAW, PACKET_SHORT, 0, 0, 0 },
	{ "an_empty_cooked_frame_is_short", empty, LINK_SLL, PACKET_SHORT, 0, 0, 0 },
	{ "an_empty_cooked_v2_frame_is_short", empty, LINK_SLL2, PACKET_SHORT, 0, 0, 0 },
	{ "an_empty_null_frame_is_short", empty, LINK_NULL, PACKET_SHORT, 0, 0, 0 },
	{ "version_5_is_not_ip", version_5, LINK_ETHERNET, PACKET_NOT_IP, 0, 0, 0 },
	{ "ipv4_where_the_link_says_ipv6_is_not_ip", four_in_six, LINK_ETHERNET, PACKET_NOT_IP, 0, 0, 0 },
	{ "ipv6_where_the_link_says_ipv4_is_not_ip", six_in_four, LINK_ETHERNET, PACKET_NOT_IP, 0, 0, 0 },
	{ "an_ihl_of_4_lies", ihl_4, LINK_ETHERNET, PACKET_BAD_IHL, 0, 0, 0 },
	{ "an_ihl_beyond_the_frame_lies", ihl_beyond, LINK_ETHERNET, PACKET_BAD_IHL, 0, 0, 0 },
	{ "a_total_length_of_19_lies", total_19, LINK_ETHERNET, PACKET_BAD_LENGTH, 0, 0, 0 },
	{ "a_total_length_below_the_ihl_lies", total_below_ihl, LINK_ETHERNET, PACKET_BAD_LENGTH, 0, 0, 0 },
	{ "a_total_length_without_room_for_tcp_lies", no_room_for_tcp, LINK_ETHERNET, PACKET_BAD_LENGTH, 0, 0, 0 },
	{ "a_tiny_first_fragment_is_refused", tiny_fragment, LINK_ETHERNET, PACKET_FRAGMENT, 0, 0, 0 },
	{ "a_later_fragment_is_refused", later_fragment, LINK_ETHERNET, PACKET_FRAGMENT, 0, 0, 0 },
	{ "a_later_ipv6_fragment_is_refused", later_fragment6, LINK_ETHERNET, PACKET_FRAGMENT, 0, 0, 0 },
	{ "a_data_offset_of_4_lies", offset_4, LINK_ETHERNET, PACKET_BAD_OFFSET, 0, 0, 0 },
	{ "a_data_offset_beyond_the_packet_lies", offset_beyond, LINK_ETHERNET, PACKET_BAD_OFFSET, 0, 0, 0 },
	{ "syn_and_fin_lies", syn_fin, LINK_ETHERNET, PACKET_BAD_FLAGS, 0, 0, 0 },
	{ "syn_and_rst_lies", syn_rst, LINK_ETHERNET, PACKET_BAD_FLAGS, 0, 0, 0 },
	{ "all_flags_at_once_lie", all_flags, LINK_ETHERNET, PACKET_BAD_FLAGS, 0, 0, 0 },
	{ "port_0_lies", port_0, LINK_ETHERNET, PACKET_BAD_PORT, 0, 0, 0 },
	{ "an_unreachable_told_to_another_than_the_quoted_lies", told_to_another, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "source_equal_to_destination_lies", land, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "ipv6_source_equal_to_destination_lies", land6, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "this_network_sends_nothing", from_0, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "loopback_sends_nothing", from_127, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "multicast_sends_nothing", from_224, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "class_e_sends_nothing", from_240, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "broadcast_sends_nothing", from_broadcast, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "a_private_source_is_the_judges_affair", from_private, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 20 },
	{ "the_last_unicast_network_sends", from_223, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 20 },
	{ "unspecified_ipv6_sends_nothing", from_unspecified6, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "loopback_ipv6_sends_nothing", from_loopback6, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "multicast_ipv6_sends_nothing", from_multicast6, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "nat64_sends", from_nat64, LINK_ETHERNET, PACKET_OK, PACKET_SYN, 0, 20 },
	{ "a_mapped_source_cannot_pass_for_ipv4", from_mapped, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "a_mapped_destination_cannot_pass_for_ipv4", to_mapped, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "an_extension_that_leads_out_of_the_packet_lies", extension_leads_out, LINK_ETHERNET, PACKET_EXTENSIONS, 0, 0, 0 },
	{ "a_chain_that_ends_inside_a_header_lies", extension_cut, LINK_ETHERNET, PACKET_EXTENSIONS, 0, 0, 0 },
	{ "icmpv6_inside_ipv4_is_nothing", icmp6_in_ipv4, LINK_ETHERNET, PACKET_NOT_TCP, 0, 0, 0 },
	{ "a_quote_of_ports_alone_is_short", quotes_ports_alone, LINK_ETHERNET, PACKET_SHORT, 0, 0, 0 },
	{ "a_quoted_loopback_source_lies", quotes_loopback, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
	{ "a_quoted_port_0_lies", quotes_port_0, LINK_ETHERNET, PACKET_BAD_PORT, 0, 0, 0 },
	{ "a_quoted_land_lies", quotes_land, LINK_ETHERNET, PACKET_BAD_SOURCE, 0, 0, 0 },
};

static enum packet_result
decode(struct packet *out, enum packet_link link, const struct frame *f, size_t caplen, size_t len)
{
	uint8_t *exact = malloc(caplen);
	enum packet_result result;

	assert_non_null(exact);
	memcpy(exact, f->b, caplen);
	result = packet_decode(out, link, exact, caplen, len);
	free(exact);
	return result;
}

static void
check_facts(const struct packet *p, enum packet_kind kind)
{
	const bool answer = kind == PACKET_SYNACK || kind == PACKET_RST;

	assert_int_equal(p->sport, answer ? 25 : 40000);
	assert_int_equal(p->dport, answer ? 40000 : 25);
	assert_int_equal(p->spare, 0);
	if (kind == PACKET_SYN)
		assert_true(p->fp.version == 4 || p->fp.version == 6);
	else
		assert_memory_equal(&p->fp, (&(struct fingerprint){ 0 }), sizeof(p->fp));
	if (kind == PACKET_UNREACH)
		assert_int_equal(p->seq, 100);
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	struct frame f = { .n = 0 };
	struct packet p;

	row->build(&f);
	assert_string_equal(packet_result_name(decode(&p, row->link, &f, f.n, f.n)), packet_result_name(row->result));
	if (row->result == PACKET_OK) {
		assert_int_equal(p.kind, row->kind);
		assert_int_equal(p.payload, row->payload);
		check_facts(&p, row->kind);
	}
	/* Cut off anywhere: nothing is read behind the end, and what is taken all the same is whole. */
	for (size_t n = 0; n < f.n; n++) {
		enum packet_result cut = decode(&p, row->link, &f, n, f.n);

		assert_true(cut < PACKET_N_RESULTS);
		if (cut == PACKET_OK) {
			assert_int_equal(row->result, PACKET_OK);
			assert_true(n + row->behind >= f.n);
			check_facts(&p, row->kind);
		}
		/* Claimed and captured changed places: the smaller is believed. */
		assert_int_equal(decode(&p, row->link, &f, f.n, n), cut);
	}
}

/* Every byte of a good frame, set to every value: any answer will do that is one. */
static void
any_byte_may_be_anything(void **state)
{
	void (*const good[])(struct frame *) = { syn, syn6, talks, two_tags, eight_extensions, authenticated,
		first_fragment6, host_unreachable, unreachable6, ip_options };

	(void)state;
	for (size_t g = 0; g < ARRAY_LEN(good); g++) {
		struct frame f = { .n = 0 };
		struct packet p;

		good[g](&f);
		for (size_t at = 0; at < f.n; at++) {
			const uint8_t kept = f.b[at];

			for (unsigned v = 0; v < 256; v++) {
				f.b[at] = (uint8_t)v;
				assert_true(decode(&p, LINK_ETHERNET, &f, f.n, f.n) < PACKET_N_RESULTS);
			}
			f.b[at] = kept;
		}
	}
}

/* All 64 flag values: only those that open, answer, refuse or prove are taken. */
static void
each_of_64_flag_values_has_one_meaning(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 64; flags++) {
		enum packet_result expect = PACKET_OK;
		struct frame f = { .n = 0 };
		struct packet p;

		if ((flags & FRAME_SYN) != 0 && (flags & (FRAME_FIN | FRAME_RST)) != 0)
			expect = PACKET_BAD_FLAGS;
		else if ((flags & (FRAME_SYN | FRAME_RST)) == 0 && (flags & (FRAME_ACK | FRAME_FIN)) != FRAME_ACK)
			expect = PACKET_UNINTERESTING;
		frame_segment(&f, CLIENT, DECOY, 40000, 25, 1, 2, flags, 0);
		assert_int_equal(decode(&p, LINK_ETHERNET, &f, f.n, f.n), expect);
	}
}

static void
every_field_of_a_syn_is_kept(void **state)
{
	struct frame f = { .n = 0 };
	char text[ADDR_TEXT_SIZE];
	struct packet p;

	(void)state;
	frame_segment(&f, CLIENT6, DECOY6, 54321, 25, 0x01020304, 0, FRAME_SYN, 0);
	assert_int_equal(decode(&p, LINK_ETHERNET, &f, f.n, f.n), PACKET_OK);
	assert_string_equal(addr_format(&p.src, text), CLIENT6);
	assert_string_equal(addr_format(&p.dst, text), DECOY6);
	assert_int_equal(p.sport, 54321);
	assert_int_equal(p.seq, 0x01020304);
	assert_int_equal(p.fp.mss, 1460);
	assert_int_equal(p.fp.wscale, 7);
	assert_int_equal(p.fp.ttl, 64);
}

static void
an_ipv4_address_is_held_mapped(void **state)
{
	struct frame f = { .n = 0 };
	struct packet p;

	(void)state;
	syn(&f);
	assert_int_equal(decode(&p, LINK_ETHERNET, &f, f.n, f.n), PACKET_OK);
	assert_true(addr_is_v4(&p.src));
	assert_true(addr_is_v4(&p.dst));
}

static void
a_huge_jumbogram_counts_its_captured_payload(void **state)
{
	struct frame f = { .n = 0 };
	struct packet p;

	(void)state;
	frame_segment(&f, CLIENT6, DECOY6, 40000, 25, 1, 2, FRAME_ACK, 33);
	f.b[18] = f.b[19] = 0;
	assert_int_equal(decode(&p, LINK_ETHERNET, &f, f.n, f.n), PACKET_OK);
	assert_int_equal(p.payload, 33);
}

static void
every_result_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < PACKET_N_RESULTS; i++)
		assert_non_null(packet_result_name((enum packet_result)i));
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(any_byte_may_be_anything),
		cmocka_unit_test(each_of_64_flag_values_has_one_meaning),
		cmocka_unit_test(every_field_of_a_syn_is_kept),
		cmocka_unit_test(an_ipv4_address_is_held_mapped),
		cmocka_unit_test(a_huge_jumbogram_counts_its_captured_payload),
		cmocka_unit_test(every_result_has_a_name),
	};
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	failed = cmocka_run_group_tests_name("packet", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("packet, others", others, NULL, NULL);
}
