// SPDX-License-Identifier: Apache-2.0
/*
 * The rules that are shipped: they load without a word to say, alone and beside Falco's (with HOLDFAST_SHARED set), each says
 * what it leaves out, and each behaviour has one. What they fire on is tests/rules'.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/rules/parse.h"
#include "policies/rules/rule_set.h"

#define SHIPPED "policies/rules/holdfast_rules.yaml"
#define PREFIX "hf_" /* of all lists and macros, so that no other file's are changed */
#define EVENT_TYPES_MAX 16 /* of one rule: each is a switch in the kernel */

static void print_problems(const struct rule_problem *problem)
{
	char snippet[RULE_SNIPPET_BYTES];

	for (; problem; problem = problem->next)
		print_error("%s\n%s", problem->message, rule_place_snippet(problem->place, snippet));
}

static void load_file(struct rule_loader *loader, const char *path)
{
	const struct rule_report *report = NULL;
	int err = rule_loader_add_file(loader, path, &report);

	if (report) {
		print_problems(report->errors);
		print_problems(report->warnings);
		assert_int_equal(report->n_errors, 0);
		assert_int_equal(report->n_warnings, 0);
		assert_int_equal(report->schema, RULE_SCHEMA_OK);
	}
	assert_int_equal(err, 0);
}

static struct rule_set *load(const char *const *paths, size_t n)
{
	struct rule_options options = RULE_OPTIONS_DEFAULT;
	struct rule_loader *loader = NULL;
	struct rule_set *set = NULL;

	assert_int_equal(rule_loader_new(&options, &loader), 0);
	for (size_t i = 0; i < n; i++)
		load_file(loader, paths[i]);
	assert_int_equal(rule_loader_take_set(loader, &set), 0);
	rule_loader_free(&loader);
	return set;
}

static struct rule_set *load_shipped(void)
{
	return load((const char *[]){ SHIPPED }, 1);
}

static const struct {
	const char *rule;
	enum rule_priority priority;
	const char *tag;
} behaviours[] = {
	{ "Standard stream tied to a network connection", RULE_PRIORITY_ERROR, "T1059.004" },
	{ "Process asked to be traced", RULE_PRIORITY_NOTICE, "T1622" },
	{ "Code written into a process by ptrace", RULE_PRIORITY_ERROR, "T1055.008" },
	{ "Written memory made executable", RULE_PRIORITY_WARNING, "T1027.002" },
	{ "Program run from memory", RULE_PRIORITY_ERROR, "T1620" },
	{ "Cgroup told to notify on release", RULE_PRIORITY_ERROR, "T1611" },
	{ "Cgroup release agent set", RULE_PRIORITY_ERROR, "T1611" },
	{ "Library injected by the environment", RULE_PRIORITY_WARNING, "T1574.006" },
	{ "Preload file of the loader changed", RULE_PRIORITY_WARNING, "T1574.006" },
	{ "Service account token read", RULE_PRIORITY_INFORMATIONAL, "T1212" },
	{ "Address space randomisation looked up", RULE_PRIORITY_INFORMATIONAL, "T1068" },
	{ "Core pattern changed", RULE_PRIORITY_ERROR, "T1611" },
	{ "Default loader changed", RULE_PRIORITY_ERROR, "T1574" },
	{ "Connection to the Kubernetes API", RULE_PRIORITY_NOTICE, "T1526" },
	{ "Disk mounted in container", RULE_PRIORITY_ERROR, "T1611" },
	{ "Hidden executable created", RULE_PRIORITY_WARNING, "T1564.001" },
	{ "Web server started a shell", RULE_PRIORITY_WARNING, "T1190" },
	{ "Kernel module loaded", RULE_PRIORITY_WARNING, "T1547.006" },
	{ "Kubernetes certificates taken", RULE_PRIORITY_ERROR, "T1528" },
	{ "Container runtime socket used in container", RULE_PRIORITY_WARNING, "T1068" },
	{ "Kernel memory read through kcore", RULE_PRIORITY_WARNING, "T1611" },
	{ "Executable dropped in container", RULE_PRIORITY_WARNING, "T1036" },
	{ "Process memory read through proc", RULE_PRIORITY_ERROR, "T1003.007" },
	{ "Process memory opened for writing through proc", RULE_PRIORITY_ERROR, "T1055.009" },
	{ "Memory of another process written", RULE_PRIORITY_ERROR, "T1055" },
	{ "Start script changed", RULE_PRIORITY_WARNING, "T1037.004" },
	{ "Scheduled task changed", RULE_PRIORITY_WARNING, "T1053.003" },
	{ "Sudoers changed", RULE_PRIORITY_WARNING, "T1548.003" },
	{ "Scheduler debug file read", RULE_PRIORITY_NOTICE, "T1613" },
	{ "System request keys used", RULE_PRIORITY_ERROR, "T1611" },
	{ "Drift prevented", RULE_PRIORITY_CRITICAL, "drift" },
	{ "Drifted program run", RULE_PRIORITY_WARNING, "drift" },
	{ "Drifted library or script used", RULE_PRIORITY_NOTICE, "drift" },
	{ "Code or kernel tampered with under audit", RULE_PRIORITY_WARNING, "drift" },
};

