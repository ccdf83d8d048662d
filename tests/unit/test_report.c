// SPDX-License-Identifier: Apache-2.0
/* The documents of control.sock: their exact shapes, and names that are no text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/report.h"
#include "enforcer/util.h"

#define NUMBER_TEXT(number) #number
#define NUMBER(name) NUMBER_TEXT(name)

#define NOON_NS 1767268800000000000ull /* 2026-01-01T12:00:00Z */

static void check_text(struct json_object *object, const char *expected)
{
	assert_non_null(object);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE),
			    expected);
	json_object_put(object);
}

static void test_message_has_its_end(void **state)
{
	(void)state;
	check_text(report_message("done", 0), "{\"message\":\"done\",\"until\":null}");
	check_text(report_message("paused", NOON_NS),
		   "{\"message\":\"paused\",\"until\":\"2026-01-01T12:00:00.000000000Z\"}");
}

static void test_policy_error_has_its_place(void **state)
{
	struct policy_error error = { .file = "/etc/x.yaml", .line = 3, .column = 7, .message = "unknown key" };

	(void)state;
	check_text(report_policy_error(&error),
		   "{\"message\":\"unknown key\",\"file\":\"/etc/x.yaml\",\"line\":3,\"column\":7}");
}

static void fill_status(struct report_status *status)
{
	*status = (struct report_status){
		.version = "0.1.0", .ready = true, .pid = 12, .uptime_seconds = 34, .kernel_release = "6.1.0",
		.hooks = { "mmap_file", "file_mprotect" }, .n_hooks = 2,
		.containers = { [CONTAINER_STATE_PENDING] = 1, [CONTAINER_STATE_ARMED] = 2 },
		.policy_generation = 5, .policy_path = "/etc/holdfast/policies", .policies = 3,
		.pauses = { { "", NOON_NS }, { "prod", NOON_NS + 1 } }, .n_pauses = 2,
		.self_protection = "container", .self_protection_fault = "no place", .unlocked_until_ns = NOON_NS,
		.events_produced = 16, .events_delivered = 7, .events_waiting = 1, .events_lost = 8, .faults = { 3 },
		.outputs = { { .name = "file", .failing = true, .missing = 4, .waiting_bytes = 5 } }, .n_outputs = 1,
		.fault_names = { "catalogue" }, .catalog_entries = 9, .catalog_max = 1048576,
		.image_sets = 2, .image_files = 30, .image_digests = 20, .image_pending = 9, .image_unreadable = 1,
		.settle_waiting = 6, .settle_learning = 9, .settle_refused = 7, .settle_given_up = 8,
		.counters = { [HF_COUNTER_DENIED] = 10 },
		.counter_names = { [HF_COUNTER_DENIED] = "denied", [HF_COUNTER_AUDITED] = "audited" },
		.degraded = { "something is wrong" }, .n_degraded = 1,
	};
}

static void test_status_has_the_whole_shape(void **state)
{
	struct report_status status;

	(void)state;
	fill_status(&status);
	check_text(report_status(&status),
		   "{\"version\":\"0.1.0\",\"ready\":true,\"pid\":12,\"uptime_seconds\":34,\"kernel\":{\"release\":\"6.1.0\","
		   "\"abi\":" NUMBER(HF_ABI_VERSION) ",\"hooks\":[\"mmap_file\",\"file_mprotect\"]},\"containers\":{\"total\":3,\"pending\":1,"
		   "\"armed\":2,\"audit\":0,\"unwatched\":0,\"adopting\":0},\"policy\":{\"generation\":5,\"path\":"
		   "\"/etc/holdfast/policies\",\"policies\":3,\"error\":null},\"pauses\":[{\"namespace\":\"\",\"until\":"
		   "\"2026-01-01T12:00:00.000000000Z\"},{\"namespace\":\"prod\",\"until\":"
		   "\"2026-01-01T12:00:00.000000001Z\"}],\"self_protection\":{\"mode\":\"container\",\"fault\":\"no place\","
		   "\"unlocked_until\":\"2026-01-01T12:00:00.000000000Z\"},\"events\":{\"produced\":16,\"delivered\":7,"
		   "\"waiting\":1,\"lost\":8,\"outputs\":[{\"name\":\"file\",\"failing\":true,\"missing\":4,\"waiting_bytes\":5}]},\"counters\":{"
		   "\"denied\":10,\"audited\":0},\"faults\":{\"catalogue\":3},\"catalog\":{\"entries\":9,\"max\":1048576},"
		   "\"images\":{\"sets\":2,\"files\":30,\"digests\":20,\"pending\":9,\"unreadable\":1},\"integrity\":{"
		   "\"enabled\":false,\"running\":false,\"began\":null,\"last_ended\":null,\"files\":0,\"bytes\":0,\"mismatches\":0},\"settling\":{\"waiting\":6,\"learning\":9,\"refused\":7,\"given_up\":8},\"degraded\":["
		   "\"something is wrong\"]}");
}

