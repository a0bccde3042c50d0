/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_dialogue.c - sessions on loopback, with the test as decoy's loop, as watch, and as the clock.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/decoy/deadline.h"
#include "../../daemon/decoy/dialogue.h"
#include "../../daemon/decoy/seats.h"
#include "../../daemon/decoy/smtp.h"

#define WAIT_MS 60000			/* for what must happen; nothing sleeps this long */
#define DELAY_S 2
#define START_MS 1000000		/* the clock's beginning */
#define NEXT_MS	 100

struct rig {
	struct config config;
	struct mxset set;
	struct exchanger exchanger;
	struct target targets[2];
	struct dialogue *dialogue;
	int	 listener, watch, ours;	/* watch: our end; ours: the one that dialogue sends to */
	struct sockaddr_in at;
	int64_t	 now;
};

static void
rig_start(struct rig *r, uint32_t dialogues, uint32_t per_source)
{
	socklen_t len = sizeof(r->at);
	int pair[2];

	memset(r, 0, sizeof(*r));
	r->now = START_MS;
	memcpy(r->exchanger.name, "mx9.example.org", sizeof("mx9.example.org"));
	r->set.exchangers = &r->exchanger;
	r->set.n_exchangers = 1;
	r->targets[1].answer = ANSWER_DIALOGUE;
	r->config.ladder = (struct ladder){ .n_sets = 1, .sets = &r->set, .n_targets = 2, .targets = r->targets };
	r->config.greeting_delay_s = DELAY_S;
	r->config.dialogues = dialogues;
	r->config.dialogues_per_source = per_source;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	r->watch = pair[0];
	r->ours = pair[1];
	r->dialogue = dialogue_new(&r->config, r->ours, 8);
	assert_non_null(r->dialogue);
	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	r->at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(r->listener, (struct sockaddr *)&r->at, sizeof(r->at)), 0);
	assert_int_equal(getsockname(r->listener, (struct sockaddr *)&r->at, &len), 0);
	dialogue_prepare(r->listener);
	assert_int_equal(listen(r->listener, 128), 0);
}

static void
rig_end(struct rig *r)
{
	dialogue_free(r->dialogue);
	close(r->listener);
	close(r->watch);
	close(r->ours);
}

/* What decoy's loop does, once. */
static void
rig_round(struct rig *r)
{
	dialogue_step(r->dialogue, r->now);
	dialogue_flush(r->dialogue);
}

/* A client that is taken to be at this address; its socket, or -1: it found no room. */
static int
rig_client_at(struct rig *r, const struct addr *src)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), taken;
	struct message_accept who = { .target = 1, .port = 4242 };
	struct pollfd p = { .fd = r->listener, .events = POLLIN };

	assert_int_equal(connect(fd, (struct sockaddr *)&r->at, sizeof(r->at)), 0);
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	taken = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(taken >= 0);
	memcpy(who.src, src->b, sizeof(who.src));
	if (dialogue_take(r->dialogue, taken, &who, r->now))
		return fd;
	close(taken);
	close(fd);
	return -1;
}

/* The same from 10.0.0.0 + source. */
static int
rig_client(struct rig *r, uint32_t source)
{
	uint8_t bytes[4] = { 10, (uint8_t)(source >> 16), (uint8_t)(source >> 8), (uint8_t)source };
	struct addr src = addr_from_v4(bytes);

	return rig_client_at(r, &src);
}

