// SPDX-License-Identifier: Apache-2.0
/*
 * Outputs: what is a field in them, what is printed, and that what does not fit is cut, not written behind the end.
 */
#include "policies/rules/format.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void put_text(const char *text, size_t n, struct rule_value *ret)
{
	*ret = (struct rule_value){ .kind = RULE_VALUE_TEXT, .n = (uint32_t)n, .text = text };
}

/* The event is what fd.name is, of which there are bytes to its NUL. */
static void extract(void *event, const struct rule_field_use *use, struct rule_value *ret)
{
	static struct rule_value items[2];

	if (strcmp(use->text, "proc.name") == 0) {
		put_text("cat", 3, ret);
	} else if (strcmp(use->text, "fd.name") == 0 && event) {
		put_text(event, strlen(event), ret);
	} else if (strcmp(use->text, "evt.buffer") == 0) {
		put_text("a\0\x1f\"", 4, ret);
	} else if (strcmp(use->text, "fd.num") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_SIGNED, .number = INT64_MIN };
	} else if (strcmp(use->text, "evt.num") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_UNSIGNED, .count = UINT64_MAX };
	} else if (strcmp(use->text, "evt.deltatime.ns") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_UNSIGNED, .count = 12 };
	} else if (strcmp(use->text, "fd.dev") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_SIGNED, .number = 0xfd01 };
	} else if (strcmp(use->text, "fd.sip") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_ADDRESS, .n = 16, .address = { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
	} else if (strcmp(use->text, "evt.failed") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_BOOL };
	} else if (strcmp(use->text, "fd.types") == 0 || strcmp(use->text, "proc.aname") == 0) {
		put_text("x", 1, &items[0]);
		put_text("y", 1, &items[1]);
		*ret = (struct rule_value){ .kind = RULE_VALUE_LIST, .n = 2, .items = items };
	} else if (strcmp(use->text, "proc.apid[0]") == 0) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_SIGNED, .number = 7 };
	}
}

struct setup {
	struct policy_arena *arena;
	struct rule_format *format;
	struct rule_facts *facts;
	struct rule_filter_error err;
	int compiled;
};

static struct setup begin(const char *text, const char *name)
{
	struct rule_program *program;
	struct setup s = { 0 };

	assert_int_equal(policy_arena_new(&s.arena), 0);
	assert_int_equal(rule_program_new(s.arena, NULL, 0, &program), 0);
	s.compiled = rule_format_compile(program, text, &s.format, &s.err);
	assert_int_equal(rule_facts_new(program, extract, s.arena, &s.facts), 0);
	rule_facts_begin(s.facts, (void *)name);
	return s;
}

static const struct {
	const char *format, *name, *text; /* text NULL: ends early */
	const char *json;
} printed[] = {
	{ "no field", NULL, "no field", "{}" },
	{ "*", NULL, "", "{}" },
	{ "**", NULL, "*", "{}" },
	{ "%proc.name", NULL, "cat", "{\"proc.name\":\"cat\"}" },
	{ "%proc.name%proc.name.", NULL, "catcat.", "{\"proc.name\":\"cat\"}" },
	{ "%proc.names", NULL, "cats", "{\"proc.name\":\"cat\"}" },
	{ "a%5proc.name|%1proc.name|%0proc.name", NULL, "acat  |c|cat", "{\"proc.name\":\"cat\"}" },
	{ "*%fd.name %proc.pname", NULL, "<NA> <NA>", "{\"fd.name\":null,\"proc.pname\":null}" },
	{ "*%6fd.name|", NULL, "<NA>  |", "{\"fd.name\":null}" },
	{ "%proc.name %fd.name", NULL, NULL, NULL },
	{ "%fd.num %evt.num", NULL, "-9223372036854775808 18446744073709551615",
	  "{\"evt.num\":18446744073709551615,\"fd.num\":-9223372036854775808}" },
	{ "%evt.deltatime.ns %fd.dev", NULL, "000000012 FD01", "{\"evt.deltatime.ns\":\"000000012\",\"fd.dev\":\"FD01\"}" },
	{ "%fd.sip %evt.failed", NULL, "2001:db8::1 false", "{\"evt.failed\":false,\"fd.sip\":\"2001:db8::1\"}" },
	{ "%fd.types", NULL, "(x,y)", "{\"fd.types\":[\"x\",\"y\"]}" },
	{ "%proc.aname", NULL, "x y", "{\"proc.aname\":\"x y\"}" },
	{ "%proc.apid", NULL, "7", "{\"proc.apid\":7}" },
	{ "%toupper( proc.name )!", NULL, "CAT!", "{\"proc.name\":\"cat\",\"toupper(proc.name)\":\"CAT\"}" },
	{ "%len(proc.name)", NULL, "3", "{\"len(proc.name)\":3,\"proc.name\":\"cat\"}" },
	{ "%getopt(('-a', 'x'), 'a')", NULL, "(a)", "{\"getopt((-a,x),a)\":[\"a\"]}" },
	{ "%fd.name", "a\"\\\n\x01\x7f", "a\"\\\n\x01\x7f", "{\"fd.name\":\"a\\\"\\\\\\n\\u0001\x7f\"}" },
	{ "%fd.name", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb1", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb1",
	  "{\"fd.name\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb1\"}" },
	/* Not UTF-8: a lone lead byte, a surrogate, above the last, overlong, cut. */
	{ "%fd.name", "\xc3|\xed\xa0\x80|\xf4\x90\x80\x80|\xc0\xaf|\xe2\x82", NULL,
	  "{\"fd.name\":\"\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|"
	  "\xef\xbf\xbd\xef\xbf\xbd\"}" },
};

