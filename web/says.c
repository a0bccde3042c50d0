/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * says.c - how it is, in plain sentences.
 *
 * "bad" is what costs mail, evidence or the list's truth and wants somebody; "note" is what one
 * should know and may well be meant.
 */
#include "says.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARRAY_LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define FRESH_S	      15		/* watch tells its status each second */
#define DAY_S	      86400
#define LAYOUT_S      (49 * 3600)	/* so long a new ladder is doubted (docs/design.md) */
#define WHEN_SIZE     32

void
says_begin(struct says *s, const struct config *config, int64_t now_s)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	s->now_s = now_s;
}

static void __attribute__((format(printf, 4, 5)))
say(struct says *s, enum says_level level, int64_t since_s, const char *fmt, ...)
{
	struct says_item *item;
	va_list ap;

	if (s->n == SAYS_MAX)
		return;			/* who has that many troubles sees the first of them */
	item = &s->items[s->n++];
	item->level = level;
	item->since_s = since_s;
	va_start(ap, fmt);
	(void)vsnprintf(item->text, sizeof(item->text), fmt, ap);
	va_end(ap);
}

/* "10:42 UTC", with the day in front unless it was within this one or the last hours.  Returns buf. */
static const char *
when(const struct says *s, int64_t time_s, char buf[static WHEN_SIZE])
{
	int64_t age_s = s->now_s - time_s;
	time_t t = (time_t)time_s;
	struct tm tm;
	bool near = time_s / DAY_S == s->now_s / DAY_S || (age_s >= 0 && age_s < DAY_S / 2);

	if (gmtime_r(&t, &tm) == NULL || strftime(buf, WHEN_SIZE, near ? "%H:%M UTC" : "%Y-%m-%d %H:%M UTC", &tm) == 0)
		buf[0] = '\0';
	return buf;
}

/* " since 10:42 UTC", or nothing where that is not known.  Returns buf. */
static const char *
since(const struct says *s, int64_t time_s, char buf[static WHEN_SIZE + 8])
{
	char text[WHEN_SIZE];

	(void)snprintf(buf, WHEN_SIZE + 8, time_s > 0 ? " since %s" : "%s", time_s > 0 ? when(s, time_s, text) : "");
	return buf;
}

/* The exchanger that has this address, with it where it has several.  Returns buf. */
static const char *
rung_name(const struct says *s, const char *address, char buf[static 320])
{
	const struct ladder *l = &s->config->ladder;
	struct addr addr;

	(void)snprintf(buf, 320, "%.64s", address);
	for (size_t i = 0; addr_parse(&addr, address) && i < l->n_targets; i++) {
		const struct target *t = &l->targets[i];
		const struct exchanger *x;

		if (!addr_equal(&t->addr, &addr) || t->role == ROLE_CONTROL)
			continue;
		x = &l->sets[t->set].exchangers[t->exchanger];
		(void)snprintf(buf, 320, x->n_addrs > 1 ? "%.200s (%.64s)" : "%.200s", x->name, address);
		break;
	}
	return buf;
}

bool
says_note(void *says, const struct note_row *row)
{
	struct says *s = says;
	size_t i = 0;

	if (row->kind == NOTE_START) {	/* what was before has been looked at anew since */
		s->n_down = 0;
		return true;
	}
	if (row->kind != NOTE_REAL_DOWN && row->kind != NOTE_REAL_UP)
		return true;
	while (i < s->n_down && s->down[i].target != row->target)
		i++;
	if (row->kind == NOTE_REAL_UP) {
		if (i < s->n_down)
			s->down[i] = s->down[--s->n_down];
	} else if (i == s->n_down && i < SAYS_REAL) {
		s->down[s->n_down].target = row->target;
		s->down[s->n_down++].down_s = row->time_us / 1000000;
	}
	return true;
}

static int64_t
down_since(const struct says *s, const char *address)
{
	const struct ladder *l = &s->config->ladder;
	struct addr addr;

	if (!addr_parse(&addr, address))
		return 0;
	for (size_t i = 0; i < s->n_down; i++)
		if (s->down[i].target < l->n_targets && addr_equal(&l->targets[s->down[i].target].addr, &addr))
			return s->down[i].down_s;
	return 0;
}

/* -- what watch tells, a name and a value at a time -- */

static void
say_real(struct says *s, const char *address, const char *value)
{
	char name[320], text[WHEN_SIZE + 8];
	int64_t since_s = down_since(s, address);

	if (strncmp(value, "down", 4) == 0) {
		s->real_told = true;
		say(s, SAYS_BAD, since_s, "The real MX %s has not answered%s: judging is suspended.", rung_name(s, address, name),
		    since(s, since_s, text));
	} else if (strncmp(value, "unseen for a day", 16) == 0) {
		say(s, SAYS_NOTE, 0, "Nobody has been seen at the real MX %s for a day: does its traffic pass this host?",
		    rung_name(s, address, name));
	}
}

