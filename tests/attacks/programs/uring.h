/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to io_uring, one at a time, each done by one of the kernel's worker threads. Owns the ring; must not know what is asked for.
 */
#ifndef TESTS_ATTACKS_PROGRAMS_URING_H
#define TESTS_ATTACKS_PROGRAMS_URING_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

struct ring {
	int fd;
	struct io_uring_params p;
	char *queues;
	struct io_uring_sqe *entries;
};

/* 0, or a negative errno where there is none. */
static inline int start_ring(struct ring *ring)
{
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &ring->p);
	if (ring->fd < 0)
		return -errno;
	ring->queues = mmap(NULL, ring->p.cq_off.cqes + ring->p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ring->p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	return ring->queues == MAP_FAILED || ring->entries == MAP_FAILED ? -errno : 0;
}

static inline uint32_t *word(struct ring *ring, uint32_t offset)
{
	return (uint32_t *)(void *)(ring->queues + offset);
}

/* One request, waited for; returns its result, or -1 and sets errno. */
static inline int submit(struct ring *ring, struct io_uring_sqe entry)
{
	uint32_t tail = *word(ring, ring->p.sq_off.tail), slot = tail & *word(ring, ring->p.sq_off.ring_mask), head;
	struct io_uring_cqe *results = (void *)(ring->queues + ring->p.cq_off.cqes);
	int result;

	entry.flags = IOSQE_ASYNC;
	ring->entries[slot] = entry;
	word(ring, ring->p.sq_off.array)[slot] = slot;
	__atomic_store_n(word(ring, ring->p.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	attack_must("io_uring_enter", syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	head = *word(ring, ring->p.cq_off.head);
	result = results[head & *word(ring, ring->p.cq_off.ring_mask)].res;
	__atomic_store_n(word(ring, ring->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
	errno = result < 0 ? -result : 0;
	return result < 0 ? -1 : result;
}

#endif