static void test_status_names_the_policy_error(void **state)
{
	struct policy_error error = { .file = "a", .line = 1, .column = 2, .message = "m" };
	struct json_object *object, *policy = NULL, *member = NULL;
	struct report_status status;

	(void)state;
	fill_status(&status);
	status.policy_error = &error;
	object = report_status(&status);
	assert_true(json_object_object_get_ex(object, "policy", &policy));
	assert_true(json_object_object_get_ex(policy, "error", &member));
	json_object_get(member);
	json_object_put(object);
	check_text(member, "{\"message\":\"m\",\"file\":\"a\",\"line\":1,\"column\":2}");
}

static void test_armed_container_has_the_whole_shape(void **state)
{
	struct policy_effective policy = { .mode = POLICY_MODE_ENFORCE, .kind = POLICY_KIND_NAMESPACED,
					   .name = "immutable", .namespace_ = "prod", .why = "its labels match" };
	struct container container = {
		.facts = { .id = "abc", .name = "web", .image = "web:1", .namespace_ = "prod", .pod = "web-0",
			   .manager = "cri-o" },
		.state = CONTAINER_STATE_ARMED, .pid = 99, .root_type = "overlay", .executables = 12, .volumes = 3,
		.started_ns = NOON_NS, .armed_after_ns = 7654321, .watched_ns = NOON_NS, .source = CONTAINER_SOURCE_ADOPTED, .policy = &policy,
	};
	struct report_counts counts = { .denied = 4, .audited = 5 };

	(void)state;
	check_text(report_container(&container, &counts),
		   "{\"id\":\"abc\",\"name\":\"web\",\"namespace\":\"prod\",\"pod\":\"web-0\",\"image\":\"web:1\","
		   "\"manager\":\"cri-o\",\"pid\":99,\"state\":\"armed\",\"state_reason\":null,\"found\":\"adopted\",\"watched_since\":\"2026-01-01T12:00:00.000000000Z\",\"mode\":\"enforce\","
		   "\"policy\":\"prod/immutable\",\"why\":\"its labels match\",\"root_type\":\"overlay\",\"executables\":12,"
		   "\"volumes\":3,\"denied\":4,\"audited\":5,\"started\":\"2026-01-01T12:00:00.000000000Z\","
		   "\"armed_after_ms\":7.654,\"paused_until\":null}");
}

static void test_bare_container_is_valid(void **state)
{
	struct policy_effective policy = { .name = "everywhere", .kind = POLICY_KIND_CLUSTER };
	struct container container = { .facts = { .id = "x\xff\xc3\xa9" }, .state = CONTAINER_STATE_PENDING,
				       .state_reason = "no \x1b baseline", .policy = &policy };
	struct report_counts counts = { .paused_until_ns = NOON_NS };

	(void)state;
	check_text(report_container(&container, &counts),
		   "{\"id\":\"x\xef\xbf\xbd\xc3\xa9\",\"name\":null,\"namespace\":null,\"pod\":null,\"image\":null,"
		   "\"manager\":null,\"pid\":0,\"state\":\"pending\",\"state_reason\":\"no \\u001b baseline\",\"found\":\"hook\",\"watched_since\":null,\"mode\":"
		   "\"off\",\"policy\":\"everywhere\",\"why\":null,\"root_type\":null,\"executables\":0,\"volumes\":0,"
		   "\"denied\":0,\"audited\":0,\"started\":null,\"armed_after_ms\":null,\"paused_until\":"
		   "\"2026-01-01T12:00:00.000000000Z\"}");
}

