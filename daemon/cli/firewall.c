/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall.c - `mxtrap firewall`: what the kernel refuses, and the switch.
 *
 * Counters come from the database, where mxtrapd writes them each second: the sets themselves are
 * never read back (nft takes a minute for a million elements).
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/json.h"
#include "mxtrap/message.h"

static const struct {
	const char *name, *says;
} ROWS[] = {
	{ "firewall", "state" },
	{ "firewall_refused4", "packets refused, IPv4" },
	{ "firewall_refused6", "packets refused, IPv6" },
	{ "firewall_added", "entries given to the kernel" },
	{ "firewall_removed", "removed before their time" },
	{ "firewall_resets", "sets filled again" },
	{ "firewall_repairs", "because another program changed the table" },
	{ "firewall_withheld", "left out: never to be listed" },
	{ "firewall_failed", "not taken by the kernel" },
};

struct shown {
	struct json json;
	bool as_json;
	int  n;
};

static bool
print_row(void *ctx, const char *name, const char *value)
{
	struct shown *s = ctx;
	char text[1100], *end;

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if (strcmp(name, ROWS[i].name) != 0)
			continue;
		s->n++;
		if (!s->as_json)
			printf("%-44s %s\n", ROWS[i].says, cli_escape(value, text, sizeof(text)));
		else if (i > 0 && value[0] != '\0' && (strtoull(value, &end, 10), *end == '\0'))
			json_uint(&s->json, name, strtoull(value, NULL, 10));
		else
			json_string(&s->json, name, value);
	}
	return true;
}

static int
show(struct cli *cli)
{
	struct shown s = { .as_json = cli->json };
	enum report_result result;
	int status = cli_open(cli);

	if (status != CLI_DONE)
		return status;
	if (cli->json) {
		cli_json_begin(&s.json, "firewall");
		json_bool(&s.json, "configured", cli->config.firewall);
		json_object(&s.json, "counters");
	}
	result = report_status(cli->report, print_row, &s);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	if (cli->json) {
		json_end(&s.json);
		(void)cli_json_end(&s.json);
	} else if (!cli->config.firewall) {
		puts("No firewall is configured.  To have one, write firewall { backend = \"nftables\" } into the configuration.");
	} else if (s.n == 0) {
		puts("mxtrapd has reported nothing of its firewall yet.");
	}
	return cli->config.firewall ? CLI_DONE : CLI_NO;
}

int
cli_firewall(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum admin_op op;
	} ops[] = { { "flush", ADMIN_FIREWALL_FLUSH }, { "off", ADMIN_FIREWALL_OFF }, { "on", ADMIN_FIREWALL_ON } };
	struct message_admin m = { .op = 0 };
	struct passwd *pw = getpwuid(getuid());

	if (argc < 2)
		return cli_usage_value("firewall", "", "", "show, flush, off or on");
	if (strcmp(argv[1], "show") == 0)
		return argc == 2 ? show(cli) : cli_usage_word("firewall", argv[2]);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(argv[1], ops[i].name) == 0)
			m.op = ops[i].op;
	if (m.op == 0)
		return argv[1][0] == '-' ? cli_usage_word("firewall", argv[1]) :
		    cli_usage_value("firewall", "", argv[1], "show, flush, off or on");
	if (argc > 2) {
		if (argc != 4 || strcmp(argv[2], "--note") != 0)
			return cli_usage_word("firewall", argv[2]);
		if (strlen(argv[3]) >= sizeof(m.note))
			return cli_usage("firewall", "--note: expected at most 255 bytes");
		(void)snprintf(m.note, sizeof(m.note), "%s", argv[3]);
	}
	if (!cli->config.firewall) {
		fprintf(stderr, "mxtrap: found no firewall in the configuration, expected firewall { backend = \"nftables\" }\n");
		return CLI_NO;
	}
	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	(void)snprintf(m.who, sizeof(m.who), "%s", pw != NULL ? pw->pw_name : "unknown");
	return cli_tell_watch(cli, argv[0], &m, sizeof(m));
}
