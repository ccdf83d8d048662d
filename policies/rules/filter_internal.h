/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the compiler and of the evaluation share: programs, operands, checks. Must not know rule files.
 *
 * I1: a program is written while rules are compiled, and only read from the first rule_facts_new on.
 * I2: equal operands are one object, and so are equal checks: who compares pointers compares meanings.
 */
#ifndef HOLDFAST_POLICIES_RULES_FILTER_INTERNAL_H
#define HOLDFAST_POLICIES_RULES_FILTER_INTERNAL_H

#include "policies/rules/filter.h"
#include "policies/rules/filter_set.h"
#include "policies/rules/names.h"
#include "policies/rules/regex.h"
#include "policies/rules/transform.h"

/* Fields with their arguments in one program: all fields with some arguments each. Bounds what one event's facts take. */
#define RULE_USES_MAX 4096
/* Checks and operands in one program: a hundred times what the upstream rules need. */
#define RULE_OBJECTS_MAX (1U << 20)
/* Values that checks of one program compare with, each at most 100 bytes with its place in a set: twice what all lists of
 * the rule files may hold, since those who share a list's values count it once. */
#define RULE_CONSTANTS_MAX (1U << 17)
/* So many values of one list are a check of their own where they can be: rules that name others beside them share it. Fewer are
 * looked up faster together. */
#define RULE_ITEMS_APART 256
/* Transformed values of one event, and how many there may be: a path of 4 KiB in each of a few rules. */
#define RULE_SCRATCH_BYTES (64U << 10)
#define RULE_DERIVED_MAX 4096

enum rule_operand_kind {
	RULE_OPERAND_FIELD,
	RULE_OPERAND_CONSTANT,	/* text in a transformer */
	RULE_OPERAND_TRANSFORM,
	RULE_OPERAND_LIST,	/* (a, b) in a transformer */
};

/* What stands left of an operator, or in val() or a transformer right of it. */
struct rule_operand {
	enum rule_operand_kind kind;
	enum rule_type type;
	uint8_t bits;
	bool list;			/* its value is a LIST, by its type */
	bool ancestors;			/* its value is the LIST of all ancestors */
	uint16_t flags;			/* of the field */
	uint32_t ref;			/* FIELD: of the use; TRANSFORM, LIST: number among the derived values */
	const struct rule_field_use *use;
	enum rule_transform transform;
	char selector;			/* getopt(..)[c]; NUL: none */
	const struct rule_operand **arguments;
	size_t n_arguments;
	struct rule_value constant;
	const char *text;		/* canonical */
};

struct rule_constant;
struct rule_check;

/* Is @value, of the kind that the left operand's type asks for, in the relation to @constant? */
typedef bool (*rule_test_fn)(const struct rule_value *value, const struct rule_constant *constant);

struct rule_constant {
	struct rule_value value;
	uint8_t prefix_bits;	/* NET */
	void *pattern;		/* compiled regular expression or glob */
};

enum rule_check_kind {
	RULE_CHECK_AND,
	RULE_CHECK_OR,
	RULE_CHECK_NOT,
	RULE_CHECK_EXISTS,
	RULE_CHECK_ONE,		/* test() with the only constant */
	RULE_CHECK_SET,		/* text in a set */
	RULE_CHECK_PATHS,	/* pmatch */
	RULE_CHECK_SOME,	/* test() with the constants, counted by the modifier */
	RULE_CHECK_RIGHT,	/* test() with the right operand's value */
};

/* Of a value with several elements: which of them must pass. */
enum rule_quantifier {
	RULE_SCALAR,	/* it has none */
	RULE_ANY,
	RULE_ALL,
};

