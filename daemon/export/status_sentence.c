/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_sentence.c - the only place where the daemon's state becomes English.
 *
 * One sentence a fact: what happened, what it means, what to do.  "since 10:42 UTC" and "before 10:42 UTC"
 * are put into the reader's own time by the page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "mxtrap/state.h"
#include "mxtrap/status.h"
#include "status_damage.h"

#define DAY_S	  86400
#define LAYOUT_S  (49 * 3600)		/* a new ladder is doubted for as long (docs/design.md) */
#define WHEN_SIZE 32

/* "10:42 UTC", with the day in front unless it was within this one or the last hours.  Returns buf. */
static const char *
when(const struct status *s, int64_t time_s, char buf[static WHEN_SIZE])
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
since(const struct status *s, int64_t time_s, char buf[static WHEN_SIZE + 8])
{
	char text[WHEN_SIZE];

	(void)snprintf(buf, WHEN_SIZE + 8, time_s > 0 ? " since %s" : "%s", time_s > 0 ? when(s, time_s, text) : "");
	return buf;
}

#define SPAN_SIZE 32
/* "40 seconds", "30 minutes", "5 hours", "3 days".  Returns buf. */
static const char *
span(int64_t span_s, char buf[static SPAN_SIZE])
{
	static const struct { int64_t s; const char *name; } units[] = {
		{ 2 * DAY_S, "day" }, { 2 * 3600, "hour" }, { 120, "minute" }, { 0, "second" },
	};
	static const int64_t sizes[] = { DAY_S, 3600, 60, 1 };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (span_s < units[i].s)
			continue;
		(void)snprintf(buf, SPAN_SIZE, "%" PRId64 " %s%s", span_s / sizes[i], units[i].name, span_s / sizes[i] == 1 ? "" : "s");
		break;
	}
	return buf;
}

#define NAME_SIZE 320
/* The exchanger that has this address, with it where it has several.  Returns buf. */
static const char *
rung_name(const struct status *s, const char *address, char buf[static NAME_SIZE])
{
	const struct ladder *l = &s->config->ladder;
	struct addr addr;

	(void)snprintf(buf, NAME_SIZE, "%.64s", address);
	for (size_t i = 0; addr_parse(&addr, address) && i < l->n_targets; i++) {
		const struct target *t = &l->targets[i];
		const struct exchanger *x;

		if (!addr_equal(&t->addr, &addr) || t->role == ROLE_CONTROL)
			continue;
		x = &l->sets[t->set].exchangers[t->exchanger];
		(void)snprintf(buf, NAME_SIZE, x->n_addrs > 1 ? "%.200s (%.64s)" : "%.200s", x->name, address);
		break;
	}
	return buf;
}

/* What people decided is kept beside it, since the first decision. */
static bool
had_one(const struct config *config)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/" KEEP_FILE, config->state_dir);
	return lstat(path, &st) == 0;
}

