/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.c - the configuration file to a checked plain struct, by libconfuse.
 *
 * Every value is a string to libconfuse: types and bounds are told in our own words,
 * with the value's own line.  A file with any fault gives no configuration at all;
 * as many faults as can be seen at once are told at once.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_read.h"

#define CONFIG_MAX_BYTES (4U << 20)

/* Sections of the design that later versions will honour. */
static const char *const later_sections[] = {
	"dnsbl", "postfix", "firewall", "sensor", "crowdsec",
};

static bool
is_later(const char *name)
{
	for (size_t i = 0; i < sizeof(later_sections) / sizeof(later_sections[0]); i++)
		if (strcmp(name, later_sections[i]) == 0)
			return true;
	return false;
}

/* "a, b, c": what a section may hold. */
static void
names_of(const cfg_t *section, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (const cfg_opt_t *o = section->opts; o != NULL && o->name != NULL && len < size; o++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len > 0 ? ", " : "", o->name);
}

/* libconfuse's few remaining complaints, in our form.  The line is right: the text is plain. */
static void
tell_confuse(cfg_t *section, const char *fmt, va_list ap)
{
	struct config_source source = { .path = section->filename };
	unsigned line = section->line > 0 ? (unsigned)section->line : 1;
	char text[256], names[400];
	const char *quote, *end;

	vsnprintf(text, sizeof(text), fmt, ap);
	quote = strchr(text, '\'');
	end = strrchr(text, '\'');
	if (strncmp(text, "no such option", 14) == 0 && quote != NULL && end > quote) {
		text[end - text] = '\0';
		names_of(section, names, sizeof(names));
		if (is_later(quote + 1))
			config_wrong(&source, line, "found section \"%s\", which this version cannot "
			    "honour, expected one of: %s", quote + 1, names);
		else
			config_wrong(&source, line, "found unknown key \"%s\", expected one of: %s",
			    quote + 1, names);
		return;
	}
	if (strncmp(text, "missing equal sign", 18) == 0 && quote != NULL && end > quote) {
		text[end - text] = '\0';
		config_wrong(&source, line, "found \"%s\" as a section, expected \"%s = VALUE\"",
		    quote + 1, quote + 1);
		return;
	}
	if (strncmp(text, "missing title", 13) == 0 && quote != NULL && end > quote) {
		text[end - text] = '\0';
		config_wrong(&source, line, "found \"%s\" without a name, expected \"%s \"NAME\" {\"",
		    quote + 1, quote + 1);
		return;
	}
	if (strncmp(text, "missing opening brace", 21) == 0 && quote != NULL && end > quote) {
		text[end - text] = '\0';
		config_wrong(&source, line, "found something else behind \"%s\", expected \"%s {\"",
		    quote + 1, quote + 1);
		return;
	}
	if (strstr(text, "'{'") != NULL) {
		config_wrong(&source, line, "found a list, expected one value");
		return;
	}
	config_wrong(&source, line, "found something that does not fit (%s), expected NAME = VALUE "
	    "or a section", text);
}

