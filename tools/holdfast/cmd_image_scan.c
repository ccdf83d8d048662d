// SPDX-License-Identifier: Apache-2.0
/* holdfast image scan: store which files of an image are executable code, and their digests. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/image.h"

struct values {
	const char *db, *layers, *label;
	bool digests, list, details;
};

struct scan {
	const struct cli *cli;
	const struct values *values;
	struct imagedb_store *store;
	struct imagedb_store_writer *writer;
	uint64_t old;	    /* number of the set that is stored already, or 0 */
	const atomic_bool *stop;
	int error;	    /* of the database */
	struct image_progress progress;
	struct imagedb_scan_stats stats;
};

/* --- looking and storing ------------------------------------------------------------------------------------------ */

/* What was found out about an unchanged file of the same layers stays: its digest, and the daemon's name for its inode. */
static int keep_known(const struct imagedb_store_file *old, void *data)
{
	struct imagedb_store_file *file = data;

	if (old->size == file->size && old->ctime.tv_sec == file->ctime.tv_sec && old->ctime.tv_nsec == file->ctime.tv_nsec) {
		file->inode = old->inode;
		file->digest = old->digest;
	}
	return 0;
}

static int add_file(const struct imagedb_file *found, void *data)
{
	struct scan *scan = data;
	struct imagedb_store_file file;

	imagedb_store_file_from_scan(found, &file);
	if (scan->old && imagedb_store_find_path(scan->store, scan->old, file.path, file.path_len, keep_known, &file) == -EUCLEAN)
		scan->old = 0;
	scan->error = imagedb_store_add(scan->writer, &file);
	return scan->error;
}

static void show_progress(const struct imagedb_scan_stats *stats, void *data)
{
	struct scan *scan = data;

	image_progress_show(&scan->progress, stats->regular_files, stats->bytes);
}

static int look(struct scan *scan, const struct image_root *root)
{
	const struct imagedb_scan_options options = {
		.flags = IMAGEDB_SCAN_DETAILS,
		.cancel = scan->stop,
		.progress = show_progress,
		.progress_data = scan,
	};
	int r;

	image_progress_start(&scan->progress, scan->cli, "scanning", 0);
	r = imagedb_scan(root->fd, &options, add_file, scan, &scan->stats);
	image_progress_end(&scan->progress);
	return r;
}

static enum cli_exit tell_failure(struct scan *scan, int error)
{
	if (error == -ECANCELED)
		cli_error(scan->cli, "interrupted: nothing was stored");
	else if (scan->error)
		return image_failed(scan->cli, scan->values->db, "cannot write", scan->error);
	else
		cli_error(scan->cli, "cannot scan: %s", strerror(-error));
	return CLI_EXIT_ERROR;
}

static enum cli_exit store_files(struct scan *scan, const struct image_root *root, uint64_t *ret_number)
{
	struct imagedb_store_set *old = NULL;
	const char *label = scan->values->label ? scan->values->label : root->label;
	int r = imagedb_store_get(scan->store, root->identity, &old);

	scan->old = r == 0 ? old->number : 0;
	if (old && !scan->values->label)
		label = old->label[0] ? old->label : label;
	scan->error = imagedb_store_begin(scan->store, root->identity, label, root->source, &scan->writer);
	imagedb_store_set_free(&old);
	if (scan->error)
		return tell_failure(scan, 0);
	r = look(scan, root);
	if (r != 0) {
		imagedb_store_abort(&scan->writer);
		return tell_failure(scan, r);
	}
	scan->error = imagedb_store_commit(&scan->writer, &scan->stats, ret_number);
	return scan->error ? tell_failure(scan, 0) : CLI_EXIT_OK;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void print_json(const struct scan *scan, const struct imagedb_store_set *set)
{
	struct json_object *json = image_describe(set), *counts = json_object_new_object();

	image_add_number(counts, "entries", scan->stats.entries);
	image_add_number(counts, "directories", scan->stats.directories);
	image_add_number(counts, "regular_files", scan->stats.regular_files);
	image_add_number(counts, "unreadable", scan->stats.unreadable);
	image_add_number(counts, "skipped_mounts", scan->stats.skipped_mounts);
	json_object_object_add(json, "counts", counts);
	cli_json_print(scan->cli, json);
	json_object_put(json);
}

static void print_line(const struct scan *scan, const struct imagedb_store_set *set, double seconds)
{
	_cleanup_(free_ptr) char *label = cli_escape(set->label, strlen(set->label));
	char key[2 * IMAGEDB_KEY_BYTES + 1], size[32];

	image_key(set, IMAGE_KEY_SHORT, key);
	cli_size_format(set->bytes, size, sizeof(size));
	fprintf(scan->cli->out, "%s %s: %u executable of %llu files, %s, %u digests, %.1f s\n", key, label ? label : "", set->files,
		(unsigned long long)scan->stats.regular_files, size, set->digests, seconds);
	if (!set->complete)
		cli_error(scan->cli, "not everything was seen: %s", imagedb_incomplete_to_string(set->reason));
}

static enum cli_exit tell_set(struct scan *scan, uint64_t number, double seconds)
{
	_cleanup_(imagedb_store_set_free) struct imagedb_store_set *set = NULL;
	int r = imagedb_store_get_number(scan->store, number, &set);

