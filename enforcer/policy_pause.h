/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Break-glass: who is paused until when. Used by the policy store only.
 *
 * Owns: the list, its file in the run folder, the end of each pause. Must not know: containers or the kernel half: it is told
 * how to apply a pause. Main thread only.
 */
#ifndef ENFORCER_POLICY_PAUSE_H
#define ENFORCER_POLICY_PAUSE_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct policy_pauses;

/* Longest name of a namespace: what a DNS name may have; Kubernetes allows 63. */
#define POLICY_PAUSE_NAMESPACE_BYTES 253

/* Puts a pause in force. namespace_ "": all containers. until_boot_ns: CLOCK_BOOTTIME; 0: not paused any more. */
typedef void (*policy_pause_fn)(const char *namespace_, uint64_t until_boot_ns, void *data);

struct policy_pause_options {
	struct loop *loop;	 /* outlives the pauses; NULL: ends are noticed by questions only */
	const char *run_dir;	 /* folder of the file; NULL: nothing is kept */
	uint64_t all_until_ns;	 /* what the kernel half holds already for all containers (CLOCK_BOOTTIME) */
	policy_pause_fn apply;
	/* The file could not be written: policy_pauses_mend() tries again. NULL: it is logged instead. */
	void (*unsaved)(int err, void *data);
	void *data; /* handed to both */
};

/**
 * policy_pauses_new - take up the pauses that an earlier daemon granted
 * @options: (borrowed) run_dir is copied
 * @ret: (output) to be given to policy_pauses_free(); untouched on failure
 *
 * Applies them. A file of another boot or that cannot be read is forgotten, which is logged.
 * Return: 0; -ENOMEM.
 */
int policy_pauses_new(const struct policy_pause_options *options, struct policy_pauses **ret);
/* The pauses stay in force, and in the file. NULL-safe, sets *pauses to NULL. */
void policy_pauses_free(struct policy_pauses **pauses);

/* Writes the file if it could not be before. 0 when nothing is left to do, or -errno. */
int policy_pauses_mend(struct policy_pauses *pauses);

/* As policy_store_pause(), policy_store_pause_at() and policy_store_pause_until(). */
int policy_pauses_set(struct policy_pauses *pauses, const char *namespace_, uint64_t seconds);
int policy_pauses_at(const struct policy_pauses *pauses, size_t i, const char **ret_namespace, uint64_t *ret_until_ns);
uint64_t policy_pauses_until(const struct policy_pauses *pauses, const char *namespace_);

#endif
