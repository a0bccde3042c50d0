/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hurry.c - a clock that runs HURRY_RATE times as fast, for programs that know nothing of it.
 *
 * Loaded in front of libc by schedule.py, so that a mail server's four days of retries
 * pass in minutes.  All processes agree: time is told from HURRY_BASE (Unix seconds, when
 * it began), file times too.  What waits, waits shorter; what the kernel times on its own
 * (a silent TCP peer) does not hurry.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define NS 1000000000LL

/* Before HURRY_BASE nothing hurries, so that programs can start. */
static int64_t
told(int64_t real_ns)
{
	int64_t since = real_ns - HURRY_BASE * NS;

	return since <= 0 ? real_ns : HURRY_BASE * NS + since * HURRY_RATE;
}

static int64_t
real(int64_t told_ns)
{
	int64_t since = told_ns - HURRY_BASE * NS;

	return since <= 0 ? told_ns : HURRY_BASE * NS + since / HURRY_RATE;
}

static int64_t
ns_of(struct timespec t)
{
	return t.tv_sec * NS + t.tv_nsec;
}

static struct timespec
spec_of(int64_t ns)
{
	struct timespec t = { ns / NS, ns % NS };

	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += NS;
	}
	return t;
}

static int64_t
ns_of_micro(struct timeval t)
{
	return (t.tv_sec * 1000000LL + t.tv_usec) * 1000;
}

static struct timeval
micro_of(int64_t ns)
{
	return (struct timeval){ ns / NS, ns % NS / 1000 };
}

static int64_t
now_ns(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
	return ns_of(t);
}

/* How long to wait really; and what is left, as it is to be told. */
static int64_t
shorter(int64_t ns)
{
	int64_t now = now_ns();

	return ns <= 0 ? 0 : real(told(now) + ns) - now;
}

static int64_t
longer(int64_t ns)
{
	int64_t now = now_ns();

	return told(now + ns) - told(now);
}

static int
wait_ms(int ms)
{
	return ms <= 0 ? ms : (int)((shorter(ms * 1000000LL) + 999999) / 1000000);
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	struct timespec t;

	if (syscall(SYS_clock_gettime, id, &t) != 0)
		return -1;
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*out = spec_of(told(ns_of(t)));
		break;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*out = spec_of(ns_of(t) + told(now_ns()) - now_ns());
		break;
	default:
		*out = t;
	}
	return 0;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*out = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
nanosleep(const struct timespec *want, struct timespec *left)
{
	struct timespec t = spec_of(shorter(ns_of(*want)));

	(void)left;
	return (int)syscall(SYS_nanosleep, &t, NULL);
}

unsigned
sleep(unsigned s)
{
	struct timespec t = { s, 0 };

	nanosleep(&t, NULL);
	return 0;
}

int
usleep(useconds_t us)
{
	struct timespec t = spec_of((int64_t)us * 1000);

	return nanosleep(&t, NULL);
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	return (int)syscall(SYS_poll, fds, n, wait_ms(ms));
}

int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *t, const sigset_t *mask)
{
	struct timespec s;

	if (t != NULL)
		s = spec_of(shorter(ns_of(*t)));
	return (int)syscall(SYS_ppoll, fds, n, t != NULL ? &s : NULL, mask, 8);
}

int
epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
	return (int)syscall(SYS_epoll_wait, fd, events, n, wait_ms(ms));
}

int
epoll_pwait(int fd, struct epoll_event *events, int n, int ms, const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait, fd, events, n, wait_ms(ms), mask, 8);
}

int
select(int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict x, struct timeval *restrict t)
{
	int64_t us = t == NULL ? 0 : shorter((t->tv_sec * 1000000LL + t->tv_usec) * 1000) / 1000;
	struct timeval s = { us / 1000000, us % 1000000 };

	return (int)syscall(SYS_select, n, r, w, x, t != NULL ? &s : NULL);
}

