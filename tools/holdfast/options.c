// SPDX-License-Identifier: Apache-2.0
/*
 * Options as data: one parser fills the fields that tables of struct cli_option name.
 *
 * Owns: getopt, conversion, messages about wrong options, their help lines. Must not know: what an option means.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/cli.h"

#define OPTIONS_MAX 32 /* of a command and the global ones together; the tables are in this program */
#define LONG_BASE 256  /* getopt's values of long options, above every letter */

struct getopt_tables {
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	const struct cli_option *options[OPTIONS_MAX];
	void *values[OPTIONS_MAX];
	size_t n;
};

static void add_options(struct getopt_tables *tables, const struct cli_option_set *set)
{
	char *letters = tables->letters + strlen(tables->letters);

	for (size_t i = 0; i < set->n && tables->n < OPTIONS_MAX; i++, tables->n++) {
		const struct cli_option *option = &set->options[i];

		tables->options[tables->n] = option;
		tables->values[tables->n] = set->values;
		tables->longs[tables->n] = (struct option){
			option->name, option->argument ? required_argument : no_argument, NULL, LONG_BASE + (int)tables->n,
		};
		if (!option->letter)
			continue;
		*letters++ = option->letter;
		if (option->argument)
			*letters++ = ':';
	}
}

/* The option that getopt's return value stands for; tables->n when there is none. */
static size_t find_option(const struct getopt_tables *tables, int c)
{
	if (c >= LONG_BASE)
		return (size_t)(c - LONG_BASE);
	for (size_t i = 0; i < tables->n; i++)
		if (tables->options[i]->letter == c)
			return i;
	return tables->n;
}

static int add_text(struct cli_texts *texts, const char *text)
{
	if (texts->n >= CLI_TEXTS_MAX)
		return -E2BIG;
	texts->items[texts->n++] = text;
	return 0;
}

static int parse_number(const char *text, uint64_t *ret)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
		return -EINVAL;
	*ret = number;
	return 0;
}

static int parse_output(const char *text, uint64_t *ret)
{
	static const char *const names[] = { [CLI_OUTPUT_TABLE] = "table", [CLI_OUTPUT_JSON] = "json" };

	_Static_assert(ARRAY_SIZE(names) == _CLI_OUTPUT_MAX, "a name for each output");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

static int set_value(const struct cli_option *option, void *field, const char *text)
{
	switch (option->kind) {
	case CLI_OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case CLI_OPTION_TEXT:
		*(const char **)field = text;
		return 0;
	case CLI_OPTION_TEXTS:
		return add_text(field, text);
	case CLI_OPTION_PAIRS:
		return strchr(text, '=') && text[0] != '=' ? add_text(field, text) : -EINVAL;
	case CLI_OPTION_NUMBER:
		return parse_number(text, field);
	case CLI_OPTION_DURATION:
		return cli_duration_parse(text, field);
	case CLI_OPTION_OUTPUT:
		return parse_output(text, field);
	}
	return -EINVAL;
}

static void tell_wrong_value(const struct cli *cli, const struct cli_option *option, const char *text, int error)
{
	static const char *const expected[] = {
		[CLI_OPTION_PAIRS] = "KEY=VALUE",
		[CLI_OPTION_NUMBER] = "a number",
		[CLI_OPTION_DURATION] = "a duration such as 30s, 10m or 2h",
		[CLI_OPTION_OUTPUT] = "json or table",
	};

	if (error == -E2BIG)
		cli_error(cli, "--%s is given more than %d times", option->name, CLI_TEXTS_MAX);
	else
		cli_error(cli, "--%s: \"%s\" is not %s", option->name, text, expected[option->kind]);
}

static void tell_unknown(const struct cli *cli, const struct getopt_tables *tables, const char *typed)
{
	const char *names[OPTIONS_MAX], *nearest = NULL;

	for (size_t i = 0; i < tables->n; i++)
		names[i] = tables->options[i]->name;
	if (strncmp(typed, "--", 2) == 0)
		nearest = cli_nearest(typed + 2, names, tables->n);
	if (nearest)
		cli_error(cli, "no option %s: did you mean --%s?", typed, nearest);
	else
		cli_error(cli, "no option %s: see --help", typed);
}

static enum cli_exit handle(const struct cli *cli, const struct getopt_tables *tables, int c, char *const *argv)
{
	char letter[] = { '-', (char)optopt, '\0' };
	size_t i;
	int r;

	if (c == '?' || c == ':') {
		bool is_long = optopt == 0 || optopt >= LONG_BASE;
		const char *typed = is_long ? argv[optind - 1] : letter;

		if (c == '?')
			tell_unknown(cli, tables, typed);
		else
			cli_error(cli, "%s needs a value", typed);
		return CLI_EXIT_ERROR;
	}
	i = find_option(tables, c);
	r = set_value(tables->options[i], (char *)tables->values[i] + tables->options[i]->offset, optarg);
	if (r == 0)
		return CLI_EXIT_OK;
	tell_wrong_value(cli, tables->options[i], optarg, r);
	return CLI_EXIT_ERROR;
}

enum cli_exit cli_options_parse(const struct cli *cli, const struct cli_option_set *sets, size_t n, int argc, char **argv,
				bool stop, int *ret_first)
{
	struct getopt_tables tables = { 0 };
	enum cli_exit code = CLI_EXIT_OK;
	int c;

	strcpy(tables.letters, stop ? "+:" : ":");
	for (size_t i = 0; i < n; i++)
		add_options(&tables, &sets[i]);
	optind = 0; /* glibc: start over */
	opterr = 0;
	while (code == CLI_EXIT_OK && (c = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1)
		code = handle(cli, &tables, c, argv);
	*ret_first = optind;
	return code;
}

void cli_options_print(FILE *out, const struct cli_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char letter[] = { '-', options[i].letter, ',', ' ', '\0' }, name[64];

		snprintf(name, sizeof(name), "%s--%s%s%s", options[i].letter ? letter : "    ", options[i].name,
			 options[i].argument ? " " : "", options[i].argument ? options[i].argument : "");
		fprintf(out, "  %-28s %s\n", name, options[i].help);
	}
}
