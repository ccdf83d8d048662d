/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rule files said so far, before it is compiled: lists, macros and rules in order, each with its last text. Private
 * to the loader. Owns redefining, appending, replacing. Must not know YAML, nor what conditions mean.
 *
 * I1: an item's index is the place of its first definition, its visibility that of its last change. A macro sees macros
 * whose index is below its visibility, a list likewise; later redefinitions of an earlier name stay visible.
 */
#ifndef HOLDFAST_POLICIES_RULES_COLLECT_H
#define HOLDFAST_POLICIES_RULES_COLLECT_H

#include "policies/rules/names.h"
#include "policies/rules/rule_set.h"

/* Items of one list after the lists that it names are put in: lists of lists grow without bound otherwise. */
#define RULE_LIST_ITEMS_MAX 65536

/* Exceptions of one rule: each new name is compared with all before it. */
#define RULE_EXCEPTIONS_MAX 1024

/* A text that grows by appending, without a copy each time. */
struct rule_buffer {
	char *s; /* NUL behind; NULL while it is empty */
	size_t len, size;
};

/* Texts that grow by appending: *@texts has room for *@size, and @n of them; @more are put behind. Return: 0; -ENOMEM. */
int rule_texts_add(struct policy_arena *arena, const char ***texts, size_t *n, size_t *size, const char *const *more, size_t n_more);

/* Appends @len bytes of @s. Return: 0; -ENOMEM. */
int rule_buffer_add(struct rule_buffer *text, struct policy_arena *arena, const char *s, size_t len);

struct rule_list_info {
	const char *name;
	const struct rule_place *place;
	size_t index, visibility;
	const char **items;
	size_t n_items, items_size;
	struct rule_list_info *next;
};

struct rule_macro_info {
	const char *name;
	const struct rule_place *place, *condition_place;
	size_t index, visibility;
	struct rule_buffer condition;
	struct rule_macro_info *next;
};

/* A part of an exception as it was written: nothing, one text, or a list of entries. */
struct rule_entry {
	enum { RULE_ENTRY_NONE, RULE_ENTRY_TEXT, RULE_ENTRY_LIST } kind;
	const char *text;
	struct rule_entry *first, *last, *next;
	size_t n;
};

struct rule_exception {
	const char *name;
	const struct rule_place *place;
	struct rule_entry fields, comps;
	struct rule_entry values; /* a LIST; NONE if there is no such key */
	struct rule_exception *next;
};

struct rule_exceptions {
	struct rule_exception *first, *last;
	size_t n;
};

/* Keys of a rule that can be given or left out. */
enum rule_key {
	RULE_KEY_CONDITION = 1 << 0,
	RULE_KEY_OUTPUT = 1 << 1,
	RULE_KEY_DESC = 1 << 2,
	RULE_KEY_TAGS = 1 << 3,
	RULE_KEY_EXCEPTIONS = 1 << 4,
	RULE_KEY_PRIORITY = 1 << 5,
	RULE_KEY_ENABLED = 1 << 6,
	RULE_KEY_WARN_EVTTYPES = 1 << 7,
	RULE_KEY_SKIP_UNKNOWN = 1 << 8,
	RULE_KEY_CAPTURE = 1 << 9,
	RULE_KEY_CAPTURE_DURATION = 1 << 10,
	RULE_KEY_SOURCE = 1 << 11,
};

/* A rule, or what changes one: @given says which members count then. */
struct rule_info {
	const char *name, *source;
	const struct rule_place *place, *condition_place, *output_place;
	size_t index;
	unsigned given; /* enum rule_key */
	bool unknown_source;
	struct rule_buffer condition, output, desc;
	const char **tags; /* as they were given, some more than once */
	size_t n_tags, tags_size;
	struct rule_exceptions exceptions;
	enum rule_priority priority;
	bool enabled, warn_evttypes, skip_unknown, capture;
	uint32_t capture_ms;
	struct rule_info *next;
};

struct rule_requirement {
	const char *name, *version;
	struct rule_requirement *next;
};

/* One of these plugins must be there. */
struct rule_alternatives {
	struct rule_requirement *first, *last;
	struct rule_alternatives *next;
};

struct rule_collector {
	const struct rule_options *options;
	struct policy_arena *arena;
	struct rule_program *program; /* knows the fields; nothing is compiled into it */
	size_t bytes; /* of all files so far */
	size_t next_index;
	struct rule_names list_names, macro_names, rule_names;
	struct rule_list_info *lists, *last_list;
	size_t n_lists;
	struct rule_macro_info *macros, *last_macro;
	size_t n_macros;
	struct rule_info *rules, *last_rule;
	size_t n_rules;
	struct rule_alternatives *plugins, *last_plugins;
};

/*
 * Each takes over @info, which lives in the collector's arena. Return: 0; -EINVAL: @report says why; -ENOMEM.
 */
int rule_collect_engine_version(struct rule_collector *c, struct rule_report *report, const char *version,
				const struct rule_place *place);
int rule_collect_plugins(struct rule_collector *c, struct rule_report *report, struct rule_alternatives *alternatives,
			 const struct rule_place *place);
int rule_collect_list(struct rule_collector *c, struct rule_report *report, struct rule_list_info *info, bool append);
int rule_collect_macro(struct rule_collector *c, struct rule_report *report, struct rule_macro_info *info, bool append);
int rule_collect_rule(struct rule_collector *c, struct rule_report *report, struct rule_info *info);
int rule_collect_append(struct rule_collector *c, struct rule_report *report, struct rule_info *update);
int rule_collect_replace(struct rule_collector *c, struct rule_report *report, struct rule_info *update);
int rule_collect_enable(struct rule_collector *c, struct rule_report *report, const struct rule_info *update);

/* Fills in what an exception leaves out, and refuses what cannot be. @known: its rule's source is known, so that its
 * fields are looked at. Return: as above. */
int rule_exception_check(struct rule_collector *c, struct rule_report *report, struct rule_exception *exception, bool known);

/* Appends the exceptions of a rule to its condition, as text. @condition becomes "(..) and not ..". */
int rule_exceptions_build(struct policy_arena *arena, struct rule_report *report, const struct rule_info *rule,
			  struct rule_buffer *condition);

/* Is a source of events known? */
bool rule_source_known(const struct rule_options *options, const char *source);

/* "x.y.z" at the beginning of @text. Return: 0; -EINVAL. */
struct rule_version {
	uint32_t major, minor, patch;
};
int rule_version_parse(const char *text, struct rule_version *ret);
/* Does @have serve who wants @want: the same major version, and not older? */
bool rule_version_serves(struct rule_version have, struct rule_version want);

#endif
