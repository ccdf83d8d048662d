// SPDX-License-Identifier: Apache-2.0
/*
 * Pod annotations: they make rules stricter, never looser, and leave a note either way.
 */
#include "policies/policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define POLICY(spec) \
	"apiVersion: holdfast.dev/v1alpha1\nkind: ClusterDriftPolicy\nmetadata: {name: a}\nspec: {" spec "}\n"
#define PAIRS_MAX 64

static struct policy_effective *resolve(const char *text, const struct policy_pair *annotations, size_t n)
{
	const struct policy_facts facts = { .namespace_ = "prod", .annotations = annotations, .n_annotations = n };
	struct policy_effective *effective = NULL;
	struct policy_set *set = NULL;

	assert_int_equal(policy_set_parse("t.yaml", text, strlen(text), &set, NULL), 0);
	assert_int_equal(policy_set_resolve(set, &facts, &effective), 0);
	policy_set_free(&set);
	return effective;
}

static const struct tighten_case {
	const char *text, *key, *value;
	const char *field, *now; /* the field that is looked at and what it must be */
	const char *tightened, *ignored; /* a part of the note; NULL: there is none */
} cases[] = {
	{ POLICY("mode: audit"), "holdfast.dev/mode", "enforce", "mode", "enforce", "mode raised from audit to enforce",
	  NULL },
	{ POLICY("mode: audit"), "holdfast.dev/mode", "enforce", "libraries.mode", "enforce", "raised", NULL },
	{ POLICY("mode: audit"), "holdfast.dev/mode", "enforce", "scripts.mode", "audit", "raised", NULL },
	{ POLICY("mode: audit, libraries: {mode: audit}"), "holdfast.dev/mode", "enforce", "libraries.mode", "audit",
	  "raised", NULL },
	{ POLICY("mode: off"), "holdfast.dev/mode", "audit", "scripts.mode", "audit", "raised from off to audit", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/mode", "audit", "mode", "enforce", NULL,
	  "would loosen mode from enforce to audit" },
	{ POLICY("mode: enforce"), "holdfast.dev/mode", "off", "mode", "enforce", NULL, "would loosen" },
	{ POLICY("mode: audit"), "holdfast.dev/mode", "audit", "mode", "audit", NULL, NULL },
	{ POLICY("mode: audit"), "holdfast.dev/mode", "enforcing", "mode", "audit", NULL,
	  "no value of mode; it takes off, audit, enforce" },
	{ POLICY("mode: audit"), "holdfast.dev/mode", "", "mode", "audit", NULL, "no value of mode" },
	{ POLICY("mode: audit"), "holdfast.dev/mode", NULL, "mode", "audit", NULL, "no value of mode" },
	{ "", "holdfast.dev/mode", "enforce", "mode", "enforce", "raised from audit to enforce", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/scripts", "enforce", "scripts.mode", "enforce",
	  "scripts.mode raised from audit to enforce", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/scripts", "off", "scripts.mode", "audit", NULL, "would loosen" },
	{ POLICY("mode: enforce, libraries: {mode: audit}"), "holdfast.dev/libraries", "enforce", "libraries.mode",
	  "enforce", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/libraries", "audit", "libraries.mode", "enforce", NULL, "would loosen" },
	{ POLICY("mode: enforce, executables: {mode: off}"), "holdfast.dev/executables", "audit", "executables.mode",
	  "audit", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/modified-metadata", "deny", "executables.modifiedMetadata", "deny",
	  "raised from allow to deny", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/anonymous-exec", "audit", "memory.anonymousExec", "audit", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/modified-code", "allow", "memory.modifiedCode", "deny", NULL,
	  "would loosen memory.modifiedCode from deny to allow" },
	{ POLICY("mode: enforce"), "holdfast.dev/memfd-exec", "allow", "memory.memfdExec", "deny", NULL, "would loosen" },
	{ POLICY("mode: enforce"), "holdfast.dev/memfd-map", "deny", "memory.memfdMap", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/ptrace", "deny", "memory.ptrace", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/process-memory", "allow", "memory.processMemory", "deny", NULL, "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/read-implies-exec", "audit", "memory.readImpliesExec", "deny", NULL,
	  "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/script-files", "all", "scripts.files", "all", "raised", NULL },
	{ POLICY("mode: enforce, scripts: {files: all}"), "holdfast.dev/script-files", "likely", "scripts.files", "all", NULL,
	  "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/bytecode", "audit", "scripts.bytecode", "audit", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/copies", "allow", "executables.copies", "deny", NULL, "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/unsettled", "allow", "executables.unsettled", "deny", NULL, "would" },
	{ POLICY("mode: enforce, host: {kernel: allow}"), "holdfast.dev/kernel", "deny", "host.kernel", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/image-store", "allow", "host.imageStore", "deny", NULL, "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/host-exec", "deny", "host.exec", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/kernel-helpers", "audit", "host.kernelHelpers", "deny", NULL, "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/volumes-read-only", "deny", "volumes.readOnly", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/volumes-writable", "allow", "volumes.writable", "deny", NULL, "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/volumes-init", "deny", "volumes.init", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/action", "kill", "onViolation.action", "kill", "raised", NULL },
	{ POLICY("mode: enforce, onViolation: {action: kill}"), "holdfast.dev/action", "deny", "onViolation.action",
	  "kill", NULL, "would loosen" },
	{ POLICY("mode: enforce"), "holdfast.dev/not-ready", "deny", "failurePolicy.notReady", "deny", "raised", NULL },
	{ POLICY("mode: enforce"), "holdfast.dev/not-ready", "allow", "failurePolicy.notReady", "audit", NULL, "would" },
	{ POLICY("mode: enforce"), "holdfast.dev/severity", "info", "onViolation.severity", "warning", NULL, "not known" },
	{ POLICY("mode: enforce"), "holdfast.dev/scrpts", "enforce", "scripts.mode", "audit", NULL,
	  "not known; did you mean holdfast.dev/scripts?" },
	{ POLICY("mode: enforce"), "holdfast.dev/", "enforce", "scripts.mode", "audit", NULL, "not known" },
	{ POLICY("mode: audit"), "example.com/mode", "enforce", "mode", "audit", NULL, NULL },
	{ POLICY("mode: audit"), "mode", "enforce", "mode", "audit", NULL, NULL },
	{ POLICY("mode: audit"), NULL, "enforce", "mode", "audit", NULL, NULL },
};

struct wanted {
	const char *name, *value;
};

static int find_field(const char *name, const char *value, void *arg)
{
	const struct wanted *wanted = arg;

	if (strcmp(name, wanted->name) != 0)
		return 0;
	if (strcmp(value, wanted->value) != 0)
		fail_msg("%s is %s, not %s", name, value, wanted->value);
	return 1;
}

static void expect_note(const struct policy_note *notes, size_t n, const struct tighten_case *c, const char *text)
{
	assert_int_equal(n, text ? 1 : 0);
	if (!text)
		return;
	assert_string_equal(notes[0].annotation, c->key);
	assert_string_equal(notes[0].value, c->value ? c->value : "");
	if (!strstr(notes[0].text, text))
		fail_msg("%s: %s, wanted %s", c->key, notes[0].text, text);
}

static void test_annotations_tighten_and_never_loosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct policy_pair pair = { cases[i].key, cases[i].value };
		struct policy_effective *effective = resolve(cases[i].text, &pair, 1);
		struct wanted wanted = { cases[i].field, cases[i].now };

		assert_int_equal(policy_effective_each(effective, find_field, &wanted), 1);
		expect_note(effective->tightened, effective->n_tightened, &cases[i], cases[i].tightened);
		expect_note(effective->ignored_annotations, effective->n_ignored_annotations, &cases[i],
			    cases[i].ignored);
		policy_effective_free(&effective);
	}
}

/* Every word of every rule as policy, every word as annotation: the result is never below the policy. */
static void test_no_pair_of_words_loosens(void **state)
{
	static const char *const keys[] = { "mode", "executables", "libraries", "scripts" };
	static const char *const words[] = { "off", "audit", "enforce" };

	(void)state;
	for (size_t i = 0; i < COUNT(keys) * COUNT(words) * COUNT(words) * COUNT(words); i++) {
		const char *key = keys[i % COUNT(keys)], *mode = words[i / 4 % 3];
		const char *section = words[i / 12 % 3], *wish = words[i / 36 % 3];
		struct policy_effective *before, *after;
		char text[512], name[64];
		const struct policy_pair pair = { name, wish };

		snprintf(name, sizeof(name), "holdfast.dev/%s", key);
		snprintf(text, sizeof(text), POLICY("mode: %s, libraries: {mode: %s}"), mode, section);
		before = resolve(text, NULL, 0);
		after = resolve(text, &pair, 1);
		assert_true(after->mode >= before->mode);
		assert_true(after->executables_mode >= before->executables_mode);
		assert_true(after->libraries_mode >= before->libraries_mode);
		assert_true(after->scripts_mode >= before->scripts_mode);
		assert_int_equal(before->n_tightened + before->n_ignored_annotations, 0);
		policy_effective_free(&before);
		policy_effective_free(&after);
	}
}

static void test_repeated_annotation_only_goes_up(void **state)
{
	static const struct policy_pair up_down[] = { { "holdfast.dev/mode", "enforce" }, { "holdfast.dev/mode", "off" } };
	static const struct policy_pair down_up[] = { { "holdfast.dev/mode", "off" }, { "holdfast.dev/mode", "enforce" } };
	struct policy_effective *effective = resolve(POLICY("mode: audit"), up_down, 2);

	(void)state;
	assert_int_equal(effective->mode, POLICY_MODE_ENFORCE);
	assert_int_equal(effective->n_ignored_annotations, 1);
	policy_effective_free(&effective);
	effective = resolve(POLICY("mode: audit"), down_up, 2);
	assert_int_equal(effective->mode, POLICY_MODE_ENFORCE);
	policy_effective_free(&effective);
}

static void test_notes_bounded_and_printable(void **state)
{
	struct policy_pair pairs[PAIRS_MAX];
	struct policy_effective *effective;
	char value[4096];

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	memcpy(value, "\x1b[2J\n\xff\xc2\x9b", 8);
	for (size_t i = 0; i < PAIRS_MAX; i++)
		pairs[i] = (struct policy_pair){ "holdfast.dev/x\ny", value };
	pairs[PAIRS_MAX - 1] = (struct policy_pair){ "holdfast.dev/mode", "enforce" };
	effective = resolve(POLICY("mode: audit"), pairs, PAIRS_MAX);
	/* The flood of nonsense hides nothing that counts. */
	assert_int_equal(effective->mode, POLICY_MODE_ENFORCE);
	assert_int_equal(effective->n_tightened, 1);
	assert_true(effective->n_ignored_annotations > 0 && effective->n_ignored_annotations < PAIRS_MAX);
	for (const char *s = effective->ignored_annotations[0].value; *s; s++)
		assert_true((unsigned char)*s >= ' ' && (unsigned char)*s < 0x7f);
	assert_true(strlen(effective->ignored_annotations[0].value) < 512);
	assert_string_equal(effective->ignored_annotations[0].annotation, "holdfast.dev/x?y");
	policy_effective_free(&effective);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_annotations_tighten_and_never_loosen),
		cmocka_unit_test(test_no_pair_of_words_loosens),
		cmocka_unit_test(test_repeated_annotation_only_goes_up),
		cmocka_unit_test(test_notes_bounded_and_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
