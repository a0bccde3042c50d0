/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_message.c - which records are believed, and what becomes of the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mxtrap/message.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

union record {
	struct message_head head;
	struct message_heartbeat heartbeat;
	struct message_accepts accepts;
	struct message_doorbell doorbell;
	struct message_admin admin;
	struct message_answer answer;
	struct message_processes processes;
	struct message_decoy decoy;
};

/* One row: a record of this kind and size, changed at one place; is it believed? */
struct row {
	const char *name;
	uint16_t kind;
	size_t	 size, at;		/* at: offset of the byte(s) that are set; SIZE_MAX: none */
	size_t	 n;
	uint8_t	 byte;
	bool	 holds;
};

#define NOWHERE SIZE_MAX
#define AT(type, member) offsetof(struct type, member)

static const struct row rows[] = {
	{ "a_heartbeat_holds", MESSAGE_HEARTBEAT, sizeof(struct message_heartbeat), NOWHERE, 0, 0, true },
	{ "a_heartbeat_is_ready_or_not", MESSAGE_HEARTBEAT, sizeof(struct message_heartbeat), AT(message_heartbeat, ready), 1, 2, false },
	{ "a_short_heartbeat_is_none", MESSAGE_HEARTBEAT, sizeof(struct message_heartbeat) - 1, NOWHERE, 0, 0, false },
	{ "a_long_heartbeat_is_none", MESSAGE_HEARTBEAT, sizeof(struct message_heartbeat) + 1, NOWHERE, 0, 0, false },
	{ "a_head_alone_is_no_record", MESSAGE_HEARTBEAT, sizeof(struct message_head), NOWHERE, 0, 0, false },
	{ "less_than_a_head_is_no_record", MESSAGE_HEARTBEAT, 3, NOWHERE, 0, 0, false },
	{ "another_magic_is_no_record", MESSAGE_HEARTBEAT, sizeof(struct message_heartbeat), 0, 1, 'x', false },
	{ "another_size_in_the_head_is_no_record", MESSAGE_HEARTBEAT, sizeof(struct message_heartbeat), AT(message_head, size), 1, 15, false },
	{ "kind_0_is_none", 0, sizeof(struct message_heartbeat), NOWHERE, 0, 0, false },
	{ "a_kind_behind_the_last_is_none", 8, sizeof(struct message_heartbeat), NOWHERE, 0, 0, false },
	{ "a_kind_of_another_size_is_none", MESSAGE_ADMIN, sizeof(struct message_answer), NOWHERE, 0, 0, false },
	{ "accepts_of_one_hold", MESSAGE_ACCEPTS, sizeof(struct message_accepts), AT(message_accepts, n), 1, 1, true },
	{ "accepts_of_64_hold", MESSAGE_ACCEPTS, sizeof(struct message_accepts), AT(message_accepts, n), 1, 64, true },
	{ "accepts_of_none_do_not", MESSAGE_ACCEPTS, sizeof(struct message_accepts), NOWHERE, 0, 0, false },
	{ "accepts_of_65_do_not", MESSAGE_ACCEPTS, sizeof(struct message_accepts), AT(message_accepts, n), 1, 65, false },
	{ "accepts_of_4_billion_do_not", MESSAGE_ACCEPTS, sizeof(struct message_accepts), AT(message_accepts, n), 4, 255, false },
	{ "a_doorbell_holds", MESSAGE_DOORBELL, sizeof(struct message_doorbell), NOWHERE, 0, 0, true },
	{ "an_admin_ping_holds", MESSAGE_ADMIN, sizeof(struct message_admin), AT(message_admin, op), 1, ADMIN_PING, true },
	{ "an_admin_without_an_operation_does_not", MESSAGE_ADMIN, sizeof(struct message_admin), NOWHERE, 0, 0, false },
	{ "an_admin_of_an_unknown_operation_does_not", MESSAGE_ADMIN, sizeof(struct message_admin), AT(message_admin, op), 1, ADMIN_LIST + 1, false },
	{ "an_admin_list_holds", MESSAGE_ADMIN, sizeof(struct message_admin), AT(message_admin, op), 1, ADMIN_LIST, true },
	{ "an_admin_publish_holds", MESSAGE_ADMIN, sizeof(struct message_admin), AT(message_admin, op), 1, ADMIN_PUBLISH, true },
	{ "an_answer_holds", MESSAGE_ANSWER, sizeof(struct message_answer), NOWHERE, 0, 0, true },
	{ "an_answer_without_an_end_does_not", MESSAGE_ANSWER, sizeof(struct message_answer), AT(message_answer, text), 256, 'x', false },
	{ "processes_hold", MESSAGE_PROCESSES, sizeof(struct message_processes), NOWHERE, 0, 0, true },
	{ "a_process_name_without_an_end_does_not", MESSAGE_PROCESSES, sizeof(struct message_processes), AT(message_processes, process[7].name), 16, 'x', false },
	{ "a_complaint_without_an_end_does_not", MESSAGE_PROCESSES, sizeof(struct message_processes), AT(message_processes, complaint[7].what), 256, 'x', false },
	{ "decoys_counters_hold", MESSAGE_DECOY, sizeof(struct message_decoy), AT(message_decoy, accepted), 24, 255, true },
};

