/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that conditions and outputs may name: Falco's for system calls, and ours for drift verdicts. Owns: names,
 * types, arguments. Must not know: how a fact is got.
 */
#ifndef HOLDFAST_POLICIES_RULES_FIELD_H
#define HOLDFAST_POLICIES_RULES_FIELD_H

#include "policies/rules/value.h"

/* May a field have an argument, as in proc.aname[2] or evt.arg.flags? */
enum rule_argument {
	RULE_ARGUMENT_NONE,
	RULE_ARGUMENT_INDEX,		/* [number], may be left out */
	RULE_ARGUMENT_KEY,		/* [text], may be left out */
	RULE_ARGUMENT_KEY_NEEDED,
	RULE_ARGUMENT_INDEX_OR_KEY,	/* proc.aenv[2], proc.aenv[NAME] */
	RULE_ARGUMENT_INDEX_OR_KEY_NEEDED,
	_RULE_ARGUMENT_MAX,
};

enum rule_field_flag {
	RULE_FIELD_LIST = 1 << 0,		/* always a RULE_VALUE_LIST */
	RULE_FIELD_ANCESTORS = 1 << 1,		/* without argument: the LIST of all ancestors, parent first; any of them may match */
	RULE_FIELD_BOTH_ENDS = 1 << 2,		/* a LIST of both ends: = and in: either, !=: neither */
	RULE_FIELD_NO_TRANSFORMER = 1 << 3,
	RULE_FIELD_NO_RIGHT_SIDE = 1 << 4,	/* refused in val() */
	RULE_FIELD_EVENT_TYPE = 1 << 5,		/* constants must be names of event types */
	RULE_FIELD_DEPRECATED = 1 << 6,
	RULE_FIELD_HEX = 1 << 7,		/* numbers are printed in base 16, without a prefix */
	RULE_FIELD_OCTAL = 1 << 8,
	RULE_FIELD_PADDED = 1 << 9,		/* as nine digits */
	/* A LIST, which may be empty, of those host names that rules ask for (rule_program_names) and this address has:
	 * = and in: any of them, !=: none. */
	RULE_FIELD_NAMES = 1 << 10,
	RULE_FIELD_EVENT_ARGUMENT = 1 << 11,	/* the argument is a name of Falco's event table */
	RULE_FIELD_OURS = 1 << 12,		/* Falco has no such field */
	RULE_FIELD_SUGGESTED = 1 << 13,		/* appended to outputs by default */
	RULE_FIELD_FILTER_ONLY = 1 << 14,	/* refused in outputs */
	RULE_FIELD_DOTTED = 1 << 15,		/* the argument may follow a dot: evt.arg.flags */
};

struct rule_field {
	const char *name;
	uint8_t type;	  /* enum rule_type */
	uint8_t bits;	  /* of numbers: 8, 16, 32, 64; constants must fit */
	uint8_t argument; /* enum rule_argument */
	uint16_t flags;	  /* enum rule_field_flag */
	const char *description;
};

/* One field as some rule names it: with its argument. Whoever extracts facts chooses by field->name at load time. */
struct rule_field_use {
	const struct rule_field *field;
	const char *text;	/* as in messages and outputs: "proc.aname[2]", "evt.arg.flags" */
	const char *argument;	/* "2", "flags"; NULL: none. For evt.arg never NULL */
	bool indexed;		/* the argument is the number in index */
	int64_t index;
	uint32_t ref;		/* number in its program: 0, 1, 2.. */
};

/* All fields, in the order of a listing. @n: output. Never NULL. */
const struct rule_field *rule_fields(size_t *n);

/**
 * rule_field_find - the field that a name begins with
 * @text: "evt.arg.flags", "proc.name", of @len bytes
 * @ret_len: output, may be NULL: bytes of @text that are the field's name ("evt.arg" is 7), the rest is its argument
 *
 * Of names that begin with one another the longest wins. Return: the field, or NULL if the whole of @text names none.
 */
const struct rule_field *rule_field_find(const char *text, size_t len, size_t *ret_len);

/* Is @name the name of an argument of any event of Falco's ("flags", "newpath")? */
bool rule_event_argument_known(const char *name, size_t len);

/* "STRING", "PORT", .. as listings name it; NULL for a type that there is not. */
const char *rule_type_name(enum rule_type type);

#endif
