// SPDX-License-Identifier: Apache-2.0
/* What the tool says about rule files: validate, list, show. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "enforcer/util.h"
#include "tests/unit/cli_harness.h"

struct file {
	const char *name, *text;
};

#define RULE(name, condition) "- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o %proc.name\n  priority: INFO\n"

static const struct file files[] = {
	{ "good.yaml", "- list: shells\n  items: [sh, bash]\n- macro: is_shell\n  condition: proc.name in (shells)\n"
		       "- rule: shell\n  desc: a shell\n  condition: evt.type = execve and is_shell\n  output: o %proc.name\n"
		       "  priority: WARNING\n  tags: [t2, t1]\n" },
	{ "more.yaml", "- rule: shell\n  condition: and proc.tty != 0\n  override:\n    condition: append\n" },
	{ "warn.yaml", "- list: unused\n  items: []\n" RULE("quiet", "evt.type = open") },
	{ "syntax.yaml", RULE("bad", "evt.type = open and\n    (proc.name = a or )") },
	{ "yaml.yaml", "- rule: a: b\n" },
	{ "evil.yaml", RULE("\"evil\\n\\e[31m\"", "evt.type = open") },
	{ "evil-key.yaml", RULE("a", "evt.type = open") "  \"k\\u202ey\": 1\n" },
	{ "backslash.yaml", RULE("'back\\slash'", "evt.type = open") },
	{ "backslash-key.yaml", "- rule: 'back\\slash'\n  enabled: true\n" },
	{ "plugin.yaml", "- required_plugin_versions:\n  - name: k8saudit\n    version: 0.7.0\n" },
	{ "field.yaml", RULE("bad", "evt.type = open and proc.nobody = 1") },
	{ "dead.txt", RULE("dead", "evt.type = connect and (fd.sip.name = a or proc.pid = 1 and fd.lip.name exists)")
		      RULE("alive", "evt.type = connect and (not fd.sip.name = a or fd.cip.name exists)")
		      RULE("half", "evt.type = connect and (fd.sip.name = a or proc.pid = 1)")
		      RULE("mute", "evt.type = semop") RULE("meant", "evt.type = open and evt.type = close")
		      RULE("off", "evt.type = semop") "  enabled: false\n" },
};

struct fixture {
	char dir[64];
};

static int make_files(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128];

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/cli-rules-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i].name);
		file = fopen(path, "we");
		assert_non_null(file);
		assert_true(fputs(files[i].text, file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	*state = f;
	return 0;
}

static int remove_files(void **state)
{
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i].name);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

/* Arguments that name one of our files become its path. */
static struct cli_result run_in(const struct fixture *f, const char *const *args)
{
	const char *argv[CLI_ARGS_MAX + 1] = { NULL };
	char paths[CLI_ARGS_MAX][128];

	for (size_t i = 0; args[i]; i++) {
		bool ours = strcmp(args[i], ".") == 0;

		for (size_t k = 0; k < ARRAY_SIZE(files); k++)
			ours = ours || strcmp(args[i], files[k].name) == 0;
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", f->dir, args[i]);
		argv[i] = ours ? paths[i] : args[i];
	}
	return cli_run(NULL, argv);
}

struct says {
	const char *args[8];
	int code;
	const char *out[6]; /* must be there */
	const char *not_out;
};

