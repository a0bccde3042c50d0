/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_status.c - each fact of the state in its sentence, and their order: worst first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/status.h"

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
static struct status status;
static struct status_fact facts[STATUS_FACTS];
static size_t n_facts;
static char text[STATUS_SENTENCE_SIZE];

struct row { const char *name, *value; };

/* A daemon that is at work and publishes; nothing is listed. */
static void
begin(void)
{
	status_begin(&status, &config, NOW);
	status.watched.last_s = NOW - 1;
	status.list.created_s = NOW - 30 * 86400;
}

static void
tell(const char *name, const char *value)
{
	assert_true(status_row(&status, name, value));
}

static void
note(uint8_t kind, uint32_t target, int64_t time_s)
{
	const struct note_row row = { .kind = kind, .target = target, .time_us = time_s * 1000000 };

	assert_true(status_note(&status, &row));
}

static const char *
sentence(size_t i)
{
	assert_true(i < n_facts);
	return status_sentence(&status, &facts[i], text);
}

static void
look(void)
{
	status_end(&status);
	n_facts = status_facts(&status, facts);
}

static void
assert_first(enum status_level level, const char *what)
{
	look();
	assert_string_equal(sentence(0), what);
	assert_int_equal(facts[0].level, level);
}

/* -- one row of status each -- */

static const struct one {
	const char *name, *row, *value;
	enum status_level level;
	const char *text;
	int64_t since_s;
} ones[] = {
	{ "a_process_that_is_gone", "process decoy", "not running, started again 3 times", STATUS_BAD,
	  "The process decoy is not running (started again 3 times).", 0 },
	{ "an_interface_that_is_not_captured", "capture eth0", "not capturing since 1789986600", STATUS_BAD,
	  "eth0 has not been captured since 10:30 UTC: judging is suspended.", 1789986600 },
	{ "a_decoy_that_answers", "alarm 1", "198.51.100.10 takes connections and should refuse: mail may be lost there, "
	  "since 1789986600", STATUS_BAD,
	  "The decoy mx0.example.org takes connections and should refuse: mail may be lost there.", 1789986600 },
	{ "a_complaint", "complaint 1", "192.0.2.30:25 is held by master (pid 812)", STATUS_BAD,
	  "192.0.2.30:25 is held by master (pid 812)", 0 },
	{ "a_full_disk", "disk_full", "yes", STATUS_BAD,
	  "The disk of /nonexistent is full (0 KiB are free): what is seen is judged, but not stored.", 0 },
	{ "a_damaged_database", "was_corrupt", "yes", STATUS_NOTE,
	  "The database was damaged: a new one was begun, the old one lies beside it.", 0 },
	{ "a_database_that_was_written_again", "rewritten", "1789986600", STATUS_NOTE,
	  "The database was removed while mxtrapd ran, and was written again at 10:30 UTC: stop mxtrapd before you touch its files.",
	  1789986600 },
	{ "a_firewall_that_is_off", "firewall", "off", STATUS_NOTE,
	  "The firewall blocks nobody: it was switched off (mxtrap firewall on).", 0 },
	{ "a_firewall_that_is_late", "firewall", "not in step yet", STATUS_NOTE,
	  "The firewall's sets are not in step with the list yet.", 0 },
	{ "a_real_mx_that_nobody_sees", "doubt real_unknown", "everywhere", STATUS_BAD,
	  "The real MX is neither seen on the wire nor reached by the probe: judging is suspended.", 0 },
	{ "of_one_set_only", "doubt real_unknown", "example.org", STATUS_BAD,
	  "The real MX is neither seen on the wire nor reached by the probe: judging is suspended (example.org).", 0 },
	{ "a_real_mx_that_is_back", "doubt real_down", "everywhere", STATUS_BAD,
	  "The real MX did not answer until a short while ago: judging is still suspended.", 0 },
	{ "blindness_that_is_over", "doubt blind", "everywhere", STATUS_BAD,
	  "Nothing could be seen until a short while ago: judging is still suspended.", 0 },
	{ "an_overflow", "doubt overflow", "everywhere", STATUS_NOTE,
	  "A decoy's queue of connections overflowed: evidence is not counted for half an hour.", 0 },
	{ "a_clock_that_was_moved", "doubt clock_step", "everywhere", STATUS_NOTE,
	  "The system's clock was moved: evidence is not counted for half an hour.", 0 },
	{ "a_beginning", "doubt start_grace", "everywhere", STATUS_NOTE,
	  "Just started: evidence does not count yet.", 0 },
	{ "a_full_table", "doubt table_full", "everywhere", STATUS_BAD,
	  "The table of senders is full: evidence is not counted (limits { senders } makes it larger).", 0 },
	{ "a_real_mx_without_strangers", "real 198.51.100.20", "unseen for a day, last SYN 0", STATUS_NOTE,
	  "Nobody has been seen at the real MX mx1.example.org for a day: does its traffic pass this host? If not, set "
	  "witness = \"none\" or watch another interface.", 0 },
	{ "a_real_mx_of_two_addresses", "real 2001:db8::21", "down, last SYN 1", STATUS_BAD,
	  "The real MX mx2.example.org (2001:db8::21) has not answered: judging is suspended.", 0 },
};

