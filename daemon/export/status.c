/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status.c - the state of the daemon read together from where it is known, into one struct of values.
 *
 * watch writes its rows as names and values; here alone they are taken apart.
 */
#include "mxtrap/beat.h"
#include "mxtrap/status.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/beat.h"
#include "status_damage.h"

#define DATABASE_FILE "mxtrap.db"
#define USED_S	      86400		/* fetched within so long: somebody uses it */
#define LATE_S	      900		/* a document that is older and not the newest is behind */
#define BLIND_S	      900		/* a blindness is worth a word for so long */
#define NOTES_READ    200

void
status_begin(struct status *s, const struct config *config, int64_t now_s)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	s->now_s = now_s;
	s->judged.real_never = UINT32_MAX;
	s->fetched.own = config->n_dnsbl + config->n_postfix != 0 || config->firewall;
}

/* -- the rows of watch, a name and a value at a time -- */

static const char *
behind(const char *text, const char *start)
{
	size_t n = strlen(start);

	return strncmp(text, start, n) == 0 ? text + n : NULL;
}

static void
take_real(struct status_judged *j, const char *address, const char *value)
{
	struct status_real *r = &j->reals[j->n_reals];

	if (j->n_reals == STATUS_REALS)
		return;
	j->n_reals++;
	(void)snprintf(r->address, sizeof(r->address), "%s", address);
	r->state = behind(value, "down") != NULL ? REAL_DOWN : behind(value, "unseen for a day") != NULL ? REAL_UNSEEN_DAY :
	    behind(value, "unknown") != NULL ? REAL_UNKNOWN : REAL_UP;
}

/* "not capturing since 1790000000" or "capturing, 12 frames, ..." */
static void
take_capture(struct status_watched *w, const char *interface, const char *value)
{
	struct status_capture *c = &w->captures[w->n_captures];
	const char *since = behind(value, "not capturing since "), *frames = behind(value, "capturing, ");

	if (w->n_captures == CONFIG_MAX_INTERFACES || (since == NULL && frames == NULL))
		return;
	w->n_captures++;
	(void)snprintf(c->name, sizeof(c->name), "%s", interface);
	c->down_s = since != NULL ? strtoll(since, NULL, 10) : 0;
	c->counted = frames != NULL && *frames >= '0' && *frames <= '9';
	c->frames = c->counted ? strtoull(frames, NULL, 10) : 0;
}

static void
take_instead(struct status_watched *w, const char *interface, const char *value)
{
	for (size_t i = 0; i < w->n_captures; i++)
		if (strcmp(w->captures[i].name, interface) == 0)
			(void)snprintf(w->captures[i].instead, sizeof(w->captures[i].instead), "%s", value);
}

/* "192.0.2.1 takes connections ..., since 1790000000" */
static void
take_alarm(struct status_watched *w, const char *value)
{
	struct status_alarm *a = &w->alarms[w->n_alarms];
	const char *words = strchr(value, ' ');
	char *end;

	if (words == NULL || w->n_alarms == STATUS_ALARMS)
		return;
	w->n_alarms++;
	(void)snprintf(a->address, sizeof(a->address), "%.*s", (int)(words - value < 63 ? words - value : 63), value);
	(void)snprintf(a->says, sizeof(a->says), "%s", words + 1);
	end = strstr(a->says, ", since ");
	if (end != NULL) {
		a->since_s = strtoll(end + 8, NULL, 10);
		*end = '\0';
	}
}

/* "not running, started again 3 times" or "pid 812, since ..." */
static void
take_process(struct status_watched *w, const char *name, const char *value)
{
	struct status_process *p = &w->processes[w->n_processes];
	const char *restarts = strstr(value, "started again ");

	if (w->n_processes == STATUS_PROCESSES)
		return;
	w->n_processes++;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	p->gone = behind(value, "not running") != NULL;
	p->restarts = restarts != NULL ? (unsigned)strtoul(restarts + 14, NULL, 10) : 0;
}

static void
take_doubt(struct status_judged *j, const char *name, const char *where)
{
	for (unsigned i = 0; i < DOUBT_N; i++) {
		struct status_doubt *d = &j->doubts[i];

		if (strcmp(doubt_name((enum doubt)(1U << i)), name) != 0)
			continue;
		d->held = strcmp(where, "no") != 0;
		d->everywhere = strcmp(where, "everywhere") == 0;
		(void)snprintf(d->where, sizeof(d->where), "%s", d->everywhere || !d->held ? "" : where);
	}
}

