/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file systems a container's root may lie on, and what is to be said about each.
 *
 * Owns: the list. Must not know: how files are identified there.
 */
#ifndef ENFORCER_ROOT_KIND_H
#define ENFORCER_ROOT_KIND_H

#include <stdbool.h>

/* True when the kernel half can tell the original files of a root of that type (as mountinfo names it) from all others. */
bool root_kind_supported(const char *type);
/* What an operator must know about roots of that type although they are supported; NULL: nothing. Static. */
const char *root_kind_note(const char *type);

#endif
