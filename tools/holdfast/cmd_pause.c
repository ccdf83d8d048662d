// SPDX-License-Identifier: Apache-2.0
/* holdfast pause: break-glass; for a stated time nothing is denied, all is reported. */
#include <json-c/json.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/steer.h"

struct values {
	uint64_t seconds;
	const char *namespace_;
};

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct json_object *request;
	enum cli_exit code;

	(void)args, (void)n_args;
	if (values->seconds == 0) {
		cli_error(cli, "pause needs --for: say for how long, such as --for 30m");
		return CLI_EXIT_ERROR;
	}
	if (values->seconds > CLI_PAUSE_MAX_SECONDS) {
		cli_error(cli, "--for: at most 24h; for longer, change the policy to mode: audit");
		return CLI_EXIT_ERROR;
	}
	request = json_object_new_object();
	json_object_object_add(request, "seconds", json_object_new_int64((int64_t)values->seconds));
	if (values->namespace_)
		json_object_object_add(request, "namespace", json_object_new_string(values->namespace_));
	code = cli_steer(cli, WIRE_PAUSE, request);
	json_object_put(request);
	return code;
}

static const struct cli_option options[] = {
	{ 0, "for", "DURATION", "how long: 30s, 10m, 2h, 1h30m; at most 24h", CLI_OPTION_DURATION,
	  offsetof(struct values, seconds) },
	{ 'n', "namespace", "NS", "only containers of this namespace (default all containers)", CLI_OPTION_TEXT,
	  offsetof(struct values, namespace_) },
};

const struct cli_command cli_command_pause = {
	.name = "pause",
	.summary = "break-glass: deny nothing for a while, report all",
	.help = "Turns every denial into a report for a stated time, for all containers or those of one namespace. It is logged,\n"
		"shown by \"holdfast status\", ends by itself, and ends at once with \"holdfast resume\".",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
