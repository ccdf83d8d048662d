// SPDX-License-Identifier: Apache-2.0
/*
 * Lists: the lists in them, and putting them into conditions, which is done on the text, as in Falco: a list's name
 * between two delimiters becomes its items, whatever it stood for. Must not know the grammar of conditions.
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

static int fail_list(struct rule_compiler *k, const struct rule_compiled_list *list, const char *message)
{
	return rule_report_error(k->report, RULE_ERROR_VALIDATE, list->info->place, "%s", message);
}

/* What an item that names an earlier list stands for; NULL: for itself. */
static struct rule_compiled_list *find_reference(struct rule_compiler *k, const struct rule_compiled_list *list,
						 const char *item)
{
	struct rule_compiled_list *other = rule_names_find(&k->list_names, item, strlen(item));

	return other && other->info->index < list->info->visibility ? other : NULL;
}

/* A list that comes later in the order is not compiled yet: its items are taken as they are written. */
static size_t count_items(const struct rule_compiled_list *list)
{
	return list->items ? list->n_items : list->info->n_items;
}

static size_t count_all(struct rule_compiler *k, const struct rule_compiled_list *list)
{
	const struct rule_compiled_list *other;
	size_t n = 0;

	for (size_t i = 0; i < list->info->n_items && n <= RULE_LIST_ITEMS_MAX; i++) {
		other = find_reference(k, list, list->info->items[i]);
		n += other ? count_items(other) : 1;
	}
	return n;
}

static void copy_items(struct rule_compiler *k, struct rule_compiled_list *list, const char **items)
{
	struct rule_compiled_list *other;
	size_t n = 0;

	for (size_t i = 0; i < list->info->n_items; i++) {
		other = find_reference(k, list, list->info->items[i]);
		if (!other) {
			items[n++] = list->info->items[i];
			continue;
		}
		other->used = true;
		if (count_items(other))
			memcpy(items + n, other->items ? other->items : other->info->items, count_items(other) * sizeof(*items));
		n += count_items(other);
	}
	list->items = items;
	list->n_items = n;
}

static int join_items(struct rule_compiler *k, struct rule_compiled_list *list)
{
	int r = 0;

	for (size_t i = 0; i < list->n_items && r == 0; i++) {
		const char *item = list->items[i];
		bool quote = strchr(item, ' ') && item[0] != '"' && item[0] != '\'';

		if (list->text.len)
			r = rule_buffer_add(&list->text, k->scratch, ", ", 2);
		if (r == 0 && quote)
			r = rule_buffer_add(&list->text, k->scratch, "\"", 1);
		if (r == 0)
			r = rule_buffer_add(&list->text, k->scratch, item, strlen(item));
		if (r == 0 && quote)
			r = rule_buffer_add(&list->text, k->scratch, "\"", 1);
		if (list->text.len > RULE_CONDITION_BYTES_MAX)
			return fail_list(k, list, "The list is too long after the lists in it are put in");
	}
	return r;
}

static int compile_list(struct rule_compiler *k, struct rule_compiled_list *list)
{
	size_t n = count_all(k, list);
	const char **items;
	int r;

	k->total_items += n;
	if (k->total_items > RULE_LIST_ITEMS_MAX)
		return fail_list(k, list, "The lists have too many items after the lists in them are put in");
	items = policy_arena_alloc(k->scratch, n, sizeof(*items));
	if (!items)
		return -ENOMEM;
	copy_items(k, list, items);
	r = join_items(k, list);
	k->total_bytes += list->text.len;
	if (r == 0 && k->total_bytes > rule_text_bytes_max(k))
		return fail_list(k, list, "The lists are too long after the lists in them are put in");
	return r;
}

int rule_compile_lists(struct rule_compiler *k)
{
	const size_t words = k->c->n_lists / 64 + 1;
	size_t n = 0;
	int r = 0;

	k->lists = policy_arena_alloc(k->scratch, k->c->n_lists, sizeof(*k->lists));
	k->candidates = policy_arena_alloc(k->scratch, words, sizeof(*k->candidates));
	k->odd_names = policy_arena_alloc(k->scratch, words, sizeof(*k->odd_names));
	if (!k->lists || !k->candidates || !k->odd_names)
		return -ENOMEM;
	for (const struct rule_list_info *info = k->c->lists; info && r == 0; info = info->next) {
		k->lists[n].info = info;
		r = rule_names_add(&k->list_names, k->scratch, info->name, &k->lists[n]);
		if (strpbrk(info->name, " \t\n\r(),=")) {
			k->odd_names[n / 64] |= 1ULL << (n % 64);
			k->n_odd++;
		}
		if (r == 0 && k->n_odd > RULE_ODD_LISTS_MAX)
			return fail_list(k, &k->lists[n], "Too many lists with names that no condition can spell");
		n++;
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = compile_list(k, &k->lists[i]);
	return r;
}

/* Marks the lists that words of @text name. */
static void note_candidates(struct rule_compiler *k, const char *text, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		const struct rule_compiled_list *list;

		if (i < len && !is_delimiter(text[i]))
			continue;
		list = i > start ? rule_names_find(&k->list_names, text + start, i - start) : NULL;
		if (list)
			k->candidates[(size_t)(list - k->lists) / 64] |= 1ULL << ((list - k->lists) % 64);
		start = i + 1;
	}
}

