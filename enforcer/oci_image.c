// SPDX-License-Identifier: Apache-2.0
/*
 * Annotation keys of the runtimes to namespace, pod, image and labels; podman's image from its store.
 */
#include "enforcer/oci_image.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/oci.h"
#include "enforcer/util.h"

#define STORE_BYTES_MAX (32u << 20) /* podman's containers.json: about 1 kB a container */
#define PATH_BYTES 4096

/* The first of the keys that is there gives the fact. A pod's author may write annotations in the name of another runtime than
 * his own (CRI-O passes them on), so keys that runtimes fill in themselves must agree where several are there. */
static const struct {
	const char *key;
	size_t offset;
	bool told_by_runtime;
} keys[] = {
	{ "io.kubernetes.cri.sandbox-namespace", offsetof(struct container_facts, namespace_), true },
	{ "io.kubernetes.cri-o.Namespace", offsetof(struct container_facts, namespace_), true },
	{ "io.kubernetes.pod.namespace", offsetof(struct container_facts, namespace_), true },
	{ "io.kubernetes.cri.sandbox-name", offsetof(struct container_facts, pod), true },
	{ "io.kubernetes.cri-o.KubeName", offsetof(struct container_facts, pod), true },
	{ "io.kubernetes.pod.name", offsetof(struct container_facts, pod), true },
	{ "io.kubernetes.cri.sandbox-uid", offsetof(struct container_facts, pod_uid), true },
	{ "io.kubernetes.pod.uid", offsetof(struct container_facts, pod_uid), true },
	{ "io.kubernetes.cri.container-name", offsetof(struct container_facts, name), true },
	{ "io.kubernetes.container.name", offsetof(struct container_facts, name), true },
	{ "io.kubernetes.cri.image-name", offsetof(struct container_facts, image), true },
	{ "io.kubernetes.cri.podsandbox.image-name", offsetof(struct container_facts, image), false },
	{ "io.kubernetes.cri-o.ImageName", offsetof(struct container_facts, image), true },
	{ "io.kubernetes.cri-o.Image", offsetof(struct container_facts, image), false },
	{ "org.opencontainers.image.ref.name", offsetof(struct container_facts, image), false },
	{ "io.kubernetes.cri-o.ImageRef", offsetof(struct container_facts, image_digest), false },
};

/* A key with one of these beginnings gives the manager away. */
static const struct {
	const char *prefix, *manager;
} managers[] = {
	{ "io.container.manager", "podman" }, /* first: podman borrows CRI-O's keys as well */
	{ "io.podman.", "podman" },
	{ "io.kubernetes.cri-o.", "cri-o" },
	{ "io.kubernetes.cri.", "containerd" },
	{ "nerdctl/", "containerd" },
};

static const char *annotation(const struct container_facts *facts, const char *key)
{
	for (size_t i = 0; i < facts->n_annotations; i++) {
		if (!strcmp(facts->annotations[i].key, key))
			return facts->annotations[i].value;
	}
	return NULL;
}

static int set(char **field, const char *value)
{
	if (*field || !value || !*value)
		return 0;
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

static int set_manager(struct container_facts *facts)
{
	for (size_t m = 0; m < ARRAY_SIZE(managers); m++) {
		for (size_t i = 0; i < facts->n_annotations; i++) {
			if (!strncmp(facts->annotations[i].key, managers[m].prefix, strlen(managers[m].prefix)))
				return set(&facts->manager, managers[m].manager);
		}
	}
	return set(&facts->manager, "oci");
}

static bool is_contradicted(const char *fact, const char *value)
{
	return fact && value && *value && strcmp(fact, value) != 0;
}

/* All facts that keys give; -EBADMSG when they contradict each other. */
static int set_from_keys(struct container_facts *facts)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char **fact = (char **)((char *)facts + keys[i].offset);
		const char *value = annotation(facts, keys[i].key);

		if (keys[i].told_by_runtime && is_contradicted(*fact, value))
			return -EBADMSG;
		if (set(fact, value))
			return -ENOMEM;
	}
	return 0;
}

static int add_label(struct container_facts *facts, const char *key, const char *value)
{
	struct container_label *grown;

	if (facts->n_labels >= OCI_LABELS_MAX)
		return -E2BIG;
	grown = realloc(facts->labels, (facts->n_labels + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	facts->labels = grown;
	grown += facts->n_labels++;
	grown->key = strdup(key);
	grown->value = strdup(value);
	return grown->key && grown->value ? 0 : -ENOMEM;
}

/* CRI-O gives the pod's labels as JSON in an annotation. */
static int add_labels(struct container_facts *facts)
{
	const char *text = annotation(facts, "io.kubernetes.cri-o.Labels");
	struct json_object *labels = text ? json_tokener_parse(text) : NULL;
	int err = 0;

	if (json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach(labels, key, value) {
			if (!err && json_object_is_type(value, json_type_string))
				err = add_label(facts, key, json_object_get_string(value));
		}
	}
	json_object_put(labels);
	return err;
}

/* The text of a bounded regular file, or NULL. */
static char *read_file(const char *path)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	char *text;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > (off_t)STORE_BYTES_MAX)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return NULL;
	n = read(fd, text, (size_t)st.st_size);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int set_from_metadata(struct container_facts *facts, const char *text)
{
	struct json_object *metadata = text ? json_tokener_parse(text) : NULL, *value;
	int err = 0;

	if (json_object_is_type(metadata, json_type_object)) {
		if (json_object_object_get_ex(metadata, "image-name", &value))
			err = set(&facts->image, json_object_get_string(value));
		if (!err && json_object_object_get_ex(metadata, "name", &value))
			err = set(&facts->name, json_object_get_string(value));
	}
	json_object_put(metadata);
	return err;
}

static int set_from_store(struct container_facts *facts, const char *path)
{
	_cleanup_(free_ptr) char *text = read_file(path);
	struct json_object *store, *value;
	int err = 0;

	store = text ? json_tokener_parse(text) : NULL;
	for (size_t i = 0; json_object_is_type(store, json_type_array) && i < json_object_array_length(store); i++) {
		struct json_object *entry = json_object_array_get_idx(store, i);
		const char *id = json_object_object_get_ex(entry, "id", &value) ? json_object_get_string(value) : NULL;

		if (!id || strcmp(id, facts->id))
			continue;
		if (json_object_object_get_ex(entry, "metadata", &value))
			err = set_from_metadata(facts, json_object_get_string(value));
		break;
	}
	json_object_put(store);
	return err;
}

/* podman: <store>/overlay-containers/<id>/userdata is the bundle, and beside the containers' folders lie files with the names;
 * newer ones keep containers of `run --rm` in a file of their own. A store that cannot be read leaves the facts unknown. */
static int set_from_podman(struct container_facts *facts, const char *bundle)
{
	static const char *const stores[] = { "containers.json", "volatile-containers.json" };
	char path[PATH_BYTES];
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(stores); i++) {
		if (snprintf(path, sizeof(path), "%s/../../%s", bundle, stores[i]) < (int)sizeof(path))
			err = set_from_store(facts, path);
	}
	return err;
}

int oci_image_facts(struct container_facts *facts, const char *bundle)
{
	int err = set_manager(facts);

	if (!err)
		err = set_from_keys(facts);
	if (!err)
		err = add_labels(facts);
	if (!err && bundle && !strcmp(facts->manager, "podman"))
		err = set_from_podman(facts, bundle);
	return err;
}
