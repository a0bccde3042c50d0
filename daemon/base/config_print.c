/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_print.c - the configuration in its canonical form: every key, in one order.
 *
 * What is printed parses to the same configuration, so that a diff of two of them
 * shows what differs and nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "config_text.h"

static void
print_quoted(FILE *f, const char *text)
{
	fputc('"', f);
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			fprintf(f, "\\x%02x", *p);
		else if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else
			fputc(*p, f);
	}
	fputc('"', f);
}

/* key = { "a", "b" }: the parts one after another. */
static void
print_list_open(FILE *f, const char *indent, const char *key)
{
	fprintf(f, "%s%s = {", indent, key);
}

static void
print_list_item(FILE *f, size_t i, const char *text)
{
	fputs(i == 0 ? " " : ", ", f);
	print_quoted(f, text);
}

static void
print_list_close(FILE *f)
{
	fputs(" }\n", f);
}

static void
print_addresses(FILE *f, const char *indent, const char *key, const struct addr *addrs, size_t n)
{
	char text[ADDR_TEXT_SIZE];

	print_list_open(f, indent, key);
	for (size_t i = 0; i < n; i++)
		print_list_item(f, i, addr_format(&addrs[i], text));
	print_list_close(f);
}

static void
print_exchanger(FILE *f, const struct exchanger *x)
{
	fputs("    exchanger ", f);
	print_quoted(f, x->name);
	fprintf(f, " {\n        preference = %u\n        role = \"%s\"\n", x->preference,
	    role_name((enum role)x->role));
	fprintf(f, "        answer = \"%s\"\n        witness = \"%s\"\n",
	    answer_name((enum answer)x->answer), x->witness == WITNESS_WIRE ? "wire" : x->witness == WITNESS_POSTFIX ? "postfix" : "none");
	if (x->network[0] != '\0') {
		fputs("        network = ", f);
		print_quoted(f, x->network);
		fputc('\n', f);
	}
	print_addresses(f, "        ", "addresses", x->addrs, x->n_addrs);
	if (x->n_public > 0)
		print_addresses(f, "        ", "public", x->public, x->n_public);
	fputs("    }\n", f);
}

static void
print_ladder(FILE *f, const struct ladder *ladder)
{
	for (size_t i = 0; i < ladder->n_sets; i++) {
		const struct mxset *set = &ladder->sets[i];

		fputs("mx-set ", f);
		print_quoted(f, set->name);
		fputs(" {\n", f);
		print_list_open(f, "    ", "domains");
		for (size_t k = 0; k < set->n_domains; k++)
			print_list_item(f, k, set->domains[k]);
		print_list_close(f);
		for (size_t k = 0; k < set->n_exchangers; k++)
			print_exchanger(f, &set->exchangers[k]);
		fputs("}\n", f);
	}
	if (ladder->n_control > 0)
		print_addresses(f, "", "control-addresses", ladder->control, ladder->n_control);
}

static void
print_fields(FILE *f, const struct config *config, const char *section)
{
	char text[CONFIG_VALUE_SIZE];

	for (size_t i = 0; i < CONFIG_N_FIELDS; i++) {
		const struct config_field *field = &config_fields[i];
		bool bare = field->type == CONFIG_BOOL || field->type == CONFIG_NUMBER ||
		    field->type == CONFIG_REAL;

		if (strcmp(field->section, section) != 0)
			continue;
		config_field_text(field, config, text);
		fprintf(f, "%s%s = ", section[0] != '\0' ? "    " : "", field->key);
		fprintf(f, bare ? "%s\n" : "\"%s\"\n", text);
	}
}

static void
print_allow(FILE *f, const struct config *c)
{
	char text[PREFIX_TEXT_SIZE];

	fputs("allow {\n", f);
	print_list_open(f, "    ", "addresses");
	for (size_t i = 0; i < c->n_allow_own; i++)
		print_list_item(f, i, prefix_format(&c->allow[i], text));
	print_list_close(f);
	print_list_open(f, "    ", "spf");
	for (size_t i = 0; i < c->n_allow_spf; i++)
		print_list_item(f, i, c->allow_spf[i]);
	print_list_close(f);
	print_fields(f, c, "allow");
	fputs("}\n", f);
}

static void
print_pools(FILE *f, const struct config *c)
{
	char text[PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < c->n_pools; i++) {
		size_t n = 0;

		fputs("pool ", f);
		print_quoted(f, c->pools[i].name);
		fprintf(f, " {\n    allow = %s\n", c->pools[i].allow ? "yes" : "no");
		print_list_open(f, "    ", "addresses");
		for (size_t k = 0; k < c->n_members; k++)
			if (c->members[k].pool == i + 1)
				print_list_item(f, n++, prefix_format(&c->members[k].what, text));
		print_list_close(f);
		fputs("}\n", f);
	}
}

