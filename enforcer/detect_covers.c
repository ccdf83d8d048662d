// SPDX-License-Identifier: Apache-2.0
/* Covers of all rules of a set, as the kernel half takes them. Contracts: detect_cover.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforcer/detect_cover.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each once; of prefixes, what another begins is left out. Return: how many are left. */
static size_t reduce(const char **texts, size_t n, bool prefixes)
{
	size_t kept = 0;

	if (n)
		qsort(texts, n, sizeof(*texts), compare);
	for (size_t i = 0; i < n; i++) {
		const char *last = kept ? texts[kept - 1] : NULL;

		if (!last || (prefixes ? strncmp(last, texts[i], strlen(last)) : strcmp(last, texts[i])))
			texts[kept++] = texts[i];
	}
	return kept;
}

static int gather(const struct detect_cover *cover, struct policy_arena *arena, struct stream_cover *ret)
{
	const char **prefixes = policy_arena_alloc(arena, cover->n + 1, sizeof(*prefixes));
	const char **names = policy_arena_alloc(arena, cover->n + 1, sizeof(*names));

	if (!prefixes || !names)
		return -ENOMEM;
	*ret = (struct stream_cover){ .prefixes = prefixes, .names = names };
	for (const struct detect_cover_part *part = cover->first; part; part = part->next) {
		if (part->is_name)
			names[ret->n_names++] = part->text;
		else
			prefixes[ret->n_prefixes++] = part->text;
	}
	ret->n_names = reduce(names, ret->n_names, false);
	ret->n_prefixes = reduce(prefixes, ret->n_prefixes, true);
	return 0;
}

static bool is_same(const struct stream_cover *a, const struct stream_cover *b)
{
	if (a->n_prefixes != b->n_prefixes || a->n_names != b->n_names)
		return false;
	for (size_t i = 0; i < a->n_prefixes; i++)
		if (strcmp(a->prefixes[i], b->prefixes[i]))
			return false;
	for (size_t i = 0; i < a->n_names; i++)
		if (strcmp(a->names[i], b->names[i]))
			return false;
	return true;
}

/* The number of that cover, from 1; 0: there is no room for one more, so that nothing is left out. */
static uint8_t class_of(struct detect_covers *covers, const struct stream_cover *cover)
{
	size_t i = 0;

	while (i < covers->n && !is_same(&covers->covers[i], cover))
		i++;
	if (i == STREAM_COVERS_MAX)
		return 0;
	if (i == covers->n)
		covers->covers[covers->n++] = *cover;
	return (uint8_t)(i + 1);
}

/* What all enabled rules need together. */
static int of_rules(const struct rule_set *set, enum hf_detect_type type, unsigned int shape, struct policy_arena *arena,
		    struct detect_cover *ret)
{
	*ret = (struct detect_cover){ 0 };
	for (size_t i = 0; i < set->n_rules && !ret->any; i++) {
		struct detect_cover cover;
		int err = set->rules[i].enabled ? detect_cover(set->rules[i].tree, type, shape, arena, &cover) : 0;

		if (err)
			return err;
		if (!set->rules[i].enabled)
			continue;
		ret->n += cover.n;
		ret->any = cover.any || ret->n > HF_DETECT_PREFIXES * 8; /* before doubles are thrown out */
		for (const struct detect_cover_part *part = cover.first; part; part = part->next) {
			struct detect_cover_part *copy = policy_arena_alloc(arena, 1, sizeof(*copy));

			if (!copy)
				return -ENOMEM;
			*copy = (struct detect_cover_part){ .is_name = part->is_name, .text = part->text, .next = ret->first };
			ret->first = copy;
		}
	}
	return 0;
}

static int add_shape(const struct rule_set *set, enum hf_detect_type type, unsigned int shape, struct policy_arena *arena,
		     struct detect_covers *ret)
{
	struct stream_cover gathered;
	struct detect_cover cover;
	int err = of_rules(set, type, shape, arena, &cover);

	if (err || cover.any)
		return err;
	err = gather(&cover, arena, &gathered);
	if (!err)
		ret->classes.of[type][shape] = class_of(ret, &gathered);
	return err;
}

int detect_covers_make(const struct rule_set *set, struct policy_arena *arena, struct detect_covers *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned int type = HF_DETECT_OPEN; type <= HF_DETECT_CREAT; type++) {
		for (unsigned int shape = 0; shape < _HF_DETECT_SHAPE_MAX; shape++) {
			int err = shape % HF_DETECT_SHAPE_HOST <= HF_DETECT_SHAPE_CREATE ? add_shape(set, type, shape, arena, ret) : 0;

			if (err)
				return err;
		}
	}
	return 0;
}
