// SPDX-License-Identifier: Apache-2.0
/*
 * Sets of path prefixes. Those without wildcards are in a hash table, in which each leading part of a path is looked up
 * while its hash grows by a component; the others are compared one by one. Must not know how globs match.
 */
#include "policies/rules/pattern.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* One component of a path: a glob, or the text that it must be. */
struct component {
	struct rule_glob *glob;
	struct rule_text text;
};

struct path {
	size_t n; /* components */
	struct component *components;
	uint64_t hash;
};

/**
 * struct rule_paths
 * @all: "/" is in it
 * @n_max: components of the longest path in @table
 * @table: paths without wildcards, by their hash; the size is a power of two and at least twice the paths'
 * @globs: paths with wildcards
 */
struct rule_paths {
	bool all;
	size_t n_max;
	const struct path **table;
	size_t size;
	const struct path **globs;
	size_t n_globs;
};

/* FNV-1a, with a mark before each component. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_component(uint64_t hash, const struct rule_text *text)
{
	hash = (hash ^ '/') * HASH_PRIME;
	for (size_t i = 0; i < text->len; i++)
		hash = (hash ^ (unsigned char)text->text[i]) * HASH_PRIME;
	return hash;
}

/* Takes the next component off @rest; empty ones are none. Return: whether there was one. */
static bool take_component(struct rule_text *rest, struct rule_text *ret)
{
	const char *slash;

	while (rest->len && *rest->text == '/') {
		rest->text++;
		rest->len--;
	}
	if (!rest->len)
		return false;
	slash = memchr(rest->text, '/', rest->len);
	ret->text = rest->text;
	ret->len = slash ? (size_t)(slash - rest->text) : rest->len;
	rest->text += ret->len;
	rest->len -= ret->len;
	return true;
}

static bool has_wildcard(const struct rule_text *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->text[i] == '*' || text->text[i] == '?' || text->text[i] == '[')
			return true;
	}
	return false;
}

static int read_component(const struct rule_text *text, struct policy_arena *arena, struct component *component)
{
	if (has_wildcard(text))
		return rule_glob_compile(text->text, text->len, false, arena, &component->glob);
	component->text.text = policy_arena_copy(arena, text->text, text->len);
	component->text.len = text->len;
	return component->text.text ? 0 : -ENOMEM;
}

static int read_path(struct rule_text rest, struct policy_arena *arena, struct path *path, bool *wild)
{
	struct rule_text text, count = rest;
	int err;

	while (take_component(&count, &text))
		path->n++;
	path->components = policy_arena_alloc(arena, path->n, sizeof(*path->components));
	if (!path->components)
		return -ENOMEM;
	path->hash = HASH_START;
	*wild = false;
	for (size_t i = 0; take_component(&rest, &text); i++) {
		err = read_component(&text, arena, &path->components[i]);
		if (err)
			return err;
		*wild |= path->components[i].glob != NULL;
		path->hash = hash_component(path->hash, &text);
	}
	return 0;
}

static bool leads_to(const struct path *path, struct rule_text rest)
{
	struct rule_text text;

	for (const struct component *c = path->components; c < path->components + path->n; c++) {
		if (!take_component(&rest, &text))
			return false;
		if (c->glob ? !rule_glob_match(c->glob, text.text, text.len) :
			      c->text.len != text.len || memcmp(c->text.text, text.text, text.len) != 0)
			return false;
	}
	return true;
}

/* A path that is in the table already needs no second place: else many equal ones would stand in a row. */
static void insert(struct rule_paths *paths, const struct path *path, const struct rule_text *text)
{
	for (size_t i = path->hash & (paths->size - 1);; i = (i + 1) & (paths->size - 1)) {
		if (!paths->table[i]) {
			paths->table[i] = path;
			break;
		}
		if (paths->table[i]->hash == path->hash && paths->table[i]->n == path->n && leads_to(paths->table[i], *text))
			break;
	}
	if (path->n > paths->n_max)
		paths->n_max = path->n;
}

static int add_path(struct rule_paths *paths, const struct rule_text *text, struct policy_arena *arena)
{
	struct path *path = policy_arena_alloc(arena, 1, sizeof(*path));
	bool wild;
	int err;

	if (!path)
		return -ENOMEM;
	if (text->len > RULE_PATTERN_BYTES_MAX)
		return -E2BIG;
	err = read_path(*text, arena, path, &wild);
	if (err)
		return err;
	if (!path->n)
		paths->all = true;
	else if (wild)
		paths->globs[paths->n_globs++] = path;
	else
		insert(paths, path, text);
	return 0;
}

int rule_paths_compile(const struct rule_text *texts, size_t n, struct policy_arena *arena, struct rule_paths **ret)
{
	struct rule_paths *paths = policy_arena_alloc(arena, 1, sizeof(*paths));
	int err;

	if (!paths || n > SIZE_MAX / 4)
		return -ENOMEM;
	for (paths->size = 2; paths->size < 2 * n; paths->size *= 2)
		;
	paths->table = policy_arena_alloc(arena, paths->size, sizeof(const struct path *));
	paths->globs = policy_arena_alloc(arena, n, sizeof(const struct path *));
	if (!paths->table || !paths->globs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		err = add_path(paths, &texts[i], arena);
		if (err)
			return err;
	}
	*ret = paths;
	return 0;
}

static bool is_in_table(const struct rule_paths *paths, uint64_t hash, size_t n, const struct rule_text *text)
{
	for (size_t i = hash & (paths->size - 1); paths->table[i]; i = (i + 1) & (paths->size - 1)) {
		if (paths->table[i]->hash == hash && paths->table[i]->n == n && leads_to(paths->table[i], *text))
			return true;
	}
	return false;
}

bool rule_paths_match(const struct rule_paths *paths, const char *text, size_t len)
{
	const struct rule_text whole = { text, len };
	struct rule_text rest = whole, component;
	uint64_t hash = HASH_START;

	if (paths->all)
		return true;
	for (size_t n = 1; n <= paths->n_max && take_component(&rest, &component); n++) {
		hash = hash_component(hash, &component);
		if (is_in_table(paths, hash, n, &whole))
			return true;
	}
	for (size_t i = 0; i < paths->n_globs; i++) {
		if (leads_to(paths->globs[i], whole))
			return true;
	}
	return false;
}
