// SPDX-License-Identifier: Apache-2.0
/* holdfast reload: have the daemon read its policies again. */
#include "tools/holdfast/commands.h"
#include "tools/holdfast/steer.h"

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	(void)values, (void)args, (void)n_args;
	return cli_steer(cli, WIRE_RELOAD, NULL);
}

const struct cli_command cli_command_reload = {
	.name = "reload",
	.summary = "read the policies again",
	.help = "Has holdfastd read its policies again, all or nothing: when one is wrong, the exit status is 1, the error is\n"
		"printed as FILE:LINE:COLUMN: REASON, and the policies in force stay.",
	.run = run,
};
