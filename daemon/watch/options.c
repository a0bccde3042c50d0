/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - from the configuration to what a trap is made from.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mxtrap/watch.h"

bool
watch_trap_options(struct trap_options *out, const struct config *config, const struct sink *sink,
    struct prefix **never)
{
	*never = calloc(config->n_allow + 1, sizeof(**never));
	if (*never == NULL)
		return false;
	*out = (struct trap_options){
		.ladder = &config->ladder, .judge = config->judge, .limits = config->limits, .never = *never,
		.n_never = config->n_allow, .special_purpose = config->special_purpose,
		.correspondents = config->correspondents,
		.pools = config->members, .n_pools = config->n_members, .sink = *sink,
	};
	for (size_t i = 0; i < config->n_allow; i++)
		(*never)[i] = config->allow[i];
	return getrandom(out->hash_key, sizeof(out->hash_key), 0) == (ssize_t)sizeof(out->hash_key);
}
