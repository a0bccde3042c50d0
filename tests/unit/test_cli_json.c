/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_json.c - mxtrap COMMAND --json: each command of the table prints one object that parses, whatever the
 * database holds.
 */
#include "cli_support.h"

/* What each command of the table is typed with; NULL: it asks mxtrapd, which is not here (tests/system/commands.sh). */
static const struct typed {
	const char *command, *args[4];
	int status;			/* on the full database */
} TYPED[] = {
	{ "list", { "--all" }, 0 }, { "explain", { "192.0.2.7" }, 0 }, { "export", { "plain" }, 0 }, { "export", { NULL }, 0 },
	{ "allow", { "192.0.2.7" }, 3 }, { "block", { "192.0.2.7" }, 3 }, { "forget", { "192.0.2.7" }, 3 },
	{ "purge", { "--since", "1h" }, 3 }, { "publish", { "--accept" }, 3 }, { "firewall", { "show" }, 1 },
	{ "token", { "list" }, 0 }, { "consumers", { NULL }, 0 }, { "status", { NULL }, 0 }, { "report", { NULL }, 0 },
	{ "risk", { NULL }, 0 }, { "tail", { "--count", "3" }, 0 }, { "list", { "--allowed" }, 0 },
	{ "explain", { "198.51.100.77" }, 1 }, { "report", { "--limit", "1" }, 0 }, { "backup", { "@backup", "--force" }, 0 },
	{ "restore", { "@backup", "--check" }, 0 },
};
#define N_TYPED (sizeof TYPED / sizeof TYPED[0])

/* With the backup's name in place of @. */
static struct printed
type(const struct bench_dir *d, const struct typed *t, const char *option)
{
	const char *args[8] = { t->command };
	char path[160];
	size_t n = 1;

	(void)snprintf(path, sizeof path, "%s/backup.db", d->path);
	for (size_t i = 0; i < 4 && t->args[i] != NULL; i++)
		args[n++] = t->args[i][0] == '@' ? path : t->args[i];
	args[n] = option;
	return run(d, args);
}

/* As a reader would: python3 -m json.tool.  What it said: "" is good. */
static void
parses(const char *text, const char *what)
{
	FILE *in = tmpfile(), *err = tmpfile();
	char *said;
	pid_t pid;

	assert_non_null(in);
	assert_non_null(err);
	assert_true(fputs(text, in) >= 0);
	rewind(in);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fileno(in), 0);
		(void)dup2(open("/dev/null", O_WRONLY), 1);
		(void)dup2(fileno(err), 2);
		execlp("python3", "python3", "-m", "json.tool", (char *)NULL);
		_exit(126);
	}
	if (end(pid) != 0) {
		said = slurp(err);
		fail_msg("%s: %s:\n%s", what, said, text);
	}
	(void)fclose(in);
	(void)fclose(err);
}

/* Every command of the table, on this database: one line, one object, which names the command. */
static void
each_command_gives_an_object(const struct bench_dir *d, bool full)
{
	for (size_t i = 0; i < N_TYPED; i++) {
		struct printed s = type(d, &TYPED[i], "--json");
		char head[80];

		if (full && s.status != TYPED[i].status)
			fail_msg("%s: exit status %d, expected %d: %s", TYPED[i].command, s.status, TYPED[i].status, s.err);
		if (s.status == 3) {
			says(s.err, "control.sock");
			done(&s);
			continue;
		}
		(void)snprintf(head, sizeof head, "{\"mxtrap\":\"%s\",\"command\":\"%s\",", MXTRAP_VERSION, TYPED[i].command);
		if (strncmp(s.out, head, strlen(head)) != 0)
			fail_msg("%s begins with %.80s", head, s.out);
		assert_ptr_equal(strrchr(s.out, '\n') + 1, s.out + strlen(s.out));
		parses(s.out, TYPED[i].command);
		done(&s);
	}
}

static void
each_command_of_the_table_is_tried_here(void **state)
{
	struct printed s = RUN(*state, "help", "--json");

	parses(s.out, "help");
	for (const char *at = s.out; (at = strstr(at, "{\"name\":\"")) != NULL; at++) {
		size_t i = 0, n = strcspn(at + 9, "\"");

		while (i < N_TYPED && (strlen(TYPED[i].command) != n || strncmp(TYPED[i].command, at + 9, n) != 0))
			i++;
		if (i == N_TYPED)
			fail_msg("%.*s has no row here", (int)n, at + 9);
	}
	done(&s);
	s = RUN(*state, "version", "--json");
	parses(s.out, "version");
	done(&s);
}

