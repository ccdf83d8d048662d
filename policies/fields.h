/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the language that take one word of a few: one table says for each how it is written, which words it
 * takes, what holds when it is not given, and which pod annotation can tighten it. Parser, resolver and listing all
 * walk it.
 */
#ifndef HOLDFAST_POLICIES_FIELDS_H
#define HOLDFAST_POLICIES_FIELDS_H

#include "policies/policies.h"

enum policy_field {
	FIELD_MODE,
	FIELD_EXECUTABLES_MODE,
	FIELD_MODIFIED_METADATA,
	FIELD_UNSETTLED,
	FIELD_COPIES,
	FIELD_LIBRARIES_MODE,
	FIELD_SCRIPTS_MODE,
	FIELD_SCRIPTS_FILES,
	FIELD_SCRIPTS_BYTECODE,
	FIELD_ANONYMOUS_EXEC,
	FIELD_MODIFIED_CODE,
	FIELD_MEMFD_EXEC,
	FIELD_MEMFD_MAP,
	FIELD_READ_IMPLIES_EXEC,
	FIELD_PROCESS_MEMORY,
	FIELD_PTRACE,
	FIELD_HOST_KERNEL,
	FIELD_HOST_IMAGE_STORE,
	FIELD_HOST_EXEC,
	FIELD_HOST_KERNEL_HELPERS,
	FIELD_VOLUME_READ_ONLY,
	FIELD_VOLUME_WRITABLE,
	FIELD_VOLUME_INIT,
	FIELD_ACTION,
	FIELD_SEVERITY,
	FIELD_NOT_READY,
	_FIELD_MAX,
};

/* Not given in the document. */
#define FIELD_UNSET (-1)

/**
 * struct policy_field_def - one row
 * @section: key below spec, or NULL for a key of spec itself
 * @key: as written
 * @words: the values in the order of their enum; @n_words of them
 * @fallback: the value when it is not given; FIELD_UNSET: follows spec.mode (see policy_fields_default())
 * @annotation: behind POLICY_ANNOTATION_PREFIX; NULL if no annotation can change it
 * @offset: of the enum in struct policy_effective
 */
struct policy_field_def {
	const char *section, *key;
	const char *const *words;
	size_t n_words;
	int fallback;
	const char *annotation;
	size_t offset;
};

/* The row of @field, which must be below _FIELD_MAX. */
const struct policy_field_def *policy_field_def(enum policy_field field);

/* The row of @section and @key, or _FIELD_MAX. @section is NULL for spec itself. */
enum policy_field policy_field_find(const char *section, const char *key);

/* The value that @word stands for, or FIELD_UNSET. */
int policy_field_value(enum policy_field field, const char *word);

/* "memory.memfdExec"; @buffer holds at least POLICY_FIELD_NAME_MAX bytes. Return: @buffer. */
#define POLICY_FIELD_NAME_MAX 64
const char *policy_field_name(enum policy_field field, char *buffer);

/* Replaces each FIELD_UNSET of @values by what holds then. @values[FIELD_MODE] must be set. */
void policy_fields_default(signed char values[_FIELD_MAX]);

/* Writes @values into the enums of @effective, and reads one back. */
void policy_fields_store(const signed char values[_FIELD_MAX], struct policy_effective *effective);
int policy_field_load(enum policy_field field, const struct policy_effective *effective);

#endif