static void
database_sentence(const struct status *s, char *buf, size_t size)
{
	const struct status_stored *d = &s->stored;

	if (d->handled) {
		if (d->state == STORED_REMOVED)
			(void)snprintf(buf, size, "The database %s was %s. Until then nothing is stored.", d->path, d->why);
		else
			(void)snprintf(buf, size, "The database %s is damaged (%.140s): mxtrapd starts again and sets it aside.", d->path,
			    d->why);
		return;
	}
	switch (d->state) {
	case STORED_OK:
	case STORED_FULL:
		buf[0] = '\0';
		break;
	case STORED_ABSENT:
		if (had_one(s->config))
			(void)snprintf(buf, size, "The database %s is gone, and there was one. Start mxtrapd (systemctl start mxtrapd) to "
			    "begin a new one with what was kept beside it, or put a backup back (mxtrap restore FILE).", d->path);
		else
			(void)snprintf(buf, size, "There is no database %s yet: mxtrapd has not run with this configuration.", d->path);
		break;
	case STORED_REMOVED:
		(void)snprintf(buf, size, "The database %s was removed: what is seen now is lost. Restart mxtrapd to begin a new "
		    "one, or put a backup back.", d->path);
		break;
	case STORED_EMPTY:
		(void)snprintf(buf, size, "The database %s is damaged: it has no bytes. Restart mxtrapd: it sets the file aside and "
		    "begins a new one with what can be saved.", d->path);
		break;
	case STORED_DAMAGED:
		(void)snprintf(buf, size, "The database %s is damaged (%.100s). Restart mxtrapd: it sets the file aside and begins a "
		    "new one with what can be saved.", d->path, d->why[0] != '\0' ? d->why : "it cannot be read");
		break;
	case STORED_FORBIDDEN:
		(void)snprintf(buf, size, "%s may not be read by this user (%.110s): expected %s.", d->path,
		    d->why[0] != '\0' ? d->why : "permission denied", strstr(d->why, "group mxtrap,") != NULL ?
		    "root or one of the group mxtrap (adduser NAME mxtrap, then log in again)" :
		    "it to be of mxtrap:mxtrap (chown -R mxtrap:mxtrap on the state directory)");
		break;
	case STORED_NEWER:
		(void)snprintf(buf, size, "The database %s is of a newer mxtrap: its version is %d, this program knows %d. Install the "
		    "mxtrap that wrote it, or put a backup of this version in place (mxtrap restore FILE).", d->path, d->version,
		    d->known_version);
		break;
	case STORED_OLDER:
		(void)snprintf(buf, size, "The database %s is of an older mxtrap: its version is %d, this program needs %d. Restart "
		    "mxtrapd (systemctl restart mxtrapd): it brings the database up to date.", d->path, d->version, d->known_version);
		break;
	case STORED_BUSY:
		(void)snprintf(buf, size, "The database %s cannot be read at the moment%s%.150s.", d->path, d->why[0] != '\0' ? ": " : "",
		    d->why);
		break;
	}
}

static void
doubt_sentence(const struct status *s, enum doubt doubt, char *buf, size_t size)
{
	const struct status_doubt *d = NULL;
	char where[220] = "", text[WHEN_SIZE];

	for (unsigned i = 0; i < DOUBT_N; i++)
		if (1U << i == (unsigned)doubt)
			d = &s->judged.doubts[i];
	if (d != NULL && !d->everywhere)
		(void)snprintf(where, sizeof(where), " (%s)", d->where);
	switch ((unsigned)doubt) {
	case DOUBT_REAL_UNKNOWN:
		(void)snprintf(buf, size, "The real MX is neither seen on the wire nor reached by the probe: judging is suspended%s.",
		    where);
		break;
	case DOUBT_REAL_DOWN:
		(void)snprintf(buf, size, "The real MX did not answer until a short while ago: judging is still suspended%s.", where);
		break;
	case DOUBT_BLIND:
		(void)snprintf(buf, size, "Nothing could be seen until a short while ago: judging is still suspended%s.", where);
		break;
	case DOUBT_OVERFLOW:
		(void)snprintf(buf, size, "A decoy's queue of connections overflowed: evidence is not counted for half an hour%s.", where);
		break;
	case DOUBT_CLOCK_STEP:
		(void)snprintf(buf, size, "The system's clock was moved: evidence is not counted for half an hour%s.", where);
		break;
	case DOUBT_TABLE_FULL:
		(void)snprintf(buf, size, "The table of senders is full: evidence is not counted (limits { senders } makes it larger)%s.",
		    where);
		break;
	case DOUBT_START_GRACE:
		if (s->judged.grace_until_s > s->now_s)
			(void)snprintf(buf, size, "Just started: evidence does not count before %s%s.",
			    when(s, s->judged.grace_until_s, text), where);
		else
			(void)snprintf(buf, size, "Just started: evidence does not count yet%s.", where);
		break;
	default:
		(void)snprintf(buf, size, "Evidence is not counted now: %s%s.", doubt_says(doubt), where);
		break;
	}
}

static void
capture_names(const struct status *s, char *buf, size_t size)
{
	size_t room = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < s->watched.n_captures && room < size; i++) {
		int n = snprintf(buf + room, size - room, "%s%s", i > 0 ? ", " : "", s->watched.captures[i].name);

		room += n > 0 ? (size_t)n : 0;
	}
}

