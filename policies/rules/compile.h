/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was collected to a set of rules. Private to the loader. Owns putting in lists and macros. Must not know YAML.
 *
 * I1: lists are put into conditions as text, in the order of their definition, whatever comes first in the files. Where a list's
 *     name stands for values, which is nearly always, all conditions share the list's values instead, and the text is made only
 *     for whoever reads an error: what comes out is the same.
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
/* Bytes of all conditions and lists together, with lists put in where their values cannot be shared, and two more for each byte
 * of the files. */
#define RULE_TEXT_BYTES_MAX (1U << 20)
/* Lists whose names are no words: each is searched for in each condition. A name that no condition can spell is warned of. */
#define RULE_ODD_LISTS_MAX 64

struct rule_compiled_list {
	const struct rule_list_info *info;
	const char **items;
	size_t n_items;
	struct rule_buffer text; /* the items as they are put in */
	enum { RULE_LIST_UNKNOWN, RULE_LIST_SHARED, RULE_LIST_TEXT } form;
	struct rule_node *values; /* of a SHARED one; live as long as the set */
	size_t n_values;
	bool used;
};

struct rule_compiled_macro;

struct rule_compiler {
	struct rule_collector *c;
	struct rule_report *report;
	struct policy_arena *scratch; /* lives as long as the compiler */
	struct rule_set *set;
	struct rule_compiled_list *lists;
	uint64_t *candidates; /* a bit for each list: a word of the condition names it */
	uint64_t *odd_names; /* a bit for each list whose name is no word */
	size_t n_odd;
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
	struct rule_buffer text;    /* with lists put in, but for those of @uses */
	struct rule_list_use *uses;
	struct rule_compiled_list **used; /* which ones */
	size_t n_uses;
	struct rule_buffer whole; /* with all put in; empty until someone asked */
	size_t *put;		  /* where each of @uses begins in it */
	struct rule_node *node;
	size_t nodes;
	const struct rule_place *place;
	struct {
		size_t offset;
		int line, column;
	} last; /* that was asked for in the whole, from which the next one is counted */
};

struct rule_compiled_macro {
	const struct rule_macro_info *info;
	struct rule_expression expression;
	bool used, open; /* being put in right now: a loop if it is met again */
};

/*
 * All give 0; -EINVAL: the report says why; -ENOMEM.
 */

/* The lists, with the lists in them. */
int rule_compile_lists(struct rule_compiler *k);

/* Puts lists into @condition and marks them as used; the result is in @expression->text. */
int rule_put_lists(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression);

/* Finds the lists that @condition names: @expression gets its text and uses. Return: as above; -EAGAIN: some must be put in. */
int rule_find_lists(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression);

/* The text with all lists put in, or with their names where that is too long; *@offset, which is in @expression->text, is in it
 * then. NULL without memory. */
const struct rule_buffer *rule_whole_text(struct rule_compiler *k, struct rule_expression *expression, size_t *offset);

/* Does what was put in become too much? @place: whose it is. */
int rule_take_text(struct rule_compiler *k, size_t len, const struct rule_place *place);

/* The macros, each with those that it sees. */
int rule_compile_macros(struct rule_compiler *k);

/* Puts macros into @expression->node that have an index below @visibility. */
int rule_put_macros(struct rule_compiler *k, struct rule_expression *expression, size_t visibility);

/* A copy with all its texts; NULL without memory. */
struct rule_node *rule_copy_tree(struct policy_arena *arena, const struct rule_node *node);

/* Lists put in, and parsed: @expression has its arena and place, and gets the rest. */
int rule_parse_expression(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression);

/* A place in a condition: an offset of @expression->text. NULL without memory. */
const struct rule_place *rule_condition_place(struct rule_compiler *k, struct rule_expression *expression, size_t offset);

/* The rules; the set is complete then, but for what is switched on. */
int rule_compile_rules(struct rule_compiler *k);

/* Is the rule one that what is appended is for? */
bool rule_append_applies(const struct rule_info *info, const struct rule_append_output *append);

/* The output of a rule with all that is put behind it. */
int rule_build_output(struct rule_compiler *k, const struct rule_info *info, struct rule_buffer *ret);

/* Everything: *@ret is a new set. */
int rule_compile(struct rule_collector *c, struct rule_report *report, struct rule_set **ret);

/* Which rules are on: their own key, then the options. */
bool rule_select(const struct rule_options *options, const struct rule *rule);

#endif
