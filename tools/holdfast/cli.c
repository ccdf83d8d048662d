// SPDX-License-Identifier: Apache-2.0
/*
 * From argv to a command: global options, look-up, help, suggestions, the terminal.
 *
 * Owns: the list of commands. Must not know: what any of them does.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"

#define NEAR_MAX 2	/* typing errors that a suggestion forgives */
#define NAME_MAX_BYTES 32 /* of a command or option, for comparing; longer ones are near to nothing */

static const struct cli_command *const commands[] = {
	&cli_command_status,	      &cli_command_containers,	 &cli_command_events,
	&cli_command_policy_validate, &cli_command_policy_list,	 &cli_command_policy_effective,
	&cli_command_pause,	      &cli_command_resume,	 &cli_command_reload,
	&cli_command_unlock,	      &cli_command_lock,
	&cli_command_rules_validate,  &cli_command_rules_list,	 &cli_command_rules_show,
	&cli_command_rules_test,
	&cli_command_image_scan,      &cli_command_image_list,	 &cli_command_image_show,
	&cli_command_image_verify,    &cli_command_image_rm,	 &cli_command_doctor,
	&cli_command_version,	      &cli_command_help,
};

const struct cli_option cli_global_options[] = {
	{ 'o', "output", "json|table", "what to print (default table)", CLI_OPTION_OUTPUT, offsetof(struct cli, output) },
	{ 0, "socket", "PATH", "the daemon's control socket (default " WIRE_CONTROL_SOCKET ")", CLI_OPTION_TEXT,
	  offsetof(struct cli, socket) },
	{ 'h', "help", NULL, "explain the command", CLI_OPTION_FLAG, offsetof(struct cli, help) },
	{ 0, "version", NULL, "print the version", CLI_OPTION_FLAG, offsetof(struct cli, version) },
};
const size_t cli_n_global_options = ARRAY_SIZE(cli_global_options);

const struct cli_command *cli_command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
}

const struct cli_command *cli_command_find(int argc, char *const *argv, size_t *ret_words)
{
	char name[2 * NAME_MAX_BYTES];

	for (int words = argc < 2 ? argc : 2; words > 0; words--) {
		snprintf(name, sizeof(name), "%s%s%s", argv[0], words == 2 ? " " : "", words == 2 ? argv[1] : "");
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (strcmp(commands[i]->name, name) == 0) {
				*ret_words = (size_t)words;
				return commands[i];
			}
	}
	return NULL;
}

/* Levenshtein's distance, in one row. */
static size_t count_edits(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1], n = strlen(b);

	if (n > NAME_MAX_BYTES || strlen(a) > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			if (change < row[j])
				row[j] = change;
		}
	}
	return row[n];
}

const char *cli_nearest(const char *typed, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t least = NEAR_MAX + 1;

	for (size_t i = 0; i < n; i++) {
		size_t edits = count_edits(typed, names[i]);

		if (strlen(typed) >= 2 && strncmp(names[i], typed, strlen(typed)) == 0)
			edits = 1; /* the beginning of a name */
		if (edits < least && edits < strlen(names[i])) {
			least = edits;
			best = names[i];
		}
	}
	return best;
}

