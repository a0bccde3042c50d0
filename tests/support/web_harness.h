/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web_harness.h - a web process to ask questions of: a real server, a real database.
 *
 * The parent writes a database with the store's writer, a child runs web_main() on a
 * bound socket, and each test is a client.  begin() and end() are a group's set-up and
 * tear-down; the database is there only after fill_database().
 */
#ifndef WEB_HARNESS_H
#define WEB_HARNESS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/process.h"
#include "mxtrap/store.h"

#include "../../web/web_int.h"

#define HARNESS static __attribute__((unused))
#define N_LISTED 150
#define N_SUSPECT 30

static struct {
	char	 dir[64], hosts[64];
	uint16_t port;
	pid_t	 server;
	int	 supervisor_fd, bell_fd;
	struct config config;
	struct store *store;
	void (*more)(char *text, size_t size);	/* what a test adds to the configuration; NULL: nothing */
} t;

static const char config_text[] =
    "interface = \"lo\"\n"
    "state-dir = \"%s\"\n"
    "publish = yes\n"
    "publish-after = \"0s\"\n"
    "mx-set \"example.org\" {\n"
    "    domains = { \"example.org\" }\n"
    "    exchanger \"mx0.example.org\" { preference = 10 role = \"nolisting\""
    "  addresses = { \"198.51.100.10\" } }\n"
    "    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" witness = \"wire\""
    "  addresses = { \"198.51.100.20\" } }\n"
    "    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"reset\""
    "  addresses = { \"198.51.100.30\" } }\n"
    "}\n"
    "allow { special-purpose = no }\n"
    "judge { list-on = \"proven\" }\n"
    "web { listen = \"127.0.0.1:%u\" hosts = { \"trap.example.org\" } }\n";

/* -- a client -- */

struct response {
	int    status;
	char  *head, *body;		/* in text */
	size_t body_size;
	char   text[1 << 20];
};

HARNESS int
dial(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(t.port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval limit = { .tv_sec = 15 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* Send raw bytes, read until the server closes. */
HARNESS const struct response *
exchange(const char *request, size_t n)
{
	static struct response a;
	size_t used = 0;
	ssize_t got;
	int fd = dial();

	assert_int_equal(send(fd, request, n, MSG_NOSIGNAL), (ssize_t)n);
	while (used < sizeof(a.text) - 1 &&
	    (got = recv(fd, a.text + used, sizeof(a.text) - 1 - used, 0)) > 0)
		used += (size_t)got;
	(void)close(fd);
	a.text[used] = '\0';
	a.status = 0;
	a.head = a.text;
	a.body = strstr(a.text, "\r\n\r\n");
	if (a.body == NULL) {
		a.body = a.text + used;
	} else {
		*a.body = '\0';
		a.body += 4;
	}
	a.body_size = (size_t)(a.text + used - a.body);
	(void)sscanf(a.text, "HTTP/1.1 %d", &a.status);
	return &a;
}

HARNESS const struct response *
ask(const char *method, const char *path, const char *headers)
{
	char request[8192];
	int n = snprintf(request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s\r\n", method, path,
	    t.port, headers);

	return exchange(request, (size_t)n);
}

HARNESS const struct response *
get(const char *path)
{
	return ask("GET", path, "");
}

/* A header's value, or NULL. */
HARNESS const char *
header(const struct response *a, const char *name)
{
	static char value[1024];
	size_t n = strlen(name);

	for (const char *p = a->head; (p = strstr(p, "\r\n")) != NULL;) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1 + strspn(p + n + 1, " ");
		(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(p, "\r"), p);
		return value;
	}
	return NULL;
}

HARNESS void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("found \"%.600s\", expected \"%s\" in it", text, part);
}

HARNESS void
assert_status(const struct response *a, int status)
{
	if (a->status != status)
		fail_msg("found status %d, expected %d: %.300s", a->status, status, a->body);
}

/* -- the database -- */

HARNESS sender_key
sender_at(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(&addr, text));
	return addr_sender(&addr);
}

/* When all that is put is put, so that equal scores stay equal however long it takes; 0: now. */
static uint32_t put_at_s __attribute__((unused));

HARNESS void
put_sender(struct sink *sink, sender_key key, uint8_t state, float score, uint16_t kinds)
{
	uint32_t now = put_at_s != 0 ? put_at_s : (uint32_t)time(NULL);
	bool listed = state == STATE_LISTED;
	uint32_t expires = listed ? (now + 86400) / 60 * 60 : 0;
	struct sender_row row = { .key = key, .score = score, .hint = score + 1, .blame = score,
	    .sums_at_s = now, .first_seen_s = now - 7200, .last_seen_s = now - 60,
	    .listed_since_s = listed ? now - 60 : 0, .expires_s = expires, .kinds = kinds,
	    .state = state, .grade = GRADE_PROVEN };
	struct change_row change = { .time_us = (int64_t)now * 1000000, .what = sender_prefix(key),
	    .sender = key, .score = score, .hint = score + 1, .since_s = now - 60,
	    .expires_s = expires, .first_seen_s = row.first_seen_s, .last_seen_s = row.last_seen_s,
	    .kinds = kinds, .old_state = STATE_UNKNOWN, .new_state = state, .grade = GRADE_PROVEN,
	    .cause = CAUSE_EVIDENCE, .term_days = 1 };

	sink->sender(sink->ctx, &row);
	if (state == STATE_LISTED || state == STATE_SUSPECT)
		sink->change(sink->ctx, &change);
}