/* The plain text through libconfuse.  False: said why. */
static bool
read_plain(struct config_reader *r, char *plain, const char *path)
{
	cfg_opt_t points[EVIDENCE_N_KINDS + 1];
	cfg_opt_t exchanger[] = {
		CFG_STR("preference", NULL, CFGF_NODEFAULT), CFG_STR("role", NULL, CFGF_NODEFAULT),
		CFG_STR("answer", NULL, CFGF_NODEFAULT), CFG_STR("witness", NULL, CFGF_NODEFAULT),
		CFG_STR("network", NULL, CFGF_NODEFAULT),
		CFG_STR_LIST("addresses", NULL, CFGF_NODEFAULT), CFG_END()
	};
	cfg_opt_t mxset[] = {
		CFG_STR_LIST("domains", NULL, CFGF_NODEFAULT),
		CFG_SEC("exchanger", exchanger, CFGF_MULTI | CFGF_TITLE), CFG_END()
	};
	cfg_opt_t allow[] = {
		CFG_STR_LIST("addresses", NULL, CFGF_NODEFAULT),
		CFG_STR_LIST("spf", NULL, CFGF_NODEFAULT),
		CFG_STR("special-purpose", NULL, CFGF_NODEFAULT), CFG_END()
	};
	cfg_opt_t judge[] = {
		CFG_STR("false-listing", NULL, CFGF_NODEFAULT), CFG_STR("miss", NULL, CFGF_NODEFAULT),
		CFG_STR("list-on", NULL, CFGF_NODEFAULT), CFG_STR("half-life", NULL, CFGF_NODEFAULT),
		CFG_STR("fallback-window", NULL, CFGF_NODEFAULT),
		CFG_STR("order-memory", NULL, CFGF_NODEFAULT),
		CFG_STR("visit-gap", NULL, CFGF_NODEFAULT),
		CFG_STR("start-grace", NULL, CFGF_NODEFAULT), CFG_STR("term", NULL, CFGF_NODEFAULT),
		CFG_SEC("points", points, CFGF_MULTI), CFG_END()
	};
	cfg_opt_t limits[] = {
		CFG_STR("senders", NULL, CFGF_NODEFAULT), CFG_STR("attempts", NULL, CFGF_NODEFAULT),
		CFG_STR("pools", NULL, CFGF_NODEFAULT), CFG_STR("tally-above", NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_opt_t capture[] = { CFG_STR("ring", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t store[] = {
		CFG_STR("attempts", NULL, CFGF_NODEFAULT), CFG_STR("max-size", NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_opt_t web[] = {
		CFG_STR_LIST("listen", NULL, CFGF_NODEFAULT), CFG_STR_LIST("hosts", NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_opt_t root[] = {
		CFG_STR_LIST("interface", NULL, CFGF_NODEFAULT),
		CFG_STR("state-dir", NULL, CFGF_NODEFAULT), CFG_STR("publish", NULL, CFGF_NODEFAULT),
		CFG_STR("publish-after", NULL, CFGF_NODEFAULT),
		CFG_STR_LIST("control-addresses", NULL, CFGF_NODEFAULT),
		CFG_SEC("mx-set", mxset, CFGF_MULTI | CFGF_TITLE), CFG_SEC("allow", allow, CFGF_MULTI),
		CFG_SEC("judge", judge, CFGF_MULTI), CFG_SEC("limits", limits, CFGF_MULTI),
		CFG_SEC("capture", capture, CFGF_MULTI), CFG_SEC("store", store, CFGF_MULTI),
		CFG_SEC("web", web, CFGF_MULTI), CFG_END()
	};
	cfg_opt_t *next = points;
	FILE *in = fmemopen(plain, strlen(plain), "r");
	cfg_t *cfg = NULL;
	int result = CFG_FILE_ERROR;

	for (unsigned kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (config_weighable(kind))
			*next++ = (cfg_opt_t)CFG_STR_LIST(evidence_info(kind)->name, NULL,
			    CFGF_NODEFAULT);
	*next = (cfg_opt_t)CFG_END();
	if (in != NULL && (cfg = cfg_init(root, CFGF_NONE)) != NULL) {
		/* Every section's complaints carry the name of the file. */
		cfg->filename = strdup(path);
		cfg_set_error_function(cfg, tell_confuse);
		result = cfg_parse_fp(cfg, in);
		if (result == CFG_SUCCESS)
			config_read_root(r, cfg, path);
		else
			r->source.errors++;
	} else {
		config_wrong(&r->source, 1, "found no memory, expected some");
	}
	if (cfg != NULL)
		cfg_free(cfg);
	if (in != NULL)
		fclose(in);
	return r->source.errors == 0;
}

int
config_parse(struct config *out, const char *path, const char *text)
{
	struct config_reader r = { .source = { .path = path } };
	char *plain = config_text_plain(&r.source, text);
	bool ok;

	if (plain == NULL)
		return -1;
	ok = read_plain(&r, plain, path);
	free(plain);
	free(r.places.place);
	free(r.rungs.place);
	if (!ok) {
		config_free(&r.config);
		return -1;
	}
	*out = r.config;
	return 0;
}

char *
config_read(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = calloc(1, CONFIG_MAX_BYTES + 2);
	size_t n = 0;

	if (in == NULL || text == NULL) {
		fprintf(stderr, "%s: found nothing to read (%s), expected a configuration file\n", path,
		    strerror(errno));
	} else {
		n = fread(text, 1, CONFIG_MAX_BYTES + 1, in);
		if (ferror(in) || n > CONFIG_MAX_BYTES || memchr(text, '\0', n) != NULL)
			fprintf(stderr, "%s: found %s, expected a text of at most 4 MiB\n", path,
			    ferror(in) ? strerror(errno) : n > CONFIG_MAX_BYTES ? "too much" :
			    "a NUL byte");
		else {
			char *fit = realloc(text, n + 1);	/* kept for as long as mxtrapd runs */

			fclose(in);
			return fit != NULL ? fit : text;
		}
	}
	if (in != NULL)
		fclose(in);
	free(text);
	return NULL;
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
	free(config->allow);
	free(config->allow_spf);
	*config = (struct config){ 0 };
}
