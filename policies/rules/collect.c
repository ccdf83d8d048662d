// SPDX-License-Identifier: Apache-2.0
/*
 * Collecting lists, macros and requirements. Must not know YAML.
 */
#include "policies/rules/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* First size of a text that something is appended to. */
#define TEXT_SIZE 128

int rule_buffer_add(struct rule_buffer *text, struct policy_arena *arena, const char *s, size_t len)
{
	size_t size = text->size ? text->size : TEXT_SIZE;
	char *grown;

	if (len >= SIZE_MAX / 4 - text->len)
		return -ENOMEM;
	while (size <= text->len + len)
		size *= 2;
	if (size != text->size) {
		grown = policy_arena_alloc(arena, 1, size);
		if (!grown)
			return -ENOMEM;
		if (text->len)
			memcpy(grown, text->s, text->len);
		text->s = grown;
		text->size = size;
	}
	if (len)
		memcpy(text->s + text->len, s, len);
	text->len += len;
	text->s[text->len] = '\0';
	return 0;
}

int rule_texts_add(struct policy_arena *arena, const char ***texts, size_t *n, size_t *size, const char *const *more, size_t n_more)
{
	const size_t wanted = *n + n_more;

	if (wanted > *size) {
		const char **grown = policy_arena_alloc(arena, 2 * wanted, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (*n)
			memcpy(grown, *texts, *n * sizeof(*grown));
		*texts = grown;
		*size = 2 * wanted;
	}
	if (n_more)
		memcpy(*texts + *n, more, n_more * sizeof(*more));
	*n = wanted;
	return 0;
}

bool rule_source_known(const struct rule_options *options, const char *source)
{
	if (!options->sources)
		return strcmp(source, "syscall") == 0;
	for (size_t i = 0; i < options->n_sources; i++) {
		if (strcmp(source, options->sources[i]) == 0)
			return true;
	}
	return false;
}

/* Falco's scanf takes anything behind the third number; so do we. */
int rule_version_parse(const char *text, struct rule_version *ret)
{
	struct rule_version version;

	if (sscanf(text, "%9" SCNu32 ".%9" SCNu32 ".%9" SCNu32, &version.major, &version.minor, &version.patch) != 3)
		return -EINVAL;
	*ret = version;
	return 0;
}

bool rule_version_serves(struct rule_version have, struct rule_version want)
{
	if (have.major != want.major)
		return false;
	if (have.minor != want.minor)
		return have.minor > want.minor;
	return have.patch >= want.patch;
}

int rule_collect_engine_version(struct rule_collector *c, struct rule_report *report, const char *version,
				const struct rule_place *place)
{
	struct rule_version have, want;

	(void)c;
	if (rule_version_parse(version, &want) < 0 || rule_version_parse(RULE_ENGINE_VERSION, &have) < 0)
		return rule_report_error(report, RULE_ERROR_YAML_VALIDATE, place,
					 "Unable to parse engine version '%s' as a semver string. "
					 "Expected \"x.y.z\" semver format.", version);
	if (!rule_version_serves(have, want))
		return rule_report_error(report, RULE_ERROR_VALIDATE, place,
					 "Rules require engine version %u.%u.%u, but engine version is %s", want.major,
					 want.minor, want.patch, RULE_ENGINE_VERSION);
	return 0;
}

static bool is_named_before(const struct rule_alternatives *alternatives, const struct rule_requirement *end)
{
	for (const struct rule_requirement *r = alternatives->first; r != end; r = r->next) {
		if (strcmp(r->name, end->name) == 0)
			return true;
	}
	return false;
}

int rule_collect_plugins(struct rule_collector *c, struct rule_report *report, struct rule_alternatives *alternatives,
			 const struct rule_place *place)
{
	struct rule_version version;

	for (const struct rule_requirement *r = alternatives->first; r; r = r->next) {
		if (rule_version_parse(r->version, &version) < 0)
			return rule_report_error(report, RULE_ERROR_VALIDATE, place,
						 "Invalid required version '%s' for plugin '%s'", r->version, r->name);
		if (is_named_before(alternatives, r))
			return rule_report_error(report, RULE_ERROR_VALIDATE, place,
						 "Defined multiple alternative version requirements for plugin '%s'",
						 r->name);
	}
	if (c->last_plugins)
		c->last_plugins->next = alternatives;
	else
		c->plugins = alternatives;
	c->last_plugins = alternatives;
	return 0;
}

static int append_list(struct rule_collector *c, struct rule_report *report, const struct rule_list_info *info,
		       struct rule_list_info *prev)
{
	if (!prev)
		return rule_report_error(report, RULE_ERROR_VALIDATE, info->place,
					 "List uses 'append' or 'override.items: append' but no list by that name "
					 "already exists");
	prev->visibility = c->next_index++;
	return rule_texts_add(c->arena, &prev->items, &prev->n_items, &prev->items_size, info->items, info->n_items);
}

int rule_collect_list(struct rule_collector *c, struct rule_report *report, struct rule_list_info *info, bool append)
{
	struct rule_list_info *prev = rule_names_find(&c->list_names, info->name, strlen(info->name));

	if (append)
		return append_list(c, report, info, prev);
	info->visibility = c->next_index++;
	info->index = prev ? prev->index : info->visibility;
	if (prev) {
		info->next = prev->next;
		info->name = prev->name;
		*prev = *info;
		return 0;
	}
	if (c->last_list)
		c->last_list->next = info;
	else
		c->lists = info;
	c->last_list = info;
	c->n_lists++;
	return rule_names_add(&c->list_names, c->arena, info->name, info);
}

static int append_macro(struct rule_collector *c, struct rule_report *report, const struct rule_macro_info *info,
			struct rule_macro_info *prev)
{
	if (!prev)
		return rule_report_error(report, RULE_ERROR_VALIDATE, info->place,
					 "Macro uses 'append' or 'override.condition: append' but no macro by that "
					 "name already exists");
	prev->visibility = c->next_index++;
	if (rule_buffer_add(&prev->condition, c->arena, " ", 1) < 0)
		return -ENOMEM;
	return rule_buffer_add(&prev->condition, c->arena, info->condition.s, info->condition.len);
}

int rule_collect_macro(struct rule_collector *c, struct rule_report *report, struct rule_macro_info *info, bool append)
{
	struct rule_macro_info *prev = rule_names_find(&c->macro_names, info->name, strlen(info->name));

	if (append)
		return append_macro(c, report, info, prev);
	info->visibility = c->next_index++;
	info->index = prev ? prev->index : info->visibility;
	if (prev) {
		info->next = prev->next;
		info->name = prev->name;
		*prev = *info;
		return 0;
	}
	if (c->last_macro)
		c->last_macro->next = info;
	else
		c->macros = info;
	c->last_macro = info;
	c->n_macros++;
	return rule_names_add(&c->macro_names, c->arena, info->name, info);
}
