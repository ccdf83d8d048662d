// SPDX-License-Identifier: Apache-2.0
/* How lists, macros, exceptions and later items make a condition, and what is refused with which words. */
#include "policies/rules/parse.h"
#include "tests/unit/rule_load_fixture.h"

#define EXCEPTION(rest) "  exceptions:\n    - name: e\n" rest

/* Files that load, and the condition of rule "r" then. @warning: part of one that must be there; NULL: there is none. */
static const struct {
	const char *texts[LOAD_FILES_MAX];
	const char *condition, *warning;
} conditions[] = {
	/* lists are text */
	{ { LIST("l", "a, b") RULE("r", OPEN "proc.name in (l)") }, "(evt.type = open and proc.name in (a, b))", NULL },
	{ { RULE("r", OPEN "proc.name in (l)") LIST("l", "a, b") }, "(evt.type = open and proc.name in (a, b))", NULL },
	{ { LIST("l", "a b, \"'c d'\"") RULE("r", OPEN "proc.name in (x,l ,y)") },
	  "(evt.type = open and proc.name in (x, \"a b\", \"c d\", y))", NULL },
	{ { LIST("l", "") RULE("r", OPEN "proc.name in (x, l, y)") }, "(evt.type = open and proc.name in (x, y))", NULL },
	{ { LIST("l", "") RULE("r", OPEN "proc.name in (l, y)") }, "(evt.type = open and proc.name in (y))", NULL },
	{ { LIST("l", "a") RULE("r", OPEN "proc.name=l and proc.cmdline contains my-l") },
	  "(evt.type = open and proc.name = a and proc.cmdline contains my-l)", NULL },
	{ { LIST("l", "1, 0x2") RULE("r", OPEN "proc.name in (l)") }, "(evt.type = open and proc.name in (1, 0x2))", NULL },
	/* lists in lists: those that come before, or were changed before */
	{ { LIST("a", "x") LIST("b", "a, y") LIST("c", "b") RULE("r", OPEN "proc.name in (c)") },
	  "(evt.type = open and proc.name in (x, y))", NULL },
	{ { LIST("a", "b") LIST("b", "x") RULE("r", OPEN "proc.name in (a)") }, "(evt.type = open and proc.name in (x))", NULL },
	{ { LIST("b", "b") RULE("r", OPEN "proc.name in (b)") }, "(evt.type = open and proc.name in (b))", NULL },
	{ { LIST("l", "a") RULE("r", OPEN "proc.name in (l)"), "- list: l\n  items: [b]\n  override: {items: append}\n",
	    "- list: l\n  items: [c]\n  append: true\n" }, "(evt.type = open and proc.name in (a, b, c))",
	  "'append' key is deprecated" },
	{ { LIST("l", "a") RULE("r", OPEN "proc.name in (l)"), LIST("l", "b") }, "(evt.type = open and proc.name in (b))", NULL },
	/* macros are trees */
	{ { MACRO("m", "proc.name = a or proc.name = b") RULE("r", OPEN "m") },
	  "(evt.type = open and (proc.name = a or proc.name = b))", NULL },
	{ { MACRO("m", "proc.name = a") RULE("r", OPEN "not m") }, "(evt.type = open and not proc.name = a)", NULL },
	{ { RULE("r", OPEN "m") MACRO("m", "proc.name = a") }, "(evt.type = open and proc.name = a)", NULL },
	{ { MACRO("m", "proc.name = a") MACRO("n", "m and proc.pid = 1") RULE("r", OPEN "n") },
	  "(evt.type = open and (proc.name = a and proc.pid = 1))", NULL },
	{ { MACRO("n", "proc.pid = 1") MACRO("m", "proc.name = a") MACRO("n", "m and proc.pid = 2") RULE("r", OPEN "n") },
	  "(evt.type = open and (proc.name = a and proc.pid = 2))", NULL },
	{ { MACRO("m", "proc.name = a") RULE("r", OPEN "m"), "- macro: m\n  condition: or proc.pid = 1\n  override: {condition: append}\n" },
	  "(evt.type = open and (proc.name = a or proc.pid = 1))", NULL },
	/* rules */
	{ { RULE("r", "evt.type = close"), RULE("r", "evt.type = open") }, "evt.type = open", NULL },
	{ { RULE("r", "evt.type = open"), "- rule: r\n  condition: or evt.type = close\n  override: {condition: append}\n" },
	  "(evt.type = open or evt.type = close)", NULL },
	{ { RULE("r", "evt.type = close"), "- rule: r\n  condition: evt.type = open\n  override: {condition: replace}\n" },
	  "evt.type = open", NULL },
	{ { RULE("r", "evt.type = open"), "- rule: r\n  condition: and proc.pid = 1\n  append: true\n  priority: none\n" },
	  "(evt.type = open and proc.pid = 1)", "deprecated" },
	{ { RULE("r", "evt.type = open") "  source: syscall\n", "- rule: r\n  source: \"\"\n  condition: and proc.pid = 1\n  append: yes\n" },
	  "(evt.type = open and proc.pid = 1)", "deprecated" },
	/* exceptions are text */
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: [a, b c]\n") },
	  "(evt.type = open and not proc.name in (a, \"b c\"))", NULL },
	{ { RULE("r", "evt.type = open or evt.type = close") EXCEPTION("      fields: [proc.name, proc.pid]\n      comps: [' in ', '=']\n"
								       "      values: [[[a, b], 1], [c, 2]]\n") },
	  "((evt.type = open or evt.type = close) and not ((proc.name in (a, b) and proc.pid = 1) or (proc.name in (c) and proc.pid = 2)))",
	  NULL },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: [proc.name]\n") }, "evt.type = open", NULL },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: [a]\n"),
	    "- rule: r\n" EXCEPTION("      values: [b]\n") "  override: {exceptions: append}\n" },
	  "(evt.type = open and not proc.name in (a, b))", NULL },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: [a]\n"),
	    "- rule: r\n  exceptions: [{name: f, fields: proc.pid, values: [1]}]\n  override: {exceptions: append}\n" },
	  "(evt.type = open and not proc.name in (a) and not proc.pid in (1))", NULL },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: [a]\n"),
	    "- rule: r\n" EXCEPTION("      fields: proc.pid\n      values: [1]\n") "  override: {exceptions: replace}\n" },
	  "(evt.type = open and not proc.pid in (1))", NULL },
	/* YAML */
	{ { "---\n" LIST("l", "a") "---\n# nothing\n---\n" RULE("r", OPEN "proc.name in (l)") },
	  "(evt.type = open and proc.name in (a))", NULL },
	{ { "- list: a\n  items: &i [x, y]\n- list: b\n  items: *i\n" RULE("r", OPEN "proc.name in (a, b)") },
	  "(evt.type = open and proc.name in (x, y, x, y))", NULL },
	{ { RULE("r", ">\n    evt.type = open\n    and proc.name = a\n") }, "(evt.type = open and proc.name = a)", NULL },
	{ { RULE("r", "|\n    evt.type = open\n    \tand proc.name = a") }, "(evt.type = open and proc.name = a)", NULL },
	{ { "\xef\xbb\xbf" RULE("r", "evt.type = open") }, "evt.type = open", NULL },
	{ { "- null\n-\n" RULE("r", "evt.type = open") "  condition: evt.type = close\n" }, "evt.type = open", NULL },
	{ { RULE("r", "!!str evt.type = open") }, "evt.type = open", NULL },
	{ { RULE("r", "evt.type = open") "  exceptions:\n    - {name: e, fields: [proc.name], comps: [=], values: [[a]]}\n" },
	  "(evt.type = open and not proc.name = a)", NULL },
	{ { LIST("unlisted", "[") RULE("r", "evt.type = open") }, NULL, NULL },
	/* warnings */
	{ { RULE("r", "evt.type = open") MACRO("m", "evt.type = open") }, "evt.type = open", "Macro not referred to" },
	{ { RULE("r", "evt.type = open") LIST("l", "a") }, "evt.type = open", "List not referred to" },
	{ { RULE("r", "evt.type = open") MACRO("a-b", "evt.type = open") }, "evt.type = open", "Macro has an invalid name" },
	{ { RULE("r", "evt.type = open") LIST("a b", "a") }, "evt.type = open", "List has an invalid name" },
	{ { RULE("r", "evt.type = open") "- unknown: 1\n" }, "evt.type = open", "Unknown top level item" },
	{ { RULE("r", "evt.type = open") "  prioritty: 1\n" }, "evt.type = open", "Unknown key 'prioritty'" },
	{ { "- required_engine_version: 0.57.0\n  more: 1\n" RULE("r", "evt.type = open") }, "evt.type = open", "Unknown key 'more'" },
	{ { RULE("r", "proc.name = a") }, "proc.name = a", "Rule matches too many evt.type values" },
	{ { RULE("r", "proc.name = a") "  warn_evttypes: false\n" }, "proc.name = a", NULL },
	{ { RULE("r", OPEN "evt.dir = <") }, "(evt.type = open and evt.dir = <)", "deprecated field 'evt.dir' has been detected in the rule condition" },
	{ { RULE("r", OPEN "proc.name = fd.name") }, "(evt.type = open and proc.name = fd.name)", "'fd.name' may be a valid field" },
};