bool
status_row(void *status, const char *name, const char *value)
{
	struct status *s = status;
	struct status_watched *w = &s->watched;
	const char *what;

	if ((what = behind(name, "real ")) != NULL) {
		take_real(&s->judged, what, value);
	} else if ((what = behind(name, "capture ")) != NULL) {
		take_capture(w, what, value);
	} else if ((what = behind(name, "instead ")) != NULL) {	/* the rows are in order: behind "capture" */
		take_instead(w, what, value);
	} else if ((what = behind(name, "doubt ")) != NULL) {
		take_doubt(&s->judged, what, value);
	} else if (behind(name, "alarm ") != NULL) {
		take_alarm(w, value);
	} else if ((what = behind(name, "process ")) != NULL) {
		take_process(w, what, value);
	} else if (behind(name, "complaint ") != NULL) {
		if (value[0] != '\0' && w->n_complaints < STATUS_COMPLAINTS)
			(void)snprintf(w->complaints[w->n_complaints++], sizeof(w->complaints[0]), "%s", value);
	} else if (strcmp(name, "disk_full") == 0) {
		if (strcmp(value, "yes") == 0 && s->stored.state == STORED_OK)
			s->stored.state = STORED_FULL;
	} else if (damage_row(&s->stored, name, value)) {
		return true;
	} else if (strcmp(name, "rewritten") == 0) {
		s->stored.rewritten_s = strtoll(value, NULL, 10);
	} else if (strcmp(name, "firewall") == 0) {
		/* One that is not configured blocks nobody, whatever it was. */
		s->firewall = !s->config->firewall ? FIREWALL_NONE : strcmp(value, "off") == 0 ? FIREWALL_OFF :
		    strcmp(value, "up") == 0 ? FIREWALL_UP : FIREWALL_LATE;
	} else if (strcmp(name, "frames") == 0) {
		w->frames = strtoull(value, NULL, 10);
	} else if (strcmp(name, "ring_drops") == 0 || strcmp(name, "interface_drops") == 0) {
		w->drops += strtoull(value, NULL, 10);
	} else if (strcmp(name, "unproven_accepts") == 0) {
		w->accepts_unseen = strtoull(value, NULL, 10);
	} else if (strcmp(name, "layout_since") == 0) {
		s->judged.layout_since_s = strtoll(value, NULL, 10);
	} else if (strcmp(name, "grace_until") == 0) {
		s->judged.grace_until_s = strtoll(value, NULL, 10);
	} else if (strcmp(name, "publish") == 0) {
		s->published.gate = publish_parse(value);
	} else if (strcmp(name, "stopped") == 0) {
		w->stopped_s = strtoll(value, NULL, 10);
	} else if (strcmp(name, "clock") == 0) {
		w->last_s = strtoll(value, NULL, 10);
	}
	return true;
}

bool
status_note(void *status, const struct note_row *row)
{
	struct status *s = status;
	struct status_judged *j = &s->judged;
	size_t i = 0;

	if (row->kind == NOTE_BLIND && s->now_s - row->time_us / 1000000 < BLIND_S) {
		s->recently_blind = true;
		s->blind_s = row->time_us / 1000000;
	}
	if (row->kind != NOTE_REAL_DOWN && row->kind != NOTE_REAL_UP)
		return true;
	while (i < j->n_down && j->down[i].target != row->target)
		i++;
	if (row->kind == NOTE_REAL_UP) {
		if (i < j->n_down)
			j->down[i] = j->down[--j->n_down];
	} else if (i == j->n_down && i < STATUS_DOWN) {
		j->down[i].target = row->target;
		j->down[i].down_s = row->time_us / 1000000;
		j->n_down++;
	}
	return true;
}

/* -- rungs, consumers, allowances -- */

bool
status_target(void *status, const struct report_target *row)
{
	struct status *s = status;
	struct status_judged *j = &s->judged;
	const struct ladder *l = &s->config->ladder;

	if (row->role == ROLE_CONTROL || row->target >= l->n_targets || l->targets[row->target].set >= MXSET_MAX_SETS)
		return true;
	j->attempts += row->attempts_today;
	j->unanswered += row->silent_today;
	if (row->last_s != 0) {
		uint16_t set = l->targets[row->target].set;

		(row->role == ROLE_REAL ? j->real_seen : j->other_seen)[set / 8] |= (uint8_t)(1U << set % 8);
	}
	return true;
}

