// SPDX-License-Identifier: Apache-2.0
/* holdfast rules list: the rules of some files. Needs no daemon. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/rules.h"

static const struct cli_column columns[] = {
	{ "RULE", false, false }, { "PRIORITY", false, false }, { "ENABLED", false, false },
	{ "SOURCE", false, false }, { "TAGS", false, true },	{ "FILE", false, true },
};

static int add_rule(struct cli_table *table, const struct rule *rule)
{
	char tags[512] = "", place[512];
	size_t len = 0;
	const char *const cells[] = { rule->name, rule_priority_name(rule->priority), rule->enabled ? "yes" : "no",
				      rule->source, tags, place };

	_Static_assert(ARRAY_SIZE(cells) == ARRAY_SIZE(columns), "a cell for each column");
	for (size_t i = 0; i < rule->n_tags && len < sizeof(tags); i++)
		len += (size_t)snprintf(tags + len, sizeof(tags) - len, "%s%s", i ? "," : "", rule->tags[i]);
	snprintf(place, sizeof(place), "%s:%d", rule->file, rule->line);
	return cli_table_row(table, cells, 2, rule->enabled ? CLI_COLOUR_NONE : CLI_COLOUR_WARN);
}

static int print_table(const struct cli *cli, const struct rule_set *set)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	int r = cli_table_new(cli, columns, ARRAY_SIZE(columns), true, &table);

	for (size_t i = 0; r == 0 && i < set->n_rules; i++)
		r = add_rule(table, &set->rules[i]);
	return r < 0 ? r : cli_table_print(table);
}

static void print_json(const struct cli *cli, const struct rule_set *set)
{
	struct json_object *json = json_object_new_object(), *rules = json_object_new_array();

	for (size_t i = 0; i < set->n_rules; i++)
		json_object_array_add(rules, cli_rule_describe(set, &set->rules[i]));
	json_object_object_add(json, "rules", rules);
	cli_json_print(cli, json);
	json_object_put(json);
}

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	_cleanup_(rule_set_free) struct rule_set *set = NULL;
	enum cli_exit code = cli_rules_load(cli, (const char *const *)args, n_args, &set);

	(void)values;
	if (code != CLI_EXIT_OK)
		return code;
	if (cli->output == CLI_OUTPUT_JSON)
		print_json(cli, set);
	else if (print_table(cli, set) < 0)
		code = CLI_EXIT_ERROR;
	if (code == CLI_EXIT_ERROR)
		cli_error(cli, "cannot print the table");
	return code;
}

const struct cli_command cli_command_rules_list = {
	.name = "rules list",
	.summary = "the detection rules of some files",
	.arguments = "[FILE]…",
	.help = "Lists the rules of files or folders in Falco's language, loaded in the order in which they are named; by default\n"
		"those in " CLI_RULES_FOLDER ", or, where there is no such folder, the shipped ones.",
	.max_args = CLI_RULE_FILES_MAX,
	.run = run,
};
