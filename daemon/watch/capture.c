/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture.c - libpcap, live or savefile; the only file that knows it.
 */
#include "mxtrap/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "mxtrap/log.h"
#include "pcapng.h"

#define SNAPLEN	   256
#define REMIND_S   60		/* an interface that stays away is mentioned this often */
#define TIMEOUT_MS 20		/* a block of the ring is handed over after this, also half full */

#define LOOK_AFTER_S 3		/* without a packet of ours: what is there instead? */
#define LOOK_AGAIN_S 3600
#define LOOK_S	   5		/* so long, */
#define LOOK_FRAMES 200		/* or so many frames */
#define LOOK_RING  (1 << 20)
#define TYPES	   8		/* of frames that are not IP, told apart */
#define FILE_BUFFER ((size_t)1 << 18)

struct capture {
	pcap_t *pcap;				/* NULL: the interface is not there */
	char	name[256];
	bool	live, at_end;
	unsigned ifindex;			/* of the interface as it was opened; 0: "any" */
	enum packet_link link;
	const struct ladder *ladder;		/* live: for the filter, to open again */
	struct addr *own;			/* owned; likewise */
	size_t	n_own;
	char   *filter;				/* owned; as it was last set */
	uint32_t ring_bytes;
	struct capture_counters counters;
	uint64_t last_drops, last_ifdrops;	/* of this opening */
	struct log_rate rate;
	int64_t	 tried_s;
	int64_t	 trouble_s;			/* live: an error came in this second */
	int64_t	 told_s;			/* live: when its absence was last said */
	FILE	*file;
	struct capture *look;			/* owned; live: a second handle without a filter, for a moment */
	int64_t	 opened_s, look_s;		/* live: this opening; when the last look began, 0: none */
	char	*seen;				/* owned; what the last look saw; NULL: none was needed */
	int	 other_link;			/* the last that is not read */
	struct pcapng *ng;			/* owned; a file of that format, which libpcap does not see */
	struct { uint16_t type; uint64_t n; } types[TYPES];	/* of frames that are not IP */
	char	*buffer;			/* owned; of file */
	uint64_t file_bytes;
	char	 error[256];
	struct packet *out;			/* where capture_read() puts them */
	size_t	 n_out, max_out;
};

static int64_t
monotonic_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int64_t
wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static bool
map_link(int dlt, enum packet_link *out)
{
	switch (dlt) {
	case DLT_EN10MB:
		*out = LINK_ETHERNET;
		return true;
	case DLT_LINUX_SLL:
		*out = LINK_SLL;
		return true;
	case DLT_LINUX_SLL2:
		*out = LINK_SLL2;
		return true;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		*out = LINK_RAW;
		return true;
	case DLT_NULL:
		*out = LINK_NULL;
		return true;
	case DLT_LOOP:
		*out = LINK_LOOP;
		return true;
	default:
		return false;
	}
}

/* What a savefile calls it (LINKTYPE_*): mostly the same number. */
static int
linktype_dlt(uint16_t linktype)
{
	return linktype == 101 ? DLT_RAW : linktype == 108 ? DLT_LOOP : linktype;
}

static const char *
link_name(int dlt)
{
	const char *name = pcap_datalink_val_to_name(dlt);

	return name != NULL ? name : "unknown";
}

/* Thousands of addresses make a filter too long for the kernel: then without them; the decoder checks. */
static int
set_filter(struct capture *c, pcap_t *pcap)
{
	struct bpf_program program;
	char *text = capture_filter(c->ladder, c->own, c->n_own, c->link == LINK_ETHERNET);
	int rc = -1;

	if (text != NULL && pcap == c->pcap && c->filter != NULL && strcmp(text, c->filter) == 0) {
		free(text);
		return 0;
	}
	if (text != NULL && pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) == 0) {
		rc = pcap_setfilter(pcap, &program);
		pcap_freecode(&program);
	}
	free(c->filter);
	c->filter = text;
	if (rc == 0)
		return 0;
	if (pcap_compile(pcap, &program, "port 25 or (vlan and port 25)", 1, PCAP_NETMASK_UNKNOWN) != 0)
		return -1;
	rc = pcap_setfilter(pcap, &program);
	pcap_freecode(&program);
	return rc;
}

