/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_rule.c - what may stand where in a configuration.
 */
#include <stdio.h>
#include <string.h>

#include "config_tree.h"
#include "mxtrap/suggest.h"

#define KEY(name)		{ name, CONFIG_KEY, NULL }
#define LIST(name)		{ name, CONFIG_LIST, NULL }
#define SECTION(name, rules)	{ name, CONFIG_SECTION, rules }
#define NAMED(name, rules)	{ name, CONFIG_NAMED, rules }
#define END			{ NULL, CONFIG_KEY, NULL }

static const struct config_rule exchanger_rules[] = {
	KEY("preference"), KEY("role"), KEY("answer"), KEY("witness"), KEY("network"), LIST("addresses"), LIST("public"), END
};
static const struct config_rule mxset_rules[] = {
	LIST("domains"), NAMED("exchanger", exchanger_rules), END
};
static const struct config_rule allow_rules[] = {
	LIST("addresses"), LIST("spf"), KEY("special-purpose"), KEY("correspondents"), END
};
static const struct config_rule pool_rules[] = { LIST("addresses"), KEY("allow"), END };
static const struct config_rule judge_rules[] = {
	KEY("false-listing"), KEY("miss"), KEY("list-on"), KEY("half-life"), KEY("fallback-window"),
	KEY("order-memory"), KEY("visit-gap"), KEY("start-grace"), KEY("term"),
	SECTION("points", NULL), END
};
static const struct config_rule limits_rules[] = {
	KEY("senders"), KEY("attempts"), KEY("pools"), KEY("tally-above"), KEY("new-per-48"),
	KEY("dialogues"), KEY("dialogues-per-source"), END
};
static const struct config_rule capture_rules[] = { KEY("ring"), END };
static const struct config_rule store_rules[] = { KEY("attempts"), KEY("max-size"), END };
static const struct config_rule web_rules[] = {
	LIST("listen"), LIST("hosts"), KEY("certificate"), KEY("key"), KEY("group"), END
};
static const struct config_rule dnsbl_rules[] = { LIST("listen"), KEY("zone"), KEY("suspects"), END };
static const struct config_rule postfix_rules[] = { LIST("listen"), KEY("group"), END };
static const struct config_rule firewall_rules[] = { KEY("backend"), END };
static const struct config_rule geoip_rules[] = { KEY("country"), KEY("asn"), END };

const struct config_rule config_root_rules[] = {
	LIST("interface"), KEY("state-dir"), KEY("publish"), KEY("publish-after"), KEY("contact"),
	KEY("p0f-database"), KEY("probe"), KEY("probe-interval"), KEY("greeting-delay"),
	LIST("control-addresses"), NAMED("mx-set", mxset_rules), SECTION("allow", allow_rules),
	NAMED("pool", pool_rules), SECTION("judge", judge_rules), SECTION("limits", limits_rules),
	SECTION("capture", capture_rules), SECTION("store", store_rules), SECTION("web", web_rules),
	SECTION("dnsbl", dnsbl_rules), SECTION("postfix", postfix_rules),
	SECTION("firewall", firewall_rules), SECTION("geoip", geoip_rules), END
};

static const char *const later_sections[] = { "sensor" };

bool
config_rule_later(const char *name)
{
	for (size_t i = 0; i < sizeof(later_sections) / sizeof(later_sections[0]); i++)
		if (strcmp(name, later_sections[i]) == 0)
			return true;
	return false;
}

const struct config_rule *
config_rule(const struct config_rule *rules, const char *name)
{
	for (; rules->name != NULL; rules++)
		if (strcmp(rules->name, name) == 0)
			return rules;
	return NULL;
}

const struct config_rule *
config_rule_meant(const struct config_rule *rules, const char *name)
{
	struct suggest s = { .typed = name };

	for (const struct config_rule *r = rules; r->name != NULL; r++)
		suggest_offer(&s, r->name);
	return s.best == NULL ? NULL : config_rule(rules, s.best);
}

const char *
config_rule_names(const struct config_rule *rules, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (; rules->name != NULL && len < size; rules++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len > 0 ? ", " : "", rules->name);
	return buf;
}

const char *
config_rule_elsewhere(const char *name, char *buf, size_t size)
{
	const char *found[8];
	size_t n = 0, len = 0;

	if (config_rule(config_root_rules, name) != NULL) {
		snprintf(buf, size, "it outside of all sections");
		return buf;
	}
	for (const struct config_rule *r = config_root_rules; r->name != NULL; r++) {
		if (r->inside == NULL)
			continue;
		if (config_rule(r->inside, name) != NULL && n < sizeof(found) / sizeof(found[0]))
			found[n++] = r->name;
		for (const struct config_rule *in = r->inside; in->name != NULL; in++)
			if (in->inside != NULL && config_rule(in->inside, name) != NULL &&
			    n < sizeof(found) / sizeof(found[0]))
				found[n++] = in->name;
	}
	buf[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i == 0 ? "it in section " :
		    i + 1 == n ? " or " : ", ", found[i]);
	return buf;
}
