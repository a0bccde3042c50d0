/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_outlet.c - the sections of whatever hands the list on: web, dnsbl, postfix, firewall.
 *
 * An outlet that is not mentioned does not exist: nothing listens, nothing is changed.
 */
#include <stdio.h>
#include <string.h>

#include "config_read.h"

const char *
config_unix(const char *text)
{
	return strncmp(text, "unix:/", 6) == 0 ? text + 5 : NULL;
}

/* One address to listen on, in its canonical form. */
static bool
listen_text(const char *text, bool unix_too, char *out, size_t size)
{
	char addr_text[ADDR_TEXT_SIZE];
	struct addr addr;
	uint16_t port;

	if (unix_too && config_unix(text) != NULL && strlen(text) < size) {
		memcpy(out, text, strlen(text) + 1);
		return true;
	}
	if (!config_listen(text, &addr, &port))
		return false;
	snprintf(out, size, addr_is_v4(&addr) ? "%s:%u" : "[%s]:%u", addr_format(&addr, addr_text), port);
	return true;
}

/* For config_check_listeners(): where it is said. */
static void
note_listener(struct config_reader *r, const struct config_node *section, const char *text, unsigned line)
{
	struct config_listeners *all = &r->listeners;

	if (all->n < sizeof(all->at) / sizeof(all->at[0]))
		all->at[all->n++] = (struct config_listener){ section->rule->name, text, line };
}

/* A list of addresses to listen on; without one: what stands by itself. */
static void
read_listen(struct config_reader *r, const struct config_node *section, const char *standing, bool unix_too, void *out,
    size_t size, size_t *n_out)
{
	unsigned n = config_count(section, "listen");
	char hint[CONFIG_HINT_SIZE];

	if (n == 0 && !config_given(section, "listen")) {
		snprintf((char *)out + size * *n_out, size, "%s", standing);
		note_listener(r, section, (const char *)out + size * (*n_out)++, section->line);
	}
	for (unsigned i = 0; i < n; i++) {
		struct config_value value = config_at(section, "listen", i);

		if (i >= CONFIG_MAX_LISTEN) {
			config_found(&r->source, value.line, value.text, "at most %d addresses (listen)",
			    CONFIG_MAX_LISTEN);
			return;
		}
		if (listen_text(value.text, unix_too, (char *)out + size * *n_out, size)) {
			note_listener(r, section, (const char *)out + size * *n_out, value.line);
			(*n_out)++;
		} else {
			config_found(&r->source, value.line, value.text, "%sADDRESS:PORT or [ADDRESS]:PORT (listen)%s",
			    unix_too ? "unix:/PATH (100 bytes at most), " : "", config_hint_listen(value.text, hint));
		}
	}
}

/* A file's name, from the root on: mxtrapd has no folder of its own. */
static void
read_file_name(struct config_reader *r, const struct config_node *section, const char *key, char out[static CONFIG_PEM_SIZE])
{
	struct config_value value;
	char hint[CONFIG_HINT_SIZE];

	if (!config_has(section, key))
		return;
	value = config_at(section, key, 0);
	if (value.text[0] != '/' || strlen(value.text) >= CONFIG_PEM_SIZE)
		config_found(&r->source, value.line, value.text, "an absolute path (%s)%s", key, config_hint_path(value.text, hint));
	else
		(void)snprintf(out, CONFIG_PEM_SIZE, "%s", value.text);
}

static void
read_certificate(struct config_reader *r, const struct config_node *section)
{
	struct config *c = &r->config;

	read_file_name(r, section, "certificate", c->web_certificate);
	read_file_name(r, section, "key", c->web_key);
	if (config_has(section, "certificate"))
		c->web_certificate_line = config_at(section, "certificate", 0).line;
	else if (config_has(section, "key") && !config_given(section, "certificate"))
		config_wrong(&r->source, config_at(section, "key", 0).line, "found a key without certificate, expected both");
	/* One file may hold both. */
	if (c->web_key[0] == '\0')
		memcpy(c->web_key, c->web_certificate, sizeof(c->web_key));
}

