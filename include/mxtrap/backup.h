/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup.h - a copy of the database in one file, taken at any time, and put back.
 *
 * A backup is a snapshot of one moment, also while mxtrapd writes.  It is one plain file without a log (SQLite's
 * journal mode "delete"), mode 0600: the hashes of tokens are in it.  To restore is to replace the database of an
 * mxtrapd that does not run; its list gets a new generation, so that every consumer fetches all of it.
 */
#ifndef MXTRAP_BACKUP_H
#define MXTRAP_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backup {				/* what a database holds */
	int	 version;		/* of its tables; older ones are migrated when mxtrapd starts */
	uint64_t generation, serial;
	int64_t	 newest_s;		/* its newest change of the list, or newest decision */
	uint64_t listed, suspects, senders;
	uint64_t allowances, by_hand, tokens;	/* that have not ended */
	uint64_t bytes;
	bool	 no_log;		/* as backup_lacks_log() */
};

enum backup_result {
	BACKUP_OK,
	BACKUP_NO,			/* it must not be done, or cannot: text says what was found and what was expected */
	BACKUP_NONE,			/* there is no database that can be read */
	BACKUP_RUNNING,			/* mxtrapd runs with this state directory */
};

#define BACKUP_TEXT_SIZE 640
#define BACKUP_PATH_SIZE 4096

/* Was it in use, and has no log beside it?  Then it is a bare copy (cp), and what was newest may be missing.  By the header and
 * the folder alone. */
bool backup_lacks_log(const char *path);

/* Called now and then; false: give up. */
typedef bool backup_goes_on(void *ctx, int64_t pages, int64_t of);

struct backup_options {
	const char *state_dir, *file;
	bool	    force;		/* take: a file of that name is replaced */
	int64_t	    now_s;
	backup_goes_on *goes_on;	/* may be NULL */
	void	   *ctx;
};

/*
 * Copy the database in state_dir to file: written beside it, checked as a whole, and renamed.  Anything but BACKUP_OK:
 * no file was made or changed, and text says why.
 */
enum backup_result backup_take(const struct backup_options *, struct backup *out, char text[static BACKUP_TEXT_SIZE]);
/* What this file holds, and is it sound?  BACKUP_NO: it is damaged, no database of mxtrap's, or of a newer mxtrap. */
enum backup_result backup_check(const struct backup_options *, struct backup *out, char text[static BACKUP_TEXT_SIZE]);
/*
 * Put file in place of the database in state_dir, with the owner of the one that is there (else of the directory).
 * What was there is kept under another name: kept, "" if there was none.  Anything but BACKUP_OK: the database is as it was.
 */
enum backup_result backup_put(const struct backup_options *, struct backup *out, char kept[static BACKUP_PATH_SIZE],
    char text[static BACKUP_TEXT_SIZE]);

#endif