int
setitimer(__itimer_which_t which, const struct itimerval *restrict want, struct itimerval *restrict old)
{
	struct itimerval v = { { 0, 0 }, { 0, 0 } }, was;

	if (want != NULL) {
		v.it_value = micro_of(shorter(ns_of_micro(want->it_value)) + 999);
		v.it_interval = micro_of(shorter(ns_of_micro(want->it_interval)) + 999);
	}
	if (syscall(SYS_setitimer, which, want != NULL ? &v : NULL, &was) != 0)
		return -1;
	if (old != NULL)
		*old = (struct itimerval){ was.it_interval, micro_of(longer(ns_of_micro(was.it_value))) };
	return 0;
}

unsigned
alarm(unsigned s)
{
	struct itimerval v = { { 0, 0 }, { s, 0 } }, old;

	setitimer(ITIMER_REAL, &v, &old);
	return (unsigned)old.it_value.tv_sec + (old.it_value.tv_usec > 0);
}

/* File times: told when read, real when written, so that programs and kernel agree. */
static int
tell(int result, struct stat *st)
{
	if (result == 0) {
		st->st_mtim = spec_of(told(ns_of(st->st_mtim)));
		st->st_ctim = spec_of(told(ns_of(st->st_ctim)));
		st->st_atim = spec_of(told(ns_of(st->st_atim)));
	}
	return result;
}

int
stat(const char *restrict path, struct stat *restrict st)
{
	return tell((int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0), st);
}

int
lstat(const char *restrict path, struct stat *restrict st)
{
	return tell((int)syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW), st);
}

int
fstat(int fd, struct stat *st)
{
	return tell((int)syscall(SYS_fstat, fd, st), st);
}

int
fstatat(int fd, const char *restrict path, struct stat *restrict st, int flags)
{
	return tell((int)syscall(SYS_newfstatat, fd, path, st, flags), st);
}

int stat64(const char *restrict path, struct stat64 *restrict st) { return stat(path, (struct stat *)st); }
int lstat64(const char *restrict path, struct stat64 *restrict st) { return lstat(path, (struct stat *)st); }
int fstat64(int fd, struct stat64 *st) { return fstat(fd, (struct stat *)st); }
int fstatat64(int fd, const char *restrict path, struct stat64 *restrict st, int flags)
{
	return fstatat(fd, path, (struct stat *)st, flags);
}

static int
set_times(int fd, const char *path, const struct timespec *t, int flags)
{
	struct timespec s[2];

	for (int i = 0; t != NULL && i < 2; i++)
		s[i] = t[i].tv_nsec == UTIME_NOW || t[i].tv_nsec == UTIME_OMIT ? t[i] : spec_of(real(ns_of(t[i])));
	return (int)syscall(SYS_utimensat, fd, path, t != NULL ? s : NULL, flags);
}

int
utimensat(int fd, const char *path, const struct timespec t[2], int flags)
{
	return set_times(fd, path, t, flags);
}

int
futimens(int fd, const struct timespec t[2])
{
	return set_times(fd, NULL, t, 0);
}

int
utimes(const char *path, const struct timeval t[2])
{
	struct timespec s[2];

	for (int i = 0; t != NULL && i < 2; i++)
		s[i] = (struct timespec){ t[i].tv_sec, t[i].tv_usec * 1000 };
	return set_times(AT_FDCWD, path, t != NULL ? s : NULL, 0);
}

int
futimes(int fd, const struct timeval t[2])
{
	struct timespec s[2];

	for (int i = 0; t != NULL && i < 2; i++)
		s[i] = (struct timespec){ t[i].tv_sec, t[i].tv_usec * 1000 };
	return set_times(fd, NULL, t != NULL ? s : NULL, 0);
}

int
utime(const char *path, const struct utimbuf *t)
{
	struct timespec s[2];

	if (t != NULL) {
		s[0] = (struct timespec){ t->actime, 0 };
		s[1] = (struct timespec){ t->modtime, 0 };
	}
	return set_times(AT_FDCWD, path, t != NULL ? s : NULL, 0);
}
