// SPDX-License-Identifier: Apache-2.0
/* What runtimes send when a container starts: facts of each runtime, mounts, and everything that is not what it should be. */
#include "enforcer/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "enforcer/util.h"
#include "tests/unit/imagedb_tree.h"

#define STATE "{\"ociVersion\":\"1.0.2\",\"id\":\"abc\",\"status\":\"created\",\"pid\":42,\"bundle\":\"/b\"}"
#define BIG_BYTES (1u << 20)

/* config.json in memory, at its start. */
static int make_config(const char *text)
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int try(const char *state_json, const char *config_json, struct oci_container **ret, char *reterr)
{
	_cleanup_(close_fd) int fd = make_config(config_json);

	return oci_parse(state_json, fd, ret, reterr);
}

static struct oci_container *must(const char *state_json, const char *config_json)
{
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES] = "";

	if (try(state_json, config_json, &oci, error))
		fail_msg("%s: %s", config_json, error);
	assert_non_null(oci);
	return oci;
}

/* A refusal says why and leaves the output alone. */
static void must_fail(const char *state_json, const char *config_json, int expected)
{
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES] = "";
	int err = try(state_json, config_json, &oci, error);

	if (err != expected)
		fail_msg("%.80s, %.80s: %d (%s)", state_json, config_json, err, error);
	assert_null(oci);
	assert_true(error[0] != '\0');
}

static void same(const char *value, const char *expected)
{
	if (!expected)
		assert_null(value);
	else if (!value || strcmp(value, expected) != 0)
		fail_msg("%s instead of %s", value ? value : "(none)", expected);
}

/* Annotations as the runtimes write them, shortened. */
static const struct {
	const char *annotations;
	const char *manager, *namespace_, *pod, *pod_uid, *name, *image, *digest;
} runtimes[] = {
	{ "", "oci", NULL, NULL, NULL, NULL, NULL, NULL }, /* runc or crun by hand, docker */
	{ "\"org.opencontainers.image.ref.name\":\"web:1\"", "oci", NULL, NULL, NULL, NULL, "web:1", NULL },
	{ "\"io.container.manager\":\"libpod\",\"io.podman.annotations.autoremove\":\"TRUE\"", "podman", NULL, NULL, NULL, NULL,
	  NULL, NULL },
	{ "\"io.kubernetes.cri.container-type\":\"container\",\"io.kubernetes.cri.container-name\":\"web\","
	  "\"io.kubernetes.cri.image-name\":\"registry.example/web:1\",\"io.kubernetes.cri.sandbox-id\":\"f00\","
	  "\"io.kubernetes.cri.sandbox-name\":\"web-0\",\"io.kubernetes.cri.sandbox-namespace\":\"prod\","
	  "\"io.kubernetes.cri.sandbox-uid\":\"uid-1\"",
	  "containerd", "prod", "web-0", "uid-1", "web", "registry.example/web:1", NULL },
	{ "\"io.kubernetes.cri.container-type\":\"sandbox\",\"io.kubernetes.cri.podsandbox.image-name\":\"pause:3\","
	  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"",
	  "containerd", "prod", NULL, NULL, NULL, "pause:3", NULL },
	{ "\"nerdctl/namespace\":\"default\"", "containerd", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "\"io.kubernetes.cri-o.Namespace\":\"prod\",\"io.kubernetes.pod.namespace\":\"prod\","
	  "\"io.kubernetes.cri-o.KubeName\":\"web-0\",\"io.kubernetes.pod.name\":\"web-0\",\"io.kubernetes.pod.uid\":\"uid-1\","
	  "\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.cri-o.ImageName\":\"registry.example/web:1\","
	  "\"io.kubernetes.cri-o.Image\":\"9f2b\",\"io.kubernetes.cri-o.ImageRef\":\"registry.example/web@sha256:9f2b\","
	  "\"io.container.manager\":\"\"",
	  "podman", "prod", "web-0", "uid-1", "web", "registry.example/web:1", "registry.example/web@sha256:9f2b" },
	{ "\"io.kubernetes.cri-o.Image\":\"9f2b\",\"io.kubernetes.pod.namespace\":\"prod\"", "cri-o", "prod", NULL, NULL, NULL,
	  "9f2b", NULL },
	{ "\"io.kubernetes.cri.sandbox-namespace\":\"\",\"io.kubernetes.pod.namespace\":\"prod\"", "containerd", "prod", NULL,
	  NULL, NULL, NULL, NULL }, /* an empty value tells nothing */
};

