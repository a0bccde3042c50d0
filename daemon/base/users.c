/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * users.c - the users of the children: names, or numbers where the names are missing.
 *
 * A number needs no account: the kernel knows numbers only.  Each kind of child always gets the same one, so
 * that its files are its own again after a restart.
 */
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/users.h"

#define USERS_STRIDE 16			/* numbers apart, more than there are kinds */
#define CAP_BIT(cap) (1ULL << (cap))

static const struct role_user {
	const char *user;
	bool	    reads;		/* what watch wrote: by the group of watch */
} role_users[PROCESS_N_ROLES] = {
	[PROCESS_WATCH] = { "mxtrap", false },
	[PROCESS_DECOY] = { "mxtrap-net", false },
	[PROCESS_WEB] = { "mxtrap-net", true },
	[PROCESS_LOOKUP] = { "mxtrap-net", true },
	[PROCESS_FIREWALL] = { "mxtrap-fw", false },
};

/* -- numbers -- */

static bool
number_is_free(uint32_t n)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/run/systemd/dynamic-uid/%u", n);
	return getpwuid(n) == NULL && getgrgid(n) == NULL && access(path, F_OK) != 0;
}

/* In a user namespace not every number can be had. */
static bool
number_is_mapped(const char *map, uint32_t n)
{
	FILE *f = fopen(map, "re");
	unsigned inside, outside, count;
	bool mapped = f == NULL;

	while (f != NULL && !mapped && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		mapped = n >= inside && n - inside < count;
	if (f != NULL)
		(void)fclose(f);
	return mapped;
}

/* 0: none is free. */
static uint32_t
number_for(enum process_role role)
{
	for (uint32_t n = USERS_FIRST + (uint32_t)role; n <= USERS_LAST; n += USERS_STRIDE)
		if (number_is_free(n))
			return n;
	return 0;
}

/* -- who is who -- */

static bool
named(const char *name, struct process_user *out)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL || pw->pw_uid == 0)
		return false;
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	return true;
}

/* The group is what counts; a user of that name was asked for in earlier versions, and may be all there is. */
static void
find_admins(struct users *users)
{
	const struct group *gr = getgrnam("mxtrap-admin");
	const struct passwd *pw = gr == NULL ? getpwnam("mxtrap-admin") : NULL;

	users->admins_known = gr != NULL || pw != NULL;
	users->admins = gr != NULL ? gr->gr_gid : pw != NULL ? pw->pw_gid : 0;
}

const char *
users_text(uint32_t uid, uint32_t gid, char buf[static USERS_TEXT_SIZE])
{
	const struct passwd *pw = getpwuid(uid);
	const struct group *gr = getgrgid(gid);
	char user[33], group[33];

	(void)snprintf(user, sizeof(user), "%u", uid);
	(void)snprintf(group, sizeof(group), "%u", gid);
	if (pw != NULL)
		(void)snprintf(user, sizeof(user), "%.32s", pw->pw_name);
	if (gr != NULL)
		(void)snprintf(group, sizeof(group), "%.32s", gr->gr_name);
	(void)snprintf(buf, USERS_TEXT_SIZE, "%s:%s", user, group);
	return buf;
}

/* Once, at the start: which names are missing, what is used for them, and what makes them. */
static void
say_numbers(const struct users *users, const struct config *config)
{
	static const char *const names[] = { "mxtrap", "mxtrap-net", "mxtrap-fw" };
	char missing[64] = "", who[160] = "";
	struct process_user spare;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < 3; i++)
		if ((i < 2 || config->firewall) && !named(names[i], &spare))
			n += (size_t)snprintf(missing + n, sizeof(missing) - n, "%s%s", n > 0 ? ", " : "", names[i]);
	for (int i = 0; i < PROCESS_N_ROLES; i++)
		if (!named(role_users[i].user, &spare) && (i != PROCESS_FIREWALL || config->firewall))
			k += (size_t)snprintf(who + k, sizeof(who) - k, "%s%s %u", k > 0 ? ", " : "",
			    process_name((enum process_role)i), users->of[i].uid);
	log_info("found no user %s: each process runs under a number of its own that no account has (%s)", missing, who);
	log_info("to make the users: systemd-sysusers; or, without it: "
	    "useradd -rU -d /var/lib/mxtrap -s /usr/sbin/nologin mxtrap; "
	    "useradd -rU -G mxtrap -d / -s /usr/sbin/nologin mxtrap-net; "
	    "useradd -rU -d / -s /usr/sbin/nologin mxtrap-fw; then start mxtrapd again");
}

