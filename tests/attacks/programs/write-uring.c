// SPDX-License-Identifier: Apache-2.0
/*
 * usage: write-uring FROM TO: TO becomes a program with FROM's bytes and some more; opened, written and closed by io_uring alone,
 * in the kernel's worker threads.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attacks/programs/attack.h"

#define MOST_BYTES 65536 /* the largest victim */

struct ring {
	int fd;
	struct io_uring_params p;
	char *queues;
	struct io_uring_sqe *entries;
};

static int start_ring(struct ring *ring)
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

static uint32_t *word(struct ring *ring, uint32_t offset)
{
	return (uint32_t *)(void *)(ring->queues + offset);
}

/* One request, waited for; returns its result. */
static int submit(struct ring *ring, struct io_uring_sqe entry)
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

int main(int argc, char **argv)
{
	static char bytes[MOST_BYTES];
	struct ring ring = { .fd = -1 };
	int fd, n;

	if (argc != 3)
		return 2;
	if (start_ring(&ring) < 0)
		return attack_skip("the kernel has no io_uring");
	fd = (int)attack_must("open", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = (uintptr_t)argv[1], .open_flags = O_RDONLY }));
	n = (int)attack_must("read", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd,
		.addr = (uintptr_t)bytes, .len = sizeof(bytes) - 1 }));
	fd = (int)attack_must("open", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = (uintptr_t)argv[2], .open_flags = O_RDWR | O_CREAT, .len = 0755 }));
	attack_must("write", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t)bytes,
		.len = (uint32_t)n + 1 }));
	attack_must("close", submit(&ring, (struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd }));
	return 0;
}
