// SPDX-License-Identifier: Apache-2.0
/* holdfast version: which release this is. */
#include <json-c/json.h>

#include "tools/holdfast/commands.h"

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	struct json_object *json;

	(void)values, (void)args, (void)n_args;
	if (cli->output == CLI_OUTPUT_TABLE) {
		fprintf(cli->out, "holdfast %s (protocol %u)\n", HOLDFAST_VERSION, WIRE_VERSION);
		return CLI_EXIT_OK;
	}
	json = json_object_new_object();
	json_object_object_add(json, "version", json_object_new_string(HOLDFAST_VERSION));
	json_object_object_add(json, "protocol", json_object_new_int(WIRE_VERSION));
	cli_json_print(cli, json);
	json_object_put(json);
	return CLI_EXIT_OK;
}

const struct cli_command cli_command_version = {
	.name = "version",
	.summary = "which release this is",
	.help = "Prints the version of this tool and of the protocol it speaks; \"holdfast status\" has the daemon's.",
	.run = run,
};
