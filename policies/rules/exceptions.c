// SPDX-License-Identifier: Apache-2.0
/*
 * Exceptions of rules: what must hold for them, and how they become a part of the condition, which is text as in Falco:
 * what stands in a value is read as condition text there.
 */
#include "policies/rules/collect.h"
#include "policies/rules/parse.h"

#include <errno.h>
#include <string.h>

static int fail(struct rule_report *report, const struct rule_exception *exception, const char *message)
{
	return rule_report_error(report, RULE_ERROR_VALIDATE, exception->place, "%s", message);
}

/* Takes the blanks off both ends of a comparison. */
static int trim_entry(struct rule_collector *c, struct rule_entry *entry)
{
	const char *text = entry->kind == RULE_ENTRY_TEXT ? entry->text : "";
	size_t len;

	text += strspn(text, " \t\r\n\v\f");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n\v\f", text[len - 1]))
		len--;
	entry->text = policy_arena_copy(c->arena, text, len);
	return entry->text ? 0 : -ENOMEM;
}

static bool is_list_operator(const char *text)
{
	enum rule_operator operator;
	enum rule_modifier modifier;

	if (rule_operator_parse(text, &operator, &modifier) < 0)
		return false;
	return modifier != RULE_ONE || operator == RULE_OP_IN || operator == RULE_OP_INTERSECTS || operator == RULE_OP_PMATCH;
}

static bool is_operator(const char *text)
{
	enum rule_operator operator;
	enum rule_modifier modifier;

	return rule_operator_parse(text, &operator, &modifier) == 0;
}

/* Return: 0; -EINVAL: no field or transformer of ours; -ENOMEM. */
static int compile_field(struct rule_collector *c, const char *text)
{
	struct rule_node exists = { .kind = RULE_EXISTS };
	struct rule_filter *filter;
	struct rule_syntax_error syntax;
	struct rule_filter_error error;
	int r = rule_operand_parse(text, strlen(text), false, c->arena, &exists.first, NULL, &syntax);

	return r == 0 ? rule_filter_compile(c->program, &exists, &filter, &error) : r;
}

static int check_field(struct rule_collector *c, struct rule_report *report, const struct rule_exception *exception,
		       const struct rule_entry *field)
{
	const char *text = field->kind == RULE_ENTRY_TEXT ? field->text : "";
	int r = compile_field(c, text);

	if (r == -EINVAL)
		return rule_report_error(report, RULE_ERROR_VALIDATE, exception->place,
					 "'%s' is not a supported filter field", text);
	return r;
}

