/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status_damage.c - what is known of damage to the database: what a start saved of it, what lies aside, what rows are skipped.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mxtrap/status.h"
#include "status_damage.h"

#define ASIDE	 "mxtrap.db.corrupt-"
#define SHOWN_S	 (7 * 86400)		/* for so long it is bad; then it is a file that lies there */

bool
damage_row(struct status_stored *d, const char *name, const char *value)
{
	if (strcmp(name, "damage_s") == 0)
		d->damage_s = strtoll(value, NULL, 10);
	else if (strcmp(name, "damage_file") == 0)
		(void)snprintf(d->damage_file, sizeof(d->damage_file), "%s", value);
	else if (strcmp(name, "damage_saved") == 0)
		(void)snprintf(d->damage_saved, sizeof(d->damage_saved), "%s", value);
	else if (strcmp(name, "damage_lost") == 0)
		(void)snprintf(d->damage_lost, sizeof(d->damage_lost), "%s", value);
	else if (strcmp(name, "was_corrupt") == 0)
		d->was_damaged = strcmp(value, "yes") == 0;
	else if (strcmp(name, "rows_bad") == 0)
		d->rows_bad = strtoull(value, NULL, 10);
	else
		return false;
	return true;
}

/* Its log and index count with it. */
static void
look_at(struct status_stored *d, int dir, const char *name)
{
	const char *time = name + strlen(ASIDE);
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	d->aside_bytes += (uint64_t)st.st_size;
	if (time[strspn(time, "0123456789")] != '\0')
		return;
	d->n_aside++;
	if (strlen(time) > strlen(d->aside) || (strlen(time) == strlen(d->aside) && strcmp(time, d->aside) > 0))
		(void)snprintf(d->aside, sizeof(d->aside), "%s", time);
}

void
damage_look(struct status_stored *d, const char *state_dir)
{
	DIR *dir = opendir(state_dir);
	const struct dirent *e;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL)
		if (strncmp(e->d_name, ASIDE, strlen(ASIDE)) == 0)
			look_at(d, dirfd(dir), e->d_name);
	d->aside_known = true;
	closedir(dir);
}

enum damage
damage_now(const struct status *s)
{
	const struct status_stored *d = &s->stored;
	struct stat st;
	char path[4096];
	bool lies;

	if (d->damage_s == 0)
		return d->was_damaged ? DAMAGE_OLD : d->n_aside > 0 ? DAMAGE_ASIDE : DAMAGE_NONE;
	(void)snprintf(path, sizeof(path), "%s/%s", s->config->state_dir, d->damage_file);
	/* Whoever removed it has seen this; where there was no file to set aside, a week is enough. */
	lies = !d->aside_known || d->damage_file[0] == '\0' || lstat(path, &st) == 0;
	if (s->now_s - d->damage_s < SHOWN_S && lies)
		return DAMAGE_NEW;
	return d->n_aside > 0 ? DAMAGE_ASIDE : DAMAGE_NONE;
}

/* As many whole items of a list as have room.  Returns buf. */
static const char *
clip(const char *list, char *buf, size_t size)
{
	size_t n = strlen(list);
	char *comma;

	memcpy(buf, list, n < size ? n + 1 : size);
	if (n < size)
		return buf;
	buf[size - sizeof(", and more")] = '\0';
	comma = strrchr(buf, ',');
	(void)snprintf(comma != NULL ? comma : buf, sizeof(", and more"), ", and more");
	return buf;
}

void
damage_sentence(const struct status *s, const char *when, char *buf, size_t size)
{
	const struct status_stored *d = &s->stored;
	char saved[141], lost[121];

	switch (damage_now(s)) {
	case DAMAGE_NONE:
		buf[0] = '\0';
		break;
	case DAMAGE_NEW:
		(void)snprintf(buf, size, "The database was damaged (%s): saved: %s; not saved: %s.%s%.40s%s", when,
		    clip(d->damage_saved, saved, sizeof(saved)), clip(d->damage_lost, lost, sizeof(lost)),
		    d->damage_file[0] != '\0' ? " Remove " : "", d->damage_file,
		    d->damage_file[0] != '\0' ? " when you have seen this." : "");
		break;
	case DAMAGE_OLD:
		(void)snprintf(buf, size, "The database was damaged: a new one was begun, the old one lies beside it.");
		break;
	case DAMAGE_ASIDE:
		(void)snprintf(buf, size, "A damaged database lies in %.120s: " ASIDE "%.20s (%zu of them, %" PRIu64
		    " MiB): remove it when nobody needs it.", s->config->state_dir, d->aside, d->n_aside, d->aside_bytes >> 20);
		break;
	}
}
