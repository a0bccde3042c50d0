/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export.c - `mxtrap export`: what consumers get.
 *
 * An export is made whole before its first byte is printed: half a list, piped into
 * a firewall, would be taken for all of it.
 */
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/message.h"

#define RETRIES	   5		/* the list moved while it was read */
#define RETRY_MS   200
#define COPY_BYTES (1 << 16)

static enum export_result
render(struct cli *cli, const struct export_format *format, const struct export_options *options, FILE *file,
    struct export_summary *summary)
{
	enum export_result result = EXPORT_BUSY;

	for (int i = 0; i < RETRIES && result == EXPORT_BUSY; i++) {
		if (i > 0)
			(void)poll(NULL, 0, RETRY_MS);
		rewind(file);
		if (ftruncate(fileno(file), 0) != 0)
			return EXPORT_ERROR;
		cli_progress(cli, 0, "bytes; reading the list");
		result = export_write(file, format, options, cli->report, &cli->config, cli->now_s, summary);
	}
	return result;
}

static bool
copy(const struct cli *cli, FILE *from)
{
	char buf[COPY_BYTES];
	uint64_t done = 0;
	size_t n;

	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0) {
		if (fwrite(buf, 1, n, stdout) != n)
			return false;
		done += n;
		cli_progress(cli, done, "bytes written          ");
	}
	return !ferror(from);
}

/* A file without a name: on disk, or in memory where no disk will have it. */
static FILE *
open_unnamed(void)
{
	FILE *file = tmpfile();
	int fd;

	if (file != NULL)
		return file;
	fd = memfd_create("mxtrap-export", MFD_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

static int
list_formats(FILE *out)
{
	const struct export_format *format;

	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++)
		fprintf(out, "  %-16s %s\n", format->name, format->says);
	return CLI_USAGE;
}

static bool
is_option(const char *word)
{
	static const char *const options[] = { "--family", "--grade", "--include", "--min-score", "--limit" };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(word, options[i]) == 0)
			return true;
	return false;
}

/* The format and the options, in any order.  CLI_DONE: good. */
static int
read_words(int argc, char **argv, const struct export_format **format, struct export_options *options)
{
	char why[EXPORT_WHY_SIZE];

	for (int i = 1; i < argc; i++) {
		if (is_option(argv[i])) {
			if (i + 1 == argc)
				return cli_usage("export", "expected a value behind the option");
			if (!export_option(options, argv[i] + 2, argv[i + 1], why))
				return cli_usage("export", why);
			i++;
		} else if (*format != NULL || argv[i][0] == '-') {
			return cli_usage_word("export", argv[i]);
		} else if ((*format = export_format_find(argv[i])) == NULL) {
			(void)cli_usage_word("export", argv[i]);
			return list_formats(stderr);
		}
	}
	if (*format != NULL)
		return CLI_DONE;
	(void)cli_usage("export", "expected one format");
	return list_formats(stderr);
}

struct before {
	const char *who, *what;
	struct consumer_row row;	/* "" unless it came before */
};

static bool
find_before(void *ctx, const struct consumer_row *row)
{
	struct before *b = ctx;

	if (strcmp(row->who, b->who) == 0 && strcmp(row->what, b->what) == 0)
		b->row = *row;
	return b->row.who[0] == '\0';
}

/* Whoever exports from a timer uses the list as well: mxtrapd is told, if it hears. */
static void
tell_use(const struct cli *cli, int argc, char **argv, const struct report_state *state, bool published)
{
	struct message_fetched m = { .last_s = time(NULL), .agent = "mxtrap export" };
	struct passwd *pw = getpwuid(getuid());
	struct before b = { .who = m.who, .what = m.what };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = 0;
	int fd;

	message_init(&m.head, MESSAGE_FETCHED, sizeof(m));
	(void)snprintf(m.who, sizeof(m.who), "command:%.32s", pw != NULL ? pw->pw_name : "unknown");
	for (int i = 1; i < argc && n < sizeof(m.what); i++)
		n += (size_t)snprintf(m.what + n, sizeof(m.what) - n, "%s%s", i > 1 ? " " : "", argv[i]);
	(void)report_consumers(cli->report, find_before, &b);
	m.first_s = b.row.first_s != 0 && b.row.first_s <= m.last_s ? b.row.first_s : m.last_s;
	m.n = b.row.n + 1;
	m.generation = state->generation;
	/* An empty document is nothing of the list. */
	m.serial = published ? state->serial : 0;
	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", cli->config.state_dir) >= sizeof(to.sun_path))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, &m, sizeof(m), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
	(void)close(fd);
}

int
cli_export(struct cli *cli, int argc, char **argv)
{
	const struct export_format *format = NULL;
	struct export_options options = { .family = 0 };
	struct export_summary summary;
	enum export_result result;
	FILE *file;
	bool whole = true;
	int status = read_words(argc, argv, &format, &options);

	if (status != CLI_DONE)
		return status;
	if ((status = cli_open(cli)) != CLI_DONE)
		return status;
	file = open_unnamed();
	if (file == NULL) {
		fprintf(stderr, "mxtrap: found no room for a temporary file\n");
		return CLI_UNREACHABLE;
	}
	(void)setvbuf(file, NULL, _IOFBF, COPY_BYTES);
	result = render(cli, format, &options, file, &summary);
	if (result == EXPORT_OK || result == EXPORT_UNPUBLISHED)
		whole = copy(cli, file);
	cli_progress(cli, 0, NULL);
	if (result == EXPORT_ERROR && ferror(file)) {
		fprintf(stderr, "mxtrap: found no room for a temporary file of the whole list\n");
		fclose(file);
		return CLI_UNREACHABLE;
	}
	fclose(file);
	if (result == EXPORT_BUSY || result == EXPORT_ERROR)
		return cli_failed(cli, result == EXPORT_BUSY ? REPORT_BUSY : REPORT_ERROR);
	if (result == EXPORT_UNPUBLISHED)
		fprintf(stderr, "mxtrap: %s (%" PRIu64 " held back; `mxtrap report` shows them)\n", summary.why,
		    summary.withheld);
	if (summary.held > 0)
		fprintf(stderr, "mxtrap: %" PRIu64 " are held back: the list grew too fast; `mxtrap publish --accept` hands them on\n",
		    summary.held);
	if (whole)
		tell_use(cli, argc, argv, &summary.state, result == EXPORT_OK);
	return whole ? CLI_DONE : CLI_NO;
}
