// SPDX-License-Identifier: Apache-2.0
/*
 * Cases of the loader: rule files, and what comes out of them. One case is files that go into one loader, and questions
 * about the last.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policies/rules/parse.h"
#include "policies/rules/rule_set.h"
#include "tests/rules/acceptance.h"

/* One case on its way. */
struct run {
	struct acceptance_case *c;
	struct rule_append_output append; /* rule is NULL: nothing is appended */
	struct rule_options options;
	struct rule_loader *loader;
	const struct rule_report *report; /* of the last file */
};

static bool load_text(struct run *run, const char *name, const char *text, size_t len)
{
	run->report = NULL;
	return rule_loader_add_text(run->loader, name, text, len, &run->report) == -ENOMEM ? false : run->report;
}

static const char *first_message(const struct rule_report *report)
{
	return report->errors ? report->errors->message : "no error";
}

static bool run_load(struct run *run, struct json_object *step)
{
	struct json_object *ok = json_object_object_get(step, "ok");
	size_t len = 0;
	const char *text = acceptance_text(step, "content", &len);

	if (!load_text(run, "case.yaml", text ? text : "", len))
		return acceptance_fail(run->c, "no report");
	if (ok && (bool)json_object_get_boolean(ok) != run->report->ok)
		return acceptance_fail(run->c, "loads: %d: %s", run->report->ok, first_message(run->report));
	return true;
}

static bool has_message(const struct rule_problem *problem, const char *part)
{
	for (; problem; problem = problem->next) {
		if (strstr(problem->message, part))
			return true;
	}
	return false;
}

static bool run_message(struct run *run, struct json_object *step, const struct rule_problem *problems)
{
	const char *part = acceptance_text(step, "contains", NULL);
	bool present = acceptance_bool(step, "present", true), found = has_message(problems, part ? part : "");

	return found == present ||
	       acceptance_fail(run->c, "'%s' is said: %d; first: %s", part, found, problems ? problems->message : "nothing");
}

static bool run_schema(struct run *run, struct json_object *step)
{
	const char *status = acceptance_text(step, "status", NULL), *name = rule_schema_name(run->report->schema);
	const char *bare = status && strncmp(status, "validation_", 11) == 0 ? status + 11 : status;

	return (bare && strcmp(bare, name) == 0) ||
	       acceptance_fail(run->c, "schema %s, not %s: %s", name, status, run->report->schema_message ?: "");
}

static const struct rule *find_rule(struct run *run, struct json_object *step)
{
	const struct rule_set *set = rule_loader_set(run->loader);
	const char *name = acceptance_text(step, "rule", NULL);

	return set && name ? rule_set_find(set, name) : NULL;
}

static bool run_compiled(struct run *run, struct json_object *step, bool output)
{
	const struct rule *rule = find_rule(run, step);
	const char *expected = acceptance_text(step, "equals", NULL), *text;

	if (!rule || !expected)
		return acceptance_fail(run->c, "there is no such rule");
	text = output ? rule->output : rule_condition_print(rule->tree, rule_loader_set(run->loader)->arena, NULL);
	assert(text);
	return strcmp(text, expected) == 0 || acceptance_fail(run->c, "'%s', not '%s'", text, expected);
}

static bool run_enabled(struct run *run, struct json_object *step)
{
	const struct rule_set *set = rule_loader_set(run->loader);
	size_t n = 0, expected = (size_t)json_object_get_int(json_object_object_get(step, "n"));

	for (size_t i = 0; set && i < set->n_rules; i++)
		n += set->rules[i].enabled;
	return n == expected || acceptance_fail(run->c, "%zu rules enabled, not %zu", n, expected);
}

static bool run_step(struct run *run, struct json_object *step)
{
	const char *op = acceptance_text(step, "op", NULL);

	if (!op)
		return acceptance_fail(run->c, "a step without op");
	if (strcmp(op, "load") == 0)
		return run_load(run, step);
	if (!run->report)
		return acceptance_fail(run->c, "%s before any file", op);
	if (strcmp(op, "schema") == 0)
		return run_schema(run, step);
	if (strcmp(op, "error") == 0)
		return run_message(run, step, run->report->errors);
	if (strcmp(op, "warning") == 0)
		return run_message(run, step, run->report->warnings);
	if (strcmp(op, "any_warnings") == 0)
		return (run->report->n_warnings > 0) == acceptance_bool(step, "present", true) ||
		       acceptance_fail(run->c, "%zu warnings: %s", run->report->n_warnings,
				       run->report->warnings ? run->report->warnings->message : "");
	if (strcmp(op, "compiled_condition") == 0)
		return run_compiled(run, step, false);
	if (strcmp(op, "compiled_output") == 0)
		return run_compiled(run, step, true);
	if (strcmp(op, "enabled_rules") == 0)
		return run_enabled(run, step);
	return acceptance_fail(run->c, "there is no op %s", op);
}

static bool run_steps(struct run *run, struct json_object *steps)
{
	bool passed = true;

	if (rule_loader_new(&run->options, &run->loader) < 0)
		return acceptance_fail(run->c, "no memory");
	for (size_t i = 0; i < json_object_array_length(steps) && passed; i++)
		passed = run_step(run, json_object_array_get_idx(steps, i));
	return passed;
}

/*
 * Falco's tests set what is appended to outputs in code, which the cases do not have: it is what the expected text has
 * behind the rule's own output.
 */