static enum cli_exit suggest(const struct cli *cli, int argc, char *const *argv)
{
	const char *names[2 * ARRAY_SIZE(commands)], *nearest;
	char typed[2 * NAME_MAX_BYTES], group[NAME_MAX_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[n++] = commands[i]->name;
	snprintf(group, sizeof(group), "%s ", argv[0]);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strncmp(commands[i]->name, group, strlen(group)) == 0 && (argc < 2 || argv[1][0] == '-')) {
			cli_error(cli, "\"%s\" needs another word, such as \"holdfast %s\": see holdfast help", argv[0],
				  commands[i]->name);
			return CLI_EXIT_ERROR;
		}
	snprintf(typed, sizeof(typed), "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	nearest = cli_nearest(typed, names, n);
	if (!nearest)
		nearest = cli_nearest(argv[0], names, n);
	if (nearest)
		cli_error(cli, "no command \"%s\": did you mean \"holdfast %s\"?", typed, nearest);
	else
		cli_error(cli, "no command \"%s\": see holdfast help", typed);
	return CLI_EXIT_ERROR;
}

void cli_error(const struct cli *cli, const char *format, ...)
{
	char text[2048];
	char *safe;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	safe = cli_escape(text, strlen(text));
	fprintf(cli->err, "holdfast: %s\n", safe ? safe : "out of memory");
	free(safe);
}

static void print_overview(FILE *out)
{
	fputs("Usage: holdfast [OPTION]… COMMAND [ARGUMENT]…\n"
	      "Holds running containers to the image they were started from; asks and steers the daemon holdfastd.\n\n"
	      "Commands:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-17s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nOptions of every command:\n", out);
	cli_options_print(out, cli_global_options, cli_n_global_options);
}

void cli_print_help(FILE *out, const struct cli_command *command)
{
	if (command) {
		fprintf(out, "Usage: holdfast %s%s%s%s\n\n%s\n", command->name, command->n_options ? " [OPTION]…" : "",
			command->arguments ? " " : "", command->arguments ? command->arguments : "", command->help);
		if (command->n_options)
			fputs("\nOptions:\n", out);
		cli_options_print(out, command->options, command->n_options);
		fputs("\nOptions of every command:\n", out);
		cli_options_print(out, cli_global_options, cli_n_global_options);
	} else {
		print_overview(out);
	}
	fputs("\nExit status: 0 fine, 1 the answer is no (invalid, not supported), 2 wrong usage or an error,\n"
	      "3 the daemon reports that something is wrong, 4 the daemon cannot be reached.\n", out);
}

static void look_at_terminal(struct cli *cli)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	cli->progress = isatty(fileno(cli->err));
	if (!isatty(fileno(cli->out)))
		return;
	cli->width = ioctl(fileno(cli->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
	cli->colour = !(no_colour && no_colour[0]) && term && strcmp(term, "dumb") != 0;
}

static enum cli_exit run_command(struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
	union {
		uint64_t align;
		char bytes[CLI_VALUES_MAX];
	} values = { 0 };
	const struct cli_option_set sets[] = {
		{ command->options, command->n_options, &values },
		{ cli_global_options, cli_n_global_options, cli },
	};
	int first;
	enum cli_exit code;
	size_t n;

	if (command->defaults)
		memcpy(&values, command->defaults, command->values_bytes);
	code = cli_options_parse(cli, sets, ARRAY_SIZE(sets), argc, argv, false, &first);
	if (code != CLI_EXIT_OK)
		return code;
	if (cli->help) {
		cli_print_help(cli->out, command);
		return CLI_EXIT_OK;
	}
	n = (size_t)(argc - first);
	if (n < command->min_args || n > command->max_args) {
		cli_error(cli, n < command->min_args ? "%s: expected %s: see holdfast %s --help" :
						       "%s: too many arguments%.0s: see holdfast %s --help",
			  command->name, command->arguments ? command->arguments : "no argument", command->name);
		return CLI_EXIT_ERROR;
	}
	return command->run(cli, &values, argv + first, n);
}

static enum cli_exit dispatch(struct cli *cli, int argc, char **argv)
{
	const struct cli_option_set global = { cli_global_options, cli_n_global_options, cli };
	const struct cli_command *command;
	size_t words;
	int first;
	enum cli_exit code = cli_options_parse(cli, &global, 1, argc, argv, true, &first);

	if (code != CLI_EXIT_OK)
		return code;
	if (cli->version)
		return cli_command_version.run(cli, NULL, NULL, 0);
	if (first == argc) {
		cli_print_help(cli->help ? cli->out : cli->err, NULL);
		return cli->help ? CLI_EXIT_OK : CLI_EXIT_ERROR;
	}
	command = cli_command_find(argc - first, argv + first, &words);
	if (!command)
		return suggest(cli, argc - first, argv + first);
	first += (int)words - 1; /* the last word stands where a program's name would */
	return run_command(cli, command, argc - first, argv + first);
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct cli cli = { .out = out, .err = err, .socket = WIRE_CONTROL_SOCKET };
	enum cli_exit code;

	look_at_terminal(&cli);
	code = dispatch(&cli, argc, argv);
	if (fflush(out) != 0 || ferror(out)) {
		cli_error(&cli, "cannot write the output: %m");
		return code == CLI_EXIT_OK ? CLI_EXIT_ERROR : code;
	}
	return code;
}
