// SPDX-License-Identifier: Apache-2.0
/* Rows: code without a file, memory files, and mappings of image code that were or can be written. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))

static const struct vector rows[] = {
	ROW("anonymous memory by default", CONTAINER, MMAP, NONE, NO_FILE, DEFAULT, ALLOW, ANONYMOUS_CODE, NONE, LIBRARY),
	ROW("anonymous memory, all denied", CONTAINER, MMAP, NONE, NO_FILE, ENFORCE, DENY, ANONYMOUS_CODE, NONE, LIBRARY),
	ROW("anonymous memory, audit", CONTAINER, MMAP, NONE, NO_FILE, AUDIT, AUDIT, ANONYMOUS_CODE, NONE, LIBRARY),
	ROW("anonymous memory turned executable", CONTAINER, MPROTECT, NONE, NO_FILE | WRITTEN, ENFORCE, DENY, ANONYMOUS_CODE,
	    NONE, LIBRARY),
	ROW("anonymous memory, writable too", CONTAINER, MMAP, NONE, NO_FILE | WRITABLE, DEFAULT, ALLOW, ANONYMOUS_CODE, NONE,
	    LIBRARY),
	ROW("heap turned executable", CONTAINER, MPROTECT, NONE, NO_FILE | WRITTEN | HEAP, ENFORCE, DENY, ANONYMOUS_CODE, HEAP,
	    LIBRARY),
	ROW("heap turned executable, default", CONTAINER, MPROTECT, NONE, NO_FILE | WRITTEN | HEAP, DEFAULT, ALLOW, ANONYMOUS_CODE,
	    HEAP, LIBRARY),
	ROW("stack turned executable", CONTAINER, MPROTECT, NONE, NO_FILE | WRITTEN | STACK, AUDIT, AUDIT, ANONYMOUS_CODE, STACK,
	    LIBRARY),
	ROW("stack, odd personality", CONTAINER, MPROTECT, NONE, NO_FILE | STACK | IMPLIES, ENFORCE, DENY, ANONYMOUS_CODE,
	    READ_IMPLIES_EXEC, LIBRARY),
	ROW("anonymous memory, odd personality", CONTAINER, MMAP, NONE, NO_FILE | IMPLIES, ENFORCE, DENY, ANONYMOUS_CODE,
	    READ_IMPLIES_EXEC, LIBRARY),
	ROW("anonymous memory, odd personality, default", CONTAINER, MMAP, NONE, NO_FILE | IMPLIES, DEFAULT, AUDIT,
	    ANONYMOUS_CODE, READ_IMPLIES_EXEC, LIBRARY),

	ROW("memory file is executed", CONTAINER, EXEC, NONE, MEMFD | TMPFS, ENFORCE, DENY, MEMFD, NONE, EXECUTABLE),
	ROW("memory file is executed, default", CONTAINER, EXEC, NONE, MEMFD | TMPFS | GONE, DEFAULT, DENY, MEMFD, NONE,
	    EXECUTABLE),
	ROW("memory file is checked", CONTAINER, EXEC_CHECK, NONE, MEMFD | TMPFS, DEFAULT, DENY, MEMFD, NONE, EXECUTABLE),
	ROW("memory file is executed, audit", CONTAINER, EXEC, NONE, MEMFD | TMPFS, AUDIT, AUDIT, MEMFD, NONE, EXECUTABLE),
	ROW("memory file is executed, kill", CONTAINER, EXEC, NONE, MEMFD | TMPFS, KILL, KILL, MEMFD, NONE, EXECUTABLE),
	ROW("memory file is mapped, default", CONTAINER, MMAP, NONE, MEMFD | TMPFS, DEFAULT, ALLOW, MEMFD, NONE, LIBRARY),
	ROW("memory file is mapped, all denied", CONTAINER, MMAP, NONE, MEMFD | TMPFS, ENFORCE, DENY, MEMFD, NONE, LIBRARY),
	ROW("memory file turned executable", CONTAINER, MPROTECT, NONE, MEMFD | TMPFS, ENFORCE, DENY, MEMFD, NONE, LIBRARY),
	ROW("memory file mapped, libraries lag", CONTAINER, MMAP, NONE, MEMFD | TMPFS, LAGGING, ALLOW, MEMFD, NONE, LIBRARY),
	ROW("memory file in huge pages", CONTAINER, EXEC, NONE, MEMFD, ENFORCE, DENY, MEMFD, NONE, EXECUTABLE),
	ROW("memory file reached by a volume", CONTAINER, EXEC, ALLOWED, MEMFD | TMPFS, ENFORCE, DENY, MEMFD, NONE, EXECUTABLE),
	ROW("memory file, no baseline", CONTAINER, EXEC, NONE, MEMFD | NO_BASE, AUDIT, AUDIT, MEMFD, NONE, EXECUTABLE),

	ROW("image code with pages of its own", CONTAINER, MPROTECT, NONE, IMAGE | WRITTEN, ENFORCE, DENY, MODIFIED_CODE, NONE,
	    LIBRARY),
	ROW("image code writable and executable", CONTAINER, MMAP, NONE, IMAGE | WRITABLE, ENFORCE, DENY, MODIFIED_CODE, NONE,
	    LIBRARY),
	ROW("saved heap writable and executable", CONTAINER, MMAP, NONE, IMAGE | WRITABLE | HEAP, ENFORCE, DENY, ANONYMOUS_CODE, NONE,
	    LIBRARY),
	ROW("saved heap writable, default", CONTAINER, MMAP, NONE, IMAGE | WRITABLE | HEAP, DEFAULT, ALLOW, ANONYMOUS_CODE, NONE,
	    LIBRARY),
	ROW("saved heap as it is", CONTAINER, MMAP, NONE, IMAGE | HEAP, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("image code with pages, default", CONTAINER, MPROTECT, NONE, IMAGE | WRITTEN, DEFAULT, DENY, MODIFIED_CODE, NONE,
	    LIBRARY),
	ROW("image code with pages, lag", CONTAINER, MPROTECT, NONE, IMAGE | WRITTEN, LAGGING, AUDIT, MODIFIED_CODE, NONE, LIBRARY),
	ROW("image code with pages, off", CONTAINER, MPROTECT, NONE, IMAGE | WRITTEN, OFF, ALLOW, MODIFIED_CODE, NONE, LIBRARY),
	ROW("image code turned executable", CONTAINER, MPROTECT, NONE, IMAGE, DEFAULT, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("plain root: image code with pages", CONTAINER, MPROTECT, NONE, PLAIN_IMAGE | WRITTEN, ENFORCE, DENY, MODIFIED_CODE,
	    NONE, LIBRARY),
	ROW("allowed volume's code with pages", CONTAINER, MPROTECT, ALLOWED, WRITTEN, DEFAULT, DENY, MODIFIED_CODE, NONE, LIBRARY),
	ROW("read-only volume's code, writable", CONTAINER, MMAP, READ_ONLY, WRITABLE, DEFAULT, DENY, MODIFIED_CODE, NONE, LIBRARY),
	ROW("read-only volume's code", CONTAINER, MPROTECT, READ_ONLY, 0, DEFAULT, ALLOW, VOLUME, NONE, LIBRARY),
	ROW("tmpfs code with pages", CONTAINER, MPROTECT, NONE, TMPFS | WRITTEN, ENFORCE, DENY, TMPFS, NONE, LIBRARY),
};

const struct vector_rows vector_rows_memory = { rows, N };
