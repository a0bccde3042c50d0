/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_salvage.c - whatever happens to the database's file, what people decided is there after the next start.
 */
#include "../../daemon/store/store_int.h"
#include "../../daemon/store/keep.h"
#include "store_file.h"

#include <dirent.h>
#include <fcntl.h>

#define N_LISTED 300
#define PAGE	 4096

static const char *const allowed[] = { "192.0.2.1", "192.0.2.2", "198.51.100.9", "203.0.113.77", "2001:db8::25" };
static const char *const by_hand[] = { "203.0.113.5", "203.0.113.6" };

static void
path_of(const struct bench_dir *d, const char *name, char out[static 128])
{
	(void)snprintf(out, 128, "%s/%s", d->path, name);
}

/* As the first start makes it: nothing but these files. */
static void
empty_dir(const struct bench_dir *d)
{
	DIR *dir = opendir(d->path);
	struct dirent *e;
	char path[512];

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof path, "%s/%s", d->path, e->d_name);
		(void)unlink(path);
	}
	closedir(dir);
}

static void
decide(struct store *s)
{
	uint8_t hash[32] = { 7 };

	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		struct addr a = support_addr(allowed[i]);
		struct prefix p = prefix_of(&a, 128);

		assert_true(store_allow(s, &p, 0, "ada", "a partner"));
	}
	for (size_t i = 0; i < sizeof by_hand / sizeof by_hand[0]; i++) {
		struct addr a = support_addr(by_hand[i]);
		struct prefix p = prefix_of(&a, 128);

		assert_true(store_hand(s, &p, 4000000000U, "ada", "spam"));
	}
	assert_true(store_token(s, hash, "first", "admin", 0, "ada"));
	hash[0] = 8;
	assert_true(store_token(s, hash, "second", "export", 0, "ada"));
	assert_true(store_audit(s, NOW_US, "ada", "firewall off", NULL, "test"));
	store_status(s, "firewall", "off");
	store_status(s, "publish", "open 300 1790000000");
	assert_true(store_sync(s));
}

/* A database with everything in it, closed in order. */
static void
furnish(const struct bench_dir *d)
{
	struct store *s = support_open(d, NULL);
	struct sink k = store_sink(s);
	char text[32];

	decide(s);
	for (unsigned i = 0; i < N_LISTED; i++) {
		struct change_row c;
		struct sender_row r;

		(void)snprintf(text, sizeof text, "198.18.%u.%u", i / 200, i % 200 + 1);
		c = support_change(text, STATE_UNKNOWN, STATE_LISTED);
		r = (struct sender_row){ .key = c.sender, .first_seen_s = NOW_S, .last_seen_s = NOW_S, .state = STATE_LISTED, .kinds = 3,
			.score = 9.0f };
		k.change(k.ctx, &c);
		k.sender(k.ctx, &r);
	}
	assert_true(store_sync(s));
	store_close(s);
}

struct image { uint8_t *db, *keep, *beat; size_t n_db, n_keep, n_beat; };

static struct image
image_of(const struct bench_dir *d)
{
	struct image i;
	char path[128];

	i.db = file_bytes(d->file, &i.n_db);
	path_of(d, "mxtrap.keep", path);
	i.keep = file_bytes(path, &i.n_keep);
	path_of(d, "mxtrap.beat", path);
	i.beat = file_bytes(path, &i.n_beat);
	return i;
}

static void
put(const struct bench_dir *d, const struct image *i)
{
	char path[128];

	empty_dir(d);
	file_write(d->file, i->db, i->n_db);
	path_of(d, "mxtrap.keep", path);
	file_write(path, i->keep, i->n_keep);
	path_of(d, "mxtrap.beat", path);
	file_write(path, i->beat, i->n_beat);
}

static void
image_free(struct image *i)
{
	free(i->db);
	free(i->keep);
	free(i->beat);
}

static bool
count_one(void *ctx, const struct prefix *what, uint32_t expires_s)
{
	(void)what, (void)expires_s;
	++*(int *)ctx;
	return true;
}

