/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_web_geoip.c - the breakdown by country and network, and the files that it is made from.
 */
#include "../support/mmdb.h"
#include "../support/web_harness.h"

#include "../../web/geoip.h"

static struct mmdb_file made;

static const char *
path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	return path;
}

/* Before the server starts: a good file for countries, and one for networks that is none. */
static void
more(char *text, size_t size)
{
	FILE *f = fopen(path_of("asn.mmdb"), "w");

	assert_non_null(f);
	fputs("<html>You have reached your daily limit of downloads</html>\n", f);
	(void)fclose(f);
	mmdb_begin(&made);
	mmdb_country(&made, "203.0.113.0/25", "DE", "Germany");
	mmdb_country(&made, "203.0.113.128/25", "FR", "<b>France</b>");
	mmdb_country(&made, "2001:db8:8::/45", "NL", "Netherlands");
	mmdb_end(&made, path_of("country.mmdb"));
	(void)chmod(path_of("country.mmdb"), 0644);
	(void)snprintf(text, size, "geoip { country = \"%s/country.mmdb\" asn = \"%s/asn.mmdb\" }\n", t.dir, t.dir);
}

static const struct response *
counted(const char *path)
{
	int64_t until = now_ms() + 60000;
	const struct response *a;

	do
		a = get(path);
	while ((a->status != 200 || strstr(a->body, "\"at\":null") != NULL) && now_ms() < until && usleep(20000) == 0);
	assert_status(a, 200);
	return a;
}

static void
the_listed_are_counted_by_country(void **state)
{
	const struct response *a;

	(void)state;
	fill_database();
	a = counted("/api/v1/breakdown?by=country&state=listed");
	assert_has(a->body, "\"available\":true,\"why\":null,\"by\":\"country\",\"state\":\"listed\"");
	assert_has(a->body, "\"rows\":[{\"key\":\"DE\",\"name\":\"Germany\",\"senders\":128},"
	    "{\"key\":\"FR\",\"name\":\"\\u003cb\\u003eFrance\\u003c/b\\u003e\",\"senders\":22}]");
	assert_has(a->body, "\"others\":0,\"unknown\":0");
}

static void
suspects_too_and_who_is_in_no_file_is_unknown(void **state)
{
	const struct response *a = counted("/api/v1/breakdown?state=suspect");

	(void)state;
	assert_has(a->body, "\"rows\":[{\"key\":\"NL\",\"name\":\"Netherlands\",\"senders\":8}],\"others\":0,\"unknown\":22");
}

static void
a_file_that_is_none_is_said_and_serves_on(void **state)
{
	const struct response *a = counted("/api/v1/breakdown?by=asn");

	(void)state;
	assert_has(a->body, "\"available\":false,\"why\":\"");
	assert_has(a->body, "asn.mmdb cannot be read: ");
	assert_has(a->body, "\"rows\":[]");
	assert_status(get("/healthz"), 200);
}

static void
other_words_are_refused(void **state)
{
	(void)state;
	assert_status(get("/api/v1/breakdown?by=city"), 400);
	assert_status(get("/api/v1/breakdown?state=cleared"), 400);
}

/* -- the files by themselves -- */

static bool
find(struct geoip *g, const char *text, uint32_t *key)
{
	struct addr addr;

	assert_true(addr_parse(&addr, text));
	return geoip_find(g, &addr, key);
}

static void
networks_are_found_by_number_in_either_layout(void **state)
{
	char why[GEOIP_WHY_SIZE], key_text[GEOIP_KEY_SIZE], name[GEOIP_NAME_SIZE];
	struct addr addr;
	struct geoip *g;
	uint32_t key = 0;

	(void)state;
	mmdb_begin(&made);
	mmdb_asn(&made, "198.51.100.0/24", 64500, "Example Net");
	mmdb_flat(&made, "192.0.2.0/24", "DE", "AS4200000000", "A very long name of a network that goes on and on, far beyond what "
	    "anybody would put into a table of a page");
	mmdb_flat(&made, "2001:db8::/32", "de", "ASxyz", "");
	mmdb_end(&made, path_of("two.mmdb"));
	g = geoip_open(path_of("two.mmdb"), GEOIP_ASN, why);
	assert_non_null(g);
	assert_true(find(g, "198.51.100.7", &key));
	assert_string_equal(geoip_key(GEOIP_ASN, key, key_text), "AS64500");
	assert_true(find(g, "192.0.2.7", &key));
	assert_string_equal(geoip_key(GEOIP_ASN, key, key_text), "AS4200000000");
	assert_true(addr_parse(&addr, "192.0.2.7"));
	assert_int_equal(strlen(geoip_name(g, &addr, name)), GEOIP_NAME_SIZE - 1);
	/* A number that is none, and an address that nobody knows. */
	assert_false(find(g, "2001:db8::1", &key));
	assert_false(find(g, "203.0.113.1", &key));
	geoip_close(g);
	g = geoip_open(path_of("two.mmdb"), GEOIP_COUNTRY, why);
	assert_non_null(g);
	assert_true(find(g, "192.0.2.7", &key));
	assert_string_equal(geoip_key(GEOIP_COUNTRY, key, key_text), "DE");
	assert_false(find(g, "2001:db8::1", &key));	/* no capital letters: no code */
	geoip_close(g);
}

