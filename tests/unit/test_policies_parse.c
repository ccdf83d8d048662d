// SPDX-License-Identifier: Apache-2.0
/*
 * The language, document by document: what is accepted, and what is refused with which place and which words.
 */
#include "policies/policies.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define API "apiVersion: holdfast.dev/v1alpha1\n"
#define CLUSTER API "kind: ClusterDriftPolicy\nmetadata: {name: a}\n"
#define SPEC CLUSTER "spec:\n  mode: audit\n"
#define LOCAL API "kind: DriftPolicy\nmetadata: {name: a, namespace: b}\nspec:\n  mode: audit\n"
#define EXCEPTION SPEC "  exceptions: [{name: a, paths: [/a], "
#define ENTRY "  x.yaml: "
#define MAP "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, uid: 1}\ndata:\n"

struct refusal {
	const char *text;
	int line, column;
	const char *message; /* a part of it */
};

static int parse(const char *text, size_t len, struct policy_set **ret, struct policy_error *err)
{
	return policy_set_parse("t.yaml", text, len, ret, err);
}

static void expect_refusal(const struct refusal *c, size_t len)
{
	struct policy_set *set = (struct policy_set *)(uintptr_t)1;
	struct policy_error err = { .line = -1 };
	int r = parse(c->text, len, &set, &err);

	if (r != -EINVAL || err.line != c->line || err.column != c->column || !strstr(err.message, c->message))
		fail_msg("%s\ngave %d %s:%d:%d: %s\nwanted %d:%d: %s", c->text, r, err.file, err.line, err.column,
			 err.message, c->line, c->column, c->message);
	assert_string_equal(err.file, "t.yaml");
	assert_ptr_equal(set, (void *)(uintptr_t)1);
	assert_int_equal(parse(c->text, len, &set, NULL), -EINVAL);
}

static void expect_refusals(const struct refusal *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_refusal(&cases[i], strlen(cases[i].text));
}

static void test_bytes_refused(void **state)
{
	static const struct refusal nul = { "a: \0b", 1, 4, "NUL byte" };
	static const struct refusal cases[] = {
		{ "\xef\xbb\xbf" SPEC, 1, 1, "byte order mark; save it as UTF-8 without one" },
		{ "a: b\n\xff\n", 2, 1, "not UTF-8" },
		{ "a: \xc0\xaf\n", 1, 4, "not UTF-8" }, /* overlong */
		{ "a: \xed\xa0\x80\n", 1, 4, "not UTF-8" }, /* surrogate */
		{ "a: \xf4\x90\x80\x80\n", 1, 4, "not UTF-8" }, /* above U+10FFFF */
		{ "a: \xe2\x82", 1, 4, "not UTF-8" }, /* cut */
		{ "\xc3\xa9: \x07\n", 1, 4, "control character" },
		{ "a: \xc2\x9b\n", 1, 4, "control character" },
		{ "a: \x7f\n", 1, 4, "control character" },
		{ "a: b\rc: d\n", 1, 5, "carriage return stands alone" },
		{ "a:\n\tb: c\n", 2, 1, "a tab cannot indent; use spaces" },
		{ "a:\n  \tb: c\n", 2, 3, "a tab cannot indent; use spaces" },
	};

	(void)state;
	expect_refusals(cases, COUNT(cases));
	expect_refusal(&nul, 5);
}

