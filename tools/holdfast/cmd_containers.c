// SPDX-License-Identifier: Apache-2.0
/* holdfast containers: which containers run, and what holds for each. */
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"

#define ID_SHOWN 12 /* as the runtimes' own tools cut ids */

static const struct cli_column columns[] = {
	{ "ID", false, false },	    { "NAME", false, true },  { "NAMESPACE", false, true }, { "IMAGE", false, true },
	{ "STATE", false, false },  { "MODE", false, false }, { "POLICY", false, true },    { "EXECUTABLES", true, false },
	{ "DENIED", true, false }, { "AUDITED", true, false }, { "AGE", true, false },	    { "FOUND", false, false },
	{ "WATCHED", true, false }, { "NOTE", false, true },
};

#define STATE_COLUMN 4

static enum cli_colour pick_colour(const char *state, const char *paused_until)
{
	if (strcmp(state, "unwatched") == 0)
		return CLI_COLOUR_BAD;
	if (strcmp(state, "armed") != 0 || paused_until[0])
		return CLI_COLOUR_WARN;
	return CLI_COLOUR_GOOD;
}

static void format_age(const char *started, char *buf, size_t size)
{
	time_t since, now = time(NULL);

	buf[0] = '\0';
	if (cli_time_parse(started, &since) == 0)
		cli_duration_format(now > since ? (uint64_t)(now - since) : 0, buf, size);
}

static int add_container(struct cli_table *table, struct json_object *c)
{
	const char *pod = cli_json_text(c, "pod"), *name = cli_json_text(c, "name");
	const char *paused_until = cli_json_text(c, "paused_until"), *state = cli_json_text(c, "state");
	char id[ID_SHOWN + 1], full_name[256], executables[24], denied[24], audited[24], age[32], watched[32], note[512];
	const char *const cells[] = {
		id, full_name, cli_json_text(c, "namespace"), cli_json_text(c, "image"), state, cli_json_text(c, "mode"),
		cli_json_text(c, "policy"), executables, denied, audited, age, cli_json_text(c, "found"), watched, note,
	};

	_Static_assert(ARRAY_SIZE(cells) == ARRAY_SIZE(columns), "a cell for each column");
	snprintf(id, sizeof(id), "%s", cli_json_text(c, "id"));
	snprintf(full_name, sizeof(full_name), "%s%s%s", pod, pod[0] && name[0] ? "/" : "", name);
	snprintf(executables, sizeof(executables), "%lld", (long long)cli_json_number(c, "executables"));
	snprintf(denied, sizeof(denied), "%lld", (long long)cli_json_number(c, "denied"));
	snprintf(audited, sizeof(audited), "%lld", (long long)cli_json_number(c, "audited"));
	format_age(cli_json_text(c, "started"), age, sizeof(age));
	format_age(cli_json_text(c, "watched_since"), watched, sizeof(watched));
	snprintf(note, sizeof(note), "%s%s%s%s", paused_until[0] ? "paused until " : "", paused_until,
		 paused_until[0] && cli_json_text(c, "state_reason")[0] ? "; " : "", cli_json_text(c, "state_reason"));
	return cli_table_row(table, cells, STATE_COLUMN, pick_colour(state, paused_until));
}

static int print_table(const struct cli *cli, struct json_object *containers)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	size_t n = json_object_is_type(containers, json_type_array) ? json_object_array_length(containers) : 0;
	int r = cli_table_new(cli, columns, ARRAY_SIZE(columns), true, &table);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_container(table, json_object_array_get_idx(containers, i));
	if (r == 0 && n == 0)
		return fputs("No containers.\n", cli->out) < 0 ? -EIO : 0;
	return r < 0 ? r : cli_table_print(table);
}

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	struct json_object *answer = NULL;
	enum cli_exit code = cli_ask(cli, WIRE_CONTAINERS, NULL, &answer);

	(void)values, (void)args, (void)n_args;
	if (code != CLI_EXIT_OK)
		return code;
	if (cli->output == CLI_OUTPUT_JSON) {
		cli_json_print(cli, answer);
	} else if (print_table(cli, cli_json_get(answer, "containers")) < 0) {
		cli_error(cli, "cannot print the table");
		code = CLI_EXIT_ERROR;
	}
	json_object_put(answer);
	return code;
}

const struct cli_command cli_command_containers = {
	.name = "containers",
	.summary = "which containers run, and what holds for each",
	.help = "Lists the containers that holdfastd knows: state (armed, audit, unwatched, pending, adopting), mode and policy, files of\n"
		"the image that may run, what was denied and audited. The JSON output also says why that policy decided.",
	.run = run,
};
