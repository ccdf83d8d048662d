/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions as programs: a syntax tree becomes checks that ask for facts and answer true or false.
 *
 * Owns: the meaning of conditions. Must not know: rule files, events. One program holds the checks of all rules of a
 * set: each field with its argument has one number in it (ref), equal sub-conditions are one check, and neither a fact
 * nor a sub-condition is worked out twice for one event.
 */
#ifndef HOLDFAST_POLICIES_RULES_FILTER_H
#define HOLDFAST_POLICIES_RULES_FILTER_H

#include "policies/arena.h"
#include "policies/rules/ast.h"
#include "policies/rules/event_types.h"
#include "policies/rules/field.h"
#include "policies/rules/value.h"

#define RULE_FILTER_MESSAGE_BYTES 512

struct rule_program;	/* the checks of one set of rules; immutable once all is compiled */
struct rule_filter;	/* one condition; lives as long as its program's arena */
struct rule_facts;	/* what is known of one event; one per thread */

enum rule_filter_error_kind {
	RULE_FILTER_INVALID,
	RULE_FILTER_UNKNOWN_FIELD,	/* skip-if-unknown-filter forgives these two */
	RULE_FILTER_UNKNOWN_EVENT_TYPE,
};

struct rule_filter_error {
	enum rule_filter_error_kind kind;
	uint32_t offset; /* in the condition or the output */
	char message[RULE_FILTER_MESSAGE_BYTES];
};

/* What loads all the same, but hardly means what was meant. Newest first. */
struct rule_filter_warning {
	const char *message;
	uint32_t offset;
	const struct rule_filter_warning *next;
};

/**
 * rule_program_new - an empty program
 * @arena: borrowed; all of the program is allocated from it
 * @extra: fields besides those of rule_fields, for tests of the language; may be NULL
 *
 * Return: 0; -ENOMEM.
 */
int rule_program_new(struct policy_arena *arena, const struct rule_field *extra, size_t n_extra, struct rule_program **ret);

/* The fields in use so far: item i has ref i. */
size_t rule_program_uses(const struct rule_program *program, const struct rule_field_use *const **ret);

/* Fields that nothing in the program names yet, for whoever needs a fact besides (such as suggested output). Return: its
 * number through @ret; -EINVAL: @text names no field (@err says why); -ENOMEM. */
int rule_program_use(struct rule_program *program, const char *text, uint32_t *ret, struct rule_filter_error *err);

/* The host names that conditions compare fields with RULE_FIELD_NAMES to: whoever extracts these fields resolves them. */
size_t rule_program_names(const struct rule_program *program, const char *const **ret);

/* The field of @program that @text of @len bytes names, @extra ones too; see rule_field_find. */
const struct rule_field *rule_program_field(const struct rule_program *program, const char *text, size_t len, size_t *ret_len);

/**
 * rule_filter_compile - a condition's tree as a filter
 * @node: macros resolved; borrowed until return only
 *
 * Return: 0; -EINVAL: @err says what is wrong and where; -ENOMEM.
 */
int rule_filter_compile(struct rule_program *program, const struct rule_node *node, struct rule_filter **ret,
			struct rule_filter_error *err);

const struct rule_filter_warning *rule_filter_warnings(const struct rule_filter *filter);

/* The event types that the filter can be true for. */
const struct rule_event_set *rule_filter_event_types(const struct rule_filter *filter);

/**
 * typedef rule_extract_fn - gets one fact of an event
 * @event: what rule_facts_begin was given
 * @ret: RULE_VALUE_MISSING on entry. Kind must fit the field's type: BOOL -> BOOL; SIGNED -> SIGNED; UNSIGNED, PORT,
 *	TIME, DURATION -> UNSIGNED; STRING, PATH, BYTES -> TEXT; ADDRESS, NET -> ADDRESS; or a LIST of them where the
 *	field's flags say so. A value of another kind counts as missing.
 *
 * Called at most once per event and ref. Must not block or allocate.
 */
typedef void (*rule_extract_fn)(void *event, const struct rule_field_use *use, struct rule_value *ret);

/* Room for the facts of one event. @program must not grow afterwards. Return: 0; -ENOMEM. */
int rule_facts_new(const struct rule_program *program, rule_extract_fn extract, struct policy_arena *arena,
		   struct rule_facts **ret);

/* Forgets the last event. Cost: constant. @event: borrowed until the next call; may be NULL for an extract that needs none. */
void rule_facts_begin(struct rule_facts *facts, void *event);

/* One fact, extracted now if it was not yet. Never NULL; of kind RULE_VALUE_MISSING if the event has it not. */
const struct rule_value *rule_facts_get(struct rule_facts *facts, uint32_t ref);

/* How often a transformed value was too long for the scratch memory of one event, and so counted as missing. */
uint64_t rule_facts_overflows(const struct rule_facts *facts);

/* Is the condition true for the event? Allocates nothing. */
bool rule_filter_match(const struct rule_filter *filter, struct rule_facts *facts);

#endif
