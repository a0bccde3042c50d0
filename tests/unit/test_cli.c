/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli.c - the mxtrap command as its users meet it: the program is run, and what it
 * says and how it exits is looked at.
 */
#include "store_support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "mxtrap/config.h"
#include "mxtrap/message.h"

#define CONF									\
	"state-dir = \"%s\"\n"							\
	"publish = %s\n"							\
	"publish-after = \"0s\"\n"						\
	"mx-set \"example.org\" {\n"						\
	"    domains = { \"example.org\" }\n"					\
	"    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\" addresses = { \"203.0.113.10\" } }\n" \
	"    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" addresses = { \"203.0.113.20\" } }\n" \
	"    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"reset\"\n" \
	"        addresses = { \"203.0.113.30\" } }\n"			\
	"}\n"									\
	"mx-set \"elsewhere.example\" {\n"					\
	"    domains = { \"elsewhere.example\" }\n"				\
	"    exchanger \"mx.elsewhere.example\" { preference = 1 role = \"real\" addresses = { \"203.0.113.40\" } }\n" \
	"}\n"									\
	"allow { special-purpose = no }\n"					\
	"judge { list-on = \"proven\" }\n"

#define MAX_ARGS 12

struct said {
	char *out, *err;		/* owned */
	int   status;
};

static void
program(char path[static 512])
{
	ssize_t n = readlink("/proc/self/exe", path, 400);

	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	(void)snprintf(path + strlen(path), 100, "/mxtrap");
}

static char *
slurp(FILE *file)
{
	char *text = calloc(1, 1 << 20);

	assert_non_null(text);
	rewind(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
	(void)fclose(file);
	return text;
}

static pid_t
begin(const struct bench_dir *d, const char *const *args, FILE *out, FILE *err)
{
	const char *argv[MAX_ARGS + 4] = { "mxtrap", "-c" };
	char path[512], conf[128];
	size_t n = 3;
	pid_t pid;

	program(path);
	(void)snprintf(conf, sizeof conf, "%s/mxtrap.conf", d->path);
	argv[2] = conf;
	for (size_t i = 0; args[i] != NULL && i < MAX_ARGS; i++)
		argv[n++] = args[i];
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("TZ", "UTC", 1);
		(void)dup2(open("/dev/null", O_RDONLY), 0);
		(void)dup2(fileno(out), 1);
		(void)dup2(fileno(err), 2);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	return pid;
}

static int
end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct said
run(const struct bench_dir *d, const char *const *args)
{
	FILE *out = tmpfile(), *err = tmpfile();
	struct said s;

	assert_non_null(out);
	assert_non_null(err);
	s.status = end(begin(d, args, out, err));
	s.out = slurp(out);
	s.err = slurp(err);
	if (s.status > 3 || strstr(s.err, "runtime error") != NULL || strstr(s.err, "Sanitizer") != NULL)
		fail_msg("exit status %d:\n%s", s.status, s.err);
	return s;
}

#define RUN(d, ...) run(d, (const char *const[]){ __VA_ARGS__, NULL })

static void
done(struct said *s)
{
	free(s->out);
	free(s->err);
}

static void
says(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void
says_not(const char *text, const char *what)
{
	if (strstr(text, what) != NULL)
		fail_msg("\"%s\" is in:\n%s", what, text);
}

static void
configure(const struct bench_dir *d, const char *publish)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/mxtrap.conf", d->path);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, CONF, d->path, publish);
	assert_int_equal(fclose(file), 0);
}

static int
conf_setup(void **state)
{
	if (support_setup(state) != 0)
		return -1;
	configure(*state, "yes");
	return 0;
}

#define cli_test(f) cmocka_unit_test_setup_teardown(f, conf_setup, support_teardown)

/* The store as mxtrapd opens it: with the ladder. */
static struct store *
open_store(const struct bench_dir *d)
{
	struct config config;
	char path[128];
	struct store *s;

	(void)snprintf(path, sizeof path, "%s/mxtrap.conf", d->path);
	assert_int_equal(config_load(&config, path), 0);
	s = support_open(d, &(struct store_options){ .ladder = &config.ladder });
	config_free(&config);
	return s;
}

static struct evidence_row
evidence(const char *text, int64_t time_us, enum evidence_kind kind, float score, float sum, uint16_t excused)
{
	return (struct evidence_row){ .time_us = time_us, .sender = support_key(text), .visit_us = time_us - 1000000,
		.host = support_addr(text), .kind = (uint8_t)kind, .grade = GRADE_PROVEN, .score = score, .hint = score,
		.score_sum = sum, .hint_sum = sum, .excused = excused };
}

static struct sender_row
sender(const char *text, float score, float hint, uint16_t kinds, enum sender_class klass, enum grade grade)
{
	return (struct sender_row){ .key = support_key(text), .score = score, .hint = hint, .sums_at_s = NOW_S,
		.first_seen_s = NOW_S - 100, .last_seen_s = NOW_S, .kinds = kinds, .klass = (uint8_t)klass,
		.grade = (uint8_t)grade, .state = score < -2.2f ? STATE_CLEARED : STATE_NOTICED };
}

/* A replay that ended at NOW: 192.0.2.7 listed after an excused visit and two that counted, 192.0.2.8 a suspect,
 * and others in each state. */
static void
fill(const struct bench_dir *d)
{
	struct store *s;
	struct sink k;
	const int64_t hour = 3600 * 1000000LL;
	struct change_row c[] = { support_change("192.0.2.7", STATE_UNKNOWN, STATE_SUSPECT),
		support_change("192.0.2.7", STATE_SUSPECT, STATE_LISTED), support_change("192.0.2.8", STATE_UNKNOWN, STATE_SUSPECT) };
	struct evidence_row e[] = {
		evidence("192.0.2.7", NOW_US - 4 * hour, EVIDENCE_BACKUP_FIRST, 0, 0, DOUBT_REAL_DOWN),
		evidence("192.0.2.7", NOW_US - 2 * hour, EVIDENCE_BACKUP_FIRST, 5, 5, 0),
		evidence("192.0.2.7", NOW_US - hour / 2, EVIDENCE_BACKUP_FIRST, 5, 10, 0),
	};
	struct visit_row v = { .sender = support_key("192.0.2.7"), .start_us = NOW_US - 2 * hour - 1000000,
		.end_us = NOW_US - 2 * hour - 500000, .n_attempts = 2, .route = { ROLE_BOGUS, ROLE_REAL }, .n_route = 2,
		.proven_route = { ROLE_BOGUS }, .n_proven_route = 1 };
	struct attempt_row a[] = { support_attempt("192.0.2.7", NOW_US - 4 * hour - 1000000, 2),
		support_attempt("192.0.2.7", NOW_US - 2 * hour - 1000000, 2),
		support_attempt("192.0.2.7", NOW_US - 2 * hour - 500000, 1) };
	struct sender_row rows[] = {
		sender("192.0.2.7", 10, 10, 1, CLASS_SENDER, GRADE_PROVEN),
		sender("198.18.0.1", -3, -3, 1 << EVIDENCE_CLIMBED, CLASS_SENDER, GRADE_PROVEN),
		sender("198.18.0.2", 0, 5, 1, CLASS_SENDER, GRADE_SYN),
		sender("198.18.0.3", 0, 0, 1 << EVIDENCE_SWEPT, CLASS_SCANNER, GRADE_PROVEN),
		sender("198.18.0.4", 0, 0, 1 << EVIDENCE_SWEPT, CLASS_SCANNER, GRADE_SYN),
		sender("198.18.0.5", 0, 0, 0, CLASS_SENDER, GRADE_SYN),
	};

	c[0].time_us = NOW_US - 2 * hour;
	c[1].time_us = NOW_US - hour / 2;
	c[2].score = c[2].hint = 6;
	c[2].kinds = 1 << EVIDENCE_BACKUP_FIRST | 1 << EVIDENCE_DESCENDED;
	a[2].outcome = OUTCOME_SILENT;
	a[2].grade = GRADE_RESYN;
	a[2].n_syns = 3;
	s = open_store(d);
	k = store_sink(s);
	for (size_t i = 0; i < 3; i++) {
		k.attempt(k.ctx, &a[i]);
		k.evidence(k.ctx, &e[i]);
		k.change(k.ctx, &c[i]);
	}
	k.visit(k.ctx, &v);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		k.sender(k.ctx, &rows[i]);
	store_clock(s, NOW_US);
	store_status(s, "packets", "1234");
	assert_true(store_sync(s));
	store_close(s);
}

/* -- usage -- */

static void
help_fits_a_screen(void **state)
{
	struct said s = RUN(*state, "--help");
	size_t lines = 0;

	for (const char *at = s.out; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(s.status, 0);
	assert_in_range(lines, 10, 24);
	for (const char *at = s.out; *at != '\0'; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 80);
	done(&s);
}

static void
each_command_has_its_own_help(void **state)
{
	static const char *const commands[] = { "list", "explain", "export", "allow", "forget", "status", "report", "tail" };

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct said s = RUN(*state, commands[i], "--help");

		assert_int_equal(s.status, 0);
		says(s.out, commands[i]);
		done(&s);
	}
}

static void
a_typo_is_told_the_nearest_command(void **state)
{
	struct said s = RUN(*state, "explian", "192.0.2.7");

	assert_int_equal(s.status, 2);
	says(s.err, "did you mean explain?");
	done(&s);
	s = RUN(*state, "frobnicate\033[2J");
	assert_int_equal(s.status, 2);
	says_not(s.err, "did you mean");
	says_not(s.err, "\033");
	done(&s);
}

static void
nothing_to_do_is_a_usage_error(void **state)
{
	struct said s = run(*state, (const char *const[]){ NULL });

	assert_int_equal(s.status, 2);
	says(s.err, "usage: mxtrap");
	done(&s);
}

struct usage_row {
	const char *name, *args[4];
};

static const struct usage_row usage_rows[] = {
	{ "list_refuses_an_unknown_state", { "list", "--strange" } },
	{ "list_refuses_an_unknown_format", { "list", "--format", "pdf" } },
	{ "list_refuses_a_format_that_is_missing", { "list", "--format" } },
	{ "list_refuses_two_states", { "list", "--all", "--suspects" } },
	{ "export_wants_a_format", { "export" } },
	{ "export_refuses_an_unknown_format", { "export", "pdf" } },
	{ "explain_wants_an_address", { "explain" } },
	{ "explain_takes_one_address", { "explain", "192.0.2.7", "192.0.2.8" } },
	{ "status_takes_no_words", { "status", "now" } },
	{ "report_takes_no_words", { "report", "now" } },
	{ "tail_wants_a_number", { "tail", "--count", "few" } },
	{ "tail_wants_a_positive_number", { "tail", "--count", "0" } },
	{ "allow_wants_an_address", { "allow" } },
	{ "allow_refuses_a_strange_time", { "allow", "192.0.2.7", "--for", "soon" } },
	{ "forget_has_no_time", { "forget", "192.0.2.7", "--for" } },
};

static struct { struct bench_dir *dir; } shared;

static void
usage_is_refused(void **state)
{
	const struct usage_row *row = *state;
	const char *args[5] = { NULL };
	struct said s;

	memcpy(args, row->args, sizeof row->args);
	s = run(shared.dir, args);
	assert_int_equal(s.status, 2);
	says(s.err, "usage: mxtrap");
	assert_string_equal(s.out, "");
	done(&s);
}

static int
shared_setup(void **state)
{
	void *dir = NULL;

	(void)state;
	if (conf_setup(&dir) != 0)
		return -1;
	shared.dir = dir;
	fill(shared.dir);
	return 0;
}

static int
shared_teardown(void **state)
{
	void *dir = shared.dir;

	(void)state;
	return support_teardown(&dir);
}

static void
no_database_is_unreachable(void **state)
{
	struct said s = RUN(*state, "list");

	assert_int_equal(s.status, 3);
	says(s.err, "mxtrapd");
	done(&s);
}

static void
a_bad_configuration_is_bad_input(void **state)
{
	struct bench_dir *d = *state;
	char path[128];
	FILE *file;
	struct said s;

	(void)snprintf(path, sizeof path, "%s/mxtrap.conf", d->path);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("colour = red\n", file);
	assert_int_equal(fclose(file), 0);
	s = RUN(d, "list");
	assert_int_equal(s.status, 1);
	says(s.err, "mxtrap.conf:");
	done(&s);
}

/* -- list -- */

struct list_row {
	const char *name, *option, *in[4], *out[3];
};

static const struct list_row list_rows[] = {
	{ "list_is_who_is_listed", NULL, { "192.0.2.7/32" }, { "192.0.2.8/32", "198.18" } },
	{ "suspects_are_suspects", "--suspects", { "192.0.2.8/32" }, { "192.0.2.7/32", "198.18" } },
	{ "noticed_are_hinted_at", "--noticed", { "198.18.0.2/32" }, { "192.0.2.7/32", "198.18.0.1/32" } },
	{ "cleared_behaved_well", "--cleared", { "198.18.0.1/32" }, { "192.0.2.7/32", "198.18.0.2/32" } },
	{ "scanners_are_proven", "--scanners", { "198.18.0.3/32" }, { "198.18.0.4/32", "192.0.2" } },
	{ "all_have_evidence", "--all", { "192.0.2.7/32", "192.0.2.8/32", "198.18.0.1/32", "198.18.0.4/32" },
	    { "198.18.0.5/32" } },
};

static void
a_list_holds(void **state)
{
	const struct list_row *row = *state;
	static const char *const formats[] = { "plain", "ndjson", "csv", "table" };

	for (size_t f = 0; f < 4; f++) {
		const char *args[] = { "list", "--format", formats[f], row->option, NULL };
		struct said s = run(shared.dir, args);

		assert_int_equal(s.status, 0);
		assert_string_equal(s.err, "");
		for (size_t i = 0; i < 4 && row->in[i] != NULL; i++)
			says(s.out, row->in[i]);
		for (size_t i = 0; i < 3 && row->out[i] != NULL; i++)
			says_not(s.out, row->out[i]);
		done(&s);
	}
}

static void
ndjson_ends_with_the_metadata(void **state)
{
	struct said s = RUN(shared.dir, "list", "--all", "--format", "ndjson");
	const char *last = strstr(s.out, "{\"type\":\"metadata\",\"serial\":");

	(void)state;
	assert_non_null(last);
	says(last, "\"records\":6,");
	assert_ptr_equal(strchr(last, '\n') + 1, last + strlen(last));
	says(s.out, "{\"cidr\":\"192.0.2.8/32\",\"state\":\"suspect\",\"score\":6.00,");
	says(s.out, "\"reasons\":[\"backup_first\",\"descended\"],");
	done(&s);
}

static void
list_and_export_give_the_same_lines(void **state)
{
	struct said a = RUN(shared.dir, "list", "--format", "ndjson"), b = RUN(shared.dir, "export", "ndjson");

	(void)state;
	assert_string_equal(a.out, b.out);
	done(&a);
	done(&b);
	a = RUN(shared.dir, "list", "--format", "csv");
	b = RUN(shared.dir, "export", "csv");
	assert_string_equal(a.out, b.out);
	done(&a);
	done(&b);
}

static void
a_table_fits_100_columns_and_has_no_colours_in_a_pipe(void **state)
{
	struct said s = RUN(shared.dir, "list", "--all");

	(void)state;
	says(s.out, "SENDER");
	says(s.out, "10.5 of 9.1");
	says_not(s.out, "\033");
	for (const char *at = s.out; *at != '\0'; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 100);
	done(&s);
}

static void
nobody_listed_is_said(void **state)
{
	struct bench_dir *d = *state;
	struct said s;

	store_close(open_store(d));
	s = RUN(d, "list");
	assert_int_equal(s.status, 0);
	says(s.out, "No sender is listed.");
	done(&s);
	s = RUN(d, "list", "--format", "csv");
	assert_string_equal(s.out, "cidr,state,score,hint,grade,class,reasons,first_seen,last_seen,since,expires\n");
	done(&s);
}

static void
list_does_not_ask_the_publish_gate_and_export_does(void **state)
{
	struct bench_dir *d = *state;
	struct said s;

	fill(d);
	configure(d, "no");
	s = RUN(d, "list", "--format", "plain");
	says(s.out, "192.0.2.7");
	done(&s);
	s = RUN(d, "export", "plain");
	assert_int_equal(s.status, 0);
	says_not(s.out, "\n192.0.2.7");
	says(s.err, "publish = yes");
	done(&s);
	s = RUN(d, "report");
	says(s.out, "Nothing is blocked");
	says(s.out, "192.0.2.7/32");
	done(&s);
}

static void
a_pipe_that_closes_ends_it_quietly(void **state)
{
	FILE *err = tmpfile(), *out;
	int fds[2], status;

	(void)state;
	assert_non_null(err);
	assert_int_equal(pipe(fds), 0);
	out = fdopen(fds[1], "w");
	assert_non_null(out);
	close(fds[0]);
	status = end(begin(shared.dir, (const char *const[]){ "list", "--all", NULL }, out, err));
	assert_int_equal(status, 1);
	assert_int_equal(ftell(err), 0);
	(void)fseek(err, 0, SEEK_END);
	assert_int_equal(ftell(err), 0);
	(void)fclose(out);
	(void)fclose(err);
}

static void
a_full_disk_is_said(void **state)
{
	FILE *out = fopen("/dev/full", "w"), *err = tmpfile();
	char *text;

	(void)state;
	assert_non_null(out);
	assert_non_null(err);
	assert_int_equal(end(begin(shared.dir, (const char *const[]){ "export", "plain", NULL }, out, err)), 1);
	text = slurp(err);
	says(text, "No space left");
	free(text);
	(void)fclose(out);
}

/* -- explain -- */

static void
an_explanation_tells_all_of_it(void **state)
{
	static const char *const parts[] = {
		"192.0.2.7 is listed: consumers of the list are told to block it.",
		"suspect from 4.6, listed from 9.1, cleared at -2.3",
		"The ladder of example.org.", "10  nolisting  mx0.example.org (203.0.113.10)",
		"tries 90 bogus (mx9.example.org): connected; the completed handshake proves its address",
		"tries 20 real (mx1.example.org): no answer", "asked 3 times",
		"VISIT to example.org: bogus > real; of that is proven or refused: bogus  (2 attempts)",
		"EVIDENCE backup_first excused, no points  [proven]",
		"Excused because the real MX was not answering",
		"EVIDENCE backup_first +5.0 to the score, now 5.0 of 9.1 (enough to suspect)",
		"now 10.0 of 9.1 (enough to list)",
		"It came to the bogus backup before any lower MX",
		"LIST 192.0.2.7 was unknown, is suspect: by evidence",
		"LIST 192.0.2.7 was suspect, is listed: by evidence; until 2026-09-22 14:13:20 +0000",
		"It leaves the list at 2026-09-22 14:13:20 +0000, in 1d 0h", "mxtrap allow 192.0.2.7 ",
	};
	struct said s = RUN(shared.dir, "explain", "192.0.2.7");
	const char *at = s.out;

	(void)state;
	assert_int_equal(s.status, 0);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		says(s.out, parts[i]);
	/* In order: the excused piece, then the one that counted, then the suspicion, then the listing. */
	assert_non_null(at = strstr(at, "excused, no points"));
	assert_non_null(at = strstr(at, "now 5.0 of"));
	assert_non_null(at = strstr(at, "is suspect"));
	assert_non_null(at = strstr(at, "now 10.0 of"));
	assert_non_null(strstr(at, "is listed"));
	/* Only ladders that it touched. */
	says_not(s.out, "elsewhere.example");
	done(&s);
}

static void
an_explanation_for_a_program_is_one_json_object(void **state)
{
	struct said s = RUN(shared.dir, "explain", "192.0.2.7", "--json");

	(void)state;
	assert_int_equal(s.status, 0);
	assert_int_equal(strncmp(s.out, "{\"sender\":{\"cidr\":\"192.0.2.7/32\",\"state\":\"listed\",", 50), 0);
	assert_ptr_equal(strchr(s.out, '\n') + 1, s.out + strlen(s.out));
	says(s.out, "\"excused\":[{\"doubt\":\"real_down\",");
	says(s.out, "\"route\":[\"bogus\",\"real\"],\"proven_route\":[\"bogus\"]");
	says(s.out, "\"type\":\"change\"");
	says(s.out, "\"type\":\"attempt\"");
	done(&s);
}

static void
an_unknown_address_is_said_and_is_a_no(void **state)
{
	struct said s = RUN(shared.dir, "explain", "198.51.100.77");

	(void)state;
	assert_int_equal(s.status, 1);
	says(s.out, "198.51.100.77 has never come to a watched address");
	done(&s);
}

static void
no_address_is_bad_input(void **state)
{
	static const char *const words[] = { "mx9.example.org", "192.0.2.0/24", "192.0.2.7/33", "2001:db8::/48", "", "\033[2J" };

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct said s = RUN(shared.dir, "explain", words[i]);

		assert_int_equal(s.status, 1);
		says(s.err, "expected an IPv4 or IPv6 address");
		says_not(s.err, "\033");
		done(&s);
	}
}

static void
a_long_story_is_shortened_in_its_middle(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct sender_row row = sender("198.18.0.2", 0, 5, 1, CLASS_SENDER, GRADE_SYN);
	struct said said;
	size_t lines = 0;

	for (int i = 0; i < 500; i++) {
		struct attempt_row a = support_attempt("198.18.0.2", NOW_US + i * 1000000LL, 2);

		k.attempt(k.ctx, &a);
	}
	k.sender(k.ctx, &row);
	store_clock(s, NOW_US + 600 * 1000000LL);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "explain", "198.18.0.2");
	says(said.out, "... 460 more; --json has them all ...");
	for (const char *at = said.out; (at = strstr(at, "tries 90")) != NULL; at++)
		lines++;
	assert_int_equal(lines, 40);
	done(&said);
	said = RUN(d, "explain", "198.18.0.2", "--json");
	lines = 0;
	for (const char *at = said.out; (at = strstr(at, "\"type\":\"attempt\"")) != NULL; at++)
		lines++;
	assert_int_equal(lines, 500);
	done(&said);
}

