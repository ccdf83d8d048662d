// SPDX-License-Identifier: Apache-2.0
/*
 * Runtimes' state folders to facts. Contracts: adopt_find.h.
 *
 *   runc        ROOT/ID/state.json   id, init_process_pid, init_process_start, config.labels with "bundle=…"
 *   crun        ROOT/ID/status       pid, process-start-time, bundle; a copy of config.json beside it
 *   OCI         ROOT/ID/state.json   id, pid, bundle
 *   containerd  ROOT/ID/init.pid and config.json: the folder is the bundle
 * ROOT may have one more level, containerd's namespaces.
 */
#include "enforcer/adopt_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "enforcer/oci.h"
#include "enforcer/restore.h"
#include "enforcer/util.h"

#define LEVELS 2 /* ROOT/ID, ROOT/NAMESPACE/ID */
#define CGROUP_BYTES 8192
#define PATH_BYTES 4096

static bool is_roots(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & 022);
}

static int open_folder(int at, const char *name)
{
	_cleanup_(close_fd) int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !is_roots(&st))
		return -1;
	return TAKE_FD(fd);
}

/* The text of a regular file of root's; NULL: none, or too long. */
static char *read_text(int folder, const char *name)
{
	_cleanup_(close_fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(free_ptr) char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_roots(&st) || st.st_size > (off_t)ADOPT_STATE_BYTES_MAX)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	n = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return TAKE_PTR(text);
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static uint64_t number_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) || !json_object_is_type(value, json_type_int))
		return 0;
	return json_object_get_int64(value) > 0 ? (uint64_t)json_object_get_int64(value) : 0;
}

/* runc keeps annotations as "key=value", its own among them. */
static const char *bundle_of_labels(struct json_object *state)
{
	struct json_object *config, *labels;

	if (!json_object_object_get_ex(state, "config", &config) || !json_object_is_type(config, json_type_object) ||
	    !json_object_object_get_ex(config, "labels", &labels) || !json_object_is_type(labels, json_type_array))
		return NULL;
	for (size_t i = json_object_array_length(labels); i > 0; i--) { /* its own comes last, after what a user may set */
		const char *label = json_object_get_string(json_object_array_get_idx(labels, i - 1));

		if (label && !strncmp(label, "bundle=", 7))
			return label + 7;
	}
	return NULL;
}

/* Takes what both of runc's, crun's and OCI's shapes say; -EINVAL: nothing that names a process and a bundle. */
static int take_state(struct adopt_entry *entry, struct json_object *state)
{
	uint64_t pid = number_of(state, "init_process_pid");
	const char *bundle = text_of(state, "bundle");

	entry->start = number_of(state, pid ? "init_process_start" : "process-start-time");
	if (!pid)
		pid = number_of(state, "pid");
	if (!bundle)
		bundle = bundle_of_labels(state);
	if (!pid || pid > INT32_MAX || !bundle || bundle[0] != '/')
		return -EINVAL;
	entry->pid = (pid_t)pid;
	entry->bundle = strdup(bundle);
	return entry->bundle ? 0 : -ENOMEM;
}

static int read_state(struct adopt_entry *entry, int folder)
{
	_cleanup_(free_ptr) char *text = read_text(folder, "state.json");
	struct json_object *state;
	int err = -EINVAL;

	if (!text)
		text = read_text(folder, "status");
	state = text ? json_tokener_parse(text) : NULL;
	if (json_object_is_type(state, json_type_object))
		err = take_state(entry, state);
	json_object_put(state);
	return err;
}

/* containerd's folder of a task. */
static int read_pid(struct adopt_entry *entry, int folder, const char *path)
{
	_cleanup_(free_ptr) char *text = read_text(folder, "init.pid");
	char *end;
	long long pid = text ? strtoll(text, &end, 10) : 0;

	if (!text || end == text || pid <= 0 || pid > INT32_MAX || faccessat(folder, "config.json", R_OK, 0))
		return -EINVAL;
	entry->pid = (pid_t)pid;
	entry->bundle = strdup(path);
	return entry->bundle ? 0 : -ENOMEM;
}

static void release_entry(struct adopt_entry *entry)
{
	free(entry->id);
	free(entry->bundle);
	free(entry->fallback);
	*entry = (struct adopt_entry){ 0 };
}