/* Returns NULL: *why says so. */
static pcap_t *
open_pcap(struct capture *c, char why[static 256])
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(c->name, errbuf);
	int rc;

	if (pcap == NULL) {
		(void)snprintf(why, 256, "%s", errbuf);
		return NULL;
	}
	if (pcap_set_snaplen(pcap, SNAPLEN) != 0 || pcap_set_promisc(pcap, 0) != 0 ||
	    pcap_set_timeout(pcap, TIMEOUT_MS) != 0 || pcap_set_buffer_size(pcap, (int)c->ring_bytes) != 0) {
		(void)snprintf(why, 256, "cannot set capture options");
		pcap_close(pcap);
		return NULL;
	}
	rc = pcap_activate(pcap);
	if (rc < 0) {
		const char *what = pcap_statustostr(rc), *more = pcap_geterr(pcap);

		(void)snprintf(why, 256, "%s%s%.160s", what, *more != '\0' && strcmp(what, more) != 0 ? ": " : "",
		    strcmp(what, more) != 0 ? more : "");
		pcap_close(pcap);
		return NULL;
	}
	if (!map_link(pcap_datalink(pcap), &c->link)) {
		(void)snprintf(why, 256, "link type %s, expected Ethernet, Linux cooked, raw IP or loopback",
		    link_name(pcap_datalink(pcap)));
		pcap_close(pcap);
		return NULL;
	}
	if (set_filter(c, pcap) != 0 || pcap_setnonblock(pcap, 1, errbuf) != 0) {
		(void)snprintf(why, 256, "%.200s", *errbuf != '\0' ? errbuf : pcap_geterr(pcap));
		pcap_close(pcap);
		return NULL;
	}
	return pcap;
}

static void
say(struct capture *c, const char *what, const char *why)
{
	uint32_t hushed = 0;

	if (log_may(&c->rate, monotonic_s(), &hushed))
		log_warnx("capture: [%s] %s%s%s", c->name, what, *why != '\0' ? ": " : "", why);
}

/* -- what an interface shows that shows nothing of ours -- */

static void
look_end(struct capture *c)
{
	char saw[CAPTURE_SAW_SIZE], text[CAPTURE_SAW_SIZE + 64];
	struct capture *look = c->look;
	uint64_t ours;

	if (look == NULL)
		return;
	c->look = NULL;
	ours = look->counters.results[PACKET_OK];
	if (look->counters.frames == 0)
		(void)snprintf(text, sizeof(text), "no frames at all");
	else
		(void)snprintf(text, sizeof(text), "%" PRIu64 " frames: %s%s%s", look->counters.frames, capture_saw(look, saw),
		    ours > 0 && saw[0] != '\0' ? ", " : "", ours > 0 ? "the rest of port 25, but of none of our addresses" : "");
	free(c->seen);
	c->seen = strdup(text);
	log_warnx("capture: [%s] no packet of an exchanger's address has been seen for a minute; the interface shows %s", c->name, text);
	free(look->out);
	look->out = NULL;
	capture_close(look);
}

static void
look_begin(struct capture *c, int64_t now)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct capture *look = calloc(1, sizeof(*look));

	c->look_s = now;
	if (look == NULL)
		return;
	look->max_out = 1;
	look->out = calloc(1, sizeof(*look->out));
	look->pcap = pcap_create(c->name, errbuf);
	if (look->out == NULL || look->pcap == NULL || pcap_set_snaplen(look->pcap, SNAPLEN) != 0 ||
	    pcap_set_timeout(look->pcap, TIMEOUT_MS) != 0 || pcap_set_buffer_size(look->pcap, LOOK_RING) != 0 ||
	    pcap_activate(look->pcap) < 0 || !map_link(pcap_datalink(look->pcap), &look->link) ||
	    pcap_setnonblock(look->pcap, 1, errbuf) != 0) {
		free(look->out);
		look->out = NULL;
		capture_close(look);
		return;
	}
	c->look = look;
}