static void
says(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Rounds at one moment until the client has this line's beginning, or ("") the end of the session. */
static bool
hears(struct rig *r, int fd, const char *begins)
{
	char text[512];
	size_t n = 0;

	for (int i = 0; i < WAIT_MS / 10; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		rig_round(r);
		if (poll(&p, 1, 10) != 1)
			continue;
		if (recv(fd, text + n, 1, 0) <= 0)
			return begins[0] == '\0' && n == 0;
		if (n + 1 < sizeof(text))
			n++;
		if (text[n - 1] != '\n')
			continue;
		/* The last line of a reply is the reply. */
		if (text[3] != '-')
			return begins[0] != '\0' && strncmp(text, begins, strlen(begins)) == 0;
		n = 0;
	}
	return false;
}

/* The next record; false: there is none now. */
static bool
told(struct rig *r, struct message_said *m)
{
	union {
		struct message_head head;
		struct message_said said;
		uint8_t room[4096];
	} record;
	int n = message_receive(r->watch, &record, sizeof(record));

	if (n <= 0)
		return false;
	assert_int_equal(record.head.kind, MESSAGE_SAID);
	*m = record.said;
	return true;
}

static bool
is_told(struct rig *r, struct message_said *m)
{
	for (int i = 0; i < WAIT_MS / 10; i++) {
		rig_round(r);
		if (told(r, m))
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

static struct message_decoy
counters(const struct rig *r)
{
	struct message_decoy m = { .accepted = 0 };

	dialogue_count(r->dialogue, &m);
	return m;
}

static void
a_server_is_greeted_after_the_delay_and_put_off(void **state)
{
	struct message_said m;
	struct rig r;
	char c;
	int fd;

	(void)state;
	rig_start(&r, 10, 10);
	fd = rig_client(&r, 1);
	r.now += DELAY_S * 1000 - 1;
	rig_round(&r);
	assert_true(recv(fd, &c, 1, MSG_DONTWAIT) < 0);
	assert_int_equal(dialogue_timeout(r.dialogue, r.now, 250), 1);
	r.now++;
	assert_true(hears(&r, fd, "220 mx9.example.org "));
	says(fd, "EHLO a.example\r\n");
	assert_true(hears(&r, fd, "250 "));
	says(fd, "MAIL FROM:<x@a.example>\r\n");
	assert_true(hears(&r, fd, "250 "));
	assert_false(told(&r, &m));
	says(fd, "RCPT TO:<you@example.org>\r\n");
	assert_true(hears(&r, fd, "451 "));
	assert_true(is_told(&r, &m));
	assert_int_equal(m.said, SAID_HELO | SAID_MAIL | SAID_RCPT);
	assert_string_equal(m.helo, "a.example");
	assert_string_equal(m.domain, "example.org");
	assert_int_equal(m.target, 1);
	assert_int_equal(m.port, 4242);
	assert_true(m.time_us > 1500000000LL * 1000000);
	says(fd, "QUIT\r\n");
	assert_true(hears(&r, fd, "221 "));
	assert_true(hears(&r, fd, ""));
	assert_true(is_told(&r, &m));
	assert_int_equal(m.said, SAID_HELO | SAID_MAIL | SAID_RCPT | SAID_END);
	assert_string_equal(m.domain, "example.org");
	assert_int_equal(counters(&r).dialogues, 0);
	assert_int_equal(counters(&r).talked, 1);
	close(fd);
	rig_end(&r);
}

static void
all_at_once_gets_all_answers(void **state)
{
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, 10, 10);
	fd = rig_client(&r, 1);
	r.now += DELAY_S * 1000;
	assert_true(hears(&r, fd, "220 "));
	says(fd, "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<x@example.org>\r\nRCPT TO:<y@example.org>\r\nDATA\r\nRSET\r\nQUIT\r\n");
	assert_true(hears(&r, fd, "250 mx9"));
	assert_true(hears(&r, fd, "250 "));
	assert_true(hears(&r, fd, "451 "));
	assert_true(hears(&r, fd, "451 "));
	assert_true(hears(&r, fd, "451 "));
	assert_true(hears(&r, fd, "250 "));
	assert_true(hears(&r, fd, "221 "));
	assert_true(hears(&r, fd, ""));
	close(fd);
	rig_end(&r);
}

static void
who_talks_first_is_noted_and_served_all_the_same(void **state)
{
	struct message_said m;
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, 10, 10);
	fd = rig_client(&r, 1);
	says(fd, "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<x@example.org>\r\n");
	/* Unread bytes must not keep the loop busy. */
	rig_round(&r);
	for (int i = 0; i < 100; i++) {
		struct pollfd p = { .fd = dialogue_fd(r.dialogue), .events = POLLIN };

		rig_round(&r);
		if (poll(&p, 1, 10) == 0)
			break;
		assert_true(i < 99);
	}
	r.now += DELAY_S * 1000;
	assert_true(hears(&r, fd, "220 "));
	assert_true(hears(&r, fd, "250 "));
	assert_true(hears(&r, fd, "250 "));
	assert_true(hears(&r, fd, "451 "));
	assert_true(is_told(&r, &m));
	assert_int_equal(m.said, SAID_EARLY | SAID_HELO | SAID_MAIL | SAID_RCPT);
	close(fd);
	rig_end(&r);
}

static void
a_tls_hello_is_told_and_closed(void **state)
{
	static const char hello[] = "\x16\x03\x01\x02\x01";
	struct message_said m;
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, 10, 10);
	fd = rig_client(&r, 1);
	says(fd, hello);
	assert_true(is_told(&r, &m));
	assert_int_equal(m.said, SAID_EARLY | SAID_TLS | SAID_FOREIGN_PROTOCOL | SAID_END);
	assert_true(hears(&r, fd, ""));
	close(fd);
	rig_end(&r);
}

