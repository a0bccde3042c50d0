/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expect.c - what a scenario says must have come of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static void
expect_states(struct script *s, int count, const char *state)
{
	int n = 0, known = STATE_N;

	while (known > 0 && strcmp(state_name((enum sender_state)(known - 1)), state) != 0)
		known--;
	if (known == 0)
		fault(s, "found %s, expected a state", state);

	(void)world_sender(&s->world, &(struct addr){ { 0 } });
	for (size_t i = 0; i < s->world.n_senders; i++)
		n += strcmp(state_name((enum sender_state)s->world.senders[i].state), state) == 0;
	if (n != count)
		fault(s, "found %d %s, expected %d", n, state, count);
}

static bool
near(float a, double b)
{
	return fabs((double)a - b) < 0.06;
}

static void
expect_reasons(struct script *s, const struct sender_row *row)
{
	uint16_t want = 0, have = row != NULL ? row->kinds : 0;

	for (int i = 3; i < s->n; i++) {
		unsigned k = 0;

		while (k < EVIDENCE_N_KINDS && strcmp(evidence_info((enum evidence_kind)k)->name, s->words[i]) != 0)
			k++;
		if (k == EVIDENCE_N_KINDS && strcmp(s->words[i], "none") != 0)
			fault(s, "found %s, expected a kind of evidence", s->words[i]);
		else if (k < EVIDENCE_N_KINDS)
			want |= (uint16_t)(1U << k);
	}
	if (want != have)
		fault(s, "found kinds %#x, expected %#x", have, want);
}

/* expect ADDRESS excused DOUBT: its last evidence was. */
static void
expect_excused(struct script *s, const struct addr *a)
{
	for (size_t i = s->world.n_evidence; i > 0; i--) {
		const struct evidence_row *e = &s->world.evidence[i - 1];

		if (e->sender != addr_sender(a) || e->excused == 0)
			continue;
		for (unsigned k = 0; k < DOUBT_N; k++)
			if ((e->excused & 1U << k) != 0 && strcmp(doubt_name((enum doubt)(1U << k)), s->words[3]) == 0)
				return;
		fault(s, "found doubts %#x, expected %s", e->excused, s->words[3]);
		return;
	}
	fault(s, "found nothing excused, expected %s", s->words[3]);
}

static void
expect_changes(struct script *s)
{
	struct addr a;
	int i = 3;

	if (!addr_parse(&a, s->words[2])) {
		fault(s, "found %s, expected an address", s->words[2]);
		return;
	}
	for (size_t k = 0; k < s->world.n_changes; k++) {
		const struct change_row *c = &s->world.changes[k];

		if (c->sender != addr_sender(&a))
			continue;
		if (i >= s->n || strcmp(state_name((enum sender_state)c->new_state), s->words[i]) != 0)
			fault(s, "found a change to %s as number %d, expected %s",
			    state_name((enum sender_state)c->new_state), i - 2, i < s->n ? s->words[i] : "no more");
		i++;
	}
	if (i < s->n)
		fault(s, "found %d changes, expected %d", i - 3, s->n - 3);
}

static void
expect_note(struct script *s)
{
	static const char *const names[] = { "start", "stop", "real-down", "real-up", "blind", "drops", "clock-step",
		"decoy-silent", "decoy-answers", "decoy-dead", "reload", "table-full", "flood", "flood-end",
		[NOTE_FOREIGN] = "foreign", [NOTE_OVERFLOW] = "overflow" };
	int found = 0;

	for (size_t i = 0; i < s->world.n_notes; i++)
		found += s->world.notes[i].kind < sizeof(names) / sizeof(names[0]) &&
		    names[s->world.notes[i].kind] != NULL && strcmp(names[s->world.notes[i].kind], s->words[2]) == 0;
	if (s->n == 4 && s->words[3][0] == 'x' ? found != atoi(s->words[3] + 1) : (found > 0) != (s->n == 3))
		fault(s, "found %d notes %s", found, s->words[2]);
}

