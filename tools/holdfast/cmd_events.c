// SPDX-License-Identifier: Apache-2.0
/* holdfast events: what was denied or would have been, newest last. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/record.h"

#define LAST_DEFAULT 20
#define LAST_MAX 1000000 /* more than the daemon keeps */

struct values {
	bool follow;
	uint64_t last;
	const char *record;
	struct cli_texts rules;
	uint64_t seconds;
};

static const struct cli_column columns[] = {
	{ "TIME", false, false },    { "ACTION", false, false },  { "REASON", false, false }, { "OPERATION", false, false },
	{ "CONTAINER", false, true }, { "PROCESS", false, true }, { "FILE", false, true },    { "POLICY", false, true },
};

#define ACTION_COLUMN 1
#define FILE_COLUMN 6
#define TEXT_MAX 512

/* The texts of one event, in the order of the columns. */
struct row {
	char time[32], container[TEXT_MAX], process[TEXT_MAX], file[TEXT_MAX], reason[TEXT_MAX];
	const char *cells[ARRAY_SIZE(columns)];
	enum cli_colour colour;
};

static void cut_time(const char *time, char *buf, size_t size)
{
	snprintf(buf, size, "%s", time);
	buf[strcspn(buf, ".")] = '\0';
	if (strlen(buf) < strlen(time) && strlen(buf) + 1 < size)
		strcat(buf, "Z");
}

/* A line that is no verdict, such as "events are missing here": its type and its sentence. */
static void fill_notice(struct json_object *event, struct row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		row->cells[i] = "";
	cut_time(cli_json_text(event, "time"), row->time, sizeof(row->time));
	row->cells[0] = row->time;
	row->cells[ACTION_COLUMN] = cli_json_text(event, "type");
	row->cells[FILE_COLUMN] = cli_json_text(event, "message");
	row->colour = CLI_COLOUR_WARN;
}

static void fill_row(struct json_object *event, struct row *row)
{
	struct json_object *container = cli_json_get(event, "container"), *process = cli_json_get(event, "process");
	const char *ns = cli_json_text(container, "namespace"), *pod = cli_json_text(container, "pod");
	const char *name = cli_json_text(container, "name"), *action = cli_json_text(event, "action");
	const char *detail = cli_json_text(event, "detail"), *id = cli_json_text(container, "id");

	cut_time(cli_json_text(event, "time"), row->time, sizeof(row->time));
	if (ns[0] || pod[0])
		snprintf(row->container, sizeof(row->container), "%s/%s/%s", ns, pod, name);
	else
		snprintf(row->container, sizeof(row->container), "%.*s", name[0] ? TEXT_MAX - 1 : 12, name[0] ? name : id);
	snprintf(row->process, sizeof(row->process), "%s[%lld]", cli_json_text(process, "comm"),
		 (long long)cli_json_number(process, "pid"));
	snprintf(row->file, sizeof(row->file), "%s", cli_json_text(cli_json_get(event, "file"), "path"));
	snprintf(row->reason, sizeof(row->reason), "%s%s%s%s", cli_json_text(event, "reason"), detail[0] ? " (" : "", detail,
		 detail[0] ? ")" : "");
	row->cells[0] = row->time;
	row->cells[ACTION_COLUMN] = action;
	row->cells[2] = row->reason;
	row->cells[3] = cli_json_text(event, "operation");
	row->cells[4] = row->container;
	row->cells[5] = row->process;
	row->cells[FILE_COLUMN] = row->file;
	row->cells[7] = cli_json_text(event, "policy");
	row->colour = strcmp(action, "audited") == 0 ? CLI_COLOUR_WARN : CLI_COLOUR_BAD;
}

struct printer {
	const struct cli *cli;
	struct cli_table *table; /* NULL while following: a line each */
	size_t n;
};

static enum cli_exit print_line(const struct cli *cli, const struct row *row)
{
	static const int widths[] = { 20, 8, 14, 10, 28, 20, 32, 0 };

	_Static_assert(ARRAY_SIZE(widths) == ARRAY_SIZE(columns), "a width for each column");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		char *safe = cli_escape(row->cells[i], strlen(row->cells[i]));

