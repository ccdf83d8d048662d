// SPDX-License-Identifier: Apache-2.0
/*
 * Lists that conditions share: which names of a condition stand for values, without putting the list's text in; and that text,
 * for who reads an error. Must not know the grammar of conditions. Contracts: compile.h.
 *
 * A list is shared only if putting in its text would do nothing but add values: the text is values, and none of its words is
 * the name of a list that is put in later.
 */
#include "policies/rules/compile.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

/* The list that the next word of a text names. */
struct words {
	const char *text;
	size_t len, at;
	size_t start, end; /* of the word */
};

static bool next_word(struct words *w)
{
	while (w->at < w->len && is_delimiter(w->text[w->at]))
		w->at++;
	w->start = w->at;
	while (w->at < w->len && !is_delimiter(w->text[w->at]))
		w->at++;
	w->end = w->at;
	return w->end > w->start;
}

static struct rule_compiled_list *find_named(struct rule_compiler *k, const struct words *w)
{
	return rule_names_find(&k->list_names, w->text + w->start, w->end - w->start);
}

/* Return: 0; -EAGAIN: it must be put in as text; -ENOMEM. */
static int share_list(struct rule_compiler *k, struct rule_compiled_list *list)
{
	struct words w = { .text = list->text.s, .len = list->text.len };
	int r;

	if (list->form != RULE_LIST_UNKNOWN)
		return list->form == RULE_LIST_SHARED ? 0 : -EAGAIN;
	list->form = RULE_LIST_TEXT;
	while (next_word(&w)) {
		const struct rule_compiled_list *later = find_named(k, &w);

		if (later && later > list)
			return -EAGAIN;
	}
	if (list->text.len == 0)
		return -EAGAIN;
	r = rule_values_parse(list->text.s, list->text.len, k->set->arena, &list->values, &list->n_values);
	if (r == 0)
		list->form = RULE_LIST_SHARED;
	return r == -EINVAL ? -EAGAIN : r;
}

static size_t count_uses(struct rule_compiler *k, const struct rule_buffer *condition)
{
	struct words w = { .text = condition->s, .len = condition->len };
	size_t n = 0;

	while (next_word(&w))
		n += find_named(k, &w) != NULL;
	return n;
}

static int add_use(struct rule_compiler *k, const struct words *w, struct rule_expression *expression)
{
	struct rule_compiled_list *list = find_named(k, w);
	int r = list ? share_list(k, list) : 0;

	if (!list || r < 0)
		return r;
	expression->uses[expression->n_uses] = (struct rule_list_use){ .offset = w->start, .len = w->end - w->start,
								       .values = list->values, .n_values = list->n_values };
	expression->used[expression->n_uses++] = list;
	return 0;
}

int rule_find_lists(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression)
{
	struct words w = { .text = condition->s, .len = condition->len };
	const size_t n = count_uses(k, condition);
	int r = 0;

	if (k->n_odd)
		return -EAGAIN;
	expression->text = *condition;
	expression->uses = policy_arena_alloc(expression->arena, n, sizeof(*expression->uses));
	expression->used = policy_arena_alloc(expression->arena, n, sizeof(*expression->used));
	if (!expression->uses || !expression->used)
		return -ENOMEM;
	while (r == 0 && next_word(&w))
		r = add_use(k, &w, expression);
	for (size_t i = 0; i < expression->n_uses && r == 0; i++)
		expression->used[i]->used = true;
	return r == 0 ? rule_take_text(k, condition->len, expression->place) : r;
}

/* How long the text becomes at most. */
static size_t count_bytes(const struct rule_expression *expression)
{
	size_t n = expression->text.len;

	for (size_t i = 0; i < expression->n_uses; i++)
		n += expression->used[i]->text.len + 2;
	return n;
}

/* As lists.c puts it in: blanks around the name are swallowed, one comes on each side. */
static int put_all(struct rule_expression *expression)
{
	const struct rule_buffer *in = &expression->text;
	struct rule_buffer *out = &expression->whole;
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i < expression->n_uses && r == 0; i++) {
		const struct rule_list_use *use = &expression->uses[i];
		const struct rule_buffer *items = &expression->used[i]->text;

		r = rule_buffer_add(out, expression->arena, in->s + at, use->offset - at);
		while (out->len && is_blank(out->s[out->len - 1]))
			out->len--;
		if (r == 0 && out->len)
			r = rule_buffer_add(out, expression->arena, " ", 1);
		expression->put[i] = out->len;
		if (r == 0)
			r = rule_buffer_add(out, expression->arena, items->s, items->len);
		if (r == 0)
			r = rule_buffer_add(out, expression->arena, " ", 1);
		for (at = use->offset + use->len; at < in->len && is_blank(in->s[at]);)
			at++;
	}
	return r == 0 ? rule_buffer_add(out, expression->arena, in->s + at, in->len - at) : r;
}

/* Where a byte of the text is in the whole. */
static size_t move_offset(const struct rule_expression *expression, size_t offset)
{
	const struct rule_buffer *in = &expression->text;
	size_t last = 0, end = expression->n_uses, at;

	while (last < end) {
		size_t middle = last + (end - last) / 2;

		if (expression->uses[middle].offset <= offset)
			last = middle + 1;
		else
			end = middle;
	}
	if (last-- == 0)
		return offset;
	at = expression->uses[last].offset + expression->uses[last].len;
	if (offset < at)
		return expression->put[last];
	while (at < offset && is_blank(in->s[at]))
		at++;
	return expression->put[last] + expression->used[last]->text.len + 1 + (offset - at);
}

const struct rule_buffer *rule_whole_text(struct rule_compiler *k, struct rule_expression *expression, size_t *offset)
{
	const size_t n = expression->n_uses ? count_bytes(expression) : 0;

	if (!expression->whole.len) {
		if (n == 0 || n > RULE_CONDITION_BYTES_MAX || n > rule_text_bytes_max(k) - k->total_bytes)
			return &expression->text;
		k->total_bytes += n;
		expression->put = policy_arena_alloc(expression->arena, expression->n_uses, sizeof(*expression->put));
		if (!expression->put || put_all(expression) < 0)
			return NULL;
	}
	*offset = move_offset(expression, *offset);
	return &expression->whole;
}