static void
who_hangs_up_is_told(void **state)
{
	struct message_said m;
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, 10, 10);
	close(rig_client(&r, 1));		/* before the greeting */
	assert_true(is_told(&r, &m));
	assert_int_equal(m.said, SAID_END);
	fd = rig_client(&r, 1);
	r.now += DELAY_S * 1000;
	assert_true(hears(&r, fd, "220 "));
	says(fd, "EHLO half");		/* an unfinished line is no name */
	close(fd);
	assert_true(is_told(&r, &m));
	assert_int_equal(m.said, SAID_END);
	assert_string_equal(m.helo, "");
	assert_int_equal(counters(&r).dialogues, 0);
	rig_end(&r);
}

static void
a_source_has_its_share_and_others_find_room(void **state)
{
	struct rig r;
	int fd[4];

	(void)state;
	rig_start(&r, 4, 2);
	fd[0] = rig_client(&r, 1);
	fd[1] = rig_client(&r, 1);
	assert_true(fd[0] >= 0 && fd[1] >= 0);
	assert_int_equal(rig_client(&r, 1), -1);
	assert_int_equal(counters(&r).full_source, 1);
	fd[2] = rig_client(&r, 2);
	fd[3] = rig_client(&r, 3);
	assert_true(fd[2] >= 0 && fd[3] >= 0);
	assert_int_equal(rig_client(&r, 4), -1);
	assert_int_equal(counters(&r).full, 1);
	assert_int_equal(counters(&r).dialogues, 4);
	/* Room that is given back is used again. */
	close(fd[1]);
	for (int i = 0; i < WAIT_MS / 10 && counters(&r).dialogues == 4; i++) {
		rig_round(&r);
		(void)poll(NULL, 0, 10);
	}
	fd[1] = rig_client(&r, 1);
	assert_true(fd[1] >= 0);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	rig_end(&r);
}

