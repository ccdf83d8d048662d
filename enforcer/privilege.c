// SPDX-License-Identifier: Apache-2.0
/*
 * Capabilities of the running daemon, and the check that everything is in place.
 *
 * Owns: libcap. Must not know: system calls (privilege_filter.c). Contracts: privilege.h.
 *
 * What is kept, and why:
 *   CAP_DAC_READ_SEARCH  image files that only another user may read, in folders that only another user may enter, are
 *                        opened for the scan and for enrolment; uid 0 alone is refused since securebits took its magic
 *   CAP_SYS_PTRACE       /proc/PID/root and /proc/PID/mountinfo of processes that hold more capabilities than we do, or
 *                        live in a user namespace
 * What is not: CAP_BPF and CAP_PERFMON (maps are open or mapped), CAP_DAC_OVERRIDE (our own files belong to us),
 * CAP_KILL (the kernel half kills), CAP_SYS_ADMIN.
 */
#include "enforcer/privilege.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <linux/securebits.h>

#include "enforcer/util.h"

static const cap_value_t kept[] = { CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE };

/* uid 0 gives no capability on exec or setuid, ambient ones cannot be raised, and nobody can change that any more. */
#define SECUREBITS                                                                                      \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | \
	 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static int empty_bounding_set(void)
{
	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
		if (cap_get_bound(cap) == 1 && cap_drop_bound(cap) < 0)
			return -errno;
	return 0;
}

static int empty_ambient_set(void)
{
	return cap_reset_ambient() < 0 ? -errno : 0;
}

static int lock_securebits(void)
{
	return prctl(PR_SET_SECUREBITS, (unsigned long)SECUREBITS, 0, 0, 0) < 0 ? -errno : 0;
}

static int keep(const cap_value_t *caps, int n)
{
	cap_t set = cap_init();
	int err = 0;

	if (!set)
		return -errno;
	if (cap_set_flag(set, CAP_PERMITTED, n, caps, CAP_SET) < 0 ||
	    cap_set_flag(set, CAP_EFFECTIVE, n, caps, CAP_SET) < 0 || cap_set_proc(set) < 0)
		err = -errno;
	cap_free(set);
	return err;
}

static int keep_few(void)
{
	return keep(kept, ARRAY_SIZE(kept));
}

/* What the children that read images keep: files that are closed to uid 0 without it are part of the image as well. */
static int keep_one(void)
{
	return keep(&(const cap_value_t){ CAP_DAC_READ_SEARCH }, 1);
}

static int forbid_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

struct step {
	int (*fn)(void);
	const char *name;
};

static int take_steps(const struct step *steps, size_t n, char *reterr)
{
	for (size_t i = 0; i < n; i++) {
		int err = steps[i].fn();

		if (err == 0)
			continue;
		if (reterr)
			snprintf(reterr, PRIVILEGE_ERROR_BYTES, "cannot %s: %s", steps[i].name, strerror(-err));
		return err;
	}
	return 0;
}

int privilege_drop_capabilities(char *reterr)
{
	static const struct step steps[] = {
		{ empty_bounding_set, "empty the bounding set (CAP_SETPCAP)" },
		{ empty_ambient_set, "empty the ambient set" },
		{ lock_securebits, "lock the securebits (CAP_SETPCAP)" },
		{ keep_few, "keep CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE only" },
		{ forbid_new_privileges, "set no_new_privs" },
	};

	return take_steps(steps, ARRAY_SIZE(steps), reterr);
}

int privilege_keep_reading(char *reterr)
{
	static const struct step steps[] = {
		{ empty_bounding_set, "empty the bounding set (CAP_SETPCAP)" },
		{ empty_ambient_set, "empty the ambient set" },
		{ lock_securebits, "lock the securebits (CAP_SETPCAP)" },
		{ keep_one, "keep CAP_DAC_READ_SEARCH only" },
		{ forbid_new_privileges, "set no_new_privs" },
	};

	return take_steps(steps, ARRAY_SIZE(steps), reterr);
}

/* What /proc says of one thread; each must be found. */
struct confinement {
	uint64_t inheritable, permitted, effective, bounding, ambient, no_new_privs, seccomp;
	unsigned int found;
};

static void read_status_line(const char *line, struct confinement *ret)
{
	const struct {
		const char *format;
		uint64_t *value;
	} fields[] = {
		{ "CapInh: %" SCNx64, &ret->inheritable }, { "CapPrm: %" SCNx64, &ret->permitted },
		{ "CapEff: %" SCNx64, &ret->effective },   { "CapBnd: %" SCNx64, &ret->bounding },
		{ "CapAmb: %" SCNx64, &ret->ambient },	   { "NoNewPrivs: %" SCNu64, &ret->no_new_privs },
		{ "Seccomp: %" SCNu64, &ret->seccomp },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (sscanf(line, fields[i].format, fields[i].value) == 1)
			ret->found |= 1u << i;
}

static int read_status(const char *thread, struct confinement *ret)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[64], line[512];

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", thread);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	*ret = (struct confinement){ 0 };
	while (fgets(line, sizeof(line), file))
		read_status_line(line, ret);
	return ret->found == (1u << 7) - 1 ? 0 : -EPROTO;
}

/* NULL when all is well, else what is not. */
static const char *find_fault(const struct confinement *c)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		mask |= UINT64_C(1) << kept[i];
	if (c->permitted != mask || c->effective != mask)
		return "does not have exactly the capabilities that are kept";
	if (c->inheritable || c->bounding || c->ambient)
		return "could gain capabilities by running a program";
	if (c->no_new_privs != 1)
		return "lacks no_new_privs";
	return c->seccomp == 2 ? NULL : "has no system call filter";
}

static int check_thread(const char *thread, char *reterr)
{
	struct confinement confinement;
	const char *fault;
	int err = read_status(thread, &confinement);

	if (err < 0) {
		if (reterr)
			snprintf(reterr, PRIVILEGE_ERROR_BYTES, "cannot read the status of thread %.20s: %s", thread,
				 strerror(-err));
		return err;
	}
	fault = find_fault(&confinement);
	if (fault && reterr)
		snprintf(reterr, PRIVILEGE_ERROR_BYTES, "thread %.20s %s", thread, fault);
	return fault ? -EPERM : 0;
}

int privilege_check(char *reterr)
{
	DIR *threads = opendir("/proc/self/task");
	int err = threads ? 0 : -errno;

	if (err < 0 && reterr)
		snprintf(reterr, PRIVILEGE_ERROR_BYTES, "cannot list the threads: %s", strerror(-err));
	while (err == 0) {
		struct dirent *entry = readdir(threads);

		if (!entry)
			break;
		if (entry->d_name[0] != '.')
			err = check_thread(entry->d_name, reterr);
	}
	if (threads)
		closedir(threads);
	return err;
}
