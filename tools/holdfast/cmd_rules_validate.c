// SPDX-License-Identifier: Apache-2.0
/* holdfast rules validate: are these rule files right, each on top of those before it? Needs no daemon. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/rules.h"

/* The files so far. */
struct run {
	const struct cli *cli;
	struct rule_options options;
	struct rule_loader *loader; /* NULL: has to be filled with @good again */
	struct json_object *good;   /* names of the files that were right */
	struct json_object *results; /* NULL: for people */
	enum cli_exit worst;
};

static enum cli_exit fail_memory(const struct run *run)
{
	cli_error(run->cli, "out of memory");
	return CLI_EXIT_ERROR;
}

/* A file with an error leaves something of it in the loader: the next one gets a new loader, with the good files. */
static int fill_loader(struct run *run)
{
	int r = run->loader ? 0 : rule_loader_new(&run->options, &run->loader);

	if (run->good)
		return r;
	run->good = json_object_new_array();
	return run->good ? r : -ENOMEM;
}

static int refill_loader(struct run *run)
{
	int r;

	rule_loader_free(&run->loader);
	r = fill_loader(run);
	for (size_t i = 0; i < json_object_array_length(run->good) && r != -ENOMEM; i++)
		r = rule_loader_add_file(run->loader, json_object_get_string(json_object_array_get_idx(run->good, i)), NULL);
	return r == -ENOMEM ? r : 0;
}

static int tell(struct run *run, const struct rule_report *report)
{
	if (run->results)
		return json_object_array_add(run->results, cli_rules_report(report)) < 0 ? -ENOMEM : 0;
	cli_rules_print_report(run->cli, report);
	return 0;
}

static int check_file(const char *path, void *arg)
{
	struct run *run = arg;
	const struct rule_report *report = NULL;
	int r = fill_loader(run);

	if (r == 0)
		r = rule_loader_add_file(run->loader, path, &report);
	if (r == -ENOMEM || tell(run, report) < 0)
		return -ENOMEM;
	if (r == 0)
		return json_object_array_add(run->good, json_object_new_string(path)) < 0 ? -ENOMEM : 0;
	run->worst = CLI_EXIT_NEGATIVE;
	return refill_loader(run);
}

static enum cli_exit check_path(struct run *run, const char *path)
{
	int r = rule_files_each(path, check_file, run);

	if (r == -ENOMEM)
		return fail_memory(run);
	if (r < 0) {
		cli_error(run->cli, "%s: %s", path, strerror(-r));
		return CLI_EXIT_ERROR;
	}
	return CLI_EXIT_OK;
}

static enum cli_exit check_plugins(struct run *run)
{
	const char *message = NULL;
	int r = run->loader ? rule_loader_check_plugins(run->loader, &message) : 0;

	if (r == -ENOMEM)
		return fail_memory(run);
	if (r < 0) {
		cli_error(run->cli, "%s", message);
		run->worst = CLI_EXIT_NEGATIVE;
	}
	return CLI_EXIT_OK;
}

static void print_results(struct run *run)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "falco_load_results", run->results);
	cli_json_print(run->cli, json);
	json_object_put(json);
}

static enum cli_exit run_validate(struct cli *cli, const void *values, char *const *args, size_t n_args)
{
	struct run run = { .cli = cli, .options = RULE_OPTIONS_DEFAULT };
	enum cli_exit code = CLI_EXIT_OK;

	(void)values;
	run.results = cli->output == CLI_OUTPUT_JSON ? json_object_new_array() : NULL;
	for (size_t i = 0; i < n_args && code == CLI_EXIT_OK; i++)
		code = check_path(&run, args[i]);
	if (code == CLI_EXIT_OK)
		code = check_plugins(&run);
	if (run.results)
		print_results(&run);
	else if (run.loader && rule_loader_set(run.loader))
		cli_rules_note_dead(cli, rule_loader_set(run.loader));
	json_object_put(run.good);
	rule_loader_free(&run.loader);
	return code == CLI_EXIT_OK ? run.worst : code;
}

const struct cli_command cli_command_rules_validate = {
	.name = "rules validate",
	.summary = "are these rule files right",
	.arguments = "FILE…",
	.help = "Checks rule files or folders in Falco's language without a daemon, each on top of those before it. Says\n"
		"\"FILE: Ok\", \"FILE: Ok, with warnings\" or \"FILE: Invalid\", then what is wrong as FILE:LINE:COLUMN: REASON.\n"
		"A note names each rule that is right but can never match here: nothing fills a field, or tells an event, that it\n"
		"needs.\n"
		"With -o json the result has the form of Falco's (falco_load_results), whose lines and columns count from 0.\n"
		"The exit status is 0 when all are valid, 1 when one is not or cannot be read.",
	.min_args = 1,
	.max_args = CLI_RULE_FILES_MAX,
	.run = run_validate,
};
