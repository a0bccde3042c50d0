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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/export.h"
#include "mxtrap/json.h"
#include "mxtrap/message.h"
#include "mxtrap/status.h"
#include "mxtrap/suggest.h"

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

/* The document as a text, with what the other outlets say in headers.  False: no memory, or it cannot be read. */
static bool
wrap(FILE *from, const struct export_format *format, const struct export_summary *summary)
{
	long size = fseek(from, 0, SEEK_END) == 0 ? ftell(from) : -1;
	char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
	struct json j;

	if (text == NULL)
		return false;
	rewind(from);
	if (fread(text, 1, (size_t)size, from) != (size_t)size) {
		free(text);
		return false;
	}
	text[size] = '\0';
	cli_json_begin(&j, "export");
	json_string(&j, "format", format->name);
	json_state(&j, &summary->state, 0);
	json_uint(&j, "written", summary->written);
	json_uint(&j, "withheld", summary->withheld);
	json_uint(&j, "held", summary->held);
	json_string(&j, "unpublished", summary->unpublished ? summary->why : NULL);
	json_string(&j, "document", text);
	free(text);
	return cli_json_end(&j) == CLI_DONE;
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
formats_json(void)
{
	const struct export_format *format;
	struct json j;

	cli_json_begin(&j, "export");
	json_array(&j, "formats");
	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++) {
		json_object(&j, NULL);
		json_string(&j, "name", format->name);
		json_string(&j, "says", format->says);
		json_end(&j);
	}
	json_end(&j);
	return cli_json_end(&j);
}

static int
list_formats(FILE *out)
{
	const struct export_format *format;

	fputs("The formats are:\n", out);
	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++)
		fprintf(out, "  %-16s %s\n", format->name, format->says);
	return CLI_USAGE;
}

static int
unknown_format(const char *word)
{
	const struct export_format *format;
	struct suggest s = { .typed = word };
	char text[80], wrong[200];

	for (size_t i = 0; (format = export_format_at(i)) != NULL; i++)
		suggest_offer(&s, format->name);
	(void)snprintf(wrong, sizeof(wrong), "found %s, expected a format%s%s%s", cli_escape(word, text, sizeof(text)),
	    s.best != NULL ? "; did you mean " : "", s.best != NULL ? s.best : "", s.best != NULL ? "?" : "");
	(void)cli_usage("export", wrong);
	return s.best != NULL ? CLI_USAGE : list_formats(stderr);
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

/* Of "grade: found X, expected syn, resyn or proven" what follows the comma, where it is a list of words. */
static const char *
why_words(const char *why)
{
	const char *list = strstr(why, "expected ");

	return list != NULL && strchr(list, ',') != NULL ? list + 9 : "";
}

/* The format and the options, in any order.  CLI_DONE: good. */
static int
read_words(int argc, char **argv, const struct export_format **format, struct export_options *options)
{
	char why[EXPORT_WHY_SIZE], wrong[EXPORT_WHY_SIZE + CLI_MEANT_SIZE], buf[CLI_MEANT_SIZE];

	for (int i = 1; i < argc; i++) {
		if (is_option(argv[i])) {
			if (i + 1 == argc)
				return cli_usage_word("export", argv[i]);
			if (!export_option(options, argv[i] + 2, argv[i + 1], why)) {
				(void)snprintf(wrong, sizeof(wrong), "--%s%s", why, cli_meant(why_words(why), argv[i + 1], buf));
				return cli_usage("export", wrong);
			}
			i++;
		} else if (*format != NULL || argv[i][0] == '-') {
			return cli_usage_word("export", argv[i]);
		} else if ((*format = export_format_find(argv[i])) == NULL) {
			return unknown_format(argv[i]);
		}
	}
	if (*format != NULL)
		return CLI_DONE;
	(void)cli_usage("export", "found no format, expected one of those below");
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
tell_use(const struct cli *cli, int argc, char **argv, const struct export_summary *summary, bool published)
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
	m.generation = summary->state.generation;
	/* An empty document is nothing of the list; one without those that are held has an older serial (struct export_summary). */
	m.serial = published ? summary->state.serial : 0;
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
	int status;

	if (cli->json && argc == 1)
		return formats_json();
	status = read_words(argc, argv, &format, &options);
	if (status != CLI_DONE || format == NULL)
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
		whole = cli->json ? wrap(file, format, &summary) : copy(cli, file);
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
		tell_use(cli, argc, argv, &summary, result == EXPORT_OK);
	return whole ? CLI_DONE : CLI_NO;
}
