// SPDX-License-Identifier: Apache-2.0
/*
 * What is ours, for the kernel half. Contracts: guard.h.
 *
 *   I1  A daemon that could not be started again is never protected against the host: its program's place must be one that the
 *       next run of it has as well, in the host's own mounts.
 *   I2  The hooks compare the end of an unlock with the clock by themselves; what happens here at the end only tells people.
 */
#include "enforcer/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/json.h"
#include "enforcer/log.h"
#include "enforcer/loop.h"
#include "enforcer/lsm.h"
#include "enforcer/restore.h"
#include "enforcer/util.h"

#define MOUNTINFO_BYTES_MAX (8u << 20) /* tens of thousands of mounts */

struct guard {
	struct lsm *lsm;
	struct loop *loop;
	struct loop_source *timer;
	enum hf_guard_mode mode; /* in force once guard_begin() was called */
	char fault[GUARD_FAULT_BYTES];
};

static const char *const mode_names[] = {
	[HF_GUARD_OFF] = "off",
	[HF_GUARD_CONTAINERS] = "container",
	[HF_GUARD_HOST] = "host",
};
_Static_assert(ARRAY_SIZE(mode_names) == _HF_GUARD_MAX, "a word for each mode");

const char *guard_mode_name(enum hf_guard_mode mode)
{
	return mode < _HF_GUARD_MAX ? mode_names[mode] : NULL;
}

