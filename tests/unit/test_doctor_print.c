// SPDX-License-Identifier: Apache-2.0
/* How the doctor's report is told: the table, JSON, the text for the daemon's log, the exit status. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/doctor.h"
#include "enforcer/util.h"

static const struct doctor_report ready = {
	.findings = { { "kernel", DOCTOR_OK, "Linux 6.1", "" }, { "oci-hook", DOCTOR_WARNING, "no hook", "make install" } },
	.n = 2,
};

static const struct doctor_report unsupported = {
	.findings = { { "kernel", DOCTOR_OK, "Linux 6.1", "" },
		      { "cgroup", DOCTOR_ERROR, "cannot look", "" },
		      { "lsm", DOCTOR_MISSING, "bpf is \"not\" there", "add lsm=bpf" },
		      { "proof", DOCTOR_MISSING, "refused", "" } },
	.n = 4,
};

static const struct doctor_report unknown = {
	.findings = { { "cgroup", DOCTOR_ERROR, "cannot look", "" } },
	.n = 1,
};

static void test_the_exit_status_is_the_worst_that_is_known(void **state)
{
	(void)state;
	assert_int_equal(doctor_exit_code(&ready), 0);
	assert_int_equal(doctor_exit_code(&unsupported), 1);
	assert_int_equal(doctor_exit_code(&unknown), 2);
}

static void test_all_that_is_missing_is_one_text(void **state)
{
	char text[256], little[16];

	(void)state;
	assert_int_equal(doctor_missing(&unsupported, text, sizeof(text)), 2);
	assert_string_equal(text, "bpf is \"not\" there (add lsm=bpf); refused");
	assert_int_equal(doctor_missing(&unsupported, little, sizeof(little)), 2);
	assert_string_equal(little, "bpf is \"not\" th");
	assert_int_equal(doctor_missing(&unsupported, NULL, 0), 2);
	assert_int_equal(doctor_missing(&ready, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

/* The printed report; free() it. */
static char *print(const struct doctor_report *report, bool json)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_int_equal(doctor_print(out, report, json), 0);
	fclose(out);
	return text;
}

static void test_the_table_has_a_line_and_a_remedy_for_each(void **state)
{
	char *text = print(&unsupported, false);

	(void)state;
	assert_string_equal(text, "ok       kernel      Linux 6.1\n"
				  "error    cgroup      cannot look\n"
				  "missing  lsm         bpf is \"not\" there\n"
				  "                     -> add lsm=bpf\n"
				  "missing  proof       refused\n"
				  "this host cannot be protected as it is: see what is missing above\n");
	free(text);
	text = print(&ready, false);
	assert_non_null(strstr(text, "warning  oci-hook    no hook\n                     -> make install\n"));
	assert_non_null(strstr(text, "this host can be protected\n"));
	free(text);
}

static void check_json(const struct doctor_report *report, const char *status)
{
	char *text = print(report, true);
	struct json_object *json = json_tokener_parse(text), *list, *item;

	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_string_equal(json_object_get_string(json_object_object_get(json, "status")), status);
	list = json_object_object_get(json, "checks");
	assert_int_equal(json_object_array_length(list), report->n);
	for (size_t i = 0; i < report->n; i++) {
		const struct doctor_finding *f = &report->findings[i];

		item = json_object_array_get_idx(list, i);
		assert_string_equal(json_object_get_string(json_object_object_get(item, "name")), f->name);
		assert_string_equal(json_object_get_string(json_object_object_get(item, "text")), f->text);
		assert_string_equal(json_object_get_string(json_object_object_get(item, "status")),
				    doctor_status_name(f->status));
		assert_int_equal(json_object_object_get(item, "remedy") != NULL, f->remedy[0] != '\0');
	}
	json_object_put(json);
	free(text);
}

static void test_json_holds_the_same(void **state)
{
	(void)state;
	check_json(&ready, "ready");
	check_json(&unsupported, "not supported");
	check_json(&unknown, "error");
}

static void test_printing_to_a_full_device_fails(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(doctor_print(full, &ready, true), -EIO);
	assert_int_equal(doctor_print(full, &ready, false), -EIO);
	fclose(full);
}

static void test_each_status_has_a_word(void **state)
{
	(void)state;
	assert_string_equal(doctor_status_name(DOCTOR_OK), "ok");
	assert_string_equal(doctor_status_name(DOCTOR_MISSING), "missing");
	assert_string_equal(doctor_status_name(_DOCTOR_STATUS_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_exit_status_is_the_worst_that_is_known),
		cmocka_unit_test(test_all_that_is_missing_is_one_text),
		cmocka_unit_test(test_the_table_has_a_line_and_a_remedy_for_each),
		cmocka_unit_test(test_json_holds_the_same),
		cmocka_unit_test(test_printing_to_a_full_device_fails),
		cmocka_unit_test(test_each_status_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
