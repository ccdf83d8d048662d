// SPDX-License-Identifier: Apache-2.0
/*
 * Container files: JSON, written whole, read with suspicion (a half-written or foreign file is set aside by removing it).
 */
#include "enforcer/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/container.h"
#include "enforcer/daemon.h"
#include "enforcer/faults.h"
#include "enforcer/log.h"
#include "enforcer/oci_declared.h"
#include "enforcer/restore.h"
#include "enforcer/util.h"

#define STATE_BYTES_MAX (8u << 20) /* annotations are bounded by the hook's packet, layers by mountinfo */
#define STATE_PATH_BYTES 512

static int file_path(const struct daemon *daemon, uint64_t kernel_id, const char *suffix, char *buf)
{
	int n = snprintf(buf, STATE_PATH_BYTES, "%s/containers/%llu%s", daemon->options.run_dir,
			 (unsigned long long)kernel_id, suffix);

	return n < STATE_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
	if (value)
		json_object_object_add(object, key, json_object_new_string(value));
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static void add_pairs(struct json_object *object, const char *key, const struct container_label *pairs, size_t n)
{
	struct json_object *map = json_object_new_object();

	for (size_t i = 0; i < n; i++)
		add_text(map, pairs[i].key, pairs[i].value);
	json_object_object_add(object, key, map);
}

static void add_mounts(struct json_object *object, const struct container *c)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < c->n_mounts; i++) {
		struct json_object *mount = json_object_new_object();

		add_text(mount, "destination", c->mounts[i].destination);
		add_number(mount, "root_ino", c->mounts[i].root_ino);
		add_number(mount, "dev", c->mounts[i].dev);
		add_number(mount, "read_only", c->mounts[i].read_only);
		add_number(mount, "is_file", c->mounts[i].is_file);
		json_object_array_add(list, mount);
	}
	json_object_object_add(object, "mounts", list);
}

static struct json_object *describe(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	const struct container_facts *f = &c->facts;

	add_number(o, "abi", HF_ABI_VERSION); /* whose slots and layer sets the numbers mean */
	add_text(o, "id", f->id);
	add_text(o, "name", f->name);
	add_text(o, "image", f->image);
	add_text(o, "image_digest", f->image_digest);
	add_text(o, "namespace", f->namespace_);
	add_text(o, "pod", f->pod);
	add_text(o, "pod_uid", f->pod_uid);
	add_text(o, "manager", f->manager);
	add_text(o, "program", f->program);
	add_pairs(o, "labels", f->labels, f->n_labels);
	add_pairs(o, "annotations", f->annotations, f->n_annotations);
	add_mounts(o, c);
	oci_declared_save(f, o);
	add_text(o, "state_reason", c->state_reason);
	add_text(o, "cgroup_path", c->cgroup_path);
	add_text(o, "root_type", c->root_type);
	add_text(o, "layers", c->layers);
	add_number(o, "state", c->state);
	add_number(o, "pid", (uint64_t)c->pid);
	add_number(o, "pid_start", restore_start_of_pid(c->pid));
	add_number(o, "kernel_id", c->kernel_id);
	add_number(o, "slot", c->slot);
	add_number(o, "layer_set", c->layer_set);
	add_number(o, "root_dev", c->root_dev);
	add_number(o, "root_ino", c->root_ino);
	add_number(o, "upper_dev", c->upper_dev);
	add_number(o, "upper_ino", c->upper_ino);
	add_number(o, "layers_complete", c->layers_complete);
	add_number(o, "own_overlay", c->own_overlay);
	add_number(o, "cgroup", c->cgroup);
	add_number(o, "executables", c->executables);
	add_number(o, "volumes", c->volumes);
	add_number(o, "started_ns", c->started_ns);
	add_number(o, "armed_after_ns", c->armed_after_ns);
	add_number(o, "watched_ns", c->watched_ns);
	return o;
}

