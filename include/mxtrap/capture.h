/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture.h - libpcap, live or savefile, behind one call that yields packets.
 *
 * The only module that knows libpcap.  Live: TPACKET_V3, non-blocking, 64 MiB
 * ring, not promiscuous.  It never waits (poll its fd), and gives back decoded
 * packets in the order captured.  An interface that vanishes is looked for again
 * each second, and its absence is told.
 */
#ifndef MXTRAP_CAPTURE_H
#define MXTRAP_CAPTURE_H

#include "mxtrap/mxset.h"
#include "mxtrap/packet.h"

struct capture_counters {
	uint64_t frames;			/* handed over by libpcap */
	uint64_t results[PACKET_N_RESULTS];	/* what packet_decode() said of them */
	uint64_t ring_drops, interface_drops;	/* ps_drop, ps_ifdrop, summed over reopenings */
	uint64_t other_links;			/* of a link type that is not read */
	uint64_t impossible_times;		/* not from 1970 to 2105: not judged */
	uint64_t reopened;
	int64_t	 down_since_us;			/* wall clock; 0: capturing */
};

struct capture;

/* The filter for these addresses: SYN, SYN-ACK, RST, short ACKs that may complete a handshake, and
 * ICMP unreachables, IPv4 and IPv6, under 0 to 2 VLAN tags where the link type knows them; and of the mail
 * that own addresses send, the SYNs and the SYN-ACKs that answer them.  Caller frees; NULL: no memory. */
char *capture_filter(const struct ladder *, const struct addr *own, size_t n_own, bool vlan);
/* NULL: said why (log_warnx).  An interface that does not exist yet is not an error. */
struct capture *capture_open_live(const char *interface, const struct ladder *, uint32_t ring_bytes);
/* The addresses whose own mail is to be seen going out; copied.  Nothing is done if that changes nothing. */
void capture_own(struct capture *, const struct addr *own, size_t n_own);
#define CAPTURE_TIME_END_S 4291747200LL	/* 2106: in memory seconds are 32 bits, and what ends later must fit as well */
/* pcap or pcapng, also of several link types; "-" is standard input.  NULL: *why names the file, what was found and what was
 * expected (256 bytes).  Files are not filtered: the decoder checks everything anyway. */
struct capture *capture_open_file(const char *path, char why[static 256]);
void capture_close(struct capture *);
/*
 * Live, where no packet of ours came in a minute: what the interface shows instead, as a look of a few seconds
 * without a filter told (once an hour again); logged too.  "": packets came, or nobody had to look yet.
 */
const char *capture_seen(const struct capture *);
/* To poll for input; -1: nothing to poll now (call capture_read each second). */
int capture_fd(const struct capture *);
/*
 * Up to max packets that packet_decode() took.  Returns how many; 0: nothing there now (live) or the end
 * (file); -1: the file is damaged from here on (capture_error() says how; what was read is good).
 */
int capture_read(struct capture *, struct packet *out, size_t max);
/* Why the last capture_read() returned -1, or the end of a file came in the middle of a record. */
const char *capture_error(const struct capture *);
const char *capture_name(const struct capture *);
/* What the frames are that gave no packet, the most frequent first: "60 not IP (PPPoE), 2 not TCP".  Returns buf. */
#define CAPTURE_SAW_SIZE 400
const char *capture_saw(const struct capture *, char buf[static CAPTURE_SAW_SIZE]);
const struct capture_counters *capture_counters(struct capture *);
/* Bytes of the file read so far and in all (0: unknown), for progress. */
void capture_progress(const struct capture *, uint64_t *done, uint64_t *all);

#endif
