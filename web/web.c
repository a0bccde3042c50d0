/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web.c - the web process: one thread serves a listener, this one looks after them.
 *
 * It sends heartbeats, hears the doorbell, cuts off slow clients, and looks whether
 * the database is there yet.  No capability is kept, and the database
 * is opened for reading alone.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"
#include "mxtrap/state.h"
#include "web_int.h"

#define LOOK_MS	     1000
#define SWEEP_MS     250
#define TELL_MS	     1000
#define STUCK_MS     30000	/* a handler that takes longer hangs: let the supervisor restart us */
#define PRESS_STUCK_MS 300000	/* likewise; the longest list on the slowest disk */

int64_t
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool
web_init(struct web *web, const struct config *config)
{
	memset(web, 0, sizeof(*web));
	web->config = config;
	web->line_fd = -1;
	web->watched = WATCHED_NEVER;
	hosts_init(&web->hosts, config);
	os_look(&web->os, config->p0f_database);
	return pthread_mutex_init(&web->lock, NULL) == 0 && pthread_mutex_init(&web->deciding, NULL) == 0;
}

void
web_clear(struct web *web)
{
	export_cache_drop(&web->exports);
	os_clear(&web->os);
	if (web->report != NULL)
		report_close(web->report);
	(void)pthread_mutex_destroy(&web->deciding);
	(void)pthread_mutex_destroy(&web->lock);
}

/* Watch itself cannot report that it hangs, and the supervisor may hang with it.  At our start it may be about to begin. */
static void
say_watched(struct web *web, const struct status *status)
{
	struct status_fact fact = { .kind = STATUS_SILENT };
	char text[STATUS_SENTENCE_SIZE];

	if (!status_readable(status) || status->watched.stopped_s != 0)
		return;
	if (status->watched.state == WATCHED_SILENT && web->watched == WATCHED_YES) {
		log_warnx("%s", status_sentence(status, &fact, text));
		web->watched = WATCHED_SILENT;
	} else if (status->watched.state == WATCHED_YES) {
		if (web->watched == WATCHED_SILENT)
			log_info("mxtrapd writes its state again");
		web->watched = WATCHED_YES;
	}
}

/* A database that cannot be read, and one that can be again, are worth a line each. */
static void
say_stored(struct web *web)
{
	struct status *status = malloc(sizeof(*status));
	struct status_fact fact = { .kind = STATUS_DATABASE };
	char text[STATUS_SENTENCE_SIZE];

	if (status == NULL)
		return;
	status_read(status, web->config, web->report, web->opened, (int64_t)time(NULL), STATUS_ROWS);
	/* At the start watch may need a moment; a lock is over soon. */
	if (status->stored.state != web->stored && status->stored.state != STORED_BUSY && status->stored.state != STORED_ABSENT &&
	    status->stored.state != STORED_OLDER) {
		if (!status_readable(status))
			log_warnx("%s", status_sentence(status, &fact, text));
		else if (web->stored != STORED_OK && web->stored != STORED_FULL)
			log_info("the database can be read again");
	}
	if (status->stored.state != STORED_BUSY)
		web->stored = status->stored.state;
	say_watched(web, status);
	free(status);
}

void
web_look(struct web *web)
{
	/* A handler is at work, so there is a database; heartbeats must not wait for it. */
	if (pthread_mutex_trylock(&web->lock) != 0)
		return;
	if (web->report == NULL) {
		web->opened = report_open(&web->report, web->config->state_dir, &web->config->judge);
		if (web->opened == REPORT_OK)
			log_info("reads the database");
	}
	say_stored(web);
	atomic_store(&web->damaged, (web->report != NULL && report_damaged(web->report)) ||
	    (web->press.report != NULL && report_damaged(web->press.report)));
	(void)pthread_mutex_unlock(&web->lock);
}

/*
 * The bell names the newest state.  Each request asks the database itself, so there is
 * nothing to do but empty the line; a database not seen yet is looked for at once.
 */
