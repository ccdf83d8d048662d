/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stream share: the loaded programs behind one small interface. */
#ifndef ENFORCER_STREAM_INTERNAL_H
#define ENFORCER_STREAM_INTERNAL_H

#include "enforcer/stream.h"

struct stream_kernel;

/* What is loaded and attached; borrowed memory that the programs read. */
struct stream_kernel_view {
	uint32_t *wants;	  /* [_HF_DETECT_MAX] */
	uint32_t *own_tgid, *lose_every;
	const struct hf_detect_share *shares;	  /* [HF_DETECT_SHARES] */
	uint8_t (*classes)[_HF_DETECT_SHAPE_MAX]; /* [_HF_DETECT_MAX] */
	int ring_fd, count_fd, unseen_fd, prefixes_fd, names_fd;
	size_t ring_bytes;
};

/* Loads and attaches; the table of system calls is filled, nothing is wanted yet. 0 or -errno with a sentence. */
int stream_kernel_open(size_t ring_bytes, int tasks_fd, struct stream_kernel **ret, char *reterr, size_t reterr_bytes);
void stream_kernel_close(struct stream_kernel **kernel); /* NULL-safe */
void stream_kernel_view(const struct stream_kernel *kernel, struct stream_kernel_view *ret);
/* Sums a per-CPU value of n 64-bit words. 0 or -errno. */
int stream_kernel_sum(int fd, uint32_t key, uint64_t *sums, size_t n);

/* What stands in the kernel's maps of prefixes and names. */
struct stream_covers;
/* Contracts: stream_narrow(). @covers: NULL at first, to be given to stream_covers_free(). */
int stream_covers_put(struct stream_covers **covers, const struct stream_kernel_view *view,
		      const struct stream_classes *classes, const struct stream_cover *new, size_t n);
void stream_covers_tell_all(const struct stream_kernel_view *view);
void stream_covers_free(struct stream_covers **covers); /* NULL-safe */

/* The rows of this architecture's system calls, and of its 32-bit ones. */
void stream_calls_fill(struct hf_detect_switches *switches);
/* stream_calls_compat.c: number of a 32-bit call -> type; HF_DETECT_NONE. */
enum hf_detect_type stream_calls_compat(unsigned int number);
#define STREAM_SOCKETCALL 102 /* 32-bit: all calls of sockets in one */

#endif