/* One address of a real exchanger may be idle; that none of a set's was seen is a sign. */
static void
find_never_seen(struct status *s)
{
	struct status_judged *j = &s->judged;
	const struct ladder *l = &s->config->ladder;

	for (uint32_t i = 0; i < l->n_targets && j->real_never == UINT32_MAX; i++) {
		const struct target *t = &l->targets[i];
		unsigned bit = 1U << t->set % 8;

		if (t->role == ROLE_REAL && t->witness == WITNESS_WIRE && t->set < MXSET_MAX_SETS &&
		    (j->real_seen[t->set / 8] & bit) == 0 && (j->other_seen[t->set / 8] & bit) != 0)
			j->real_never = i;
	}
}

struct looking {
	const struct addr *addr;
	bool here, known;
};

static bool
look_for(void *ctx, const struct prefix *what, unsigned why)
{
	struct looking *l = ctx;

	(void)why;
	l->known = true;
	l->here |= prefix_contains(what, l->addr);
	return true;
}

static void
look_at_rungs(struct status *s, struct report *report)
{
	struct looking l = { .known = false };

	if (report_targets(report, s->now_s, status_target, s) > REPORT_NONE)
		return;
	find_never_seen(s);
	if (s->judged.real_never == UINT32_MAX)
		return;
	l.addr = &s->config->ladder.targets[s->judged.real_never].addr;
	if (report_own(report, look_for, &l) <= REPORT_NONE)
		s->judged.real_elsewhere = l.known && !l.here;
}

bool
status_consumer(void *status, const struct consumer_row *row)
{
	struct status *s = status;
	struct status_fetched *f = &s->fetched;

	if (strcmp(row->what, "api") == 0)	/* somebody looks; nothing blocks by it */
		return true;
	f->known++;
	if (row->last_s > f->newest_s)
		f->newest_s = row->last_s;
	f->behind += s->now_s - row->last_s > LATE_S &&
	    (row->generation != s->list.generation || row->serial != s->list.serial);
	return true;
}

struct allowing {
	struct prefix *prefixes;	/* owned */
	size_t n, cap;
};

static bool
take_allow(void *ctx, const struct prefix *what, int64_t expires_s, const char *who, const char *note, int64_t added_s)
{
	struct allowing *a = ctx;

	(void)expires_s, (void)who, (void)note, (void)added_s;
	/* Only wide ones could cover a family. */
	if (what->len > (addr_is_v4(&what->addr) ? 96 + 16 : 16))
		return true;
	if (a->n == a->cap) {
		size_t cap = a->cap == 0 ? 16 : a->cap * 2;
		struct prefix *more = realloc(a->prefixes, cap * sizeof(*more));

		if (more == NULL)
			return false;
		a->prefixes = more;
		a->cap = cap;
	}
	a->prefixes[a->n++] = *what;
	return true;
}

static void
look_at_allows(struct status *s, struct report *report)
{
	struct allowing a = { .n = 0 };
	bool v4, v6, any = false, all = true;

	if (report_allows(report, s->now_s, take_allow, &a) <= REPORT_NONE && a.n > 0) {
		listable_covered(a.prefixes, a.n, &v4, &v6);
		for (size_t i = 0; i < s->config->ladder.n_targets; i++) {
			const struct target *t = &s->config->ladder.targets[i];

			if (t->role != ROLE_BOGUS)
				continue;
			any = true;
			all = all && (addr_is_v4(&t->addr) ? v4 : v6);
		}
		s->judged.all_allowed = any && all;
	}
	free(a.prefixes);
}

/* -- the file -- */

static void
whose(const struct stat *st, char *text, size_t size)
{
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	char room[2][1024], uid[16], gid[16];

	(void)snprintf(uid, sizeof(uid), "%u", (unsigned)st->st_uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned)st->st_gid);
	(void)getpwuid_r(st->st_uid, &user, room[0], sizeof(room[0]), &found_user);
	(void)getgrgid_r(st->st_gid, &group, room[1], sizeof(room[1]), &found_group);
	(void)snprintf(text, size, "owner %.32s, group %.32s, mode %04o", found_user != NULL ? user.pw_name : uid,
	    found_group != NULL ? group.gr_name : gid, (unsigned)st->st_mode & 07777U);
}

