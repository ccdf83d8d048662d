/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text to a tree of nodes with places. Owns the subset that policies are written in: no anchors, aliases, tags or
 * keys that are not plain words; no duplicate keys; bounded depth and size; and the wider one that rule files are written
 * in. Must not know the language of either.
 */
#ifndef HOLDFAST_POLICIES_YAML_H
#define HOLDFAST_POLICIES_YAML_H

#include "policies/arena.h"
#include "policies/error.h"

/* Nodes in one file: bounds the tree to about 8 MiB while a file of the largest size still fits. */
#define POLICY_NODES_MAX 65536
/* Keys in one mapping: each new one is compared with all before it. */
#define POLICY_KEYS_MAX 512

/* Anchors in one file: an alias looks at all of them. */
#define POLICY_ANCHORS_MAX 256

/**
 * enum yaml_flag - what is let through besides the strict subset
 * @YAML_ANCHORS: anchors, and aliases of what is complete; an alias counts for all the nodes it stands for
 * @YAML_TAGS: tags, which are passed over
 * @YAML_DUPLICATE_KEYS: the same key twice in a mapping; both are in the tree
 * @YAML_LOOSE_BRACKETS: what stands in brackets may be indented less than what it belongs to
 * @YAML_CONTROLS: escapes in quotes may stand for control characters, but not for NUL
 * @YAML_BARE_MESSAGES: errors of syntax are the parser's own words, without advice
 */
enum yaml_flag {
	YAML_ANCHORS = 1 << 0,
	YAML_TAGS = 1 << 1,
	YAML_DUPLICATE_KEYS = 1 << 2,
	YAML_LOOSE_BRACKETS = 1 << 3,
	YAML_CONTROLS = 1 << 4,
	YAML_BARE_MESSAGES = 1 << 5,
};

enum yaml_type {
	YAML_SCALAR,
	YAML_SEQUENCE,
	YAML_MAPPING,
};

/**
 * struct yaml_node - one value
 * @plain: a scalar without quotes, which may therefore stand for a number, a boolean or nothing
 * @line: 1-based
 * @column: 1-based, in characters
 * @offset: where it starts in the text that was parsed
 * @literal: a scalar in block style "|": its lines are the file's lines
 * @text: of a scalar: UTF-8 with a NUL behind and none within
 * @key: of a mapping's entry
 * @key_line: place of the key
 * @first: of a sequence or mapping: its entries, chained by @next
 */
struct yaml_node {
	enum yaml_type type;
	bool plain, literal;
	int line, column;
	int key_line, key_column;
	size_t offset;
	const char *text;
	size_t len;
	const char *key;
	struct yaml_node *first, *last, *next;
	size_t count;
};

/**
 * policy_yaml_parse - parse a text that policy_text_check() let through
 * @origin: (borrowed) added to every place
 * @text: (borrowed) not needed afterwards
 * @arena: holds the tree
 * @ret: (output) a sequence of the documents' root nodes; empty documents are left out
 *
 * Return: 0; -EINVAL; -E2BIG: a bound was met; -ENOMEM. @err is filled on failure.
 */
int policy_yaml_parse(const struct policy_origin *origin, const char *text, size_t len, struct policy_arena *arena,
		      struct yaml_node **ret, struct policy_error *err);

/* The same with @flags of enum yaml_flag. Nodes that an alias stands for are shared: the tree is read-only. */
int policy_yaml_parse_wide(unsigned flags, const struct policy_origin *origin, const char *text, size_t len,
			   struct policy_arena *arena, struct yaml_node **ret, struct policy_error *err);

#endif