static void
is_said(void **state)
{
	const struct one *one = *state;

	begin();
	config.firewall = strcmp(one->row, "firewall") == 0;
	tell(one->row, one->value);
	config.firewall = false;
	assert_first(one->level, one->text);
	assert_int_equal(facts[0].since_s, one->since_s);
	assert_int_equal(n_facts, 1);
}

static void
a_firewall_that_is_not_configured_is_not_off(void **state)
{
	(void)state;
	begin();
	tell("firewall", "off");
	assert_first(STATUS_GOOD, "All is well.");
}

static void
rows_that_cannot_be_true_are_told(void **state)
{
	(void)state;
	begin();
	tell("rows_bad", "1");
	assert_first(STATUS_BAD, "1 row of the database cannot be true and is skipped: is the disk sound? Restart mxtrapd: it checks the "
	    "file.");
	tell("rows_bad", "17");
	assert_first(STATUS_BAD, "17 rows of the database cannot be true and are skipped: is the disk sound? Restart mxtrapd: it checks "
	    "the file.");
}

/* For a week, or until somebody has removed the file; then as long as one lies there. */
static void
what_was_saved_of_a_damaged_database_is_told_until_its_file_is_gone(void **state)
{
	char dir[] = "/tmp/mxtrap-status-XXXXXX", file[64], day[24];
	char *before = config.state_dir;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/mxtrap.db.corrupt-1790000100", dir);
	config.state_dir = dir;
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	for (int age = 0; age < 9; age += 8) {
		begin();
		(void)snprintf(day, sizeof(day), "%lld", NOW - 7200 - age * 86400LL);
		tell("was_corrupt", "yes");
		tell("damage_s", day);
		tell("damage_file", "mxtrap.db.corrupt-1790000100");
		tell("damage_saved", "allowances 5 (from mxtrap.keep), tokens 2");
		tell("damage_lost", "listings, history");
		status_look(&status, REPORT_OK, false);
		status.stored.state = STORED_OK;
		if (age == 0)
			assert_first(STATUS_BAD, "The database was damaged (12:02 UTC): saved: allowances 5 (from mxtrap.keep), tokens 2; not "
			    "saved: listings, history. Remove mxtrap.db.corrupt-1790000100 when you have seen this.");
		else
			look();
		assert_int_equal(facts[0].level, age == 0 ? STATUS_BAD : STATUS_NOTE);
		assert_non_null(strstr(sentence(0), "mxtrap.db.corrupt-1790000100"));
		if (age != 0)
			continue;
		/* More than has room: whole items, and a word that there are more. */
		tell("damage_saved", "allowances 2 (from mxtrap.keep), listings by hand 1 (from mxtrap.keep), tokens 2 (from mxtrap.keep), "
		    "audit rows 5 (from mxtrap.keep), the newest history");
		tell("damage_lost", "part of the audit rows, foreign mail, correspondents, doubts, listings, listings of hosts, order memory, "
		    "senders, history");
		assert_first(STATUS_BAD, "The database was damaged (12:02 UTC): saved: allowances 2 (from mxtrap.keep), listings by hand 1 "
		    "(from mxtrap.keep), tokens 2 (from mxtrap.keep), and more; not saved: part of the audit rows, foreign mail, "
		    "correspondents, doubts, listings, listings of hosts, order memory, and more. Remove mxtrap.db.corrupt-1790000100 when "
		    "you have seen this.");
	}
	assert_int_equal(unlink(file), 0);
	begin();
	(void)snprintf(day, sizeof(day), "%lld", NOW - 7200LL);
	tell("damage_s", day);
	tell("damage_file", "mxtrap.db.corrupt-1790000100");
	status_look(&status, REPORT_OK, false);
	status.stored.state = STORED_OK;
	assert_first(STATUS_GOOD, "All is well.");
	assert_int_equal(rmdir(dir), 0);
	config.state_dir = before;
}

