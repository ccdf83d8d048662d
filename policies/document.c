// SPDX-License-Identifier: Apache-2.0
/*
 * Documents: tells policies from what wraps them (List, ConfigMap) and adds each to the set. Must not know what a
 * policy says.
 */
#include "policies/parse.h"
#include "policies/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a document may still be wrapped in. */
struct wrapping {
	const char *text; /* that the nodes were parsed from */
	bool in_list, in_config_map;
};

enum document_kind {
	KIND_POLICY,
	KIND_CLUSTER_POLICY,
	KIND_LIST,
	KIND_POLICY_LIST,
	KIND_CLUSTER_POLICY_LIST,
	KIND_CONFIG_MAP,
	_KIND_MAX,
};

static const char *const kinds[] = {
	[KIND_POLICY] = "DriftPolicy",
	[KIND_CLUSTER_POLICY] = "ClusterDriftPolicy",
	[KIND_LIST] = "List",
	[KIND_POLICY_LIST] = "DriftPolicyList",
	[KIND_CLUSTER_POLICY_LIST] = "ClusterDriftPolicyList",
	[KIND_CONFIG_MAP] = "ConfigMap",
};
static_assert(COUNT(kinds) == _KIND_MAX, "a word for each kind");

static int parse_document(struct policy_reader *r, const struct yaml_node *node, struct wrapping wrapping);

static void append_policy(struct policy_set *set, struct policy *policy)
{
	policy->order = set->count++;
	if (set->last)
		set->last->next = policy;
	else
		set->first = policy;
	set->last = policy;
}

static int parse_policy(struct policy_reader *r, const struct yaml_node *node, enum policy_kind kind)
{
	static const char *const keys[] = { "apiVersion", "kind", "metadata", "spec", "status" };
	struct policy *policy;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "the policy");

	if (error < 0)
		return error;
	if (r->set->count >= POLICY_POLICIES_MAX)
		return policy_fail(r->err, -E2BIG, (struct policy_place){ r->origin.file, node->line, node->column },
				   "more than %d policies; merge some", POLICY_POLICIES_MAX);
	policy = policy_arena_alloc(r->set->arena, 1, sizeof(*policy));
	if (!policy)
		return policy_fail_memory(r);
	policy->info.kind = kind;
	policy->info.file = r->origin.file;
	policy->info.line = node->line;
	policy->column = node->column;
	error = policy_parse_metadata(r, node, policy);
	if (error == 0)
		error = policy_parse_spec(r, node, policy);
	if (error == 0)
		append_policy(r->set, policy);
	return error;
}

static int parse_list(struct policy_reader *r, const struct yaml_node *node, struct wrapping wrapping)
{
	static const char *const keys[] = { "apiVersion", "kind", "metadata", "items" };
	const struct yaml_node *items;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "the List");

	if (error < 0)
		return error;
	if (wrapping.in_list)
		return policy_fail_at(r, node, "a List cannot hold a List; put its items into the outer one");
	items = policy_find_key(node, "items");
	if (!items)
		return policy_fail_at(r, node, "items is missing; add it");
	error = policy_want_type(r, items, YAML_SEQUENCE, "items");
	wrapping.in_list = true;
	for (const struct yaml_node *item = items->first; item && error == 0; item = item->next)
		error = parse_document(r, item, wrapping);
	return error;
}

static size_t count_spaces(const char *line)
{
	return strspn(line, " ");
}

/* The first line of @text that is not blank; a literal has the same one in the file and in its value. */
static const char *skip_blank_lines(const char *text)
{
	for (const char *line = text;;) {
		const char *end = line + count_spaces(line);

		if (*end != '\n' && *end != '\r')
			return line;
		line = end + strspn(end, "\r\n");
	}
}

/* Where the text of a ConfigMap's entry stands in the file. */
static struct policy_origin find_origin(struct policy_reader *r, const struct yaml_node *entry, const char *text)
{
	struct policy_origin origin = { r->origin.file, entry->line, entry->column, .pinned = true };
	const char *raw, *line;

	if (!entry->literal)
		return origin;
	raw = skip_blank_lines(text + entry->offset);
	line = skip_blank_lines(entry->text);
	origin.pinned = false;
	origin.line = entry->line - 1;
	origin.column = (int)(count_spaces(raw) - count_spaces(line));
	return origin;
}