static void
say_capture(struct says *s, const char *interface, const char *value)
{
	static const char down[] = "not capturing since ";
	char text[WHEN_SIZE];
	int64_t since_s;

	if (strncmp(value, down, sizeof(down) - 1) != 0)
		return;
	since_s = strtoll(value + sizeof(down) - 1, NULL, 10);
	s->blind_told = true;
	say(s, SAYS_BAD, since_s, "Nothing has been seen on %s since %s: judging is suspended.", interface,
	    when(s, since_s, text));
}

/* "192.0.2.1 takes connections ..., since 1790000000" */
static void
say_alarm(struct says *s, const char *value)
{
	char address[64], name[320], text[320], *end;
	const char *words = strchr(value, ' ');
	int64_t since_s = 0;

	if (words == NULL)
		return;
	(void)snprintf(address, sizeof(address), "%.*s", (int)(words - value < 63 ? words - value : 63), value);
	(void)snprintf(text, sizeof(text), "%s", words + 1);
	end = strstr(text, ", since ");
	if (end != NULL) {
		since_s = strtoll(end + 8, NULL, 10);
		*end = '\0';
	}
	say(s, SAYS_BAD, since_s, "The decoy %s %s.", rung_name(s, address, name), text);
}

static void
say_process(struct says *s, const char *name, const char *value)
{
	static const char gone[] = "not running, ";

	if (strncmp(value, gone, sizeof(gone) - 1) == 0)
		say(s, SAYS_BAD, 0, "The process %s is not running (%s).", name, value + sizeof(gone) - 1);
}

static void
say_doubt(struct says *s, const char *name, const char *where)
{
	static const struct {
		const char *name;
		enum says_level level;
		const char *says;
	} plain[] = {
		{ "real_unknown", SAYS_BAD, "The real MX is neither seen on the wire nor reached by the probe: judging is suspended" },
		{ "overflow", SAYS_NOTE, "A decoy's queue of connections overflowed: evidence is not counted for half an hour" },
		{ "clock_step", SAYS_NOTE, "The system's clock was moved: evidence is not counted for half an hour" },
		{ "start_grace", SAYS_NOTE, "Watching has only begun: evidence is not counted yet" },
		{ "table_full", SAYS_BAD, "The table of senders is full: evidence is not counted (limits { senders } makes it larger)" },
	};
	bool everywhere = strcmp(where, "everywhere") == 0;

	if (strcmp(where, "no") == 0)
		return;
	if (strcmp(name, "drops") == 0) {
		s->drops_doubted = true;	/* how many is another row */
	} else if (strcmp(name, "blind") == 0) {
		s->blind_doubted = true;
	} else if (strcmp(name, "real_down") == 0) {
		s->real_doubted = true;
		(void)snprintf(s->real_where, sizeof(s->real_where), "%s", everywhere ? "" : where);
	} else if (strcmp(name, "new_layout") == 0) {
		s->layout_doubted = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(name, plain[i].name) == 0)
			say(s, plain[i].level, 0, "%s%s%s%s.", plain[i].says, everywhere ? "" : " (", everywhere ? "" : where,
			    everywhere ? "" : ")");
}

bool
says_status(void *says, const char *name, const char *value)
{
	struct says *s = says;
	uint64_t number = strtoull(value, NULL, 10);

	if (strncmp(name, "real ", 5) == 0)
		say_real(s, name + 5, value);
	else if (strncmp(name, "capture ", 8) == 0)
		say_capture(s, name + 8, value);
	else if (strncmp(name, "doubt ", 6) == 0)
		say_doubt(s, name + 6, value);
	else if (strncmp(name, "alarm ", 6) == 0)
		say_alarm(s, value);
	else if (strncmp(name, "process ", 8) == 0)
		say_process(s, name + 8, value);
	else if (strncmp(name, "complaint ", 10) == 0 && value[0] != '\0')
		say(s, SAYS_BAD, 0, "%s", value);
	else if (strcmp(name, "disk_full") == 0 && strcmp(value, "yes") == 0)
		say(s, SAYS_BAD, 0, "The disk is full: what is seen is judged, but not stored.");
	else if (strcmp(name, "was_corrupt") == 0 && strcmp(value, "yes") == 0)
		say(s, SAYS_NOTE, 0, "The database was damaged: a new one was begun, the old one lies beside it.");
	else if (strcmp(name, "firewall") == 0 && strcmp(value, "off") == 0)
		say(s, SAYS_NOTE, 0, "The firewall blocks nobody: it was switched off (mxtrap firewall on).");
	else if (strcmp(name, "firewall") == 0 && strcmp(value, "not in step yet") == 0)
		say(s, SAYS_NOTE, 0, "The firewall's sets are not in step with the list yet.");
	else if (strcmp(name, "frames") == 0)
		s->frames = number;
	else if (strcmp(name, "ring_drops") == 0 || strcmp(name, "interface_drops") == 0)
		s->drops += number;
	else if (strcmp(name, "layout_since") == 0 && number > 0)
		s->layout_since_s = (int64_t)number;
	return true;
}

