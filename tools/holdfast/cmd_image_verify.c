// SPDX-License-Identifier: Apache-2.0
/* holdfast image verify: hash an image's files again and name what differs from what is stored. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/image.h"

struct values {
	const char *db;
};

/* The daemon stores one name of an inode that has several: another name of it is not added. */
struct name {
	dev_t dev;
	ino_t ino;
	char *path; /* NULL: the stored name was met */
};

struct verify {
	const struct cli *cli;
	struct imagedb_store *store;
	const struct imagedb_store_set *set;
	const struct imagedb_file *found; /* the file at hand */
	uint8_t *seen;			  /* a bit for each stored file */
	uint64_t bytes;
	uint32_t equal, unhashed, differences;
	struct json_object *list; /* of the differences */
	struct name *names;	  /* of files with several names */
	size_t n_names, names_room;
	struct image_progress progress;
};

static int note(struct verify *verify, const char *path, const char *what, const struct imagedb_digest *stored,
		const struct imagedb_digest *found)
{
	struct json_object *json = json_object_new_object();
	char hex[2 * IMAGEDB_SHA256_BYTES + 1];
	_cleanup_(free_ptr) char *full = NULL;

	if (asprintf(&full, "/%s", path) < 0)
		return -ENOMEM;
	verify->differences++;
	image_add_text(json, "path", full);
	image_add_text(json, "what", what);
	if (stored && stored->algorithms & IMAGEDB_ALGORITHM_SHA256) {
		imagedb_hex(stored->sha256, IMAGEDB_SHA256_BYTES, hex, sizeof(hex));
		image_add_text(json, "stored_sha256", hex);
	}
	if (found && found->algorithms & IMAGEDB_ALGORITHM_SHA256) {
		imagedb_hex(found->sha256, IMAGEDB_SHA256_BYTES, hex, sizeof(hex));
		image_add_text(json, "found_sha256", hex);
	}
	return json_object_array_add(verify->list, json) < 0 ? -ENOMEM : 0;
}

/* --- one file ----------------------------------------------------------------------------------------------------- */

static bool is_digest_equal(const struct imagedb_digest *a, const struct imagedb_digest *b)
{
	uint32_t both = a->algorithms & b->algorithms;

	return both && a->size == b->size &&
	       (!(both & IMAGEDB_ALGORITHM_SHA256) || memcmp(a->sha256, b->sha256, IMAGEDB_SHA256_BYTES) == 0) &&
	       (!(both & IMAGEDB_ALGORITHM_XXH3_128) || memcmp(a->xxh3_128, b->xxh3_128, IMAGEDB_XXH3_BYTES) == 0);
}

/* Without a stored digest only size, kind and change time can be compared: that proves nothing, and is counted. */
static int compare_content(struct verify *verify, const struct imagedb_store_file *stored)
{
	const struct imagedb_file *found = verify->found;
	struct imagedb_digest digest = { 0 };

	if (found->size != stored->size || found->kind != stored->kind)
		return note(verify, found->path, "changed", &stored->digest, NULL);
	if (!stored->digest.algorithms) {
		if (found->ctime.tv_sec != stored->ctime.tv_sec || found->ctime.tv_nsec != stored->ctime.tv_nsec)
			return note(verify, found->path, "touched since the scan, no digest to compare", NULL, NULL);
		verify->unhashed++;
		return 0;
	}
	if (imagedb_digest_fd(found->fd, 0, &digest) < 0)
		return note(verify, found->path, "unreadable", &stored->digest, NULL);
	if (!is_digest_equal(&stored->digest, &digest))
		return note(verify, found->path, "changed", &stored->digest, &digest);
	if ((found->mode & 07777u) != (stored->mode & 07777u))
		return note(verify, found->path, "mode changed", NULL, NULL);
	verify->equal++;
	return 0;
}

static int compare_stored(const struct imagedb_store_file *stored, void *data)
{
	struct verify *verify = data;

	verify->seen[stored->number / 8] |= (uint8_t)(1u << stored->number % 8);
	return compare_content(verify, stored);
}

static int keep_name(struct verify *verify, const struct imagedb_file *found, bool stored)
{
	struct name *name;

	if (verify->n_names == verify->names_room) {
		size_t room = verify->names_room ? verify->names_room * 2 : 64;

		name = realloc(verify->names, room * sizeof(*name));
		if (!name)
			return -ENOMEM;
		verify->names = name;
		verify->names_room = room;
	}
	name = &verify->names[verify->n_names];
	*name = (struct name){ .dev = found->dev, .ino = found->ino, .path = stored ? NULL : strdup(found->path) };
	if (!stored && !name->path)
		return -ENOMEM;
	verify->n_names++;
	return 0;
}

/* By inode, the stored name first. */
static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->path != NULL) - (y->path != NULL);
}

/* After the walk, whose order is no particular one: which inodes have no stored name at all? */
static int judge_names(struct verify *verify)
{
	const struct name *first = verify->names;
	int r = 0;

	if (verify->n_names > 1)
		qsort(verify->names, verify->n_names, sizeof(*verify->names), compare_names);
	for (size_t i = 0; r == 0 && i < verify->n_names; i++) {
		const struct name *name = &verify->names[i];

		if (name->dev != first->dev || name->ino != first->ino)
			first = name;
		if (first->path)
			r = note(verify, name->path, "added", NULL, NULL);
	}
	return r;
}

static void free_names(struct verify *verify)
{
	for (size_t i = 0; i < verify->n_names; i++)
		free(verify->names[i].path);
	free(verify->names);
}

