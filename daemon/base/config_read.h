/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_read.h - between config.c, which runs libconfuse, and the readers of its sections.
 *
 * Private to daemon/base, and the one header here that knows libconfuse.
 */
#ifndef MXTRAP_CONFIG_READ_H
#define MXTRAP_CONFIG_READ_H

#include <confuse.h>

#include "config_text.h"

struct config_reader {
	struct config_source source;
	struct config config;
	struct config_places places, rungs;	/* for config_check() */
};

/* All sections into r->config, checked; what is wrong is said and counted in r->source. */
void config_read_root(struct config_reader *, cfg_t *root, const char *path);
/* The mx-set sections and control-addresses. */
void config_read_ladder(struct config_reader *, cfg_t *root);

/* The pool sections; what they allow is added to what is allowed already. */
void config_read_pools(struct config_reader *, cfg_t *root);

/* The sections web, dnsbl, postfix, firewall. */
void config_read_outlets(struct config_reader *, cfg_t *root);

/* Shared by all of them. */
struct config_value config_at(cfg_t *section, const char *key, unsigned i);
bool config_has(cfg_t *section, const char *key);
/* One of some words: its index, or -1 and said. */
int config_choice(struct config_reader *, struct config_value, const char *const *words, size_t n,
    const char *key);
/* A zeroed array; NULL for n = 0, or without memory (said). */
void *config_array(struct config_reader *, unsigned n, size_t size);
/* A list of host names, appended to out. */
void config_hosts(struct config_reader *, cfg_t *section, const char *key,
    char (*out)[MXSET_NAME_SIZE], size_t *n_out);

#endif