/* Why can it not be opened?  The directory or the file itself may be closed to us. */
static void
look_at_file(struct status_stored *d, const char *dir, bool was_open)
{
	struct stat st;

	(void)snprintf(d->path, sizeof(d->path), "%.140s/" DATABASE_FILE, dir);
	if (faccessat(AT_FDCWD, dir, R_OK | X_OK, AT_EACCESS) != 0 && errno == EACCES) {
		d->state = STORED_FORBIDDEN;
		(void)snprintf(d->path, sizeof(d->path), "%.150s", dir);
		if (stat(dir, &st) == 0)
			whose(&st, d->why, sizeof(d->why));
	} else if (stat(d->path, &st) != 0) {
		d->state = errno == EACCES ? STORED_FORBIDDEN : was_open ? STORED_REMOVED : STORED_ABSENT;
	} else if (faccessat(AT_FDCWD, d->path, R_OK, AT_EACCESS) != 0 && errno == EACCES) {
		d->state = STORED_FORBIDDEN;
		whose(&st, d->why, sizeof(d->why));
	} else if (!S_ISREG(st.st_mode)) {
		d->state = STORED_DAMAGED;
		(void)snprintf(d->why, sizeof(d->why), "it is no regular file");
	} else if (st.st_size == 0) {
		d->state = STORED_EMPTY;
	}
}

void
status_look(struct status *s, enum report_result opened, bool was_open)
{
	struct status_stored *d = &s->stored;
	struct statvfs disk;

	if (statvfs(s->config->state_dir, &disk) == 0) {
		d->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
		if (d->state == STORED_OK && d->free_bytes < STATUS_FULL_BYTES)
			d->state = STORED_FULL;
	}
	damage_look(d, s->config->state_dir);
	switch (opened) {
	case REPORT_OK:
	case REPORT_NONE:
		return;
	case REPORT_BUSY:
		d->state = STORED_BUSY;
		break;
	case REPORT_NEWER:
	case REPORT_OLDER:
		d->state = opened == REPORT_NEWER ? STORED_NEWER : STORED_OLDER;
		report_versions(s->config->state_dir, &d->known_version, &d->version);
		break;
	case REPORT_ERROR:
		d->state = STORED_DAMAGED;
		break;
	}
	look_at_file(d, s->config->state_dir, was_open);
}

/* What its writer knows of it, which readers may not see yet. */
static void
look_at_trouble(struct status_stored *d, const char *dir)
{
	struct beat b;

	if (!beat_read(dir, &b) || beat_inode(&b, beat_clock_us(CLOCK_BOOTTIME), beat_clock_us(CLOCK_REALTIME)) == 0)
		return;
	if (b.trouble == BEAT_REMOVED || b.trouble == BEAT_DAMAGED || b.trouble == BEAT_LOG) {
		d->state = b.trouble == BEAT_REMOVED ? STORED_REMOVED : STORED_DAMAGED;
		d->handled = true;
		(void)snprintf(d->path, sizeof(d->path), "%.140s/" DATABASE_FILE, dir);
		(void)snprintf(d->why, sizeof(d->why), "%s", b.text);
	}
}

/* -- all of it -- */

static void
look_at_gate(struct status *s)
{
	struct status_published *p = &s->published;
	const struct config *c = s->config;

	p->n_listed = s->list.n_listed;
	/* The list may have moved since: what watch will say of it within the second is said here at once. */
	if (p->gate.base_s != 0)
		(void)publish_turn(&p->gate, s->list.n_listed, p->gate.base_s);
	p->n_held = p->gate.held && p->n_listed > p->gate.base ? p->n_listed - p->gate.base : 0;
	p->from_s = s->list.created_s + c->publish_after_s;
	if (!c->publish)
		p->state = PUBLISHED_OFF;
	else if (c->publish_after_s != 0 && s->now_s < p->from_s)
		p->state = PUBLISHED_YOUNG;
	else if (s->list.clock_s == 0 && s->watched.last_s != 0 && s->now_s - s->watched.last_s > STATUS_STALE_S)
		p->state = PUBLISHED_SILENT;
	else
		p->state = PUBLISHED_YES;
}

