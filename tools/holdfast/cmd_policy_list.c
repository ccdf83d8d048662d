// SPDX-License-Identifier: Apache-2.0
/* holdfast policy list: the policies in force, or those of some files. */
#include <json-c/json.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/policy_offline.h"

struct values {
	struct cli_texts files;
};

static const struct cli_column columns[] = {
	{ "NAMESPACE", false, false }, { "NAME", false, false },	{ "KIND", false, false },
	{ "MODE", false, false },      { "CONTAINERS", true, false }, { "FILE", false, true },
};

static int add_policy(struct cli_table *table, struct json_object *policy)
{
	char containers[24], place[512];
	const char *const cells[] = {
		cli_json_text(policy, "namespace"), cli_json_text(policy, "name"), cli_json_text(policy, "kind"),
		cli_json_text(policy, "mode"), containers, place,
	};

	_Static_assert(ARRAY_SIZE(cells) == ARRAY_SIZE(columns), "a cell for each column");
	snprintf(containers, sizeof(containers), "%lld", (long long)cli_json_number(policy, "containers"));
	snprintf(place, sizeof(place), "%s:%lld", cli_json_text(policy, "file"),
		 (long long)cli_json_number(policy, "line"));
	return cli_table_row(table, cells, 0, CLI_COLOUR_NONE);
}

static int print_table(const struct cli *cli, struct json_object *policies)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	size_t n = json_object_is_type(policies, json_type_array) ? json_object_array_length(policies) : 0;
	int r = cli_table_new(cli, columns, ARRAY_SIZE(columns), true, &table);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_policy(table, json_object_array_get_idx(policies, i));
	if (r == 0 && n == 0)
		return fputs("No policies: every container is audited by the built-in one.\n", cli->out) < 0 ? -EIO : 0;
	return r < 0 ? r : cli_table_print(table);
}

static enum cli_exit get_list(const struct cli *cli, const struct values *values, struct json_object **ret)
{
	struct policy_set *set = NULL;
	enum cli_exit code;

	if (values->files.n == 0)
		return cli_ask(cli, WIRE_POLICY_LIST, NULL, ret);
	code = cli_policies_load(cli, &values->files, &set);
	if (code == CLI_EXIT_OK)
		*ret = cli_policies_list(set);
	policy_set_free(&set);
	return code;
}

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	struct json_object *list = NULL;
	enum cli_exit code = get_list(cli, values, &list);

	(void)args, (void)n_args;
	if (code != CLI_EXIT_OK)
		return code;
	if (cli->output == CLI_OUTPUT_JSON) {
		cli_json_print(cli, list);
	} else if (print_table(cli, cli_json_get(list, "policies")) < 0) {
		cli_error(cli, "cannot print the table");
		code = CLI_EXIT_ERROR;
	}
	json_object_put(list);
	return code;
}

static const struct cli_option options[] = {
	{ 0, "policy", "FILE", "list these files or folders instead of asking the daemon; may be repeated",
	  CLI_OPTION_TEXTS, offsetof(struct values, files) },
};

const struct cli_command cli_command_policy_list = {
	.name = "policy list",
	.summary = "the policies in force",
	.help = "Lists the policies that holdfastd has loaded, where each was written and how many containers it decides.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
