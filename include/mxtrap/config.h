/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - the parsed, checked configuration: a plain struct.
 *
 * Whatever is wrong is reported once on standard error as
 * `file:line: found ..., expected ...`, with the right line: the first 20 faults, sorted by
 * line, and how many more there are; nothing starts then.  What is allowed and probably not
 * meant is a warning, which is kept for those who ask (-n, the supervisor).
 */
#ifndef MXTRAP_CONFIG_H
#define MXTRAP_CONFIG_H

#include "mxtrap/judge.h"
#include "mxtrap/mxset.h"
#include "mxtrap/trap.h"

#define CONFIG_MAX_INTERFACES 16
#define CONFIG_MAX_LISTEN     8
#define CONFIG_STATE_DIR_MAX 92	/* behind it come "/control.sock" and "/answer.PID", in the 107 bytes that a socket may have */
#define CONFIG_ZONE_MAX	      150	/* leaves room for an IPv6 address's 64 octets in front, and for "suspect." */
#define CONFIG_PATH_SIZE     104	/* "unix:" and a path that fits struct sockaddr_un */
#define CONFIG_PEM_SIZE     256
#define CONFIG_MAX_ANSWERING  480	/* addresses that decoy listens on */

struct config_pool {
	char name[64];
	bool allow;				/* its members are never listed */
};

struct config {
	char  *path;
	size_t n_interfaces;
	char   interfaces[CONFIG_MAX_INTERFACES][64];
	char  *state_dir;
	char  *warnings;			/* owned: lines of `file:line: warning: ...`; NULL: none */
	bool   publish;
	uint32_t publish_after_s;
	char   contact[128];			/* told to whoever is refused; "": nobody */
	struct ladder ladder;
	size_t n_allow;
	struct prefix *allow;			/* owned: the allow section's, then those of pools that say so */
	size_t n_allow_own;			/* how many of them are the allow section's */
	size_t n_pools;				/* pool "NAME" { ... }: a pool's id is its place here, from 1 */
	struct config_pool *pools;		/* owned */
	size_t n_members;
	struct pool_member *members;		/* owned */
	size_t n_allow_spf;
	char (*allow_spf)[MXSET_NAME_SIZE];	/* owned; read, kept, not yet resolved */
	bool   special_purpose;			/* default true */
	bool   correspondents;			/* excuse hosts that we send mail to; default true */
	struct judge_params judge;
	struct trap_limits  limits;		/* limits { senders = ... } */
	uint32_t ring_bytes;			/* capture { ring = "64MiB" } */
	uint32_t greeting_delay_s;		/* of an exchanger that talks */
	uint32_t dialogues, dialogues_per_source;	/* limits: at once */
	uint32_t retention_attempts_s;		/* store { attempts = "14d" } */
	uint64_t store_max_bytes;		/* store { max-size = "4GiB" } */
	bool   probe;				/* connect to the real MXs now and then; default yes */
	uint32_t probe_interval_s;
	char   web_listen[CONFIG_MAX_LISTEN][CONFIG_PATH_SIZE];	/* "127.0.0.1:8725", "unix:/PATH"; n_web 0: no web */
	size_t n_web;
	char   web_hosts[CONFIG_MAX_LISTEN][MXSET_NAME_SIZE];	/* further Host names to accept */
	size_t n_web_hosts;
	char   web_certificate[CONFIG_PEM_SIZE], web_key[CONFIG_PEM_SIZE];	/* PEM files; "": no TLS */
	unsigned web_certificate_line;
	char   web_group[64];			/* who may connect to a unix socket; "mxtrap" */
	char   dnsbl_listen[CONFIG_MAX_LISTEN][64];	/* n_dnsbl 0: no DNSBL */
	size_t n_dnsbl;
	char   dnsbl_zone[MXSET_NAME_SIZE];	/* "bl.example.org" */
	bool   dnsbl_suspects;			/* also serve suspect.ZONE; default no */
	char   postfix_listen[CONFIG_MAX_LISTEN][CONFIG_PATH_SIZE];	/* "unix:/run/mxtrap/postfix.sock" or as web's */
	size_t n_postfix;
	char   postfix_group[64];		/* who may connect to a unix socket; "postfix" */
	char   geoip_country[256], geoip_asn[256];	/* files (mmdb) that web looks into; "": none */
	char   p0f_database[256];		/* p0f.fp, which web reads; "": the usual path, if it is there */
	bool   firewall;			/* keep nftables sets in step with the list */
};

/* Read and check a file.  On failure says why on standard error, returns -1, *out untouched. */
int config_load(struct config *out, const char *path);
/* The same from memory (children read what the supervisor read); path is for messages. */
int config_parse(struct config *out, const char *path, const char *text);
/* The file's text and that of all that it includes, at most 4 MiB; caller frees.  NULL: said why. */
char *config_read(const char *path);
/* What only this host can say of it, and only when asked (-n): interfaces, files, groups that are
 * not there.  Faults that keep mxtrapd from starting, and warnings, as lines to the stream
 * (FILE *); returns how many faults. */
unsigned config_look(const struct config *, void *stdio_file);
/* Canonical form to a stream: config_parse() of it gives the same config. */
void config_print(const struct config *, void *stdio_file);
void config_free(struct config *);
/* "unix:/PATH": the path, else NULL. */
const char *config_unix(const char *text);
/* "192.0.2.1:25" or "[2001:db8::1]:25" (the form of web_listen).  Port 0 is none. */
bool config_listen(const char *text, struct addr *addr, uint16_t *port);

#endif