/* The newest change of the list for a sender; NULL: none. */
static const struct change_row *
last_change(const struct script *s, const struct addr *a)
{
	for (size_t i = s->world.n_changes; i > 0; i--)
		if (s->world.changes[i - 1].sender == addr_sender(a))
			return &s->world.changes[i - 1];
	return NULL;
}

/* expect ADDRESS listed-as CIDR, or expires TIME: as the last change of the list said. */
static void
expect_entry(struct script *s, const struct addr *a)
{
	const struct change_row *c = last_change(s, a);
	char text[PREFIX_TEXT_SIZE];
	int64_t us = 0, have;

	if (c == NULL) {
		fault(s, "found no change of the list, expected %s %s", s->words[2], s->words[3]);
	} else if (word_is(s, 2, "listed-as")) {
		if (strcmp(prefix_format(&c->what, text), s->words[3]) != 0)
			fault(s, "found %s, expected %s", text, s->words[3]);
	} else if (!parse_span(s->words[3], &us)) {
		fault(s, "found %s, expected a time", s->words[3]);
	} else {
		/* Rounded up to a full minute. */
		have = (int64_t)c->expires_s * 1000000 - WORLD_BEGIN_US;
		if (have < us || have - us >= 60000000 + 1000000)
			fault(s, "found an expiry at %lld s, expected %s", (long long)(have / 1000000), s->words[3]);
	}
}

static void
expect_word(struct script *s, const char *have)
{
	if (strcmp(have, s->words[3]) != 0)
		fault(s, "found %s %s, expected %s", s->words[2], have, s->words[3]);
}

static void
expect_sender(struct script *s, const struct addr *a)
{
	const struct sender_row *row = world_sender(&s->world, a);
	const char *state = state_name(row != NULL ? (enum sender_state)row->state : STATE_UNKNOWN);
	float score = row != NULL ? row->score : 0, hint = row != NULL ? row->hint : 0;

	if (word_is(s, 2, "reasons")) {
		expect_reasons(s, row);
	} else if (s->n == 3) {
		if (strcmp(state, s->words[2]) != 0)
			fault(s, "found %s %s (score %.2f, hint %.2f), expected %s", s->words[1], state, (double)score,
			    (double)hint, s->words[2]);
	} else if (s->n != 4) {
		fault(s, "found %d words, expected one thing of this sender", s->n);
	} else if (word_is(s, 2, "score") || word_is(s, 2, "hint")) {
		float have = word_is(s, 2, "score") ? score : hint;

		if (!near(have, atof(s->words[3])))
			fault(s, "found %s %.2f, expected %s", s->words[2], (double)have, s->words[3]);
	} else if (word_is(s, 2, "excused")) {
		expect_excused(s, a);
	} else if (word_is(s, 2, "class")) {
		expect_word(s, class_name(row != NULL ? (enum sender_class)row->klass : CLASS_SENDER));
	} else if (word_is(s, 2, "grade")) {
		expect_word(s, grade_name(row != NULL ? (enum grade)row->grade : GRADE_NONE));
	} else if (word_is(s, 2, "listed-as") || word_is(s, 2, "expires")) {
		expect_entry(s, a);
	} else {
		fault(s, "found %s, expected score, hint, reasons, excused, class, grade, listed-as or expires",
		    s->words[2]);
	}
}

void
script_expect(struct script *s)
{
	struct addr a;

	script_begin(s);
	if (s->now_us < 0 || s->n < 3) {
		fault(s, "expected something to expect");
		return;
	}
	trap_tick(s->world.trap, s->now_us);
	if (word_is(s, 1, "nobody"))
		expect_states(s, 0, s->words[2]);
	else if (word_is(s, 1, "changes"))
		expect_changes(s);
	else if (word_is(s, 1, "note"))
		expect_note(s);
	else if (addr_parse(&a, s->words[1]))
		expect_sender(s, &a);
	else
		expect_states(s, atoi(s->words[1]), s->words[2]);
}
