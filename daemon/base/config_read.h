/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_read.h - between config.c, which has the tree, and the readers of its sections.
 *
 * Private to daemon/base.
 */
#ifndef MXTRAP_CONFIG_READ_H
#define MXTRAP_CONFIG_READ_H

#include "config_tree.h"

struct config_reader {
	struct config_source source;
	struct config config;
	struct config_places places, rungs;	/* for config_check() */
	struct config_listeners listeners;
};

/* All sections into r->config, checked; what is wrong is said and counted in r->source. */
void config_read_root(struct config_reader *, const struct config_node *root, const char *path);
/* The mx-set sections and control-addresses. */
void config_read_ladder(struct config_reader *, const struct config_node *root);

/* The pool sections; what they allow is added to what is allowed already. */
void config_read_pools(struct config_reader *, const struct config_node *root);

/* The sections web, dnsbl, postfix, firewall, geoip. */
void config_read_outlets(struct config_reader *, const struct config_node *root);

/* Shared by all of them. */
/* One of some words: its index, or -1 and said. */
int config_choice(struct config_reader *, struct config_value, const char *const *words, size_t n,
    const char *key);
/* A zeroed array; NULL for n = 0, or without memory (said). */
void *config_array(struct config_reader *, unsigned n, size_t size);
/* A list of host names, appended to out. */
void config_hosts(struct config_reader *, const struct config_node *section, const char *key,
    char (*out)[MXSET_NAME_SIZE], size_t *n_out);

#endif
