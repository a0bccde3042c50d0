/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_config_wrong.c - every message of a wrong configuration, whole: what is said, and nothing else.
 *
 * tests/config/wrong.txt is the table: "== NAME", the text, "--", and the lines that the text
 * gives, faults and warnings.  One slip gives one line; a file of many faults gives them all
 * in the order of their lines.  A good ladder follows each text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/config.h"

#define ROWS 400

static const char ladder[] =
    "\nmx-set \"a\" {\n domains = { \"a.org\" }\n"
    " exchanger \"r\" { preference = 10 role = \"real\" addresses = { \"9.9.9.20\" } }\n}\n";

struct row {
	char *name, *text, *says;
};

/* What config_parse() says on standard error, then its warnings. */
static char *
said_of(const char *text, bool *good)
{
	FILE *tmp = tmpfile();
	int keep = dup(STDERR_FILENO);
	struct config config = { 0 };
	char *said = calloc(1, 65536);
	size_t n;

	assert_non_null(tmp);
	assert_non_null(said);
	fflush(stderr);
	dup2(fileno(tmp), STDERR_FILENO);
	*good = config_parse(&config, "t", text) == 0;
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	close(keep);
	rewind(tmp);
	n = fread(said, 1, 60000, tmp);
	fclose(tmp);
	if (*good && config.warnings != NULL)
		snprintf(said + n, 65536 - n, "%s", config.warnings);
	if (*good)
		config_free(&config);
	return said;
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	char *text = calloc(1, strlen(row->text) + sizeof(ladder)), *said;
	bool good;

	assert_non_null(text);
	memcpy(text, row->text, strlen(row->text));
	memcpy(text + strlen(row->text), ladder, sizeof(ladder));
	said = said_of(text, &good);
	if (strcmp(said, row->says) != 0)
		fail_msg("%s\nsaid: %s\nnot: %s", row->name, said, row->says);
	/* A warning is no fault. */
	assert_int_equal(good, strstr(row->says, ": warning: ") != NULL || row->says[0] == '\0');
	free(text);
	free(said);
}

static void
of_many_faults_twenty_are_said_in_the_order_of_lines(void **state)
{
	char text[8192] = "", expected[64], *said;
	size_t n = 0;
	bool good;
	unsigned lines = 0;

	(void)state;
	/* Unknown keys are seen before values, and the last lines first: the order is the file's. */
	for (unsigned i = 0; i < 13; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "zzzzz%u = 1\n", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "allow { addresses = {");
	for (unsigned i = 0; i < 12; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n 8.8.8.%u/24", i > 0 ? "," : "", i + 1);
	snprintf(text + n, sizeof(text) - n, " } }%s", ladder);
	said = said_of(text, &good);
	assert_false(good);
	for (const char *p = said; *p != '\0'; p += strcspn(p, "\n") + 1) {
		lines++;
		/* 14 is the section's own line. */
		snprintf(expected, sizeof(expected), lines <= 13 ? "t:%u: found unknown key" : lines <= 20 ?
		    "t:%u: found \"8.8.8." : "t: and 5 more\n", lines <= 13 ? lines : lines + 1);
		if (strncmp(p, expected, strlen(expected)) != 0)
			fail_msg("said: %s\nnot at line %u: %s", said, lines, expected);
	}
	assert_int_equal(lines, 21);
	free(said);
}

static void
an_empty_file_says_what_belongs_there(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# nothing\n/* here */\n" };
	bool good;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *said = said_of(texts[i], &good);

		assert_false(good);
		assert_non_null(strstr(said, i == 0 ? "t:1: found an empty file, expected mx-set sections" :
		    "t:1: found nothing but blanks and comments, expected mx-set sections"));
		assert_null(strchr(strchr(said, '\n') + 1, '\n'));	/* and nothing else */
		free(said);
	}
}

/* The file's rows; each string is its own. */
static size_t
read_rows(struct row *rows)
{
	char *all = config_read("tests/config/wrong.txt"), *next;
	size_t n = 0;

	if (all == NULL)
		return 0;
	for (char *at = all; at != NULL && n < ROWS; at = next) {
		char *name = at + 3, *text = strchr(name, '\n') + 1, *says;

		next = strstr(at + 1, "\n== ");
		if (next != NULL)
			*next++ = '\0';
		text[-1] = '\0';
		says = strstr(text, "--\n");
		while (says != NULL && says > text && says[-1] != '\n')
			says = strstr(says + 1, "--\n");
		if (says == NULL) {
			says = text + strlen(text) - 2;		/* "--" and nothing behind it */
			rows[n].says = strdup("");
		} else {
			size_t len = strlen(says + 3);

			rows[n].says = calloc(1, len + 2);
			memcpy(rows[n].says, says + 3, len);
			/* The separator took the last line's end. */
			if (len > 0 && says[3 + len - 1] != '\n')
				rows[n].says[len] = '\n';
		}
		*says = '\0';
		rows[n].name = strdup(name);
		rows[n++].text = strdup(text);
	}
	free(all);
	return n;
}

int
main(void)
{
	static struct row rows[ROWS];
	static struct CMUnitTest tests[ROWS + 3];
	size_t n = read_rows(rows), k = 0;
	int failed;

	for (size_t i = 0; i < n; i++)
		tests[k++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row, .initial_state = &rows[i] };
	tests[k++] = (struct CMUnitTest)cmocka_unit_test(of_many_faults_twenty_are_said_in_the_order_of_lines);
	tests[k++] = (struct CMUnitTest)cmocka_unit_test(an_empty_file_says_what_belongs_there);
	failed = _cmocka_run_group_tests("config_wrong", tests, k, NULL, NULL);
	for (size_t i = 0; i < n; i++) {
		free(rows[i].name);
		free(rows[i].text);
		free(rows[i].says);
	}
	return n < 100 ? 1 : failed;
}