static bool has_tag(const struct rule *rule, const char *tag, size_t len)
{
	for (size_t i = 0; i < rule->n_tags; i++)
		if (strncmp(rule->tags[i], tag, len) == 0)
			return true;
	return false;
}

static void test_behaviours_have_a_rule(void **state)
{
	struct rule_set *set = load_shipped();

	(void)state;
	for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
		const struct rule *rule = rule_set_find(set, behaviours[i].rule);

		if (!rule)
			print_error("no rule %s\n", behaviours[i].rule);
		assert_non_null(rule);
		assert_true(rule->enabled);
		assert_int_equal(rule->priority, behaviours[i].priority);
		assert_true(has_tag(rule, behaviours[i].tag, strlen(behaviours[i].tag) + 1));
	}
	rule_set_free(&set);
}

/* A table of two sides that may not differ: a rule that is added here is also to be tried live. */
static void test_rules_are_all_in_the_table(void **state)
{
	struct rule_set *set = load_shipped();

	(void)state;
	assert_int_equal(set->n_rules, sizeof(behaviours) / sizeof(behaviours[0]));
	rule_set_free(&set);
}

static void test_rules_say_what_they_leave_out(void **state)
{
	struct rule_set *set = load_shipped();

	(void)state;
	for (size_t i = 0; i < set->n_rules; i++) {
		const struct rule *rule = &set->rules[i];

		if (!strstr(rule->description, "Silent for") && !strstr(rule->description, "Silent on") &&
		    !strstr(rule->description, "Nothing is left out"))
			fail_msg("%s does not say what it is silent for", rule->name);
		assert_true(has_tag(rule, "mitre_", strlen("mitre_")));
		assert_true(has_tag(rule, "holdfast", strlen("holdfast") + 1));
	}
	rule_set_free(&set);
}

static void test_rules_name_their_event_types(void **state)
{
	struct rule_set *set = load_shipped();

	(void)state;
	for (size_t i = 0; i < set->n_rules; i++) {
		unsigned int n = rule_event_set_count(rule_filter_event_types(set->rules[i].filter));

		if (n == 0 || n > EVENT_TYPES_MAX)
			fail_msg("%s can match %u event types", set->rules[i].name, n);
	}
	rule_set_free(&set);
}

static void test_names_are_ours(void **state)
{
	struct rule_set *set = load_shipped();

	(void)state;
	for (size_t i = 0; i < set->n_macros; i++)
		assert_memory_equal(set->macros[i].name, PREFIX, strlen(PREFIX));
	for (size_t i = 0; i < set->n_lists; i++)
		assert_memory_equal(set->lists[i].name, PREFIX, strlen(PREFIX));
	rule_set_free(&set);
}

/* Neither file changes the other's rules, in whatever order they are given. */
static void test_falcos_rules_stay_as_they_are(void **state)
{
	const char *shared = getenv("HOLDFAST_SHARED");
	struct rule_set *alone, *both;
	char path[4096];

	(void)state;
	if (!shared) {
		print_message("skip: HOLDFAST_SHARED is not set, which holds falco/falco_rules.yaml\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/falco/falco_rules.yaml", shared);
	alone = load((const char *[]){ path }, 1);
	both = load((const char *[]){ SHIPPED, path, SHIPPED }, 3);
	for (size_t i = 0; i < alone->n_rules; i++) {
		const struct rule *rule = rule_set_find(both, alone->rules[i].name);

		assert_non_null(rule);
		assert_string_equal(rule_condition_print(rule->tree, both->arena, NULL),
				    rule_condition_print(alone->rules[i].tree, alone->arena, NULL));
		assert_string_equal(rule->file, path);
	}
	assert_int_equal(both->n_rules, alone->n_rules + sizeof(behaviours) / sizeof(behaviours[0]));
	rule_set_free(&alone);
	rule_set_free(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behaviours_have_a_rule),
		cmocka_unit_test(test_rules_are_all_in_the_table),
		cmocka_unit_test(test_rules_say_what_they_leave_out),
		cmocka_unit_test(test_rules_name_their_event_types),
		cmocka_unit_test(test_names_are_ours),
		cmocka_unit_test(test_falcos_rules_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
