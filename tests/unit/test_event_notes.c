// SPDX-License-Identifier: Apache-2.0
/* Digests that are filled into events or follow them, the path they are asked for, and lines about missing events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforcer/event_json.h"
#include "enforcer/util.h"
#include "imagedb/imagedb.h"

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_16 "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

struct sample {
	struct hf_event record;
	char data[64];
};

static struct sample make_sample(const char *path)
{
	struct sample s = { .record = { .version = HF_EVENT_VERSION, .ino = 5, .dev = 8u << 20 | 3, .generation = 6,
					.file_bytes = 7, .path_bytes = (uint16_t)strlen(path), .time_ns = 1 } };

	memcpy(s.data, path, strlen(path));
	s.record.bytes = (uint32_t)(sizeof(s.record) + strlen(path));
	return s;
}

static struct imagedb_digest make_digest(uint32_t algorithms)
{
	struct imagedb_digest digest = { .algorithms = algorithms };

	for (uint8_t i = 0; i < sizeof(digest.sha256); i++)
		digest.sha256[i] = i;
	for (uint8_t i = 0; i < sizeof(digest.xxh3_128); i++)
		digest.xxh3_128[i] = (uint8_t)(0xa0 + i);
	return digest;
}

static void test_digest_is_filled_in_as_it_is_known(void **state)
{
	struct imagedb_digest both = make_digest(IMAGEDB_ALGORITHM_SHA256 | IMAGEDB_ALGORITHM_XXH3_128);
	struct imagedb_digest fast = make_digest(IMAGEDB_ALGORITHM_XXH3_128), sha = make_digest(IMAGEDB_ALGORITHM_SHA256);
	struct event_line line = { .text = "{\"file\":{\"a\":1},\"b\":2}", .bytes = 22, .hole = 14 };
	const struct {
		struct event_digest digest;
		const char *expected;
	} rows[] = {
		{ { .digest = &both }, ",\"sha256\":\"" HEX_32 "\",\"xxh3_128\":\"" HEX_16 "\"" },
		{ { .digest = &sha }, ",\"sha256\":\"" HEX_32 "\"" },
		{ { .digest = &fast, .missing = "changed" }, ",\"sha256\":null,\"sha256_missing\":\"changed\"" },
		{ { .missing = "too-large" }, ",\"sha256\":null,\"sha256_missing\":\"too-large\"" },
		{ { 0 }, ",\"sha256\":null,\"sha256_missing\":\"unreadable\"" },
	};
	char text[64 + EVENT_DIGEST_BYTES], expected[64 + EVENT_DIGEST_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = event_json_fill(&line, &rows[i].digest, text);

		assert_in_range(n, line.bytes, line.bytes + EVENT_DIGEST_BYTES);
		text[n] = '\0';
		snprintf(expected, sizeof(expected), "{\"file\":{\"a\":1%s},\"b\":2}", rows[i].expected);
		assert_string_equal(text, expected);
	}
}

/* The line itself says when; everything else of it is the event's. */
static void test_late_digest_names_event_and_file(void **state)
{
	struct imagedb_digest digest = make_digest(IMAGEDB_ALGORITHM_SHA256);
	struct event_digest filled = { .digest = &digest };
	struct event_context context = { .seq = 12, .boot_to_real_ns = 1000000000 };
	struct sample s = make_sample("x/tmp/");
	_cleanup_(json_release) struct json json;
	struct event_line line;
	char text[2048];

	(void)state;
	json_init(&json, EVENT_JSON_OPEN_BYTES_MAX);
	assert_int_equal(event_json_digest(&json, &s.record, "abc", &context, &line), 0);
	text[event_json_fill(&line, &filled, text)] = '\0';
	assert_non_null(strstr(text, "\",\"type\":\"digest\""));
	assert_string_equal(strstr(text, ",\"type\""),
			    ",\"type\":\"digest\",\"message\":\"the digest of the file of event 12 is known\",\"seq\":12,\"event_time\":\"1970-01-01T00:00:01.000000001Z\",\"container\":{"
			    "\"id\":\"abc\"},\"file\":{\"path\":\"/tmp/x\",\"dev\":\"8:3\",\"inode\":5,\"generation\":6,"
			    "\"size\":7,\"sha256\":\"" HEX_32 "\"},\"severity\":\"info\"}");
}