/* -- status, report, tail -- */

static void
status_shows_each_rung_and_the_counters(void **state)
{
	struct said s = RUN(shared.dir, "status");

	(void)state;
	assert_int_equal(s.status, 0);
	says(s.out, "1 listed, 1 suspects");
	says(s.out, "The list is published.");
	says(s.out, "203.0.113.10");
	says(s.out, "203.0.113.30");
	says(s.out, "1234");
	done(&s);
}

static void
status_tells_warnings_first(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct note_row note = { .time_us = NOW_US - 60 * 1000000LL, .target = UINT32_MAX, .kind = NOTE_FLOOD };
	struct said said;

	k.note(k.ctx, &note);
	store_status(s, "ring_drops", "17");
	store_status(s, "complaint 1", "203.0.113.30:25 is held by master\033[2J");
	store_status(s, "interface_drops", "0");
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "status");
	assert_int_equal(said.status, 0);
	assert_int_equal(said.out[0], '!');
	says(said.out, "! packets lost by the capture ring: 17");
	says(said.out, "! 203.0.113.30:25 is held by master\\x1b[2J");
	says(said.out, "! a flood: attempts were counted, not kept one by one, 1m ago");
	says_not(said.out, "lost by the interface");
	says_not(said.out, "All is well");
	done(&said);
}

