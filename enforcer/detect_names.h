/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups by number, as /etc/passwd and /etc/group of one root give them.
 *
 * Owns: reading those two formats with suspicion, and the look-up. Must not know: where the text came from.
 */
#ifndef ENFORCER_DETECT_NAMES_H
#define ENFORCER_DETECT_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of each file that are read: some thousand users. What lies behind has no names. */
#define DETECT_NAMES_BYTES (256u << 10)

struct detect_names;

/* Strings are borrowed from the names. */
struct detect_user {
	uint32_t id;
	const char *name;
	const char *home, *shell; /* "" for a group */
};

/**
 * detect_names_new - read both files
 * @passwd, @group: (borrowed) their text, any bytes; may be NULL with 0 bytes
 * @ret: (output) to be given to detect_names_free(); untouched on failure
 *
 * Lines that make no sense are left out; of several for one number the first counts, as for getpwuid(). Return: 0; -ENOMEM.
 */
int detect_names_new(const char *passwd, size_t passwd_bytes, const char *group, size_t group_bytes, struct detect_names **ret);
/* NULL-safe, sets *names to NULL. */
void detect_names_free(struct detect_names **names);

/* NULL: no such number, or names is NULL. Cost: one binary search. */
const struct detect_user *detect_names_user(const struct detect_names *names, uint32_t uid);
const char *detect_names_group(const struct detect_names *names, uint32_t gid);

#endif