/* Behind what was taken over so far: without the blanks, and with a comma less where the list is empty. */
static void trim_before(struct rule_buffer *out, bool empty, bool *comma)
{
	while (out->len && is_blank(out->s[out->len - 1]))
		out->len--;
	*comma = empty && out->len && out->s[out->len - 1] == ',';
	if (*comma)
		out->len--;
}

/* Puts @list in at @start of @in, whose beginning is in @out. @next: where @in goes on. */
static int put_items(const struct rule_compiled_list *list, struct policy_arena *arena, const struct rule_buffer *in,
		     size_t start, struct rule_buffer *out, size_t *next)
{
	size_t end = start + strlen(list->info->name);
	bool comma;
	int r = 0;

	while (end < in->len && is_blank(in->s[end]))
		end++;
	trim_before(out, list->text.len == 0, &comma);
	if (list->text.len == 0 && !comma && end < in->len && in->s[end] == ',')
		end++;
	*next = end;
	if (out->len)
		r = rule_buffer_add(out, arena, " ", 1);
	if (r == 0)
		r = rule_buffer_add(out, arena, list->text.s ? list->text.s : "", list->text.len);
	return r == 0 ? rule_buffer_add(out, arena, " ", 1) : r;
}

/* Is there the name of @list at @at of @in, between delimiters? What was put in ends with a blank. */
static bool is_name(const struct rule_compiled_list *list, const struct rule_buffer *in, size_t at, size_t from)
{
	size_t end = at + strlen(list->info->name);

	return (at == 0 || at == from || is_delimiter(in->s[at - 1])) && (end >= in->len || is_delimiter(in->s[end]));
}

/* One list everywhere in @text, by way of @spare, which becomes @text. */
static int put_list(struct policy_arena *arena, struct rule_compiled_list *list, struct rule_buffer *text,
		    struct rule_buffer *spare)
{
	const struct rule_buffer in = *text;
	size_t from = 0, search = 0, len = strlen(list->info->name);
	bool replaced = false;
	int r = 0;

	spare->len = 0;
	while (r == 0 && search < in.len && spare->len <= RULE_CONDITION_BYTES_MAX) {
		const char *found = memmem(in.s + search, in.len - search, list->info->name, len);
		size_t at = found ? (size_t)(found - in.s) : in.len;

		if (!found)
			break;
		search = at + 1;
		if (!is_name(list, &in, at, replaced ? from : SIZE_MAX))
			continue;
		r = rule_buffer_add(spare, arena, in.s + from, at - from);
		if (r == 0)
			r = put_items(list, arena, &in, at, spare, &from);
		search = from;
		replaced = true;
	}
	if (!replaced || r < 0)
		return r;
	list->used = true;
	r = rule_buffer_add(spare, arena, in.s + from, in.len - from);
	*text = *spare;
	*spare = in;
	return r;
}

int rule_take_text(struct rule_compiler *k, size_t len, const struct rule_place *place)
{
	k->total_bytes += len;
	if (len <= RULE_CONDITION_BYTES_MAX && k->total_bytes <= rule_text_bytes_max(k))
		return 0;
	return rule_report_error(k->report, RULE_ERROR_COMPILE_CONDITION, place, "The condition is too long after lists are put in");
}

/* The lists of one word of the bitmap, and those that they name. */
static int put_lists(struct rule_compiler *k, size_t word, struct rule_expression *expression, struct rule_buffer *spare)
{
	int r = 0;

	for (size_t bit = 0; bit < 64 && r == 0 && expression->text.len <= RULE_CONDITION_BYTES_MAX; bit++) {
		struct rule_compiled_list *list = &k->lists[word * 64 + bit];

		if (!(k->candidates[word] >> bit & 1))
			continue;
		r = put_list(expression->arena, list, &expression->text, spare);
		if (r == 0 && list->text.len)
			note_candidates(k, list->text.s, list->text.len);
	}
	return r;
}

int rule_put_lists(struct rule_compiler *k, const struct rule_buffer *condition, struct rule_expression *expression)
{
	struct rule_buffer *text = &expression->text, spare = { 0 };
	const size_t words = k->c->n_lists / 64 + 1;
	int r = rule_buffer_add(text, expression->arena, condition->s ? condition->s : "", condition->len);

	if (r < 0)
		return r;
	memcpy(k->candidates, k->odd_names, words * sizeof(*k->candidates));
	note_candidates(k, text->s, text->len);
	for (size_t word = 0; word < words && r == 0; word++) {
		if (k->candidates[word])
			r = put_lists(k, word, expression, &spare);
	}
	return r == 0 ? rule_take_text(k, text->len, expression->place) : r;
}
