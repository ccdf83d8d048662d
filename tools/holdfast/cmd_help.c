// SPDX-License-Identifier: Apache-2.0
/* holdfast help: explain a command. */
#include <string.h>

#include "tools/holdfast/commands.h"

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	const struct cli_command *command = NULL;
	size_t words = 0;

	(void)values;
	if (n_args > 0) {
		command = cli_command_find((int)n_args, args, &words);
		if (!command || words != n_args) {
			cli_error(cli, "no command \"%s%s%s\": see holdfast help", args[0], n_args > 1 ? " " : "",
				  n_args > 1 ? args[1] : "");
			return CLI_EXIT_ERROR;
		}
	}
	cli_print_help(cli->out, command);
	return CLI_EXIT_OK;
}

const struct cli_command cli_command_help = {
	.name = "help",
	.summary = "explain a command",
	.arguments = "[COMMAND]",
	.help = "Explains one command, or lists all.",
	.max_args = 2,
	.run = run,
};
