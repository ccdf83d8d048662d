// SPDX-License-Identifier: Apache-2.0
/* holdfast policy effective: which rules would hold for such a container, and why. */
#include <json-c/json.h>
#include <string.h>

#include "enforcer/util.h"
#include "tools/holdfast/commands.h"
#include "tools/holdfast/policy_offline.h"

struct values {
	const char *namespace_, *image, *pod, *container;
	struct cli_texts labels, annotations, files;
};

/* --- asking ----------------------------------------------------------------------------------------------------- */

static void add_text(struct json_object *json, const char *key, const char *text)
{
	if (text)
		json_object_object_add(json, key, json_object_new_string(text));
}

static struct json_object *make_map(const struct cli_texts *pairs)
{
	struct json_object *map = json_object_new_object();

	for (size_t i = 0; i < pairs->n; i++) {
		const char *equals = strchr(pairs->items[i], '=');
		char *key = strndup(pairs->items[i], (size_t)(equals - pairs->items[i]));

		if (key)
			json_object_object_add(map, key, json_object_new_string(equals + 1));
		free(key);
	}
	return map;
}

static enum cli_exit ask_daemon(const struct cli *cli, const struct values *values, struct json_object **ret)
{
	struct json_object *request = json_object_new_object();
	enum cli_exit code;

	add_text(request, "namespace", values->namespace_);
	add_text(request, "pod", values->pod);
	add_text(request, "image", values->image);
	add_text(request, "container", values->container);
	json_object_object_add(request, "labels", make_map(&values->labels));
	json_object_object_add(request, "annotations", make_map(&values->annotations));
	code = cli_ask(cli, WIRE_POLICY_EFFECTIVE, request, ret);
	json_object_put(request);
	return code;
}

/* KEY=VALUE texts as pairs; the keys are copies, to be released with free_pairs. */
static int split_pairs(const struct cli_texts *texts, struct policy_pair *pairs)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *equals = strchr(texts->items[i], '=');

		pairs[i].key = strndup(texts->items[i], (size_t)(equals - texts->items[i]));
		pairs[i].value = equals + 1;
		if (!pairs[i].key)
			return -ENOMEM;
	}
	return 0;
}

static void free_pairs(struct policy_pair *pairs)
{
	for (size_t i = 0; i < CLI_TEXTS_MAX; i++)
		free((char *)pairs[i].key);
}

static enum cli_exit ask_files(const struct cli *cli, const struct values *values, struct json_object **ret)
{
	struct policy_pair labels[CLI_TEXTS_MAX] = { 0 }, annotations[CLI_TEXTS_MAX] = { 0 };
	const struct policy_facts facts = {
		.namespace_ = values->namespace_, .pod = values->pod, .container = values->container, .image = values->image,
		.labels = labels, .n_labels = values->labels.n,
		.annotations = annotations, .n_annotations = values->annotations.n,
	};
	struct policy_set *set = NULL;
	enum cli_exit code = cli_policies_load(cli, &values->files, &set);

	if (code != CLI_EXIT_OK)
		return code;
	if (split_pairs(&values->labels, labels) == 0 && split_pairs(&values->annotations, annotations) == 0)
		*ret = cli_policies_effective(set, &facts);
	free_pairs(labels);
	free_pairs(annotations);
	policy_set_free(&set);
	if (*ret)
		return CLI_EXIT_OK;
	cli_error(cli, "out of memory");
	return CLI_EXIT_ERROR;
}

/* --- printing --------------------------------------------------------------------------------------------------- */

static int add_row(struct cli_table *table, const char *name, const char *value)
{
	const char *const cells[] = { name, value };

	return cli_table_row(table, cells, 0, CLI_COLOUR_NONE);
}

static int add_origin(struct cli_table *table, struct json_object *answer)
{
	const char *ns = cli_json_text(answer, "namespace"), *name = cli_json_text(answer, "policy");
	const char *file = cli_json_text(answer, "file");
	char text[512];
	int r;

	snprintf(text, sizeof(text), "%s %s%s%s", cli_json_text(answer, "kind"), strchr(name, '/') ? "" : ns,
		 ns[0] && !strchr(name, '/') ? "/" : "", name);
	r = add_row(table, "policy", text);
	snprintf(text, sizeof(text), "%s:%lld", file, (long long)cli_json_number(answer, "line"));
	if (r == 0 && file[0])
		r = add_row(table, "written in", text);
	return r < 0 ? r : add_row(table, "why", cli_json_text(answer, "why"));
}

static int add_fields(struct cli_table *table, struct json_object *fields)
{
	if (!json_object_is_type(fields, json_type_object))
		return 0;
	json_object_object_foreach(fields, key, value) {
		int r = strchr(key, '[') ? 0 : add_row(table, key, json_object_get_string(value));

		if (r < 0)
			return r;
	}
	return 0;
}

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", more);
}

static void append_list(char *text, size_t size, struct json_object *list, const char *before)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		append(text, size, i ? " " : before);
		append(text, size, json_object_get_string(json_object_array_get_idx(list, i)));
	}
}

