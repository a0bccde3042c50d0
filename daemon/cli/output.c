/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.c - standard output: what was printed must have arrived, and JSON has one shape.
 *
 * A reader that went away ends the command by SIGPIPE, without a word.  Any other fault is said, and is an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/json.h"

#define BUFFER (1 << 18)

void
cli_output_begin(void)
{
	/* A parent that ignores it hands that on. */
	(void)signal(SIGPIPE, SIG_DFL);
	/* What is closed would be taken by the next file that is opened, and the list written into it. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	(void)setvbuf(stdout, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFFER);
}

int
cli_output_end(int status)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;			/* of an earlier fault it says nothing any more */
	if (fflush(stdout) == 0 && !failed)
		return status;
	fprintf(stderr, "mxtrap: standard output: %s%snot all of it was written\n", errno != 0 ? strerror(errno) : "",
	    errno != 0 ? ": " : "");
	clearerr(stdout);		/* said once */
	return CLI_NO;
}

void
cli_json_begin(struct json *j, const char *command)
{
	json_to_file(j, stdout);
	json_object(j, NULL);
	json_string(j, "mxtrap", MXTRAP_VERSION);
	json_string(j, "command", command);
}

int
cli_json_end(struct json *j)
{
	json_end(j);
	json_line(j);
	return j->failed ? CLI_NO : CLI_DONE;
}
