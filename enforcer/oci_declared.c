// SPDX-License-Identifier: Apache-2.0
/* Declared mounts and privilege. Contracts: oci_declared.h. */
#include "enforcer/oci_declared.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/oci.h"
#include "enforcer/util.h"

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

static const char *string(struct json_object *o, const char *key)
{
	struct json_object *value = member(o, key, json_type_string);

	return value ? json_object_get_string(value) : NULL;
}

static int add_mount(struct container_facts *facts, const struct container_declared *mount)
{
	struct container_declared *grown = realloc(facts->declared, (facts->n_declared + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	facts->declared = grown;
	grown += facts->n_declared;
	*grown = (struct container_declared){ .source = strdup(mount->source), .destination = strdup(mount->destination),
					      .mode = strdup(mount->mode), .propagation = strdup(mount->propagation),
					      .writable = mount->writable };
	facts->n_declared++; /* counted before the check, so that release frees the half */
	return grown->source && grown->destination && grown->mode && grown->propagation ? 0 : -ENOMEM;
}

/* The options that say something to rules. *ret_bind: it is a bind mount. */
static void read_options(struct json_object *mount, struct container_declared *ret, bool *ret_bind)
{
	static const char *const propagations[] = { "private", "rprivate", "shared", "rshared", "slave", "rslave" };
	struct json_object *options = member(mount, "options", json_type_array);

	for (size_t i = 0; options && i < json_object_array_length(options); i++) {
		const char *option = json_object_get_string(json_object_array_get_idx(options, i));

		if (!option)
			continue;
		if (!strcmp(option, "bind") || !strcmp(option, "rbind"))
			*ret_bind = true;
		if (!strcmp(option, "ro") || !strcmp(option, "rro"))
			ret->writable = false;
		if (!strcmp(option, "rw") || !strcmp(option, "rrw"))
			ret->writable = true;
		for (size_t j = 0; j < ARRAY_SIZE(propagations); j++)
			if (!strcmp(option, propagations[j]))
				ret->propagation = (char *)propagations[j];
	}
}

static int add_mounts(struct container_facts *facts, struct json_object *config)
{
	struct json_object *mounts = member(config, "mounts", json_type_array);
	int err = 0;

	for (size_t i = 0; !err && mounts && i < json_object_array_length(mounts) && i < OCI_MOUNTS_MAX; i++) {
		struct json_object *mount = json_object_array_get_idx(mounts, i);
		const char *source = string(mount, "source"), *destination = string(mount, "destination"), *type = string(mount, "type");
		bool bind = type && !strcmp(type, "bind");
		struct container_declared declared = { .mode = "", .propagation = "", .writable = true };

		if (!source || !destination)
			continue;
		read_options(mount, &declared, &bind);
		declared.source = (char *)source;
		declared.destination = (char *)destination;
		if (bind)
			err = add_mount(facts, &declared);
	}
	return err;
}

static bool has_capability(struct json_object *list, const char *name)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		const char *capability = json_object_get_string(json_object_array_get_idx(list, i));

		if (capability && !strcmp(capability, name))
			return true;
	}
	return false;
}

static bool is_privileged(struct json_object *config)
{
	static const char *const wanted[] = { "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_PTRACE" };
	struct json_object *capabilities = member(member(config, "process", json_type_object), "capabilities", json_type_object);
	struct json_object *masked = member(member(config, "linux", json_type_object), "maskedPaths", json_type_array);
	struct json_object *bounding = member(capabilities, "bounding", json_type_array);

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!has_capability(bounding, wanted[i]))
			return false;
	return !masked || json_object_array_length(masked) == 0;
}

int oci_declared_facts(struct container_facts *facts, struct json_object *config)
{
	facts->privileged = is_privileged(config) ? CONTAINER_PRIVILEGED_YES : CONTAINER_PRIVILEGED_NO;
	return add_mounts(facts, config);
}

void oci_declared_save(const struct container_facts *facts, struct json_object *state)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < facts->n_declared; i++) {
		const struct container_declared *mount = &facts->declared[i];
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "source", json_object_new_string(mount->source));
		json_object_object_add(o, "destination", json_object_new_string(mount->destination));
		json_object_object_add(o, "mode", json_object_new_string(mount->mode));
		json_object_object_add(o, "propagation", json_object_new_string(mount->propagation));
		json_object_object_add(o, "writable", json_object_new_boolean(mount->writable));
		json_object_array_add(list, o);
	}
	json_object_object_add(state, "declared", list);
	json_object_object_add(state, "privileged", json_object_new_int(facts->privileged));
}

int oci_declared_restore(struct container_facts *facts, struct json_object *state)
{
	struct json_object *list = member(state, "declared", json_type_array), *privileged = member(state, "privileged", json_type_int);
	int err = 0, known = privileged ? json_object_get_int(privileged) : 0;

	facts->privileged = known == CONTAINER_PRIVILEGED_YES || known == CONTAINER_PRIVILEGED_NO ? (enum container_privileged)known :
												    CONTAINER_PRIVILEGED_UNKNOWN;
	for (size_t i = 0; !err && list && i < json_object_array_length(list) && i < OCI_MOUNTS_MAX; i++) {
		struct json_object *o = json_object_array_get_idx(list, i), *writable = member(o, "writable", json_type_boolean);
		struct container_declared mount = {
			.source = (char *)string(o, "source"), .destination = (char *)string(o, "destination"),
			.mode = (char *)string(o, "mode"), .propagation = (char *)string(o, "propagation"),
			.writable = !writable || json_object_get_boolean(writable),
		};

		if (mount.source && mount.destination && mount.mode && mount.propagation)
			err = add_mount(facts, &mount);
	}
	return err;
}

void oci_declared_release(struct container_facts *facts)
{
	for (size_t i = 0; i < facts->n_declared; i++) {
		free(facts->declared[i].source);
		free(facts->declared[i].destination);
		free(facts->declared[i].mode);
		free(facts->declared[i].propagation);
	}
	free(facts->declared);
}
