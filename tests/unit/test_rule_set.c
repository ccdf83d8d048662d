// SPDX-License-Identifier: Apache-2.0
/* The set as a whole: all or nothing, what is switched on, what is appended, places of errors, bounds, files. */
#include "policies/rules/parse.h"
#include "tests/unit/rule_load_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOOD RULE("r", "evt.type = open")
#define TAGGED(name, tags, priority) \
	"- rule: " name "\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: " priority "\n  tags: [" tags "]\n"

static void test_bad_file_gives_no_set(void **state)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	const char *const texts[LOAD_FILES_MAX] = { GOOD, "- rule: x\n", GOOD };
	struct loaded loaded = load_texts(&options, texts);
	struct rule_set *set = (void *)1;

	(void)state;
	assert_true(loaded.report->ok);
	assert_int_equal(rule_loader_take_set(loaded.loader, &set), -EINVAL);
	assert_ptr_equal(set, (void *)1);
	rule_loader_free(&loaded.loader);
	assert_null(loaded.loader);
}

static void test_set_outlives_its_loader_and_is_taken_once(void **state)
{
	struct loaded loaded = load_text(GOOD);
	struct rule_set *set = NULL, *second = NULL;

	(void)state;
	assert_int_equal(rule_loader_take_set(loaded.loader, &set), 0);
	assert_int_equal(rule_loader_take_set(loaded.loader, &second), -ENOENT);
	rule_loader_free(&loaded.loader);
	assert_string_equal(rule_condition_print(rule_set_find(set, "r")->tree, set->arena, NULL), "evt.type = open");
	assert_string_equal(rule_set_find(set, "r")->output, "o");
	assert_int_equal(rule_set_find(set, "r")->tree->kind, RULE_COMPARE);
	assert_null(rule_set_find(set, "R"));
	rule_set_free(&set);
	assert_null(set);
	rule_set_free(NULL);
}

static void test_definition_is_kept_whole(void **state)
{
	struct loaded loaded = load_text("- rule: r\n  desc: some text\n  condition: evt.type = open\n  output: \"  o %proc.name \"\n"
					 "  priority: info\n  tags: [b, a, b]\n  enabled: no\n  capture: on\n  capture_duration: 0x10\n");
	const struct rule *rule = find_rule(&loaded, "r");

	(void)state;
	assert_non_null(rule);
	assert_string_equal(rule->description, "some text");
	assert_string_equal(rule->output, "o %proc.name");
	assert_string_equal(rule->source, "syscall");
	assert_int_equal(rule->priority, RULE_PRIORITY_INFORMATIONAL);
	assert_int_equal(rule->n_tags, 2);
	assert_string_equal(rule->tags[0], "a");
	assert_true(!rule->enabled && rule->capture && rule->capture_ms == 16);
	assert_string_equal(rule->file, "0.yaml");
	assert_int_equal(rule->line, 1);
	assert_int_equal(rule_event_set_count(rule_filter_event_types(rule->filter)), 1);
	rule_loader_free(&loaded.loader);
}

static void test_unknown_source_is_left_out(void **state)
{
	static const char *const sources[] = { "syscall", "other" };
	struct rule_options options = RULE_OPTIONS_DEFAULT;
	const char *const texts[LOAD_FILES_MAX] = { RULE("o", "evt.type = open") "  source: other\n" GOOD };
	struct loaded loaded = load_texts(&options, texts);

	(void)state;
	assert_non_null(find_problem(loaded.report->warnings, "Unknown source other, skipping"));
	assert_null(find_rule(&loaded, "o"));
	assert_non_null(find_rule(&loaded, "r"));
	rule_loader_free(&loaded.loader);
	options.sources = sources;
	options.n_sources = 2;
	loaded = load_texts(&options, texts);
	assert_non_null(find_rule(&loaded, "o"));
	rule_loader_free(&loaded.loader);
}