/* " eth0 shows 19 frames: 19 not IP (ARP).", of the first that was looked at; or nothing.  Returns buf. */
#define INSTEAD_SIZE 200
static const char *
instead(const struct status *s, char buf[static INSTEAD_SIZE])
{
	buf[0] = '\0';
	for (size_t i = 0; i < s->watched.n_captures && buf[0] == '\0'; i++)
		if (s->watched.captures[i].instead[0] != '\0')
			(void)snprintf(buf, INSTEAD_SIZE, " %.20s shows %.120s.", s->watched.captures[i].name,
			    s->watched.captures[i].instead);
	return buf;
}

static void
silent_sentence(const struct status *s, char *buf, size_t size)
{
	int64_t age_s = s->now_s - s->watched.last_s;
	char text[SPAN_SIZE], at[WHEN_SIZE];

	if (s->watched.stopped_s != 0) {
		(void)snprintf(buf, size, "mxtrapd has been stopped since %s: nothing is watched%s.", when(s, s->watched.stopped_s, at),
		    age_s > STATUS_STALE_S ? ", and consumers get an empty list" : "");
		return;
	}
	(void)snprintf(buf, size, age_s > STATUS_STALE_S ?
	    "mxtrapd has been silent for %s: nothing is watched, and consumers get an empty list." :
	    "mxtrapd has been silent for %s: nothing is watched.", span(age_s, text));
}

static void
full_sentence(const struct status *s, char *buf, size_t size)
{
	int64_t age_s = s->now_s - s->watched.last_s;
	char text[SPAN_SIZE], tail[120] = "";

	if (s->watched.state == WATCHED_UNKNOWN)
		(void)snprintf(tail, sizeof(tail), " mxtrapd could not write its state for %s: whether it runs is not known.",
		    span(age_s, text));
	if (s->stored.at_max_size) {
		(void)snprintf(buf, size, "The database has reached store { max-size }, and nothing in it is old enough to be "
		    "deleted: what is seen is judged, but not stored. Raise max-size.%s", tail);
		return;
	}
	(void)snprintf(buf, size, "The disk of %s is full (%" PRIu64 " KiB are free): what is seen is judged, but not stored.%s",
	    s->config->state_dir, s->stored.free_bytes / 1024, tail);
}

static void
drops_sentence(const struct status *s, char *buf, size_t size)
{
	uint64_t drops = s->watched.drops, all = s->watched.frames + drops;

	if (drops > 0 && drops * 100 >= all)
		(void)snprintf(buf, size, "Capture lost %" PRIu64 " %% of the packets: evidence is not counted.",
		    (drops * 100 + all / 2) / all);
	else
		(void)snprintf(buf, size, "Capture lost more than 1 %% of the packets of half an hour: evidence is not counted.");
}