static void test_each_runtime_tells_its_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		char config[4096];
		struct oci_container *oci;

		snprintf(config, sizeof(config), "{\"process\":{\"args\":[\"/bin/web\",\"-f\"]},\"annotations\":{%s}}",
			 runtimes[i].annotations);
		oci = must(STATE, config);
		assert_string_equal(oci->facts.id, "abc");
		assert_int_equal(oci->pid, 42);
		same(oci->facts.program, "/bin/web");
		same(oci->facts.manager, runtimes[i].manager);
		same(oci->facts.namespace_, runtimes[i].namespace_);
		same(oci->facts.pod, runtimes[i].pod);
		same(oci->facts.pod_uid, runtimes[i].pod_uid);
		same(oci->facts.name, runtimes[i].name);
		same(oci->facts.image, runtimes[i].image);
		same(oci->facts.image_digest, runtimes[i].digest);
		oci_free(&oci);
		assert_null(oci);
	}
}

/* Who writes annotations must not be able to speak for the runtime: in the keys of another one. */
static void test_contradictions_are_refused(void **state)
{
	static const char *const keys[][2] = {
		{ "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri-o.Namespace" },
		{ "io.kubernetes.pod.namespace", "io.kubernetes.cri-o.Namespace" },
		{ "io.kubernetes.cri.sandbox-name", "io.kubernetes.cri-o.KubeName" },
		{ "io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid" },
		{ "io.kubernetes.cri.container-name", "io.kubernetes.container.name" },
		{ "io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName" },
		{ "io.kubernetes.cri.podsandbox.image-name", "io.kubernetes.cri-o.ImageName" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char config[512];
		struct oci_container *oci;

		snprintf(config, sizeof(config), "{\"annotations\":{\"%s\":\"a\",\"%s\":\"b\"}}", keys[i][0], keys[i][1]);
		must_fail(STATE, config, -EBADMSG);
		snprintf(config, sizeof(config), "{\"annotations\":{\"%s\":\"a\",\"%s\":\"a\"}}", keys[i][0], keys[i][1]);
		oci = must(STATE, config);
		oci_free(&oci);
	}
}

static void test_config_stands_above_the_state(void **state)
{
	struct oci_container *oci =
		must("{\"id\":\"abc\",\"pid\":42,\"annotations\":{\"io.kubernetes.pod.namespace\":\"state\",\"only\":\"here\","
		     "\"n\":7,\"null\":null}}",
		     "{\"annotations\":{\"io.kubernetes.pod.namespace\":\"config\",\"list\":[\"x\"]}}");

	(void)state;
	assert_string_equal(oci->facts.namespace_, "config");
	assert_int_equal(oci->facts.n_annotations, 2); /* what is no text is none */
	assert_string_equal(oci->facts.annotations[1].key, "only");
	assert_string_equal(oci->facts.annotations[1].value, "here");
	oci_free(&oci);
}

static void test_labels_come_from_the_annotation_of_cri_o(void **state)
{
	static const struct {
		const char *labels;
		size_t n;
	} rows[] = {
		{ "{\\\"tier\\\":\\\"web\\\",\\\"x\\\":\\\"\\\"}", 2 },
		{ "{\\\"tier\\\":\\\"web\\\",\\\"n\\\":1,\\\"o\\\":{},\\\"null\\\":null}", 1 },
		{ "{}", 0 },
		{ "[\\\"tier\\\"]", 0 },
		{ "not JSON", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char config[512];
		struct oci_container *oci;

		snprintf(config, sizeof(config), "{\"annotations\":{\"io.kubernetes.cri-o.Labels\":\"%s\"}}", rows[i].labels);
		oci = must(STATE, config);
		assert_int_equal(oci->facts.n_labels, rows[i].n);
		if (rows[i].n) {
			assert_string_equal(oci->facts.labels[0].key, "tier");
			assert_string_equal(oci->facts.labels[0].value, "web");
		}
		oci_free(&oci);
	}
}

static void put_text(int dir_fd, const char *name, const char *text)
{
	tree_put(dir_fd, name, text, strlen(text), 0600);
}

#define STORE_ENTRY(id, metadata) "[{\"id\":\"other\",\"metadata\":\"{}\"},7,{\"id\":\"" id "\",\"metadata\":" metadata "}]"
#define METADATA "\"{\\\"image-name\\\":\\\"localhost/web:1\\\",\\\"name\\\":\\\"jolly\\\"}\""

/* podman keeps the image in a file beside the bundles. */
static void test_podman_tells_the_image_in_its_store(void **state)
{
	static const struct {
		const char *file, *text, *image, *name;
	} rows[] = {
		{ "containers.json", STORE_ENTRY("abc", METADATA), "localhost/web:1", "jolly" },
		{ "volatile-containers.json", STORE_ENTRY("abc", METADATA), "localhost/web:1", "jolly" },
		{ "containers.json", STORE_ENTRY("abcd", METADATA), NULL, NULL },
		{ "containers.json", STORE_ENTRY("abc", "\"not JSON\""), NULL, NULL },
		{ "containers.json", STORE_ENTRY("abc", "7"), NULL, NULL },
		{ "containers.json", STORE_ENTRY("abc", "null"), NULL, NULL },
		{ "containers.json", STORE_ENTRY("abc", "\"{\\\"image-name\\\":null}\""), NULL, NULL },
		{ "containers.json", "{\"id\":\"abc\"}", NULL, NULL },
		{ "containers.json", "[", NULL, NULL },
		{ "containers.json", "", NULL, NULL },
		{ "elsewhere.json", STORE_ENTRY("abc", METADATA), NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tree *tree = tree_new();
		int id_fd = tree_mkdir(tree->fd, "abc"), bundle_fd = tree_mkdir(id_fd, "userdata");
		struct oci_container *oci;
		char json[PATH_MAX + 128];

		put_text(tree->fd, rows[i].file, rows[i].text);
		snprintf(json, sizeof(json), "{\"id\":\"abc\",\"pid\":1,\"bundle\":\"%s/abc/userdata\"}", tree->path);
		oci = must(json, "{\"annotations\":{\"io.container.manager\":\"libpod\"}}");
		same(oci->facts.image, rows[i].image);
		same(oci->facts.name, rows[i].name);
		oci_free(&oci);
		oci = must(json, "{}"); /* not podman's: not looked for */
		assert_null(oci->facts.image);
		oci_free(&oci);
		close(bundle_fd);
		close(id_fd);
		tree_free(tree);
	}
}

static void test_bind_mounts_are_volumes(void **state)
{
	static const struct {
		const char *mount;
		bool listed, read_only;
	} rows[] = {
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"source\":\"/s\",\"options\":[\"rbind\",\"ro\"]}", true, true },
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"rbind\",\"rw\"]}", true, false },
		{ "{\"destination\":\"/v\",\"options\":[\"bind\",\"rro\"]}", true, true },
		{ "{\"destination\":\"/v\",\"options\":[\"rbind\"]}", true, false },
		{ "{\"destination\":\"/v\",\"type\":\"bind\"}", true, false },
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"ro\",\"rw\"]}", true, false }, /* the last one holds */
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"rw\",\"ro\"]}", true, true },
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"rro\",\"rrw\"]}", true, false },
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"ro\",\"rw\",\"ro\"]}", true, true },
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":[\"roo\",7,null,[\"ro\"]]}", true, false },
		{ "{\"destination\":\"/v\",\"type\":\"bind\",\"options\":\"ro\"}", true, false },
		{ "{\"destination\":\"/v\",\"type\":\"tmpfs\",\"options\":[\"ro\"]}", false, false },
		{ "{\"destination\":\"/proc\",\"type\":\"proc\"}", false, false },
		{ "{\"destination\":\"v\",\"type\":\"bind\"}", false, false },
		{ "{\"destination\":\"\",\"type\":\"bind\"}", false, false },
		{ "{\"destination\":7,\"type\":\"bind\"}", false, false },
		{ "{\"type\":\"bind\"}", false, false },
		{ "7", false, false },
		{ "null", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char config[512];
		struct oci_container *oci;

		snprintf(config, sizeof(config), "{\"mounts\":[%s,{\"destination\":\"/z\",\"type\":\"bind\"}]}", rows[i].mount);
		oci = must(STATE, config);
		assert_int_equal(oci->n_mounts, rows[i].listed + 1);
		assert_string_equal(oci->mounts[rows[i].listed].destination, "/z");
		if (rows[i].listed && oci->mounts[0].read_only != rows[i].read_only)
			fail_msg("%s", rows[i].mount);
		oci_free(&oci);
	}
}

