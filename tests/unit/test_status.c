/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_says.c - each sentence of state, and their order: worst first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../web/says.h"

#define NOW 1789999320LL		/* 2026-09-21 14:02 UTC */

static const char config_text[] =
    "interface = \"lo\"\n"
    "state-dir = \"/nonexistent\"\n"
    "publish = yes\n"
    "mx-set \"example.org\" {\n"
    "    domains = { \"example.org\" }\n"
    "    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"198.51.100.10\" } }\n"
    "    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = { \"198.51.100.20\" } }\n"
    "    exchanger \"mx2.example.org\" { preference = 20 role = \"real\" addresses = { \"198.51.100.21\", \"2001:db8::21\" } }\n"
    "}\n"
    "allow { special-purpose = no }\n";

static struct config config;
static struct says says;

struct status { const char *name, *value; };

static void
begin(void)
{
	says_begin(&says, &config, NOW);
}

static void
tell(const char *name, const char *value)
{
	assert_true(says_status(&says, name, value));
}

static void
note(uint8_t kind, uint32_t target, int64_t time_s)
{
	const struct note_row row = { .kind = kind, .target = target, .time_us = time_s * 1000000 };

	assert_true(says_note(&says, &row));
}

static void
assert_first(enum says_level level, const char *text)
{
	says_end(&says);
	assert_string_equal(says.items[0].text, text);
	assert_int_equal(says.items[0].level, level);
}

/* -- one row of status each -- */

static const struct one {
	const char *name, *row, *value;
	enum says_level level;
	const char *text;
	int64_t since_s;
} ones[] = {
	{ "a_process_that_is_gone", "process decoy", "not running, started again 3 times", SAYS_BAD,
	  "The process decoy is not running (started again 3 times).", 0 },
	{ "an_interface_that_is_not_captured", "capture eth0", "not capturing since 1789986600", SAYS_BAD,
	  "Nothing has been seen on eth0 since 10:30 UTC: judging is suspended.", 1789986600 },
	{ "a_decoy_that_answers", "alarm 1", "198.51.100.10 takes connections and should refuse: mail may be lost there, "
	  "since 1789986600", SAYS_BAD,
	  "The decoy mx0.example.org takes connections and should refuse: mail may be lost there.", 1789986600 },
	{ "a_complaint", "complaint 1", "192.0.2.30:25 is held by master (pid 812)", SAYS_BAD,
	  "192.0.2.30:25 is held by master (pid 812)", 0 },
	{ "a_full_disk", "disk_full", "yes", SAYS_BAD, "The disk is full: what is seen is judged, but not stored.", 0 },
	{ "a_damaged_database", "was_corrupt", "yes", SAYS_NOTE,
	  "The database was damaged: a new one was begun, the old one lies beside it.", 0 },
	{ "a_firewall_that_is_off", "firewall", "off", SAYS_NOTE,
	  "The firewall blocks nobody: it was switched off (mxtrap firewall on).", 0 },
	{ "a_firewall_that_is_late", "firewall", "not in step yet", SAYS_NOTE,
	  "The firewall's sets are not in step with the list yet.", 0 },
	{ "a_real_mx_that_nobody_sees", "doubt real_unknown", "everywhere", SAYS_BAD,
	  "The real MX is neither seen on the wire nor reached by the probe: judging is suspended.", 0 },
	{ "of_one_set_only", "doubt real_unknown", "example.org", SAYS_BAD,
	  "The real MX is neither seen on the wire nor reached by the probe: judging is suspended (example.org).", 0 },
	{ "a_real_mx_that_is_back", "doubt real_down", "everywhere", SAYS_BAD,
	  "The real MX did not answer until a short while ago: judging is still suspended.", 0 },
	{ "blindness_that_is_over", "doubt blind", "everywhere", SAYS_BAD,
	  "Nothing could be seen until a short while ago: judging is still suspended.", 0 },
	{ "an_overflow", "doubt overflow", "everywhere", SAYS_NOTE,
	  "A decoy's queue of connections overflowed: evidence is not counted for half an hour.", 0 },
	{ "a_clock_that_was_moved", "doubt clock_step", "everywhere", SAYS_NOTE,
	  "The system's clock was moved: evidence is not counted for half an hour.", 0 },
	{ "a_beginning", "doubt start_grace", "everywhere", SAYS_NOTE,
	  "Watching has only begun: evidence is not counted yet.", 0 },
	{ "a_full_table", "doubt table_full", "everywhere", SAYS_BAD,
	  "The table of senders is full: evidence is not counted (limits { senders } makes it larger).", 0 },
	{ "a_real_mx_without_strangers", "real 198.51.100.20", "unseen for a day, last SYN 0", SAYS_NOTE,
	  "Nobody has been seen at the real MX mx1.example.org for a day: does its traffic pass this host?", 0 },
	{ "a_real_mx_of_two_addresses", "real 2001:db8::21", "down, last SYN 1", SAYS_BAD,
	  "The real MX mx2.example.org (2001:db8::21) has not answered: judging is suspended.", 0 },
};

