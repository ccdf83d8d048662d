/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML of one rule file to items for the collector. Private to the loader. Owns keys and their types, in Falco's words.
 * Must not know what conditions mean.
 *
 * All give 0; -EINVAL: the report says why; -ENOMEM.
 */
#ifndef HOLDFAST_POLICIES_RULES_READ_H
#define HOLDFAST_POLICIES_RULES_READ_H

#include "policies/rules/collect.h"
#include "policies/yaml.h"

/* Lists within lists of an exception's values: two are of use. Bounds the recursion. */
#define RULE_VALUE_DEPTH_MAX 8

struct rule_reader {
	struct rule_collector *c;
	struct policy_arena *arena; /* the collector's */
	struct rule_report *report;
	const struct rule_place *file;
};

/* One item, and what is said about it. */
struct rule_source_item {
	struct rule_reader *reader;
	const struct yaml_node *node;
	const struct rule_place *place;
};

/* Where @node stands, as a part of @parent. NULL without memory. */
const struct rule_place *rule_read_place(struct rule_reader *r, const struct yaml_node *node, enum rule_item item,
					 const char *name, const struct rule_place *parent);

/* The item that @node is; its place is NULL without memory, which rule_read_text and the others then give back. */
struct rule_source_item rule_read_item(struct rule_reader *r, const struct yaml_node *node, enum rule_item item,
				       const char *name, const struct rule_place *parent);

/* The value of a key, or NULL; of a key that is given twice the first. */
const struct yaml_node *rule_read_find(const struct yaml_node *mapping, const char *key);

/* Is it nothing (empty, ~, null)? */
bool rule_read_is_null(const struct yaml_node *node);

int rule_read_fail(const struct rule_source_item *item, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The value of a key that must be there, or with @optional may be missing: @ret is untouched then. Not empty. */
int rule_read_text(const struct rule_source_item *item, const char *key, bool optional, const char **ret);
int rule_read_bool(const struct rule_source_item *item, const char *key, bool optional, bool *ret);
int rule_read_u32(const struct rule_source_item *item, const char *key, bool optional, uint32_t *ret);
/* A sequence of scalars. *@ret_n is 0 where the key may be missing and is. */
int rule_read_texts(const struct rule_source_item *item, const char *key, bool optional, const char ***ret, size_t *ret_n);

/* What YAML calls a number, as Falco's reader takes it: also 0x1f and 010. */
bool rule_read_parse_u32(const char *text, uint32_t *ret);

/* Keys under `override`, as bits of the table that @keys is. */
struct rule_override_key {
	const char *name;
	unsigned bit;
	bool append, replace; /* can be */
};

int rule_read_overrides(const struct rule_source_item *item, const struct rule_override_key *keys, size_t n,
			unsigned *ret_append, unsigned *ret_replace);

/* `append`, with the warning that it is deprecated. */
int rule_read_append(const struct rule_source_item *item, bool *ret);

/* @append: fields may be left out. */
int rule_read_exceptions(const struct rule_source_item *item, bool append, struct rule_exceptions *ret);

int rule_read_rule(struct rule_reader *r, const struct yaml_node *node);

/* All documents of a file; @roots as policy_yaml_parse_wide() gives them. */
int rule_read_documents(struct rule_reader *r, const struct yaml_node *roots);

/* Compares with the schema of rule files: fills the report's schema and schema_message; no error either way. -ENOMEM. */
int rule_schema_check(struct rule_report *report, const struct yaml_node *roots);

#endif
