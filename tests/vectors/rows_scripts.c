// SPDX-License-Identifier: Apache-2.0
/* Rows: files that an interpreter of the image reads. Beside each script of the attacker's stands what must stay silent. */
#include "tests/vectors/rows.h"

#define N (sizeof(rows) / sizeof(rows[0]))

static const struct vector rows[] = {
	ROW("script of the image", CONTAINER, READ, NONE, ROOT | OVL | LOWER, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
	ROW("#! script of the image", CONTAINER, READ, NONE, IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
	ROW("#! script of the image with setuid", CONTAINER, READ, NONE, IMAGE | SETID, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
	ROW("plain root: #! script", CONTAINER, READ, NONE, PLAIN_IMAGE, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
	ROW("plain root: #! script, changed", CONTAINER, READ, NONE, PLAIN_IMAGE | CHANGED, ENFORCE, DENY, SCRIPT, CHANGED, SCRIPT),
	ROW("dropped script", CONTAINER, READ, NONE, DROPPED, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("dropped script by default", CONTAINER, READ, NONE, DROPPED, DEFAULT, AUDIT, SCRIPT, NONE, SCRIPT),
	ROW("dropped script, off", CONTAINER, READ, NONE, DROPPED, OFF, ALLOW, SCRIPT, NONE, SCRIPT),
	ROW("dropped script, kill", CONTAINER, READ, NONE, DROPPED, KILL, KILL, SCRIPT, NONE, SCRIPT),
	ROW("dropped script, then unlinked", CONTAINER, READ, NONE, DROPPED | GONE, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("dropped script, no baseline", CONTAINER, READ, NONE, DROPPED | NO_BASE, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("replaced script", CONTAINER, READ, NONE, REPLACED, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("script after chown", CONTAINER, READ, NONE, REPLACED | COPIED, DEFAULT, ALLOW, METADATA, COPIED_UP, SCRIPT),
	ROW("script after chown, strict policy", CONTAINER, READ, NONE, REPLACED | COPIED, ENFORCE, DENY, METADATA, COPIED_UP, SCRIPT),
	ROW("script after chown, still open", CONTAINER, READ, NONE, REPLACED | COPIED | WRITER, DEFAULT, ALLOW, METADATA, COPIED_UP,
	    SCRIPT),
	ROW("script on tmpfs", CONTAINER, READ, NONE, TMPFS, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("script in a memory file", CONTAINER, READ, NONE, MEMFD | TMPFS, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("script on a foreign mount", CONTAINER, READ, NONE, OVL | LOWER, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("script on a read-only volume", CONTAINER, READ, READ_ONLY, 0, DEFAULT, ALLOW, VOLUME, NONE, SCRIPT),
	ROW("script on a writable volume", CONTAINER, READ, WRITABLE, 0, DEFAULT, AUDIT, VOLUME, NONE, SCRIPT),
	ROW("script on a writable volume, all denied", CONTAINER, READ, WRITABLE, 0, ENFORCE, DENY, VOLUME, NONE, SCRIPT),
	ROW("script on an allowed volume", CONTAINER, READ, ALLOWED, 0, ENFORCE, ALLOW, VOLUME, NONE, SCRIPT),
	ROW("bytecode by default", CONTAINER, READ, NONE, DROPPED | BYTECODE, DEFAULT, ALLOW, SCRIPT, NONE, SCRIPT),
	ROW("bytecode, all denied", CONTAINER, READ, NONE, DROPPED | BYTECODE, ENFORCE, DENY, SCRIPT, NONE, SCRIPT),
	ROW("bytecode on a writable volume by default", CONTAINER, READ, WRITABLE, BYTECODE, DEFAULT, ALLOW, VOLUME, NONE, SCRIPT),
	ROW("bytecode of the image", CONTAINER, READ, NONE, ROOT | OVL | LOWER | BYTECODE, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
	DETAIL("script without a real file", CONTAINER, READ, NONE, NO_REAL_FILE, DROPPED, ENFORCE, DENY, UNDECIDABLE, NO_REAL_FILE,
	       SCRIPT),
	ROW("script, policy torn", CONTAINER, READ, NONE, DROPPED, TORN, DENY, SCRIPT, NONE, SCRIPT),
	ROW("script, no policy", CONTAINER, READ, NONE, DROPPED, INVALID, DENY, UNDECIDABLE, NO_POLICY, SCRIPT),
	PAUSED("script, break-glass", CONTAINER, READ, NONE, DROPPED, ENFORCE, AUDIT, SCRIPT, NONE, SCRIPT, 1),
	ROW("script of an unknown container", UNKNOWN, READ, NONE, DROPPED, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
	ROW("script of the host", HOST, READ, NONE, DROPPED, ENFORCE, ALLOW, ORIGINAL, NONE, SCRIPT),
};

const struct vector_rows vector_rows_scripts = { rows, N };
