// SPDX-License-Identifier: Apache-2.0
/* The tool's texts: durations, escaping, sizes, times, bytes in JSON, suggestions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/cli.h"

static void test_duration_is_parsed_or_refused(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds; /* 0: refused */
	} durations[] = {
		{ "30s", 30 }, { "10m", 600 }, { "2h", 7200 }, { "1d", 86400 }, { "1h30m", 5400 }, { "1d2h3m4s", 93784 },
		{ "90m", 5400 }, { "0h5s", 5 }, { "", 0 }, { "0s", 0 }, { "5", 0 }, { "s", 0 }, { "5x", 0 }, { "-5s", 0 },
		{ "+5s", 0 }, { " 5s", 0 }, { "5s ", 0 }, { "5 s", 0 }, { "1m1h", 0 }, { "1h1h", 0 }, { "1.5h", 0 },
		{ "0x10s", 0 }, { "99999999999999999999s", 0 }, { "18446744073709551615s", 0 }, { "213503982334602d", 0 },
		{ "1h\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		uint64_t seconds = 4711;
		int r = cli_duration_parse(durations[i].text, &seconds);

		if (durations[i].seconds ? r != 0 || seconds != durations[i].seconds : r != -EINVAL || seconds != 4711)
			fail_msg("\"%s\": %d, %llu", durations[i].text, r, (unsigned long long)seconds);
	}
}

static void test_escape_shows_what_would_steer(void **state)
{
	static const struct {
		const char *text, *safe;
	} texts[] = {
		{ "", "" },
		{ "/usr/bin/caf\xc3\xa9 \xf0\x9f\x98\x80", "/usr/bin/caf\xc3\xa9 \xf0\x9f\x98\x80" },
		{ "a\nb\tc\r\x07\x1b[0m\x7f", "a\\x0a" "b\\x09" "c\\x0d\\x07\\x1b[0m\\x7f" },
		{ "back\\slash", "back\\\\slash" },
		{ "\xc2\x9b" "31m", "\\u{9b}31m" },
		{ "\xe2\x80\xae" "exe.txt", "\\u{202e}exe.txt" },
		{ "\xe2\x81\xa6\xef\xbb\xbf\xe2\x80\x8b", "\\u{2066}\\u{feff}\\u{200b}" },
		{ "\xcd\xb8", "\\u{378}" }, /* no character yet */
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc0\xaf", "\\xc0\\xaf" },	     /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond Unicode */
		{ "\xe2\x82", "\\xe2\\x82" }, /* cut off */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *safe = cli_escape(texts[i].text, strlen(texts[i].text));

		assert_string_equal(safe, texts[i].safe);
		free(safe);
	}
}

static void test_escape_keeps_to_the_locale(void **state)
{
	char *safe;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	safe = cli_escape("caf\xc3\xa9", 5);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	assert_string_equal(safe, "caf\\u{e9}");
	free(safe);
}

static void test_escape_every_byte_is_safe(void **state)
{
	(void)state;
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			const char text[] = { (char)a, (char)b };
			char *safe = cli_escape(text, sizeof(text));

			for (const char *p = safe; *p; p++) {
				unsigned char c = (unsigned char)*p;

				if (c < 0x20 || c == 0x7f || (c == 0xc2 && (p[1] & 0xe0) == 0x80))
					fail_msg("%02x %02x", a, b);
			}
			free(safe);
		}
}

