// SPDX-License-Identifier: Apache-2.0
/* Rows: files on the container's own root superblock. Each denial stands beside the original that must stay silent. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))

static const struct vector rows[] = {
	/* Overlay root: the image's own files. */
	ROW("image program is executed", CONTAINER, EXEC, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image program is checked", CONTAINER, EXEC_CHECK, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image library is mapped", CONTAINER, MMAP, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("image library below the overlay", CONTAINER, MMAP_BACKING, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("image library turned executable", CONTAINER, MPROTECT, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("image program under kill", CONTAINER, EXEC, NONE, IMAGE, KILL, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image program under audit", CONTAINER, EXEC, NONE, IMAGE, AUDIT, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image program without a policy", CONTAINER, EXEC, NONE, IMAGE, INVALID, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image program, policy torn", CONTAINER, EXEC, NONE, IMAGE, TORN, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image program already unlinked", CONTAINER, EXEC, NONE, IMAGE | GONE, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image bytes, copied up since", CONTAINER, MPROTECT, NONE, IMAGE | UPPER, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("image program, no baseline", CONTAINER, EXEC, NONE, IMAGE | NO_BASE, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("image program, host shares the disk", CONTAINER, EXEC, NONE, IMAGE | HOST_WORLD, ENFORCE, ALLOW, ORIGINAL, NONE,
	    EXECUTABLE),
	ROW("image program, odd personality", CONTAINER, EXEC, NONE, IMAGE | IMPLIES, ENFORCE, ALLOW, ORIGINAL, NONE,
	    EXECUTABLE),

	/* Overlay root: dropped files. */
	ROW("dropped program is executed", CONTAINER, EXEC, NONE, DROPPED, ENFORCE, DENY, ADDED, NONE, EXECUTABLE),
	ROW("dropped program is checked", CONTAINER, EXEC_CHECK, NONE, DROPPED, ENFORCE, DENY, ADDED, NONE, EXECUTABLE),
	ROW("dropped library is mapped", CONTAINER, MMAP, NONE, DROPPED, ENFORCE, DENY, ADDED, NONE, LIBRARY),
	ROW("dropped library below the overlay", CONTAINER, MMAP_BACKING, NONE, DROPPED, ENFORCE, DENY, ADDED, NONE, LIBRARY),
	ROW("dropped library turned executable", CONTAINER, MPROTECT, NONE, DROPPED, ENFORCE, DENY, ADDED, NONE, LIBRARY),
	ROW("dropped program under audit", CONTAINER, EXEC, NONE, DROPPED, AUDIT, AUDIT, ADDED, NONE, EXECUTABLE),
	ROW("dropped program under off", CONTAINER, EXEC, NONE, DROPPED, OFF, ALLOW, ADDED, NONE, EXECUTABLE),
	ROW("dropped program under kill", CONTAINER, EXEC, NONE, DROPPED, KILL, KILL, ADDED, NONE, EXECUTABLE),
	ROW("dropped program by default", CONTAINER, EXEC, NONE, DROPPED, DEFAULT, DENY, ADDED, NONE, EXECUTABLE),
	ROW("dropped library by default", CONTAINER, MMAP, NONE, DROPPED, DEFAULT, DENY, ADDED, NONE, LIBRARY),
	ROW("dropped program, libraries lag", CONTAINER, EXEC, NONE, DROPPED, LAGGING, DENY, ADDED, NONE, EXECUTABLE),
	ROW("dropped library, libraries lag", CONTAINER, MMAP, NONE, DROPPED, LAGGING, AUDIT, ADDED, NONE, LIBRARY),
	ROW("dropped library turned executable, lag", CONTAINER, MPROTECT, NONE, DROPPED, LAGGING, AUDIT, ADDED, NONE, LIBRARY),
	ROW("dropped program, then unlinked", CONTAINER, EXEC, NONE, DROPPED | GONE, ENFORCE, DENY, DELETED, NONE, EXECUTABLE),
	ROW("dropped library, then unlinked", CONTAINER, MMAP, NONE, DROPPED | GONE, ENFORCE, DENY, DELETED, NONE, LIBRARY),
	ROW("dropped program with setuid", CONTAINER, EXEC, NONE, DROPPED | SETID, ENFORCE, DENY, ADDED, NONE, EXECUTABLE),
	ROW("dropped program, still written", CONTAINER, EXEC, NONE, DROPPED | WRITER, ENFORCE, DENY, ADDED, NONE, EXECUTABLE),
	ROW("dropped library, pages written", CONTAINER, MPROTECT, NONE, DROPPED | WRITTEN, ENFORCE, DENY, ADDED, NONE, LIBRARY),
	ROW("dropped library, host shares the disk", CONTAINER, MMAP, NONE, DROPPED | HOST_WORLD, ENFORCE, DENY, ADDED, NONE,
	    LIBRARY),

	/* Overlay root: image files with new bytes. */
	ROW("replaced program is executed", CONTAINER, EXEC, NONE, REPLACED, ENFORCE, DENY, MODIFIED, NONE, EXECUTABLE),
	ROW("replaced program is checked", CONTAINER, EXEC_CHECK, NONE, REPLACED, ENFORCE, DENY, MODIFIED, NONE, EXECUTABLE),
	ROW("replaced library is mapped", CONTAINER, MMAP, NONE, REPLACED, ENFORCE, DENY, MODIFIED, NONE, LIBRARY),
	ROW("replaced library below the overlay", CONTAINER, MMAP_BACKING, NONE, REPLACED, ENFORCE, DENY, MODIFIED, NONE, LIBRARY),
	ROW("replaced library turned executable", CONTAINER, MPROTECT, NONE, REPLACED, ENFORCE, DENY, MODIFIED, NONE, LIBRARY),
	ROW("replaced program under audit", CONTAINER, EXEC, NONE, REPLACED, AUDIT, AUDIT, MODIFIED, NONE, EXECUTABLE),
	ROW("replaced program by default", CONTAINER, EXEC, NONE, REPLACED, DEFAULT, DENY, MODIFIED, NONE, EXECUTABLE),
	ROW("replaced library, libraries lag", CONTAINER, MMAP, NONE, REPLACED, LAGGING, AUDIT, MODIFIED, NONE, LIBRARY),
	ROW("replaced program, then unlinked", CONTAINER, EXEC, NONE, REPLACED | GONE, ENFORCE, DENY, DELETED, NONE, EXECUTABLE),
	ROW("image file that is no code of it", CONTAINER, EXEC, NONE, ROOT | OVL | LOWER, ENFORCE, DENY, MODIFIED, NONE,
	    EXECUTABLE),

	/* Overlay root: the layer below was changed from outside. */
	ROW("lower file changed", CONTAINER, EXEC, NONE, IMAGE | CHANGED, ENFORCE, DENY, HOST_MODIFIED, CHANGED, EXECUTABLE),
	ROW("lower library changed", CONTAINER, MMAP, NONE, IMAGE | CHANGED, ENFORCE, DENY, HOST_MODIFIED, CHANGED, LIBRARY),
	ROW("lower file changed, audit", CONTAINER, EXEC, NONE, IMAGE | CHANGED, AUDIT, AUDIT, HOST_MODIFIED, CHANGED, EXECUTABLE),
	ROW("lower file has a writer", CONTAINER, EXEC, NONE, IMAGE | WRITER, ENFORCE, DENY, HOST_MODIFIED, WRITER, EXECUTABLE),
	ROW("lower library has a writer", CONTAINER, MMAP_BACKING, NONE, IMAGE | WRITER, ENFORCE, DENY, HOST_MODIFIED, WRITER,
	    LIBRARY),
	ROW("lower file changed and written", CONTAINER, EXEC, NONE, IMAGE | CHANGED | WRITER, ENFORCE, DENY, HOST_MODIFIED,
	    CHANGED, EXECUTABLE),
	ROW("lower file changed, pages written", CONTAINER, MPROTECT, NONE, IMAGE | CHANGED | WRITTEN, ENFORCE, DENY,
	    HOST_MODIFIED, CHANGED, LIBRARY),
	ROW("lower file changed, no baseline", CONTAINER, EXEC, NONE, IMAGE | CHANGED | NO_BASE, ENFORCE, DENY, HOST_MODIFIED,
	    CHANGED, EXECUTABLE),

	/* Metadata. */
	ROW("image program gained setuid", CONTAINER, EXEC, NONE, IMAGE | SETID, ENFORCE, DENY, METADATA, NONE, EXECUTABLE),
	ROW("image program gained setuid, audit", CONTAINER, EXEC, NONE, IMAGE | SETID, AUDIT, AUDIT, METADATA, NONE, EXECUTABLE),
	ROW("image program gained setuid, default", CONTAINER, EXEC, NONE, IMAGE | SETID, DEFAULT, ALLOW, METADATA, NONE,
	    EXECUTABLE),
	ROW("image library gained setuid", CONTAINER, MMAP, NONE, IMAGE | SETID, ENFORCE, DENY, METADATA, NONE, LIBRARY),
	ROW("gained setuid and changed", CONTAINER, EXEC, NONE, IMAGE | SETID | CHANGED, DEFAULT, DENY, HOST_MODIFIED, CHANGED,
	    EXECUTABLE),
	ROW("gained setuid and pages written", CONTAINER, MPROTECT, NONE, IMAGE | SETID | WRITTEN, DEFAULT, DENY, MODIFIED_CODE,
	    NONE, LIBRARY),

	/* A folder as root: the writable layer is the same file system. */
	ROW("plain root: image program", CONTAINER, EXEC, NONE, PLAIN_IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, EXECUTABLE),
	ROW("plain root: image library", CONTAINER, MMAP, NONE, PLAIN_IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, LIBRARY),
	ROW("plain root of the host's disk", CONTAINER, EXEC, NONE, PLAIN_IMAGE | HOST_WORLD, ENFORCE, ALLOW, ORIGINAL, NONE,
	    EXECUTABLE),
	ROW("plain root: dropped program", CONTAINER, EXEC, NONE, PLAIN_DROPPED, ENFORCE, DENY, ADDED, NONE, EXECUTABLE),
	ROW("plain root: dropped library", CONTAINER, MMAP, NONE, PLAIN_DROPPED, ENFORCE, DENY, ADDED, NONE, LIBRARY),
	ROW("plain root: program of the host's disk", CONTAINER, EXEC, NONE, PLAIN_DROPPED | HOST_WORLD, ENFORCE, DENY, ADDED, NONE,
	    EXECUTABLE),
	ROW("plain root: rewritten program", CONTAINER, EXEC, NONE, PLAIN_IMAGE | CHANGED, ENFORCE, DENY, MODIFIED, CHANGED,
	    EXECUTABLE),
	ROW("plain root: program being written", CONTAINER, EXEC, NONE, PLAIN_IMAGE | WRITER, ENFORCE, DENY, MODIFIED, WRITER,
	    EXECUTABLE),
	ROW("plain root: library mapped elsewhere", CONTAINER, MMAP, NONE, PLAIN_IMAGE | WRITER, ENFORCE, DENY, MODIFIED, WRITER,
	    LIBRARY),
	ROW("plain root: program gained setuid", CONTAINER, EXEC, NONE, PLAIN_IMAGE | SETID, ENFORCE, DENY, METADATA, NONE,
	    EXECUTABLE),
	ROW("plain root on tmpfs: image program", CONTAINER, EXEC, NONE, PLAIN_IMAGE | TMPFS, ENFORCE, ALLOW, ORIGINAL, NONE,
	    EXECUTABLE),
	ROW("plain root on tmpfs: dropped program", CONTAINER, EXEC, NONE, PLAIN_DROPPED | TMPFS, ENFORCE, DENY, ADDED, NONE,
	    EXECUTABLE),
	ROW("plain root: unlinked program", CONTAINER, EXEC, NONE, PLAIN_DROPPED | GONE, ENFORCE, DENY, DELETED, NONE, EXECUTABLE),

	/* No baseline: what is not in the catalogue cannot be judged. */
	ROW("no baseline: any file", CONTAINER, EXEC, NONE, DROPPED | NO_BASE, ENFORCE, DENY, UNDECIDABLE, NOT_READY, EXECUTABLE),
	ROW("no baseline: lower file", CONTAINER, EXEC, NONE, ROOT | OVL | LOWER | NO_BASE, AUDIT, AUDIT, UNDECIDABLE, NOT_READY,
	    EXECUTABLE),
	ROW("no baseline: unlinked file", CONTAINER, MMAP, NONE, DROPPED | GONE | NO_BASE, AUDIT, AUDIT, UNDECIDABLE, NOT_READY,
	    LIBRARY),
	ROW("no baseline: off", CONTAINER, EXEC, NONE, DROPPED | NO_BASE, OFF, ALLOW, UNDECIDABLE, NOT_READY, EXECUTABLE),
};

const struct vector_rows vector_rows_root = { rows, N };
