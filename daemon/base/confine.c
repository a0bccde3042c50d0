/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine.c - giving up what a process does not need: user, capabilities, privileges.
 *
 * Linux capabilities by the raw calls (libcap would be a library for two of them).
 * capset() is a thread's own affair: confine before the first thread is started.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mxtrap/log.h"
#include "mxtrap/process.h"

#define CAP_BIT(cap) (1ULL << (cap))
#define CONFINE_LAST 63

/* Little-endian, as both are here: the low half of an argument comes first. */
#if defined(__SANITIZE_ADDRESS__)
/* The leak checker looks at its own process from outside, at the end. */
#elif defined(__x86_64__)
#define CONFINE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CONFINE_ARCH AUDIT_ARCH_AARCH64
#endif

/* What mxtrapd itself keeps: enough to bind, and to start its children as they were. */
static const uint64_t supervisor_caps = CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_NET_BIND_SERVICE) |
    CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_KILL);

uint64_t
process_caps(void)
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

/*
 * From here on this process starts no other, neither a program nor a process of its own: that would outlive
 * mxtrapd, with the sockets that it inherited.  Threads are allowed.  Needs no_new_privs.
 */
static bool
confine_alone(void)
{
#if defined(CONFINE_ARCH)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(is, what) BPF_JUMP(BPF_JMP | BPF_##is | BPF_K, (what), 0, 1)
#define FAIL(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	static struct sock_filter rules[] = {
		LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONFINE_ARCH, 1, 0), FAIL(EPERM),
		LOAD(nr), IF(JGE, 0x40000000), FAIL(EPERM),	/* x32 */
		IF(JEQ, SYS_execve), FAIL(EPERM), IF(JEQ, SYS_execveat), FAIL(EPERM),
#if defined(SYS_fork)
		IF(JEQ, SYS_fork), FAIL(EPERM), IF(JEQ, SYS_vfork), FAIL(EPERM),
#endif
		/* A filter cannot see its flags; without it the C library calls clone(). */
		IF(JEQ, SYS_clone3), FAIL(ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0), ALLOW,
		LOAD(args[0]), IF(JSET, CLONE_THREAD), ALLOW, FAIL(EPERM),
	};
#undef LOAD
#undef IF
#undef FAIL
#undef ALLOW
	const struct sock_fprog program = { .len = sizeof(rules) / sizeof(rules[0]), .filter = rules };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
#else
	return false;
#endif
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

/* The user that mxtrapd chose, for good. */
static void
become_user(const struct process_user *user)
{
	gid_t groups[1] = { user->group };

	if (!user->change)
		return;
	if (setgroups(user->group != 0, groups) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		fatal("cannot become user %u", user->uid);
}

static void
say_lost(uint64_t lost)
{
	static const struct { int cap; const char *name; } names[] = {
		{ CAP_NET_RAW, "CAP_NET_RAW" }, { CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((lost & CAP_BIT(names[i].cap)) != 0)
			log_warnx("runs without %s, which it needs: mxtrapd was not given it", names[i].name);
}

void
process_confine(struct process *p, uint64_t keep_caps)
{
	uint64_t keep = keep_caps & process_caps();

	say_lost(keep_caps & ~keep);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		fatal("cannot keep capabilities");
	caps_bound(0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	become_user(&p->user);
	if (p->parent != 0 && (getuid() == 0 || geteuid() == 0))
		fatalx("would run as root, expected another user");
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
	if (p->parent != 0 && !confine_alone())
		log_debug("the kernel does not forbid it to start other programs");
}

void
process_confine_supervisor(const struct config *config)
{
	uint64_t wanted = supervisor_caps | (config->firewall ? CAP_BIT(CAP_NET_ADMIN) : 0);
	uint64_t keep = wanted & process_caps();

	caps_bound(keep);
	if (caps_set(keep, keep) < 0)
		fatal("cannot give up capabilities");
	/* Children are other programs to the kernel: without root only ambient ones reach them. */
	for (int cap = 0; cap <= CONFINE_LAST; cap++)
		if ((keep & CAP_BIT(cap)) != 0)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