static void
status_tells_that_the_daemon_is_silent(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	char clock[32];
	struct said said;

	(void)snprintf(clock, sizeof clock, "%lld", (long long)time(NULL) - 100);
	store_status(s, "clock", clock);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "status");
	says(said.out, "! mxtrapd has said nothing for 1m");
	done(&said);
}

static void
a_report_begins_with_those_that_came_to_the_real_mx(void **state)
{
	struct bench_dir *d = *state;
	struct change_row c[] = { support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED),
		support_change("192.0.2.8", STATE_UNKNOWN, STATE_LISTED) };
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct said said;
	const char *first;

	c[1].kinds |= 1 << EVIDENCE_SKIPPED_NOLISTING;
	k.change(k.ctx, &c[0]);
	k.change(k.ctx, &c[1]);
	store_clock(s, NOW_US);
	assert_true(store_sync(s));
	store_close(s);
	said = RUN(d, "report");
	assert_int_equal(said.status, 0);
	assert_non_null(first = strstr(said.out, "192.0.2.8/32"));
	assert_non_null(strstr(first, "192.0.2.7/32"));
	says(said.out, "LOOK AT THESE FIRST");
	says(said.out, "2 listed, 1 of them also seen at the real MX; 0 suspects");
	done(&said);
}

static void
tail_shows_the_last_attempts_of_a_replay(void **state)
{
	struct said s = RUN(shared.dir, "tail", "--count", "2");
	size_t lines = 0;

	(void)state;
	assert_int_equal(s.status, 0);
	for (const char *at = s.out; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2);
	says(s.out, "192.0.2.7       -> bogus     203.0.113.30  connected");
	says(s.out, "no answer");
	done(&s);
}

