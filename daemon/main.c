/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - mxtrapd: the command line, and nothing else.
 *
 * Options may stand in any order, so that `-r A B --inputs DB` reads as it is said.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "mxtrap/listable.h"
#include "mxtrap/log.h"
#include "mxtrap/process.h"
#include "mxtrap/watch.h"

#ifndef MXTRAP_VERSION
#define MXTRAP_VERSION "0.1"
#endif

static const char help[] =
"usage: mxtrapd [-d] -c FILE              run (in the foreground)\n"
"       mxtrapd -c FILE -n [-v]           check the configuration [and print it]\n"
"       mxtrapd -c FILE -r CAP... [--inputs DB]   judge captures and exit\n"
"\n"
"  -c FILE        configuration, see mxtrap.conf(5)\n"
"  -n             check it: exit 0, or 1 and each fault as file:line: found ..., expected ...;\n"
"                 what is allowed and probably not meant is a warning, and exit 0\n"
"  -nv            the same, and print it in canonical form\n"
"  -r CAP...      replay captures (pcap, pcapng, - is standard input), merged by time,\n"
"                 into state-dir; print one line of totals\n"
"  --inputs DB    with -r: also what a live run stored beside the wire\n"
"  -d             say more\n"
"  --version, --help\n"
"\n"
"exit: 0 done, 1 bad input, 2 usage, 3 something could not be reached\n";

#define SIZE_LEAST (64ULL << 20)	/* below it a busy day finds no room */

/* Of store { max-size }: too little for what there is, or for anything. */
static void
warn_size(const struct config *config, const char *file)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/mxtrap.db", config->state_dir);
	if (stat(path, &st) == 0 && (uint64_t)st.st_size > config->store_max_bytes)
		fprintf(stderr, "%s: warning: store { max-size } is %" PRIu64 " MiB and %s has %" PRIu64 " MiB: at the next start the "
		    "oldest rows are deleted until it fits.\n", file, config->store_max_bytes >> 20, path, (uint64_t)st.st_size >> 20);
	else if (config->store_max_bytes < SIZE_LEAST)
		fprintf(stderr, "%s: warning: store { max-size } is %" PRIu64 " MiB: found less than 64 MiB, expected room for some days; "
		    "what explains a listing may be deleted after hours.\n", file, config->store_max_bytes >> 20);
}

static bool
warn(void *file, const char *sentence)
{
	fprintf(stderr, "%s: warning: %s\n", (const char *)file, sentence);
	return true;
}

/* What is wrong with the words comes last: help is long. */
static int
misused(const char *found, const char *expected)
{
	fprintf(stderr, "%s\nmxtrapd: found %s, %s\n", help, found, expected);
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ "inputs", required_argument, NULL, 'i' }, { NULL, 0, NULL, 0 },
	};
	const char *file = NULL, *inputs = NULL;
	bool check = false, print = false, replay = false;
	struct config config;
	int c, status = 0;

	/* Whatever ours was: the database is for its group, and for nobody else. */
	(void)umask(027);
	if (argc > 1 && strcmp(argv[1], "--role") == 0)
		return process_enter(argc, argv);
	/* getopt moves what is no option behind the options: the captures. */
	while ((c = getopt_long(argc, argv, "c:nvrdh", longs, NULL)) != -1) {
		switch (c) {
		case 'c': file = optarg; break;
		case 'n': check = true; break;
		case 'v': print = true; break;
		case 'r': replay = true; break;
		case 'd': log_verbose(true); break;
		case 'i': inputs = optarg; break;
		case 'h': return fputs(help, stdout) == EOF;
		case 'V': return puts("mxtrapd " MXTRAP_VERSION) == EOF;
		default: fputs(help, stderr); return 2;
		}
	}
	if (!replay && optind < argc)
		return misused(argv[optind], file == NULL ? "expected -c before the configuration" : "expected nothing more");
	if (file == NULL)
		return misused("no configuration", "expected -c FILE");
	if (replay && optind == argc)
		return misused("-r with nothing behind it", "expected captures");
	if (check && replay)
		return misused("-n and -r", "expected one of them");
	if (print && !check)
		return misused("-v", "expected it with -n");
	if (inputs != NULL && !replay)
		return misused("--inputs", "expected it with -r");
	if (!check && !replay)
		return supervisor_run(file, argv[0]);
	if (config_load(&config, file) < 0)
		return 1;
	if (check) {
		(void)listable_warn(&config, warn, (void *)(uintptr_t)file);
		warn_size(&config, file);
	}
	if (check && config_look(&config, stderr) > 0)
		status = 1;
	if (print)
		config_print(&config, stdout);
	if (replay)
		status = replay_main(&config, argc - optind, argv + optind, inputs);
	config_free(&config);
	return status != 0 ? status : fflush(stdout) == 0 && !ferror(stdout) ? 0 : 3;
}
