/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahead.c - to be preloaded before libfaketime: packets from the wire have the time that it gives to the program.
 *
 * The kernel stamps them with the real date; MXTRAP_STEP seconds are added to each of a live capture (tests/calendar.sh).
 */
#include <dlfcn.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct taker { pcap_handler take; u_char *user; long step_s; };

static void
take_ahead(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	const struct taker *t = (const struct taker *)(const void *)user;
	struct pcap_pkthdr moved = *h;

	moved.ts.tv_sec += t->step_s;
	t->take(t->user, &moved, bytes);
}

int pcap_dispatch(pcap_t *p, int n, pcap_handler take, u_char *user)
{
	int (*dispatch)(pcap_t *, int, pcap_handler, u_char *);
	const char *step = getenv("MXTRAP_STEP");
	struct taker t = { take, user, step != NULL ? atol(step) : 0 };

	*(void **)&dispatch = dlsym(RTLD_NEXT, "pcap_dispatch");
	return pcap_file(p) != NULL ? dispatch(p, n, take, user) : dispatch(p, n, take_ahead, (u_char *)&t);
}

/* libfaketime takes an absolute time of the monotonic clock for one of its own (Python sleeps by these). */
int clock_nanosleep(clockid_t id, int flags, const struct timespec *want, struct timespec *left)
{
	return syscall(SYS_clock_nanosleep, id, flags, want, left) == 0 ? 0 : errno;
}
