// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer entry for conditions as programs, against facts that are made of the input too. The first two bytes choose the event's
 * type; what follows the last NUL is the text of every fact.
 * What is refused has a message. A condition is true once and again, alone and beside others that share its checks, its negation is
 * its contrary, and if it is true, the event's type is one of its types.
 */
#include "policies/rules/filter.h"
#include "policies/rules/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct event {
	const char *text;
	uint32_t len;
	unsigned type;
	struct rule_value items[3];
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void fill(const struct event *event, enum rule_type type, struct rule_value *ret)
{
	switch (type) {
	case RULE_TYPE_BOOL:
		*ret = (struct rule_value){ .kind = RULE_VALUE_BOOL, .truth = event->len & 1 };
		break;
	case RULE_TYPE_SIGNED:
		*ret = (struct rule_value){ .kind = RULE_VALUE_SIGNED, .number = 1 - (int64_t)event->len };
		break;
	case RULE_TYPE_STRING:
	case RULE_TYPE_PATH:
	case RULE_TYPE_BYTES:
		*ret = (struct rule_value){ .kind = RULE_VALUE_TEXT, .n = event->len, .text = event->text };
		break;
	case RULE_TYPE_ADDRESS:
	case RULE_TYPE_NET:
		*ret = (struct rule_value){ .kind = RULE_VALUE_ADDRESS, .n = event->len & 1 ? 4 : 16, .address = { 10, 0, 0, 1 } };
		break;
	default:
		/* Never 0, since evt.num is not, and evt.num = 0 has no types. */
		*ret = (struct rule_value){ .kind = RULE_VALUE_UNSIGNED, .count = event->len + 1ULL };
	}
}

static void extract(void *data, const struct rule_field_use *use, struct rule_value *ret)
{
	const uint16_t lists = RULE_FIELD_LIST | RULE_FIELD_BOTH_ENDS | RULE_FIELD_NAMES;
	struct event *event = data;
	const char *type = rule_event_type_name(event->type);

	if (use->field->flags & RULE_FIELD_EVENT_TYPE) {
		*ret = (struct rule_value){ .kind = RULE_VALUE_TEXT, .n = (uint32_t)strlen(type), .text = type };
		return;
	}
	if (use->ref % 5 == 4)
		return; /* missing */
	if (!(use->field->flags & lists) && !(use->field->flags & RULE_FIELD_ANCESTORS && !use->argument)) {
		fill(event, use->field->type, ret);
		return;
	}
	for (int i = 0; i < 3; i++)
		fill(event, use->field->type, &event->items[i]);
	*ret = (struct rule_value){ .kind = RULE_VALUE_LIST, .n = event->len % 4, .items = event->items };
}

static bool match(const struct rule_filter *filter, struct rule_facts *facts, struct event *event)
{
	rule_facts_begin(facts, event);
	return rule_filter_match(filter, facts);
}

static void compare(struct rule_program *program, struct rule_node *node, struct rule_filter *filter, struct event *event,
		    struct policy_arena *arena)
{
	struct rule_node negation = { .kind = RULE_NOT, .first = node };
	struct rule_node more = { .kind = RULE_OR, .first = node, .next = NULL };
	struct rule_filter *negated = NULL, *again = NULL;
	struct rule_filter_error err;
	struct rule_facts *facts = NULL;
	bool yes;

	require(rule_filter_compile(program, &negation, &negated, &err) == 0);
	require(rule_filter_compile(program, &more, &again, &err) == 0);
	require(rule_facts_new(program, extract, arena, &facts) == 0);
	yes = match(filter, facts, event);
	require(match(negated, facts, event) == !yes);
	require(rule_filter_match(again, facts) == yes && rule_filter_match(filter, facts) == yes);
	require(match(filter, facts, event) == yes);
	require(!yes || rule_event_set_has(rule_filter_event_types(filter), event->type));
}

static void run_condition(const char *text, size_t len, struct event *event, struct policy_arena *arena)
{
	struct rule_syntax_error syntax;
	struct rule_filter_error err = { 0 };
	struct rule_program *program = NULL;
	struct rule_filter *filter = NULL;
	struct rule_node *node = NULL;
	int r;

	if (rule_condition_parse(text, len, RULE_DEPTH_MAX_RULE, arena, &node, &syntax) < 0)
		return;
	require(rule_program_new(arena, NULL, 0, &program) == 0);
	r = rule_filter_compile(program, node, &filter, &err);
	if (r == 0)
		compare(program, node, filter, event, arena);
	else
		require(r == -EINVAL && err.message[0] && err.offset <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 2 ? memrchr(data + 2, '\0', size - 2) : NULL;
	size_t len = nul ? (size_t)(nul - data) - 2 : size > 2 ? size - 2 : 0;
	size_t rest = nul ? size - len - 3 : 0;
	struct policy_arena *arena = NULL;
	struct event event = { .len = (uint32_t)rest };
	char *text, *fact;

	if (size < 2)
		return 0;
	text = malloc(len + 1);
	fact = malloc(rest ? rest : 1);
	require(text && fact && policy_arena_new(&arena) == 0);
	memcpy(text, data + 2, len);
	text[len] = '\0';
	if (rest)
		memcpy(fact, nul + 1, rest);
	event.text = fact;
	event.type = (data[0] * 256u + data[1]) % rule_event_type_count();
	run_condition(text, len, &event, arena);
	policy_arena_free(&arena);
	free(text);
	free(fact);
	return 0;
}