void
status_end(struct status *s)
{
	struct status_watched *w = &s->watched;
	int64_t age_s = s->now_s - w->last_s;

	if (s->list.clock_s != 0) {
		w->state = WATCHED_REPLAY;
		s->published.gate = (struct publish){ .base = 0 };
	} else if (w->last_s == 0) {
		w->state = WATCHED_NEVER;
	} else if (w->stopped_s != 0) {
		w->state = WATCHED_SILENT;
	} else if (age_s > STATUS_FRESH_S) {
		w->state = s->stored.state == STORED_FULL ? WATCHED_UNKNOWN : WATCHED_SILENT;
	} else {
		w->state = WATCHED_YES;
	}
	look_at_gate(s);
	find_never_seen(s);
	for (size_t i = 0; i < s->judged.n_reals; i++) {
		struct status_real *r = &s->judged.reals[i];
		struct addr addr;

		for (size_t k = 0; r->state == REAL_DOWN && k < s->judged.n_down && addr_parse(&addr, r->address); k++) {
			uint32_t target = s->judged.down[k].target;

			if (target < s->config->ladder.n_targets && addr_equal(&s->config->ladder.targets[target].addr, &addr))
				r->since_s = s->judged.down[k].down_s;
		}
	}
}

/* Is storing waiting?  Known here at once, and where the status cannot be written. */
static void
look_at_room(struct status *s, struct report *report)
{
	char text[REPORT_TROUBLE_SIZE];

	if (s->list.clock_s != 0 || report_trouble(report, text) != BEAT_FULL)
		return;
	if (s->stored.state == STORED_OK)
		s->stored.state = STORED_FULL;
	s->stored.at_max_size = strncmp(text, "max-size", 8) == 0;
}

void
status_read(struct status *s, const struct config *config, struct report *report, enum report_result opened, int64_t wall_s,
    unsigned parts)
{
	enum report_result result = opened;
	int64_t age_s;

	status_begin(s, config, wall_s);
	if (report != NULL) {
		result = report_state(report, &s->list);
		if (result <= REPORT_NONE)
			result = report_status(report, status_row, s);
		if (result > REPORT_NONE)
			(void)snprintf(s->stored.why, sizeof(s->stored.why), "%s", report_error(report));
		s->now_s = s->list.clock_s != 0 ? s->list.clock_s : report_now(report, wall_s);
		/* The file beside the database says so also when the database or the disk is full. */
		age_s = report_heartbeat(report, wall_s);
		if (age_s >= 0)
			s->watched.last_s = s->now_s - age_s;
		look_at_room(s, report);
	}
	status_look(s, report != NULL ? result : result <= REPORT_NONE ? REPORT_BUSY : result, report != NULL);
	look_at_trouble(&s->stored, config->state_dir);
	if (report == NULL || result > REPORT_NONE) {
		s->published.state = config->publish ? PUBLISHED_UNREADABLE : PUBLISHED_OFF;
		return;
	}
	if ((parts & STATUS_BARS) != 0)
		s->judged.n_bars = listable_bars(config, s->judged.bars);
	if ((parts & STATUS_NOTES) != 0)
		(void)report_notes(report, 0, NOTES_READ, status_note, s);
	if ((parts & STATUS_RUNGS) != 0)
		look_at_rungs(s, report);
	if ((parts & STATUS_ALLOWS) != 0)
		look_at_allows(s, report);
	if ((parts & STATUS_CONSUMERS) != 0)
		(void)report_consumers(report, status_consumer, s);
	status_end(s);
}

bool
status_readable(const struct status *s)
{
	return s->stored.state == STORED_OK || s->stored.state == STORED_FULL;
}

bool
status_unused(const struct status *s)
{
	return s->published.state == PUBLISHED_YES && s->watched.state != WATCHED_REPLAY && s->list.n_listed != 0 &&
	    s->now_s - s->list.created_s >= USED_S && !s->fetched.own && s->fetched.newest_s < s->now_s - USED_S;
}

bool
status_nobody_listed(const struct status *s)
{
	struct status_fact facts[STATUS_FACTS];
	size_t n = status_facts(s, facts);

	for (size_t i = 0; i < n; i++)
		if ((facts[i].kind == STATUS_NOT_LISTABLE && s->judged.bars[facts[i].index].everywhere) ||
		    facts[i].kind == STATUS_ALL_ALLOWED || facts[i].kind == STATUS_UNANSWERED || facts[i].kind == STATUS_ACCEPTS_UNSEEN)
			return true;
	return false;
}
