/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_cli_backup.c - mxtrap backup and restore, run as the program: what is copied, what is refused, what is kept.
 */
#include "cli_support.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mxtrap/migration.h"
#include "store_file.h"

/* A database with one who is listed, one that is allowed and a token; watch has it open until close_watch(). */
static struct store *
open_watch(const struct bench_dir *d)
{
	struct store *s = open_store(d);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.7", STATE_UNKNOWN, STATE_LISTED);
	struct prefix what = sender_prefix(support_key("198.51.100.9"));

	c.time_us = (int64_t)time(NULL) * 1000000;
	c.expires_s = (uint32_t)time(NULL) + 86400;
	k.change(k.ctx, &c);
	assert_true(store_sync(s));
	assert_true(store_allow(s, &what, 0, "anna", "a friend"));
	assert_true(store_token(s, (const uint8_t[32]){ 1 }, "nightly", "export", 0, "anna"));
	return s;
}

static const char *
in(const struct bench_dir *d, const char *name)
{
	static __thread char path[4][160];
	static __thread unsigned n;

	n = (n + 1) % 4;
	(void)snprintf(path[n], sizeof path[n], "%s/%s", d->path, name);
	return path[n];
}

static int64_t
asked(const char *file, const char *sql)
{
	struct bench_dir other;

	(void)snprintf(other.file, sizeof other.file, "%s", file);
	return number(&other, sql);
}

