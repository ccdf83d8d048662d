/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that run already when the daemon starts: finding them, having them armed, and reporting what runs in them drifted.
 *
 * Owns: the thread that looks at tasks and runtimes' folders (either may take long), the order of the steps, records whose state
 * was lost. Must not know: how a container is armed (arm.h), how files are judged.
 */
#ifndef ENFORCER_ADOPT_H
#define ENFORCER_ADOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct adopter;
struct container;
struct daemon;
struct oci_container;

/**
 * adopter_new - start the thread
 * @daemon: (borrowed) with its kernel half, loop and enroller; before the system call filter
 * @ret: (output)
 *
 * Nothing is looked at before adopter_begin(). Return: 0; -ENOMEM; -errno.
 */
int adopter_new(struct daemon *daemon, struct adopter **ret);
/* Waits for the thread, which may be reading a folder. NULL-safe, sets *adopter to NULL. */
void adopter_free(struct adopter **adopter);

/* A container that a state file names and the kernel half does not have as the file says. oci is taken. keep_id: the file's, which is
 * kept where its slot is free, or holds it; start: of its first process, as restore_start_of_pid(). */
void adopter_add(struct adopter *adopter, struct oci_container *oci, uint64_t start, uint64_t started_ns, uint64_t keep_id,
		 uint32_t keep_slot);

/* A record of an earlier daemon that no state file claims. It goes on judging until its container is adopted, or is found to have
 * ended, or cannot be recognised; held: its layer set is the adopter's to release then. */
void adopter_add_orphan(struct adopter *adopter, uint32_t slot, bool held);

/* After READY: looks at everything that runs. Returns at once. */
void adopter_begin(struct adopter *adopter);

/* The i-th container that was found and waits for its turn, in *ret (borrowed strings, valid until the loop goes on). False past the
 * end. */
bool adopter_waiting_at(const struct adopter *adopter, size_t i, struct container *ret);

#endif
