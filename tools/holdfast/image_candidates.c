// SPDX-License-Identifier: Apache-2.0
/* holdfast image scan --list: which files below a directory count as executable code. Stores nothing. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "imagedb/imagedb.h"
#include "tools/holdfast/image.h"

/* The candidates as they come, in whichever order the file system has. */
struct scan {
	const struct cli *cli;
	struct json_object *files;
	bool details;
};

static struct json_object *describe_elf(const struct imagedb_elf_details *elf)
{
	struct json_object *json = json_object_new_object(), *needed = json_object_new_array();

	image_add_number(json, "machine", elf->machine);
	image_add_number(json, "bits", elf->bits);
	image_add_text(json, "soname", elf->soname);
	for (size_t i = 0; i < elf->needed_count; i++)
		json_object_array_add(needed, json_object_new_string(elf->needed[i]));
	json_object_object_add(json, "needed", needed);
	json_object_object_add(json, "malformed", json_object_new_boolean(elf->malformed));
	return json;
}

static int add_file(const struct imagedb_file *file, void *data)
{
	struct scan *scan = data;
	struct json_object *json = json_object_new_object();
	_cleanup_(free_ptr) char *path = NULL;
	char mode[8];

	if (asprintf(&path, "/%s", file->path) < 0)
		return -ENOMEM;
	snprintf(mode, sizeof(mode), "%04o", file->mode & 07777u);
	cli_json_add_bytes(json, "path", path, strlen(path));
	image_add_text(json, "kind", imagedb_kind_to_string(file->kind));
	image_add_number(json, "size", file->size);
	image_add_text(json, "mode", mode);
	image_add_text(json, "interpreter", file->interpreter);
	json_object_object_add(json, "hardlink", json_object_new_boolean(file->hardlink_seen));
	if (scan->details) {
		image_add_number(json, "uid", file->uid);
		image_add_number(json, "gid", file->gid);
		image_add_text(json, "interpreter_argument", file->interpreter_arg);
		json_object_object_add(json, "elf", file->elf ? describe_elf(file->elf) : NULL);
	}
	return json_object_array_add(scan->files, json) < 0 ? -ENOMEM : 0;
}

static void show_progress(const struct imagedb_scan_stats *stats, void *data)
{
	const struct scan *scan = data;

	fprintf(scan->cli->err, "\rscanned %llu names, %llu executable ", (unsigned long long)stats->entries,
		(unsigned long long)stats->candidates);
	fflush(scan->cli->err);
}

static int compare_paths(const void *a, const void *b)
{
	struct json_object *const *left = a, *const *right = b;

	return strcmp(cli_json_text(*left, "path"), cli_json_text(*right, "path"));
}

/* --- printing --------------------------------------------------------------------------------------------------- */

static const struct cli_column columns[] = {
	{ "PATH", false, true }, { "KIND", false, false },	     { "SIZE", true, false },
	{ "MODE", false, false }, { "INTERPRETER", false, true }, { "NEEDS", false, true },
};

static void list_needed(struct json_object *file, char *buf, size_t size)
{
	struct json_object *needed = cli_json_get(cli_json_get(file, "elf"), "needed");
	size_t n = json_object_is_type(needed, json_type_array) ? json_object_array_length(needed) : 0, used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && used + 1 < size; i++) {
		snprintf(buf + used, size - used, "%s%s", i ? " " : "",
			 json_object_get_string(json_object_array_get_idx(needed, i)));
		used = strlen(buf);
	}
}

static int add_row(struct cli_table *table, struct json_object *file)
{
	char size[32], needed[1024];
	const char *const cells[] = {
		cli_json_text(file, "path"), cli_json_text(file, "kind"), size, cli_json_text(file, "mode"),
		cli_json_text(file, "interpreter"), needed,
	};

	_Static_assert(ARRAY_SIZE(cells) == ARRAY_SIZE(columns), "a cell for each column");
	cli_size_format((uint64_t)cli_json_number(file, "size"), size, sizeof(size));
	list_needed(file, needed, sizeof(needed));
	return cli_table_row(table, cells, 0, CLI_COLOUR_NONE);
}

static int print_table(const struct scan *scan, const struct imagedb_scan_stats *stats)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	size_t n = json_object_array_length(scan->files);
	int r = cli_table_new(scan->cli, columns, ARRAY_SIZE(columns) - (scan->details ? 0 : 1), true, &table);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_row(table, json_object_array_get_idx(scan->files, i));
	if (r == 0 && n > 0)
		r = cli_table_print(table);
	if (r == 0)
		fprintf(scan->cli->out, "%zu executable of %llu files%s%s\n", n, (unsigned long long)stats->regular_files,
			stats->complete ? "" : "; not everything was seen: ",
			stats->complete ? "" : imagedb_incomplete_to_string(stats->reason));
	return r;
}

static void print_json(const struct scan *scan, const char *root, const struct imagedb_scan_stats *stats)
{
	struct json_object *json = json_object_new_object(), *counts = json_object_new_object();

	image_add_text(json, "root", root);
	json_object_object_add(json, "complete", json_object_new_boolean(stats->complete));
	image_add_text(json, "incomplete", stats->complete ? NULL : imagedb_incomplete_to_string(stats->reason));
	image_add_number(counts, "entries", stats->entries);
	image_add_number(counts, "directories", stats->directories);
	image_add_number(counts, "regular_files", stats->regular_files);
	image_add_number(counts, "executables", stats->candidates);
	image_add_number(counts, "unreadable", stats->unreadable);
	image_add_number(counts, "skipped_mounts", stats->skipped_mounts);
	json_object_object_add(json, "counts", counts);
	json_object_object_add(json, "files", json_object_get(scan->files));
	cli_json_print(scan->cli, json);
	json_object_put(json);
}

static enum cli_exit scan_root(struct scan *scan, const char *root)
{
	struct imagedb_scan_options options = {
		.flags = scan->details ? IMAGEDB_SCAN_DETAILS : 0,
		.progress = scan->cli->progress ? show_progress : NULL, .progress_data = scan,
	};
	struct imagedb_scan_stats stats = { 0 };
	_cleanup_(close_fd) int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : imagedb_scan(fd, &options, add_file, scan, &stats);

	if (scan->cli->progress)
		fputs("\r\033[K", scan->cli->err);
	if (r < 0) {
		cli_error(scan->cli, "cannot scan %s: %s", root, strerror(-r));
		return CLI_EXIT_ERROR;
	}
	json_object_array_sort(scan->files, compare_paths);
	if (scan->cli->output == CLI_OUTPUT_JSON)
		print_json(scan, root, &stats);
	else if (print_table(scan, &stats) < 0)
		return CLI_EXIT_ERROR;
	return stats.complete ? CLI_EXIT_OK : CLI_EXIT_NEGATIVE;
}

enum cli_exit image_list_candidates(struct cli *cli, const char *folder, bool details)
{
	struct scan scan = { .cli = cli, .files = json_object_new_array(), .details = details };
	enum cli_exit code = scan_root(&scan, folder);

	json_object_put(scan.files);
	return code;
}