static bool
read_doorbell(int *fd)
{
	struct message_doorbell bell;
	bool rung = false;
	int n;

	for (int i = 0; i < MESSAGE_TURN && (n = message_take(*fd, LINE_WATCH_TO_WEB, &bell, sizeof(bell))) != 0; i++) {
		if (n == -1) {
			*fd = -1;	/* watch is gone; its successor's bell comes with our restart */
			break;
		}
		rung = rung || n == (int)sizeof(bell);
	}
	return rung;
}

static bool
stuck(struct web *web)
{
	int64_t since = atomic_load(&web->busy_since_ms), pressed = atomic_load(&web->press.busy_since_ms);

	return (since != 0 && clock_ms() - since > STUCK_MS) || (pressed != 0 && clock_ms() - pressed > PRESS_STUCK_MS);
}

static void
serve(struct process *process, struct web *web, struct server **servers, size_t n)
{
	int64_t looked_ms = 0, swept_ms = 0, told_ms = 0;
	bool reload;

	while (!process_should_stop(process, &reload)) {
		struct pollfd fds[3] = {
			{ .fd = process->signal_fd, .events = POLLIN },
			{ .fd = process->web_fd, .events = POLLIN },
			{ .fd = -1 },		/* the supervisor's line: process_should_stop() */
		};
		int wait = stuck(web) ? SWEEP_MS : process_heartbeat(process, true);
		int64_t now;
		bool rung;

		(void)poll(fds, ARRAY_LEN(fds), wait < SWEEP_MS ? wait : SWEEP_MS);
		rung = process->web_fd != -1 && read_doorbell(&process->web_fd);
		now = clock_ms();
		if (rung)
			streams_ring(&web->streams);
		if (rung || now - looked_ms >= LOOK_MS) {
			web_look(web);
			process->damaged = atomic_load(&web->damaged);
			if (web->report == NULL || process->trouble[0] != '\0')
				(void)state_trouble(process);
			looked_ms = now;
		}
		if (now - told_ms >= TELL_MS) {
			consumers_tell(web, process->web_fd);
			told_ms = now;
		}
		if (now - swept_ms >= SWEEP_MS) {
			for (size_t i = 0; i < n; i++)
				server_sweep(servers[i], now);
			swept_ms = now;
		}
	}
}

/* How many connections each listener may have: a descriptor each, and some besides. */
static size_t
most_connections(size_t n_listeners)
{
	const rlim_t besides = 256, want = CONNECTION_MAX * n_listeners + besides;
	struct rlimit limit;
	size_t most;

	if (n_listeners == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	if (limit.rlim_cur < want) {
		limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	most = limit.rlim_cur > besides ? (size_t)(limit.rlim_cur - besides) / n_listeners : 0;
	return most < 64 ? 64 : most < CONNECTION_MAX ? most : CONNECTION_MAX;
}

int
web_main(struct process *process)
{
	static struct web web;
	struct server *servers[CONFIG_MAX_LISTEN];
	size_t n = 0, most = most_connections(process->n_sockets);

	process_confine(process, 0);
	if (!web_init(&web, &process->config))
		fatalx("out of memory");
	web.line_fd = process->web_fd;
	if (process->config.web_certificate[0] != '\0') {
		web.certificate = pem_text(process->tls.certificate);
		web.key = pem_text(process->tls.key);
		pem_close(&process->tls);
		if (web.certificate == NULL || web.key == NULL)
			fatalx("the certificate or its key cannot be read");
	}
	web_look(&web);
	(void)press_start(&web);
	if (!streams_start(&web.streams, &process->config, server_resume))
		fatalx("out of memory");
	(void)aside_start(&web.aside, web.config);
	for (size_t i = 0; i < process->n_sockets && n < CONFIG_MAX_LISTEN; i++) {
		servers[n] = server_start(&web, process->sockets[i].fd, most);
		if (servers[n] != NULL)
			n++;
		else
			process->n_deaf++;	/* told with each heartbeat: status shows it */
	}
	serve(process, &web, servers, n);
	press_stop(&web);	/* first: the library may not end while a client waits for a document */
	streams_end(&web.streams);
	for (size_t i = 0; i < n; i++)
		server_stop(servers[i]);
	streams_free(&web.streams);
	pem_wipe(web.certificate);
	pem_wipe(web.key);
	aside_stop(&web.aside);
	web_clear(&web);
	return 0;
}