/* n times one thing, the index in place of %zu. */
static char *repeat(const char *head, const char *format, size_t n, const char *tail)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	fputs(head, out);
	for (size_t i = 0; i < n; i++) {
		const char *at = strstr(format, "%zu");

		fprintf(out, "%s%.*s%zu%s", i ? "," : "", (int)(at - format), format, i, at + 3);
	}
	fputs(tail, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Nothing is cut off: what falls out could be the word that counts. */
static void test_too_many_of_anything_are_refused(void **state)
{
	static const struct {
		const char *head, *format, *tail;
		size_t most;
	} rows[] = {
		{ "{\"mounts\":[", "{\"destination\":\"/%zu\",\"type\":\"bind\"}", "]}", OCI_MOUNTS_MAX },
		{ "{\"annotations\":{", "\"a%zu\":\"x\"", "}}", OCI_LABELS_MAX },
		{ "{\"annotations\":{\"io.kubernetes.cri-o.Labels\":\"{", "\\\"a%zu\\\":\\\"x\\\"", "}\"}}", OCI_LABELS_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *most = repeat(rows[i].head, rows[i].format, rows[i].most, rows[i].tail);
		char *more = repeat(rows[i].head, rows[i].format, rows[i].most + 1, rows[i].tail);
		struct oci_container *oci = must(STATE, most);

		oci_free(&oci);
		must_fail(STATE, more, -E2BIG);
		free(most);
		free(more);
	}
}

static void test_annotations_of_config_and_state_count_together(void **state)
{
	char *config = repeat("{\"annotations\":{", "\"a%zu\":\"x\"", OCI_LABELS_MAX, "}}");
	struct oci_container *oci = must("{\"id\":\"a\",\"pid\":1,\"annotations\":{\"a7\":\"x\"}}", config);

	(void)state;
	assert_int_equal(oci->facts.n_annotations, OCI_LABELS_MAX);
	oci_free(&oci);
	must_fail("{\"id\":\"a\",\"pid\":1,\"annotations\":{\"io.kubernetes.pod.namespace\":\"prod\"}}", config, -E2BIG);
	free(config);
}

static void test_state_without_id_or_pid_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "not JSON", "7", "null", "[]", "\"text\"", "{", "{}",
		"{\"id\":\"abc\"}",
		"{\"pid\":42}",
		"{\"id\":\"\",\"pid\":42}",
		"{\"id\":7,\"pid\":42}",
		"{\"id\":null,\"pid\":42}",
		"{\"id\":\"abc\",\"pid\":0}",
		"{\"id\":\"abc\",\"pid\":-1}",
		"{\"id\":\"abc\",\"pid\":2147483648}",
		"{\"id\":\"abc\",\"pid\":99999999999999999999999}",
		"{\"id\":\"abc\",\"pid\":\"42\"}",
		"{\"id\":\"abc\",\"pid\":4.2}",
		"{\"id\":\"abc\",\"pid\":true}",
		"{\"id\":\"abc\",\"pid\":null}",
	};
	struct oci_container *oci;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		must_fail(rows[i], "{}", -EINVAL);
	oci = must("{\"id\":\"abc\",\"pid\":2147483647}", "{}");
	assert_int_equal(oci->pid, INT32_MAX);
	oci_free(&oci);
}

