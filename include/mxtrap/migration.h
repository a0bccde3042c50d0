/* SPDX-License-Identifier: GPL-2.0-or-later */
/* migration.h - the database's migrations, sql/NNNN_*.sql, embedded at build time by web/embed.c. */
#ifndef MXTRAP_MIGRATION_H
#define MXTRAP_MIGRATION_H

#include <stddef.h>

struct migration {
	int	    version;		/* user_version after it */
	const char *sql;
};

extern const struct migration migrations[];	/* by version */
extern const size_t n_migrations;

#endif