static int add_exception(struct cli_table *table, struct json_object *exception)
{
	const char *expires = cli_json_text(exception, "expires"), *reason = cli_json_text(exception, "reason");
	char text[2048] = "", name[128];

	append_list(text, sizeof(text), cli_json_get(exception, "paths"), "");
	append_list(text, sizeof(text), cli_json_get(exception, "fromProcess"), " by ");
	append(text, sizeof(text), expires[0] ? ", until " : "");
	append(text, sizeof(text), expires);
	append(text, sizeof(text), reason[0] ? "; " : "");
	append(text, sizeof(text), reason);
	snprintf(name, sizeof(name), "exception %.100s", cli_json_text(exception, "name"));
	return add_row(table, name, text);
}

/* A note is a text, or an object that names the annotation. */
static int add_note(struct cli_table *table, const char *name, struct json_object *note)
{
	char text[1024];

	if (json_object_is_type(note, json_type_string))
		return add_row(table, name, json_object_get_string(note));
	snprintf(text, sizeof(text), "%s=%s: %s", cli_json_text(note, "annotation"), cli_json_text(note, "value"),
		 cli_json_text(note, "text"));
	return add_row(table, name, text);
}

static int add_tightened(struct cli_table *table, struct json_object *note)
{
	return add_note(table, "tightened by", note);
}

static int add_ignored(struct cli_table *table, struct json_object *note)
{
	return add_note(table, "ignored annotation", note);
}

static int add_volume(struct cli_table *table, struct json_object *volume)
{
	return add_row(table, "volume allowed", json_object_get_string(volume));
}

static int add_each(struct cli_table *table, struct json_object *list,
		    int (*fn)(struct cli_table *table, struct json_object *item))
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = fn(table, json_object_array_get_idx(list, i));
	return r;
}

static int print_table(const struct cli *cli, struct json_object *answer)
{
	static const struct cli_column columns[] = { { "NAME", false, false }, { "VALUE", false, false } };
	_cleanup_(cli_table_free) struct cli_table *table = NULL;
	int r = cli_table_new(cli, columns, ARRAY_SIZE(columns), false, &table);

	if (r == 0)
		r = add_origin(table, answer);
	if (r == 0)
		r = add_fields(table, cli_json_get(answer, "fields"));
	if (r == 0)
		r = add_each(table, cli_json_get(answer, "volumes_allow"), add_volume);
	if (r == 0)
		r = add_each(table, cli_json_get(answer, "exceptions"), add_exception);
	if (r == 0)
		r = add_each(table, cli_json_get(answer, "tightened"), add_tightened);
	if (r == 0)
		r = add_each(table, cli_json_get(answer, "ignored_annotations"), add_ignored);
	return r < 0 ? r : cli_table_print(table);
}

static enum cli_exit run(struct cli *cli, const void *data, char *const *args, size_t n_args)
{
	const struct values *values = data;
	struct json_object *answer = NULL;
	enum cli_exit code = values->files.n ? ask_files(cli, values, &answer) : ask_daemon(cli, values, &answer);

	(void)args, (void)n_args;
	if (code != CLI_EXIT_OK)
		return code;
	if (cli->output == CLI_OUTPUT_JSON) {
		cli_json_print(cli, answer);
	} else if (print_table(cli, answer) < 0) {
		cli_error(cli, "cannot print the table");
		code = CLI_EXIT_ERROR;
	}
	json_object_put(answer);
	return code;
}

#define VALUE(field) offsetof(struct values, field)
static const struct cli_option options[] = {
	{ 'n', "namespace", "NS", "the pod's namespace (default none, as on a host without Kubernetes)", CLI_OPTION_TEXT,
	  VALUE(namespace_) },
	{ 0, "image", "IMAGE", "the image as the runtime names it", CLI_OPTION_TEXT, VALUE(image) },
	{ 0, "pod", "NAME", "the pod's name", CLI_OPTION_TEXT, VALUE(pod) },
	{ 0, "container", "NAME", "the container's name", CLI_OPTION_TEXT, VALUE(container) },
	{ 'l', "label", "KEY=VALUE", "a label of the pod; may be repeated", CLI_OPTION_PAIRS, VALUE(labels) },
	{ 0, "annotation", "KEY=VALUE", "an annotation of the pod; may be repeated", CLI_OPTION_PAIRS, VALUE(annotations) },
	{ 0, "policy", "FILE", "work it out from these files or folders, without a daemon; may be repeated",
	  CLI_OPTION_TEXTS, VALUE(files) },
};

const struct cli_command cli_command_policy_effective = {
	.name = "policy effective",
	.summary = "which rules hold for such a container, and why",
	.help = "Says which policy would decide for a container with these properties, why that one, and every rule with its\n"
		"defaults. With --policy it reads files instead of asking the daemon: try a change before it is in force.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.values_bytes = sizeof(struct values),
	.run = run,
};
