/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short words for the rows' columns, for the rows*.c files only.
 *
 *   ROW(name, subject, op, volume, bits, policy,  verdict, reason, detail, class)
 *   PAUSED(...) the same with break-glass on; its answer has one more column, paused
 *   COMPARED(name, subject, op, compared, bits, …) the same as ROW, on no volume
 *   DETAIL(...) the same as ROW with the finding "could not be found out" as one more fact before bits
 *   ACCESS(name, subject, op, found, detail, bits, policy, pause,  verdict, reason, detail, paused): no code, but a reason found
 */
#ifndef TESTS_VECTORS_ROWS_H
#define TESTS_VECTORS_ROWS_H

#include "tests/vectors/vectors.h"

enum {
	NO_FILE = HF_FACT_NO_FILE,
	MEMFD = HF_FACT_MEMFD,
	TMPFS = HF_FACT_TMPFS,
	ROOT = HF_FACT_ROOT_WORLD,
	HOST_WORLD = HF_FACT_HOST_WORLD,
	OVL = HF_FACT_OVERLAY,
	LOWER = HF_FACT_HAS_LOWER,
	UPPER = HF_FACT_UPPER_DATA,
	GONE = HF_FACT_DELETED,
	HIT = HF_FACT_HIT,
	CHANGED = HF_FACT_CHANGED,
	WRITER = HF_FACT_WRITER,
	SETID = HF_FACT_GAINED_SETID,
	WRITTEN = HF_FACT_CODE_WRITTEN,
	WRITABLE = HF_FACT_CODE_WRITABLE,
	NO_BASE = HF_FACT_NO_BASELINE,
	UNSUPPORTED = HF_FACT_UNSUPPORTED_ROOT,
	IMPLIES = HF_FACT_READ_IMPLIES_EXEC,
	COPIED = HF_FACT_COPIED_UP,
	OUTSIDE = HF_FACT_OUTSIDE,
	TOO_LATE = HF_FACT_TOO_LATE,
	HEAP = HF_FACT_HEAP,
	STACK = HF_FACT_STACK,
	ROOT_OVL = HF_FACT_ROOT_OVERLAY,
	HANDLER = HF_FACT_HOST_HANDLER,
	THEIRS = HF_FACT_CONTAINER_FILE, /* a container's, seen from the host */
	HELPER = HF_FACT_CONTAINER_FILE | HF_FACT_KERNEL_HELPER,
	BYTECODE = HF_FACT_BYTECODE,
	/* What the kernel half finds for files of the usual kinds, on an overlay root and on a folder as root. */
	IMAGE = ROOT | OVL | LOWER | HIT,
	DROPPED = ROOT | OVL | UPPER,
	REPLACED = ROOT | OVL | LOWER | UPPER,
	PLAIN_IMAGE = ROOT | HIT,
	PLAIN_DROPPED = ROOT,
};

enum {
	VOLUME_NONE = _HF_VOLUME_MAX,
	VOLUME_READ_ONLY = HF_VOLUME_READ_ONLY,
	VOLUME_WRITABLE = HF_VOLUME_WRITABLE,
	VOLUME_INIT = HF_VOLUME_INIT,
	VOLUME_ALLOWED = HF_VOLUME_ALLOWED,
	VOLUME_WILD = 0xff,
};

#define ROW_FULL(row, subject_, op_, volume_, detail_, bits_, enforced, policy_, pause, v, r, d, c, p)                  \
	{                                                                                                               \
		.name = (row),                                                                                          \
		.facts = { .bits = (bits_), .op = HF_OP_##op_, .subject = HF_SUBJECT_##subject_,                        \
			   .volume = VOLUME_##volume_, .detail = HF_DETAIL_##detail_, .stale_enforced = (enforced) },   \
		.policy = VECTOR_POLICY_##policy_, .paused = (pause),                                                   \
		.want = { .verdict = HF_VERDICT_##v, .reason = HF_REASON_##r, .detail = HF_DETAIL_##d,                  \
			  .class_ = HF_CLASS_##c, .paused = (p) },                                                      \
	}
#define ROW(row, subject_, op_, volume_, bits_, policy_, v, r, d, c) \
	ROW_FULL(row, subject_, op_, volume_, NONE, bits_, 0, policy_, 0, v, r, d, c, 0)
#define COMPARED(row, subject_, op_, compared_, bits_, policy_, v, r, d, c)                                             \
	{                                                                                                               \
		.name = (row),                                                                                          \
		.facts = { .bits = (bits_), .op = HF_OP_##op_, .subject = HF_SUBJECT_##subject_,                        \
			   .volume = _HF_VOLUME_MAX, .compared = HF_COMPARED_##compared_ },                             \
		.policy = VECTOR_POLICY_##policy_,                                                                      \
		.want = { .verdict = HF_VERDICT_##v, .reason = HF_REASON_##r, .detail = HF_DETAIL_##d,                  \
			  .class_ = HF_CLASS_##c },                                                                     \
	}
#define PAUSED(row, subject_, op_, volume_, bits_, policy_, v, r, d, c, p) \
	ROW_FULL(row, subject_, op_, volume_, NONE, bits_, 0, policy_, 1, v, r, d, c, p)
#define DETAIL(row, subject_, op_, volume_, detail_, bits_, policy_, v, r, d, c) \
	ROW_FULL(row, subject_, op_, volume_, detail_, bits_, 0, policy_, 0, v, r, d, c, 0)

#define ACCESS(row, subject_, op_, found, detail_, bits_, policy_, pause, v, r, d, p)                                   \
	{                                                                                                               \
		.name = (row),                                                                                          \
		.facts = { .bits = (bits_), .op = HF_OP_##op_, .subject = HF_SUBJECT_##subject_,                        \
			   .volume = VOLUME_NONE, .detail = HF_DETAIL_##detail_, .access = HF_REASON_##found },         \
		.policy = VECTOR_POLICY_##policy_, .paused = (pause),                                                   \
		.want = { .verdict = HF_VERDICT_##v, .reason = HF_REASON_##r, .detail = HF_DETAIL_##d,                  \
			  .class_ = HF_CLASS_EXECUTABLE, .paused = (p) },                                               \
	}

struct vector_rows {
	const struct vector *rows;
	size_t n;
};

extern const struct vector_rows vector_rows_root, vector_rows_elsewhere, vector_rows_memory, vector_rows_subject,
	vector_rows_policy, vector_rows_access, vector_rows_host, vector_rows_scripts, vector_rows_compared;

#endif
