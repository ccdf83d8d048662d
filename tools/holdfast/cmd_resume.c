// SPDX-License-Identifier: Apache-2.0
/* holdfast resume: end break-glass. */
#include <json-c/json.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/steer.h"

struct values {
	const char *namespace_;
};

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct json_object *request = json_object_new_object();
	enum cli_exit code;

	(void)args, (void)n_args;
	if (values->namespace_)
		json_object_object_add(request, "namespace", json_object_new_string(values->namespace_));
	code = cli_steer(cli, WIRE_RESUME, request);
	json_object_put(request);
	return code;
}

static const struct cli_option options[] = {
	{ 'n', "namespace", "NS", "the pause of this namespace (default the one of all containers)", CLI_OPTION_TEXT,
	  offsetof(struct values, namespace_) },
};

const struct cli_command cli_command_resume = {
	.name = "resume",
	.summary = "end break-glass",
	.help = "Ends a pause before its time. \"holdfast status\" shows the pauses in force.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
