// SPDX-License-Identifier: Apache-2.0
/*
 * What stands behind the output of a rule besides what its author wrote. Must not know the syntax of outputs.
 */
#include "policies/rules/compile.h"

#include <errno.h>
#include <string.h>

static bool has_tags(const struct rule_info *info, const struct rule_append_output *append)
{
	for (size_t i = 0; i < append->n_tags; i++) {
		bool found = false;

		for (size_t k = 0; k < info->n_tags && !found; k++)
			found = strcmp(append->tags[i], info->tags[k]) == 0;
		if (!found)
			return false;
	}
	return true;
}

bool rule_append_applies(const struct rule_info *info, const struct rule_append_output *append)
{
	if (append->rule && strcmp(append->rule, info->name) != 0)
		return false;
	if (append->source && strcmp(append->source, info->source) != 0)
		return false;
	return has_tags(info, append);
}

static int add(struct rule_compiler *k, struct rule_buffer *text, const char *s)
{
	return rule_buffer_add(text, k->scratch, s, strlen(s));
}

/* " container_id=%container.id" */
static int add_suggested(struct rule_compiler *k, struct rule_buffer *text, const char *name)
{
	size_t start;
	int r = add(k, text, " ");

	start = text->len;
	if (r == 0)
		r = add(k, text, name);
	for (size_t i = start; i < text->len; i++)
		text->s[i] = text->s[i] == '.' ? '_' : text->s[i];
	if (r == 0)
		r = add(k, text, "=%");
	return r == 0 ? add(k, text, name) : r;
}

static int add_all_suggested(struct rule_compiler *k, struct rule_buffer *text)
{
	size_t n;
	const struct rule_field *fields = rule_fields(&n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (fields[i].flags & RULE_FIELD_SUGGESTED)
			r = add_suggested(k, text, fields[i].name);
	}
	return r;
}

/* Once the container's fields were meant by it; now they are appended, and it stands for nothing. */
static int drop_container_info(struct rule_compiler *k, const struct rule_info *info, struct rule_buffer *text)
{
	static const char name[] = "%container.info";
	const size_t len = sizeof(name) - 1;
	size_t to = 0;

	for (size_t from = 0; from < text->len;) {
		if (strncmp(text->s + from, name, len) == 0)
			from += len;
		else
			text->s[to++] = text->s[from++];
	}
	if (to == text->len)
		return 0;
	text->len = to;
	text->s[to] = '\0';
	return rule_report_warning(k->report, RULE_WARNING_DEPRECATED_ITEM, info->place,
				   "%%container.info is deprecated and stands for nothing any more; what describes the "
				   "container is added to outputs by itself");
}

static bool is_suggested(const struct rule_options *options, const struct rule_info *info)
{
	bool on = options->suggested;

	for (size_t i = 0; i < options->n_appends; i++) {
		const struct rule_append_output *append = &options->appends[i];

		if (append->suggested != RULE_SUGGESTED_AS_IT_IS && rule_append_applies(info, append))
			on = append->suggested == RULE_SUGGESTED_ON;
	}
	return on;
}

int rule_build_output(struct rule_compiler *k, const struct rule_info *info, struct rule_buffer *ret)
{
	const struct rule_options *options = k->c->options;
	int r = add(k, ret, info->output.s ? info->output.s : "");

	if (r == 0 && is_suggested(options, info))
		r = add_all_suggested(k, ret);
	for (size_t i = 0; i < options->n_appends && r == 0; i++) {
		if (!options->appends[i].output || !rule_append_applies(info, &options->appends[i]))
			continue;
		r = add(k, ret, " ");
		if (r == 0)
			r = add(k, ret, options->appends[i].output);
	}
	return r == 0 ? drop_container_info(k, info, ret) : r;
}
