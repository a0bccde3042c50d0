/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_export.c - what leaves: the formats, byte by byte, the publish gate, and what never leaves.
 *
 * tests/export/ holds what each format must look like; @NAMES@ in it stand for what
 * differs from one database to the next.
 */
#include "store_support.h"

#include <inttypes.h>

#include "mxtrap/export.h"
#include "mxtrap/never.h"
#include "mxtrap/json.h"

#define CONF_AT(net)								\
	"state-dir = \"/nowhere\"\n"						\
	"mx-set \"example.org\" {\n"						\
	"    domains = { \"example.org\" }\n"					\
	"    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"" net ".10\" } }\n" \
	"    exchanger \"mx1.example.org\" { preference = 20 role = \"real\"\n"	\
	"        addresses = { \"" net ".20\", \"2001:db8:77::20\" } }\n"	\
	"    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" addresses = { \"" net ".30\" } }\n" \
	"}\n"									\
	"control-addresses = { \"" net ".99\" }\n"
#define CONF_HEAD CONF_AT("203.0.113")
#define CONF_OPEN CONF_HEAD "publish = yes\npublish-after = \"0s\"\nallow { special-purpose = no }\n"

static void
load(struct config *config, const char *text)
{
	assert_int_equal(config_parse(config, "test.conf", text), 0);
}

/* A database whose list holds these; NULL ends. */
static void
list(const struct bench_dir *d, const struct change_row *rows, size_t n)
{
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);

	for (size_t i = 0; i < n; i++)
		k.change(k.ctx, &rows[i]);
	assert_true(store_sync(s));
	store_close(s);
}

static struct change_row
listed(const char *text)
{
	return support_change(text, STATE_UNKNOWN, STATE_LISTED);
}

/* Caller frees. */
static char *
render(const struct bench_dir *d, const char *format, const char *conf, int64_t now_s, struct export_summary *summary,
    enum export_result expected)
{
	struct report *r = support_report(d);
	struct config config;
	char *bytes = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&bytes, &size);

	assert_non_null(file);
	load(&config, conf);
	assert_int_equal(export_write(file, export_format_find(format), r, &config, now_s, summary), expected);
	assert_int_equal(fclose(file), 0);
	config_free(&config);
	report_close(r);
	return bytes;
}

static void
replace(char *text, size_t size, const char *what, const char *with)
{
	char *at;

	while ((at = strstr(text, what)) != NULL) {
		char *rest = strdup(at + strlen(what));

		assert_non_null(rest);
		(void)snprintf(at, size - (size_t)(at - text), "%s%s", with, rest);
		free(rest);
	}
}