static void
file_of(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* cp: these bytes and no more. */
static void
copy_bytes(const char *from, const char *to)
{
	FILE *a = fopen(from, "r"), *b = fopen(to, "w");
	int c;

	assert_non_null(a);
	assert_non_null(b);
	while ((c = getc(a)) != EOF)
		putc(c, b);
	assert_int_equal(fclose(a), 0);
	assert_int_equal(fclose(b), 0);
}

static void
run_sql(const char *file, const char *sql)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

static void
a_backup_has_all_while_watch_runs(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	struct printed p = RUN(d, "backup", in(d, "copy.db"));
	struct stat st;

	assert_int_equal(p.status, 0);
	says(p.out, "listed      1");
	says(p.out, "allowances  1");
	says(p.out, "tokens      1");
	done(&p);
	assert_int_equal(stat(in(d, "copy.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* One file, whole by itself: nothing beside it, and none is needed to read it where nobody may write. */
	assert_int_equal(files_like(d, "copy.db"), 1);
	assert_true(sound(in(d, "copy.db")));
	assert_int_equal(asked(in(d, "copy.db"), "SELECT count(*) FROM list WHERE state = 4"), 1);
	assert_int_equal(files_like(d, "copy.db"), 1);
	store_close(s);
}

static void
a_backup_replaces_nothing_unless_forced(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	struct printed p;

	file_of(in(d, "copy.db"), "mine", 4);
	p = RUN(d, "backup", in(d, "copy.db"));
	assert_int_equal(p.status, 1);
	says(p.err, "is there already");
	says(p.err, "--force");
	done(&p);
	p = RUN(d, "backup", in(d, "copy.db"), "--force");
	assert_int_equal(p.status, 0);
	done(&p);
	assert_true(sound(in(d, "copy.db")));
	store_close(s);
}

static void
a_backup_never_goes_over_the_database_or_a_device(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	const char *const no[][2] = { { "mxtrap.db", "the database itself" }, { "mxtrap.db-wal", "the database itself" },
		{ "folder", "a directory" }, { "folder/", "name of a folder" }, { "link", "a symbolic link" }, { "missing/x", "missing/x cannot be made: No such file" } };
	struct printed p;

	assert_int_equal(mkdir(in(d, "folder"), 0700), 0);
	assert_int_equal(symlink("elsewhere", in(d, "link")), 0);
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		p = RUN(d, "backup", in(d, no[i][0]), "--force");
		assert_int_equal(p.status, 1);
		says(p.err, no[i][1]);
		done(&p);
	}
	p = RUN(d, "backup", "/dev/null", "--force");
	assert_int_equal(p.status, 1);
	says(p.err, "/dev/null");
	done(&p);
	p = RUN(d, "backup", "-");
	assert_int_equal(p.status, 2);
	done(&p);
	assert_int_equal(files_like(d, ".part-"), 0);
	store_close(s);
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE state = 4"), 1);
}

static void
a_backup_of_nothing_is_none(void **state)
{
	struct printed p = RUN(*state, "backup", in(*state, "copy.db"));

	assert_int_equal(p.status, 3);
	says(p.err, "mxtrap.db: No such file");
	done(&p);
	assert_int_equal(files_like(*state, "copy.db"), 0);
}

static void
a_damaged_database_gives_no_backup(void **state)
{
	struct bench_dir *d = *state;
	struct printed p;
	FILE *f;

	store_close(open_watch(d));
	f = fopen(d->file, "r+");
	assert_non_null(f);
	for (long at = 4096; at < 40 * 4096; at += 4096) {
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		assert_int_equal(fwrite("\x55\x55\x55\x55\x55\x55\x55\x55", 1, 8, f), 8);
	}
	assert_int_equal(fclose(f), 0);
	p = RUN(d, "backup", in(d, "copy.db"));
	assert_int_equal(p.status, 1);
	/* Not the copy, which nobody gets to see. */
	says(p.err, "mxtrap.db is damaged");
	done(&p);
	assert_int_equal(files_like(d, "copy.db"), 0);
}

static void
a_restore_of_a_file_that_is_not_there_is_bad_input(void **state)
{
	struct bench_dir *d = *state;
	struct printed p;

	store_close(open_watch(d));
	for (int i = 0; i < 2; i++) {
		p = RUN(d, "restore", in(d, "missing.db"), i == 0 ? "--check" : NULL);
		assert_int_equal(p.status, 1);
		says(p.err, "missing.db: No such file");
		done(&p);
	}
	assert_int_equal(files_like(d, "before-restore"), 0);
}

static void
a_restore_is_refused_while_watch_runs(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	struct printed p = RUN(d, "backup", in(d, "copy.db"));
	int64_t generation = number(d, "SELECT generation FROM meta");

	assert_int_equal(p.status, 0);
	done(&p);
	p = RUN(d, "restore", in(d, "copy.db"));
	assert_int_equal(p.status, 1);
	says(p.err, "systemctl stop mxtrapd");
	done(&p);
	assert_int_equal(number(d, "SELECT generation FROM meta"), generation);
	assert_int_equal(files_like(d, "before-restore"), 0);
	store_close(s);
}

static void
a_restore_is_refused_while_watch_is_begun_again(void **state)
{
	struct bench_dir *d = *state;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct printed p;
	int fd;

	store_close(open_watch(d));
	p = RUN(d, "backup", in(d, "copy.db"));
	assert_int_equal(p.status, 0);
	done(&p);
	/* mxtrapd itself lives, and its control socket with it. */
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	(void)snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", d->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	p = RUN(d, "restore", in(d, "copy.db"));
	assert_int_equal(p.status, 1);
	says(p.err, "mxtrapd runs");
	done(&p);
	close(fd);
	p = RUN(d, "restore", in(d, "copy.db"));
	assert_int_equal(p.status, 0);
	done(&p);
}

static void
a_restore_brings_back_the_state_under_a_new_name(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	struct sink k = store_sink(s);
	struct change_row c = support_change("192.0.2.99", STATE_UNKNOWN, STATE_LISTED);
	struct prefix what = sender_prefix(support_key("198.51.100.9"));
	struct printed p = RUN(d, "backup", in(d, "copy.db"));
	int64_t generation = number(d, "SELECT generation FROM meta");
	struct stat st;

	assert_int_equal(p.status, 0);
	done(&p);
	c.expires_s = (uint32_t)time(NULL) + 86400;
	k.change(k.ctx, &c);
	assert_true(store_sync(s));
	assert_true(store_allow(s, &what, STORE_ALLOW_REMOVE, "anna", ""));
	assert_true(store_token_gone(s, "nightly", "anna"));
	store_close(s);
	assert_int_equal(chmod(d->file, 0600), 0);
	file_of(in(d, "mxtrap.keep"), "of the old one", 14);
	p = RUN(d, "restore", in(d, "copy.db"));
	assert_int_equal(p.status, 0);
	assert_int_equal(access(in(d, "mxtrap.keep"), F_OK), -1);
	assert_int_equal(files_like(d, "mxtrap.keep.before-restore-"), 1);
	says(p.out, "before-restore-");
	says(p.out, "systemctl start mxtrapd");
	done(&p);
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE state = 4"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM token"), 1);
	assert_true(number(d, "SELECT generation FROM meta") != generation);
	assert_int_equal(stat(d->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* A log of the old one would be read as one of the new. */
	assert_int_equal(files_like(d, "mxtrap.db-"), 0);
	p = RUN(d, "list");
	says(p.out, "192.0.2.7");
	says_not(p.err, "warning");
	done(&p);
	/* And mxtrapd takes it up. */
	store_close(open_store(d));
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE state = 4"), 1);
}

static void
what_was_there_is_kept_whole(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	struct printed p = RUN(d, "backup", in(d, "copy.db"));
	DIR *dir;
	const struct dirent *e;
	char kept[300] = "";

	assert_int_equal(p.status, 0);
	done(&p);
	store_close(s);
	/* Of a run that was killed: what is newest is in the log. */
	run_sql(in(d, "copy.db"), "VACUUM");
	{
		sqlite3 *db;
		int keep = 1;

		assert_int_equal(sqlite3_open(d->file, &db), SQLITE_OK);
		assert_int_equal(sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep), SQLITE_OK);
		assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, "PRAGMA wal_autocheckpoint=0; INSERT INTO status VALUES ('newest', 'here')", NULL, NULL, NULL),
		    SQLITE_OK);
		sqlite3_close(db);
	}
	for (int i = 0; i < 2; i++) {
		p = RUN(d, "restore", in(d, "copy.db"));
		assert_int_equal(p.status, 0);
		done(&p);
	}
	dir = opendir(d->path);
	while ((e = readdir(dir)) != NULL)
		if (strstr(e->d_name, "before-restore") != NULL && strstr(e->d_name, "-wal") != NULL)
			(void)snprintf(kept, sizeof kept, "%s/%.*s", d->path, (int)(strlen(e->d_name) - 4), e->d_name);
	closedir(dir);
	assert_string_not_equal(kept, "");
	assert_int_equal(asked(kept, "SELECT count(*) FROM status WHERE name = 'newest'"), 1);
	assert_int_equal(number(d, "SELECT count(*) FROM status WHERE name = 'newest'"), 0);
}