static void test_items_make_the_condition(void **state)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;

	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		struct loaded loaded = load_texts(&options, conditions[i].texts);
		const struct rule *rule = find_rule(&loaded, "r");
		const char *have = rule ? rule_condition_print(rule->tree, rule_loader_set(loaded.loader)->arena, NULL) : NULL, *want = conditions[i].condition;

		if (want ? !have || strcmp(have, want) != 0 : loaded.report->ok)
			fail_msg("row %zu: %s, not %s; %s", i, have, want, loaded.report->errors ? loaded.report->errors->message : "");
		if (conditions[i].warning ? !find_problem(loaded.report->warnings, conditions[i].warning) : loaded.report->n_warnings > 0)
			fail_msg("row %zu: warning: %s", i, loaded.report->warnings ? loaded.report->warnings->message : "none");
		rule_loader_free(&loaded.loader);
	}
}

/* What is refused: code and a part of the message. */
static const struct {
	const char *texts[LOAD_FILES_MAX];
	enum rule_error_code code;
	const char *message;
} errors[] = {
	{ { "- a\n" }, RULE_ERROR_YAML_VALIDATE, "Unexpected element type" },
	{ { "a: b\n" }, RULE_ERROR_YAML_VALIDATE, "Rules content is not yaml array of objects" },
	{ { "text\n" }, RULE_ERROR_YAML_VALIDATE, "Rules content is not yaml" },
	{ { "- a: b: c\n" }, RULE_ERROR_YAML_PARSE, "yaml-cpp: error at line 1, column 7: illegal map value" },
	{ { "- [a\n" }, RULE_ERROR_YAML_PARSE, "end of sequence flow not found" },
	{ { "- 'a\n" }, RULE_ERROR_YAML_PARSE, "illegal EOF in scalar" },
	{ { "- *a\n" }, RULE_ERROR_YAML_PARSE, "the referenced anchor is not defined" },
	{ { "- &a [*a]\n" }, RULE_ERROR_YAML_PARSE, "the referenced anchor is not defined" },
	{ { "- \xff\n" }, RULE_ERROR_YAML_PARSE, "UTF-8" },
	{ { "- required_engine_version: 0.64.0\n" }, RULE_ERROR_VALIDATE, "Rules require engine version 0.64.0, but engine version is 0.63.0" },
	{ { "- required_engine_version: 64\n" }, RULE_ERROR_VALIDATE, "Rules require engine version 0.64.0" },
	{ { "- required_engine_version: 1.0.0\n" }, RULE_ERROR_VALIDATE, "Rules require engine version 1.0.0" },
	{ { "- required_engine_version: 26.0\n" }, RULE_ERROR_YAML_VALIDATE, "Unable to parse engine version '26.0'" },
	{ { "- required_engine_version:\n" }, RULE_ERROR_YAML_VALIDATE, "Mapping for key 'required_engine_version' is empty" },
	{ { "- required_plugin_versions: a\n" }, RULE_ERROR_YAML_VALIDATE, "Value of required_plugin_versions must be a sequence" },
	{ { "- required_plugin_versions: [a]\n" }, RULE_ERROR_YAML_VALIDATE, "Plugin version must be a mapping" },
	{ { "- required_plugin_versions: [{name: a}]\n" }, RULE_ERROR_YAML_VALIDATE, "Item has no mapping for key 'version'" },
	{ { "- required_plugin_versions: [{name: a, version: x}]\n" }, RULE_ERROR_VALIDATE, "Invalid required version 'x' for plugin 'a'" },
	{ { "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: a, version: 1.0.0}]}]\n" },
	  RULE_ERROR_VALIDATE, "Defined multiple alternative version requirements for plugin 'a'" },
	{ { "- list: l\n" }, RULE_ERROR_YAML_VALIDATE, "Item has no mapping for key 'items'" },
	{ { "- list: l\n  items: a\n" }, RULE_ERROR_YAML_VALIDATE, "Value is not a sequence" },
	{ { "- list: l\n  items: [[a]]\n" }, RULE_ERROR_YAML_VALIDATE, "sequence value is not scalar" },
	{ { "- list: ''\n  items: []\n" }, RULE_ERROR_YAML_VALIDATE, "Value must be non-empty" },
	{ { "- list: [a]\n  items: []\n" }, RULE_ERROR_YAML_VALIDATE, "Value is not a scalar value" },
	{ { "- list: l\n  items: []\n  append: true\n" }, RULE_ERROR_VALIDATE, "List uses 'append' or 'override.items: append'" },
	{ { "- list: l\n  items: []\n  append: maybe\n" }, RULE_ERROR_YAML_VALIDATE, "Can't decode YAML scalar value" },
	{ { "- list: l\n  items: []\n  append: true\n  override: {items: append}\n" }, RULE_ERROR_YAML_VALIDATE,
	  "Keys 'override' and 'append: true' cannot be used together" },
	{ { "- list: l\n  items: []\n  override: {items: prepend}\n" }, RULE_ERROR_YAML_VALIDATE,
	  "Invalid override operation for key 'items': 'prepend'. Allowed values are: append replace " },
	{ { "- macro: m\n  condition: evt.type = open and\n" }, RULE_ERROR_COMPILE_CONDITION, "" },
	{ { "- macro: m\n  condition: n\n" MACRO("n", "evt.type = open") }, RULE_ERROR_VALIDATE, "Undefined macro 'n' used in filter." },
	{ { MACRO("m", "evt.type = open") "- macro: m\n  condition: and m\n  override: {condition: append}\n" }, RULE_ERROR_VALIDATE,
	  "reference loop in macro 'm'" },
	{ { RULE("r", "m") }, RULE_ERROR_VALIDATE, "Undefined macro 'm' used in filter." },
	{ { RULE("r", OPEN "proc.name in l") LIST("l", "a, b") }, RULE_ERROR_COMPILE_CONDITION, "" },
	{ { RULE("r", "evt.type = opened") }, RULE_ERROR_COMPILE_CONDITION, "unknown event type opened" },
	{ { RULE("r", "proc.nobody = 1") }, RULE_ERROR_COMPILE_CONDITION, "nonexistent field proc.nobody" },
	{ { "- rule: r\n  condition: evt.type = open\n  output: '%nothing'\n  desc: d\n  priority: INFO\n" }, RULE_ERROR_COMPILE_OUTPUT,
	  "invalid formatting token nothing" },
	{ { "- rule: r\n  condition: evt.type = open\n  desc: d\n  priority: INFO\n" }, RULE_ERROR_YAML_VALIDATE, "Item has no mapping for key 'output'" },
	{ { RULE("r", "evt.type = open") "  capture_duration: -1\n" }, RULE_ERROR_YAML_VALIDATE, "Can't decode YAML scalar value" },
	{ { RULE("r", "evt.type = open") "  tags: a\n" }, RULE_ERROR_YAML_VALIDATE, "Value is not a sequence" },
	{ { "- rule: r\n  enabled: true\n" }, RULE_ERROR_VALIDATE, "Rule has 'enabled' key but no rule by that name already exists" },
	{ { "- rule: r\n" }, RULE_ERROR_YAML_VALIDATE, "Item has no mapping for key 'enabled'" },
	{ { "- rule: r\n  condition: a\n  append: true\n" }, RULE_ERROR_VALIDATE, "Rule uses 'append' or 'override.<key>: append'" },
	{ { "- rule: r\n  condition: a\n  override: {condition: replace}\n" }, RULE_ERROR_VALIDATE, "An 'override.<key>: replace' to a rule" },
	{ { RULE("r", "evt.type = open"), "- rule: r\n  override: {condition: append}\n" }, RULE_ERROR_YAML_VALIDATE,
	  "An append override for 'condition' was specified but 'condition' is not defined" },
	{ { RULE("r", "evt.type = open"), "- rule: r\n  desc: x\n  priority: INFO\n  override: {desc: append}\n" }, RULE_ERROR_YAML_VALIDATE,
	  "Unexpected key 'priority': no corresponding entry under 'override' is defined." },
	{ { RULE("r", "evt.type = open"), "- rule: r\n  source: x\n  override: {source: replace}\n" }, RULE_ERROR_YAML_VALIDATE,
	  "Key 'source' cannot be replaced" },
	{ { RULE("r", "evt.type = open"), RULE("r", "evt.type = open") "  source: x\n" }, RULE_ERROR_VALIDATE,
	  "Rule has been re-defined with a different source" },
	{ { RULE("r", "evt.type = open"), "- rule: r\n  condition: and evt.num = 1\n  source: x\n  override: {condition: append}\n" },
	  RULE_ERROR_VALIDATE, "Rule has been re-defined with a different source" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      comps: in\n") }, RULE_ERROR_YAML_VALIDATE, "Item has no mapping for key 'fields'" },
	{ { RULE("r", "evt.type = open") "  exceptions: a\n" }, RULE_ERROR_YAML_VALIDATE, "Rule exceptions must be a sequence" },
	{ { RULE("r", "evt.type = open") "  exceptions: [a]\n" }, RULE_ERROR_YAML_VALIDATE, "Rule exception must be a mapping" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: a\n") }, RULE_ERROR_YAML_VALIDATE,
	  "Rule exception values must be a sequence" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      comps: [in]\n") }, RULE_ERROR_VALIDATE,
	  "Fields and comps must both be strings" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      comps: '='\n") }, RULE_ERROR_VALIDATE,
	  "When fields is a single value, comps must be one of (in, pmatch, intersects)" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: [proc.name]\n      comps: [=, in]\n") }, RULE_ERROR_VALIDATE,
	  "Fields and comps lists must have equal length" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: [proc.name]\n      comps: [is]\n") }, RULE_ERROR_VALIDATE,
	  "'is' is not a supported comparison operator" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: [proc.nobody]\n") }, RULE_ERROR_VALIDATE,
	  "'proc.nobody' is not a supported filter field" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: [[a]]\n") }, RULE_ERROR_VALIDATE,
	  "Expected values array to contain a list of strings" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: [proc.name, proc.pid]\n      values: [[a]]\n") }, RULE_ERROR_VALIDATE,
	  "Fields and values lists must have equal length" },
	{ { RULE("r", "evt.type = open") EXCEPTION("      fields: proc.name\n      values: [a]\n"),
	    "- rule: r\n" EXCEPTION("      fields: proc.name\n      values: [b]\n") "  override: {exceptions: append}\n" }, RULE_ERROR_VALIDATE,
	  "Can not append exception fields to existing exception, only values" },
	{ { RULE("r", "evt.type = open"), "- rule: r\n" EXCEPTION("      fields: proc.name\n") "  override: {exceptions: append}\n" },
	  RULE_ERROR_VALIDATE, "Rule exception must have values property with a list of values" },
};

static void test_faults_are_refused_in_falcos_words(void **state)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct loaded loaded = load_texts(&options, errors[i].texts);
		const struct rule_problem *error = loaded.report->errors;

		if (!error || error->code != (int)errors[i].code || !strstr(error->message, errors[i].message))
			fail_msg("row %zu: %s %s, not %s", i, error ? rule_error_code_name((enum rule_error_code)error->code) : "",
				 error ? error->message : "no error", errors[i].message);
		rule_loader_free(&loaded.loader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items_make_the_condition),
		cmocka_unit_test(test_faults_are_refused_in_falcos_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