static int judge_unknown(struct verify *verify, const struct imagedb_file *found)
{
	if (found->kind == IMAGEDB_KIND_OTHER)
		return 0;
	return found->nlink > 1 ? keep_name(verify, found, false) : note(verify, found->path, "added", NULL, NULL);
}

/* Every regular file is looked up: one that is no code any more was changed. */
static int compare_found(const struct imagedb_file *found, void *data)
{
	struct verify *verify = data;
	int r;

	verify->found = found;
	r = imagedb_store_find_path(verify->store, verify->set->number, found->path, found->path_len, compare_stored, verify);
	if (r == -ENOENT)
		r = judge_unknown(verify, found);
	else if (r == 0 && found->nlink > 1)
		r = keep_name(verify, found, true);
	verify->bytes += found->kind == IMAGEDB_KIND_OTHER ? 0 : found->size;
	image_progress_show(&verify->progress, verify->equal, verify->bytes);
	return r;
}

static int find_missing(const struct imagedb_store_file *stored, void *data)
{
	struct verify *verify = data;

	if (verify->seen[stored->number / 8] & 1u << stored->number % 8)
		return 0;
	return note(verify, stored->path, "missing", &stored->digest, NULL);
}

/* --- all files ---------------------------------------------------------------------------------------------------- */

static int compare_all(struct verify *verify, const struct image_root *root, struct imagedb_scan_stats *stats)
{
	const struct imagedb_scan_options options = {
		.flags = IMAGEDB_SCAN_ALL,
		.cancel = image_catch_interrupt(),
	};
	int r;

	image_progress_start(&verify->progress, verify->cli, "verifying", verify->set->bytes);
	r = imagedb_scan(root->fd, &options, compare_found, verify, stats);
	image_progress_end(&verify->progress);
	if (r == 0)
		r = judge_names(verify);
	return r == 0 ? imagedb_store_files(verify->store, verify->set->number, IMAGEDB_STORE_ALL, 0, find_missing, verify) : r;
}

static void print_json(const struct verify *verify, bool complete)
{
	struct json_object *json = image_describe(verify->set);

	image_add_number(json, "verified", verify->equal);
	image_add_number(json, "without_digest", verify->unhashed);
	json_object_object_add(json, "saw_everything", json_object_new_boolean(complete));
	json_object_object_add(json, "differences", json_object_get(verify->list));
	cli_json_print(verify->cli, json);
	json_object_put(json);
}

static void print_text(const struct verify *verify, const struct imagedb_scan_stats *stats)
{
	size_t n = json_object_array_length(verify->list);

	for (size_t i = 0; i < n; i++) {
		struct json_object *json = json_object_array_get_idx(verify->list, i);
		const char *path = cli_json_text(json, "path");
		_cleanup_(free_ptr) char *safe = cli_escape(path, strlen(path));

		fprintf(verify->cli->out, "%s: %s\n", cli_json_text(json, "what"), safe ? safe : "");
	}
	fprintf(verify->cli->out, "%u files verified, %u differ\n", verify->equal, verify->differences);
	if (verify->unhashed)
		cli_error(verify->cli, "%u files have no digest yet, only size and change time were compared: "
			  "\"holdfast image scan --digests\" computes them", verify->unhashed);
	if (!stats->complete)
		cli_error(verify->cli, "not everything was seen: %s", imagedb_incomplete_to_string(stats->reason));
}

static enum cli_exit verify_root(struct verify *verify, const char *db, const struct image_root *root)
{
	struct imagedb_scan_stats stats = { 0 };
	int r = compare_all(verify, root, &stats);

	if (r == -ECANCELED) {
		cli_error(verify->cli, "interrupted");
		return CLI_EXIT_ERROR;
	}
	if (r < 0)
		return image_failed(verify->cli, db, "cannot compare with", r);
	if (verify->cli->output == CLI_OUTPUT_JSON)
		print_json(verify, stats.complete);
	else
		print_text(verify, &stats);
	return verify->differences || verify->unhashed || !stats.complete ? CLI_EXIT_NEGATIVE : CLI_EXIT_OK;
}

static enum cli_exit verify_set(const struct cli *cli, const char *db, struct imagedb_store *store, const char *name)
{
	_cleanup_(imagedb_store_set_free) struct imagedb_store_set *set = NULL;
	_cleanup_(image_root_release) struct image_root root = { .fd = -1 };
	struct verify verify = { .cli = cli, .store = store, .list = json_object_new_array() };
	enum cli_exit code = image_find(cli, store, db, name, &set);

	if (code == CLI_EXIT_OK)
		code = image_root_of_set(cli, set, &root);
	if (code == CLI_EXIT_OK) {
		verify.set = set;
		verify.seen = calloc(set->files / 8 + 1, 1);
		code = verify.seen ? verify_root(&verify, db, &root) : CLI_EXIT_ERROR;
	}
	free_names(&verify);
	free(verify.seen);
	json_object_put(verify.list);
	return code;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct imagedb_store *store = NULL;
	enum cli_exit code = image_open(cli, values->db, true, &store);

	(void)n_args;
	if (code == CLI_EXIT_OK)
		code = verify_set(cli, values->db, store, args[0]);
	imagedb_store_close(&store);
	return code;
}

static const struct cli_option options[] = { IMAGE_DB_OPTION(values) };

const struct cli_command cli_command_image_verify = {
	.name = "image verify",
	.summary = "hash an image's files again, name what differs",
	.arguments = "SET|LABEL",
	.help = "Reads the image's executable files through its layers and compares them with what is stored: changed, missing and\n"
		"added files are named. The exit status is 0 when all are equal, 1 when something differs, has no digest to compare\n"
		"with, or a layer is gone, 2 on errors.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