static void
a_restore_looks_at_the_file_first(void **state)
{
	struct bench_dir *d = *state;
	struct store *s = open_watch(d);
	struct printed p = RUN(d, "backup", in(d, "copy.db"));
	char *bytes = calloc(1, 1 << 20);
	size_t n;
	FILE *f;
	const char *const no[][2] = { { "text", "found no database" }, { "empty", "an empty file" }, { "foreign", "another program" },
		{ "newer", "newer mxtrap" }, { "cut", "damaged" }, { "flipped", "damaged" }, { "folder", "a directory" } };

	assert_int_equal(p.status, 0);
	done(&p);
	store_close(s);
	f = fopen(in(d, "copy.db"), "r");
	n = fread(bytes, 1, 1 << 20, f);
	(void)fclose(f);
	assert_true(n > 20 * 4096);
	file_of(in(d, "text"), "root:x:0:0:root:/root:/bin/bash and so on, more than a hundred bytes of it, so that it has a header to look at", 110);
	file_of(in(d, "empty"), "", 0);
	file_of(in(d, "cut"), bytes, n / 2);
	memset(bytes + 9 * 4096, 0x55, 4096);
	file_of(in(d, "flipped"), bytes, n);
	free(bytes);
	run_sql(in(d, "foreign"), "PRAGMA application_id=77; CREATE TABLE a (b)");
	copy_bytes(in(d, "copy.db"), in(d, "newer"));
	run_sql(in(d, "newer"), "PRAGMA user_version=999");
	assert_int_equal(mkdir(in(d, "folder"), 0700), 0);
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		p = RUN(d, "restore", in(d, no[i][0]));
		assert_int_equal(p.status, 1);
		says(p.err, no[i][1]);
		done(&p);
		p = RUN(d, "restore", "--check", in(d, no[i][0]));
		assert_int_equal(p.status, 1);
		says(p.err, no[i][1]);
		done(&p);
	}
	p = RUN(d, "restore", d->file);
	assert_int_equal(p.status, 1);
	says(p.err, "in place itself");
	done(&p);
	p = RUN(d, "restore", in(d, "nowhere"));
	assert_int_equal(p.status, 1);
	done(&p);
	p = RUN(d, "restore", "--check", in(d, "copy.db"));
	assert_int_equal(p.status, 0);
	says(p.out, "sound");
	done(&p);
	assert_int_equal(files_like(d, "before-restore"), 0);
	assert_int_equal(files_like(d, "restoring"), 0);
	assert_int_equal(number(d, "SELECT count(*) FROM list WHERE state = 4"), 1);
}

