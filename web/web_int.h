/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * web_int.h - what the files of web/ share: a request, a reply, and what is served from.
 *
 * A handler turns a request into a reply and has heard of neither sockets nor
 * libmicrohttpd (server.c alone has).  It runs with web.lock held, so it never
 * waits for a client: what it answers is complete before a byte is sent.
 */
#ifndef MXTRAP_WEB_INT_H
#define MXTRAP_WEB_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "aside.h"
#include "mxtrap/status.h"
#include "mxtrap/asset.h"
#include "mxtrap/export.h"
#include "mxtrap/hand.h"
#include "mxtrap/json.h"
#include "mxtrap/message.h"
#include "document.h"
#include "os.h"
#include "stream.h"

#define PROBLEM_SIZE 1400		/* the detail of a problem */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* -- request.c: the request target, parsed by ourselves -- */

#define REQUEST_URI_MAX	   2048		/* longer: 414 */
#define REQUEST_MAX_PARAMS 12
#define REQUEST_ARG_SIZE   128
#define REQUEST_BODY_MAX   4096
#define DISCARD_MAX	   65536

enum request_result { REQUEST_OK, REQUEST_BAD, REQUEST_TOO_LONG };

struct request {
	enum request_result result;	/* of request_parse() */
	char   path[REQUEST_URI_MAX + 1];	/* as sent: not decoded */
	char   text[REQUEST_URI_MAX + 1];	/* what params point into */
	size_t n_params;
	struct {
		const char *name, *value;
	} params[REQUEST_MAX_PARAMS];
	char   arg[REQUEST_ARG_SIZE];	/* the decoded {...} of the route's pattern */
	char   if_none_match[512];	/* "": none */
	bool   fetches;			/* by its path it asks for what consumers are given */
	bool   is_old;			/* HTTP/1.0 or older: it needs no Host */
	/* Of these only: "" where there is none. */
	char   url_token[REQUEST_ARG_SIZE], api_key[128], agent[96];
	bool   takes_gzip;
	bool   needs_length;		/* HTTP/1.0, where a body without one would look whole wherever it broke off; HEAD */
	char   last_event_id[64];	/* "": none */
	char   client[ADDR_TEXT_SIZE];	/* who is at the other end, of all */
	int64_t now_s;
	/* Of a POST, and the last of these too of what fetches: "" where there is none. */
	char   host[512], origin[512], fetch_site[32], content_type[64], authorization[256];
	bool   posts;			/* by method and path: it may have a body */
	bool   discards;		/* and nobody reads it: it may be DISCARD_MAX long */
	char   body[REQUEST_BODY_MAX];
	size_t body_size;		/* more than REQUEST_BODY_MAX: it was longer */
};

enum request_result request_parse(struct request *, const char *uri);
/* NULL: not given. */
const char *request_param(const struct request *, const char *name);
/* A decimal number of at most max; absent: *out is left alone.  False: it is something else. */
bool request_number(const struct request *, const char *name, uint64_t max, uint64_t *out);
/* An address, or one sender as answers spell it ("192.0.2.7/32", "2001:db8:1:2::/64", a /128).  False: neither. */
bool request_sender(const char *text, struct addr *out);
/* %XX decoding of at most n bytes into a buffer.  False: a bad escape, a control byte, no room. */
bool request_decode(char *out, size_t size, const char *text, size_t n, bool plus_is_space);

/* -- hosts.c: which Host is answered (against DNS rebinding) -- */

#define HOSTS_MAX (3 + 2 * CONFIG_MAX_LISTEN)

struct hosts {
	size_t n;
	char   names[HOSTS_MAX][MXSET_NAME_SIZE];
};

void hosts_init(struct hosts *, const struct config *);
/* Is it one of them, exactly, without regard to case, with or without a port?  Anything odd is not. */
bool hosts_name_us(const struct hosts *, const char *host);
/* Is it one of them, or an address as such ("192.0.2.1:8725", "[2001:db8::1]")?  Nobody can rebind an address. */
bool hosts_allow(const struct hosts *, const char *host);

/* -- reply.c -- */

enum body_kind {
	BODY_NONE, BODY_STATIC, BODY_OWNED, BODY_FD,
	BODY_GROWING,			/* sent as it is written, of no known size; one that fails breaks off visibly */
	BODY_STREAM,			/* events, for as long as the client stays */
	BODY_LATER,			/* no answer yet: ask the handler again when `document` has come to `wait_for` */
};

