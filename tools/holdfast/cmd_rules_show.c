// SPDX-License-Identifier: Apache-2.0
/* holdfast rules show: one rule, with what it was made of. Needs no daemon. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/rules.h"

struct values {
	struct cli_texts files;
};

static const struct cli_column columns[] = { { "NAME", false, false }, { "VALUE", false, false } };

/* A value on one line: lists joined, and line ends of block texts taken as blanks. */
static char *flatten(struct json_object *value)
{
	size_t n = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 1, bytes;
	char *text = NULL;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_is_type(value, json_type_array) ? json_object_array_get_idx(value, i) : value;

		fprintf(out, "%s%s", i ? ", " : "", json_object_get_string(item));
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	for (char *c = text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	return text;
}

static int add_members(struct cli_table *table, struct json_object *json)
{
	int r = 0;

	json_object_object_foreach(json, key, value) {
		_cleanup_(free_ptr) char *text = NULL;

		if (r < 0)
			break;
		if (json_object_is_type(value, json_type_object)) {
			r = add_members(table, value);
			continue;
		}
		text = flatten(value);
		r = text ? cli_table_row(table, (const char *const[]){ key, text }, 0, CLI_COLOUR_NONE) : -ENOMEM;
	}
	return r;
}

static int print_table(const struct cli *cli, struct json_object *json)
{
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	int r = cli_table_new(cli, columns, ARRAY_SIZE(columns), false, &table);

	if (r == 0)
		r = add_members(table, json);
	return r < 0 ? r : cli_table_print(table);
}

static enum cli_exit fail_unknown(const struct cli *cli, const struct rule_set *set, const char *name)
{
	_cleanup_(free_ptr) const char **names = calloc(set->n_rules + 1, sizeof(*names));
	const char *nearest = NULL;

	for (size_t i = 0; names && i < set->n_rules; i++)
		names[i] = set->rules[i].name;
	if (names)
		nearest = cli_nearest(name, names, set->n_rules);
	cli_error(cli, nearest ? "no rule \"%s\": did you mean \"%s\"?" : "no rule \"%s\"%.0s: see holdfast rules list", name,
		  nearest ? nearest : "");
	return CLI_EXIT_NEGATIVE;
}

static enum cli_exit show(const struct cli *cli, const struct rule_set *set, const char *name)
{
	const struct rule *rule = rule_set_find(set, name);
	enum cli_exit code = CLI_EXIT_OK;
	struct json_object *json;

	if (!rule)
		return fail_unknown(cli, set, name);
	json = cli_rule_describe(set, rule);
	if (cli->output == CLI_OUTPUT_JSON) {
		cli_json_print(cli, json);
	} else if (print_table(cli, json) < 0) {
		cli_error(cli, "cannot print the table");
		code = CLI_EXIT_ERROR;
	}
	json_object_put(json);
	return code;
}

static enum cli_exit run(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	const struct values *v = values;
	_cleanup_(rule_set_free) struct rule_set *set = NULL;
	enum cli_exit code = cli_rules_load(cli, v->files.items, v->files.n, &set);

	(void)n_args;
	return code == CLI_EXIT_OK ? show(cli, set, args[0]) : code;
}

static const struct cli_option options[] = {
	{ 'r', "rules", "FILE", "look in these files or folders; may be repeated", CLI_OPTION_TEXTS, offsetof(struct values, files) },
};

const struct cli_command cli_command_rules_show = {
	.name = "rules show",
	.summary = "one detection rule and what it is made of",
	.arguments = "RULE",
	.help = "Shows a rule: its texts, the condition with lists and macros put in, the types of events that it can match, and\n"
		"the fields, operators, macros and lists in it. Without --rules it is looked for where rules list looks.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
