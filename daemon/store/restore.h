/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restore.h - a row of `sender` as a record: for the start, and for readers.
 */
#ifndef MXTRAP_STORE_RESTORE_H
#define MXTRAP_STORE_RESTORE_H

#include <sqlite3.h>

#include "mxtrap/sink.h"

/* Columns in the order of the table.  fingerprint stays 0: its number is the dictionary's, not the process's. */
void restore_sender_row(sqlite3_stmt *, struct sender_row *);

#endif