struct reply {
	unsigned    status;
	enum body_kind kind;
	const char *media_type;		/* static */
	const void *body;		/* BODY_STATIC; BODY_OWNED: from malloc */
	struct event_stream *stream;		/* BODY_STREAM: likewise */
	int	    fd;			/* BODY_FD: whoever takes the reply closes it */
	struct document *document;	/* BODY_GROWING, BODY_LATER: a reference */
	enum document_stage wait_for;
	uint64_t    size;		/* BODY_GROWING: about */
	char	    etag[160];		/* with its quotes; "": none */
	const char *cache_control;	/* static; NULL: "no-cache" */
	int64_t	    last_modified_s, expires_s;	/* 0: none */
	const char *allow;		/* 405: static */
	bool	    gzipped, varies;	/* the body is; it may be, for who asks so */
	unsigned    retry_after_s;	/* 0: none */
	char	    unpublished[160];	/* why an export is empty; "": it is not */
	bool	    unreadable;		/* by reply_report(): routes.c says why the database cannot be read */
};

void reply_init(struct reply *);
/* Free or close what it owns; it is as after reply_init() then. */
void reply_clear(struct reply *);
/* An RFC 9457 problem, which is CrowdSec's error as well ("message").  Replaces whatever the reply was. */
void reply_problem(struct reply *, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A parameter's value that is none (or is missing): 400, what was found, and what is expected. */
void reply_value(struct reply *, const struct request *, const char *name, const char *expected, ...)
    __attribute__((format(printf, 4, 5)));
/* What a report_result other than REPORT_OK means to a client. */
void reply_report(struct reply *, enum report_result);
/* Takes the buffer of a finished json as the body; without an ETag, makes one of the content. */
void reply_json(struct reply *, struct json *, unsigned status);
/* Does If-None-Match name this ETag (weak comparison)? */
bool etag_matches(const char *if_none_match, const char *etag);
/* The same reply without its body, as 304. */
void reply_not_modified(struct reply *);
uint64_t hash_bytes(const void *, size_t);	/* FNV-1a: for ETags, not for tables */
/* Why an export is empty, fit for a header's value. */
void reply_unpublished(struct reply *, const char *why);
#define HTTP_DATE_SIZE 48
/* "Sun, 06 Nov 1994 08:49:37 GMT".  False: no such time. */
bool http_date(char text[static HTTP_DATE_SIZE], int64_t when_s);

struct web;

/* -- gzip.c -- */

/* Does this Accept-Encoding take gzip? */
bool gzip_wanted(const char *accept);
/* Compress what a descriptor has, from its beginning.  False: it could not be written, or was stopped. */
bool gzip_document(int from, struct document *to, const _Atomic bool *stop);
const char *gzip_library(void);

/* -- identity.c: who asks (web.lock is held) -- */

struct identity {
	char who[64];			/* the token's name; else the client's address */
	bool by_token;
	char shown[MESSAGE_TOKEN_SIZE];	/* the token itself, for watch, which asks for it as well */
};
/* Who is it, and may he do what `wanted` names (token_may)?  needed: not without a token.  False: *reply says so. */
bool identity_of(struct web *, const struct request *, const char *wanted, bool needed, struct identity *, struct reply *);

/* -- consumer.c: who fetches the list (web.lock is held) -- */

#define CONSUMERS_MAX 256

struct consumer {
	struct consumer_row row;
	bool untold;			/* watch does not know yet */
};
struct consumers {
	size_t	 n, next;
	bool	 loaded;		/* what the process before this one knew */
	uint64_t forgotten;		/* rows that made room for another */
	struct consumer rows[CONSUMERS_MAX];
};
struct consumer_page {
	struct json *json;
	struct report_state state;
	struct export_gate gate;
};
/* Note that somebody came for a document.  Never NULL; good until the next call. */
struct consumer_row *consumer_came(struct web *, const struct request *, const struct identity *, const char *what);
/* It has this state of the list now: while some are held, that of the last change before them (struct export_summary), so
 * that it does not have them when they are accepted until it comes again. */
void consumer_has(struct consumer_row *, const struct report_state *);
/* Of all who were given the list. */
struct consumers_sum {
	unsigned known, behind;		/* who they are; of their documents, that are not of the newest list and were not
					 * fetched for CONSUMERS_LATE_S */
	int64_t newest_s;		/* 0: nobody came */
};
#define CONSUMERS_LATE_S 900
void consumers_sum(struct web *, const struct report_state *, int64_t now_s, struct consumers_sum *);
/* "own": what of mxtrap itself uses the list and fetches nothing, so it is no consumer: dnsbl, postfix, firewall. */
/* Tell watch of some who came.  Takes web.lock if it is free, and does not wait. */
void consumers_tell(struct web *, int fd);

/* -- cache.c: exports, rendered once a state and kept as unlinked files (web.lock is held) -- */

#define EXPORT_SLOTS 8
#define EXPORT_SMALL 4096		/* entries; a list up to here is rendered while its client waits */

struct export_slot {
	const struct export_format *format;	/* NULL: empty */
	struct export_options options;
	char	 key[EXPORT_KEY_SIZE];	/* the options as a word */
	bool	 begun;			/* what follows up to `summary` is known; else it is queued */
	uint64_t generation, serial;
	int64_t	 minute;		/* 0 unless it changes with the clock */
	uint32_t held_s;		/* who was listed later is not in it; 0: all are */
	bool	 unpublished;
	struct export_summary summary;
	enum export_result result;	/* of one that failed */
	int64_t	 queued_ms, rendered_ms, cost_ms, used_ms;	/* rendered_ms 0: not yet */
	struct document *plain, *gzip;	/* references; gzip NULL: nobody wanted it so */
	bool	 gzip_due;		/* to be compressed when there is a plain one */
	bool	 pressed;		/* the press is at it: it stays */
	uint64_t counted;		/* bytes of it in the cache's sum */
};

struct export_cache {
	struct export_slot slots[EXPORT_SLOTS];
	uint64_t bytes, renders, hits;
};

/*
 * The newest rendering, the cache's until web.lock is let go.  A small list's is made now; a large one's is asked
 * for, and may be queued or growing.  NULL: *reply says why.
 */
struct export_slot *export_slot(struct web *, const struct export_format *, const struct export_options *, int64_t now_s,
    struct reply *);
/* Have it compressed, too.  NULL: it goes out as it is. */
struct document *export_gzip(struct web *, struct export_slot *);
/* A document of the slot as a reply's body.  False: *reply says that it is to come later, or why not at all. */
bool export_body(const struct request *, struct export_slot *, struct document *, struct reply *);
void export_cache_drop(struct export_cache *);
/* Of the press: what to do next, with `pressed` set; NULL: nothing. */
struct export_slot *export_next(struct export_cache *);
/* The state of it is known; it ended. */
void export_begun(struct export_slot *, const struct export_summary *, int64_t now_s);
void export_ended(struct export_cache *, struct export_slot *, enum export_result);
void export_gzipped(struct export_cache *, struct export_slot *);

/* -- press.c: the thread that renders large exports, so that nobody else waits for them -- */

struct press {
	pthread_t      thread;
	pthread_cond_t work;		/* with web.lock */
	bool	       runs;
	_Atomic bool   stop;
	struct report *report;		/* owned; its own, so that a walk holds up no look-up */
	_Atomic int64_t busy_since_ms;	/* 0: idle */
};

/* False: there is none, and everything is rendered while its client waits. */
bool press_start(struct web *);
/* What is in work or queued fails, and who waited is woken. */
void press_stop(struct web *);

/* -- header.c -- */

struct headers {
	const char *host, *if_none_match, *last_event_id;
	unsigned    n_hosts;
	bool	    has_body, chunked, takes_gzip;
	uint64_t    length;		/* of the body, as told */
	struct request *post;		/* NULL: the rest does not matter */
	struct request *fetch;		/* likewise */
	bool	    odd;		/* a header twice that must be there once, or one too long */
};

void header_begin(struct headers *, struct request *);
/* One header of it, as sent. */
void header_see(struct headers *, const char *name, const char *value);
/* All were seen: is there anything that forbids to read on?  False: *reply says what. */
bool header_acceptable(struct web *, const struct headers *, struct request *, struct reply *);

/* -- web.c: what everything is served from -- */

struct web_counters {			/* relaxed atomics: they are only ever shown */
	_Atomic uint64_t replies[6];	/* by hundreds of the status */
	_Atomic uint64_t connections, opened, cut, evicted, crowded, refused_hosts;
	_Atomic uint64_t refused_origins, refused_tokens, decisions;
};

struct web {
	const struct config *config;
	struct hosts	     hosts;
	char		    *certificate, *key;	/* PEM text; NULL: no TLS */
	pthread_mutex_t	     deciding;	/* around a decision, and taken before lock */
	pthread_mutex_t	     lock;	/* around all below, and around each handler */
	struct report	    *report;	/* NULL: no database yet */
	enum report_result   opened;	/* ... and what report_open() said of it */
	_Atomic bool	     damaged;	/* it, or press's: told with each heartbeat */
	enum stored	     stored;	/* as web_look() found it last */
	enum watched	     watched;	/* ... and that was logged: WATCHED_NEVER not seen yet, WATCHED_YES, WATCHED_SILENT */
	struct export_cache  exports;
	struct press	     press;
	struct consumers     consumers;
	struct os_file	     os;	/* of p0f; handle_sender() looks at it */
	struct aside	     aside;	/* has a lock of its own, to be taken behind this one */
	struct web_counters  counters;
	struct streams	     streams;	/* has a lock of its own */
	int		     line_fd;	/* to watch; -1: none */
	_Atomic int64_t	     busy_since_ms;	/* a handler runs since then; 0: none */
};

bool web_init(struct web *, const struct config *);
void web_clear(struct web *);
/* Look whether the database has come.  Once open, report.h itself sees when it is replaced. */
void web_look(struct web *web);
int64_t clock_ms(void);			/* CLOCK_MONOTONIC */

/* -- routes.c -- */

/* Answer a parsed request (web.lock is taken inside).  method: as sent. */
void route(struct web *, struct request *, const char *method, struct reply *);

typedef void handler(struct web *, const struct request *, struct reply *);
handler handle_list, handle_senders, handle_check;			/* api.c */
handler handle_sender;							/* explain.c */
handler handle_mx_sets, handle_status, handle_healthz;			/* overview.c */
handler handle_overview;						/* glance.c */
handler handle_breakdown;						/* breakdown.c */
handler handle_about;							/* about.c */
handler handle_risk;							/* risk.c */
handler handle_series;							/* series.c */
handler handle_metrics;							/* metrics.c */
handler handle_export;							/* body.c */
handler handle_changes;							/* changes.c */
handler handle_consumers;						/* consumer.c */
handler handle_decisions_stream, handle_decisions;			/* lapi.c */
handler handle_token_add, handle_token_revoke;				/* tokens.c: without web.lock */
handler handle_allow, handle_forget, handle_list_by_hand;		/* admin.c: without web.lock */
handler handle_publish;							/* publish.c: without web.lock */
handler handle_events;							/* events.c */
handler handle_audit;							/* audit.c */
/* The member "undo": what would undo it, or null. */
void json_undo(struct json *, const struct report_audit *, int64_t now_s);
handler handle_usage_metrics;						/* lapi.c: without web.lock */
/* Is it answered whatever name the server was asked by? */
bool route_any_host(const struct request *);
/* Is this a path that consumers fetch?  What is shown of them is read from its headers then. */
bool route_fetches(const struct request *);
/* The table, one after another, for tests that shall leave none out.  NULL: no more. */
const char *route_at(size_t, bool *has_arg, bool *posts);
/* The parameters of one, likewise, with the form of their values. */
const char *route_param_at(size_t route, size_t, const char **form);
/* Is this the path of something that may be changed by POST? */
bool route_posts(const struct request *, const char *method);

/* -- fields.c: a JSON object of strings and truths -- */

#define FIELDS_WHY_SIZE 256
struct field {
	const char *name;
	char	   *text;		/* NULL: a truth */
	size_t	    size;
	bool	   *flag;
	bool	    given;
};
/* False: why says what was found and what was expected. */
bool fields_read(const char *body, size_t n, struct field *, size_t n_fields, char why[static FIELDS_WHY_SIZE]);

/* -- line.c: a decision to watch -- */

/* Forbidden: by a rule; refused: not now. */
enum line_result { LINE_DONE, LINE_FORBIDDEN, LINE_REFUSED, LINE_SILENT, LINE_DOWN };
/* A struct message_admin, message_token or message_purge, in the name of who asks, with the token that was shown.
 * answer is good with the first three.  Waits 2.5 s at most; what was not answered by then is done only if watch
 * had begun it. */
enum line_result line_ask(struct web *, const struct identity *, const void *record, size_t size, struct message_answer *answer);

/* -- admin.c: what all that change something share -- */
/* Does it come from here, with a token that may, as JSON?  False: *reply says what is wrong. */
bool admin_may(struct web *, const struct request *, struct identity *, struct reply *);
/* "30d" from now; false: something else. */
bool parse_for(const char *text, int64_t now_s, uint32_t *expires_s);
/* What came of asking watch, other than LINE_DONE. */
void reply_line(struct reply *, enum line_result, const struct message_answer *);

/* GENERATION:SERIAL (changes.c); what an attempt came to, and why the list changed (explain.c): NULL: no such. */
bool parse_state_name(const char *text, uint64_t *generation, uint64_t *serial);
const char *outcome_name(uint8_t outcome);
const char *cause_name(uint8_t cause);

/* -- top.c: who has the highest score -- */

#define TOP_NONE SIZE_MAX
/* Those behind `after` (NULL: from the highest), at most `most`.  TOP_NONE: *reply says why not. */
size_t top_rows(struct web *, enum sender_state, const char *after, size_t most, struct top_row *rows, struct reply *);

/* The state of all (says.c); caller frees.  Inside web.lock.  NULL: no memory. */
struct status *web_status(struct web *, int64_t wall_s);

/* -- connection.c: absolute deadlines, and who makes room for whom -- */

#define CONNECTION_MAX	    2048	/* a listener, where as many descriptors may be had */
#define PER_ADDRESS_MAX	    256		/* of one IPv4 address or IPv6 /64: a proxy in front is one */
#define CROWDED_MAX	    32		/* beside these: they are answered with 503 */
#define READING_LONG_MS	    2000	/* a request whose headers take longer makes room, where nothing idle is left */
#define STALLED_MS	    5000	/* a client that takes nothing of its answer for so long does, too */
#define DEADLINE_REQUEST_MS 10000	/* from accept to the last header */
#define DEADLINE_IDLE_MS    20000	/* from a reply to the next request's last header */
#define DEADLINE_REPLY_MS   30000	/* and a second for each 16 KiB */
#define DEADLINE_STREAM_MS  (STREAM_BEAT_MS + STREAM_STALL_MS)	/* between two pieces of a stream of events */

enum connection_phase { CONNECTION_FREE, CONNECTION_REQUEST, CONNECTION_IDLE, CONNECTION_REPLY, CONNECTION_STREAM };

#define READY_SIZE 384		/* a small answer: one entry with most of its reasons */

struct connection {
	void	*ready;		/* server.c's: a response whose body is ready_body; NULL: none yet */
	struct waiter waiter;	/* for a document; it waits for one at a time */
	char	 ready_body[READY_SIZE];
	struct request request;
};

/* What is looked through at each connection: apart from the rest, which is large. */
struct seat {
	int	   fd;
	enum connection_phase phase;
	sender_key who;			/* 0: a unix socket, where there is one peer for all */
	int64_t	   since_ms, deadline_ms;	/* of the phase */
	int64_t	   looked_ms, moved_ms;	/* of an answer: when it was looked at, and when its client last took something */
	uint64_t   acked;		/* bytes, as of then */
	bool	   reading;		/* of REQUEST and IDLE: its request line is there */
	bool	   crowded;		/* it came when its address had enough, and nothing could make room */
	bool	   cut;			/* shut down; the library closes it soon */
};

struct connections {
	pthread_mutex_t	   lock;
	size_t		   n_open;
	size_t		   most, used;	/* used: no seat from there on was ever taken */
	struct connection *all;		/* owned; most of them */
	struct seat	  *seats;	/* owned; likewise, in the same order */
	_Atomic uint64_t   evicted, refused;	/* idle ones that made room; those without any */
};

bool connections_init(struct connections *, size_t most);
void connections_clear(struct connections *);
/*
 * One more, of this peer (addr_sender(); 0: a unix socket).  Where that has PER_ADDRESS_MAX, or the listener is nearly
 * full, the one that was idle longest makes room (of the peer, or of all); what is being asked or answered goes on.
 * NULL: full.
 */
struct connection *connection_open(struct connections *, int fd, sender_key who, int64_t now_ms);
int connection_fd(const struct connections *, const struct connection *);
/* Its request line is there. */
void connection_reads(struct connections *, struct connection *);
/* Did nothing make room for it, and is it still so? */
bool connection_crowded(struct connections *, const struct connection *);
void connection_phase(struct connections *, struct connection *, enum connection_phase,
    uint64_t bytes, int64_t now_ms);
/* Call before the descriptor is closed: afterwards its number may be somebody else's. */
void connection_close(struct connections *, struct connection *);
/* Shut down what is past its deadline.  Returns how many. */
size_t connections_sweep(struct connections *, int64_t now_ms);

/* -- server.c -- */

struct server;
/* Serve at most so many on a bound socket (listen() is called here).  NULL: said why. */
struct server *server_start(struct web *, int fd, size_t most);
/* For streams_start(). */
void server_resume(void *connection);
void server_sweep(struct server *, int64_t now_ms);
void server_stop(struct server *);
const char *server_library(void);

#endif
