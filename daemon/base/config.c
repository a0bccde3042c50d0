/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.c - the configuration file to a checked plain struct.
 *
 * A file with any fault gives no configuration at all; all of its faults are reported
 * at once, in the order of their lines.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config_read.h"

int
config_parse(struct config *out, const char *path, const char *text)
{
	char *files = config_files(path, text);
	struct config_reader r = { .source = { .path = files != NULL ? files : path } };
	struct config_tree tree;
	bool ok;

	config_tree_read(&r.source, text, &tree);
	if (files == NULL)
		config_wrong(&r.source, 1, "found no memory, expected some");
	else if (tree.root != NULL)
		config_read_root(&r, tree.root, path);
	ok = r.source.errors == 0;
	if (ok)
		r.config.warnings = config_warnings_text(&r.source);
	else
		config_faults_print(&r.source, stderr);
	config_tree_free(&tree);
	config_source_free(&r.source);
	free(files);
	free(r.places.place);
	free(r.rungs.place);
	if (!ok) {
		config_free(&r.config);
		return -1;
	}
	*out = r.config;
	return 0;
}

int
config_load(struct config *out, const char *path)
{
	char *text = config_read(path);
	int result;

	if (text == NULL)
		return -1;
	result = config_parse(out, path, text);
	free(text);
	return result;
}

void
config_free(struct config *config)
{
	ladder_free(&config->ladder);
	free(config->path);
	free(config->state_dir);
	free(config->warnings);
	free(config->allow);
	free(config->pools);
	free(config->members);
	free(config->allow_spf);
	*config = (struct config){ 0 };
}