static void
tail_tells_what_comes_and_not_what_was(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct attempt_row old = support_attempt("192.0.2.7", NOW_US, 0), new = support_attempt("192.0.2.8", NOW_US, 0);
	FILE *out = tmpfile(), *err = tmpfile();
	char *text;
	pid_t pid;

	assert_non_null(out);
	assert_non_null(err);
	k.attempt(k.ctx, &old);
	assert_true(store_sync(s));
	pid = begin(d, (const char *const[]){ "tail", "--count", "1", NULL }, out, err);
	/* It has found the end by then, or takes the first of the next ones. */
	for (int i = 0; i < 100; i++) {
		siginfo_t info = { .si_pid = 0 };

		(void)poll(NULL, 0, 100);
		new.time_us += 1000000;
		k.attempt(k.ctx, &new);
		assert_true(store_sync(s));
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
			break;
	}
	assert_int_equal(end(pid), 0);
	store_close(s);
	text = slurp(out);
	says(text, "192.0.2.8");
	says_not(text, "192.0.2.7");
	free(text);
	(void)fclose(err);
}

/* -- allow and forget -- */

static int
bind_control(const struct bench_dir *d)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", d->path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

/* Take what the command says, answer it; what it said. */
static struct message_admin
answer(int fd, bool ok, const char *text)
{
	struct message_admin m;
	struct message_answer a = { .ok = ok };
	struct sockaddr_un from;
	socklen_t len = sizeof from;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(recvfrom(fd, &m, sizeof m, 0, (struct sockaddr *)&from, &len), sizeof m);
	assert_true(message_holds(&m, sizeof m));
	message_init(&a.head, MESSAGE_ANSWER, sizeof a);
	(void)snprintf(a.text, sizeof a.text, "%s", text);
	assert_int_equal(sendto(fd, &a, sizeof a, 0, (struct sockaddr *)&from, len), sizeof a);
	return m;
}

