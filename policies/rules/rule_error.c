// SPDX-License-Identifier: Apache-2.0
/*
 * Reports: filling them, and showing where a place is. The words of the codes are in rule_codes.c.
 */
#include "policies/rules/rule_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of one message: a name or a value of the file may be in it, of which the beginning is enough. */
#define MESSAGE_BYTES_MAX 1024

const struct rule_place *rule_place_in_file(const struct rule_place *place)
{
	while (place->item == RULE_ITEM_CONDITION_EXPRESSION && place->parent)
		place = place->parent;
	return place;
}

/* The line around a place: [from, to) of the text. */
struct line {
	size_t from, to, at;
	bool cut_before, cut_behind;
};

static struct line find_line(const struct rule_place *place)
{
	struct line line = { .at = place->offset - place->text_offset };

	/* A value that is not there stands behind the end of its line, or of the file. */
	while (line.at > 0 && (line.at >= place->len || place->text[line.at] == '\n'))
		line.at--;
	line.from = line.at;
	line.to = line.at;
	while (line.from > 0 && place->text[line.from - 1] != '\n' && line.at - line.from < RULE_SNIPPET_WIDTH / 2)
		line.from--;
	while (line.to < place->len && place->text[line.to] != '\n' && line.to - line.at < RULE_SNIPPET_WIDTH / 2)
		line.to++;
	line.cut_before = line.from > 0 && place->text[line.from - 1] != '\n';
	line.cut_behind = line.to < place->len && place->text[line.to] != '\n';
	return line;
}

/* Characters, not bytes: the mark stands below what it is about. */
static size_t count_characters(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

const char *rule_place_snippet(const struct rule_place *place, char buffer[static RULE_SNIPPET_BYTES])
{
	struct line line;
	size_t len, used;

	if (place->len == 0) {
		snprintf(buffer, RULE_SNIPPET_BYTES, "<No context available>\n");
		return buffer;
	}
	line = find_line(place);
	len = line.to - line.from;
	memcpy(buffer, place->text + line.from, len);
	if (line.cut_before && len >= 3)
		memcpy(buffer, "...", 3);
	if (line.cut_behind && len >= 3)
		memcpy(buffer + len - 3, "...", 3);
	for (size_t i = 0; i < len; i++)
		buffer[i] = (unsigned char)buffer[i] < ' ' || buffer[i] == 0x7f ? ' ' : buffer[i];
	used = count_characters(buffer, line.at - line.from);
	buffer[len] = '\n';
	memset(buffer + len + 1, ' ', used);
	memcpy(buffer + len + 1 + used, "^\n", 3);
	return buffer;
}

static struct rule_problem *new_problem(struct rule_report *report, int code, const struct rule_place *place,
					const char *format, va_list args)
{
	struct rule_problem *problem = policy_arena_alloc(report->arena, 1, sizeof(*problem));
	char message[MESSAGE_BYTES_MAX];

	if (!problem)
		return NULL;
	vsnprintf(message, sizeof(message), format, args);
	problem->code = code;
	problem->place = place;
	problem->message = policy_arena_copy(report->arena, message, strlen(message));
	return problem->message ? problem : NULL;
}

int rule_report_error(struct rule_report *report, enum rule_error_code code, const struct rule_place *place,
		      const char *format, ...)
{
	struct rule_problem *problem;
	va_list args;

	report->ok = false;
	va_start(args, format);
	problem = new_problem(report, (int)code, place, format, args);
	va_end(args);
	if (!problem)
		return -ENOMEM;
	if (report->last_error)
		report->last_error->next = problem;
	else
		report->errors = problem;
	report->last_error = problem;
	report->n_errors++;
	return -EINVAL;
}

int rule_report_warning(struct rule_report *report, enum rule_warning_code code, const struct rule_place *place,
			const char *format, ...)
{
	struct rule_problem *problem;
	va_list args;

	report->n_warnings++;
	if (report->n_warnings > RULE_WARNINGS_MAX)
		return 0;
	va_start(args, format);
	problem = new_problem(report, (int)code, place, format, args);
	va_end(args);
	if (!problem)
		return -ENOMEM;
	if (report->last_warning)
		report->last_warning->next = problem;
	else
		report->warnings = problem;
	report->last_warning = problem;
	return 0;
}
