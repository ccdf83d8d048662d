/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was collected to a set of rules. Private to the loader. Owns putting in lists and macros. Must not know YAML.
 *
 * I1: lists are put into conditions as text, in the order of their definition, whatever comes first in the files.
 * I2: macros are put in as copies of their trees; every node of a copy has the offset of the name it replaces, so that
 *     each error is at a place of the condition that the user reads.
 */
#ifndef HOLDFAST_POLICIES_RULES_COMPILE_H
#define HOLDFAST_POLICIES_RULES_COMPILE_H

#include "policies/rules/collect.h"
#include "policies/rules/parse.h"

/* Nodes of one condition with its macros put in; the largest of Falco's own rules has 1300. */
#define RULE_NODES_MAX 32768
/* The same of all conditions together, and one more for each byte of the files: macros of macros double with each step.
 * Falco's own rules take one for 25 bytes. */
#define RULE_NODES_TOTAL_MAX 65536
/* Levels of a tree with its macros put in, which is walked by recursion. */
#define RULE_TREE_DEPTH_MAX 2000
/* Bytes of all conditions and lists together, with lists put in, and 16 more for each byte of the files. */
#define RULE_TEXT_BYTES_MAX (1U << 20)

struct rule_compiled_list {
	const struct rule_list_info *info;
	const char **items;
	size_t n_items;
	struct rule_buffer text; /* the items as they are put in */
	bool used;
};

struct rule_compiled_macro {
	const struct rule_macro_info *info;
	struct rule_buffer text; /* with lists put in */
	struct rule_node *node;
	size_t nodes;
	bool used, open; /* being put in right now: a loop if it is met again */
};

struct rule_compiler {
	struct rule_collector *c;
	struct rule_report *report;
	struct policy_arena *scratch; /* lives as long as the compiler */
	struct rule_set *set;
	struct rule_compiled_list *lists;
	uint64_t *candidates; /* a bit for each list: a word of the condition names it */
	uint64_t *odd_names; /* a bit for each list whose name is no word */
	struct rule_names list_names, macro_names; /* to the compiled ones */
	struct rule_compiled_macro *macros;
	size_t total_nodes, total_bytes, total_items;
};

/* How much all conditions may take together; see above. */
size_t rule_nodes_max(const struct rule_compiler *k);
size_t rule_text_bytes_max(const struct rule_compiler *k);

/* A condition on its way: its text with lists put in, its tree, and where it came from. */
struct rule_expression {
	struct policy_arena *arena; /* of text and tree */
	struct rule_buffer text;
	struct rule_node *node;
	size_t nodes;
	const struct rule_place *place;
};

/*
 * All give 0; -EINVAL: the report says why; -ENOMEM.
 */

/* The lists, with the lists in them. */
int rule_compile_lists(struct rule_compiler *k);

/* Puts lists into @condition and marks them as used; the result is in @expression->text. */
int rule_put_lists(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression);

/* The macros, each with those that it sees. */
int rule_compile_macros(struct rule_compiler *k);

/* Puts macros into @expression->node that have an index below @visibility. */
int rule_put_macros(struct rule_compiler *k, struct rule_expression *expression, size_t visibility);

/* A copy with all its texts; NULL without memory. */
struct rule_node *rule_copy_tree(struct policy_arena *arena, const struct rule_node *node);

/* Lists put in, and parsed: @expression has its arena and place, and gets the rest. */
int rule_parse_expression(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression);

/* A place in a condition. @text is copied. NULL without memory. */
const struct rule_place *rule_condition_place(struct rule_compiler *k, const struct rule_place *parent,
					      const struct rule_buffer *text, size_t offset);

/* The rules; the set is complete then, but for what is switched on. */
int rule_compile_rules(struct rule_compiler *k);

/* The output of a rule with all that is put behind it. */
int rule_build_output(struct rule_compiler *k, const struct rule_info *info, struct rule_buffer *ret);

/* Everything: *@ret is a new set. */
int rule_compile(struct rule_collector *c, struct rule_report *report, struct rule_set **ret);

/* Which rules are on: their own key, then the options. */
bool rule_select(const struct rule_options *options, const struct rule *rule);

#endif