static void
no_daemon_is_said(void **state)
{
	struct said s = RUN(*state, "allow", "192.0.2.7");

	assert_int_equal(s.status, 3);
	says(s.err, "is mxtrapd running");
	done(&s);
}

static void
allow_tells_watch_what_for_how_long_and_why(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "allow", "192.0.2.0/24", "--for", "30d", "--note", "a friend", NULL },
	    out, err);
	struct message_admin m = answer(fd, true, "192.0.2.0/24: allowed\033[2J");
	struct prefix what = { .len = (uint8_t)m.len };
	char text[PREFIX_TEXT_SIZE], path[128], *said;
	int64_t in;

	assert_int_equal(end(pid), 0);
	memcpy(what.addr.b, m.addr, sizeof what.addr.b);
	assert_string_equal(prefix_format(&what, text), "192.0.2.0/24");
	assert_int_equal(m.op, ADMIN_ALLOW);
	assert_string_equal(m.note, "a friend");
	assert_true(m.who[0] != '\0');
	in = (int64_t)m.expires_s - (int64_t)time(NULL);
	assert_in_range(in, 30 * 86400 - 60, 30 * 86400);
	said = slurp(out);
	assert_string_equal(said, "192.0.2.0/24: allowed\\x1b[2J\n");
	free(said);
	/* It leaves no socket behind. */
	(void)snprintf(path, sizeof path, "%s/answer.%d", d->path, (int)pid);
	assert_int_equal(access(path, F_OK), -1);
	(void)fclose(err);
	close(fd);
}

