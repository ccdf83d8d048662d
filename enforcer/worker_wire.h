/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon, its spawner and the children say to each other, over SEQPACKET sockets.
 *
 * Owns: the layout, packing and unpacking. Must not know: processes, what a message leads to. A child reads hostile files
 * and counts as hostile itself: unpacking believes nothing that it did not check. Both ends are one program, so the
 * layout has no version.
 */
#ifndef ENFORCER_WORKER_WIRE_H
#define ENFORCER_WORKER_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imagedb/imagedb.h"

#define WORKER_MAGIC 0x48665731u
#define WORKER_FILES_MAX 16 /* files, and so descriptors, of a packet: few switches between the two sides, few in flight */
#define WORKER_NEEDED_MAX 128 /* DT_NEEDED names of a file; imagedb gives no more */
#define WORKER_PACKET_BYTES (96u << 10) /* the longest path that imagedb reports and all the rest of one file */
#define WORKER_FDS_MAX WORKER_FILES_MAX

/* Daemon to spawner. */
enum spawner_order {
	SPAWNER_START, /* a new child; its socket comes back */
	SPAWNER_END,   /* ends the child if it lives, and tells how it ended */
	_SPAWNER_ORDER_MAX
};

struct spawner_request {
	uint32_t magic;
	uint32_t number; /* comes back in the answer */
	uint32_t order;
	uint32_t background; /* START: at the lowest priority of CPU and disk */
	int32_t pid;	     /* END: of START's answer */
	uint32_t pad;
};

struct spawner_answer {
	uint32_t magic;
	uint32_t number;
	int32_t err;
	int32_t pid;
	int32_t status; /* END: as waitpid gives it, when ended */
	uint32_t ended;
};

/* Daemon to child: one packet with one descriptor, then path_bytes of path. */
enum worker_task {
	WORKER_SCAN, /* descriptor: a root; answers FILES until END */
	WORKER_OPEN, /* descriptor: a root; path: several, each with its NUL; answers FILES until END */
	WORKER_HASH, /* descriptor: a root; path: one file's, or empty: the descriptor is the file; answers DIGEST */
	_WORKER_TASK_MAX
};

#define WORKER_HASH_NO_CAPABILITIES 0x1u /* a file that has some is refused: -EPERM */

struct worker_request {
	uint32_t magic;
	uint32_t task;
	uint32_t flags; /* SCAN: IMAGEDB_SCAN_*; HASH: WORKER_HASH_* */
	uint32_t path_bytes;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC, 0 none */
	uint64_t ino;	      /* HASH: what the file must be; 0: any */
	uint64_t size;
	uint64_t ctime_ns;
	uint64_t max_bytes; /* HASH: longer files are refused */
};

enum worker_answer_kind {
	WORKER_FILES, /* count records, each with its descriptor */
	WORKER_END,   /* err, stats */
	WORKER_DIGEST, /* err, digest */
	_WORKER_ANSWER_KIND_MAX
};

struct worker_answer {
	uint32_t magic;
	uint32_t kind;
	uint32_t count;
	int32_t err;
};

struct worker_stats {
	uint64_t entries, directories, regular_files, bytes, candidates, unreadable;
	uint32_t complete, reason;
};

struct worker_digest {
	uint64_t size;
	uint8_t xxh3_128[IMAGEDB_XXH3_BYTES];
	uint8_t sha256[IMAGEDB_SHA256_BYTES];
};

/* A packet while it is filled or taken apart. */
struct worker_packet {
	_Alignas(8) char bytes[WORKER_PACKET_BYTES];
	size_t used;
	int fds[WORKER_FDS_MAX];
	size_t n_fds;
};

/* A file taken from a packet; file points into it and into the packet. */
struct worker_file {
	struct imagedb_file file;
	struct imagedb_elf_details elf;
	const char *needed[WORKER_NEEDED_MAX];
};

/* Empties a packet of FILES; its descriptors are closed. */
void worker_packet_clear(struct worker_packet *packet);

/**
 * worker_packet_add - append a file
 * @packet: of FILES, or cleared
 * @file: (borrowed)
 * @fd: (taken on success) its descriptor
 *
 * Return: 0; -ENOSPC: send it and try again; -EMSGSIZE: too long for an empty one too.
 */
int worker_packet_add(struct worker_packet *packet, const struct imagedb_file *file, int fd);

/**
 * worker_packet_next - take the next file of a received packet
 * @packet: (borrowed) received: used bytes and n_fds descriptors are valid
 * @at: offset to go on at, 0 at first
 * @index: which file it is, from 0
 * @ret: (output) file.fd is borrowed from the packet
 *
 * Return: 0; -EPROTO: the packet does not hold together.
 */
int worker_packet_next(const struct worker_packet *packet, size_t *at, size_t index, struct worker_file *ret);

/* Whether a path is one that a scan can give: relative, without empty, "." and ".." components. */
bool worker_path_is_sane(const char *path, size_t bytes);

/**
 * worker_send - one packet with descriptors
 * @sock: SEQPACKET
 * @parts: (borrowed) its parts, one after the other
 * @bytes: their lengths
 * @n_parts: at most 2
 * @fds: (borrowed) n_fds of them, at most WORKER_FDS_MAX
 *
 * Blocks while the other side does not read, unless the socket is non-blocking. Return: 0; -EPIPE: nobody is there; -errno.
 */
int worker_send(int sock, const void *const *parts, const size_t *bytes, size_t n_parts, const int *fds, size_t n_fds);

/**
 * worker_receive - one packet
 * @sock: SEQPACKET
 * @packet: (output) cleared first; descriptors are the caller's
 * @deadline_ns: CLOCK_MONOTONIC, 0: wait without end
 * @cancel: (borrowed) may be NULL: gives up soon after it becomes true
 *
 * Return: 0; -EPIPE: the other side has gone; -ETIMEDOUT; -ECANCELED; -EPROTO: more than fits; -errno.
 */
int worker_receive(int sock, struct worker_packet *packet, uint64_t deadline_ns, const atomic_bool *cancel);

#endif
