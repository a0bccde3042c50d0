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

#define KEY(name)	     CFG_STR(name, NULL, CFGF_NODEFAULT)
#define LIST(name)	     CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
/* MULTI keeps an absent section apart from an empty one; twice is caught in the text. */
#define SECTION(name, keys)  CFG_SEC(name, keys, CFGF_MULTI)
#define NAMED(name, keys)    CFG_SEC(name, keys, CFGF_MULTI | CFGF_TITLE)

/* Sections of the design that later versions will honour. */
static const char *const later_sections[] = {
	"sensor",
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
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
		    len > 0 ? ", " : "", o->name);
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
			config_wrong(&source, line,
			    "found section \"%s\", which this version cannot "
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
		config_wrong(&source, line,
		    "found \"%s\" without a name, expected \"%s \"NAME\" {\"",
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
		KEY("preference"), KEY("role"), KEY("answer"), KEY("witness"),
		KEY("network"), LIST("addresses"), LIST("public"), CFG_END()
	};
	cfg_opt_t mxset[] = {
		LIST("domains"), NAMED("exchanger", exchanger), CFG_END()
	};
	cfg_opt_t allow[] = {
		LIST("addresses"), LIST("spf"), KEY("special-purpose"), KEY("correspondents"),
		CFG_END()
	};
	cfg_opt_t pool[] = {
		LIST("addresses"), KEY("allow"), CFG_END()
	};
	cfg_opt_t judge[] = {
		KEY("false-listing"), KEY("miss"), KEY("list-on"), KEY("half-life"),
		KEY("fallback-window"), KEY("order-memory"), KEY("visit-gap"),
		KEY("start-grace"), KEY("term"), SECTION("points", points),
		CFG_END()
	};
	cfg_opt_t limits[] = {
		KEY("senders"), KEY("attempts"), KEY("pools"), KEY("tally-above"), KEY("new-per-48"),
		KEY("dialogues"), KEY("dialogues-per-source"),
		CFG_END()
	};
	cfg_opt_t capture[] = {
		KEY("ring"), CFG_END()
	};
	cfg_opt_t store[] = {
		KEY("attempts"), KEY("max-size"), CFG_END()
	};
	cfg_opt_t web[] = {
		LIST("listen"), LIST("hosts"), KEY("certificate"), KEY("key"), KEY("group"), CFG_END()
	};
	cfg_opt_t dnsbl[] = {
		LIST("listen"), KEY("zone"), KEY("suspects"), CFG_END()
	};
	cfg_opt_t postfix[] = {
		LIST("listen"), KEY("group"), CFG_END()
	};
	cfg_opt_t firewall[] = {
		KEY("backend"), CFG_END()
	};
	cfg_opt_t geoip[] = {
		KEY("country"), KEY("asn"), CFG_END()
	};
	cfg_opt_t root[] = {
		LIST("interface"), KEY("state-dir"), KEY("publish"),
		KEY("publish-after"), KEY("contact"), KEY("p0f-database"), KEY("probe"), KEY("probe-interval"), KEY("greeting-delay"),
		LIST("control-addresses"),
		NAMED("mx-set", mxset), SECTION("allow", allow), NAMED("pool", pool),
		SECTION("judge", judge), SECTION("limits", limits),
		SECTION("capture", capture), SECTION("store", store),
		SECTION("web", web), SECTION("dnsbl", dnsbl), SECTION("postfix", postfix),
		SECTION("firewall", firewall), SECTION("geoip", geoip), CFG_END()
	};
	cfg_opt_t *next = points;
	FILE *in = fmemopen(plain, strlen(plain), "r");
	cfg_t *cfg = NULL;
	int result = CFG_FILE_ERROR;

	for (unsigned kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (config_weighable(kind))
			*next++ = (cfg_opt_t)LIST(evidence_info(kind)->name);
	*next = (cfg_opt_t)CFG_END();
	if (in != NULL && (cfg = cfg_init(root, CFGF_NONE)) != NULL) {
		/* Every section's complaints carry the name of the file. */
		cfg->filename = strdup(r->source.path);
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
	char *files = config_files(path, text), *plain;
	struct config_reader r = { .source = { .path = files != NULL ? files : path } };
	bool ok;

	plain = config_text_plain(&r.source, text);
	ok = plain != NULL && files != NULL && read_plain(&r, plain, path);
	free(plain);
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
	free(config->allow);
	free(config->pools);
	free(config->members);
	free(config->allow_spf);
	*config = (struct config){ 0 };
}
