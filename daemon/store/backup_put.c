/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backup_put.c - from a file into the state directory, while no mxtrapd runs there.
 *
 * The new database is whole, checked and on disk before the old one is touched, and the old one has its second name
 * before it loses the first: at no moment is there none.  mxtrapd's own lock is held meanwhile, so that it cannot begin.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backup_int.h"
#include "mxtrap/state.h"
#include "store_int.h"

struct put {
	const struct backup_options *o;
	char  database[BACKUP_PATH_SIZE], fresh[BACKUP_PATH_SIZE + 16];
	uid_t uid;			/* whose it shall be */
	gid_t gid;
	int   lock_fd;
};

/* mxtrapd keeps it open from its start to its end, also while watch is started again. */
static bool
control_is_open(const char *dir)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int n = snprintf(to.sun_path, sizeof to.sun_path, "%s/control.sock", dir);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool open = fd != -1 && n > 0 && (size_t)n < sizeof to.sun_path &&
	    (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EACCES);

	if (fd != -1)
		close(fd);
	return open;
}

static enum backup_result
lock(struct put *p, char text[static BACKUP_TEXT_SIZE])
{
	char path[BACKUP_PATH_SIZE];

	(void)snprintf(path, sizeof path, "%s/mxtrap.lock", p->o->state_dir);
	p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (p->lock_fd == -1)
		return backup_no(text, "%s cannot be opened: %s", path, strerror(errno));
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == -1 || control_is_open(p->o->state_dir)) {
		(void)backup_no(text, "mxtrapd runs with state-dir %s, expected it to be stopped (systemctl stop mxtrapd)",
		    p->o->state_dir);
		return BACKUP_RUNNING;
	}
	if (fchown(p->lock_fd, p->uid, p->gid) == -1)
		return backup_no(text, "%s cannot be given to user %u: %s; run this as root", path, (unsigned)p->uid,
		    strerror(errno));
	return BACKUP_OK;
}