	if (r < 0)
		return image_failed(scan->cli, scan->values->db, "cannot read", r);
	if (scan->cli->output == CLI_OUTPUT_JSON)
		print_json(scan, set);
	else
		print_line(scan, set, seconds);
	return set->complete ? CLI_EXIT_OK : CLI_EXIT_NEGATIVE;
}

static enum cli_exit scan_root(struct scan *scan, const struct image_root *root)
{
	uint64_t started_ns = clock_ns(CLOCK_MONOTONIC), number = 0;
	enum cli_exit told, code = store_files(scan, root, &number);

	if (code != CLI_EXIT_OK)
		return code;
	if (scan->values->digests)
		code = image_digest(scan->cli, scan->store, scan->values->db, number, root, scan->stop);
	if (code == CLI_EXIT_ERROR)
		return code;
	told = tell_set(scan, number, (double)(clock_ns(CLOCK_MONOTONIC) - started_ns) / (double)NSEC_PER_SEC);
	return code == CLI_EXIT_OK ? told : code;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	_cleanup_(image_root_release) struct image_root root = { .fd = -1 };
	struct scan scan = { .cli = cli, .values = values };
	enum cli_exit code;

	if (n_args == (values->layers ? 1 : 0) || (values->list && values->layers)) {
		cli_error(cli, "image scan: expected one of DIR and --layers: see holdfast image scan --help");
		return CLI_EXIT_ERROR;
	}
	if (values->list)
		return image_list_candidates(cli, args[0], values->details);
	code = values->layers ? image_root_of_layers(cli, values->layers, &root) : image_root_of_folder(cli, args[0], &root);
	if (code == CLI_EXIT_OK)
		code = image_open(cli, values->db, false, &scan.store);
	if (code != CLI_EXIT_OK)
		return code;
	scan.stop = image_catch_interrupt();
	code = scan_root(&scan, &root);
	imagedb_store_close(&scan.store);
	return code;
}

static const struct cli_option options[] = {
	{ 0, "layers", "LIST", "scan these layers, TOP:…:BOTTOM, put together read-only", CLI_OPTION_TEXT,
	  offsetof(struct values, layers) },
	{ 0, "label", "TEXT", "name to show (default the path)", CLI_OPTION_TEXT, offsetof(struct values, label) },
	{ 0, "digests", NULL, "compute missing digests at once", CLI_OPTION_FLAG, offsetof(struct values, digests) },
	{ 0, "list", NULL, "only list what counts as executable, store nothing", CLI_OPTION_FLAG,
	  offsetof(struct values, list) },
	{ 0, "details", NULL, "with --list: also needed libraries of ELF files, owners", CLI_OPTION_FLAG,
	  offsetof(struct values, details) },
	IMAGE_DB_OPTION(values),
};

const struct cli_command cli_command_image_scan = {
	.name = "image scan",
	.summary = "record which files of an image are executable code",
	.arguments = "DIR | --layers LIST",
	.help = "Stores in the image database what Holdfast lets run in a container of this image: ELF files, .NET code and \"#!\"\n"
		"scripts, by content, whatever their mode. Links are not followed, other mounts not entered.\n"
		"DIR is the mount point of an overlay, whose layers are then scanned without the writable one, or a plain folder.\n"
		"A container started from the same layers finds them known. Ctrl-C leaves nothing half stored; digests go on\n"
		"where they were interrupted.\n"
		"The exit status is 1 when not everything could be seen (what is missing is said), 2 on errors.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.max_args = 1,
	.run = run,
};
