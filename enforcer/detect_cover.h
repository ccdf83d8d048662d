/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By which paths and which names of processes a rule can match an open at all, told from its condition alone.
 *
 * Owns: reading conditions for that. Must not know: how the kernel half looks paths and names up, or any rule.
 */
#ifndef ENFORCER_DETECT_COVER_H
#define ENFORCER_DETECT_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf-lsm/abi_detect.h"
#include "enforcer/stream.h"
#include "policies/arena.h"
#include "policies/rules/rule_set.h"

/* A beginning of the path, or a name of the process. */
struct detect_cover_part {
	bool is_name;
	const char *text;
	const struct detect_cover_part *next;
};

/* Every event that matches has one of the parts, or .any: it may have none. */
struct detect_cover {
	bool any;
	size_t n;
	const struct detect_cover_part *first;
};

/**
 * detect_cover - what the events have in common that match a condition
 * @tree: (borrowed as long as @ret) macros and lists put in
 * @type: an open; of any other, .any is told
 * @shape: of enum hf_detect_shape
 * @arena: (borrowed) for what @ret points to
 *
 * It holds for events whose path, as given, is absolute and plain as enum hf_detect_shape says; the others are to be told anyway.
 * Cost: one walk of the tree. Return: 0; -ENOMEM.
 */
int detect_cover(const struct rule_node *tree, enum hf_detect_type type, unsigned int shape, struct policy_arena *arena,
		 struct detect_cover *ret);

/* For stream_narrow(). */
struct detect_covers {
	struct stream_classes classes;
	struct stream_cover covers[STREAM_COVERS_MAX];
	size_t n;
};

/**
 * detect_covers_make - what the enabled rules of a set need of each shape of open
 * @arena: (borrowed) for what @ret points to, which borrows from @set too
 *
 * A shape that some rule needs as a whole has class 0. Return: 0; -ENOMEM.
 */
int detect_covers_make(const struct rule_set *set, struct policy_arena *arena, struct detect_covers *ret);

#endif