/* The folder, and whose database it shall be. */
static enum backup_result
find_owner(struct put *p, char text[static BACKUP_TEXT_SIZE])
{
	const char *dir = p->o->state_dir;
	struct stat st;

	if (mkdir(dir, 0750) == -1 && errno != EEXIST)
		return backup_no(text, "state-dir %s cannot be made: %s", dir, strerror(errno));
	if (stat(dir, &st) == -1 || !S_ISDIR(st.st_mode))
		return backup_no(text, "state-dir %s is no directory", dir);
	if (lstat(p->database, &st) == -1) {
		if (errno != ENOENT)
			return backup_no(text, "%s: %s", p->database, strerror(errno));
		if (stat(dir, &st) == -1)
			return backup_no(text, "state-dir %s: %s", dir, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		return backup_no(text, "%s is no plain file", p->database);
	}
	p->uid = st.st_uid;
	p->gid = st.st_gid;
	if (access(dir, W_OK | X_OK) == -1)
		return backup_no(text, "state-dir %s: you may not write there; run this as root", dir);
	return BACKUP_OK;
}

static bool
is_in_place(const struct put *p)
{
	struct stat a, b;

	return stat(p->o->file, &a) == 0 && stat(p->database, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A second name for one of its files, or another one where there are no second names.  False: errno. */
static bool
keep_file(const struct put *p, const char *kept, const char *end)
{
	char from[BACKUP_PATH_SIZE + 8], to[BACKUP_PATH_SIZE + 8];

	(void)snprintf(from, sizeof from, "%s%s", p->database, end);
	(void)snprintf(to, sizeof to, "%s%s", kept, end);
	if (link(from, to) == 0 || errno == ENOENT)
		return true;
	return errno != EEXIST && rename(from, to) == 0;
}

/* The copy of what was decided is of the old one: beside the new one it would put "right" what was restored. */
static bool
move_decisions(const struct put *p)
{
	char from[BACKUP_PATH_SIZE], to[BACKUP_PATH_SIZE + 32];

	(void)snprintf(from, sizeof from, "%s/" KEEP_FILE, p->o->state_dir);
	(void)snprintf(to, sizeof to, "%s.before-restore-%" PRId64, from, p->o->now_s);
	return rename(from, to) == 0 || errno == ENOENT;
}

/* What is there now, with its log; the index of that is made again when it is needed. */
static enum backup_result
keep(const struct put *p, char kept[static BACKUP_PATH_SIZE], char text[static BACKUP_TEXT_SIZE])
{
	char path[BACKUP_PATH_SIZE + 8];
	struct stat st;
	int n = 0;

	kept[0] = '\0';
	if (lstat(p->database, &st) == 0) {
		do
			(void)snprintf(kept, BACKUP_PATH_SIZE, "%.*s.before-restore-%" PRId64, BACKUP_PATH_SIZE - 64, p->database,
			    p->o->now_s + n++);
		while (lstat(kept, &st) == 0);
		if (!keep_file(p, kept, "") || !keep_file(p, kept, "-wal"))
			return backup_no(text, "%s cannot be kept as %s: %s", p->database, kept, strerror(errno));
		if (!backup_sync_folder(p->database))
			return backup_no(text, "state-dir %s: %s", p->o->state_dir, strerror(errno));
	}
	if (!move_decisions(p))
		return backup_no(text, "%s/" KEEP_FILE " cannot be renamed: %s", p->o->state_dir, strerror(errno));
	/* The log of the old one must never be read as one of the new. */
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s%s", p->database, i == 0 ? "-wal" : "-shm");
		if (unlink(path) == -1 && errno != ENOENT)
			return backup_no(text, "%s cannot be removed: %s", path, strerror(errno));
	}
	return BACKUP_OK;
}

/* By the file itself: the folder is its owner's, who may put a link there meanwhile.  False: errno. */
static bool
give(const struct put *p)
{
	int fd = open(p->fresh, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), error = EPERM;
	struct stat st;
	bool given = false;

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1) {
		given = fchmod(fd, 0640) == 0 && fchown(fd, p->uid, p->gid) == 0;
		error = errno;
	}
	close(fd);
	errno = error;
	return given;
}

static enum backup_result
replace(const struct put *p, char kept[static BACKUP_PATH_SIZE], char text[static BACKUP_TEXT_SIZE])
{
	enum backup_result result;

	if (!give(p))
		return backup_no(text, "%s cannot be given to user %u: %s; run this as root", p->fresh, (unsigned)p->uid,
		    strerror(errno));
	result = keep(p, kept, text);
	if (result != BACKUP_OK)
		return result;
	if (rename(p->fresh, p->database) == -1)
		return backup_no(text, "%s cannot be renamed: %s", p->fresh, strerror(errno));
	if (!backup_sync_folder(p->database))
		return backup_no(text, "it was restored, but %s is not on disk: %s", p->o->state_dir, strerror(errno));
	return BACKUP_OK;
}

static enum backup_result
put(struct put *p, struct backup *out, char kept[static BACKUP_PATH_SIZE], char text[static BACKUP_TEXT_SIZE])
{
	struct backup is;
	enum backup_result result;
	sqlite3 *from;

	result = backup_header(p->o->file, &is, text);
	if (result == BACKUP_OK)
		result = find_owner(p, text);
	if (result == BACKUP_OK && is_in_place(p))
		result = backup_no(text, "%s is the database in place itself, expected a backup of it", p->o->file);
	if (result == BACKUP_OK)
		result = lock(p, text);
	if (result != BACKUP_OK)
		return result;
	from = backup_open(p->o->file, &is, text);
	if (from == NULL)
		return BACKUP_NO;
	/* One that was interrupted: nobody else has the lock. */
	(void)unlink(p->fresh);
	result = backup_copy(from, p->fresh, true, p->o, out, text);
	sqlite3_close(from);
	out->no_log = is.no_log;
	if (result != BACKUP_OK)
		return result;
	result = replace(p, kept, text);
	if (result != BACKUP_OK)
		(void)unlink(p->fresh);
	return result;
}

enum backup_result
backup_put(const struct backup_options *o, struct backup *out, char kept[static BACKUP_PATH_SIZE],
    char text[static BACKUP_TEXT_SIZE])
{
	struct put p = { .o = o, .lock_fd = -1 };
	enum backup_result result;

	kept[0] = '\0';
	if ((size_t)snprintf(p.database, sizeof p.database, "%s/" STORE_FILE, o->state_dir) >= sizeof p.database - 64)
		return backup_no(text, "%s: the path is too long", o->state_dir);
	(void)snprintf(p.fresh, sizeof p.fresh, "%s.restoring", p.database);
	result = put(&p, out, kept, text);
	if (p.lock_fd != -1)
		close(p.lock_fd);
	return result;
}
