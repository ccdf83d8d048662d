// SPDX-License-Identifier: Apache-2.0
/* holdfast image show: one image of the database, its layers and files. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/image.h"

#define DIGEST_DIGITS 16 /* of a SHA-256 in a table; -o json has all */

struct values {
	const char *db;
	bool files;
};

/* One of the two is filled. */
struct show {
	struct json_object *json;
	struct cli_table *table;
};

static const struct cli_column columns[] = {
	{ "PATH", false, true }, { "KIND", false, false },	   { "SIZE", true, false },
	{ "MODE", false, false }, { "INTERPRETER", false, true }, { "SHA256", false, false },
};

static int add_file_row(struct cli_table *table, const struct imagedb_store_file *file)
{
	_cleanup_(free_ptr) char *path = NULL;
	char size[32], mode[8], digest[2 * IMAGEDB_SHA256_BYTES + 1] = "-";
	const char *cells[ARRAY_SIZE(columns)];

	if (asprintf(&path, "/%s", file->path) < 0)
		return -ENOMEM;
	cli_size_format(file->size, size, sizeof(size));
	snprintf(mode, sizeof(mode), "%04o", file->mode & 07777u);
	if (file->digest.algorithms & IMAGEDB_ALGORITHM_SHA256) {
		imagedb_hex(file->digest.sha256, IMAGEDB_SHA256_BYTES, digest, sizeof(digest));
		digest[DIGEST_DIGITS] = '\0';
	}
	cells[0] = path;
	cells[1] = imagedb_kind_to_string(file->kind);
	cells[2] = size;
	cells[3] = mode;
	cells[4] = file->interpreter;
	cells[5] = digest;
	return cli_table_row(table, cells, 0, CLI_COLOUR_NONE);
}

static int add_file(const struct imagedb_store_file *file, void *data)
{
	const struct show *show = data;

	if (show->table)
		return add_file_row(show->table, file);
	return json_object_array_add(show->json, image_describe_file(file)) < 0 ? -ENOMEM : 0;
}

/* --- the set itself ----------------------------------------------------------------------------------------------- */

static int add_layer_json(const struct imagedb_layer *layer, void *data)
{
	struct json_object *json = json_object_new_object();

	image_add_text(json, "path", layer->path);
	json_object_object_add(json, "data_only", json_object_new_boolean(layer->data_only));
	json_object_object_add(json, "changed", json_object_new_boolean(layer->changed));
	return json_object_array_add(data, json) < 0 ? -ENOMEM : 0;
}

static int add_layer_row(const struct imagedb_layer *layer, void *data)
{
	_cleanup_(free_ptr) char *text = NULL;

	if (asprintf(&text, "%s%s%s", layer->path, layer->data_only ? " (data only)" : "",
		     layer->changed ? " (gone or no longer the same)" : "") < 0)
		return -ENOMEM;
	return cli_table_row(data, (const char *[]){ "layer", text }, 1, layer->changed ? CLI_COLOUR_WARN : CLI_COLOUR_NONE);
}

static int add_pair(struct cli_table *table, const char *name, const char *value)
{
	return cli_table_row(table, (const char *[]){ name, value }, 0, CLI_COLOUR_NONE);
}

static int print_set(const struct cli *cli, const struct imagedb_store_set *set)
{
	static const struct cli_column pair[] = { { "NAME", false, false }, { "VALUE", false, false } };
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	struct json_object *json = image_describe(set);
	char files[96], size[32], digests[64];
	int r = cli_table_new(cli, pair, ARRAY_SIZE(pair), false, &table);

	cli_size_format(set->bytes, size, sizeof(size));
	snprintf(files, sizeof(files), "%u executable, %s", set->files, size);
	snprintf(digests, sizeof(digests), "%u of %u", set->digests, set->files);
	r = r ? r : add_pair(table, "set", cli_json_text(json, "set"));
	r = r ? r : add_pair(table, "label", set->label);
	r = r ? r : add_pair(table, "scanned", cli_json_text(json, "scanned"));
	r = r ? r : add_pair(table, "used", cli_json_text(json, "used"));
	r = r ? r : add_pair(table, "files", files);
	r = r ? r : add_pair(table, "digests", digests);
	r = r ? r : add_pair(table, "complete", set->complete ? "yes" : imagedb_incomplete_to_string(set->reason));
	if (r == 0 && set->source == IMAGEDB_STORE_LAYERS)
		r = imagedb_layers_each(set->identity, add_layer_row, table);
	else if (r == 0)
		r = add_pair(table, "folder", strchr(set->identity, ':') ? strchr(set->identity, ':') + 1 : set->identity);
	if (r == 0)
		r = cli_table_print(table);
	json_object_put(json);
	return r;
}

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static int show_table(const struct cli *cli, struct imagedb_store *store, const struct imagedb_store_set *set, bool files)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	struct show show = { 0 };
	int r;

	if (!files)
		return print_set(cli, set);
	r = cli_table_new(cli, columns, ARRAY_SIZE(columns), true, &table);
	show.table = table;
	if (r == 0)
		r = imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, add_file, &show);
	return r == 0 && set->files ? cli_table_print(table) : r;
}

static int show_json(const struct cli *cli, struct imagedb_store *store, const struct imagedb_store_set *set, bool files)
{
	struct json_object *json = image_describe(set), *layers = json_object_new_array();
	struct show show = { .json = json_object_new_array() };
	int r = 0;

	if (set->source == IMAGEDB_STORE_LAYERS)
		r = imagedb_layers_each(set->identity, add_layer_json, layers);
	if (r == -EINVAL)
		r = 0; /* made by hand: no layers to tell */
	image_add_text(json, "identity", set->identity);
	json_object_object_add(json, "layers", layers);
	if (r == 0 && files)
		r = imagedb_store_files(store, set->number, IMAGEDB_STORE_ALL, 0, add_file, &show);
	if (files)
		json_object_object_add(json, "executables", json_object_get(show.json));
	if (r == 0)
		cli_json_print(cli, json);
	json_object_put(show.json);
	json_object_put(json);
	return r;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	_cleanup_(imagedb_store_set_free) struct imagedb_store_set *set = NULL;
	struct imagedb_store *store = NULL;
	enum cli_exit code = image_open(cli, values->db, true, &store);
	int r = 0;

	(void)n_args;
	if (code == CLI_EXIT_OK)
		code = image_find(cli, store, values->db, args[0], &set);
	if (code == CLI_EXIT_OK)
		r = cli->output == CLI_OUTPUT_JSON ? show_json(cli, store, set, values->files) :
						     show_table(cli, store, set, values->files);
	imagedb_store_close(&store);
	return r < 0 ? image_failed(cli, values->db, "cannot read", r) : code;
}

static const struct cli_option options[] = {
	{ 0, "files", NULL, "list the executable files", CLI_OPTION_FLAG, offsetof(struct values, files) },
	IMAGE_DB_OPTION(values),
};

const struct cli_command cli_command_image_show = {
	.name = "image show",
	.summary = "one image: its layers, or its executable files",
	.arguments = "SET|LABEL",
	.help = "Shows what is stored about an image, named by its label or by the first digits of its SET.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
