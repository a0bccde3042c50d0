/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bound.c - the sockets of the configuration: kept over reloads, tried again, shut down.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mxtrap/bound.h"
#include "mxtrap/log.h"

#define SMTP_PORT 25
#define MAX_GUARDED 64		/* refusing decoys looked after: each costs a look at /proc */

/* A decoy that must refuse, on this host, where somebody listens: it traps honest mail. */
static void
bound_guard(struct bound *b)
{
	char why[BIND_WHY_SIZE];

	if (!bind_local(&b->addr) || !bind_holder(&b->addr, b->port, why)) {
		b->why[0] = '\0';
	} else if (b->why[0] == '\0') {
		memcpy(b->why, why, sizeof(b->why));
		log_warnx("%s (this decoy must refuse, and answers)", b->why);
	}
}

static int
bound_bind(const struct bounds *bounds, const struct bound *b, char why[static BIND_WHY_SIZE])
{
	if (b->path[0] != '\0')
		return bind_unix(b->path, bounds->users != NULL ? bounds->users->of[b->role].uid : geteuid(), b->group, why);
	if (b->role == PROCESS_LOOKUP && b->target == USE_DNS_UDP)
		return bind_udp(&b->addr, b->port, why);
	return bind_tcp(&b->addr, b->port, why);
}

static void
bound_try(const struct bounds *bounds, struct bound *b)
{
	char why[BIND_WHY_SIZE];
	int error;

	if (b->refuses) {
		bound_guard(b);
		return;
	}
	b->fd = bound_bind(bounds, b, why);
	error = b->fd < 0 ? errno : 0;
	/* Said once for each cause: the first time, with all rights, we see the most. */
	if (error != 0 && error != b->error) {
		memcpy(b->why, why, sizeof(b->why));
		log_warnx("%s (tried again every 10 s; the rest runs)", b->why);
	}
	b->error = error;
	if (error == 0)
		b->why[0] = '\0';
}

/* What lookup listens on: two sockets an address of the DNSBL, one of Postfix's.  Returns how many. */
static size_t
add_lookup(struct bound *all, const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < 2 * config->n_dnsbl; i++) {
		struct bound *b = &all[n];

		*b = (struct bound){ .role = PROCESS_LOOKUP, .target = i % 2 == 0 ? USE_DNS_UDP : USE_DNS_TCP };
		n += config_listen(config->dnsbl_listen[i / 2], &b->addr, &b->port);
	}
	for (size_t i = 0; i < config->n_postfix; i++) {
		const char *path = config_unix(config->postfix_listen[i]);
		struct bound *b = &all[n];

		*b = (struct bound){ .role = PROCESS_LOOKUP, .target = USE_POSTFIX };
		memcpy(b->group, config->postfix_group, sizeof(b->group));
		if (path != NULL)
			n += snprintf(b->path, sizeof(b->path), "%s", path) > 0;
		else
			n += config_listen(config->postfix_listen[i], &b->addr, &b->port);
	}
	return n;
}

/* The same socket in an old and in a new configuration? */
static bool
same(const struct bound *a, const struct bound *b)
{
	return a->port == b->port && a->role == b->role && addr_equal(&a->addr, &b->addr) &&
	    strcmp(a->path, b->path) == 0 && (a->role != PROCESS_LOOKUP || a->target == b->target);
}

