/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_property.c - what holds for every mail that keeps the rules, and for every forgery: random towns
 * (tests/property/town.h), played as packets.  MXTRAP_TOWNS=N plays N of them instead of a few;
 * MXTRAP_TOWN=SEED one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../property/town.h"

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t
first_seed(void)
{
	return number("MXTRAP_TOWN", 1);
}

static uint64_t
last_seed(uint64_t otherwise)
{
	return getenv("MXTRAP_TOWN") != NULL ? first_seed() : number("MXTRAP_TOWNS", otherwise);
}

/* Nobody of these was ever a suspect or listed. */
static void
all_innocent(const struct town *t, const struct addr *who, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		char text[ADDR_TEXT_SIZE];

		if (town_worst(t, &who[i]) == 0)
			continue;
		fail_msg("town %llu: %s became %s", (unsigned long long)seed, addr_format(&who[i], text),
		    state_name((enum sender_state)town_worst(t, &who[i])));
	}
}

static void
honest_ladders_make_no_suspect(void **state)
{
	uint64_t packets = 0, climbers = 0;

	(void)state;
	for (uint64_t seed = first_seed(); seed <= last_seed(24); seed++) {
		struct town t;
		const char *why;

		town_make(&t, seed);
		town_honest(&t, 150);
		why = town_play(&t);
		if (why != NULL)
			fail_msg("town %llu: %s", (unsigned long long)seed, why);
		all_innocent(&t, t.honest, t.n_honest, seed);
		for (size_t i = 0; i < t.world.n_changes; i++)
			assert_true(t.world.changes[i].new_state != STATE_LISTED &&
			    t.world.changes[i].new_state != STATE_SUSPECT);
		packets += t.n;
		climbers += t.n_honest;
		town_free(&t);
	}
	print_message("%llu packets of %llu honest addresses: 0 listed, 0 suspects\n", (unsigned long long)packets,
	    (unsigned long long)climbers);
}

/* The interface goes, packets are dropped, watch is killed: what came first was not seen. */
static void
honest_ladders_make_no_suspect_through_mishaps(void **state)
{
	uint64_t unseen = 0, packets = 0;
	unsigned mishaps = 0;

	(void)state;
	for (uint64_t seed = first_seed(); seed <= last_seed(12); seed++) {
		struct town t;
		const char *why;

		town_make(&t, seed);
		t.mishaps = true;
		t.world.options.judge.start_grace_s = 900;
		town_honest(&t, 150);
		why = town_play(&t);
		if (why != NULL)
			fail_msg("town %llu: %s", (unsigned long long)seed, why);
		all_innocent(&t, t.honest, t.n_honest, seed);
		packets += t.n;
		unseen += t.unseen;
		mishaps += t.n_mishaps;
		town_free(&t);
	}
	print_message("%u mishaps, %llu of %llu packets not seen: 0 listed, 0 suspects\n", mishaps,
	    (unsigned long long)unseen, (unsigned long long)packets);
}

static void
forging_in_anybodys_name_makes_no_suspect(void **state)
{
	uint64_t forged = 0;

	(void)state;
	for (uint64_t seed = first_seed(); seed <= last_seed(12); seed++) {
		struct town t;
		const char *why;

		town_make(&t, seed);
		town_honest(&t, 120);
		town_forge(&t, 20000);
		why = town_play(&t);
		if (why != NULL)
			fail_msg("town %llu: %s", (unsigned long long)seed, why);
		for (size_t i = 0; i < t.world.n_changes; i++)
			if (t.world.changes[i].new_state == STATE_LISTED || t.world.changes[i].new_state == STATE_SUSPECT) {
				char text[PREFIX_TEXT_SIZE];

				fail_msg("town %llu: %s became %s", (unsigned long long)seed,
				    prefix_format(&t.world.changes[i].what, text),
				    state_name((enum sender_state)t.world.changes[i].new_state));
			}
		forged += 20000;
		town_free(&t);
	}
	print_message("%llu forgeries: 0 listed, 0 suspects\n", (unsigned long long)forged);
}

/* Forging may excuse a bot, as walking the ladder properly would; it makes none worse. */
static void
forging_makes_nobody_worse(void **state)
{
	unsigned listed = 0, listed_still = 0;

	(void)state;
	for (uint64_t seed = first_seed(); seed <= last_seed(6); seed++) {
		struct town plain, forged;

		town_make(&plain, seed);
		town_honest(&plain, 60);
		town_bots(&plain, 200);
		assert_null(town_play(&plain));
		town_make(&forged, seed);
		town_honest(&forged, 60);
		town_bots(&forged, 200);
		town_forge(&forged, 10000);
		assert_null(town_play(&forged));
		for (size_t i = 0; i < plain.n_bots; i++) {
			int before = town_worst(&plain, &plain.bots[i]), after = town_worst(&forged, &plain.bots[i]);

			listed += before == STATE_LISTED;
			listed_still += before == STATE_LISTED && after == STATE_LISTED;
			if (after > before)
				fail_msg("town %llu: bot %zu: %d, with forgeries %d", (unsigned long long)seed, i, before, after);
		}
		all_innocent(&forged, forged.honest, forged.n_honest, seed);
		town_free(&plain);
		town_free(&forged);
	}
	print_message("of %u listed bots %u are listed amid forgeries too\n", listed, listed_still);
	assert_true(listed > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_ladders_make_no_suspect),
		cmocka_unit_test(honest_ladders_make_no_suspect_through_mishaps),
		cmocka_unit_test(forging_in_anybodys_name_makes_no_suspect),
		cmocka_unit_test(forging_makes_nobody_worse),
	};

	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
