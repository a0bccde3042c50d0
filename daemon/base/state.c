/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c - the state directory: whose it is, while mxtrapd may still change that.
 *
 * Once mxtrapd has given up its capabilities, not even root may write in another
 * user's directory.  So what lies there is handed over first: what root left there (a replay, a restored
 * backup, an mxtrapd of before the users were made), and what belongs to a number that no account has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxtrap/bind.h"
#include "mxtrap/log.h"
#include "mxtrap/state.h"

#define DIR_MODE  0750			/* at least so much for the owner and the group */
#define FILE_MODE 0640
#define DATABASE  "mxtrap.db"

/* The names that mxtrap gives: nothing else in there is touched. */
static bool
is_ours(const char *name)
{
	return strncmp(name, "mxtrap", 6) == 0 || strncmp(name, "control.sock", 12) == 0;
}

/* Nothing in it, or a database of ours: then it is a state directory, and no other. */
static bool
is_state(DIR *dir)
{
	const struct dirent *e;
	bool empty = true, found = false;

	rewinddir(dir);
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		empty = false;
		found = found || strncmp(e->d_name, DATABASE, strlen(DATABASE)) == 0 || strcmp(e->d_name, "control.sock") == 0;
	}
	return empty || found;
}

/* Root's, or of a number that no account has: nobody is robbed. */
static bool
is_free(uint32_t uid)
{
	return uid == 0 || getpwuid(uid) == NULL;
}

static bool
is_free_group(uint32_t gid)
{
	return gid == 0 || getgrgid(gid) == NULL;
}

/* One file of ours, if it is what it seems: a plain one, under one name. */
static void
hand_over_file(int dir, const char *name, const struct process_user *to)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && (st.st_uid == to->uid || is_free(st.st_uid))) {
		bool group = st.st_gid == to->gid;

		if (st.st_uid != to->uid || !group)
			(void)!fchown(fd, to->uid, to->gid);
		/* What was decided is copied for watch alone. */
		if ((st.st_mode & FILE_MODE) != FILE_MODE && strcmp(name, KEEP_FILE) != 0)
			(void)fchmod(fd, (st.st_mode & 07777) | FILE_MODE);
	}
	(void)close(fd);
}

/* All of it to the user of watch, as far as it is free.  False: the directory is not his. */
static bool
hand_over(const char *path, const struct process_user *to)
{
	char text[USERS_TEXT_SIZE];
	DIR *dir = opendir(path);
	const struct dirent *e;
	struct stat st;
	bool his = false;

	if (dir == NULL || fstat(dirfd(dir), &st) < 0) {
		if (dir != NULL)
			closedir(dir);
		return false;
	}
	if (st.st_uid == to->uid || (is_free(st.st_uid) && is_state(dir))) {
		if (st.st_uid != to->uid || (st.st_gid != to->gid && is_free_group(st.st_gid))) {
			his = fchown(dirfd(dir), to->uid, to->gid) == 0;
			if (his)
				log_info("state-dir %s is given to %s", path, users_text(to->uid, to->gid, text));
		} else {
			his = st.st_gid == to->gid;
		}
		if (his && (st.st_mode & DIR_MODE) != DIR_MODE)
			(void)fchmod(dirfd(dir), (st.st_mode & 07777) | DIR_MODE);
		rewinddir(dir);
		while (his && (e = readdir(dir)) != NULL)
			if (is_ours(e->d_name))
				hand_over_file(dirfd(dir), e->d_name, to);
	}
	closedir(dir);
	return his;
}

/* The first directory on the way that this user may not pass, in path; false: none. */
static bool
blocked(char *path, const struct process_user *user)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		struct stat st;
		bool stays;

		*slash = '\0';
		stays = stat(path, &st) == 0 && (st.st_mode & S_IXOTH) == 0 &&
		    !(st.st_uid == user->uid && (st.st_mode & S_IXUSR) != 0) &&
		    !((st.st_gid == user->gid || st.st_gid == user->group) && (st.st_mode & S_IXGRP) != 0);
		if (stays)
			return true;
		*slash = '/';
	}
	return false;
}

