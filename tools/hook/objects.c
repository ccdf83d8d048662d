// SPDX-License-Identifier: Apache-2.0
/*
 * What is handed to the daemon: the process, its root directory, its config.json.
 *
 * Owns: opening them so that each is the very object of this container. Must not know: the daemon.
 * I1: the pidfd is opened first and asked again last; all that was looked up by pid in between was of that process.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "enforcer/util.h"
#include "tools/hook/hook.h"

#define JSON_DEPTH 64 /* a runtime spec is eight levels deep */

static int open_spec(const struct hook_state *state, struct hook_text *reterr)
{
	char path[PATH_MAX + sizeof("/config.json")];
	_cleanup_(close_fd) int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "%s/config.json", state->bundle);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return hook_say(reterr, -errno, "cannot read %s: %m", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return hook_say(reterr, -EINVAL, "%s is not a file", path);
	if (st.st_size > HOOK_SPEC_MAX)
		return hook_say(reterr, -EFBIG, "%s is longer than %u bytes", path, HOOK_SPEC_MAX);
	return TAKE_FD(fd);
}

/* Reads without moving the offset, which the daemon shares. */
static int read_spec(int fd, char **ret, size_t *ret_bytes)
{
	_cleanup_(free_ptr) char *text = NULL;
	size_t used = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (used < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + used, (size_t)st.st_size - used, (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	*ret = TAKE_PTR(text);
	*ret_bytes = used;
	return 0;
}

static const char *find_root_path(struct json_object *spec)
{
	struct json_object *root, *path;

	if (!json_object_object_get_ex(spec, "root", &root) || !json_object_object_get_ex(root, "path", &path) ||
	    !json_object_is_type(path, json_type_string))
		return NULL;
	if (strlen(json_object_get_string(path)) != (size_t)json_object_get_string_len(path))
		return NULL;
	return json_object_get_string(path);
}

/* The root directory's path as the runtime resolves it: relative to the bundle. */
static int get_root_path(const struct hook_state *state, int spec, char *ret, size_t size, struct hook_text *reterr)
{
	_cleanup_(free_ptr) char *text = NULL;
	struct json_tokener *tokener;
	struct json_object *json;
	const char *path;
	size_t bytes = 0;
	int n = 0, r = read_spec(spec, &text, &bytes);

	if (r < 0)
		return hook_say(reterr, r, "cannot read %s/config.json: %s", state->bundle, strerror(-r));
	tokener = json_tokener_new_ex(JSON_DEPTH);
	if (!tokener)
		return hook_say(reterr, -ENOMEM, "out of memory");
	json = json_tokener_parse_ex(tokener, text, (int)bytes + 1);
	json_tokener_free(tokener);
	path = find_root_path(json);
	if (path)
		n = snprintf(ret, size, "%s%s%s", path[0] == '/' ? "" : state->bundle, path[0] == '/' ? "" : "/", path);
	r = path && path[0] != '\0' && n >= 0 && (size_t)n < size ? 0 : -EINVAL;
	json_object_put(json);
	return r < 0 ? hook_say(reterr, r, "%s/config.json names no usable root.path", state->bundle) : 0;
}

static int open_rootfs(const struct hook_state *state, int spec, struct hook_text *reterr)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char path[PATH_MAX], proc[64];
	_cleanup_(close_fd) int base = -1;
	int r = get_root_path(state, spec, path, sizeof(path), reterr);
	long fd;

	if (r < 0)
		return r;
	snprintf(proc, sizeof(proc), "/proc/%d/root", (int)state->pid);
	base = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return hook_say(reterr, -errno, "cannot open %s: %m", proc);
	fd = syscall(SYS_openat2, base, path, &how, sizeof(how));
	if (fd < 0)
		return hook_say(reterr, -errno, "cannot open the root directory %s as process %d sees it: %m%s", path,
				(int)state->pid, errno == ENOENT ? " (past createRuntime it is no longer there)" : "");
	return (int)fd;
}

static bool is_alive(int pidfd)
{
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };

	return poll(&poller, 1, 0) == 0;
}

int hook_objects_open(const struct hook_state *state, int *ret, struct hook_text *reterr)
{
	struct hook_text why;
	int r = 0;

	for (size_t i = 0; i < _HOOK_OBJECT_MAX; i++)
		ret[i] = -1;
	ret[HOOK_OBJECT_PIDFD] = pidfd_open(state->pid, 0);
	if (ret[HOOK_OBJECT_PIDFD] < 0)
		return hook_say(reterr, -errno, "process %d: %m", (int)state->pid);
	r = ret[HOOK_OBJECT_SPEC] = open_spec(state, &why);
	if (r >= 0)
		r = ret[HOOK_OBJECT_ROOTFS] = open_rootfs(state, ret[HOOK_OBJECT_SPEC], &why);
	if (r >= 0 && !is_alive(ret[HOOK_OBJECT_PIDFD]))
		r = hook_say(&why, -ESRCH, "process %d has ended", (int)state->pid);
	if (r >= 0)
		return 0;
	for (size_t i = 0; i < _HOOK_OBJECT_MAX; i++)
		if (ret[i] < 0)
			ret[i] = -1;
	hook_objects_close(ret);
	return hook_say(reterr, r, "%s", why.text);
}

void hook_objects_close(int *fds)
{
	for (size_t i = 0; i < _HOOK_OBJECT_MAX; i++)
		close_fd(&fds[i]);
}