static void test_sizes_and_spans_are_short(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = { { 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 5 << 20, "5.0 MiB" },
		      { UINT64_MAX, "16.0 EiB" } };
	static const struct {
		uint64_t seconds;
		const char *text;
	} spans[] = { { 0, "0s" }, { 59, "59s" }, { 60, "1m" }, { 3600, "1h 0m" }, { 11100, "3h 5m" }, { 90000, "1d 1h" } };
	char buf[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		cli_size_format(sizes[i].bytes, buf, sizeof(buf));
		assert_string_equal(buf, sizes[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		cli_duration_format(spans[i].seconds, buf, sizeof(buf));
		assert_string_equal(buf, spans[i].text);
	}
}

static void test_time_is_parsed_or_refused(void **state)
{
	static const struct {
		const char *text;
		long seconds; /* -1: refused */
	} times[] = { { "1970-01-01T00:00:10Z", 10 },	    { "2026-11-22T03:04:05.123456789Z", 1795316645 },
		      { "2026-11-22T04:04:05+01:00", 1795316645 }, { "", -1 }, { "2026-11-22", -1 },
		      { "2026-11-22T03:04:05", -1 },	    { "2026-11-22T03:04:05Zx", -1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		time_t got = 0;
		int r = cli_time_parse(times[i].text, &got);

		if (times[i].seconds < 0 ? r != -EINVAL : r != 0 || got != times[i].seconds)
			fail_msg("\"%s\": %d, %ld", times[i].text, r, (long)got);
	}
}

static void test_json_bytes_are_exact(void **state)
{
	static const struct {
		const char *bytes, *text, *base64; /* NULL: no such member */
	} values[] = {
		{ "", "", NULL },
		{ "plain \"quoted\"\n", "plain \"quoted\"\n", NULL },
		{ "caf\xc3\xa9", "caf\xc3\xa9", NULL },
		{ "a\xff", "a\xef\xbf\xbd", "Yf8=" },
		{ "\xff", "\xef\xbf\xbd", "/w==" },
		{ "\xc3(\xff", "\xef\xbf\xbd(\xef\xbf\xbd", "wyj/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct json_object *json = json_object_new_object();

		assert_int_equal(cli_json_add_bytes(json, "path", values[i].bytes, strlen(values[i].bytes)), 0);
		assert_string_equal(cli_json_text(json, "path"), values[i].text);
		if (values[i].base64)
			assert_string_equal(cli_json_text(json, "path_base64"), values[i].base64);
		else
			assert_null(cli_json_get(json, "path_base64"));
		json_object_put(json);
	}
}

static void test_json_lookups_forgive(void **state)
{
	struct json_object *json = json_tokener_parse("{\"t\":\"x\",\"n\":7,\"b\":true,\"z\":null,\"o\":{}}");

	(void)state;
	assert_string_equal(cli_json_text(json, "t"), "x");
	assert_string_equal(cli_json_text(json, "n"), "");
	assert_string_equal(cli_json_text(json, "absent"), "");
	assert_string_equal(cli_json_text(NULL, "t"), "");
	assert_string_equal(cli_json_text(cli_json_get(json, "t"), "t"), "");
	assert_int_equal(cli_json_number(json, "n"), 7);
	assert_int_equal(cli_json_number(json, "o"), 0);
	assert_true(cli_json_true(json, "b"));
	assert_false(cli_json_true(json, "n"));
	assert_null(cli_json_get(json, "z"));
	json_object_put(json);
}

static void test_nearest_suggests_only_what_is_near(void **state)
{
	static const char *const names[] = { "status", "containers", "policy validate", "policy list" };
	static const struct {
		const char *typed, *nearest;
	} tries[] = { { "stauts", "status" },	       { "statu", "status" },	 { "cont", "containers" },
		      { "policy vlidate", "policy validate" }, { "frobnicate", NULL }, { "", NULL }, { "s", NULL },
		      { "a very long word that is no command of this tool at all", NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		const char *nearest = cli_nearest(tries[i].typed, names, ARRAY_SIZE(names));

		if (tries[i].nearest ? !nearest || strcmp(nearest, tries[i].nearest) : nearest != NULL)
			fail_msg("%s: %s", tries[i].typed, nearest ? nearest : "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration_is_parsed_or_refused),
		cmocka_unit_test(test_escape_shows_what_would_steer),
		cmocka_unit_test(test_escape_keeps_to_the_locale),
		cmocka_unit_test(test_escape_every_byte_is_safe),
		cmocka_unit_test(test_sizes_and_spans_are_short),
		cmocka_unit_test(test_time_is_parsed_or_refused),
		cmocka_unit_test(test_json_bytes_are_exact),
		cmocka_unit_test(test_json_lookups_forgive),
		cmocka_unit_test(test_nearest_suggests_only_what_is_near),
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