static bool take_append(struct run *run, struct json_object *step, const struct rule_set *set)
{
	const char *op = acceptance_text(step, "op", NULL), *expected = acceptance_text(step, "equals", NULL);
	const char *name = acceptance_text(step, "rule", NULL);
	const struct rule *rule;
	size_t len;

	if (!op || strcmp(op, "compiled_output") != 0 || !expected || !name || !set)
		return false;
	rule = rule_set_find(set, name);
	len = rule ? strlen(rule->output) : 0;
	if (!rule || strncmp(expected, rule->output, len) != 0 || expected[len] != ' ')
		return false;
	run->append = (struct rule_append_output){ .rule = name, .output = expected + len + 1 };
	return true;
}

static void take_settings(struct run *run, struct json_object *steps)
{
	bool found = false;

	for (size_t i = 0; i < json_object_array_length(steps) && !found; i++)
		found = take_append(run, json_object_array_get_idx(steps, i), rule_loader_set(run->loader));
	if (found) {
		run->options.appends = &run->append;
		run->options.n_appends = 1;
	}
}

bool acceptance_loader(struct acceptance_case *c)
{
	struct json_object *steps = json_object_object_get(c->json, "steps");
	struct run run = { .c = c, .options = RULE_OPTIONS_DEFAULT };
	bool passed;

	if (!json_object_is_type(steps, json_type_array))
		return acceptance_fail(c, "a case without steps");
	passed = run_steps(&run, steps);
	if (!passed) {
		take_settings(&run, steps);
		rule_loader_free(&run.loader);
		passed = run.options.appends && run_steps(&run, steps);
	}
	rule_loader_free(&run.loader);
	return passed;
}

static bool has_place(const struct rule_problem *problem, const char *item, const char *name)
{
	for (; problem; problem = problem->next) {
		for (const struct rule_place *place = problem->place; place; place = place->parent) {
			if ((!item || strcmp(rule_item_name(place->item), item) == 0) && (!name || strcmp(place->name, name) == 0))
				return true;
		}
	}
	return false;
}

static bool has_code(const struct rule_report *report, const char *code)
{
	for (const struct rule_problem *p = report->errors; p; p = p->next) {
		if (strcmp(rule_error_code_name((enum rule_error_code)p->code), code) == 0)
			return true;
	}
	for (const struct rule_problem *p = report->warnings; p; p = p->next) {
		if (strcmp(rule_warning_code_name((enum rule_warning_code)p->code), code) == 0)
			return true;
	}
	return false;
}

/* Is what one entry of the expectations names there, in some report? */
static bool is_there(const struct rule_report *report, const char *member, const char *text)
{
	if (strcmp(member, "codes") == 0)
		return has_code(report, text);
	if (strcmp(member, "messages") == 0)
		return has_message(report->errors, text) || has_message(report->warnings, text);
	if (strcmp(member, "item_types") == 0)
		return has_place(report->errors, text, NULL) || has_place(report->warnings, text, NULL);
	return has_place(report->errors, NULL, text) || has_place(report->warnings, NULL, text);
}

/* Falco's tests are in a language that writes quotes with a backslash, and the cases took them over as they stood. */
static const char *unescape(struct acceptance_case *c, const char *text)
{
	char *plain = policy_arena_copy(c->arena, text, strlen(text)), *to = plain;

	for (const char *from = plain; plain && *from; from++) {
		if (from[0] == '\\' && from[1] == '"')
			from++;
		*to++ = *from;
	}
	if (plain)
		*to = '\0';
	return plain ? plain : text;
}

static bool check_all(struct run *run, const char *member)
{
	struct json_object *array = json_object_object_get(run->c->json, member);

	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(array, i));

		if (!is_there(run->report, member, text) && !is_there(run->report, member, unescape(run->c, text)))
			return acceptance_fail(run->c, "no '%s' among the %s; first error: %s", text, member,
					       first_message(run->report));
	}
	return true;
}

/* The files in order until one has an error, as Falco loads them. */
static bool load_files(struct run *run, struct json_object *rules)
{
	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		struct json_object *file = json_object_array_get_idx(rules, i);
		const char *name = acceptance_text(file, "name", NULL);
		size_t len = 0;
		const char *text = acceptance_text(file, "content", &len);

		if (!load_text(run, name ? name : "case.yaml", text ? text : "", len))
			return acceptance_fail(run->c, "no report");
		if (!run->report->ok)
			break;
	}
	return true;
}

static bool check_outcome(struct run *run)
{
	const char *expect = acceptance_text(run->c->json, "expect", NULL);
	bool ok = expect && strcmp(expect, "ok") == 0;

	if (!run->report || run->report->ok != ok)
		return acceptance_fail(run->c, "expected %s: %s", expect, run->report ? first_message(run->report) : "no file");
	return check_all(run, "codes") && check_all(run, "messages") && check_all(run, "item_types") &&
	       check_all(run, "item_names");
}

bool acceptance_validation(struct acceptance_case *c)
{
	struct json_object *rules = json_object_object_get(c->json, "rules");
	struct run run = { .c = c, .options = RULE_OPTIONS_DEFAULT };
	bool passed;

	if (!json_object_is_type(rules, json_type_array) || rule_loader_new(&run.options, &run.loader) < 0)
		return acceptance_fail(c, "a case without rules");
	passed = load_files(&run, rules) && check_outcome(&run);
	rule_loader_free(&run.loader);
	return passed;
}
