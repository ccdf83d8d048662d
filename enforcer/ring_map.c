// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of a BPF ring buffer, read. Contracts: ring_map.h.
 *
 * Layout as the kernel documents it (Documentation/bpf/ringbuf.rst): a page with the consumer's position, a page with the
 * producers', then the data. The kernel offers the data twice in a row, so that a record that wraps around reads in one piece;
 * each mapped page counts as ours, so it is mapped once, and the one record that may wrap is copied. A record is a header of two
 * 32-bit words (length with two flag bits; page offset, the kernel's own) and its bytes, rounded up to eight.
 *
 * I1: the producers' position and a header's length are read with acquire before what they cover; the consumer's position
 *     is written with release after the last look at what it gives back.
 * I2: between writing the position and looking for more there is a full barrier: the kernel wakes us for a record only
 *     when it sees that we have taken all before it, and one of the two must see the other.
 * I3: of all records that were not taken one at most wraps, since together they are no longer than the ring: its copy stays
 *     until it has been taken.
 */
#include "enforcer/ring_map.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enforcer/util.h"

#define HEADER_BYTES BPF_RINGBUF_HDR_SZ
#define ALIGNMENT 8u
#define NOT_COPIED UINT64_MAX /* no position is odd */

struct ring_map {
	uint64_t *consumer;
	const uint64_t *producer; /* head of the read-only mapping */
	const unsigned char *data;
	size_t page, bytes;
	unsigned char *copy; /* I3: of the record that wraps, at that position */
	uint64_t copied_at;
};

void ring_map_close(struct ring_map **map)
{
	struct ring_map *gone = *map;

	if (!gone)
		return;
	if (gone->consumer)
		munmap(gone->consumer, gone->page);
	if (gone->producer)
		munmap((void *)gone->producer, gone->page + gone->bytes);
	free(gone->copy);
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
	map->copy = malloc(RING_MAP_WRAPPED_BYTES);
	if (!map->copy)
		return -ENOMEM;
	map->copied_at = NOT_COPIED;
	addr = mmap(NULL, map->page + bytes, PROT_READ, MAP_SHARED, fd, (off_t)map->page);
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

/* What the header at a position says; data is where its bytes begin. */
static enum ring_state look(const struct ring_map *map, uint64_t at, struct ring_record *ret)
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
	*ret = (struct ring_record){ .data = map->data + ((at + HEADER_BYTES) & (map->bytes - 1)), .bytes = bytes,
				     .next = at + whole };
	if (word & BPF_RINGBUF_BUSY_BIT)
		return RING_BUSY;
	return word & BPF_RINGBUF_DISCARD_BIT ? RING_DISCARDED : RING_RECORD;
}

/* Puts the two parts of a record that wraps together (I3). */
static int unwrap(struct ring_map *map, uint64_t at, struct ring_record *record)
{
	size_t first = map->bytes - ((at + HEADER_BYTES) & (map->bytes - 1));

	if (record->bytes <= first)
		return 0;
	if (record->bytes > RING_MAP_WRAPPED_BYTES)
		return -EMSGSIZE;
	if (map->copied_at != at) {
		memcpy(map->copy, record->data, first);
		memcpy(map->copy + first, map->data, record->bytes - first);
		map->copied_at = at;
	}
	record->data = map->copy;
	return 0;
}

enum ring_state ring_map_peek(struct ring_map *map, uint64_t at, struct ring_record *ret)
{
	struct ring_record record;
	enum ring_state state = look(map, at, &record);

	if (state == RING_RECORD && unwrap(map, at, &record))
		return RING_BROKEN;
	if (state != RING_EMPTY && state != RING_BROKEN)
		*ret = record;
	return state;
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
		switch (look(map, at, &record)) {
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
