// SPDX-License-Identifier: Apache-2.0
/*
 * From YAML nodes to typed values. Must not know which keys the language has.
 */
#include "policies/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for the list of words that a message offers. */
#define WORDS_TEXT_MAX 256

static int fail_place(struct policy_reader *r, int line, int column, const char *format, va_list args)
{
	char message[POLICY_ERROR_MESSAGE_MAX];

	vsnprintf(message, sizeof(message), format, args);
	return policy_fail(r->err, -EINVAL, (struct policy_place){ r->origin.file, line, column }, "%s", message);
}

int policy_fail_at(struct policy_reader *r, const struct yaml_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_place(r, node->line, node->column, format, args);
	va_end(args);
	return -EINVAL;
}

int policy_fail_key(struct policy_reader *r, const struct yaml_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_place(r, node->key_line, node->key_column, format, args);
	va_end(args);
	return -EINVAL;
}

int policy_fail_memory(struct policy_reader *r)
{
	return policy_fail(r->err, -ENOMEM, (struct policy_place){ .file = r->origin.file }, "out of memory");
}

const struct yaml_node *policy_find_key(const struct yaml_node *node, const char *key)
{
	if (node->type != YAML_MAPPING)
		return NULL;
	for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
		if (strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_null(const char *text)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	return is_one_of(text, words, sizeof(words) / sizeof(words[0]));
}

static bool is_bool(const char *text)
{
	static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	return is_one_of(text, words, sizeof(words) / sizeof(words[0]));
}

/* The numbers of YAML 1.2's core schema (section 10.3.2). */
static bool is_number(const char *text)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN" };
	const char *s = text + (*text == '-' || *text == '+');
	size_t digits;

	if (is_one_of(s, words, sizeof(words) / sizeof(words[0])))
		return true;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o') && s[2])
		return strspn(s + 2, s[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567") == strlen(s + 2);
	digits = strspn(s, "0123456789");
	s += digits;
	if (*s == '.') {
		s++;
		digits += strspn(s, "0123456789");
		s += strspn(s, "0123456789");
	}
	if (digits > 0 && (*s == 'e' || *s == 'E')) {
		s++;
		s += *s == '-' || *s == '+';
		if (!isdigit((unsigned char)*s))
			return false;
		s += strspn(s, "0123456789");
	}
	return digits > 0 && *s == '\0';
}

static const char *describe(const struct yaml_node *node)
{
	if (node->type == YAML_MAPPING)
		return "a mapping";
	if (node->type == YAML_SEQUENCE)
		return "a list";
	if (!node->plain)
		return "text";
	if (is_null(node->text))
		return "empty";
	if (is_bool(node->text))
		return "true or false";
	return is_number(node->text) ? "a number" : "text";
}

static const char *describe_type(enum yaml_type type)
{
	return type == YAML_MAPPING ? "a mapping" : type == YAML_SEQUENCE ? "a list" : "text";
}

int policy_want_type(struct policy_reader *r, const struct yaml_node *node, enum yaml_type type, const char *what)
{
	if (node->type == type)
		return 0;
	return policy_fail_at(r, node, "%s must be %s, but it is %s", what, describe_type(type), describe(node));
}

int policy_want_keys(struct policy_reader *r, const struct yaml_node *node, const char *const *known, size_t n,
		     const char *where)
{
	int ret = policy_want_type(r, node, YAML_MAPPING, where);
	char words[WORDS_TEXT_MAX];
	const char *near;

	for (const struct yaml_node *entry = node->first; entry && ret == 0; entry = entry->next) {
		if (is_one_of(entry->key, known, n))
			continue;
		near = policy_suggest(entry->key, known, n);
		if (near)
			ret = policy_fail_key(r, entry, "unknown key \"%.*s\" in %s; did you mean \"%s\"?",
					      POLICY_QUOTE_MAX, entry->key, where, near);
		else
			ret = policy_fail_key(r, entry, "unknown key \"%.*s\" in %s; it takes %s", POLICY_QUOTE_MAX,
					      entry->key, where, policy_join(words, sizeof(words), known, n));
	}
	return ret;
}

static int check_string(struct policy_reader *r, const struct yaml_node *node, const char *what, size_t max,
			policy_check_fn check)
{
	const char *wrong;

	if (node->type != YAML_SCALAR || (node->plain && is_null(node->text)))
		return policy_fail_at(r, node, "%s must be text, but it is %s", what, describe(node));
	if (node->plain && (is_bool(node->text) || is_number(node->text)))
		return policy_fail_at(r, node, "%s must be text, but it is %s; write it in quotes", what,
				      describe(node));
	if (node->len > max)
		return policy_fail_at(r, node, "%s is longer than %zu bytes; shorten it", what, max);
	wrong = check ? check(node->text) : NULL;
	return wrong ? policy_fail_at(r, node, "%s: %s", what, wrong) : 0;
}

int policy_want_string(struct policy_reader *r, const struct yaml_node *parent, const struct yaml_node *node,
		       const char *what, size_t max, policy_check_fn check, const char **ret)
{
	int error;

	if (!node)
		return policy_fail_at(r, parent, "%s is missing; add it", what);
	error = check_string(r, node, what, max, check);
	if (error < 0)
		return error;
	return policy_arena_dup(r->set->arena, node->text, ret) < 0 ? policy_fail_memory(r) : 0;
}

int policy_want_bool(struct policy_reader *r, const struct yaml_node *node, const char *what, bool *ret)
{
	if (node->type != YAML_SCALAR || !node->plain || !is_bool(node->text))
		return policy_fail_at(r, node, "%s must be true or false, but it is %s", what, describe(node));
	*ret = tolower((unsigned char)node->text[0]) == 't';
	return 0;
}

/* Tools that read YAML 1.1 write a plain "off" back as false. */
static const char *suggest_word(const struct yaml_node *node, const char *const *words, size_t n)
{
	if (node->plain && is_bool(node->text) && tolower((unsigned char)node->text[0]) == 'f' &&
	    is_one_of("off", words, n))
		return "off";
	return policy_suggest(node->text, words, n);
}

int policy_want_word(struct policy_reader *r, const struct yaml_node *node, const char *what,
		     const char *const *words, size_t n, size_t *ret)
{
	char list[WORDS_TEXT_MAX];
	const char *near;

	policy_join(list, sizeof(list), words, n);
	if (node->type != YAML_SCALAR || (node->plain && is_null(node->text)))
		return policy_fail_at(r, node, "%s must be one of %s, but it is %s", what, list, describe(node));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(node->text, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	near = suggest_word(node, words, n);
	if (near)
		return policy_fail_at(r, node, "\"%.*s\" is no value of %s; did you mean \"%s\"? It takes %s",
				      POLICY_QUOTE_MAX, node->text, what, near, list);
	return policy_fail_at(r, node, "\"%.*s\" is no value of %s; it takes %s", POLICY_QUOTE_MAX, node->text, what,
			      list);
}

static int check_list(struct policy_reader *r, const struct yaml_node *node, const char *what, size_t max_items)
{
	int error = policy_want_type(r, node, YAML_SEQUENCE, what);

	if (error < 0)
		return error;
	if (node->count == 0)
		return policy_fail_at(r, node, "%s is an empty list; add an entry or remove the key", what);
	if (node->count > max_items)
		return policy_fail_at(r, node, "%s has %zu entries, more than %zu; split it", what, node->count,
				      max_items);
	return 0;
}

int policy_want_strings(struct policy_reader *r, const struct yaml_node *node, const char *what, size_t max_items,
			size_t max_bytes, policy_check_fn check, struct policy_strings *ret)
{
	struct policy_strings strings = { 0 };
	int error = check_list(r, node, what, max_items);

	if (error < 0)
		return error;
	strings.item = policy_arena_alloc(r->set->arena, node->count, sizeof(*strings.item));
	if (!strings.item)
		return policy_fail_memory(r);
	for (const struct yaml_node *entry = node->first; entry; entry = entry->next) {
		error = policy_want_string(r, node, entry, what, max_bytes, check, &strings.item[strings.n]);
		if (error < 0)
			return error;
		strings.n++;
	}
	*ret = strings;
	return 0;
}

const char *policy_check_glob(const char *text)
{
	const char *reason = NULL;

	policy_glob_valid(text, NULL, &reason);
	return reason;
}

/* The kernel gives paths without these, so a pattern that holds one matches nothing. */
static const char *check_components(const char *text)
{
	if (text[0] != '/')
		return "a path starts with a slash; write it from the container's root";
	for (const char *s = text; *s; s += strcspn(s + 1, "/") + 1) {
		size_t n = strcspn(s + 1, "/");

		if (n == 0 && s[1])
			return "two slashes in a row match nothing; write one";
		if (n == 0 && s != text)
			return "a path does not end in a slash; remove it or, in a pattern, write /**";
		if ((n == 1 && s[1] == '.') || (n == 2 && s[1] == '.' && s[2] == '.'))
			return "\".\" and \"..\" match nothing; write the path they lead to";
	}
	return NULL;
}

const char *policy_check_path_glob(const char *text)
{
	const char *wrong = policy_check_glob(text);

	return wrong ? wrong : check_components(text);
}

const char *policy_check_path(const char *text)
{
	if (text[strcspn(text, "*?[\\")])
		return "this is a path, not a pattern; name each volume by its own path";
	return check_components(text);
}