static void
forget_is_told_as_forget(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "forget", "2001:db8:1:2::/64", NULL }, out, err);
	struct message_admin m = answer(fd, true, "done");

	assert_int_equal(end(pid), 0);
	assert_int_equal(m.op, ADMIN_FORGET);
	assert_int_equal(m.len, 64);
	(void)fclose(out);
	(void)fclose(err);
	close(fd);
}

static void
an_allowance_can_be_taken_away(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "allow", "192.0.2.7", "--remove", NULL }, out, err);
	struct message_admin m = answer(fd, true, "done");

	assert_int_equal(end(pid), 0);
	assert_int_equal(m.op, ADMIN_ALLOW);
	assert_int_equal(m.expires_s, STORE_ALLOW_REMOVE);
	assert_int_equal(m.len, 128);
	(void)fclose(out);
	(void)fclose(err);
	close(fd);
}

static void
a_refusal_is_a_no(void **state)
{
	struct bench_dir *d = *state;
	FILE *out = tmpfile(), *err = tmpfile();
	int fd = bind_control(d);
	pid_t pid = begin(d, (const char *const[]){ "forget", "192.0.2.7", NULL }, out, err);
	char *said;

	(void)answer(fd, false, "the database did not take it");
	assert_int_equal(end(pid), 1);
	said = slurp(err);
	says(said, "the database did not take it");
	free(said);
	(void)fclose(out);
	close(fd);
}

