/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_message.c - any bytes as a record; what is believed must be safe to use.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(const char *text, size_t size)
{
	if (strnlen(text, size) == size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_head head;
	struct message_admin admin;
	struct message_answer answer;
	struct message_processes processes;
	struct message_accepts accepts;

	if (!message_holds(data, size))
		return 0;
	memcpy(&head, data, sizeof(head));
	if (head.size != size)
		abort();
	if (head.kind == MESSAGE_ADMIN) {
		memcpy(&admin, data, sizeof(admin));
		use(admin.who, sizeof(admin.who));
		use(admin.note, sizeof(admin.note));
		if (admin.len > 128)
			abort();
	} else if (head.kind == MESSAGE_ANSWER) {
		memcpy(&answer, data, sizeof(answer));
		use(answer.text, sizeof(answer.text));
	} else if (head.kind == MESSAGE_PROCESSES) {
		memcpy(&processes, data, sizeof(processes));
		for (size_t i = 0; i < MESSAGE_MAX_PROCESSES; i++)
			use(processes.process[i].name, sizeof(processes.process[i].name));
		for (size_t i = 0; i < 8; i++)
			use(processes.complaint[i].what, sizeof(processes.complaint[i].what));
	} else if (head.kind == MESSAGE_ACCEPTS) {
		memcpy(&accepts, data, sizeof(accepts));
		if (accepts.n == 0 || accepts.n > MESSAGE_MAX_ACCEPTS)
			abort();
	}
	return 0;
}