static void look_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes);

/* Each read of a live capture. */
static void
look_around(struct capture *c, int64_t now)
{
	if (c->counters.results[PACKET_OK] != 0) {
		free(c->seen);
		c->seen = NULL;
		if (c->look == NULL)
			return;
	}
	if (c->look == NULL) {
		if (now - c->opened_s >= LOOK_AFTER_S && (c->look_s == 0 || now - c->look_s >= LOOK_AGAIN_S))
			look_begin(c, now);
		return;
	}
	if (pcap_dispatch(c->look->pcap, LOOK_FRAMES, look_frame, (u_char *)c->look) < 0 || now - c->look_s >= LOOK_S ||
	    c->look->counters.frames >= LOOK_FRAMES)
		look_end(c);
}

const char *
capture_seen(const struct capture *c)
{
	return c->seen != NULL ? c->seen : "";
}

static void
lost(struct capture *c, const char *why)
{
	if (c->pcap != NULL) {
		(void)capture_counters(c);
		pcap_close(c->pcap);
		c->pcap = NULL;
	}
	c->last_drops = c->last_ifdrops = 0;
	if (c->counters.down_since_us == 0)
		c->counters.down_since_us = wall_us();
	else if (monotonic_s() - c->told_s < REMIND_S)
		return;
	c->told_s = monotonic_s();
	say(c, "not capturing", why);
}

static void
try_open(struct capture *c)
{
	char why[256] = "";

	c->tried_s = monotonic_s();
	c->pcap = open_pcap(c, why);
	if (c->pcap == NULL) {
		lost(c, why);
		return;
	}
	c->ifindex = if_nametoindex(c->name);
	c->opened_s = c->tried_s;
	if (c->counters.down_since_us != 0) {
		c->counters.reopened++;
		c->counters.down_since_us = 0;
		say(c, "capturing again", "");
	}
}

struct capture *
capture_open_live(const char *interface, const struct ladder *ladder, uint32_t ring_bytes)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	(void)snprintf(c->name, sizeof(c->name), "%s", interface);
	c->live = true;
	c->ladder = ladder;
	c->ring_bytes = ring_bytes;
	try_open(c);
	return c;
}

void
capture_own(struct capture *c, const struct addr *own, size_t n_own)
{
	struct addr *copy = calloc(n_own + 1, sizeof(*copy));

	if (copy == NULL)
		return;			/* as it was: what it misses is an excuse, not evidence */
	if (n_own > 0)
		memcpy(copy, own, n_own * sizeof(*own));
	free(c->own);
	c->own = copy;
	c->n_own = n_own;
	if (c->pcap != NULL && set_filter(c, c->pcap) != 0)
		say(c, "the filter could not be changed", pcap_geterr(c->pcap));
}

enum file_kind { FILE_ANY, FILE_PCAPNG, FILE_PACKED };

/* By its first bytes; those of a pcapng file are consumed, others are not.  Packed: name says by what and what unpacks. */
static enum file_kind
look_at(FILE *f, const char *name[static 2])
{
	static const struct {
		const char *magic;
		size_t	    n;
		const char *name, *unpack;
	} packed[] = {
		{ "\x1f\x8b", 2, "gzip", "zcat" }, { "\xfd" "7zXZ", 5, "xz", "xzcat" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstdcat" }, { "BZh", 3, "bzip2", "bzcat" },
	};
	unsigned char head[5] = { 0 };
	size_t n = 0;
	int b;

	while (n < sizeof(head) && (b = getc(f)) != EOF) {
		head[n++] = (unsigned char)b;
		if (n == 4 && memcmp(head, "\n\r\r\n", 4) == 0)
			return FILE_PCAPNG;
	}
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		if (n >= packed[i].n && memcmp(head, packed[i].magic, packed[i].n) == 0) {
			name[0] = packed[i].name;
			name[1] = packed[i].unpack;
			return FILE_PACKED;
		}
	}
	/* They were read out of the stream's buffer, and go back into it. */
	while (n > 0)
		(void)ungetc(head[--n], f);
	return FILE_ANY;
}

