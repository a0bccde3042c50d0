/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bind.c - bound sockets for the children, and the names of those who hold a port.
 *
 * Never IP_FREEBIND: an address that this host does not have is somebody else's
 * to answer, and the operator should hear of it.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "mxtrap/bind.h"
#include "mxtrap/log.h"

/* SYN-ACKs sent again at most: a forged SYN shall cost its victim little. */
#define BIND_SYNACK_RETRIES 2
#define BIND_UDP_BYTES	    (4 << 20)
#define HELD_TRIES	    20		/* of a tenth of a second */
#define STATE_LISTEN	    0x0a

struct holder {
	unsigned long inode;
	unsigned      uid;
	long	      pid;
	char	      name[32];
};

static const struct setting {
	const char *program, *says;
} settings[] = {
	{ "master", "Postfix: set inet_interfaces to its own addresses" },
	{ "exim4", "Exim: set local_interfaces (dc_local_interfaces)" },
	{ "exim", "Exim: set local_interfaces" },
	{ "sendmail-mta", "Sendmail: set Addr= in DAEMON_OPTIONS" },
	{ "smtpd", "OpenSMTPD: set listen on" },
};

const char *
bind_text(const struct addr *addr, uint16_t port, char buf[static BIND_TEXT_SIZE])
{
	char text[ADDR_TEXT_SIZE];

	snprintf(buf, BIND_TEXT_SIZE, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u",
	    addr_format(addr, text), port);
	return buf;
}

/* Is this line of /proc/net/tcp or tcp6 a listener that covers addr:port? */
static bool
line_covers(const char *line, bool v6, const struct addr *addr, uint16_t port, struct holder *h)
{
	uint32_t w[4] = { 0, 0, 0, 0 };
	unsigned local_port, state;
	uint8_t bytes[16];
	struct addr local;
	static const uint8_t zero[16];

	if (v6 ? sscanf(line, " %*d: %8x%8x%8x%8x:%x %*x:%*x %x %*x:%*x %*x:%*x %*x %u %*d %lu",
	    &w[0], &w[1], &w[2], &w[3], &local_port, &state, &h->uid, &h->inode) != 8 :
	    sscanf(line, " %*d: %8x:%x %*x:%*x %x %*x:%*x %*x:%*x %*x %u %*d %lu",
	    &w[0], &local_port, &state, &h->uid, &h->inode) != 5)
		return false;
	if (state != STATE_LISTEN || local_port != port)
		return false;
	/* The kernel prints each word of the address in the host's own order. */
	memcpy(bytes, w, sizeof(bytes));
	if (memcmp(bytes, zero, v6 ? 16 : 4) == 0)
		return v6 || addr_is_v4(addr);	/* [::] takes IPv4 too, mostly */
	local = v6 ? addr_from_v6(bytes) : addr_from_v4(bytes);
	return addr_equal(&local, addr);
}

static bool
find_inode(const struct addr *addr, uint16_t port, struct holder *h)
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	char line[512];
	bool found = false;

	for (int v6 = 0; v6 < 2 && !found; v6++) {
		FILE *f = fopen(tables[v6], "re");

		while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
			found = line_covers(line, v6 == 1, addr, port, h);
		if (f != NULL)
			fclose(f);
	}
	return found;
}

static bool
has_inode(long pid, unsigned long inode)
{
	char path[320], target[64], wanted[64];
	const struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	if ((dir = opendir(path)) == NULL)
		return false;
	while (!found && (e = readdir(dir)) != NULL) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%ld/fd/%s", pid, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(dir);
	return found;
}

