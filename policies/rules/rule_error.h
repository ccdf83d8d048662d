/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loading a rule file had to say: errors and warnings with Falco's codes, and the places that they are about. Owns
 * codes and their wording, places, snippets. Must not know what a rule is made of.
 */
#ifndef HOLDFAST_POLICIES_RULES_RULE_ERROR_H
#define HOLDFAST_POLICIES_RULES_RULE_ERROR_H

#include "policies/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Width of a snippet; longer lines are cut on either side of the place. */
#define RULE_SNIPPET_WIDTH 160
/* Room for the line of a snippet, the line with the mark below it, and the NUL. */
#define RULE_SNIPPET_BYTES (2 * RULE_SNIPPET_WIDTH + 8)
/* Warnings kept of one load: far above what anybody reads; more are counted only. */
#define RULE_WARNINGS_MAX 4096

enum rule_error_code {
	RULE_ERROR_FILE_READ,
	RULE_ERROR_YAML_PARSE,
	RULE_ERROR_YAML_VALIDATE,
	RULE_ERROR_COMPILE_CONDITION,
	RULE_ERROR_COMPILE_OUTPUT,
	RULE_ERROR_VALIDATE,
	RULE_ERROR_EXTENSION,
	_RULE_ERROR_MAX,
};

enum rule_warning_code {
	RULE_WARNING_UNKNOWN_SOURCE,
	RULE_WARNING_UNSAFE_NA_CHECK,
	RULE_WARNING_NO_EVTTYPE,
	RULE_WARNING_UNKNOWN_FILTER,
	RULE_WARNING_UNUSED_MACRO,
	RULE_WARNING_UNUSED_LIST,
	RULE_WARNING_UNKNOWN_ITEM,
	RULE_WARNING_DEPRECATED_ITEM,
	RULE_WARNING_EXTENSION,
	RULE_WARNING_APPEND_NO_VALUES,
	RULE_WARNING_EXCEPTION_NAME_NOT_UNIQUE,
	RULE_WARNING_INVALID_MACRO_NAME,
	RULE_WARNING_INVALID_LIST_NAME,
	RULE_WARNING_COMPILE_CONDITION,
	RULE_WARNING_UNKNOWN_KEY,
	_RULE_WARNING_MAX,
};

/* What a place is a part of. */
enum rule_item {
	RULE_ITEM_VALUE,
	RULE_ITEM_EXCEPTIONS,
	RULE_ITEM_EXCEPTION,
	RULE_ITEM_EXCEPTION_VALUES,
	RULE_ITEM_EXCEPTION_VALUE,
	RULE_ITEM_CONTENT,
	RULE_ITEM_CONTENT_ITEM,
	RULE_ITEM_ENGINE_VERSION,
	RULE_ITEM_PLUGIN_VERSIONS,
	RULE_ITEM_PLUGIN_VERSIONS_ENTRY,
	RULE_ITEM_PLUGIN_VERSIONS_ALTERNATIVE,
	RULE_ITEM_LIST,
	RULE_ITEM_LIST_ITEM,
	RULE_ITEM_MACRO,
	RULE_ITEM_MACRO_CONDITION,
	RULE_ITEM_RULE,
	RULE_ITEM_RULE_CONDITION,
	RULE_ITEM_CONDITION_EXPRESSION,
	RULE_ITEM_RULE_OUTPUT,
	RULE_ITEM_RULE_OUTPUT_EXPRESSION,
	RULE_ITEM_RULE_PRIORITY,
	RULE_ITEM_OVERRIDE,
	RULE_ITEM_EXTENSION,
	_RULE_ITEM_MAX,
};

enum rule_schema {
	RULE_SCHEMA_NONE, /* nothing was checked */
	RULE_SCHEMA_OK,
	RULE_SCHEMA_FAILED,
};

/**
 * struct rule_place - where something stands; never changes once it is made
 * @parent: what it is a part of; NULL for the file as a whole
 * @name: of the item; "" where it has none
 * @file: the file's name; of a CONDITION_EXPRESSION the beginning of the condition in quotes
 * @line, @column: 1-based, in the file; of a CONDITION_EXPRESSION in the condition
 * @offset: in the whole that it stands in, in bytes: the file, or the condition with its lists put in
 * @text: of @len bytes, for snippets: the whole, or what is around of it; begins at @text_offset of it
 */
struct rule_place {
	const struct rule_place *parent;
	enum rule_item item;
	const char *name, *file;
	int line, column;
	size_t offset;
	const char *text;
	size_t text_offset, len;
};

struct rule_problem {
	int code; /* enum rule_error_code or enum rule_warning_code */
	const char *message;
	const struct rule_place *place;
	struct rule_problem *next;
};

/**
 * struct rule_report - what became of one file
 * @name: of the file
 * @ok: it can be used; there are no errors then
 * @schema_message: the first thing that the schema does not have; NULL where there is none
 * @errors, @warnings: in the order in which they were found
 * @n_warnings: may be more than there are in @warnings, see RULE_WARNINGS_MAX
 */
struct rule_report {
	struct policy_arena *arena; /* private */
	const char *name;
	bool ok;
	enum rule_schema schema;
	const char *schema_message;
	struct rule_problem *errors, *last_error;
	size_t n_errors;
	struct rule_problem *warnings, *last_warning;
	size_t n_warnings;
};

/* "LOAD_ERR_VALIDATE" and the like; then what it means, in a few words. NULL for a code that there is not. */
const char *rule_error_code_name(enum rule_error_code code);
const char *rule_error_code_text(enum rule_error_code code);
const char *rule_warning_code_name(enum rule_warning_code code);
const char *rule_warning_code_text(enum rule_warning_code code);
/* What a warning means, at length. */
const char *rule_warning_code_description(enum rule_warning_code code);
/* "rule condition" and the like. */
const char *rule_item_name(enum rule_item item);
/* "ok", "failed", "none". */
const char *rule_schema_name(enum rule_schema schema);

/* The innermost place that lies in a file: what an editor would be sent to. Never NULL if @place is not. */
const struct rule_place *rule_place_in_file(const struct rule_place *place);

/**
 * rule_place_snippet - the line of text that a place is in, and below it a mark
 * @buffer: (output) RULE_SNIPPET_BYTES; both lines end with a line feed
 *
 * Return: @buffer.
 */
const char *rule_place_snippet(const struct rule_place *place, char buffer[static RULE_SNIPPET_BYTES]);

/**
 * rule_report_error - notes an error; the file is not ok any more
 * @place: (borrowed) as long as the report
 *
 * Return: -EINVAL, or -ENOMEM.
 */
int rule_report_error(struct rule_report *report, enum rule_error_code code, const struct rule_place *place,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Notes a warning. Return: 0; -ENOMEM. */
int rule_report_warning(struct rule_report *report, enum rule_warning_code code, const struct rule_place *place,
			const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
