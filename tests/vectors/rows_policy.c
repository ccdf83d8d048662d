// SPDX-License-Identifier: Apache-2.0
/* Rows: policies that are torn or missing, and break-glass. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))

static const struct vector rows[] = {
	ROW("torn: dropped program", CONTAINER, EXEC, NONE, DROPPED, TORN, DENY, ADDED, NONE, EXECUTABLE),
	ROW("torn: library", CONTAINER, MMAP, NONE, REPLACED, TORN, DENY, MODIFIED, NONE, LIBRARY),
	ROW("torn: read-only volume", CONTAINER, EXEC, READ_ONLY, 0, TORN, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("torn: writable volume", CONTAINER, EXEC, WRITABLE, 0, TORN, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("torn: init program", CONTAINER, EXEC, INIT, 0, TORN, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("torn: memory file is mapped", CONTAINER, MMAP, NONE, MEMFD, TORN, DENY, MEMFD, NONE, LIBRARY),
	ROW("torn: memory file is executed", CONTAINER, EXEC, NONE, MEMFD, TORN, DENY, MEMFD, NONE, EXECUTABLE),
	ROW("torn: unknown container", UNKNOWN, EXEC, NONE, DROPPED, TORN, DENY, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("missing: dropped program", CONTAINER, EXEC, NONE, DROPPED, INVALID, DENY, UNDECIDABLE, NO_POLICY, EXECUTABLE),
	ROW("missing: anonymous memory", CONTAINER, MMAP, NONE, NO_FILE, INVALID, DENY, UNDECIDABLE, NO_POLICY, LIBRARY),
	ROW("missing: changed lower file", CONTAINER, EXEC, NONE, IMAGE | CHANGED, INVALID, DENY, UNDECIDABLE, NO_POLICY,
	    EXECUTABLE),
	DETAIL("missing: nothing known at all", CONTAINER, EXEC, NONE, NO_REAL_FILE, OVL, INVALID, DENY, UNDECIDABLE, NO_POLICY,
	       EXECUTABLE),

	PAUSED("break-glass: dropped program", CONTAINER, EXEC, NONE, DROPPED, ENFORCE, AUDIT, ADDED, NONE, EXECUTABLE, 1),
	PAUSED("break-glass: dropped library", CONTAINER, MMAP, NONE, DROPPED, ENFORCE, AUDIT, ADDED, NONE, LIBRARY, 1),
	PAUSED("break-glass: instead of a kill", CONTAINER, EXEC, NONE, DROPPED, KILL, AUDIT, ADDED, NONE, EXECUTABLE, 1),
	PAUSED("break-glass: was audit anyway", CONTAINER, EXEC, NONE, DROPPED, AUDIT, AUDIT, ADDED, NONE, EXECUTABLE, 0),
	PAUSED("break-glass: was allowed anyway", CONTAINER, EXEC, NONE, DROPPED, OFF, ALLOW, ADDED, NONE, EXECUTABLE, 0),
	PAUSED("break-glass: image program", CONTAINER, EXEC, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE, 0),
	PAUSED("break-glass: allowed volume", CONTAINER, EXEC, ALLOWED, 0, ENFORCE, ALLOW, VOLUME, NONE, EXECUTABLE, 0),
	PAUSED("break-glass: writable volume", CONTAINER, EXEC, WRITABLE, 0, ENFORCE, AUDIT, VOLUME, NONE, EXECUTABLE, 1),
	PAUSED("break-glass: policy torn", CONTAINER, EXEC, NONE, DROPPED, TORN, AUDIT, ADDED, NONE, EXECUTABLE, 1),
	PAUSED("break-glass: policy missing", CONTAINER, EXEC, NONE, DROPPED, INVALID, AUDIT, UNDECIDABLE, NO_POLICY, EXECUTABLE, 1),
	PAUSED("break-glass: memory file", CONTAINER, EXEC, NONE, MEMFD, ENFORCE, AUDIT, MEMFD, NONE, EXECUTABLE, 1),
	PAUSED("break-glass: modified code", CONTAINER, MPROTECT, NONE, IMAGE | WRITTEN, ENFORCE, AUDIT, MODIFIED_CODE, NONE,
	       LIBRARY, 1),
	PAUSED("break-glass: libraries lag", CONTAINER, MMAP, NONE, DROPPED, LAGGING, AUDIT, ADDED, NONE, LIBRARY, 0),
};

const struct vector_rows vector_rows_policy = { rows, N };
