// SPDX-License-Identifier: Apache-2.0
/*
 * Which policy decides for a container, what it says with all defaults, and what pod annotations can change.
 */
#include "policies/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define API "apiVersion: holdfast.dev/v1alpha1\n"
#define LOCAL(name, namespace, spec) \
	"---\n" API "kind: DriftPolicy\nmetadata: {name: " name ", namespace: " namespace "}\nspec: {" spec "}\n"
#define CLUSTER(name, spec) "---\n" API "kind: ClusterDriftPolicy\nmetadata: {name: " name "}\nspec: {" spec "}\n"

static const struct policy_pair web_labels[] = { { "tier", "web" }, { "app", "shop" }, { "empty", NULL } };

static const struct policy_facts web = {
	.namespace_ = "prod",
	.pod = "web-1",
	.container = "nginx",
	.image = "registry.example/web:1.2",
	.labels = web_labels,
	.n_labels = COUNT(web_labels),
};
static const struct policy_facts nothing = { 0 };

static struct policy_effective *resolve(const char *text, const struct policy_facts *facts)
{
	struct policy_effective *effective = NULL;
	struct policy_set *set = NULL;
	struct policy_error err;

	if (policy_set_parse("t.yaml", text, strlen(text), &set, &err) != 0)
		fail_msg("%s\n%d:%d: %s", text, err.line, err.column, err.message);
	assert_int_equal(policy_set_resolve(set, facts, &effective), 0);
	/* The result owns all it points to: ASAN sees the first use that does not. */
	policy_set_free(&set);
	return effective;
}

static const struct precedence_case {
	const char *text;
	const struct policy_facts *facts;
	const char *winner;
} precedence[] = {
	{ "", &web, "builtin-audit" },
	{ "", &nothing, "builtin-audit" },
	{ LOCAL("a", "test", "mode: off"), &web, "builtin-audit" },
	{ LOCAL("a", "prod", "mode: off"), &web, "a" },
	{ LOCAL("a", "prod", "mode: off"), &nothing, "builtin-audit" },
	{ CLUSTER("a", "mode: off"), &nothing, "a" },
	{ CLUSTER("a", "mode: off") LOCAL("b", "prod", "mode: off"), &web, "b" },
	/* a DriftPolicy wins over any selector of a ClusterDriftPolicy */
	{ CLUSTER("a", "mode: off, selector: {matchLabels: {tier: web, app: shop}, images: ['registry.example/web:1.2']}")
		  LOCAL("b", "prod", "mode: off"),
	  &web, "b" },
	/* labels before images, more before fewer */
	{ LOCAL("a", "prod", "mode: off, selector: {images: ['registry.example/web:1.2']}")
		  LOCAL("b", "prod", "mode: off, selector: {matchLabels: {tier: web}}"),
	  &web, "b" },
	{ LOCAL("a", "prod", "mode: off, selector: {matchLabels: {tier: web}}")
		  LOCAL("b", "prod", "mode: off, selector: {matchLabels: {tier: web, app: shop}}"),
	  &web, "b" },
	{ LOCAL("a", "prod", "mode: off, selector: {matchLabels: {tier: web}}") LOCAL(
		  "b", "prod",
		  "mode: off, selector: {matchLabels: {tier: web}, matchExpressions: [{key: app, operator: Exists}]}"),
	  &web, "b" },
	{ LOCAL("a", "prod", "mode: off") LOCAL("b", "prod", "mode: off, selector: {matchLabels: {tier: db}}"), &web, "a" },
	/* images before containers; exact before glob; longer before shorter; "*" is no narrower than nothing */
	{ LOCAL("a", "prod", "mode: off, selector: {containers: [nginx]}")
		  LOCAL("b", "prod", "mode: off, selector: {images: ['r*']}"),
	  &web, "b" },
	{ LOCAL("a", "prod", "mode: off, selector: {images: ['registry.example/web:1.2*']}")
		  LOCAL("b", "prod", "mode: off, selector: {images: [registry.example/web]}"),
	  &web, "b" },
	{ LOCAL("a", "prod", "mode: off, selector: {images: ['registry.example/*']}")
		  LOCAL("b", "prod", "mode: off, selector: {images: ['x*', 'registry.example/w*', '*']}"),
	  &web, "b" },
	{ LOCAL("a", "prod", "mode: off") LOCAL("b", "prod", "mode: off, selector: {images: ['*']}"), &web, "a" },
	{ LOCAL("a", "prod", "mode: off") LOCAL("b", "prod", "mode: off, selector: {images: ['x*']}"), &web, "a" },
	/* containers, then namespaces, then excludes */
	{ CLUSTER("a", "mode: off, selector: {namespaces: [prod]}")
		  CLUSTER("b", "mode: off, selector: {containers: ['ng*']}"),
	  &web, "b" },
	{ CLUSTER("a", "mode: off, selector: {namespaces: ['pro*']}")
		  CLUSTER("b", "mode: off, selector: {namespaces: [prod, test]}"),
	  &web, "b" },
	{ CLUSTER("a", "mode: off, selector: {excludeNamespaces: [test]}")
		  CLUSTER("b", "mode: off, selector: {namespaces: ['p*']}"),
	  &web, "b" },
	{ CLUSTER("a", "mode: off") CLUSTER("b", "mode: off, selector: {excludeNamespaces: [test]}"), &web, "b" },
	{ CLUSTER("a", "mode: off") CLUSTER("b", "mode: off, selector: {excludeNamespaces: ['pro*']}"), &web, "a" },
	{ CLUSTER("a", "mode: off") CLUSTER("b", "mode: off, selector: {excludeNamespaces: [test]}"), &nothing, "b" },
	{ CLUSTER("a", "mode: off, selector: {namespaces: ['p*']}"), &nothing, "builtin-audit" },
	{ CLUSTER("a", "mode: off, selector: {namespaces: ['*']}"), &nothing, "a" },
	/* ties by name, whatever the order of the documents */
	{ CLUSTER("b", "mode: off") CLUSTER("a", "mode: off"), &web, "a" },
	{ CLUSTER("c", "mode: off") CLUSTER("b", "mode: off") CLUSTER("d", "mode: off"), &web, "b" },
};

