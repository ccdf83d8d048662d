/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files in Falco's language to a compiled set of rules. Owns: files, items, lists, macros, exceptions, what later
 * files change in earlier ones, which rules are switched on. Must not know: events, alerts, the daemon.
 *
 * Files are added to a loader one after the other; after each, all that was read so far is compiled anew. The set of a
 * loader is that of its last file, and only if none had an error: whoever runs an older set keeps it then.
 */
#ifndef HOLDFAST_POLICIES_RULES_RULE_SET_H
#define HOLDFAST_POLICIES_RULES_RULE_SET_H

#include "policies/policies.h"
#include "policies/rules/filter.h"
#include "policies/rules/format.h"
#include "policies/rules/rule_error.h"

/* What required_engine_version is compared with: the version of Falco's engine whose language this is. */
#define RULE_ENGINE_VERSION "0.63.0"
/* Our facts stand in for those of Falco's container plugin, in whatever version of the first generation. */
#define RULE_CONTAINER_PLUGIN_VERSION "0.999.0"

enum rule_priority {
	RULE_PRIORITY_EMERGENCY,
	RULE_PRIORITY_ALERT,
	RULE_PRIORITY_CRITICAL,
	RULE_PRIORITY_ERROR,
	RULE_PRIORITY_WARNING,
	RULE_PRIORITY_NOTICE,
	RULE_PRIORITY_INFORMATIONAL,
	RULE_PRIORITY_DEBUG,
	_RULE_PRIORITY_MAX,
};

/* "Warning"; NULL for a number that is no priority. */
const char *rule_priority_name(enum rule_priority priority);

/* Case does not count, INFO is INFORMATIONAL. Return: 0; -EINVAL. */
int rule_priority_parse(const char *text, enum rule_priority *ret);

/**
 * struct rule - one rule, ready to be tried; everything borrowed from its set
 * @condition: as it was compiled: with exceptions, before lists and macros were put in
 * @tree: with lists and macros put in; rule_condition_print() makes its text. Rules share the values of lists
 * @output: with what was appended, as it was compiled, without the "*" before it
 * @tags: sorted, each once
 * @enabled: by its own key, then by the selections, then by the least priority
 * @capture: asks for a recording, of @capture_ms, when it fires
 * @file, @line: where its definition stands
 */
struct rule {
	const char *name, *description, *source, *condition, *output;
	const char *const *tags;
	size_t n_tags;
	enum rule_priority priority;
	bool enabled, capture;
	uint32_t capture_ms;
	const struct rule_node *tree;
	struct rule_filter *filter;
	struct rule_format *format;
	const char *file;
	int line;
};

struct rule_named_text {
	const char *name, *text;
};

/**
 * struct rule_set - compiled rules; never changes, so any number of threads may use it with facts of their own
 * @rules: in the order in which their names were first seen
 * @macros: names and conditions as they were written; @lists: names and items, joined by ", "
 */
struct rule_set {
	struct policy_arena *arena; /* private */
	struct rule_program *program;
	const struct rule *rules;
	size_t n_rules;
	const struct rule_named_text *macros;
	size_t n_macros;
	const struct rule_named_text *lists;
	size_t n_lists;
};

/* Frees *@set and sets it to NULL. Both may be NULL. */
void rule_set_free(struct rule_set **set);

/* The rule of that name, or NULL. Cost: looks at all. */
const struct rule *rule_set_find(const struct rule_set *set, const char *name);

/* A plugin of Falco's that counts as loaded. */
struct rule_plugin {
	const char *name, *version;
};

/* Switches rules on or off whose name matches @rule, where * is any text, or that have the tag @tag; one of both is NULL. */
struct rule_selection {
	bool enable;
	const char *rule, *tag;
};

/* A member of output_fields that the text of the output does not have; @text: NULL: the value of the field of that name. */
struct rule_extra_field {
	const char *name, *text;
};

