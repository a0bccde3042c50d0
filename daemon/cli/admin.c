/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin.c - `mxtrap allow`, `mxtrap block` and `mxtrap forget`: the operator's decisions, told to watch.
 *
 * One datagram there, one back, over a socket that file mode guards.  What watch
 * says is done has been written to disk.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "mxtrap/beat.h"
#include "mxtrap/hand.h"
#include "mxtrap/json.h"
#include "mxtrap/message.h"
#include "mxtrap/store.h"

#define ANSWER_MS 3000			/* between two words from watch */

static int
unreachable(const char *path, int error, const char *why)
{
	if (error == EACCES || error == EPERM)
		fprintf(stderr, "mxtrap: %s: %s: decisions are for root and the group mxtrap-admin\n", path, why);
	else
		fprintf(stderr, "mxtrap: %s: %s: is mxtrapd running with this configuration (systemctl status mxtrapd)?\n", path, why);
	return CLI_UNREACHABLE;
}

/* What watch decided: what it says, and whether it did it. */
static int
tell_answer(const struct cli *cli, const char *command, const struct message_answer *a)
{
	char text[4 * sizeof(a->text)];
	struct json j;

	if (cli->json) {
		cli_json_begin(&j, command);
		json_bool(&j, "done", a->ok == 1);
		json_string(&j, "says", a->text);
		if (cli->made[0] != '\0')
			json_string(&j, "token", a->ok == 1 ? cli->made : NULL);
		(void)cli_json_end(&j);
	} else {
		fprintf(a->ok == 1 ? stdout : stderr, "%s%s\n", a->ok == 1 ? "" : "mxtrap: ",
		    cli_escape(a->text, text, sizeof(text)));
	}
	return a->ok == 1 ? CLI_DONE : CLI_NO;
}

static int
await_answer(const struct cli *cli, const char *command, int fd, const char *path, int patience_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct message_answer a;
	char text[4 * sizeof(a.text)];

	do {
		if (poll(&p, 1, patience_ms) <= 0)
			return unreachable(path, 0, "no answer within 3 s");
		if (message_take(fd, LINE_WATCH_TO_CLIENT, &a, sizeof(a)) != (int)sizeof(a) || a.head.kind != MESSAGE_ANSWER)
			return unreachable(path, 0, "an answer that is none");
		a.text[sizeof(a.text) - 1] = '\0';
		if (a.ok == 2 && isatty(STDERR_FILENO))
			fprintf(stderr, "\r\033[K%s", cli_escape(a.text, text, sizeof(text)));
	} while (a.ok == 2);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return tell_answer(cli, command, &a);
}

/*
 * A name to which the answer finds its way back: a socket in the state directory, which also holds where
 * mxtrapd lives in a network namespace of its own; for who may not write there, one that the kernel picks.
 */
static int
bind_self(int fd, const char *dir, struct sockaddr_un *self)
{
	int n = snprintf(self->sun_path, sizeof(self->sun_path), "%s/answer.%d", dir, (int)getpid());

	if (n > 0 && (size_t)n < sizeof(self->sun_path)) {
		mode_t before = umask(0);
		bool bound;

		(void)unlink(self->sun_path);
		/* watch is another user; the directory keeps others out.  Not by name afterwards: watch may write there. */
		bound = fchmod(fd, 0666) == 0 && bind(fd, (struct sockaddr *)self, sizeof(*self)) == 0;
		(void)umask(before);
		if (bound)
			return 0;
	}
	self->sun_path[0] = '\0';
	return bind(fd, (struct sockaddr *)self, sizeof(self->sun_family));
}

int
cli_tell_watch(const struct cli *cli, const char *command, const void *record, size_t size)
{
	union {
		struct message_head head;
		struct message_admin admin;
		struct message_purge purge;
		struct message_token token;
	} m;
	struct sockaddr_un to = { .sun_family = AF_UNIX }, self = { .sun_family = AF_UNIX };
	int fd, status, n;

	if (size > sizeof(m))
		return CLI_NO;
	memcpy(&m, record, size);
	(void)snprintf(m.head.kind == MESSAGE_TOKEN ? m.token.shown : m.head.kind == MESSAGE_PURGE ? m.purge.shown : m.admin.shown,
	    MESSAGE_TOKEN_SIZE, "%s", cli->token);
	n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", cli->config.state_dir);
	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return unreachable(cli->config.state_dir, 0, "the path is too long for a socket");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind_self(fd, cli->config.state_dir, &self) != 0) {
		if (fd >= 0)
			close(fd);
		return unreachable(to.sun_path, errno, strerror(errno));
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 || send(fd, &m, size, MSG_NOSIGNAL) != (ssize_t)size)
		status = unreachable(to.sun_path, errno, strerror(errno));
	else
		status = await_answer(cli, command, fd, to.sun_path, ANSWER_MS);
	explicit_bzero(&m, sizeof(m));
	close(fd);
	if (self.sun_path[0] != '\0')
		(void)unlink(self.sun_path);
	return status;
}