static void
test_row(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[sizeof(union record) + 2] = { 0 };
	struct message_head head;

	message_init(&head, (enum message_kind)row->kind, row->size);
	memcpy(bytes + 1, &head, sizeof(head));		/* at an odd address, as a buffer may be */
	if (row->at != NOWHERE)
		memset(bytes + 1 + row->at, row->byte, row->n);
	assert_int_equal(message_holds(bytes + 1, row->size), row->holds);
}

static struct message_admin
admin(void)
{
	struct message_admin m = { .op = ADMIN_ALLOW, .len = 128, .who = "root", .note = "a note" };

	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	return m;
}

static void
an_admins_text_must_end(void **state)
{
	struct message_admin m = admin();

	(void)state;
	assert_true(message_holds(&m, sizeof(m)));
	memset(m.who, 'x', sizeof(m.who));
	assert_false(message_holds(&m, sizeof(m)));
	m = admin();
	memset(m.note, 'x', sizeof(m.note));
	assert_false(message_holds(&m, sizeof(m)));
	m = admin();
	m.len = 129;
	assert_false(message_holds(&m, sizeof(m)));
}

static void
pair(int type, int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fd), 0);
}

static void
a_record_arrives_whole(void **state)
{
	struct message_admin m = admin();
	union record r;
	int fd[2];

	(void)state;
	pair(SOCK_SEQPACKET, fd);
	assert_int_equal(message_receive(fd[1], &r, sizeof(r)), 0);
	assert_int_equal(message_send(fd[0], &m, sizeof(m)), 1);
	assert_int_equal(message_receive(fd[1], &r, sizeof(r)), (int)sizeof(m));
	assert_memory_equal(&r, &m, sizeof(m));
	assert_int_equal(message_receive(fd[1], &r, sizeof(r)), 0);
	close(fd[0]);
	close(fd[1]);
}

static void
a_record_too_long_for_the_buffer_is_dropped(void **state)
{
	struct message_admin m = admin();
	struct message_heartbeat small;
	int fd[2];

	(void)state;
	pair(SOCK_SEQPACKET, fd);
	assert_int_equal(message_send(fd[0], &m, sizeof(m)), 1);
	assert_int_equal(message_receive(fd[1], &small, sizeof(small)), -2);
	assert_int_equal(message_receive(fd[1], &small, sizeof(small)), 0);
	close(fd[0]);
	close(fd[1]);
}

static void
a_peer_that_is_gone_is_told_apart_from_silence(void **state)
{
	union record r;
	struct message_admin m = admin();
	int fd[2];

	(void)state;
	pair(SOCK_SEQPACKET, fd);
	close(fd[0]);
	assert_int_equal(message_receive(fd[1], &r, sizeof(r)), -1);
	assert_int_equal(message_send(fd[1], &m, sizeof(m)), -1);	/* and no SIGPIPE */
	close(fd[1]);
}

static void
an_empty_datagram_is_no_end(void **state)
{
	union record r;
	int fd[2];

	(void)state;
	pair(SOCK_DGRAM, fd);
	assert_int_equal(send(fd[0], "", 0, 0), 0);
	assert_int_equal(message_receive(fd[1], &r, sizeof(r)), -2);
	assert_int_equal(message_receive(fd[1], &r, sizeof(r)), 0);
	close(fd[0]);
	close(fd[1]);
}

static void
a_full_queue_makes_nobody_wait(void **state)
{
	struct message_admin m = admin();
	int fd[2], sent = 0;

	(void)state;
	pair(SOCK_SEQPACKET, fd);
	while (sent < 1000000 && message_send(fd[0], &m, sizeof(m)) == 1)
		sent++;
	assert_in_range(sent, 1, 999999);
	assert_int_equal(message_send(fd[0], &m, sizeof(m)), 0);
	close(fd[0]);
	close(fd[1]);
}

static void
a_doorbell_is_64_bytes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct message_doorbell), 64);
}

int
main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(an_admins_text_must_end),
		cmocka_unit_test(a_record_arrives_whole),
		cmocka_unit_test(a_record_too_long_for_the_buffer_is_dropped),
		cmocka_unit_test(a_peer_that_is_gone_is_told_apart_from_silence),
		cmocka_unit_test(an_empty_datagram_is_no_end),
		cmocka_unit_test(a_full_queue_makes_nobody_wait),
		cmocka_unit_test(a_doorbell_is_64_bytes),
	};
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = test_row,
		    .initial_state = (void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
