// SPDX-License-Identifier: Apache-2.0
/*
 * The tables of fields, event types and arguments: what is found, what is not, and that they are in order.
 */
#include "policies/rules/field.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/rules/event_types.h"
#include "policies/rules/field_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_event_types_are_sorted_and_found(void **state)
{
	unsigned n = rule_event_type_count();

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		const char *name = rule_event_type_name(i);

		assert_int_equal(rule_event_type_find(name, strlen(name)), i);
		if (i > 0)
			assert_true(strcmp(rule_event_type_name(i - 1), name) < 0);
	}
	assert_null(rule_event_type_name(n));
	assert_int_equal(rule_event_type_find("ope", 3), -ENOENT);
	assert_int_equal(rule_event_type_find("openx", 5), -ENOENT);
	assert_int_equal(rule_event_type_find("", 0), -ENOENT);
	assert_true(rule_event_type_find("openat2xx", 7) >= 0);
}

static void test_fields_are_unique_and_consistent(void **state)
{
	size_t n;
	const struct rule_field *fields = rule_fields(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const struct rule_field *field = &fields[i];
		bool number = field->type == RULE_TYPE_SIGNED || field->type == RULE_TYPE_UNSIGNED || field->type == RULE_TYPE_PORT ||
			      field->type == RULE_TYPE_TIME || field->type == RULE_TYPE_DURATION;

		assert_ptr_equal(rule_field_find(field->name, strlen(field->name), &len), field);
		assert_int_equal(len, strlen(field->name));
		assert_int_equal(number, field->bits > 0);
		assert_non_null(rule_type_name(field->type));
		if (field->flags & RULE_FIELD_ANCESTORS)
			assert_true(field->argument == RULE_ARGUMENT_INDEX || field->argument == RULE_ARGUMENT_INDEX_OR_KEY);
		if (field->flags & RULE_FIELD_BOTH_ENDS)
			assert_true(field->flags & RULE_FIELD_FILTER_ONLY);
	}
}

static const struct {
	const char *text, *name; /* name NULL: no field */
} found[] = {
	{ "proc.name", "proc.name" },	    { "proc.aname[2]", "proc.aname" }, { "evt.arg.flags", "evt.arg" },
	{ "evt.arg[0]", "evt.arg" },	    { "evt.args", "evt.args" },	       { "evt.rawarg.res", "evt.rawarg" },
	{ "evt.type.is.open", "evt.type.is" }, { "fd.sip.name", "fd.sip.name" }, { "thread.cgroup.cpu", "thread.cgroup" },
	{ "proc.names", NULL },		    { "proc", NULL },		       { "proc.", NULL },
	{ "evt.arg.nosuch", NULL },	    { "evt.arg.flagsx", NULL },	       { "proc.name[1]", NULL },
	{ "proc.aname[", NULL },	    { "proc.aname[]", NULL },	       { "", NULL },
	{ "proc.name.flags", NULL },	    { "drift.reason", "drift.reason" }, { "k8s.pod.label[app]", "k8s.pod.label" },
};

static void test_found_by_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(found); i++) {
		const struct rule_field *field = rule_field_find(found[i].text, strlen(found[i].text), NULL);

		if (!field != !found[i].name || (field && strcmp(field->name, found[i].name) != 0))
			fail_msg("%s: %s", found[i].text, field ? field->name : "none");
	}
}

static void test_prefix_is_the_longest(void **state)
{
	const struct rule_field *field = rule_field_prefix(NULL, 0, "fd.sip.names", 12);

	(void)state;
	assert_string_equal(field->name, "fd.sip.name");
	assert_int_equal(rule_field_dotted(rule_field_prefix(NULL, 0, "evt.arg", 7), ".flagsend", 9, false), 6);
	assert_int_equal(rule_field_dotted(rule_field_prefix(NULL, 0, "evt.arg", 7), ".flagsend", 9, true), 0);
	assert_int_equal(rule_field_dotted(rule_field_prefix(NULL, 0, "evt.arg", 7), ".fd_in", 6, false), 6);
	assert_true(rule_event_argument_known("newpath", 7));
	assert_false(rule_event_argument_known("newpat", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_types_are_sorted_and_found),
		cmocka_unit_test(test_fields_are_unique_and_consistent),
		cmocka_unit_test(test_found_by_text),
		cmocka_unit_test(test_prefix_is_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