		if (!safe)
			return CLI_EXIT_ERROR;
		fprintf(cli->out, "%-*s%s", widths[i], safe, i + 1 < ARRAY_SIZE(columns) ? " " : "\n");
		free(safe);
	}
	return fflush(cli->out) == 0 ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

static enum cli_exit print_event(const char *text, size_t bytes, void *data)
{
	struct printer *printer = data;
	struct json_object *event;
	struct row row;
	enum cli_exit code = CLI_EXIT_OK;

	printer->n++;
	if (printer->cli->output == CLI_OUTPUT_JSON) {
		while (bytes > 0 && text[bytes - 1] == '\n')
			bytes--;
		cli_json_write(printer->cli->out, text, bytes);
		fputc('\n', printer->cli->out);
		return fflush(printer->cli->out) == 0 ? CLI_EXIT_OK : CLI_EXIT_ERROR;
	}
	event = json_tokener_parse(text);
	if (!event) {
		cli_error(printer->cli, "holdfastd sent an event that is not JSON");
		return CLI_EXIT_ERROR;
	}
	if (cli_json_text(event, "action")[0] != '\0')
		fill_row(event, &row);
	else
		fill_notice(event, &row);
	if (!printer->table)
		code = print_line(printer->cli, &row);
	else if (cli_table_row(printer->table, row.cells, ACTION_COLUMN, row.colour) < 0)
		code = CLI_EXIT_ERROR;
	json_object_put(event);
	return code;
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	struct printer printer = { .cli = cli };
	struct json_object *request;
	enum cli_exit code;

	(void)args, (void)n_args;
	if (values->record)
		return record_events(cli, &(struct record_options){ .file = values->record, .rules = &values->rules,
								    .seconds = values->seconds });
	if (values->last > LAST_MAX) {
		cli_error(cli, "--last: at most %d", LAST_MAX);
		return CLI_EXIT_ERROR;
	}
	if (!values->follow && cli->output == CLI_OUTPUT_TABLE) {
		if (cli_table_new(cli, columns, ARRAY_SIZE(columns), true, &table) < 0)
			return CLI_EXIT_ERROR;
		printer.table = table;
	}
	request = json_object_new_object();
	json_object_object_add(request, "follow", json_object_new_boolean(values->follow));
	json_object_object_add(request, "last", json_object_new_int64((int64_t)values->last));
	code = cli_stream(cli, request, values->follow, print_event, &printer);
	json_object_put(request);
	if (table && printer.n > 0 && cli_table_print(table) < 0)
		code = CLI_EXIT_ERROR;
	if (table && printer.n == 0 && code == CLI_EXIT_OK)
		fputs("No events.\n", cli->out);
	return code;
}

static const struct cli_option options[] = {
	{ 'f', "follow", NULL, "go on and print each event as it happens", CLI_OPTION_FLAG,
	  offsetof(struct values, follow) },
	{ 'n', "last", "N", "how many past events to print first (default 20)", CLI_OPTION_NUMBER,
	  offsetof(struct values, last) },
	{ 0, "record", "FILE", "instead: record what tasks do, for rules test; -: standard output", CLI_OPTION_TEXT,
	  offsetof(struct values, record) },
	{ 'r', "rules", "FILE", "with --record: only what the rules of these files or folders need", CLI_OPTION_TEXTS,
	  offsetof(struct values, rules) },
	{ 0, "for", "TIME", "with --record: how long, such as 10s or 5m (default: until it is interrupted)", CLI_OPTION_DURATION,
	  offsetof(struct values, seconds) },
};

static const struct values defaults = { .last = LAST_DEFAULT };

const struct cli_command cli_command_events = {
	.name = "events",
	.summary = "what was denied or would have been",
	.help = "Prints the newest events that holdfastd still holds, oldest first, and with --follow goes on until interrupted.\n"
		"The JSON output is one event a line, exactly as the daemon writes them to its own log.\n"
		"With --record the tool itself records what tasks of the whole host do, and who and where they are, for holdfast\n"
		"rules test. It needs the rights of root; the file holds arguments and environments. Verdicts of drift are in it\n"
		"while holdfastd runs. The exit status is 3 when events were lost.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.defaults = &defaults,
	.run = run,
};