void
bounds_apply(struct bounds *bounds, const struct config *config)
{
	const struct ladder *ladder = &config->ladder;
	struct bound *all = calloc(ladder->n_targets + config->n_web + 2 * config->n_dnsbl + config->n_postfix + 1,
	    sizeof(*all));
	size_t n = 0, guarded = 0;

	if (all == NULL)
		fatal("no memory");
	for (size_t i = 0; i < ladder->n_targets; i++) {
		const struct target *t = &ladder->targets[i];
		bool refuses = t->answer == ANSWER_NONE;

		if (t->role != ROLE_NOLISTING && t->role != ROLE_BOGUS)
			continue;
		if (refuses && guarded++ >= MAX_GUARDED)
			continue;
		all[n++] = (struct bound){ .addr = t->addr, .port = SMTP_PORT,
		    .role = PROCESS_DECOY, .target = (uint32_t)i, .refuses = refuses };
	}
	for (size_t i = 0; i < config->n_web; i++) {
		struct bound *b = &all[n];

		const char *path = config_unix(config->web_listen[i]);

		b->role = PROCESS_WEB;
		memcpy(b->group, config->web_group, sizeof(b->group));
		if (path != NULL)
			n += snprintf(b->path, sizeof(b->path), "%s", path) > 0;
		else
			n += config_listen(config->web_listen[i], &b->addr, &b->port);
	}
	n += add_lookup(all + n, config);
	for (size_t i = 0; i < n; i++) {
		all[i].fd = -1;
		for (size_t k = 0; k < bounds->n && all[i].fd < 0; k++) {
			struct bound *old = &bounds->bound[k];

			if (old->fd >= 0 && !all[i].refuses && same(old, &all[i])) {
				all[i].fd = old->fd;
				old->fd = -1;
			}
		}
	}
	for (size_t k = 0; k < bounds->n; k++)
		if (bounds->bound[k].fd >= 0)
			close(bounds->bound[k].fd);
	free(bounds->bound);
	bounds->bound = all;
	bounds->n = n;
	for (size_t i = 0; i < n; i++)
		if (all[i].fd < 0)
			bound_try(bounds, &all[i]);
}

size_t
bounds_count(const struct bounds *bounds, enum process_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < bounds->n; i++)
		n += bounds->bound[i].role == role && bounds->bound[i].fd >= 0;
	return n;
}

bool
bounds_asked(const struct bounds *bounds, enum process_role role)
{
	for (size_t i = 0; i < bounds->n; i++)
		if (bounds->bound[i].role == role && !bounds->bound[i].refuses)
			return true;
	return false;
}

void
bounds_shut(const struct bounds *bounds, enum process_role role)
{
	for (size_t i = 0; i < bounds->n; i++) {
		int fd = bounds->bound[i].fd, listening = 0;
		socklen_t len = sizeof(listening);

		if (bounds->bound[i].role != role || fd < 0)
			continue;
		/* A unix socket that was shut refuses for ever; whoever waits there waits for a restart. */
		if (bounds->bound[i].path[0] != '\0')
			continue;
		/* Shut down twice, a socket would keep that mark, and close each later connection
		 * by itself: only one that listens may be shut. */
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 &&
		    listening != 0)
			shutdown(fd, SHUT_RDWR);
	}
}

bool
bounds_retry(struct bounds *bounds, enum process_role role, bool deaf)
{
	char text[BIND_TEXT_SIZE];
	bool more = false;

	for (size_t i = 0; i < bounds->n; i++) {
		struct bound *b = &bounds->bound[i];

		if (b->role != role)
			continue;
		if (b->fd < 0) {
			bound_try(bounds, b);
			if (b->fd >= 0)
				log_info("%s can be had now",
				    b->path[0] != '\0' ? b->path : bind_text(&b->addr, b->port, text));
			more |= b->fd >= 0;
		} else if (!deaf || b->path[0] != '\0') {
			b->why[0] = '\0';
		} else if (b->why[0] == '\0' && bind_holder(&b->addr, b->port, b->why)) {
			/* Our own listener is found just so. */
			if (strstr(b->why, " is held by mxtrapd") != NULL)
				b->why[0] = '\0';
			else
				log_warnx("%s", b->why);
		}
	}
	return more;
}

void
bounds_free(struct bounds *bounds)
{
	for (size_t i = 0; i < bounds->n; i++)
		if (bounds->bound[i].fd >= 0)
			close(bounds->bound[i].fd);
	free(bounds->bound);
	*bounds = (struct bounds){ 0 };
}