/* -- the rest -- */

void
says_watch(struct says *s, int64_t age_s)
{
	if (age_s < 0)
		say(s, SAYS_BAD, 0, "mxtrapd has not told anything yet: nothing is watched.");
	else if (age_s > EXPORT_STALE_S)
		say(s, SAYS_BAD, s->now_s - age_s, "mxtrapd has said nothing for %" PRId64 " minutes: nothing is watched, and "
		    "consumers are told of nobody.", age_s / 60);
	else if (age_s > FRESH_S)
		say(s, SAYS_BAD, s->now_s - age_s, "mxtrapd has said nothing for %" PRId64 " seconds: nothing is watched.", age_s);
}

void
says_replay(struct says *s, int64_t clock_s)
{
	time_t t = (time_t)clock_s;
	char text[WHEN_SIZE];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm) == 0)
		text[0] = '\0';
	say(s, SAYS_NOTE, 0, "This is a replay, told as of %s: nobody watches.", text);
}

void
says_gate(struct says *s, const struct export_gate *gate, int64_t publish_from_s)
{
	char text[WHEN_SIZE];

	if (gate->publish.held)
		say(s, SAYS_BAD, gate->publish.base_s, "The list grew so fast that whoever was listed since %s is held back: "
		    "look at them, then mxtrap publish --accept.", when(s, gate->publish.base_s, text));
	if (!s->config->publish)
		say(s, SAYS_NOTE, 0, "Observing only: nothing leaves.");
	else if (!gate->open && s->now_s < publish_from_s)
		say(s, SAYS_NOTE, 0, "Nothing leaves before %s: the database is too young (publish-after).",
		    when(s, publish_from_s, text));
}

void
says_unused(struct says *s)
{
	say(s, SAYS_NOTE, 0, "The list is published and nobody has fetched it for a day.");
}

/* What more than one row tells. */
static void
say_joined(struct says *s)
{
	bool sets = s->real_where[0] != '\0';
	char text[WHEN_SIZE];

	if (s->real_doubted && !s->real_told)
		say(s, SAYS_BAD, 0, "The real MX did not answer until a short while ago: judging is still suspended%s%s.",
		    sets ? " for " : "", s->real_where);
	if (s->blind_doubted && !s->blind_told)
		say(s, SAYS_BAD, 0, "Nothing could be seen until a short while ago: judging is still suspended.");
	if (s->drops_doubted && s->drops * 100 >= s->frames + s->drops && s->drops > 0)
		say(s, SAYS_BAD, 0, "Capture lost %" PRIu64 " %% of the packets: evidence is not counted.",
		    (s->drops * 100 + (s->frames + s->drops) / 2) / (s->frames + s->drops));
	else if (s->drops_doubted)
		say(s, SAYS_BAD, 0, "Capture lost more than 1 %% of the packets of half an hour: evidence is not counted.");
	if (s->layout_doubted)
		say(s, SAYS_NOTE, s->layout_since_s, "The ladder is new: nobody is judged before %s, for senders may know the old "
		    "one.", when(s, s->layout_since_s + LAYOUT_S, text));
}

void
says_end(struct says *s)
{
	say_joined(s);
	if (s->n == 0)
		say(s, SAYS_OK, 0, "All quiet.");
	/* Worst first, else as they came. */
	for (size_t i = 1; i < s->n; i++)
		for (size_t k = i; k > 0 && s->items[k].level > s->items[k - 1].level; k--) {
			struct says_item swap = s->items[k];

			s->items[k] = s->items[k - 1];
			s->items[k - 1] = swap;
		}
}

static void
item_json(struct json *json, const struct says_item *item)
{
	static const char *const levels[] = { [SAYS_OK] = "ok", [SAYS_NOTE] = "note", [SAYS_BAD] = "bad" };

	json_string(json, "level", levels[item->level]);
	json_string(json, "text", item->text);
	if (item->since_s != 0)
		json_int(json, "since", item->since_s);
	else
		json_null(json, "since");
}

void
says_json(struct json *json, const struct says *s)
{
	json_object(json, "says");
	item_json(json, &s->items[0]);
	json_array(json, "more");
	for (size_t i = 1; i < s->n; i++) {
		json_object(json, NULL);
		item_json(json, &s->items[i]);
		json_end(json);
	}
	json_end(json);
	json_end(json);
}
