// SPDX-License-Identifier: Apache-2.0
/*
 * What holdfastd would answer about policies, from files.
 *
 * Owns: turning policies/ results into the JSON of the control socket. Must not know: how it is printed.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/policy_offline.h"

enum cli_exit cli_policies_load(const struct cli *cli, const struct cli_texts *paths, struct policy_set **ret)
{
	struct policy_error error = { .file = "" };
	int r = policy_set_load(paths->items, paths->n, ret, &error);

	if (r == 0)
		return CLI_EXIT_OK;
	if (error.line > 0)
		cli_error(cli, "%s:%d:%d: %s", error.file, error.line, error.column, error.message);
	else
		cli_error(cli, "%s: %s", error.file, error.message);
	return r == -EINVAL || r == -EEXIST || r == -EFBIG || r == -E2BIG ? CLI_EXIT_NEGATIVE : CLI_EXIT_ERROR;
}

static void add(struct json_object *json, const char *key, const char *text)
{
	if (text)
		cli_json_add_bytes(json, key, text, strlen(text));
	else
		json_object_object_add(json, key, NULL);
}

static void add_number(struct json_object *json, const char *key, int64_t number)
{
	json_object_object_add(json, key, json_object_new_int64(number));
}

struct json_object *cli_policies_list(const struct policy_set *set)
{
	struct json_object *json = json_object_new_object(), *policies = json_object_new_array();

	add(json, "generation", policy_set_generation(set));
	for (size_t i = 0; i < policy_set_count(set); i++) {
		const struct policy_info *info = policy_set_get(set, i);
		struct json_object *policy = json_object_new_object();

		add(policy, "kind", policy_kind_name(info->kind));
		add(policy, "namespace", info->namespace_);
		add(policy, "name", info->name);
		add(policy, "mode", policy_mode_name(info->mode));
		add(policy, "file", info->file);
		add_number(policy, "line", info->line);
		add_number(policy, "containers", 0);
		json_object_array_add(policies, policy);
	}
	json_object_object_add(json, "policies", policies);
	return json;
}

/* Exceptions and volumes have their own members; the rest are fields. */
static int add_field(const char *name, const char *value, void *arg)
{
	if (!strchr(name, '['))
		add(arg, name, value);
	return 0;
}

static struct json_object *list_texts(const char *const *texts, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(texts[i]));
	return list;
}

static struct json_object *describe_exception(const struct policy_exception *exception)
{
	struct json_object *json = json_object_new_object();
	char expires[32];
	struct tm tm;

	add(json, "name", exception->name);
	json_object_object_add(json, "paths", list_texts(exception->paths, exception->n_paths));
	json_object_object_add(json, "fromProcess", list_texts(exception->from, exception->n_from));
	if (exception->expires && gmtime_r(&exception->expires, &tm) &&
	    strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &tm))
		add(json, "expires", expires);
	else
		add(json, "expires", NULL);
	add(json, "reason", exception->reason);
	return json;
}

static struct json_object *list_notes(const struct policy_note *notes, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		struct json_object *note = json_object_new_object();

		add(note, "annotation", notes[i].annotation);
		add(note, "value", notes[i].value);
		add(note, "text", notes[i].text);
		json_object_array_add(list, note);
	}
	return list;
}

static struct json_object *describe(const struct policy_effective *e)
{
	struct json_object *json = json_object_new_object(), *fields = json_object_new_object();
	struct json_object *exceptions = json_object_new_array(), *volumes = json_object_new_array();

	add(json, "policy", e->name);
	add(json, "namespace", e->namespace_);
	add(json, "kind", policy_kind_name(e->kind));
	add(json, "file", e->file);
	add_number(json, "line", e->line);
	add(json, "why", e->why);
	json_object_object_add(json, "tightened", list_notes(e->tightened, e->n_tightened));
	json_object_object_add(json, "ignored_annotations", list_notes(e->ignored_annotations, e->n_ignored_annotations));
	policy_effective_each(e, add_field, fields);
	json_object_object_add(json, "fields", fields);
	for (size_t i = 0; i < e->n_exceptions; i++)
		json_object_array_add(exceptions, describe_exception(&e->exceptions[i]));
	json_object_object_add(json, "exceptions", exceptions);
	for (size_t i = 0; i < e->n_volumes; i++)
		json_object_array_add(volumes, json_object_new_string(e->volumes[i].path));
	json_object_object_add(json, "volumes_allow", volumes);
	return json;
}

struct json_object *cli_policies_effective(const struct policy_set *set, const struct policy_facts *facts)
{
	struct policy_effective *effective = NULL;
	struct json_object *json;

	if (policy_set_resolve(set, facts, &effective) < 0)
		return NULL;
	json = describe(effective);
	policy_effective_free(&effective);
	return json;
}