/* The process with this socket: the one of lowest number, which is mostly the parent. */
static void
find_process(struct holder *h)
{
	const struct dirent *e;
	char path[64];
	DIR *dir = opendir("/proc");
	FILE *f;

	h->pid = 0;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		long pid = strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && (h->pid == 0 || pid < h->pid) &&
		    has_inode(pid, h->inode))
			h->pid = pid;
	}
	if (dir != NULL)
		closedir(dir);
	snprintf(path, sizeof(path), "/proc/%ld/comm", h->pid);
	f = h->pid == 0 ? NULL : fopen(path, "re");
	if (f == NULL || fgets(h->name, sizeof(h->name), f) == NULL)
		h->pid = 0;
	else
		h->name[strcspn(h->name, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
}

bool
bind_holder(const struct addr *addr, uint16_t port, char why[static BIND_WHY_SIZE])
{
	struct holder h = { 0 };
	const char *says = "give that program an address of its own to listen on";
	char text[BIND_TEXT_SIZE];

	if (!find_inode(addr, port, &h))
		return false;
	find_process(&h);
	for (size_t i = 0; h.pid != 0 && i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(h.name, settings[i].program) == 0)
			says = settings[i].says;
	bind_text(addr, port, text);
	if (h.pid != 0)
		snprintf(why, BIND_WHY_SIZE, "%s is held by %s (pid %ld); %s", text, h.name, h.pid,
		    says);
	else
		snprintf(why, BIND_WHY_SIZE, "%s is held by a program of user %u; %s", text, h.uid,
		    port == 25 ? "if it is Postfix, set inet_interfaces" : says);
	return true;
}

static void
bind_why(const struct addr *addr, uint16_t port, int error, char why[static BIND_WHY_SIZE])
{
	char text[BIND_TEXT_SIZE], said[128];

	bind_text(addr, port, text);
	if (error == EADDRINUSE && bind_holder(addr, port, why))
		return;
	if (error == EADDRINUSE)
		snprintf(why, BIND_WHY_SIZE, "%s is held by another program", text);
	else if (error == EADDRNOTAVAIL)
		snprintf(why, BIND_WHY_SIZE, "%s: this host does not have the address", text);
	else if (error == EACCES)
		snprintf(why, BIND_WHY_SIZE, "%s: no right to use the port (CAP_NET_BIND_SERVICE)",
		    text);
	else
		snprintf(why, BIND_WHY_SIZE, "%s: %s", text, strerror_r(error, said, sizeof(said)));
}

static int
bind_to(int fd, const struct addr *addr, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (addr_is_v4(addr)) {
		memcpy(&in.sin_addr, addr->b + 12, 4);
		return bind(fd, (const struct sockaddr *)&in, sizeof(in));
	}
	memcpy(&in6.sin6_addr, addr->b, 16);
	return bind(fd, (const struct sockaddr *)&in6, sizeof(in6));
}

bool
bind_local(const struct addr *addr)
{
	int fd = socket(addr_is_v4(addr) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool local = fd >= 0 && bind_to(fd, addr, 0) == 0;

	if (fd >= 0)
		close(fd);
	return local;
}

int
bind_tcp(const struct addr *addr, uint16_t port, char why[static BIND_WHY_SIZE])
{
	bool v4 = addr_is_v4(addr);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, retries = BIND_SYNACK_RETRIES, error = 0;

	if (fd < 0) {
		error = errno;
		bind_why(addr, port, error, why);
		errno = error;
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* On a listener, Linux takes this for the number of SYN-ACKs sent again. */
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries));
	if (!v4)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind_to(fd, addr, port) == 0)
		return fd;
	error = errno;
	close(fd);
	bind_why(addr, port, error, why);
	errno = error;
	return -1;
}

int
bind_udp(const struct addr *addr, uint16_t port, char why[static BIND_WHY_SIZE])
{
	bool v4 = addr_is_v4(addr);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, bytes = BIND_UDP_BYTES, error;

	if (fd >= 0) {
		if (!v4)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		if (bind_to(fd, addr, port) == 0)
			return fd;
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	bind_why(addr, port, error, why);
	errno = error;
	return -1;
}

/*
 * Give what was just made under this name to its user.  The directory may be that user's, who may put something
 * else there meanwhile: only what is ours still, of this kind and under one name, is given away.
 */
static bool
give_away(const char *path, mode_t kind, uint32_t uid, uint32_t gid)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = EPERM;
	struct stat st;
	bool given = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid() &&
	    (kind == S_IFDIR || st.st_nlink == 1)) {
		given = fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0;
		error = errno;
	}
	(void)close(fd);
	errno = error;
	return given;
}

/* Bound under this name with this mode from the first moment on: a chmod() by name could be led elsewhere. */
static bool
bind_name(int fd, const struct sockaddr_un *at, mode_t mode)
{
	mode_t before = umask(0);
	bool bound = fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
	int error = errno;

	(void)umask(before);
	errno = error;
	return bound;
}