static void
is_said(void **state)
{
	const struct one *one = *state;

	begin();
	tell(one->row, one->value);
	assert_first(one->level, one->text);
	assert_int_equal(says.items[0].since_s, one->since_s);
	assert_int_equal(says.n, 1);
}

/* -- more than one row -- */

static void
nothing_wrong_is_all_quiet(void **state)
{
	static const struct status rows[] = {
		{ "real 198.51.100.20", "up, last SYN 1790001000" }, { "capture eth0", "capturing, 12 frames, 0 dropped" },
		{ "doubt real_down", "no" }, { "doubt drops", "no" }, { "alarm 1", "" }, { "complaint 1", "" },
		{ "process watch", "pid 812, since 1790000000, started again 0 times" }, { "disk_full", "no" },
		{ "firewall", "up" }, { "ring_drops", "17" }, { "frames", "1000000" }, { "layout_since", "1780000000" },
	};
	struct export_gate open = { .open = true };

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tell(rows[i].name, rows[i].value);
	says_watch(&says, 1);
	says_gate(&says, &open, 0);
	assert_first(SAYS_OK, "All quiet.");
	assert_int_equal(says.n, 1);
}

static void
a_real_mx_that_is_down_says_since_when(void **state)
{
	(void)state;
	begin();
	note(NOTE_REAL_DOWN, 1, NOW - 90000);
	note(NOTE_REAL_UP, 1, NOW - 80000);
	note(NOTE_REAL_DOWN, 1, NOW - 12000);
	note(NOTE_REAL_DOWN, 2, NOW - 100);
	tell("real 198.51.100.20", "down, last SYN 1790001000, last handshake 0");
	tell("doubt real_down", "everywhere");
	assert_first(SAYS_BAD, "The real MX mx1.example.org has not answered since 10:42 UTC: judging is suspended.");
	assert_int_equal(says.items[0].since_s, NOW - 12000);
	assert_int_equal(says.n, 1);
}

static void
what_was_down_before_the_start_is_not_taken_for_now(void **state)
{
	(void)state;
	begin();
	note(NOTE_REAL_DOWN, 1, NOW - 12000);
	note(NOTE_START, UINT32_MAX, NOW - 600);
	tell("real 198.51.100.20", "down, last SYN 1790001000");
	assert_first(SAYS_BAD, "The real MX mx1.example.org has not answered: judging is suspended.");
}

static void
a_time_of_another_day_has_its_date(void **state)
{
	(void)state;
	begin();
	note(NOTE_REAL_DOWN, 1, NOW - 2 * 86400);
	tell("real 198.51.100.20", "down, last SYN 1790001000");
	assert_first(SAYS_BAD, "The real MX mx1.example.org has not answered since 2026-09-19 14:02 UTC: judging is suspended.");
}

static void
lost_packets_are_told_in_percent(void **state)
{
	(void)state;
	begin();
	tell("doubt drops", "everywhere");
	tell("frames", "970");
	tell("interface_drops", "10");
	tell("ring_drops", "20");
	assert_first(SAYS_BAD, "Capture lost 3 % of the packets: evidence is not counted.");
}

static void
a_few_lost_long_ago_do_not_make_the_loss_of_now_small(void **state)
{
	(void)state;
	begin();
	tell("doubt drops", "everywhere");
	tell("frames", "1000000");
	tell("ring_drops", "20");
	assert_first(SAYS_BAD, "Capture lost more than 1 % of the packets of half an hour: evidence is not counted.");
}

static void
a_new_ladder_says_until_when(void **state)
{
	(void)state;
	begin();
	tell("doubt new_layout", "everywhere");
	tell("layout_since", "1789998600");
	assert_first(SAYS_NOTE, "The ladder is new: nobody is judged before 2026-09-23 14:50 UTC, for senders may know the old one.");
}

static void
a_silent_daemon_comes_with_how_long(void **state)
{
	(void)state;
	begin();
	says_watch(&says, 40);
	assert_first(SAYS_BAD, "mxtrapd has said nothing for 40 seconds: nothing is watched.");
	assert_int_equal(says.items[0].since_s, NOW - 40);
	begin();
	says_watch(&says, 1800);
	assert_first(SAYS_BAD, "mxtrapd has said nothing for 30 minutes: nothing is watched, and consumers are told of nobody.");
	begin();
	says_watch(&says, -1);
	assert_first(SAYS_BAD, "mxtrapd has not told anything yet: nothing is watched.");
}

static void
observing_only_is_said(void **state)
{
	struct export_gate gate = { .open = false, .why = "observing only" };

	(void)state;
	config.publish = false;
	begin();
	says_gate(&says, &gate, 0);
	config.publish = true;
	assert_first(SAYS_NOTE, "Observing only: nothing leaves.");
}

