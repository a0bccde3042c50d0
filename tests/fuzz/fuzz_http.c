/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_http.c - what a stranger may send to the web process: target, Host, If-None-Match.
 *
 * One input is up to three lines.  They go through the parser, the Host check and the
 * whole of route(), with a small real database behind it; what comes out must be an
 * answer of a known kind.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/store.h"

#include "../../web/web_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config_text[] =
    "interface = \"lo\"\n"
    "publish = yes\n"
    "publish-after = \"0s\"\n"
    "mx-set \"example.org\" {\n"
    "    domains = { \"example.org\" }\n"
    "    exchanger \"mx1.example.org\" { preference = 20 role = \"real\" witness = \"wire\""
    "  addresses = { \"198.51.100.20\" } }\n"
    "    exchanger \"mx9.example.org\" { preference = 90 role = \"bogus\" answer = \"reset\""
    "  addresses = { \"198.51.100.30\" } }\n"
    "}\n"
    "allow { special-purpose = no }\n"
    "judge { list-on = \"proven\" }\n"
    "web { listen = \"127.0.0.1:8725\" }\n";

static struct config config;
static struct web    web;
static struct store *store;
static char	     dir[] = "/tmp/mxtrap-fuzz-http.XXXXXX";

static void
tidy(void)
{
	char command[64];

	web_clear(&web);
	store_close(store);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		_exit(1);
}

static void
put_sender(struct sink *sink, const char *address, uint8_t state)
{
	uint32_t now = (uint32_t)time(NULL);
	struct addr addr;
	struct sender_row row = { .score = 10, .hint = 10, .blame = 10, .sums_at_s = now,
	    .first_seen_s = now - 60, .last_seen_s = now, .listed_since_s = now,
	    .expires_s = (now + 86400) / 60 * 60, .kinds = 1, .state = state, .grade = GRADE_PROVEN };
	struct change_row change = { .time_us = (int64_t)now * 1000000, .score = 10, .since_s = now,
	    .expires_s = row.expires_s, .first_seen_s = now - 60, .last_seen_s = now, .kinds = 1,
	    .new_state = state, .grade = GRADE_PROVEN };

	if (!addr_parse(&addr, address))
		abort();
	row.key = change.sender = addr_sender(&addr);
	change.what = sender_prefix(row.key);
	sink->sender(sink->ctx, &row);
	sink->change(sink->ctx, &change);
}

static void
begin(void)
{
	struct store_options options = { .dir = dir, .ladder = &config.ladder,
	    .retention_attempts_s = 86400, .max_bytes = 1U << 28 };
	struct sink sink;

	if (mkdtemp(dir) == NULL || config_parse(&config, "fuzz", config_text) != 0)
		abort();
	free(config.state_dir);
	config.state_dir = strdup(dir);
	if (store_open(&store, &options) != STORE_OK || !web_init(&web, &config))
		abort();
	sink = store_sink(store);
	put_sender(&sink, "203.0.113.7", STATE_LISTED);
	put_sender(&sink, "2001:db8:1::1", STATE_SUSPECT);
	if (!store_sync(store))
		abort();
	(void)atexit(tidy);
	web_look(&web);
	if (web.report == NULL)
		abort();
}

static void
ask(struct request *req, const char *method)
{
	struct reply reply;

	reply_init(&reply);
	route(&web, req, method, &reply);
	if (reply.status < 200 || reply.status > 599)
		abort();
	if (reply.kind == BODY_NONE && reply.status != 304)
		abort();
	/* What came in must not come out as markup. */
	if (reply.kind == BODY_OWNED && memchr(reply.body, '<', reply.size) != NULL)
		abort();
	reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request req;
	char *text, *host, *tag;

	if (store == NULL)
		begin();
	if ((text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	host = strchr(text, '\n');
	if (host != NULL)
		*host++ = '\0';
	tag = host != NULL ? strchr(host, '\n') : NULL;
	if (tag != NULL)
		*tag++ = '\0';
	if (host != NULL)
		(void)hosts_allow(&web.hosts, host);
	(void)request_parse(&req, text);
	if (tag != NULL && strlen(tag) < sizeof(req.if_none_match))
		(void)snprintf(req.if_none_match, sizeof(req.if_none_match), "%s", tag);
	req.now_s = (int64_t)time(NULL);
	ask(&req, "GET");
	ask(&req, "POST");
	free(text);
	return 0;
}