static int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, text, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		text += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int state_save(struct daemon *daemon, const struct container *container)
{
	char path[STATE_PATH_BYTES], fresh[STATE_PATH_BYTES];
	struct json_object *object;
	const char *text;
	int fd, err = file_path(daemon, container->kernel_id, "", path);

	if (!err)
		err = file_path(daemon, container->kernel_id, ".new", fresh);
	if (err)
		return err;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	object = describe(container);
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	err = text ? write_all(fd, text, strlen(text)) : -ENOMEM;
	json_object_put(object);
	if (!err && fdatasync(fd)) /* nothing on a tmpfs; elsewhere a disk's error shows here or never */
		err = -errno;
	close(fd);
	if (!err && rename(fresh, path))
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

static void tell(struct daemon *daemon, const char *what, uint64_t kernel_id, int err)
{
	char text[STATE_PATH_BYTES];

	snprintf(text, sizeof(text), "cannot %s of container %llu: %s", what, (unsigned long long)kernel_id, strerror(-err));
	faults_met(daemon->faults, FAULT_STATE, text);
}

void state_keep(struct daemon *daemon, struct container *c)
{
	int err = state_save(daemon, c);

	c->unsaved = err != 0;
	if (err)
		tell(daemon, "write the file", c->kernel_id, err);
}

void state_remove(struct daemon *daemon, uint64_t kernel_id)
{
	char path[STATE_PATH_BYTES];

	if (file_path(daemon, kernel_id, "", path) || !unlink(path) || errno == ENOENT)
		return;
	daemon->state_stale = true;
	tell(daemon, "remove the file", kernel_id, -errno);
}

/* Files of containers that the table does not have. */
static int remove_stale(struct daemon *daemon)
{
	char path[STATE_PATH_BYTES], *end;
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/containers", daemon->options.run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		uint64_t id = strtoull(entry->d_name, &end, 10);

		if (entry->d_name[0] == '.' || (!*end && container_by_kernel_id(daemon->containers, id)))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) && errno != ENOENT)
			err = -errno;
	}
	closedir(dir);
	return err;
}

int state_mend(struct daemon *daemon)
{
	int err = daemon->state_stale ? remove_stale(daemon) : 0;

	daemon->state_stale = daemon->state_stale && err;
	for (size_t i = 0; !err && i < container_count(daemon->containers); i++) {
		struct container *c = container_at(daemon->containers, i);

		if (!c->unsaved)
			continue;
		err = state_save(daemon, c);
		c->unsaved = err != 0;
	}
	return err;
}

static struct json_object *read_state(int dir_fd, const char *name)
{
	_cleanup_(close_fd) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(free_ptr) char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > (off_t)STATE_BYTES_MAX)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	n = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return json_tokener_parse(text);
}

/* A file that state_remove() would not find again is none of ours. */
static bool is_named_after(struct json_object *object, const char *name)
{
	struct json_object *id;
	char expected[32];

	if (!json_object_object_get_ex(object, "kernel_id", &id))
		return false;
	snprintf(expected, sizeof(expected), "%llu", (unsigned long long)json_object_get_uint64(id));
	return !strcmp(name, expected);
}

static int restore_file(struct daemon *daemon, int dir_fd, const char *name)
{
	struct json_object *object = read_state(dir_fd, name);
	int err = is_named_after(object, name) ? restore_container(daemon, object) : -EBADMSG;

	json_object_put(object);
	if (err < 0) {
		if (err != -ESRCH)
			log_warning("state file %s: not taken back: %s", name, strerror(-err));
		unlinkat(dir_fd, name, 0);
	}
	return err;
}

int state_restore(struct daemon *daemon)
{
	char path[STATE_PATH_BYTES];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/containers", daemon->options.run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (restore_file(daemon, dirfd(dir), entry->d_name) == 0)
			n++;
	}
	closedir(dir);
	restore_finish(daemon);
	return n;
}