/* As many "=" as there are fields. */
static int default_comps(struct rule_collector *c, struct rule_exception *exception)
{
	struct rule_entry *entry;

	exception->comps.kind = RULE_ENTRY_LIST;
	for (size_t i = 0; i < exception->fields.n; i++) {
		entry = policy_arena_alloc(c->arena, 1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->kind = RULE_ENTRY_TEXT;
		entry->text = "=";
		entry->next = exception->comps.first;
		exception->comps.first = entry;
	}
	exception->comps.n = exception->fields.n;
	return 0;
}

static int check_comps(struct rule_collector *c, struct rule_report *report, const struct rule_exception *exception)
{
	for (struct rule_entry *entry = exception->comps.first; entry; entry = entry->next) {
		if (trim_entry(c, entry) < 0)
			return -ENOMEM;
		if (!is_operator(entry->text))
			return rule_report_error(report, RULE_ERROR_VALIDATE, exception->place,
						 "'%s' is not a supported comparison operator", entry->text);
	}
	return 0;
}

static int check_many(struct rule_collector *c, struct rule_report *report, struct rule_exception *exception, bool known)
{
	int r = 0;

	if (exception->comps.kind == RULE_ENTRY_NONE)
		r = default_comps(c, exception);
	if (r == 0 && (exception->comps.kind != RULE_ENTRY_LIST || exception->comps.n != exception->fields.n))
		return fail(report, exception, "Fields and comps lists must have equal length");
	if (r == 0)
		r = check_comps(c, report, exception);
	for (struct rule_entry *field = exception->fields.first; field && known && r == 0; field = field->next)
		r = check_field(c, report, exception, field);
	return r;
}

static int check_single(struct rule_collector *c, struct rule_report *report, struct rule_exception *exception, bool known)
{
	struct rule_entry *comps = &exception->comps;

	if (comps->kind == RULE_ENTRY_NONE)
		*comps = (struct rule_entry){ .kind = RULE_ENTRY_TEXT, .text = "in" };
	if (comps->kind == RULE_ENTRY_LIST)
		return fail(report, exception, "Fields and comps must both be strings");
	if (trim_entry(c, comps) < 0)
		return -ENOMEM;
	if (!is_list_operator(comps->text))
		return fail(report, exception,
			    "When fields is a single value, comps must be one of (in, pmatch, intersects), or a string "
			    "operator followed by one of (oneof, anyof, allof)");
	return known ? check_field(c, report, exception, &exception->fields) : 0;
}

int rule_exception_check(struct rule_collector *c, struct rule_report *report, struct rule_exception *exception, bool known)
{
	if (exception->fields.kind == RULE_ENTRY_LIST)
		return check_many(c, report, exception, known);
	return check_single(c, report, exception, known);
}

/* The text that is being built, and what went wrong with it. */
struct build {
	struct policy_arena *arena;
	struct rule_buffer *text;
	int error;
};

static void add(struct build *b, const char *s)
{
	if (b->error == 0)
		b->error = rule_buffer_add(b->text, b->arena, s, strlen(s));
}

/* A value with a blank in it gets quotes, unless it brings some. */
static void add_value(struct build *b, const char *value)
{
	bool quote = strchr(value, ' ') && value[0] != '"' && value[0] != '\'';

	add(b, quote ? "\"" : "");
	add(b, value);
	add(b, quote ? "\"" : "");
}

static const char *const wants_strings = "Expected values array to contain a list of strings";

/* (a, b, c) */
static int add_values(struct build *b, struct rule_report *report, const struct rule_exception *exception,
		      const struct rule_entry *list)
{
	add(b, "(");
	for (const struct rule_entry *value = list->first; value; value = value->next) {
		if (value->kind != RULE_ENTRY_TEXT)
			return fail(report, exception, wants_strings);
		add_value(b, value->text);
		add(b, value->next ? ", " : "");
	}
	add(b, ")");
	return b->error;
}

static int add_right_side(struct build *b, struct rule_report *report, const struct rule_exception *exception,
			  const char *comp, const struct rule_entry *value)
{
	if (value->kind == RULE_ENTRY_LIST)
		return add_values(b, report, exception, value);
	if (value->kind == RULE_ENTRY_NONE)
		return fail(report, exception, wants_strings);
	if (!is_list_operator(comp)) {
		add_value(b, value->text);
	} else {
		add(b, value->text[0] == '(' ? "" : "(");
		add(b, value->text);
		add(b, value->text[0] == '(' ? "" : ")");
	}
	return b->error;
}

/* (f1 c1 v1 and f2 c2 v2) */
static int add_tuple(struct build *b, struct rule_report *report, const struct rule_exception *exception,
		     const struct rule_entry *tuple)
{
	const struct rule_entry *comp = exception->comps.first, *value = tuple->first;
	int r = 0;

	if (tuple->n != exception->fields.n)
		return fail(report, exception, "Fields and values lists must have equal length");
	add(b, "(");
	for (const struct rule_entry *field = exception->fields.first; field && r == 0; field = field->next) {
		add(b, field == exception->fields.first ? "" : " and ");
		add(b, field->kind == RULE_ENTRY_TEXT ? field->text : "");
		add(b, " ");
		add(b, comp->text);
		add(b, " ");
		r = add_right_side(b, report, exception, comp->text, value);
		comp = comp->next;
		value = value->next;
	}
	add(b, ")");
	return r < 0 ? r : b->error;
}

static int add_exception(struct build *b, struct rule_report *report, const struct rule_exception *exception)
{
	int r = 0;

	if (exception->values.n == 0)
		return 0;
	add(b, " and not (");
	if (exception->fields.kind != RULE_ENTRY_LIST) {
		add(b, exception->fields.text);
		add(b, " ");
		add(b, exception->comps.text);
		add(b, " ");
		r = add_values(b, report, exception, &exception->values);
	}
	for (const struct rule_entry *tuple = exception->values.first;
	     tuple && r == 0 && exception->fields.kind == RULE_ENTRY_LIST; tuple = tuple->next) {
		add(b, tuple == exception->values.first ? "" : " or ");
		r = add_tuple(b, report, exception, tuple);
	}
	add(b, ")");
	return r < 0 ? r : b->error;
}

int rule_exceptions_build(struct policy_arena *arena, struct rule_report *report, const struct rule_info *rule,
			  struct rule_buffer *condition)
{
	struct build b = { .arena = arena, .text = condition };
	int r = 0;

	add(&b, "(");
	add(&b, rule->condition.s ? rule->condition.s : "");
	add(&b, ")");
	for (const struct rule_exception *e = rule->exceptions.first; e && r == 0; e = e->next)
		r = add_exception(&b, report, e);
	return r < 0 ? r : b.error;
}