/* What the golden file says, for this state. */
static void
golden(const char *name, const struct report_state *state, char *text, size_t size)
{
	char path[128], value[64];
	time_t changed = (time_t)state->changed_s;
	struct tm tm;
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof path, "tests/export/%s", name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s: run me from the top of the tree", path);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	(void)snprintf(value, sizeof value, "%016" PRIx64, state->generation);
	replace(text, size, "@GENERATION@", value);
	(void)snprintf(value, sizeof value, "%" PRIu64, state->serial);
	replace(text, size, "@SERIAL@", value);
	(void)snprintf(value, sizeof value, "%" PRId64, state->changed_s);
	replace(text, size, "@CHANGED_S@", value);
	assert_non_null(gmtime_r(&changed, &tm));
	assert_true(strftime(value, sizeof value, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	replace(text, size, "@CHANGED@", value);
}

/* Listed: an address, one that relapsed with more reasons, a /64, a single address of a /64; and one that expired,
 * a suspect, one of ours, all three of which never leave. */
static void
fill(const struct bench_dir *d)
{
	struct change_row rows[] = {
		listed("192.0.2.7"), listed("198.51.100.9"), listed("2001:db8:1:2::3"), listed("2001:db8:5:6::9"),
		listed("192.0.2.8"), support_change("192.0.2.9", STATE_UNKNOWN, STATE_SUSPECT), listed("203.0.113.20"),
	};
	struct addr single = support_addr("2001:db8:5:6::9");

	rows[1].kinds = 1 << EVIDENCE_BACKUP_FIRST | 1 << EVIDENCE_EARLY_TALKER | 1 << EVIDENCE_SKIPPED_NOLISTING;
	rows[1].grade = GRADE_ADDRESSED;
	rows[1].term_days = 2;
	rows[1].score = 13.0f;
	rows[3].what = prefix_of(&single, 128);
	rows[4].expires_s = NOW_S;
	list(d, rows, sizeof rows / sizeof rows[0]);
}

static void
matches_its_golden_file(const struct bench_dir *d, const char *format, const char *name)
{
	struct export_summary summary;
	char *text, want[8192];

	fill(d);
	text = render(d, format, CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	golden(name, &summary.state, want, sizeof want);
	assert_string_equal(text, want);
	assert_int_equal(summary.written, 4);
	free(text);
}

static void
plain_is_one_address_a_line(void **state)
{
	matches_its_golden_file(*state, "plain", "list.plain");
}

static void
ndjson_is_one_object_a_line_and_the_metadata_last(void **state)
{
	matches_its_golden_file(*state, "ndjson", "list.ndjson");
}

static void
csv_has_a_heading_and_the_same_members(void **state)
{
	matches_its_golden_file(*state, "csv", "list.csv");
}

static void
nftables_has_three_exact_sets_with_timeouts(void **state)
{
	matches_its_golden_file(*state, "nftables", "list.nft");
}

static void
empty_is_still_a_document(const struct bench_dir *d, const char *format, const char *name)
{
	struct export_summary summary;
	char *text, want[8192];

	list(d, NULL, 0);
	text = render(d, format, CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	golden(name, &summary.state, want, sizeof want);
	assert_string_equal(text, want);
	assert_int_equal(summary.written, 0);
	free(text);
}

static void
an_empty_plain_list_has_a_comment(void **state)
{
	empty_is_still_a_document(*state, "plain", "empty.plain");
}

static void
an_empty_ndjson_list_has_its_metadata(void **state)
{
	empty_is_still_a_document(*state, "ndjson", "empty.ndjson");
}

static void
an_empty_csv_list_has_its_heading(void **state)
{
	empty_is_still_a_document(*state, "csv", "empty.csv");
}

static void
an_empty_nftables_list_flushes_the_sets(void **state)
{
	empty_is_still_a_document(*state, "nftables", "empty.nft");
}

static void
what_never_leaves_is_counted(void **state)
{
	struct bench_dir *d = *state;
	struct export_summary summary;

	fill(d);
	free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
	/* Ours.  What expired may be dropped before it comes here, or here. */
	assert_true(summary.withheld >= 1 && summary.withheld <= 2);
}

static void
an_expired_entry_never_leaves(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct export_summary summary;
	char *text;

	list(d, &row, 1);
	text = render(d, "plain", CONF_OPEN, row.expires_s - 1, &summary, EXPORT_OK);
	assert_non_null(strstr(text, "\n192.0.2.7\n"));
	free(text);
	text = render(d, "plain", CONF_OPEN, row.expires_s, &summary, EXPORT_OK);
	assert_null(strstr(text, "192.0.2.7"));
	free(text);
}

static void
gone(const struct bench_dir *d, const char *conf, const char *text)
{
	struct change_row row = listed(text);
	struct export_summary summary;
	char *out;

	list(d, &row, 1);
	out = render(d, "plain", conf, NOW_S, &summary, EXPORT_OK);
	assert_null(strstr(out, text));
	assert_int_equal(summary.written, 0);
	assert_int_equal(summary.withheld, 1);
	free(out);
}

static void
a_control_address_never_leaves(void **state)
{
	gone(*state, CONF_OPEN, "203.0.113.99");
}

static void
a_decoy_never_leaves(void **state)
{
	gone(*state, CONF_OPEN, "203.0.113.30");
}

static void
a_slash_64_with_an_address_of_ours_never_leaves(void **state)
{
	gone(*state, CONF_OPEN, "2001:db8:77::666");
}

static void
a_special_purpose_address_never_leaves(void **state)
{
	/* Decoys on public addresses: documentation addresses are special, and refused for decoys. */
	gone(*state, CONF_AT("11.0.0") "publish = yes\npublish-after = \"0s\"\n", "192.0.2.7");
}

static void
an_address_allowed_by_the_configuration_never_leaves(void **state)
{
	gone(*state, CONF_HEAD "publish = yes\npublish-after = \"0s\"\n"
	    "allow { special-purpose = no  addresses = { \"198.18.0.0/15\" } }\n", "198.19.1.2");
}

static void
own_event(const struct bench_dir *d, enum event_kind kind, const char *address, unsigned why)
{
	struct addr a = support_addr(address);
	struct event e = { .time_us = NOW_US, .kind = (uint8_t)kind, .what = prefix_of(&a, 128), .value = why,
		.target = UINT32_MAX };
	struct store *s = support_open(d, NULL);

	store_event(s, &e, "", "");
	assert_true(store_sync(s));
	store_close(s);
}

/* The listing is in the database, as if judging and listing had both let it through. */
static void
an_address_of_the_host_itself_never_leaves_while_it_is_its_own(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct export_summary summary;

	list(d, &row, 1);
	for (unsigned why = NEVER_OWN; why <= NEVER_RESOLVER; why <<= 1) {
		own_event(d, EVENT_NEVER, "192.0.2.7", why);
		free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
		assert_int_equal(summary.written, 0);
		assert_int_equal(summary.withheld, 1);
	}
	own_event(d, EVENT_NEVER, "192.0.2.7", 0);
	free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
	assert_int_equal(summary.written, 1);
	own_event(d, EVENT_NEVER, "192.0.2.7", NEVER_OWN);
	own_event(d, EVENT_START, "::", 0);
	free(render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK));
	assert_int_equal(summary.written, 1);
}

static void
an_address_allowed_by_hand_never_leaves(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct prefix what;
	struct export_summary summary;
	struct store *s;
	char *text;

	list(d, &row, 1);
	s = support_open(d, NULL);
	assert_true(prefix_parse(&what, "192.0.2.0/24"));
	assert_true(store_allow(s, &what, NOW_S + 100, "admin", "a friend"));
	store_close(s);
	text = render(d, "plain", CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	assert_null(strstr(text, "192.0.2.7"));
	assert_int_equal(summary.withheld, 1);
	free(text);
	/* And only as long as it is allowed. */
	text = render(d, "plain", CONF_OPEN, NOW_S + 101, &summary, EXPORT_OK);
	assert_non_null(strstr(text, "192.0.2.7"));
	free(text);
}

static void
nothing_leaves_unless_publish_is_yes(void **state)
{
	struct bench_dir *d = *state;
	static const char *const formats[] = { "plain", "ndjson", "csv", "nftables" };

	fill(d);
	for (size_t i = 0; i < 4; i++) {
		struct export_summary summary;
		char *text = render(d, formats[i], CONF_HEAD "allow { special-purpose = no }\n", NOW_S, &summary,
		    EXPORT_UNPUBLISHED);

		assert_null(strstr(text, "192.0.2.7"));
		assert_non_null(strstr(summary.why, "publish = yes"));
		assert_int_equal(summary.written, 0);
		assert_int_equal(summary.withheld, summary.state.n_listed);
		/* The reader is told why, wherever the format has room for words. */
		if (strcmp(formats[i], "csv") != 0)
			assert_non_null(strstr(text, "publish = yes"));
		free(text);
	}
}

static void
nothing_leaves_before_publish_after(void **state)
{
	struct report_state st = { .created_s = 1000000 };
	struct config config;
	char why[160];

	(void)state;
	load(&config, CONF_HEAD "publish = yes\npublish-after = \"24h\"\nallow { special-purpose = no }\n");
	assert_false(export_gate(&config, &st, 1000000 + 86399, why));
	assert_non_null(strstr(why, "1970-01-13T13:46:40Z"));
	assert_true(export_gate(&config, &st, 1000000 + 86400, why));
	assert_string_equal(why, "");
	config_free(&config);
}

static void
after_a_replay_its_own_clock_counts(void **state)
{
	struct report_state st = { .created_s = 1000000, .clock_s = 1000000 + 3600 };
	struct config config;
	char why[160];

	(void)state;
	load(&config, CONF_HEAD "publish = yes\npublish-after = \"24h\"\nallow { special-purpose = no }\n");
	assert_false(export_gate(&config, &st, 1000000 + 2 * 86400, why));
	st.clock_s = 1000000 + 86400;
	assert_true(export_gate(&config, &st, 0, why));
	config_free(&config);
}

static void
a_replay_exports_the_state_at_its_end(void **state)
{
	struct bench_dir *d = *state;
	struct change_row row = listed("192.0.2.7");
	struct store *s;
	struct export_summary summary;
	char *text;

	list(d, &row, 1);
	s = support_open(d, NULL);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	/* However long ago it was. */
	text = render(d, "nftables", CONF_OPEN, NOW_S + 10 * 86400, &summary, EXPORT_OK);
	assert_non_null(strstr(text, "192.0.2.7 timeout 86400s"));
	free(text);
}

static void
nft_takes_it(const struct bench_dir *d, const struct change_row *rows, size_t n)
{
	struct export_summary summary;
	char path[160], command[640], *text;
	FILE *file;

	if (geteuid() != 0 || system("unshare -n nft -c list tables >/dev/null 2>&1") != 0)
		skip();
	list(d, rows, n);
	text = render(d, "nftables", CONF_OPEN, NOW_S, &summary, EXPORT_OK);
	(void)snprintf(path, sizeof path, "%s/list.nft", d->path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	free(text);
	assert_int_equal(summary.written, n);
	/* Twice for real, in a network of its own: a second time must replace, not collide. */
	(void)snprintf(command, sizeof command, "unshare -n sh -c 'nft -c -f %s && nft -f %s && nft -f %s'", path, path, path);
	assert_int_equal(system(command), 0);
}

static void
nft_takes_an_empty_list(void **state)
{
	nft_takes_it(*state, NULL, 0);
}

static void
nft_takes_more_than_a_chunk_of_each_kind(void **state)
{
	enum { N = 2500 };
	struct change_row *rows = calloc(3 * N, sizeof *rows);
	char text[64];

	assert_non_null(rows);
	for (unsigned i = 0; i < N; i++) {
		struct addr single;

		(void)snprintf(text, sizeof text, "198.18.%u.%u", i / 256, i % 256);
		rows[3 * i] = listed(text);
		(void)snprintf(text, sizeof text, "2001:db8:1:%x::1", i);
		rows[3 * i + 1] = listed(text);
		(void)snprintf(text, sizeof text, "2001:db8:2:%x::1", i);
		rows[3 * i + 2] = listed(text);
		single = support_addr(text);
		rows[3 * i + 2].what = prefix_of(&single, 128);
	}
	nft_takes_it(*state, rows, 3 * N);
	free(rows);
}

static void
a_format_is_found_by_its_name(void **state)
{
	const struct export_format *f;
	size_t n = 0;

	(void)state;
	for (; (f = export_format_at(n)) != NULL; n++) {
		assert_ptr_equal(export_format_find(f->name), f);
		assert_non_null(strchr(f->media_type, '/'));
	}
	assert_int_equal(n, 4);
	assert_null(export_format_find("pdf"));
	assert_null(export_format_find(""));
}

static void
only_formats_with_times_or_sums_of_now_are_relative(void **state)
{
	(void)state;
	assert_false(export_format_find("plain")->relative);
	assert_true(export_format_find("nftables")->relative);
	assert_true(export_format_find("ndjson")->relative);
	assert_true(export_format_find("csv")->relative);
}

static void
a_csv_row_with_everything_fits(void **state)
{
	struct report_entry e = { .score = -2.999f, .hint = 20.0f, .first_seen_s = UINT32_MAX, .last_seen_s = UINT32_MAX,
		.since_s = UINT32_MAX, .expires_s = UINT32_MAX, .kinds = (1 << EVIDENCE_N_KINDS) - 1, .state = STATE_UNKNOWN,
		.klass = CLASS_SCANNER, .grade = GRADE_ADDRESSED };
	char buf[EXPORT_CSV_SIZE];
	size_t n;

	(void)state;
	assert_true(prefix_parse(&e.what, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"));
	n = export_entry_csv(&e, buf);
	assert_true(n < 450);
	assert_int_equal(buf[n - 1], '\n');
	buf[n] = '\0';
	assert_non_null(strstr(buf, ",unknown,-3.00,20.00,addressed,scanner,backup_first descended "));
	assert_non_null(strstr(buf, " by_hand,4294967295,"));
}

static void
a_full_disk_is_an_error(void **state)
{
	struct bench_dir *d = *state;
	struct export_summary summary;
	struct report *r;
	struct config config;
	FILE *file;

	fill(d);
	r = support_report(d);
	load(&config, CONF_OPEN);
	file = fopen("/dev/full", "w");
	assert_non_null(file);
	assert_int_equal(export_write(file, export_format_find("plain"), r, &config, NOW_S, &summary), EXPORT_ERROR);
	(void)fclose(file);
	config_free(&config);
	report_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(plain_is_one_address_a_line),
		store_test(ndjson_is_one_object_a_line_and_the_metadata_last),
		store_test(csv_has_a_heading_and_the_same_members),
		store_test(nftables_has_three_exact_sets_with_timeouts),
		store_test(an_empty_plain_list_has_a_comment),
		store_test(an_empty_ndjson_list_has_its_metadata),
		store_test(an_empty_csv_list_has_its_heading),
		store_test(an_empty_nftables_list_flushes_the_sets),
		store_test(what_never_leaves_is_counted),
		store_test(an_expired_entry_never_leaves),
		store_test(a_control_address_never_leaves),
		store_test(a_decoy_never_leaves),
		store_test(a_slash_64_with_an_address_of_ours_never_leaves),
		store_test(a_special_purpose_address_never_leaves),
		store_test(an_address_allowed_by_the_configuration_never_leaves),
		store_test(an_address_of_the_host_itself_never_leaves_while_it_is_its_own),
		store_test(an_address_allowed_by_hand_never_leaves),
		store_test(nothing_leaves_unless_publish_is_yes),
		cmocka_unit_test(nothing_leaves_before_publish_after),
		cmocka_unit_test(after_a_replay_its_own_clock_counts),
		store_test(a_replay_exports_the_state_at_its_end),
		store_test(nft_takes_an_empty_list),
		store_test(nft_takes_more_than_a_chunk_of_each_kind),
		cmocka_unit_test(a_format_is_found_by_its_name),
		cmocka_unit_test(only_formats_with_times_or_sums_of_now_are_relative),
		cmocka_unit_test(a_csv_row_with_everything_fits),
		store_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