/* What every evaluation reads stands first, in one cache line with what most of them read next. */
struct rule_check {
	uint8_t kind;	    /* enum rule_check_kind */
	uint8_t quantifier; /* enum rule_quantifier */
	uint8_t modifier;   /* enum rule_modifier */
	uint8_t value_kind; /* enum rule_value_kind of the left value's elements */
	bool of_field;	    /* the left operand is the field ref */
	bool expensive;
	uint32_t ref;
	uint32_t memo; /* AND, OR, NOT and expensive ones with two parents: number of the result, from 1 */
	uint32_t parents;
	rule_test_fn test;
	union {
		struct { /* AND, OR, NOT */
			const struct rule_check **children;
			size_t n_children;
		};
		struct { /* the others */
			const struct rule_constant *constants;
			size_t n_constants;
			const struct rule_text_set *set;
			const void *paths;
		};
	};
	struct rule_constant only; /* ONE */
	const struct rule_operand *left, *right;
	const struct rule_filter_warning *warnings;
};

struct rule_object; /* in the table of equal things */

struct rule_program {
	struct policy_arena *arena;
	const struct rule_field *extra;
	size_t n_extra;
	const struct rule_field_use **uses;
	uint32_t n_uses;
	uint32_t n_derived;
	uint32_t n_memos;
	struct rule_object **objects;
	size_t n_objects, objects_mask;
	const char **names;
	size_t n_names, names_room;
	struct rule_names known_names; /* the same, to find them */
	size_t n_constants;
	struct rule_regex_room regex_room;
};

struct rule_filter {
	const struct rule_check *root;
	const struct rule_filter_warning *warnings;
	struct rule_event_set types;
};

/* One compilation. */
struct rule_compiler {
	struct rule_program *program;
	struct policy_arena *scratch; /* gone with the compilation */
	const struct rule_filter_warning *warnings;
	struct rule_filter_error *err;
};

struct rule_fact {
	uint32_t epoch; /* the value is of the event of this number */
	uint32_t hash;	/* of its text; 0: not worked out yet */
	struct rule_value value;
};

struct rule_facts {
	const struct rule_program *program;
	rule_extract_fn extract;
	void *event;
	uint32_t epoch; /* below 2^31 */
	uint32_t scratch_used;
	uint64_t overflows;
	struct rule_fact *uses;
	struct rule_fact *derived;
	uint32_t *memos; /* epoch << 1 | result */
	char *scratch;
};

/* Says what is wrong at @offset. Return: -EINVAL. */
int rule_compile_fail(struct rule_filter_error *err, enum rule_filter_error_kind kind, uint32_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int rule_compile_warn(struct rule_compiler *c, uint32_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * rule_program_object - the object with this key
 * @make: makes it, if there is none yet; @data is for it
 */
int rule_program_object(struct rule_program *program, const void *key, size_t len,
			int (*make)(void *data, void **ret), void *data, void **ret);

/* The number of a field with its argument. @argument: of brackets, NULL: none. */
int rule_program_use_field(struct rule_program *program, const char *text, size_t len, const char *argument, uint32_t offset,
			   uint32_t *ret, struct rule_filter_error *err);

/* FIELD, TRANSFORM, VALUE or TRANSFORM_LIST to an operand. */
int rule_compile_operand(struct rule_compiler *c, const struct rule_node *node, const struct rule_operand **ret);

/* COMPARE and EXISTS to a check. */
int rule_compile_leaf(struct rule_compiler *c, const struct rule_node *node, struct rule_check *ret);

/* What tells @node's meaning from that of other nodes, as bytes in the compiler's scratch arena. */
int rule_compile_key(struct rule_compiler *c, const struct rule_node *node, void **ret, size_t *ret_len);

/* The test of one value against one constant. Return: 0; -EINVAL: the operator is not for this type. */
int rule_test_for(enum rule_type type, enum rule_operator operator, rule_test_fn *ret);

/* A constant of @type, parsed from a VALUE. */
int rule_compile_constant(struct rule_compiler *c, enum rule_type type, uint8_t bits, enum rule_operator operator,
			  const struct rule_node *node, struct rule_constant *ret);

/* The kind of scalar values of a type. */
enum rule_value_kind rule_value_kind_of(enum rule_type type);

/* The value of an operand for the event. Never NULL. */
const struct rule_value *rule_operand_value(const struct rule_operand *operand, struct rule_facts *facts);

/* Room in the event's scratch memory, aligned; NULL (and counted) if there is none. */
void *rule_facts_scratch(struct rule_facts *facts, size_t bytes);

#endif
