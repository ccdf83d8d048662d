// SPDX-License-Identifier: Apache-2.0
/* holdfast image rm: forget images. */
#include <errno.h>
#include <json-c/json.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/image.h"

#define SETS_MAX 64 /* in one command */

struct values {
	const char *db;
};

static enum cli_exit remove_set(const struct cli *cli, const char *db, struct imagedb_store *store, const char *name,
				struct json_object *removed)
{
	_cleanup_(imagedb_store_set_free) struct imagedb_store_set *set = NULL;
	enum cli_exit code = image_find(cli, store, db, name, &set);
	char key[2 * IMAGEDB_KEY_BYTES + 1];
	int r;

	if (code != CLI_EXIT_OK)
		return code;
	r = imagedb_store_remove(store, set->number);
	if (r < 0 && r != -ENOENT)
		return image_failed(cli, db, "cannot write", r);
	json_object_array_add(removed, image_describe(set));
	image_key(set, IMAGE_KEY_SHORT, key);
	if (cli->output != CLI_OUTPUT_JSON)
		fprintf(cli->out, "removed %s\n", key);
	return CLI_EXIT_OK;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct json_object *json = json_object_new_object(), *removed = json_object_new_array();
	struct imagedb_store *store = NULL;
	enum cli_exit all = image_open(cli, values->db, false, &store);

	json_object_object_add(json, "removed", removed);
	for (size_t i = 0; store && i < n_args; i++) {
		enum cli_exit code = remove_set(cli, values->db, store, args[i], removed);

		if (code != CLI_EXIT_OK)
			all = code;
	}
	if (store && cli->output == CLI_OUTPUT_JSON)
		cli_json_print(cli, json);
	json_object_put(json);
	imagedb_store_close(&store);
	return all;
}

static const struct cli_option options[] = { IMAGE_DB_OPTION(values) };

const struct cli_command cli_command_image_rm = {
	.name = "image rm",
	.summary = "forget images",
	.arguments = "SET|LABEL…",
	.help = "Removes images from the database. Running containers are not touched; the next start of the image is scanned again.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.min_args = 1,
	.max_args = SETS_MAX,
	.run = run,
};
