/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * teller.c - a sink in front of the store's: what an operator wants to read goes to the log too.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "watch_int.h"

#define LINES_A_MINUTE 60		/* of list changes; how many more there were is said */

static const char *
utc(uint32_t s, char buf[static 24])
{
	time_t t = s;
	struct tm tm;

	if (s == 0)
		return "withdrawn";
	if (gmtime_r(&t, &tm) == NULL || strftime(buf, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "?";
	return buf;
}

static bool
may_say(struct teller *t, int64_t time_us)
{
	int64_t minute = time_us / 60000000;

	if (minute != t->minute) {
		if (t->hushed != 0)
			log_info("LIST changed %u more times", t->hushed);
		t->minute = minute;
		t->said = t->hushed = 0;
	}
	if (t->said == LINES_A_MINUTE) {
		t->hushed++;
		return false;
	}
	t->said++;
	return true;
}

/* "backup_first+climbed" of the sender's kinds. */
static const char *
reasons(uint16_t kinds, char buf[static 160])
{
	size_t n = 0;

	buf[0] = '\0';
	for (int kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if ((kinds & 1U << kind) != 0 && n < 160)
			n += (size_t)snprintf(buf + n, 160 - n, "%s%s", n > 0 ? "+" : "",
			    evidence_info((enum evidence_kind)kind)->name);
	return n > 0 ? buf : "nothing";
}

static void
say_change(const struct change_row *c)
{
	char who[PREFIX_TEXT_SIZE], why[160], until[24];

	if (c->what.len == 128)
		addr_format(&c->what.addr, who);
	else
		prefix_format(&c->what, who);
	switch ((enum sender_state)c->new_state) {
	case STATE_LISTED:
		log_info("%s [%s] %s score %.1f grade %s until %s", c->old_state == STATE_LISTED ? "RENEWED" : "LISTED", who,
		    reasons(c->kinds, why), (double)c->score, grade_name((enum grade)c->grade), utc(c->expires_s, until));
		return;
	case STATE_SUSPECT:
		log_info("SUSPECT [%s] %s score %.1f", who, reasons(c->kinds, why), (double)c->score);
		return;
	case STATE_ALLOWED:
		log_info("ALLOWED [%s] until %s%s", who, utc(c->expires_s, until),
		    c->cause == CAUSE_OURS ? ": an address of this host" : "");
		return;
	case STATE_UNKNOWN:
	case STATE_NOTICED:
	case STATE_CLEARED:
	case STATE_N:
		break;
	}
	switch ((enum change_cause)c->cause) {
	case CAUSE_EXPIRED:
		log_info("EXPIRED [%s] %s score %.1f", who, state_name((enum sender_state)c->old_state), (double)c->score);
		break;
	case CAUSE_FORGOTTEN:
		log_info("FORGOTTEN [%s]", who);
		break;
	case CAUSE_EVIDENCE:
	case CAUSE_RENEWED:
	case CAUSE_DECAYED:
	case CAUSE_REVISED:
	case CAUSE_ALLOWED:
	case CAUSE_ADMIN:
	case CAUSE_ALLOW_ENDED:
	case CAUSE_PURGED:
	case CAUSE_N:
	case CAUSE_OURS:
		log_info("RELEASED [%s] %s is %s score %.1f", who, state_name((enum sender_state)c->old_state),
		    state_name((enum sender_state)c->new_state), (double)c->score);
		break;
	}
}

static void
say_note(const struct teller *t, const struct note_row *n)
{
	static const char *const says[] = {
		[NOTE_REAL_DOWN] = "real MX [%s] does not answer: no evidence counts meanwhile",
		[NOTE_REAL_UP] = "real MX [%s] answers again",
		[NOTE_DECOY_SILENT] = "decoy [%s] should refuse and is silent: honest senders wait there for minutes",
		[NOTE_DECOY_ANSWERS] = "decoy [%s] should refuse and accepts connections: mail may be lost there",
		[NOTE_DECOY_DEAD] = "decoy [%s] should answer and does not: nothing can be proven there",
		[NOTE_TABLE_FULL] = "the table of senders is full of proven ones%s",
		[NOTE_OVERFLOW] = "a decoy's queue of connections overflowed: no evidence counts for half an hour%s",
		[NOTE_FLOOD] = "a flood: attempts are counted, not stored one by one%s",
		[NOTE_FLOOD_END] = "the flood is over%s",
	};
	char addr[ADDR_TEXT_SIZE] = "", line[200];
	const char *form = n->kind < sizeof(says) / sizeof(says[0]) ? says[n->kind] : NULL;
	const char *hole = form != NULL ? strstr(form, "%s") : NULL;

	if (hole == NULL)
		return;
	if (n->target < t->ladder->n_targets)
		addr_format(&t->ladder->targets[n->target].addr, addr);
	(void)snprintf(line, sizeof(line), "%.*s%s%s", (int)(hole - form), form, addr, hole + 2);
	log_warnx("%s", line);
}

static void
tell_change(void *ctx, const struct change_row *row)
{
	struct teller *t = ctx;

	if ((t->kept == NULL || !kept_change(t->kept, row)) && (t->purge == NULL || !purge_change(t->purge, row)))
		t->inner.change(t->inner.ctx, row);
	if (may_say(t, row->time_us))
		say_change(row);
}

static void
tell_note(void *ctx, const struct note_row *row)
{
	struct teller *t = ctx;

	t->inner.note(t->inner.ctx, row);
	say_note(t, row);
}

#define HAND_ON(what, type)						\
	static void							\
	tell_##what(void *ctx, const type *row)				\
	{								\
		const struct teller *t = ctx;				\
									\
		t->inner.what(t->inner.ctx, row);			\
	}

HAND_ON(attempt, struct attempt_row)
HAND_ON(visit, struct visit_row)
HAND_ON(evidence, struct evidence_row)
HAND_ON(sender, struct sender_row)
HAND_ON(memory, struct memory_row)
HAND_ON(tally, struct tally_row)

static void
tell_fingerprint(void *ctx, uint16_t id, const struct fingerprint *fp, int64_t time_us)
{
	const struct teller *t = ctx;

	t->inner.fingerprint(t->inner.ctx, id, fp, time_us);
}

static void
tell_correspondent(void *ctx, sender_key key, uint32_t answered_s)
{
	const struct teller *t = ctx;

	t->inner.correspondent(t->inner.ctx, key, answered_s);
}

static void
tell_foreign(void *ctx, sender_key key, uint32_t until_s)
{
	const struct teller *t = ctx;

	t->inner.foreign(t->inner.ctx, key, until_s);
}

static void
tell_doubt(void *ctx, const struct doubt_row *row)
{
	struct teller *t = ctx;

	t->inner.doubt(t->inner.ctx, row);
}

static void
tell_cleared(void *ctx, uint32_t day_s, uint64_t n)
{
	const struct teller *t = ctx;

	t->inner.cleared(t->inner.ctx, day_s, n);
}

struct sink
teller_sink(struct teller *t)
{
	return (struct sink){
		.ctx = t, .attempt = tell_attempt, .visit = tell_visit, .evidence = tell_evidence, .change = tell_change,
		.sender = tell_sender, .memory = tell_memory, .tally = tell_tally, .note = tell_note,
		.fingerprint = tell_fingerprint, .correspondent = tell_correspondent, .foreign = tell_foreign,
		.cleared = tell_cleared, .doubt = tell_doubt,
	};
}
