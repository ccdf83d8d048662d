// SPDX-License-Identifier: Apache-2.0
/* The JSON writer: exact texts, and every output read back by an independent parser to the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/json.h"
#include "enforcer/util.h"

#define ROUNDS 4000
#define ROUND_BYTES 200

static void check_text(struct json *json, const char *expected)
{
	const char *text;
	size_t n;

	assert_int_equal(json_finish(json, &text, &n), 0);
	assert_string_equal(text, expected);
	assert_int_equal(n, strlen(expected));
}

static void test_shapes_have_commas_in_place(void **state)
{
	_cleanup_(json_release) struct json json;

	(void)state;
	json_init(&json, 4096);
	json_open_object(&json, NULL);
	json_open_object(&json, "empty");
	json_close(&json);
	json_open_array(&json, "list");
	json_put_u64(&json, NULL, 1);
	json_open_array(&json, NULL);
	json_close(&json);
	json_put_null(&json, NULL);
	json_close(&json);
	json_put_bool(&json, "yes", true);
	json_put_bool(&json, "no", false);
	json_put_string(&json, "none", NULL);
	json_put_string(&json, "text", "a");
	json_close(&json);
	check_text(&json, "{\"empty\":{},\"list\":[1,[],null],\"yes\":true,\"no\":false,\"none\":null,\"text\":\"a\"}");
	json_reset(&json);
	json_open_object(&json, NULL);
	json_close(&json);
	check_text(&json, "{}");
}

static void test_numbers_are_exact(void **state)
{
	_cleanup_(json_release) struct json json;

	(void)state;
	json_init(&json, 4096);
	json_open_array(&json, NULL);
	json_put_u64(&json, NULL, 0);
	json_put_u64(&json, NULL, UINT64_MAX);
	json_put_i64(&json, NULL, INT64_MIN);
	json_put_i64(&json, NULL, INT64_MAX);
	json_close(&json);
	check_text(&json, "[0,18446744073709551615,-9223372036854775808,9223372036854775807]");
}

static void test_times_are_rfc3339(void **state)
{
	static const struct {
		uint64_t ns;
		const char *expected;
	} cases[] = {
		{ 0, "\"1970-01-01T00:00:00.000000000Z\"" },
		{ 1, "\"1970-01-01T00:00:00.000000001Z\"" },
		{ 1709210096999999999ull, "\"2024-02-29T12:34:56.999999999Z\"" },
		{ 4102444799000000000ull, "\"2099-12-31T23:59:59.000000000Z\"" },
		{ UINT64_MAX, "\"2554-07-21T23:34:33.709551615Z\"" },
	};
	_cleanup_(json_release) struct json json;

	(void)state;
	json_init(&json, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_reset(&json);
		json_put_time(&json, NULL, cases[i].ns);
		check_text(&json, cases[i].expected);
	}
}

/* The text of {"s": bytes}, borrowed from json. */
static const char *write_member(struct json *json, const void *bytes, size_t n)
{
	const char *text;
	size_t length;

	json_reset(json);
	json_open_object(json, NULL);
	json_put_bytes(json, "s", bytes, n);
	json_close(json);
	assert_int_equal(json_finish(json, &text, &length), 0);
	assert_int_equal(strlen(text), length);
	return text;
}

static void test_strings_are_escaped(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *expected;
	} cases[] = {
#define CASE(literal, text) { literal, sizeof(literal) - 1, text }
		CASE("", "{\"s\":\"\"}"),
		CASE("/bin/sh", "{\"s\":\"/bin/sh\"}"),
		CASE("a\"b\\c", "{\"s\":\"a\\\"b\\\\c\"}"),
		CASE("\b\f\n\r\t", "{\"s\":\"\\b\\f\\n\\r\\t\"}"),
		CASE("\x1b[0m\x7f", "{\"s\":\"\\u001b[0m\\u007f\"}"),
		CASE("a\0b", "{\"s\":\"a\\u0000b\"}"),
		CASE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "{\"s\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"),
		CASE("\xe2\x80\xa8", "{\"s\":\"\xe2\x80\xa8\"}"),
		CASE("x\xff", "{\"s\":\"x\xef\xbf\xbd\",\"s_base64\":\"eP8=\"}"),
		CASE("\xff", "{\"s\":\"\xef\xbf\xbd\",\"s_base64\":\"/w==\"}"),
		CASE("ab\xff", "{\"s\":\"ab\xef\xbf\xbd\",\"s_base64\":\"YWL/\"}"),
