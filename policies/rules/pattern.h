/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs and path prefixes, compiled once and matched often. Owns what a wildcard means. Must not know fields or rules.
 * Texts are bytes: they may hold NUL and need not be UTF-8. Matching allocates nothing, never blocks, and any number of
 * threads may do it.
 */
#ifndef HOLDFAST_POLICIES_RULES_PATTERN_H
#define HOLDFAST_POLICIES_RULES_PATTERN_H

#include "policies/arena.h"

#include <stdbool.h>

/* Bytes of one glob or path: the kernel's bound on a path. Bounds what one comparison may cost. */
#define RULE_PATTERN_BYTES_MAX 4096

struct rule_glob;
struct rule_paths;

struct rule_text {
	const char *text;
	size_t len;
};

/**
 * rule_glob_compile - a pattern as fnmatch(3) takes it without flags in the C locale: "*" and "?" match "/" and a leading "."
 * @pattern: (borrowed) not needed afterwards
 * @fold_case: ASCII letters match whatever their case
 * @arena: holds the glob
 * @ret: (output)
 *
 * There is no bad pattern: "[" without its end is a character.
 *
 * Return: 0; -E2BIG: longer than RULE_PATTERN_BYTES_MAX; -ENOMEM.
 */
int rule_glob_compile(const char *pattern, size_t len, bool fold_case, struct policy_arena *arena, struct rule_glob **ret);

/* Whether all of @text matches. Cost: linear in @len, times the pattern's longest part between two "*" divided by 64. */
bool rule_glob_match(const struct rule_glob *glob, const char *text, size_t len);

/**
 * rule_paths_compile - a set of path prefixes, of which each component may be a glob
 * @paths: (borrowed) not needed afterwards; "/" is a prefix of every path
 * @arena: holds the set
 * @ret: (output)
 *
 * Return: 0; -E2BIG: one is longer than RULE_PATTERN_BYTES_MAX; -ENOMEM.
 */
int rule_paths_compile(const struct rule_text *paths, size_t n, struct policy_arena *arena, struct rule_paths **ret);

/**
 * rule_paths_match - whether some path of the set is @text or leads to it
 *
 * Components are compared, so that /opt/dir leads to /opt/dir/x and not to /opt/dir2; doubled slashes count once. Cost: linear in
 * @len for all paths without wildcards together, and for each path with some.
 */
bool rule_paths_match(const struct rule_paths *paths, const char *text, size_t len);

#endif
