/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine.c - giving up what a process does not need: user, capabilities, privileges.
 *
 * Linux capabilities by the raw calls (libcap would be a library for two of them).
 * capset() is a thread's own affair: confine before the first thread is started.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"

#define CAP_BIT(cap) (1ULL << (cap))
#define CONFINE_LAST 63

static const struct role_user {
	const char *user;
	const char *group;	/* NULL: none beside its own */
} role_users[PROCESS_N_ROLES] = {
	[PROCESS_WATCH] = { "mxtrap", NULL },
	[PROCESS_DECOY] = { "mxtrap-net", NULL },
	[PROCESS_WEB] = { "mxtrap-net", "mxtrap" },	/* reads what watch wrote */
	[PROCESS_LOOKUP] = { "mxtrap-net", "mxtrap" },
	[PROCESS_FIREWALL] = { "mxtrap-fw", NULL },
};

/* What mxtrapd itself keeps: enough to bind, and to start its children as they were. */
static const uint64_t supervisor_caps = CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_NET_BIND_SERVICE) |
    CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_KILL);

static uint64_t
caps_permitted(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

static int
caps_set(uint64_t keep, uint64_t inheritable)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(keep >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return (int)syscall(SYS_capset, &head, data);
}

/* No program that we might ever execute gets more than this. */
static void
caps_bound(uint64_t keep)
{
	for (int cap = 0; cap <= CONFINE_LAST; cap++) {
		if ((keep & CAP_BIT(cap)) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			break;		/* behind the last one that this kernel knows */
	}
}

bool
process_user(const char *name, uint32_t *uid, uint32_t *gid)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return false;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

/* The role's user for good.  False: there is no such user, or no right to become it. */
static bool
become_user(const struct role_user *role)
{
	const uint64_t needed = CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID);
	uint32_t uid, gid, spare;
	gid_t groups[1];
	size_t n = 0;

	if ((caps_permitted() & needed) != needed || !process_user(role->user, &uid, &gid))
		return false;
	if (role->group != NULL && process_user(role->group, &spare, &groups[0]))
		n = 1;
	if (setgroups(n, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid,
	    uid, uid) < 0)
		fatal("cannot become user %s", role->user);
	return true;
}

void
process_confine(struct process *p, uint64_t keep_caps)
{
	uint64_t keep = keep_caps & caps_permitted();

	if (keep != keep_caps)
		log_warnx("runs without the capabilities that it should keep (%#llx of %#llx)",
		    (unsigned long long)keep, (unsigned long long)keep_caps);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		fatal("cannot keep capabilities");
	caps_bound(0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!become_user(&role_users[p->role]))
		log_debug("stays under its user %u", (unsigned)geteuid());
	if (caps_set(keep, 0) < 0)
		fatal("cannot give up capabilities");
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fatal("cannot forbid new privileges");
#if !defined(__SANITIZE_ADDRESS__)
	/* The leak checker looks at its own process from outside, at the end. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fatal("cannot forbid core dumps");
#endif
	/* A change of user clears this, hence now; and the supervisor may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		fatal("cannot tie its life to mxtrapd's");
	if (p->parent != 0 && getppid() != p->parent)
		fatalx("mxtrapd is gone");
}

void
process_confine_supervisor(const struct config *config)
{
	uint64_t wanted = supervisor_caps | (config->firewall ? CAP_BIT(CAP_NET_ADMIN) : 0);
	uint64_t keep = wanted & caps_permitted();
	uint32_t uid, gid;
	bool users = process_user("mxtrap", &uid, &gid) && process_user("mxtrap-net", &uid, &gid) &&
	    (!config->firewall || process_user("mxtrap-fw", &uid, &gid));

	if (keep != wanted || !users)
		log_info("all processes run under one user (%u): found %s%s%s, expected all",
		    (unsigned)geteuid(), keep == wanted ? "" : "not all capabilities",
		    keep == wanted || users ? "" : " and ",
		    users ? "" : config->firewall ? "not the users mxtrap, mxtrap-net and mxtrap-fw" :
	    "no users mxtrap and mxtrap-net");
	caps_bound(keep);
	if (caps_set(keep, keep) < 0)
		fatal("cannot give up capabilities");
	/* Children are other programs to the kernel: without root only ambient ones reach them. */
	for (int cap = 0; cap <= CONFINE_LAST; cap++)
		if ((keep & CAP_BIT(cap)) != 0)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
