/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read conditions share: an event of which little is known, and three values. Must not know rules. */
#ifndef ENFORCER_DETECT_NARROW_INTERNAL_H
#define ENFORCER_DETECT_NARROW_INTERNAL_H

#include <stdbool.h>

#include "enforcer/detect_narrow.h"

enum truth { TRUTH_FALSE, TRUTH_MAYBE, TRUTH_TRUE };

enum open_kind { OPEN_UNKNOWN, OPEN_READS, OPEN_WRITES, OPEN_CREATES };

/* What is known of the event. */
struct known {
	const char *type;
	bool host;
	bool failed;
	enum open_kind open;
	bool opens;	 /* its fd.num is its result */
	bool not_exec;	 /* the protection has no PROT_EXEC */
	bool not_elf;	 /* the data is not the beginning of a program */
};

/* What a COMPARE says of such an event. */
enum truth detect_try_check(const struct rule_node *check, const struct known *known);

#endif