/* -- more than one row -- */

static void
nothing_wrong_is_all_well(void **state)
{
	static const struct row rows[] = {
		{ "real 198.51.100.20", "up, last SYN 1790001000" }, { "capture eth0", "capturing, 12 frames, 0 dropped" },
		{ "doubt real_down", "no" }, { "doubt drops", "no" }, { "alarm 1", "" }, { "complaint 1", "" },
		{ "process watch", "pid 812, since 1790000000, started again 0 times" }, { "disk_full", "no" },
		{ "firewall", "up" }, { "ring_drops", "17" }, { "frames", "1000000" }, { "layout_since", "1780000000" },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tell(rows[i].name, rows[i].value);
	assert_first(STATUS_GOOD, "All is well.");
	assert_int_equal(n_facts, 1);
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
	assert_first(STATUS_BAD, "The real MX mx1.example.org has not answered since 10:42 UTC: judging is suspended.");
	assert_int_equal(facts[0].since_s, NOW - 12000);
	assert_int_equal(n_facts, 1);
}

static void
a_restart_of_watch_does_not_hide_since_when_it_is_down(void **state)
{
	(void)state;
	begin();
	note(NOTE_REAL_DOWN, 1, NOW - 12000);
	note(NOTE_START, UINT32_MAX, NOW - 600);
	tell("real 198.51.100.20", "down, last SYN 1790001000");
	assert_first(STATUS_BAD, "The real MX mx1.example.org has not answered since 10:42 UTC: judging is suspended.");
}

static void
a_time_of_another_day_has_its_date(void **state)
{
	(void)state;
	begin();
	note(NOTE_REAL_DOWN, 1, NOW - 2 * 86400);
	tell("real 198.51.100.20", "down, last SYN 1790001000");
	assert_first(STATUS_BAD, "The real MX mx1.example.org has not answered since 2026-09-19 14:02 UTC: judging is suspended.");
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
	assert_first(STATUS_BAD, "Capture lost 3 % of the packets: evidence is not counted.");
}

static void
a_few_lost_long_ago_do_not_make_the_loss_of_now_small(void **state)
{
	(void)state;
	begin();
	tell("doubt drops", "everywhere");
	tell("frames", "1000000");
	tell("ring_drops", "20");
	assert_first(STATUS_BAD, "Capture lost more than 1 % of the packets of half an hour: evidence is not counted.");
}

static void
a_new_ladder_says_until_when(void **state)
{
	(void)state;
	begin();
	tell("doubt new_layout", "everywhere");
	tell("layout_since", "1789998600");
	assert_first(STATUS_NOTE, "The ladder is new: nobody is judged before 2026-09-23 14:50 UTC, because senders may still know the old one.");
}

static void
a_silent_daemon_comes_with_how_long(void **state)
{
	(void)state;
	begin();
	status.watched.last_s = NOW - 40;
	assert_first(STATUS_BAD, "mxtrapd has been silent for 40 seconds: nothing is watched.");
	assert_int_equal(facts[0].since_s, NOW - 40);
	begin();
	status.watched.last_s = NOW - 1800;
	assert_first(STATUS_BAD, "mxtrapd has been silent for 30 minutes: nothing is watched, and consumers get an empty list.");
	assert_int_equal(status.published.state, PUBLISHED_SILENT);
	begin();
	tell("stopped", "1789999319");
	assert_first(STATUS_BAD, "mxtrapd has been stopped since 14:01 UTC: nothing is watched.");
	begin();
	status.watched.last_s = 0;
	assert_first(STATUS_BAD, "mxtrapd has not written its state yet: nothing is watched.");
}

static void
a_full_disk_is_no_silence(void **state)
{
	(void)state;
	begin();
	status.watched.last_s = NOW - 40;
	status.stored.state = STORED_FULL;
	assert_first(STATUS_BAD, "The disk of /nonexistent is full (0 KiB are free): what is seen is judged, but not stored. mxtrapd "
	    "could not write its state for 40 seconds: whether it runs is not known.");
	assert_int_equal(status.watched.state, WATCHED_UNKNOWN);
	assert_int_equal(n_facts, 1);
}

static void
a_database_that_cannot_be_read_is_all_that_is_said(void **state)
{
	static const struct { enum stored stored; const char *part; } rows[] = {
		{ STORED_ABSENT, "There is no database" }, { STORED_REMOVED, "was removed" }, { STORED_EMPTY, "it has no bytes" },
		{ STORED_DAMAGED, "is damaged" }, { STORED_FORBIDDEN, "may not be read" }, { STORED_NEWER, "of a newer mxtrap" },
		{ STORED_OLDER, "of an older mxtrap" }, { STORED_BUSY, "cannot be read at the moment" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		tell("process decoy", "not running, started again 3 times");
		status.stored.state = rows[i].stored;
		look();
		assert_int_equal(n_facts, 1);
		assert_int_equal(facts[0].level, STATUS_BAD);
		assert_non_null(strstr(sentence(0), rows[i].part));
		assert_false(status_readable(&status));
	}
}

/* The group is right: then it is the user who is not in it. */
static void
who_may_not_read_is_told_what_helps(void **state)
{
	(void)state;
	begin();
	status.stored.state = STORED_FORBIDDEN;
	(void)snprintf(status.stored.path, sizeof(status.stored.path), "/x/mxtrap.db");
	(void)snprintf(status.stored.why, sizeof(status.stored.why), "owner mxtrap, group mxtrap, mode 0640");
	assert_first(STATUS_BAD, "/x/mxtrap.db may not be read by this user (owner mxtrap, group mxtrap, mode 0640): expected root or one "
	    "of the group mxtrap (adduser NAME mxtrap, then log in again).");
	begin();
	status.stored.state = STORED_FORBIDDEN;
	(void)snprintf(status.stored.path, sizeof(status.stored.path), "/x/mxtrap.db");
	(void)snprintf(status.stored.why, sizeof(status.stored.why), "owner root, group root, mode 0640");
	assert_first(STATUS_BAD, "/x/mxtrap.db may not be read by this user (owner root, group root, mode 0640): expected it to be of "
	    "mxtrap:mxtrap (chown -R mxtrap:mxtrap on the state directory).");
}

static void
a_database_that_was_there_is_gone_and_not_yet_to_come(void **state)
{
	char dir[] = "/tmp/mxtrap-status-XXXXXX", file[64];
	char *before = config.state_dir;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/mxtrap.keep", dir);
	config.state_dir = dir;
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	begin();
	status.stored.state = STORED_ABSENT;
	(void)snprintf(status.stored.path, sizeof(status.stored.path), "/x/mxtrap.db");
	assert_first(STATUS_BAD, "The database /x/mxtrap.db is gone, and there was one. Start mxtrapd (systemctl start mxtrapd) to begin a "
	    "new one with what was kept beside it, or put a backup back (mxtrap restore FILE).");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	config.state_dir = before;
}

static void
observing_only_is_said(void **state)
{
	(void)state;
	begin();
	config.publish = false;
	look();
	config.publish = true;
	assert_string_equal(sentence(0), "Observing only: nothing is published, and consumers get an empty list (publish = no).");
	assert_int_equal(facts[0].level, STATUS_NOTE);
	assert_int_equal(status.published.state, PUBLISHED_OFF);
}

static void
a_young_database_says_when_the_list_may_leave(void **state)
{
	uint32_t was = config.publish_after_s;

	(void)state;
	begin();
	status.list.created_s = NOW;
	config.publish_after_s = 86400;
	assert_first(STATUS_NOTE, "Nothing is published before 2026-09-22 14:02 UTC: the database is too young (publish-after).");
	assert_int_equal(status.published.state, PUBLISHED_YOUNG);
	config.publish_after_s = was;
}

static void
a_list_that_is_held_asks_for_a_look(void **state)
{
	(void)state;
	begin();
	status.list.n_listed = 1750;
	tell("publish", "held 10 1789987320");
	assert_first(STATUS_BAD, "The list grew from 10 to 1750: senders listed since 10:42 UTC are held back. Look at them, then "
	    "`mxtrap publish --accept`.");
	assert_int_equal(status.published.n_held, 1740);
}

static struct consumer_row
fetched(const char *what, int64_t ago_s, uint64_t serial)
{
	struct consumer_row row = { .who = "edge-1", .last_s = NOW - ago_s, .generation = 7, .serial = serial, .n = 1 };

	(void)snprintf(row.what, sizeof(row.what), "%s", what);
	return row;
}

static void
who_takes_the_list_is_part_of_well(void **state)
{
	struct consumer_row row;

	(void)state;
	begin();
	status.list.n_listed = 123;
	status.list.generation = 7;
	status.list.serial = 9;
	assert_first(STATUS_NOTE, "123 senders are listed, and no consumer has fetched the list yet: nobody is blocked.");
	status.list.created_s = NOW - 90000;
	assert_first(STATUS_NOTE, "123 senders are listed, and no consumer has fetched the list yet: nobody is blocked.");
	row = fetched("api", 1, 9);	/* who looks blocks nobody */
	assert_true(status_consumer(&status, &row));
	look();
	assert_int_equal(facts[0].kind, STATUS_NO_CONSUMER);
	row = fetched("plain", 901, 8);
	assert_true(status_consumer(&status, &row));
	assert_first(STATUS_NOTE, "1 document that consumers fetched is over 15 minutes old and not the newest: see `mxtrap consumers`.");
	status.fetched.behind = 0;
	assert_first(STATUS_GOOD, "All is well.");
	status.list.created_s = NOW - 2 * 86400;
	status.fetched.newest_s = NOW - 86401;
	assert_first(STATUS_NOTE, "The list is published and nobody has fetched it for a day (see `mxtrap consumers`).");
	status.fetched.own = true;
	assert_first(STATUS_GOOD, "All is well.");
}

static void
mail_at_risk_and_blindness_of_late_are_not_quiet(void **state)
{
	(void)state;
	begin();
	status.at_risk = 67;
	assert_first(STATUS_NOTE, "67 senders may be mail servers whose mail did not arrive: see `mxtrap risk`.");
	begin();
	note(NOTE_BLIND, UINT32_MAX, NOW - 600);
	assert_first(STATUS_NOTE, "Nothing was seen for a while, until 13:52 UTC.");
	begin();
	note(NOTE_BLIND, UINT32_MAX, NOW - 1000);
	assert_first(STATUS_GOOD, "All is well.");
}

static void
a_replay_says_that_it_is_one(void **state)
{
	(void)state;
	begin();
	status.list.clock_s = NOW;
	assert_first(STATUS_NOTE, "This is a replay, as of 14:02 UTC: nothing is watched.");
	assert_int_equal(status.published.state, PUBLISHED_YES);
}

/* -- nobody can be listed -- */

static void
an_interface_that_shows_nothing_of_ours_is_not_well(void **state)
{
	(void)state;
	begin();
	tell("capture eth1", "capturing, 0 frames, 0 dropped, opened again 0 times");
	assert_first(STATUS_NOTE, "No packet of the ladder's addresses has been seen on eth1 since mxtrapd started: nobody can be listed "
	    "before one is.");
	assert_false(status_nobody_listed(&status));
	tell("unproven_accepts", "3");
	assert_first(STATUS_BAD, "Nobody can be listed, because eth1 shows no packet of the ladder's addresses, while decoys took 3 "
	    "connections: is `interface` right?");
	assert_true(status_nobody_listed(&status));
	tell("instead eth1", "19 frames: 19 not IP (ARP)");
	assert_first(STATUS_BAD, "Nobody can be listed, because eth1 shows no packet of the ladder's addresses, while decoys took 3 "
	    "connections: is `interface` right? eth1 shows 19 frames: 19 not IP (ARP).");
	tell("capture eth0", "capturing, 12 frames, 0 dropped, opened again 0 times");
	assert_first(STATUS_GOOD, "All is well.");
}

static void
target(uint32_t i, enum role role, uint64_t attempts, uint64_t silent)
{
	const struct report_target row = { .target = i, .role = (uint8_t)role, .attempts_today = attempts, .silent_today = silent,
		.last_s = attempts > 0 ? NOW - 5 : 0 };

	assert_true(status_target(&status, &row));
}

static void
a_wire_without_any_answer_is_not_well(void **state)
{
	(void)state;
	begin();
	target(0, ROLE_NOLISTING, 4, 4);
	target(1, ROLE_REAL, 1, 1);
	look();
	assert_int_equal(facts[0].kind, STATUS_UNANSWERED);
	assert_true(status_nobody_listed(&status));
	target(2, ROLE_REAL, 1, 0);
	look();
	assert_int_equal(n_facts, 1);
	assert_int_equal(facts[0].kind, STATUS_WELL);
}

static void
the_worst_comes_first_and_the_rest_behind_it(void **state)
{
	(void)state;
	begin();
	status.at_risk = 1;
	tell("doubt start_grace", "everywhere");
	tell("disk_full", "yes");
	tell("process decoy", "not running, started again 1 times");
	look();
	assert_int_equal(n_facts, 4);
	assert_int_equal(facts[0].level, STATUS_BAD);
	assert_non_null(strstr(sentence(0), "disk"));
	assert_non_null(strstr(sentence(1), "decoy"));
	assert_non_null(strstr(sentence(2), "started"));
	assert_non_null(strstr(sentence(3), "mail servers"));
}

static void
very_much_trouble_is_bounded(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 1000; i++) {
		char name[64];

		tell("complaint 1", "one more");
		tell("alarm 1", "198.51.100.10 is silent, since 1");
		(void)snprintf(name, sizeof(name), "real 198.51.100.%d", i % 250);
		tell(name, "down");
		tell("process decoy", "not running, started again 1 times");
		tell("capture eth0", "not capturing since 1789986600");
		note(NOTE_REAL_DOWN, (uint32_t)i, NOW);
	}
	look();
	assert_int_equal(n_facts, STATUS_FACTS);
}

static void
odd_values_are_taken_for_nothing_worse(void **state)
{
	static const struct row rows[] = {
		{ "alarm 1", "nothing" }, { "alarm 2", "" }, { "real nonsense", "up" }, { "capture eth0", "" },
		{ "process x", "" }, { "doubt unheard_of", "everywhere" }, { "frames", "many" }, { "", "" },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tell(rows[i].name, rows[i].value);
	assert_first(STATUS_GOOD, "All is well.");
}

int
main(void)
{
#define N_ONES (sizeof(ones) / sizeof(ones[0]))
	static struct CMUnitTest tests[N_ONES + 32];
	static const struct CMUnitTest rest[] = {
		cmocka_unit_test(a_firewall_that_is_not_configured_is_not_off),
		cmocka_unit_test(rows_that_cannot_be_true_are_told),
		cmocka_unit_test(what_was_saved_of_a_damaged_database_is_told_until_its_file_is_gone),
		cmocka_unit_test(nothing_wrong_is_all_well),
		cmocka_unit_test(a_real_mx_that_is_down_says_since_when),
		cmocka_unit_test(a_restart_of_watch_does_not_hide_since_when_it_is_down),
		cmocka_unit_test(a_time_of_another_day_has_its_date),
		cmocka_unit_test(lost_packets_are_told_in_percent),
		cmocka_unit_test(a_few_lost_long_ago_do_not_make_the_loss_of_now_small),
		cmocka_unit_test(a_new_ladder_says_until_when),
		cmocka_unit_test(a_silent_daemon_comes_with_how_long),
		cmocka_unit_test(a_full_disk_is_no_silence),
		cmocka_unit_test(a_database_that_cannot_be_read_is_all_that_is_said),
		cmocka_unit_test(who_may_not_read_is_told_what_helps),
		cmocka_unit_test(a_database_that_was_there_is_gone_and_not_yet_to_come),
		cmocka_unit_test(observing_only_is_said),
		cmocka_unit_test(a_young_database_says_when_the_list_may_leave),
		cmocka_unit_test(a_list_that_is_held_asks_for_a_look),
		cmocka_unit_test(who_takes_the_list_is_part_of_well),
		cmocka_unit_test(mail_at_risk_and_blindness_of_late_are_not_quiet),
		cmocka_unit_test(a_replay_says_that_it_is_one),
		cmocka_unit_test(an_interface_that_shows_nothing_of_ours_is_not_well),
		cmocka_unit_test(a_wire_without_any_answer_is_not_well),
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
	failed = _cmocka_run_group_tests("status", tests, n, NULL, NULL);
	config_free(&config);
	return failed;
}
