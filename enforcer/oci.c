// SPDX-License-Identifier: Apache-2.0
/*
 * OCI state and config.json to container facts: id, pid, mounts, and who it belongs to.
 */
#include "enforcer/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enforcer/oci_declared.h"
#include "enforcer/oci_image.h"
#include "enforcer/util.h"

#define ID_BYTES_MAX 1024 /* the runtime spec has no limit; runc's is 1024 */

static void put_json(struct json_object **object)
{
	json_object_put(*object);
	*object = NULL;
}

static int fail(char *reterr, const char *what)
{
	snprintf(reterr, OCI_ERROR_BYTES, "%s", what);
	return -EINVAL;
}

static const char *get_string(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &value))
		return NULL;
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static struct json_object *get_member(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

/* Reads all of a regular file through its descriptor, NUL-terminated. */
static int read_all(int fd, char **ret)
{
	struct stat st;
	char *text;
	size_t used = 0;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size > (off_t)OCI_CONFIG_BYTES_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (used < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + used, (size_t)st.st_size - used, (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	*ret = text;
	return 0;
}

static int add_annotation(struct container_facts *facts, const char *key, const char *value)
{
	struct container_label *grown;

	for (size_t i = 0; i < facts->n_annotations; i++) {
		if (!strcmp(facts->annotations[i].key, key))
			return 0; /* the config's word stands; the state repeats it */
	}
	if (facts->n_annotations >= OCI_LABELS_MAX)
		return -E2BIG; /* what falls out could be the namespace, and with it the policy */
	grown = realloc(facts->annotations, (facts->n_annotations + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	facts->annotations = grown;
	grown += facts->n_annotations;
	grown->key = strdup(key);
	grown->value = strdup(value);
	facts->n_annotations++; /* counted before the check, so that release frees the half */
	return grown->key && grown->value ? 0 : -ENOMEM;
}

static int add_annotations(struct container_facts *facts, struct json_object *owner)
{
	struct json_object *annotations = get_member(owner, "annotations", json_type_object);
	int err = 0;

	if (!annotations)
		return 0;
	json_object_object_foreach(annotations, key, value) {
		if (!err && json_object_is_type(value, json_type_string))
			err = add_annotation(facts, key, json_object_get_string(value));
	}
	return err;
}

/* The place of the last option of that name, counted from 1; 0: there is none. */
static size_t find_option(struct json_object *mount, const char *wanted)
{
	struct json_object *options = get_member(mount, "options", json_type_array);

	for (size_t i = options ? json_object_array_length(options) : 0; i > 0; i--) {
		const char *option = json_object_get_string(json_object_array_get_idx(options, i - 1));

		if (option && !strcmp(option, wanted))
			return i;
	}
	return 0;
}

/* Later options overrule earlier ones, and what is not clearly read-only counts as writable. */
static bool is_read_only(struct json_object *mount)
{
	size_t ro = find_option(mount, "ro"), rro = find_option(mount, "rro");
	size_t last = ro > rro ? ro : rro;

	return last > find_option(mount, "rw") && last > find_option(mount, "rrw");
}

static bool is_bind(struct json_object *mount)
{
	const char *type = get_string(mount, "type");

	return (type && !strcmp(type, "bind")) || find_option(mount, "bind") || find_option(mount, "rbind");
}

static int add_mounts(struct oci_container *oci, struct json_object *config, char *reterr)
{
	struct json_object *mounts = get_member(config, "mounts", json_type_array);
	size_t n = mounts ? json_object_array_length(mounts) : 0;

	if (n > OCI_MOUNTS_MAX) {
		fail(reterr, "config.json declares too many mounts");
		return -E2BIG;
	}
	oci->mounts = calloc(n + 1, sizeof(*oci->mounts));
	if (!oci->mounts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct json_object *mount = json_object_array_get_idx(mounts, i);
		const char *destination = get_string(mount, "destination");
		struct oci_mount *to = &oci->mounts[oci->n_mounts];

		if (!destination || destination[0] != '/' || !is_bind(mount))
			continue;
		to->destination = strdup(destination);
		if (!to->destination)
			return -ENOMEM;
		to->read_only = is_read_only(mount);
		oci->n_mounts++;
	}
	return 0;
}

static int add_program(struct container_facts *facts, struct json_object *config)
{
	struct json_object *process = get_member(config, "process", json_type_object);
	struct json_object *args = process ? get_member(process, "args", json_type_array) : NULL;
	const char *program;

	if (!args || json_object_array_length(args) == 0)
		return 0;
	program = json_object_get_string(json_object_array_get_idx(args, 0));
	facts->program = program ? strdup(program) : NULL;
	return program && !facts->program ? -ENOMEM : 0;
}

static int fill_state(struct oci_container *oci, struct json_object *state, char *reterr)
{
	const char *id = get_string(state, "id");
	struct json_object *pid = get_member(state, "pid", json_type_int);

	if (!id || !*id || strlen(id) > ID_BYTES_MAX)
		return fail(reterr, "the OCI state has no id");
	if (!pid || json_object_get_int64(pid) <= 0 || json_object_get_int64(pid) > INT32_MAX)
		return fail(reterr, "the OCI state has no pid: is this a createRuntime hook?");
	oci->pid = (pid_t)json_object_get_int64(pid);
	oci->facts.id = strdup(id);
	return oci->facts.id ? 0 : -ENOMEM;
}

static int fill(struct oci_container *oci, struct json_object *state, struct json_object *config, char *reterr)
{
	int err = fill_state(oci, state, reterr);

	if (!err)
		err = add_annotations(&oci->facts, config);
	if (!err)
		err = add_annotations(&oci->facts, state);
	if (!err)
		err = add_mounts(oci, config, reterr);
	if (!err)
		err = add_program(&oci->facts, config);
	if (!err)
		err = oci_declared_facts(&oci->facts, config);
	if (!err)
		err = oci_image_facts(&oci->facts, get_string(state, "bundle"));
	if (err == -E2BIG && !reterr[0])
		fail(reterr, "it has too many annotations or labels");
	if (err == -EBADMSG)
		fail(reterr, "its annotations contradict each other about who it is");
	return err;
}

int oci_parse(const char *state_json, int config_fd, struct oci_container **ret, char *reterr)
{
	_cleanup_(put_json) struct json_object *state = json_tokener_parse(state_json);
	_cleanup_(put_json) struct json_object *config = NULL;
	_cleanup_(oci_free) struct oci_container *oci = calloc(1, sizeof(*oci));
	_cleanup_(free_ptr) char *text = NULL;
	int err;

	if (!oci)
		return -ENOMEM;
	if (!json_object_is_type(state, json_type_object))
		return fail(reterr, "the OCI state is not a JSON object");
	err = read_all(config_fd, &text);
	if (err) {
		snprintf(reterr, OCI_ERROR_BYTES, "cannot read config.json: %s", strerror(-err));
		return err;
	}
	config = json_tokener_parse(text);
	if (!json_object_is_type(config, json_type_object))
		return fail(reterr, "config.json is not a JSON object");
	reterr[0] = '\0';
	err = fill(oci, state, config, reterr);
	if (err) {
		if (!reterr[0])
			snprintf(reterr, OCI_ERROR_BYTES, "%s", strerror(-err));
		return err;
	}
	*ret = TAKE_PTR(oci);
	return 0;
}

void oci_free(struct oci_container **oci)
{
	if (!*oci)
		return;
	for (size_t i = 0; i < (*oci)->n_mounts; i++)
		free((*oci)->mounts[i].destination);
	free((*oci)->mounts);
	container_facts_release(&(*oci)->facts);
	free(*oci);
	*oci = NULL;
}
