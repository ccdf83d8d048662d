// SPDX-License-Identifier: Apache-2.0
/* The image database as the commands see it: opening with advice, naming a set, describing sets and files. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "tools/holdfast/image.h"

/* What to do about an error of the database. */
static const struct {
	int error;
	const char *advice;
} advices[] = {
	{ -EACCES, "run as root, or name another folder with --db" },
	{ -EROFS, "the file system is read-only: name another folder with --db" },
	{ -ENOSPC, "free some space, or name another folder with --db" },
	{ -EDQUOT, "free some space, or name another folder with --db" },
	{ -EFBIG, "the database is full: remove images with \"holdfast image rm\"" },
	{ -EPERM, "others may write to the folder: chown it to yourself and chmod 700" },
	{ -EUCLEAN, "what was stored is damaged and has been dropped: scan the image again" },
	{ -EISDIR, "a folder lies where the database's file should be: move it away" },
	{ -EUSERS, "too many programs read it at this moment: try again" },
};

enum cli_exit image_failed(const struct cli *cli, const char *db, const char *what, int error)
{
	const char *advice = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].error == error)
			advice = advices[i].advice;
	cli_error(cli, "%s the image database in %s: %s%s%s", what, db ? db : IMAGEDB_STORE_FOLDER, strerror(-error),
		  advice ? ": " : "", advice ? advice : "");
	return CLI_EXIT_ERROR;
}

/* The default folder's parent is made by the daemon's unit; without it, by us. */
static void make_parent(void)
{
	char parent[] = IMAGEDB_STORE_FOLDER;

	*strrchr(parent, '/') = '\0';
	mkdir(parent, 0755);
}

enum cli_exit image_open(const struct cli *cli, const char *db, bool read_only, struct imagedb_store **ret)
{
	const char *folder = db ? db : IMAGEDB_STORE_FOLDER;
	struct imagedb_store_report report;
	int r;

	if (!db && !read_only)
		make_parent();
	r = imagedb_store_open(folder, read_only ? IMAGEDB_STORE_READ_ONLY : 0, ret, &report);
	if (r == 0 && report.set_aside)
		cli_error(cli, "%s", report.message);
	if (r == 0)
		return CLI_EXIT_OK;
	if (r == -ENOENT && read_only)
		cli_error(cli, "no image database in %s: the daemon makes one, or \"holdfast image scan\"", folder);
	else if (report.message[0])
		cli_error(cli, "%s: %s", report.message, strstr(report.message, "another process") ?
			  "stop that (systemctl stop holdfastd) and try again" : "the daemon, or \"holdfast image scan\", starts a new one");
	else
		return image_failed(cli, db, "cannot open", r);
	return CLI_EXIT_ERROR;
}

/* --- naming a set ------------------------------------------------------------------------------------------------ */

struct find {
	const char *name;
	size_t n;
	uint64_t number;
};

void image_key(const struct imagedb_store_set *set, size_t digits, char text[2 * IMAGEDB_KEY_BYTES + 1])
{
	imagedb_hex(set->key, IMAGEDB_KEY_BYTES, text, 2 * IMAGEDB_KEY_BYTES + 1);
	text[digits < 2 * IMAGEDB_KEY_BYTES ? digits : 2 * IMAGEDB_KEY_BYTES] = '\0';
}

static int match_set(const struct imagedb_store_set *set, void *data)
{
	struct find *find = data;
	size_t len = strlen(find->name);
	char key[2 * IMAGEDB_KEY_BYTES + 1];

	image_key(set, 2 * IMAGEDB_KEY_BYTES, key);
	if (strcmp(set->label, find->name) != 0 && (len < IMAGE_KEY_LEAST || strncmp(key, find->name, len) != 0))
		return 0;
	if (find->n++ == 0)
		find->number = set->number;
	return 0;
}

enum cli_exit image_find(const struct cli *cli, struct imagedb_store *store, const char *db, const char *name,
			 struct imagedb_store_set **ret)
{
	struct find find = { .name = name };
	int r = imagedb_store_list(store, match_set, &find);

	if (r == 0 && find.n == 1)
		r = imagedb_store_get_number(store, find.number, ret);
	if (r == -ENOENT || (r == 0 && find.n == 0))
		cli_error(cli, "no image \"%s\": see holdfast image list", name);
	else if (r < 0)
		return image_failed(cli, db, "cannot read", r);
	else if (find.n > 1)
		cli_error(cli, "%zu images are called \"%s\": name one by its SET, see holdfast image list", find.n, name);
	else
		return CLI_EXIT_OK;
	return CLI_EXIT_ERROR;
}

/* --- describing -------------------------------------------------------------------------------------------------- */

void image_add_text(struct json_object *json, const char *key, const char *text)
{
	if (text)
		cli_json_add_bytes(json, key, text, strlen(text));
	else
		json_object_object_add(json, key, NULL);
}

void image_add_number(struct json_object *json, const char *key, uint64_t number)
{
	json_object_object_add(json, key, json_object_new_uint64(number));
}

static void add_time(struct json_object *json, const char *key, int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&time, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = '\0';
	image_add_text(json, key, text);
}

struct json_object *image_describe(const struct imagedb_store_set *set)
{
	struct json_object *json = json_object_new_object();
	char key[2 * IMAGEDB_KEY_BYTES + 1];

	image_key(set, 2 * IMAGEDB_KEY_BYTES, key);
	image_add_text(json, "set", key);
	image_add_text(json, "label", set->label);
	image_add_text(json, "source", imagedb_store_source_to_string(set->source));
	add_time(json, "scanned", set->scanned);
	add_time(json, "used", set->used);
	json_object_object_add(json, "complete", json_object_new_boolean(set->complete));
	image_add_text(json, "incomplete", set->complete ? NULL : imagedb_incomplete_to_string(set->reason));
	image_add_number(json, "files", set->files);
	image_add_number(json, "bytes", set->bytes);
	image_add_number(json, "digests", set->digests);
	return json;
}

static void add_digest(struct json_object *json, const char *key, const struct imagedb_digest *digest,
		       enum imagedb_algorithm algorithm, const uint8_t *bytes, size_t len)
{
	char text[2 * IMAGEDB_SHA256_BYTES + 1];

	imagedb_hex(bytes, len, text, sizeof(text));
	image_add_text(json, key, digest->algorithms & algorithm ? text : NULL);
}

struct json_object *image_describe_file(const struct imagedb_store_file *file)
{
	struct json_object *json = json_object_new_object(), *needed = json_object_new_array();
	_cleanup_(free_ptr) char *path = NULL;
	char mode[8];

	if (asprintf(&path, "/%s", file->path) < 0)
		path = NULL;
	snprintf(mode, sizeof(mode), "%04o", file->mode & 07777u);
	image_add_text(json, "path", path);
	image_add_text(json, "kind", imagedb_kind_to_string(file->kind));
	image_add_number(json, "size", file->size);
	image_add_text(json, "mode", mode);
	image_add_text(json, "interpreter", file->interpreter);
	image_add_text(json, "soname", file->soname);
	for (size_t i = 0; i < file->needed_count; i++)
		json_object_array_add(needed, json_object_new_string(file->needed[i]));
	json_object_object_add(json, "needed", needed);
	add_digest(json, "sha256", &file->digest, IMAGEDB_ALGORITHM_SHA256, file->digest.sha256, IMAGEDB_SHA256_BYTES);
	add_digest(json, "xxh3_128", &file->digest, IMAGEDB_ALGORITHM_XXH3_128, file->digest.xxh3_128, IMAGEDB_XXH3_BYTES);
	return json;
}