static void
hosts_of_one_64_share_what_it_has(void **state)
{
	static const char *const hosts[] = { "2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "2001:db8:1:2::3", "2001:db8:1:3::1" };
	struct rig r;
	int fd[4];

	(void)state;
	rig_start(&r, 10, 2);
	for (int i = 0; i < 4; i++) {
		struct addr src;

		assert_true(addr_parse(&src, hosts[i]));
		fd[i] = rig_client_at(&r, &src);
		assert_int_equal(fd[i] < 0, i == 2);
	}
	for (int i = 0; i < 4; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	rig_end(&r);
}

static void
a_network_has_as_much_as_ten_of_its_sources(void **state)
{
	static const char *const others[] = { "10.0.1.1", "2001:db8:2::1" };
	enum { SHARE = 2, MOST = SHARE * SEATS_NETWORK };
	struct seats s;
	struct addr src;
	uint32_t seat;

	(void)state;
	assert_true(seats_init(&s, 1000, SHARE));
	for (uint32_t i = 0; i < 2 * MOST; i++) {
		char v4[32], v6[64];

		(void)snprintf(v4, sizeof(v4), "10.0.0.%u", i);
		(void)snprintf(v6, sizeof(v6), "2001:db8:1:%x::1", i);
		assert_true(addr_parse(&src, v4));
		assert_int_equal(seats_take(&s, addr_sender(&src), &seat), i < MOST ? SEATS_TAKEN : SEATS_SOURCE_FULL);
		assert_true(addr_parse(&src, v6));
		assert_int_equal(seats_take(&s, addr_sender(&src), &seat), i < MOST ? SEATS_TAKEN : SEATS_SOURCE_FULL);
	}
	for (int i = 0; i < 2; i++) {
		assert_true(addr_parse(&src, others[i]));
		assert_int_equal(seats_take(&s, addr_sender(&src), &seat), SEATS_TAKEN);
	}
	seats_free(&s);
}

static void
slow_ones_end_at_their_deadlines(void **state)
{
	enum { N = 40 };
	struct rig r;
	int fd[N];

	(void)state;
	rig_start(&r, N, N);
	for (int i = 0; i < N; i++, r.now += NEXT_MS)
		fd[i] = rig_client(&r, 1);
	/* At each moment exactly those end whose minute is over. */
	r.now = START_MS + DELAY_S * 1000 + N * NEXT_MS;
	for (int i = 0; i < N; i++)
		assert_true(hears(&r, fd[i], "220 "));
	r.now = START_MS + DELAY_S * 1000 + N * NEXT_MS + SMTP_COMMAND_MS - 1;
	rig_round(&r);
	assert_int_equal(counters(&r).dialogues, N);
	says(fd[7], "NOOP\r\n");
	assert_true(hears(&r, fd[7], "250 "));
	r.now++;
	rig_round(&r);
	assert_int_equal(counters(&r).dialogues, 1);
	assert_int_equal(counters(&r).slow, N - 1);
	assert_true(hears(&r, fd[8], "421 "));
	assert_true(hears(&r, fd[8], ""));
	for (int i = 0; i < N; i++)
		close(fd[i]);
	rig_end(&r);
}

static void
what_watch_cannot_take_yet_waits(void **state)
{
	struct message_said m;
	struct rig r;
	uint64_t n = 0;

	(void)state;
	rig_start(&r, 10, 10);
	/* Nobody reads while twice as many end as the line holds. */
	for (int i = 0; i < 1000; i++) {
		close(rig_client(&r, 1));
		for (int k = 0; k < WAIT_MS / 10 && counters(&r).dialogues != 0; k++) {
			rig_round(&r);
			if (counters(&r).dialogues != 0)
				(void)poll(NULL, 0, 1);
		}
	}
	assert_true(dialogue_timeout(r.dialogue, r.now, 250) <= 10);
	for (bool more = true; more; n += more) {
		more = told(&r, &m);
		dialogue_flush(r.dialogue);
	}
	assert_int_equal(counters(&r).said_lost + n, 1000);
	assert_int_equal(counters(&r).said_lost, 0);
	rig_end(&r);
}

static void
what_finds_no_room_to_wait_is_counted(void **state)
{
	struct message_said m;
	struct rig r;
	uint64_t n = 0;

	(void)state;
	rig_start(&r, 10, 10);
	for (int i = 0; i < 2000; i++) {
		close(rig_client(&r, 1));
		for (int k = 0; k < WAIT_MS && counters(&r).dialogues != 0; k++) {
			rig_round(&r);
			if (counters(&r).dialogues != 0)
				(void)poll(NULL, 0, 1);
		}
	}
	for (bool more = true; more; n += more) {
		more = told(&r, &m);
		dialogue_flush(r.dialogue);
	}
	assert_in_range(counters(&r).said_lost, 1, 999);
	assert_int_equal(counters(&r).said_lost + n, 2000);
	rig_end(&r);
}

static void
a_stop_says_421_and_tells_of_each(void **state)
{
	struct message_said m;
	struct rig r;
	char text[64];
	int greeted, silent, n = 0;

	(void)state;
	rig_start(&r, 10, 10);
	greeted = rig_client(&r, 1);
	r.now += DELAY_S * 1000;
	assert_true(hears(&r, greeted, "220 "));
	silent = rig_client(&r, 2);
	dialogue_free(r.dialogue);
	r.dialogue = NULL;
	assert_true(recv(greeted, text, sizeof(text), 0) > 4);
	assert_memory_equal(text, "421 ", 4);
	assert_int_equal(recv(silent, text, sizeof(text), 0), 0);
	while (told(&r, &m)) {
		n++;
		assert_int_equal(m.said, SAID_END);
	}
	assert_int_equal(n, 2);
	close(greeted);
	close(silent);
	rig_end(&r);
}

static void
a_watch_that_is_gone_stops_nothing(void **state)
{
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, 10, 10);
	shutdown(r.watch, SHUT_RDWR);
	fd = rig_client(&r, 1);
	r.now += DELAY_S * 1000;
	assert_true(hears(&r, fd, "220 "));
	says(fd, "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<x@b>\r\nQUIT\r\n");
	assert_true(hears(&r, fd, "250 "));
	assert_true(hears(&r, fd, "250 "));
	assert_true(hears(&r, fd, "451 "));
	assert_true(hears(&r, fd, "221 "));
	assert_true(hears(&r, fd, ""));
	assert_int_equal(counters(&r).said_lost, 1);
	close(fd);
	rig_end(&r);
}

static void
only_who_is_configured_so_talks(void **state)
{
	struct config quiet = { .ladder = { .n_targets = 0 } };
	struct rig r;

	(void)state;
	assert_null(dialogue_new(&quiet, -1, 0));
	assert_false(dialogue_serves(NULL, 0));
	rig_start(&r, 10, 10);
	assert_false(dialogue_serves(r.dialogue, 0));
	assert_true(dialogue_serves(r.dialogue, 1));
	assert_false(dialogue_serves(r.dialogue, 2));
	rig_end(&r);
}

/* In a child, whose limit cannot be raised again. */
static int
with_few_files(rlim_t soft, rlim_t hard)
{
	struct rlimit few = { soft, hard };
	struct rig r;
	int n = 0;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return 255;
	rig_start(&r, 10, 10);
	while (n < 20 && rig_client(&r, 1) >= 0)
		n++;
	return n;
}

static void
there_are_no_more_dialogues_than_open_files(void **state)
{
	/* 128 are kept for others and 8 the rig asks for; what the soft limit lacks is raised. */
	static const struct { rlim_t soft, hard; int dialogues; } rows[] = { { 144, 144, 8 }, { 144, 145, 9 }, { 60, 200, 10 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = 0;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(with_few_files(rows[i].soft, rows[i].hard));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), rows[i].dialogues);
	}
}