static void
print_judge(FILE *f, const struct config *c)
{
	char score[CONFIG_VALUE_SIZE], hint[CONFIG_VALUE_SIZE];

	fputs("judge {\n", f);
	print_fields(f, c, "judge");
	fprintf(f, "    list-on = \"%s\"\n    points {\n",
	    grade_name((enum grade)c->judge.list_on));
	for (unsigned kind = 0; kind < EVIDENCE_N_KINDS; kind++)
		if (config_weighable(kind))
			fprintf(f, "        %s = { %s, %s }\n", evidence_info(kind)->name,
			    config_real_text((double)c->judge.points_score[kind], true, score),
			    config_real_text((double)c->judge.points_hint[kind], true, hint));
	fputs("    }\n}\n", f);
}

static void
print_web(FILE *f, const struct config *c)
{
	if (c->n_web == 0)
		return;
	fputs("web {\n", f);
	print_list_open(f, "    ", "listen");
	for (size_t i = 0; i < c->n_web; i++)
		print_list_item(f, i, c->web_listen[i]);
	print_list_close(f);
	print_list_open(f, "    ", "hosts");
	for (size_t i = 0; i < c->n_web_hosts; i++)
		print_list_item(f, i, c->web_hosts[i]);
	print_list_close(f);
	if (c->web_certificate[0] != '\0') {
		fputs("    certificate = ", f);
		print_quoted(f, c->web_certificate);
		fputs("\n    key = ", f);
		print_quoted(f, c->web_key);
		fputc('\n', f);
	}
	fputs("    group = ", f);
	print_quoted(f, c->web_group);
	fputs("\n}\n", f);
}

static void
print_path(FILE *f, const char *key, const char *path)
{
	if (path[0] == '\0')
		return;
	fprintf(f, "    %s = ", key);
	print_quoted(f, path);
	fputc('\n', f);
}

static void
print_outlets(FILE *f, const struct config *c)
{
	if (c->n_dnsbl > 0) {
		fputs("dnsbl {\n", f);
		print_list_open(f, "    ", "listen");
		for (size_t i = 0; i < c->n_dnsbl; i++)
			print_list_item(f, i, c->dnsbl_listen[i]);
		print_list_close(f);
		fputs("    zone = ", f);
		print_quoted(f, c->dnsbl_zone);
		fputc('\n', f);
		print_fields(f, c, "dnsbl");
		fputs("}\n", f);
	}
	if (c->n_postfix > 0) {
		fputs("postfix {\n", f);
		print_list_open(f, "    ", "listen");
		for (size_t i = 0; i < c->n_postfix; i++)
			print_list_item(f, i, c->postfix_listen[i]);
		print_list_close(f);
		fputs("    group = ", f);
		print_quoted(f, c->postfix_group);
		fputs("\n}\n", f);
	}
	if (c->geoip_country[0] != '\0' || c->geoip_asn[0] != '\0') {
		fputs("geoip {\n", f);
		print_path(f, "country", c->geoip_country);
		print_path(f, "asn", c->geoip_asn);
		fputs("}\n", f);
	}
	if (c->firewall)
		fputs("firewall {\n    backend = \"nftables\"\n}\n", f);
}

void
config_print(const struct config *config, void *stdio_file)
{
	static const char *const plain[] = { "limits", "capture", "store" };
	FILE *f = stdio_file;

	if (config->n_interfaces > 0) {
		print_list_open(f, "", "interface");
		for (size_t i = 0; i < config->n_interfaces; i++)
			print_list_item(f, i, config->interfaces[i]);
		print_list_close(f);
	}
	fputs("state-dir = ", f);
	print_quoted(f, config->state_dir);
	fputc('\n', f);
	print_fields(f, config, "");
	if (config->contact[0] != '\0') {
		fputs("contact = ", f);
		print_quoted(f, config->contact);
		fputc('\n', f);
	}
	if (config->p0f_database[0] != '\0') {
		fputs("p0f-database = ", f);
		print_quoted(f, config->p0f_database);
		fputc('\n', f);
	}
	print_ladder(f, &config->ladder);
	print_allow(f, config);
	print_pools(f, config);
	print_judge(f, config);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		fprintf(f, "%s {\n", plain[i]);
		print_fields(f, config, plain[i]);
		fputs("}\n", f);
	}
	print_web(f, config);
	print_outlets(f, config);
}
