// SPDX-License-Identifier: Apache-2.0
/* Reports of rule files, for people and in the form of Falco's JSON. */
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/rules.h"

static void add_text(struct json_object *json, const char *key, const char *text)
{
	cli_json_add_bytes(json, key, text, strlen(text));
}

/* Falco counts lines and columns from 0. */
static struct json_object *describe_place(const struct rule_place *place)
{
	struct json_object *json = json_object_new_object(), *position = json_object_new_object();

	add_text(json, "item_type", rule_item_name(place->item));
	add_text(json, "item_name", place->name);
	add_text(position, "name", place->file);
	json_object_object_add(position, "line", json_object_new_int(place->line - 1));
	json_object_object_add(position, "column", json_object_new_int(place->column - 1));
	json_object_object_add(position, "offset", json_object_new_int64((int64_t)place->offset));
	json_object_object_add(json, "position", position);
	return json;
}

/* Outermost first. */
static void add_places(struct json_object *array, const struct rule_place *place)
{
	if (place->parent)
		add_places(array, place->parent);
	json_object_array_add(array, describe_place(place));
}

static struct json_object *describe_problem(const struct rule_problem *problem, const char *code, const char *text)
{
	struct json_object *json = json_object_new_object(), *context = json_object_new_object(),
			   *places = json_object_new_array();
	char snippet[RULE_SNIPPET_BYTES];

	add_places(places, problem->place);
	json_object_object_add(context, "locations", places);
	add_text(context, "snippet", rule_place_snippet(problem->place, snippet));
	add_text(json, "code", code);
	add_text(json, "codedesc", text);
	add_text(json, "message", problem->message);
	json_object_object_add(json, "context", context);
	return json;
}

struct json_object *cli_rules_report(const struct rule_report *report)
{
	struct json_object *json = json_object_new_object(), *schema = json_object_new_array(),
			   *errors = json_object_new_array(), *warnings = json_object_new_array();

	for (const struct rule_problem *p = report->errors; p; p = p->next)
		json_object_array_add(errors, describe_problem(p, rule_error_code_name((enum rule_error_code)p->code),
							       rule_error_code_text((enum rule_error_code)p->code)));
	for (const struct rule_problem *p = report->warnings; p; p = p->next)
		json_object_array_add(warnings, describe_problem(p, rule_warning_code_name((enum rule_warning_code)p->code),
								 rule_warning_code_description((enum rule_warning_code)p->code)));
	if (report->schema_message)
		json_object_array_add(schema, json_object_new_string(report->schema_message));
	add_text(json, "name", report->name);
	json_object_object_add(json, "successful", json_object_new_boolean(report->ok));
	json_object_object_add(json, "schema_valid", json_object_new_boolean(report->schema != RULE_SCHEMA_FAILED));
	json_object_object_add(json, "schema_warnings", schema);
	json_object_object_add(json, "errors", errors);
	json_object_object_add(json, "warnings", warnings);
	return json;
}

static void print_escaped(FILE *out, const char *text)
{
	_cleanup_(free_ptr) char *safe = cli_escape(text, strlen(text));

	fputs(safe ? safe : "?", out);
}

/* A line of a file: escaped as all is, but backslashes stay one character, so that the mark below is where it belongs. */
static void print_line(FILE *out, char *line)
{
	char *backslash;

	while ((backslash = strchr(line, '\\')) != NULL) {
		*backslash = '\0';
		print_escaped(out, line);
		fputc('\\', out);
		line = backslash + 1;
	}
	print_escaped(out, line);
}

/* "rule 'x', rule condition" */
static void print_items(FILE *out, const struct rule_place *place)
{
	if (!place->parent)
		return;
	print_items(out, place->parent);
	fprintf(out, "%s%s", place->parent->parent ? ", " : "", rule_item_name(place->item));
	if (place->name[0]) {
		fputs(" '", out);
		print_escaped(out, place->name);
		fputc('\'', out);
	}
}

static void print_snippet(FILE *out, const struct rule_place *place)
{
	char snippet[RULE_SNIPPET_BYTES];
	char *line = snippet, *end;

	rule_place_snippet(place, snippet);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		fputs("    ", out);
		print_line(out, line);
		fputc('\n', out);
	}
}

static void print_problem(const struct cli *cli, const struct rule_problem *problem, const char *kind, const char *code)
{
	const struct rule_place *place = rule_place_in_file(problem->place);

	print_escaped(cli->out, place->file);
	fprintf(cli->out, ":%d:%d: %s %s: ", place->line, place->column, kind, code);
	print_escaped(cli->out, problem->message);
	if (problem->place->parent) {
		fputs("\n  in ", cli->out);
		print_items(cli->out, problem->place);
	}
	fputc('\n', cli->out);
	if (problem->place->len)
		print_snippet(cli->out, problem->place);
}

void cli_rules_print_report(const struct cli *cli, const struct rule_report *report)
{
	print_escaped(cli->out, report->name);
	fprintf(cli->out, ": %s\n", !report->ok ? "Invalid" : report->n_warnings ? "Ok, with warnings" : "Ok");
	for (const struct rule_problem *p = report->errors; p; p = p->next)
		print_problem(cli, p, "error", rule_error_code_name((enum rule_error_code)p->code));
	for (const struct rule_problem *p = report->warnings; p; p = p->next)
		print_problem(cli, p, "warning", rule_warning_code_name((enum rule_warning_code)p->code));
	if (report->n_warnings > RULE_WARNINGS_MAX)
		fprintf(cli->out, "%zu more warnings\n", report->n_warnings - RULE_WARNINGS_MAX);
	if (report->schema == RULE_SCHEMA_FAILED) {
		fputs("note: schema validation: ", cli->out);
		print_escaped(cli->out, report->schema_message);
		fputc('\n', cli->out);
	}
}
