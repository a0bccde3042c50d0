/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup_int.h - what taking a backup and putting one back have in common.
 */
#ifndef MXTRAP_BACKUP_INT_H
#define MXTRAP_BACKUP_INT_H

#include <sqlite3.h>

#include "mxtrap/backup.h"

/* Print into text; returns BACKUP_NO. */
__attribute__((format(printf, 2, 3))) enum backup_result backup_no(char text[static BACKUP_TEXT_SIZE], const char *format, ...);
/* Is this file a database of ours that this program knows, by its header?  Not opened; no_log is set. */
enum backup_result backup_header(const char *path, struct backup *out, char text[static BACKUP_TEXT_SIZE]);
/* Open it to be read; nothing is written beside a file that has no log.  NULL: text says why. */
sqlite3 *backup_open(const char *path, const struct backup *, char text[static BACKUP_TEXT_SIZE]);
/* The URI by which SQLite reads a file as it is, and makes nothing beside it.  False: no room. */
bool backup_immutable(const char *path, char *uri, size_t size);
/* Check all of it and count what is in it. */
enum backup_result backup_look(sqlite3 *, const char *path, int64_t now_s, struct backup *out,
    char text[static BACKUP_TEXT_SIZE]);
/* Copy all pages into a new file, which must not exist: checked, counted, without a log, on disk, mode 0600.  rename: with a
 * new generation.  Anything but BACKUP_OK: the file is gone again. */
enum backup_result backup_copy(sqlite3 *from, const char *to, bool rename, const struct backup_options *, struct backup *out,
    char text[static BACKUP_TEXT_SIZE]);
/* What was renamed in the folder of this path is on disk. */
bool backup_sync_folder(const char *path);

#endif
