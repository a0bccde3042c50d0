/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_export.c - what leaves: the formats, byte by byte.
 *
 * tests/export/ holds what each format must look like; @NAMES@ in it stand for what
 * differs from one database to the next.
 */
#include "export_support.h"

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
		assert_true(f->says[0] != '\0' && f->suffix[0] != '\0');
	}
	assert_int_equal(n, 19);
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
	assert_non_null(strstr(buf, " by_hand addressed foreign accepted,4294967295,"));
}

static void
a_full_disk_is_an_error(void **state)
{
	struct bench_dir *d = *state;
	struct export_summary summary;
	struct report *r;
	struct config config;
	FILE *file;

	fill_four(d);
	r = support_report(d);
	load(&config, CONF_OPEN);
	file = fopen("/dev/full", "w");
	assert_non_null(file);
	assert_int_equal(export_write(file, export_format_find("plain"), &(struct export_options){ 0 }, r, &config, NOW_S, &summary), EXPORT_ERROR);
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
		store_test(nft_takes_an_empty_list),
		store_test(nft_takes_more_than_a_chunk_of_each_kind),
		cmocka_unit_test(a_format_is_found_by_its_name),
		cmocka_unit_test(only_formats_with_times_or_sums_of_now_are_relative),
		cmocka_unit_test(a_csv_row_with_everything_fits),
		store_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
