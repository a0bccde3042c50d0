/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * month.c - month CONFIG SENDERS: a database after a busy month, for api.sh.
 *
 * A tenth of the senders is listed, a hundredth are suspects, a tenth are cleared, one in a million
 * probes; tallies of each hour; the files of geoip { }, where the configuration names them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../support/mmdb.h"
#include "mxtrap/config.h"
#include "mxtrap/report.h"
#include "mxtrap/store.h"

#define DAY	     86400
#define FINGERPRINTS 200

static uint64_t seed = 88172645463325252ULL;

static uint32_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* Every number another address, all over the network; a tenth are IPv6. */
static sender_key
key_of(uint32_t i)
{
	uint32_t mixed = i * 2654435761U;

	return i % 10 == 0 ? 0x2a01000000000000ULL | (uint64_t)mixed << 16 : SENDER_KEY_V4 | (0x01000000U + mixed % 0xde000000U);
}

static void
tell_hours(struct sink *k, const struct config *c, uint32_t now)
{
	for (uint32_t hour = now - now % 3600 - 40 * DAY; hour <= now; hour += 3600)
		for (uint32_t i = 0; i < c->ladder.n_targets; i++) {
			struct tally_row t = { .hour_s = hour, .target = i, .attempts = 9000 + next_random() % 2000,
				.proven = 4000, .refused = 3000, .silent = 10, .first_seen = 700 };

			k->tally(k->ctx, &t);
		}
	for (int i = 0; i < 1000; i++) {
		struct note_row n = { .time_us = (now - 30LL * DAY + i * 2000) * 1000000, .kind = NOTE_FLOOD, .target = UINT32_MAX };

		k->note(k->ctx, &n);
	}
	for (uint16_t i = 1; i <= FINGERPRINTS; i++) {
		struct fingerprint fp = { .version = 4, .ttl = 64, .mss = (uint16_t)(1200 + i), .window = 29200 };

		k->fingerprint(k->ctx, i, &fp, now * 1000000LL);
	}
}

static void
tell_story(struct sink *k, const struct config *c, uint32_t i, uint32_t n, uint32_t now)
{
	int64_t at_us = (now - 30LL * DAY) * 1000000 + 30LL * DAY * 1000000 / n * i;
	struct attempt_row a = { .time_us = at_us, .src = sender_addr(key_of(i), 1), .target = i % (uint32_t)c->ladder.n_targets,
		.sport = (uint16_t)i, .n_syns = 1, .outcome = OUTCOME_REFUSED, .fingerprint = (uint16_t)(1 + i % FINGERPRINTS) };
	struct visit_row v = { .sender = key_of(i), .start_us = at_us, .end_us = at_us + 1000000, .n_attempts = 1,
		.route = { (uint8_t)(i % 3), ROLE_REAL }, .n_route = (uint8_t)(1 + i % 2) };

	if (i % 3 == 0)
		k->attempt(k->ctx, &a);
	if (i % 5 == 0)
		k->visit(k->ctx, &v);
	if (i % 10 == 1) {
		struct evidence_row e = { .time_us = at_us, .sender = key_of(i), .visit_us = at_us, .host = a.src, .score = 5,
			.score_sum = 10, .hint = 5, .hint_sum = 10 };

		k->evidence(k->ctx, &e);
	}
}

static void
tell_sender(struct sink *k, uint32_t i, uint32_t now)
{
	uint8_t state = i % 10 == 1 ? STATE_LISTED : i % 100 == 2 ? STATE_SUSPECT : i % 10 == 3 ? STATE_CLEARED : STATE_NOTICED;
	uint32_t first = now - next_random() % (25 * DAY), last = now - next_random() % 3600;
	float score = state == STATE_LISTED ? 10 : state == STATE_SUSPECT ? 7 : state == STATE_CLEARED ? -3 : 0;
	uint32_t expires = state == STATE_LISTED ? (now + 20 * DAY) / 60 * 60 : 0;
	struct sender_row r = { .key = key_of(i), .score = score, .hint = 3, .blame = score, .sums_at_s = last, .first_seen_s = first,
		.last_seen_s = last < first ? first : last, .kinds = 1U << (i % 4), .state = state, .grade = GRADE_ADDRESSED,
		.klass = i % 1000000 == 999999 ? CLASS_PROBER : CLASS_SENDER, .fingerprint = (uint16_t)(1 + i % FINGERPRINTS), .sets = 1,
		.listed_since_s = expires != 0 ? now - DAY : 0, .expires_s = expires, .flags = 8 };
	struct change_row c = { .time_us = (now - DAY) * 1000000LL, .what = sender_prefix(key_of(i)), .sender = key_of(i),
		.score = score, .hint = 3, .since_s = now - DAY, .expires_s = expires, .first_seen_s = first, .last_seen_s = last,
		.kinds = r.kinds, .new_state = state, .grade = GRADE_ADDRESSED, .term_days = 30 };

	k->sender(k->ctx, &r);
	if (state >= STATE_SUSPECT)
		k->change(k->ctx, &c);
}

static void
write_files(const struct config *c)
{
	static struct mmdb_file m;
	char text[32], code[3] = "AA", name[32];

	mmdb_begin(&m);
	for (unsigned i = 1; i < 224; i++) {
		code[0] = (char)('A' + i / 26);
		code[1] = (char)('A' + i % 26);
		(void)snprintf(text, sizeof(text), "%u.0.0.0/8", i);
		(void)snprintf(name, sizeof(name), "Country %u", i);
		mmdb_country(&m, text, code, name);
	}
	mmdb_end(&m, c->geoip_country);
	mmdb_begin(&m);
	for (unsigned i = 1; i < 900; i++) {
		(void)snprintf(text, sizeof(text), "%u.%u.0.0/10", 1 + i / 4, i % 4 * 64);
		(void)snprintf(name, sizeof(name), "Network %u", i);
		mmdb_asn(&m, text, 64500 + i, name);
	}
	mmdb_end(&m, c->geoip_asn);
}

int
main(int argc, char **argv)
{
	uint32_t n = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0, now = (uint32_t)time(NULL);
	struct store_options options = { .replay = true };
	struct config c;
	struct store *s;
	struct sink k;

	if (n == 0 || config_load(&c, argv[1]) != 0) {
		fprintf(stderr, "usage: month CONFIG SENDERS\n");
		return 2;
	}
	options.dir = c.state_dir;
	options.ladder = &c.ladder;
	options.retention_attempts_s = c.retention_attempts_s;
	options.half_life_s = c.judge.half_life_s;
	if (store_open(&s, &options) != STORE_OK)
		return 1;
	k = store_sink(s);
	tell_hours(&k, &c, now);
	for (uint32_t i = 0; i < n; i++)
		tell_story(&k, &c, i, n, now);
	for (uint32_t i = 0; i < n; i++)
		tell_sender(&k, i, now);
	for (int i = 0; i < 20; i++) {
		struct consumer_row row = { .what = "plain", .agent = "curl", .first_s = now - DAY, .last_s = now - 60, .n = 1000 };

		(void)snprintf(row.who, sizeof(row.who), "edge-%d", i);
		store_consumer(s, &row);
	}
	store_close(s);
	if (c.geoip_country[0] != '\0' && c.geoip_asn[0] != '\0')
		write_files(&c);
	config_free(&c);
	return 0;
}