int guard_mode_parse(const char *name, enum hf_guard_mode *ret)
{
	for (unsigned int i = 0; i < _HF_GUARD_MAX; i++) {
		if (!strcmp(name, mode_names[i])) {
			*ret = (enum hf_guard_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* A line of mountinfo: "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 - ext3 /dev/root rw". */
static bool parse_line(const char *line, uint64_t *ret_id, uint64_t *ret_parent, uint32_t *ret_group)
{
	unsigned long long id, parent;
	const char *shared, *end = strstr(line, " - ");
	unsigned int group = 0;

	if (sscanf(line, "%llu %llu ", &id, &parent) != 2)
		return false;
	shared = strstr(line, " shared:");
	if (shared && end && shared < end && sscanf(shared, " shared:%u", &group) != 1)
		return false;
	*ret_id = id;
	*ret_parent = parent;
	*ret_group = group;
	return true;
}

/* Fills in the mount with that id; its parent's id, 0: there is no such mount. */
static uint64_t find_mount(const char *mountinfo, uint64_t id, struct hf_guard_mount *ret)
{
	for (const char *line = mountinfo; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		_cleanup_(free_ptr) char *one = strndup(line, strcspn(line, "\n"));
		uint64_t found, parent;
		uint32_t group;

		if (!one || !parse_line(one, &found, &parent, &group) || found != id)
			continue;
		*ret = (struct hf_guard_mount){ .id = (uint32_t)id, .group = group };
		return parent;
	}
	return 0;
}

size_t guard_parse_mounts(const char *mountinfo, uint64_t id, struct hf_guard_mount ret[HF_GUARD_MOUNTS])
{
	size_t n = 0;

	memset(ret, 0, HF_GUARD_MOUNTS * sizeof(*ret));
	while (n < HF_GUARD_MOUNTS) {
		uint64_t parent = find_mount(mountinfo, id, &ret[n]);

		if (!parent)
			break;
		n++;
		if (parent == id)
			break;
		id = parent;
	}
	return n;
}

static int fail(struct guard *guard, enum hf_guard_mode mode, int err, const char *what)
{
	guard->mode = mode;
	snprintf(guard->fault, sizeof(guard->fault), "%s%s%s", what, err ? ": " : "", err ? strerror(-err) : "");
	return -1;
}

static int read_mountinfo(char **ret)
{
	_cleanup_(close_file) FILE *file = fopen("/proc/1/mountinfo", "re");
	_cleanup_(free_ptr) char *text = malloc(MOUNTINFO_BYTES_MAX + 1);
	size_t n;

	if (!file)
		return -errno;
	if (!text)
		return -ENOMEM;
	n = fread(text, 1, MOUNTINFO_BYTES_MAX, file);
	text[n] = '\0';
	*ret = realloc(TAKE_PTR(text), n + 1);
	return *ret ? 0 : -ENOMEM;
}

/* As process 1 has them mounted, whatever namespace the daemon was started in. */
static int tell_mounts(struct hf_guard *told)
{
	_cleanup_(close_fd) int fd = open("/proc/1/root" HF_PIN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(free_ptr) char *text = NULL;
	struct statx stx;
	int err = fd < 0 ? -errno : read_mountinfo(&text);

	if (!err && statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx))
		err = -errno;
	if (!err && !(stx.stx_mask & STATX_MNT_ID))
		err = -EOPNOTSUPP;
	if (!err && !guard_parse_mounts(text, stx.stx_mnt_id, told->mounts))
		err = -ENOENT;
	return err;
}

static int tell_pins(struct guard *guard, struct hf_guard *told)
{
	_cleanup_(close_fd) int fd = open(HF_PIN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct hf_enrol answer;
	int err = fd < 0 ? -errno : lsm_identify(guard->lsm, fd, &answer);

	if (err)
		return fail(guard, HF_GUARD_OFF, err, "the pins' folder cannot be told apart");
	told->pins_dev = answer.key.dev;
	told->pins_ino = answer.key.ino;
	err = tell_mounts(told);
	if (err) /* unlinking is refused all the same */
		log_warning("self-protection: unmounting " HF_PIN_DIR " is not refused: %s", strerror(-err));
	return 0;
}

/* Whether the program is the file that its path leads to: what the next daemon will be run as. */
static int check_program(void)
{
	char path[PATH_MAX];
	struct stat running, found;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	if (stat("/proc/self/exe", &running) || stat(path, &found))
		return -errno;
	return running.st_ino == found.st_ino && running.st_dev == found.st_dev ? 0 : -ESTALE;
}

static int tell_place(struct guard *guard, struct hf_guard *told)
{
	int err = check_program();

	if (!err)
		err = lsm_tell_place(guard->lsm);
	if (err)
		return fail(guard, HF_GUARD_CONTAINERS, err, "the place of this program cannot be told");
	told->place = lsm_config(guard->lsm)->told_place;
	return 0;
}

/* A daemon in a container would be one of those that are refused: the host's is who has the host's root (subject.h). */
static bool is_on_host(const struct guard *guard)
{
	const struct hf_config *config = lsm_config(guard->lsm);
	_cleanup_(close_fd) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct hf_enrol answer;

	return root >= 0 && !lsm_identify(guard->lsm, root, &answer) && answer.key.dev == config->host_root_dev &&
	       answer.key.ino == config->host_root_ino;
}

static void tell(struct guard *guard)
{
	struct hf_guard *in_force = &lsm_config(guard->lsm)->guard, told = { 0 };

	told.unlocked_until_ns = in_force->unlocked_until_ns;
	told.daemon_tgid = (uint32_t)getpid();
	told.daemon_start = (uint32_t)restore_start_of_pid(getpid());
	if (!is_on_host(guard))
		fail(guard, HF_GUARD_OFF, 0, "holdfastd does not run in the host's own root");
	else if (tell_pins(guard, &told) == 0 && guard->mode == HF_GUARD_HOST)
		tell_place(guard, &told);
	/* An earlier daemon's protection goes on while its record changes. */
	told.mode = in_force->mode < guard->mode ? in_force->mode : guard->mode;
	*in_force = told;
}

static void on_end(uint32_t events, void *data)
{
	struct guard *guard = data;

	(void)events;
	loop_unwatch(&guard->timer);
	if (!guard_unlocked_until(guard))
		log_warning("break-glass: ended by itself, the enforcer is protected against the host again");
}

static void set_timer(struct guard *guard)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME), until = lsm_config(guard->lsm)->guard.unlocked_until_ns;

	loop_unwatch(&guard->timer);
	if (guard->loop && until > now)
		loop_timer(guard->loop, until - now, 0, on_end, guard, &guard->timer);
}

static void log_unlocked(const struct guard *guard)
{
	uint64_t until = guard_unlocked_until(guard);
	char text[JSON_TIME_BYTES];

	if (!until)
		return;
	json_format_time(until, text);
	log_warning("break-glass: until %s the host may touch the enforcer's maps, programs and pins", text);
}

int guard_new(struct lsm *lsm, struct loop *loop, enum hf_guard_mode mode, struct guard **ret)
{
	struct guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return -ENOMEM;
	guard->lsm = lsm;
	guard->loop = loop;
	guard->mode = mode;
	if (mode != HF_GUARD_OFF)
		tell(guard);
	else
		lsm_config(lsm)->guard.mode = HF_GUARD_OFF;
	if (guard->mode != mode)
		log_warning("self-protection is %s instead of %s: %s", guard_mode_name(guard->mode), guard_mode_name(mode),
			    guard->fault);
	*ret = guard;
	return 0;
}

void guard_begin(struct guard *guard)
{
	__atomic_store_n(&lsm_config(guard->lsm)->guard.mode, guard->mode, __ATOMIC_RELEASE);
	log_unlocked(guard);
	set_timer(guard);
}

void guard_free(struct guard **guard)
{
	struct guard *gone = *guard;

	if (!gone)
		return;
	*guard = NULL;
	loop_unwatch(&gone->timer);
	free(gone);
}

int guard_unlock(struct guard *guard, uint64_t seconds)
{
	__u64 *until = &lsm_config(guard->lsm)->guard.unlocked_until_ns;

	if (seconds > GUARD_UNLOCK_SECONDS_MAX)
		return -EINVAL;
	if (!seconds && !guard_unlocked_until(guard))
		return -ENOENT;
	if (seconds && guard->mode != HF_GUARD_HOST)
		return -EALREADY;
	__atomic_store_n(until, seconds ? clock_ns(CLOCK_BOOTTIME) + seconds * NSEC_PER_SEC : 0, __ATOMIC_RELEASE);
	set_timer(guard);
	if (seconds)
		log_unlocked(guard);
	else
		log_warning("break-glass: ended by order, the enforcer is protected against the host again");
	return 0;
}

enum hf_guard_mode guard_mode(const struct guard *guard)
{
	return guard->mode;
}

const char *guard_fault(const struct guard *guard)
{
	return guard->fault;
}

uint64_t guard_unlocked_until(const struct guard *guard)
{
	uint64_t until = lsm_config(guard->lsm)->guard.unlocked_until_ns, now = clock_ns(CLOCK_BOOTTIME);

	return until > now ? until - now + clock_ns(CLOCK_REALTIME) : 0;
}