static void test_most_specific_policy_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(precedence); i++) {
		struct policy_effective *effective = resolve(precedence[i].text, precedence[i].facts);

		if (strcmp(effective->name, precedence[i].winner) != 0)
			fail_msg("%s\ngave %s, wanted %s (%s)", precedence[i].text, effective->name,
				 precedence[i].winner, effective->why);
		policy_effective_free(&effective);
		assert_null(effective);
	}
}

static const struct label_case {
	const char *expression;
	bool match;
} labels[] = {
	{ "{key: tier, operator: In, values: [db, web]}", true },
	{ "{key: tier, operator: In, values: [db]}", false },
	{ "{key: none, operator: In, values: [db]}", false },
	{ "{key: tier, operator: NotIn, values: [db]}", true },
	{ "{key: tier, operator: NotIn, values: [db, web]}", false },
	{ "{key: none, operator: NotIn, values: [db]}", true },
	{ "{key: tier, operator: Exists}", true },
	{ "{key: empty, operator: Exists}", true },
	{ "{key: empty, operator: In, values: ['']}", true },
	{ "{key: none, operator: Exists}", false },
	{ "{key: none, operator: DoesNotExist}", true },
	{ "{key: tier, operator: DoesNotExist}", false },
	{ "{key: tier, operator: Exists}, {key: none, operator: Exists}", false },
};

static void test_label_expressions_select_as_in_kubernetes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(labels); i++) {
		struct policy_effective *effective;
		char text[512];

		snprintf(text, sizeof(text), LOCAL("a", "prod", "mode: off, selector: {matchExpressions: [%s]}"),
			 labels[i].expression);
		effective = resolve(text, &web);
		if ((effective->kind == POLICY_KIND_NAMESPACED) != labels[i].match)
			fail_msg("%s", labels[i].expression);
		policy_effective_free(&effective);
	}
}