static void test_path_is_given_when_the_file_can_be_opened_by_it(void **state)
{
	static const struct {
		const char *path;
		uint32_t flags;
		enum hf_reason reason;
		const char *expected;
	} rows[] = {
		{ "x/tmp/", 0, HF_REASON_ADDED, "/tmp/x" },
		{ "x.so/", 0, HF_REASON_MODIFIED, "/x.so" },
		{ "x/tmp/", HF_EVENT_DELETED, HF_REASON_DELETED, "" },
		{ "x/tmp/", HF_EVENT_PATH_CUT, HF_REASON_ADDED, "" },
		{ "memfd:x/", 0, HF_REASON_MEMFD, "" },
		{ "", 0, HF_REASON_ANONYMOUS_CODE, "" },
		{ "", HF_EVENT_NO_PATH, HF_REASON_ADDED, "" },
	};
	char path[HF_PATH_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sample s = make_sample(rows[i].path);

		s.record.flags = rows[i].flags;
		s.record.reason = (uint8_t)rows[i].reason;
		path[0] = '\0';
		assert_int_equal(event_json_path(&s.record, path), strlen(rows[i].expected));
		assert_string_equal(path, rows[i].expected);
	}
}

static void test_missing_events_are_told_with_their_output(void **state)
{
	static const struct event_loss_of of[] = { { "a", 3 }, { NULL, 1 } };
	static const struct {
		struct event_loss loss;
		const char *expected;
	} rows[] = {
		{ { .count = 5, .where = "x", .of = of, .n_of = 2 },
		  "\"count\":5,\"containers\":[{\"id\":\"a\",\"count\":3},{\"id\":null,\"count\":1}],"
		  "\"message\":\"5 events are missing here: x\"" },
		{ { .count = 3, .where = "the ring was full" },
		  "\"count\":3,\"message\":\"3 events are missing here: the ring was full\"" },
		{ { .count = 1, .total = 9, .where = "x", .output = "file" },
		  "\"count\":1,\"total\":9,\"output\":\"file\",\"message\":\"1 events are missing here: x\"" },
	};
	_cleanup_(json_release) struct json json;
	char expected[512];
	const char *line;
	size_t n;

	(void)state;
	json_init(&json, EVENT_JSON_BYTES_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(event_json_lost(&json, &rows[i].loss, 1, &line, &n), 0);
		snprintf(expected, sizeof(expected), "{\"time\":\"1970-01-01T00:00:00.000000001Z\",\"type\":\"lost\",%s,"
			 "\"severity\":\"warning\"}", rows[i].expected);
		assert_string_equal(line, expected);
	}
}

static void test_other_bytes_are_told_with_both_digests(void **state)
{
	static const char *const containers[] = { "a", "b" };
	struct imagedb_digest expected = { .sha256 = { 0x0a, 0xff } }, found = { .sha256 = { 0x0b } };
	struct event_integrity event = { .image = "web:1", .path = "bin/\xff", .ino = 5, .dev = 8u << 20 | 3, .generation = 6,
					 .size = 7, .expected = &expected, .found = &found, .containers = containers,
					 .n_containers = 2 };
	_cleanup_(json_release) struct json json;
	const char *line;
	size_t n;

	(void)state;
	json_init(&json, EVENT_JSON_BYTES_MAX);
	assert_int_equal(event_json_integrity(&json, &event, 1, &line, &n), 0);
	assert_non_null(strstr(line, "\"type\":\"integrity\",\"message\":\"a file of an image does not hold"));
	assert_non_null(strstr(line, "\"image\":\"web:1\",\"containers\":[\"a\",\"b\"],\"file\":{\"path\":\"/bin/\xef\xbf\xbd\","
				     "\"path_base64\":\"L2Jpbi//\",\"dev\":\"8:3\",\"inode\":5,\"generation\":6,\"size\":7,"
				     "\"sha256\":\"0b0000"));
	assert_non_null(strstr(line, "\"expected_sha256\":\"0aff0000"));
	event.image = "";
	event.n_containers = 0;
	assert_int_equal(event_json_integrity(&json, &event, 1, &line, &n), 0);
	assert_non_null(strstr(line, "\"image\":null,\"containers\":[],"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_is_filled_in_as_it_is_known),
		cmocka_unit_test(test_late_digest_names_event_and_file),
		cmocka_unit_test(test_path_is_given_when_the_file_can_be_opened_by_it),
		cmocka_unit_test(test_missing_events_are_told_with_their_output),
		cmocka_unit_test(test_other_bytes_are_told_with_both_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
