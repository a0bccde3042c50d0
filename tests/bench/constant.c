/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * constant.c - constant PORT: the least web server there is, to compare with: 100 bytes from memory.
 */
#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct MHD_Response *response;

static enum MHD_Result
answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **state)
{
	(void)ctx, (void)url, (void)method, (void)version, (void)data, (void)size;
	/* Queued on the first call it would close the connection, and cost six times as much. */
	if (*state == NULL) {
		*state = response;
		return MHD_YES;
	}
	return MHD_queue_response(c, MHD_HTTP_OK, response);
}

int
main(int argc, char **argv)
{
	static char body[101];
	struct MHD_Daemon *d;
	sigset_t set;
	int sig;

	memset(body, 'x', 100);
	response = MHD_create_response_from_buffer(100, body, MHD_RESPMEM_PERSISTENT);
	if (argc != 2 || response == NULL)
		return 2;
	MHD_add_response_header(response, "Content-Type", "application/json");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)atoi(argv[1]), NULL, NULL, answer, NULL, MHD_OPTION_END);
	if (d == NULL)
		return 1;
	sigwait(&set, &sig);
	MHD_stop_daemon(d);
	return 0;
}