static void
an_empty_database_gives_objects(void **state)
{
	struct store *s = open_store(*state);

	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	each_command_gives_an_object(*state, false);
}

static void
a_full_database_gives_objects(void **state)
{
	fill(*state);
	each_command_gives_an_object(*state, true);
}

/* What strangers and operators chose: quotes, backslashes, control bytes, UTF-8, and what is none. */
#define EVIL "\"\\\033[2J\t<b>\xc3\xa9\xe2\x80\xa8\xff\xfe"

static void
a_hostile_database_gives_objects(void **state)
{
	struct consumer_row consumer = { .who = "127.0.0.1" EVIL, .what = "plain" EVIL, .agent = EVIL, .first_s = NOW_S - 9,
		.last_s = NOW_S, .n = 3 };
	struct event said = { .time_us = NOW_US - 3000000, .kind = EVENT_SAID, .target = 2, .port = 4711, .value = 1 << 1 };
	struct prefix what = { .len = 128 };
	uint8_t hash[32] = { 7 };
	struct store *s;
	struct printed p;

	fill(*state);
	s = open_store(*state);
	what.addr = support_addr("192.0.2.99");
	said.what = (struct prefix){ .addr = support_addr("192.0.2.7"), .len = 128 };
	store_event(s, &said, EVIL, "example.org" EVIL);
	store_consumer(s, &consumer);
	assert_true(store_allow(s, &what, 0, "root" EVIL, "a friend" EVIL));
	assert_true(store_token(s, hash, "name" EVIL, "export", 0, "root" EVIL));
	store_status(s, "complaint 1", "203.0.113.30:25 is held by " EVIL);
	store_status(s, "process " EVIL, "pid 1, since 1790000000" EVIL);
	store_status(s, "firewall_refused4", EVIL);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	each_command_gives_an_object(*state, false);
	/* And as text no byte reaches the terminal that could steer it. */
	for (size_t i = 0; i < N_TYPED; i++) {
		p = type(*state, &TYPED[i], NULL);
		says_not(p.out, "\033");
		says_not(p.err, "\033");
		done(&p);
	}
}

static void
the_exit_status_of_a_state_is_that_of_its_text(void **state)
{
	struct store *s = open_store(*state);
	struct printed text, object;

	store_status(s, "ring_drops", "17");
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	text = RUN(*state, "status");
	object = RUN(*state, "status", "--json");
	assert_int_equal(text.status, 1);
	assert_int_equal(object.status, 1);
	says(object.out, "\"counters\":{\"ring_drops\":\"17\"}");
	says(object.out, "\"rungs\":[");
	done(&text);
	done(&object);
}

static void
json_may_stand_before_the_command_and_a_note_is_a_note(void **state)
{
	struct printed s;

	fill(*state);
	s = RUN(*state, "--json", "status");
	parses(s.out, "status");
	done(&s);
	s = RUN(*state, "allow", "192.0.2.7", "--note", "--json");
	assert_int_equal(s.status, 3);
	done(&s);
}

/* An object of attempts, or one for each. */
static void
attempts_come_as_one_object_or_a_line_each(void **state)
{
	struct printed s;
	size_t lines = 0;

	fill(*state);
	s = RUN(*state, "tail", "--format", "ndjson");
	for (char *at = s.out, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		*end = '\0';
		parses(at, "tail");
		says(at, "\"outcome\":\"");
		lines++;
	}
	assert_int_equal(lines, 3);
	done(&s);
}

int
main(void)
{
	const struct CMUnitTest own[] = {
		cli_test(each_command_of_the_table_is_tried_here),
		cli_test(an_empty_database_gives_objects),
		cli_test(a_full_database_gives_objects),
		cli_test(a_hostile_database_gives_objects),
		cli_test(the_exit_status_of_a_state_is_that_of_its_text),
		cli_test(json_may_stand_before_the_command_and_a_note_is_a_note),
		cli_test(attempts_come_as_one_object_or_a_line_each),
	};
	int failed = 0;

	(void)alarm(900);		/* a command that never ends must fail a test, not hold it */
	failed += cmocka_run_group_tests_name("mxtrap --json", own, NULL, NULL);
	return failed;
}