/* By the time that watch goes by; what is listed ends with a full minute. */
static uint32_t
until(const struct cli *cli, enum admin_op op, int64_t span_s)
{
	int64_t end_s = beat_now_s(cli->config.state_dir, (int64_t)time(NULL)) + span_s;

	return (uint32_t)(op == ADMIN_LIST ? (end_s + 59) / 60 * 60 : end_s);
}

static int
decide(struct cli *cli, enum admin_op op, int argc, char **argv)
{
	const char *command = op == ADMIN_ALLOW ? "allow" : op == ADMIN_LIST ? "block" : "forget", *word = NULL;
	struct message_admin m = { .op = op };
	struct passwd *pw = getpwuid(getuid());
	bool for_a_time = false, removes = false;
	struct prefix p;
	int64_t span;
	int status;

	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--for") == 0 && i + 1 < argc && op != ADMIN_FORGET) {
			if (!cli_parse_span(argv[++i], &span))
				return cli_usage_value(command, "--for", argv[i], "a time like 12h or 30d, 18250d at most");
			m.expires_s = until(cli, op, span);
			for_a_time = true;
		} else if (strcmp(argv[i], "--force") == 0 && op == ADMIN_ALLOW) {
			m.force = 1;
		} else if (strcmp(argv[i], "--remove") == 0 && op != ADMIN_FORGET) {
			removes = true;
		} else if (strcmp(argv[i], "--note") == 0 && i + 1 < argc) {
			if (strlen(argv[++i]) >= sizeof(m.note))
				return cli_usage(command, "--note: expected at most 255 bytes");
			(void)snprintf(m.note, sizeof(m.note), "%s", argv[i]);
		} else if (word == NULL && argv[i][0] != '-') {
			word = argv[i];
		} else {
			return cli_usage_word(command, argv[i]);
		}
	}
	if (word == NULL)
		return cli_usage(command, "found no address, expected one, or a network");
	if (removes && for_a_time)
		return cli_usage(command, "found --for and --remove, expected one of them");
	if (removes)
		m.expires_s = STORE_ALLOW_REMOVE;
	if (!prefix_parse(&p, word))
		return cli_bad_address(command, word, "an address, or a network whose host bits are zero");
	if (op == ADMIN_LIST && m.expires_s == 0)
		m.expires_s = until(cli, op, HAND_TERM_S);
	memcpy(m.addr, p.addr.b, sizeof(m.addr));
	m.len = p.len;
	(void)snprintf(m.who, sizeof(m.who), "%s", pw != NULL ? pw->pw_name : "unknown");
	status = cli_tell_watch(cli, argv[0], &m, sizeof(m));
	if (status == CLI_DONE && op == ADMIN_LIST && !removes && !cli->config.publish)
		fputs("mxtrap: listed, but refused by nobody: observing only, nothing is published until the configuration says "
		    "publish = yes\n", stderr);
	return status;
}

/* What waits is shown by `mxtrap status`; to hand it on needs a word more, so that nobody does it by a slip. */
int
cli_publish(struct cli *cli, int argc, char **argv)
{
	struct message_admin m = { .op = ADMIN_PUBLISH };
	struct passwd *pw = getpwuid(getuid());
	bool accept = false;

	message_init(&m.head, MESSAGE_ADMIN, sizeof(m));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--accept") == 0) {
			accept = true;
		} else if (strcmp(argv[i], "--note") == 0 && i + 1 < argc) {
			if (strlen(argv[++i]) >= sizeof(m.note))
				return cli_usage("publish", "--note: expected at most 255 bytes");
			(void)snprintf(m.note, sizeof(m.note), "%s", argv[i]);
		} else {
			return cli_usage_word("publish", argv[i]);
		}
	}
	if (!accept)
		return cli_usage("publish", "expected --accept (`mxtrap status` says what waits)");
	(void)snprintf(m.who, sizeof(m.who), "%s", pw != NULL ? pw->pw_name : "unknown");
	return cli_tell_watch(cli, argv[0], &m, sizeof(m));
}

int
cli_allow(struct cli *cli, int argc, char **argv)
{
	return decide(cli, ADMIN_ALLOW, argc, argv);
}

int
cli_forget(struct cli *cli, int argc, char **argv)
{
	return decide(cli, ADMIN_FORGET, argc, argv);
}

int
cli_block(struct cli *cli, int argc, char **argv)
{
	return decide(cli, ADMIN_LIST, argc, argv);
}