static const struct why_case {
	const char *text;
	const struct policy_facts *facts;
	const char *why;
} whys[] = {
	{ "", &web, "no policy matches; the built-in one audits everything" },
	{ CLUSTER("a", "mode: off"), &web, "ClusterDriftPolicy a matches every container" },
	{ CLUSTER("a", "mode: off") CLUSTER("b", "mode: off"), &web,
	  "ClusterDriftPolicy a matches every container; as specific as, and by name before, ClusterDriftPolicy b" },
	{ CLUSTER("audit-everywhere", "mode: audit") LOCAL("prod-immutable", "prod",
							   "mode: off, selector: {matchLabels: {tier: web}}"),
	  &web,
	  "DriftPolicy prod/prod-immutable matches namespace prod, label tier=web; more specific than ClusterDriftPolicy "
	  "audit-everywhere" },
	{ CLUSTER("a", "mode: off, selector: {namespaces: ['pr*'], images: ['reg*'], containers: [nginx], "
		       "matchExpressions: [{key: x, operator: DoesNotExist}, {key: tier, operator: NotIn, values: [a, b]}, "
		       "{key: app, operator: Exists}]}"),
	  &web,
	  "ClusterDriftPolicy a matches namespace prod (pr*), label x is not set, label tier is none of 2 values, label app "
	  "is set, image reg*, container nginx" },
	{ CLUSTER("a", "mode: off, selector: {excludeNamespaces: [kube-system]}"), &web,
	  "ClusterDriftPolicy a matches namespace prod (not excluded)" },
	{ CLUSTER("a", "mode: off, selector: {namespaces: ['*']}"), &nothing,
	  "ClusterDriftPolicy a matches no namespace (*)" },
};

static void test_decision_explained_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(whys); i++) {
		struct policy_effective *effective = resolve(whys[i].text, whys[i].facts);

		assert_string_equal(effective->why, whys[i].why);
		policy_effective_free(&effective);
	}
}

static int collect(const char *name, const char *value, void *arg)
{
	char *text = arg;
	size_t used = strlen(text);

	snprintf(text + used, 2048 - used, "%s=%s\n", name, value);
	return 0;
}

#define FULL \
	LOCAL("full", "prod", \
	      "mode: enforce, selector: {matchLabels: {tier: web}}, executables: {mode: audit, modifiedMetadata: deny, copies: audit}, " \
	      "libraries: {mode: off}, scripts: {mode: enforce}, memory: {anonymousExec: deny, modifiedCode: audit, " \
	      "memfdExec: allow, memfdMap: deny, readImpliesExec: allow, ptrace: deny}, host: {kernel: audit, exec: allow}, volumes: {readOnly: deny, writable: allow, init: audit, allow: [{path: " \
	      "/plugins}, {path: /ro, readOnly: true}]}, exceptions: [{name: jna, paths: [/tmp/*.so, /x], fromProcess: " \
	      "[/usr/bin/java], expires: 2027-01-31, reason: J-1}, {name: any, paths: [/y]}], onViolation: {action: " \
	      "kill, severity: critical}, failurePolicy: {notReady: deny, daemonUnavailable: keep}")

