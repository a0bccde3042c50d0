/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli_support.h - the mxtrap command as its users meet it: the program is run, and what it says
 * and how it exits is looked at.
 */
#ifndef MXTRAP_TESTS_CLI_SUPPORT_H
#define MXTRAP_TESTS_CLI_SUPPORT_H

#include "store_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "mxtrap/config.h"

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

struct printed {
	char *out, *err;		/* owned */
	int   status;
};

static inline void
program(char path[static 512])
{
	ssize_t n = readlink("/proc/self/exe", path, 400);

	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	(void)snprintf(path + strlen(path), 100, "/mxtrap");
}

static inline char *
slurp(FILE *file)
{
	char *text = calloc(1, 1 << 20);

	assert_non_null(text);
	rewind(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
	(void)fclose(file);
	return text;
}

static inline pid_t
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
		uid_t as = geteuid();
		int program;

		/* The tree may lie where another user may not look: in root's own folder. */
		if (seteuid(getuid()) != 0 || (program = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			_exit(126);
		/* Wholly another user, if at all: with two it would be taken for a set-user-id program. */
		if (as != getuid() && setresuid(as, as, as) != 0)
			_exit(126);
		setenv("TZ", "UTC", 1);
		(void)dup2(open("/dev/null", O_RDONLY), 0);
		(void)dup2(fileno(out), 1);
		(void)dup2(fileno(err), 2);
		(void)fexecve(program, (char *const *)(uintptr_t)argv, environ);
		_exit(126);
	}
	return pid;
}

static inline int
end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* As a shell tells it: a reader that went away. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
		return 128 + SIGPIPE;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline struct printed
run(const struct bench_dir *d, const char *const *args)
{
	FILE *out = tmpfile(), *err = tmpfile();
	struct printed s;

	assert_non_null(out);
	assert_non_null(err);
	s.status = end(begin(d, args, out, err));
	s.out = slurp(out);
	s.err = slurp(err);
	if ((s.status > 3 && s.status != 126) || strstr(s.err, "runtime error") != NULL || strstr(s.err, "Sanitizer") != NULL)
		fail_msg("exit status %d:\n%s", s.status, s.err);
	return s;
}

#define RUN(d, ...) run(d, (const char *const[]){ __VA_ARGS__, NULL })

static inline void
done(struct printed *s)
{
	free(s->out);
	free(s->err);
}

static inline void
says(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static inline void
says_not(const char *text, const char *what)
{
	if (strstr(text, what) != NULL)
		fail_msg("\"%s\" is in:\n%s", what, text);
}

static inline void
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

static inline int
conf_setup(void **state)
{
	if (support_setup(state) != 0)
		return -1;
	configure(*state, "yes");
	return 0;
}

#define cli_test(f) cmocka_unit_test_setup_teardown(f, conf_setup, support_teardown)

/* The store as mxtrapd opens it: with the ladder. */
static inline struct store *
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

static inline struct evidence_row
evidence(const char *text, int64_t time_us, enum evidence_kind kind, float score, float sum, uint32_t excused)
{
	return (struct evidence_row){ .time_us = time_us, .sender = support_key(text), .visit_us = time_us - 1000000,
		.host = support_addr(text), .kind = (uint8_t)kind, .grade = GRADE_PROVEN, .score = score, .hint = score,
		.score_sum = sum, .hint_sum = sum, .excused = excused };
}

static inline struct sender_row
sender(const char *text, float score, float hint, uint16_t kinds, enum sender_class klass, enum grade grade)
{
	return (struct sender_row){ .key = support_key(text), .score = score, .hint = hint, .sums_at_s = NOW_S,
		.first_seen_s = NOW_S - 100, .last_seen_s = NOW_S, .kinds = kinds, .klass = (uint8_t)klass,
		.grade = (uint8_t)grade, .state = score < -2.2f ? STATE_CLEARED : STATE_NOTICED };
}

/* A replay that ended at NOW: 192.0.2.7 listed after an excused visit and two that counted, 192.0.2.8 a suspect,
 * and others in each state. */
static inline void
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

/* One database for all tests that only read it. */
static struct { struct bench_dir *dir; } shared;

static inline int
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

static inline int
shared_teardown(void **state)
{
	void *dir = shared.dir;

	(void)state;
	return support_teardown(&dir);
}

static inline struct CMUnitTest
row_test(const char *name, CMUnitTestFunction f, const void *row)
{
	return (struct CMUnitTest){ .name = name, .test_func = f, .initial_state = (void *)(uintptr_t)row };
}

#endif
