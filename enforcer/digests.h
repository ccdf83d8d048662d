/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a file that an event is about: remembered, or computed now in a child without privileges.
 *
 * Owns: the questions that wait and the digests computed for events. Must not know: events, policies, the kernel half. Main thread only,
 * and nothing here blocks: no file of a container is touched on the main thread.
 */
#ifndef ENFORCER_DIGESTS_H
#define ENFORCER_DIGESTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "imagedb/imagedb.h"

#define DIGESTS_WAITING_MAX 64 /* files asked for at once: a storm of drift gets no answers beyond it, not a growing queue */
#define DIGESTS_DEADLINE_NS 5000000000ull /* from the question to its answer; a starved machine takes seconds to make a child */

struct digests;
struct images;
struct loop;
struct workers;

/**
 * struct digest_request - which file, in which state
 * @pid:	the process that tried; it may be gone
 * @container:	struct hf_container.id
 * @init:	first process of the container, whose root is taken when @pid is gone; 0: unknown
 * @path:	as in the event, from the container's root ("/tmp/x"), borrowed during the call; may hold any bytes but NUL
 * @path_len:	bytes of @path
 * @ino:	of the real data inode, as the kernel half calls it
 * @dev:	its superblock
 * @generation:	of the inode
 * @size:	in bytes
 * @ctime_ns:	last change of the inode
 *
 * What stands at the path by the time it is opened must still have @size and @ctime_ns; if not, there is no digest.
 */
struct digest_request {
	pid_t pid;
	uint64_t container;
	pid_t init;
	const char *path;
	size_t path_len;
	uint64_t ino;
	uint32_t dev;
	uint32_t generation;
	uint64_t size;
	uint64_t ctime_ns;
};

/**
 * digests_done_fn - the answer to a question that had to wait
 * @err:	0, or: the file has gone or changed (-ENOENT, -ESTALE), is too long (-EFBIG), the deadline passed (-ETIMEDOUT), the child
 *		died (-EPIPE), the question was cancelled (-ECANCELED), another -errno of opening or reading
 * @digest:	borrowed during the call; NULL when @err is not 0
 * @data:	the pointer given to digests_of_file()
 */
typedef void (*digests_done_fn)(int err, const struct imagedb_digest *digest, void *data);

/**
 * digests_new - make an empty cache
 * @images:	(borrowed) image database that is asked first, outlives the digests; NULL: there is none
 * @workers:	(borrowed) who reads the files, outlives the digests; NULL: nothing is computed, only what is remembered is answered
 * @loop:	(borrowed) for the answers
 * @ret:	(output)
 *
 * Return: 0 or -ENOMEM or another -errno.
 */
int digests_new(struct images *images, struct workers *workers, struct loop *loop, struct digests **ret);
/* Cancels all questions that wait (done is called with -ECANCELED). NULL-safe. */
void digests_free(struct digests **digests);

/**
 * digests_of_file - ask for a file's digest
 * @digests:	NULL: nobody computes digests (-EOPNOTSUPP)
 * @request:	borrowed during the call
 * @done:	called exactly once on the main thread, never from within this call, when -EINPROGRESS was returned; else never
 * @data:	handed to @done
 * @ret:	(output) filled when 0 is returned
 *
 * Never blocks. Return: 0: it was known; -EINPROGRESS: @done will be called within about DIGESTS_DEADLINE_NS; no path to open
 * (-ENOENT), too many questions wait (-EBUSY), too long (-EFBIG), -ENOMEM, -EOPNOTSUPP.
 */
int digests_of_file(struct digests *digests, const struct digest_request *request, digests_done_fn done, void *data,
		    struct imagedb_digest *ret);

/* Ends all questions that wait with -ECANCELED: for the stop of the daemon, while their owners still exist. NULL-safe. */
void digests_cancel(struct digests *digests);

/* Words for an error of the above: "the file has changed or gone". Static storage. */
const char *digests_error(int err);

#endif