static void
warn_of_owner(const char *dir, const struct process_user *to)
{
	char is[USERS_TEXT_SIZE], should[USERS_TEXT_SIZE], way[4096];
	struct stat st;

	(void)snprintf(way, sizeof(way), "%s", dir);
	if (blocked(way, to))
		log_warnx("state-dir %s: user %u may not pass %s, expected a directory that all may enter (chmod o+x %s)", dir,
		    to->uid, way, way);
	if (stat(dir, &st) < 0 || (st.st_uid == to->uid && st.st_gid == to->gid))
		return;
	users_text(st.st_uid, st.st_gid, is);
	users_text(to->uid, to->gid, should);
	log_warnx("state-dir %s belongs to %s, expected %s (chown -R %s %s)", dir, is, should, should, dir);
}

int
state_open(const char *dir, const struct users *users)
{
	const struct process_user *to = &users->of[PROCESS_WATCH];
	char why[BIND_WHY_SIZE];
	struct stat st;
	int fd;

	if (mkdir(dir, DIR_MODE) < 0 && errno != EEXIST) {
		log_warn("state-dir %s cannot be made", dir);
		return -1;
	}
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		log_warnx("state-dir %s is no directory", dir);
		return -1;
	}
	if (!to->change) {
		if (access(dir, W_OK | X_OK) < 0)
			warn_of_owner(dir, to);
	} else {
		(void)hand_over(dir, to);
		warn_of_owner(dir, to);
	}
	fd = bind_control(dir, to->uid, to->change ? users->admins : to->gid, why);
	if (fd < 0)
		log_warnx("%s", why);
	return fd;
}

/* -- reading there -- */

static bool
said_why(const char *dir, const char *what, const struct stat *st, uint32_t gid, char why[static STATE_WHY_SIZE])
{
	char is[USERS_TEXT_SIZE], should[USERS_TEXT_SIZE];
	const char *group = strchr(users_text(gid, gid, should), ':') + 1;

	users_text(st->st_uid, st->st_gid, is);
	if (st->st_gid != gid)
		(void)snprintf(why, STATE_WHY_SIZE, "may not read %s: group %s, expected %s; chown -R %s:%s %s", what,
		    strchr(is, ':') + 1, group, group, group, dir);
	else
		(void)snprintf(why, STATE_WHY_SIZE, "may not read %s: mode %04o, expected its group to read it; chmod -R g+rX %s", what,
		    (unsigned)st->st_mode & 07777, dir);
	return false;
}

bool
state_may_read(const char *dir, uint32_t gid, char why[static STATE_WHY_SIZE])
{
	static const char *const files[] = { DATABASE, DATABASE "-wal", DATABASE "-shm" };
	char path[4096];
	struct stat st;

	if (stat(dir, &st) < 0) {
		if (errno != EACCES)
			return true;
		(void)snprintf(why, STATE_WHY_SIZE, "may not reach %s", dir);
		return false;
	}
	if (faccessat(AT_FDCWD, dir, R_OK | X_OK, AT_EACCESS) < 0 && errno == EACCES)
		return said_why(dir, dir, &st, gid, why);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		if (stat(path, &st) == 0 && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0 && errno == EACCES)
			return said_why(dir, path, &st, gid, why);
	}
	return true;
}

bool
state_trouble(struct process *p)
{
	char why[STATE_WHY_SIZE] = "";

	if (state_may_read(p->config.state_dir, p->user.group != 0 ? p->user.group : getegid(), why))
		why[0] = '\0';
	if (strcmp(p->trouble, why) == 0)
		return false;
	(void)snprintf(p->trouble, sizeof(p->trouble), "%s", why);
	return true;
}