static void test_policy_of_a_listing(void **state)
{
	struct policy_info info = { .kind = POLICY_KIND_CLUSTER, .name = "n", .mode = POLICY_MODE_AUDIT, .file = "f",
				    .line = 4 };

	(void)state;
	check_text(report_policy(&info, 2),
		   "{\"kind\":\"ClusterDriftPolicy\",\"namespace\":null,\"name\":\"n\",\"mode\":\"audit\",\"file\":\"f\","
		   "\"line\":4,\"containers\":2}");
}

static const char policy_text[] = "apiVersion: holdfast.dev/v1alpha1\n"
				  "kind: DriftPolicy\n"
				  "metadata: {name: strict, namespace: prod}\n"
				  "spec:\n"
				  "  mode: enforce\n"
				  "  volumes: {allow: [{path: /plugins}]}\n"
				  "  exceptions:\n"
				  "    - {name: jna, paths: [\"/tmp/*.so\"], fromProcess: [/usr/bin/java], expires: 2027-01-31,\n"
				  "       reason: \"why not\"}\n";

static struct json_object *resolve(struct policy_set *set, const struct policy_facts *facts)
{
	struct policy_effective *effective = NULL;
	struct json_object *object;

	assert_int_equal(policy_set_resolve(set, facts, &effective), 0);
	object = report_effective(effective);
	policy_effective_free(&effective);
	return object;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *member = NULL;

	assert_true(json_object_object_get_ex(object, name, &member));
	return json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void test_effective_policy_is_spelled_out(void **state)
{
	const struct policy_pair loosening = { .key = POLICY_ANNOTATION_PREFIX "mode", .value = "off" };
	const struct policy_facts facts = { .namespace_ = "prod", .annotations = &loosening, .n_annotations = 1 };
	struct json_object *object, *fields = NULL, *member = NULL;
	struct policy_error error = { 0 };
	struct policy_set *set = NULL;

	(void)state;
	if (policy_set_parse("test.yaml", policy_text, strlen(policy_text), &set, &error) < 0)
		fail_msg("%d:%d: %s", error.line, error.column, error.message);
	object = resolve(set, &facts);
	assert_string_equal(text_of(object, "policy"), "\"strict\"");
	assert_string_equal(text_of(object, "namespace"), "\"prod\"");
	assert_string_equal(text_of(object, "kind"), "\"DriftPolicy\"");
	assert_string_equal(text_of(object, "file"), "\"test.yaml\"");
	assert_string_equal(text_of(object, "volumes_allow"), "[\"/plugins\"]");
	assert_string_equal(text_of(object, "exceptions"),
			    "[{\"name\":\"jna\",\"paths\":[\"/tmp/*.so\"],\"fromProcess\":[\"/usr/bin/java\"],\"expires\":"
			    "\"2027-02-01T00:00:00Z\",\"reason\":\"why not\"}]");
	assert_non_null(strstr(text_of(object, "ignored_annotations"), "\"annotation\":\"holdfast.dev/mode\""));
	assert_true(json_object_object_get_ex(object, "fields", &fields));
	assert_string_equal(text_of(fields, "mode"), "\"enforce\"");
	assert_true(json_object_object_get_ex(fields, "libraries.mode", &member));
	json_object_put(object);
	policy_set_free(&set);
}

static void test_builtin_policy_has_no_place(void **state)
{
	const struct policy_facts facts = { 0 };
	struct policy_set *set = NULL;
	struct json_object *object;

	(void)state;
	assert_int_equal(policy_set_load(NULL, 0, &set, NULL), 0);
	object = resolve(set, &facts);
	assert_string_equal(text_of(object, "policy"), "\"" POLICY_BUILTIN_NAME "\"");
	assert_string_equal(text_of(object, "file"), "null");
	assert_string_equal(text_of(object, "namespace"), "null");
	json_object_put(object);
	policy_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_has_its_end),
		cmocka_unit_test(test_policy_error_has_its_place),
		cmocka_unit_test(test_status_has_the_whole_shape),
		cmocka_unit_test(test_status_names_the_policy_error),
		cmocka_unit_test(test_armed_container_has_the_whole_shape),
		cmocka_unit_test(test_bare_container_is_valid),
		cmocka_unit_test(test_policy_of_a_listing),
		cmocka_unit_test(test_effective_policy_is_spelled_out),
		cmocka_unit_test(test_builtin_policy_has_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