static void
a_young_database_says_when_the_list_may_leave(void **state)
{
	struct export_gate gate = { .open = false, .why = "nothing is published before" };

	(void)state;
	begin();
	says_gate(&says, &gate, NOW + 86400);
	assert_first(SAYS_NOTE, "Nothing leaves before 2026-09-22 14:02 UTC: the database is too young (publish-after).");
}

static void
a_list_that_is_held_asks_for_a_look(void **state)
{
	struct export_gate gate = { .open = true, .publish = { .base = 10, .base_s = NOW - 12000, .held = true } };

	(void)state;
	begin();
	says_gate(&says, &gate, 0);
	assert_first(SAYS_BAD, "The list grew so fast that whoever was listed since 10:42 UTC is held back: look at them, then "
	    "mxtrap publish --accept.");
}

static void
an_unused_list_is_said(void **state)
{
	(void)state;
	begin();
	says_unused(&says);
	assert_first(SAYS_NOTE, "The list is published and nobody has fetched it for a day.");
}

static void
a_replay_says_that_it_is_one(void **state)
{
	(void)state;
	begin();
	says_replay(&says, NOW);
	assert_first(SAYS_NOTE, "This is a replay, told as of 2026-09-21 14:02 UTC: nobody watches.");
}

static void
the_worst_comes_first_and_the_rest_behind_it(void **state)
{
	struct json json;

	(void)state;
	begin();
	says_unused(&says);
	tell("doubt start_grace", "everywhere");
	tell("disk_full", "yes");
	tell("process decoy", "not running, started again 1 times");
	says_end(&says);
	assert_int_equal(says.n, 4);
	assert_int_equal(says.items[0].level, SAYS_BAD);
	assert_non_null(strstr(says.items[0].text, "disk"));
	assert_non_null(strstr(says.items[1].text, "decoy"));
	assert_non_null(strstr(says.items[2].text, "fetched"));
	assert_non_null(strstr(says.items[3].text, "begun"));
	json_to_buffer(&json);
	json_object(&json, NULL);
	says_json(&json, &says);
	json_end(&json);
	assert_int_equal(strncmp(json.buf, "{\"says\":{\"level\":\"bad\",\"text\":\"The disk is full", 45), 0);
	assert_non_null(strstr(json.buf, "\"more\":[{\"level\":\"bad\","));
	json_free(&json);
}

static void
very_much_trouble_is_bounded(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 1000; i++) {
		tell("complaint 1", "one more");
		note(NOTE_REAL_DOWN, (uint32_t)i, NOW);
	}
	says_end(&says);
	assert_int_equal(says.n, SAYS_MAX);
}

static void
odd_values_are_taken_for_nothing_worse(void **state)
{
	static const struct status rows[] = {
		{ "alarm 1", "nothing" }, { "alarm 2", "" }, { "real nonsense", "up" }, { "capture eth0", "" },
		{ "process x", "" }, { "doubt unheard_of", "everywhere" }, { "frames", "many" }, { "", "" },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tell(rows[i].name, rows[i].value);
	assert_first(SAYS_OK, "All quiet.");
}

int
main(void)
{
#define N_ONES (sizeof(ones) / sizeof(ones[0]))
	static struct CMUnitTest tests[N_ONES + 20];
	static const struct CMUnitTest rest[] = {
		cmocka_unit_test(nothing_wrong_is_all_quiet),
		cmocka_unit_test(a_real_mx_that_is_down_says_since_when),
		cmocka_unit_test(what_was_down_before_the_start_is_not_taken_for_now),
		cmocka_unit_test(a_time_of_another_day_has_its_date),
		cmocka_unit_test(lost_packets_are_told_in_percent),
		cmocka_unit_test(a_few_lost_long_ago_do_not_make_the_loss_of_now_small),
		cmocka_unit_test(a_new_ladder_says_until_when),
		cmocka_unit_test(a_silent_daemon_comes_with_how_long),
		cmocka_unit_test(observing_only_is_said),
		cmocka_unit_test(a_young_database_says_when_the_list_may_leave),
		cmocka_unit_test(a_list_that_is_held_asks_for_a_look),
		cmocka_unit_test(an_unused_list_is_said),
		cmocka_unit_test(a_replay_says_that_it_is_one),
		cmocka_unit_test(the_worst_comes_first_and_the_rest_behind_it),
		cmocka_unit_test(very_much_trouble_is_bounded),
		cmocka_unit_test(odd_values_are_taken_for_nothing_worse),
	};
	size_t n = 0;
	int failed;

	if (config_parse(&config, "test", config_text) != 0)
		return 1;
	for (size_t i = 0; i < N_ONES; i++)
		tests[n++] = (struct CMUnitTest){ .name = ones[i].name, .test_func = is_said,
			.initial_state = (void *)(uintptr_t)&ones[i] };
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		tests[n++] = rest[i];
	failed = _cmocka_run_group_tests("says", tests, n, NULL, NULL);
	config_free(&config);
	return failed;
}