HARNESS void
put_story(struct sink *sink, const char *address)
{
	int64_t now_us = (int64_t)time(NULL) * 1000000;
	struct attempt_row attempt = { .time_us = now_us - 60000000, .target = 2, .sport = 40001,
	    .n_syns = 1, .rtt_us = 23000, .grade = GRADE_PROVEN, .outcome = OUTCOME_PROVEN };
	struct visit_row visit = { .sender = sender_at(address), .start_us = attempt.time_us,
	    .end_us = attempt.time_us + 2000000, .n_attempts = 1, .route = { ROLE_BOGUS },
	    .n_route = 1, .proven_route = { ROLE_BOGUS }, .n_proven_route = 1 };
	struct evidence_row evidence = { .time_us = attempt.time_us + 1000000,
	    .sender = visit.sender, .visit_us = visit.start_us, .kind = EVIDENCE_BACKUP_FIRST,
	    .grade = GRADE_PROVEN, .score = 5, .hint = 5, .score_sum = 5, .hint_sum = 5 };
	struct evidence_row excused = evidence;
	struct tally_row tally = { .hour_s = (uint32_t)(now_us / 1000000 / 3600 * 3600), .target = 2,
	    .attempts = 7, .proven = 5, .first_seen = 3 };

	assert_true(addr_parse(&attempt.src, address));
	evidence.host = excused.host = attempt.src;
	excused.score = excused.hint = 0;
	excused.excused = DOUBT_REAL_DOWN | DOUBT_START_GRACE;
	sink->attempt(sink->ctx, &attempt);
	sink->visit(sink->ctx, &visit);
	sink->evidence(sink->ctx, &excused);
	sink->evidence(sink->ctx, &evidence);
	sink->tally(sink->ctx, &tally);
}

HARNESS void
fill_database(void)
{
	struct store_options options = { .dir = t.dir, .ladder = &t.config.ladder,
	    .retention_attempts_s = 14 * 86400, .max_bytes = 1ULL << 30 };
	struct sink sink;
	char text[64], now[24];

	assert_int_equal(store_open(&t.store, &options), STORE_OK);
	sink = store_sink(t.store);
	for (unsigned i = 0; i < N_LISTED; i++) {
		(void)snprintf(text, sizeof(text), "203.0.113.%u", i);
		put_sender(&sink, sender_at(text), STATE_LISTED, 10, 1U << EVIDENCE_BACKUP_FIRST);
	}
	for (unsigned i = 0; i < N_SUSPECT; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:%x::1", i + 1);
		put_sender(&sink, sender_at(text), STATE_SUSPECT, 5,
		    1U << EVIDENCE_BACKUP_FIRST | 1U << EVIDENCE_DECOYS_ONLY);
	}
	put_story(&sink, "203.0.113.7");
	(void)snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	store_status(t.store, "clock", now);
	assert_true(store_sync(t.store));
}

/* -- the server -- */

HARNESS int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

HARNESS pid_t
start_server(int listen_fd, int supervisor_fd, int bell_fd)
{
	static struct process process;
	sigset_t set;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	process.role = PROCESS_WEB;
	process.config = t.config;
	process.supervisor_fd = supervisor_fd;
	process.web_fd = bell_fd;
	process.decoy_fd = process.control_fd = -1;
	process.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	process.n_sockets = 1;
	process.sockets[0].fd = listen_fd;
	_exit(web_main(&process));
}

HARNESS int
begin(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);
	char text[4096];
	struct pollfd beat = { .events = POLLIN };
	int line[2], bell[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	(void)snprintf(t.dir, sizeof(t.dir), "/tmp/mxtrap-test-web.XXXXXX");
	if (mkdtemp(t.dir) == NULL || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		return -1;
	/* web drops to its own user where there is one. */
	(void)chmod(t.dir, 0755);
	t.port = ntohs(sin.sin_port);
	(void)snprintf(text, sizeof(text), config_text, t.dir, t.port);
	if (t.more != NULL)
		t.more(text + strlen(text), sizeof(text) - strlen(text));
	if (config_parse(&t.config, "test", text) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, line) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, bell) != 0)
		return -1;
	t.supervisor_fd = beat.fd = line[0];
	t.bell_fd = bell[0];
	t.server = start_server(fd, line[1], bell[1]);
	(void)close(fd);
	(void)close(line[1]);
	(void)close(bell[1]);
	/* The first heartbeat says that it serves. */
	return t.server > 0 && poll(&beat, 1, 100000) == 1 ? 0 : -1;
}

HARNESS int
end(void **state)
{
	char command[128];
	int status;

	(void)state;
	(void)kill(t.server, SIGTERM);
	(void)waitpid(t.server, &status, 0);
	store_close(t.store);
	config_free(&t.config);
	(void)snprintf(command, sizeof(command), "rm -rf %s", t.dir);
	return system(command);
}

/* The database, and the server that has found it. */
HARNESS int
begin_filled(void **state)
{
	int64_t until = now_ms() + 60000;

	if (begin(state) != 0)
		return -1;
	fill_database();
	while (get("/api/v1/status")->status != 200)
		if (now_ms() > until || usleep(20000) != 0)
			return -1;
	return 0;
}

/* -- tables of tests -- */

#define MAX_TESTS 256
static struct CMUnitTest tests[MAX_TESTS];
static size_t n_tests;

HARNESS void
add(const char *name, CMUnitTestFunction function, const void *row)
{
	assert_true(n_tests < MAX_TESTS);
	tests[n_tests++] = (struct CMUnitTest){ .name = name, .test_func = function,
	    .initial_state = (void *)(uintptr_t)row };
}

HARNESS const char *
joined(const char *a, const char *b)
{
	static char names[MAX_TESTS][96];
	static size_t n;

	(void)snprintf(names[n], sizeof(names[n]), "%s_%s", a, b);
	return names[n++];
}

#define ADD(function) add(#function, function, NULL)

#endif