static void
the_earliest_deadline_comes_first(void **state)
{
	enum { N = 200, STEPS = 20000 };
	struct deadlines d;
	int64_t due[N];
	uint32_t seed = 1;

	(void)state;
	assert_true(deadlines_init(&d, N));
	for (int i = 0; i < N; i++)
		due[i] = -1;
	for (int step = 0; step < STEPS; step++) {
		uint32_t item, first = UINT32_MAX, got = 0;
		int64_t got_due = 0;

		seed = seed * 1664525 + 1013904223;
		item = (seed >> 8) % N;
		if ((seed >> 28) < 5) {
			deadlines_clear(&d, item);
			due[item] = -1;
		} else {
			due[item] = (seed >> 12) % 1000;
			deadlines_set(&d, item, due[item]);
		}
		for (uint32_t i = 0; i < N; i++)
			if (due[i] >= 0 && (first == UINT32_MAX || due[i] < due[first]))
				first = i;
		assert_int_equal(deadlines_first(&d, &got, &got_due), first != UINT32_MAX);
		if (first != UINT32_MAX) {
			assert_int_equal(got_due, due[first]);
			assert_int_equal(due[got], due[first]);
		}
	}
	deadlines_free(&d);
}

static void
seats_are_shared_as_said_whoever_comes_and_goes(void **state)
{
	enum { N = 60, SOURCES = 12, SHARE = 7, STEPS = 20000 };
	uint32_t seed = 7, held[SOURCES] = { 0 }, n = 0, source_of[N];
	bool taken[N] = { false };
	struct seats s;

	(void)state;
	assert_true(seats_init(&s, N, SHARE));
	for (int step = 0; step < STEPS; step++) {
		uint32_t source, seat = UINT32_MAX;

		seed = seed * 1664525 + 1013904223;
		source = (seed >> 8) % SOURCES;
		if ((seed >> 28) < 7) {
			seat = (seed >> 12) % N;
			if (!taken[seat])
				continue;
			seats_give(&s, seat);
			taken[seat] = false;
			held[source_of[seat]]--;
			n--;
			continue;
		}
		switch (seats_take(&s, (sender_key)source << 32, &seat)) {
		case SEATS_TAKEN:
			assert_true(seat < N && !taken[seat] && held[source] < SHARE);
			taken[seat] = true;
			source_of[seat] = source;
			held[source]++;
			n++;
			break;
		case SEATS_FULL:
			assert_int_equal(n, N);
			break;
		case SEATS_SOURCE_FULL:
			assert_int_equal(held[source], SHARE);
			break;
		}
		assert_int_equal(s.n, n);
	}
	seats_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_greeted_after_the_delay_and_put_off),
		cmocka_unit_test(all_at_once_gets_all_answers),
		cmocka_unit_test(who_talks_first_is_noted_and_served_all_the_same),
		cmocka_unit_test(a_tls_hello_is_told_and_closed),
		cmocka_unit_test(who_hangs_up_is_told),
		cmocka_unit_test(a_source_has_its_share_and_others_find_room),
		cmocka_unit_test(hosts_of_one_64_share_what_it_has),
		cmocka_unit_test(a_network_has_as_much_as_ten_of_its_sources),
		cmocka_unit_test(slow_ones_end_at_their_deadlines),
		cmocka_unit_test(what_watch_cannot_take_yet_waits),
		cmocka_unit_test(what_finds_no_room_to_wait_is_counted),
		cmocka_unit_test(a_stop_says_421_and_tells_of_each),
		cmocka_unit_test(a_watch_that_is_gone_stops_nothing),
		cmocka_unit_test(only_who_is_configured_so_talks),
		cmocka_unit_test(there_are_no_more_dialogues_than_open_files),
		cmocka_unit_test(seats_are_shared_as_said_whoever_comes_and_goes),
		cmocka_unit_test(the_earliest_deadline_comes_first),
	};

	return cmocka_run_group_tests_name("dialogue", tests, NULL, NULL);
}