static const struct says sayings[] = {
	{ { "rules", "validate", "good.yaml" }, 0, { "good.yaml: Ok\n" }, "warning" },
	{ { "rules", "validate", "good.yaml", "more.yaml" }, 0, { "good.yaml: Ok\n", "more.yaml: Ok\n" }, NULL },
	{ { "rules", "validate", "more.yaml" }, 1,
	  { "more.yaml: Invalid\n", "more.yaml:1:3: error LOAD_ERR_VALIDATE: Rule uses 'append'", "in rule 'shell'" }, NULL },
	{ { "rules", "validate", "warn.yaml" }, 0,
	  { "warn.yaml: Ok, with warnings\n", "warn.yaml:1:3: warning LOAD_UNUSED_LIST: List not referred", "in list 'unused'" }, NULL },
	{ { "rules", "validate", "syntax.yaml" }, 1,
	  { "syntax.yaml:3:14: error LOAD_ERR_COMPILE_CONDITION: ", "rule condition, condition expression", "^\n" }, NULL },
	{ { "rules", "validate", "yaml.yaml" }, 1,
	  { "yaml.yaml:1:10: error LOAD_ERR_YAML_PARSE: yaml-cpp: error at line 1, column 10: illegal map value" }, NULL },
	{ { "rules", "validate", "field.yaml" }, 1, { "nonexistent field proc.nobody" }, NULL },
	{ { "rules", "validate", "/nowhere/a.yaml" }, 1, { "LOAD_ERR_FILE_READ: cannot open: No such file" }, NULL },
	/* What is behind a bad file is judged on top of the good ones. */
	{ { "rules", "validate", "good.yaml", "syntax.yaml", "more.yaml" }, 1, { "syntax.yaml: Invalid", "more.yaml: Ok\n" }, NULL },
	{ { "rules", "list", "evil.yaml" }, 0, { "evil\\x0a\\x1b[31m" }, "\x1b" },
	{ { "rules", "show", "back\\slash", "-r", "backslash.yaml" }, 0, { "back\\\\slash" }, NULL },
	{ { "rules", "validate", "backslash-key.yaml" }, 1, { "\n    - rule: 'back\\slash'\n      ^\n" }, NULL },
	{ { "rules", "validate", "evil-key.yaml" }, 0, { "Unknown key 'k\\u{202e}y'" }, "\xe2\x80\xae" },
	{ { "rules", "list", "good.yaml" }, 0, { "RULE", "shell", "Warning", "t1,t2", "good.yaml:5" }, NULL },
	{ { "rules", "list", "syntax.yaml" }, 1, { NULL }, "bad" },
	{ { "rules", "show", "shell", "-r", "good.yaml", "-r", "more.yaml" }, 0,
	  { "(evt.type = execve and proc.name in (sh, bash) and proc.tty != 0)", "is_shell", "shells" }, NULL },
	{ { "rules", "show", "shell", "-r", "good.yaml" }, 0, { "(evt.type = execve and proc.name in (sh, bash))", "t1, t2" }, "tty" },
	{ { "rules", "show", "shel", "-r", "good.yaml" }, 1, { NULL }, NULL },
};

static void test_rule_files_are_judged(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		struct cli_result result = run_in(f, sayings[i].args);
		bool right = result.code == sayings[i].code;

		for (size_t k = 0; k < ARRAY_SIZE(sayings[i].out) && sayings[i].out[k]; k++)
			right = right && strstr(result.out, sayings[i].out[k]);
		if (!right || (sayings[i].not_out && strstr(result.out, sayings[i].not_out)))
			fail_msg("row %zu: exit code %d, out \"%s\", err \"%s\"", i, result.code, result.out, result.err);
		cli_result_release(&result);
	}
}

