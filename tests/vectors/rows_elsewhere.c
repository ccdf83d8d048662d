// SPDX-License-Identifier: Apache-2.0
/* Rows: files on any other superblock than the container's root: volumes, tmpfs, foreign file systems. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))

static const struct vector rows[] = {
	/* Declared mounts. */
	ROW("read-only volume by default", CONTAINER, EXEC, READ_ONLY, 0, DEFAULT, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("read-only volume, library", CONTAINER, MMAP, READ_ONLY, 0, DEFAULT, ALLOW, VOLUME, NONE, LIBRARY),
	ROW("read-only volume, all denied", CONTAINER, EXEC, READ_ONLY, 0, ENFORCE, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("read-only volume, audit", CONTAINER, EXEC, READ_ONLY, 0, AUDIT, AUDIT, VOLUME, NONE, EXECUTABLE),
	ROW("writable volume by default", CONTAINER, EXEC, WRITABLE, 0, DEFAULT, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("writable volume, library", CONTAINER, MMAP, WRITABLE, 0, DEFAULT, DENY, VOLUME, NONE, LIBRARY),
	ROW("writable volume, library, lag", CONTAINER, MMAP, WRITABLE, 0, LAGGING, AUDIT, VOLUME, NONE, LIBRARY),
	ROW("writable volume, program, libraries lag", CONTAINER, EXEC, WRITABLE, 0, LAGGING, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("writable volume, audit", CONTAINER, EXEC, WRITABLE, 0, AUDIT, AUDIT, VOLUME, NONE, EXECUTABLE),
	ROW("writable volume, off", CONTAINER, EXEC, WRITABLE, 0, OFF, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("writable volume, kill", CONTAINER, EXEC, WRITABLE, 0, KILL, KILL, VOLUME, NONE, EXECUTABLE),
	ROW("init program by default", CONTAINER, EXEC, INIT, 0, DEFAULT, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("init program mapped", CONTAINER, MMAP, INIT, HOST_WORLD, DEFAULT, ALLOW, VOLUME, NONE, LIBRARY),
	ROW("init program, all denied", CONTAINER, EXEC, INIT, HOST_WORLD, ENFORCE, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("allowed volume, all denied else", CONTAINER, EXEC, ALLOWED, 0, ENFORCE, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("allowed volume, library", CONTAINER, MMAP, ALLOWED, 0, ENFORCE, ALLOW, VOLUME, NONE, LIBRARY),
	ROW("allowed volume, policy torn", CONTAINER, EXEC, ALLOWED, 0, TORN, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("allowed volume, no policy", CONTAINER, EXEC, ALLOWED, 0, INVALID, DENY, UNDECIDABLE, NO_POLICY, EXECUTABLE),
	ROW("allowed volume, unlinked file", CONTAINER, EXEC, ALLOWED, GONE, ENFORCE, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("volume on tmpfs", CONTAINER, EXEC, WRITABLE, TMPFS, ENFORCE, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("allowed volume on tmpfs", CONTAINER, EXEC, ALLOWED, TMPFS, ENFORCE, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("volume of the host's disk", CONTAINER, EXEC, WRITABLE, HOST_WORLD, ENFORCE, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("volume of a plain root's file system", CONTAINER, EXEC, READ_ONLY, ROOT, DEFAULT, ALLOW, VOLUME, NONE, EXECUTABLE),
	ROW("writable volume of a plain root's", CONTAINER, EXEC, WRITABLE, ROOT, DEFAULT, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("volume, no baseline", CONTAINER, EXEC, WRITABLE, NO_BASE, AUDIT, AUDIT, VOLUME, NONE, EXECUTABLE),
	ROW("volume that is another overlay", CONTAINER, EXEC, WRITABLE, OVL | LOWER, ENFORCE, DENY, VOLUME, NONE, EXECUTABLE),
	ROW("volume kind out of range", CONTAINER, EXEC, WILD, 0, ENFORCE, DENY, FOREIGN, NONE, EXECUTABLE),

	/* tmpfs and file systems that nobody declared. */
	ROW("program on tmpfs", CONTAINER, EXEC, NONE, TMPFS, ENFORCE, DENY, TMPFS, NONE, EXECUTABLE),
	ROW("library on tmpfs", CONTAINER, MMAP, NONE, TMPFS, ENFORCE, DENY, TMPFS, NONE, LIBRARY),
	ROW("library on tmpfs, lag", CONTAINER, MMAP, NONE, TMPFS, LAGGING, AUDIT, TMPFS, NONE, LIBRARY),
	ROW("program on tmpfs, audit", CONTAINER, EXEC, NONE, TMPFS, AUDIT, AUDIT, TMPFS, NONE, EXECUTABLE),
	ROW("program on tmpfs, off", CONTAINER, EXEC, NONE, TMPFS, OFF, ALLOW, TMPFS, NONE, EXECUTABLE),
	ROW("program on tmpfs, unlinked", CONTAINER, EXEC, NONE, TMPFS | GONE, ENFORCE, DENY, TMPFS, NONE, EXECUTABLE),
	ROW("tmpfs that the host's root is on", CONTAINER, EXEC, NONE, TMPFS | HOST_WORLD, ENFORCE, DENY, TMPFS, NONE, EXECUTABLE),
	ROW("program of another container", CONTAINER, EXEC, NONE, OVL | LOWER, ENFORCE, DENY, FOREIGN, NONE, EXECUTABLE),
	ROW("library of another container", CONTAINER, MMAP, NONE, OVL | UPPER, ENFORCE, DENY, FOREIGN, NONE, LIBRARY),
	ROW("own overlay over an attacker's folder", CONTAINER, EXEC, NONE, OVL | LOWER, DEFAULT, DENY, FOREIGN, NONE, EXECUTABLE),
	ROW("catalogue key met on a foreign mount", CONTAINER, EXEC, NONE, OVL | LOWER | HIT, ENFORCE, DENY, FOREIGN, NONE,
	    EXECUTABLE),
	ROW("program of the host", CONTAINER, EXEC, NONE, HOST_WORLD, ENFORCE, DENY, FOREIGN, NONE, EXECUTABLE),
	ROW("program of the host, audit", CONTAINER, EXEC, NONE, HOST_WORLD, AUDIT, AUDIT, FOREIGN, NONE, EXECUTABLE),
	ROW("library of the host turned executable", CONTAINER, MPROTECT, NONE, HOST_WORLD, ENFORCE, DENY, FOREIGN, NONE, LIBRARY),
	ROW("foreign program, unlinked", CONTAINER, EXEC, NONE, GONE, ENFORCE, DENY, FOREIGN, NONE, EXECUTABLE),
	ROW("foreign program, no baseline", CONTAINER, EXEC, NONE, NO_BASE, AUDIT, AUDIT, FOREIGN, NONE, EXECUTABLE),
};

const struct vector_rows vector_rows_elsewhere = { rows, N };