static void
read_web(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	const struct config_node *section = config_section(root, "web");

	if (section == NULL)
		return;
	read_listen(r, section, "127.0.0.1:8725", true, c->web_listen, sizeof(c->web_listen[0]), &c->n_web);
	if (config_count(section, "hosts") > CONFIG_MAX_LISTEN)
		config_found(&r->source, config_at(section, "hosts", CONFIG_MAX_LISTEN).line,
		    config_at(section, "hosts", CONFIG_MAX_LISTEN).text, "at most %d names (hosts)",
		    CONFIG_MAX_LISTEN);
	else
		config_hosts(r, section, "hosts", c->web_hosts, &c->n_web_hosts);
	read_certificate(r, section);
	if (config_has(section, "group") &&
	    !config_word(config_at(section, "group", 0).text, c->web_group, sizeof(c->web_group)))
		config_found(&r->source, config_at(section, "group", 0).line, config_at(section, "group", 0).text,
		    "the name of a group (group)");
}

static void
read_dnsbl(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	struct config_value value;
	char hint[CONFIG_HINT_SIZE];
	const struct config_node *section = config_section(root, "dnsbl");

	if (section == NULL)
		return;
	read_listen(r, section, "127.0.0.1:5353", false, c->dnsbl_listen, sizeof(c->dnsbl_listen[0]), &c->n_dnsbl);
	if (!config_has(section, "zone")) {
		if (!config_given(section, "zone"))
			config_wrong(&r->source, section->line,
			    "found a dnsbl without zone, expected zone = \"bl.example.org\"");
		return;
	}
	value = config_at(section, "zone", 0);
	if (!config_host(value.text, c->dnsbl_zone) || strlen(c->dnsbl_zone) > CONFIG_ZONE_MAX)
		config_found(&r->source, value.line, value.text, "a domain name of at most %d bytes (zone)%s",
		    CONFIG_ZONE_MAX, config_hint_host(value.text, hint));
}

static void
read_postfix(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	struct config_value value;
	const struct config_node *section = config_section(root, "postfix");

	if (section == NULL)
		return;
	read_listen(r, section, "unix:/run/mxtrap/postfix.sock", true, c->postfix_listen,
	    sizeof(c->postfix_listen[0]), &c->n_postfix);
	if (!config_has(section, "group"))
		return;
	value = config_at(section, "group", 0);
	if (!config_word(value.text, c->postfix_group, sizeof(c->postfix_group)))
		config_found(&r->source, value.line, value.text, "the name of a group (group)");
}

static void
read_firewall(struct config_reader *r, const struct config_node *root)
{
	static const char *const backends[] = { "nftables", "none" };
	const struct config_node *section = config_section(root, "firewall");

	if (section == NULL)
		return;
	r->config.firewall = !config_has(section, "backend") ||
	    config_choice(r, config_at(section, "backend", 0), backends, 2, "backend") == 0;
}

/* Whether it is there, and what it is, is web's to say: files come and go. */
static void
read_path(struct config_reader *r, const struct config_node *section, const char *key, char out[static 256])
{
	struct config_value value;
	char hint[CONFIG_HINT_SIZE];

	if (!config_has(section, key))
		return;
	value = config_at(section, key, 0);
	if (value.text[0] == '/' && strlen(value.text) < 256)
		memcpy(out, value.text, strlen(value.text) + 1);
	else
		config_found(&r->source, value.line, value.text, "the absolute path of a file, of at most 255 bytes (%s)%s", key,
		    config_hint_path(value.text, hint));
}

static void
read_geoip(struct config_reader *r, const struct config_node *root)
{
	struct config *c = &r->config;
	const struct {
		const char *key;
		char *out;
	} files[] = { { "country", c->geoip_country }, { "asn", c->geoip_asn } };
	const struct config_node *section = config_section(root, "geoip");

	if (section == NULL)
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_path(r, section, files[i].key, files[i].out);
}

/* It stands in replies to strangers and in files of many formats: nothing that any of them takes for more. */
static void
read_contact(struct config_reader *r, const struct config_node *root)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._+-/:~";
	struct config *c = &r->config;
	struct config_value value;

	if (!config_has(root, "contact"))
		return;
	value = config_at(root, "contact", 0);
	if (value.text[0] == '\0' || value.text[strspn(value.text, plain)] != '\0' ||
	    !config_word(value.text, c->contact, sizeof(c->contact)))
		config_found(&r->source, value.line, value.text,
		    "a mail address or URL of letters, digits and @._+-/:~ (contact)");
}

void
config_read_outlets(struct config_reader *r, const struct config_node *root)
{
	read_contact(r, root);
	read_path(r, root, "p0f-database", r->config.p0f_database);
	read_web(r, root);
	read_dnsbl(r, root);
	read_postfix(r, root);
	read_firewall(r, root);
	read_geoip(r, root);
}
