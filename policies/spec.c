// SPDX-License-Identifier: Apache-2.0
/*
 * spec of a policy: walks its sections and hands each rule to the table of fields. Must not know any default.
 */
#include "policies/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Keys of one section that a message can offer. */
#define SECTION_KEYS_MAX 16

/* Keys of spec that hold no word, in the order of the reference. */
static const char *const spec_keys[] = {
	"mode",	 "selector", "executables", "libraries",   "scripts",
	"memory", "host", "volumes",  "exceptions",  "onViolation", "failurePolicy",
};
/* Sections of which every key is a word of the field table, or one of @extra. */
static const struct section {
	const char *name, *extra;
} sections[] = {
	{ "executables", NULL },      { "libraries", NULL },   { "scripts", NULL },
	{ "memory", NULL },	      { "host", NULL },	     { "volumes", "allow" },  { "onViolation", NULL },
	{ "failurePolicy", "daemonUnavailable" },
};

static int parse_field(struct policy_reader *r, const struct yaml_node *node, enum policy_field field,
		       struct policy *policy)
{
	const struct policy_field_def *def = policy_field_def(field);
	char name[POLICY_FIELD_NAME_MAX], what[POLICY_FIELD_NAME_MAX + sizeof("spec.")];
	size_t value;
	int error;

	snprintf(what, sizeof(what), "spec.%s", policy_field_name(field, name));
	error = policy_want_word(r, node, what, def->words, def->n_words, &value);
	if (error < 0)
		return error;
	policy->values[field] = (signed char)value;
	return 0;
}

static size_t list_keys(const struct section *section, const char *keys[SECTION_KEYS_MAX])
{
	size_t n = 0;

	for (unsigned int i = 0; i < _FIELD_MAX && n < SECTION_KEYS_MAX - 1; i++) {
		const struct policy_field_def *def = policy_field_def(i);

		if (def->section && strcmp(def->section, section->name) == 0)
			keys[n++] = def->key;
	}
	if (section->extra)
		keys[n++] = section->extra;
	return n;
}

static int parse_section(struct policy_reader *r, const struct yaml_node *node, const struct section *section,
			 struct policy *policy)
{
	const char *keys[SECTION_KEYS_MAX];
	char where[POLICY_FIELD_NAME_MAX];
	size_t n = list_keys(section, keys);
	int error;

	snprintf(where, sizeof(where), "spec.%s", section->name);
	error = policy_want_keys(r, node, keys, n, where);
	for (const struct yaml_node *entry = node->first; entry && error == 0; entry = entry->next) {
		enum policy_field field = policy_field_find(section->name, entry->key);

		if (field != _FIELD_MAX)
			error = parse_field(r, entry, field, policy);
	}
	return error;
}

static int parse_sections(struct policy_reader *r, const struct yaml_node *spec, struct policy *policy)
{
	int error = 0;

	for (size_t i = 0; i < COUNT(sections) && error == 0; i++) {
		const struct yaml_node *node = policy_find_key(spec, sections[i].name);

		if (node)
			error = parse_section(r, node, &sections[i], policy);
	}
	return error;
}

static int parse_volume(struct policy_reader *r, const struct yaml_node *node, struct policy *policy)
{
	static const char *const keys[] = { "path", "readOnly" };
	struct policy_volume *volume = &policy->volumes[policy->n_volumes];
	const struct yaml_node *path, *read_only;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "an entry of spec.volumes.allow");

	if (error < 0)
		return error;
	path = policy_find_key(node, "path");
	error = policy_want_string(r, node, path, "path", POLICY_PATTERN_MAX, policy_check_path, &volume->path);
	if (error < 0)
		return error;
	for (size_t i = 0; i < policy->n_volumes; i++) {
		if (strcmp(policy->volumes[i].path, volume->path) == 0)
			return policy_fail_at(r, path, "volume \"%.*s\" is listed twice; keep one", POLICY_QUOTE_MAX,
					      volume->path);
	}
	policy->n_volumes++;
	read_only = policy_find_key(node, "readOnly");
	return read_only ? policy_want_bool(r, read_only, "readOnly", &volume->read_only) : 0;
}

static int parse_volumes(struct policy_reader *r, const struct yaml_node *spec, struct policy *policy)
{
	const struct yaml_node *volumes = policy_find_key(spec, "volumes");
	const struct yaml_node *allow = volumes ? policy_find_key(volumes, "allow") : NULL;
	int error;

	if (!allow)
		return 0;
	error = policy_want_type(r, allow, YAML_SEQUENCE, "spec.volumes.allow");
	if (error < 0)
		return error;
	if (allow->count > POLICY_VOLUMES_MAX)
		return policy_fail_at(r, allow, "spec.volumes.allow has %zu entries, more than %d; remove some",
				      allow->count, POLICY_VOLUMES_MAX);
	policy->volumes = policy_arena_alloc(r->set->arena, allow->count, sizeof(*policy->volumes));
	if (!policy->volumes)
		return policy_fail_memory(r);
	for (const struct yaml_node *entry = allow->first; entry && error == 0; entry = entry->next)
		error = parse_volume(r, entry, policy);
	return error;
}

/* One word only: enforcement that ended with the daemon could be ended by killing it. */
static int parse_failure_policy(struct policy_reader *r, const struct yaml_node *spec)
{
	static const char *const words[] = { "keep" };
	const struct yaml_node *section = policy_find_key(spec, "failurePolicy");
	const struct yaml_node *node = section ? policy_find_key(section, "daemonUnavailable") : NULL;
	size_t ignored;

	if (!node)
		return 0;
	return policy_want_word(r, node, "spec.failurePolicy.daemonUnavailable", words, COUNT(words), &ignored);
}

static int parse_mode(struct policy_reader *r, const struct yaml_node *spec, struct policy *policy)
{
	const struct yaml_node *mode = policy_find_key(spec, "mode");

	if (!mode)
		return policy_fail_at(r, spec, "spec.mode is missing; write off, audit or enforce");
	return parse_field(r, mode, FIELD_MODE, policy);
}

int policy_parse_spec(struct policy_reader *r, const struct yaml_node *document, struct policy *policy)
{
	const struct yaml_node *spec = policy_find_key(document, "spec");
	const struct yaml_node *selector, *exceptions;
	int error;

	memset(policy->values, FIELD_UNSET, sizeof(policy->values));
	if (!spec)
		return policy_fail_at(r, document, "spec is missing; add it with a mode");
	error = policy_want_keys(r, spec, spec_keys, COUNT(spec_keys), "spec");
	if (error == 0)
		error = parse_mode(r, spec, policy);
	selector = policy_find_key(spec, "selector");
	if (error == 0 && selector)
		error = policy_parse_selector(r, selector, policy);
	if (error == 0)
		error = parse_sections(r, spec, policy);
	if (error == 0)
		error = parse_volumes(r, spec, policy);
	exceptions = policy_find_key(spec, "exceptions");
	if (error == 0 && exceptions)
		error = policy_parse_exceptions(r, exceptions, policy);
	if (error == 0)
		error = parse_failure_policy(r, spec);
	policy->info.mode = (enum policy_mode)policy->values[FIELD_MODE];
	return error;
}
