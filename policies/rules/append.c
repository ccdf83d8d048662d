// SPDX-License-Identifier: Apache-2.0
/* Reading append_output. Contracts: append.h. */
#include "policies/rules/append.h"

#include <errno.h>
#include <string.h>

#include "policies/files.h"
#include "policies/text.h"
#include "policies/yaml.h"

struct reader {
	const char *path;
	struct policy_arena *arena;
	struct policy_error *err;
};

static int fail(struct reader *r, const struct yaml_node *node, const char *message)
{
	return policy_fail(r->err, -EINVAL, (struct policy_place){ r->path, node->line, node->column }, "append_output: %s", message);
}

static const struct yaml_node *find(const struct yaml_node *mapping, const char *key)
{
	for (const struct yaml_node *node = mapping->type == YAML_MAPPING ? mapping->first : NULL; node; node = node->next) {
		if (strcmp(node->key, key) == 0)
			return node;
	}
	return NULL;
}

static int read_text(struct reader *r, const struct yaml_node *node, const char **ret)
{
	if (node->type != YAML_SCALAR || node->len == 0)
		return fail(r, node, "a text is expected");
	*ret = policy_arena_copy(r->arena, node->text, node->len);
	return *ret ? 0 : -ENOMEM;
}

static int read_tags(struct reader *r, const struct yaml_node *node, struct rule_append_output *append)
{
	const char **tags = policy_arena_alloc(r->arena, node->count, sizeof(*tags));
	int error = 0;

	if (!tags)
		return -ENOMEM;
	if (node->type != YAML_SEQUENCE || node->count > RULE_APPENDS_MAX)
		return fail(r, node, "a short sequence of tags is expected");
	for (const struct yaml_node *tag = node->first; tag && error == 0; tag = tag->next)
		error = read_text(r, tag, &tags[append->n_tags++]);
	append->tags = tags;
	return error;
}

static int read_match(struct reader *r, const struct yaml_node *match, struct rule_append_output *append)
{
	int error = match->type == YAML_MAPPING ? 0 : fail(r, match, "match is no mapping");

	for (const struct yaml_node *node = match->first; node && error == 0; node = node->next) {
		if (strcmp(node->key, "rule") == 0)
			error = read_text(r, node, &append->rule);
		else if (strcmp(node->key, "source") == 0)
			error = read_text(r, node, &append->source);
		else if (strcmp(node->key, "tags") == 0)
			error = read_tags(r, node, append);
		else
			error = fail(r, node, "match has rule, source and tags");
	}
	return error;
}

/* "name", or {name: text}. */
static int read_field(struct reader *r, const struct yaml_node *node, struct rule_extra_field *field)
{
	if (node->type == YAML_SCALAR)
		return read_text(r, node, &field->name);
	if (node->type != YAML_MAPPING || node->count != 1)
		return fail(r, node, "an extra field is a name, or a name with a text");
	field->name = policy_arena_copy(r->arena, node->first->key, strlen(node->first->key));
	return field->name ? read_text(r, node->first, &field->text) : -ENOMEM;
}

static int read_fields(struct reader *r, const struct yaml_node *node, struct rule_append_output *append)
{
	struct rule_extra_field *fields;
	int error = 0;

	if (node->type != YAML_SEQUENCE || node->count > RULE_APPENDS_MAX)
		return fail(r, node, "a short sequence of fields is expected");
	fields = policy_arena_alloc(r->arena, node->count, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	for (const struct yaml_node *field = node->first; field && error == 0; field = field->next)
		error = read_field(r, field, &fields[append->n_fields++]);
	append->fields = fields;
	return error;
}

static int read_suggested(struct reader *r, const struct yaml_node *node, struct rule_append_output *append)
{
	bool on = node->type == YAML_SCALAR && strcmp(node->text, "true") == 0;

	if (!on && (node->type != YAML_SCALAR || strcmp(node->text, "false") != 0))
		return fail(r, node, "suggested_output is true or false");
	append->suggested = on ? RULE_SUGGESTED_ON : RULE_SUGGESTED_OFF;
	return 0;
}

static int read_entry(struct reader *r, const struct yaml_node *entry, struct rule_append_output *append)
{
	int error = entry->type == YAML_MAPPING ? 0 : fail(r, entry, "an entry is no mapping");

	for (const struct yaml_node *node = entry->first; node && error == 0; node = node->next) {
		if (strcmp(node->key, "match") == 0)
			error = read_match(r, node, append);
		else if (strcmp(node->key, "extra_output") == 0)
			error = read_text(r, node, &append->output);
		else if (strcmp(node->key, "extra_fields") == 0)
			error = read_fields(r, node, append);
		else if (strcmp(node->key, "suggested_output") == 0)
			error = read_suggested(r, node, append);
		else
			error = fail(r, node, "an entry has match, extra_output, extra_fields and suggested_output");
	}
	return error;
}

static int read_entries(struct reader *r, const struct yaml_node *node, const struct rule_append_output **ret, size_t *ret_n)
{
	struct rule_append_output *appends;
	size_t n = 0;
	int error = 0;

	if (node->type != YAML_SEQUENCE || node->count > RULE_APPENDS_MAX)
		return fail(r, node, "a short sequence of entries is expected");
	appends = policy_arena_alloc(r->arena, node->count, sizeof(*appends));
	if (!appends)
		return -ENOMEM;
	for (const struct yaml_node *entry = node->first; entry && error == 0; entry = entry->next)
		error = read_entry(r, entry, &appends[n++]);
	if (error < 0)
		return error;
	*ret = appends;
	*ret_n = n;
	return 0;
}

int rule_appends_load(const char *path, struct policy_arena *arena, const struct rule_append_output **ret, size_t *ret_n,
		      struct policy_error *reterr)
{
	_cleanup_(policy_arena_free) struct policy_arena *tree = NULL;
	struct reader r = { .path = path, .arena = arena, .err = reterr };
	const struct policy_origin origin = { .file = path };
	const struct yaml_node *found = NULL;
	struct yaml_node *roots = NULL;
	char *text = NULL;
	size_t len = 0;
	int error = policy_arena_new(&tree);

	if (error == 0)
		error = policy_file_read(path, tree, &text, &len, reterr);
	if (error == 0)
		error = policy_text_check_wide(&origin, text, len, reterr);
	if (error == 0)
		error = policy_yaml_parse(&origin, text, len, tree, &roots, reterr);
	if (error < 0)
		return error;
	for (const struct yaml_node *root = roots->first; root && !found; root = root->next)
		found = find(root, "append_output");
	if (!found)
		return policy_fail(reterr, -EINVAL, (struct policy_place){ path, 1, 1 }, "there is no append_output");
	return read_entries(&r, found, ret, ret_n);
}
