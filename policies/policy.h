/* SPDX-License-Identifier: Apache-2.0 */
/* One parsed document and the set of them, as parser, loader and resolver share them. Private to policies/. */
#ifndef HOLDFAST_POLICIES_POLICY_H
#define HOLDFAST_POLICIES_POLICY_H

#include "policies/arena.h"
#include "policies/fields.h"
#include "policies/policies.h"

struct policy_strings {
	const char **item;
	size_t n;
};

enum label_operator {
	LABEL_IN,
	LABEL_NOT_IN,
	LABEL_EXISTS,
	LABEL_DOES_NOT_EXIST,
	_LABEL_OPERATOR_MAX,
};

/* An entry of matchLabels is a LABEL_IN with one value. */
struct label_term {
	const char *key;
	enum label_operator operator;
	struct policy_strings values;
};

/* A list that is not given selects everything. */
struct policy_selector {
	struct label_term *labels;
	size_t n_labels;
	struct policy_strings images, containers, namespaces, exclude_namespaces;
};

struct policy {
	struct policy_info info;
	int column;
	signed char values[_FIELD_MAX]; /* FIELD_UNSET where the document is silent */
	struct policy_selector selector;
	struct policy_volume *volumes;
	size_t n_volumes;
	struct policy_exception *exceptions;
	size_t n_exceptions;
	size_t order; /* of reading */
	struct policy *next;
};

/* Bytes of a generation: 64 bits in hexadecimal and a NUL. */
#define POLICY_GENERATION_BYTES 17

struct policy_set {
	struct policy_arena *arena; /* holds all that the set points to */
	struct policy *first, *last; /* while reading; in the order of the files */
	const struct policy **policies; /* once complete: sorted as policy_set_get() says */
	size_t count, files;
	unsigned long long hash;
	char generation[POLICY_GENERATION_BYTES];
};

#endif
