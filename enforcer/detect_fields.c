// SPDX-License-Identifier: Apache-2.0
/*
 * From a field's name to the function that extracts it. Contracts: detect_fields.h.
 *
 * I1: a value has the kind that the field's type asks for, whatever the function gave; what cannot be turned into it is missing.
 */
#include "enforcer/detect_fields.h"

#include <stdlib.h>

#include "enforcer/detect_fields_internal.h"
#include "enforcer/util.h"

/* What is chosen for one use of a field. */
struct step {
	detect_field_fn fn; /* NULL: never there */
	int what;
	uint8_t *args; /* of evt.arg: which argument of each type */
};

struct detect_plan {
	struct step *steps; /* by ref */
	size_t n;
};

static const struct detect_field_table *const tables[] = {
	&detect_fields_of_event, &detect_fields_of_process, &detect_fields_of_descriptor, &detect_fields_of_socket,
	&detect_fields_of_container, &detect_fields_of_drift,
};

static const struct detect_field_row *find_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (size_t j = 0; j < tables[i]->n; j++)
			if (!strcmp(tables[i]->rows[j].name, name))
				return &tables[i]->rows[j];
	return NULL;
}

bool detect_field_is_known(const char *name)
{
	return find_row(name) != NULL;
}

/* Arguments by name, or by their place in the event. */
static int choose_args(struct step *step, const struct rule_field_use *use)
{
	step->args = malloc(_HF_DETECT_MAX);
	if (!step->args)
		return -ENOMEM;
	for (unsigned int type = 0; type < _HF_DETECT_MAX; type++) {
		size_t n;

		detect_args_of(type, &n);
		step->args[type] = DETECT_ARG_NONE;
		if (use->indexed && use->index >= 0 && (uint64_t)use->index < n)
			step->args[type] = (uint8_t)use->index;
		else if (!use->indexed && use->argument)
			step->args[type] = detect_args_find(type, use->argument);
	}
	return 0;
}

int detect_plan_new(const struct rule_program *program, struct detect_plan **ret)
{
	_cleanup_(detect_plan_free) struct detect_plan *plan = calloc(1, sizeof(*plan));
	const struct rule_field_use *const *uses;
	size_t n = rule_program_uses(program, &uses);

	if (!plan)
		return -ENOMEM;
	plan->steps = calloc(n + 1, sizeof(*plan->steps));
	if (!plan->steps)
		return -ENOMEM;
	plan->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct detect_field_row *row = find_row(uses[i]->field->name);
		struct step *step = &plan->steps[i];

		if (!row)
			continue;
		*step = (struct step){ .fn = row->fn, .what = row->what };
		if (uses[i]->field->flags & RULE_FIELD_EVENT_ARGUMENT && choose_args(step, uses[i]) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(plan);
	return 0;
}

void detect_plan_free(struct detect_plan **plan)
{
	struct detect_plan *gone = *plan;

	if (!gone)
		return;
	for (size_t i = 0; i < gone->n; i++)
		free(gone->steps[i].args);
	free(gone->steps);
	free(gone);
	*plan = NULL;
}

const struct detect_arg *detect_plan_arg(const struct detect_event *event, const struct rule_field_use *use)
{
	const struct step *step = &event->plan->steps[use->ref];
	size_t n;
	const struct detect_arg *args = detect_args_of(stream_type(event), &n);
	uint8_t at = step->args ? step->args[stream_type(event)] : DETECT_ARG_NONE;

	return at < n ? &args[at] : NULL;
}

/* I1 */
static void fit(const struct rule_field *field, struct rule_value *ret)
{
	if (ret->kind == RULE_VALUE_SIGNED && field->type != RULE_TYPE_SIGNED) {
		ret->kind = RULE_VALUE_UNSIGNED;
		ret->count = field->bits == 32 ? (uint32_t)ret->number : (uint64_t)ret->number;
	} else if (ret->kind == RULE_VALUE_UNSIGNED && field->type == RULE_TYPE_SIGNED) {
		ret->kind = RULE_VALUE_SIGNED;
		ret->number = (int64_t)ret->count;
	}
}

void detect_extract(void *event, const struct rule_field_use *use, struct rule_value *ret)
{
	const struct detect_event *e = event;
	const struct step *step = &e->plan->steps[use->ref];

	if (!step->fn)
		return;
	step->fn(e, use, step->what, ret);
	if (ret->kind == RULE_VALUE_SIGNED || ret->kind == RULE_VALUE_UNSIGNED)
		fit(use->field, ret);
}

unsigned int detect_type_of(enum hf_detect_type type)
{
	static unsigned int known[_HF_DETECT_MAX]; /* number + 1 */
	const char *name;
	int found;

	if (known[type])
		return known[type] - 1;
	name = stream_type_name(type);
	found = rule_event_type_find(name, strlen(name));
	known[type] = (found < 0 ? RULE_EVENT_TYPES_MAX : (unsigned int)found) + 1;
	return known[type] - 1;
}

unsigned int detect_type_of_drift(void)
{
	int found = rule_event_type_find("drift", strlen("drift"));

	return found < 0 ? RULE_EVENT_TYPES_MAX : (unsigned int)found;
}