static const char full_fields[] =
	"mode=enforce\nexecutables.mode=audit\nexecutables.modifiedMetadata=deny\nexecutables.unsettled=deny\nexecutables.copies=audit\nlibraries.mode=off\n"
	"scripts.mode=enforce\nscripts.files=likely\nscripts.bytecode=allow\nmemory.anonymousExec=deny\nmemory.modifiedCode=audit\nmemory.memfdExec=allow\n"
	"memory.memfdMap=deny\nmemory.readImpliesExec=allow\nmemory.processMemory=deny\nmemory.ptrace=deny\n"
	"host.kernel=audit\nhost.imageStore=deny\nhost.exec=allow\nhost.kernelHelpers=deny\nvolumes.readOnly=deny\nvolumes.writable=allow\nvolumes.init=audit\n"
	"volumes.allow[0].path=/plugins\nvolumes.allow[0].readOnly=false\nvolumes.allow[1].path=/ro\n"
	"volumes.allow[1].readOnly=true\nexceptions[jna].paths[0]=/tmp/*.so\nexceptions[jna].paths[1]=/x\n"
	"exceptions[jna].fromProcess[0]=/usr/bin/java\nexceptions[jna].expires=2027-02-01T00:00:00Z\n"
	"exceptions[jna].reason=J-1\nexceptions[any].paths[0]=/y\nexceptions[any].expires=never\n"
	"exceptions[any].reason=\nonViolation.action=kill\nonViolation.severity=critical\nfailurePolicy.notReady=deny\n"
	"failurePolicy.daemonUnavailable=keep\n";

#define DEFAULT_FIELDS(mode, scripts) \
	"mode=" mode "\nexecutables.mode=" mode "\nexecutables.modifiedMetadata=allow\nexecutables.unsettled=deny\nexecutables.copies=deny\nlibraries.mode=" mode \
	"\nscripts.mode=" scripts "\nscripts.files=likely\nscripts.bytecode=allow\nmemory.anonymousExec=allow\nmemory.modifiedCode=deny\nmemory.memfdExec=deny\n" \
	"memory.memfdMap=allow\nmemory.readImpliesExec=deny\nmemory.processMemory=deny\nmemory.ptrace=audit\n" \
	"host.kernel=deny\nhost.imageStore=deny\nhost.exec=audit\nhost.kernelHelpers=deny\nvolumes.readOnly=allow\nvolumes.writable=deny\nvolumes.init=allow\n" \
	"onViolation.action=deny\nonViolation.severity=warning\nfailurePolicy.notReady=audit\n" \
	"failurePolicy.daemonUnavailable=keep\n"

