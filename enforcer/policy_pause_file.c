// SPDX-License-Identifier: Apache-2.0
/*
 * pauses.json. Contracts: policy_pause_file.h.
 *
 * Ends are moments of CLOCK_BOOTTIME, as the kernel half has them, so that setting the wall clock changes no pause; the file
 * names the boot that they belong to.
 */
#include "enforcer/policy_pause_file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/json.h"
#include "enforcer/request.h"
#include "enforcer/util.h"

#define FILE_NAME "pauses.json"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_BYTES 37 /* a UUID and a NUL */
/* The list at its longest, with its names and numbers. */
#define FILE_BYTES_MAX ((POLICY_STORE_PAUSES_MAX + 2) * (POLICY_PAUSE_NAMESPACE_BYTES + 128))

int policy_pause_check_namespace(const char *namespace_)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strlen(namespace_);

	return n <= POLICY_PAUSE_NAMESPACE_BYTES && strspn(namespace_, allowed) == n ? 0 : -EINVAL;
}

/* The bytes of a regular file, NUL-terminated. Their number or -errno. */
static ssize_t read_file(const char *path, char *ret, size_t size)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t n = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (got > 0 && n < size - 1) {
		got = read(fd, ret + n, size - 1 - n);
		if (got < 0)
			return -errno;
		n += (size_t)got;
	}
	if (got > 0)
		return -EFBIG;
	ret[n] = '\0';
	return (ssize_t)n;
}

/* "" when the kernel does not say: then no file is of this boot. */
static void read_boot_id(char ret[BOOT_ID_BYTES])
{
	char text[2 * BOOT_ID_BYTES];

	if (read_file(BOOT_ID_FILE, text, sizeof(text)) < 0)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	snprintf(ret, BOOT_ID_BYTES, "%.36s", text);
}

static int write_file(const char *path, const char *text, size_t bytes)
{
	_cleanup_(close_fd) int fd = -1;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (size_t n = 0; n < bytes;) {
		ssize_t written = write(fd, text + n, bytes - n);

		if (written < 0)
			return -errno;
		n += (size_t)written;
	}
	return fdatasync(fd) < 0 ? -errno : 0;
}

static int make_text(struct json *json, const struct policy_pause_list *list, const char **ret, size_t *ret_bytes)
{
	char boot_id[BOOT_ID_BYTES];

	read_boot_id(boot_id);
	json_open_object(json, NULL);
	json_put_string(json, "boot_id", boot_id);
	json_open_array(json, "pauses");
	for (size_t i = 0; i < list->n; i++) {
		json_open_object(json, NULL);
		json_put_string(json, "namespace", list->at[i].namespace_);
		json_put_u64(json, "until_boot_ns", list->at[i].until_boot_ns);
		json_close(json);
	}
	json_close(json);
	json_close(json);
	return json_finish(json, ret, ret_bytes);
}

static int replace_file(const char *run_dir, const char *path, const struct policy_pause_list *list)
{
	_cleanup_(json_release) struct json json;
	char temporary[PATH_MAX];
	const char *text;
	size_t bytes;
	int err;

	json_init(&json, FILE_BYTES_MAX);
	err = make_text(&json, list, &text, &bytes);
	if (err)
		return err;
	if (snprintf(temporary, sizeof(temporary), "%s/" FILE_NAME ".tmp", run_dir) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	err = write_file(temporary, text, bytes);
	if (!err && rename(temporary, path) < 0)
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

int policy_pause_file_write(const char *run_dir, const struct policy_pause_list *list)
{
	char path[PATH_MAX];
	int err = 0;

	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (list->n)
		err = replace_file(run_dir, path, list);
	if ((err || !list->n) && unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return err;
}

static int read_pause(struct json_object *object, struct policy_pause *ret)
{
	struct json_object *until = NULL;
	const char *namespace_ = NULL;

	if (!json_object_is_type(object, json_type_object) || request_string(object, "namespace", &namespace_) < 0 ||
	    !namespace_ || policy_pause_check_namespace(namespace_) < 0 ||
	    !json_object_object_get_ex(object, "until_boot_ns", &until) || !json_object_is_type(until, json_type_int))
		return -EBADMSG;
	*ret = (struct policy_pause){ .until_boot_ns = json_object_get_uint64(until) };
	snprintf(ret->namespace_, sizeof(ret->namespace_), "%s", namespace_);
	return 0;
}

static int read_list(struct json_object *object, struct policy_pause_list *ret)
{
	struct json_object *array = NULL;
	char here[BOOT_ID_BYTES];
	const char *boot_id = NULL;
	size_t n;

	if (request_string(object, "boot_id", &boot_id) < 0 || !boot_id ||
	    !json_object_object_get_ex(object, "pauses", &array) || !json_object_is_type(array, json_type_array))
		return -EBADMSG;
	n = json_object_array_length(array);
	if (n > ARRAY_SIZE(ret->at))
		return -EBADMSG;
	read_boot_id(here);
	for (size_t i = 0; here[0] && strcmp(boot_id, here) == 0 && i < n; i++) {
		int err = read_pause(json_object_array_get_idx(array, i), &ret->at[i]);

		if (err)
			return err;
		ret->n = i + 1;
	}
	return 0;
}

int policy_pause_file_read(const char *run_dir, struct policy_pause_list *ret)
{
	_cleanup_(free_ptr) char *text = malloc(FILE_BYTES_MAX);
	struct policy_pause_list list = { 0 };
	struct json_object *object;
	char path[PATH_MAX];
	ssize_t bytes;
	int err;

	if (!text)
		return -ENOMEM;
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, run_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	ret->n = 0;
	bytes = read_file(path, text, FILE_BYTES_MAX);
	if (bytes < 0)
		return bytes == -ENOENT ? 0 : (int)bytes;
	err = request_parse(text, (size_t)bytes, &object);
	if (err)
		return err == -EPROTO ? -EBADMSG : err;
	err = read_list(object, &list);
	json_object_put(object);
	if (!err)
		*ret = list;
	return err;
}
