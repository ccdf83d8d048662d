// SPDX-License-Identifier: Apache-2.0
/* Rows: the host, containers that nobody registered, tags of containers that are gone, and facts that are missing. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))
#define STALE_ROW(row, op_, bits_, enforced, policy_, pause, v, c, p)                                                   \
	ROW_FULL(row, STALE, op_, NONE, NONE, bits_, enforced, policy_, pause, v, UNDECIDABLE, STALE_TAG, c, p)

static const struct vector rows[] = {
	/* The host is never judged. */
	ROW("host: any program", HOST, EXEC, NONE, 0, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("host: dropped program", HOST, EXEC, NONE, DROPPED, KILL, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("host: memory file", HOST, EXEC, NONE, MEMFD, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("host: anonymous memory", HOST, MMAP, NONE, NO_FILE, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("host: no policy", HOST, EXEC, NONE, TMPFS, INVALID, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("host: policy torn", HOST, MPROTECT, NONE, TMPFS, TORN, ALLOW, ORIGINAL, NONE, LIBRARY),
	DETAIL("host: file not resolved", HOST, EXEC, NONE, NO_REAL_FILE, OVL, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	PAUSED("host: break-glass", HOST, EXEC, NONE, DROPPED, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE, 0),

	/* The structural rule for containers without a record. */
	ROW("unknown: lower file", UNKNOWN, EXEC, NONE, ROOT | OVL | LOWER, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("unknown: lower library", UNKNOWN, MMAP, NONE, ROOT | OVL | LOWER, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("unknown: dropped program", UNKNOWN, EXEC, NONE, DROPPED, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("unknown: dropped program, audit", UNKNOWN, EXEC, NONE, DROPPED, AUDIT, AUDIT, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("unknown: dropped program, off", UNKNOWN, EXEC, NONE, DROPPED, OFF, ALLOW, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("unknown: dropped library", UNKNOWN, MMAP, NONE, DROPPED, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE, LIBRARY),
	ROW("unknown: replaced program", UNKNOWN, EXEC, NONE, REPLACED, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("unknown: replaced, then unlinked", UNKNOWN, EXEC, NONE, REPLACED | GONE, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE,
	    EXECUTABLE),
	ROW("unknown: program on tmpfs", UNKNOWN, EXEC, NONE, TMPFS | ROOT_OVL, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("unknown: library on tmpfs", UNKNOWN, MMAP, NONE, TMPFS | ROOT_OVL, AUDIT, AUDIT, UNKNOWN_CONTAINER, NONE, LIBRARY),
	ROW("unknown: sandbox, program on tmpfs", UNKNOWN, EXEC, NONE, TMPFS, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("unknown: program on another disk", UNKNOWN, EXEC, NONE, ROOT_OVL, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	DETAIL("unknown: no real file", UNKNOWN, EXEC, NONE, NO_REAL_FILE, ROOT | OVL, AUDIT, AUDIT, UNKNOWN_CONTAINER,
	       NO_REAL_FILE, EXECUTABLE),
	ROW("unknown: the root is a tmpfs", UNKNOWN, EXEC, NONE, ROOT | TMPFS, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("unknown: the root is a folder", UNKNOWN, EXEC, NONE, ROOT | HOST_WORLD, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("unknown: host's program", UNKNOWN, EXEC, NONE, HOST_WORLD, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("unknown: the host's root is a tmpfs", UNKNOWN, EXEC, NONE, HOST_WORLD | TMPFS, ENFORCE, ALLOW, ORIGINAL, NONE,
	    EXECUTABLE),
	ROW("unknown: memory file is executed", UNKNOWN, EXEC, NONE, MEMFD | TMPFS, ENFORCE, DENY, UNKNOWN_CONTAINER, NONE,
	    EXECUTABLE),
	ROW("unknown: memory file is checked", UNKNOWN, EXEC_CHECK, NONE, MEMFD, AUDIT, AUDIT, UNKNOWN_CONTAINER, NONE, EXECUTABLE),
	ROW("unknown: memory file is mapped", UNKNOWN, MMAP, NONE, MEMFD | TMPFS, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("unknown: anonymous memory", UNKNOWN, MMAP, NONE, NO_FILE, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("unknown: image code with pages", UNKNOWN, MPROTECT, NONE, ROOT | OVL | LOWER | WRITTEN, ENFORCE, ALLOW, ORIGINAL, NONE,
	    LIBRARY),
	ROW("unknown: no policy, lower file", UNKNOWN, EXEC, NONE, ROOT | OVL | LOWER, INVALID, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("unknown: no policy, dropped", UNKNOWN, EXEC, NONE, DROPPED, INVALID, DENY, UNDECIDABLE, NO_POLICY, EXECUTABLE),
	PAUSED("unknown: dropped, break-glass", UNKNOWN, EXEC, NONE, DROPPED, ENFORCE, AUDIT, UNKNOWN_CONTAINER, NONE, EXECUTABLE, 1),

	/* The tag remembers what held when its container is gone. */
	STALE_ROW("stale: was enforced", EXEC, DROPPED, 1, OFF, 0, DENY, EXECUTABLE, 0),
	STALE_ROW("stale: was audited", EXEC, DROPPED, 0, ENFORCE, 0, AUDIT, EXECUTABLE, 0),
	STALE_ROW("stale: image program", EXEC, IMAGE, 1, OFF, 0, DENY, EXECUTABLE, 0),
	STALE_ROW("stale: library", MMAP, IMAGE, 1, ENFORCE, 0, DENY, LIBRARY, 0),
	STALE_ROW("stale: slot without a policy, audited", EXEC, DROPPED, 0, INVALID, 0, AUDIT, EXECUTABLE, 0),
	STALE_ROW("stale: slot without a policy, enforced", EXEC, DROPPED, 1, INVALID, 0, DENY, EXECUTABLE, 0),
	STALE_ROW("stale: enforced, break-glass", EXEC, DROPPED, 1, ENFORCE, 1, AUDIT, EXECUTABLE, 1),
	STALE_ROW("stale: audited, break-glass", EXEC, DROPPED, 0, ENFORCE, 1, AUDIT, EXECUTABLE, 0),

	/* Facts that could not be found out. */
	DETAIL("no real file", CONTAINER, EXEC, NONE, NO_REAL_FILE, ROOT | OVL, ENFORCE, DENY, UNDECIDABLE, NO_REAL_FILE,
	       EXECUTABLE),
	DETAIL("no real file, audit", CONTAINER, EXEC, NONE, NO_REAL_FILE, ROOT | OVL, AUDIT, AUDIT, UNDECIDABLE, NO_REAL_FILE,
	       EXECUTABLE),
	DETAIL("nested too deep", CONTAINER, MMAP, NONE, NESTED_OVERLAY, ROOT | OVL, ENFORCE, DENY, UNDECIDABLE, NESTED_OVERLAY,
	       LIBRARY),
	DETAIL("nested too deep on an allowed volume", CONTAINER, EXEC, ALLOWED, NESTED_OVERLAY, OVL, ENFORCE, DENY, UNDECIDABLE,
	       NESTED_OVERLAY, EXECUTABLE),
	DETAIL("no memory for the tag", CONTAINER, EXEC, NONE, NO_TAG_MEMORY, IMAGE, ENFORCE, DENY, UNDECIDABLE, NO_TAG_MEMORY,
	       EXECUTABLE),
	DETAIL("unsupported root", CONTAINER, EXEC, NONE, UNSUPPORTED_ROOT, ROOT, AUDIT, AUDIT, UNDECIDABLE, UNSUPPORTED_ROOT,
	       EXECUTABLE),
	DETAIL("undecidable, off", CONTAINER, EXEC, NONE, NO_REAL_FILE, ROOT | OVL, OFF, ALLOW, UNDECIDABLE, NO_REAL_FILE,
	       EXECUTABLE),
};

const struct vector_rows vector_rows_subject = { rows, N };