static void test_rules_complete_with_defaults(void **state)
{
	static const struct {
		const char *text, *fields;
	} cases[] = {
		{ FULL, full_fields },
		{ "", DEFAULT_FIELDS("audit", "audit") },
		{ CLUSTER("a", "mode: enforce"), DEFAULT_FIELDS("enforce", "audit") },
		{ CLUSTER("a", "mode: audit"), DEFAULT_FIELDS("audit", "audit") },
		{ CLUSTER("a", "mode: off"), DEFAULT_FIELDS("off", "off") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy_effective *effective = resolve(cases[i].text, &web);
		char text[2048] = "";

		assert_int_equal(policy_effective_each(effective, collect, text), 0);
		assert_string_equal(text, cases[i].fields);
		policy_effective_free(&effective);
	}
}

static void test_members_hold_what_the_fields_say(void **state)
{
	struct policy_effective *e = resolve(FULL, &web);

	(void)state;
	assert_int_equal(e->mode, POLICY_MODE_ENFORCE);
	assert_int_equal(e->executables_mode, POLICY_MODE_AUDIT);
	assert_int_equal(e->libraries_mode, POLICY_MODE_OFF);
	assert_int_equal(e->scripts_mode, POLICY_MODE_ENFORCE);
	assert_int_equal(e->modified_metadata, POLICY_ACTION_DENY);
	assert_int_equal(e->anonymous_exec, POLICY_ACTION_DENY);
	assert_int_equal(e->modified_code, POLICY_ACTION_AUDIT);
	assert_int_equal(e->memfd_exec, POLICY_ACTION_ALLOW);
	assert_int_equal(e->memfd_map, POLICY_ACTION_DENY);
	assert_int_equal(e->volume_read_only, POLICY_ACTION_DENY);
	assert_int_equal(e->volume_writable, POLICY_ACTION_ALLOW);
	assert_int_equal(e->volume_init, POLICY_ACTION_AUDIT);
	assert_int_equal(e->action, POLICY_VIOLATION_KILL);
	assert_int_equal(e->severity, POLICY_SEVERITY_CRITICAL);
	assert_int_equal(e->not_ready, POLICY_NOT_READY_DENY);
	assert_int_equal(e->n_exceptions, 2);
	assert_int_equal(e->exceptions[0].expires, 1801440000);
	assert_int_equal(e->exceptions[1].expires, 0);
	assert_int_equal(e->kind, POLICY_KIND_NAMESPACED);
	assert_string_equal(e->namespace_, "prod");
	assert_string_equal(e->file, "t.yaml");
	assert_int_equal(e->line, 2);
	policy_effective_free(&e);
	policy_effective_free(&e);
	policy_effective_free(NULL);
}

static int stop_at(const char *name, const char *value, void *arg)
{
	(void)value;
	return strcmp(name, arg) == 0 ? 7 : 0;
}

static void test_walk_ends_when_told(void **state)
{
	static char names[][48] = { "mode", "volumes.init", "volumes.allow[0].path", "volumes.allow[1].readOnly",
				    "exceptions[jna].paths[1]", "exceptions[jna].fromProcess[0]",
				    "exceptions[jna].expires", "exceptions[any].reason", "failurePolicy.notReady",
				    "failurePolicy.daemonUnavailable" };
	struct policy_effective *effective = resolve(FULL, &web);

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(policy_effective_each(effective, stop_at, names[i]), 7);
	policy_effective_free(&effective);
}

static void test_expiry_read_as_documented(void **state)
{
	static const struct {
		const char *text;
		time_t expires;
	} cases[] = {
		{ "2027-01-31", 1801440000 },
		{ "2027-12-31", 1830297600 },
		{ "2028-02-29", 1835481600 },
		{ "2027-01-31T00:00:00Z", 1801353600 },
		{ "'2027-01-31t18:00:00z'", 1801418400 },
		{ "2027-01-31T18:00:00+01:00", 1801414800 },
		{ "2027-01-31T18:00:00-01:30", 1801423800 },
		{ "2027-01-31 18:00:00.123Z", 1801418400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy_effective *effective;
		char text[512];

		snprintf(text, sizeof(text),
			 CLUSTER("a", "mode: off, exceptions: [{name: x, paths: [/x], expires: %s}]"), cases[i].text);
		effective = resolve(text, &web);
		assert_int_equal(effective->exceptions[0].expires, cases[i].expires);
		policy_effective_free(&effective);
	}
}

static void test_names_of_values_out_of_range_missing(void **state)
{
	(void)state;
	assert_string_equal(policy_kind_name(POLICY_KIND_NAMESPACED), "DriftPolicy");
	assert_string_equal(policy_mode_name(POLICY_MODE_OFF), "off");
	assert_string_equal(policy_action_name(POLICY_ACTION_DENY), "deny");
	assert_string_equal(policy_violation_name(POLICY_VIOLATION_KILL), "kill");
	assert_string_equal(policy_severity_name(POLICY_SEVERITY_CRITICAL), "critical");
	assert_string_equal(policy_not_ready_name(POLICY_NOT_READY_DENY), "deny");
	assert_null(policy_kind_name(_POLICY_KIND_MAX));
	assert_null(policy_mode_name(_POLICY_MODE_MAX));
	assert_null(policy_action_name(_POLICY_ACTION_MAX));
	assert_null(policy_violation_name(_POLICY_VIOLATION_MAX));
	assert_null(policy_severity_name(_POLICY_SEVERITY_MAX));
	assert_null(policy_not_ready_name(_POLICY_NOT_READY_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_specific_policy_decides),
		cmocka_unit_test(test_label_expressions_select_as_in_kubernetes),
		cmocka_unit_test(test_decision_explained_in_words),
		cmocka_unit_test(test_rules_complete_with_defaults),
		cmocka_unit_test(test_members_hold_what_the_fields_say),
		cmocka_unit_test(test_walk_ends_when_told),
		cmocka_unit_test(test_expiry_read_as_documented),
		cmocka_unit_test(test_names_of_values_out_of_range_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
