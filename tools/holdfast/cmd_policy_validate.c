// SPDX-License-Identifier: Apache-2.0
/* holdfast policy validate: are these files right, each alone and all together? Needs no daemon. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "policies/policies.h"
#include "tools/holdfast/commands.h"

#define FILES_MAX 4096 /* arguments: the policies library takes no more either */

/* Wrong content is an answer, a file that cannot be read is an error. */
static enum cli_exit judge(int r)
{
	switch (r) {
	case 0:
		return CLI_EXIT_OK;
	case -EINVAL:
	case -EFBIG:
	case -E2BIG:
	case -EEXIST:
		return CLI_EXIT_NEGATIVE;
	default:
		return CLI_EXIT_ERROR;
	}
}

static struct json_object *describe_error(const struct policy_error *error)
{
	struct json_object *json = json_object_new_object();

	cli_json_add_bytes(json, "file", error->file, strlen(error->file));
	json_object_object_add(json, "line", json_object_new_int(error->line));
	json_object_object_add(json, "column", json_object_new_int(error->column));
	cli_json_add_bytes(json, "message", error->message, strlen(error->message));
	return json;
}

static void print_error(const struct cli *cli, const struct policy_error *error)
{
	_cleanup_(free_ptr) char *file = cli_escape(error->file, strlen(error->file));
	_cleanup_(free_ptr) char *message = cli_escape(error->message, strlen(error->message));

	if (error->line > 0)
		fprintf(cli->out, "%s:%d:%d: %s\n", file ? file : "?", error->line, error->column, message ? message : "");
	else
		fprintf(cli->out, "%s: %s\n", file ? file : "?", message ? message : "");
}

/* Loads n paths as one set. The result goes to files (JSON) or to the output. */
static enum cli_exit validate(const struct cli *cli, const char *const *paths, size_t n, const char *label,
			      struct json_object *files)
{
	struct policy_set *set = NULL;
	struct policy_error error = { .file = "" };
	int r = policy_set_load(paths, n, &set, &error);
	size_t count = r == 0 ? policy_set_count(set) : 0;

	policy_set_free(&set);
	if (files) {
		struct json_object *json = json_object_new_object();

		cli_json_add_bytes(json, "file", label, strlen(label));
		json_object_object_add(json, "policies", json_object_new_int64((int64_t)count));
		json_object_object_add(json, "error", r < 0 ? describe_error(&error) : NULL);
		json_object_array_add(files, json);
	} else if (r < 0) {
		print_error(cli, &error);
	} else {
		_cleanup_(free_ptr) char *safe = cli_escape(label, strlen(label));

		fprintf(cli->out, "%s: valid, %zu %s\n", safe ? safe : "?", count, count == 1 ? "policy" : "policies");
	}
	return judge(r);
}

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	struct json_object *files = cli->output == CLI_OUTPUT_JSON ? json_object_new_array() : NULL;
	const char *const *paths = (const char *const *)args;
	enum cli_exit worst = CLI_EXIT_OK;

	(void)values;
	for (size_t i = 0; i < n_args; i++) {
		enum cli_exit code = validate(cli, &paths[i], 1, paths[i], files);

		worst = code > worst ? code : worst;
	}
	if (worst == CLI_EXIT_OK && n_args > 1)
		worst = validate(cli, paths, n_args, "all together", files);
	if (files) {
		struct json_object *json = json_object_new_object();

		json_object_object_add(json, "valid", json_object_new_boolean(worst == CLI_EXIT_OK));
		json_object_object_add(json, "files", files);
		cli_json_print(cli, json);
		json_object_put(json);
	}
	return worst;
}

const struct cli_command cli_command_policy_validate = {
	.name = "policy validate",
	.summary = "are these policy files right",
	.arguments = "FILE…",
	.help = "Checks policy files or folders without a daemon: first each alone, then all together (two policies of one name\n"
		"in different files are an error). Errors are printed as FILE:LINE:COLUMN: REASON.\n"
		"The exit status is 0 when all are valid, 1 when one is not, 2 when one cannot be read.",
	.min_args = 1,
	.max_args = FILES_MAX,
	.run = run,
};
