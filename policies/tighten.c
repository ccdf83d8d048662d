// SPDX-License-Identifier: Apache-2.0
/*
 * Pod annotations: whoever may create a pod writes them, so they can only make a rule stricter, and what they could not
 * do is kept in words. Must not know where the rules come from.
 *
 * I1: no value of the result is looser than the one that the policy alone gives.
 */
#include "policies/effective.h"
#include "policies/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of each part of a note: pods can carry 256 KiB of annotations. */
#define NOTE_BYTES 256
/* Room for the list of words that a note offers. */
#define WORDS_BYTES 128

struct notes {
	struct policy_note item[POLICY_NOTES_MAX];
	size_t n;
};

struct tightening {
	struct policy_arena *arena;
	const struct policy_facts *facts;
	signed char *values;
	struct notes tightened, ignored;
};

/* A bounded copy without control characters: notes end up in logs and terminals. */
static const char *copy_clean(struct policy_arena *arena, const char *text)
{
	char clean[NOTE_BYTES];

	snprintf(clean, sizeof(clean), "%s", text);
	policy_clean_text(clean);
	return policy_arena_copy(arena, clean, strlen(clean));
}

static int add_note(struct tightening *t, struct notes *notes, const struct policy_pair *annotation,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

static int add_note(struct tightening *t, struct notes *notes, const struct policy_pair *annotation,
		    const char *format, ...)
{
	struct policy_note *note = &notes->item[notes->n];
	char text[NOTE_BYTES];
	va_list args;

	if (notes->n >= POLICY_NOTES_MAX)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	note->annotation = copy_clean(t->arena, annotation->key);
	note->value = copy_clean(t->arena, annotation->value ? annotation->value : "");
	note->text = copy_clean(t->arena, text);
	if (!note->annotation || !note->value || !note->text)
		return -ENOMEM;
	notes->n++;
	return 0;
}

static const char *strip_prefix(const struct policy_pair *annotation)
{
	const size_t len = strlen(POLICY_ANNOTATION_PREFIX);

	if (!annotation->key || strncmp(annotation->key, POLICY_ANNOTATION_PREFIX, len) != 0)
		return NULL;
	return annotation->key + len;
}

static int apply_value(struct tightening *t, const struct policy_pair *annotation, enum policy_field field)
{
	const struct policy_field_def *def = policy_field_def(field);
	int value = policy_field_value(field, annotation->value ? annotation->value : "");
	signed char *now = &t->values[field];
	char list[WORDS_BYTES], name[POLICY_FIELD_NAME_MAX];
	int r;

	policy_field_name(field, name);
	if (value == FIELD_UNSET)
		return add_note(t, &t->ignored, annotation, "no value of %s; it takes %s", name,
				policy_join(list, sizeof(list), def->words, def->n_words));
	if (value < *now)
		return add_note(t, &t->ignored, annotation, "would loosen %s from %s to %s", name, def->words[*now],
				def->words[value]);
	if (value == *now)
		return 0;
	r = add_note(t, &t->tightened, annotation, "%s raised from %s to %s", name, def->words[*now],
		     def->words[value]);
	*now = (signed char)value;
	return r;
}

/* All annotations for @field, in the order of the facts; a repeated one can only go further up. */
static int apply_field(struct tightening *t, enum policy_field field)
{
	const char *wanted = policy_field_def(field)->annotation;
	int r = 0;

	for (size_t i = 0; wanted && i < t->facts->n_annotations && r == 0; i++) {
		const char *name = strip_prefix(&t->facts->annotations[i]);

		if (name && strcmp(name, wanted) == 0)
			r = apply_value(t, &t->facts->annotations[i], field);
	}
	return r;
}

static int note_unknown(struct tightening *t, const struct policy_pair *annotation)
{
	const char *names[_FIELD_MAX], *name = strip_prefix(annotation), *near;

	if (!name)
		return 0;
	for (unsigned int i = 0; i < _FIELD_MAX; i++) {
		names[i] = policy_field_def(i)->annotation;
		if (names[i] && strcmp(name, names[i]) == 0)
			return 0;
	}
	near = policy_suggest(name, names, _FIELD_MAX);
	if (near)
		return add_note(t, &t->ignored, annotation, "not known; did you mean %s%s?", POLICY_ANNOTATION_PREFIX,
				near);
	return add_note(t, &t->ignored, annotation, "not known");
}

static int store_notes(struct policy_arena *arena, const struct notes *notes, const struct policy_note **ret,
		       size_t *ret_n)
{
	struct policy_note *copy = policy_arena_alloc(arena, notes->n, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, notes->item, notes->n * sizeof(*copy));
	*ret = copy;
	*ret_n = notes->n;
	return 0;
}

int policy_tighten(struct policy_effective *effective, const struct policy_facts *facts,
		   signed char values[_FIELD_MAX])
{
	struct tightening t = { .arena = effective->arena, .facts = facts, .values = values };
	int r = apply_field(&t, FIELD_MODE);

	/* Only now: what is not given follows the mode that holds for this pod. */
	policy_fields_default(values);
	for (unsigned int i = FIELD_MODE + 1; i < _FIELD_MAX && r == 0; i++)
		r = apply_field(&t, i);
	for (size_t i = 0; i < facts->n_annotations && r == 0; i++)
		r = note_unknown(&t, &facts->annotations[i]);
	if (r == 0)
		r = store_notes(t.arena, &t.tightened, &effective->tightened, &effective->n_tightened);
	if (r == 0)
		r = store_notes(t.arena, &t.ignored, &effective->ignored_annotations,
				&effective->n_ignored_annotations);
	return r;
}
