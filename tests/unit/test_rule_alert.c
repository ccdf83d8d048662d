// SPDX-License-Identifier: Apache-2.0
/* Alerts as lines: keys and their order, the time among the fields, lines that stay one line, cuts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policies/rules/alert.h"

#define TIME_NS 1470327477881781397ull

static const char *const tags[] = { "a", "b" };

static struct rule_alert make(const char *message, const char *fields)
{
	return (struct rule_alert){ .time_ns = TIME_NS, .rule = "Some \"rule\"", .priority = 4, .source = "syscall", .tags = tags,
				    .n_tags = 2, .hostname = "h", .message = message, .fields = fields };
}

static void test_keys_are_falcos_in_its_order(void **state)
{
	struct rule_alert alert = make("m \\\"q\\\"", "{\"evt.res\":\"x\",\"proc.name\":\"cat\"}");
	struct rule_alert_options options = { .iso_8601 = true };
	char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	(void)state;
	assert_int_equal(rule_alert_line(&alert, &options, line, sizeof(line), &n), 0);
	assert_string_equal(line, "{\"hostname\":\"h\",\"output\":\"2016-08-04T16:17:57.881781397+0000: Warning m \\\\\\\"q\\\\\\\"\","
				  "\"output_fields\":{\"evt.res\":\"x\",\"evt.time.iso8601\":1470327477881781397,\"proc.name\":\"cat\"},"
				  "\"priority\":\"Warning\",\"rule\":\"Some \\\"rule\\\"\",\"source\":\"syscall\",\"tags\":[\"a\",\"b\"],"
				  "\"time\":\"2016-08-04T16:17:57.881781397Z\"}");
	assert_int_equal(n, strlen(line));
}

static void test_time_stands_by_the_alphabet(void **state)
{
	static const struct {
		const char *fields, *wanted;
	} rows[] = {
		{ NULL, "\"output_fields\":{\"evt.time\":1470327477881781397}," },
		{ "{}", "\"output_fields\":{\"evt.time\":1470327477881781397}," },
		{ "{\"a\":1}", "{\"a\":1,\"evt.time\":1470327477881781397}," },
		{ "{\"evt.type\":\"x,}\\\"{\"}", "{\"evt.time\":1470327477881781397,\"evt.type\":\"x,}\\\"{\"}," },
		{ "{\"evt.time\":\"12:00\",\"z\":[1,2]}", "{\"evt.time\":1470327477881781397,\"z\":[1,2]}," },
		{ "{\"evt.num\":1,\"evt.time\":\"12:00\"}", "{\"evt.num\":1,\"evt.time\":1470327477881781397}," },
		{ "{\"evt.time.s\":\"12:00\"}", "{\"evt.time\":1470327477881781397,\"evt.time.s\":\"12:00\"}," },
	};
	char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule_alert alert = make("m", rows[i].fields);

		assert_int_equal(rule_alert_line(&alert, &(struct rule_alert_options){ 0 }, line, sizeof(line), &n), 0);
		if (!strstr(line, rows[i].wanted))
			fail_msg("row %zu: %s", i, line);
	}
}

static void test_own_alerts_have_no_tags(void **state)
{
	struct rule_alert alert = make("m", NULL);
	char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	(void)state;
	alert.source = "internal";
	assert_int_equal(rule_alert_line(&alert, &(struct rule_alert_options){ 0 }, line, sizeof(line), &n), 0);
	assert_null(strstr(line, "tags"));
}

static void test_text_is_one_line_with_its_priority(void **state)
{
	struct rule_alert alert = make("a \"b\"\nc\033", NULL);
	char line[256];
	size_t n;

	(void)state;
	assert_int_equal(rule_alert_line(&alert, &(struct rule_alert_options){ .text = true, .iso_8601 = true }, line, sizeof(line), &n), 0);
	assert_string_equal(line, "2016-08-04T16:17:57.881781397+0000: Warning a \\\"b\\\"\\nc\\u001b");
}

static void test_too_long_is_cut_or_told(void **state)
{
	static char message[RULE_ALERT_BYTES_MAX], fields[RULE_ALERT_BYTES_MAX];
	struct rule_alert alert = make(message, fields);
	char line[RULE_ALERT_BYTES_MAX];
	size_t n;

	(void)state;
	memset(message, '\001', sizeof(message) - 1); /* six bytes each in JSON */
	memset(fields, 'x', sizeof(fields) - 1);
	memcpy(fields, "{\"a\":\"", 6);
	memcpy(fields + sizeof(fields) - 3, "\"}", 2);
	assert_int_equal(rule_alert_line(&alert, &(struct rule_alert_options){ 0 }, line, sizeof(line), &n), 0);
	assert_non_null(strstr(line, "\\u0001"));
	assert_int_equal(line[n - 1], '}');
	memset(message, 'm', sizeof(message) - 1);
	assert_int_equal(rule_alert_line(&alert, &(struct rule_alert_options){ 0 }, line, sizeof(line), &n), 0);
	assert_non_null(strstr(line, "\"holdfast.cut\":true"));
	assert_int_equal(line[n - 1], '}');
	assert_int_equal(rule_alert_line(&alert, &(struct rule_alert_options){ 0 }, line, 16, &n), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_falcos_in_its_order), cmocka_unit_test(test_time_stands_by_the_alphabet),
		cmocka_unit_test(test_own_alerts_have_no_tags),	     cmocka_unit_test(test_text_is_one_line_with_its_priority),
		cmocka_unit_test(test_too_long_is_cut_or_told),
	};

	return cmocka_run_group_tests_name("rule_alert", tests, NULL, NULL);
}
