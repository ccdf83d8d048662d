// SPDX-License-Identifier: Apache-2.0
/* Owns: the identity of an overlay's layers, from its mount options; see layers.h. Must not know: the store, mountinfo. */
#include "imagedb/layers.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "imagedb/util.h"

/* The text being made. */
struct identity {
	FILE *out;
	const char *base;	/* of relative paths, NULL: not known */
	const char *upper;	/* path of the writable layer, NULL: none */
	size_t upper_len;
};

/*
 * containerd changes into the folder of its snapshots when the layers' names do not fit into a page: "15/fs:14/fs" beside an
 * absolute "/…/16/fs" to write to. Only a name of just that shape is taken to lie there. Returns the length of the folder's name,
 * 0 when it cannot be told.
 */
static size_t snapshots_len(const struct identity *identity, const char *path)
{
	const char *upper = identity->upper, *slash = strchr(path, '/');
	size_t folder = identity->upper_len, tail = slash ? strlen(slash) : 0;

	if (!tail || path[0] == '.' || strchr(slash + 1, '/') || !upper || upper[0] != '/' || memchr(upper, '\\', folder) || folder <= tail ||
	    memcmp(upper + folder - tail, slash, tail) != 0)
		return 0;
	folder -= tail;
	while (folder > 0 && upper[folder - 1] != '/')
		folder--;
	return folder;
}

/* The path, made absolute when it is not; -EINVAL when that cannot be told for sure. *ret is to be freed. */
static int make_absolute(const struct identity *identity, const char *path, char **ret)
{
	size_t len;
	int n;

	if (path[0] == '/')
		return (*ret = strdup(path)) ? 0 : -ENOMEM;
	if (identity->base)
		n = asprintf(ret, "%s/%s", identity->base, path);
	else if ((len = snapshots_len(identity, path)))
		n = asprintf(ret, "%.*s%s", (int)len, identity->upper, path);
	else
		return -EINVAL;
	if (n < 0)
		*ret = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/*
 * Appends "path=dev:ino@ctime;". A folder that replaces another may get its inode number, but not its time. -EINVAL when the
 * folder cannot be told for sure: mountinfo escapes what it cannot show, and a backslash escapes a colon.
 */
static int add_layer(const struct identity *identity, const char *path)
{
	_cleanup_(free_text) char *absolute = NULL, *real = NULL;
	struct stat st;
	int r;

	if (!*path || strchr(path, '\\'))
		return -EINVAL;
	r = make_absolute(identity, path, &absolute);
	if (r < 0)
		return r;
	real = realpath(absolute, NULL);
	if (!real || stat(real, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (strchr(real, ';'))
		return -EINVAL;	/* such a path would read as two layers */
	fprintf(identity->out, "%s=%llx:%llx@%llx.%lx;", real, (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		(unsigned long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return 0;
}

/* "a:b::c": layers, then those behind a double colon that only give data, which makes another root of the same folders. */
static int add_list(struct identity *identity, char *list)
{
	int r = 0;

	while (list && r == 0) {
		char *path = strsep(&list, ":");

		if (!*path && list) {
			fputs("data:", identity->out);
			path = strsep(&list, ":");
		}
		r = add_layer(identity, path);
	}
	return r;
}

/* One option: "lowerdir=a:b", or "lowerdir+=a" and "datadir+=a" of the new mount interface. */
static int add_option(struct identity *identity, char *option)
{
	if (strncmp(option, "lowerdir+=", 10) == 0)
		return add_layer(identity, option + 10);
	if (strncmp(option, "lowerdir=", 9) == 0)
		return add_list(identity, option + 9);
	if (strncmp(option, "datadir+=", 9) != 0)
		return 0;
	fputs("data:", identity->out);
	return add_layer(identity, option + 9);
}

static void find_upper(struct identity *identity, const char *options)
{
	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, "upperdir=", 9) == 0) {
			identity->upper = at + 9;
			identity->upper_len = strcspn(at + 9, ",");
		}
	}
}

static int add_options(struct identity *identity, char *options)
{
	char *save = NULL;
	int r = 0;

	find_upper(identity, options);
	for (char *option = strtok_r(options, ",", &save); r == 0 && option; option = strtok_r(NULL, ",", &save))
		r = add_option(identity, option);
	return r;
}

/* Runs one of the makers above on a copy of the text. */
static int make_text(int (*make)(struct identity *, char *), const char *from, const char *base, char **ret)
{
	_cleanup_(free_text) char *copy = strdup(from), *text = NULL;
	struct identity identity = { .base = base };
	size_t bytes = 0;
	int r;

	if (!copy)
		return -ENOMEM;
	identity.out = open_memstream(&text, &bytes);
	if (!identity.out)
		return -ENOMEM;
	r = make(&identity, copy);
	if (fclose(identity.out) && r == 0)
		r = -ENOMEM;
	if (r == 0 && bytes == 0)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = text;
	text = NULL;
	return 0;
}

int imagedb_layers_of_options(const char *options, const char *base, char **ret)
{
	int r = make_text(add_options, options, base, ret);

	return r < 0 && r != -ENOMEM ? -EINVAL : r;
}

int imagedb_layers_of_list(const char *list, char **ret)
{
	char folder[PATH_MAX];

	return getcwd(folder, sizeof(folder)) ? make_text(add_list, list, folder, ret) : -errno;
}

/* Is the folder still the one that "path=dev:ino@ctime" names? */
static bool is_layer(const char *entry, const char *path)
{
	_cleanup_(free_text) char *now = NULL;
	struct identity identity = { 0 };
	size_t bytes = 0;
	int r;

	identity.out = open_memstream(&now, &bytes);
	if (!identity.out)
		return false;
	r = add_layer(&identity, path);
	if (fclose(identity.out) || r < 0 || bytes == 0)
		return false;
	now[bytes - 1] = '\0';	/* the semicolon */
	return strcmp(now, entry) == 0;
}

static int give_layer(char *entry, imagedb_layer_fn fn, void *data)
{
	struct imagedb_layer layer = { .data_only = strncmp(entry, "data:", 5) == 0 };
	_cleanup_(free_text) char *path = strdup(layer.data_only ? entry + 5 : entry);
	char *end = path ? strrchr(path, '=') : NULL;

	if (!path)
		return -ENOMEM;
	if (!end || path[0] != '/')
		return -EINVAL;
	*end = '\0';
	layer.path = path;
	layer.changed = !is_layer(layer.data_only ? entry + 5 : entry, path);
	return fn(&layer, data);
}

int imagedb_layers_each(const char *identity, imagedb_layer_fn fn, void *data)
{
	_cleanup_(free_text) char *copy = strdup(identity);
	char *rest = copy;
	int r = *identity ? 0 : -EINVAL;

	if (!copy)
		return -ENOMEM;
	while (r == 0 && *rest) {
		char *end = strchr(rest, ';');

		if (!end)
			return -EINVAL;
		*end = '\0';
		r = give_layer(rest, fn, data);
		rest = end + 1;
	}
	return r;
}