static void test_longest_id_is_taken(void **state)
{
	static const size_t rows[] = { 1, 64, 1024, 1025, 60000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *json = malloc(rows[i] + 64);
		struct oci_container *oci = NULL;

		assert_non_null(json);
		strcpy(json, "{\"pid\":1,\"id\":\"");
		memset(json + strlen("{\"pid\":1,\"id\":\""), 'i', rows[i]);
		strcpy(json + strlen("{\"pid\":1,\"id\":\"") + rows[i], "\"}");
		if (rows[i] > 1024)
			must_fail(json, "{}", -EINVAL);
		else
			oci = must(json, "{}");
		oci_free(&oci);
		free(json);
	}
}

static void test_config_of_any_shape_is_taken_or_refused(void **state)
{
	static const char *const refused[] = { "", "not JSON", "[]", "7", "null", "{\"process\":", "\"{}\"" };
	static const char *const taken[] = {
		"{}",
		"{\"annotations\":null,\"mounts\":null,\"process\":null}",
		"{\"annotations\":[],\"mounts\":{},\"process\":[]}",
		"{\"annotations\":7,\"mounts\":\"x\",\"process\":{\"args\":{}}}",
		"{\"process\":{\"args\":[]}}",
		"{\"process\":{\"args\":[null]}}",
		"{\"process\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		must_fail(STATE, refused[i], -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		struct oci_container *oci = must(STATE, taken[i]);

		assert_null(oci->facts.program);
		assert_int_equal(oci->n_mounts, 0);
		assert_string_equal(oci->facts.manager, "oci");
		oci_free(&oci);
	}
}

