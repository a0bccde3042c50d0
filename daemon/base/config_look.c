/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_look.c - what this host says to a configuration that is right by itself.
 *
 * For `mxtrapd -n`: an interface that is not there, a certificate that cannot be read.
 * What mxtrapd would not start without is a fault; what it starts without, and tries
 * again, is a warning.
 */
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxtrap/config.h"
#include "mxtrap/pem.h"
#include "mxtrap/suggest.h"

/* "eth0, lo": what there is, and the one that was probably meant. */
static void
look_interface(const struct config *c, const char *name, FILE *f)
{
	struct suggest meant = { .typed = name };
	struct if_nameindex *all;

	if (strcmp(name, "any") == 0 || if_nametoindex(name) != 0)
		return;
	fprintf(f, "%s: warning: this host has no interface \"%s\" (interface)", c->path, name);
	all = if_nameindex();
	for (size_t i = 0; all != NULL && all[i].if_index != 0; i++) {
		fprintf(f, "%s%s", i == 0 ? ": it has " : ", ", all[i].if_name);
		suggest_offer(&meant, all[i].if_name);
	}
	if (meant.best != NULL)
		fprintf(f, "; did you mean \"%s\"?", meant.best);
	fputc('\n', f);
	if (all != NULL)
		if_freenameindex(all);
}

static void
look_file(const struct config *c, const char *file, const char *key, FILE *f)
{
	if (file[0] != '\0' && access(file, R_OK) != 0)
		fprintf(f, "%s: warning: %s: %s (%s)\n", c->path, file, strerror(errno), key);
}

static void
look_group(const struct config *c, size_t n, char (*listen)[CONFIG_PATH_SIZE], const char *group, FILE *f)
{
	bool path = false;

	for (size_t i = 0; i < n; i++)
		path |= config_unix(listen[i]) != NULL;
	if (path && getgrnam(group) == NULL)
		fprintf(f, "%s: warning: this host has no group \"%s\": nobody but root can connect to the socket (group)\n",
		    c->path, group);
}

/* mxtrapd makes the directory itself, and none above it.  What this user may not see is no fault. */
static unsigned
look_state(const struct config *c, FILE *f)
{
	char above[CONFIG_PATH_SIZE];
	struct stat st;
	char *slash;

	if (stat(c->state_dir, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		fprintf(f, "%s: %s: found a file, expected a directory (state-dir)\n", c->path, c->state_dir);
		return 1;
	}
	(void)snprintf(above, sizeof(above), "%s", c->state_dir);
	slash = strrchr(above, '/');
	if (slash == NULL || slash == above)
		return 0;
	*slash = '\0';
	if (stat(above, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0;
	fprintf(f, "%s: warning: %s cannot be made, for there is no %s: mxtrapd does not start without (state-dir; mkdir -p %s)\n", c->path,
	    c->state_dir, above, above);
	return 0;
}

unsigned
config_look(const struct config *config, void *stdio_file)
{
	struct config c = *config;
	struct pem pem = { -1, -1 };
	unsigned faults = 0;
	char why[512];
	FILE *f = stdio_file;

	if (c.warnings != NULL)
		fputs(c.warnings, f);
	if (c.n_interfaces == 0) {
		fprintf(f, "%s: found no interface, expected interface = \"NAME\" to watch, as `ip link` shows it, or \"any\"\n",
		    c.path);
		faults++;
	}
	faults += look_state(&c, f);
	for (size_t i = 0; i < c.n_interfaces; i++)
		look_interface(&c, c.interfaces[i], f);
	if (!pem_open(&c, &pem, why, sizeof(why))) {
		fprintf(f, "%s:%u: %s\n", c.path, c.web_certificate_line, why);
		faults++;
	}
	pem_close(&pem);
	look_file(&c, c.geoip_country, "country", f);
	look_file(&c, c.geoip_asn, "asn", f);
	look_file(&c, c.p0f_database, "p0f-database", f);
	look_group(&c, c.n_web, c.web_listen, c.web_group, f);
	look_group(&c, c.n_postfix, c.postfix_listen, c.postfix_group, f);
	return faults;
}