/* What the outputs of the rules that match get: each of @rule, @source, @tags that is not NULL must match. */
struct rule_append_output {
	const char *rule, *source;
	const char *const *tags;
	size_t n_tags;
	const char *output; /* behind the text; NULL: nothing */
	const struct rule_extra_field *fields;
	size_t n_fields;
	/* The fields that describe the container; of several that say something the last wins. */
	enum { RULE_SUGGESTED_AS_IT_IS, RULE_SUGGESTED_ON, RULE_SUGGESTED_OFF } suggested;
};

/**
 * struct rule_options - how rules are loaded; borrowed as long as the loader
 * @sources: of events; NULL: "syscall" alone
 * @plugins: NULL: "container" alone
 * @selections: in order, the last that matches wins
 * @priority_max: rules of less importance are switched off; RULE_PRIORITY_DEBUG keeps all
 * @suggested: outputs get the fields behind them that describe the container
 * @fields: besides those of rule_fields(), for tests
 */
struct rule_options {
	const char *const *sources;
	size_t n_sources;
	const struct rule_plugin *plugins;
	size_t n_plugins;
	const struct rule_selection *selections;
	size_t n_selections;
	const struct rule_append_output *appends;
	size_t n_appends;
	enum rule_priority priority_max;
	bool suggested;
	const struct rule_field *fields;
	size_t n_fields;
};

/* All rules as they are, nothing appended. */
#define RULE_OPTIONS_DEFAULT ((struct rule_options){ .priority_max = RULE_PRIORITY_DEBUG })

struct rule_loader;

/* @options: (borrowed) as long as the loader. Return: 0; -ENOMEM. */
int rule_loader_new(const struct rule_options *options, struct rule_loader **ret);

/* Frees *@loader with its reports, and sets it to NULL. Both may be NULL. Sets that were taken live on. */
void rule_loader_free(struct rule_loader **loader);

/**
 * rule_loader_add_text - one more file
 * @name: (borrowed) for places
 * @text: (borrowed)
 * @ret: (output) what there is to say, also with -EINVAL; lives as long as the loader; may be NULL
 *
 * Compiles all that was added so far: its time grows with that. Does not block.
 *
 * Return: 0; -EINVAL: the report has an error, and the loader gives no set any more; -ENOMEM.
 */
int rule_loader_add_text(struct rule_loader *loader, const char *name, const char *text, size_t len,
			 const struct rule_report **ret);

/* The same with the file @path, which must be a regular one. What cannot be read is RULE_ERROR_FILE_READ. Blocks. */
int rule_loader_add_file(struct rule_loader *loader, const char *path, const struct rule_report **ret);

/**
 * rule_loader_check_plugins - are the plugins there that the files want?
 * @ret_message: (output) why not; lives as long as the loader
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int rule_loader_check_plugins(struct rule_loader *loader, const char **ret_message);

/* The rules so far, borrowed until the next file; NULL: there is none yet, or it was taken. */
const struct rule_set *rule_loader_set(const struct rule_loader *loader);

/**
 * rule_loader_take_set - the rules of all files
 * @ret: (output) to be given to rule_set_free()
 *
 * Return: 0; -EINVAL: a file had an error; -ENOENT: there was no file, or the set was taken.
 */
int rule_loader_take_set(struct rule_loader *loader, struct rule_set **ret);

/**
 * rule_set_load - files and folders to a set, all or nothing
 * @paths: (borrowed) a folder stands for its *.yaml and *.yml, sorted by name
 * @ret: (output) untouched on failure
 * @reterr: (output) the first error, with its file, line and column; may be NULL
 * @ret_warnings: (output) how many warnings the last file had; may be NULL
 *
 * Return: 0; -EINVAL; -ENOMEM. Blocks while it reads.
 */
int rule_set_load(const char *const *paths, size_t n, const struct rule_options *options, struct rule_set **ret,
		  struct policy_error *reterr, size_t *ret_warnings);

/* Called with each rule file of a path; @path is valid only during the call. A value other than 0 ends the walk. */
typedef int (*rule_file_fn)(const char *path, void *arg);

/**
 * rule_files_each - the rule files that a path stands for, in order
 *
 * Return: 0; what @fn returned; -errno of opening or listing. Blocks.
 */
int rule_files_each(const char *path, rule_file_fn fn, void *arg);

#endif