/* All that was decided is there, and the list is whole or empty. */
static void
all_is_there(struct store *s, const struct bench_dir *d)
{
	uint8_t hash[32] = { 7 };
	char name[32], scope[32];
	int n_allow = 0, n_hand = 0;
	int64_t listed;

	assert_true(store_each_allow(s, count_one, &n_allow));
	assert_true(store_each_hand(s, count_one, &n_hand));
	assert_int_equal(n_allow, 5);
	assert_int_equal(n_hand, 2);
	assert_true(store_token_of(s, hash, NOW_S, name, scope));
	assert_string_equal(name, "first");
	assert_string_equal(scope, "admin");
	hash[0] = 8;
	assert_true(store_token_of(s, hash, NOW_S, name, scope));
	assert_string_equal(scope, "export");
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		struct addr a = support_addr(allowed[i]);
		char sql[160], hex[33] = "";

		for (size_t k = 0; k < 16; k++)
			(void)snprintf(hex + 2 * k, 3, "%02X", a.b[k]);
		(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM allow WHERE hex(addr) = '%s' AND expires_s = 0", hex);
		assert_int_equal(number(d, sql), 1);
	}
	assert_int_equal(number(d, "SELECT count(*) FROM audit WHERE what = 'allow'"), 5);
	assert_int_equal(number(d, "SELECT count(*) FROM audit WHERE what = 'firewall off'"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'firewall' AND value = 'off'"), 1);
	/* Of the table: what a flipped bit does to an index of it, quick_check does not see, and which page is one differs. */
	listed = number(d, "SELECT count(*) FROM list WHERE +state = 4");
	assert_true(listed == 0 || listed >= N_LISTED - 1);
	assert_int_equal(number(d, "SELECT n_listed FROM meta"), listed);
}

static struct store_counters
counters(struct store *s)
{
	struct store_counters c;

	store_counters(s, &c);
	return c;
}

/* What a start asks: not whether each index has each row. */
static bool
pages_sound(const struct bench_dir *d)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	bool ok;

	assert_int_equal(sqlite3_open_v2(d->file, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA quick_check", -1, &stmt, NULL), SQLITE_OK);
	ok = sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ok;
}

static struct store_counters
start_and_look(const struct bench_dir *d)
{
	struct store *s = support_open(d, NULL);
	struct store_counters c = counters(s);

	all_is_there(s, d);
	store_close(s);
	assert_true(pages_sound(d));
	return c;
}

static void
a_flipped_bit_in_any_page_loses_no_decision(void **state)
{
	static const size_t at[] = { 0, 5, 40, PAGE - 60 };
	struct bench_dir *d = *state;
	struct image i;
	int damaged = 0, whole_list = 0;

	furnish(d);
	i = image_of(d);
	for (size_t page = 0; page < i.n_db / PAGE; page++) {
		size_t where = page * PAGE + at[page % 4];
		struct store_counters c;

		i.db[where] ^= 0x20;
		put(d, &i);
		i.db[where] ^= 0x20;
		c = start_and_look(d);
		damaged += c.was_corrupt;
		whole_list += c.was_corrupt && !c.list_lost;
	}
	print_message("%zu pages, %d found damaged, of these the list was whole in %d\n", i.n_db / PAGE, damaged, whole_list);
	assert_true(damaged > 5 && whole_list > damaged / 2);
	image_free(&i);
}

/* No check of SQLite sees it. */
static void
a_flipped_bit_in_what_was_decided_is_put_right(void **state)
{
	struct bench_dir *d = *state;
	struct addr a = support_addr("203.0.113.77");
	size_t found = 0;
	struct image i;

	furnish(d);
	i = image_of(d);
	for (size_t k = 0; k + 16 < i.n_db; k++)
		if (memcmp(i.db + k, a.b, 16) == 0) {
			i.db[k + 15] ^= 0x01;
			put(d, &i);
			i.db[k + 15] ^= 0x01;
			found += start_and_look(d).was_corrupt ? 0 : 1;
		}
	assert_true(found > 0);
	image_free(&i);
}

static void
whatever_is_cut_off_loses_no_decision(void **state)
{
	struct bench_dir *d = *state;
	struct image i;
	size_t whole, step;

	furnish(d);
	i = image_of(d);
	whole = i.n_db;
	/* Every 512 bytes at the beginning and at the end; between them fewer, at every kind of place. */
	for (size_t n = 0; n < whole; n += step) {
		struct store_counters c;

		step = n < 6 * 512 || n + 6 * 512 >= whole ? 512 : 13 * 512;
		if (n + step + 6 * 512 >= whole && step != 512)
			step = 512;
		i.n_db = n;
		put(d, &i);
		c = start_and_look(d);
		assert_true(c.was_corrupt);
		assert_true(files_like(d, "mxtrap.db.corrupt-") >= 1);
	}
	image_free(&i);
}

static void
a_database_of_no_bytes_is_damage_and_said(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters c;
	struct image i;

	furnish(d);
	i = image_of(d);
	i.n_db = 0;
	put(d, &i);
	c = start_and_look(d);
	assert_true(c.was_corrupt && c.list_lost && c.fresh);
	assert_int_equal(files_like(d, "mxtrap.db.corrupt-"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'damage_saved' AND value LIKE"
	    " 'allowances 5 (from mxtrap.keep), listings by hand 2 (from mxtrap.keep), tokens 2 (from mxtrap.keep), audit rows %'"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'damage_lost' AND value LIKE '%listings, %senders%'"), 1);
	/* It stays in status at the next start, which finds nothing wrong. */
	assert_false(start_and_look(d).was_corrupt);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name LIKE 'damage_%'"), 4);
	image_free(&i);
}

static void
a_database_that_is_gone_is_damage_where_something_says_that_it_was_there(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters c;
	struct store *s;
	struct image i;

	furnish(d);
	i = image_of(d);
	put(d, &i);
	assert_int_equal(unlink(d->file), 0);
	c = start_and_look(d);
	assert_true(c.was_corrupt && c.list_lost);
	/* Who removes all of it begins again. */
	empty_dir(d);
	s = support_open(d, NULL);
	assert_false(counters(s).was_corrupt);
	assert_true(counters(s).fresh);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 0);
	image_free(&i);
}

/* All pages in a log, none in the file. */
static void
only_its_log(const struct bench_dir *d, const struct image *i)
{
	char other[128], log[160], to[160];
	sqlite3 *from, *db;
	sqlite3_backup *b;
	uint8_t *bytes;
	size_t n;

	path_of(d, "other", other);
	put(d, i);
	assert_int_equal(sqlite3_open(d->file, &from), SQLITE_OK);
	assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
	    " CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
	b = sqlite3_backup_init(db, "main", from, "main");
	assert_non_null(b);
	assert_int_equal(sqlite3_backup_step(b, -1), SQLITE_DONE);
	sqlite3_backup_finish(b);
	(void)snprintf(log, sizeof log, "%s-wal", other);
	bytes = file_bytes(log, &n);
	sqlite3_close(db);
	sqlite3_close(from);
	empty_dir(d);
	file_write(d->file, "", 0);
	(void)snprintf(to, sizeof to, "%s-wal", d->file);
	file_write(to, bytes, n);
	free(bytes);
}

static void
a_log_that_holds_a_whole_database_is_used(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters c;
	struct image i;

	furnish(d);
	i = image_of(d);
	for (int gone = 0; gone < 2; gone++) {
		only_its_log(d, &i);
		if (gone)
			assert_int_equal(unlink(d->file), 0);
		c = start_and_look(d);
		assert_true(c.was_corrupt && !c.list_lost && !c.fresh);
		assert_int_equal(number(d, "SELECT n_listed FROM meta"), N_LISTED);
		assert_int_equal(files_like(d, "-wal"), 2);	/* its own, and the one that was set aside */
	}
	image_free(&i);
}

static void
where_the_kept_file_is_damaged_too_allowances_are_taken_as_far_as_they_can_be_read(void **state)
{
	struct bench_dir *d = *state;
	struct image i;

	furnish(d);
	i = image_of(d);
	i.db[17] ^= 0xff;		/* no page can be read */
	for (size_t k = 0; k < i.n_keep; k += PAGE / 2) {
		struct store *s;
		int n = 0;

		i.keep[k + 100] ^= 0x55;
		put(d, &i);
		i.keep[k + 100] ^= 0x55;
		s = support_open(d, NULL);
		assert_true(counters(s).was_corrupt);
		assert_true(store_each_allow(s, count_one, &n));
		assert_true(n <= 5);
		/* Not known whether the firewall was off: then it is. */
		store_close(s);
		assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'firewall' AND value = 'off'"), 1);
	}
	i.n_keep = 0;
	put(d, &i);
	store_close(support_open(d, NULL));
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'firewall' AND value = 'off'"), 1);
	image_free(&i);
}

static void
a_kept_file_that_is_behind_does_not_win(void **state)
{
	struct bench_dir *d = *state;
	struct addr a = support_addr("192.0.2.1");
	struct prefix p = prefix_of(&a, 128);
	struct image then, now;
	struct store *s;
	char path[128];

	furnish(d);
	then = image_of(d);
	s = support_open(d, NULL);
	assert_true(store_allow(s, &p, STORE_ALLOW_REMOVE, "ada", "no longer"));
	store_close(s);
	now = image_of(d);
	/* The file beside it is of before the decision, and a page of something else is bad. */
	for (int bad = 0; bad < 2; bad++) {
		int n = 0;

		put(d, &now);
		path_of(d, "mxtrap.keep", path);
		file_write(path, then.keep, then.n_keep);
		if (bad) {
			int64_t root = number(d, "SELECT rootpage FROM sqlite_schema WHERE name = 'tally'");

			now.db[(root - 1) * PAGE] ^= 0xff;
			file_write(d->file, now.db, now.n_db);
			now.db[(root - 1) * PAGE] ^= 0xff;
		}
		s = support_open(d, NULL);
		assert_int_equal(counters(s).was_corrupt, bad);
		assert_true(store_each_allow(s, count_one, &n));
		store_close(s);
		assert_int_equal(n, 4);
	}
	image_free(&then);
	image_free(&now);
}

static void
a_restored_backup_is_not_put_right(void **state)
{
	struct bench_dir *d = *state;
	struct addr a = support_addr("192.0.2.1");
	struct prefix p = prefix_of(&a, 128);
	struct image then;
	struct store *s;
	int n = 0;

	furnish(d);
	then = image_of(d);
	s = support_open(d, NULL);
	assert_true(store_allow(s, &p, STORE_ALLOW_REMOVE, "ada", "no longer"));
	store_close(s);
	file_write(d->file, then.db, then.n_db);
	s = support_open(d, NULL);
	assert_true(store_each_allow(s, count_one, &n));
	assert_int_equal(n, 5);
	store_close(s);
	image_free(&then);
}

static void
the_list_and_its_history_are_taken_over_where_they_are_whole(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters a, c;
	struct store *s;
	struct image i;
	int64_t root;

	furnish(d);
	i = image_of(d);
	root = number(d, "SELECT rootpage FROM sqlite_schema WHERE name = 'tally'");
	s = support_open(d, NULL);
	a = counters(s);
	store_close(s);
	i.db[(root - 1) * PAGE] ^= 0xff;
	put(d, &i);
	c = start_and_look(d);
	assert_true(c.was_corrupt && !c.list_lost && !c.fresh);
	assert_int_not_equal(a.generation, c.generation);
	assert_int_equal(a.serial, c.serial);
	assert_int_equal(a.created_s, c.created_s);
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE state = 4"), N_LISTED);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), N_LISTED);
	assert_int_equal(number(d, "SELECT count(*) FROM list_change"), N_LISTED);
	assert_int_equal(number(d, "SELECT horizon - serial FROM meta"), 0);
	image_free(&i);
}

static void
a_list_with_a_bad_page_begins_empty(void **state)
{
	struct bench_dir *d = *state;
	struct store_counters c;
	struct image i;
	int64_t root;

	furnish(d);
	i = image_of(d);
	root = number(d, "SELECT rootpage FROM sqlite_schema WHERE name = 'listing'");
	i.db[(root - 1) * PAGE] ^= 0xff;
	put(d, &i);
	c = start_and_look(d);
	assert_true(c.was_corrupt && c.list_lost);
	assert_int_equal(number(d, "SELECT count(*) FROM list"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM sender WHERE state >= 3"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM sender"), N_LISTED);
	image_free(&i);
}

static void
a_salvage_that_was_cut_short_is_finished(void **state)
{
	struct bench_dir *d = *state;
	char path[128];
	struct image i;

	furnish(d);
	i = image_of(d);
	put(d, &i);
	path_of(d, "mxtrap.db.saved", path);
	file_write(path, i.db, i.n_db);
	file_write(d->file, "junk", 4);
	path_of(d, "mxtrap.db.new", path);
	file_write(path, "half of it", 10);
	assert_true(start_and_look(d).was_corrupt);
	assert_int_equal(files_like(d, "mxtrap.db.corrupt-"), 1);
	assert_int_equal(files_like(d, "mxtrap.db.saved"), 0);
	image_free(&i);
}

/* The last run met damage that no check of the pages finds: an index that lacks a row. */
static void
damage_that_the_last_run_met_is_not_opened_again(void **state)
{
	struct bench_dir *d = *state;
	struct beat b;
	struct image i;
	sqlite3 *db;
	int fd;

	furnish(d);
	i = image_of(d);
	for (int harmed = 0; harmed < 2; harmed++) {
		put(d, &i);
		if (harmed) {
			assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
			assert_int_equal(sqlite3_exec(db, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql ="
			    " 'CREATE INDEX listing_other ON listing (sender) WHERE marks & 15 = 4' WHERE name = 'listing_other'",
			    NULL, NULL, NULL), SQLITE_OK);
			sqlite3_close(db);
		}
		assert_true(beat_read(d->path, &b));
		b.trouble = BEAT_DAMAGED;
		fd = beat_open(d->path);
		assert_true(beat_write_as(fd, &b));
		close(fd);
		assert_int_equal(start_and_look(d).was_corrupt, harmed);
		assert_true(beat_read(d->path, &b));
		assert_int_equal(b.trouble, BEAT_FINE);
		assert_false(start_and_look(d).was_corrupt);
	}
	image_free(&i);
}

static void
the_kept_file_is_for_its_owner_and_written_with_each_decision(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = support_open(d, NULL);
	struct addr a = support_addr("192.0.2.1");
	struct prefix p = prefix_of(&a, 128);
	char path[128];
	struct stat st;
	sqlite3 *db;
	int n = 0;

	path_of(d, "mxtrap.keep", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(store_allow(s, &p, 0, "ada", "a partner"));
	/* Soon, without a stop. */
	for (int i = 0; i < 2000 && n == 0; i++) {
		sqlite3_stmt *stmt;

		assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM allow", -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		n = sqlite3_column_int(stmt, 0);
		sqlite3_finalize(stmt);
		sqlite3_close(db);
		usleep(5000);
	}
	assert_int_equal(n, 1);
	store_close(s);
}

/* A bit of the header that says whose file it is, or of which version: no reason to start no more. */
static void
a_flipped_bit_in_whose_file_it_is_is_damage(void **state)
{
	static const struct { size_t at; uint8_t bit; } flips[] = { { 68, 0x40 }, { 71, 0x01 }, { 60, 0x80 }, { 62, 0x10 } };
	struct bench_dir *d = *state;
	struct image i;

	furnish(d);
	i = image_of(d);
	for (size_t k = 0; k < sizeof flips / sizeof flips[0]; k++) {
		struct store_counters c;

		i.db[flips[k].at] ^= flips[k].bit;
		put(d, &i);
		i.db[flips[k].at] ^= flips[k].bit;
		c = start_and_look(d);
		assert_true(c.was_corrupt && !c.list_lost);
	}
	image_free(&i);
}

/* Neither the table of status nor the kept file can be read. */
static void
what_was_off_or_held_does_not_resume_by_itself(void **state)
{
	struct bench_dir *d = *state;
	struct image i;
	int64_t root;

	furnish(d);
	i = image_of(d);
	root = number(d, "SELECT rootpage FROM sqlite_schema WHERE name = 'status'");
	i.db[(root - 1) * PAGE] ^= 0xff;
	i.n_keep = 0;
	put(d, &i);
	store_close(support_open(d, NULL));
	assert_int_equal(number(d, "SELECT n_listed FROM meta"), N_LISTED);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'firewall' AND value = 'off'"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'publish' AND value = 'held 0 1'"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'damage_lost' AND value LIKE"
	    " '%whether the firewall was off (now it is), whether the list was held%'"), 1);
	image_free(&i);
}

/* The log's words are SQLite's about the migration, and not about the rollback behind it. */
static void
a_migration_that_fails_says_why(void **state)
{
	struct bench_dir *d = *state;
	struct store_options o = { .dir = d->path };
	struct store *s = NULL;
	char text[4096] = "", path[128];
	int was = dup(STDERR_FILENO), fd;
	sqlite3 *db;
	FILE *f;

	furnish(d);
	assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=10", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	path_of(d, "log", path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_not_equal(fd, -1);
	(void)dup2(fd, STDERR_FILENO);
	assert_int_equal(store_open(&s, &o), STORE_FAILED);
	(void)dup2(was, STDERR_FILENO);
	close(fd);
	close(was);
	f = fopen(path, "r");
	assert_non_null(f);
	(void)!fread(text, 1, sizeof text - 1, f);
	fclose(f);
	assert_non_null(strstr(text, "migration 11 failed: table doubt already exists"));
	assert_null(strstr(text, "rollback"));
}

/* Hundreds of starts, each of which waits for the disk: where there is a place in memory, there. */
static int
setup(void **state)
{
	struct bench_dir *d;

	if (support_setup(state) != 0)
		return -1;
	d = *state;
	if (access("/dev/shm", W_OK) != 0)
		return 0;
	(void)rmdir(d->path);
	(void)snprintf(d->path, sizeof d->path, "/dev/shm/mxtrap-store-XXXXXX");
	if (mkdtemp(d->path) == NULL)
		return -1;
	(void)snprintf(d->file, sizeof d->file, "%s/mxtrap.db", d->path);
	return 0;
}
#define salvage_test(f) cmocka_unit_test_setup_teardown(f, setup, support_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		salvage_test(a_flipped_bit_in_any_page_loses_no_decision),
		salvage_test(a_flipped_bit_in_what_was_decided_is_put_right),
		salvage_test(whatever_is_cut_off_loses_no_decision),
		salvage_test(a_database_of_no_bytes_is_damage_and_said),
		salvage_test(a_database_that_is_gone_is_damage_where_something_says_that_it_was_there),
		salvage_test(a_log_that_holds_a_whole_database_is_used),
		salvage_test(where_the_kept_file_is_damaged_too_allowances_are_taken_as_far_as_they_can_be_read),
		salvage_test(a_kept_file_that_is_behind_does_not_win),
		salvage_test(a_restored_backup_is_not_put_right),
		salvage_test(the_list_and_its_history_are_taken_over_where_they_are_whole),
		salvage_test(a_list_with_a_bad_page_begins_empty),
		salvage_test(a_salvage_that_was_cut_short_is_finished),
		salvage_test(damage_that_the_last_run_met_is_not_opened_again),
		salvage_test(a_flipped_bit_in_whose_file_it_is_is_damage),
		salvage_test(what_was_off_or_held_does_not_resume_by_itself),
		salvage_test(a_migration_that_fails_says_why),
		salvage_test(the_kept_file_is_for_its_owner_and_written_with_each_decision),
	};

	return cmocka_run_group_tests_name("store: what is saved of a damaged database", tests, NULL, NULL);
}
