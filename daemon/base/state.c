/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state.c - the state directory: whose it is, while mxtrapd may still change that.
 *
 * Once mxtrapd has given up its capabilities, not even root may write in another
 * user's directory.  So its owner is looked at first, and a wrong one is told.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxtrap/bind.h"
#include "mxtrap/log.h"
#include "mxtrap/process.h"
#include "mxtrap/state.h"

static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool empty = dir != NULL;

	while (empty && (e = readdir(dir)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (dir != NULL)
		closedir(dir);
	return empty;
}

int
state_open(const char *dir)
{
	uint32_t uid = geteuid(), gid = getegid(), spare, admins = 0;
	bool root = uid == 0;
	char why[BIND_WHY_SIZE];
	struct stat st;
	int fd;

	if (root)
		process_user("mxtrap", &uid, &gid);	/* whom watch will run as */
	if (mkdir(dir, 0750) < 0 && errno != EEXIST) {
		log_warn("state-dir %s cannot be made", dir);
		return -1;
	}
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		log_warnx("state-dir %s is no directory", dir);
		return -1;
	}
	if (st.st_uid != uid && root && st.st_uid == 0 && is_empty(dir)) {
		if (chown(dir, uid, gid) < 0)
			log_warn("state-dir %s cannot be given to user %u", dir, uid);
	} else if (st.st_uid != uid) {
		log_warnx("state-dir %s belongs to user %u, but watch runs as user %u "
		    "(chown -R %u %s)",
		    dir, (unsigned)st.st_uid, uid, uid, dir);
	}
	if (!process_user("mxtrap-admin", &spare, &admins))
		admins = 0;
	fd = bind_control(dir, uid, admins, why);
	if (fd < 0)
		log_warnx("%s", why);
	return fd;
}
