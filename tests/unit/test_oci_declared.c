// SPDX-License-Identifier: Apache-2.0
/* What config.json declares, for rules: mounts and privilege, through a state file and back; odd shapes are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "enforcer/oci.h"
#include "enforcer/oci_declared.h"

#define PRIVILEGED_CAPABILITIES "\"CAP_SYS_ADMIN\",\"CAP_SYS_MODULE\",\"CAP_SYS_RAWIO\",\"CAP_SYS_PTRACE\""

static void read_config(const char *config, struct container_facts *ret)
{
	struct json_object *o = json_tokener_parse(config);

	assert_non_null(o);
	*ret = (struct container_facts){ 0 };
	assert_int_equal(oci_declared_facts(ret, o), 0);
	json_object_put(o);
}

static void assert_mount(const struct container_declared *mount, const char *source, const char *destination, bool writable,
			 const char *propagation)
{
	assert_string_equal(mount->source, source);
	assert_string_equal(mount->destination, destination);
	assert_string_equal(mount->propagation, propagation);
	assert_int_equal(mount->writable, writable);
}

static void test_bind_mounts_are_told(void **state)
{
	struct container_facts facts;

	(void)state;
	read_config("{\"mounts\":["
		    "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/srv/data\",\"options\":[\"rbind\",\"ro\",\"rslave\"]},"
		    "{\"destination\":\"/run/docker.sock\",\"source\":\"/run/docker.sock\",\"options\":[\"bind\"]},"
		    "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		    "{\"destination\":\"/both\",\"type\":\"bind\",\"source\":\"/srv\",\"options\":[\"ro\",\"rw\"]}]}",
		    &facts);
	assert_int_equal(facts.n_declared, 3);
	assert_mount(&facts.declared[0], "/srv/data", "/data", false, "rslave");
	assert_mount(&facts.declared[1], "/run/docker.sock", "/run/docker.sock", true, "");
	assert_mount(&facts.declared[2], "/srv", "/both", true, "");
	oci_declared_release(&facts);
}

static void test_odd_shapes_are_left_out(void **state)
{
	static const char *const configs[] = {
		"{}", "[]", "7", "{\"mounts\":{}}", "{\"mounts\":[1,null,\"x\",[]]}", "{\"mounts\":[{\"type\":\"bind\",\"source\":\"/a\"}]}",
		"{\"mounts\":[{\"type\":\"bind\",\"destination\":\"/a\"}]}",
		"{\"mounts\":[{\"type\":\"bind\",\"destination\":7,\"source\":\"/a\"}]}",
		"{\"mounts\":[{\"destination\":\"/a\",\"source\":\"/a\",\"options\":\"bind\"}]}",
		"{\"mounts\":[{\"destination\":\"/a\",\"source\":\"/a\",\"options\":[null,3,[]]}]}", "{\"process\":[],\"linux\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct container_facts facts;

		read_config(configs[i], &facts);
		assert_int_equal(facts.n_declared, 0);
		assert_int_equal(facts.privileged, CONTAINER_PRIVILEGED_NO);
		oci_declared_release(&facts);
	}
}

static enum container_privileged privileged(const char *config)
{
	struct container_facts facts;

	read_config(config, &facts);
	oci_declared_release(&facts);
	return facts.privileged;
}

static void test_privilege_is_capabilities_and_nothing_masked(void **state)
{
	(void)state;
	assert_int_equal(privileged("{\"process\":{\"capabilities\":{\"bounding\":[" PRIVILEGED_CAPABILITIES "]}}}"),
			 CONTAINER_PRIVILEGED_YES);
	assert_int_equal(privileged("{\"process\":{\"capabilities\":{\"bounding\":[" PRIVILEGED_CAPABILITIES
				    "]}},\"linux\":{\"maskedPaths\":[]}}"),
			 CONTAINER_PRIVILEGED_YES);
	assert_int_equal(privileged("{\"process\":{\"capabilities\":{\"bounding\":[" PRIVILEGED_CAPABILITIES
				    "]}},\"linux\":{\"maskedPaths\":[\"/proc/kcore\"]}}"),
			 CONTAINER_PRIVILEGED_NO);
	assert_int_equal(privileged("{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\",\"CAP_SYS_MODULE\","
				    "\"CAP_SYS_RAWIO\",\"CAP_SYS_PTRAC\"]}}}"),
			 CONTAINER_PRIVILEGED_NO);
	assert_int_equal(privileged("{\"process\":{\"capabilities\":{\"effective\":[" PRIVILEGED_CAPABILITIES "]}}}"),
			 CONTAINER_PRIVILEGED_NO);
}

static void test_no_more_mounts_than_the_limit(void **state)
{
	struct json_object *config = json_object_new_object(), *mounts = json_object_new_array();
	struct container_facts facts = { 0 };

	(void)state;
	for (unsigned int i = 0; i < OCI_MOUNTS_MAX + 10; i++)
		json_object_array_add(mounts, json_tokener_parse("{\"type\":\"bind\",\"source\":\"/s\",\"destination\":\"/d\"}"));
	json_object_object_add(config, "mounts", mounts);
	assert_int_equal(oci_declared_facts(&facts, config), 0);
	assert_int_equal(facts.n_declared, OCI_MOUNTS_MAX);
	oci_declared_release(&facts);
	json_object_put(config);
}

static void test_state_file_and_back(void **state)
{
	struct json_object *saved = json_object_new_object(), *read;
	struct container_facts facts, again = { 0 };

	(void)state;
	read_config("{\"mounts\":[{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"/s\",\"options\":[\"ro\",\"shared\"]},"
		    "{\"destination\":\"/e\",\"type\":\"bind\",\"source\":\"/t\"}]}",
		    &facts);
	oci_declared_save(&facts, saved);
	read = json_tokener_parse(json_object_to_json_string(saved));
	assert_int_equal(oci_declared_restore(&again, read), 0);
	assert_int_equal(again.n_declared, 2);
	assert_mount(&again.declared[0], "/s", "/d", false, "shared");
	assert_mount(&again.declared[1], "/t", "/e", true, "");
	assert_int_equal(again.privileged, CONTAINER_PRIVILEGED_NO);
	oci_declared_release(&facts);
	oci_declared_release(&again);
	json_object_put(saved);
	json_object_put(read);
}

static void test_state_file_of_before_and_a_damaged_one(void **state)
{
	static const char *const states[] = {
		"{}", "{\"declared\":7,\"privileged\":\"yes\"}", "{\"declared\":[{\"source\":\"/s\"},3],\"privileged\":77}",
		"{\"declared\":[{\"source\":\"/s\",\"destination\":\"/d\",\"mode\":\"\"}],\"privileged\":-5}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct json_object *o = json_tokener_parse(states[i]);
		struct container_facts facts = { .privileged = CONTAINER_PRIVILEGED_YES };

		assert_int_equal(oci_declared_restore(&facts, o), 0);
		assert_int_equal(facts.n_declared, 0);
		assert_int_equal(facts.privileged, CONTAINER_PRIVILEGED_UNKNOWN);
		oci_declared_release(&facts);
		json_object_put(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind_mounts_are_told),
		cmocka_unit_test(test_odd_shapes_are_left_out),
		cmocka_unit_test(test_privilege_is_capabilities_and_nothing_masked),
		cmocka_unit_test(test_no_more_mounts_than_the_limit),
		cmocka_unit_test(test_state_file_and_back),
		cmocka_unit_test(test_state_file_of_before_and_a_damaged_one),
	};

	return cmocka_run_group_tests_name("oci_declared", tests, NULL, NULL);
}