static void test_unknown_field_drops_the_rule_that_allows_it(void **state)
{
	struct loaded loaded = load_text(RULE("c", "proc.nobody = 1") "  skip-if-unknown-filter: true\n"
					 RULE("e", "evt.type = opened") "  skip-if-unknown-filter: true\n"
					 "- rule: o\n  desc: d\n  condition: evt.type = open\n  output: '%nothing'\n  priority: INFO\n"
					 "  skip-if-unknown-filter: true\n" GOOD);

	(void)state;
	assert_true(loaded.report->ok);
	assert_int_equal(loaded.report->n_warnings, 3);
	for (const struct rule_problem *p = loaded.report->warnings; p; p = p->next)
		assert_int_equal(p->code, RULE_WARNING_UNKNOWN_FILTER);
	assert_int_equal(rule_loader_set(loaded.loader)->n_rules, 1);
	rule_loader_free(&loaded.loader);
}

static void test_selections_decide_in_order(void **state)
{
	static const struct {
		struct rule_selection selections[3];
		size_t n;
		enum rule_priority priority_max;
		const char *on; /* names of the rules, in order */
	} rows[] = {
		{ { { 0 } }, 0, RULE_PRIORITY_DEBUG, "one two three " },
		{ { { false, "*", NULL } }, 1, RULE_PRIORITY_DEBUG, "" },
		{ { { false, "t*", NULL } }, 1, RULE_PRIORITY_DEBUG, "one " },
		{ { { false, "*e", NULL } }, 1, RULE_PRIORITY_DEBUG, "two " },
		{ { { false, "t*o", NULL } }, 1, RULE_PRIORITY_DEBUG, "one three " },
		{ { { false, "wo", NULL } }, 1, RULE_PRIORITY_DEBUG, "one two three " },
		{ { { false, NULL, "x" } }, 1, RULE_PRIORITY_DEBUG, "three " },
		{ { { false, "*", NULL }, { true, NULL, "y" } }, 2, RULE_PRIORITY_DEBUG, "two three " },
		{ { { true, NULL, "y" }, { false, "*", NULL } }, 2, RULE_PRIORITY_DEBUG, "" },
		{ { { 0 } }, 0, RULE_PRIORITY_WARNING, "one " },
		{ { { true, "two", NULL } }, 1, RULE_PRIORITY_ALERT, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rule_options options = RULE_OPTIONS_DEFAULT;
		const char *const texts[LOAD_FILES_MAX] = { TAGGED("one", "x", "warning") TAGGED("two", "x, y", "NOTICE")
								    TAGGED("three", "y", "Debug") };
		struct loaded loaded;
		char on[64] = "";

		options.selections = rows[i].selections;
		options.n_selections = rows[i].n;
		options.priority_max = rows[i].priority_max;
		loaded = load_texts(&options, texts);
		for (size_t k = 0; k < rule_loader_set(loaded.loader)->n_rules; k++) {
			const struct rule *rule = &rule_loader_set(loaded.loader)->rules[k];

			if (rule->enabled)
				snprintf(on + strlen(on), sizeof(on) - strlen(on), "%s ", rule->name);
		}
		if (strcmp(on, rows[i].on) != 0)
			fail_msg("row %zu: on are %s, not %s", i, on, rows[i].on);
		rule_loader_free(&loaded.loader);
	}
}

static void test_outputs_get_what_applies_to_them(void **state)
{
	static const char *const tags[] = { "a" };
	static const struct rule_append_output appends[] = {
		{ .rule = "one", .output = "name=%proc.name" },
		{ .tags = tags, .n_tags = 1, .output = "pid=%proc.pid" },
		{ .source = "other", .output = "never" },
		{ .source = "syscall", .output = "type=%evt.type" },
		{ .rule = "three", .suggested = RULE_SUGGESTED_OFF },
	};
	const char *const texts[LOAD_FILES_MAX] = { TAGGED("one", "b", "INFO") TAGGED("two", "a, b", "INFO")
		"- rule: three\n  desc: d\n  condition: evt.type = open\n  output: a (%container.info) b %container.info\n  priority: INFO\n" };
	struct rule_options options = RULE_OPTIONS_DEFAULT;
	struct loaded loaded;

	(void)state;
	options.appends = appends;
	options.n_appends = sizeof(appends) / sizeof(*appends);
	loaded = load_texts(&options, texts);
	assert_string_equal(find_rule(&loaded, "one")->output, "o name=%proc.name type=%evt.type");
	assert_string_equal(find_rule(&loaded, "two")->output, "o pid=%proc.pid type=%evt.type");
	assert_string_equal(find_rule(&loaded, "three")->output, "a () b  type=%evt.type");
	assert_non_null(find_problem(loaded.report->warnings, "%container.info is deprecated"));
	rule_loader_free(&loaded.loader);
	options.suggested = true;
	loaded = load_texts(&options, texts);
	assert_null(strstr(find_rule(&loaded, "three")->output, "container_id="));
	assert_non_null(strstr(find_rule(&loaded, "two")->output, "container_id="));
	rule_loader_free(&loaded.loader);
	options.n_appends = 0;
	loaded = load_texts(&options, texts);
	assert_non_null(strstr(find_rule(&loaded, "one")->output, " container_id=%container.id"));
	assert_non_null(strstr(find_rule(&loaded, "one")->output, " k8s_pod_name=%k8s.pod.name"));
	rule_loader_free(&loaded.loader);
}

static void test_plugins_are_looked_for(void **state)
{
	static const struct rule_plugin plugins[] = { { "json", "0.7.0" }, { "old", "none" } };
	static const struct {
		const char *requirement, *message; /* NULL: served */
		bool ours;
	} rows[] = {
		{ "{name: container, version: 0.4.0}", NULL, true },
		{ "{name: container, version: 1.0.0}", "must load one of: container (>= 1.0.0)", true },
		{ "{name: json, version: 0.7.0}", "must load one of: json (>= 0.7.0)", true },
		{ "{name: json, version: 0.7.0}", NULL, false },
		{ "{name: json, version: 0.6.9}", NULL, false },
		{ "{name: json, version: 0.8.0}", "must load one of: json (>= 0.8.0)", false },
		{ "{name: x, version: 1.0.0, alternatives: [{name: json, version: 0.1.0}]}", NULL, false },
		/* The first that is there decides. */
		{ "{name: json, version: 0.8.0, alternatives: [{name: json2, version: 0.1.0}]}", "json (>= 0.8.0), json2 (>= 0.1.0)", false },
		{ "{name: old, version: 0.1.0}", "old (>= 0.1.0)", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rule_options options = RULE_OPTIONS_DEFAULT;
		const char *message = NULL;
		char text[256];
		const char *const texts[LOAD_FILES_MAX] = { text };
		struct loaded loaded;
		int r;

		snprintf(text, sizeof(text), "- required_plugin_versions:\n  - %s\n", rows[i].requirement);
		options.plugins = rows[i].ours ? NULL : plugins;
		options.n_plugins = rows[i].ours ? 0 : 2;
		loaded = load_texts(&options, texts);
		r = rule_loader_check_plugins(loaded.loader, &message);
		if (r != (rows[i].message ? -EINVAL : 0) || (rows[i].message && !strstr(message, rows[i].message)))
			fail_msg("row %zu: %d, %s", i, r, message);
		rule_loader_free(&loaded.loader);
	}
}

/* Where the first error or warning is: items from the outside in, the place in the file, and the snippet. */
static const struct {
	const char *text, *items;
	int line, column;
	const char *snippet;
} places[] = {
	{ "- rule: r\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: HIGH\n", "rules content|rule r|rule priority", 5, 13,
	  "  priority: HIGH\n            ^\n" },
	{ "# é\n- rule: r\n  desc: d\n  condition: evt.type = a\n  output: o\n  priority: INFO\n",
	  "rules content|rule r|rule condition|condition expression", 4, 14, "evt.type = a\n           ^\n" },
	{ RULE("r", ">\n    evt.type = open\n    and (a.b = c or\n    x.y = z)"), "rules content|rule r|rule condition|condition expression", 4, 1,
	  "evt.type = open and (a.b = c or x.y = z)\n                     ^\n" },
	{ LIST("l", "x, y") RULE("r", OPEN "proc.name in (l) and m"), "rules content|rule r|rule condition|condition expression", 5, 14,
	  "evt.type = open and proc.name in ( x, y ) and m\n                                              ^\n" },
	{ MACRO("m", "a.b = c") RULE("r", OPEN "m"), "rules content|rule r|rule condition|condition expression", 5, 14,
	  "evt.type = open and m\n                    ^\n" },
	{ GOOD "  exceptions:\n  - name: e\n    fields: [a.b]\n", "rules content|rule r|exception e", 7, 5, "  - name: e\n    ^\n" },
	{ GOOD "  typo: 1\n", "rules content|rule r|value for typo", 6, 9, "  typo: 1\n        ^\n" },
	{ "- list: l\n  items:\n", "rules content|list l|value for items", 2, 3, NULL },
	{ "- rule: 'abc\n", "rules content|value for", 1, 10, NULL },
};

static void add_items(char *buffer, size_t size, const struct rule_place *place)
{
	if (place->parent)
		add_items(buffer, size, place->parent);
	snprintf(buffer + strlen(buffer), size - strlen(buffer), "%s%s%s%s", place->parent ? "|" : "", rule_item_name(place->item),
		 place->name[0] ? " " : "", place->name);
}

static void test_problems_say_where(void **state)
{
	char items[256], snippet[RULE_SNIPPET_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		struct loaded loaded = load_text(places[i].text);
		const struct rule_problem *problem = loaded.report->errors ? loaded.report->errors : loaded.report->warnings;
		const struct rule_place *in_file;

		assert_non_null(problem);
		in_file = rule_place_in_file(problem->place);
		items[0] = '\0';
		add_items(items, sizeof(items), problem->place);
		rule_place_snippet(problem->place, snippet);
		if (strcmp(items, places[i].items) != 0 || in_file->line != places[i].line || in_file->column != places[i].column ||
		    (places[i].snippet && strcmp(snippet, places[i].snippet) != 0))
			fail_msg("row %zu: %s at %d:%d: %s\n%s", i, items, in_file->line, in_file->column, problem->message, snippet);
		rule_loader_free(&loaded.loader);
	}
}

static void test_long_lines_are_cut_in_snippets(void **state)
{
	char text[2000] = "- rule: r\n  desc: d\n  condition: \"", snippet[RULE_SNIPPET_BYTES];
	struct loaded loaded;

	(void)state;
	for (int i = 0; i < 80; i++)
		strcat(text, "proc.pid = 1 or ");
	strcat(text, "a.b = 1\"\n  output: o\n  priority: INFO\n");
	loaded = load_text(text);
	rule_place_snippet(loaded.report->errors->place, snippet);
	assert_memory_equal(snippet, "...", 3);
	assert_true(strlen(snippet) < RULE_SNIPPET_BYTES);
	assert_int_equal(strcspn(strchr(snippet, '\n') + 1, "^"), RULE_SNIPPET_WIDTH / 2);
	rule_loader_free(&loaded.loader);
}

/* Each doubles what the one before it is. */
static char *double_items(const char *first, const char *format, int n)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	fputs(first, out);
	for (int i = 1; i <= n; i++)
		fprintf(out, format, i, i - 1, i - 1);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void check_refused(char *text, const char *message)
{
	struct loaded loaded = load_text(text);

	if (!loaded.report->errors || !strstr(loaded.report->errors->message, message))
		fail_msg("%s, not %s", loaded.report->errors ? loaded.report->errors->message : "loads", message);
	rule_loader_free(&loaded.loader);
	free(text);
}

static void test_growth_is_bounded(void **state)
{
	(void)state;
	check_refused(double_items(LIST("l0", "aa, bb"), "- list: l%d\n  items: [l%d, l%d]\n", 40), "too many items");
	check_refused(double_items(MACRO("m0", "proc.pid = 1"), "- macro: m%d\n  condition: m%d and m%d\n", 40), "too large after macro");
	check_refused(double_items("- x: &a0 [x]\n", "- y: &a%d [*a%d, *a%d]\n", 30), "too many values in one file");
}

static void test_macros_that_nest_deep_are_refused(void **state)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	/* Each is seen by all after it is defined again, and none is put in before the first is. */
	for (int i = 0; i < 4000; i++)
		fprintf(out, "- macro: m%d\n  condition: proc.pid = 1\n", i);
	for (int i = 0; i < 3999; i++)
		fprintf(out, "- macro: m%d\n  condition: not m%d\n", i, i + 1);
	assert_int_equal(fclose(out), 0);
	check_refused(text, "nested too deep");
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

static void test_folder_is_loaded_all_or_nothing(void **state)
{
	char dir[] = "/tmp/test-rule-set-XXXXXX";
	const char *const paths[] = { dir };
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	struct policy_error err = { .line = -1 };
	struct rule_set *set = NULL, *kept;
	size_t warnings = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "b.yml", "- rule: r\n  condition: and proc.pid = 1\n  override: {condition: append}\n");
	write_file(dir, "a.yaml", GOOD LIST("unused", ""));
	write_file(dir, "c.txt", "no rules\n");
	assert_int_equal(rule_set_load(paths, 1, &options, &set, &err, &warnings), 0);
	assert_string_equal(rule_condition_print(rule_set_find(set, "r")->tree, set->arena, NULL), "(evt.type = open and proc.pid = 1)");
	assert_int_equal(warnings, 1);
	kept = set;
	write_file(dir, "c.yaml", "\n- rule: r\n  condition: x\n  override: {condition: delete}\n");
	assert_int_equal(rule_set_load(paths, 1, &options, &set, &err, NULL), -EINVAL);
	assert_ptr_equal(set, kept);
	assert_non_null(strstr(err.file, "/c.yaml"));
	assert_int_equal(err.line, 4);
	assert_non_null(strstr(err.message, "LOAD_ERR_YAML_VALIDATE: Invalid override operation"));
	rule_set_free(&set);
	for (size_t i = 0; i < 4; i++)
		remove_file(dir, (const char *const[]){ "a.yaml", "b.yml", "c.txt", "c.yaml" }[i]);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rule_set_load(paths, 1, &options, &set, &err, NULL), -EINVAL);
	assert_non_null(strstr(err.message, "LOAD_ERR_FILE_READ"));
}

static void test_no_file_is_an_empty_set(void **state)
{
	const struct rule_options options = RULE_OPTIONS_DEFAULT;
	struct rule_set *set = NULL;

	(void)state;
	assert_int_equal(rule_set_load(NULL, 0, &options, &set, NULL, NULL), 0);
	assert_int_equal(set->n_rules, 0);
	rule_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_file_gives_no_set),
		cmocka_unit_test(test_set_outlives_its_loader_and_is_taken_once),
		cmocka_unit_test(test_definition_is_kept_whole),
		cmocka_unit_test(test_unknown_source_is_left_out),
		cmocka_unit_test(test_unknown_field_drops_the_rule_that_allows_it),
		cmocka_unit_test(test_selections_decide_in_order),
		cmocka_unit_test(test_outputs_get_what_applies_to_them),
		cmocka_unit_test(test_plugins_are_looked_for),
		cmocka_unit_test(test_problems_say_where),
		cmocka_unit_test(test_long_lines_are_cut_in_snippets),
		cmocka_unit_test(test_growth_is_bounded),
		cmocka_unit_test(test_macros_that_nest_deep_are_refused),
		cmocka_unit_test(test_folder_is_loaded_all_or_nothing),
		cmocka_unit_test(test_no_file_is_an_empty_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
