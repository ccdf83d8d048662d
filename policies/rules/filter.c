// SPDX-License-Identifier: Apache-2.0
/*
 * Programs: the fields in use and the objects that are shared. Contracts: filter.h, filter_internal.h.
 */
#include "policies/rules/filter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policies/rules/field_internal.h"
#include "policies/rules/filter_internal.h"

#define OBJECTS_FIRST 1024

struct rule_object {
	struct rule_object *next;
	uint32_t hash;
	size_t len;
	void *object;
	char key[];
};

int rule_compile_fail(struct rule_filter_error *err, enum rule_filter_error_kind kind, uint32_t offset, const char *format, ...)
{
	va_list args;

	err->kind = kind;
	err->offset = offset;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -EINVAL;
}

int rule_compile_warn(struct rule_compiler *c, uint32_t offset, const char *format, ...)
{
	struct policy_arena *arena = c->program->arena;
	struct rule_filter_warning *warning = policy_arena_alloc(arena, 1, sizeof(*warning));
	char message[RULE_FILTER_MESSAGE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (!warning)
		return -ENOMEM;
	warning->message = policy_arena_copy(arena, message, strlen(message));
	if (!warning->message)
		return -ENOMEM;
	warning->offset = offset;
	warning->next = c->warnings;
	c->warnings = warning;
	return 0;
}

int rule_program_new(struct policy_arena *arena, const struct rule_field *extra, size_t n_extra, struct rule_program **ret)
{
	struct rule_program *program = policy_arena_alloc(arena, 1, sizeof(*program));

	if (!program)
		return -ENOMEM;
	program->arena = arena;
	program->extra = extra;
	program->n_extra = n_extra;
	program->regex_room = RULE_REGEX_ROOM;
	program->uses = policy_arena_alloc(arena, RULE_USES_MAX, sizeof(*program->uses));
	program->objects = policy_arena_alloc(arena, OBJECTS_FIRST, sizeof(*program->objects));
	program->objects_mask = OBJECTS_FIRST - 1;
	if (!program->uses || !program->objects)
		return -ENOMEM;
	*ret = program;
	return 0;
}

size_t rule_program_uses(const struct rule_program *program, const struct rule_field_use *const **ret)
{
	*ret = program->uses;
	return program->n_uses;
}

size_t rule_program_names(const struct rule_program *program, const char *const **ret)
{
	*ret = program->names;
	return program->n_names;
}

static int grow_objects(struct rule_program *program)
{
	size_t room = 2 * (program->objects_mask + 1);
	struct rule_object **objects = policy_arena_alloc(program->arena, room, sizeof(*objects));

	if (!objects)
		return -ENOMEM;
	for (size_t i = 0; i <= program->objects_mask; i++) {
		struct rule_object *object = program->objects[i];

		while (object) {
			struct rule_object *next = object->next;

			object->next = objects[object->hash & (room - 1)];
			objects[object->hash & (room - 1)] = object;
			object = next;
		}
	}
	program->objects = objects;
	program->objects_mask = room - 1;
	return 0;
}

int rule_program_object(struct rule_program *program, const void *key, size_t len, int (*make)(void *data, void **ret),
			void *data, void **ret)
{
	uint32_t hash = rule_text_hash(key, len);
	struct rule_object *object;
	int err;

	for (object = program->objects[hash & program->objects_mask]; object; object = object->next) {
		if (object->hash == hash && object->len == len && memcmp(object->key, key, len) == 0) {
			*ret = object->object;
			return 0;
		}
	}
	if (program->n_objects >= RULE_OBJECTS_MAX)
		return -ENOMEM;
	object = policy_arena_alloc(program->arena, 1, sizeof(*object) + len);
	if (!object)
		return -ENOMEM;
	object->hash = hash;
	object->len = len;
	memcpy(object->key, key, len);
	err = make(data, &object->object); /* may add others, and so move the table */
	if (err < 0)
		return err;
	if (program->n_objects++ > program->objects_mask && grow_objects(program) < 0)
		return -ENOMEM;
	object->next = program->objects[hash & program->objects_mask];
	program->objects[hash & program->objects_mask] = object;
	*ret = object->object;
	return 0;
}

const struct rule_filter_warning *rule_filter_warnings(const struct rule_filter *filter)
{
	return filter->warnings;
}

const struct rule_event_set *rule_filter_event_types(const struct rule_filter *filter)
{
	return &filter->types;
}
