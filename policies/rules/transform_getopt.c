// SPDX-License-Identifier: Apache-2.0
/*
 * getopt(): short options of a list of words. "-nt x" with the options "nt:" is n, t, x; with a selector, as in
 * getopt(..)[t], the value of its last occurrence. Long options are passed over, "--" and the first word that is no option
 * end it. An unknown option is "?", one whose value is not there is an empty text.
 */
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/transform.h"

enum option { OPTION_UNKNOWN, OPTION_ALONE, OPTION_WITH_VALUE };

struct scan {
	const struct rule_value *words; /* LIST */
	uint32_t word;
	uint8_t options[256]; /* enum option by character */
	unsigned char selector;
	struct rule_value *found; /* room for two of each byte of the words, or for one with a selector */
	uint32_t n;
};

static void read_options(const struct rule_value *text, struct scan *scan)
{
	for (uint32_t i = 0; i < text->n; i++) {
		bool valued = i + 1 < text->n && text->text[i + 1] == ':';

		if (text->text[i] == ':')
			continue;
		scan->options[(unsigned char)text->text[i]] = valued ? OPTION_WITH_VALUE : OPTION_ALONE;
	}
}

static void add(struct scan *scan, const char *text, uint32_t n)
{
	struct rule_value value = { .kind = RULE_VALUE_TEXT, .n = n, .text = text };

	if (scan->selector)
		scan->n = 0;
	scan->found[scan->n++] = value;
}

/* The value is the rest of the word, or the next word. */
static void take_value(struct scan *scan, const struct rule_value *word, uint32_t at)
{
	const struct rule_value *next = NULL;
	struct rule_value rest = { .kind = RULE_VALUE_TEXT, .n = word->n - at - 1, .text = word->text + at + 1 };

	if (rest.n > 0)
		next = &rest;
	else if (scan->word + 1 < scan->words->n)
		next = &scan->words->items[++scan->word];
	if (scan->selector && scan->selector != (unsigned char)word->text[at])
		return;
	if (!next) {
		add(scan, "", 0);
		return;
	}
	if (!scan->selector)
		add(scan, word->text + at, 1);
	add(scan, next->text, next->n);
}

static void read_word(struct scan *scan, const struct rule_value *word)
{
	for (uint32_t at = 1; at < word->n; at++) {
		unsigned char byte = (unsigned char)word->text[at];

		if (scan->options[byte] == OPTION_WITH_VALUE) {
			take_value(scan, word, at);
			return;
		}
		if (scan->options[byte] == OPTION_ALONE && (!scan->selector || scan->selector == byte))
			add(scan, word->text + at, 1);
		else if (scan->options[byte] == OPTION_UNKNOWN && !scan->selector)
			add(scan, "?", 1);
	}
}

static void read_words(struct scan *scan)
{
	for (; scan->word < scan->words->n; scan->word++) {
		const struct rule_value *word = &scan->words->items[scan->word];
		bool dashes = word->kind == RULE_VALUE_TEXT && word->n >= 2 && memcmp(word->text, "--", 2) == 0;

		if (dashes && word->n > 2)
			continue;
		if (dashes || word->kind != RULE_VALUE_TEXT || word->n < 2 || word->text[0] != '-')
			return;
		read_word(scan, word);
	}
}

static size_t room_for(const struct rule_value *words)
{
	size_t n = 2;

	for (uint32_t i = 0; i < words->n; i++)
		n += words->items[i].kind == RULE_VALUE_TEXT ? words->items[i].n + 2 : 0;
	return n;
}

void rule_transform_getopt(const struct rule_operand *operand, struct rule_facts *facts, struct rule_value *ret)
{
	const struct rule_value *words = rule_operand_value(operand->arguments[0], facts);
	const struct rule_value *options = rule_operand_value(operand->arguments[1], facts);
	struct scan scan = { .words = words, .selector = (unsigned char)operand->selector };

	if (words->kind != RULE_VALUE_LIST || options->kind != RULE_VALUE_TEXT)
		return;
	scan.found = rule_facts_scratch(facts, (operand->selector ? 1 : room_for(words)) * sizeof(*scan.found));
	if (!scan.found)
		return;
	read_options(options, &scan);
	read_words(&scan);
	if (operand->selector) {
		if (scan.n > 0)
			*ret = scan.found[0];
		return;
	}
	ret->kind = RULE_VALUE_LIST;
	ret->n = scan.n;
	ret->items = scan.found;
}