static void test_printed_as_text_and_json(void **state)
{
	char text[512];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(printed); i++) {
		struct setup s = begin(printed[i].format, printed[i].name);
		int err;

		if (s.compiled < 0)
			fail_msg("%s: %s", printed[i].format, s.err.message);
		err = rule_format_text(s.format, s.facts, text, sizeof(text), &n);
		if (printed[i].text && (err < 0 || strcmp(text, printed[i].text) != 0))
			fail_msg("%s: %d %s", printed[i].format, err, text);
		assert_int_equal(n, strlen(text));
		err = rule_format_json(s.format, s.facts, text, sizeof(text), &n);
		if (printed[i].json && (err < 0 || strcmp(text, printed[i].json) != 0))
			fail_msg("%s: %d %s", printed[i].format, err, text);
		if (!printed[i].json)
			assert_int_equal(err, -ENODATA);
		policy_arena_free(&s.arena);
	}
}

static const struct {
	const char *format;
	enum rule_filter_error_kind kind;
	uint32_t offset;
	const char *message;
} refused[] = {
	{ "", RULE_FILTER_INVALID, 0, "empty" },
	{ "x %", RULE_FILTER_UNKNOWN_FIELD, 3, "cannot end with a %" },
	{ "x %y", RULE_FILTER_UNKNOWN_FIELD, 3, "unknown filter: invalid formatting token y" },
	{ "%5", RULE_FILTER_UNKNOWN_FIELD, 2, "unknown filter" },
	{ "%fd.ip", RULE_FILTER_INVALID, 1, "fd.ip is filter only" },
	{ "%evt.arg", RULE_FILTER_INVALID, 1, "requires an argument" },
	{ "%evt.arg.nosuch", RULE_FILTER_INVALID, 1, "requires an argument" },
	{ "%toupper(evt.num)", RULE_FILTER_INVALID, 1, "can't use transformer 'toupper'" },
	{ "%toupper(proc.name", RULE_FILTER_INVALID, 1, "unknown filter" },
	{ "%val(proc.name)", RULE_FILTER_UNKNOWN_FIELD, 1, "invalid formatting token val(proc.name)" },
	{ "%99999proc.name", RULE_FILTER_INVALID, 6, "length" },
};

static void test_refused_says_what_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct setup s = begin(refused[i].format, NULL);

		assert_int_equal(s.compiled, -EINVAL);
		if (s.err.kind != refused[i].kind || s.err.offset != refused[i].offset || !strstr(s.err.message, refused[i].message))
			fail_msg("%s: %d at %u: %s", refused[i].format, s.err.kind, s.err.offset, s.err.message);
		policy_arena_free(&s.arena);
	}
}

static void test_text_is_cut_where_the_buffer_ends(void **state)
{
	struct setup s = begin("ab%proc.name%5proc.name%toupper(proc.name)-", NULL);
	const char *whole = "abcatcat  CAT-";

	(void)state;
	for (size_t size = 1; size <= strlen(whole) + 2; size++) {
		char *buffer = malloc(size);
		size_t n;
		int err = rule_format_text(s.format, s.facts, buffer, size, &n);

		assert_int_equal(err, size > strlen(whole) ? 0 : -EMSGSIZE);
		assert_int_equal(n, size > strlen(whole) ? strlen(whole) : size - 1);
		assert_memory_equal(buffer, whole, n);
		assert_int_equal(buffer[n], 0);
		free(buffer);
	}
	policy_arena_free(&s.arena);
}

static void test_json_is_whole_or_nothing(void **state)
{
	struct setup s = begin("%evt.buffer %proc.name %fd.types %proc.aname", NULL);
	const char *whole = "{\"evt.buffer\":\"a\\u0000\\u001f\\\"\",\"fd.types\":[\"x\",\"y\"],\"proc.aname\":\"x y\",\"proc.name\":\"cat\"}";

	(void)state;
	for (size_t size = 1; size <= strlen(whole) + 2; size++) {
		char *buffer = malloc(size);
		size_t n;
		int err = rule_format_json(s.format, s.facts, buffer, size, &n);

		assert_int_equal(err, size > strlen(whole) ? 0 : -EMSGSIZE);
		assert_string_equal(buffer, err ? "" : whole);
		assert_int_equal(n, strlen(buffer));
		free(buffer);
	}
	policy_arena_free(&s.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed_as_text_and_json),
		cmocka_unit_test(test_refused_says_what_and_where),
		cmocka_unit_test(test_text_is_cut_where_the_buffer_ends),
		cmocka_unit_test(test_json_is_whole_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
