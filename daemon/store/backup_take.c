/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup_take.c - from the state directory into a file of the operator's.
 *
 * The name that was asked for appears when the copy is whole, checked and on disk, and not before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_int.h"
#include "store_int.h"

/* Is it the database itself, or one of its companions?  Then it is never replaced. */
static bool
is_part_of(const struct stat *st, const char *database)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[BACKUP_PATH_SIZE + 8];
	struct stat other;

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		(void)snprintf(path, sizeof path, "%s%s", database, ends[i]);
		if (stat(path, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino)
			return true;
	}
	return false;
}

static enum backup_result
may_write(const struct backup_options *o, const char *database, char text[static BACKUP_TEXT_SIZE])
{
	size_t n = strlen(o->file);
	struct stat st;

	if (n == 0 || n >= BACKUP_PATH_SIZE - 64 || o->file[n - 1] == '/')
		return backup_no(text, "found %s, expected the name of a file",
		    n == 0 ? "an empty name" : "the name of a folder");
	if (lstat(o->file, &st) == -1)
		return errno == ENOENT ? BACKUP_OK : backup_no(text, "%s: %s", o->file, strerror(errno));
	if (is_part_of(&st, database))
		return backup_no(text, "%s is the database itself, expected another file", o->file);
	if (!S_ISREG(st.st_mode))
		return backup_no(text, "%s: found %s, expected a new file", o->file, S_ISDIR(st.st_mode) ? "a directory" :
		    S_ISLNK(st.st_mode) ? "a symbolic link" : "a device, pipe or socket");
	if (!o->force)
		return backup_no(text, "%s is there already, expected a new file (--force replaces it)", o->file);
	return BACKUP_OK;
}

/* Two that take a backup at the same time do not meet. */
static void
name_beside(const char *file, char *path, size_t size)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		number = (uint32_t)getpid();
	(void)snprintf(path, size, "%s.part-%08x", file, number);
}

static enum backup_result
put_in_place(const struct backup_options *o, const char *part, char text[static BACKUP_TEXT_SIZE])
{
	int rc = o->force ? -1 : renameat2(AT_FDCWD, part, AT_FDCWD, o->file, RENAME_NOREPLACE);

	/* Not every file system knows how. */
	if (rc == -1 && (o->force || errno == EINVAL || errno == ENOSYS))
		rc = rename(part, o->file);
	if (rc == -1) {
		enum backup_result result = backup_no(text, "%s: %s", o->file, strerror(errno));

		(void)unlink(part);
		return result;
	}
	if (!backup_sync_folder(o->file))
		return backup_no(text, "%s was written, but its folder is not on disk: %s", o->file, strerror(errno));
	return BACKUP_OK;
}

enum backup_result
backup_take(const struct backup_options *o, struct backup *out, char text[static BACKUP_TEXT_SIZE])
{
	char database[BACKUP_PATH_SIZE], part[BACKUP_PATH_SIZE + 16];
	struct backup is;
	enum backup_result result;
	sqlite3 *from;

	if ((size_t)snprintf(database, sizeof database, "%s/" STORE_FILE, o->state_dir) >= sizeof database - 64)
		return backup_no(text, "%s: the path is too long", o->state_dir);
	result = backup_header(database, &is, text);
	if (result != BACKUP_OK)
		return result;
	result = may_write(o, database, text);
	if (result != BACKUP_OK)
		return result;
	from = backup_open(database, &is, text);
	if (from == NULL)
		return BACKUP_NONE;
	name_beside(o->file, part, sizeof part);
	result = backup_copy(from, part, false, o, out, text);
	sqlite3_close(from);
	out->no_log = is.no_log;
	return result == BACKUP_OK ? put_in_place(o, part, text) : result;
}