const char *
status_sentence(const struct status *s, const struct status_fact *f, char buf[static STATUS_SENTENCE_SIZE])
{
	const size_t size = STATUS_SENTENCE_SIZE;
	const struct status_watched *w = &s->watched;
	const struct ladder *l = &s->config->ladder;
	char name[NAME_SIZE], text[WHEN_SIZE + 8], address[ADDR_TEXT_SIZE], shows[INSTEAD_SIZE];

	buf[0] = '\0';
	switch (f->kind) {
	case STATUS_WELL:
		(void)snprintf(buf, size, "All is well.");
		break;
	case STATUS_DATABASE:
		database_sentence(s, buf, size);
		break;
	case STATUS_WAS_DAMAGED:
		damage_sentence(s, when(s, f->since_s, text), buf, size);
		break;
	case STATUS_ROWS_BAD:
		(void)snprintf(buf, size, "%llu row%s of the database cannot be true and %s skipped: is the disk sound? Restart mxtrapd: "
		    "it checks the file.", (unsigned long long)s->stored.rows_bad, s->stored.rows_bad == 1 ? "" : "s",
		    s->stored.rows_bad == 1 ? "is" : "are");
		break;
	case STATUS_REWRITTEN:
		(void)snprintf(buf, size, "The database was removed while mxtrapd ran, and was written again at %s: stop mxtrapd "
		    "before you touch its files.", when(s, f->since_s, text));
		break;
	case STATUS_DISK_FULL:
		full_sentence(s, buf, size);
		break;
	case STATUS_NEVER_WATCHED:
		(void)snprintf(buf, size, "mxtrapd has not written its state yet: nothing is watched.");
		break;
	case STATUS_SILENT:
		silent_sentence(s, buf, size);
		break;
	case STATUS_REPLAY:
		(void)snprintf(buf, size, "This is a replay, as of %s: nothing is watched.", when(s, s->now_s, text));
		break;
	case STATUS_CAPTURE_DOWN:
		(void)snprintf(buf, size, "%s has not been captured since %s: judging is suspended.", w->captures[f->index].name,
		    when(s, f->since_s, text));
		break;
	case STATUS_CAPTURE_EMPTY:
		capture_names(s, name, sizeof(name));
		(void)snprintf(buf, size, "No packet of the ladder's addresses has been seen on %.100s since mxtrapd started: nobody can "
		    "be listed before one is.%s", name, instead(s, shows));
		break;
	case STATUS_ACCEPTS_UNSEEN:
		capture_names(s, name, sizeof(name));
		(void)snprintf(buf, size, "Nobody can be listed, because %.100s shows no packet of the ladder's addresses, while decoys "
		    "took %" PRIu64 " connection%s: is `interface` right?%s", name, w->accepts_unseen, w->accepts_unseen == 1 ? "" : "s",
		    instead(s, shows));
		break;
	case STATUS_DECOY:
		(void)snprintf(buf, size, "The decoy %s %s.", rung_name(s, w->alarms[f->index].address, name), w->alarms[f->index].says);
		break;
	case STATUS_PROCESS:
		(void)snprintf(buf, size, "The process %s is not running (started again %u times).", w->processes[f->index].name,
		    w->processes[f->index].restarts);
		break;
	case STATUS_COMPLAINT:
		(void)snprintf(buf, size, "%s", w->complaints[f->index]);
		break;
	case STATUS_WAS_BLIND:
		(void)snprintf(buf, size, "Nothing was seen for a while, until %s.", when(s, f->since_s, text));
		break;
	case STATUS_REAL_DOWN:
		(void)snprintf(buf, size, "The real MX %s has not answered%s: judging is suspended.",
		    rung_name(s, s->judged.reals[f->index].address, name), since(s, f->since_s, text));
		break;
	case STATUS_REAL_QUIET:
		(void)snprintf(buf, size, "Nobody has been seen at the real MX %s for a day: does its traffic pass this host? If not, set "
		    "witness = \"none\" or watch another interface.", rung_name(s, s->judged.reals[f->index].address, name));
		break;
	case STATUS_REAL_NEVER:
		(void)addr_format(&l->targets[f->index].addr, address);
		(void)snprintf(buf, size, s->judged.real_elsewhere ?
		    "No connection to the real MX %.200s was ever seen, while other exchangers had some, and this host does not have its "
		    "address: honest senders cannot be distinguished from others. Set witness = \"none\" or \"postfix\"." :
		    "No connection to the real MX %.200s was ever seen, while other exchangers had some: does its traffic pass an "
		    "interface that is watched?", rung_name(s, address, name));
		break;
	case STATUS_DOUBT:
		doubt_sentence(s, (enum doubt)f->index, buf, size);
		break;
	case STATUS_DROPS:
		drops_sentence(s, buf, size);
		break;
	case STATUS_LAYOUT:
		(void)snprintf(buf, size, "The ladder is new: nobody is judged before %s, because senders may still know the old one.",
		    when(s, s->judged.layout_since_s + LAYOUT_S, text));
		break;
	case STATUS_NOT_LISTABLE:
		(void)listable_sentence(s->config, &s->judged.bars[f->index], buf);
		break;
	case STATUS_ALL_ALLOWED:
		(void)snprintf(buf, size, "Nobody can be listed, because `mxtrap allow` covers every address that can reach a bogus "
		    "exchanger: see `mxtrap list --allowed`.");
		break;
	case STATUS_UNANSWERED:
		(void)snprintf(buf, size, "Nobody can be listed, because no answer of any exchanger was seen today (%" PRIu64 " connection "
		    "attempts): does the interface show both directions?", s->judged.attempts);
		break;
	case STATUS_HELD:
		(void)snprintf(buf, size, "The list grew from %" PRIu64 " to %" PRIu64 ": senders listed since %s are held back. Look at "
		    "them, then `mxtrap publish --accept`.", s->published.gate.base, s->published.n_listed, when(s, f->since_s, text));
		break;
	case STATUS_OBSERVING:
		(void)snprintf(buf, size, "Observing only: nothing is published, and consumers get an empty list (publish = no).");
		break;
	case STATUS_YOUNG:
		(void)snprintf(buf, size, "Nothing is published before %s: the database is too young (publish-after).",
		    when(s, s->published.from_s, text));
		break;
	case STATUS_FIREWALL_OFF:
		(void)snprintf(buf, size, "The firewall blocks nobody: it was switched off (mxtrap firewall on).");
		break;
	case STATUS_FIREWALL_LATE:
		(void)snprintf(buf, size, "The firewall's sets are not in step with the list yet.");
		break;
	case STATUS_UNUSED:
		(void)snprintf(buf, size, "The list is published and nobody has fetched it for a day (see `mxtrap consumers`).");
		break;
	case STATUS_BEHIND:
		(void)snprintf(buf, size, "%zu document%s that consumers fetched %s over 15 minutes old and not the newest: see "
		    "`mxtrap consumers`.", s->fetched.behind, s->fetched.behind == 1 ? "" : "s", s->fetched.behind == 1 ? "is" : "are");
		break;
	case STATUS_NO_CONSUMER:
		(void)snprintf(buf, size, "%" PRIu64 " sender%s listed, and no consumer has fetched the list yet: nobody is blocked.",
		    s->list.n_listed, s->list.n_listed == 1 ? " is" : "s are");
		break;
	case STATUS_AT_RISK:
		(void)snprintf(buf, size, "%" PRIu64 " sender%s may be mail servers whose mail did not arrive: see `mxtrap risk`.",
		    s->at_risk, s->at_risk == 1 ? "" : "s");
		break;
	}
	return buf;
}

