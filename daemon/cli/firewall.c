/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall.c - `mxtrap firewall`: what the kernel refuses, and the switch.
 *
 * Counters come from the database, where mxtrapd tells them each second: the sets themselves are
 * never read back (nft takes a minute for a million elements).
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/message.h"

static bool
print_row(void *ctx, const char *name, const char *value)
{
	static const struct {
		const char *name, *says;
	} rows[] = {
		{ "firewall", "state" },
		{ "firewall_refused4", "packets refused, IPv4" },
		{ "firewall_refused6", "packets refused, IPv6" },
		{ "firewall_added", "entries given to the kernel" },
		{ "firewall_removed", "taken away before their time" },
		{ "firewall_resets", "sets filled anew" },
		{ "firewall_repairs", "because another program changed the table" },
		{ "firewall_withheld", "left out: never to be listed" },
		{ "firewall_failed", "not taken by the kernel" },
	};
	int *n = ctx;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(name, rows[i].name) == 0)
			*n += printf("%-44s %s\n", rows[i].says, value) > 0;
	return true;
}

static int
show(struct cli *cli)
{
	enum report_result result;
	int status = cli_open(cli), n = 0;

	if (status != CLI_DONE)
		return status;
	result = report_status(cli->report, print_row, &n);
	if (result > REPORT_NONE)
		return cli_failed(cli, result);
	if (!cli->config.firewall)
		puts("No firewall is configured: firewall { backend = \"nftables\" }");
	else if (n == 0)
		puts("mxtrapd has told nothing of its firewall yet");
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
		return cli_usage("firewall", "expected show, flush, off or on");
	if (strcmp(argv[1], "show") == 0)
		return argc == 2 ? show(cli) : cli_usage_word("firewall", argv[2]);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(argv[1], ops[i].name) == 0)
			m.op = ops[i].op;
	if (m.op == 0)
		return cli_usage_word("firewall", argv[1]);
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
	return cli_tell_watch(cli, &m, sizeof(m));
}
