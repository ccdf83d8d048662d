// SPDX-License-Identifier: Apache-2.0
/* holdfast image list: the images in the database, the most recently used first. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/image.h"

struct values {
	const char *db;
};

struct listing {
	struct json_object *sets;
	struct cli_table *table;
};

static const struct cli_column columns[] = {
	{ "SET", false, false }, { "LABEL", false, true },    { "SOURCE", false, false }, { "FILES", true, false },
	{ "SIZE", true, false }, { "DIGESTS", true, false }, { "USED", false, false },	 { "STATE", false, false },
};

static void write_age(int64_t then, char *buf, size_t size)
{
	int64_t age = (int64_t)time(NULL) - then;
	size_t used;

	if (age < 1) {
		snprintf(buf, size, "now");
		return;
	}
	cli_duration_format((uint64_t)age, buf, size - 4);
	used = strlen(buf);
	snprintf(buf + used, size - used, " ago");
}

static int add_row(struct cli_table *table, const struct imagedb_store_set *set)
{
	char key[2 * IMAGEDB_KEY_BYTES + 1], files[16], bytes[32], digests[16], used[40];
	const char *const cells[] = {
		key, set->label, imagedb_store_source_to_string(set->source), files, bytes, digests, used,
		set->complete ? "complete" : imagedb_incomplete_to_string(set->reason),
	};

	_Static_assert(ARRAY_SIZE(cells) == ARRAY_SIZE(columns), "a cell for each column");
	image_key(set, IMAGE_KEY_SHORT, key);
	snprintf(files, sizeof(files), "%u", set->files);
	snprintf(digests, sizeof(digests), "%u", set->digests);
	cli_size_format(set->bytes, bytes, sizeof(bytes));
	write_age(set->used, used, sizeof(used));
	return cli_table_row(table, cells, ARRAY_SIZE(cells) - 1, set->complete ? CLI_COLOUR_GOOD : CLI_COLOUR_WARN);
}

static int add_set(const struct imagedb_store_set *set, void *data)
{
	const struct listing *listing = data;

	if (listing->table)
		return add_row(listing->table, set);
	return json_object_array_add(listing->sets, image_describe(set)) < 0 ? -ENOMEM : 0;
}

static void print_json(const struct cli *cli, struct json_object *sets, const struct imagedb_store_totals *totals)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "images", json_object_get(sets));
	image_add_number(json, "files", totals->files);
	image_add_number(json, "digests", totals->digests);
	image_add_number(json, "used_bytes", totals->used_bytes);
	image_add_number(json, "file_bytes", totals->file_bytes);
	cli_json_print(cli, json);
	json_object_put(json);
}

static int print_table(const struct cli *cli, struct cli_table *table, const struct imagedb_store_totals *totals)
{
	char used[32], size[32];
	int r = totals->sets ? cli_table_print(table) : 0;

	cli_size_format(totals->used_bytes, used, sizeof(used));
	cli_size_format(totals->file_bytes, size, sizeof(size));
	fprintf(cli->out, "%u images, %llu executable files, %llu digests; %s of %s in use\n", totals->sets,
		(unsigned long long)totals->files, (unsigned long long)totals->digests, used, size);
	return r;
}

static enum cli_exit list(const struct cli *cli, const char *db, struct imagedb_store *store)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	struct listing listing = { .sets = json_object_new_array() };
	struct imagedb_store_totals totals;
	int r = 0;

	if (cli->output != CLI_OUTPUT_JSON)
		r = cli_table_new(cli, columns, ARRAY_SIZE(columns), true, &table);
	listing.table = table;
	if (r == 0)
		r = imagedb_store_list(store, add_set, &listing);
	if (r == 0)
		r = imagedb_store_totals(store, &totals);
	if (r == 0 && table)
		r = print_table(cli, table, &totals);
	else if (r == 0)
		print_json(cli, listing.sets, &totals);
	json_object_put(listing.sets);
	return r < 0 ? image_failed(cli, db, "cannot read", r) : CLI_EXIT_OK;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct imagedb_store *store = NULL;
	enum cli_exit code = image_open(cli, values->db, true, &store);

	(void)args, (void)n_args;
	if (code == CLI_EXIT_OK)
		code = list(cli, values->db, store);
	imagedb_store_close(&store);
	return code;
}

static const struct cli_option options[] = { IMAGE_DB_OPTION(values) };

const struct cli_command cli_command_image_list = {
	.name = "image list",
	.summary = "images in the database",
	.help = "Lists the images whose executable files are known, the most recently used first.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