static void test_yaml_outside_the_subset_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "a: &x b\nc: *x\n", 1, 4, "anchors are not allowed" },
		{ "a:\n  - &x [b]\n", 2, 5, "anchors are not allowed" },
		{ "&x a: b\n", 1, 1, "anchors are not allowed" },
		{ "a: *x\n", 1, 4, "aliases are not allowed" },
		{ "a: {<<: *x}\n", 1, 9, "aliases are not allowed" },
		{ "a: !foo b\n", 1, 4, "tags are not allowed" },
		{ "a: !!str b\n", 1, 4, "tags are not allowed" },
		{ "? [a]\n: b\n", 1, 3, "a key must be a plain word" },
		{ "{a: b}: c\n", 1, 1, "a key must be a plain word" },
		{ "a: b\n'a': c\n", 2, 1, "key \"a\" is given twice, first on line 1" },
		{ "a: {b: 1, c: 2, b: 3}\n", 1, 17, "key \"b\" is given twice" },
		{ "a: [b\n", 2, 1, "this is not YAML: flow sequence without a closing bracket" },
		{ "a: 'b\n", 1, 5, "this is not YAML: single-quoted scalar without closing quote" },
		{ "\xc3\xa9: b: c\n", 1, 5, "this is not YAML: invalid nested block mapping" },
		{ "a: \"\\0\"\n", 1, 4, "an escape stands for a control character" },
		{ "a: \"\\x85\"\n", 1, 4, "an escape stands for a control character" },
		{ "a: \"\\ud800\"\n", 1, 5, "this is not YAML" },
	};

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static void test_documents_of_another_kind_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "~\n", 1, 1, "a document must be a mapping, but it is empty" },
		{ "a\n", 1, 1, "a document must be a mapping, but it is text" },
		{ "[]\n", 1, 1, "a document must be a mapping, but it is a list" },
		{ "---\n12\n", 2, 1, "a document must be a mapping, but it is a number" },
		{ API "metadata: {name: a}\n", 1, 1, "kind is missing; write kind: DriftPolicy" },
		{ API "kind: Pod\n", 2, 7, "\"Pod\" is no value of kind; it takes DriftPolicy" },
		{ API "kind: ClusterDriftPolcy\n", 2, 7, "did you mean \"ClusterDriftPolicy\"?" },
		{ API "kind: [DriftPolicy]\n", 2, 7, "but it is a list" },
		{ "kind: DriftPolicy\n", 1, 1, "apiVersion is missing; write apiVersion: holdfast.dev/v1alpha1" },
		{ "apiVersion: v1\nkind: DriftPolicy\n", 1, 13, "must be holdfast.dev/v1alpha1" },
		{ "apiVersion: [v1]\nkind: DriftPolicy\n", 1, 13, "must be holdfast.dev/v1alpha1" },
		{ API "kind: List\nitems: []\n", 1, 13, "apiVersion of a List must be v1" },
		{ API "kind: ConfigMap\ndata: {}\n", 1, 13, "apiVersion of a ConfigMap must be v1" },
		{ SPEC "---\n" SPEC "foo: 1\n", 12, 1, "unknown key \"foo\" in the policy" },
		{ API "kind: ClusterDriftPolicy\nmetdata: {name: a}\n", 3, 1, "did you mean \"metadata\"?" },
	};

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static void test_metadata_refused(void **state)
{
#define KIND API "kind: ClusterDriftPolicy\n"
	static const struct refusal cases[] = {
		{ KIND "spec: {mode: off}\n", 1, 1, "metadata is missing; add it with a name" },
		{ KIND "metadata:\nspec: {mode: off}\n", 3, 1, "metadata must be a mapping, but it is empty" },
		{ KIND "metadata: {}\n", 3, 11, "metadata.name is missing" },
		{ KIND "metadata: {nmae: a}\n", 3, 12, "unknown key \"nmae\" in metadata; did you mean \"name\"?" },
		{ KIND "metadata: {name: A}\n", 3, 18, "metadata.name: use a-z" },
		{ KIND "metadata: {name: -a}\n", 3, 18, "metadata.name: use a-z" },
		{ KIND "metadata: {name: \"a\\nb\"}\n", 3, 18, "metadata.name: use a-z" },
		{ KIND "metadata: {name: ''}\n", 3, 18, "metadata.name: it cannot be empty" },
		{ KIND "metadata: {name: 12}\n", 3, 18, "must be text, but it is a number; write it in quotes" },
		{ KIND "metadata: {name: 0x1f}\n", 3, 18, "it is a number" },
		{ KIND "metadata: {name: 1.5e3}\n", 3, 18, "it is a number" },
		{ KIND "metadata: {name: true}\n", 3, 18, "it is true or false; write it in quotes" },
		{ KIND "metadata: {name: null}\n", 3, 18, "it is empty" },
		{ KIND "metadata: {name: {a: b}}\n", 3, 18, "must be text, but it is a mapping" },
		{ KIND "metadata: {name: a, namespace: b}\n", 3, 21, "a ClusterDriftPolicy has no namespace" },
		{ KIND "metadata: {name: a, labels: [b]}\n", 3, 29, "metadata.labels must be a mapping" },
		{ KIND "metadata: {name: a, annotations: {b: 1}}\n", 3, 38, "it is a number" },
		{ API "kind: DriftPolicy\nmetadata: {name: a}\n", 3, 11, "metadata.namespace is missing" },
		{ API "kind: DriftPolicy\nmetadata: {name: a, namespace: b.c}\n", 3, 32, "use a-z, 0-9 and \"-\"" },
	};
#undef KIND

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static void test_rules_refused(void **state)
{
	static const struct refusal cases[] = {
		{ CLUSTER, 1, 1, "spec is missing; add it with a mode" },
		{ CLUSTER "spec:\n", 4, 1, "spec must be a mapping, but it is empty" },
		{ CLUSTER "spec: [mode]\n", 4, 7, "spec must be a mapping, but it is a list" },
		{ CLUSTER "spec: {}\n", 4, 7, "spec.mode is missing; write off, audit or enforce" },
		{ CLUSTER "spec: {mode: enforcing}\n", 4, 14, "\"enforcing\" is no value of spec.mode; did you mean "
							      "\"enforce\"? It takes off, audit, enforce" },
		{ CLUSTER "spec: {mode: Audit}\n", 4, 14, "did you mean \"audit\"?" },
		{ CLUSTER "spec: {mode: aduit}\n", 4, 14, "did you mean \"audit\"?" },
		{ CLUSTER "spec: {mode: false}\n", 4, 14, "did you mean \"off\"?" },
		{ CLUSTER "spec: {mode: 'xyzzy'}\n", 4, 14, "\"xyzzy\" is no value of spec.mode; it takes off" },
		{ CLUSTER "spec: {mode: }\n", 4, 8, "spec.mode must be one of off, audit, enforce, but it is empty" },
		{ CLUSTER "spec: {mode: [audit]}\n", 4, 14, "but it is a list" },
		{ SPEC "  mdoe: off\n", 6, 3, "unknown key \"mdoe\" in spec; did you mean \"mode\"?" },
		{ SPEC "  foo: off\n", 6, 3, "unknown key \"foo\" in spec; it takes mode, selector, executables" },
		{ SPEC "  mode: off\n", 6, 3, "key \"mode\" is given twice, first on line 5" },
		{ SPEC "  libraries: audit\n", 6, 14, "spec.libraries must be a mapping, but it is text" },
		{ SPEC "  libraries: {mode: deny}\n", 6, 21, "\"deny\" is no value of spec.libraries.mode" },
		{ SPEC "  scripts: {modifiedMetadata: deny}\n", 6, 13, "unknown key \"modifiedMetadata\"" },
		{ SPEC "  executables: {modifiedMetadata: enforce}\n", 6, 35, "it takes allow, audit, deny" },
		{ SPEC "  memory: {memfd: deny}\n", 6, 12, "did you mean \"memfdExec\"?" },
		{ SPEC "  memory: {memfdMap: block}\n", 6, 22, "\"block\" is no value of spec.memory.memfdMap" },
		{ SPEC "  onViolation: {action: audit}\n", 6, 25, "it takes deny, kill" },
		{ SPEC "  onViolation: {severity: fatal}\n", 6, 27, "it takes info, notice, warning, error, critical" },
		{ SPEC "  failurePolicy: {notReady: kill}\n", 6, 29, "it takes allow, audit, deny" },
		{ SPEC "  failurePolicy: {daemonUnavailable: open}\n", 6, 38, "it takes keep" },
		{ SPEC "  volumes: {writeable: deny}\n", 6, 13, "did you mean \"writable\"?" },
		{ SPEC "  volumes: {allow: /a}\n", 6, 20, "spec.volumes.allow must be a list" },
		{ SPEC "  volumes: {allow: [/a]}\n", 6, 21, "an entry of spec.volumes.allow must be a mapping" },
		{ SPEC "  volumes: {allow: [{readOnly: true}]}\n", 6, 21, "path is missing" },
		{ SPEC "  volumes: {allow: [{path: a}]}\n", 6, 28, "a path starts with a slash" },
		{ SPEC "  volumes: {allow: [{path: /a/*}]}\n", 6, 28, "this is a path, not a pattern" },
		{ SPEC "  volumes: {allow: [{path: /a/}]}\n", 6, 28, "a path does not end in a slash" },
		{ SPEC "  volumes: {allow: [{path: /a/../b}]}\n", 6, 28, "\".\" and \"..\" match nothing" },
		{ SPEC "  volumes: {allow: [{path: /a, readOnly: 'true'}]}\n", 6, 42, "true or false, but it is text" },
		{ SPEC "  volumes: {allow: [{path: /a}, {path: /a}]}\n", 6, 40, "\"/a\" is listed twice" },
	};

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static void test_selectors_refused(void **state)
{
#define SELECT SPEC "  selector: {"
	static const struct refusal cases[] = {
		{ SPEC "  selector: []\n", 6, 13, "spec.selector must be a mapping" },
		{ SELECT "labels: {a: b}}\n", 6, 14, "unknown key \"labels\" in spec.selector" },
		{ SELECT "images: a}\n", 6, 22, "spec.selector.images must be a list, but it is text" },
		{ SELECT "images: []}\n", 6, 22, "is an empty list; add an entry or remove the key" },
		{ SELECT "images: ['[a']}\n", 6, 23, "this class has no end" },
		{ SELECT "images: ['a\\']}\n", 6, 23, "a backslash at the end quotes nothing" },
		{ SELECT "containers: ['']}\n", 6, 27, "a pattern cannot be empty" },
		{ SELECT "containers: [1]}\n", 6, 27, "must be text, but it is a number" },
		{ SELECT "namespaces: ['[z-a]']}\n", 6, 27, "runs backwards" },
		{ SELECT "matchLabels: [a]}\n", 6, 27, "must be a mapping" },
		{ SELECT "matchLabels: {a: 1}}\n", 6, 31, "it is a number; write it in quotes" },
		{ SELECT "matchLabels: {a: a b}}\n", 6, 31, "a label is letters" },
		{ SELECT "matchLabels: {-a: b}}\n", 6, 28, "a label is letters" },
		{ SELECT "matchLabels: {/a: b}}\n", 6, 28, "a label key has a name" },
		{ SELECT "matchExpressions: {}}\n", 6, 32, "must be a list" },
		{ SELECT "matchExpressions: [{operator: Exists}]}\n", 6, 33, "key is missing" },
		{ SELECT "matchExpressions: [{key: a}]}\n", 6, 33, "operator is missing" },
		{ SELECT "matchExpressions: [{key: a, operator: in}]}\n", 6, 52, "did you mean \"In\"?" },
		{ SELECT "matchExpressions: [{key: a, operator: In}]}\n", 6, 33, "In needs values" },
		{ SELECT "matchExpressions: [{key: a, operator: In, values: []}]}\n", 6, 64, "empty list" },
		{ SELECT "matchExpressions: [{key: a, operator: Exists, values: [b]}]}\n", 6, 60, "takes no values" },
		{ LOCAL "  selector: {namespaces: [b]}\n", 6, 14, "holds in its own namespace only; remove namespaces" },
		{ LOCAL "  selector: {excludeNamespaces: [b]}\n", 6, 14, "remove excludeNamespaces" },
	};
#undef SELECT

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static void test_exceptions_refused(void **state)
{
	static const struct refusal cases[] = {
		{ SPEC "  exceptions: {a: b}\n", 6, 15, "spec.exceptions must be a list" },
		{ SPEC "  exceptions: [a]\n", 6, 16, "an exception must be a mapping" },
		{ SPEC "  exceptions: [{paths: [/a]}]\n", 6, 16, "name of an exception is missing" },
		{ SPEC "  exceptions: [{name: a}]\n", 6, 16, "paths is missing; list the files" },
		{ SPEC "  exceptions: [{name: a b, paths: [/a]}]\n", 6, 23, "use letters, digits" },
		{ SPEC "  exceptions: [{name: a, paths: []}]\n", 6, 33, "paths is an empty list" },
		{ SPEC "  exceptions: [{name: a, paths: [tmp/x]}]\n", 6, 34, "a path starts with a slash" },
		{ SPEC "  exceptions: [{name: a, paths: [/a//b]}]\n", 6, 34, "two slashes in a row" },
		{ SPEC "  exceptions: [{name: a, paths: [/a/./b]}]\n", 6, 34, "\".\" and \"..\"" },
		{ SPEC "  exceptions: [{name: a, paths: [/a, '/[']}]\n", 6, 38, "this class has no end" },
		{ SPEC "  exceptions: [{name: a, path: [/a]}]\n", 6, 26, "did you mean \"paths\"?" },
		{ EXCEPTION "fromProcess: java}]\n", 6, 52, "fromProcess must be a list" },
		{ EXCEPTION "fromProcess: [java]}]\n", 6, 53, "a path starts with a slash" },
		{ EXCEPTION "reason: 1}]\n", 6, 47, "reason must be text" },
		{ EXCEPTION "expires: 2027}]\n", 6, 48, "expires must be text, but it is a number" },
		{ EXCEPTION "expires: tomorrow}]\n", 6, 48, "write a day like 2027-01-31" },
		{ EXCEPTION "expires: 2027-1-31}]\n", 6, 48, "write a day like 2027-01-31" },
		{ EXCEPTION "expires: 2027-02-29}]\n", 6, 48, "there is no such day" },
		{ EXCEPTION "expires: 2100-02-29}]\n", 6, 48, "there is no such day" },
		{ EXCEPTION "expires: 1027-02-01}]\n", 6, 48, "there is no such day" },
		{ EXCEPTION "expires: 2027-13-01}]\n", 6, 48, "there is no such day" },
		{ EXCEPTION "expires: 2027-01-31T24:00:00Z}]\n", 6, 48, "there is no such time of day" },
		{ EXCEPTION "expires: 2027-01-31T10:00:00}]\n", 6, 48, "the time has no zone" },
		{ EXCEPTION "expires: '2027-01-31T10:00:00+25:00'}]\n", 6, 48, "no such offset" },
		{ EXCEPTION "expires: 2027-01-31T10:00:00Zx}]\n", 6, 48, "write a day" },
		{ EXCEPTION "expires: 2027-01-31x}]\n", 6, 48, "write a day" },
		{ EXCEPTION "expires: '2027-01-31T10:00:00.Z'}]\n", 6, 48, "write a day" },
		{ SPEC "  exceptions: [{name: a, paths: [/a]}, {name: a, paths: [/b]}]\n", 6, 47,
		  "two exceptions are named \"a\"" },
	};

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static void test_wrapped_policies_refused_at_outer_place(void **state)
{
	static const struct refusal cases[] = {
		{ "apiVersion: v1\nkind: List\n", 1, 1, "items is missing" },
		{ "apiVersion: v1\nkind: List\nitems: {}\n", 3, 8, "items must be a list" },
		{ "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n", 4, 3,
		  "a List cannot hold a List" },
		{ "apiVersion: v1\nkind: List\nitems:\n- " API, 4, 3, "kind is missing" },
		{ MAP ENTRY "|\n    " API "    kind: Pod\n", 7, 11, "\"Pod\" is no value of kind" },
		{ MAP ENTRY "|2\n    a: b\n  x: c\n", 6, 5, "kind is missing" },
		{ MAP ENTRY "|\n\n    # c\n\n    a: b\n    a: c\n", 10, 5, "key \"a\" is given twice, first on line 9" },
		{ MAP ENTRY "|\n    a: [b\n", 7, 5, "this is not YAML" },
		{ MAP ENTRY "|\n    \xc3\xa9: &x b\n", 6, 8, "anchors are not allowed" },
		{ MAP ENTRY "\"a: b\\nkind: Pod\\n\"\n", 5, 11, "\"Pod\" is no value of kind" },
		{ MAP ENTRY "|\n    a:\n    \tb: c\n", 7, 5, "a tab cannot indent" },
		{ MAP ENTRY "|\n    apiVersion: v1\n    kind: ConfigMap\n    data: {}\n", 6, 5,
		  "a ConfigMap cannot hold a ConfigMap" },
		{ MAP "  x: [a]\n", 5, 6, "a value of data must be text" },
		{ "apiVersion: v1\nkind: ConfigMap\nbinaryData: {a: b}\n", 3, 1, "binaryData is not read" },
		{ "apiVersion: v1\nkind: ConfigMap\ndta: {}\n", 3, 1, "did you mean \"data\"?" },
	};

	(void)state;
	expect_refusals(cases, COUNT(cases));
}

static const struct acceptance {
	const char *text;
	const char *listing; /* "kind namespace/name mode line;" of each */
} acceptances[] = {
	{ "", "" },
	{ "# only a comment\n", "" },
	{ "---\n---\n...\n", "" },
	{ SPEC, "ClusterDriftPolicy -/a audit 1;" },
	{ "\n# c\n---\n" SPEC "---\n" LOCAL, "ClusterDriftPolicy -/a audit 4;DriftPolicy b/a audit 10;" },
	{ CLUSTER "spec: {mode: off}\n", "ClusterDriftPolicy -/a off 1;" },
	{ CLUSTER "spec: {mode: \"off\"}", "ClusterDriftPolicy -/a off 1;" },
	{ "apiVersion: holdfast.dev/v1alpha1\r\nkind: ClusterDriftPolicy\r\nmetadata:\r\n  name: a\r\nspec:\r\n  mode: "
	  "enforce\r\n",
	  "ClusterDriftPolicy -/a enforce 1;" },
	{ "{\"apiVersion\": \"holdfast.dev/v1alpha1\", \"kind\": \"ClusterDriftPolicy\",\n"
	  " \"metadata\": {\"name\": \"a\"}, \"spec\": {\"mode\": \"audit\"}}\n",
	  "ClusterDriftPolicy -/a audit 1;" },
	{ API "kind: ClusterDriftPolicy\nmetadata:\n  name: a.b-1\n  uid: 1\n  generation: 2\n  managedFields: [{a: {b: 1}}]\n"
	      "  labels: {x: y}\n  annotations: {x: 'a: b'}\nspec:\n  mode: audit\nstatus: {x: 1}\n",
	  "ClusterDriftPolicy -/a.b-1 audit 1;" },
	{ "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- apiVersion: holdfast.dev/v1alpha1\n"
	  "  kind: ClusterDriftPolicy\n  metadata: {name: a}\n  spec: {mode: audit}\n",
	  "ClusterDriftPolicy -/a audit 5;" },
	{ API "kind: DriftPolicyList\nitems: []\n", "" },
	{ "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "" },
	{ MAP ENTRY "|\n    apiVersion: holdfast.dev/v1alpha1\n    kind: ClusterDriftPolicy\n    metadata:\n"
		    "      name: a\n    spec:\n      mode: audit\n"
		    "  y.yaml: '{apiVersion: holdfast.dev/v1alpha1, kind: ClusterDriftPolicy, metadata: {name: b}, spec: "
		    "{mode: off}}'\n",
	  "ClusterDriftPolicy -/a audit 6;ClusterDriftPolicy -/b off 12;" },
	{ MAP ENTRY "|\n\n\n    # c\n    ---\n    apiVersion: holdfast.dev/v1alpha1\n    kind: ClusterDriftPolicy\n"
		    "    metadata: {name: a}\n    spec: {mode: audit}\n",
	  "ClusterDriftPolicy -/a audit 10;" },
	{ SPEC "  selector:\n    matchLabels: {app.kubernetes.io/name: web, tier: \"1\", empty: ''}\n"
	       "    matchExpressions:\n    - {key: a, operator: In, values: [b, c]}\n"
	       "    - {key: a, operator: NotIn, values: [d]}\n    - {key: e, operator: Exists}\n"
	       "    - {key: f, operator: DoesNotExist, values: []}\n"
	       "    images: ['*', 'r/w:[0-9]*']\n    containers: [\"?\"]\n    namespaces: [a-*]\n"
	       "    excludeNamespaces: [a-b]\n",
	  "ClusterDriftPolicy -/a audit 1;" },
	{ SPEC "  selector: {}\n  executables: {}\n  exceptions: []\n  volumes: {allow: []}\n",
	  "ClusterDriftPolicy -/a audit 1;" },
	{ EXCEPTION "fromProcess: [/usr/bin/java, '/opt/**'], expires: 2028-02-29, reason: 'a: \xc3\xa9'}]\n",
	  "ClusterDriftPolicy -/a audit 1;" },
};

static void list_policies(const struct policy_set *set, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < policy_set_count(set) && used < size; i++) {
		const struct policy_info *p = policy_set_get(set, i);

		used += (size_t)snprintf(buffer + used, size - used, "%s %s/%s %s %d;", policy_kind_name(p->kind),
					 p->namespace_ ? p->namespace_ : "-", p->name, policy_mode_name(p->mode),
					 p->line);
		assert_string_equal(p->file, "t.yaml");
	}
}

static void test_documents_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(acceptances); i++) {
		struct policy_set *set = NULL;
		struct policy_error err = { .line = -1 };
		char listing[256];

		if (parse(acceptances[i].text, strlen(acceptances[i].text), &set, &err) != 0)
			fail_msg("%s\ngave %d:%d: %s", acceptances[i].text, err.line, err.column, err.message);
		list_policies(set, listing, sizeof(listing));
		assert_string_equal(listing, acceptances[i].listing);
		assert_int_equal(err.line, -1);
		assert_null(policy_set_get(set, policy_set_count(set)));
		policy_set_free(&set);
		assert_null(set);
	}
}

static void test_message_of_hostile_text_printable(void **state)
{
	static const char text[] = SPEC "  \"a\\nb\\u009b\\u202e" /* line feed, CSI, right-to-left */
					"\": 1\n";
	struct policy_set *set = NULL;
	struct policy_error err;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &set, &err), -EINVAL);
	for (const char *s = err.message; *s; s++)
		assert_true((unsigned char)*s >= ' ');
}

