// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of a BPF ring buffer, read. Contracts: ring_map.h.
 *
 * Layout as the kernel documents it (Documentation/bpf/ringbuf.rst): a page with the consumer's position, a page with the
 * producers', then the data twice in a row, so that a record that wraps around reads in one piece. A record is a header of
 * two 32-bit words (length with two flag bits; page offset, the kernel's own) and its bytes, rounded up to eight.
 *
 * I1: the producers' position and a header's length are read with acquire before what they cover; the consumer's position
 *     is written with release after the last look at what it gives back.
 * I2: between writing the position and looking for more there is a full barrier: the kernel wakes us for a record only
 *     when it sees that we have taken all before it, and one of the two must see the other.
 */
#include "enforcer/ring_map.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enforcer/util.h"

#define HEADER_BYTES BPF_RINGBUF_HDR_SZ
#define ALIGNMENT 8u

struct ring_map {
	uint64_t *consumer;
	const uint64_t *producer; /* head of the read-only mapping */
	const unsigned char *data;
	size_t page, bytes;
};

void ring_map_close(struct ring_map **map)
{
	struct ring_map *gone = *map;

	if (!gone)
		return;
	if (gone->consumer)
		munmap(gone->consumer, gone->page);
	if (gone->producer)
		munmap((void *)gone->producer, gone->page + 2 * gone->bytes);
	free(gone);
	*map = NULL;
}

int ring_map_open(int fd, size_t bytes, struct ring_map **ret)
{
	_cleanup_(ring_map_close) struct ring_map *map = calloc(1, sizeof(*map));
	void *addr;

	if (!map)
		return -ENOMEM;
	map->page = (size_t)sysconf(_SC_PAGESIZE);
	map->bytes = bytes;
	if (bytes < map->page || bytes > UINT32_MAX || (bytes & (bytes - 1)))
		return -EINVAL;
	addr = mmap(NULL, map->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (addr == MAP_FAILED)
		return -errno;
	map->consumer = addr;
	addr = mmap(NULL, map->page + 2 * bytes, PROT_READ, MAP_SHARED, fd, (off_t)map->page);
	if (addr == MAP_FAILED)
		return -errno;
	map->producer = addr;
	map->data = (const unsigned char *)addr + map->page;
	*ret = TAKE_PTR(map);
	return 0;
}

uint64_t ring_map_position(const struct ring_map *map)
{
	return __atomic_load_n(map->consumer, __ATOMIC_ACQUIRE);
}

static uint64_t produced(const struct ring_map *map)
{
	return __atomic_load_n(map->producer, __ATOMIC_ACQUIRE);
}

enum ring_state ring_map_peek(const struct ring_map *map, uint64_t at, struct ring_record *ret)
{
	uint64_t ahead = produced(map) - at;
	const unsigned char *header = map->data + (at & (map->bytes - 1));
	uint64_t bytes, whole;
	uint32_t word;

	if (ahead == 0)
		return RING_EMPTY;
	/* More than the ring holds: also a position that the producers never reached. */
	if (ahead > map->bytes || ahead < HEADER_BYTES || at % ALIGNMENT)
		return RING_BROKEN;
	word = __atomic_load_n((const uint32_t *)(const void *)header, __ATOMIC_ACQUIRE);
	bytes = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	whole = (HEADER_BYTES + bytes + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	if (whole > ahead)
		return RING_BROKEN;
	*ret = (struct ring_record){ .data = header + HEADER_BYTES, .bytes = bytes, .next = at + whole };
	if (word & BPF_RINGBUF_BUSY_BIT)
		return RING_BUSY;
	return word & BPF_RINGBUF_DISCARD_BIT ? RING_DISCARDED : RING_RECORD;
}

void ring_map_take(struct ring_map *map, uint64_t to)
{
	__atomic_store_n(map->consumer, to, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint64_t ring_map_skip_all(struct ring_map *map)
{
	uint64_t from = ring_map_position(map), to = produced(map);

	ring_map_take(map, to);
	return to - from;
}

uint64_t ring_map_count(const struct ring_map *map)
{
	struct ring_record record;
	uint64_t at = ring_map_position(map), n = 0;

	for (;; at = record.next) {
		switch (ring_map_peek(map, at, &record)) {
		case RING_RECORD:
			n++;
			break;
		case RING_DISCARDED:
		case RING_BUSY: /* those behind it may be whole */
			break;
		default:
			return n;
		}
	}
}
