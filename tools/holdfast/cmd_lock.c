// SPDX-License-Identifier: Apache-2.0
/* holdfast lock: end of holdfast unlock. */
#include "tools/holdfast/commands.h"
#include "tools/holdfast/steer.h"

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	(void)values, (void)args, (void)n_args;
	return cli_steer(cli, WIRE_LOCK, NULL);
}

const struct cli_command cli_command_lock = {
	.name = "lock",
	.summary = "end what \"unlock\" began",
	.help = "Protects the enforcer's maps, programs, pins and daemon against the host again, before the time of \"holdfast unlock\" is\n"
		"over.",
	.run = run,
};