static void
an_old_backup_is_brought_up_to_date_at_the_start(void **state)
{
	struct bench_dir *d = *state;
	struct printed p;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(in(d, "old.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA application_id=1297634386",
	    NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, migrations[0].sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=1; INSERT INTO meta VALUES (1, 7, 4, 0, 1780000000, 1790000000, 0, 0, 0);"
	    "INSERT INTO allow VALUES (x'00000000000000000000ffffc6336409', 128, 0, 1780000000, 'anna', 'a friend')", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	p = RUN(d, "restore", in(d, "old.db"));
	assert_int_equal(p.status, 0);
	says(p.out, "allowances  1");
	done(&p);
	assert_true(number(d, "SELECT generation FROM meta") != 7);
	store_close(open_store(d));
	assert_int_equal(number(d, "PRAGMA user_version"), migrations[n_migrations - 1].version);
	assert_int_equal(number(d, "SELECT count(*) FROM allow"), 1);
}

/* What cp takes of a live database. */
static void
copy_alone(const struct bench_dir *d, const char *to)
{
	struct store *s = open_watch(d);

	copy_bytes(d->file, to);
	store_close(s);
}

static void
a_bare_copy_is_restored_with_a_warning(void **state)
{
	struct bench_dir *d = *state;
	struct printed p;

	copy_alone(d, in(d, "cp.db"));
	p = RUN(d, "restore", in(d, "cp.db"));
	assert_int_equal(p.status, 0);
	says(p.err, "without its log");
	says(p.err, "newest rows are missing");
	done(&p);
	assert_int_equal(files_like(d, "cp.db"), 1);
}

static void
a_bare_copy_is_never_read_as_if_it_were_all(void **state)
{
	struct bench_dir *d = *state;
	struct printed p;
	char file[96];

	(void)snprintf(file, sizeof file, "%s/cp.db", d->path);
	copy_alone(d, file);
	/* Elsewhere, as it was copied there. */
	for (int i = 0; i < 3; i++)
		(void)unlink(in(d, i == 0 ? "mxtrap.lock" : i == 1 ? "mxtrap.db-wal" : "mxtrap.db-shm"));
	assert_int_equal(rename(file, d->file), 0);
	/* The second time a reader's own empty log is beside it. */
	for (int i = 0; i < 2; i++) {
		p = RUN(d, "list");
		assert_int_equal(p.status, 0);
		says(p.err, "without its log");
		says(p.err, "mxtrap backup");
		done(&p);
	}
}

static void
a_copy_is_read_where_nobody_may_write(void **state)
{
	struct bench_dir *d = *state;
	struct printed p;

	if (geteuid() != 0)
		skip();
	copy_alone(d, in(d, "cp.db"));
	for (int i = 0; i < 3; i++)
		(void)unlink(in(d, i == 0 ? "mxtrap.lock" : i == 1 ? "mxtrap.db-wal" : "mxtrap.db-shm"));
	assert_int_equal(rename(in(d, "cp.db"), d->file), 0);
	assert_int_equal(chmod(d->file, 0444), 0);
	assert_int_equal(chmod(d->path, 0555), 0);
	assert_int_equal(seteuid(65534), 0);
	p = RUN(d, "list");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(p.status, 0);
	says(p.err, "without its log");
	done(&p);
	assert_int_equal(files_like(d, "mxtrap.db"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cli_test(a_backup_has_all_while_watch_runs),
		cli_test(a_backup_replaces_nothing_unless_forced),
		cli_test(a_backup_never_goes_over_the_database_or_a_device),
		cli_test(a_backup_of_nothing_is_none),
		cli_test(a_damaged_database_gives_no_backup),
		cli_test(a_restore_of_a_file_that_is_not_there_is_bad_input),
		cli_test(a_restore_is_refused_while_watch_runs),
		cli_test(a_restore_is_refused_while_watch_is_begun_again),
		cli_test(a_restore_brings_back_the_state_under_a_new_name),
		cli_test(what_was_there_is_kept_whole),
		cli_test(a_restore_looks_at_the_file_first),
		cli_test(an_old_backup_is_brought_up_to_date_at_the_start),
		cli_test(a_bare_copy_is_restored_with_a_warning),
		cli_test(a_bare_copy_is_never_read_as_if_it_were_all),
		cli_test(a_copy_is_read_where_nobody_may_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