static void test_duplicate_policies_refused_with_both_places(void **state)
{
	static const char text[] = SPEC "---\n" LOCAL "---\n" SPEC;
	struct policy_set *set = NULL;
	struct policy_error err;

	(void)state;
	assert_int_equal(parse(text, strlen(text), &set, &err), -EEXIST);
	assert_int_equal(err.line, 13);
	assert_int_equal(err.column, 1);
	assert_non_null(strstr(err.message, "ClusterDriftPolicy \"a\" is already defined at t.yaml:1"));
	assert_null(set);
}

static void test_generation_changes_with_the_text(void **state)
{
	struct policy_set *a = NULL, *b = NULL, *c = NULL;

	(void)state;
	assert_int_equal(parse(SPEC, strlen(SPEC), &a, NULL), 0);
	assert_int_equal(parse(SPEC, strlen(SPEC), &b, NULL), 0);
	assert_int_equal(parse(SPEC "\n", strlen(SPEC "\n"), &c, NULL), 0);
	assert_int_equal(strlen(policy_set_generation(a)), 16);
	assert_string_equal(policy_set_generation(a), policy_set_generation(b));
	assert_string_not_equal(policy_set_generation(a), policy_set_generation(c));
	policy_set_free(&a);
	policy_set_free(&b);
	policy_set_free(&c);
	policy_set_free(&c);
	policy_set_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_refused),
		cmocka_unit_test(test_yaml_outside_the_subset_refused),
		cmocka_unit_test(test_documents_of_another_kind_refused),
		cmocka_unit_test(test_metadata_refused),
		cmocka_unit_test(test_rules_refused),
		cmocka_unit_test(test_selectors_refused),
		cmocka_unit_test(test_exceptions_refused),
		cmocka_unit_test(test_wrapped_policies_refused_at_outer_place),
		cmocka_unit_test(test_documents_accepted),
		cmocka_unit_test(test_message_of_hostile_text_printable),
		cmocka_unit_test(test_duplicate_policies_refused_with_both_places),
		cmocka_unit_test(test_generation_changes_with_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