static int keep(struct adopt_entries *entries, struct adopt_entry *entry)
{
	struct adopt_entry *grown = entries->list;

	if (entries->n == entries->room) {
		grown = realloc(entries->list, (2 * entries->room + 16) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		entries->list = grown;
		entries->room = 2 * entries->room + 16;
	}
	entries->list[entries->n++] = *entry;
	*entry = (struct adopt_entry){ 0 };
	return 0;
}

/* One folder, if it is a container's. -EINVAL: it is not. */
static int take_folder(struct adopt_entries *entries, int folder, const char *id, const char *path)
{
	struct adopt_entry entry = { 0 };
	int err = read_state(&entry, folder);

	if (err == -EINVAL) {
		release_entry(&entry);
		err = read_pid(&entry, folder, path);
	}
	if (!err) {
		entry.id = strdup(id);
		entry.fallback = strdup(path);
		err = entry.id && entry.fallback ? keep(entries, &entry) : -ENOMEM;
	}
	release_entry(&entry);
	return err;
}

struct walk {
	struct adopt_entries *entries;
	size_t left; /* of ADOPT_ENTRIES_MAX */
};

static int walk_folder(struct walk *walk, int fd, const char *path, int levels);

static int walk_entry(struct walk *walk, int parent, const char *parent_path, const char *name, int levels)
{
	_cleanup_(close_fd) int fd = open_folder(parent, name);
	char path[PATH_BYTES];
	int err;

	if (fd < 0 || strlen(name) > ADOPT_ID_BYTES_MAX ||
	    snprintf(path, sizeof(path), "%s/%s", parent_path, name) >= (int)sizeof(path)) {
		walk->entries->passed_over++;
		return 0;
	}
	err = take_folder(walk->entries, fd, name, path);
	if (err != -EINVAL)
		return err;
	if (levels > 1)
		return walk_folder(walk, TAKE_FD(fd), path, levels - 1);
	walk->entries->passed_over++;
	return 0;
}

/* fd: taken. */
static int walk_folder(struct walk *walk, int fd, const char *path, int levels)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && walk->left && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		walk->left--;
		err = walk_entry(walk, dirfd(dir), path, entry->d_name, levels);
	}
	closedir(dir);
	return err;
}

int adopt_find(const char *folder, struct adopt_entries *entries)
{
	struct walk walk = { .entries = entries, .left = ADOPT_ENTRIES_MAX };
	int fd = open_folder(AT_FDCWD, folder);

	return fd < 0 ? 0 : walk_folder(&walk, fd, folder, LEVELS);
}

void adopt_entries_release(struct adopt_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		release_entry(&entries->list[i]);
	free(entries->list);
	*entries = (struct adopt_entries){ 0 };
}

/* Whether the process's cgroup carries the id. */
static bool is_in_cgroup_of(const char *proc, pid_t pid, const char *id)
{
	_cleanup_(close_file) FILE *file = NULL;
	char path[PATH_BYTES], text[CGROUP_BYTES];
	size_t n;

	snprintf(path, sizeof(path), "%s/%d/cgroup", proc, (int)pid);
	file = fopen(path, "re");
	n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[n] = '\0';
	return strstr(text, id) != NULL;
}

static bool has_ended(int pidfd)
{
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };

	return poll(&poller, 1, 0) != 0;
}

/* A process's number is believed only with its start, which is read while a descriptor holds the process. */
static int open_process(const struct adopt_entry *entry, const char *proc)
{
	_cleanup_(close_fd) int pidfd = (int)syscall(SYS_pidfd_open, entry->pid, 0);
	bool same;

	if (pidfd < 0)
		return -errno;
	same = entry->start ? restore_start_in(proc, entry->pid) == entry->start
			    : is_in_cgroup_of(proc, entry->pid, entry->id);
	return same && !has_ended(pidfd) ? TAKE_FD(pidfd) : -ESRCH;
}

static int open_config(const struct adopt_entry *entry)
{
	const char *const folders[] = { entry->bundle, entry->fallback };
	char path[PATH_BYTES];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		int fd = -1;

		if (snprintf(path, sizeof(path), "%s/config.json", folders[i]) < (int)sizeof(path))
			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_roots(&st))
			return fd;
		close_fd(&fd);
	}
	return -ENOENT;
}

/* The OCI state that the hook would have been given. */
static char *make_state(const struct adopt_entry *entry)
{
	struct json_object *state = json_object_new_object();
	char *text;

	json_object_object_add(state, "ociVersion", json_object_new_string("1.0.2"));
	json_object_object_add(state, "id", json_object_new_string(entry->id));
	json_object_object_add(state, "status", json_object_new_string("running"));
	json_object_object_add(state, "pid", json_object_new_int(entry->pid));
	json_object_object_add(state, "bundle", json_object_new_string(entry->bundle));
	text = strdup(json_object_to_json_string_ext(state, JSON_C_TO_STRING_PLAIN));
	json_object_put(state);
	return text;
}

int adopt_open(const struct adopt_entry *entry, const char *proc, struct oci_container **ret, int *ret_pidfd, char *reterr)
{
	_cleanup_(close_fd) int pidfd = open_process(entry, proc);
	_cleanup_(close_fd) int config = -1;
	_cleanup_(free_ptr) char *state = NULL;
	int err;

	if (pidfd < 0) {
		snprintf(reterr, OCI_ERROR_BYTES, "process %d is not its first process any more (%s)", (int)entry->pid,
			 strerror(-pidfd));
		return pidfd;
	}
	config = open_config(entry);
	if (config < 0) {
		snprintf(reterr, OCI_ERROR_BYTES, "no config.json in its bundle %.200s", entry->bundle);
		return config;
	}
	state = make_state(entry);
	err = state ? oci_parse(state, config, ret, reterr) : -ENOMEM;
	if (!err)
		*ret_pidfd = TAKE_FD(pidfd);
	return err;
}
