/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file compared with the image's: the order of the steps, and what follows from each answer.
 *
 * Owns: that order, and the rule how old a change must be. Must not know: threads, queues, where answers come from (struct
 * settle_ops).
 *
 *   I1  The answer is about bytes that nobody can write: the kernel half says so before the first is read and after the last, and
 *       forgets the question at any open for writing in between.
 *   I2  What changes bytes without such an open (the host, below the overlay) leaves a change time. That has the grain of the
 *       kernel's tick, so a file whose change is not SETTLE_STILL_NS old is not compared yet: a later change would show.
 */
#ifndef ENFORCER_SETTLE_WORK_H
#define ENFORCER_SETTLE_WORK_H

#include "bpf-lsm/abi.h"
#include "enforcer/settle_queue.h"

#define SETTLE_STILL_NS (20 * NSEC_PER_SEC / 1000) /* two ticks of the slowest clock that Linux is built with (100 Hz) */

struct imagedb_digest;

struct settle_ops {
	/* The file, open for reading: a descriptor of the caller's. -errno: it has gone. */
	int (*open)(const struct settle_file *file, void *data);
	/* A question to the kernel half. 0 or -errno. */
	int (*ask)(int fd, const struct hf_settling *question, struct hf_settling *ret, void *data);
	/* Digest of the file in that state. plain: one with capabilities is refused (-EPERM). -ESTALE, -EAGAIN: it changes. */
	int (*hash)(int fd, const struct hf_settling *state, bool plain, struct imagedb_digest *ret, void *data);
	/* Digest of the image's file that state names. -EAGAIN: not yet. */
	int (*image)(const struct settle_file *file, const struct hf_settling *state, struct imagedb_digest *ret, void *data);
	/* HF_ENTRY_* bits of an executable of the image with that digest. -ENOENT: it has none; -EAGAIN: not all are known yet. */
	int (*find)(const struct settle_file *file, const struct imagedb_digest *digest, uint32_t *ret_entry, void *data);
	uint64_t (*now)(void *data); /* CLOCK_REALTIME_COARSE: what change times are taken from */
	void *data;
};

enum settle_result settle_compare(const struct settle_ops *ops, const struct settle_file *file);

#endif