static void
a_file_that_was_replaced_is_noticed(void **state)
{
	char why[GEOIP_WHY_SIZE];
	struct geoip *g = geoip_open(path_of("country.mmdb"), GEOIP_COUNTRY, why);

	(void)state;
	assert_non_null(g);
	assert_false(geoip_changed(g));
	mmdb_begin(&made);
	mmdb_country(&made, "203.0.113.0/24", "IT", "Italy");
	mmdb_end(&made, path_of("new.mmdb"));
	{
		char new[128];

		(void)snprintf(new, sizeof(new), "%s", path_of("new.mmdb"));
		assert_int_equal(rename(new, path_of("country.mmdb")), 0);
	}
	assert_true(geoip_changed(g));
	geoip_close(g);
}

static void
what_is_no_file_says_why(void **state)
{
	char why[GEOIP_WHY_SIZE];

	(void)state;
	assert_null(geoip_open(path_of("nothing.mmdb"), GEOIP_ASN, why));
	assert_has(why, "nothing.mmdb cannot be read: No such file");
	assert_null(geoip_open(t.dir, GEOIP_ASN, why));
	assert_has(why, "is no file");
	assert_null(geoip_open(path_of("asn.mmdb"), GEOIP_ASN, why));
	assert_has(why, "asn.mmdb cannot be read: ");
}

/* Each byte of a small file changed, and cut short everywhere: wrong answers are allowed, crashes are not. */
static void
a_damaged_file_harms_nobody(void **state)
{
	char why[GEOIP_WHY_SIZE], name[GEOIP_NAME_SIZE];
	static uint8_t whole[65536], broken[65536];
	FILE *f;
	size_t n;

	(void)state;
	mmdb_begin(&made);
	mmdb_asn(&made, "198.0.0.0/8", 64500, "Example Net");
	mmdb_end(&made, path_of("whole.mmdb"));
	f = fopen(path_of("whole.mmdb"), "r");
	assert_non_null(f);
	n = fread(whole, 1, sizeof(whole), f);
	(void)fclose(f);
	for (size_t i = 0; i < 2 * n; i++) {
		size_t at = i % n, size = i < n ? n : at;
		struct addr addr;
		struct geoip *g;
		uint32_t key;

		memcpy(broken, whole, n);
		if (i < n)
			broken[at] ^= 0xff;
		f = fopen(path_of("broken.mmdb"), "w");
		assert_non_null(f);
		(void)fwrite(broken, 1, size, f);
		(void)fclose(f);
		g = geoip_open(path_of("broken.mmdb"), GEOIP_ASN, why);
		if (g == NULL) {
			assert_int_not_equal(why[0], '\0');
			continue;
		}
		assert_true(addr_parse(&addr, "198.51.100.7"));
		if (geoip_find(g, &addr, &key))
			(void)geoip_name(g, &addr, name);
		geoip_close(g);
	}
}

int
main(void)
{
	t.more = more;
	ADD(the_listed_are_counted_by_country);
	ADD(suspects_too_and_who_is_in_no_file_is_unknown);
	ADD(a_file_that_is_none_is_said_and_serves_on);
	ADD(other_words_are_refused);
	ADD(networks_are_found_by_number_in_either_layout);
	ADD(what_is_no_file_says_why);
	ADD(a_file_that_was_replaced_is_noticed);
	ADD(a_damaged_file_harms_nobody);
	return _cmocka_run_group_tests("web_geoip", tests, n_tests, begin, end);
}