static void
a_daemon_that_does_not_answer_is_unreachable(void **state)
{
	struct bench_dir *d = *state;
	int fd = bind_control(d);
	double t0 = support_seconds();
	struct said s = RUN(d, "allow", "192.0.2.7");

	assert_int_equal(s.status, 3);
	says(s.err, "no answer within 3 s");
	assert_true(support_seconds() - t0 < 10);
	done(&s);
	close(fd);
}

static void
host_bits_in_a_network_are_refused(void **state)
{
	struct said s = RUN(*state, "allow", "192.0.2.7/24");

	assert_int_equal(s.status, 1);
	says(s.err, "host bits");
	done(&s);
}

static struct CMUnitTest
row_test(const char *name, CMUnitTestFunction f, const void *row)
{
	return (struct CMUnitTest){ .name = name, .test_func = f, .initial_state = (void *)(uintptr_t)row };
}

int
main(void)
{
	enum { N_USAGE = sizeof usage_rows / sizeof usage_rows[0], N_LIST = sizeof list_rows / sizeof list_rows[0] };
	struct CMUnitTest rows[N_USAGE + N_LIST];
	const struct CMUnitTest reads[] = {
		cmocka_unit_test(ndjson_ends_with_the_metadata),
		cmocka_unit_test(list_and_export_give_the_same_lines),
		cmocka_unit_test(a_table_fits_100_columns_and_has_no_colours_in_a_pipe),
		cmocka_unit_test(a_pipe_that_closes_ends_it_quietly),
		cmocka_unit_test(a_full_disk_is_said),
		cmocka_unit_test(an_explanation_tells_all_of_it),
		cmocka_unit_test(an_explanation_for_a_program_is_one_json_object),
		cmocka_unit_test(an_unknown_address_is_said_and_is_a_no),
		cmocka_unit_test(no_address_is_bad_input),
		cmocka_unit_test(status_shows_each_rung_and_the_counters),
		cmocka_unit_test(tail_shows_the_last_attempts_of_a_replay),
	};
	const struct CMUnitTest own[] = {
		cli_test(help_fits_a_screen),
		cli_test(each_command_has_its_own_help),
		cli_test(a_typo_is_told_the_nearest_command),
		cli_test(nothing_to_do_is_a_usage_error),
		cli_test(no_database_is_unreachable),
		cli_test(a_bad_configuration_is_bad_input),
		cli_test(nobody_listed_is_said),
		cli_test(list_does_not_ask_the_publish_gate_and_export_does),
		cli_test(a_long_story_is_shortened_in_its_middle),
		cli_test(status_tells_warnings_first),
		cli_test(status_tells_that_the_daemon_is_silent),
		cli_test(a_report_begins_with_those_that_came_to_the_real_mx),
		cli_test(tail_tells_what_comes_and_not_what_was),
		cli_test(no_daemon_is_said),
		cli_test(allow_tells_watch_what_for_how_long_and_why),
		cli_test(forget_is_told_as_forget),
		cli_test(an_allowance_can_be_taken_away),
		cli_test(a_refusal_is_a_no),
		cli_test(a_daemon_that_does_not_answer_is_unreachable),
		cli_test(host_bits_in_a_network_are_refused),
	};
	size_t n = 0;
	int failed;

	(void)alarm(240);		/* a command that never ends must fail a test, not hold it */
	for (size_t i = 0; i < N_USAGE; i++)
		rows[n++] = row_test(usage_rows[i].name, usage_is_refused, &usage_rows[i]);
	for (size_t i = 0; i < N_LIST; i++)
		rows[n++] = row_test(list_rows[i].name, a_list_holds, &list_rows[i]);
	failed = cmocka_run_group_tests_name("mxtrap: words", rows, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap: one database", reads, shared_setup, shared_teardown);
	failed += cmocka_run_group_tests_name("mxtrap", own, NULL, NULL);
	return failed;
}