/* Who comes first makes its directory; whose it is then decides who may enter. */
static bool
make_way(const char *path, uint32_t uid, uint32_t gid)
{
	char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	mode_t before;
	bool made;

	if (n == 0 || n >= sizeof(dir))
		return false;
	memcpy(dir, path, n);
	dir[n] = '\0';
	before = umask(0);
	made = mkdir(dir, 0755) == 0;
	(void)umask(before);
	return made && (geteuid() != 0 || give_away(dir, S_IFDIR, uid, gid));
}

int
bind_unix(const char *path, uint32_t uid, const char *group, char why[static BIND_WHY_SIZE])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct group *gr = getgrnam(group);
	uint32_t gid = gr != NULL ? gr->gr_gid : getegid();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	struct stat st;

	(void)make_way(path, uid, gid);
	if (fd < 0 || n < 0 || (size_t)n >= sizeof(at.sun_path)) {
		error = ENAMETOOLONG;
		snprintf(why, BIND_WHY_SIZE, "%.128s: the path is too long for a socket", path);
	} else if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 || errno == EAGAIN) {
		error = EADDRINUSE;
		snprintf(why, BIND_WHY_SIZE, "%.128s is held by another program", path);
	} else {
		bool stuck = lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && unlink(path) != 0;

		/* Without the right to give it away it stays ours: its group is then nobody's who should not come. */
		if (!stuck && bind_name(fd, &at, 0660)) {
			if (geteuid() == 0)
				(void)give_away(path, S_IFSOCK, uid, gid);
			return fd;
		}
		error = errno;
		snprintf(why, BIND_WHY_SIZE, "%.128s: %s", path, strerror(error));
	}
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

/* No socket of ours has been there: kept beside its place, for whoever misses it. */
static bool
move_aside(const char *path)
{
	char aside[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 16];

	for (int i = 1; i <= 100; i++) {
		(void)snprintf(aside, sizeof(aside), "%s.aside-%d", path, i);
		if (renameat2(AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) == 0) {
			log_warnx("%s: found something that is no socket; it is %s now", path, aside);
			return true;
		}
		if (errno != EEXIST)
			return false;
	}
	return false;
}

/* Does somebody listen there?  Who was killed a moment ago may seem to: the kernel closes it when the process has gone. */
static bool
is_held(const struct sockaddr_un *at)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (int i = 0;; i++) {
		int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		bool held = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

		if (fd >= 0)
			close(fd);
		if (!held || i == HELD_TRIES)
			return held;
		(void)nanosleep(&pause, NULL);
	}
}

int
bind_control(const char *dir, uint32_t uid, uint32_t gid, char why[static BIND_WHY_SIZE])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/control.sock", dir);
	struct stat st;

	if (fd < 0 || n < 0 || (size_t)n >= sizeof(at.sun_path)) {
		snprintf(why, BIND_WHY_SIZE,
		    "%.128s/control.sock: the path is too long for a socket",
		    dir);
	} else if (is_held(&at)) {
		snprintf(why, BIND_WHY_SIZE,
		    "%s is held by another mxtrapd: stop it first, or name another state-dir",
		    at.sun_path);
	} else {
		/* Nobody listens there: what lies there is of a mxtrapd that is gone, or nothing of ours. */
		bool there = lstat(at.sun_path, &st) == 0;
		bool stuck = there && (S_ISSOCK(st.st_mode) ? unlink(at.sun_path) != 0 : !move_aside(at.sun_path));

		/* That it cannot go is why its name cannot be had. */
		if (!stuck && bind_name(fd, &at, 0660)) {
			if (geteuid() == 0 && !give_away(at.sun_path, S_IFSOCK, uid, gid))
				log_warn("%s cannot be given to user %u: root alone may decide", at.sun_path, uid);
			return fd;
		}
		if (there && !S_ISSOCK(st.st_mode))
			snprintf(why, BIND_WHY_SIZE, "%s: found something that is no socket, expected nothing of that name: "
			    "move it away (%s)", at.sun_path, strerror(errno));
		else
			snprintf(why, BIND_WHY_SIZE, "%s: %s", at.sun_path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return -1;
}
