/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.c - scenarios in a small language, one file a named test (see README.md beside it).
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxtrap/never.h"
#include "script.h"

void
fault(struct script *s, const char *fmt, ...)
{
	va_list ap;

	s->faults++;
	printf("       %s:%u: ", s->path, s->line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

bool
parse_span(const char *text, int64_t *us)
{
	char *end;
	double n = strtod(text, &end);
	double unit = strcmp(end, "ms") == 0 ? 1e3 : strcmp(end, "s") == 0 ? 1e6 : strcmp(end, "m") == 0 ? 6e7 :
	    strcmp(end, "h") == 0 ? 3.6e9 : strcmp(end, "d") == 0 ? 8.64e10 : strcmp(end, "us") == 0 ? 1 : 0;

	*us = llround(n * unit);
	return end != text && unit != 0;
}

bool
word_is(const struct script *s, int i, const char *word)
{
	return i < s->n && strcmp(s->words[i], word) == 0;
}

const struct target *
script_target(struct script *s, const char *name, const struct addr *like)
{
	const struct ladder *l = &s->world.ladder;
	const struct target *any = NULL;
	struct addr a;

	if (addr_parse(&a, name))
		return ladder_find(l, &a);
	for (size_t i = 0; i < l->n_targets; i++) {
		const struct target *t = &l->targets[i];

		if (t->role == ROLE_CONTROL || strcmp(l->sets[t->set].exchangers[t->exchanger].name, name) != 0)
			continue;
		if (like == NULL || addr_is_v4(&t->addr) == addr_is_v4(like))
			return t;
		any = any != NULL ? any : t;
	}
	return like == NULL ? any : NULL;
}

void
script_begin(struct script *s)
{
	const char *why = "";

	if (s->begun)
		return;
	s->begun = true;
	s->world.ladder.n_sets = s->n_sets;
	s->world.ladder.sets = calloc(s->n_sets + 1, sizeof(s->sets[0]));
	for (size_t i = 0; i < s->n_sets; i++) {
		struct mxset *set = &s->world.ladder.sets[i];

		*set = s->sets[i];
		set->n_domains = 1;		/* a set of this name is of this domain */
		set->domains = calloc(1, sizeof(set->domains[0]));
		memcpy(set->domains[0], set->name, sizeof(set->name));
		set->exchangers = calloc(set->n_exchangers + 1, sizeof(set->exchangers[0]));
		for (size_t j = 0; j < set->n_exchangers; j++) {
			set->exchangers[j] = s->exchangers[i][j];
			set->exchangers[j].addrs = calloc(MAX_ADDRS, sizeof(struct addr));
			memcpy(set->exchangers[j].addrs, s->addrs[i][j], sizeof(s->addrs[i][j]));
		}
	}
	if (s->world.ladder.n_control != 0) {
		s->world.ladder.control = calloc(MAX_CONTROL, sizeof(struct addr));
		memcpy(s->world.ladder.control, s->control, sizeof(s->control));
	}
	s->world.options.n_never = s->n_never;
	if (!world_begin(&s->world, &why)) {
		fault(s, "%s", why);
		s->now_us = -1;
	}
}

static void
do_exchanger(struct script *s)
{
	size_t set = s->n_sets - 1, j;
	struct exchanger *x;

	if (s->n < 6 || s->n_sets == 0 || s->sets[set].n_exchangers == MAX_EXCHANGERS) {
		fault(s, "found %d words, expected: exchanger NAME PREFERENCE ROLE ANSWER ADDRESS...", s->n);
		return;
	}
	j = s->sets[set].n_exchangers++;
	x = &s->exchangers[set][j];
	(void)snprintf(x->name, sizeof(x->name), "%s", s->words[1]);
	x->preference = (uint16_t)atoi(s->words[2]);
	x->role = word_is(s, 3, "nolisting") ? ROLE_NOLISTING : word_is(s, 3, "real") ? ROLE_REAL : ROLE_BOGUS;
	x->answer = word_is(s, 4, "reset") ? ANSWER_RESET :
	    word_is(s, 4, "dialogue") ? ANSWER_DIALOGUE : ANSWER_NONE;
	x->witness = word_is(s, 4, "unseen") ? WITNESS_NONE : word_is(s, 4, "told") ? WITNESS_POSTFIX : WITNESS_WIRE;
	for (int i = 5; i < s->n; i++)
		if (strncmp(s->words[i], "network=", 8) == 0)
			(void)snprintf(x->network, sizeof(x->network), "%s", s->words[i] + 8);
		else if (x->n_addrs == MAX_ADDRS || !addr_parse(&s->addrs[set][j][x->n_addrs++], s->words[i]))
			fault(s, "found %s, expected one of at most %d addresses", s->words[i], MAX_ADDRS);
}

/* pool NUMBER CIDR...: senders of one named pool. */
static void
do_pool(struct script *s)
{
	struct world *w = &s->world;

	for (int i = 2; i < s->n; i++) {
		struct pool_member m = { .pool = (uint16_t)atoi(s->words[1]) };

		if (w->options.n_pools == MAX_POOLS || !prefix_parse(&m.what, s->words[i]) || !pool_map_fits(&m.what))
			fault(s, "found %s, expected one of at most %d prefixes", s->words[i], MAX_POOLS);
		else
			w->pools[w->options.n_pools++] = m;
	}
}

static void
do_judge(struct script *s)
{
	struct judge_params *j = &s->world.options.judge;
	int64_t us = 0;

	if (s->n == 3 && word_is(s, 1, "list-on"))
		j->list_on = word_is(s, 2, "proven") ? GRADE_PROVEN : GRADE_ADDRESSED;
	else if (s->n == 3 && word_is(s, 1, "false-listing"))
		j->false_listing = atof(s->words[2]);
	else if (s->n == 3 && word_is(s, 1, "grace") && parse_span(s->words[2], &us))
		j->start_grace_s = (uint32_t)(us / 1000000);
	else
		fault(s, "found judge %s, expected list-on, false-listing or grace", s->n > 1 ? s->words[1] : "");
}

bool
parse_deed(const char *word, enum deed *out)
{
	static const char *const names[] = { "syn", "refused", "half", "connect", "unreachable", "withdrawn", "forged-ack",
		"guessed", "provoked" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			*out = (enum deed)i;
			return true;
		}
	}
	return false;
}

void
script_move_to(struct script *s, int64_t us)
{
	if (us < s->now_us)
		fault(s, "found a time that lies before what was there already");
	else
		plan_until(s, s->now_us = us);
}

/* at TIME ADDRESS says EXCHANGER [early] [tls] [helo NAME] [no-helo] [rcpt DOMAIN] */
static void
do_says(struct script *s, int64_t us, const struct addr *src, const struct target *t)
{
	const char *helo = "", *domain = "";
	uint16_t bits = SAID_END;

	for (int i = 5; i < s->n; i++) {
		if (word_is(s, i, "early"))
			bits |= SAID_EARLY;
		else if (word_is(s, i, "tls"))
			bits |= SAID_EARLY | SAID_TLS;
		else if (word_is(s, i, "protocol"))
			bits |= SAID_FOREIGN_PROTOCOL;
		else if (word_is(s, i, "unknown"))
			bits |= SAID_UNKNOWN;
		else if (word_is(s, i, "no-helo"))
			bits |= SAID_NO_HELO;
		else if (word_is(s, i, "helo") && i + 1 < s->n && (bits |= SAID_HELO) != 0)
			helo = s->words[++i];
		else if (word_is(s, i, "rcpt") && i + 1 < s->n && (bits |= SAID_MAIL | SAID_RCPT) != 0)
			domain = s->words[++i];
		else
			fault(s, "found %s, expected early, tls, protocol, unknown, no-helo, helo NAME or rcpt DOMAIN", s->words[i]);
	}
	world_say(&s->world, us, src, (uint32_t)(t - s->world.ladder.targets), bits, helo, domain);
}

/* at TIME ADDRESS DEED EXCHANGER [xN]   or   at TIME EVENT ... */
/* What stands of it is taken back, as told by a live run beside which this capture was taken: some microseconds off. */
static void
script_purge(struct script *s, const struct event *at)
{
	const struct world *w = &s->world;
	size_t n = w->n_evidence;

	for (size_t i = 0; i < n; i++) {
		const struct evidence_row *row = &w->evidence[i];
		const struct take_back b = { .sender = row->sender, .evidence_us = row->time_us - 3, .score = row->score,
			.hint = row->hint, .set = row->set, .kind = row->kind, .grade = row->grade, .last = true };
		struct event e = { .time_us = at->time_us };

		if (row->sender != addr_sender(&at->what.addr) || row->revision || row->hint <= 0)
			continue;
		event_take_back(&e, &b);
		world_event(&s->world, &e);
	}
}

static void
do_at(struct script *s)
{
	struct event e = { .time_us = 0 };
	const struct target *t;
	struct addr src, to;
	enum deed deed;
	int64_t us, span = 0;

	script_begin(s);
	if (s->now_us < 0 || s->n < 3 || !parse_span(s->words[1], &us)) {
		fault(s, "expected: at TIME ADDRESS DEED EXCHANGER, or at TIME EVENT");
		return;
	}
	us += WORLD_BEGIN_US;
	script_move_to(s, us);
	e.time_us = us;
	if (s->n >= 5 && addr_parse(&src, s->words[2])) {
		t = script_target(s, s->words[4], &src);
		if (t == NULL) {
			fault(s, "found %s, expected an exchanger with an address of this family", s->words[4]);
			return;
		}
		if (word_is(s, 3, "accepted"))
			world_accept(&s->world, us, &src, (uint32_t)(t - s->world.ladder.targets));
		else if (word_is(s, 3, "deferred"))
			world_sight(&s->world, us, EVENT_DEFERRED, &src, (uint32_t)(t - s->world.ladder.targets));
		else if (word_is(s, 3, "sighted"))
			world_sight(&s->world, us, EVENT_SIGHTING, &src, (uint32_t)(t - s->world.ladder.targets));
		else if (word_is(s, 3, "taken"))
			world_sight(&s->world, us, EVENT_ACCEPTED, &src, (uint32_t)(t - s->world.ladder.targets));
		else if (word_is(s, 3, "says"))
			do_says(s, us, &src, t);
		else if (parse_deed(s->words[3], &deed))
			world_act(&s->world, us, &src, t, deed, s->n > 5 ? (unsigned)atoi(s->words[5] + 1) : 1);
		else
			fault(s, "found %s, expected syn, refused, half, connect, unreachable, withdrawn, forged-ack,"
			    " guessed, provoked, accepted, deferred, sighted, taken or says",
			    s->words[3]);
		return;
	}
	if (word_is(s, 2, "mail") && s->n >= 5 && addr_parse(&src, s->words[3]) && addr_parse(&to, s->words[4])) {
		world_mail(&s->world, us, &src, &to, s->n == 5 ? MAIL_ANSWERED : word_is(s, 5, "silent") ? MAIL_SILENT :
		    word_is(s, 5, "refused") ? MAIL_REFUSED : word_is(s, 5, "late") ? MAIL_LATE : MAIL_FORGED);
		return;
	}
	if (word_is(s, 2, "restart")) {
		if (!world_restart(&s->world, us))
			fault(s, "could not start again");
		return;
	}
	if (word_is(s, 2, "probe") && s->n >= 5) {
		script_probe(s, us);
		return;
	}
	if (word_is(s, 2, "drops") && s->n == 4) {
		e.kind = EVENT_DROPS;
		e.value = atoi(s->words[3]);
	} else if ((word_is(s, 2, "blind") || word_is(s, 2, "uncaptured")) && s->n == 4 && parse_span(s->words[3], &span)) {
		e.kind = EVENT_BLIND;
		e.value = word_is(s, 2, "uncaptured");
		e.since_us = us - span;
	} else if (word_is(s, 2, "step")) {
		e.kind = EVENT_CLOCK_STEP;
	} else if (word_is(s, 2, "overflow")) {
		e.kind = EVENT_OVERFLOW;
	} else if (word_is(s, 2, "layout")) {
		e.kind = EVENT_LAYOUT;
	} else if ((word_is(s, 2, "own") || word_is(s, 2, "disown")) && s->n == 4 && prefix_parse(&e.what, s->words[3])) {
		e.kind = EVENT_NEVER;
		e.value = word_is(s, 2, "own") ? NEVER_OWN : 0;
	} else if (word_is(s, 2, "begun")) {
		e.kind = EVENT_START;
		e.value = 1;
	} else if (word_is(s, 2, "purge") && s->n == 4 && prefix_parse(&e.what, s->words[3])) {
		script_purge(s, &e);
		return;
	} else if (word_is(s, 2, "withdraw") && s->n == 4 && prefix_parse(&e.what, s->words[3])) {
		e.kind = EVENT_ALLOW;
		e.expires_s = 1;
	} else if (word_is(s, 2, "unlist") && s->n == 4 && prefix_parse(&e.what, s->words[3])) {
		e.kind = EVENT_LIST;
		e.expires_s = 1;
	} else if (word_is(s, 2, "list") && s->n == 6 && prefix_parse(&e.what, s->words[3]) && parse_span(s->words[5], &span)) {
		e.kind = EVENT_LIST;
		e.expires_s = (uint32_t)((us + span) / 1000000);
	} else if ((word_is(s, 2, "allow") || word_is(s, 2, "forget")) && s->n >= 4 &&
	    prefix_parse(&e.what, s->words[3])) {
		e.kind = word_is(s, 2, "allow") ? EVENT_ALLOW : EVENT_FORGET;
		if (s->n == 6 && parse_span(s->words[5], &span))
			e.expires_s = (uint32_t)((us + span) / 1000000);
	} else {
		fault(s, "found %s, expected an address or an event", s->words[2]);
		return;
	}
	world_event(&s->world, &e);
}

static void
do_line(struct script *s)
{
	int64_t us = 0;

	if (word_is(s, 0, "set") && s->n == 2 && s->n_sets < MAX_SETS)
		(void)snprintf(s->sets[s->n_sets++].name, MXSET_NAME_SIZE, "%s", s->words[1]);
	else if (word_is(s, 0, "exchanger"))
		do_exchanger(s);
	else if (word_is(s, 0, "control") && s->n == 2 && s->world.ladder.n_control < MAX_CONTROL &&
	    addr_parse(&s->control[s->world.ladder.n_control], s->words[1]))
		s->world.ladder.n_control++;
	else if (word_is(s, 0, "pool") && s->n > 2)
		do_pool(s);
	else if (word_is(s, 0, "judge"))
		do_judge(s);
	else if (word_is(s, 0, "resumed"))
		s->world.resumed = true;
	else if (word_is(s, 0, "special-purpose"))
		s->world.options.special_purpose = true;
	else if (word_is(s, 0, "correspondents") && s->n == 2)
		s->world.options.correspondents = word_is(s, 1, "yes");
	else if (word_is(s, 0, "senders") && s->n == 2)
		s->world.options.limits.senders = (uint32_t)atoi(s->words[1]);
	else if (word_is(s, 0, "new-per-48") && s->n == 2)
		s->world.options.limits.new_per_48 = (uint32_t)atoi(s->words[1]);
	else if (word_is(s, 0, "never") && s->n == 2 && s->n_never < MAX_NEVER &&
	    prefix_parse(&s->world.never[s->n_never], s->words[1]))
		s->n_never++;
	else if (word_is(s, 0, "rtt") && s->n == 2 && parse_span(s->words[1], &us))
		s->world.rtt_us = (uint32_t)us;
	else if (word_is(s, 0, "at"))
		do_at(s);
	else if (word_is(s, 0, "crowd"))
		script_crowd(s);
	else if (word_is(s, 0, "climb"))
		plan_climb(s);
	else if (word_is(s, 0, "run"))
		plan_run(s);
	else if (word_is(s, 0, "until") && s->n == 2 && parse_span(s->words[1], &us))
		script_move_to(s, WORLD_BEGIN_US + us);
	else if (word_is(s, 0, "expect"))
		script_expect(s);
	else
		fault(s, "found %s, expected a word of the language, with what belongs to it", s->words[0]);
}

static bool
run(const char *path)
{
	struct script *s = calloc(1, sizeof(*s));
	FILE *f = fopen(path, "r");
	char line[1024], title[1024] = "";
	bool good;

	if (f == NULL || s == NULL) {
		perror(path);
		exit(2);
	}
	s->path = path;
	s->now_us = WORLD_BEGIN_US;
	s->world.rtt_us = 20000;
	judge_defaults(&s->world.options.judge);
	s->world.options.judge.start_grace_s = 0;
	s->world.options.correspondents = true;
	s->world.options.judge.list_on = GRADE_PROVEN;
	s->world.options.limits = (struct trap_limits){ 20000, 20000, 20000, 100000, 256 };
	while (fgets(line, sizeof(line), f) != NULL) {
		char *save = NULL, *hash;

		s->line++;
		if (s->line == 1 && line[0] == '#')
			(void)snprintf(title, sizeof(title), "%.*s", (int)strcspn(line + 2, "\n"), line + 2);
		hash = strchr(line, '#');
		if (hash != NULL)
			*hash = '\0';
		s->n = 0;
		for (char *w = strtok_r(line, " \t\n", &save); w != NULL && s->n < MAX_WORDS;
		    w = strtok_r(NULL, " \t\n", &save))
			s->words[s->n++] = w;
		if (s->n == MAX_WORDS)
			fault(s, "found %d words or more, expected fewer", MAX_WORDS);
		if (s->n > 0)
			do_line(s);
	}
	fclose(f);
	good = s->faults == 0;
	printf("%s %s: %s\n", good ? "ok    " : "not ok", path, title);
	world_end(&s->world);
	plan_free(s);
	free(s);
	return good;
}

int
main(int argc, char **argv)
{
	int passed = 0;

	for (int i = 1; i < argc; i++)
		passed += run(argv[i]);
	printf("%d passed, %d failed\n", passed, argc - 1 - passed);
	return argc > 1 && passed == argc - 1 ? 0 : 1;
}