struct capture *
capture_open_file(const char *path, char why[static 256])
{
	struct capture *c = calloc(1, sizeof(*c));
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	const char *name[2] = { "", "" };
	struct stat st;

	if (c == NULL) {
		(void)snprintf(why, 256, "%s: out of memory", path);
		return NULL;
	}
	(void)snprintf(c->name, sizeof(c->name), "%s", path);
	c->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (c->file == NULL) {
		(void)snprintf(why, 256, "%.150s: cannot be opened: %.80s", path, strerror(errno));
		free(c);
		return NULL;
	}
	if (fstat(fileno(c->file), &st) == 0 && S_ISREG(st.st_mode))
		c->file_bytes = (uint64_t)st.st_size;
	/* stdio's own 4 KiB are one system call for each 40 packets. */
	c->buffer = malloc(FILE_BUFFER);
	if (c->buffer != NULL)
		(void)setvbuf(c->file, c->buffer, _IOFBF, FILE_BUFFER);
	switch (look_at(c->file, name)) {
	case FILE_PCAPNG:
		c->ng = pcapng_new(c->file);
		if (c->ng != NULL)
			return c;
		(void)snprintf(why, 256, "%.150s: out of memory", path);
		capture_close(c);
		return NULL;
	case FILE_PACKED:
		(void)snprintf(why, 256, "%.60s: found a file packed by %s, expected a pcap or pcapng capture; read it with: %s %.60s | "
		    "mxtrapd -c FILE -r -", path, name[0], name[1], path);
		capture_close(c);
		return NULL;
	case FILE_ANY:
		break;
	}
	c->pcap = pcap_fopen_offline(c->file, errbuf);
	if (c->pcap == NULL) {
		(void)snprintf(why, 256, "%.120s: found %.80s, expected a pcap or pcapng capture", path, errbuf);
		capture_close(c);
		return NULL;
	}
	if (!map_link(pcap_datalink(c->pcap), &c->link)) {
		(void)snprintf(why, 256, "%.120s: found link type %s, expected Ethernet, Linux cooked, raw IP or loopback",
		    path, link_name(pcap_datalink(c->pcap)));
		capture_close(c);
		return NULL;
	}
	return c;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->look != NULL)
		free(c->look->out);
	capture_close(c->look);
	free(c->seen);
	if (c->pcap != NULL)
		pcap_close(c->pcap);		/* closes a savefile's stream as well */
	else if (c->file != NULL)
		fclose(c->file);
	pcapng_free(c->ng);
	free(c->buffer);
	free(c->own);
	free(c->filter);
	free(c);
}

int
capture_fd(const struct capture *c)
{
	/* A descriptor in trouble is readable all the time: polling it would burn the processor. */
	if (c->pcap == NULL || !c->live || c->trouble_s == monotonic_s())
		return -1;
	return pcap_get_selectable_fd(c->pcap);
}

static void
count_type(struct capture *c, uint16_t type)
{
	size_t i = 0;

	while (i + 1 < TYPES && c->types[i].n > 0 && c->types[i].type != type)
		i++;
	c->types[i].type = c->types[i].n > 0 && c->types[i].type != type ? 0 : type;	/* the last: all others */
	c->types[i].n++;
}

