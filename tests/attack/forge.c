/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forge.c - forged TCP segments onto a wire that a test made.
 *
 *	forge syn  INTERFACE MAC COUNT RATE SOURCES TARGET...	SYNs from SOURCES random addresses
 *	forge from INTERFACE MAC COUNT RATE ADDRESS TARGET...	SYNs in the name of one address
 *	forge ack  INTERFACE MAC COUNT RATE SOURCES TARGET...	each SYN is followed by 4 guessed ACKs
 *
 * MAC is the victim's.  RATE: segments a second, 0: as fast as it goes.  Sources are taken from
 * 11.0.0.0 on, and from 2a01::/16 towards an IPv6 target, so nobody's in these tests.  Each SYN
 * is an attempt of its own: another port, or another sequence number.  Prints how many were sent.
 */
#define _GNU_SOURCE	1		/* sendmmsg() */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH	  64
#define TARGETS	  16
#define GUESSES	  4
#define SYN_LEN	  40			/* TCP header and options */
#define ACK_LEN	  20

struct forge {
	uint64_t seed;
	uint8_t	 mac[6];
	uint8_t	 from[16];		/* of `from` */
	bool	 one, guess;		/* which command */
	uint64_t sources;
	size_t	 n_targets;
	struct { uint8_t b[16]; bool six; } target[TARGETS];
};

struct frame {
	uint8_t b[14 + 40 + SYN_LEN];
	size_t	len;
};

/* splitmix64: the n-th of a stream, so that a source comes again when it is wanted. */
static uint64_t
mix(uint64_t n)
{
	n = (n + 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
	n ^= n >> 31;
	n *= 0x94d049bb133111ebULL;
	return n ^ n >> 29;
}

static void
put16(uint8_t *p, uint64_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint64_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t
add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

static size_t
ip_header(const struct forge *f, uint8_t *ip, size_t target, uint64_t source, size_t tcp_len)
{
	const uint8_t *to = f->target[target].b;
	uint64_t who = mix(source);

	if (f->target[target].six) {
		ip[0] = 0x60;
		put16(ip + 4, tcp_len);
		ip[6] = 6;
		ip[7] = 60;
		if (f->one) {
			memcpy(ip + 8, f->from, 16);
		} else {
			put16(ip + 8, 0x2a01);
			for (int i = 0; i < 6; i++)
				ip[10 + i] = (uint8_t)(who >> (8 * i));
			ip[23] = 1;
		}
		memcpy(ip + 24, to, 16);
		return 40;
	}
	ip[0] = 0x45;
	put16(ip + 2, 20 + tcp_len);
	ip[6] = 0x40;
	ip[8] = 60;
	ip[9] = 6;
	if (f->one)
		memcpy(ip + 12, f->from, 4);
	else
		put32(ip + 12, 0x0b000000 + (who >> 20) % 0x70000000);
	memcpy(ip + 16, to, 4);
	put16(ip + 10, fold(add(0, ip, 20)));
	return 20;
}

/* The kernel of the victim answers only what is whole: with its checksums. */
static void
make(const struct forge *f, uint64_t n, struct frame *out)
{
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 };
	uint64_t which = f->guess ? n / (GUESSES + 1) : n;
	bool ack = f->guess && n % (GUESSES + 1) != 0;
	size_t target = which % f->n_targets, tcp_len = ack ? ACK_LEN : SYN_LEN, ip_len;
	uint64_t round = which / f->sources, unique = mix(which ^ f->seed);
	uint8_t *ip = out->b + 14, *tcp;

	memset(out->b, 0, sizeof(out->b));
	memcpy(out->b, f->mac, 6);
	out->b[6] = 2;
	put16(out->b + 12, f->target[target].six ? 0x86dd : 0x0800);
	ip_len = ip_header(f, ip, target, which % f->sources, tcp_len);
	tcp = ip + ip_len;
	put16(tcp, 1024 + (f->one ? which : round * 7919 + which % f->sources) % 60000);
	put16(tcp + 2, 25);
	put32(tcp + 4, ack ? unique + 1 : unique);
	if (ack)
		put32(tcp + 8, mix(n ^ f->seed << 1));
	tcp[12] = ack ? 0x50 : 0xa0;
	tcp[13] = ack ? 0x10 : 0x02;
	put16(tcp + 14, 64240);
	if (!ack)
		memcpy(tcp + 20, options, sizeof(options));
	put16(tcp + 16, fold(add(add(6 + (uint32_t)tcp_len, ip + (ip_len == 40 ? 8 : 12), ip_len == 40 ? 32 : 8), tcp, tcp_len)));
	out->len = 14 + ip_len + tcp_len;
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t
send_all(const struct forge *f, int fd, const struct sockaddr_ll *to, uint64_t count, double rate)
{
	static struct frame frames[BATCH];
	struct mmsghdr messages[BATCH] = { { .msg_len = 0 } };
	struct iovec parts[BATCH];
	double began = seconds();
	uint64_t sent = 0;

	while (sent < count) {
		unsigned want = count - sent < BATCH ? (unsigned)(count - sent) : BATCH, at = 0;

		for (unsigned i = 0; i < want; i++) {
			make(f, sent + i, &frames[i]);
			parts[i] = (struct iovec){ .iov_base = frames[i].b, .iov_len = frames[i].len };
			messages[i].msg_hdr = (struct msghdr){ .msg_name = (void *)(uintptr_t)to, .msg_namelen = sizeof(*to),
				.msg_iov = &parts[i], .msg_iovlen = 1 };
		}
		while (at < want) {
			int n = sendmmsg(fd, messages + at, want - at, 0);

			at += n > 0 ? (unsigned)n : 0;
		}
		sent += want;
		while (rate > 0 && (double)sent / rate > seconds() - began) {
			struct timespec nap = { .tv_nsec = 200000 };

			nanosleep(&nap, NULL);
		}
	}
	return sent;
}

static bool
read_target(struct forge *f, const char *text)
{
	size_t i = f->n_targets++;

	f->target[i].six = strchr(text, ':') != NULL;
	return inet_pton(f->target[i].six ? AF_INET6 : AF_INET, text, f->target[i].b) == 1;
}

int
main(int argc, char **argv)
{
	struct forge f = { .seed = 0x6d78747261ULL };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	bool right = argc >= 8 && argc - 7 <= TARGETS && fd >= 0 &&
	    sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &f.mac[0], &f.mac[1], &f.mac[2], &f.mac[3], &f.mac[4], &f.mac[5]) == 6;

	if (right) {
		f.one = strcmp(argv[1], "from") == 0;
		f.guess = strcmp(argv[1], "ack") == 0;
		f.sources = f.one ? UINT64_MAX : strtoull(argv[6], NULL, 10);
		right = f.one ? inet_pton(strchr(argv[6], ':') != NULL ? AF_INET6 : AF_INET, argv[6], f.from) == 1 : f.sources > 0;
	}
	for (int i = 7; right && i < argc; i++)
		right = read_target(&f, argv[i]);
	if (!right || (to.sll_ifindex = (int)if_nametoindex(argv[2])) == 0) {
		fprintf(stderr, "usage: forge syn|ack INTERFACE MAC COUNT RATE SOURCES TARGET...\n"
		    "       forge from INTERFACE MAC COUNT RATE ADDRESS TARGET...\n");
		return 2;
	}
	printf("%llu\n", (unsigned long long)send_all(&f, fd, &to, strtoull(argv[4], NULL, 10), strtod(argv[5], NULL)));
	return 0;
}