static void test_what_is_wrong_is_on_standard_error(void **state)
{
	static const struct {
		const char *args[6], *says;
		int code;
	} rows[] = {
		{ { "rules", "show", "shel", "-r", "good.yaml" }, "did you mean \"shell\"?", 1 },
		{ { "rules", "show", "nothing", "-r", "good.yaml" }, "see holdfast rules list", 1 },
		{ { "rules", "list", "syntax.yaml" }, "syntax.yaml:3:14: LOAD_ERR_COMPILE_CONDITION", 1 },
		{ { "rules", "list", "plugin.yaml" }, "must load one of: k8saudit (>= 0.7.0)", 1 },
		{ { "rules", "validate", "plugin.yaml" }, "must load one of: k8saudit (>= 0.7.0)", 1 },
		{ { "rules", "validate" }, "expected FILE", 2 },
		{ { "rules", "show" }, "expected RULE", 2 },
		{ { "rules" }, "needs another word", 2 },
		{ { "rules", "lisst" }, "did you mean \"holdfast rules list\"?", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cli_result result = run_in(*state, rows[i].args);

		if (result.code != rows[i].code || !strstr(result.err, rows[i].says))
			fail_msg("row %zu: exit code %d, out \"%s\", err \"%s\"", i, result.code, result.out, result.err);
		cli_result_release(&result);
	}
}

static struct json_object *run_json(const struct fixture *f, const char *const *args, int code)
{
	struct cli_result result = run_in(f, args);
	struct json_object *json = json_tokener_parse(result.out);

	assert_int_equal(result.code, code);
	assert_non_null(json);
	cli_result_release(&result);
	return json;
}

static void test_rules_that_never_match_are_noted(void **state)
{
	struct cli_result result = run_in(*state, (const char *const[]){ "rules", "validate", "dead.txt", NULL });

	assert_int_equal(result.code, 0);
	assert_non_null(strstr(result.out, "dead.txt: Ok\n"));
	assert_string_equal(result.err, "holdfast: note: rule 'dead' can never match here: nothing fills the field fd.sip.name\n"
					"holdfast: note: rule 'mute' can never match here: no event of its types is told\n");
	cli_result_release(&result);
}

static void test_validate_json_has_falcos_form(void **state)
{
	struct json_object *json = run_json(*state, (const char *const[]){ "rules", "validate", "-o", "json", "syntax.yaml", NULL }, 1);
	struct json_object *result = json_object_array_get_idx(cli_json_get(json, "falco_load_results"), 0);
	struct json_object *error = json_object_array_get_idx(cli_json_get(result, "errors"), 0);
	struct json_object *context = cli_json_get(error, "context"), *places = cli_json_get(context, "locations"), *rule;

	assert_false(cli_json_true(result, "successful"));
	assert_true(cli_json_true(result, "schema_valid"));
	assert_int_equal(json_object_array_length(cli_json_get(result, "warnings")), 0);
	assert_int_equal(json_object_array_length(cli_json_get(result, "schema_warnings")), 0);
	assert_string_equal(cli_json_text(error, "code"), "LOAD_ERR_COMPILE_CONDITION");
	assert_string_equal(cli_json_text(error, "codedesc"), "Error compiling condition");
	assert_true(cli_json_text(error, "message")[0] != '\0');
	assert_non_null(strchr(cli_json_text(context, "snippet"), '^'));
	assert_int_equal(json_object_array_length(places), 4);
	rule = json_object_array_get_idx(places, 1);
	assert_string_equal(cli_json_text(rule, "item_type"), "rule");
	assert_string_equal(cli_json_text(rule, "item_name"), "bad");
	assert_int_equal(cli_json_number(cli_json_get(rule, "position"), "line"), 0);
	assert_int_equal(cli_json_number(cli_json_get(rule, "position"), "column"), 2);
	assert_int_equal(cli_json_number(cli_json_get(rule, "position"), "offset"), 2);
	json_object_put(json);
}

static void test_show_json_says_what_a_rule_is_made_of(void **state)
{
	struct json_object *json = run_json(*state, (const char *const[]){ "rules", "show", "shell", "-r", "good.yaml", "-o", "json", NULL }, 0);
	struct json_object *details = cli_json_get(json, "details"), *info = cli_json_get(json, "info");

	assert_string_equal(cli_json_text(info, "name"), "shell");
	assert_int_equal(json_object_array_length(cli_json_get(info, "tags")), 2);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(cli_json_get(details, "events"), 0)), "execve");
	assert_int_equal(json_object_array_length(cli_json_get(details, "events")), 1);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(cli_json_get(details, "lists"), 0)), "shells");
	assert_int_equal(json_object_array_length(cli_json_get(details, "condition_fields")), 2);
	json_object_put(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_files_are_judged),
		cmocka_unit_test(test_what_is_wrong_is_on_standard_error),
		cmocka_unit_test(test_rules_that_never_match_are_noted),
		cmocka_unit_test(test_validate_json_has_falcos_form),
		cmocka_unit_test(test_show_json_says_what_a_rule_is_made_of),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