static void test_deep_config_is_refused(void **state)
{
	char *text = malloc(BIG_BYTES + 64);
	size_t head = strlen("{\"x\":");

	(void)state;
	assert_non_null(text);
	strcpy(text, "{\"x\":");
	memset(text + head, '[', BIG_BYTES);
	text[head + BIG_BYTES] = '\0';
	must_fail(STATE, text, -EINVAL);
	must_fail(text, "{}", -EINVAL);
	free(text);
}

static void test_huge_config_is_refused(void **state)
{
	_cleanup_(close_fd) int fd = make_config("{}");
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES] = "";
	char *blanks = malloc(OCI_CONFIG_BYTES_MAX);

	(void)state;
	assert_non_null(blanks);
	memset(blanks, ' ', OCI_CONFIG_BYTES_MAX);
	assert_int_equal(pwrite(fd, blanks, OCI_CONFIG_BYTES_MAX - 2, 2), OCI_CONFIG_BYTES_MAX - 2);
	assert_int_equal(oci_parse(STATE, fd, &oci, error), 0);
	oci_free(&oci);
	assert_int_equal(pwrite(fd, " ", 1, OCI_CONFIG_BYTES_MAX), 1);
	assert_int_equal(oci_parse(STATE, fd, &oci, error), -EFBIG);
	assert_null(oci);
	assert_true(error[0] != '\0');
	free(blanks);
}

static void test_unreadable_config_is_refused(void **state)
{
	_cleanup_(close_fd) int fd = open("/", O_PATH | O_CLOEXEC);
	struct oci_container *oci = NULL;
	char error[OCI_ERROR_BYTES] = "";

	(void)state;
	assert_int_equal(oci_parse(STATE, -1, &oci, error), -EBADF);
	assert_non_null(strstr(error, "config.json"));
	assert_int_equal(oci_parse(STATE, fd, &oci, error), -EINVAL);
	assert_null(oci);
	oci_free(&oci);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_runtime_tells_its_facts),
		cmocka_unit_test(test_contradictions_are_refused),
		cmocka_unit_test(test_config_stands_above_the_state),
		cmocka_unit_test(test_labels_come_from_the_annotation_of_cri_o),
		cmocka_unit_test(test_podman_tells_the_image_in_its_store),
		cmocka_unit_test(test_bind_mounts_are_volumes),
		cmocka_unit_test(test_too_many_of_anything_are_refused),
		cmocka_unit_test(test_annotations_of_config_and_state_count_together),
		cmocka_unit_test(test_state_without_id_or_pid_is_refused),
		cmocka_unit_test(test_longest_id_is_taken),
		cmocka_unit_test(test_config_of_any_shape_is_taken_or_refused),
		cmocka_unit_test(test_deep_config_is_refused),
		cmocka_unit_test(test_huge_config_is_refused),
		cmocka_unit_test(test_unreadable_config_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
