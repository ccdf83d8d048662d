/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of BPF_MAP_TYPE_RINGBUF that looks at records without taking them.
 *
 * Owns: the mapped pages, the consumer's position, the checks of what stands in them. Must not know: what a record says.
 * The position lives in the map: a record that was not taken is there for the next reader, whatever happened to this one.
 */
#ifndef ENFORCER_RING_MAP_H
#define ENFORCER_RING_MAP_H

#include <stddef.h>
#include <stdint.h>

struct ring_map;

/* The longest record that may wrap around the ring's end: several times the longest event. */
#define RING_MAP_WRAPPED_BYTES 65536

enum ring_state {
	RING_EMPTY,	/* the producers have not got beyond this position */
	RING_BUSY,	/* reserved, still being written: ask again */
	RING_RECORD,	/* whole */
	RING_DISCARDED, /* nothing in it: step over it */
	RING_BROKEN,	/* no header can look like that: only ring_map_skip_all() helps */
};

struct ring_record {
	const void *data; /* borrowed until the record is taken; 8-byte aligned */
	size_t bytes;
	uint64_t next; /* position behind it */
};

/**
 * ring_map_open - map a ring
 * @fd: (borrowed, during the call) of the map, or of anything with its layout
 * @bytes: max_entries of the map: a power of two, at least a page
 * @ret: (output) to be given to ring_map_close(); untouched on failure
 *
 * Return: 0; -EINVAL: @bytes; -errno of mmap.
 */
int ring_map_open(int fd, size_t bytes, struct ring_map **ret);
/* NULL-safe, sets *map to NULL. Takes nothing. */
void ring_map_close(struct ring_map **map);

/* Where the first record stands that was not taken. */
uint64_t ring_map_position(const struct ring_map *map);

/**
 * ring_map_peek - look at the record at a position
 * @at: ring_map_position(), or struct ring_record.next of a record behind it
 * @ret: (output) what the header says; untouched for RING_EMPTY and RING_BROKEN
 *
 * Everything in the header is checked against the ring's size and the producers' position before it is believed.
 * Does not block, makes no system call. A record that wraps and is longer than RING_MAP_WRAPPED_BYTES is RING_BROKEN.
 */
enum ring_state ring_map_peek(struct ring_map *map, uint64_t at, struct ring_record *ret);

/* Takes everything before position to, which ring_map_peek() has given; gives the room back to the producers. */
void ring_map_take(struct ring_map *map, uint64_t to);
/* Takes everything there is, without looking: the way out of RING_BROKEN. The bytes skipped. */
uint64_t ring_map_skip_all(struct ring_map *map);

/* Whole records that were not taken. Walks them: O(records). */
uint64_t ring_map_count(const struct ring_map *map);

#endif