static void
take(struct capture *c, const uint8_t *bytes, size_t caplen, size_t len, int64_t time_s, int64_t time_us)
{
	struct packet *p = &c->out[c->n_out];
	enum packet_result result = packet_decode(p, c->link, bytes, caplen, len);

	c->counters.frames++;
	c->counters.results[result]++;
	if (result == PACKET_NOT_IP)
		count_type(c, packet_ether_type(c->link, bytes, caplen < len ? caplen : len));
	if (result != PACKET_OK)
		return;
	/* Lie, or no clock: nothing behind this can hold such a time. */
	if (time_s < 0 || time_s >= CAPTURE_TIME_END_S || time_us < 0 || time_us >= 1000000) {
		c->counters.impossible_times++;
		return;
	}
	p->time_us = time_s * 1000000 + time_us;
	c->n_out++;
}

static void
take_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	/* libpcap hands over no more frames than asked for */
	take((struct capture *)(void *)user, bytes, h->caplen, h->len, h->ts.tv_sec, h->ts.tv_usec);
}

/* Looked at and forgotten. */
static void
look_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct capture *look = (struct capture *)(void *)user;

	take(look, bytes, h->caplen, h->len, h->ts.tv_sec, h->ts.tv_usec);
	look->n_out = 0;
}

/* Interfaces of a pcapng file may have different link types. */
static void
read_pcapng(struct capture *c)
{
	struct pcapng_frame f;
	int rc = 1;

	while (c->n_out < c->max_out && (rc = pcapng_next(c->ng, &f)) == 1) {
		if (!map_link(linktype_dlt(f.link), &c->link)) {
			c->counters.frames++;
			c->counters.other_links++;
			c->other_link = linktype_dlt(f.link);
			continue;
		}
		take(c, f.bytes, f.caplen, f.len, f.time_s, f.time_us);
	}
	c->at_end = rc != 1;
	if (rc < 0)
		(void)snprintf(c->error, sizeof(c->error), "%s", pcapng_error(c->ng));
}

/* Is the interface that was opened still the one of that name? */
static bool
interface_moved(const struct capture *c)
{
	return c->ifindex != 0 && if_nametoindex(c->name) != c->ifindex;
}

static int
read_live(struct capture *c)
{
	int64_t now = monotonic_s();
	int rc;

	if (c->pcap == NULL) {
		if (now != c->tried_s)
			try_open(c);
		return 0;
	}
	if (now != c->tried_s) {
		c->tried_s = now;
		if (interface_moved(c)) {
			lost(c, "the interface is gone or is another one");
			return 0;
		}
	}
	look_around(c, now);
	rc = pcap_dispatch(c->pcap, (int)c->max_out, take_frame, (u_char *)c);
	if (rc == PCAP_ERROR) {
		char why[200];

		(void)snprintf(why, sizeof(why), "%s", pcap_geterr(c->pcap));
		c->trouble_s = now;
		/* An interface that is only down comes back under the same handle. */
		if (interface_moved(c) || strstr(why, "disappeared") != NULL)
			lost(c, why);
		else if (c->n_out == 0)
			say(c, "trouble", why);
	}
	return (int)c->n_out;
}

int
capture_read(struct capture *c, struct packet *out, size_t max)
{
	c->out = out;
	c->max_out = max;
	c->n_out = 0;
	if (c->live)
		return read_live(c);
	if (c->ng != NULL && !c->at_end)
		read_pcapng(c);
	while (!c->at_end && c->n_out == 0) {
		int rc = pcap_dispatch(c->pcap, (int)max, take_frame, (u_char *)c);

		if (rc == 0)
			c->at_end = true;
		if (rc == PCAP_ERROR) {
			(void)snprintf(c->error, sizeof(c->error), "%s", pcap_geterr(c->pcap));
			c->at_end = true;
		}
	}
	if (c->n_out == 0 && c->error[0] != '\0')
		return -1;
	return (int)c->n_out;
}

const char *
capture_error(const struct capture *c)
{
	return c->error;
}