static bool
refuse_root(uint64_t caps)
{
	bool uid = (caps & CAP_BIT(CAP_SETUID)) != 0, gid = (caps & CAP_BIT(CAP_SETGID)) != 0;

	log_warnx("found user root without %s%s%s, expected both: no child of mxtrapd may run as root, and without them it "
	    "cannot become another user; give it both (Docker: --cap-add SETUID --cap-add SETGID), or start it as a user: "
	    "setpriv --reuid mxtrap --regid mxtrap --clear-groups mxtrapd -c FILE",
	    uid ? "" : "CAP_SETUID", uid || gid ? "" : " and ", gid ? "" : "CAP_SETGID");
	return false;
}

bool
users_choose(struct users *users, const struct config *config)
{
	uint64_t caps = process_caps();

	*users = (struct users){ .kind = USERS_NAMED };
	find_admins(users);
	if (geteuid() != 0) {
		users->kind = USERS_SHARED;
		for (int i = 0; i < PROCESS_N_ROLES; i++)
			users->of[i] = (struct process_user){ .uid = geteuid(), .gid = getegid() };
		log_info("all processes run under one user (%u): each admin act needs a token of scope admin "
		    "(mxtrap --token-file FILE, or MXTRAP_TOKEN)", (unsigned)geteuid());
		return true;
	}
	if ((caps & CAP_BIT(CAP_SETUID)) == 0 || (caps & CAP_BIT(CAP_SETGID)) == 0)
		return refuse_root(caps);
	for (int i = 0; i < PROCESS_N_ROLES; i++) {
		struct process_user *u = &users->of[i];

		u->change = true;
		if (!named(role_users[i].user, u)) {
			u->uid = u->gid = number_for((enum process_role)i);
			if (i != PROCESS_FIREWALL || config->firewall)
				users->kind = USERS_NUMBERED;
		}
		if (role_users[i].reads)
			u->group = users->of[PROCESS_WATCH].gid;
		if (u->uid == 0 || !number_is_mapped("/proc/self/uid_map", u->uid) || !number_is_mapped("/proc/self/gid_map", u->gid)) {
			log_warnx("%s: found no user %s and no number from %u to %u that can be had here, expected one; "
			    "make the user, or map these numbers into the user namespace", process_name((enum process_role)i),
			    role_users[i].user, USERS_FIRST, USERS_LAST);
			return false;
		}
	}
	if (users->kind == USERS_NUMBERED)
		say_numbers(users, config);
	return true;
}

/* -- what is lacking -- */

/* Does any configured port need the right to bind low ones? */
static bool
needs_low_ports(const struct config *config)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	struct addr addr;
	uint16_t port;
	int from = 1024;
	bool low = false;

	if (f != NULL) {
		if (fscanf(f, "%d", &from) != 1)
			from = 1024;
		(void)fclose(f);
	}
	for (size_t i = 0; i < config->ladder.n_targets; i++)
		low = low || (config->ladder.targets[i].role == ROLE_BOGUS && config->ladder.targets[i].answer != ANSWER_NONE &&
		    from > 25);
	for (size_t i = 0; i < config->n_web; i++)
		low = low || (config_unix(config->web_listen[i]) == NULL && config_listen(config->web_listen[i], &addr, &port) &&
		    port < from);
	for (size_t i = 0; i < config->n_dnsbl; i++)
		low = low || (config_listen(config->dnsbl_listen[i], &addr, &port) && port < from);
	for (size_t i = 0; i < config->n_postfix; i++)
		low = low || (config_unix(config->postfix_listen[i]) == NULL && config_listen(config->postfix_listen[i], &addr, &port) &&
		    port < from);
	return low;
}

size_t
users_lacking(const struct users *users, const struct config *config, char (*lines)[USERS_LACK_SIZE], size_t n)
{
	bool change = users->kind != USERS_SHARED;
	const struct {
		int cap;
		bool needed;
		const char *name, *costs;
	} caps[] = {
		{ CAP_NET_RAW, true, "CAP_NET_RAW", "cannot capture: nothing is watched and nobody is judged" },
		{ CAP_NET_BIND_SERVICE, needs_low_ports(config), "CAP_NET_BIND_SERVICE",
		    "cannot bind ports below 1024: decoys on port 25 do not answer" },
		{ CAP_NET_ADMIN, config->firewall, "CAP_NET_ADMIN", "cannot fill the kernel's sets: the firewall blocks nobody" },
		{ CAP_KILL, change, "CAP_KILL", "cannot kill a process that hangs: it can only ask it to end" },
		{ CAP_SETPCAP, change, "CAP_SETPCAP", "cannot shrink the bounding sets of its processes" },
		{ CAP_CHOWN, change, "CAP_CHOWN", "cannot give the state directory and sockets to their users" },
	};
	uint64_t have = process_caps();
	size_t k = 0;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (!caps[i].needed || (have & CAP_BIT(caps[i].cap)) != 0)
			continue;
		if (k < n)
			(void)snprintf(lines[k], USERS_LACK_SIZE, "mxtrapd has no %s: it %s", caps[i].name, caps[i].costs);
		k++;
	}
	return k;
}