#undef CASE
	};
	_cleanup_(json_release) struct json json;

	(void)state;
	json_init(&json, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(write_member(&json, cases[i].bytes, cases[i].n), cases[i].expected);
}

static void test_malformed_utf8_is_recognised(void **state)
{
	static const struct {
		const char *bytes;
		size_t n, length;
		uint32_t code;
	} cases[] = {
		{ "", 0, 0, 0 },
		{ "\x7f", 1, 1, 0x7f },
		{ "\x80", 1, 0, 0 },		       /* continuation alone */
		{ "\xc0\x80", 2, 0, 0 },	       /* overlong NUL */
		{ "\xc1\xbf", 2, 0, 0 },	       /* overlong */
		{ "\xc2\x80", 2, 2, 0x80 },	       /* the first of two */
		{ "\xdf\xbf", 2, 2, 0x7ff },
		{ "\xc3", 1, 0, 0 },		       /* truncated */
		{ "\xc3(", 2, 0, 0 },
		{ "\xe0\x9f\xbf", 3, 0, 0 },	       /* overlong */
		{ "\xe0\xa0\x80", 3, 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 3, 0xd7ff },
		{ "\xed\xa0\x80", 3, 0, 0 },	       /* surrogate */
		{ "\xed\xbf\xbf", 3, 0, 0 },	       /* surrogate */
		{ "\xee\x80\x80", 3, 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 3, 0xffff },
		{ "\xe2\x82", 2, 0, 0 },	       /* truncated */
		{ "\xf0\x8f\xbf\xbf", 4, 0, 0 },       /* overlong */
		{ "\xf0\x90\x80\x80", 4, 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "\xf4\x90\x80\x80", 4, 0, 0 },       /* above the last */
		{ "\xf5\x80\x80\x80", 4, 0, 0 },
		{ "\xf0\x9f\x98", 3, 0, 0 },	       /* truncated */
		{ "\xfe", 1, 0, 0 },
		{ "\xff", 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t code = 0;

		assert_int_equal(json_utf8_length((const unsigned char *)cases[i].bytes, cases[i].n, &code),
				 cases[i].length);
		assert_int_equal(code, cases[i].code);
	}
}

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	return c && at ? (int)(at - digits) : -1;
}

