// SPDX-License-Identifier: Apache-2.0
/* Rows: a container's file that somebody outside of it runs, and the host's interpreters that a container's exec is handed to. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))

static const struct vector rows[] = {
	/* A process of the host is never refused anything. */
	ROW("outside: container's file by default", HOST, EXEC, NONE, THEIRS, DEFAULT, AUDIT, HOST_EXEC, NONE, EXECUTABLE),
	ROW("outside: container's file, all denied", HOST, EXEC, NONE, THEIRS, ENFORCE, AUDIT, HOST_EXEC, NONE, EXECUTABLE),
	ROW("outside: container's file, kill", HOST, EXEC, NONE, THEIRS, KILL, AUDIT, HOST_EXEC, NONE, EXECUTABLE),
	ROW("outside: container's file, off", HOST, EXEC, NONE, THEIRS, OFF, ALLOW, HOST_EXEC, NONE, EXECUTABLE),
	ROW("outside: container's file, no policy", HOST, EXEC, NONE, THEIRS, INVALID, AUDIT, UNDECIDABLE, NO_POLICY, EXECUTABLE),
	ROW("outside: container's file, policy torn", HOST, EXEC, NONE, THEIRS, TORN, AUDIT, HOST_EXEC, NONE, EXECUTABLE),
	PAUSED("outside: container's file, break-glass", HOST, EXEC, NONE, THEIRS, ENFORCE, AUDIT, HOST_EXEC, NONE, EXECUTABLE, 0),

	/* The kernel is. */
	ROW("helper: container's file by default", HOST, EXEC, NONE, HELPER, DEFAULT, DENY, KERNEL_HELPER, NONE, EXECUTABLE),
	ROW("helper: container's file, audit", HOST, EXEC, NONE, HELPER, AUDIT, AUDIT, KERNEL_HELPER, NONE, EXECUTABLE),
	ROW("helper: container's file, off", HOST, EXEC, NONE, HELPER, OFF, ALLOW, KERNEL_HELPER, NONE, EXECUTABLE),
	ROW("helper: container's file, kill", HOST, EXEC, NONE, HELPER, KILL, KILL, KERNEL_HELPER, NONE, EXECUTABLE),
	ROW("helper: container's file, no policy", HOST, EXEC, NONE, HELPER, INVALID, DENY, UNDECIDABLE, NO_POLICY, EXECUTABLE),
	PAUSED("helper: container's file, break-glass", HOST, EXEC, NONE, HELPER, ENFORCE, AUDIT, KERNEL_HELPER, NONE, EXECUTABLE, 1),
	ROW("helper: host's file", HOST, EXEC, NONE, HF_FACT_KERNEL_HELPER, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),

	/* Handlers of foreign programs: the program itself was judged before. */
	ROW("handler of the host", CONTAINER, EXEC, NONE, HANDLER | HOST_WORLD, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("handler of the host on another disk", CONTAINER, EXEC, NONE, HANDLER, KILL, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("its twin that nobody registered", CONTAINER, EXEC, NONE, HOST_WORLD, ENFORCE, DENY, FOREIGN, NONE, EXECUTABLE),
	ROW("handler of the host in an unknown container", UNKNOWN, EXEC, NONE, HANDLER | ROOT_OVL, ENFORCE, ALLOW, ORIGINAL, NONE,
	    EXECUTABLE),
	DETAIL("handler that cannot be resolved", CONTAINER, EXEC, NONE, NO_REAL_FILE, HANDLER, ENFORCE, DENY, UNDECIDABLE,
	       NO_REAL_FILE, EXECUTABLE),
};

const struct vector_rows vector_rows_host = { rows, N };
