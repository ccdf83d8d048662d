// SPDX-License-Identifier: Apache-2.0
/* holdfast unlock: break-glass for the enforcer itself; for a stated time the host may touch what is protected. */
#include <json-c/json.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/steer.h"

struct values {
	uint64_t seconds;
};

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct json_object *request;
	enum cli_exit code;

	(void)args, (void)n_args;
	if (values->seconds == 0) {
		cli_error(cli, "unlock needs --for: say for how long, such as --for 10m");
		return CLI_EXIT_ERROR;
	}
	request = json_object_new_object();
	json_object_object_add(request, "seconds", json_object_new_int64((int64_t)values->seconds));
	code = cli_steer(cli, WIRE_UNLOCK, request);
	json_object_put(request);
	return code;
}

static const struct cli_option options[] = {
	{ 0, "for", "DURATION", "how long: 30s, 10m, 2h, 1h30m; at most 24h", CLI_OPTION_DURATION,
	  offsetof(struct values, seconds) },
};

const struct cli_command cli_command_unlock = {
	.name = "unlock",
	.summary = "break-glass: let the host touch the enforcer for a while",
	.help = "For a stated time root on the host may open, change and remove the enforcer's maps, programs and pins, and trace its\n"
		"daemon: to debug it, or to run a holdfastd from another folder. Containers still may not. It is logged, shown by\n"
		"\"holdfast status\", ends by itself, and ends at once with \"holdfast lock\".",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
