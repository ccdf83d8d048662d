// SPDX-License-Identifier: Apache-2.0
/*
 * What rule files want to be there besides the engine. Must not know where facts come from.
 */
#include "policies/rules/loader.h"

#include <errno.h>
#include <string.h>

static const struct rule_plugin container = { "container", RULE_CONTAINER_PLUGIN_VERSION };

static const struct rule_plugin *find_plugin(const struct rule_options *options, const char *name)
{
	if (!options->plugins)
		return strcmp(name, container.name) == 0 ? &container : NULL;
	for (size_t i = 0; i < options->n_plugins; i++) {
		if (strcmp(options->plugins[i].name, name) == 0)
			return &options->plugins[i];
	}
	return NULL;
}

/* The first that is there decides. */
static bool is_served(const struct rule_options *options, const struct rule_alternatives *alternatives)
{
	const struct rule_plugin *plugin = NULL;
	const struct rule_requirement *requirement = alternatives->first;
	struct rule_version have, want;

	while (requirement && !plugin) {
		plugin = find_plugin(options, requirement->name);
		if (!plugin)
			requirement = requirement->next;
	}
	if (!plugin || rule_version_parse(plugin->version, &have) < 0 || rule_version_parse(requirement->version, &want) < 0)
		return false;
	return rule_version_serves(have, want);
}

static int explain(struct policy_arena *arena, const struct rule_alternatives *alternatives, const char **ret)
{
	static const char begin[] = "Plugin requirement not satisfied, must load one of: ";
	struct rule_buffer text = { 0 };
	int r = rule_buffer_add(&text, arena, begin, strlen(begin));

	for (const struct rule_requirement *q = alternatives->first; q && r == 0; q = q->next) {
		r = rule_buffer_add(&text, arena, q->name, strlen(q->name));
		if (r == 0)
			r = rule_buffer_add(&text, arena, " (>= ", 5);
		if (r == 0)
			r = rule_buffer_add(&text, arena, q->version, strlen(q->version));
		if (r == 0)
			r = rule_buffer_add(&text, arena, q->next ? "), " : ")", q->next ? 3 : 1);
	}
	*ret = text.s;
	return r < 0 ? r : -EINVAL;
}

int rule_loader_check_plugins(struct rule_loader *loader, const char **ret_message)
{
	for (const struct rule_alternatives *a = loader->collector.plugins; a; a = a->next) {
		if (!is_served(&loader->options, a))
			return explain(loader->arena, a, ret_message);
	}
	return 0;
}