/* What a type of frames is called that is not IP.  Returns buf. */
static const char *
type_name(uint16_t type, char buf[static 24])
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ 0x8863, "PPPoE" }, { 0x8864, "PPPoE" }, { 0x8847, "MPLS" }, { 0x8848, "MPLS" }, { 0x0806, "ARP" },
		{ 0x88cc, "LLDP" }, { 0x888e, "EAPOL" }, { 0x88f7, "PTP" }, { 0x88e5, "MACsec" }, { 0x88e7, "PBB" },
		{ 0, "of other types" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	if (type < 0x600)
		(void)snprintf(buf, 24, "802.3");
	else
		(void)snprintf(buf, 24, "type 0x%04x", type);
	return buf;
}

const char *
capture_saw(const struct capture *c, char buf[static CAPTURE_SAW_SIZE])
{
	static const char *const what[PACKET_N_RESULTS] = {
		[PACKET_NOT_IP] = "not IP", [PACKET_NOT_TCP] = "not TCP", [PACKET_NOT_MAIL] = "TCP of other ports than 25",
		[PACKET_UNINTERESTING] = "inside of connections", [PACKET_SHORT] = "cut off inside a header",
		[PACKET_BAD_LENGTH] = "of a bad length", [PACKET_BAD_IHL] = "of a bad IP header",
		[PACKET_BAD_OFFSET] = "of a bad TCP header", [PACKET_BAD_FLAGS] = "of bad TCP flags",
		[PACKET_BAD_SOURCE] = "of a source that cannot be", [PACKET_BAD_PORT] = "of port 0",
		[PACKET_FRAGMENT] = "fragments", [PACKET_EXTENSIONS] = "of bad IPv6 extension headers",
		[PACKET_VLANS] = "under more than 2 VLAN tags",
	};
	bool told[PACKET_N_RESULTS] = { [PACKET_OK] = true };
	size_t n = 0;
	char name[24];

	buf[0] = '\0';
	for (int k = 0; k < 5; k++) {
		size_t most = PACKET_OK, type = 0;

		for (size_t i = 1; i < PACKET_N_RESULTS; i++)
			if (!told[i] && (most == PACKET_OK || c->counters.results[i] > c->counters.results[most]))
				most = i;
		if (most == PACKET_OK || c->counters.results[most] == 0)
			break;
		told[most] = true;
		for (size_t i = 1; i < TYPES; i++)
			if (c->types[i].n > c->types[type].n)
				type = i;
		n += (size_t)snprintf(buf + n, CAPTURE_SAW_SIZE - n, "%s%" PRIu64 " %s", n > 0 ? ", " : "",
		    c->counters.results[most], what[most]);
		if (most == PACKET_NOT_IP && c->types[type].n > 0 && c->types[type].type != 0)
			n += (size_t)snprintf(buf + n, CAPTURE_SAW_SIZE - n, " (%s)", type_name(c->types[type].type, name));
	}
	if (c->counters.other_links > 0)
		(void)snprintf(buf + n, CAPTURE_SAW_SIZE - n, "%s%" PRIu64 " of link type %s, which is not read",
		    n > 0 ? ", " : "", c->counters.other_links, link_name(c->other_link));
	return buf;
}

const char *
capture_name(const struct capture *c)
{
	return c->name;
}

const struct capture_counters *
capture_counters(struct capture *c)
{
	struct pcap_stat st;

	if (c->live && c->pcap != NULL && pcap_stats(c->pcap, &st) == 0) {
		/* The kernel's counters are 32 bits and begin anew with each opening. */
		c->counters.ring_drops += (uint32_t)(st.ps_drop - (uint32_t)c->last_drops);
		c->counters.interface_drops += (uint32_t)(st.ps_ifdrop - (uint32_t)c->last_ifdrops);
		c->last_drops = st.ps_drop;
		c->last_ifdrops = st.ps_ifdrop;
	}
	return &c->counters;
}

void
capture_progress(const struct capture *c, uint64_t *done, uint64_t *all)
{
	long at = c->file != NULL ? ftell(c->file) : 0;

	*done = at > 0 ? (uint64_t)at : 0;
	*all = c->file_bytes;
}