/* Bit by bit, unlike the encoder. The number of bytes. */
static size_t decode_base64(const char *text, unsigned char *ret)
{
	uint32_t bits = 0, n_bits = 0;
	size_t n = 0;

	assert_int_equal(strlen(text) % 4, 0);
	for (; digit_of(*text) >= 0; text++) {
		bits = bits << 6 | (uint32_t)digit_of(*text);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			ret[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	return n;
}

/* Reads the text back with json-c: the same bytes, from s_base64 where there is one, else from s. */
static void check_round_trip(struct json *json, const unsigned char *bytes, size_t n)
{
	const char *text = write_member(json, bytes, n);
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *parsed, *member = NULL;
	unsigned char decoded[ROUND_BYTES + 8];

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	parsed = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
	if (json_object_object_get_ex(parsed, "s_base64", &member)) {
		assert_int_equal(decode_base64(json_object_get_string(member), decoded), n);
		assert_memory_equal(decoded, bytes, n);
	} else {
		assert_true(json_object_object_get_ex(parsed, "s", &member));
		assert_int_equal(json_object_get_string_len(member), n);
		assert_memory_equal(json_object_get_string(member), bytes, n);
	}
	json_object_put(parsed);
	json_tokener_free(tokener);
}

static void test_every_byte_reads_back(void **state)
{
	_cleanup_(json_release) struct json json;

	(void)state;
	json_init(&json, 4096);
	for (unsigned int c = 0; c < 256; c++) {
		unsigned char bytes[3] = { 'a', (unsigned char)c, 'z' };

		check_round_trip(&json, bytes + 1, 1);
		check_round_trip(&json, bytes, 3);
	}
}

/* Three generators: any bytes, bytes near the edges of UTF-8, and mostly text. */
static unsigned char pick_byte(unsigned int kind)
{
	static const unsigned char edges[] = { 0x00, 0x1f, 0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
					       0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff };

	if (kind == 0)
		return (unsigned char)random();
	if (kind == 1)
		return edges[(size_t)random() % sizeof(edges)];
	return (unsigned char)(random() % 20 ? 'a' + random() % 26 : random());
}

static void test_random_bytes_read_back(void **state)
{
	_cleanup_(json_release) struct json json;
	unsigned char bytes[ROUND_BYTES];

	(void)state;
	srandom(20260131);
	json_init(&json, 4096);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		size_t n = (size_t)random() % sizeof(bytes);

		for (size_t i = 0; i < n; i++)
			bytes[i] = pick_byte(round % 3);
		check_round_trip(&json, bytes, n);
	}
}

static void test_bound_is_an_error_not_a_cut(void **state)
{
	_cleanup_(json_release) struct json json;
	const char *text = "untouched";
	size_t n = 99;

	(void)state;
	json_init(&json, 10);
	json_put_string(&json, NULL, "12345678");
	check_text(&json, "\"12345678\"");
	json_reset(&json);
	json_put_string(&json, NULL, "123456789");
	assert_int_equal(json_finish(&json, &text, &n), -EMSGSIZE);
	assert_string_equal(text, "untouched");
	assert_int_equal(n, 99);
	json_put_null(&json, NULL);
	assert_int_equal(json_finish(&json, &text, &n), -EMSGSIZE);
}

static void test_growth_keeps_the_text(void **state)
{
	_cleanup_(json_release) struct json json;
	const char *text;
	size_t n;

	(void)state;
	json_init(&json, 1 << 20);
	json_open_array(&json, NULL);
	for (unsigned int i = 0; i < 20000; i++)
		json_put_u64(&json, NULL, 7);
	json_close(&json);
	assert_int_equal(json_finish(&json, &text, &n), 0);
	assert_int_equal(n, 2 + 20000 * 2 - 1);
	assert_string_equal(text + n - 3, ",7]");
}

static void misuse_left_open(struct json *json)
{
	json_open_object(json, NULL);
}

static void misuse_nothing_written(struct json *json)
{
	(void)json;
}

static void misuse_closed_twice(struct json *json)
{
	json_open_object(json, NULL);
	json_close(json);
	json_close(json);
}

static void misuse_member_without_name(struct json *json)
{
	json_open_object(json, NULL);
	json_put_null(json, NULL);
	json_close(json);
}

static void misuse_name_in_array(struct json *json)
{
	json_open_array(json, NULL);
	json_put_null(json, "name");
	json_close(json);
}

static void misuse_too_deep(struct json *json)
{
	for (unsigned int i = 0; i < 40; i++)
		json_open_array(json, NULL);
	for (unsigned int i = 0; i < 40; i++)
		json_close(json);
}

static void test_misuse_is_an_error(void **state)
{
	static void (*const cases[])(struct json *) = {
		misuse_left_open,	    misuse_nothing_written, misuse_closed_twice,
		misuse_member_without_name, misuse_name_in_array,   misuse_too_deep,
	};
	_cleanup_(json_release) struct json json;
	const char *text;
	size_t n;

	(void)state;
	json_init(&json, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_reset(&json);
		cases[i](&json);
		assert_int_equal(json_finish(&json, &text, &n), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes_have_commas_in_place),
		cmocka_unit_test(test_numbers_are_exact),
		cmocka_unit_test(test_times_are_rfc3339),
		cmocka_unit_test(test_strings_are_escaped),
		cmocka_unit_test(test_malformed_utf8_is_recognised),
		cmocka_unit_test(test_every_byte_reads_back),
		cmocka_unit_test(test_random_bytes_read_back),
		cmocka_unit_test(test_bound_is_an_error_not_a_cut),
		cmocka_unit_test(test_growth_keeps_the_text),
		cmocka_unit_test(test_misuse_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