static int parse_entry(struct policy_reader *r, const struct yaml_node *entry, const char *text)
{
	struct policy_reader inner = *r;
	int error = policy_want_type(r, entry, YAML_SCALAR, "a value of data");

	if (error < 0)
		return error;
	inner.origin = find_origin(r, entry, text);
	return policy_parse_text(&inner, entry->text, entry->len, true);
}

static int parse_config_map(struct policy_reader *r, const struct yaml_node *node, struct wrapping wrapping)
{
	static const char *const keys[] = { "apiVersion", "kind", "metadata", "data", "binaryData", "immutable" };
	const struct yaml_node *data, *binary;
	int error = policy_want_keys(r, node, keys, COUNT(keys), "the ConfigMap");

	if (error < 0)
		return error;
	if (wrapping.in_config_map)
		return policy_fail_at(r, node, "a ConfigMap cannot hold a ConfigMap; put the policies in directly");
	binary = policy_find_key(node, "binaryData");
	if (binary && binary->count > 0)
		return policy_fail_key(r, binary, "binaryData is not read; put the policies under data as text");
	data = policy_find_key(node, "data");
	if (!data)
		return 0;
	error = policy_want_type(r, data, YAML_MAPPING, "data");
	for (const struct yaml_node *entry = data->first; entry && error == 0; entry = entry->next)
		error = parse_entry(r, entry, wrapping.text);
	return error;
}

static int parse_kind(struct policy_reader *r, const struct yaml_node *node, enum document_kind *ret)
{
	const struct yaml_node *kind = policy_find_key(node, "kind");
	size_t value;
	int error;

	if (!kind)
		return policy_fail_at(r, node, "kind is missing; write kind: DriftPolicy or kind: ClusterDriftPolicy");
	error = policy_want_word(r, kind, "kind", kinds, COUNT(kinds), &value);
	if (error == 0)
		*ret = (enum document_kind)value;
	return error;
}

static int check_api_version(struct policy_reader *r, const struct yaml_node *node, enum document_kind kind)
{
	const struct yaml_node *version = policy_find_key(node, "apiVersion");
	const char *want = kind == KIND_LIST || kind == KIND_CONFIG_MAP ? "v1" : POLICY_API_VERSION;

	if (!version)
		return policy_fail_at(r, node, "apiVersion is missing; write apiVersion: %s", want);
	if (version->type != YAML_SCALAR || strcmp(version->text, want) != 0)
		return policy_fail_at(r, version, "apiVersion of a %s must be %s", kinds[kind], want);
	return 0;
}

static int parse_document(struct policy_reader *r, const struct yaml_node *node, struct wrapping wrapping)
{
	enum document_kind kind = _KIND_MAX;
	int error = policy_want_type(r, node, YAML_MAPPING, "a document");

	if (error == 0)
		error = parse_kind(r, node, &kind);
	if (error == 0)
		error = check_api_version(r, node, kind);
	if (error < 0)
		return error;
	switch (kind) {
	case KIND_POLICY:
		return parse_policy(r, node, POLICY_KIND_NAMESPACED);
	case KIND_CLUSTER_POLICY:
		return parse_policy(r, node, POLICY_KIND_CLUSTER);
	case KIND_CONFIG_MAP:
		return parse_config_map(r, node, wrapping);
	default:
		return parse_list(r, node, wrapping);
	}
}

int policy_parse_text(struct policy_reader *r, const char *text, size_t len, bool embedded)
{
	_cleanup_(policy_arena_free) struct policy_arena *tree = NULL;
	struct wrapping wrapping = { .text = text, .in_config_map = embedded };
	struct yaml_node *roots = NULL;
	int error = policy_text_check(&r->origin, text, len, r->err);

	if (error < 0)
		return error;
	if (policy_arena_new(&tree) < 0)
		return policy_fail_memory(r);
	error = policy_yaml_parse(&r->origin, text, len, tree, &roots, r->err);
	if (error < 0)
		return error;
	for (const struct yaml_node *node = roots->first; node && error == 0; node = node->next)
		error = parse_document(r, node, wrapping);
	return error;
}