const char *
status_published_why(const struct status *s, char buf[static STATUS_WHY_SIZE])
{
	char text[SPAN_SIZE];
	struct tm tm;
	time_t from = (time_t)s->published.from_s;
	char iso[WHEN_SIZE] = "";

	buf[0] = '\0';
	switch (s->published.state) {
	case PUBLISHED_YES:
		break;
	case PUBLISHED_OFF:
		(void)snprintf(buf, STATUS_WHY_SIZE, "observing only: nothing is published until the configuration says publish = yes");
		break;
	case PUBLISHED_YOUNG:
		if (gmtime_r(&from, &tm) != NULL)
			(void)strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%SZ", &tm);
		(void)snprintf(buf, STATUS_WHY_SIZE, "nothing is published before %s (publish-after, counted from the database's "
		    "beginning)",
		    iso);
		break;
	case PUBLISHED_SILENT:
		(void)snprintf(buf, STATUS_WHY_SIZE, "mxtrapd has been silent for %s: a list that nobody keeps claims nothing",
		    span(s->now_s - s->watched.last_s, text));
		break;
	case PUBLISHED_UNREADABLE:
		(void)snprintf(buf, STATUS_WHY_SIZE, "the database cannot be read");
		break;
	}
	return buf;
}

const char *
status_level_name(enum status_level level)
{
	static const char *const names[] = { [STATUS_GOOD] = "ok", [STATUS_NOTE] = "note", [STATUS_BAD] = "bad" };

	return names[level];
}

const char *
status_stored_name(enum stored state)
{
	static const char *const names[] = {
		[STORED_OK] = "ok", [STORED_FULL] = "full", [STORED_ABSENT] = "absent", [STORED_REMOVED] = "removed",
		[STORED_EMPTY] = "empty", [STORED_DAMAGED] = "damaged", [STORED_FORBIDDEN] = "forbidden", [STORED_NEWER] = "newer",
		[STORED_OLDER] = "older", [STORED_BUSY] = "busy",
	};

	return names[state];
}

const char *
status_watched_name(enum watched state)
{
	static const char *const names[] = {
		[WATCHED_YES] = "yes", [WATCHED_NEVER] = "never", [WATCHED_SILENT] = "silent", [WATCHED_UNKNOWN] = "unknown",
		[WATCHED_REPLAY] = "replay",
	};

	return names[state];
}

const char *
status_published_name(enum published state)
{
	static const char *const names[] = {
		[PUBLISHED_YES] = "yes", [PUBLISHED_OFF] = "off", [PUBLISHED_YOUNG] = "young", [PUBLISHED_SILENT] = "silent",
		[PUBLISHED_UNREADABLE] = "unreadable",
	};

	return names[state];
}
